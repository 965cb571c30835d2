"""Faults of lguest's host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from vmirom.conform.faults.fault import Fault, HostPatch

__all__ = ["FAULTS"]

_IF: Final = 0x200
_YEAR_NS: Final = 365 * 86400 * 10**9


def _lguest(
    name: str, sentence: str, breaks: tuple[str, ...], target: str, make: Callable[[Any], Any]
) -> Fault:
    patch = HostPatch(f"hypervisors.lguest.{target}", make)
    return Fault(f"lguest-host-{name}", sentence, "lguest", breaks, patch)


def _nothing(original: Any) -> Any:
    return lambda *arguments, **named: None


def _words_swapped(original: Any) -> Any:
    """Of the users' segments that have a base: a kernel that can't load its own is entered by nobody."""

    def load(self: Any, index: int, low: int, high: int) -> None:
        users = high & 0x6000 == 0x6000 and (low >> 16 or high & 0xFF0000FF)
        original(self, index, *((high, low) if users else (low, high)))

    return load


def _another_bit(original: Any) -> Any:
    return lambda self, index, low, high: original(self, index, low, high | 0x100000)


def _limit_cut(original: Any) -> Any:
    """Flat segments end 1 MiB before 16 MiB of guest memory do."""

    def load(self: Any, index: int, low: int, high: int) -> None:
        if low & 0xFFFF == 0xFFFF and high & 0xF0000 == 0xF0000:
            low, high = low & ~0xFFFF | 0x0EFF, high & ~0xF0000 | 0xC0000
        original(self, index, low, high)

    return load


def _always_trap_gate(original: Any) -> Any:
    def load(self: Any, vector: int, low: int, high: int) -> None:
        original(self, vector, low, high | 0x100)

    return load


def _enabled_seen(original: Any) -> Any:
    """What ``reflect`` finds in irq_enabled is on."""

    def reflect(self: Any, gate: Any, error: Any) -> None:
        if self.data is not None:
            self.data.fields.irq_enabled = _IF
        original(self, gate, error)

    return reflect


def _never_enabled(original: Any) -> Any:
    def reflect(self: Any, gate: Any, error: Any) -> None:
        before = None if self.data is None else int(self.data.fields.irq_enabled)
        if self.data is not None:
            self.data.fields.irq_enabled = 0
        original(self, gate, error)
        if self.data is not None and gate.trap:
            self.data.fields.irq_enabled = before

    return reflect


def _error_zero(original: Any) -> Any:
    return lambda self, gate, error: original(self, gate, None if error is None else 0)


def _always_wanted(original: Any) -> Any:
    return lambda self: True


def _late(original: Any) -> Any:
    return lambda self, delta: original(self, delta * 2)


def _entry_behind(original: Any) -> Any:
    return lambda self, top, gva, entry: original(self, top, gva + 0x1000, entry)


def _wall_on(original: Any) -> Any:
    return lambda self, wall: original(self, wall + _YEAR_NS)


def _clean_never(original: Any) -> Any:
    return lambda self, gpa, size, value: original(self, gpa, size, value & ~0x60)


FAULTS: Final[tuple[Fault, ...]] = (
    _lguest(
        "descriptor-words-swapped",
        "LOAD_GDT_ENTRY swaps the two words",
        ("VMI-DT-05",),
        "segments:SegmentTable.load",
        _words_swapped,
    ),
    _lguest(
        "descriptor-bit",
        "LOAD_GDT_ENTRY sets the bit that is left to software",
        ("VMI-NEG-03",),
        "segments:SegmentTable.load",
        _another_bit,
    ),
    _lguest(
        "limits-cut",
        "LOAD_GDT_ENTRY cuts limits below the guest's own memory",
        ("VMI-NEG-04", "VMI-DT-08"),
        "segments:SegmentTable.load",
        _limit_cut,
    ),
    _lguest(
        "trap-gates",
        "every gate leaves interrupts on",
        ("VMI-DT-13",),
        "interrupts:Interrupts.load_gate",
        _always_trap_gate,
    ),
    _lguest(
        "frame-if-set",
        "frames show IF set, always",
        ("VMI-IRQ-10",),
        "interrupts:Interrupts.reflect",
        _enabled_seen,
    ),
    _lguest(
        "frame-if-clear",
        "frames show IF clear, always",
        ("VMI-IRQ-10",),
        "interrupts:Interrupts.reflect",
        _never_enabled,
    ),
    _lguest(
        "error-code-zero", "error codes are 0", ("VMI-DT-13",), "interrupts:Interrupts.reflect", _error_zero
    ),
    _lguest(
        "interrupts-unwanted",
        "interrupts come although they are off",
        ("VMI-IRQ-06",),
        "data:LguestData.interrupts_wanted",
        _always_wanted,
    ),
    _lguest(
        "alarm-late", "SET_CLOCKEVENT takes twice the time", ("VMI-TIME-15",), "clock:ClockEvent.set", _late
    ),
    _lguest(
        "set-pte-lost",
        "SET_PTE does nothing",
        ("VMI-MMU-07",),
        "page_tables:ShadowTables.set_entry",
        _nothing,
    ),
    _lguest(
        "set-pte-behind",
        "SET_PTE changes the entry behind",
        ("VMI-MMU-07",),
        "page_tables:ShadowTables.set_entry",
        _entry_behind,
    ),
    _lguest(
        "clear-lost",
        "no shadow is ever dropped as a whole",
        ("VMI-MMU-12",),
        "page_tables:ShadowTables.clear",
        _nothing,
    ),
    _lguest(
        "stack-kept", "SET_STACK does nothing", ("VMI-DT-15",), "hypercalls:Hypercalls._set_stack", _nothing
    ),
    _lguest("task-switched-lost", "TS does nothing", ("VMI-CPU-08",), "hypercalls:Hypercalls._ts", _nothing),
    _lguest(
        "wall-a-year-on",
        "the wall clock is a year ahead",
        ("VMI-TIME-01",),
        "data:LguestData.write_time",
        _wall_on,
    ),
    _lguest(
        "bits-lost",
        "accessed and dirty bits do not reach the guest's entries",
        ("VMI-ENTRY-08",),
        "guest_memory:GuestMemory.put_entry",
        _clean_never,
    ),
    _lguest("halt-lost", "HALT does nothing", ("VMI-IRQ-11",), "hypercalls:Hypercalls._halt", _nothing),
)
