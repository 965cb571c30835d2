"""xen_version: what this Xen says about itself (xen-host.md sections 3 to 6; ``release`` for older ones)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from vmirom.hypervisors.xen.answers import Refused
from vmirom.machine.addresses import PAGE_SIZE
from vmirom.overlays.xen import Errno, Xenver

if TYPE_CHECKING:
    from vmirom.hypervisors.xen.domain import Domain

__all__ = ["CAPABILITIES", "xen_version"]

CAPABILITIES: Final = "xen-3.0-x86_64 xen-3.0-x86_32p "
_COMPILE_INFO: Final = (("", 64), ("", 16), ("", 32), ("", 32))
_CHANGESET: Final = ""
_COMMAND_LINE: Final = "console=com1"
_COMMAND_LINE_SIZE: Final = 1024
_BUILD_ID: Final = hashlib.sha1(b"the embedded Xen", usedforsecurity=False).digest()
"""As long as a linker's; it names no build."""
_CAPABILITIES_SIZE: Final = 1024
_DOMAIN_HANDLE: Final = bytes(16)


def _text(value: str, size: int) -> bytes:
    return value.encode("ascii")[: size - 1].ljust(size, b"\0")


def xen_version(domain: Domain, command: int, at: int) -> int:
    """xen_version. Raises Refused and GuestFault."""
    release = domain.release
    release.need("xen_version", command, release.version_commands)
    if command == Xenver.VERSION:
        return release.version
    if command == Xenver.PAGESIZE:
        if at:
            raise Refused(Errno.EINVAL, "pagesize takes no argument")
        return PAGE_SIZE
    if command == Xenver.BUILD_ID:
        return _build_id(domain, at)
    domain.space.write(at, _answer(domain, command, at))
    return 0


def _build_id(domain: Domain, at: int) -> int:
    """The length; with an address the identity itself, where its buffer says that there is room."""
    if at:
        room = domain.space.u32(at)
        if room == 0:
            raise Refused(Errno.EINVAL, "no room for a build id")
        if room < len(_BUILD_ID):
            raise Refused(Errno.ENOBUFS, f"room for {room} bytes of a build id of {len(_BUILD_ID)}")
        domain.space.write(at + 4, _BUILD_ID)
    return len(_BUILD_ID)


def _answer(domain: Domain, command: int, at: int) -> bytes:
    if command == Xenver.EXTRAVERSION:
        return _text(domain.release.extraversion, 16)
    if command == Xenver.COMPILE_INFO:
        return b"".join(_text(value, size) for value, size in _COMPILE_INFO)
    if command == Xenver.CAPABILITIES:
        return _text(CAPABILITIES, _CAPABILITIES_SIZE)
    if command == Xenver.CHANGESET:
        return _text(_CHANGESET, 64)
    if command == Xenver.PLATFORM_PARAMETERS:
        return domain.hole.start.to_bytes(4, "little")
    if command == Xenver.GET_FEATURES:
        submap = int.from_bytes(domain.space.read(at, 8)[:4], "little")
        if submap:
            raise Refused(Errno.EINVAL, f"feature submap {submap}")
        return submap.to_bytes(4, "little") + domain.release.features.to_bytes(4, "little")
    if command == Xenver.GUEST_HANDLE:
        return _DOMAIN_HANDLE
    if command == Xenver.COMMANDLINE:
        return _text(_COMMAND_LINE, _COMMAND_LINE_SIZE)
    raise Refused(Errno.ENOSYS, f"xen_version {command}")
