"""Virtual time: what a guest has executed, counted exactly wherever its runs are stopped, and how often."""

from __future__ import annotations

import struct
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.machine.rig import CODE, WINDOWS, machine, mov
from vmirom.machine.clock import EXIT_NS, STEP_NS, TSC_NS, VirtualClock
from vmirom.machine.engine import Halted, Preempted, Window
from vmirom.machine.unicorn import UnicornEngine, hostcode, steps

HLT = b"\xf4"
SEEN = 0x6000
RDTSC = b"\x0f\x31"
STORE_TSC = RDTSC + b"\xab\x89\xd0\xab"  # rdtsc; stosl; mov %edx,%eax; stosl
WORK = (
    mov(7, SEEN)  # EDI
    + mov(2, 0)
    + STORE_TSC
    + mov(1, 40)
    + b"\xff\x05\x00\x50\x00\x00"  # again: incl 0x5000
    + b"\xe2\xf8"  # loop again
    + mov(6, 0x3000)
    + mov(7, 0x4000)
    + mov(1, 300)
    + b"\xf3\xa5"  # rep movsl
    + mov(7, SEEN + 8)
    + STORE_TSC
    + b"\xe8\x01\x00\x00\x00\xf4\xc3"  # call behind; hlt; behind: ret
)


def stores(data: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(data) // 8}Q", data))


def state(engine: UnicornEngine) -> tuple[Any, ...]:
    registers = tuple(getattr(engine, name) for name in ("eax", "ecx", "edx", "esi", "edi", "esp", "eip"))
    return (*registers, engine.clock.now_ns(), engine.memory.read(0x4000, 0x3000))


def whole(**options: Any) -> tuple[Any, ...]:
    with machine(WORK, clock=VirtualClock(), **options) as engine:
        assert engine.run() == Halted()
        return state(engine)


# the clock by itself

MOVES = st.one_of(
    st.tuples(st.just("spend"), st.integers(0, 1 << 30)),
    st.tuples(st.just("sleep"), st.integers(0, 1 << 60)),
    st.tuples(st.just("steps"), st.integers(0, 1 << 40)),
)


@given(st.lists(MOVES))
def test_all_forms_of_time_go_on_together_and_never_back(moves: list[tuple[str, int]]) -> None:
    clock = VirtualClock()
    boot = clock.wall_ns() - clock.now_ns()
    for move, amount in moves:
        before = clock.now_ns()
        if move == "spend":
            clock.spend(amount)
            assert 0 < clock.now_ns() - before <= max(amount, STEP_NS)
        elif move == "sleep":
            clock.sleep(amount)
            assert clock.now_ns() >= amount and clock.now_ns() > before
        else:
            clock.steps.taken += amount
            assert clock.now_ns() - before == amount * STEP_NS
        assert clock.wall_ns() - clock.now_ns() == boot
        assert clock.tsc() * 10**9 == clock.now_ns() * clock.tsc_hz()
        assert clock.tsc() == clock.steps.ticks + clock.steps.taken * VirtualClock.TICKS


@given(st.integers(0, 1 << 50), st.integers(1, 1 << 60))
def test_a_deadline_is_the_first_step_at_which_it_has_passed(taken: int, deadline: int) -> None:
    clock = VirtualClock()
    clock.steps.taken = taken
    clock.steps.taken = clock.step_at(deadline)
    assert deadline <= clock.now_ns() < deadline + STEP_NS


def test_when_the_host_has_no_patience_left_all_time_is_over() -> None:
    clock = VirtualClock(patience_ns=0)
    before = clock.now_ns()
    assert not clock.check_patience() and clock.gave_up
    assert clock.now_ns() > before + 10**18
    with machine(b"\xeb\xfe", clock=VirtualClock(patience_ns=0)) as engine:
        assert engine.run(10**12) == Preempted() and engine.clock.now_ns() > 10**12


# what is counted


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("native", [True, False])
def test_a_step_is_a_block_or_a_repetition(monkeypatch: pytest.MonkeyPatch, live: bool, native: bool) -> None:
    """The same where Python counts, with registers in place or not."""
    if not native:
        monkeypatch.setattr(hostcode, "placed", lambda code: None)
    code = mov(1, 5) + b"\xe2\xfe" + mov(1, 7) + b"\xf3\xab" + HLT  # loop to itself; rep stosl
    with machine(code, live=live, clock=VirtualClock()) as engine:
        engine.edi = 0x4000
        before = engine.clock.now_ns()
        assert engine.run() == Halted()
        # up to the loop and its first turn; four turns; on to the first store; six stores and the look that
        # none is left; the halt
        assert engine.clock.now_ns() - before == (1 + 4 + 1 + 7 + 1) * STEP_NS
        assert whole(live=live) == WHOLE


def test_rdtsc_tells_the_clock_and_takes_its_time() -> None:
    with machine(STORE_TSC * 3 + HLT, clock=VirtualClock()) as engine:
        engine.edi = SEEN
        begun = engine.clock.tsc()
        assert engine.run() == Halted()
        seen = stores(engine.memory.read(SEEN, 24))
        ticks = TSC_NS * VirtualClock.HZ // 10**9
        first = begun + VirtualClock.TICKS + ticks
        assert seen == [first, first + ticks, first + 2 * ticks]
        assert engine.tsc() == engine.clock.tsc() == seen[-1]
        assert engine.tsc_hz() == VirtualClock.HZ


def test_rdtscp_tells_it_as_well_and_nothing_by_chance_is_offered() -> None:
    with machine(b"\x0f\x01\xf9" + HLT, clock=VirtualClock()) as engine:
        engine.ecx = 5
        assert engine.run() == Halted()
        assert (engine.edx << 32 | engine.eax, engine.ecx) == (engine.clock.tsc(), 0)
        assert not engine.own_cpuid(1, 0)[2] & 1 << 30


def test_another_answer_to_rdtsc_replaces_the_clock_s() -> None:
    with machine(STORE_TSC + HLT, clock=VirtualClock()) as engine:
        engine.edi = SEEN
        engine.set_tsc(lambda: 77)
        assert engine.run() == Halted()
        assert stores(engine.memory.read(SEEN, 8)) == [77]


# stops


@given(st.lists(st.integers(1, 120), max_size=60))
def test_the_same_happens_at_the_same_time_at_any_pattern_of_stops(pattern: list[int]) -> None:
    with machine(WORK, clock=VirtualClock()) as engine:
        for ahead in pattern:
            deadline = engine.clock.now_ns() + ahead * STEP_NS
            if engine.run(deadline) == Halted():
                break
            assert deadline <= engine.clock.now_ns() < deadline + TSC_NS + STEP_NS
        else:
            assert engine.run() == Halted()
        assert state(engine) == WHOLE


def test_kicks_of_another_thread_change_nothing() -> None:
    with machine(WORK, clock=VirtualClock()) as engine:
        over = threading.Event()

        def kicking() -> None:
            while not over.wait(0.00005):
                engine.kick()

        thread = threading.Thread(target=kicking)
        thread.start()
        try:
            stopped = 0
            while (found := engine.run()) == Preempted() and stopped < 100_000:
                stopped += 1
        finally:
            over.set()
            thread.join()
        assert found == Halted() and state(engine) == WHOLE


def test_words_to_python_in_between_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "_ATTENTION", 3)
    assert whole() == WHOLE


