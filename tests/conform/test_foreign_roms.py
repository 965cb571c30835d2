"""``vmirom conform --rom``: ROMs that lie, loop, lead nowhere or write where they must not fail by a clause,
within the time they are given."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from vmirom.cli.main import cli
from vmirom.conform.faults.routines import type_of
from vmirom.overlays.vmi import Call, Reloc
from vmirom.rom.image import load_rom


def fixed(rom: bytearray) -> bytes:
    """The last byte is the checksum's."""
    rom[-1] = (rom[-1] - sum(rom)) & 0xFF
    return bytes(rom)


def slot(rom: bytearray, call: Call) -> int:
    private = load_rom("native").private
    assert private is not None
    return private.slots_offset + private.slot_size * int(call)


def judged(path: Path, rom: bytes, *arguments: str) -> tuple[int, dict[str, Any]]:
    file = path / "a.rom"
    file.write_bytes(rom)
    result = CliRunner().invoke(
        cli, ["conform", "--rom", str(file), "--json", *arguments], prog_name="vmirom"
    )
    assert result.stdout, result.stderr
    return result.exit_code, json.loads(result.stdout)


def failed(data: dict[str, Any]) -> set[str]:
    return {
        row["id"]
        for row in data["clauses"]
        for state in row["states"].values()
        if state["state"] in ("failure", "crash")
    }


def loops(rom: bytearray) -> None:
    rom[0x80:0x82] = b"\xeb\xfe"


def fails_to_initialise(rom: bytearray) -> None:
    rom[0x80:0x86] = b"\x83\xc8\xff\xc3\x90\x90"  # or eax, -1; ret


def jumps_nowhere(rom: bytearray) -> None:
    rom[0x80:0x87] = b"\xb8\x00\x00\x00\x01\xff\xe0"  # mov eax, 0x1000000; jmp eax


def answers_nothing(rom: bytearray) -> None:
    rom[0x88:0x90] = b"\xb8\x00\x00\x00\xee\xb2\x01\xc3"  # eip 0xEE000000, CALL_REL, for every call


