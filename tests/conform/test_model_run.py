"""Random sequences of calls, valid and not, through ROM and hypervisor and through the model."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given

from tests.effort import examples, share
from tests.strategies import moves_of
from vmirom.conform.model import player
from vmirom.conform.model.arena import Routine
from vmirom.conform.model.choices import draw
from vmirom.conform.model.explore import explore, settings_of
from vmirom.conform.model.machine import UNMODELLED, Model
from vmirom.conform.model.moves import MOVES, Move
from vmirom.conform.model.play import Difference, Stage
from vmirom.conform.model.player import Setting
from vmirom.conform.model.sequences import read_regression
from vmirom.hosts.backends import backend_names
from vmirom.hypervisors.hypervisor import EndKind
from vmirom.schema.tree import load_abi

REGRESSIONS = sorted((Path(__file__).parent / "regressions").glob("*.json"))
FORMS = (("3.1", False), ("3.0", False), ("3.1", True), ("3.0", True))
"""Versions of guest and ROM, with PAE and without."""
ALL = tuple(one for form in FORMS for name in backend_names() for one in settings_of(name, *form))
made: dict[str, Stage] = {}


def stage(setting: Setting) -> Stage:
    if setting.label not in made:
        made[setting.label] = Stage(setting)
    return made[setting.label]


@pytest.fixture(scope="module", autouse=True)
def closed() -> Iterator[None]:
    yield
    for each in made.values():
        each.close()
    made.clear()


def follows(setting: Setting, sequence: Sequence[Move]) -> None:
    """On a new machine after a difference, so that what is shrunk is never blamed for what went before."""
    try:
        stage(setting).play(sequence)
    except BaseException:
        made.pop(setting.label).close()
        raise


@pytest.mark.boot
@examples(60)
@given(moves_of(40))
def test_native_follows_the_model(sequence: list[Move]) -> None:
    follows(Setting("native"), sequence)


@pytest.mark.boot
@pytest.mark.parametrize("era", ["2008", "2026"])
@examples(40)
@given(sequence=moves_of(40))
def test_kvm_follows_the_model(era: str, sequence: list[Move]) -> None:
    follows(Setting("kvm", {"host_era": era}), sequence)


@pytest.mark.boot
@examples(60)
@given(moves_of(40))
def test_lguest_follows_the_model(sequence: list[Move]) -> None:
    follows(Setting("lguest"), sequence)


@pytest.mark.boot
@examples(60)
@given(moves_of(40))
def test_xen_follows_the_model(sequence: list[Move]) -> None:
    follows(Setting("xen"), sequence)


@pytest.mark.boot
@pytest.mark.sampled
@pytest.mark.parametrize(
    "setting",
    [pytest.param(one, marks=() if one.abi == "3.1" else pytest.mark.slow, id=one.label) for one in ALL],
)
def test_long_sequences_follow_the_model(setting: Setting) -> None:
    """Drawn as ``vmirom model run`` does."""
    calls = share(2500)
    found = explore(setting, 1, calls, shorten=False)
    assert found.difference is None, str(found.difference)
    assert found.calls >= calls


@pytest.mark.boot
@pytest.mark.parametrize("setting", ALL, ids=lambda one: one.label)
@pytest.mark.parametrize("file", REGRESSIONS, ids=lambda file: file.stem)
def test_sequences_that_were_kept(setting: Setting, file: Path) -> None:
    """What a run saves can be put here, and is replayed on every backend."""
    follows(setting, read_regression(file).sequence)


def test_each_call_is_modelled_or_left_out_for_a_reason() -> None:
    calls = {call.name for call in load_abi().resolve("vmi3").calls}
    modelled = {call for call in calls if Model.knows(call)}
    assert modelled | set(UNMODELLED) == calls and not modelled & set(UNMODELLED)
    assert all(len(reason.split()) > 3 for reason in UNMODELLED.values())
    assert all(Model.knows(routine.name) for routine in Routine)


def test_every_move_and_modelled_call_is_drawn() -> None:
    """A call that the model knows and no sequence holds would be checked by nobody."""
    drawn = {move.name for seed in range(40) for move in draw(random.Random(seed), 1000)}
    steps = {"OUTSB", "OUTSW", "OUTSL", "INSB", "INSW", "INSL", "SetTR", "UpdateKernelStack", "Halt"}
    steps |= {"SetIDT", "SetCR3", "IRET", "SYSEXIT", "Reboot", "Shutdown"}  # parts of moves, and ends
    calls = {call.name for call in load_abi().resolve("vmi3").calls if Model.knows(call.name)}
    assert calls - drawn <= steps, sorted(calls - drawn - steps)
    assert set(MOVES) - drawn == set()


@pytest.mark.boot
def test_most_calls_are_offered() -> None:
    """A sequence that a backend could not play would prove nothing."""
    named = [call.name for call in load_abi().resolve("vmi3").calls if Model.knows(call.name)]
    for setting in ALL:
        least = 56 if setting.abi == "3.1" else 53
        assert sum(stage(setting).offers(call) for call in named) >= least, setting.label


@pytest.mark.boot
def test_a_guest_of_3_0_makes_no_later_call() -> None:
    later = ("GetCallInfo", "GetRomInfo", "SetCounters")
    for setting in ALL:
        assert any(map(stage(setting).offers, later)) == (setting.abi == "3.1"), setting.label


def test_where_tables_of_two_levels_can_be() -> None:
    assert {one.backend for one in ALL if one.two_level} == {"native", "kvm"}
    assert settings_of("xen", "3.0", two_level=True) == ()


@pytest.mark.boot
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_machines_end_as_they_are_told(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By Shutdown or Reboot, after a sequence; and one that ends otherwise is seen."""
    assert explore(Setting("lguest"), seed, 50, shorten=False).difference is None
    wrong = (("CLTS", {}, EndKind.SHUTDOWN), ("Reboot", {"how": 0}, EndKind.SHUTDOWN))
    monkeypatch.setattr("vmirom.conform.model.explore._ENDS", wrong)
    found = explore(Setting("native"), seed, 50, shorten=False).difference
    assert found is not None and found.why.endswith("not shutdown")


