"""memory_op: the domain's frames, given up and asked for, and what Xen tells about memory."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from vmirom.hypervisors.xen.answers import GuestFault, Refused
from vmirom.machine.addresses import PAGE_SIZE
from vmirom.overlays.xen import Domid, Errno, Xenmem, ffi

if TYPE_CHECKING:
    from vmirom.hypervisors.xen.domain import Domain

__all__ = ["memory_operation"]

_COMMAND_BITS: Final = 6
_COMMAND: Final = (1 << _COMMAND_BITS) - 1
_RESERVATIONS: Final = frozenset(
    {Xenmem.INCREASE_RESERVATION, Xenmem.DECREASE_RESERVATION, Xenmem.POPULATE_PHYSMAP}
)
_OF_NOTHING: Final = frozenset(
    {
        Xenmem.MAXIMUM_RAM_PAGE,
        Xenmem.CURRENT_RESERVATION,
        Xenmem.MAXIMUM_RESERVATION,
        Xenmem.MAXIMUM_GPFN,
    }
)
_ELSEWHERE: Final = frozenset({Xenmem.ADD_TO_PHYSMAP, Xenmem.EXCHANGE, Xenmem.REMOVE_FROM_PHYSMAP})
"""What reads its argument before it looks where to go on."""
_WORD: Final = 32
_MAP_ENTRIES: Final = 1024
_MAP_ENTRY: Final = 20
_MAX_ORDER: Final = 9
_MAX_EXCHANGE_ORDER: Final = 12
_AREA: Final = 12
_RAM: Final = 1
_RESERVED: Final = 2
_LOW_END: Final = 0x9F000
_HIGH_START: Final = 0x100000


def memory_operation(domain: Domain, command: int, at: int) -> int:
    """memory_op. The bits above a command's six say where an interrupted one goes on. Raises Refused and
    GuestFault."""
    operation, start = command & _COMMAND, command >> _COMMAND_BITS
    if operation in _RESERVATIONS:
        return _reserve(domain, at, operation, start)
    if start and operation in _OF_NOTHING:
        raise Refused(Errno.EINVAL, f"memory_op {operation} has nothing to go on with")
    serve = _COMMANDS.get(operation)
    if serve is None or (start and operation not in _ELSEWHERE):
        raise Refused(Errno.ENOSYS, f"memory_op {command}")
    return serve(domain, at)


def _reserve(domain: Domain, at: int, operation: int, start: int) -> int:
    if operation == Xenmem.DECREASE_RESERVATION:
        return _shrink(domain, at, start)
    return _grow(domain, at, operation == Xenmem.POPULATE_PHYSMAP, start)


def _need_self(domid: int) -> None:
    if domid not in (Domid.SELF, 0):
        raise Refused(Errno.ESRCH, f"no domain {domid}")


def _request(domain: Domain, at: int) -> tuple[int, int, int]:
    """(extent list, number of extents, order) of a reservation. One that can't be read or is another domain's
    counts as none: the number done so far is the answer."""
    try:
        argument = domain.space.struct(at, "struct xen_memory_reservation")
    except GuestFault:
        return 0, 0, 0
    if argument.domid not in (Domid.SELF, 0):
        return 0, 0, 0
    return argument.extent_start, argument.nr_extents, argument.extent_order


def _grow(domain: Domain, at: int, populate: bool, done: int) -> int:
    """Give frames; the number of extents done. A list of pfns comes in, of first mfns goes out."""
    start, count, order = _request(domain, at)
    if order > _MAX_ORDER:
        return done
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


def _shrink(domain: Domain, at: int, done: int) -> int:
    """Take frames back; the number of extents done. A frame still mapped stays until it is not."""
    start, count, order = _request(domain, at)
    if order > _MAX_ORDER:
        return done
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
    """exchange: frames that nothing else refers to, for others in extents of another order. Chunk by chunk of
    the larger order; a chunk that can't be given up stays, and ends it."""
    words = struct.unpack("<11I", domain.space.read(at, 44))
    given, wanted, done = words[:5], words[5:10], words[10]
    orders = max(given[2], wanted[2])
    if done > given[1] or _frames_of(given) != _frames_of(wanted):
        raise Refused(Errno.EINVAL, "an exchange of more for less")
    if orders > _MAX_EXCHANGE_ORDER:
        raise Refused(Errno.EPERM, f"an exchange of order {orders}")
    if (given[4] ^ wanted[4]) & 0xFFFF:
        raise Refused(Errno.EINVAL, "an exchange between two domains")
    for start, count in ((given[0], given[1]), (wanted[0], wanted[1])):
        if start + 4 * count > domain.hole.start:
            raise GuestFault(domain.hole.start, 1)
    _need_self(given[4] & 0xFFFF)
    per_chunk = 1 << orders - given[2]
    try:
        while done + per_chunk <= given[1]:
            domain.check_time()
            _exchange_chunk(domain, (given[0], given[2]), (wanted[0], wanted[2]), done, orders)
            done += per_chunk
    finally:
        domain.space.put32(at + 40, done)
    return 0


