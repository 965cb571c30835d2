"""Faulty code in a ROM: wrapped slots, replaced routines, single instructions exchanged.

A routine is found through its slot, an instruction in it by its text, so that a rebuilt ROM is either patched
at the same place or refused. The checksum is made right again.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final

import capstone

from vmirom.conform.faults.fault import CantApply, RomPatch
from vmirom.overlays.vmi import Call, Const, Layout, RomHeader, ffi
from vmirom.rom.image import RomImage, parse_rom

__all__ = [
    "after_initialisation",
    "around",
    "around_relocation",
    "at_bytes",
    "before",
    "before_relocation",
    "by_slot",
    "byte_led_to",
    "byte_of",
    "entering",
    "exchange",
    "instead",
    "mended",
    "rewritten",
    "type_of",
]

_NEAR: Final = 5
_UNUSED: Final = int(Call.MachineToPhysical)
"""Calls 42 and 43 have no routine in any ROM: their slots are 32 bytes in a row."""
_FAR: Final = 2
"""Slots of that room."""
_INSTRUCTIONS: Final = 4000
_CHECKSUM_AT: Final = -1
_CALL: Final = 0xE8
_JUMP: Final = 0xE9
_LAST: Final = bytes.fromhex("fc 85 db c3")
"""cld; test %ebx, %ebx; ret: how a boot stub leaves for the guest, behind the magic word."""


def mended(rom: bytes) -> bytes:
    """With the last byte such that all add up to zero."""
    data = bytearray(rom)
    data[_CHECKSUM_AT] = 0
    data[_CHECKSUM_AT] = -sum(data) & 0xFF
    return bytes(data)


class _Code:
    """A ROM that is being changed."""

    def __init__(self, rom: bytes) -> None:
        self.image: RomImage = parse_rom(rom)
        self.data = bytearray(rom)
        assert self.image.private is not None
        self.area = self.image.private

    def slot(self, number: int) -> int:
        """Offset of a slot."""
        return self.area.slots_offset + self.area.slot_size * number

    def target(self, name: str) -> int:
        """Offset of a call's routine. Raises CantApply."""
        at = self.slot(int(Call[name]))
        if self.data[at] != 0xE9:
            raise CantApply(f"{name} has no routine")
        return at + _NEAR + int(struct.unpack_from("<i", self.data, at + 1)[0])

    def put(self, at: int, code: bytes) -> None:
        """Overwrite."""
        self.data[at : at + len(code)] = code

    def near(self, opcode: int, at: int, target: int) -> bytes:
        """A call or jump at an offset."""
        return bytes((opcode,)) + struct.pack("<i", target - at - _NEAR)

    def code(self, text: str) -> bytes:
        """Code in hexadecimal; ``{Name}`` in it is the address of that call's slot in the linear map."""
        base = int(Layout.LINEAR_BASE) + self.area.rom_gpa

        def address(name: re.Match[str]) -> str:
            return struct.pack("<I", base + self.slot(int(Call[name[1]]))).hex()

        return bytes.fromhex(re.sub(r"\{(\w+)\}", address, text))

    def one_entry(self, name: str) -> None:
        """Where get_reloc knows a second entry, it knows it no longer: all callers come through the slot."""
        if self.area.fast_offset:
            self.put(self.area.fast_offset + 4 * int(Call[name]), bytes(4))

    def place(self, name: str, length: int) -> int:
        """Room for code in front of a routine: the slot, or the unused ones with a jump to them."""
        at = self.slot(int(Call[name]))
        if length <= self.area.slot_size:
            return at
        room = self.slot(_UNUSED)
        if length > _FAR * self.area.slot_size or self.data[room] == 0xE9:
            raise CantApply(f"no room for {length} bytes before {name}")
        self.put(at, self.near(0xE9, at, room))
        return room

    def into(self, room: int, code: bytes) -> None:
        """Put code into the unused slots. Raises CantApply where it is too long."""
        if len(code) > _FAR * self.area.slot_size:
            raise CantApply(f"no room for {len(code)} bytes")
        self.put(room, code)

    def done(self) -> bytes:
        """The bytes, the checksum right."""
        return mended(bytes(self.data))


