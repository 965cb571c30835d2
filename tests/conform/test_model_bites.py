"""The model finds ROMs that are wrong: single routines are overwritten in the guest's memory, one at a time,
and for each the shortest sequence of calls that shows it is found."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, find, settings

from tests.conform.driving import DRIVERS, Difference, Driver, Sequence_, play
from tests.conform.test_model_run import SEQUENCES

NOTHING = b"\xc3"
ZERO = b"\x31\xc0\xc3"
ONE = b"\xb8\x01\x00\x00\x00\xc3"
PATCHES = (
    *((call, NOTHING) for call in ("EnableInterrupts", "DisableInterrupts", "SetInterruptMask")),
    *((call, NOTHING) for call in ("SetIDT", "GetIDT", "WriteIDTEntry", "SetGDT", "GetGDT", "WriteGDTEntry")),
    *((call, NOTHING) for call in ("SetTR", "SetCR0", "SetCR2", "SetPxELong", "SetPxE", "WriteLDTEntry")),
    *(
        (call, ZERO)
        for call in ("GetInterruptMask", "CancelAlarm", "GetCycleCounter", "GetCR0", "GetCR2", "GetCR3")
    ),
    *((call, ZERO) for call in ("GetTR", "GetCallInfo", "GetRomInfo", "SetCounters")),
    *((call, ONE) for call in ("CancelAlarm", "GetRomInfo")),
)


@pytest.fixture
def driver() -> Iterator[Driver]:
    """A machine a fault: none suffers from what another did."""
    made = DRIVERS["lguest"]()
    yield made
    made.close()


@pytest.mark.boot
@pytest.mark.parametrize(("call", "code"), PATCHES, ids=[f"{call}-{code.hex()}" for call, code in PATCHES])
def test_a_wrong_routine_is_found(driver: Driver, call: str, code: bytes) -> None:
    eip = driver.entry(call)
    before = driver.get(eip, len(code))

    def differs(sequence: Sequence_) -> bool:
        driver.machine.put(eip, code)
        try:
            play(driver, sequence)
        except Difference:
            return True
        finally:
            driver.machine.put(eip, before)
            driver.begin()
        return False

    quick = settings(
        max_examples=3000,
        database=None,
        derandomize=True,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    shortest = find(SEQUENCES, differs, settings=quick)
    assert len(shortest) <= 3, shortest
    play(driver, shortest)
