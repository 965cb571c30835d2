"""The shipped ROMs and their lock, and the reader on good and bad images."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmirom.overlays.vmi import Backend, Call, RomHeader
from vmirom.rom.image import LICENCES, RomError, load_rom, parse_rom, violations
from vmirom.rom.inspect import inspect_rom
from vmirom.rom.lock import LOCK_NAME, blobs_folder, read_lock, verify
from vmirom.schema.tree import source_tree

SHIPPED = [(rom.backend, rom.abi) for rom in read_lock().roms]
NATIVE = load_rom("native").data


@pytest.mark.parametrize(("backend", "abi"), SHIPPED)
def test_a_shipped_rom_keeps_every_rule(backend: str, abi: str) -> None:
    image = load_rom(backend, abi)
    assert violations(image.data) == ()
    assert image.length == image.data[2] * RomHeader.LENGTH_UNIT <= 32768
    assert sum(image.data) & 0xFF == 0
    assert image.licence in LICENCES
    assert (image.manufacturer, image.product) == ("vmirom", f"VMI ROM for {backend}")
    assert image.private is not None
    assert image.private.backend is Backend[backend.upper()]
    assert image.jump_slots == image.private.slots_count == (74 if abi == "3.0" else len(Call))
    pnp = image.data[image.pnp_header : image.pnp_header + 32]
    assert sum(pnp) & 0xFF == 0
    assert image.data[image.pci_header : image.pci_header + 4] == b"PCIR"


@pytest.mark.parametrize(("backend", "abi"), SHIPPED)
def test_a_shipped_rom_shows_all_its_slots(backend: str, abi: str) -> None:
    image = load_rom(backend, abi)
    seen = inspect_rom(image.data, "it")
    assert seen.good
    entry = next(rom for rom in read_lock().roms if (rom.backend, rom.abi) == (backend, abi))
    for slot in seen.slots:
        translated = entry.answers.get(slot.name) == "translated"
        assert (slot.target is not None) == translated, slot.name
        assert slot.code and (translated or slot.code[0].endswith("ud2"))


def test_both_versions_hold_the_same_code() -> None:
    for backend in {backend for backend, _ in SHIPPED}:
        old, new = load_rom(backend, "3.0"), load_rom(backend, "3.1")
        assert (old.abi, new.abi) == ((3, 0), (3, 1))


def test_the_lock_and_the_files_agree() -> None:
    assert verify() == ()


def test_the_lock_notices_a_changed_file(tmp_path: Path) -> None:
    for rom in read_lock().roms:
        (tmp_path / rom.name).write_bytes((blobs_folder() / rom.name).read_bytes())
    (tmp_path / LOCK_NAME).write_bytes((blobs_folder() / LOCK_NAME).read_bytes())
    assert verify(tmp_path) == ()
    name = read_lock().roms[0].name
    (tmp_path / name).write_bytes(NATIVE[:-1] + b"\0")
    (tmp_path / "stray.rom").write_bytes(b"")
    (tmp_path / read_lock().roms[1].name).unlink()
    assert len(verify(tmp_path)) == 3


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '{"roms": [{"name": 1}]}', '{"roms": [], "more": 1}', "\xff"]
)
def test_a_malformed_lock_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / LOCK_NAME).write_bytes(text.encode("latin-1"))
    with pytest.raises(RomError) as caught:
        read_lock(tmp_path)
    assert LOCK_NAME in str(caught.value) and "\n" not in str(caught.value)


def test_the_lock_names_every_source() -> None:
    for rom in json.loads((blobs_folder() / LOCK_NAME).read_text())["roms"]:
        assert f"rom/{rom['backend']}/backend.toml" in rom["inputs"]
        assert {"rom/rom.ld", "rom/shared/header.S", "include/vmi.h"} <= rom["inputs"].keys()
        assert rom["toolchain"].startswith("zig 0.")


def test_the_lock_names_the_sources_as_they_are() -> None:
    """Tests boot what is shipped: that it is what these sources give, needs no compiler to be seen."""
    romsrc = source_tree("romsrc")
    for rom in json.loads((blobs_folder() / LOCK_NAME).read_text())["roms"]:
        for name, digest in rom["inputs"].items():
            assert hashlib.sha256((romsrc / name).read_bytes()).hexdigest() == digest, (rom["backend"], name)


def put(data: bytes, at: int, value: bytes) -> bytes:
    """The image with bytes replaced and its checksum set right again."""
    image = bytearray(data)
    image[at : at + len(value)] = value
    image[-1] = (image[-1] - sum(image)) & 0xFF
    return bytes(image)


PCI = int.from_bytes(NATIVE[24:26], "little")
PNP = int.from_bytes(NATIVE[26:28], "little")
LICENCE = int.from_bytes(NATIVE[22:24], "little")


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b"", "size"),
        (NATIVE[:143], "size"),
        (put(NATIVE, 0, b"\xaa\x55"), "rom_signature"),
        (put(NATIVE, 8, b"cVmj"), "vrom_signature"),
        (put(NATIVE, 2, b"\0"), "rom_length"),
        (NATIVE + bytes(512), "rom_length"),
        (NATIVE[:-512], "rom_length"),
        (NATIVE[:-1] + bytes([NATIVE[-1] ^ 1]), "checksum"),
        (put(NATIVE, 3, bytes(4)), "rom_entry"),
        (put(NATIVE, 13, b"\x02"), "api_version_major"),
        (put(NATIVE, 0x80, bytes(8)), "vmi_init"),
        (put(NATIVE, 0x88, bytes(8)), "get_reloc"),
        (put(NATIVE, 24, b"\0\0"), "pci_header_offset"),
        (put(NATIVE, 24, b"\xff\xff"), "pci_header_offset"),
        (put(NATIVE, PCI, b"PCIS"), "pci_header.signature"),
        (put(NATIVE, PCI + 4, b"\x86\x80"), "pci_header.vendor_id"),
        (put(NATIVE, 22, b"\0\0"), "license_offset"),
        (put(NATIVE, 22, b"\xff\xff"), "license_offset"),
        (put(NATIVE, LICENCE, b"GPL v3"), "licence"),
        (put(NATIVE, LICENCE, b"\xff"), "license_offset"),
        (put(NATIVE, 26, b"\xf0\xff"), "pnp_header_offset"),
        (put(NATIVE, PNP, b"$PnQ"), "pnp_header.signature"),
        (put(NATIVE, PNP + 14, b"\xff\xff"), "pnp_header.manufacturer_offset"),
        (put(NATIVE, 36, b"\x01"), "private.state_gpa"),
        (put(NATIVE, 44, b"\x01"), "private.rom_gpa"),
        (put(NATIVE, 48, b"\x09"), "private.backend"),
        (put(NATIVE, 52, b"\0\0\0\0"), "private.boot_entry"),
        (put(NATIVE, 56, b"\xff\xff\xff\xff"), "private.pvh_entry"),
        (put(NATIVE, 60, b"\xff\xff\xff\xff"), "private.slots_offset"),
        (put(NATIVE, 64, b"\x01\0"), "private.slots_count"),
        (put(NATIVE, 66, b"\x20\0"), "private.slot_size"),
    ],
)
def test_each_rule_names_its_field(data: bytes, field: str) -> None:
    with pytest.raises(RomError) as caught:
        parse_rom(data, "some.rom")
    assert caught.value.field == field
    assert str(caught.value).startswith(f"some.rom: {field}: ") and "\n" not in str(caught.value)
    assert not inspect_rom(data).good


def test_a_rom_of_somebody_else_may_lack_our_private_area() -> None:
    image = parse_rom(put(put(NATIVE, 26, b"\0\0"), 32, bytes(96)))
    assert image.private is None and image.manufacturer == ""
    with pytest.raises(RomError):
        image.slot(0)
    assert inspect_rom(image.data).slots == ()


@given(st.integers(0, len(NATIVE) - 1), st.integers(1, 255))
def test_no_single_byte_can_change_unnoticed(at: int, change: int) -> None:
    data = bytearray(NATIVE)
    data[at] ^= change
    assert violations(bytes(data)) != ()


@given(st.one_of(st.binary(max_size=300), st.binary(min_size=512, max_size=512)))
def test_any_bytes_are_judged(data: bytes) -> None:
    assert violations(data) != ()
    seen = inspect_rom(data)
    assert not seen.good and seen.size == len(data)


@given(st.data())
def test_a_damaged_header_is_judged(draw: st.DataObject) -> None:
    data = bytearray(NATIVE)
    for _ in range(draw.draw(st.integers(1, 8))):
        at = draw.draw(st.one_of(st.integers(0, 0x110), st.integers(0, len(data) - 1)))
        data[at] = draw.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]))
    data[-1] = (data[-1] - sum(data)) & 0xFF
    seen = inspect_rom(bytes(data))
    assert seen.good == (violations(bytes(data)) == ())


@pytest.mark.parametrize(
    ("backend", "abi"), [("native", "9.9"), ("native", "../3.1"), ("vmware", "3.1"), ("", "")]
)
def test_a_rom_that_is_not_shipped_is_one_line(backend: str, abi: str) -> None:
    with pytest.raises(RomError) as caught:
        load_rom(backend, abi)
    assert "\n" not in str(caught.value)
