"""The hypercall table: number to handler, and the one place where refusals become error codes.

A hypercall's number is in EAX and its arguments in EBX ECX EDX ESI EDI EBP; the result goes to EAX. Every
hypercall is traced by name and sub-operation; the entries of a multicall one by one beneath it.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vmirom.hypervisors.xen.answers import Ended, GuestFault, Refused
from vmirom.hypervisors.xen.callbacks import callback_operation, nmi_operation, set_callbacks
from vmirom.hypervisors.xen.grants import grant_operation
from vmirom.hypervisors.xen.info import xen_version
from vmirom.hypervisors.xen.management import MCA, PLATFORM, SYSTEM, profile, versioned
from vmirom.hypervisors.xen.physdev import physdev_operation, physdev_operation_compat
from vmirom.hypervisors.xen.reservations import memory_operation
from vmirom.hypervisors.xen.vcpus import vcpu_operation
from vmirom.overlays import xen as abi
from vmirom.overlays.xen import Errno, Hypercall

if TYPE_CHECKING:
    from vmirom.hypervisors.xen.domain import Domain

__all__ = ["Hypercalls"]

Handler = Callable[["Domain", Sequence[int]], int]

_ENTRY: Final = struct.Struct("<Ii6I")


@dataclass(frozen=True, slots=True)
class _Row:
    """How one hypercall is answered: number of arguments, handler, and the enum of its sub-operations
    (the first argument) for the trace."""

    arity: int
    handler: Handler
    operations: type[enum.IntEnum] | None = None


def _wide(low: int, high: int) -> int:
    return high << 32 | low


def _absent(domain: Domain, args: Sequence[int]) -> int:
    raise Refused(Errno.ENOSYS, "not offered to this domain")


def _argument(domain: Domain, args: Sequence[int]) -> int:
    """The hypercall of a processor's paravirtual switch: the argument is read first, then refused."""
    domain.space.read(args[0], 8)
    raise Refused(Errno.EOPNOTSUPP, "not offered to this domain")


def _other_domain(domain: Domain, args: Sequence[int]) -> int:
    if args[4] & 0xFFFF != abi.Domid.SELF:
        raise Refused(Errno.ESRCH, f"no domain {args[4] & 0xFFFF}")
    return domain.mmu.update_va(args[0], _wide(args[1], args[2]), args[3])


def _no_counters(domain: Domain, args: Sequence[int]) -> int:
    raise Refused(Errno.EOPNOTSUPP, "no virtual performance counters")


_ARCH_0: Final = 48  # the machine-check and the processor-frequency hypercalls of x86
_ARCH_1: Final = 49
_TABLE: Final[dict[int, _Row]] = {
    Hypercall.SET_TRAP_TABLE: _Row(1, lambda d, a: d.traps.set_table(a[0])),
    Hypercall.MMU_UPDATE: _Row(4, lambda d, a: d.mmu.update(a[0], a[1], a[2], a[3])),
    Hypercall.SET_GDT: _Row(2, lambda d, a: d.segments.set_gdt(a[0], a[1])),
    Hypercall.STACK_SWITCH: _Row(2, lambda d, a: d.traps.set_stack(a[0] & 0xFFFF, a[1])),
    Hypercall.SET_CALLBACKS: _Row(4, lambda d, a: set_callbacks(d, *a)),
    Hypercall.FPU_TASKSWITCH: _Row(1, lambda d, a: d.registers.task_switch(a[0])),
    Hypercall.SCHED_OP_COMPAT: _Row(2, lambda d, a: d.scheduling.compat(a[0], a[1]), abi.Schedop),
    Hypercall.SET_DEBUGREG: _Row(2, lambda d, a: d.registers.set_debug(a[0], a[1])),
    Hypercall.GET_DEBUGREG: _Row(1, lambda d, a: d.registers.get_debug(a[0])),
    Hypercall.UPDATE_DESCRIPTOR: _Row(
        4, lambda d, a: d.segments.update_descriptor(_wide(a[0], a[1]), a[2], a[3])
    ),
    Hypercall.MEMORY_OP: _Row(2, lambda d, a: memory_operation(d, a[0], a[1]), abi.Xenmem),
    Hypercall.UPDATE_VA_MAPPING: _Row(4, lambda d, a: d.mmu.update_va(a[0], _wide(a[1], a[2]), a[3])),
    Hypercall.SET_TIMER_OP: _Row(2, lambda d, a: d.scheduling.set_timer(_wide(a[0], a[1]))),
    Hypercall.EVENT_CHANNEL_OP_COMPAT: _Row(1, lambda d, a: d.events.compat(a[0])),
    Hypercall.XEN_VERSION: _Row(2, lambda d, a: xen_version(d, a[0], a[1]), abi.Xenver),
    Hypercall.CONSOLE_IO: _Row(3, lambda d, a: d.console.operation(a[0], a[1], a[2]), abi.Consoleio),
    Hypercall.PHYSDEV_OP_COMPAT: _Row(1, lambda d, a: physdev_operation_compat(d, a[0])),
    Hypercall.VM_ASSIST: _Row(2, lambda d, a: d.registers.assist(a[0], a[1]), abi.VmAssist),
    Hypercall.VCPU_OP: _Row(3, lambda d, a: vcpu_operation(d, a[0], a[1], a[2]), abi.Vcpuop),
    Hypercall.MMUEXT_OP: _Row(4, lambda d, a: d.mmu.extended(a[0], a[1], a[2], a[3] & 0xFFFF)),
    Hypercall.NMI_OP: _Row(2, lambda d, a: nmi_operation(d, a[0], a[1]), abi.NmiOp),
    Hypercall.SCHED_OP: _Row(2, lambda d, a: d.scheduling.operation(a[0], a[1]), abi.Schedop),
    Hypercall.CALLBACK_OP: _Row(2, lambda d, a: callback_operation(d, a[0], a[1]), abi.CallbackOp),
    Hypercall.EVENT_CHANNEL_OP: _Row(2, lambda d, a: d.events.operation(a[0], a[1]), abi.Evtchnop),
    Hypercall.PLATFORM_OP: _Row(1, versioned(PLATFORM)),
    Hypercall.GRANT_TABLE_OP: _Row(3, lambda d, a: grant_operation(d, a[0], a[1], a[2])),
    Hypercall.UPDATE_VA_MAPPING_OTHERDOMAIN: _Row(5, _other_domain),
    Hypercall.XENOPROF_OP: _Row(2, profile),
    Hypercall.SYSCTL: _Row(1, versioned(SYSTEM)),
    Hypercall.DOMCTL: _Row(1, versioned(SYSTEM)),
    Hypercall.XENPMU_OP: _Row(2, _no_counters),
    _ARCH_0: _Row(1, versioned(MCA)),
    _ARCH_1: _Row(1, _argument),
    Hypercall.PHYSDEV_OP: _Row(2, lambda d, a: physdev_operation(d, a[0], a[1]), abi.Physdevop),
}
"""Multicall and iret are the dispatcher's own. What is not here answers ENOSYS and says so in the trace."""

