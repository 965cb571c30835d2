"""The hypercalls of a machine's management: platform_op, sysctl, domctl, mca, xenoprof_op.

None is offered beyond the door: each wants the version of its interface first, and knows no command then.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from vmirom.hypervisors.xen.answers import Refused
from vmirom.overlays.xen import Errno

if TYPE_CHECKING:
    from vmirom.hypervisors.xen.domain import Domain

__all__ = ["MCA", "PLATFORM", "SYSTEM", "profile", "versioned"]

PLATFORM: Final = 0x03000001
SYSTEM: Final = 0x15
"""Of sysctl and domctl both."""
MCA: Final = 0x01ECC003
_PROFILE_COMMANDS: Final = 17


def versioned(version: int) -> Callable[[Domain, Sequence[int]], int]:
    """A hypercall whose argument begins with a command and a version of its interface."""

    def answer(domain: Domain, args: Sequence[int]) -> int:
        command, found = struct.unpack("<II", domain.space.read(args[0], 8))
        if found != version:
            raise Refused(Errno.EACCES, f"interface version {found:#x} is not {version:#x}")
        raise Refused(Errno.ENOSYS, f"command {command} is not offered")

    return answer


def profile(domain: Domain, args: Sequence[int]) -> int:
    """xenoprof_op: there is nothing to profile; the first command says so."""
    command, at = args[0], args[1]
    if command >= _PROFILE_COMMANDS:
        raise Refused(Errno.EINVAL, f"xenoprof_op {command}")
    if command:
        raise Refused(Errno.EPERM, f"xenoprof_op {command} before the first")
    domain.space.read(at, 4)
    return 0
