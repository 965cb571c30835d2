"""The hypervisor's hole in the guest's address space and the PTE bits of PAE.

The hole starts at 0xF5800000 unless the HV_START_LOW note asks for less of it (xen-host.md section 4).
It begins with the machine-to-physical table, read-only 2 MiB pages. The last 2 MiB of the address space
hold what the processor itself must reach by linear address: GDT, LDT and TSS. A real 64-bit Xen has these
above 4 GiB; here they are read-only to the guest, like the rest of the hole.
"""

from dataclasses import dataclass
from typing import Final

from vmirom.overlays import xen as abi
from vmirom.overlays.native import Pte

__all__ = [
    "ACCESSED",
    "CACHE_BITS",
    "DIRTY",
    "ENTRIES",
    "FRAME_MASK",
    "GDT_VA",
    "GLOBAL",
    "HIGH_BITS",
    "LARGE",
    "LARGE_SIZE",
    "LDT_VA",
    "NX",
    "PRESENT",
    "TOP_SLOT_VA",
    "TSS_VA",
    "USER",
    "WINDOW_SLOT",
    "WINDOW_VA",
    "WRITE",
    "Hole",
]

PRESENT: Final = int(Pte.PRESENT)
WRITE: Final = int(Pte.WRITE)
USER: Final = int(Pte.USER)
CACHE_BITS: Final = int(Pte.WRITE_THROUGH | Pte.NO_CACHE)
"""PWT and PCD."""
ACCESSED: Final = int(Pte.ACCESSED)
DIRTY: Final = int(Pte.DIRTY)
LARGE: Final = int(Pte.LARGE)
GLOBAL: Final = int(Pte.GLOBAL)
NX: Final = int(Pte.NX)
HIGH_BITS: Final = 0x7FF << 52
"""Bits 52 to 62, which PAE reserves."""
FRAME_MASK: Final = 0x000F_FFFF_FFFF_F000
ENTRIES: Final = 512

LARGE_SIZE: Final = 1 << 21
TOP_SLOT_VA: Final = 0xC000_0000
"""First address of L3 slot 3, the one that carries the hole."""
WINDOW_VA: Final = 0xFFE0_0000
WINDOW_SLOT: Final = 511
GDT_VA: Final = WINDOW_VA
LDT_VA: Final = WINDOW_VA + 0x10000
TSS_VA: Final = WINDOW_VA + 0x20000

_M2P_HIGH_END: Final = 0xFFE0_0000


@dataclass(frozen=True, slots=True)
class Hole:
    """Where the hypervisor's range starts, and the range of the machine-to-physical table in it."""

    start: int
    m2p_start: int
    m2p_end: int

    @classmethod
    def default(cls) -> "Hole":
        """The range of a kernel without an HV_START_LOW note."""
        return cls(abi.Hole.START, abi.Hole.M2P_START, _M2P_HIGH_END)

    @classmethod
    def smallest(cls, machine_frames: int) -> "Hole":
        """The range that just fits the table of ``machine_frames`` frames, for kernels with the note."""
        size = -(-machine_frames * 4 // LARGE_SIZE) * LARGE_SIZE
        return cls(_M2P_HIGH_END - size, _M2P_HIGH_END - size, _M2P_HIGH_END)

    @property
    def first_slot(self) -> int:
        """Index in slot 3's L2 of the first entry that belongs to Xen."""
        return (self.start - TOP_SLOT_VA) // LARGE_SIZE

    @property
    def max_mfn(self) -> int:
        """The last frame that the table's range could describe."""
        return (self.m2p_end - self.m2p_start) // 4 - 1
