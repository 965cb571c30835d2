"""Sequences through the machine and through the model, compared step by step."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from vmirom.conform.model.arena import (
    EARLY,
    FRAMES,
    GDT_LIMIT,
    GDTS,
    IDT_LIMIT,
    IDTS,
    NEVER,
    PAGE,
    ROUTINES,
    STACKS,
    WINDOW,
    WINDOW_TABLES,
)
from vmirom.conform.model.coding import SENT_FLAGS, Coded, coded
from vmirom.conform.model.machine import Model, Traits
from vmirom.conform.model.moves import Expander, Move
from vmirom.conform.model.player import Died, Player, Setting, Starved
from vmirom.conform.model.script import Scripts
from vmirom.conform.model.steps import ANYTHING, NO_TRAP, Expected, Result, Step
from vmirom.conform.model.tables import SWAPPED, Gate
from vmirom.conform.model.window import PAGE_ENTRIES, Window
from vmirom.hypervisors.hypervisor import EndKind
from vmirom.overlays.native import Apic
from vmirom.rom.lock import read_lock

__all__ = ["Difference", "Stage"]

_FLAGS, _TRAP, _INTERRUPTS = (Result._fields.index(name) for name in ("flags", "trap", "interrupts"))
_result: Final = tuple.__new__
"""Of a class of tuples and words; Result._make takes three times as long to say the same."""
_PATIENCE: Final = (1, 2, 4)
"""How many times its time a sequence is given, each on another machine where the one before was starved."""
_BASE: Final = 0x30
_PERIOD_MS: Final = 16
_ATTEMPTS: Final = 40
_PERIOD: Final = 16
_LATE: Final = 4
"""Sixteenths of a period."""
_SLACK: Final = 0.25
_WALL_SLACK_NS: Final = 3 * 10**9
_NO_EXECUTE: Final = {"lguest": False}


class Difference(Exception):
    """Machine and model disagree: at which step of which move, and how. What was played until then is
    ``moves``. A machine that was played on is not to be used again."""

    def __init__(self, setting: Setting, moves: Sequence[Move], step: Step | None, why: str) -> None:
        at = f"{step}: " if step is not None else ""
        super().__init__(f"{setting.label}: {at}{why}")
        self.setting = setting
        self.moves = tuple(moves)
        self.step = step
        self.why = why


@dataclass
class Stage:
    """One machine that sequences are played on, one after another, each from the same state.

    ``made`` counts the steps that were compared; what brings the machine back to the state that a sequence
    begins in is not among them. Raises Died if the guest can't even be set up.
    """

    setting: Setting
    made: int = 0
    _player: Player = field(init=False)
    _traits: Traits = field(init=False)
    _pristine: dict[int, bytes] = field(init=False)
    _space: int = 0

    def __post_init__(self) -> None:
        setting = self.setting
        self._player = Player(setting)
        locked = next(r for r in read_lock().roms if (r.backend, r.abi) == (setting.backend, setting.abi))
        self._traits = Traits(timer_shows=setting.backend in ("native", "kvm"), answers=locked.answers)
        self._pristine = {table: self._player.read(table, 8 * 256) for table in (*GDTS, *IDTS)}
        gates = {}
        for vector in SWAPPED:
            low, high = struct.unpack_from("<II", self._pristine[IDTS[0]], 8 * vector)
            gates[Gate(vector)] = low, high
            gates[Gate(vector, trap=True)] = low, high | 0x100
        self._gates = gates
        self._task = struct.unpack_from("<II", self._pristine[GDTS[0]], 8 * 16)
        expander = Expander(
            roots=(self._player.roots[0], self._player.roots[1]),
            task=(self._task[0], self._task[1]),
            gates=self._gates,
            offers=self.offers,
            no_execute=_NO_EXECUTE.get(setting.backend, True),
            two_level=setting.two_level,
        )
        self._scripts = Scripts(expander)

    def close(self) -> None:
        """Give the machine back."""
        self._player.close()

    def offers(self, call: str) -> bool:
        """Whether a call does something here: translated, or native and made by the guest itself."""
        return self._traits.answers.get(call, "absent") in ("native", "translated")

    def play(self, moves: Sequence[Move]) -> None:
        """Play a sequence from the known state, and look at what it left. Raises Difference."""
        script = self._scripts.of((*moves, *_OBSERVED))
        steps = script.steps
        try:
            results = self._results(script.data)
        except Died as died:
            raise Difference(self.setting, moves, None, f"the machine ended: {died}") from None
        self._space = script.left.space
        self.made += len(steps)
        found = self._compare(steps, results[-1 - len(steps) :])
        if found is not None:
            at, why = found
            raise Difference(self.setting, moves[: bisect_right(script.ends, at) + 1], steps[at].step, why)

    def _results(self, data: bytes) -> list[tuple[int, ...]]:
        """Of the steps that bring the known state, and of these. A machine that was starved of the processor
        is given up for a new one, which has more time. Raises Died."""
        starved: Starved | None = None
        for patience in _PATIENCE:
            try:
                if starved is not None:
                    self._player = Player(replace(self.setting, budget=self.setting.budget * patience))
                    self._space = 0
                return self._player.play_packed(_packed(self._begin()) + data)
            except Starved as again:
                starved = again
                self._player.close()
        assert starved is not None
        raise starved

    def pace(self) -> None:
        """What no sequence shows: that counters run at the rate they name, that the wall clock is right, and
        that the ticks of periodic alarms keep to their times. Raises Difference.

        Bounds hold on a machine of any speed: of the host's clock those before and behind the call count, and
        of several attempts one whose ticks were not disturbed.
        """
        try:
            begun, first = self._timed("GetCycleCounter", {"counter": 0})
            frequency = self._timed("GetCycleFrequency", {})[1]
            for counter in (0, 1):
                self._punctual(counter, frequency * _PERIOD_MS // 1000)
            ended, last = self._timed("GetCycleCounter", {"counter": 0})
            self._wall()
        except Died as died:
            raise Difference(self.setting, (), None, f"the machine ended: {died}") from None
        seconds = (last - first) / max(frequency, 1)
        least, most = (ended[0] - begun[1]) / 1e9, (ended[1] - begun[0]) / 1e9
        if not least * (1 - _SLACK) <= seconds <= most * (1 + _SLACK):
            why = f"{seconds:.4f} s passed by counter and frequency, {least:.4f} to {most:.4f} s in truth"
            raise Difference(self.setting, (), Step("GetCycleFrequency", {}), why)

    def end(self, call: str, arguments: Mapping[str, int], kind: EndKind) -> None:
        """Make a call that does not come back, in the state that the last sequence left. Raises Difference if
        the machine does not end as it says. Afterwards there is no machine."""
        step = Step(call, arguments)
        try:
            self._run([step])
        except Died as died:
            if died.kind is not kind:
                raise Difference(self.setting, (), step, f"{died}, not {kind.value}") from None
        else:
            raise Difference(self.setting, (), step, f"comes back, not {kind.value}")

    def _timed(self, call: str, arguments: Mapping[str, int]) -> tuple[tuple[int, int], int]:
        """Time of the machine's clock before and behind a call, and its answer."""
        before = self._player.machine_clock.now_ns()
        (raw,) = self._run([Step(call, arguments)])
        return (before, self._player.machine_clock.now_ns()), raw[0] | raw[1] << 32

    def _punctual(self, counter: int, period: int) -> None:
        step = Step("pace", {"counter": counter, "period": period & 0xFFFFFFFF})
        late = [_PERIOD, _PERIOD, _PERIOD]
        for _ in range(_ATTEMPTS):
            answer = self._run([*self._begin(), step])[-1][0]
            if answer in (EARLY, NEVER):
                why = "a tick came before its time" if answer == EARLY else "no tick came"
                raise Difference(self.setting, (), step, why)
            late = [min(best, answer >> 8 * tick & 0xFF) for tick, best in enumerate(late)]
            if sum(one < _LATE for one in late) > 1:
                return
        told = ", ".join(map(str, late))
        raise Difference(
            self.setting, (), step, f"three ticks are at best {told} sixteenths of a period late"
        )

    def _wall(self) -> None:
        clock = self._player.machine_clock
        before = clock.wall_ns() - _WALL_SLACK_NS
        told = self._timed("GetWallclockTime", {})[1]
        if not before <= told <= clock.wall_ns() + _WALL_SLACK_NS:
            why = f"the wall clock is {(told - clock.wall_ns()) / 1e9:.1f} s off"
            raise Difference(self.setting, (), Step("GetWallclockTime", {}), why)

    def _run(self, steps: Sequence[Step]) -> list[tuple[int, ...]]:
        return self._player.play_packed(_packed(steps))

    def _model(self) -> Model:
        model = Model(
            self._traits,
            wall_ns=self._player.machine_clock.wall_ns,
            window=Window(two_level=self.setting.two_level),
            roots=(self._player.roots[0], self._player.roots[1]),
            user_selectors=(self._player.user_selectors[0], self._player.user_selectors[1]),
            handlers={words: gate for gate, words in self._gates.items()},
        )
        for port, value in (
            *((0x20, 0x11), (0x21, _BASE), (0x21, 4), (0x21, 1), (0xA0, 0x11), (0xA1, _BASE + 8), (0xA1, 2)),
            *((0xA1, 1), (0x21, 0xFE), (0xA1, 0xFF)),
        ):
            model.pair.out(port, value)
        return model

    def _compare(self, steps: Sequence[Coded], results: Sequence[tuple[int, ...]]) -> tuple[int, str] | None:
        """The first step that came out otherwise than the model says, and why. ``results`` begin with the one
        before the first step."""
        model = self._model()
        make = model.make
        base = results[0][_INTERRUPTS]
        for at, (one, raw) in enumerate(zip(steps, results[1:], strict=True)):
            expected = make(one.step)
            # what nearly every step is like, in a few comparisons; others are looked at one thing at a time
            plain = (
                raw[_TRAP] == NO_TRAP
                and one.came(raw) == one.kept
                and not (raw[_FLAGS] ^ SENT_FLAGS) & one.flags
                and raw[_INTERRUPTS] - base == model.deliveries
            )
            if plain and expected is ANYTHING and not one.learns:
                continue
            result = _result(Result, raw)
            answer = raw[0] | raw[1] << 32 if one.wide else raw[0]
            if not plain:
                why = _why(one, expected, answer, result, base + model.deliveries)
            elif expected is not ANYTHING:
                why = expected.wrong(answer, result, one.step.peek != 0)
            else:
                why = ""
            if why:
                return at, why
            if one.learns or not plain:  # a page fault is never plain
                model.seen(one.step, answer, result)
        return None

    # the state that every sequence begins in

    def _begin(self) -> list[Step]:
        steps = [
            Step("DisableInterrupts", {}),
            Step("SetLazyMode", {"mode": 0}),
            *(Step("CancelAlarm", {"flags": counter}) for counter in (0, 1)),
            *self._tables(),
            Step("CLTS", {}),
            Step("UpdateKernelStack", {"ss0": 0x68, "esp0": STACKS[0]}),
            Step("SetIOPLMask", {"mask": 0}),
            Step("SetCounters", {"array": 0, "entries": 0}),
            *self._window(),
            *_apic(),
        ]
        expander = Expander((0, 0), (0, 0), {}, self.offers)
        steps += expander.initialise({"base": _BASE}) * 2
        return [step for step in steps if step.call in ROUTINES or self.offers(step.call)]

    def _tables(self) -> list[Step]:
        """Both tables as the player made them; the first of each in use."""
        expander = Expander((0, 0), (0, 0), {}, self.offers)
        steps = expander.table({"idt": 0, "which": 0, "limit": GDT_LIMIT})
        steps += expander.table({"idt": 1, "which": 0, "limit": IDT_LIMIT})
        for call, tables in (("WriteGDTEntry", GDTS), ("WriteIDTEntry", IDTS)):
            for table in tables:
                now, then = self._player.read(table, 8 * 256), self._pristine[table]
                for entry in range(256) if now != then else ():
                    if now[8 * entry : 8 * entry + 8] != then[8 * entry : 8 * entry + 8]:
                        low, high = struct.unpack_from("<II", then, 8 * entry)
                        words = {"table": table, "entry": entry, "descLo": low, "descHi": high}
                        steps.append(Step(call, words))
        return steps

    def _window(self) -> list[Step]:
        """The window's tables and frames as the model begins."""
        model, steps = Window(two_level=self.setting.two_level), []
        call, form = ("SetPxE", "I") if self.setting.two_level else ("SetPxELong", "Q")
        if self._space:
            steps.append(Step("SetCR3", {"value": self._player.roots[0]}))
        steps.append(Step("SetLazyMode", {"mode": 1}))
        for space, table in enumerate(WINDOW_TABLES):
            size = model.entry_size
            now = struct.unpack(f"<{PAGE_ENTRIES}{form}", self._player.read(table, size * PAGE_ENTRIES))
            for page, entry in enumerate(model.tables[space]):
                if now[page] != entry:
                    steps.append(Step(call, {"pte": entry, "ptep": table + size * page, "flags": 1}))
        steps.append(Step("SetLazyMode", {"mode": 0}))
        steps += [Step("InvalPage", {"va": WINDOW + PAGE * page}) for page in range(PAGE_ENTRIES)]
        for number, word in enumerate(model.words):
            if word is not None:
                steps.append(Step("store", {"address": FRAMES[number], "value": word}))
        return steps