_NAMES: Final = {int(number): number.name.lower() for number in Hypercall}
_OPERATION_NAMES: Final = {
    (number, int(operation)): f"{_NAMES[number]}.{operation.name}"
    for number, row in _TABLE.items()
    if row.operations is not None
    for operation in row.operations
}
_EXTENDED_NAMES: Final = {int(op): f"{_NAMES[Hypercall.MMUEXT_OP]}.{op.name}" for op in abi.Mmuext}
_MISSING: Final = _Row(5, _absent)
_IRET, _MULTICALL, _MMUEXT_OP = (
    int(number) for number in (Hypercall.IRET, Hypercall.MULTICALL, Hypercall.MMUEXT_OP)
)


class Hypercalls:
    """The dispatcher of one domain."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self._end = domain.release.hypercalls
        self._inside = False
        self._beneath: list[tuple[str, tuple[int, ...], int, str]] = []

    def run(self) -> None:
        """Carry out the hypercall the engine has stopped at. Raises Ended and DomainCrash."""
        engine = self.domain.engine
        number, ecx, edx, ebx, _, _, esi, edi = engine.general()
        if number == _IRET:
            self.domain.trace.hypercall(_NAMES[number], (), None)
            self.domain.traps.iret()
            return
        engine.eax = self.call(number, (ebx, ecx, edx, esi, edi)) & 0xFFFFFFFF
        if self.domain.segments.changed:
            self.domain.segments.changed = False
            self.domain.traps.reload()

    def call(self, number: int, args: Sequence[int]) -> int:
        """The signed result of one hypercall. Raises Ended and DomainCrash."""
        if number == _MULTICALL:
            return self._multicall(args[0], args[1])
        name, shown, result, why = self._answer(number, args)
        self.domain.trace.hypercall(name, shown, result, why)
        return result

    def _answer(self, number: int, args: Sequence[int]) -> tuple[str, tuple[int, ...], int, str]:
        row = _TABLE.get(number, _MISSING) if number < self._end else _MISSING
        shown = tuple(args[: row.arity])
        name = self._name(number, shown)
        why = ""
        try:
            result = row.handler(self.domain, shown)
        except Refused as refused:
            result, why = -refused.errno, refused.why
        except GuestFault as fault:
            result, why = -Errno.EFAULT, str(fault)
        except Ended:
            self.domain.trace.hypercall(name, shown, None)
            raise
        return name, shown, result, why

    def _name(self, number: int, args: tuple[int, ...]) -> str:
        """Name with sub-operation; a batch of mmuext_op goes by its first."""
        if number == _MMUEXT_OP:
            try:
                return _EXTENDED_NAMES.get(self.domain.space.u32(args[0]), _NAMES[number])
            except GuestFault:
                return _NAMES[number]
        name = _NAMES.get(number) or f"hypercall {number}"
        return _OPERATION_NAMES.get((number, args[0]), name) if args else name

    def _multicall(self, at: int, count: int) -> int:
        """multicall: a list of hypercalls, the result of each in its entry."""
        result, why = 0, ""
        beneath = self._beneath
        try:
            if self._inside:
                raise Refused(Errno.EINVAL, "a multicall inside a multicall")
            if at + count * _ENTRY.size > self.domain.hole.start:
                raise GuestFault(self.domain.hole.start, 1)
            self._inside = True
            for i in range(count):
                self.domain.check_time()
                self._one(at + i * _ENTRY.size & 0xFFFFFFFF)
        except Refused as refused:
            result, why = -refused.errno, refused.why
        except GuestFault as fault:
            result, why = -Errno.EFAULT, str(fault)
        if why != "a multicall inside a multicall":
            self._inside = False
        self.domain.trace.hypercall(_NAMES[Hypercall.MULTICALL], (at, count), result, why)
        for entry in beneath:
            self.domain.trace.hypercall(*entry)
        beneath.clear()
        return result

    def _one(self, at: int) -> None:
        space = self.domain.space
        number, _, *args = _ENTRY.unpack(space.read_list(at, _ENTRY.size))
        if number == _MULTICALL:
            answer = _NAMES[number], tuple(args[:2]), -Errno.EINVAL, "a multicall inside a multicall"
        elif number == _IRET:
            answer = _NAMES[number], (), -Errno.ENOSYS, "iret inside a multicall"
        else:
            answer = self._answer(number, args)
        self._beneath.append(answer)
        space.put32(at + 4, answer[2])
