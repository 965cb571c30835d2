"""physdev_op: I/O privilege. Interrupt routing and the rest of a machine's devices do not exist here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vmirom.hypervisors.xen.answers import GuestFault, Refused
from vmirom.overlays.xen import Errno, Physdevop

if TYPE_CHECKING:
    from vmirom.hypervisors.xen.domain import Domain

__all__ = ["physdev_operation", "physdev_operation_compat"]

_PORTS: Final = 65536
_IRQS: Final = 16


def physdev_operation(domain: Domain, command: int, at: int) -> int:
    """physdev_op. Raises Refused and GuestFault."""
    space = domain.space
    if command == Physdevop.SET_IOPL:
        iopl = space.struct(at, "struct xen_physdev_set_iopl").iopl
        if iopl > 3:
            raise Refused(Errno.EINVAL, f"iopl {iopl}")
        domain.privileged.iopl = iopl
        return 0
    if command == Physdevop.SET_IOBITMAP:
        argument = space.struct(at, "struct xen_physdev_set_iobitmap")
        if argument.nr_ports > _PORTS:
            raise Refused(Errno.EINVAL, f"I/O bitmap of {argument.nr_ports} ports")
        domain.privileged.bitmap, domain.privileged.bitmap_ports = argument.bitmap, argument.nr_ports
        return 0
    if command == Physdevop.IRQ_STATUS_QUERY:
        query = space.struct(at, "struct xen_physdev_irq_status_query")
        if query.irq >= _IRQS:
            raise Refused(Errno.EINVAL, f"irq {query.irq}")
        query.flags = 0
        space.put_struct(at, query)
        return 0
    if command == Physdevop.EOI:
        raise Refused(Errno.EINVAL, f"irq {space.struct(at, 'struct xen_physdev_eoi').irq} is not bound")
    raise Refused(Errno.ENOSYS, f"physdev_op {command}: this machine has no such device")


def physdev_operation_compat(domain: Domain, at: int) -> int:
    """physdev_op_compat: a command word, then (aligned to 4) the structure."""
    return physdev_operation(domain, domain.space.u32(at), at + 4)


def port_allowed(domain: Domain, port: int, size: int) -> bool:
    """Whether the I/O bitmap of the domain lets ring 3 use ``size`` ports from ``port``."""
    privileged = domain.privileged
    if port + size > privileged.bitmap_ports:
        return False
    try:
        raw = domain.space.read(privileged.bitmap + port // 8, 2 if port % 8 + size > 8 else 1)
    except GuestFault:
        return False
    return not int.from_bytes(raw, "little") >> port % 8 & (1 << size) - 1
