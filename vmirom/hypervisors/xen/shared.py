"""The pages a domain and Xen share: shared_info and the vcpu_info in it, which may move elsewhere.

Everything here is memory that the guest may write at any time, so nothing read from it is trusted further
than the guest itself could be hurt.
"""

from __future__ import annotations

from typing import Any, Final

from vmirom.machine.memory import Memory
from vmirom.overlays.xen import Evtchn, ffi

__all__ = ["PORTS", "VCPU_INFO_SIZE", "SharedInfo"]

PORTS: Final = int(Evtchn.COUNT)
"""Event channels of a 32-bit domain: 32 words of 32 bits."""
VCPU_INFO_SIZE: Final[int] = ffi.sizeof("struct xen_vcpu_info")

_SHARED: Final = "struct xen_shared_info"
_PENDING: Final[int] = ffi.offsetof(_SHARED, "evtchn_pending")
_MASK: Final[int] = ffi.offsetof(_SHARED, "evtchn_mask")


class SharedInfo:
    """shared_info at machine address ``gpa``; ``vcpu`` is the live vcpu_info of virtual CPU 0."""

    def __init__(self, memory: Memory, gpa: int) -> None:
        self.memory = memory
        self.gpa = gpa
        self.page: Any = memory.view(gpa, ffi, _SHARED)
        self.vcpu_gpa = gpa
        self.vcpu: Any = memory.view(gpa, ffi, "struct xen_vcpu_info")

    def move_vcpu(self, gpa: int) -> None:
        """The live vcpu_info is at ``gpa`` from now on; its contents go with it."""
        self.memory.write(gpa, self.memory.read(self.vcpu_gpa, VCPU_INFO_SIZE))
        self.vcpu_gpa = gpa
        self.vcpu = self.memory.view(gpa, ffi, "struct xen_vcpu_info")

    def set_bit(self, where: str, port: int) -> bool:
        """Set ``port`` in the ``pending`` or ``mask`` bits; whether it was set before."""
        at, bit = self._word(where, port)
        old = self.memory.u32(at)
        self.memory.put32(at, old | bit)
        return bool(old & bit)

    def clear_bit(self, where: str, port: int) -> bool:
        """Clear a bit; whether it was set before."""
        at, bit = self._word(where, port)
        old = self.memory.u32(at)
        self.memory.put32(at, old & ~bit)
        return bool(old & bit)

    def bit(self, where: str, port: int) -> bool:
        """Whether a bit is set."""
        at, bit = self._word(where, port)
        return bool(self.memory.u32(at) & bit)

    def _word(self, where: str, port: int) -> tuple[int, int]:
        table = _PENDING if where == "pending" else _MASK
        return self.gpa + table + port // 32 * 4, 1 << port % 32