def _frames_of(words: tuple[int, ...]) -> int:
    """Frames in the extents of one side, with the shift that a processor makes of an order. Raises
    Refused."""
    order = words[2] % _WORD
    if words[1] > 0xFFFFFFFF >> order:
        raise Refused(Errno.EINVAL, f"{words[1]} extents of order {words[2]}")
    return words[1] << order


def _exchange_chunk(
    domain: Domain, given: tuple[int, int], wanted: tuple[int, int], done: int, orders: int
) -> None:
    """One chunk of ``1 << orders`` frames; the pairs are (list, order), ``done`` extents of the first list
    are done. Raises Refused and GuestFault."""
    frames = [
        domain.space.u32(given[0] + 4 * (done + i)) + page
        for i in range(1 << orders - given[1])
        for page in range(1 << given[1])
    ]
    tables = domain.tables
    for frame in frames:
        if not tables.owned(frame) or not tables.allocated[frame] or tables.refs[frame] != 1:
            raise Refused(Errno.EINVAL, f"frame {frame:#x} is not the domain's alone")
    first = (done << given[1]) >> wanted[1]
    places = [wanted[0] + 4 * (first + i) for i in range(1 << orders - wanted[1])]
    pfns = [domain.space.u32(place) for place in places]
    fresh = [domain.take_fresh(1 << wanted[1]) for _ in places]
    if any(found is None for found in fresh):
        for found in fresh:
            domain.put_back(found or [])
        raise Refused(Errno.ENOMEM, "no frames to exchange for")
    for frame in frames:
        domain.give_up(frame)
    for place, pfn, found in zip(places, pfns, fresh, strict=True):
        domain.receive(found or [], pfn)
        domain.space.put32(place, (found or [0])[0])


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
    if not domain.memory_map:
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


def _maximum_ram_page(domain: Domain, at: int) -> int:
    return domain.tables.count


def _count(of: Callable[[Domain], int]) -> Callable[[Domain, int], int]:
    """A number about the domain that the argument names."""

    def serve(domain: Domain, at: int) -> int:
        _need_self(int.from_bytes(domain.space.read(at, 2), "little"))
        return of(domain)

    return serve


def _held(domain: Domain) -> int:
    return domain.held


def _maximum(domain: Domain) -> int:
    return domain.maximum


def _maximum_pfn(domain: Domain) -> int:
    """What the domain itself says in shared_info."""
    return max(int(domain.shared.page.arch_max_pfn), 1) - 1


def _table_range(domain: Domain, at: int) -> int:
    """machphys_mapping: where the machine-to-physical table stands."""
    hole = domain.hole
    answer = ffi.new("struct xen_machphys_mapping *", [hole.m2p_start, hole.m2p_end, hole.max_mfn])
    domain.space.put_struct(at, answer)
    return 0


def _not_translated(size: int) -> Callable[[Domain, int], int]:
    """A command that changes a physmap, which a paravirtual domain has not."""

    def serve(domain: Domain, at: int) -> int:
        _need_self(int.from_bytes(domain.space.read(at, size)[:2], "little"))
        raise Refused(Errno.EACCES, "a paravirtual domain has no physmap of Xen's")

    return serve


