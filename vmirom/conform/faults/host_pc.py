"""Faults of the PC under the native and KVM backends, and of KVM itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from vmirom.conform.faults.fault import Fault, HostPatch

__all__ = ["FAULTS"]

_IF: Final = 0x200
_YEAR_S: Final = 365 * 86400
_LATE: Final = 64
_WAITING: dict[int, list[int]] = {}
"""Bytes that a late 16550 holds back, by its id: one process has one fault."""


def _nothing(original: Any) -> Any:
    return lambda *arguments, **named: None


def _native(
    name: str, sentence: str, breaks: tuple[str, ...], target: str, make: Callable[[Any], Any]
) -> Fault:
    return Fault(f"native-host-{name}", sentence, "native", breaks, HostPatch(target, make))


def _kvm(
    name: str,
    sentence: str,
    breaks: tuple[str, ...],
    target: str,
    make: Callable[[Any], Any],
    era: str = "2026",
) -> Fault:
    return Fault(f"kvm-host-{name}", sentence, "kvm", breaks, HostPatch(target, make), {"host_era": era})


def _frame_without_if(original: Any) -> Any:
    def frame(self: Any, event: Any, eip: int, flags: int, inner: bool, virtual: bool) -> Any:
        return original(self, event, eip, flags & ~_IF, inner, virtual)

    return frame


def _frame_further_on(original: Any) -> Any:
    def frame(self: Any, event: Any, eip: int, flags: int, inner: bool, virtual: bool) -> Any:
        return original(self, event, eip + (event.error is None), flags, inner, virtual)

    return frame


def _always_trap_gate(original: Any) -> Any:
    def gate(self: Any, event: Any) -> Any:
        found = original(self, event)
        return type(found)(found.selector, found.eip, True)

    return gate


def _error_zero(original: Any) -> Any:
    def frame(self: Any, event: Any, eip: int, flags: int, inner: bool, virtual: bool) -> Any:
        words = original(self, event, eip, flags, inner, virtual)
        if event.error is not None:
            words[0] = 0
        return words

    return frame


def _cr2_forgotten(original: Any) -> Any:
    def trap(self: Any, trap: Any) -> Any:
        if trap.vector == 14:
            self.engine.cr2 = 0
        return original(self, trap)

    return trap


def _stack_lower(original: Any) -> Any:
    def inner(self: Any, ring: int, ext: int) -> Any:
        ss, esp = original(self, ring, ext)
        return ss, esp - 16

    return inner


def _year_on(original: Any) -> Any:
    def fields(self: Any, now: Any) -> Any:
        return original(self, now.replace(year=now.year + 1, day=min(now.day, 28)))

    return fields


def _reads_zero(original: Any) -> Any:
    def port_in(self: Any, port: int, size: int) -> int:
        value = int(original(self, port, size))
        return 0 if value == (1 << 8 * size) - 1 and 0x2F8 <= port < 0x300 else value

    return port_in


def _never_idle(original: Any) -> Any:
    def read(self: Any, register: int) -> int:
        value = int(original(self, register))
        return value & ~0x60 if register == 5 else value

    return read


def _tilde_lost(original: Any) -> Any:
    def transmit(self: Any, value: int) -> None:
        if value != ord("~"):
            original(self, value)

    return transmit


def _late(original: Any) -> Any:
    """What is sent leaves when as much has come behind it."""

    def transmit(self: Any, value: int) -> None:
        late = _WAITING.setdefault(id(self), [])
        late.append(value)
        if len(late) > _LATE:
            original(self, late.pop(0))

    return transmit


def _mask_ignored(original: Any) -> Any:
    def next_line(self: Any) -> int | None:
        mask, self.mask = self.mask, self.mask & ~1
        try:
            return cast("int | None", original(self))
        finally:
            self.mask = mask

    return next_line


def _first_vector(original: Any) -> Any:
    def write(self: Any, value: int) -> None:
        before = self.vector
        original(self, value)
        if before:
            self.vector = before

    return write


def _roomy(original: Any) -> Any:
    def push(self: Any, ss: Any, esp: int, words: list[int], ring: int, error: int) -> int:
        self._read(esp - 64 & 0xFFFFFFFF, 4)
        return int(original(self, ss, esp, words, ring, error))

    return push


def _clock_fast(original: Any) -> Any:
    def scale(hz: int) -> tuple[int, int]:
        mul, shift = original(hz)
        return mul // 2, shift

    return scale


def _wall_a_year_on(original: Any) -> Any:
    def write(self: Any, value: int) -> bool:
        from vmirom.overlays.kvm import ffi

        done = bool(original(self, value))
        if done:
            self._memory.view(value, ffi, "struct pvclock_wall_clock").sec += _YEAR_S
        return done

    return write


FAULTS: Final[tuple[Fault, ...]] = (
    _native(
        "frame-if-clear",
        "frames show IF clear",
        ("VMI-IRQ-10",),
        "machine.delivery:Delivery._frame",
        _frame_without_if,
    ),
    _native(
        "frame-eip-off",
        "frames of interrupts and faults without a code show the next EIP",
        ("VMI-DT-13",),
        "machine.delivery:Delivery._frame",
        _frame_further_on,
    ),
    _native(
        "trap-gates",
        "every gate leaves interrupts on",
        ("VMI-DT-13",),
        "machine.delivery:Delivery._gate",
        _always_trap_gate,
    ),
    _native(
        "error-code-zero",
        "error codes are 0",
        ("VMI-DT-13",),
        "machine.delivery:Delivery._frame",
        _error_zero,
    ),
    _native(
        "cr2-forgotten",
        "page faults leave 0 in CR2",
        ("VMI-CPU-06",),
        "machine.delivery:Delivery.trap",
        _cr2_forgotten,
    ),
    _native(
        "stack-lower",
        "the kernel's stack begins 16 bytes lower",
        ("VMI-DT-15",),
        "machine.delivery:Delivery._inner_stack",
        _stack_lower,
    ),
    _native(
        "wall-a-year-on",
        "the CMOS clock is a year ahead",
        ("VMI-TIME-01",),
        "machine.devices.cmos:Cmos._fields",
        _year_on,
    ),
    _native(
        "empty-ports-zero",
        "ports where nobody answers read 0",
        ("VMI-CONS-08",),
        "machine.devices.bus:Bus.port_in",
        _reads_zero,
    ),
    _native(
        "transmitter-busy",
        "the line status never says that the transmitter is empty",
        ("VMI-CONS-02",),
        "machine.devices.uart:Uart._read_register",
        _never_idle,
    ),
    _native(
        "console-drops",
        "the 16550 drops a character",
        ("VMI-CONS-01",),
        "machine.devices.uart:Uart._transmit",
        _tilde_lost,
    ),
    _native(
        "console-late",
        "what was sent last before the end is lost",
        ("VMI-EXIT-02",),
        "machine.devices.uart:Uart._transmit",
        _late,
    ),
    _native(
        "mask-ignored",
        "a masked request of IRQ 0 is delivered",
        ("VMI-CONS-05",),
        "machine.devices.pic:_Chip.next",
        _mask_ignored,
    ),
    _native(
        "vector-kept",
        "ICW2 counts the first time only",
        ("VMI-CONS-06",),
        "machine.devices.pic:_Chip.write_data",
        _first_vector,
    ),
    _native(
        "frames-roomy",
        "a trap needs 64 bytes of stack",
        ("VMI-FLT-03",),
        "machine.delivery:Delivery._push",
        _roomy,
    ),
    _native(
        "end-of-interrupt-lost",
        "the 8259 forgets the end of interrupt",
        ("VMI-CONS-07",),
        "machine.devices.pic:_Chip._operation_2",
        _nothing,
    ),
    _kvm(
        "clock-half",
        "kvmclock runs at half the speed",
        ("VMI-TIME-05",),
        "hypervisors.kvm.clock:scale",
        _clock_fast,
    ),
    _kvm(
        "wall-a-year-on",
        "the wall clock MSR tells a year more",
        ("VMI-TIME-01",),
        "hypervisors.kvm.clock:SystemTime.write_wall",
        _wall_a_year_on,
    ),
    _kvm(
        "frame-if-clear",
        "frames show IF clear",
        ("VMI-IRQ-10",),
        "machine.delivery:Delivery._frame",
        _frame_without_if,
        "2008",
    ),
)
