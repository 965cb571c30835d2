"""What a guest's file says, and which files are none: field and rule, never a traceback."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.effort import examples
from vmirom.bundle.guest import read_guest
from vmirom.bundle.refused import GuestError
from vmirom.guest.inspect import inspect, inspect_bytes
from vmirom.guest.shipped import guest_blob

REFERENCE = guest_blob("reference").read_bytes()
_NOTE = struct.pack("<3I4s", 4, 16, 1, b"VMI\0")
_NOTE_AT = REFERENCE.index(_NOTE) + len(_NOTE)


def _patched(at: int, data: bytes) -> bytes:
    return REFERENCE[:at] + data + REFERENCE[at + len(data) :]


def _refusal(data: bytes) -> GuestError:
    with pytest.raises(GuestError) as caught:
        inspect_bytes(data)
    assert "\n" not in str(caught.value)
    return caught.value


def test_the_reference_guest_says_what_it_is() -> None:
    found = inspect(guest_blob("reference"))
    assert (found.note.line, found.note.major, found.note.minor) == (3, 3, 1)
    assert found.entry == 0xC0100000
    assert found.size == len(REFERENCE)
    assert [s.permissions for s in found.guest.segments] == ["r-x", "r--", "rw-"]
    sections = {s.name: s for s in found.sections}
    assert sections[".text"].permissions == "r-x"
    assert sections[".text"].gva == 0xC0100000
    assert sections[".bss"].permissions == "rw-"
    assert sections[".note.vmi"].size == 32


def test_call_sites_are_counted_by_name() -> None:
    sites = inspect_bytes(REFERENCE).sites
    assert set(sites) == {
        "EnableInterrupts",
        "DisableInterrupts",
        "GetInterruptMask",
        "SetInterruptMask",
        "IRET",
        "SYSEXIT",
    }
    assert sites["SYSEXIT"] == 1
    assert sites["IRET"] >= 4


def test_a_file_without_section_headers_is_still_a_guest() -> None:
    bare = _patched(32, bytes(4))  # e_shoff, then e_shentsize, e_shnum, e_shstrndx
    found = inspect_bytes(bare[:46] + bytes(6) + bare[52:])
    assert found.sections == ()
    assert found.sites == {}
    assert found.symbols == 0


@pytest.mark.parametrize(
    ("at", "data", "field"),
    [
        (0, b"MZ", "e_ident"),
        (4, b"\2", "e_ident.class"),
        (5, b"\2", "e_ident.data"),
        (16, b"\3\0", "e_type"),
        (18, b"\x3e\0", "e_machine"),
        (_NOTE_AT - 4, b"VMX\0", "note VMI"),
        (_NOTE_AT - 8, struct.pack("<I", 2), "note VMI"),
        (_NOTE_AT, struct.pack("<I", 13), "note VMI"),
        (_NOTE_AT + 4, struct.pack("<H", 4), "note VMI"),
        (_NOTE_AT + 8, struct.pack("<I", 0xC0000000), "note VMI"),
    ],
    ids=["magic", "class", "data", "type", "machine", "owner", "note-type", "line", "major", "entry"],
)
def test_what_is_wrong_is_named(at: int, data: bytes, field: str) -> None:
    assert _refusal(_patched(at, data)).field == field


def test_a_guest_that_needs_a_newer_minor_is_shown_but_not_run() -> None:
    newer = _patched(_NOTE_AT + 6, struct.pack("<H", 9))
    assert inspect_bytes(newer).note.minor == 9
    with pytest.raises(GuestError, match=r"wants ABI 3\.9 or newer, not 3\.1"):
        read_guest(newer, (3, 1))


def test_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="gone"):
        inspect(tmp_path / "gone.elf")


@given(st.integers(0, len(REFERENCE) - 1))
@examples(60)
def test_a_file_cut_short_is_refused_or_lacks_only_what_is_not_loaded(length: int) -> None:
    try:
        found = inspect_bytes(REFERENCE[:length])
    except GuestError as refused:
        assert "\n" not in str(refused)
    else:
        assert found.guest.note.entry == 0xC0100000


@given(st.integers(0, len(REFERENCE) - 1), st.binary(min_size=1, max_size=8))
@examples(150)
def test_any_damage_is_refused_or_shown(at: int, data: bytes) -> None:
    damaged = _patched(at, data[: len(REFERENCE) - at])
    try:
        inspect_bytes(damaged)
    except GuestError as refused:
        assert "\n" not in str(refused)


@given(st.integers(0, 200), st.integers(0, 255))
@examples(150)
def test_damage_to_the_section_table_is_refused_or_shown(at: int, value: int) -> None:
    (table,) = struct.unpack_from("<I", REFERENCE, 32)
    try:
        inspect_bytes(_patched(table + at, bytes([value])))
    except GuestError as refused:
        assert refused.field
