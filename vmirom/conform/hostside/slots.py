"""Every call of the ROM made from outside, with arguments from its declaration, in any order, by each road.

A call is made through the address that get_reloc answers and through its slot, with random values in every
register that is no argument. What is declared may change; all else must be as it was: registers, stack,
flags, segments, the interrupt flag, memory. The same seed makes the same calls."""

from __future__ import annotations

import random
import struct
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from vmirom.conform.hostside.arguments import WITHOUT_RETURN, Values, draw, give, named, placed, tame, zeros
from vmirom.conform.hostside.contract import ARITHMETIC, DF, IF, flag_after, wrong_registers, wrong_state
from vmirom.conform.hostside.machines import Machines
from vmirom.conform.hostside.made import How, Made
from vmirom.conform.hostside.sheet import Sheet, scene_of
from vmirom.conform.hostside.stand import Stand
from vmirom.conform.hostside.stores import strays, to_itself
from vmirom.hosts.scene import Scene
from vmirom.overlays.vmi import Call as Number
from vmirom.schema.calls import GENERAL, Call, Kind
from vmirom.schema.tree import load_abi

__all__ = ["COUNTING", "KEEPS", "ROUNDS", "STORES", "Findings", "Slots", "contracts", "judge_slots"]

ROUNDS: Final = 2
KEEPS: Final = "slots"
STORES: Final = "stores"
COUNTING: Final = "counting"
_REAL_PORTS: Final = (0x80, 0x3FF)
_ROADS: Final = ("entry", "slot")
_ABOVE: Final = (0, 4, 8, 12)
"""Bytes between the edge of the stack's page and the return address."""
_STRING: Final = {"B": 1, "W": 2, "L": 4}
_STRINGS: Final = frozenset({"INSL", "INSB", "INSW", "OUTSL", "OUTSB", "OUTSW"})
_NULL_SHARE, _DOWN_SHARE = 0.3, 0.3


@dataclass
class Findings:
    """What was wrong, by call: what a call kept not, what it stored where it may not; the machine at the
    first of each; and why calls were not made, by call."""

    kept: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    stored: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    itself: list[str] = field(default_factory=list)
    scenes: dict[str, Scene] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    """Calls that took the machine down: they are not made again."""
    counted: list[str] = field(default_factory=list)
    counting: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    """What was wrong with entries that count: with the counts, with what they keep, behind the counting."""


def contracts(version: str) -> tuple[Call, ...]:
    """The calls of a version that have a published contract."""
    return tuple(call for call in load_abi().resolve("vmi3", version).calls if call.kind is not None)


