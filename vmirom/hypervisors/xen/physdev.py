"""physdev_op: I/O privilege, and the machine's interrupts and PCI devices as its first domain finds them.

The machine has one I/O APIC of 24 lines and no PCI device of its own; what the domain adds is remembered.
Routing an interrupt to the domain is left out: a line can't be mapped (ENOSYS), so none can be bound or
acknowledged.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from vmirom.hypervisors.xen.answers import GuestFault, Refused
from vmirom.overlays.xen import Domid, Errno, Physdevop

if TYPE_CHECKING:
    from vmirom.hypervisors.xen.domain import Domain

__all__ = ["PIRQS", "Devices", "physdev_operation", "physdev_operation_compat", "port_allowed"]

PIRQS: Final = 208
"""Numbers of physical interrupts that the domain may use."""
_PORTS: Final = 65536
_LINES: Final = 24
_OWN_LINES: Final = frozenset({0, 4})
"""Of Xen's own timer and serial port: set up from the start."""
_NEEDS_EOI: Final = 1
_COMPAT_SIZE: Final = 16
"""A command and room for the largest structure of the old form."""
_IO_APIC: Final = 0xFEC00000
_IO_APIC_VERSION: Final = 1
_IO_APIC_ANSWERS: Final = {_IO_APIC_VERSION: 0x170020}
_IO_APIC_ENTRIES: Final = range(0x10, 0x10 + 2 * _LINES, 2)
_MASKED: Final = 0x10000
_OF_MSI: Final = (0, 3)
_OF_LINE: Final = 1
_OF_SEGMENT: Final = 4
_OLD_FORM: Final = 2
"""Bytes that name a PCI device: bus, device and function."""
_NEW_FORM: Final = 4
"""The same behind a segment of two bytes."""


@dataclass(slots=True)
class Devices:
    """What the domain told of the machine, and was given. ``pci`` holds (segment, bus, device and
    function)."""

    pci: set[tuple[int, int, int]] = field(default_factory=set)
    lines: set[int] = field(default_factory=lambda: set(_OWN_LINES))
    free_pirq: int = PIRQS - 1
    eoi_frame: int | None = None


def physdev_operation(domain: Domain, command: int, at: int) -> int:
    """physdev_op. Raises Refused and GuestFault."""
    serve = _COMMANDS.get(command)
    if serve is None:
        raise Refused(Errno.ENOSYS, f"physdev_op {command}")
    return serve(domain, at)


def physdev_operation_compat(domain: Domain, at: int) -> int:
    """physdev_op_compat: a command word, then (aligned to 4) the structure."""
    domain.space.read(at, _COMPAT_SIZE)
    return physdev_operation(domain, domain.space.u32(at), at + 4)


# I/O privilege


def _set_iopl(domain: Domain, at: int) -> int:
    iopl = domain.space.struct(at, "struct xen_physdev_set_iopl").iopl
    if iopl > 3:
        raise Refused(Errno.EINVAL, f"iopl {iopl}")
    domain.privileged.iopl = iopl
    return 0


def _set_bitmap(domain: Domain, at: int) -> int:
    argument = domain.space.struct(at, "struct xen_physdev_set_iobitmap")
    if argument.nr_ports > _PORTS:
        raise Refused(Errno.EINVAL, f"I/O bitmap of {argument.nr_ports} ports")
    domain.privileged.bitmap, domain.privileged.bitmap_ports = argument.bitmap, argument.nr_ports
    return 0


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


# Interrupts


def _unmask_notify(domain: Domain, at: int) -> int:
    """Of an older interface: there is nothing to do, and its argument is not looked at."""
    return 0


def _status(domain: Domain, at: int) -> int:
    query = domain.space.struct(at, "struct xen_physdev_irq_status_query")
    if query.irq >= PIRQS:
        raise Refused(Errno.EINVAL, f"irq {query.irq}")
    query.flags = _NEEDS_EOI
    domain.space.put_struct(at, query)
    return 0


def _eoi(domain: Domain, at: int) -> int:
    """Of an interrupt that was given to the domain; none of them can be bound."""
    irq = domain.space.u32(at)
    if not domain.devices.free_pirq < irq < PIRQS:
        raise Refused(Errno.EINVAL, f"irq {irq} is not bound")
    return 0


