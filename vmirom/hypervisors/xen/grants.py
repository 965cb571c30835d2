"""grant_table_op: the domain's own table, and the answers to uses of grants that nobody has made.

There is no other domain, so nothing can be mapped or transferred; what remains is the table's one frame, its
version, and the status that each kind of request gets. Facts: observed, as asked by the probe (``grant.*``).
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vmirom.hypervisors.xen.answers import GuestFault, Refused
from vmirom.machine.addresses import PAGE_SIZE
from vmirom.overlays.xen import Domid, Errno

if TYPE_CHECKING:
    from vmirom.hypervisors.xen.domain import Domain

__all__ = ["grant_operation"]

_LIMIT: Final = 1 << 31
_FRAMES_MOST: Final = 64
_ENTRIES: Final = PAGE_SIZE // 8
_VERSIONS: Final = (1, 2)
_OF_GRANT: Final = 1
_MAP_KINDS: Final = 3
_FLUSHES: Final = 1 << 31 | 3
"""Of cache_flush: clean, invalidate, and that a grant is named."""


class _Status(enum.IntEnum):
    """What a request's status field says."""

    OKAY = 0
    GENERAL_ERROR = -1
    BAD_DOMAIN = -2
    BAD_GRANT = -3
    BAD_HANDLE = -4
    PERMISSION_DENIED = -8
    BAD_PAGE = -9
    BAD_COPY = -10


@dataclass(frozen=True, slots=True)
class _Kind:
    """One command: its request's layout, where the status stands in it, and who answers one request."""

    layout: struct.Struct
    status: int
    serve: Callable[[Domain, tuple[int, ...]], int]
    single: bool = False


def grant_operation(domain: Domain, command: int, at: int, count: int) -> int:
    """grant_table_op. Raises Refused and GuestFault."""
    if count >= _LIMIT or command >> 12:
        raise Refused(Errno.EINVAL, f"grant_table_op {command:#x} of {count}")
    if alone := _ALONE.get(command):
        return alone(domain, at, count)
    kind = _KINDS.get(command)
    if kind is None:
        raise Refused(Errno.ENOSYS, f"grant_table_op {command}")
    if kind.single and count > 1:
        raise Refused(Errno.EINVAL, f"grant_table_op {command} of {count}")
    if at + count * kind.layout.size > domain.hole.start and count:
        raise GuestFault(domain.hole.start, 1)
    for number in range(count):
        domain.check_time()
        place = at + number * kind.layout.size
        request = kind.layout.unpack(domain.space.read(place, kind.layout.size))
        domain.space.write(
            place + kind.status, kind.serve(domain, request).to_bytes(2, "little", signed=True)
        )
    return 0


def _map(domain: Domain, request: tuple[int, ...]) -> int:
    """Our own grants can't be mapped by ourselves, and there is nobody else."""
    return _Status.BAD_DOMAIN if request[1] & _MAP_KINDS else _Status.BAD_GRANT


def _unmap(domain: Domain, request: tuple[int, ...]) -> int:
    return _Status.BAD_HANDLE


def _setup(domain: Domain, request: tuple[int, ...]) -> int:
    """setup_table: the table's frames; there is one."""
    domid, frames, _, list_at = request
    if list_at + 4 * frames > domain.hole.start:
        raise GuestFault(domain.hole.start, 1)
    if domid not in (Domid.SELF, 0):
        return _Status.BAD_DOMAIN
    if frames > 1:
        return _Status.GENERAL_ERROR
    if frames:
        domain.space.put32(list_at, domain.grant_frame)
    return _Status.OKAY


def _transfer(domain: Domain, request: tuple[int, ...]) -> int:
    return _Status.BAD_DOMAIN if domain.tables.owned(request[0]) else _Status.BAD_PAGE


