"""What is told of a machine that is gone: registers as text, and the ROM's code where they point into it."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmirom.bundle.compose import compose
from vmirom.hosts import qemu
from vmirom.hosts.outcomes import Outcome
from vmirom.hosts.qemu_run import QemuMissing, find_qemu
from vmirom.hosts.remains import scene_of_text
from vmirom.hosts.request import BootRequest
from vmirom.hosts.xen.console import registers_of
from vmirom.rom.image import load_rom
from vmirom.schema.tree import source_tree

DUMP = b"""57 ok cpu: GetCR3 tells the root of boot info\r
(XEN) domain_crash_sync called from entry.S: fault at ffff82d040280a98\r
(XEN) Domain 0 (vcpu#0) crashed on cpu#0:\r
(XEN) ----[ Xen-4.17.5  x86_64  debug=n  Not tainted ]----\r
(XEN) CPU:    0\r
(XEN) RIP:    0061:[<00000000c00c0400>]\r
(XEN) rax: 00000000ffffffda   rbx: 0000000080050033   rcx: 0000000000000000\r
(XEN) ds: 0069   es: 0069   fs: 0000   gs: 0000   ss: 0069   cs: 0061\r
(XEN) Guest stack trace from esp=c010ff00:\r
(XEN)    c01004a0 00000001\r
(XEN) Hardware Dom0 crashed: rebooting machine in 5 seconds.\r
"""


def bundle(backend: str) -> bytes:
    guest = (Path(source_tree("romsrc")) / "blobs" / "reference.elf").read_bytes()
    return compose(guest, load_rom(backend).data, backend, (3, 1))


def test_what_xen_prints_when_it_kills_a_domain() -> None:
    text = registers_of(DUMP)
    assert text.splitlines()[0] == "CPU:    0" and text.splitlines()[-1] == "   c01004a0 00000001"
    assert "(XEN)" not in text and "\r" not in text and "rebooting" not in text
    assert registers_of(b"(XEN) all is well\r\n") == ""


@pytest.mark.parametrize(
    "text",
    [
        "eax 1\neip c00c0400 eflags 2",
        "eip=c00c0400 eflags=2",
        "RIP:    0061:[<00000000c00c0400>]",
        "EIP=c00c0400 EFL=00000246",
        "cs:eip 0061:c00c0400 ss:esp 0069:0",
    ],
)
def test_the_address_is_found_in_any_of_the_hosts_words(text: str) -> None:
    (scene,) = scene_of_text(text, bundle("xen"))
    (site,) = scene.sites
    assert (scene.registers, scene.line, scene.steps) == (text, "", ())
    rom = load_rom("xen")
    assert site.gva == 0xC00C0400 and bytes.fromhex(site.code) == rom.data[0x3D0:0x430]
    assert site.start == 0xC00C03D0 and site.place.startswith("ROM")


def test_without_registers_or_address_nothing_is_made_up() -> None:
    assert scene_of_text("", bundle("xen")) == ()
    assert scene_of_text("no such thing", bundle("xen"))[0].sites == ()
    (site,) = scene_of_text("eip c0100abc", b"no bundle")[0].sites
    assert (site.gva, site.code, site.place) == (0xC0100ABC, "", "")


@pytest.mark.boot
def test_a_machine_whose_time_is_up_is_asked_for_its_registers() -> None:
    try:
        find_qemu(*qemu.PROGRAMS)
    except QemuMissing as missing:
        pytest.skip(str(missing))
    rom = bytearray(load_rom("native").data)
    spin = load_rom("native").private
    assert spin is not None
    rom[spin.boot_entry : spin.boot_entry + 2] = b"\xeb\xfe"  # jmp .
    rom[-1] = (rom[-1] - sum(rom)) & 0xFF
    guest = (Path(source_tree("romsrc")) / "blobs" / "reference.elf").read_bytes()
    stuck = compose(guest, bytes(rom), "native", (3, 1))
    result = qemu.boot(BootRequest("native", stuck, budget=2.0, host="qemu"))
    assert result.outcome is Outcome.FAILURE and result.ending == "budget"
    assert "EIP=" in result.registers and "CR3=" in result.registers and "FCW" not in result.registers
    (scene,) = result.scenes
    assert scene.sites[0].gva > 0