def _apic_read(domain: Domain, at: int) -> int:
    """A register of the I/O APIC: all lines are as a reset left them."""
    base, register, value = struct.unpack("<III", domain.space.read(at, 12))
    if base == _IO_APIC:
        value = _MASKED if register in _IO_APIC_ENTRIES else _IO_APIC_ANSWERS.get(register, 0)
    domain.space.put32(at + 8, value)
    if base != _IO_APIC:
        raise Refused(Errno.EINVAL, f"no I/O APIC at {base:#x}")
    return 0


def _apic_write(domain: Domain, at: int) -> int:
    """Registers of the I/O APIC are Xen's: what is written is lost."""
    (base,) = struct.unpack("<I8x", domain.space.read(at, 12))
    if base != _IO_APIC:
        raise Refused(Errno.EINVAL, f"no I/O APIC at {base:#x}")
    return 0


def _assign_vector(domain: Domain, at: int) -> int:
    """Xen gives vectors itself: the answer is the interrupt's own number."""
    irq, _ = struct.unpack("<II", domain.space.read(at, 8))
    domain.space.write(at, struct.pack("<II", irq, irq))
    return 0


def _need_self(domid: int) -> None:
    if domid not in (Domid.SELF, 0):
        raise Refused(Errno.ESRCH, f"no domain {domid}")


def _map_pirq(domain: Domain, at: int) -> int:
    domid, kind, index = struct.unpack("<HxxiI24x", domain.space.read(at, 36))
    domain.space.write(at + 8, index.to_bytes(4, "little"))
    _need_self(domid)
    if kind == _OF_SEGMENT:
        raise Refused(Errno.ENODEV, "no such PCI device")
    if kind == _OF_LINE and index == 0:
        raise Refused(Errno.EPERM, "the timer's line is Xen's")
    if kind == _OF_LINE and index < _LINES:
        raise Refused(Errno.ENOSYS, "routing an interrupt to the domain is left out")
    if kind in _OF_MSI and index >= _LINES:
        raise Refused(Errno.EPERM, f"interrupt {index} is not the domain's")
    raise Refused(Errno.EINVAL, f"interrupt {index} of kind {kind} can't be mapped")


def _unmap_pirq(domain: Domain, at: int) -> int:
    domid, pirq = struct.unpack("<HxxI", domain.space.read(at, 8))
    _need_self(domid)
    raise Refused(Errno.EINVAL, f"physical interrupt {pirq} is not mapped")


def _setup_line(domain: Domain, at: int) -> int:
    """setup_gsi: trigger and polarity of a line, once."""
    line, _, _ = struct.unpack("<IBBxx", domain.space.read(at, 8))
    if line >= _LINES:
        raise Refused(Errno.EINVAL, f"line {line}")
    if line in domain.devices.lines:
        raise Refused(Errno.EEXIST, f"line {line} is set up already")
    domain.devices.lines.add(line)
    return 0


def _free_pirq(domain: Domain, at: int) -> int:
    """get_free_pirq: from the top down; one that was given is not given again."""
    kind, _ = struct.unpack("<iI", domain.space.read(at, 8))
    pirq = domain.devices.free_pirq
    if pirq < _LINES:
        raise Refused(Errno.ENOSPC, "no physical interrupt is free")
    domain.space.write(at, struct.pack("<iI", kind, pirq))
    domain.devices.free_pirq = pirq - 1
    return 0


def _eoi_frame(domain: Domain, at: int) -> int:
    """pirq_eoi_gmfn: a page of the domain in which Xen marks what needs an end of interrupt; given once."""
    frame = domain.space.u32(at)
    domain.tables.need_owned(frame)
    if domain.devices.eoi_frame is not None:
        raise Refused(Errno.EBUSY, "the page was given before")
    raise Refused(Errno.ENOSYS, "interrupts of devices are left out")


# PCI devices


