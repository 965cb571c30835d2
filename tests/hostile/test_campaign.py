"""Random programs in the guest's kernel, on every backend: each is an outcome, and in time.

``VMIROM_CAMPAIGN=COUNT[,SEED]`` makes more of them; a failure names seed and number of its program.
"""

from __future__ import annotations

import os
import random
from typing import Final

import pytest

from tests.hostile.programs import program, words
from tests.hostile.snippets import HOSTS, OPEN_UP, TICKS, bundle_of
from vmirom.hosts.outcomes import BootResult
from vmirom.hosts.request import BootRequest
from vmirom.hosts.workers import boot_all

pytestmark = [pytest.mark.boot, pytest.mark.toolchain, pytest.mark.slow, pytest.mark.timeout(0)]

BUDGET: Final = 0.4
LATE: Final = 2.0
_COUNT, _, _SEED = os.environ.get("VMIROM_CAMPAIGN", "12").partition(",")


def _request(seed: str, number: int, host: str) -> BootRequest:
    r = random.Random(f"{seed}/{number}/{host}")
    backend, era = HOSTS[host]
    flags = r.choice((0, 0, OPEN_UP, TICKS, OPEN_UP | TICKS))
    bundle = bundle_of(backend, program(r, backend), words(r), flags)
    memory = r.choice((4, 16, 16, 64))
    return BootRequest(backend, bundle, memory, budget=BUDGET, options={"host_era": era} if era else {})


def _wrong(result: BootResult) -> bool:
    ours = "a fault of vmirom" in result.reason + result.registers
    died = "process died" in result.reason or "did not stop" in result.reason
    return ours or died or not result.reason or result.seconds > BUDGET + LATE


@pytest.mark.parametrize("host", HOSTS)
def test_every_program_is_an_outcome(host: str) -> None:
    seed = _SEED or "steady"
    for number in range(int(_COUNT)):
        (result,) = boot_all([_request(seed, number, host)], jobs=1)
        assert not _wrong(result), f"seed {seed} number {number}: {result.outcome}: {result.reason}"
