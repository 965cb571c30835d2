"""Guests, ROMs and bundles that break a rule are refused by that rule's name, and never with a traceback."""

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bundle.images import ABI, GUEST, LINEAR, GuestRecipe, RomRecipe, Segment
from vmirom.bundle.compose import compose
from vmirom.bundle.elf import PF_R, PF_W, PF_X
from vmirom.bundle.guest import read_guest
from vmirom.bundle.inspect import is_bundle, read_bundle
from vmirom.bundle.notes import Note
from vmirom.bundle.refused import BundleError, GuestError, Refused, RomRefused
from vmirom.bundle.romfile import read_rom
from vmirom.overlays import vmi

GOOD = GuestRecipe()
TEXT, DATA = GOOD.segments
RX, RW = PF_R | PF_X, PF_R | PF_W


def put(data: bytes, at: int, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value) :]


def segments(*parts: Segment) -> bytes:
    return GOOD.with_(segments=parts).build()


GUESTS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "e_ident: not an ELF file"),
    "text": (b"#!/bin/sh\n", "e_ident: not an ELF file"),
    "only the magic": (b"\x7fELF", "e_ident: file is cut short"),
    "64-bit": (put(GOOD.build(), 4, b"\2"), r"e_ident.class: 2 is not 1 \(32-bit\)"),
    "big-endian": (put(GOOD.build(), 5, b"\2"), "e_ident.data: 2 is not 1"),
    "ARM": (put(GOOD.build(), 18, b"\x28"), r"e_machine: 40 is not 3 \(i386\)"),
    "shared object": (put(GOOD.build(), 16, b"\3"), r"e_type: 3 is not 2 \(ET_EXEC\)"),
    "version": (put(GOOD.build(), 20, b"\7"), "e_version: is not 1"),
    "phentsize": (put(GOOD.build(), 42, b"\x38"), "e_phentsize: 56 is not 32"),
    "no headers": (put(GOOD.build(), 44, b"\0\0"), "e_phnum: 0 is not between"),
    "many headers": (put(GOOD.build(), 44, b"\xff\xff"), "e_phnum: 65535 is not between"),
    "headers outside": (put(GOOD.build(), 28, b"\0\0\0\x70"), "e_phoff: program headers reach past"),
    "cut short": (GOOD.build()[:-1], "program header 2: contents reach past the end"),
    "interpreter": (put(GOOD.build(), 52, b"\3"), "program header 0: asks for a dynamic linker"),
    "filesz": (segments(Segment(GUEST, b"\xf4" * 9, 8, RX)), "p_filesz is greater than p_memsz"),
    "wraps": (segments(Segment(0xFFFF_F000, b"", 0x2000, RX, vaddr=GUEST)), "wraps around"),
    "nothing to load": (GOOD.with_(segments=()).build(), "PT_LOAD: missing"),
    "too many segments": (
        segments(TEXT, *(Segment(GUEST + 0x1000 * n, b"", 8, RW) for n in range(1, 9))),
        "PT_LOAD: 9 segments; at most 8",
    ),
    "over the state": (segments(TEXT, Segment(0x9E000, b"", 0x1000, RW)), "lies over the ROM's state pages"),
    "over the ROM": (segments(TEXT, Segment(0xBF000, b"", 0x1001, RW)), "lies over the ROM "),
    "low memory": (segments(TEXT, Segment(0x1000, b"", 8, RW)), "below 0x100000"),
    "not linear": (segments(Segment(GUEST, b"\xf4" * 9, 9, RX, vaddr=GUEST)), r"p_vaddr 0x100000 is not"),
    "overlap": (segments(TEXT, Segment(GUEST + 50, b"", 8, RX)), "overlaps the segment before it"),
    "shared page": (segments(TEXT, Segment(GUEST + 200, b"", 8, RW)), "shares a page"),
    "no note": (GOOD.with_(notes=()).build(), "note VMI: missing"),
    "other owner": (GOOD.with_(notes=(Note("GNU", 1, bytes(16)),)).build(), "note VMI: missing"),
    "two notes": (GOOD.with_(notes=(GOOD.note(), GOOD.note())).build(), "note VMI: present 2 times"),
    "short note": (GOOD.with_(notes=(Note("VMI", 1, bytes(12)),)).build(), "note VMI: has 12 bytes"),
    "historic line": (GOOD.with_(line=13, major=13, minor=0).build(), "note VMI: ABI line 13"),
    "newer minor": (GOOD.with_(minor=2).build(), "note VMI: wants ABI 3.2 or newer, not 3.1"),
    "entry outside": (GOOD.with_(entry=LINEAR + GUEST + 0x1000).build(), "is in no executable segment"),
    "entry physical": (GOOD.with_(entry=GUEST + 4).build(), "is in no executable segment"),
}


@pytest.mark.parametrize(("data", "rule"), GUESTS.values(), ids=GUESTS.keys())
def test_guest_is_refused(data: bytes, rule: str) -> None:
    with pytest.raises(GuestError, match=rule) as caught:
        read_guest(data, ABI)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("abi", [(2, 9), (4, 0), (7, 0)])
