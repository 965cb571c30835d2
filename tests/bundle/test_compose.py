"""A bundle is what a backend's loader expects, read back by another ELF reader than our own."""

import hashlib
import io
import struct
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from tests.bundle.images import ABI, GUEST, LINEAR, GuestRecipe, RomRecipe, Segment
from vmirom.bundle.compose import compose
from vmirom.bundle.elf import PF_R, PF_W, PF_X, read_elf
from vmirom.bundle.inspect import is_bundle, read_bundle
from vmirom.bundle.notes import notes_of
from vmirom.bundle.refused import BundleError, RomRefused
from vmirom.overlays import vmi
from vmirom.overlays.xen import ElfNote

BACKENDS = [member.name.lower() for member in vmi.Backend]
ROM_GPA = int(vmi.Layout.ROM_GPA)
STATE_GPA = int(vmi.Layout.STATE_GPA)


def made(backend: str) -> bytes:
    return compose(GuestRecipe().build(), RomRecipe(backend).build(), backend, ABI)


def xen_notes(data: bytes) -> dict[int, bytes]:
    return {note.type: note.description for note in notes_of(read_elf(data)) if note.owner == "Xen"}


PARAVIRTUAL = ["xen", "lguest"]
MACHINES = ["native", "kvm"]
CARRIED = GUEST + 0x4000  # behind the guest's image


@pytest.mark.parametrize("backend", PARAVIRTUAL)
def test_segments_stand_where_they_belong(backend: str) -> None:
    loads = loads_of(backend)
    assert [s["p_paddr"] for s in loads] == [STATE_GPA, ROM_GPA, GUEST, GUEST + 0x1000]
    assert [s["p_flags"] for s in loads] == [PF_R | PF_W, PF_R | PF_X, PF_R | PF_X, PF_R | PF_W]
    assert loads[0]["p_memsz"] == vmi.Layout.STATE_PAGES * 4096
    assert loads[1].data() == RomRecipe(backend).build()
    assert_guest(loads[2:])


@pytest.mark.parametrize("backend", MACHINES)
def test_nothing_for_a_machine_lies_below_1_mib(backend: str) -> None:
    """QEMU's Multiboot loader, which runs at C0000h, would overwrite itself."""
    loads = loads_of(backend)
    assert [s["p_paddr"] for s in loads] == [GUEST, GUEST + 0x1000, CARRIED]
    assert [s["p_flags"] for s in loads] == [PF_R | PF_X, PF_R | PF_W, PF_R | PF_W | PF_X]
    assert loads[2].data()[4096:] == RomRecipe(backend).build()
    assert_guest(loads[:2])


def loads_of(backend: str) -> list[Any]:
    elf = ELFFile(io.BytesIO(made(backend)))
    assert (elf.elfclass, elf["e_machine"], elf["e_type"]) == (32, "EM_386", "ET_EXEC")
    loads = [s for s in elf.iter_segments() if s["p_type"] == "PT_LOAD"]
    for segment in loads:
        assert segment["p_vaddr"] == segment["p_paddr"] + LINEAR
        assert segment["p_offset"] % 4096 == segment["p_paddr"] % 4096
    return loads


def assert_guest(loads: list[Any]) -> None:
    assert [s.data() for s in loads] == [b"\xf4" * 100, b"data"]
    assert [s["p_memsz"] for s in loads] == [100, 0x3000]


@pytest.mark.parametrize("backend", BACKENDS)
def test_state_page_tells_the_rom_about_the_guest(backend: str) -> None:
    state = loads_of(backend)[0 if backend in PARAVIRTUAL else 2].data()[:4096]
    found = vmi.ffi.from_buffer("struct vmi_bundle *", state)
    assert (found.magic, found.size) == (vmi.Const.BUNDLE_MAGIC, vmi.ffi.sizeof("struct vmi_bundle"))
    assert (found.entry, found.nr_segments) == (LINEAR + GUEST + 4, 2)
    assert (found.image_start_gpa, found.image_end_gpa) == (GUEST, GUEST + 0x4000)
    first, second = found.segments[0:2]
    assert (first.gpa, first.length, first.flags) == (GUEST, 100, PF_R | PF_X)
    assert (second.gpa, second.length, second.flags) == (GUEST + 0x1000, 0x3000, PF_R | PF_W)


@pytest.mark.parametrize("backend", BACKENDS)
def test_same_input_gives_the_same_bytes(backend: str) -> None:
    assert made(backend) == made(backend)


@pytest.mark.parametrize("backend", MACHINES)
def test_machines_get_multiboot_and_pvh(backend: str) -> None:
    data = made(backend)
    head = data[:8192]
    at = next(n for n in range(0, len(head), 4) if head[n : n + 4] == bytes.fromhex("02b0ad1b"))
    words = struct.unpack_from("<3I", head, at)
    assert sum(words) & 0xFFFFFFFF == 0
    assert words[1] & 3 == 3
    assert read_elf(data).entry == CARRIED + 0x1000 + 0x200
    assert xen_notes(data) == {ElfNote.PHYS32_ENTRY: struct.pack("<I", CARRIED + 0x1000 + 0x220)}


def test_without_pvh_stub_there_is_no_pvh_note() -> None:
    rom = RomRecipe("kvm", private={"pvh_entry": 0}).build()
    assert xen_notes(compose(GuestRecipe().build(), rom, "kvm", ABI)) == {}


