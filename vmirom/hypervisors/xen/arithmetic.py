"""What instructions that Xen carries out compute: shifts, rotations, conditions, with a processor's flags.

Pure functions on values of ``size`` bytes; flags are bits of EFLAGS.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from vmirom.overlays.native import Eflags

__all__ = ["CONDITIONS", "SHIFTS", "condition", "shifted"]

_CF: Final = int(Eflags.CF)
_PF: Final = int(Eflags.PF)
_ZF: Final = int(Eflags.ZF)
_SF: Final = int(Eflags.SF)
_OF: Final = int(Eflags.OF)
_OF_SHIFTS: Final = _CF | _PF | _ZF | _SF | _OF
_OF_ROTATIONS: Final = _CF | _OF
SHIFTS: Final = ("shl", "sal", "shr", "sar", "rol", "ror", "rcl", "rcr")
_CONDITIONS: Final[dict[str, Callable[[int], int]]] = {
    "o": lambda f: f & _OF,
    "b": lambda f: f & _CF,
    "e": lambda f: f & _ZF,
    "be": lambda f: f & (_CF | _ZF),
    "s": lambda f: f & _SF,
    "p": lambda f: f & _PF,
    "l": lambda f: bool(f & _SF) != bool(f & _OF),
    "le": lambda f: f & _ZF or bool(f & _SF) != bool(f & _OF),
}
_NEGATED: Final = {"no": "o", "ae": "b", "ne": "e", "a": "be", "ns": "s", "np": "p", "ge": "l", "g": "le"}
CONDITIONS: Final = (*_CONDITIONS, *_NEGATED)


def condition(name: str, flags: int) -> bool:
    """Whether a condition by its suffix (``e`` of SETE) holds. Raises KeyError for an unknown one."""
    if name in _NEGATED:
        return not _CONDITIONS[_NEGATED[name]](flags)
    return bool(_CONDITIONS[name](flags))


def shifted(name: str, value: int, count: int, size: int, flags: int) -> tuple[int, int]:
    """(result, flags afterwards) of a shift or rotation; a count of 0 changes neither."""
    count &= 31
    if not count:
        return value, flags
    width = 8 * size
    mask = (1 << width) - 1
    if name in ("rol", "ror", "rcl", "rcr"):
        return _rotated(name, value, count, width, flags)
    if name in ("shl", "sal"):
        wide = value << count
        result, carry = wide & mask, wide >> width & 1
        overflow = (result >> width - 1 & 1) ^ carry
    else:
        signed = value - (1 << width) if name == "sar" and value >> width - 1 else value
        result, carry = signed >> count & mask, signed >> count - 1 & 1
        overflow = value >> width - 1 if name == "shr" else 0
    new = _CF * carry | _OF * overflow | _ZF * (not result) | _SF * (result >> width - 1)
    if not (result & 0xFF).bit_count() & 1:
        new |= _PF
    return result, flags & ~_OF_SHIFTS | new


def _rotated(name: str, value: int, count: int, width: int, flags: int) -> tuple[int, int]:
    """Bit by bit, as the instructions are described; at most 31 of them."""
    carry = flags & _CF
    for _ in range(count):
        if name in ("rol", "rcl"):
            out = value >> width - 1
            value = (value << 1 | (out if name == "rol" else carry)) & (1 << width) - 1
        else:
            out = value & 1
            value = value >> 1 | (out if name == "ror" else carry) << width - 1
        carry = out
    top, next_one = value >> width - 1, value >> width - 2 & 1
    overflow = top ^ carry if name in ("rol", "rcl") else top ^ next_one
    return value, flags & ~_OF_ROTATIONS | _CF * carry | _OF * overflow
