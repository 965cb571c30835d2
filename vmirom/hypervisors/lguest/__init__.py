"""An embedded lguest host, 2.6.32 or 2.6.35.

Left out, and how it answers: virtio devices and the console device among them (the descriptor page ends the
list at once, a NOTIFY prints a string or ends the launcher); Linux's switcher code (its page is empty).
What the real host does wrongly it does wrongly here too (lguest.md section 14), and more: an instruction
fetch from a page that the guest's entry calls no-execute faults for ever, since the host never reflects a
fault that the tables can fill.
"""

from __future__ import annotations

from vmirom.hypervisors.hypervisor import Console, Trace
from vmirom.hypervisors.lguest.lguest import EngineFactory, Lguest

__all__ = ["Lguest", "make"]


def make(
    engine_factory: EngineFactory,
    memory_mib: int,
    console: Console,
    trace: Trace,
    *,
    pae: bool = True,
    release: str = "2.6.35",
    seed: int = 0,
    initrd: bytes = b"",
    stable_tsc: bool = True,
) -> Lguest:
    """One machine; the options are those of :class:`Lguest`. Raises LoadError for a bad one."""
    return Lguest(
        engine_factory,
        memory_mib,
        console,
        trace,
        pae=pae,
        release=release,
        seed=seed,
        initrd=initrd,
        stable_tsc=stable_tsc,
    )
