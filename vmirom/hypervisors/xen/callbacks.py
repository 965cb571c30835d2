"""set_callbacks, callback_op and nmi_op: where Xen enters the guest for events, failed returns and NMIs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmirom.hypervisors.xen.answers import Refused
from vmirom.hypervisors.xen.traps import Callback, kernel_code
from vmirom.overlays.xen import CallbackFlag, CallbackOp, CallbackType, Errno, NmiOp

if TYPE_CHECKING:
    from vmirom.hypervisors.xen.domain import Domain

__all__ = ["callback_operation", "nmi_operation", "set_callbacks"]


_PERMANENT = frozenset(
    {CallbackType.EVENT, CallbackType.FAILSAFE, CallbackType.SYSENTER, CallbackType.SYSCALL32}
)
"""What can be replaced, never taken away. A callback for SYSENTER is taken and never entered: a processor of
AMD's does not have it under a 64-bit hypervisor."""


def set_callbacks(domain: Domain, event_cs: int, event_eip: int, failsafe_cs: int, failsafe_eip: int) -> int:
    """set_callbacks: the event and the failsafe callback at once."""
    domain.traps.event = _callback(event_cs, event_eip)
    domain.traps.failsafe = _callback(failsafe_cs, failsafe_eip)
    return 0


def _callback(cs: int, eip: int, masks: bool = True) -> Callback:
    """Whatever the address: one that is nothing is found out when it is entered."""
    return Callback(kernel_code(cs & 0xFFFF), eip, masks)


def callback_operation(domain: Domain, command: int, at: int) -> int:
    """callback_op. Raises Refused and GuestFault."""
    if command == CallbackOp.REGISTER:
        argument = domain.space.struct(at, "struct xen_callback_register")
        masks = bool(argument.flags & CallbackFlag.MASK_EVENTS)
        _store(domain, argument.type, _callback(argument.cs, argument.eip, masks))
        return 0
    if command == CallbackOp.UNREGISTER:
        argument = domain.space.struct(at, "struct xen_callback_unregister")
        if argument.type in _PERMANENT:
            raise Refused(Errno.EINVAL, f"callback type {argument.type} can't be unregistered")
        if argument.type != CallbackType.NMI:
            raise Refused(Errno.ENOSYS, f"callback type {argument.type}")
        domain.traps.set_nmi(0)
        return 0
    raise Refused(Errno.EINVAL, f"callback_op {command}")


def _store(domain: Domain, kind: int, callback: Callback) -> None:
    if kind == CallbackType.EVENT:
        domain.traps.event = callback
    elif kind == CallbackType.FAILSAFE:
        domain.traps.failsafe = callback
    elif kind == CallbackType.NMI:
        domain.traps.set_nmi(callback.eip)
    elif kind == CallbackType.SYSCALL32:
        domain.traps.syscall = callback if callback.eip else None
    elif kind != CallbackType.SYSENTER:
        raise Refused(Errno.ENOSYS, f"callback type {kind}")


def nmi_operation(domain: Domain, command: int, at: int) -> int:
    """nmi_op: where an NMI that the domain sends itself (VCPUOP_send_nmi) enters it."""
    if command == NmiOp.REGISTER_CALLBACK:
        argument = domain.space.struct(at, "struct xen_nmi_callback")
        domain.traps.set_nmi(argument.handler_address)
        return 0
    if command == NmiOp.UNREGISTER_CALLBACK:
        domain.traps.set_nmi(0)
        return 0
    raise Refused(Errno.ENOSYS, f"nmi_op {command}")
