"""The reference guest on the lguest ROM: every check passes, on both releases of the host."""

from __future__ import annotations

import time
from functools import cache

import pytest

from tests.rom.builds import image
from vmirom.bundle.compose import compose
from vmirom.hypervisors.hypervisor import EndKind, NoTrace
from vmirom.hypervisors.lguest import make
from vmirom.machine.unicorn import UnicornEngine
from vmirom.overlays.vmi import ExitStatus
from vmirom.schema.tree import source_tree

pytestmark = [pytest.mark.toolchain, pytest.mark.boot]


@cache
def bundle() -> bytes:
    guest = (source_tree("romsrc") / "blobs" / "reference.elf").read_bytes()
    return compose(guest, image("lguest", "zig"), "lguest", (3, 1))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"release": "2.6.32"},
        pytest.param({"memory_mib": 4}, marks=pytest.mark.slow),
        pytest.param({"memory_mib": 256, "seed": 7}, marks=pytest.mark.slow),
        pytest.param({"stable_tsc": False}, marks=pytest.mark.slow),
        {"initrd": bytes(range(256)) * 64},
    ],
    ids=str,
)
def test_every_check_passes(options: dict[str, object]) -> None:
    printed = bytearray()
    given = dict(options)
    memory = given.pop("memory_mib", 64)
    host = make(UnicornEngine, memory, printed.extend, NoTrace(), **given)  # type: ignore[arg-type]
    host.load(bundle(), "console=vmi")
    ending = host.run(time.monotonic_ns() + 60_000_000_000)
    failed = [line for line in printed.decode().splitlines() if "FAIL" in line]
    assert (ending.kind, ending.status, failed) == (EndKind.SHUTDOWN, ExitStatus.SUCCESS, [])
    assert b" passed, 0 failed\n" in printed
