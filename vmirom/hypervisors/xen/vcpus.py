"""vcpu_op: what the one virtual CPU of this domain can be told and asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vmirom.hypervisors.hypervisor import Ending, EndKind
from vmirom.hypervisors.xen.answers import Ended, GuestFault, Refused
from vmirom.hypervisors.xen.pages import PageType
from vmirom.hypervisors.xen.scheduling import SHORTEST_PERIOD
from vmirom.hypervisors.xen.shared import VCPU_INFO_SIZE
from vmirom.machine.addresses import PAGE_SIZE
from vmirom.overlays.xen import Errno, Vcpuop, ffi

if TYPE_CHECKING:
    from vmirom.hypervisors.xen.domain import Domain

__all__ = ["vcpu_operation"]

_LONGEST_PERIOD: Final = 0x3FFF_FFFF_FFFF_FFFF
_CONTEXT_SIZE: Final[int] = ffi.sizeof("struct xen_vcpu_guest_context")


def vcpu_operation(domain: Domain, command: int, vcpu: int, at: int) -> int:
    """vcpu_op. Raises Refused and GuestFault."""
    if vcpu:
        raise Refused(Errno.ENOENT, f"no virtual CPU {vcpu}")
    domain.release.need("vcpu_op", command, domain.release.vcpu_commands)
    scheduling = domain.scheduling
    if command == Vcpuop.IS_UP:
        return 1
    if command == Vcpuop.UP:
        return 0
    if command == Vcpuop.INITIALISE:
        domain.space.read(at, _CONTEXT_SIZE)
        raise Refused(Errno.EEXIST, "virtual CPU 0 is initialised")
    if command == Vcpuop.GET_RUNSTATE_INFO:
        domain.space.write(at, scheduling.runstate())
    elif command == Vcpuop.REGISTER_RUNSTATE_MEMORY_AREA:
        area = domain.space.u32(at)
        if area >= domain.hole.start:
            raise GuestFault(area, 2)
        scheduling.runstate_area = area
        scheduling.write_runstate()
    elif command == Vcpuop.REGISTER_VCPU_TIME_MEMORY_AREA:
        _register_time(domain, at)
    elif command == Vcpuop.SET_PERIODIC_TIMER:
        period = domain.space.struct(at, "struct xen_vcpu_set_periodic_timer").period_ns
        if not SHORTEST_PERIOD <= period <= _LONGEST_PERIOD:
            raise Refused(Errno.EINVAL, f"period of {period} ns")
        scheduling.set_period(period)
    elif command == Vcpuop.STOP_PERIODIC_TIMER:
        scheduling.set_period(0)
    elif command == Vcpuop.SET_SINGLESHOT_TIMER:
        _set_single(domain, at)
    elif command == Vcpuop.STOP_SINGLESHOT_TIMER:
        scheduling.single = None
    elif command == Vcpuop.GET_PHYSID:
        domain.space.write(at, bytes(8))
    elif command == Vcpuop.REGISTER_VCPU_INFO:
        _register_info(domain, at)
    elif command == Vcpuop.DOWN:
        raise Ended(Ending(EndKind.SHUTDOWN, "power off: the last virtual CPU went down"))
    elif command == Vcpuop.SEND_NMI:
        if at:
            raise Refused(Errno.EINVAL, "send_nmi takes no argument")
        domain.traps.nmi_pending = True
    else:
        raise Refused(Errno.ENOSYS, f"vcpu_op {command} is left out")
    return 0


def _register_time(domain: Domain, at: int) -> None:
    """A second copy of the time info, in the guest's own memory, from now on."""
    area = domain.space.u32(at)
    if area >= domain.hole.start:
        raise GuestFault(area, 2)
    domain.clock.copy = (lambda data: domain.write_quietly(area, data)) if area else None
    domain.clock.refresh()


def _set_single(domain: Domain, at: int) -> None:
    """One shot. The time is signed: one before the start of time has passed, too."""
    timer = domain.space.struct(at, "struct xen_vcpu_set_singleshot_timer")
    past = timer.timeout_abs_ns >> 63
    domain.scheduling.single = 0 if past else timer.timeout_abs_ns


def _register_info(domain: Domain, at: int) -> None:
    """Move the live vcpu_info, once, to a place within one writable frame of the domain."""
    argument = domain.space.struct(at, "struct xen_vcpu_register_vcpu_info")
    frame, offset = argument.mfn, argument.offset
    if domain.shared.vcpu_gpa != domain.shared.gpa:
        raise Refused(Errno.EINVAL, "vcpu_info was registered before")
    if offset > PAGE_SIZE - VCPU_INFO_SIZE or offset % 4:
        raise Refused(Errno.ENXIO, f"offset {offset:#x} of vcpu_info")
    domain.tables.take_both(frame, PageType.WRITABLE)
    domain.shared.move_vcpu((frame << 12) + offset)
    # Whatever was signalled before must be looked for again by a guest that now uses the new structure.
    domain.shared.vcpu.evtchn_upcall_pending = 1
    domain.shared.vcpu.evtchn_pending_sel = 0xFFFFFFFF