def before(name: str, code: str) -> RomPatch:
    """``code`` (hexadecimal, with ``{Name}`` for the address of another call) runs before the routine, which
    is then entered as ever."""

    def patch(rom: bytes) -> bytes:
        made = _Code(rom)
        extra = made.code(code)
        target = made.target(name)
        made.one_entry(name)
        at = made.place(name, len(extra) + _NEAR)
        made.put(at, extra + made.near(0xE9, at + len(extra), target))
        return made.done()

    return patch


def by_slot(name: str, code: str) -> RomPatch:
    """``code`` runs behind the routine for callers that come through the slot; where get_reloc knows a second
    entry, that stays as it was. For calls without words on the stack."""
    extra = bytes.fromhex(code)

    def patch(rom: bytes) -> bytes:
        made = _Code(rom)
        target = made.target(name)
        at = made.place(name, _NEAR + len(extra) + 1)
        made.put(at, made.near(0xE8, at, target) + extra + b"\xc3")
        return made.done()

    return patch


def before_relocation(code: str) -> RomPatch:
    """``code`` runs before get_reloc, which is then entered as ever."""
    return _at_header(int(RomHeader.GET_RELOC_OFFSET), code, "")


def around_relocation(code: str, first: str = "") -> RomPatch:
    """``first`` runs before and ``code`` after get_reloc."""
    return _at_header(int(RomHeader.GET_RELOC_OFFSET), first, code)


def after_initialisation(code: str) -> RomPatch:
    """``code`` runs behind vmi_init, before it comes back."""
    return _at_header(int(RomHeader.INIT_OFFSET), "", code)


def _at_header(header: int, first: str, code: str) -> RomPatch:
    """Around what one of the header's two jumps leads to."""
    start, extra = bytes.fromhex(first), bytes.fromhex(code)

    def patch(rom: bytes) -> bytes:
        made = _Code(rom)
        if made.data[header] != _JUMP:
            raise CantApply(f"{header:#x} is no jump")
        target = header + _NEAR + int(struct.unpack_from("<i", made.data, header + 1)[0])
        room = made.slot(_UNUSED)
        body = start + made.near(_CALL if extra else _JUMP, room + len(start), target)
        body += extra + b"\xc3" if extra else b""
        made.into(room, body)
        made.put(header, made.near(_JUMP, header, room))
        return made.done()

    return patch


def entering(code: str) -> RomPatch:
    """``code`` runs last before the guest is entered, all its registers being set."""
    extra = bytes.fromhex(code)

    def patch(rom: bytes) -> bytes:
        made = _Code(rom)
        last = b"\xb8" + struct.pack("<I", int(Const.ENTRY_MAGIC)) + _LAST
        at = rom.find(last)
        if at < 0 or rom.count(last) != 1:
            raise CantApply("the boot stub does not end as it did")
        room = made.slot(_UNUSED)
        made.into(room, _LAST[:-1] + extra + b"\xc3")
        at += len(last) - len(_LAST)
        made.put(at, made.near(_JUMP, at, room))
        return made.done()

    return patch


def at_bytes(pattern: str, length: int, code: str, which: int = 0) -> RomPatch:
    """``code`` runs in front of the instructions, ``length`` bytes of them that may lie anywhere, with which
    the ROM has the bytes ``pattern`` for the time number ``which``: where no slot leads, to handlers."""
    wanted, extra = bytes.fromhex(pattern), bytes.fromhex(code)

    def patch(rom: bytes) -> bytes:
        made = _Code(rom)
        found = [one.start() for one in re.finditer(b"(?=" + re.escape(wanted) + b")", rom)]
        if which >= len(found) or length < _NEAR:
            raise CantApply(f"{pattern} is there {len(found)} times")
        at, room = found[which], made.slot(_UNUSED)
        moved = extra + bytes(rom[at : at + length])
        if len(moved) + _NEAR > _FAR * made.area.slot_size or made.data[room] == 0xE9:
            raise CantApply(f"no room for {len(moved)} bytes")
        made.put(room, moved + made.near(0xE9, room + len(moved), at + length))
        made.put(at, made.near(0xE9, at, room))
        return made.done()

    return patch


def around(name: str, code: str, first: str = "") -> RomPatch:
    """``first`` runs before and ``code`` after the routine; for calls without words on the stack."""
    start, extra = bytes.fromhex(first), bytes.fromhex(code)

    def patch(rom: bytes) -> bytes:
        made = _Code(rom)
        target = made.target(name)
        made.one_entry(name)
        at = made.place(name, len(start) + _NEAR + len(extra) + 1)
        made.put(at, start + made.near(0xE8, at + len(start), target) + extra + b"\xc3")
        return made.done()

    return patch


