"""An embedded lguest host, 2.6.32 or 2.6.35.

A stock Linux boots on it, but its programs do not always fare well under load (docs/hosts/lguest.md).

Left out, and how it answers: input on the console, and virtio devices that the launcher's options would add;
Linux's switcher code (its page is empty). NOTIFY of a string prints at most a MiB. A guest that halts with
nothing left to wake it ends its run instead of sleeping.

What the real host does wrongly it does wrongly here too (lguest.md section 14), and two things more: a
SET_PTE of a clean writable entry goes in writable, so its dirty bit is lost, and an instruction fetch from a
page that the guest's entry calls no-execute is filled and faults for ever.
"""

from __future__ import annotations

from typing import Final

from vmirom.hypervisors.hypervisor import Console, LoadError, Trace
from vmirom.hypervisors.lguest.lguest import EngineFactory, Lguest
from vmirom.hypervisors.lguest.release import RELEASES
from vmirom.machine.phase import in_phase

__all__ = ["PAGING", "VARIES", "Lguest", "make"]

PAGING: Final = {"pae": True, "two-level": False}

VARIES: Final = {"release": tuple(RELEASES), "stable_tsc": (True, False)}
"""Options of :func:`make` that a campaign may choose, and from what."""


def make(
    engine_factory: EngineFactory,
    memory_mib: int,
    console: Console,
    trace: Trace,
    *,
    paging: str = "pae",
    release: str = "2.6.35",
    seed: int = 0,
    initrd: bytes = b"",
    stable_tsc: bool = True,
    phase: int = 0,
) -> Lguest:
    """One machine; the options are those of :class:`Lguest`, ``paging`` is a key of PAGING: what the host's
    kernel was built for, and ``phase`` says where it is looked what is due. Raises LoadError for a bad one.
    """
    if paging not in PAGING:
        raise LoadError(f"paging: {paging!r} is not one of {', '.join(PAGING)}")
    return Lguest(
        in_phase(engine_factory, phase),
        memory_mib,
        console,
        trace,
        pae=PAGING[paging],
        release=release,
        seed=seed,
        initrd=initrd,
        stable_tsc=stable_tsc,
    )
