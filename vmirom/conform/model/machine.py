"""The model of a guest's whole machine: a call goes in, what is promised of its answer comes out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from vmirom.conform.model import (
    arena,
    calls_interrupts,
    calls_memory,
    calls_processor,
    calls_tables,
    calls_time,
)
from vmirom.conform.model.apic import Apic
from vmirom.conform.model.control import Control
from vmirom.conform.model.pic import Pair
from vmirom.conform.model.serial import Serial
from vmirom.conform.model.steps import Expected, Result, Step
from vmirom.conform.model.tables import Gate, Tables
from vmirom.conform.model.time import Alarms, Counters
from vmirom.conform.model.window import Window

__all__ = ["IF", "UNMODELLED", "Model", "Traits"]

IF: Final = 0x200
EOI: Final = 0x20
_MASTER: Final = 0x20
_PAGE_FAULT: Final = 14

UNMODELLED: Final[Mapping[str, str]] = {
    "RDPMC": "which counters there are is the processor's, and no host here has any to tell of",
    "SetInitialAPState": "the embedded hypervisors give one processor, and of another nothing is promised",
    "MachineToPhysical": "assigned without a published contract; no ROM has it",
    "PhysicalToMachine": "assigned without a published contract; no ROM has it",
    "SetCallbacks": "assigned without a published contract; no ROM has it",
}
"""Calls that the model does not make, with the reason."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What a backend may do within the contract. ``timer_shows``: the host's own timer shares IRQ 0, so that
    the request register may show it with no alarm due. ``answers`` are what its ROM answers to calls by name:
    native, nothing or translated; a call that is not there is absent."""

    timer_shows: bool = False
    answers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Model:
    """Interrupt flag, interrupt controllers, time, tables, registers and memory. ``delivered`` counts
    interrupts by vector; the handler that is assumed ends the interrupt and returns."""

    traits: Traits = field(default_factory=Traits)
    enabled: bool = False
    pair: Pair = field(default_factory=Pair)
    apic: Apic = field(default_factory=Apic)
    serial: Serial = field(default_factory=Serial)
    alarms: Alarms = field(default_factory=Alarms)
    counters: Counters = field(default_factory=Counters)
    tables: Tables = field(default_factory=Tables)
    control: Control = field(default_factory=Control)
    window: Window = field(default_factory=Window)
    roots: tuple[int, int] = (0, 0)
    user_selectors: tuple[int, int] = (0, 0)
    stack: int = arena.STACKS[0]
    iopl: int = 0
    memory: dict[int, int] = field(default_factory=dict)
    registers: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """What a model-specific register may hold, as far as that was told."""
    leaves: dict[tuple[int, int], tuple[int, ...]] = field(default_factory=dict)
    frequency: int | None = None
    wallclock: int = 0
    wall_ns: Callable[[], int] = time.time_ns
    """The date by the machine's clock."""
    handlers: Mapping[tuple[int, int], Gate] = field(default_factory=dict)
    """The player's handlers by the two words of a gate to them."""
    delivered: dict[int, int] = field(default_factory=dict)
    deliveries: int = 0

    def make(self, step: Step) -> Expected:
        """Make a step; what is promised of it. Raises KeyError for a call that is not modelled."""
        routine = _ROUTINES.get(step.call)
        if routine is None:
            raise KeyError(f"{step.call} is not modelled")
        expected = routine(self, step.arguments)
        if self.enabled and (self.pair.master.requests or self.apic.requests):
            self.deliver()
        return expected

    @staticmethod
    def knows(call: str) -> bool:
        """Whether a call is modelled."""
        return call in _ROUTINES

    @staticmethod
    def learns(call: str) -> bool:
        """Whether an answer of a call fixes something; page faults always do."""
        return call in _LEARN

    def seen(self, step: Step, answer: int, result: Result) -> None:
        """What was answered: what the contract leaves open is fixed by it."""
        if (learn := _LEARN.get(step.call)) is not None:
            learn(self, step.arguments, answer, result)
        if result.trap == _PAGE_FAULT:
            self.control.cr2 = result.address

    def deliver(self) -> None:
        """Pending interrupts reach the guest before the call that let them in returns."""
        while True:
            vector = self.apic.acknowledge() if self.apic.requests else None
            if vector is None:
                vector = self.pair.acknowledge()
                if vector is None:
                    return
                self.pair.out(_MASTER, EOI)
            self.delivered[vector] = self.delivered.get(vector, 0) + 1
            self.deliveries += 1


_Routine = Callable[[Model, Mapping[str, int]], Expected]
_PARTS: Final = (calls_interrupts, calls_time, calls_tables, calls_memory, calls_processor)
_ROUTINES: Final[Mapping[str, _Routine]] = {
    name: made for part in _PARTS for name, made in part.ROUTINES.items()
}
_LEARN: Final[Mapping[str, Callable[[Model, Mapping[str, int], int, Result], None]]] = {
    name: learn for part in _PARTS for name, learn in part.LEARN.items()
}
