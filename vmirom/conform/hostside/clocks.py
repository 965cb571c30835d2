"""Time as only the host can show it: what the wall clock is held against, what happens when it is set, how
fast a counter is, and what becomes of time in which the host holds the processor.

A machine is held simply by not being run between two calls. What is told of such times are bounds that hold
however slow anybody is: the host's clock is read before and after each call of the ROM.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vmirom.conform.hostside.machines import Machines
from vmirom.conform.hostside.made import How, Made
from vmirom.conform.hostside.sheet import Sheet
from vmirom.conform.hostside.stand import Stand
from vmirom.conform.model.player import Died, Setting
from vmirom.overlays.vmi import Alarm, Counter
from vmirom.schema.clauses import load_clauses

__all__ = ["CLOCKS", "examine_clocks"]

CLOCKS: Final = "clocks"
_SECOND: Final = 1_000_000_000
_WORD: Final = 0xFFFFFFFF
_WALL_WITHIN_NS: Final = 3 * _SECOND
"""A battery-backed clock tells whole seconds, and takes one of them to be read."""
_AHEAD_NS: Final = 3600 * _SECOND
_HELD_NS: Final = 30_000_000
_WAITING_MS: Final = 20
_RATE_WITHIN: Final = 0.05
_SOON_MS: Final = (2, 20, 200)
_PERIOD_MS: Final = 40
_PERIODS_HELD: Final = 3
_NEEDED: Final = (
    *("GetCycleFrequency", "GetCycleCounter", "SetAlarm", "CancelAlarm"),
    *("GetWallclockTime", "WallclockUpdated", "Halt"),
)
_HOSTED, _TOLD = "hosted", "stolen"
_WALL = "the wall clock is the host's"
_FOLLOWS = "it follows the host's when that is set"
_UPDATED = "WallclockUpdated tells of that once, and of nothing else"
_RATE = "the real counter goes at the rate that GetCycleFrequency tells"
_STOLEN = "time in which the host holds the processor is stolen, at the real counter's rate"
_AVAILABLE = "and the available counter stands still for it"
_WAITS = "an alarm on it does not fire for such time"
_COLLAPSE = "expiries of a periodic alarm that pass meanwhile make one firing, and the next is on the grid"


@dataclass(frozen=True, slots=True)
class _Read:
    """A value that a call answered, and the host's clock (ns) before and after it."""

    value: int
    before: int
    after: int


class _Clocks:
    """One machine's."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        self.clock = stand.clock
        self.hz = max(1, self.made("GetCycleFrequency").pair)

    def made(
        self, name: str, registers: Mapping[str, int] | None = None, *stack: int, enabled: bool = False
    ) -> Made:
        """A call; ``enabled`` matters where the processor's interrupt flag is the guest's. Raises Died."""
        eip = self.stand.entry(name)
        if eip is None:
            raise Died(f"get_reloc names no entry for {name}")
        made = self.stand.call(eip, registers or {}, stack, see=False, enabled=enabled)
        if made.how is not How.RETURNED:
            raise Died(f"{name}: {made.how.value}: {made.why}")
        return made

    def read(self, name: str, **registers: int) -> _Read:
        """What a call answers in EDX:EAX. Raises Died."""
        before = self.clock.now_ns()
        value = self.made(name, registers).pair
        return _Read(value, before, self.clock.now_ns())

    def counter(self, which: Counter) -> _Read:
        """Raises Died."""
        return self.read("GetCycleCounter", EAX=int(which))

    def hold(self, duration_ns: int) -> None:
        """The machine does not run."""
        until = self.clock.now_ns() + duration_ns
        while self.clock.now_ns() < until:
            self.clock.sleep(until)

    def alarm(self, flags: int, expiry: int, period: int = 0) -> None:
        """SetAlarm. Raises Died."""
        words = {"EAX": flags, "EDX": expiry & _WORD, "ECX": expiry >> 32 & _WORD}
        self.made("SetAlarm", words, period & _WORD, period >> 32 & _WORD)

    def interrupts(self) -> int:
        """How many come when they may. Raises Died."""
        if self.stand.entry("EnableInterrupts") is None:
            made = self.made("GetCycleFrequency", enabled=True)
        else:
            made = self.made("EnableInterrupts")
        self.stand.enable(False)
        return made.interrupts

    def rest(self) -> None:
        """The processor is halted for a moment, at whose end the host interrupts it and looks at its clocks.
        An alarm that was due before it could wait is one of the ROM's alone: then another is set. Raises
        Died."""
        for soon_ms in _SOON_MS:
            expiry = self.counter(Counter.REAL).value + self.hz * soon_ms // 1000
            self.alarm(int(Counter.REAL), expiry)
            waits = self.counter(Counter.REAL).value < expiry
            self.made("Halt")
            self.stand.enable(False)
            if waits:
                return

    def wall(self) -> int:
        """How far the guest's wall clock is from the host's, ns. Raises Died."""
        host = self.clock.wall_ns()
        return self.read("GetWallclockTime").value - host

    def set(self, ahead_ns: int) -> None:
        """The host's wall clock is set. Raises Died."""
        self.clock.ahead_ns = ahead_ns
        self.rest()

    def updated(self) -> int:
        """Raises Died."""
        return self.made("WallclockUpdated")["EAX"]


