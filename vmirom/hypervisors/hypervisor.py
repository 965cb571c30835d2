"""What a hypervisor is: something that loads a bundle by its boot protocol and answers the guest.

A hypervisor is given an engine and drives it: deliver what is pending, run, look at the exit, answer.
It ends with an :class:`Ending`; a misbehaving guest is an ending too, never an exception.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Console", "EndKind", "Ending", "Hypervisor", "LoadError", "NoTrace", "Trace"]

Console = Callable[[bytes], None]
"""Receives what the guest prints, in order."""


class LoadError(Exception):
    """A bundle that this hypervisor's boot protocol refuses; one line: field and rule."""


class EndKind(enum.Enum):
    """How a run ended."""

    SHUTDOWN = "shutdown"  # the guest powered off; `status` may be set through the exit port
    REBOOT = "reboot"
    CRASH = "crash"  # the hypervisor killed the guest, or a triple fault
    BUDGET = "budget"  # the run took longer than it was allowed to


@dataclass(frozen=True, slots=True)
class Ending:
    """``reason`` is one line for the user; ``status`` is the guest's exit status or None."""

    kind: EndKind
    reason: str
    status: int | None = None


class Trace(Protocol):
    """Where a hypervisor tells what it did. All methods must be cheap."""

    def hypercall(self, name: str, arguments: tuple[int, ...], result: int | None, why: str = "") -> None:
        """One hypercall; ``why`` says in a few words why it was refused, else empty."""

    def event(self, kind: str, detail: str) -> None:
        """Anything else worth a line: ``interrupt``, ``trap``, ``timer``, ``kill``, ``device``."""


class NoTrace:
    """A trace that forgets everything but the number of hypercalls."""

    def __init__(self) -> None:
        self.hypercalls = 0

    def hypercall(self, name: str, arguments: tuple[int, ...], result: int | None, why: str = "") -> None:
        self.hypercalls += 1

    def event(self, kind: str, detail: str) -> None:
        pass


class Hypervisor(Protocol):
    """One virtual machine on one embedded hypervisor.

    Made by a factory ``make(engine_factory, memory_mib, console, trace, **options)`` that each module
    offers; ``engine_factory(Memory) -> Engine``.
    """

    name: str

    def load(self, bundle: bytes, command_line: str = "") -> None:
        """Place the bundle by the boot protocol and set the first state. Raises LoadError."""

    def run(self, deadline_ns: int) -> Ending:
        """Run to the end, or to the deadline, a time of its engine's clock."""

    def pfn_of(self, frame: int) -> int | None:
        """Guest-physical frame that a physical frame of the engine is; None for one that is not the
        guest's."""

    def describe(self) -> str:
        """Registers and last address as a few lines, for reports of crashes."""
