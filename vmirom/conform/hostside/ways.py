"""The ways out of a call that is no return to its caller: IRET, SYSEXIT, Halt, Reboot, Shutdown.

IRET and SYSEXIT are entered as a guest enters them, by a jump, with the frame at ESP and null DS and ES half
the time; what the code finds that they lead to is held against the frame.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from vmirom.conform.hostside.contract import ARITHMETIC, DF, IF, wrong_registers
from vmirom.conform.hostside.machines import Machines
from vmirom.conform.hostside.made import How, Made
from vmirom.conform.hostside.stand import Stand
from vmirom.conform.model.arena import USER_CODE
from vmirom.machine.engine import SegmentName
from vmirom.overlays.vmi import Call as Number
from vmirom.overlays.vmi import Reloc
from vmirom.schema.calls import GENERAL
from vmirom.schema.tree import load_abi

__all__ = ["WAYS", "examine_ways"]

WAYS: Final = "ways"
_TRIES: Final = 4
_USER_STACK: Final = USER_CODE - 0x400
_IOPL: Final = 0x3000
_FLAGS: Final = ARITHMETIC | DF
_SOON_MS: Final = 2
_KERNEL = "IRET within the kernel takes the frame and nothing else"
_USER = "IRET to user code takes the frame, its stack with it, and nothing else"
_SYSEXIT = "SYSEXIT goes to EDX on stack ECX and changes nothing else"
_FLAG = "IRET and SYSEXIT set the interrupt flag in the same step"
_BARE = "IRET and SYSEXIT need CS and SS only"
_LEVEL = "IRET does not take IOPL from the frame"
_CALLED = "entered by CALL, IRET finds its frame one word above ESP"
_HALT = "Halt comes back behind an interrupt, with every register that it keeps"
_REBOOT = "Reboot ends the machine by a reset"
_SHUTDOWN = "Shutdown ends the machine by power-off"
_EDGES: Final = (0, 4, 8)


@dataclass(frozen=True, slots=True)
class _Way:
    """One entry into IRET or SYSEXIT: ``user`` code follows, or the kernel; ``then`` are the flags that are
    to be there, of which the call has no other source than the frame."""

    name: str
    user: bool
    null: bool
    before: bool
    after: bool
    now: int
    then: int

    @property
    def words(self) -> str:
        to = "user code" if self.user else "the kernel"
        return f"{self.name} to {to}, flags {self.then | (IF if self.after else 0):05X}" + (
            ", DS and ES null" if self.null else ""
        )


class _Ways:
    def __init__(self, machines: Machines, seed: int) -> None:
        self.machines = machines
        self.rng = random.Random(f"{seed}/{machines.setting.label}/ways")
        self.wrong: dict[str, list[str]] = {}
        self.called: dict[str, bool] = {}
        self.lost: set[str] = set()
        """Calls that did not come to where they lead: one machine is enough."""

    def run(self) -> dict[str, list[str] | str]:
        """Findings by line; a text where there was nothing to look at."""
        told: dict[str, list[str] | str] = {}
        iret, sysexit = (self.machines.stand.entry(name) is not None for name in ("IRET", "SYSEXIT"))
        lines = {
            _KERNEL: iret,
            _USER: iret,
            _SYSEXIT: sysexit,
            _FLAG: iret or sysexit,
            _BARE: iret or sysexit,
        }
        lines[_LEVEL] = iret and self.machines.stand.flag_is_virtual
        called = {name: self._is_called(name) for name in ("IRET", "SYSEXIT")}
        lines[_CALLED] = called["IRET"]
        for line, able in lines.items():
            told[line] = (
                [] if able else _why(self.machines.stand, "SYSEXIT" if line == _SYSEXIT else "IRET", line)
            )
        self.called = called
        self.wrong = {line: found for line, found in told.items() if isinstance(found, list)}
        for way in self._all(iret, sysexit):
            self.machines.sheet.check_time()
            self._one(way)
        return told

    def _is_called(self, name: str) -> bool:
        """Whether a guest's site of it becomes a CALL."""
        return self.machines.stand.relocation(int(Number[name]))[1] == Reloc.CALL_REL

    def _all(self, iret: bool, sysexit: bool) -> Iterator[_Way]:
        rng = self.rng
        for number in range(_TRIES):
            null, before = bool(number & 1), bool(number & 2)
            now, then = rng.getrandbits(12) & _FLAGS, rng.getrandbits(12) & _FLAGS
            if iret:
                after = rng.random() < 0.5
                yield _Way("IRET", False, null, before, after, now, then)
                yield _Way("IRET", True, null, before, True, now, then)
            if sysexit:
                yield _Way("SYSEXIT", True, null, False, True, now, now)

    def _one(self, way: _Way) -> None:
        for road in ("entry", "slot"):
            if way.name in self.lost:
                self.wrong[_line_of(way)] = self.wrong[_line_of(way)] or ["not tried: it was lost before"]
                return
            eip = getattr(self.machines.stand, road)(way.name)
            if eip is None:
                continue
            self.machines.stand.enable(way.before)
            made = self._enter(way, eip)
            self._hold(way, made, f"{way.words}, by its {road}")

    def _enter(self, way: _Way, eip: int) -> Made:
        stand, rng = self.machines.stand, self.rng
        registers = {name: rng.getrandbits(32) for name in GENERAL}
        cs = stand.engine.segment(SegmentName.CS).selector
        flags = 2 | way.then | (IF if way.after else 0) | (_IOPL if stand.flag_is_virtual else 0)
        user_cs, user_ds = stand.user_selectors
        if way.name == "SYSEXIT":
            registers |= {"EDX": USER_CODE, "ECX": _USER_STACK}
            frame: tuple[int, ...] = ()
        elif way.user:
            frame = (USER_CODE, user_cs, flags, _USER_STACK, user_ds)
        else:
            frame = (stand.gate, cs, flags)
        above = rng.choice(_EDGES)
        jump = not self.called[way.name]
        return stand.call(
            eip, registers, frame, way.now, jump=jump, null=way.null, enabled=way.before, above=above
        )

    def _hold(self, way: _Way, made: Made, where: str) -> None:
        stand = self.machines.stand
        line = _line_of(way)
        wanted = How.USER if way.user else How.RETURNED
        if made.how is not wanted:
            self.wrong[line].append(f"{made.how.value}: {made.why} ({where})")
            if _CALLED in self.wrong and way.name == "IRET":
                self.wrong[_CALLED].append(f"{made.how.value}: {made.why} ({where})")
            if way.null:
                self.wrong[_BARE].append(f"{made.how.value} ({where})")
            self.lost.add(way.name)
            self.machines.lose()
            return
        wrong = list(self._landed(way, made))
        iopl = made.after.eflags & _IOPL
        cs, ss = made.after.segments[1], made.after.segments[2]
        self._clean()
        enabled = bool(made.after.eflags & IF) if not stand.flag_is_virtual else stand.enabled
        self.wrong[line] += [f"{one} ({where})" for one in wrong]
        if _CALLED in self.wrong and way.name == "IRET":
            self.wrong[_CALLED] += [f"{one} ({where})" for one in wrong]
        if enabled != way.after:
            self.wrong[_FLAG].append(f"it is {'on' if enabled else 'off'} behind it ({where})")
        if _LEVEL in self.wrong and way.name == "IRET" and iopl != made.before.eflags & _IOPL:
            self.wrong[_LEVEL].append(f"IOPL {iopl >> 12} behind it ({where})")
        if way.user and (cs & 3, ss & 3) != (3, 3):
            self.wrong[line].append(f"CS {cs:04X}, SS {ss:04X} ({where})")

    def _landed(self, way: _Way, made: Made) -> Iterator[str]:
        for name in GENERAL:
            if made[name] != made.before.general[name]:
                yield f"{name}: {made.before.general[name]:08X} -> {made[name]:08X}"
        esp = _USER_STACK if way.user else made.before.esp + 12
        if made.after.esp != esp:
            yield f"ESP is {made.after.esp:08X}, not {esp:08X}"
        if (made.after.eflags ^ way.then) & _FLAGS:
            yield f"flags {made.after.eflags & _FLAGS:03X}, not {way.then:03X}"

    def _clean(self) -> None:
        """Back to the kernel's segments; interrupts are off as far as the processor's flag goes."""
        self.machines.stand.set_segments()