def _copy(domain: Domain, request: tuple[int, ...]) -> int:
    """Between frames of ourselves only, and then within each."""
    source, source_domain, source_offset, target, target_domain, target_offset, length, flags, _ = request
    for domid, by_grant in ((source_domain, flags & 1), (target_domain, flags & 2)):
        if domid != Domid.SELF and not by_grant:
            return _Status.PERMISSION_DENIED
        if domid not in (Domid.SELF, 0):
            return _Status.BAD_DOMAIN
    if flags & 3:
        return _Status.BAD_GRANT
    if not (domain.tables.owned(source) and domain.tables.owned(target)):
        return _Status.BAD_PAGE
    if max(source_offset, target_offset) + length > PAGE_SIZE:
        return _Status.BAD_COPY
    data = domain.memory.read((source << 12) + source_offset, length)
    domain.memory.write((target << 12) + target_offset, data)
    return _Status.OKAY


def _swap(domain: Domain, request: tuple[int, ...]) -> int:
    return _Status.OKAY if max(request[:2]) < _ENTRIES else _Status.BAD_GRANT


def _status_frames(domain: Domain, request: tuple[int, ...]) -> int:
    """get_status_frames: they belong to version 2 of the table; of version 1 there are none to list."""
    frames, domid, _, list_at = request
    if (list_at & 0xFFFFFFFF) + 8 * frames > domain.hole.start:
        raise GuestFault(domain.hole.start, 1)
    if domid not in (Domid.SELF, 0):
        return _Status.BAD_DOMAIN
    return _Status.GENERAL_ERROR if frames else _Status.OKAY


_KINDS: Final[dict[int, _Kind]] = {
    0: _Kind(struct.Struct("<QIIHhIQ"), 18, _map),
    1: _Kind(struct.Struct("<QQIhH"), 20, _unmap),
    2: _Kind(struct.Struct("<HxxIhxxI"), 8, _setup, single=True),
    4: _Kind(struct.Struct("<IHxxIhxx"), 12, _transfer),
    5: _Kind(struct.Struct("<IHHIHHHHhxx"), 20, _copy),
    7: _Kind(struct.Struct("<QQIhH"), 20, _unmap),
    9: _Kind(struct.Struct("<IHhQ"), 6, _status_frames, single=True),
    11: _Kind(struct.Struct("<IIhxx"), 8, _swap),
}


def _query(domain: Domain, at: int, count: int) -> int:
    """query_size: frames now, frames at most, status."""
    if count != 1:
        raise Refused(Errno.EINVAL, "query_size of other than one")
    if at >= domain.hole.start:
        raise GuestFault(at, 1)
    domid = int.from_bytes(domain.space.read(at, 16)[:2], "little")
    known = domid in (Domid.SELF, 0)
    if known:
        domain.space.write(at + 4, struct.pack("<II", 1, _FRAMES_MOST))
    status = _Status.OKAY if known else _Status.BAD_DOMAIN
    domain.space.write(at + 12, int(status).to_bytes(2, "little", signed=True))
    return 0


def _set_version(domain: Domain, at: int, count: int) -> int:
    """set_version: 1 or 2, whatever ``count`` says. The one in force is written back."""
    if at >= domain.hole.start:
        raise GuestFault(at, 1)
    wanted = domain.space.u32(at)
    if wanted in _VERSIONS:
        domain.grant_version = wanted
    domain.space.put32(at, domain.grant_version)
    if wanted not in _VERSIONS:
        raise Refused(Errno.EINVAL, f"grant tables of version {wanted}")
    return 0


def _get_version(domain: Domain, at: int, count: int) -> int:
    domid = int.from_bytes(domain.space.read(at, 8)[:2], "little")
    if domid not in (Domid.SELF, 0):
        raise Refused(Errno.ESRCH, f"no domain {domid}")
    domain.space.put32(at + 4, domain.grant_version)
    return 0


def _flush(domain: Domain, at: int, count: int) -> int:
    """cache_flush: of nothing it is done; of a frame there is nothing to be told."""
    for number in range(count):
        offset, length, operation = struct.unpack("<8xHHI", domain.space.read(at + 16 * number, 16))
        if operation & ~_FLUSHES or offset >= PAGE_SIZE or offset + length > PAGE_SIZE:
            raise Refused(Errno.EINVAL, f"cache_flush {operation:#x} of {length} bytes")
    return 0


_ALONE: Final[dict[int, Callable[[Domain, int, int], int]]] = {
    6: _query,
    8: _set_version,
    10: _get_version,
    12: _flush,
}