class Slots:
    """All calls that simply come back, on one setting's machines."""

    def __init__(self, machines: Machines, seed: int, found: Findings) -> None:
        self.machines, self.seed, self.found = machines, seed, found
        self.setting, self.sheet = machines.setting, machines.sheet
        self._enabled: tuple[Stand, bool] | None = None
        """How the interrupt flag is known to be, and on which machine."""
        self.calls = [call for call in contracts(self.setting.abi) if call.kind is not Kind.JUMP]

    def run(self) -> None:
        """All rounds."""
        stand = self.machines.stand
        for call in self.calls:
            if stand.entry(call.name) is None:
                answer = stand.answer(Number[call.name])
                told = (
                    "nothing is told of it" if answer is None else f"GetCallInfo says {answer.name.lower()}"
                )
                self.found.left[call.name] = f"get_reloc names no entry, {told}"
        able = [call for call in self.calls if call.name not in self.found.left]
        for number in range(ROUNDS):
            rng = random.Random(f"{self.seed}/{self.setting.label}/{number}")
            order = [call for call in able if call.name not in WITHOUT_RETURN]
            rng.shuffle(order)
            for call in order:
                for road in _ROADS:
                    self._one(call, road, rng, enabled=bool(number & 1), bare=number == 0)
            self.machines.settle()
        self._count(able)
        for name, why in self.machines.trouble.items():
            self.found.lost.add(name)
            self.found.scenes.setdefault(name, self.machines.scenes[name])
            self.found.kept[name].append(f"made with nothing special, {why} ({self.setting.label})")

    def _count(self, able: Sequence[Call]) -> None:
        """Each call once through an entry that counts."""
        stand = self.machines.stand
        switch, found = stand.entry("SetCounters"), self.found
        if switch is None:
            return
        array, size = stand.places.target, len(Number)
        stand.put(array, bytes(4 * size))
        before = stand.relocations
        made = stand.call(switch, {"EAX": array, "EDX": size}, see=False)
        if made.how is not How.RETURNED or made["EAX"]:
            found.counted.append(f"SetCounters answers {made['EAX']:08X}, {made.how.value}")
            return
        rng = random.Random(f"{self.seed}/{self.setting.label}/counting")
        for call in able:
            if call.name in WITHOUT_RETURN | {
                "SetCounters",
                "GetRomInfo",
                *found.lost,
                *self.machines.trouble,
            }:
                continue  # these two would switch off, or overwrite, the array
            self.sheet.check_time()
            self._count_one(call, array, rng)
            if self.machines.stand is not stand:
                return
        stand.call(switch, {}, see=False)
        found.stopped += [
            f"{call.name}: get_reloc answers otherwise"
            for call in Number
            if stand.relocation(int(call)) != before[call]
        ]

    def _count_one(self, call: Call, array: int, rng: random.Random) -> None:
        stand, found = self.machines.stand, self.found
        eip, _ = stand.relocation(call.number)
        counts = struct.Struct(f"<{len(Number)}I")
        ports = () if stand.flag_is_virtual else _REAL_PORTS
        values = give(call, tame(call, zeros(call), stand.places.reserved, ports), stand.places, stand.put)
        given = placed(call, values)
        was = counts.unpack(stand.get(array, counts.size))
        registers = {name: rng.getrandbits(32) for name in GENERAL}
        made = stand.call(eip, {**registers, **given.registers}, given.stack)
        if made.how is not How.RETURNED:
            found.counting.append(f"{call.name}: {made.how.value}: {made.why}")
            self._lost(call, stand, f"{made.how.value}, through an entry that counts: {made.why}")
            return
        found.counting += [f"{call.name}: {one}" for one in wrong_registers(call, made.before, made.after)]
        now = counts.unpack(stand.get(array, counts.size))
        if now != tuple(count + (number == call.number) for number, count in enumerate(was)):
            own = now[call.number] - was[call.number]
            found.counted.append(f"{call.name}: {own} of its own, {sum(now) - sum(was)} in all")

    def _one(self, call: Call, road: str, rng: random.Random, *, enabled: bool, bare: bool) -> None:
        """``bare``: with null DS and ES in any case, if the call needs none."""
        self.sheet.check_time()
        values = draw(call, rng)
        before = {name: rng.getrandbits(32) for name in GENERAL}
        flags = rng.getrandbits(12) & ARITHMETIC
        above, null = rng.choice(_ABOVE), rng.random() < _NULL_SHARE
        null = (null or bare) and "DS" not in (call.segments or ())
        down = rng.random() < _DOWN_SHARE
        if call.name in self.found.lost or call.name in self.machines.trouble:
            return
        stand = self.machines.stand
        eip = getattr(stand, road)(call.name)
        if eip is None:
            return
        ports = () if stand.flag_is_virtual else _REAL_PORTS
        values = give(call, tame(call, values, stand.places.reserved, ports), stand.places, stand.put)
        if call.name == "SetCounters" and values["array"]:
            values["array"] = stand.places.target + values["array"] % 4
        if call.name in _STRINGS and down:
            flags |= DF
        given = placed(call, values)
        if self._enabled != (stand, enabled):
            stand.enable(enabled)
        self._enabled = None
        made = stand.call(
            eip,
            {**before, **given.registers},
            given.stack,
            flags,
            enabled=enabled,
            above=above,
            null=null,
        )
        where = f"by its {road}, {_shown(values)}"
        if made.how is not How.RETURNED:
            self.found.itself += [*to_itself(stand, made), *filter(None, [self._refused(stand, made)])]
            self._lost(call, stand, f"{made.how.value}, {where}: {made.why}")
            return
        self._hold(call, values, flags, made, stand, where)
        if null:
            stand.set_segments()
        if call.name == "SetCounters":
            stand.call(eip, {}, see=False, enabled=bool(made.after.eflags & IF))
        self._flag(call, values, stand, enabled, where)

    def _hold(self, call: Call, values: Values, flags: int, made: Made, stand: Stand, where: str) -> None:
        """Registers, stack, segments, memory."""
        wrong = [*wrong_registers(call, made.before, made.after), *wrong_state(call, made.before, made.after)]
        wrong += _wrong_strings(call, values, flags, made)
        self._tell(self.found.kept[call.name], wrong, call, stand, where)
        spans = named(call, values, flags)
        self._tell(self.found.stored[call.name], list(strays(stand, call, made, spans)), call, stand, where)
        self.found.itself += to_itself(stand, made)

    def _flag(self, call: Call, values: Values, stand: Stand, enabled: bool, where: str) -> None:
        wanted = flag_after(call, enabled, values)
        self._enabled = (stand, wanted)
        if stand.enabled != wanted:
            self._enabled = None
            words = [f"the interrupt flag is {'off' if wanted else 'on'}"]
            self._tell(self.found.kept[call.name], words, call, stand, where)

    def _tell(self, into: list[str], wrong: list[str], call: Call, stand: Stand, where: str) -> None:
        if wrong and call.name not in self.found.scenes:
            self.found.scenes[call.name] = scene_of(stand)
        into += [f"{one} ({where})" for one in wrong]

    def _refused(self, stand: Stand, made: Made) -> str:
        return stand.store_to_rom() if made.how is How.TRAPPED else ""

    def _lost(self, call: Call, stand: Stand, why: str) -> None:
        self._tell(self.found.kept[call.name], [why], call, stand, f"{self.setting.label}, seed {self.seed}")
        self.found.lost.add(call.name)
        self.machines.lose()


