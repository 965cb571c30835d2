"""memory_op: the domain's frames, given up and asked for, and what Xen tells about memory."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from vmirom.hypervisors.xen.answers import GuestFault, Refused
from vmirom.machine.addresses import PAGE_SIZE
from vmirom.overlays.xen import Domid, Errno, Xenmem, ffi

if TYPE_CHECKING:
    from vmirom.hypervisors.xen.domain import Domain

__all__ = ["memory_operation"]

_REFUSED_AFTER_READING: Final = frozenset({Xenmem.ADD_TO_PHYSMAP})
_SET_MEMORY_MAP: Final = 13
_WORD: Final = 31
_MAP_ENTRIES: Final = 1024
_MAP_ENTRY: Final = 20
_MAX_ORDER: Final = 9
_RAM: Final = 1
_RESERVED: Final = 2
_LOW_END: Final = 0x9F000
_HIGH_START: Final = 0x100000


def memory_operation(domain: Domain, command: int, at: int) -> int:
    """memory_op. Raises Refused and GuestFault."""
    if command in (Xenmem.INCREASE_RESERVATION, Xenmem.POPULATE_PHYSMAP):
        return _grow(domain, at, command == Xenmem.POPULATE_PHYSMAP)
    if command == Xenmem.DECREASE_RESERVATION:
        return _shrink(domain, at)
    if command == Xenmem.MAXIMUM_RAM_PAGE:
        return domain.tables.count
    if command in (Xenmem.CURRENT_RESERVATION, Xenmem.MAXIMUM_RESERVATION):
        _need_self(int.from_bytes(domain.space.read(at, 2), "little"))
        return domain.held if command == Xenmem.CURRENT_RESERVATION else domain.maximum
    if command == Xenmem.MACHPHYS_MAPPING:
        hole = domain.hole
        answer = ffi.new("struct xen_machphys_mapping *", [hole.m2p_start, hole.m2p_end, hole.max_mfn])
        domain.space.put_struct(at, answer)
        return 0
    if command == Xenmem.MACHPHYS_MFN_LIST:
        return _table_frames(domain, at)
    if command == Xenmem.MACHINE_MEMORY_MAP:
        return _machine_map(domain, at)
    if command == Xenmem.MEMORY_MAP:
        return _map(domain, at)
    if command == Xenmem.EXCHANGE:
        return _exchange(domain, at)
    if command == _SET_MEMORY_MAP:
        return _set_map(domain, at)
    if command in _REFUSED_AFTER_READING:
        domain.space.read(at, 4)
    raise Refused(Errno.ENOSYS, f"memory_op {command}")


def _need_self(domid: int) -> None:
    if domid not in (Domid.SELF, 0):
        raise Refused(Errno.ESRCH, f"no domain {domid}")


def _request(domain: Domain, at: int) -> tuple[int, int, int]:
    """(extent list, number of extents, order) of a reservation. One that can't be read or is another domain's
    counts as none: the number done, 0, is the answer."""
    try:
        argument = domain.space.struct(at, "struct xen_memory_reservation")
    except GuestFault:
        return 0, 0, 0
    if argument.domid not in (Domid.SELF, 0):
        return 0, 0, 0
    return argument.extent_start, argument.nr_extents, argument.extent_order


def _grow(domain: Domain, at: int, populate: bool) -> int:
    """Give frames; the number of extents done. A list of pfns comes in, of first mfns goes out."""
    start, count, order = _request(domain, at)
    if order > _MAX_ORDER:
        return 0
    done = 0
    while done < count:
        domain.check_time()
        place = start + done * 4
        try:
            pfn = domain.space.u32(place) if populate else None
            frames = domain.allocate(1 << order)
            if frames is None:
                break
            for i, frame in enumerate(frames):
                domain.set_m2p(frame, 0xFFFFFFFF if pfn is None else pfn + i & 0xFFFFFFFF)
            if populate or start:
                domain.space.put32(place, frames[0])
        except GuestFault:
            break
        done += 1
    return done


def _shrink(domain: Domain, at: int) -> int:
    """Take frames back; the number of extents done. A frame still mapped stays until it is not."""
    start, count, order = _request(domain, at)
    if order > _MAX_ORDER:
        return 0
    done = 0
    while done < count:
        domain.check_time()
        try:
            first = domain.space.u32(start + done * 4)
        except GuestFault:
            break
        frames = range(first, first + (1 << order))
        if not all(domain.tables.owned(f) and domain.tables.allocated[f] for f in frames):
            break
        for frame in frames:
            domain.give_up(frame)
        done += 1
    return done


def _table_frames(domain: Domain, at: int) -> int:
    """machphys_mfn_list: the frame of each 2 MiB of the machine-to-physical table."""
    most, list_at, _ = struct.unpack("<III", domain.space.read(at, 12))
    frames = domain.m2p_frames[:most]
    domain.space.write(list_at, struct.pack(f"<{len(frames)}I", *frames))
    domain.space.put32(at + 8, len(frames))
    return 0


def _exchange(domain: Domain, at: int) -> int:
    """exchange: of nothing it is done. Frames for frames is left out."""
    words = struct.unpack("<11I", domain.space.read(at, 44))
    given, wanted, done = words[:5], words[5:10], words[10]
    orders = max(given[2], wanted[2])
    if done > given[1] or orders > _WORD or given[1] << given[2] != wanted[1] << wanted[2]:
        raise Refused(Errno.EINVAL, "an exchange of more for less")
    if (given[4] ^ wanted[4]) & 0xFFFF:
        raise Refused(Errno.EINVAL, "an exchange between two domains")
    _need_self(given[4] & 0xFFFF)
    if given[1] > done:
        raise Refused(Errno.ENOSYS, "exchanging frames is left out")
    domain.space.put32(at + 40, done)
    return 0


def _set_map(domain: Domain, at: int) -> int:
    """set_memory_map: what memory_map answers from then on."""
    domid, entries, list_at = struct.unpack("<HxxII", domain.space.read(at, 12))
    if entries > _MAP_ENTRIES:
        raise Refused(Errno.EINVAL, f"a memory map of {entries} entries")
    _need_self(domid)
    domain.memory_map = domain.space.read_list(list_at, entries * _MAP_ENTRY)
    return 0


def _map(domain: Domain, at: int) -> int:
    """memory_map: the one that was set; there is none at first."""
    argument = domain.space.struct(at, "struct xen_memory_map")
    if domain.memory_map is None:
        raise Refused(Errno.ENOSYS, "no memory map was set")
    argument.nr_entries = min(argument.nr_entries, len(domain.memory_map) // _MAP_ENTRY)
    domain.space.write(argument.buffer, domain.memory_map[: argument.nr_entries * _MAP_ENTRY])
    domain.space.put_struct(at, argument)
    return 0


def _machine_map(domain: Domain, at: int) -> int:
    """machine_memory_map: the e820 of the machine."""
    argument = domain.space.struct(at, "struct xen_memory_map")
    most, list_at = argument.nr_entries, argument.buffer
    end = domain.tables.count * PAGE_SIZE
    areas = [
        (0, _LOW_END, _RAM),
        (_LOW_END, _HIGH_START - _LOW_END, _RESERVED),
        (_HIGH_START, end - _HIGH_START, _RAM),
    ]
    if not list_at:
        argument.nr_entries = len(areas)
        domain.space.put_struct(at, argument)
        return 0
    if most < len(areas):
        raise Refused(Errno.EINVAL, f"room for {most} of {len(areas)} areas")
    entries = (ffi.new("struct xen_e820_entry *", area) for area in areas)
    domain.space.write(list_at, b"".join(bytes(ffi.buffer(entry)) for entry in entries))
    argument.nr_entries = len(areas)
    domain.space.put_struct(at, argument)
    return 0
