"""What a machine looked like at the moment when something went wrong: plain values, so that they travel
between processes and into reports.
"""

from __future__ import annotations

from dataclasses import dataclass

from vmirom.trace.recent import Step

__all__ = ["Scene", "Site"]


@dataclass(frozen=True, slots=True)
class Site:
    """A place in the guest's or the ROM's code. ``code`` are the bytes from ``start`` on in hexadecimal;
    ``place`` is what is known of it: a routine of the ROM, or ``guest``, or empty."""

    gva: int
    start: int
    code: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """``line`` is the line that the guest had just printed, empty for the end of a run. ``sites`` begin with
    the next instruction, and go on with return addresses found on the stack, innermost first. ``registers``
    are lines as the hypervisor writes them, ``steps`` the last calls and hypercalls, oldest first."""

    line: str
    registers: str
    sites: tuple[Site, ...] = ()
    steps: tuple[Step, ...] = ()
