"""Random programs for the guest of ``snippets``: hypercalls, calls, ports, system instructions, page tables,
descriptors and plain noise, with numbers that tend to be near something.

The same seed gives the same program. A place is handed EBX = table of calls, EBP = ESI = words, EDI = root.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from typing import Final

from tests.hostile.snippets import PLACE, WORDS, hypercall
from vmirom.overlays import kvm, lguest, native, vmi, xen

__all__ = ["program", "words"]

EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI = range(8)
_NUMBERS: Final = {
    "native": list(kvm.Hypercall),
    "kvm": list(kvm.Hypercall),
    "xen": list(xen.Hypercall),
    "lguest": list(lguest.Hcall),
}
_NEAR: Final = (
    0, 1, 7, 0xFF, 0x200, 0xFFF, 0x1000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFF000, 0xBFFFFFFF,
    0xC0000000, 0xC0090000, 0xC00C0000, 0xC00C0080, 0xC0100000, 0xC0FFFFFC, 0xC1000000, 0xF5400000,
    0xF57FFFFC, 0xF5800000, 0xFC000000, 0xFFC00000, 0x90000, 0xC0000, 0x60, 0x61, 0x68, 0x69, 0x73,
    0x7B, 0x80, 0x88, 0xE019, 0xE021, 0xE02B, 0x7FF0,
)  # fmt: skip
_PORTS: Final = (
    0x20, 0x21, 0x40, 0x41, 0x42, 0x43, 0x60, 0x61, 0x64, 0x70, 0x71, 0x80, 0x92, 0xA0, 0xA1, 0xE9, 0x3F8,
    0x3F9, 0x3FA, 0x3FB, 0x3FC, 0x3FD, 0x3FE, 0x3FF, 0x4D0, 0x4D1, 0x600, 0x604, 0x608, 0xCF8, 0xCF9,
    0xCFC, 0xFFFF,
)  # fmt: skip
_MSRS: Final = (*kvm.Msr, *native.Msr, 0x200, 0x174, 0xC0000081, 0x40000000)
_ALONE: Final = (
    b"\x0f\x06", b"\x0f\x08", b"\x0f\x09", b"\xfb", b"\xfb\xf4", b"\xf4", b"\x0f\x31", b"\x0f\x33",
    b"\x0f\x34", b"\x0f\x35", b"\x0f\x05", b"\x0f\x07", b"\x0f\xaa", b"\x0f\x0b", b"\xf1", b"\xcc",
    b"\xce", b"\x0f\x01\xf9", b"\x0f\x01\xc8", b"\x0f\x01\xc9", b"\x0f\x01\xd0", b"\x0f\x01\xd8",
    b"\x0f\x01\xda", b"\x0f\x01\xdf", b"\x0f\xae\xf8", b"\xf3\x90", b"\xcf", b"\xcb", b"\xc3",
)  # fmt: skip
_FLAGS: Final = (1 << 8, 1 << 14, 1 << 17, 3 << 12, 1 << 18, 1 << 16, 0x200, 0x300, 1 << 21)
_HIGH: Final = (
    0x8900,
    0x8B00,
    0x8E00,
    0x8F00,
    0xEE00,
    0x8C00,
    0xEC00,
    0x8500,
    0x9B00,
    0xFB00,
    0x9300,
    0xF300,
    0x8200,
)
_ENTRIES: Final = (0, 0x63, 0x67, 0xE7, 0x1E3, 0xFFFFFFFF)


def _u32(value: int) -> bytes:
    return struct.pack("<I", value & 0xFFFFFFFF)


def _word(r: random.Random) -> int:
    kind = r.randrange(6)
    if kind < 3:
        return r.choice(_NEAR) + r.choice((0, 0, 0, -4, 4))
    return (r.randrange(256), 0xC0000000 + r.randrange(1 << 24), r.getrandbits(32))[kind - 3]


def _move(register: int, value: int) -> bytes:
    return bytes([0xB8 + register]) + _u32(value)


def _argument(r: random.Random, register: int) -> bytes:
    """A pointer into the words, or a word."""
    if r.random() < 0.5:
        return bytes([0x8D, 0x85 | register << 3]) + _u32(r.randrange(0, WORDS, 4))  # leal n(%ebp), %reg
    return _move(register, _word(r))


def _hypercall(r: random.Random, backend: str) -> bytes:
    arguments = b"".join(_argument(r, register) for register in (EBX, ECX, EDX, ESI, EDI))
    count = _move(r.choice((EBX, ECX, EDX)), r.randrange(24)) if r.random() < 0.5 else b""
    number = int(r.choice(_NUMBERS[backend])) if r.random() < 0.95 else _word(r)
    return arguments + count + _move(EAX, number) + hypercall(backend)


def _call(r: random.Random, _: str) -> bytes:
    pushes = b"".join(b"\x68" + _u32(_word(r)) for _ in range(r.randrange(4)))
    entry = b"\x8d\x9b" + _u32(4 * int(r.choice(list(vmi.Call))))  # leal n(%ebx), %ebx
    return pushes + entry + b"".join(_argument(r, register) for register in (EAX, ECX, EDX)) + b"\xff\x13"


def _port(r: random.Random, _: str) -> bytes:
    port = r.choice(_PORTS) if r.random() < 0.85 else r.getrandbits(16)
    code = _move(EDX, port) + _move(EAX, _word(r))
    if r.random() < 0.7:
        access = (b"\xec", b"\xee", b"\xee", b"\xed", b"\xef", b"\x66\xef")
        return code + b"".join(r.choice(access) + bytes([0xB0, r.getrandbits(8)]) for _ in range(5))
    code += _move(ECX, r.choice((0, 1, 100, 5000, 0xFFFFFFFF))) + _argument(r, ESI) + _argument(r, EDI)
    return code + r.choice((b"", b"\xfd")) + b"\xf3" + bytes([r.choice((0x6C, 0x6D, 0x6E, 0x6F))])


def _system(r: random.Random, _: str) -> bytes:
    control = r.choice((0, 3, 4))
    makers: tuple[Callable[[], bytes], ...] = (
        lambda: r.choice(_ALONE),
        lambda: b"\xcd" + bytes([r.getrandbits(8)]),
        lambda: (
            b"\x0f\x20" + bytes([0xC0 | control << 3]) + b"\x35" + _u32(1 << r.randrange(32))
            + b"\x0f\x22" + bytes([0xC0 | control << 3])
        ),
        lambda: _move(EAX, _word(r)) + b"\x0f\x22" + bytes([0xC0 | control << 3]),
        lambda: _move(EAX, _word(r)) + b"\x0f\x23" + bytes([0xC0 | r.randrange(8) << 3]),
        lambda: _argument(r, ECX) + b"\x0f\x01" + bytes([r.choice((0, 1, 2, 3, 6, 7)) << 3 | ECX]),
        lambda: _move(EAX, _word(r)) + b"\x0f\x00" + bytes([0xC0 | r.randrange(6) << 3]),
        lambda: (
            _move(ECX, int(r.choice(_MSRS))) + _move(EAX, _word(r)) + _move(EDX, _word(r))
            + r.choice((b"\x0f\x30", b"\x0f\x32"))
        ),
        lambda: _move(EAX, _word(r)) + _move(ECX, _word(r)) + b"\x0f\xa2",
        lambda: b"\x68" + _u32(r.choice(_FLAGS)) + b"\x9d" + r.choice((b"\x90", b"\xcf", b"\xec", b"\xf4")),
        lambda: b"".join(b"\x68" + _u32(_word(r)) for _ in range(6)) + r.choice((b"\xcf", b"\xcb", b"\xc3")),
        lambda: r.choice((b"\xea", b"\x9a")) + _u32(_word(r)) + struct.pack("<H", _word(r) & 0xFFFF),
        lambda: _move(EAX, _word(r)) + b"\x8e" + bytes([0xC0 | r.choice((0, 2, 3, 4, 5)) << 3]),
        lambda: _move(ESP, _word(r)) + r.choice((b"\x0f\x0b", b"\xfb\x90", b"\x60", b"\xcd\x80")),
        lambda: _move(EAX, _word(r)) + r.choice((b"\xff\xe0", b"\x8b\x00", b"\x89\x00", b"\x0f\x01\x38")),
        lambda: (
            _argument(r, EDI) + _argument(r, ESI) + _move(ECX, r.choice((1, 4096, 0xFFFFFFFF)))
            + b"\xf3" + bytes([r.choice((0xA4, 0xA5, 0xAA, 0xAB, 0xAE))])
        ),
    )  # fmt: skip
    return r.choice(makers)()


def _tables(r: random.Random, _: str) -> bytes:
    """Change an entry of the boot page tables, and perhaps make the processor look."""
    depth = r.randrange(3)
    descend = b"\x81\xe7\x00\xf0\xff\xff\x81\xc7\x00\x00\x00\xc0"  # frame to linear, in %edi
    code = b"\x8b\x7f\x18" + descend if depth else b""  # movl 24(%edi), %edi
    if depth == 2:
        code += b"\x8b\xbf" + _u32(8 * r.randrange(8)) + descend
    at = _u32(8 * r.randrange((4, 16, 512)[depth]) + 4 * (r.random() < 0.2))
    value = r.choice((*_ENTRIES, r.getrandbits(32), r.randrange(4096) << 12 | 0x67))
    code += (
        (b"\xc7\x87" + at + _u32(value))
        if r.random() < 0.6
        else b"\x81\xb7" + at + _u32(1 << r.randrange(32))
    )
    return code + r.choice((b"", b"\x0f\x20\xd8\x0f\x22\xd8", _move(EAX, _word(r)) + b"\x0f\x01\x38"))


def _descriptors(r: random.Random, _: str) -> bytes:
    """Write a descriptor into the table that SGDT or SIDT names, and use it."""
    store = r.choice((b"\x0f\x01\x04\x24", b"\x0f\x01\x0c\x24"))
    at = r.randrange(0, 256, 8)
    high = r.choice(_HIGH) | r.choice((0, 0xCF0000, r.getrandbits(16) << 16))
    write = b"\xc7\x80" + _u32(at) + _u32(_word(r)) + b"\xc7\x80" + _u32(at + 4) + _u32(high)
    selector = at | r.choice((0, 1, 3))
    uses = (
        b"\xcd" + bytes([at // 8]),
        _move(EAX, selector) + b"\x8e" + bytes([0xC0 | r.choice((0, 2, 3, 4, 5)) << 3]),
        _move(EAX, selector) + b"\x0f\x00" + r.choice((b"\xd0", b"\xd8")),
        b"\x9a" + bytes(4) + struct.pack("<H", selector),
    )
    return b"\x83\xec\x08" + store + b"\x8b\x44\x24\x02" + write + r.choice(uses)


def _noise(r: random.Random, _: str) -> bytes:
    """Any bytes."""
    return r.randbytes(r.randrange(1, 48))


_KINDS: Final = (_hypercall, _call, _port, _system, _tables, _descriptors, _noise)


def program(r: random.Random, backend: str) -> list[bytes]:
    """Some places of code; each program leans towards some kinds of them."""
    weights = [r.choice((0, 1, 1, 5)) for _ in _KINDS]
    if not any(weights):
        weights[0] = 1
    kinds = r.choices(_KINDS, weights, k=r.choice((1, 3, 10, 30, 100)))
    return [(kind(r, backend) + b"\xc3")[:PLACE] for kind in kinds]


def words(r: random.Random) -> bytes:
    """Data for a program."""
    return b"".join(_u32(r.choice((_word(r), r.randrange(32), r.getrandbits(32)))) for _ in range(WORDS // 4))