def _packed(steps: Sequence[Step]) -> bytes:
    return b"".join([coded(step).data for step in steps])


def _apic() -> list[Step]:
    return [
        Step("APICWrite", {"reg": int(register), "value": value})
        for register, value in ((Apic.TPR, 0), (Apic.SPURIOUS, 0x1FF), (Apic.LVTT, 0x10045))
    ]


def _why(one: Coded, expected: Expected, answer: int, result: Result, interrupts: int) -> str:
    """Why a step did not come out as promised; empty if it did. ``interrupts`` were to come so far."""
    why = ""
    if expected is not ANYTHING or result.trap != NO_TRAP:
        why = expected.wrong(answer, result, one.step.peek != 0)
    why = why or one.unkept(result)
    if not why and result.interrupts != interrupts:
        return _interrupts(result.interrupts, interrupts)
    return why


def _interrupts(got: int, expected: int) -> str:
    if (got ^ expected) >> 24:
        return "an interrupt's frame or the flag in its handler is not as it must be"
    return f"{got} interrupts were delivered, not {expected}"


_OBSERVED: Final = (
    Move("SetLazyMode", {"mode": 0}),
    Move("GetTR", {}),
    Move("GetLDT", {}),
    Move("GetCR0", {}),
    Move("GetCR2", {}),
    Move("GetCR3", {}),
    Move("GetInterruptMask", {}),
    *(Move("GetCycleCounter", {"counter": counter}) for counter in (0, 1, 2, 0, 3)),
    *(Move("CancelAlarm", {"flags": flags}) for flags in (0, 1)),
    Move("SetCounters", {"array": 1, "entries": 1}),
    *(Move("INB", {"port": port}) for port in (0x20, 0x21, 0xA0, 0xA1)),
    Move("undefined", {}),
    Move("enter", {"how": 0}),
    *(Move("access", {"page": page, "kind": 0}) for page in range(7)),
)
"""What is looked at behind every sequence, so that a call that left something wrong shows."""