def _line_of(way: _Way) -> str:
    return _SYSEXIT if way.name == "SYSEXIT" else _USER if way.user else _KERNEL


def _why(stand: Stand, name: str, line: str) -> str:
    if line == _LEVEL and stand.entry("IRET") is not None:
        return "the guest's kernel runs at level 0"
    if line == _CALLED and stand.entry("IRET") is not None:
        return "get_reloc answers JUMP_REL, with which the frame is at ESP"
    answer = stand.answer(Number[name])
    told = "nothing" if answer is None else answer.name.lower()
    return f"get_reloc names no entry for {name}, GetCallInfo says {told}"


def _halt(machines: Machines, seed: int) -> list[str] | str:
    """Halt with an alarm ahead, by each road."""
    stand = machines.stand
    rng = random.Random(f"{seed}/{machines.setting.label}/halt")
    alarm, now, rate = (stand.entry(n) for n in ("SetAlarm", "GetCycleCounter", "GetCycleFrequency"))
    if stand.entry("Halt") is None or alarm is None or now is None or rate is None:
        return _why(stand, "Halt", _HALT)
    wrong: list[str] = []
    call = load_abi().resolve("vmi3", machines.setting.abi).call(int(Number.Halt))
    soon = stand.call(rate, {}, see=False).pair * _SOON_MS // 1000
    for road in ("entry", "slot"):
        eip = getattr(stand, road)("Halt")
        if eip is None:
            continue
        expiry = stand.call(now, {}, see=False).pair + soon
        stand.call(alarm, {"EDX": expiry & 0xFFFFFFFF, "ECX": expiry >> 32}, (0, 0), see=False)
        made = stand.call(eip, {name: rng.getrandbits(32) for name in GENERAL})
        if made.how is not How.RETURNED:
            machines.lose()
            return [*wrong, f"{made.how.value}, by its {road}: {made.why}"]
        wrong += [f"{one}, by its {road}" for one in wrong_registers(call, made.before, made.after)]
        if not made.interrupts:
            wrong.append(f"it came back without an interrupt, by its {road}")
        if not stand.enabled:
            wrong.append(f"interrupts are off behind it, by its {road}")
        stand.enable(False)
    return wrong


def _end(machines: Machines, name: str, how: int, line: str) -> list[str] | str:
    stand = machines.stand
    eip = stand.entry(name)
    if eip is None:
        return _why(stand, name, line)
    made = stand.call(eip, {"EAX": how})
    machines.lose()
    if made.how is not How.ENDED or not made.why.startswith(f"{name.lower()}:"):
        return [f"{made.how.value} {made.why}".strip()]
    return []


def examine_ways(machines: Machines, seed: int) -> None:
    """Write down a line each. The machines' last is gone then."""
    sheet = machines.sheet
    machines.settle()
    told = _Ways(machines, seed).run()
    machines.settle()
    told[_HALT] = _halt(machines, seed)
    told[_SHUTDOWN] = _end(machines, "Shutdown", 0, _SHUTDOWN)
    told[_REBOOT] = _end(machines, "Reboot", 1, _REBOOT)
    for line, what in told.items():
        if isinstance(what, str):
            sheet.skipped(WAYS, line, what)
        else:
            sheet.judge(WAYS, line, what)
