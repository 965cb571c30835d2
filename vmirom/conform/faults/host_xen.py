"""Faults of Xen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from vmirom.conform.faults.fault import Fault, HostPatch

__all__ = ["FAULTS"]

_IF: Final = 0x200
_YEAR_S: Final = 365 * 86400


def _xen(name: str, sentence: str, breaks: tuple[str, ...], target: str, make: Callable[[Any], Any]) -> Fault:
    return Fault(f"xen-host-{name}", sentence, "xen", breaks, HostPatch(f"hypervisors.xen.{target}", make))


def _nothing(original: Any) -> Any:
    return lambda *arguments, **named: None


def _zero(original: Any) -> Any:
    return lambda *arguments, **named: 0


def _mask_ignored(original: Any) -> Any:
    def upcall_pending(self: Any, port: int) -> None:
        original(self, port)
        self.domain.shared.vcpu.evtchn_upcall_mask = 0

    return upcall_pending


def _stays_masked(original: Any) -> Any:
    def iret(self: Any) -> None:
        before = int(self.domain.shared.vcpu.evtchn_upcall_mask)
        original(self)
        self.domain.shared.vcpu.evtchn_upcall_mask = before

    return iret


def _words_swapped(original: Any) -> Any:
    """Of the users' segments that have a base: a kernel that can't load its own is entered by nobody."""

    def update(self: Any, maddr: int, low: int, high: int) -> Any:
        users = high & 0x6000 == 0x6000 and (low >> 16 or high & 0xFF0000FF)
        return original(self, maddr, *((high, low) if users else (low, high)))

    return update


def _never_masks(original: Any) -> Any:
    def set_table(self: Any, at: int) -> int:
        answer = int(original(self, at))
        for vector, gate in enumerate(self.gates):
            if gate is not None:
                self.gates[vector] = type(gate)(gate.cs, gate.eip, gate.dpl, False)
        return answer

    return set_table


def _gates_open(original: Any) -> Any:
    def set_table(self: Any, at: int) -> int:
        answer = int(original(self, at))
        for vector, gate in enumerate(self.gates):
            if gate is not None:
                self.gates[vector] = type(gate)(gate.cs, gate.eip, 3, gate.masks)
        return answer

    return set_table


def _level_1(original: Any) -> Any:
    """Whatever brings the processor to the kernel, it then has this IOPL."""

    def enter(self: Any, cs: Any, ss: Any, esp: int, eip: int) -> None:
        original(self, cs, ss, esp, eip)
        if cs.selector & 3 == 1:
            self.eflags |= 0x1000

    return enter


def _flag_off(original: Any) -> Any:
    def set_table(self: Any, at: int) -> int:
        answer = int(original(self, at))
        self.domain.engine.eflags &= ~_IF
        return answer

    return set_table


def _stack_higher(original: Any) -> Any:
    def iret(self: Any) -> None:
        original(self)
        if self.domain.engine.cpl == 3:
            self.domain.engine.esp += 4

    return iret


def _level_taken(original: Any) -> Any:
    def iret(self: Any) -> None:
        original(self)
        self.domain.engine.eflags |= 0x3000

    return iret


def _executable(original: Any) -> Any:
    return lambda self, pointer, value, domid: original(self, pointer, value & ~(1 << 63), domid)


def _address_of_page(original: Any) -> Any:
    return lambda self, address, error: original(self, address & ~0xFFF, error)


def _error_zero(original: Any) -> Any:
    return lambda self, address, error: original(self, address, 0)


def _frame_shows_if(original: Any) -> Any:
    def push(self: Any, cs: int, eip: int, error: Any, masks: bool, *rest: Any) -> None:
        info = self.domain.shared.vcpu
        before = int(info.evtchn_upcall_mask)
        info.evtchn_upcall_mask = 0
        try:
            original(self, cs, eip, error, masks, *rest)
        finally:
            if before:
                info.evtchn_upcall_mask = before

    return push


def _frame_off(original: Any) -> Any:
    def update(self: Any, pointer: int, value: int, domid: int) -> None:
        original(self, pointer, value + 0x1000 if value & 1 and pointer & 3 == 0 else value, domid)

    return update


def _year_on(original: Any) -> Any:
    def begin(self: Any) -> None:
        original(self)
        self._shared.page.wc_sec += _YEAR_S

    return begin


def _half(original: Any) -> Any:
    def scale(hz: int) -> tuple[int, int]:
        mul, shift = original(hz)
        return mul // 2, shift

    return scale


FAULTS: Final[tuple[Fault, ...]] = (
    _xen(
        "timer-event-lost",
        "no virtual interrupt of the timer is raised",
        ("VMI-TIME-15",),
        "events:Events.raise_virq",
        _nothing,
    ),
    _xen(
        "upcall-while-masked",
        "an event clears the upcall mask",
        ("VMI-IRQ-06",),
        "events:Events.raise_port",
        _mask_ignored,
    ),
    _xen(
        "iret-stays-masked",
        "IRET leaves the upcall mask as it is",
        ("VMI-RET-02",),
        "traps:Traps.iret",
        _stays_masked,
    ),
    _xen(
        "descriptor-words-swapped",
        "update_descriptor swaps the two words",
        ("VMI-DT-05",),
        "segments:Segments.update_descriptor",
        _words_swapped,
    ),
    _xen("ldt-ignored", "MMUEXT_SET_LDT does nothing", ("VMI-DT-14",), "segments:Segments.set_ldt", _nothing),
    _xen(
        "gates-never-mask",
        "trap-table entries never mask events",
        ("VMI-DT-13",),
        "traps:Traps.set_table",
        _never_masks,
    ),
    _xen("stack-kept", "stack_switch does nothing", ("VMI-DT-15",), "traps:Traps.set_stack", _zero),
    _xen(
        "cr2-of-page",
        "the fault address is that of the page",
        ("VMI-CPU-06",),
        "traps:Traps.inject_fault",
        _address_of_page,
    ),
    _xen(
        "fault-error-zero",
        "page faults have error code 0",
        ("VMI-CPU-06",),
        "traps:Traps.inject_fault",
        _error_zero,
    ),
    _xen(
        "frame-if-set",
        "frames show IF set, always",
        ("VMI-IRQ-10",),
        "traps:Traps._push_frame",
        _frame_shows_if,
    ),
    _xen(
        "frame-off-by-one",
        "mmu_update installs the frame behind",
        ("VMI-MMU-07",),
        "mmu:Mmu._update_one",
        _frame_off,
    ),
    _xen(
        "tlb-kept",
        "MMUEXT flushes drop no translation",
        ("VMI-MMU-12", "VMI-MMU-13"),
        "mmu:Mmu._flush",
        _nothing,
    ),
    _xen(
        "no-execute-lost",
        "mmu_update forgets that a page can't be executed",
        ("VMI-ENTRY-07",),
        "mmu:Mmu._update_one",
        _executable,
    ),
    _xen(
        "gates-open",
        "user code may use every gate",
        ("VMI-INIT-10",),
        "traps:Traps.set_table",
        _gates_open,
    ),
    Fault(
        "xen-host-level-1",
        "the kernel has IOPL 1, which is its own level",
        "xen",
        ("VMI-INIT-07", "VMI-NEG-02", "VMI-NEG-08"),
        HostPatch("machine.unicorn.state:State.enter", _level_1),
    ),
    _xen(
        "flag-off",
        "the hardware's interrupt flag is off in the kernel",
        ("VMI-IRQ-09", "VMI-NEG-10"),
        "traps:Traps.set_table",
        _flag_off,
    ),
    _xen(
        "user-stack-higher",
        "IRET to user code leaves ESP 4 bytes above the frame's",
        ("VMI-RET-01",),
        "traps:Traps.iret",
        _stack_higher,
    ),
    _xen("level-taken", "IRET gives IOPL 3", ("VMI-RET-03",), "traps:Traps.iret", _level_taken),
    _xen("wall-a-year-on", "the wall clock is a year ahead", ("VMI-TIME-01",), "clock:Clock.begin", _year_on),
    _xen("clock-half", "system time runs at half the speed", ("VMI-TIME-05",), "clock:time_scale", _half),
)
