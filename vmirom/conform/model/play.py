"""Sequences through the machine and through the model, compared step by step."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from operator import itemgetter
from typing import Any, Final

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
    Routine,
)
from vmirom.conform.model.machine import Model, Traits
from vmirom.conform.model.moves import Expander, Move
from vmirom.conform.model.player import Died, Player, Setting
from vmirom.conform.model.steps import ANYTHING, NO_TRAP, Result, Step
from vmirom.conform.model.tables import SWAPPED, Gate
from vmirom.conform.model.window import PAGE_ENTRIES, Window
from vmirom.hypervisors.hypervisor import EndKind
from vmirom.overlays.native import Apic
from vmirom.rom.lock import read_lock
from vmirom.schema.calls import Call, registers, stack_words
from vmirom.schema.tree import load_abi

__all__ = ["Difference", "Stage"]

_ORDER: Final = ("EAX", "EDX", "ECX", "EBX", "ESI", "EDI", "EBP")
_FILL: Final = (0xA1A1A1A1, 0xD2D2D2D2, 0xC3C3C3C3, 0xB4B4B4B4, 0x55555555, 0xD6D6D6D6, 0xB7B7B7B7)
_CALL: Final = 0xFFFFFFFF
_WORD: Final = 0xFFFFFFFF
_FLAGS: Final = 0x845
"""CF, PF, ZF and OF set; AF and SF clear."""
_ARITHMETIC: Final = 0x8D5
_DIRECTION: Final = 0x400
_BREAKPOINT: Final = 3
_INTERRUPTS: Final = Result._fields.index("interrupts")
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


@dataclass(frozen=True, slots=True)
class _Coding:
    """How a call becomes the words of a step, and what of its result is looked at. ``places`` are pairs of an
    argument and the words it goes to; ``kept`` are indices of registers that survive."""

    head: tuple[int, int]
    narrow: tuple[tuple[str, int], ...]
    """Arguments of one word, and where it goes."""
    wide: tuple[tuple[str, int, int], ...]
    """Arguments of two words."""
    kept: tuple[int, ...]
    sent: Callable[[Sequence[int]], Any]
    came: Callable[[Sequence[int]], Any]
    """What is to survive of a step's words, and of a result."""
    keeps_flags: bool
    wide_answer: bool

    def words(self, arguments: Mapping[str, int], peek: int) -> list[int]:
        """The sixteen words of a step."""
        words = [*self.head, *_FILL, _FLAGS, 0, 0, 0, 0, peek, 0]
        for name, at in self.narrow:
            words[at] = arguments[name] & _WORD
        for name, low, high in self.wide:
            value = arguments[name]
            words[low], words[high] = value & _WORD, value >> 32 & _WORD
        return words


def _coding(
    head: tuple[int, int],
    places: Sequence[tuple[str, tuple[int, ...]]],
    kept: tuple[int, ...],
    keeps_flags: bool,
    wide_answer: bool,
) -> _Coding:
    return _Coding(
        head,
        tuple((name, at[0]) for name, at in places if len(at) == 1),
        tuple((name, at[0], at[1]) for name, at in places if len(at) == 2),
        kept,
        itemgetter(*(2 + n for n in kept)),
        itemgetter(*kept),
        keeps_flags,
        wide_answer,
    )


def _coding_of(call: Call) -> _Coding:
    places = []
    for argument in call.arguments or ():
        where = [2 + _ORDER.index(name) for name in registers(argument.place)]
        where += [10 + word for word in stack_words(argument.place, argument.type)]
        places.append((argument.name, tuple(where)))
    results = {name for part in (call.result, *call.outputs) if part for name in registers(part.place)}
    kept = tuple(n for n, name in enumerate(_ORDER) if name in (call.preserved or ()) and name not in results)
    wide = call.result is not None and len(registers(call.result.place)) == 2
    return _coding((_CALL, call.number), places, kept, "flags" not in (call.clobbers or ()), wide)


_ROUTINE_PLACES: Final[Mapping[str, tuple[tuple[str, tuple[int, ...]], ...]]] = {
    "load": (("address", (2,)),),
    "store": (("address", (2,)), ("value", (3,))),
    "execute": (("address", (2,)),),
    "iret": (("flags", (2,)),),
    "user": (("flags", (2,)), ("eip", (3,)), ("esp", (4,))),
    "sysexit": (("eip", (3,)), ("esp", (4,))),
    "segment": (("selector", (2,)), ("offset", (3,))),
    "wait": (("bound", (2,)),),
    "pace": (("counter", (2,)), ("period", (3,))),
}