@pytest.mark.boot
def test_a_difference_is_told_as_a_sequence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Model, "make", wrong_cr2(Model.make))
    with pytest.raises(Difference, match=r"lguest: GetCR2\(\): 0x5, not 0x6 in the bits 0xffffffff") as told:
        follows(Setting("lguest"), [Move("SetCR2", {"value": 5}), Move("GetCR2", {}), Move("GetCR0", {})])
    assert [move.name for move in told.value.moves] == ["SetCR2", "GetCR2"]


def wrong_cr2(make: object) -> object:
    def changed(self: Model, step: object) -> object:
        expected = make(self, step)  # type: ignore[operator]
        if step.call == "SetCR2":  # type: ignore[attr-defined]
            assert self.control.cr2 is not None
            self.control.cr2 += 1
        return expected

    return changed


class Late:
    """The clocks as the player sees them. Of its runs ``late`` say whether time is up before one begins, as
    for a process that did not get the processor until then; ``works``: it got it, and took all the time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, late: Sequence[bool], works: bool = False) -> None:
        self.late, self.works = iter(late), works
        self.back = self.worked = 0
        run = player.Player._run
        monkeypatch.setattr(player, "time", self)

        def timed(one: player.Player) -> None:
            late = next(self.late, False)
            self.back = 3600 * 10**9 if late else 0
            with monkeypatch.context() as up:
                if late:
                    host_run = one._host.run
                    up.setattr(one._host, "run", lambda deadline_ns: host_run(0))
                run(one)

        monkeypatch.setattr(player.Player, "_run", timed)

    def monotonic_ns(self) -> int:
        back, self.back = self.back, 0
        return time.monotonic_ns() - back

    def process_time_ns(self) -> int:
        self.worked += 3600 * 10**9 if self.works else 0
        return self.worked


@pytest.mark.boot
@pytest.mark.parametrize("late", [(True,), (True, False, True), (True, True)])
def test_time_that_a_process_did_not_have_is_no_difference(
    late: Sequence[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Starved once, twice, and while another machine boots."""
    one = Stage(Setting("native"))
    try:
        seen = Late(monkeypatch, late)
        one.play([Move("GetCR0", {})])
        assert one.made > 1 and next(seen.late, None) is None
    finally:
        one.close()


@pytest.mark.boot
@pytest.mark.parametrize(("late", "works"), [((True,) * 9, False), ((True,), True)])
def test_time_that_a_machine_took_is_one(
    late: Sequence[bool], works: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It runs on for ever; or no machine ever had the time."""
    one = Stage(Setting("native"))
    try:
        Late(monkeypatch, late, works)
        with pytest.raises(Difference, match="the machine ended: budget: out of time"):
            one.play([Move("GetCR0", {})])
    finally:
        one.close()


@pytest.mark.boot
def test_the_same_seed_plays_the_same() -> None:
    one, other = (draw(random.Random("7/0"), 50) for _ in range(2))
    assert one == other
    assert draw(random.Random("8/0"), 50) != one


def test_by_virtual_time_a_seed_plays_the_same_to_the_last_interrupt() -> None:
    """Also the pace, which by the host's time is looked at with bounds that a starved process fails."""
    ends = []
    for _ in range(2):
        stage = Stage(Setting("lguest", clock="virtual"))
        try:
            stage.pace()
            ends.append(stage._player.machine_clock.now_ns())
        finally:
            stage.close()
    assert ends[0] == ends[1]