@pytest.mark.boot
@pytest.mark.parametrize(
    ("spoil", "clauses"),
    [
        pytest.param(loops, {"VMI-INIT-01", "VMI-ROM-11"}, marks=pytest.mark.slow),
        (jumps_nowhere, {"VMI-INIT-01", "VMI-ROM-11"}),
        (answers_nothing, {"VMI-INIT-01", "VMI-ROM-11", "VMI-PROBE-06", "VMI-PROBE-09"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_rom_that_does_not_let_its_guest_begin(
    tmp_path: Path, spoil: Callable[[bytearray], None], clauses: set[str]
) -> None:
    rom = bytearray(load_rom("native").data)
    spoil(rom)
    code, data = judged(tmp_path, fixed(rom), "--budget", "3")
    assert code in (5, 6) and clauses <= failed(data) <= clauses | {"VMI-PROBE-04", "VMI-REL-03"}
    tried = {guest["guest"] for guest in data["boots"][0]["guests"]}
    assert len(data["boots"]) == 1 and tried == {"reference", "hostside-beginning"}  # and nothing else


@pytest.mark.boot
@pytest.mark.slow
def test_what_a_rom_has_is_what_it_says_itself(tmp_path: Path) -> None:
    """A call that get_reloc does not name is not there, whatever ours has; one that it does is held to it."""
    rom = bytearray(type_of("SetIOPLMask", int(Reloc.NONE))(load_rom("xen").data))
    code, data = judged(tmp_path, bytes(rom), "--select", "SetIOPLMask", "--select", "VMI-PROBE-04")
    states = {row["id"]: row["states"]["xen"] for row in data["clauses"]}
    assert states["VMI-IO-04"]["state"] == "not applicable"
    assert (
        "SetIOPLMask is absent" in states["VMI-IO-04"]["reason"] or "native" in states["VMI-IO-04"]["reason"]
    )
    at = slot(rom := bytearray(load_rom("native").data), Call.GetCycleCounter)
    rom[at : at + 2] = b"\x0f\x0b"  # still CALL_REL, and translated
    code, data = judged(tmp_path, fixed(rom), "--select", "VMI-CALL-01", "--seed", "3", "--budget", "20")
    assert code == 5 and failed(data) >= {"VMI-CALL-01"}
    reason = data["clauses"][0]["states"]["native"]["reason"]
    assert "GetCycleCounter changes only what it may" in reason or "GetCycleCounter" in json.dumps(data)
    replays = [one["replay"] for one in data["incidents"] if one["clauses"]]
    assert replays
    for command in replays:
        assert "--seed 3" in command and "--rom" in command and "--budget 20" in command


@pytest.mark.boot
def test_a_rom_that_says_that_it_failed_is_no_pass(tmp_path: Path) -> None:
    """It may say so (VMI-INIT-02); then nothing else can be known of it."""
    rom = bytearray(load_rom("native").data)
    fails_to_initialise(rom)
    code, data = judged(tmp_path, fixed(rom), "--budget", "3")
    assert code == 4 and not failed(data)
    assert all(boot["counts"]["success"] <= 9 for boot in data["boots"])


@pytest.mark.boot
def test_a_rom_that_overwrites_its_guest(tmp_path: Path) -> None:
    rom = bytearray(load_rom("native").data)
    at = slot(rom, Call.GetCycleFrequency)
    code = b"\xc7\x05\x00\x00\x10\xc0\x0f\x0b\x0f\x0b\x31\xc0\xc3"  # mov dword [0xC0100000], ...; ret
    rom[at : at + len(code)] = code
    exit_code, data = judged(tmp_path, fixed(rom), "--select", "VMI-ENTRY-0*", "--budget", "3")
    assert exit_code in (5, 6) and failed(data)


def test_a_rom_that_lies_about_its_length(tmp_path: Path) -> None:
    rom = bytearray(load_rom("xen").data)
    rom[2] += 4
    code, data = judged(tmp_path, fixed(rom), "--on", "xen")
    assert code == 5 and failed(data) == {"VMI-ROM-02"}
    states = {row["id"]: row["states"]["xen"]["state"] for row in data["clauses"]}
    assert states["VMI-ROM-01"] == "success" and states["VMI-IRQ-01"] == "not run"


@pytest.mark.parametrize(
    ("at", "value", "clause"),
    [(0, 0, "VMI-ROM-01"), (8, 0, "VMI-ROM-04"), (13, 9, "VMI-ROM-05"), (22, 0, "VMI-ROM-08")],
)
def test_each_rule_of_the_image_is_a_clause(tmp_path: Path, at: int, value: int, clause: str) -> None:
    rom = bytearray(load_rom("kvm").data)
    rom[at] = value
    if at == 22:
        rom[23] = 0
    code, data = judged(tmp_path, fixed(rom), "--on", "kvm")
    assert code == 5 and clause in failed(data)


def test_a_file_that_is_no_rom_is_judged_by_its_image(tmp_path: Path) -> None:
    code, data = judged(tmp_path, b"nothing", "--on", "native")
    assert code == 5 and failed(data) == {"VMI-ROM-02"}


def refused(path: Path, rom: bytes, *arguments: str) -> str:
    file = path / "a.rom"
    file.write_bytes(rom)
    result = CliRunner().invoke(cli, ["conform", "--rom", str(file), *arguments], prog_name="vmirom")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output
    return result.stderr.removeprefix(f"vmirom: {file}: ").strip()


def test_a_rom_that_does_not_say_for_which_backend(tmp_path: Path) -> None:
    why = "size: 7 bytes are too few for a header of 144"
    assert refused(tmp_path, b"nothing") == f"backend: not told by this ROM ({why}): name one with --on"


@pytest.mark.parametrize("arguments", [(), ("--on", "native")])
def test_a_rom_that_no_bundle_can_be_made_of_is_refused(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """It breaks no clause, but says nonsense of what a bundle needs to know."""
    rom = bytearray(load_rom("native").data)
    rom[0x34:0x38] = b"\xff\xff\xff\x7f"  # boot_entry
    assert refused(tmp_path, fixed(rom), *arguments).startswith(
        "private.boot_entry: offset 0x7fffffff is not"
    )
