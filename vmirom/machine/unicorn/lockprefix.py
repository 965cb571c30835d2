"""Where LOCK may stand: SDM volume 2, "LOCK"; everywhere else a processor raises #UD.

unicorn passes over it before most instructions. To find those, the bytes of a block are gone over instruction
by instruction: prefixes, opcode, ModRM and what follows, by the opcode maps of SDM volume 2, appendix A. That
is all of an instruction that its length depends on, so that every row of bytes has one, and those that are no
instruction do no harm: there a block ends.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

__all__ = ["first_refused", "length"]

LOCK: Final = 0xF0
_LONGEST: Final = 15
_PREFIX_BYTES: Final = frozenset(b"\x26\x2e\x36\x3e\x64\x65\x66\x67\xf0\xf2\xf3")
_PREFIXES: Final = re.compile(rb"[\x26\x2e\x36\x3e\x64-\x67\xf0\xf2\xf3]*")
_ESCAPE, _MAP_38, _MAP_3A = 0x0F, 0x38, 0x3A


def _opcodes(text: str) -> frozenset[int]:
    """``00-03 0f`` as a set."""
    bounds = ([int(end, 16) for end in part.split("-")] for part in text.split())
    return frozenset(opcode for bound in bounds for opcode in range(bound[0], bound[-1] + 1))


class _Map(NamedTuple):
    """Opcodes by what comes behind them; z is an operand's size but 4 at most."""

    modrm: frozenset[int]
    byte: frozenset[int]
    z: frozenset[int]


_ARITHMETIC: Final = range(0, 0x40, 8)
_ONE: Final = _Map(
    modrm=_opcodes("62 63 69 6b 80-8f c0 c1 c4-c7 d0-d3 d8-df f6 f7 fe ff")
    | {row + i for row in _ARITHMETIC for i in range(4)},
    byte=_opcodes("6a 6b 70-7f 80 82 83 a8 b0-b7 c0 c1 c6 cd d4 d5 e0-e7 eb") | {r + 4 for r in _ARITHMETIC},
    z=_opcodes("68 69 81 a9 b8-bf c7 e8 e9") | {row + 5 for row in _ARITHMETIC},
)
_TWO: Final = _Map(
    modrm=frozenset(range(256)) - _opcodes("04-0c 0e 30-37 77 80-8f a0-a2 a8-aa c8-cf ff"),
    byte=_opcodes("0f 70-73 a4 ac ba c2 c4-c6"),
    z=_opcodes("80-8f"),
)
_REGISTERS_ONLY: Final = _opcodes("20-23 71-73")
"""Behind 0F, to and from control and debug registers, and shifts by a number: there mod is not looked at. Of
the latter a processor refuses the rest; unicorn executes them."""
_OTHERS: Final = {0xC2: 2, 0xCA: 2, 0xC8: 3}
_FAR, _AT_OFFSET, _TEST, _VEX = _opcodes("9a ea"), _opcodes("a0-a3"), _opcodes("f6 f7"), _opcodes("c4 c5")
_EXTRACT: Final = 0x78

_ALL: Final = frozenset(range(8))
_TAKE_LOCK: Final[dict[bytes, frozenset[int]]] = {
    **{bytes([row + i]): _ALL for row in _ARITHMETIC if row != 0x38 for i in (0, 1)},
    **{bytes([opcode]): frozenset(range(7)) for opcode in (0x80, 0x81, 0x82, 0x83)},
    **{bytes([opcode]): frozenset((2, 3)) for opcode in (0xF6, 0xF7)},
    **{bytes([opcode]): frozenset((0, 1)) for opcode in (0xFE, 0xFF)},
    **{bytes([opcode]): _ALL for opcode in (0x86, 0x87)},
    **{bytes([_ESCAPE, opcode]): _ALL for opcode in (0xAB, 0xB3, 0xBB, 0xB0, 0xB1, 0xC0, 0xC1)},
    b"\x0f\xba": frozenset((5, 6, 7)),
    b"\x0f\xc7": frozenset((1,)),
}
"""Opcode to the numbers in ModRM's reg with which it takes LOCK, where its destination is memory."""


