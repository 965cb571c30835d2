"""What is taken down of a machine when a check fails or a run ends badly."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmirom.bundle.compose import compose
from vmirom.hosts.embedded import boot
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.hosts.request import BootRequest
from vmirom.hosts.scene import Site
from vmirom.overlays import vmi
from vmirom.rom.image import load_rom
from vmirom.schema.tree import source_tree

UD2, RET = b"\x0f\x0b", b"\xc3"


def spoilt(backend: str, call: vmi.Call, code: bytes) -> bytes:
    """The shipped ROM with ``code`` where a call's routines begin."""
    image = load_rom(backend)
    data = bytearray(image.data)
    slot = image.slot(int(call))
    assert data[slot] == 0xE9, "the call is translated: its slot jumps"
    entry = slot + 5 + int.from_bytes(data[slot + 1 : slot + 5], "little", signed=True)
    for at in {entry, image.fast(int(call)) or entry}:
        data[at : at + len(code)] = code
    data[-1] = (data[-1] - sum(data)) & 0xFF  # the byte that the build keeps for the checksum
    return bytes(data)


def run(backend: str, call: vmi.Call, code: bytes, budget: float = 30.0) -> BootResult:
    guest = (Path(source_tree("romsrc")) / "blobs" / "reference.elf").read_bytes()
    bundle = compose(guest, spoilt(backend, call, code), backend, (3, 1))
    return boot(BootRequest(backend, bundle, budget=budget))


def check_site(site: Site) -> None:
    code = bytes.fromhex(site.code)
    assert site.start <= site.gva <= site.start + len(code) and 0 < len(code) <= 96


@pytest.mark.boot
@pytest.mark.parametrize("backend", ["native", "kvm", "xen", "lguest"])
def test_a_failed_line_is_looked_at_while_the_guest_stands_behind_it(backend: str) -> None:
    result = run(backend, vmi.Call.SetAlarm, UD2)
    failed = [line for line in result.transcript if " FAIL " in line]
    assert result.outcome in (Outcome.FAILURE, Outcome.CRASH) and failed
    scene = result.scenes[0]
    assert scene.line == failed[0]
    assert "eip" in scene.registers and scene.sites[0].place
    for site in scene.sites:
        check_site(site)
    assert sum(site.place == "guest" for site in scene.sites) >= 3, "who printed it, and who asked for that"
    steps = [(step.kind, step.text) for step in scene.steps]
    assert steps[-1] == ("printed", failed[0]) and ("call", "SetAlarm") in steps
    assert any(kind in ("trap", "hypercall") for kind, _ in steps)


@pytest.mark.boot
def test_a_bad_end_shows_the_routine_of_the_rom() -> None:
    result = run("lguest", vmi.Call.SetPxELong, RET)
    assert result.outcome is Outcome.CRASH
    scene = result.scenes[-1]
    assert scene.line == "" and scene.registers == result.registers
    assert scene.steps[-1].kind == "kill"


@pytest.mark.boot
def test_a_run_that_is_well_leaves_no_scene() -> None:
    guest = (Path(source_tree("romsrc")) / "blobs" / "reference.elf").read_bytes()
    result = boot(BootRequest("native", compose(guest, load_rom("native").data, "native", (3, 1))))
    assert result.outcome is Outcome.SUCCESS and result.scenes == ()