def _device(domain: Domain, at: int, form: int) -> tuple[int, int, int]:
    """(segment, bus, device and function); the old form has no segment."""
    raw = domain.space.read(at, form)
    return (0, raw[0], raw[1]) if form == _OLD_FORM else (int.from_bytes(raw[:2], "little"), raw[2], raw[3])


def _add(size: int, form: int) -> Callable[[Domain, int], int]:
    def serve(domain: Domain, at: int) -> int:
        domain.space.read(at, size)
        domain.devices.pci.add(_device(domain, at, form))
        return 0

    return serve


def _remove(form: int) -> Callable[[Domain, int], int]:
    def serve(domain: Domain, at: int) -> int:
        device = _device(domain, at, form)
        if device not in domain.devices.pci:
            raise Refused(Errno.ENODEV, f"no PCI device {device}")
        domain.devices.pci.discard(device)
        return 0

    return serve


def _known(form: int) -> Callable[[Domain, int], int]:
    """A command for a device that has to be known, and for which there is nothing to do."""

    def serve(domain: Domain, at: int) -> int:
        device = _device(domain, at, form)
        if device not in domain.devices.pci:
            raise Refused(Errno.ENODEV, f"no PCI device {device}")
        return 0

    return serve


def _add_extended(domain: Domain, at: int) -> int:
    """manage_pci_add_ext: bus, device, and whether it is an extended function or a virtual one."""
    raw = domain.space.read(at, 16)
    extended, virtual = struct.unpack("<4xII4x", raw)
    if extended > 1 or virtual > 1:
        raise Refused(Errno.EINVAL, f"a device that is {extended} extended, {virtual} virtual")
    domain.devices.pci.add((0, raw[0], raw[1]))
    return 0


def _reserved_area(domain: Domain, at: int) -> int:
    """pci_mmcfg_reserved: where firmware has put the configuration space; the machine has none."""
    _, segment, first, last, flags = struct.unpack("<QHBBI", domain.space.read(at, 16))
    if flags > 1:
        raise Refused(Errno.EINVAL, f"flags {flags:#x}")
    raise Refused(Errno.ENODEV, f"no configuration space of segment {segment}, buses {first} to {last}")


def _debug_port(domain: Domain, at: int) -> int:
    """dbgp_op: Xen uses no debug port, so every reset of one is right."""
    domain.space.read(at, 8)
    return 0


_COMMANDS: Final[dict[int, Callable[[Domain, int], int]]] = {
    Physdevop.IRQ_UNMASK_NOTIFY: _unmask_notify,
    Physdevop.IRQ_STATUS_QUERY: _status,
    Physdevop.SET_IOPL: _set_iopl,
    Physdevop.SET_IOBITMAP: _set_bitmap,
    Physdevop.APIC_READ: _apic_read,
    Physdevop.APIC_WRITE: _apic_write,
    Physdevop.ASSIGN_VECTOR: _assign_vector,
    Physdevop.EOI: _eoi,
    Physdevop.MAP_PIRQ: _map_pirq,
    Physdevop.UNMAP_PIRQ: _unmap_pirq,
    Physdevop.MANAGE_PCI_ADD: _add(2, _OLD_FORM),
    Physdevop.MANAGE_PCI_REMOVE: _remove(_OLD_FORM),
    Physdevop.PIRQ_EOI_GMFN_V1: _eoi_frame,
    Physdevop.RESTORE_MSI: _known(_OLD_FORM),
    Physdevop.MANAGE_PCI_ADD_EXT: _add_extended,
    Physdevop.SETUP_GSI: _setup_line,
    Physdevop.GET_FREE_PIRQ: _free_pirq,
    Physdevop.PCI_MMCFG_RESERVED: _reserved_area,
    Physdevop.PCI_DEVICE_ADD: _add(12, _NEW_FORM),
    Physdevop.PCI_DEVICE_REMOVE: _remove(_NEW_FORM),
    Physdevop.RESTORE_MSI_EXT: _known(_NEW_FORM),
    Physdevop.PIRQ_EOI_GMFN_V2: _eoi_frame,
    Physdevop.DBGP_OP: _debug_port,
    Physdevop.PREPARE_MSIX: _known(_NEW_FORM),
    Physdevop.RELEASE_MSIX: _known(_NEW_FORM),
}