def _shown(values: Values) -> str:
    return ", ".join(f"{name} {value:X}" for name, value in values.items()) or "no arguments"


def _wrong_strings(call: Call, values: Values, flags: int, made: Made) -> Iterator[str]:
    """What a string call leaves in ECX and its pointer."""
    if call.name not in _STRINGS:
        return
    unit = _STRING[call.name[-1]] * (-1 if flags & DF else 1)
    pointer = "EDI" if call.name.startswith("INS") else "ESI"
    wanted = {"ECX": 0, pointer: values["addr"] + unit * values["count"] & 0xFFFFFFFF}
    for name, value in wanted.items():
        if made[name] != value:
            yield f"{name} is {made[name]:08X}, not {value:08X}"


def judge_slots(found: Findings, version: str, sheet: Sheet) -> None:
    """Write down two lines a call, and what counting entries do."""
    back = [c for c in contracts(version) if c.kind is not Kind.JUMP and c.name not in WITHOUT_RETURN]
    for place, sentence, wrong in (
        (KEEPS, "changes only what it may", found.kept),
        (STORES, "stores only where it may", found.stored),
    ):
        for call in back:
            name, mine = f"{call.name} {sentence}", wrong[call.name]
            if call.name in found.left:
                sheet.skipped(place, name, found.left[call.name])
            elif call.name in found.lost and not mine:
                sheet.skipped(place, name, "the call took the machine down")
            else:
                sheet.judge(place, name, mine, found.scenes.get(call.name))
    sheet.judge(STORES, "the ROM stores nothing in its own image", found.itself)
    sheet.judge(COUNTING, "each call through an entry that counts counts one, of its own", found.counted)
    sheet.judge(COUNTING, "an entry that counts keeps what its call keeps", found.counting)
    sheet.judge(COUNTING, "SetCounters with address 0 makes get_reloc answer as before", found.stopped)
