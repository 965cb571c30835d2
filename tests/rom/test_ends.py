"""The ends of a machine on every backend: what each embedded hypervisor is told."""

from __future__ import annotations

import time

import pytest

from vmirom.bundle.compose import compose
from vmirom.guest.build import build_guest
from vmirom.hosts.backends import backend_names, hypervisor_module
from vmirom.hypervisors.hypervisor import Ending, EndKind, NoTrace
from vmirom.machine.unicorn import UnicornEngine
from vmirom.rom.errors import ToolchainMissing
from vmirom.rom.image import load_rom

pytestmark = [pytest.mark.boot, pytest.mark.toolchain]

_SOURCE = """
#include "vmi_guest.h"
int guest_main(struct vmi_boot_info *boot)
{
	const char *how = VMI_LINEAR(boot->command_line_gpa);

	vmi_print("no newline");
	if (how[0] == 'r')
		vmi_Reboot((u32)(how[1] - '0'));
	if (how[0] == 's')
		vmi_Shutdown();
	if (how[0] == 'h')
		vmi_SetInterruptMask(0x200), vmi_Reboot(0xFFFFFFFF);
	if (how[0] == 'x')
		vmi_OUTB(200, VMI_PORT_EXIT);
	return 77; /* a call that must not return did */
}
"""


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    source = tmp_path_factory.mktemp("ends") / "ends.c"
    source.write_text(_SOURCE)
    try:
        return build_guest([source], strict=True).data
    except ToolchainMissing as missing:
        pytest.skip(str(missing))


def run(guest: bytes, backend: str, how: str) -> tuple[Ending, bytes]:
    console = bytearray()
    make = hypervisor_module(backend).make
    host = make(UnicornEngine, 16, console.extend, NoTrace())
    host.load(compose(guest, load_rom(backend).data, backend, (3, 1)), how)
    return host.run(time.monotonic_ns() + 20_000_000_000), bytes(console)


@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize(
    ("how", "kind", "status"),
    [
        ("r0", EndKind.REBOOT, None),
        ("r1", EndKind.REBOOT, None),
        ("h", EndKind.REBOOT, None),
        ("s", EndKind.SHUTDOWN, None),
        ("x", EndKind.SHUTDOWN, 200),
    ],
    ids=["soft reboot", "hard reboot", "reboot with interrupts on", "shutdown", "exit port"],
)
def test_an_end_is_what_was_asked_for(
    guest: bytes, backend: str, how: str, kind: EndKind, status: int | None
) -> None:
    ending, console = run(guest, backend, how)
    assert (ending.kind, ending.status) == (kind, status), ending
    assert console.endswith(b"no newline"), "what was printed is out before the end"