@given(first=st.integers(1, 200), every=st.integers(1, 90), ahead=st.lists(st.integers(1, 90), max_size=20))
def test_in_a_phase_a_deadline_counts_at_the_next_look(first: int, every: int, ahead: list[int]) -> None:
    with machine(b"\xeb\xfe", clock=VirtualClock()) as engine:  # jmp to itself: a step each
        engine.look_every(every, first)
        begun = engine.clock.now_ns()
        for steps_ahead in ahead:
            deadline = engine.clock.now_ns() + steps_ahead * STEP_NS
            assert engine.run(deadline) == Preempted()
            taken = (engine.clock.now_ns() - begun) // STEP_NS
            assert engine.clock.now_ns() >= deadline
            assert taken >= first and (taken - first) % every == 0
            assert taken * STEP_NS - every * STEP_NS < deadline - begun or taken == first


def test_a_kick_of_one_s_own_ends_the_run_behind_the_port() -> None:
    class Kicker:
        def port_in(self, port: int, size: int) -> int:
            engine.kick()
            return 7

        def port_out(self, port: int, size: int, value: int) -> None:
            engine.kick()

    with machine(b"\xe4\x80\x40\xe6\x80\x40" + HLT, clock=VirtualClock()) as engine:
        engine.set_ports(Kicker())
        assert (engine.run(), engine.eip) == (Preempted(), CODE + 2)
        assert (engine.run(), engine.eip) == (Preempted(), CODE + 5)
        assert (engine.run(), engine.eax) == (Halted(), 9)


def test_an_exception_from_a_watched_block_is_raised_in_front_of_it() -> None:
    seen: list[int] = []

    def watcher(address: int) -> None:
        seen.append(address)
        if len(seen) < 3:
            raise ValueError("now")

    with machine(b"\x40\xeb\x00\x43" + HLT, clock=VirtualClock()) as engine:  # inc; jmp on; inc ebx
        engine.watch(CODE + 3, 1, watcher)
        engine.watch(CODE + 3 + (1 << 20), 1, lambda address: seen.append(0))  # looks alike, and is not
        for _ in range(2):
            with pytest.raises(ValueError, match="now"):
                engine.run()
            assert engine.eip == CODE + 3 and engine.clock.now_ns() == VirtualClock.AGE_NS + STEP_NS
        assert engine.run() == Halted() and (engine.eax, engine.ebx) == (1, 1)
        assert seen == [CODE + 3] * 3
        assert engine.clock.now_ns() == VirtualClock.AGE_NS + 2 * STEP_NS


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize(("code", "at"), WINDOWS)
def test_a_window_opens_where_it_opens_by_the_host_s_time(live: bool, code: bytes, at: int) -> None:
    with machine(code + HLT, live=live, clock=VirtualClock()) as engine:
        engine.eflags = 2
        assert engine.run(window=True) == Window()
        assert engine.eip == CODE + at and engine.interruptible
        engine.eflags = 2
        engine.eip = CODE + len(code)
        assert engine.run(window=True) == Halted()


def test_a_guest_that_spins_with_a_window_wanted_comes_to_its_deadline() -> None:
    with machine(b"\xfb\xfa\xeb\xfc", clock=VirtualClock()) as engine:  # sti; cli; jmp back: no window
        engine.eflags = 2
        deadline = engine.clock.now_ns() + 50 * EXIT_NS
        assert engine.run(deadline, window=True) == Preempted()
        assert deadline <= engine.clock.now_ns() < deadline + STEP_NS


WHOLE = whole()