def test_xen_gets_its_notes_and_a_virtual_entry() -> None:
    data = made("xen")
    entry = LINEAR + ROM_GPA + 0x200
    assert read_elf(data).entry == entry
    assert xen_notes(data) == {
        ElfNote.GUEST_OS: b"vmirom\0",
        ElfNote.GUEST_VERSION: b"3.1\0",
        ElfNote.LOADER: b"generic\0",
        ElfNote.XEN_VERSION: b"xen-3.0\0",
        ElfNote.VIRT_BASE: struct.pack("<I", LINEAR),
        ElfNote.PADDR_OFFSET: struct.pack("<I", 0),
        ElfNote.ENTRY: struct.pack("<I", entry),
        ElfNote.PAE_MODE: b"yes\0",
        ElfNote.FEATURES: b"!writable_page_tables|pae_pgdir_above_4gb\0",
    }


def test_xen_is_told_the_same_in_a_section() -> None:
    """For a domain builder that knows no notes; as any reader of ELF files finds it, and not loaded."""
    data = made("xen")
    file = ELFFile(io.BytesIO(data))
    section = file.get_section_by_name("__xen_guest")
    words = dict(word.split("=", 1) for word in section.data().rstrip(b"\0").decode().split(","))
    assert words == {
        "GUEST_OS": "vmirom",
        "GUEST_VER": "3.1",
        "LOADER": "generic",
        "XEN_VER": "xen-3.0",
        "VIRT_BASE": f"{LINEAR:#x}",
        "ELF_PADDR_OFFSET": "0x0",
        "VIRT_ENTRY": f"{LINEAR + ROM_GPA + 0x200:#x}",
        "PAE": "yes[extended-cr3]",
        "FEATURES": "!writable_page_tables|pae_pgdir_above_4gb",
    }
    ends = [header.offset + header.filesz for header in read_elf(data).headers]
    assert section["sh_offset"] >= max(ends) and not section["sh_flags"]


@pytest.mark.parametrize("backend", ["native", "kvm", "lguest"])
def test_others_have_no_sections(backend: str) -> None:
    assert ELFFile(io.BytesIO(made(backend))).num_sections() == 0


def test_lguest_gets_a_plain_executable() -> None:
    data = made("lguest")
    assert read_elf(data).entry == ROM_GPA + 0x200
    assert xen_notes(data) == {}
    assert b"\x02\xb0\xad\x1b" not in data


@pytest.mark.parametrize("backend", BACKENDS)
def test_bundle_reads_back(backend: str) -> None:
    guest, rom = GuestRecipe().build(), RomRecipe(backend).build()
    found = read_bundle(compose(guest, rom, backend, ABI))
    assert (found.backend, found.abi, found.abi_text) == (backend, ABI, "3.1")
    assert found.guest_sha256 == hashlib.sha256(guest).hexdigest()
    assert found.rom_sha256 == hashlib.sha256(rom).hexdigest()
    assert found.guest_entry == LINEAR + GUEST + 4
    assert found.rom.data == rom
    assert is_bundle(compose(guest, rom, backend, ABI))
    assert not is_bundle(guest)
    assert not is_bundle(rom)


def test_rom_told_of_another_place_is_told_again() -> None:
    rom = RomRecipe("native", private={"state_gpa": 0x80000, "state_pages": 1, "rom_gpa": 0xD0000}).build()
    placed = read_bundle(compose(GuestRecipe().build(), rom, "native", ABI)).rom.private
    assert (placed.state_gpa, placed.state_pages, placed.rom_gpa) == (
        STATE_GPA,
        vmi.Layout.STATE_PAGES,
        ROM_GPA,
    )


def test_rom_for_another_backend_is_refused() -> None:
    with pytest.raises(RomRefused, match="backend: xen, not native"):
        compose(GuestRecipe().build(), RomRecipe("xen").build(), "native", ABI)


def test_rom_of_another_version_is_refused() -> None:
    rom = RomRecipe("native", header={"api_version_minor": 0}).build()
    with pytest.raises(RomRefused, match=r"api_version: 3.0, not 3.1"):
        compose(GuestRecipe().build(), rom, "native", ABI)


def test_unknown_backend_is_refused() -> None:
    with pytest.raises(BundleError, match="'nix' is unknown; there are native, kvm, xen, lguest"):
        compose(GuestRecipe().build(), RomRecipe().build(), "nix", ABI)


def test_segments_may_come_in_any_order() -> None:
    recipe = GuestRecipe()
    turned = recipe.with_(segments=recipe.segments[::-1])
    loads = read_elf(compose(turned.build(), RomRecipe().build(), "native", ABI)).loads
    assert [s.paddr for s in loads] == sorted(s.paddr for s in loads)


def test_guest_beyond_the_linear_map_is_refused() -> None:
    far = Segment(0x3FFF_F000, b"", 0x1000, PF_R | PF_W, vaddr=0xFFFF_F000)
    recipe = GuestRecipe()
    data = recipe.with_(segments=(*recipe.segments, far)).build()
    assert read_elf(compose(data, RomRecipe("lguest").build(), "lguest", ABI)).loads[-1].paddr == 0x3FFF_F000