def _add_batch(domain: Domain, at: int) -> int:
    """add_to_physmap_batch: its lists are looked at before all else."""
    domid, _, count, _, indices = struct.unpack("<HHHHI8x", domain.space.read(at, 20))
    if count:
        domain.space.read_list(indices, 4 * count)
    _need_self(domid)
    raise Refused(Errno.EACCES, "a paravirtual domain has no physmap of Xen's")


def _absent(size: int) -> Callable[[Domain, int], int]:
    """A command whose argument is read, and which this Xen was built without."""

    def serve(domain: Domain, at: int) -> int:
        domain.space.read(at, size)
        raise Refused(Errno.ENOSYS, "this Xen was built without it")

    return serve


def _no_topology(domain: Domain, at: int) -> int:
    """get_vnumainfo: the domain was given no NUMA topology."""
    domid, pad = struct.unpack("<HH", domain.space.read(at, 40)[:4])
    if pad:
        raise Refused(Errno.EINVAL, "reserved bits of get_vnumainfo")
    _need_self(domid)
    raise Refused(Errno.EOPNOTSUPP, "no virtual NUMA topology")


def _reserved_areas(domain: Domain, at: int) -> int:
    """reserved_device_memory_map: no device has any."""
    flags, count, list_at, device = struct.unpack("<4I", domain.space.read(at, 16))
    if list_at + count * _AREA > domain.hole.start:
        raise GuestFault(domain.hole.start, 1)
    if flags > 1:
        raise Refused(Errno.EINVAL, f"flags {flags:#x}")
    domain.space.write(at, struct.pack("<4I", flags, 0, list_at, device))
    return 0


def _acquire(domain: Domain, at: int) -> int:
    """acquire_resource: of another domain only."""
    domid, _, _, _, pad = struct.unpack("<HHIII", domain.space.read(at, 28)[:16])
    if pad:
        raise Refused(Errno.EINVAL, "reserved bits of acquire_resource")
    if domid:
        raise Refused(Errno.ESRCH, f"no domain {domid}")
    raise Refused(Errno.EPERM, "a domain's own resources are not to be acquired")


def _nothing_shared(domain: Domain, at: int) -> int:
    return 0


_COMMANDS: Final[dict[int, Callable[[Domain, int], int]]] = {
    Xenmem.MAXIMUM_RAM_PAGE: _maximum_ram_page,
    Xenmem.CURRENT_RESERVATION: _count(_held),
    Xenmem.MAXIMUM_RESERVATION: _count(_maximum),
    Xenmem.MAXIMUM_GPFN: _count(_maximum_pfn),
    Xenmem.MACHPHYS_MAPPING: _table_range,
    Xenmem.MACHPHYS_MFN_LIST: _table_frames,
    Xenmem.MACHPHYS_COMPAT_MFN_LIST: _table_frames,
    Xenmem.MACHINE_MEMORY_MAP: _machine_map,
    Xenmem.MEMORY_MAP: _map,
    Xenmem.SET_MEMORY_MAP: _set_map,
    Xenmem.EXCHANGE: _exchange,
    Xenmem.ADD_TO_PHYSMAP: _not_translated(16),
    Xenmem.REMOVE_FROM_PHYSMAP: _not_translated(8),
    Xenmem.ADD_TO_PHYSMAP_BATCH: _add_batch,
    Xenmem.SET_POD_TARGET: _absent(28),
    Xenmem.GET_POD_TARGET: _absent(28),
    Xenmem.ACCESS_OP: _absent(24),
    Xenmem.GET_SHARING_FREED_PAGES: _nothing_shared,
    Xenmem.GET_SHARING_SHARED_PAGES: _nothing_shared,
    Xenmem.GET_VNUMAINFO: _no_topology,
    Xenmem.RESERVED_DEVICE_MEMORY_MAP: _reserved_areas,
    Xenmem.ACQUIRE_RESOURCE: _acquire,
}