def instead(name: str, code: str = "") -> RomPatch:
    """``code`` and a return in the routine's place."""
    extra = bytes.fromhex(code) + b"\xc3"

    def patch(rom: bytes) -> bytes:
        made = _Code(rom)
        made.target(name)
        made.one_entry(name)
        made.put(made.place(name, len(extra)), extra)
        return made.done()

    return patch


def exchange(name: str, wanted: str, code: str, which: int = 0, *, fast: bool = False) -> RomPatch:
    """The instruction number ``which`` whose text matches ``wanted``, in the routine of a call or what it
    calls, becomes ``code``, filled up with NOPs. With ``fast`` callers at the usual place come there, too."""
    new = bytes.fromhex(code)

    def patch(rom: bytes) -> bytes:
        made = _Code(rom)
        start = made.target(name)
        if fast:
            made.one_entry(name)
        found = [one for one in _reachable(bytes(rom), start) if re.fullmatch(wanted, f"{one[2]}")]
        if which >= len(found):
            raise CantApply(f"{name}: {len(found)} instructions match {wanted!r}")
        at, size, _ = found[which]
        if len(new) > size:
            raise CantApply(f"{name}: {wanted!r} at {at:#x} is shorter than what is to stand there")
        made.put(at, new.ljust(size, b"\x90"))
        return made.done()

    return patch


def _reachable(rom: bytes, start: int) -> Iterator[tuple[int, int, str]]:
    """Offset, size and text of the instructions from ``start`` on, in the order in which they are found."""
    machine = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_32)
    waiting, seen, count = [start], set[int](), 0
    while waiting and count < _INSTRUCTIONS:
        at = waiting.pop(0)
        while at not in seen and 0 <= at < len(rom):
            one = next(machine.disasm_lite(rom[at : at + 15], at, 1), None)
            if one is None:
                break
            seen.add(at)
            count += 1
            _, size, mnemonic, operands = one
            yield at, size, f"{mnemonic} {operands}".strip()
            if operands.startswith("0x") and (mnemonic.startswith("j") or mnemonic == "call"):
                waiting.append(int(operands, 16))
            if mnemonic in ("jmp", "ret", "iretd", "ud2"):
                break
            at += size


def type_of(name: str, kind: int) -> RomPatch:
    """get_reloc answers another type for a call."""

    def patch(rom: bytes) -> bytes:
        made = _Code(rom)
        at = _types_at(made)
        made.data[at + int(Call[name])] = kind
        return made.done()

    return patch


def _types_at(made: _Code) -> int:
    """The table of types: the only run of as many small bytes that says what the slots say."""
    count = made.area.slots_count
    jumps = {int(Call.IRET), int(Call.SYSEXIT)}
    translated = [made.data[made.slot(n)] == 0xE9 for n in range(count)]
    pattern = b"".join(
        (b"\x02" if n in jumps else b"\x01") if has else b"[\x00\x03]" for n, has in enumerate(translated)
    )
    found = [match.start() for match in re.finditer(pattern, bytes(made.data), re.DOTALL)]
    if len(found) != 1:
        raise CantApply(f"{len(found)} tables look like the types of calls")
    return found[0]


def rewritten(old: str, new: str) -> RomPatch:
    """The only run of bytes that is ``old`` (hexadecimal), wherever it lies, becomes ``new``, which is as
    long."""
    before_it, after_it = bytes.fromhex(old), bytes.fromhex(new)

    def patch(rom: bytes) -> bytes:
        if rom.count(before_it) != 1 or len(after_it) != len(before_it):
            raise CantApply(f"{rom.count(before_it)} places read {old}")
        return mended(rom.replace(before_it, after_it))

    return patch


def byte_of(offset: int, value: int, *, mend: bool = True) -> RomPatch:
    """One byte of the image is another."""

    def patch(rom: bytes) -> bytes:
        data = bytearray(rom)
        data[offset] = value
        return mended(bytes(data)) if mend else bytes(data)

    return patch


def byte_led_to(field: str, offset: int, value: int) -> RomPatch:
    """One byte behind the place that a word of the header leads to is another."""
    word = int(ffi.offsetof("struct vmi_rom_header", field))

    def patch(rom: bytes) -> bytes:
        return byte_of(int(struct.unpack_from("<H", rom, word)[0]) + offset, value)(rom)

    return patch