def _off(difference_ns: int) -> str:
    return f"{difference_ns / _SECOND:+.3f} s off the host's"


def _wall(clocks: _Clocks) -> Iterator[str]:
    difference = clocks.wall()
    if abs(difference) > _WALL_WITHIN_NS:
        yield _off(difference)


def _follows(clocks: _Clocks) -> Iterator[str]:
    for ahead in (_AHEAD_NS, 0):
        clocks.set(ahead)
        difference = clocks.wall()
        if abs(difference) > _WALL_WITHIN_NS:
            yield f"{_off(difference)} when that was set {'forward' if ahead else 'back'} by an hour"


def _updated(clocks: _Clocks) -> Iterator[str]:
    clocks.updated()
    clocks.rest()
    if told := clocks.updated():
        yield f"it tells {told:X} where nothing was set"
    for ahead in (_AHEAD_NS, 0):
        clocks.set(ahead)
        told, again = clocks.updated(), clocks.updated()
        if (told, again) != (1, 0):
            yield f"it tells {told:X}, then {again:X}"


def _rate(clocks: _Clocks) -> Iterator[str]:
    first = clocks.counter(Counter.REAL)
    clocks.hold(_HELD_NS)
    last = clocks.counter(Counter.REAL)
    shown = (last.value - first.value) * _SECOND // clocks.hz
    least, most = last.before - first.after, last.after - first.before
    if not least * (1 - _RATE_WITHIN) <= shown <= most * (1 + _RATE_WITHIN):
        yield f"{shown} ns of it pass in {least} to {most} ns"


def _held(clocks: _Clocks, which: Counter) -> tuple[int, int, int]:
    """How far a counter goes, in ns, while the processor is held; for how long it is held at least, and at
    most with all the time of the calls about."""
    first = clocks.counter(which)
    clocks.hold(_HELD_NS)
    last = clocks.counter(which)
    shown = (last.value - first.value) * _SECOND // clocks.hz
    return shown, last.before - first.after, last.after - first.before


def _stolen(clocks: _Clocks) -> Iterator[str]:
    shown, least, most = _held(clocks, Counter.STOLEN)
    if not least * (1 - _RATE_WITHIN) <= shown <= most * (1 + _RATE_WITHIN):
        yield f"{shown} ns are stolen in {least} to {most} ns"


def _available(clocks: _Clocks) -> Iterator[str]:
    shown, least, most = _held(clocks, Counter.AVAILABLE)
    if not 0 <= shown <= most - least * (1 - _RATE_WITHIN):
        yield f"it goes on by {shown} ns in {least} to {most} ns, of which {least} are the host's"


