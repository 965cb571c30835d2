"""The model-specific registers that KVM serves by itself, whatever the processor has.

Facts: a sweep over all ranges on Linux 6.1's kvm_amd, each register read and written with what it read, 0, 1
and all ones. Registers of the processor itself (EFER, SYSENTER, SYSCALL) are not here. MTRRs and the PAT are
kept by the processor; only what may be written is looked at.
"""

from __future__ import annotations

from typing import Final

from vmirom.overlays.native import Msr

__all__ = ["Registers"]

_ONES: Final = (1 << 64) - 1
_READ_ONLY: Final = {
    **dict.fromkeys((0x0, 0x1, 0x17, 0x2A, 0x34, 0x199), 0),
    0x2C: 1 << 24,
    0xCD: 3,
    0xCE: 1 << 31,
    0xFE: 0x508,
    0x179: 0x20,
    0x198: 0x400_0000_03E8,
    **dict.fromkeys((0x1DB, 0x1DC, 0x1DD, 0x1DE, 0x606, 0x611, 0x619, 0x639, 0x641), 0),
    **dict.fromkeys((0xC001_0010, 0xC001_0055, 0xC001_0112, 0xC001_0113, 0xC001_1021, 0xC001_1029), 0),
}
_LOST: Final = {
    0x8B: 0x100_0065,
    0x11E: 0xBE70_2111,
    **dict.fromkeys((0xC1, 0xC2, 0x186, 0x187, 0x6E0, *range(0xC001_0000, 0xC001_0008)), 0),
    0xC001_001B: 0x2000_0000,
    **dict.fromkeys((0xC001_001F, 0xC001_0130, 0xC001_1022, 0xC001_1023, 0xC001_102A, 0xC001_102C), 0),
}
"""Any value may be written, and none is kept."""
_WRITE_ONLY: Final = frozenset({0xC001_0020, 0xC001_0115})
_ZERO: Final = frozenset({0xC001_0015, 0xC001_0058, 0xC001_0117})
_MISC_ENABLE: Final = 0x1A0
_MISC_FIXED: Final = 0x1800
"""No precise sampling and no branch trace: not the guest's to change."""
_MISC_NEVER: Final = 0x80
"""Performance monitoring is there for nobody: the bit is taken and not kept."""
_KEPT: Final = {0x3B: _ONES, 0x1FC: _ONES, 0x140: 1, 0xC001_0114: 0x1F, _MISC_ENABLE: _ONES}
"""Bits that may be set; what is written stays."""
_BANKS: Final = range(0x400, 0x480)
_CONTROL, _STATUS = 0, 1
_MEMORY_TYPES: Final = frozenset({0, 1, 4, 5, 6})
_PAT_TYPES: Final = _MEMORY_TYPES | {7}
_VARIABLE: Final = range(0x200, 0x210)
_FIXED: Final = frozenset({0x250, 0x258, 0x259, *range(0x268, 0x270)})
_DEFAULT_TYPE: Final = 0x2FF
_DEFAULT_BITS: Final = 0xCFF
_WIDTH: Final = 40
_MASK_RESERVED: Final = 0x7FF
_BASE_RESERVED: Final = 0xF00


class Registers:
    """What one virtual CPU has written."""

    def __init__(self) -> None:
        self._kept: dict[int, int] = {_MISC_ENABLE: _MISC_FIXED}

    def read(self, index: int) -> int | bool | None:
        """The value; False for #GP, None for a register of the processor's."""
        if index in _WRITE_ONLY:
            return False
        fixed = _READ_ONLY.get(index, _LOST.get(index))
        if fixed is not None:
            return fixed
        return self._kept.get(index, 0) if index in _KEPT or index in _BANKS or index in _ZERO else None

    def write(self, index: int, value: int) -> bool | None:
        """True if it is taken, False for #GP, None if the processor is to take it."""
        if index in _READ_ONLY:
            return False
        if index in _LOST or index in _WRITE_ONLY:
            return True
        if index in _ZERO:
            return value == 0
        if (right := _memory_types_are_right(index, value)) is not None:
            return None if right else False
        if index in _BANKS:
            taken = _bank_takes(index, value)
        elif index == _MISC_ENABLE:
            taken = value & _MISC_FIXED == _MISC_FIXED
            value &= ~_MISC_NEVER
        elif index in _KEPT:
            taken = not value & ~_KEPT[index]
        else:
            return None
        if taken:
            self._kept[index] = value
        return taken


def _bank_takes(index: int, value: int) -> bool:
    """Of a machine-check bank: all of the control word or none, no status but none, any address."""
    kind = index % 4
    if kind == _CONTROL:
        return value in (0, _ONES)
    return value == 0 if kind == _STATUS else True


def _memory_types_are_right(index: int, value: int) -> bool | None:
    """Whether a value for an MTRR or the PAT is one; None for other registers."""
    if index == Msr.PAT:
        return _PAT_TYPES.issuperset(value.to_bytes(8, "little"))
    if index in _FIXED:
        return _MEMORY_TYPES.issuperset(value.to_bytes(8, "little"))
    if index == _DEFAULT_TYPE:
        return not value & ~_DEFAULT_BITS and value & 0xFF in _MEMORY_TYPES
    if index not in _VARIABLE:
        return None
    if value >> _WIDTH:
        return False
    if index & 1:
        return not value & _MASK_RESERVED
    return not value & _BASE_RESERVED and value & 0xFF in _MEMORY_TYPES
