"""Where a ROM may store: its own state, the stack below its caller, what the call's arguments name.

The state pages, and what is not the guest's memory (a hypervisor's page, frames that a ROM got for itself),
are left out by the stand already. In the guest's page tables a ROM may set accessed and dirty bits, as the
processor does, and nothing else. Every other store is a stray one, and one to the ROM's image is wrong on
real machines, which lock it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from vmirom.conform.hostside.activations import STACK_DEPTH
from vmirom.conform.hostside.arguments import Span
from vmirom.conform.hostside.made import Made, Store
from vmirom.conform.hostside.stand import Stand
from vmirom.conform.model.arena import LINEAR
from vmirom.schema.calls import Call

__all__ = ["TSS_STACK", "guest_stores", "marks_entry", "strays", "to_itself"]

_ACCESSED, _DIRTY, _PRESENT = 0x20, 0x40, 1
TSS_STACK: Final = 12
"""Bytes at the beginning of a TSS that name the kernel's stack."""


@dataclass(frozen=True, slots=True)
class _Range:
    start: int
    end: int

    def holds(self, store: Store) -> bool:
        return store.gpa is not None and self.start <= store.gpa and store.gpa + store.size <= self.end


def strays(stand: Stand, call: Call, made: Made, named: Sequence[Span]) -> Iterator[str]:
    """Stores of a call that was made which go where they may not, not counting those to the ROM itself."""
    spans = [_stack(made, call.stack_bytes), *named, *_of_processor(stand, call)]
    yield from _outside(stand, made, spans)


def guest_stores(stand: Stand, made: Made) -> list[str]:
    """Stores of vmi_init or get_reloc, which are given nothing to store to, in the guest's memory or the
    ROM."""
    return [*_outside(stand, made, [_stack(made, 0)]), *to_itself(stand, made)]


def _stack(made: Made, arguments: int) -> Span:
    return Span(made.before.esp - 4 - STACK_DEPTH, STACK_DEPTH + 4 + arguments)


def _outside(stand: Stand, made: Made, spans: Sequence[Span]) -> Iterator[str]:
    starts = [span.start - LINEAR & 0xFFFFFFFF for span in spans]
    ranges = [_Range(start, start + span.length) for start, span in zip(starts, spans, strict=True)]
    for store in made.stores:
        if store.gpa is None or _in_rom(stand, store) or any(one.holds(store) for one in ranges):
            continue
        if not marks_entry(store.value, store.old):
            yield _words(stand, store)


def to_itself(stand: Stand, made: Made) -> Iterator[str]:
    """Stores to the ROM's image."""
    for store in made.stores:
        if _in_rom(stand, store):
            yield _words(stand, store)


def _words(stand: Stand, store: Store) -> str:
    where = stand.place(store.eip) or f" ({store.eip:08X})"
    return f"{store.size} bytes, {store.value:X}, to gpa {store.gpa:X}{where}"


def _in_rom(stand: Stand, store: Store) -> bool:
    start = stand.rom - LINEAR
    return store.gpa is not None and start <= store.gpa < start + stand.image.length


def _of_processor(stand: Stand, call: Call) -> Iterator[Span]:
    """The stack that the live TSS names, where the call is about it."""
    if call.name == "UpdateKernelStack":
        yield Span(stand.engine.task_register().base, TSS_STACK)


def marks_entry(value: int, old: int) -> bool:
    """Whether a store of ``value`` over ``old`` only says of an entry that is present that it was used."""
    return bool(old & _PRESENT) and not (value ^ old) & ~(_ACCESSED | _DIRTY)
