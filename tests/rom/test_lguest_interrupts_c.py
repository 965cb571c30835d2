"""The lguest ROM's interrupts and alarms on the host, over the clock of lguest_clock."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.effort import examples
from tests.rom.hostc import Library
from tests.rom.lguest_clock import BASE, IF, INTERRUPT, TRAP, ClockHost
from tests.rom.lguest_model import compile_host
from vmirom.overlays import vmi
from vmirom.overlays.lguest import Constants
from vmirom.overlays.native import Apic
from vmirom.overlays.vmi import Alarm


@pytest.fixture(scope="module")
def lib() -> Library:
    return compile_host()


# -- interrupts -----------------------------------------------------------------------------------------

STEP: Final = 1_000_000
SLACK: Final = 1000  # cycles by which the host's clock may be late, far less than a step
actions = st.one_of(
    st.tuples(st.just("alarm"), st.integers(-2, 6)),
    st.tuples(st.just("alarm"), st.integers(0, 3)),
    st.tuples(st.just("run"), st.integers(0, 8)),
    st.tuples(st.just("enable")),
    st.tuples(st.just("disable")),
    st.tuples(st.just("iret")),
    st.tuples(st.just("halt")),
    st.tuples(st.just("call")),
)


class Expected:
    """One alarm, one request bit of IRQ 0: what the guest has to see of them."""

    def __init__(self) -> None:
        self.expiry: int | None = None
        self.requested = self.enabled = False
        self.handled = 0

    def at(self, now: int) -> None:
        if self.expiry is not None and now >= self.expiry:
            self.expiry, self.requested = None, True
        if self.enabled and self.requested:
            self.requested = False
            self.handled += 1


@examples(150)
@given(history=st.lists(actions, min_size=20, max_size=50), kind=st.sampled_from([INTERRUPT, TRAP]))
def test_every_alarm_is_one_interrupt_as_soon_as_the_flag_allows(
    lib: Library, history: list[tuple[Any, ...]], kind: int
) -> None:
    """None lost, none twice, none early, whatever the host holds back and whichever way the flag is set."""
    host, expected = ClockHost(lib), Expected()
    host.settle(kind)
    for action in history:
        match action:
            case ("alarm", steps):
                expiry = max(0, host.now + steps * STEP)
                expected.at(host.now)
                expected.expiry = expiry
                host.set_alarm(expiry)
            case ("run", steps):
                host.run_to(host.now + steps * STEP)
                host.run_to(host.now + SLACK)
            case ("enable",):
                expected.enabled = True
                host.enable()
            case ("iret",):
                expected.enabled = True
                host.iret()
            case ("disable",):
                expected.enabled = False
                host.data.irq_enabled = 0
            case ("call",):
                lib.port_in(0x20, 1)
            case ("halt",):
                expected.at(host.now)
                if expected.expiry is None and not expected.requested:
                    continue
                before = len(host.handled)
                if expected.expiry is not None and not expected.requested:
                    expected.at(expected.expiry)
                assert lib.ended_halting() == 0
                assert len(host.handled) == before + 1
                expected.enabled = True
        if expected.expiry is not None and 0 <= expected.expiry - host.now < SLACK:
            host.run_to(expected.expiry + SLACK)
        expected.at(host.now)
        assert bool(host.data.irq_enabled) is expected.enabled
        assert host.data.irq_enabled in (0, IF)
        assert len(host.handled) == expected.handled, action
        assert lib.wild() == 0
    assert set(host.handled) <= {BASE}


ipis = st.sets(st.integers(0x40, 0xFF), min_size=1, max_size=6)
LVTT_VECTOR: Final = 0xE5
kinds = pytest.mark.parametrize("kind", [INTERRUPT, TRAP], ids=["interrupt gates", "trap gates"])


@kinds
@given(vectors=ipis, alarm=st.booleans(), way=st.sampled_from(["enable", "iret"]))
def test_all_that_waits_comes_before_the_code_behind_the_flag(
    lib: Library, vectors: set[int], alarm: bool, way: str, kind: int
) -> None:
    """Of both controllers, each once, the APIC's by priority; then nothing is marked and an IRET is free."""
    host = ClockHost(lib)
    host.settle(kind)
    for vector in vectors:
        host.interrupt_oneself(vector)
    if alarm:
        host.set_alarm(0)
    assert host.handled == []
    host.enable() if way == "enable" else host.iret()
    assert sorted(host.handled) == sorted(vectors | ({BASE} if alarm else set()))
    assert [each for each in host.handled if each != BASE] == sorted(vectors, reverse=True)
    assert (host.data.irq_enabled, host.data.irq_pending) == (IF, 0)
    before = host.entered
    host.iret()
    assert host.entered == before, "an IRET with nothing to take makes no hypercall"


@kinds
@given(first=st.integers(1, 5), second=st.integers(1, 5), late=st.integers(0, 5))
def test_alarms_due_at_one_tick_are_both_seen(
    lib: Library, first: int, second: int, late: int, kind: int
) -> None:
    """One at IRQ 0, one at LVTT; the host's one clock may be so late that it has to tell of both at once."""
    host = ClockHost(lib)
    host.settle(kind)
    host.enable()
    lib.vmi_APICWrite(int(Apic.SPURIOUS), 0x1FF)
    lib.vmi_APICWrite(int(Apic.LVTT), LVTT_VECTOR)
    host.set_alarm(first * STEP)
    host.set_alarm(second * STEP, int(vmi.Counter.AVAILABLE | Alarm.WIRED_LVTT))
    host.now = late * STEP  # the host looks at nothing meanwhile
    host.run_to(late * STEP)
    due = [vector for vector, at in ((BASE, first), (LVTT_VECTOR, second)) if at <= late]
    assert sorted(host.handled) == due
    host.run_to(max(first, second) * STEP)
    host.run_to(max(first, second) * STEP + SLACK)
    assert sorted(host.handled) == [BASE, LVTT_VECTOR]


@kinds
def test_what_the_host_comes_to_hold_during_a_delivery_is_delivered_too(lib: Library, kind: int) -> None:
    """The host's clock is due while the ROM delivers an IPI: wherever that is, nothing is held at the end."""

    def deliver(look: int) -> ClockHost:
        host = ClockHost(lib)
        host.settle(kind)
        host.set_alarm(STEP)
        host.interrupt_oneself(0x80)
        lib.exit_at(look)
        host.enable()
        return host

    assert deliver(0).handled == [0x80]
    places = lib.looks()
    assert places > 20
    for look in range(1, places + 1):
        host = deliver(look)
        assert host.now == STEP
        assert sorted(host.handled) == [BASE, 0x80], look
        assert not host.held and host.data.irq_enabled, look


@given(khz=st.integers(100_000, 6_000_000), ns=st.integers(0, 3 * int(Constants.CLOCK_DELTA_MIN)))
def test_an_alarm_closer_than_the_hosts_least_delta_comes_by_that_delta(
    lib: Library, khz: int, ns: int
) -> None:
    """A shorter one is never asked for, as the host would refuse it; the alarm is neither early nor lost."""
    host = ClockHost(lib)
    host.settle()
    host.true_khz = khz
    lib.set_khz(khz)
    host.enable()
    expiry = host.now + 1 + ns * khz // 10**6
    host.set_alarm(expiry)
    assert host.handled == [] and host.due is not None
    host.run_to(expiry - 1)
    assert host.handled == []
    host.run_to(expiry + 1 + 2 * int(Constants.CLOCK_DELTA_MIN) * khz // 10**6)
    assert host.handled == [BASE]
