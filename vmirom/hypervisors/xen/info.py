"""xen_version: what this Xen says about itself (xen-host.md sections 3 to 6; ``release`` for older ones)."""

from __future__ import annotations

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
_COMMAND_LINE_SIZE: Final = 1024
_ENODATA: Final = 61  # ENODATA, which the ABI has no other use for
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
        raise Refused(_ENODATA, "this hypervisor has no build id")
    domain.space.write(at, _answer(domain, command, at))
    return 0


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
        submap = domain.space.u32(at)
        if submap:
            raise Refused(Errno.EINVAL, f"feature submap {submap}")
        return submap.to_bytes(4, "little") + domain.release.features.to_bytes(4, "little")
    if command == Xenver.GUEST_HANDLE:
        return _DOMAIN_HANDLE
    if command == Xenver.COMMANDLINE:
        return _text("", _COMMAND_LINE_SIZE)
    raise Refused(Errno.ENOSYS, f"xen_version {command}")
