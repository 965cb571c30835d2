"""Making ROMs: the shipped bits come out again, and what must not be in a ROM is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.rom.builds import REBUILT, built
from vmirom.overlays.vmi import Answer, Call, Reloc
from vmirom.rom.build import ABIS, backend_names, backend_sources, build_rom, main
from vmirom.rom.errors import BuildError, ToolchainMissing
from vmirom.rom.image import load_rom, parse_rom
from vmirom.rom.lock import build_all
from vmirom.rom.slots import plan_slots, slots_text
from vmirom.rom.toolchain import Toolchain, find_toolchain
from vmirom.schema.tree import load_abi, source_tree

pytestmark = pytest.mark.toolchain


def tools(name: str = "zig") -> Toolchain:
    try:
        return find_toolchain(name)
    except ToolchainMissing as missing:
        pytest.skip(str(missing))


def copy_of(folder: Path, *parts: str) -> Path:
    """The sources somewhere else, under a longer path."""
    root = folder.joinpath("a folder", "with quite another", "length", *parts, "romsrc")
    for each in ("rom", "include"):
        shutil.copytree(source_tree("romsrc") / each, root / each)
    return root


@pytest.mark.parametrize("backend", REBUILT)
def test_the_shipped_bits_come_out_again(backend: str) -> None:
    for abi in ABIS:
        data = built(backend, "zig", abi).data
        assert data == load_rom(backend, abi).data, f"run python -m vmirom.rom.build {backend}"


@pytest.mark.slow
def test_the_lock_is_current() -> None:
    report = build_all(("native",), toolchain=tools(), check=True)
    assert report.good, report.lines


@pytest.mark.slow
def test_another_folder_makes_the_same_bits(tmp_path: Path) -> None:
    assert build_rom("native", toolchain=tools(), romsrc=copy_of(tmp_path)).data == load_rom("native").data


@pytest.mark.slow
@pytest.mark.parametrize("backend", backend_names())
def test_gnu_tools_make_a_rom_of_the_same_shape(backend: str) -> None:
    image, shipped = parse_rom(built(backend, "gnu").data), load_rom(backend)
    assert (image.abi, image.jump_slots, image.virtual_top) == (
        shipped.abi,
        shipped.jump_slots,
        shipped.virtual_top,
    )
    assert image.private is not None and shipped.private is not None
    assert image.private.slots_offset == shipped.private.slots_offset


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        (
            "bad.c",
            '#include "rom.h"\nu32 remembered = 1;\nu32 get(void) { return remembered++; }\n',
            "writable data",
        ),
        ("bad.c", '#include "rom.h"\nu32 zeroed;\nu32 get(void) { return zeroed++; }\n', "writable data"),
        ("bad.S", "\t.text\nbad:\tmovl $bad, %eax\n", "ties the ROM to an address"),
        ("bad.S", "\t.text\n\t.long bad\nbad:\n", "ties the ROM to an address"),
        ("bad.c", '#include "rom.h"\nu64 part(u64 a, u64 b) { return a / b; }\n', "__udivdi3"),
        ("bad.c", "not C\n", "bad.c"),
        ("bad.S", "\t.globl vmi_SetLazyMode\nvmi_SetLazyMode: ret\n", "SetLazyMode"),
    ],
)
def test_what_a_rom_may_not_have_is_refused(tmp_path: Path, name: str, text: str, rule: str) -> None:
    root = copy_of(tmp_path)
    (root / "rom" / "native" / name).write_text(text)
    with pytest.raises(BuildError) as caught:
        build_rom("native", toolchain=tools(), romsrc=root)
    assert rule in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "name"),
        ('name = "kvm"', "name"),
        ('name = "native"\nvirtual_top = -1', "virtual_top"),
        ('name = "native"\nshared = "alarm.c"', "shared"),
        ('name = "native"\nshared = ["nothing.c"]', "nothing.c"),
        ("name = ", "backend.toml"),
        ("\xff\xfe", "backend.toml"),
    ],
)
def test_a_bad_backend_file_is_one_line(tmp_path: Path, text: str, rule: str) -> None:
    root = copy_of(tmp_path)
    (root / "rom" / "native" / "backend.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(BuildError) as caught:
        backend_sources("native", root)
    assert rule in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.slow
def test_commands_write_one_rom_or_say_why_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tools()
    out = tmp_path / "n.rom"
    assert main(["native", "--abi", "3.0", "-o", str(out)]) == 0
    assert out.read_bytes() == load_rom("native", "3.0").data
    assert main(["nothing", "-o", str(out)]) == 2
    assert main(["native", "-o", str(tmp_path / "no" / "where.rom")]) == 2
    assert all(line.startswith("vmirom: ") for line in capsys.readouterr().err.splitlines())


def test_the_second_witness_writes_no_shipped_bits() -> None:
    with pytest.raises(BuildError):
        build_all(("native",), toolchain=tools("gnu"))


def test_symbols_decide_what_a_call_is() -> None:
    calls = load_abi().resolve("vmi3").calls
    slots = plan_slots(calls, {"vmi_SetCR3", "vmi_IRET", "nop_IODelay", "vmi_SetCR0", "fast_SetCR0", "other"})
    found = {Call(slot.number): slot for slot in slots}
    assert (found[Call.SetCR3].type, found[Call.SetCR3].answer) == (Reloc.CALL_REL, Answer.TRANSLATED)
    assert (found[Call.IRET].type, found[Call.IODelay].type) == (Reloc.JUMP_REL, Reloc.NOP)
    assert (found[Call.RDTSC].type, found[Call.RDTSC].answer) == (Reloc.NONE, Answer.NATIVE)
    assert found[Call.SetAlarm].answer is Answer.ABSENT
    assert found[Call.SetCR0].fast == "fast_SetCR0"
    assert "jmp vmi_SetCR3\t/* 17 SetCR3 */" in slots_text(slots)
    for symbols in ({"vmi_SetCR3", "nop_SetCR3"}, {"fast_SetCR3"}):
        with pytest.raises(BuildError):
            plan_slots(calls, symbols)
    with pytest.raises(BuildError):
        plan_slots(calls[:5] + calls[6:], set())
