"""Every slot of a ROM called directly and held against the declaration: what may change, and nothing else.

Works with any machine that can boot a ROM and make a call (bare_machine.BareMachine, and what is shaped like
it): ``rom``, ``root``, ``put(gva, bytes)``, ``run_code(eip, stack, flags, **registers)``.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from tests.rom.bare_machine import DATA, IDT, SCRATCH, STACK, Registers
from vmirom.conform.hostside.contract import ARITHMETIC, DF, Processor, wrong_registers, wrong_state
from vmirom.overlays.vmi import Call as Number
from vmirom.overlays.vmi import Reloc
from vmirom.schema.calls import GENERAL, Call, Kind
from vmirom.schema.tree import load_abi

__all__ = ["Arguments", "SlotMachine", "check_slot", "make_arguments", "relocation"]

ALL_FLAGS = ARITHMETIC | DF
"""What these tests look at of EFLAGS."""


class SlotMachine(Protocol):
    """What is needed of a machine."""

    rom: int

    @property
    def root(self) -> int:
        """A value that SetCR3 can be given."""

    def put(self, gva: int, data: bytes) -> None: ...

    def run_code(
        self, eip: int, stack: Sequence[int] = (), flags: int = 2, **registers: int
    ) -> Registers: ...


@dataclass
class Arguments:
    """Registers (by capital name) that a call is given, the others being random, and its stack words."""

    registers: dict[str, int] = field(default_factory=dict)
    stack: tuple[int, ...] = ()


def relocation(machine: SlotMachine, number: int) -> tuple[int, int]:
    """eip and type that get_reloc answers; also checks what it may change."""
    before = {name: 0x1000 + i for i, name in enumerate(GENERAL)}
    before["EAX"] = number
    lower = {name.lower(): value for name, value in before.items()}
    after = machine.run_code(machine.rom + 0x88, (), 2, **lower)
    for name in ("EBX", "ESI", "EDI", "EBP"):
        assert after[name] == before[name], f"get_reloc({number}) changes {name}"
    assert after["EDX"] <= max(Reloc), f"get_reloc({number}) answers type {after['EDX']:#x}"
    return after["EAX"], after["EDX"]


def _pte(machine: SlotMachine, rng: random.Random) -> int:
    machine.put(DATA + 0x800, bytes(16))
    return DATA + 0x800


def _dtr(machine: SlotMachine, rng: random.Random) -> Arguments:
    machine.put(SCRATCH, struct.pack("<HI", 8 * 256 - 1, IDT))
    return Arguments({"EAX": SCRATCH})


def _destination(machine: SlotMachine, rng: random.Random) -> Arguments:
    return Arguments({"EAX": DATA})


def _alarm(machine: SlotMachine, rng: random.Random) -> Arguments:
    far = 1 << 62
    return Arguments({"EAX": rng.choice((0, 1, 2, 0x55)), "EDX": far & 0xFFFFFFFF, "ECX": far >> 32}, (0, 0))


_MAKERS: dict[str, Callable[[SlotMachine, random.Random], Arguments]] = {
    "SetIDT": _dtr,
    "GetIDT": _destination,
    "GetGDT": _destination,
    "WriteIDTEntry": lambda machine, rng: Arguments(
        {"EAX": IDT, "EDX": 0x90, "ECX": 0x00600000 | 0x1234}, (0xC0108E00,)
    ),
    "UpdateKernelStack": lambda machine, rng: Arguments({"EAX": 0x68, "EDX": STACK}),
    "SetPxE": lambda machine, rng: Arguments({"EDX": _pte(machine, rng), "ECX": 1}),
    "SetPxELong": lambda machine, rng: Arguments({"ECX": _pte(machine, rng)}, (1,)),
    "UpdatePxE": lambda machine, rng: Arguments({"EAX": _pte(machine, rng), "EDX": 1}),
    "UpdatePxELong": lambda machine, rng: Arguments({"EAX": _pte(machine, rng), "EDX": 1}),
    "ReleasePage": lambda machine, rng: Arguments({"EAX": 0x200, "EDX": 0x51}),
    "AllocatePage": lambda machine, rng: Arguments({"EAX": 0x200, "EDX": 0x51, "ECX": 0}, (0, 0)),
    "SetLinearMapping": lambda machine, rng: Arguments(
        {"EAX": rng.choice((1, 2, 3, 9)), "EDX": 0xE0000000, "ECX": 1}, (0,)
    ),
    "FlushTLB": lambda machine, rng: Arguments({"EAX": rng.choice((1, 3))}),
    "SetCR3": lambda machine, rng: Arguments({"EAX": machine.root}),
    "SetAlarm": _alarm,
    "CancelAlarm": lambda machine, rng: Arguments({"EAX": rng.choice((0, 1, 2, 0x100, 7))}),
    "GetCycleCounter": lambda machine, rng: Arguments({"EAX": rng.choice((0, 1, 2, 3, 0xFFFFFFFF))}),
    "SetLazyMode": lambda machine, rng: Arguments({"EAX": 0}),
    "APICWrite": lambda machine, rng: Arguments({"EAX": rng.choice((0x80, 0xB0, 0x321, 0x1000)), "EDX": 0}),
    "GetRomInfo": lambda machine, rng: Arguments({"EAX": DATA, "EDX": rng.choice((0, 4, 48, 4096))}),
    "SetCounters": lambda machine, rng: Arguments({"EAX": rng.choice((0, 1, 0xFFFFFFFC)), "EDX": 77}),
}
_PORTS = (0x3FF, 0x21, 0x80)  # registers that have no side effects worth mentioning
_NOT_RETURNING = frozenset({"Reboot", "Shutdown", "Halt"})


def make_arguments(machine: SlotMachine, call: Call, rng: random.Random) -> Arguments | None:
    """Harmless arguments for a call, or None for one that can't simply be called."""
    if call.kind is Kind.JUMP or call.kind is None or call.name in _NOT_RETURNING:
        return None
    if call.name in _MAKERS:
        return _MAKERS[call.name](machine, rng)
    if call.group == "io" and any(argument.name == "port" for argument in call.arguments or ()):
        given = {"EDX": rng.choice(_PORTS) | rng.choice((0, 0xFFFF0000))}
        if "INS" in call.name or "OUTS" in call.name:
            given |= {"EDI": DATA + 0x100, "ESI": DATA + 0x200, "ECX": rng.choice((0, 1, 5))}
        return Arguments(given)
    return Arguments({}, tuple(rng.getrandbits(32) for _ in range(call.stack_bytes // 4)))


def check_slot(
    machine: SlotMachine, number: int, eip: int, rng: random.Random, given: Arguments | None = None
) -> dict[str, Any] | None:
    """Call ``eip`` as call ``number`` with random registers; assert what the declaration says survives.

    Registers before and after, or None if the call can't simply be called.
    """
    call = load_abi().resolve("vmi3").call(number)
    arguments = given or make_arguments(machine, call, rng)
    if arguments is None or call.preserved is None:
        return None
    before = {name: rng.getrandbits(32) for name in GENERAL} | arguments.registers
    flags = 2 | rng.getrandbits(12) & ARITHMETIC
    string_io = call.name in ("INSL", "INSB", "INSW", "OUTSL", "OUTSB", "OUTSW")
    if string_io and rng.random() < 0.3:
        flags |= DF
    lower = {name.lower(): value for name, value in before.items()}
    after = machine.run_code(eip, arguments.stack, flags, **lower)
    expected = STACK - 0x100 - 4 * len(arguments.stack)
    was = Processor(before, expected, flags)
    now = Processor({name: after[name] for name in GENERAL}, after["ESP"], after["EFLAGS"])
    wrong = [
        *wrong_registers(call, was, now),
        *wrong_state(call, was, replace(now, eflags=now.eflags & ALL_FLAGS)),
    ]
    assert wrong == [], f"{call.name}: {wrong}"
    return {"before": before, "after": after}


def names_with(machine: SlotMachine, *types: Reloc) -> dict[int, int]:
    """Number to eip of the calls that get_reloc answers with one of these types."""
    answers = {int(number): relocation(machine, int(number)) for number in Number}
    return {number: eip for number, (eip, kind) in answers.items() if kind in types}