def test_another_major_is_neither_older_nor_newer(abi: tuple[int, int]) -> None:
    with pytest.raises(GuestError, match=rf"wants a version 3\.x of the ABI, not {abi[0]}\.{abi[1]}"):
        read_guest(GOOD.build(), abi)


def test_broken_note_segment_is_refused() -> None:
    good = GOOD.build()
    note_at = 52 + 32 * 3
    with pytest.raises(GuestError, match="reaches past the end of its segment"):
        read_guest(put(good, note_at + 4, b"\xff"), ABI)


ROMS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "size: 0 bytes are too few"),
    "short": (RomRecipe().build()[:100], "size: 100 bytes are too few"),
    "text": (b"x" * 4096, "rom_signature: is 0x7878, must be"),
    "foreign": (RomRecipe(header={"vrom_signature": 0}).build(), "vrom_signature: .* must be the bytes cVmi"),
    "cut short": (RomRecipe().build()[:-512], "rom_length: says 4096 bytes, the file has 3584"),
    "too long": (RomRecipe().build() + bytes(512), "rom_length: says 4096 bytes, the file has 4608"),
    "no room": (RomRecipe(length=0x8200).build(), "rom_length: 33280 bytes; at most 32768 have a place"),
    "length 0": (RomRecipe(header={"rom_length": 0}).build(), "rom_length: must not be zero"),
    "checksum": (RomRecipe(checksum=1).build(), "checksum: the bytes sum to 0x01, must be zero"),
    "VMware's": (RomRecipe(private={"magic": 0}).build(), "private area: not made by vmirom"),
    "boot entry": (RomRecipe(private={"boot_entry": 4096}).build(), "boot_entry: offset 0x1000 is not"),
    "PVH entry": (RomRecipe(private={"pvh_entry": 1 << 31}).build(), "pvh_entry: offset"),
    "slots": (RomRecipe(private={"slots_offset": 4000}).build(), "slots_offset: .*inside the image"),
    "slot size": (RomRecipe(private={"slot_size": 0}).build(), "slot_size: is 0, must be 16"),
    "unknown backend": (RomRecipe(private={"backend": 77}).build(), "backend: 77 is none of"),
    "other backend": (RomRecipe("xen").build(), "backend: xen, not native"),
}


@pytest.mark.parametrize(("data", "rule"), ROMS.values(), ids=ROMS.keys())
def test_rom_is_refused(data: bytes, rule: str) -> None:
    with pytest.raises(RomRefused, match=rule) as caught:
        read_rom(data, "native")
    assert "\n" not in str(caught.value)


def test_file_that_is_no_bundle_is_refused() -> None:
    with pytest.raises(BundleError, match="note VMI: missing: not a bundle"):
        read_bundle(GOOD.build())
    with pytest.raises(BundleError, match="e_ident: not an ELF file"):
        read_bundle(b"")


BUNDLE = compose(GOOD.build(), RomRecipe().build(), "native", ABI)
READERS: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
    "guest": (GOOD.build(), read_guest),
    "ROM": (RomRecipe().build(), read_rom),
    "bundle": (BUNDLE[:8192], read_bundle),
    "bundle or not": (BUNDLE[:8192], is_bundle),
    "composed guest": (
        GOOD.build(),
        lambda data: compose(data, RomRecipe().build(), "native", ABI),
    ),
    "composed ROM": (
        RomRecipe().build(),
        lambda data: compose(GOOD.build(), data, "native", ABI),
    ),
}


def settle(read: Callable[[bytes], object], data: bytes) -> None:
    """Read ``data``; a refusal is one line, anything else that is raised is a fault."""
    try:
        read(data)
    except Refused as refused:
        assert refused.field and refused.rule and "\n" not in str(refused)


@pytest.mark.parametrize("what", READERS)
@given(data=st.data())
def test_truncated_input_is_read_or_refused(what: str, data: st.DataObject) -> None:
    good, read = READERS[what]
    settle(read, good[: data.draw(st.integers(0, len(good)))])


@pytest.mark.parametrize("what", READERS)
@given(data=st.data())
def test_mutated_input_is_read_or_refused(what: str, data: st.DataObject) -> None:
    """Words at the edges of their range, mostly in the headers, where every reader looks."""
    good, read = READERS[what]
    broken = bytearray(good)
    words = st.sampled_from([0, 1, 2, 0x7F, 0xFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, LINEAR])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, min(len(good), 512) - 4))
        struct.pack_into("<I", broken, at, data.draw(words))
    if what.endswith("ROM"):  # get past the checksum, or nothing behind it is ever tried
        broken[-1] = (broken[-1] - sum(broken)) & 0xFF
    settle(read, bytes(broken))


@given(st.binary(max_size=600))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for _, read in READERS.values():
        settle(read, data)


@given(st.integers(0, vmi.Layout.ROM_GPA * 3), st.integers(1, 0x30000))
def test_no_guest_that_is_taken_touches_what_is_not_its_own(paddr: int, memsz: int) -> None:
    data = segments(TEXT, Segment(paddr, b"", memsz, RW))
    try:
        guest = read_guest(data, ABI)
    except GuestError:
        assert paddr < GUEST + 4096
    else:
        assert guest.start >= vmi.Layout.GUEST_GPA
        assert all(s.paddr >= vmi.Layout.GUEST_GPA for s in guest.segments)
