"""A guest of VMI 3.0, made as Linux was: on the 3.0 ROMs, and unchanged on the 3.1 ROMs.

It asks for calls 0 to 73 in Linux's order and patches its sites in place; a later minor is additive if it
can't tell the difference.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from vmirom.bundle.compose import compose
from vmirom.bundle.guest import read_guest
from vmirom.cli.main import cli
from vmirom.guest.build import build_guest, kit_sources
from vmirom.guest.shipped import guest_sources
from vmirom.hosts.backends import backend_names
from vmirom.hosts.embedded import boot
from vmirom.hosts.outcomes import Outcome
from vmirom.hosts.request import BootRequest
from vmirom.overlays import vmi
from vmirom.rom.errors import ToolchainMissing
from vmirom.rom.image import load_rom

pytestmark = [pytest.mark.boot, pytest.mark.toolchain]

ABIS = ("3.0", "3.1")
REPLACED = ("start.S", "attach.c")
"""Of the kit: the classic guest has an entry note and an attachment of its own."""


@cache
def _build(toolchain: str) -> bytes:
    kit = [source for source in kit_sources() if source.name not in REPLACED]
    return build_guest([*guest_sources("classic"), *kit], toolchain, kit=False, strict=True).data


def classic(toolchain: str) -> bytes:
    try:
        return _build(toolchain)
    except ToolchainMissing as missing:
        pytest.skip(str(missing))


def run(abi: str, backend: str, toolchain: str = "zig", **options: str) -> tuple[str, ...]:
    """The transcript of a boot that must succeed."""
    version = (int(abi[0]), int(abi[2]))
    bundle = compose(classic(toolchain), load_rom(backend, abi).data, backend, version)
    result = boot(BootRequest(backend, bundle, 16, "", 20.0, None, dict(options)))
    assert result.outcome is Outcome.SUCCESS, (result.reason, result.transcript)
    return result.transcript


def test_the_note_asks_for_no_more_than_it_needs() -> None:
    note = read_guest(classic("zig"), (3, 0)).note
    assert (note.line, note.major, note.minor) == (3, 3, 0)
    slots = vmi.ffi.offsetof("struct vmi_rom_header", "jump_slots")
    assert load_rom("native", "3.0").data[slots] == vmi.Call.SetLazyMode + 1


@pytest.mark.parametrize("backend", backend_names())
def test_a_guest_of_3_0_can_not_tell_the_minors_apart(backend: str) -> None:
    transcripts = {run(abi, backend) for abi in ABIS}
    assert transcripts == {run("3.0", "native")}, "nor the backends"


@pytest.mark.parametrize(
    ("backend", "option", "old"),
    [("kvm", "host_era", "2008"), ("xen", "release", "3.0"), ("lguest", "release", "2.6.32")],
)
def test_hosts_of_its_own_time_serve_it_too(backend: str, option: str, old: str) -> None:
    assert run("3.0", backend, **{option: old}) == run("3.0", "native")


@pytest.mark.slow
def test_made_by_the_other_toolchain_it_says_the_same() -> None:
    assert run("3.0", "xen", "gnu") == run("3.0", "native")


def test_the_command_takes_it(tmp_path: Path) -> None:
    guest = tmp_path / "classic.elf"
    guest.write_bytes(classic("zig"))
    result = CliRunner().invoke(cli, ["boot", str(guest), "--abi", "3.0", "--on", "native", "--on", "lguest"])
    assert result.exit_code == 0, result.output
    assert "native, lguest agree" in result.output


def test_a_guest_of_3_1_is_not_for_a_3_0_rom(tmp_path: Path) -> None:
    guest = tmp_path / "new.elf"
    guest.write_bytes(build_guest(guest_sources("hostile")[:1], "zig").data)
    result = CliRunner().invoke(cli, ["boot", str(guest), "--abi", "3.0"])
    assert result.exit_code == 2
    assert "wants ABI 3.1 or newer, not 3.0" in result.output