def first_refused(code: bytes, wide: bool) -> int | None:
    """Where in the block ``code`` the first instruction begins that has LOCK and does not take it, or None.
    ``wide`` code has operands and addresses of 32 bits. An instruction of more than 15 bytes is another
    fault. The last one need not be whole: where its opcode is privileged, unicorn reads no further."""
    at, last, there = 0, code.rfind(LOCK), len(code)
    code += bytes(_LONGEST)
    while at <= last:
        size = length(code, at, wide)
        if size > _LONGEST:
            return None
        if code[at] in _PREFIX_BYTES and _refuses(code, at, there):
            return at
        at += size
    return None


def length(code: bytes, at: int, wide: bool) -> int:
    """Bytes of the instruction at ``at``. Raises IndexError if they are not all there."""
    begin, at = at, _past_prefixes(code, at)
    prefixes = code[begin:at]
    wide_address = wide ^ (0x67 in prefixes)
    z = 4 if wide ^ (0x66 in prefixes) else 2
    return _opcode_and_operands(code, at, z, wide_address, prefixes) - begin


def _opcode_and_operands(code: bytes, at: int, z: int, wide_address: bool, prefixes: bytes) -> int:
    """Where what begins with an opcode at ``at`` ends."""
    opcode = code[at]
    at += 1
    if opcode == _ESCAPE:
        return _second(code, at, z, wide_address, prefixes)
    if opcode in _VEX and code[at] >> 6 == 3:
        return _behind_vex(code, at, opcode, z, wide_address)
    if opcode in _AT_OFFSET:
        return at + (4 if wide_address else 2)
    if opcode in _FAR:
        return at + z + 2
    size = (opcode in _ONE.byte) + (z if opcode in _ONE.z else 0) + _OTHERS.get(opcode, 0)
    if opcode not in _ONE.modrm:
        return at + size
    if opcode in _TEST and code[at] >> 3 & 7 < 2:
        size += z if opcode & 1 else 1
    return _past_modrm(code, at, wide_address) + size


def _second(code: bytes, at: int, z: int, wide_address: bool, prefixes: bytes) -> int:
    """... an opcode behind 0F."""
    opcode = code[at]
    at += 1
    if opcode in (_MAP_38, _MAP_3A):
        return _past_modrm(code, at + 1, wide_address) + (opcode == _MAP_3A)
    size = (opcode in _TWO.byte) + (z if opcode in _TWO.z else 0)
    if opcode in _REGISTERS_ONLY:
        return at + 1 + size
    if opcode == _EXTRACT and (0x66 in prefixes or 0xF2 in prefixes):
        size = 2  # EXTRQ and INSERTQ
    return _past_modrm(code, at, wide_address) + size if opcode in _TWO.modrm else at + size


def _behind_vex(code: bytes, at: int, prefix: int, z: int, wide_address: bool) -> int:
    """... what begins with C4 or C5 and no operand in memory."""
    if prefix == 0xC5:
        return _second(code, at + 1, z, wide_address, b"")
    number = code[at] & 0x1F
    if number == 1:
        return _second(code, at + 2, z, wide_address, b"")
    return _past_modrm(code, at + 3, wide_address) + (number == 3)


def _past_modrm(code: bytes, at: int, wide_address: bool) -> int:
    """Behind ModRM, SIB and displacement."""
    mod, rm = code[at] >> 6, code[at] & 7
    at += 1
    if mod == 3:
        return at
    if not wide_address:
        return at + (2 if mod == 2 or (mod == 0 and rm == 6) else mod)
    if rm == 4:
        rm = code[at] & 7 if mod == 0 else rm
        at += 1
    return at + (4 if mod == 2 or (mod == 0 and rm == 5) else mod)


def _past_prefixes(code: bytes, at: int) -> int:
    found = _PREFIXES.match(code, at)
    assert found is not None
    return found.end()


def _refuses(code: bytes, at: int, end: int) -> bool:
    """Whether the instruction at ``at``, read up to ``end``, has LOCK and does not take it."""
    opcode_at = _past_prefixes(code, at)
    if LOCK not in code[at:opcode_at]:
        return False
    modrm_at = opcode_at + (2 if code[opcode_at] == _ESCAPE else 1)
    if modrm_at > end:
        return False
    takes = _TAKE_LOCK.get(code[opcode_at:modrm_at])
    if takes is None:
        return True
    modrm = code[modrm_at]
    return modrm_at < end and (modrm >> 6 == 3 or modrm >> 3 & 7 not in takes)