def _waits(clocks: _Clocks) -> Iterator[str]:
    expiry = clocks.counter(Counter.AVAILABLE).value + clocks.hz * _WAITING_MS // 1000
    clocks.alarm(int(Counter.AVAILABLE), expiry)
    clocks.hold(_HELD_NS)
    fired = clocks.interrupts()
    left = expiry - clocks.counter(Counter.AVAILABLE).value
    clocks.made("CancelAlarm", {"EAX": int(Counter.AVAILABLE)})
    if fired and left > 0:
        yield f"it fires {left} cycles before the counter comes to its expiry"


def _collapse(clocks: _Clocks) -> Iterator[str]:
    period = max(1, clocks.hz * _PERIOD_MS // 1000)
    first = clocks.counter(Counter.REAL).value + period // 8
    clocks.alarm(int(Counter.REAL) | int(Alarm.PERIODIC), first, period)
    clocks.hold(_PERIODS_HELD * _PERIOD_MS * 1_000_000)
    begun = clocks.counter(Counter.REAL).value
    fired, until = clocks.interrupts(), clocks.clock.now_ns() + _SECOND
    while clocks.counter(Counter.REAL).value < begun + period // 4 and clocks.clock.now_ns() < until:
        fired += clocks.interrupts()
    most = 1 + (clocks.counter(Counter.REAL).value - first) // period - (begun - first) // period
    cancelled = clocks.made("CancelAlarm", {"EAX": int(Counter.REAL)})["EAX"]
    if not 1 <= fired <= most:
        yield f"it fires {fired} times, where {most} may be"
    if cancelled != 1:
        yield f"CancelAlarm answers {cancelled:X} behind it"


@dataclass(frozen=True, slots=True)
class _Line:
    """A line, how it is looked at, and the feature of the clauses without which there is nothing to see."""

    name: str
    look: Callable[[_Clocks], Iterator[str]]
    feature: str = ""


_LINES: Final = (
    _Line(_WALL, _wall),
    _Line(_FOLLOWS, _follows, _HOSTED),
    _Line(_UPDATED, _updated, _HOSTED),
    _Line(_RATE, _rate),
    _Line(_STOLEN, _stolen, _TOLD),
    _Line(_AVAILABLE, _available, _TOLD),
    _Line(_WAITS, _waits, _TOLD),
    _Line(_COLLAPSE, _collapse),
)


def examine_clocks(settings: tuple[Setting, ...], sheet: Sheet) -> None:
    """Write down a line each, for all settings together. What hosts of one age tell, and of another do not,
    must be told by the last of them."""
    found: dict[str, list[str]] = {}
    left: dict[str, str] = {}
    for setting in settings:
        with Machines(setting, sheet) as machines:
            absent = [name for name in _NEEDED if machines.stand.entry(name) is None]
            for line in _LINES:
                sheet.check_time()
                if why := _nothing(line, setting, absent):
                    left[line.name] = why
                elif line.feature != _TOLD or setting is settings[-1]:
                    wrong = [f"{one} on {setting.label}" for one in _looked(line, machines)]
                    found.setdefault(line.name, []).extend(wrong)
    for line in _LINES:
        if line.name in found:
            sheet.judge(CLOCKS, line.name, found[line.name])
        else:
            sheet.skipped(CLOCKS, line.name, left[line.name])


def _looked(line: _Line, machines: Machines) -> list[str]:
    """What is wrong; a call that does not come back takes its machine along."""
    try:
        return list(line.look(_Clocks(machines.stand)))
    except Died as died:
        machines.lose()
        return [str(died)]


def _nothing(line: _Line, setting: Setting, absent: Sequence[str]) -> str:
    """Why there is nothing to look at, or empty."""
    if absent:
        return f"get_reloc names no entry for {', '.join(absent)}"
    if not line.feature:
        return ""
    feature = load_clauses().features[line.feature]
    return "" if setting.backend in feature.backends else f"not here: {feature.doc}"
