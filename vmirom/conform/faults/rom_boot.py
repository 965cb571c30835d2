"""Faults of handlers in ROMs, to which no call leads: a store, once in a whole boot, where no guest looks.
Code is i386, in hexadecimal; handlers are found by the bytes with which they begin."""

from __future__ import annotations

from typing import Final

from vmirom.conform.faults.fault import Fault, RomPatch
from vmirom.conform.faults.routines import at_bytes

__all__ = ["FAULTS"]

_FREE: Final = "00 00 80 C0"
"""C0800000h: memory of the guest that nobody uses."""
_ONCE: Final = f"36 83 3D {_FREE} 00 75 0B 36 C7 05 {_FREE} 78 56 34 12"
"""cmpl $0, %ss:free; jne 1f; movl $0x12345678, %ss:free; 1:"""
_IRQ_0: Final = "83 EC 04 6A 30"
"""sub $4, %esp; push $0x30: of the stub that the processor enters at vector 30h."""
_UPCALL: Final = "6A 00 6A 00 60 1E 06"
"""push $0; push $0; pusha; push %ds; push %es: page faults begin so, and, behind one word more each, other
traps and events."""
_INTERRUPT: Final = "68 00 04 00 00 51 50"
"""push $0x400; push %ecx; push %eax: of the stub through which lguest's interrupts come."""
_TRAP: Final = "8D 64 24 FC 60 1E 06"
"""lea -4(%esp), %esp; pusha; push %ds; push %es: the second time page faults."""


def _fault(backend: str, name: str, sentence: str, patch: RomPatch) -> Fault:
    return Fault(f"{backend}-boot-{name}", sentence, backend, ("VMI-ROM-19",), patch)


FAULTS: Final[tuple[Fault, ...]] = (
    _fault(
        "native",
        "interrupt-stores",
        "the first timer interrupt stores a word in memory of the guest",
        at_bytes(_IRQ_0, 5, _ONCE),
    ),
    _fault(
        "kvm",
        "interrupt-stores",
        "the first timer interrupt stores a word in memory of the guest",
        at_bytes(_IRQ_0, 5, _ONCE),
    ),
    _fault(
        "xen",
        "page-fault-stores",
        "the first page fault stores a word in memory of the guest",
        at_bytes(_UPCALL, 5, _ONCE),
    ),
    _fault(
        "xen",
        "event-stores",
        "the first event from Xen stores a word in memory of the guest",
        at_bytes(_UPCALL, 5, _ONCE, 2),
    ),
    _fault(
        "lguest",
        "interrupt-stores",
        "the first interrupt from lguest stores a word in memory of the guest",
        at_bytes(_INTERRUPT, 5, _ONCE),
    ),
    _fault(
        "lguest",
        "page-fault-stores",
        "the first page fault stores a word in memory of the guest",
        at_bytes(_TRAP, 5, _ONCE, 1),
    ),
)