@cache
def _codings() -> Mapping[str, _Coding]:
    found = {
        call.name: _coding_of(call)
        for call in load_abi().resolve("vmi3").calls
        if call.kind is not None
        and all(n < 4 for a in call.arguments or () for n in stack_words(a.place, a.type))
    }
    for routine in Routine:
        places = _ROUTINE_PLACES.get(routine.name, ())
        found[routine.name] = _coding((int(routine), 0), places, (3, 4, 5, 6), False, False)
    return found


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
        self._codings = _codings()

    def close(self) -> None:
        """Give the machine back."""
        self._player.close()

    def offers(self, call: str) -> bool:
        """Whether a call does something here: translated, or native and made by the guest itself."""
        return self._traits.answers.get(call, "absent") in ("native", "translated")

    def play(self, moves: Sequence[Move]) -> None:
        """Play a sequence from the known state, and look at what it left. Raises Difference."""
        expander = Expander(
            roots=(self._player.roots[0], self._player.roots[1]),
            task=(self._task[0], self._task[1]),
            gates=self._gates,
            offers=self.offers,
            no_execute=_NO_EXECUTE.get(self.setting.backend, True),
            two_level=self.setting.two_level,
        )
        begin = self._begin()
        steps: list[Step] = []
        owners: list[int] = []
        for number, move in enumerate((*moves, *_OBSERVED)):
            expanded = expander.expand(move)
            steps += expanded
            owners += [number] * len(expanded)
        words = self._words(steps)
        try:
            results = self._player.play([*self._words(begin), *words])
        except Died as died:
            raise Difference(self.setting, moves, None, f"the machine ended: {died}") from None
        self._space = expander.space
        self.made += len(steps)
        self._compare(moves, steps, owners, words, results[len(begin) - 1 :])

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
        """``time.monotonic_ns`` before and behind a call, and its answer."""
        before = time.monotonic_ns()
        (raw,) = self._run([Step(call, arguments)])
        return (before, time.monotonic_ns()), raw[0] | raw[1] << 32

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
        before = time.time_ns() - _WALL_SLACK_NS
        told = self._timed("GetWallclockTime", {})[1]
        if not before <= told <= time.time_ns() + _WALL_SLACK_NS:
            why = f"the wall clock is {(told - time.time_ns()) / 1e9:.1f} s off"
            raise Difference(self.setting, (), Step("GetWallclockTime", {}), why)

    def _words(self, steps: Sequence[Step]) -> list[list[int]]:
        codings = self._codings
        return [codings[step.call].words(step.arguments, step.peek) for step in steps]

    def _run(self, steps: Sequence[Step]) -> list[tuple[int, ...]]:
        return self._player.play(self._words(steps))

    def _model(self) -> Model:
        model = Model(
            self._traits,
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

    def _compare(
        self,
        moves: Sequence[Move],
        steps: Sequence[Step],
        owners: Sequence[int],
        words: Sequence[Sequence[int]],
        raw: Sequence[tuple[int, ...]],
    ) -> None:
        """``raw`` begins with the result before the first step."""
        model, codings = self._model(), self._codings
        base = raw[0][_INTERRUPTS]
        for at, step in enumerate(steps):
            result = Result._make(raw[at + 1])
            coding = codings[step.call]
            answer = result.eax | result.edx << 32 if coding.wide_answer else result.eax
            expected = model.make(step)
            why = ""
            if expected is not ANYTHING or result.trap != NO_TRAP:
                why = expected.wrong(answer, result, step.peek != 0)
            why = why or _unkept(step, coding, words[at], result)
            if not why and result.interrupts != base + model.deliveries:
                why = _interrupts(result.interrupts - base, model.deliveries)
            if why:
                raise Difference(self.setting, moves[: owners[at] + 1], step, why)
            model.seen(step, answer, result)

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


def _apic() -> list[Step]:
    return [
        Step("APICWrite", {"reg": int(register), "value": value})
        for register, value in ((Apic.TPR, 0), (Apic.SPURIOUS, 0x1FF), (Apic.LVTT, 0x10045))
    ]


def _unkept(step: Step, coding: _Coding, words: Sequence[int], result: Result) -> str:
    """What a call changed that it must not; empty if nothing."""
    if result.trap != NO_TRAP and result.trap != _BREAKPOINT:
        return ""
    if result.esp:
        return f"ESP comes back {result.esp} lower"
    if result.segments and step.call != "segment":
        return "DS or ES is another"
    if result.flags & _DIRECTION:
        return "DF is set"
    if coding.came(result) != coding.sent(words):
        n = next(n for n in coding.kept if result[n] != words[2 + n])
        return f"{_ORDER[n]} comes back as {result[n]:#x}, not {words[2 + n]:#x}"
    if coding.keeps_flags and (result.flags ^ _FLAGS) & _ARITHMETIC:
        return f"the arithmetic flags come back as {result.flags & _ARITHMETIC:#x}, not {_FLAGS:#x}"
    return ""


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
