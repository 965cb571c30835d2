"""The model of a guest's whole machine: a call goes in, what is promised of its answer comes out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from vmirom.conform.model import arena
from vmirom.conform.model.apic import Apic
from vmirom.conform.model.control import Control
from vmirom.conform.model.pic import Pair
from vmirom.conform.model.serial import PORTS as SERIAL
from vmirom.conform.model.serial import Serial
from vmirom.conform.model.steps import ANYTHING, Expected, Result, Step
from vmirom.conform.model.tables import Gate, Tables
from vmirom.conform.model.time import Alarms, Counters
from vmirom.conform.model.window import Window
from vmirom.overlays.vmi import Alarm, Answer, Call, Const, PteFlag, ffi

__all__ = ["IF", "UNMODELLED", "Model", "Traits"]

IF: Final = 0x200
EOI: Final = 0x20
_IOPL: Final = 0x3000
_PORTS: Final = (0x20, 0x21, 0xA0, 0xA1)
_MASTER: Final = 0x20
_NOBODY: Final = range(0x2F8, 0x300)
_EINVAL: Final = 0x100000000 - int(Const.EINVAL)
_ANSWERS: Final = {"native": Answer.NATIVE, "nothing": Answer.NOTHING, "translated": Answer.TRANSLATED}
_NAMES: Final = {int(call): call.name for call in Call}
_INFO_SIZE: Final = ffi.sizeof("struct vmi_rom_info")
_CLOCK_SLACK_NS: Final = 3600 * 10**9
_NOWHERE: Final = range(arena.NOWHERE, arena.NOWHERE + arena.PAGE)
_UNDEFINED, _NM, _PROTECTION, _SYSTEM_CALL, _PAGE_FAULT = 6, 7, 13, 0x80, 14

UNMODELLED: Final[Mapping[str, str]] = {
    "WRMSR": "what a model-specific register means is the processor's, and each host lets through others",
    "RDMSR": "as for WRMSR; the reference guest checks the one that SYSEXIT needs",
    "RDPMC": "performance counters are the processor's; no host here has any",
    "Reboot": "does not come back; the reference guest and the tests of ends make it",
    "Shutdown": "does not come back; the reference guest and the tests of ends make it",
    "SetInitialAPState": "the embedded hypervisors give one processor",
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
    leaves: dict[tuple[int, int], tuple[int, ...]] = field(default_factory=dict)
    frequency: int | None = None
    wallclock: int = 0
    delivered: dict[int, int] = field(default_factory=dict)
    deliveries: int = 0

    def make(self, step: Step) -> Expected:
        """Make a step; what is promised of it. Raises KeyError for a call that is not modelled."""
        routine = _ROUTINES.get(step.call)
        if routine is None:
            raise KeyError(f"{step.call} is not modelled")
        expected = routine(self, step.arguments)
        if self.enabled:
            self._deliver()
        return expected

    @staticmethod
    def knows(call: str) -> bool:
        """Whether a call is modelled."""
        return call in _ROUTINES

    def seen(self, step: Step, answer: int, result: Result) -> None:
        """What was answered: what the contract leaves open is fixed by it."""
        if (learn := _LEARN.get(step.call)) is not None:
            learn(self, step.arguments, answer, result)
        if result.trap == _PAGE_FAULT:
            self.control.cr2 = result.address

    def _deliver(self) -> None:
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

    # the interrupt flag

    def _EnableInterrupts(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        self.enabled = True
        return ANYTHING

    def _DisableInterrupts(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        self.enabled = False
        return ANYTHING

    def _SetInterruptMask(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        self.enabled = bool(a["mask"] & IF)
        return ANYTHING

    def _GetInterruptMask(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        return Expected(IF if self.enabled else 0, mask=IF)

    def _iret(self, a: Mapping[str, int]) -> Expected:
        self.enabled = bool(a["flags"] & IF)
        return ANYTHING

    def _halt(self, a: Mapping[str, int]) -> Expected:
        self.enabled = True
        return Expected(IF, mask=IF)

    _Halt = _halt
    _IRET = _iret

    # ports

    def _OUTB(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        port, value = a["port"] & 0xFFFF, a["value"] & 0xFF
        if port in _PORTS:
            self.pair.out(port, value)
        elif port in SERIAL:
            self.serial.out(port - SERIAL.start, value)
        return ANYTHING

    def _OUTW(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        return ANYTHING

    _OUTL = _OUTW

    def _INB(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        port = a["port"] & 0xFFFF
        if port in _NOBODY:
            return Expected(0xFF, mask=0xFF)
        if port in SERIAL:
            return self.serial.read(port - SERIAL.start)
        if port not in _PORTS:
            return ANYTHING
        mask = 0xFF
        if port == _MASTER and self.traits.timer_shows:
            mask = 0xFE | self.pair.read(port) & 1
        return Expected(self.pair.read(port), mask=mask)

    def _INW(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        return Expected(0xFFFF, mask=0xFFFF) if a["port"] & 0xFFFF in _NOBODY else ANYTHING

    def _INL(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        return Expected(0xFFFFFFFF) if a["port"] & 0xFFFF in _NOBODY else ANYTHING

    def _string_in(self, a: Mapping[str, int], width: int) -> Expected:
        length = a["count"] * width
        self.memory.pop(a["addr"], None)
        peek = (1 << 8 * min(length, 8)) - 1
        return Expected(peek=peek, peek_mask=peek, registers=(("edi", a["addr"] + length), ("ecx", 0)))

    def _INSB(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        return self._string_in(a, 1)

    def _INSW(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        return self._string_in(a, 2)

    def _INSL(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        return self._string_in(a, 4)

    def _OUTSB(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        return Expected(registers=(("esi", a["addr"] + a["count"]), ("ecx", 0)))

    def _OUTSW(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        return Expected(registers=(("esi", a["addr"] + 2 * a["count"]), ("ecx", 0)))

    def _OUTSL(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        return Expected(registers=(("esi", a["addr"] + 4 * a["count"]), ("ecx", 0)))

    def _pace(self, a: Mapping[str, int]) -> Expected:
        return ANYTHING

    def _wait(self, a: Mapping[str, int]) -> Expected:
        self.pair.out(_MASTER, 0x0A)
        return Expected(1)

    # time

    def _GetCycleCounter(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        return self.counters.expected(a["counter"])

    def _learn_counter(self, a: Mapping[str, int], answer: int, result: Result) -> None:
        self.counters.seen(a["counter"], answer)

    def _GetCycleFrequency(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        if self.frequency is not None:
            return Expected(self.frequency, mask=(1 << 64) - 1)
        return Expected(low=10**6, high=10**11)

    def _learn_frequency(self, a: Mapping[str, int], answer: int, result: Result) -> None:
        self.frequency = answer

    def _GetWallclockTime(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        now = time.time_ns()
        return Expected(low=max(self.wallclock, now - _CLOCK_SLACK_NS), high=now + _CLOCK_SLACK_NS)

    def _learn_wallclock(self, a: Mapping[str, int], answer: int, result: Result) -> None:
        self.wallclock = answer

    def _WallclockUpdated(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        return Expected(among=(0, 1))

    def _RDTSC(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        return Expected(low=self.counters.tsc)

    def _learn_tsc(self, a: Mapping[str, int], answer: int, result: Result) -> None:
        self.counters.tsc = answer

    def _SetAlarm(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        if self.alarms.set(a["flags"], a["expiry"], a["period"]):
            if a["flags"] & Alarm.WIRED_LVTT:
                self.apic.tick()
            else:
                self.pair.edge(0)
        return ANYTHING

    def _CancelAlarm(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        return Expected(self.alarms.cancel(a["flags"]))

    def _APICWrite(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        self.apic.write(a["reg"], a["value"])
        return ANYTHING

    def _APICRead(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        return self.apic.read(a["reg"])

    # descriptor tables and traps

    def _operand(self, address: int) -> bytes:
        low, high = self.memory.get(address, 0), self.memory.get(address + 4, 0)
        return low.to_bytes(4, "little") + (high & 0xFFFF).to_bytes(2, "little")

    def _SetGDT(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        if a["dtr"] in _NOWHERE:
            return _faults(a["dtr"], 0)
        self.tables.gdt = self._operand(a["dtr"])
        return ANYTHING

    def _SetIDT(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        if a["dtr"] in _NOWHERE:
            return _faults(a["dtr"], 0)
        self.tables.idt = self._operand(a["dtr"])
        return ANYTHING

    def _GetGDT(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        return self.tables.told(self.tables.gdt) if a["dtr"] not in _NOWHERE else _faults(a["dtr"], 2)

    def _GetIDT(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        return self.tables.told(self.tables.idt) if a["dtr"] not in _NOWHERE else _faults(a["dtr"], 2)

    def _WriteGDTEntry(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        return self.tables.write(a["table"], a["entry"], a["descLo"], a["descHi"])

    _WriteLDTEntry = _WriteGDTEntry

    def _WriteIDTEntry(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        expected = self.tables.write(a["table"], a["entry"], a["descLo"], a["descHi"])
        if (gate := self.handlers.get((a["descLo"], a["descHi"]))) is not None:
            self.tables.write_gate(a["table"], a["entry"], gate)
        return expected

    handlers: Mapping[tuple[int, int], Gate] = field(default_factory=dict)
    """The player's handlers by the two words of a gate to them."""

    def _SetTR(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        self.tables.tr = a["selector"]
        return ANYTHING

    def _GetTR(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        return self.tables.selector(self.tables.tr)

    def _SetLDT(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        self.tables.ldt = a["selector"]
        return ANYTHING

    def _GetLDT(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        return self.tables.selector(self.tables.ldt)

    def _segment(self, a: Mapping[str, int]) -> Expected:
        return self.tables.load(a["selector"], self.window.words)

    def _UpdateKernelStack(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        self.stack = a["esp0"]
        return ANYTHING

    def _trap(self, vector: int) -> Expected:
        gate = self.tables.gate(vector)
        inside = IF if gate.trap and self.enabled else 0
        return Expected(trap=gate.vector, error=0, registers=(("edi", IF * self.enabled), ("ebp", inside)))

    def _undefined(self, a: Mapping[str, int]) -> Expected:
        return self._trap(_UNDEFINED)

    def _divide(self, a: Mapping[str, int]) -> Expected:
        return self._trap(0)

    def _gate(self, a: Mapping[str, int]) -> Expected:
        return self._trap(_SYSTEM_CALL)

    def _breakpoint(self, a: Mapping[str, int]) -> Expected:
        return Expected(trap=3)

    def _user(self, a: Mapping[str, int]) -> Expected:
        """Ring 3 and back: the frame that its trap leaves lies on the stack that was named."""
        code, data = self.user_selectors
        frame = (("edx", self.stack), ("ecx", data << 16 | code), ("ebx", a["esp"]))
        allowed = a.get("flags", 0) & _IOPL == _IOPL
        self.enabled = True
        self._deliver()
        if a["eip"] & 7 == 4 and not allowed:
            self.enabled = False  # by the gate of #GP
            return Expected(trap=_PROTECTION, error=0, registers=(*frame, ("esi", a["eip"])))
        back = a["eip"] + (3 if a["eip"] & 7 == 4 else 2)
        return Expected(trap=_SYSTEM_CALL, error=0, registers=(*frame, ("esi", back)))

    _sysexit = _SYSEXIT = _user

    def _fpu(self, a: Mapping[str, int]) -> Expected:
        caught = Expected(trap=_NM, error=0)
        if self.control.ts is None:
            return Expected(others=(caught,))
        if self.control.ts:
            self.control.ts = None  # some hypervisors clear it on the way to the handler
            return caught
        return ANYTHING

    # memory

    def _load(self, a: Mapping[str, int]) -> Expected:
        address = a["address"]
        if self.window.page_of(address) is not None:
            return self.window.access(address, "load")
        if address in arena.FRAMES:
            return Expected(self.window.words[arena.FRAMES.index(address)])
        if address in _NOWHERE:
            return _faults(address, 0)
        return Expected(self.memory.get(address))

    def _store(self, a: Mapping[str, int]) -> Expected:
        address, value = a["address"], a["value"]
        if self.window.page_of(address) is not None:
            return self.window.access(address, "store")
        if address in _NOWHERE:
            return _faults(address, 2)
        if address in arena.FRAMES:
            self.window.words[arena.FRAMES.index(address)] = value
        elif (entry := self.window.entry_at(address)) is not None:
            space, page, byte = entry
            shift = 8 * byte
            now = self.window.tables[space][page] & ~(0xFFFFFFFF << shift) | value << shift
            self.window.change(space, page, now, waits=False)
        self.memory[address] = value
        return ANYTHING

    def _execute(self, a: Mapping[str, int]) -> Expected:
        return self.window.access(a["address"], "execute")

    def _learn_access(self, kind: str, a: Mapping[str, int], result: Result) -> None:
        if self.window.page_of(a["address"]) is not None:
            self.window.seen(a["address"], kind, a.get("value", 0), result)

    def _learn_load(self, a: Mapping[str, int], answer: int, result: Result) -> None:
        self._learn_access("load", a, result)

    def _learn_store(self, a: Mapping[str, int], answer: int, result: Result) -> None:
        self._learn_access("store", a, result)

    def _learn_execute(self, a: Mapping[str, int], answer: int, result: Result) -> None:
        self._learn_access("execute", a, result)

    def _SetPxELong(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        if a["ptep"] in _NOWHERE:
            return _faults(a["ptep"], None)
        if (entry := self.window.entry_at(a["ptep"])) is not None:
            self.window.change(*entry[:2], a["pte"], waits=bool(a["flags"] & PteFlag.DEFER))
        return Expected(peek=a["pte"])

    def _SetPxE(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        return Expected(peek=a["pte"], peek_mask=0xFFFFFFFF)

    def _nothing_shown(self, a: Mapping[str, int]) -> Expected:
        return ANYTHING

    _UpdatePxELong = _UpdatePxE = _AllocatePage = _ReleasePage = _SetLinearMapping = _nothing_shown
    _IODelay = _WBINVD = _nothing_shown

    def _InvalPage(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        page = self.window.page_of(a["va"])
        if page is None:
            self.window.settle()
        else:
            self.window.flush(page)
        return ANYTHING

    def _FlushTLB(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        if a["how"] & 1:
            self.window.flush()
        return ANYTHING

    def _SetLazyMode(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        self.window.set_lazy(a["mode"] != 0)
        return ANYTHING

    # the ROM and the processor

    def _GetCallInfo(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        answer = self.traits.answers.get(_NAMES.get(a["number"], ""), "")
        return Expected(int(_ANSWERS.get(answer, Answer.ABSENT)))

    def _GetRomInfo(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        """The first word is the size; no byte behind what there is room for is touched."""
        room = min(a["size"], 4)
        before = self.memory.get(a["dest"])
        mask = 0xFFFFFFFF if before is not None else (1 << 8 * room) - 1
        kept = (before or 0) & ~((1 << 8 * room) - 1)
        value = kept | _INFO_SIZE & ((1 << 8 * room) - 1)
        self.memory[a["dest"]] = value
        return Expected(_INFO_SIZE, peek=value, peek_mask=mask)

    def _SetCounters(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        array, entries = a["array"], a["entries"]
        if array == 0:
            return Expected(0)
        bad = array % 4 or entries == 0 or array + 4 * entries > 1 << 32
        return Expected(_EINVAL if bad else 0)

    def _CPUID(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        told = self.leaves.get((a["function"], a["sub"]))
        if told is not None:
            return Expected(told[0], registers=tuple(zip(("edx", "ecx"), told[1:], strict=True)))
        return ANYTHING

    def _learn_leaf(self, a: Mapping[str, int], answer: int, result: Result) -> None:
        if result.trap == 0xFFFFFFFF:
            self.leaves[a["function"], a["sub"]] = result.eax, result.edx, result.ecx

    def _SetIOPLMask(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        self.iopl = a["mask"] & _IOPL
        return ANYTHING

    def _SetCR0(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        self.control.set_cr0(a["value"])
        return ANYTHING

    def _CLTS(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        self.control.set_cr0(0)
        return ANYTHING

    def _GetCR0(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        return self.control.get_cr0()

    def _SetCR2(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        self.control.cr2 = a["value"]
        return ANYTHING

    def _GetCR2(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        return ANYTHING if self.control.cr2 is None else Expected(self.control.cr2)

    def _SetCR3(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        self.control.cr3 = a["value"]
        root = a["value"] & ~0x1F
        self.window.switch(self.roots.index(root) if root in self.roots else 0)
        return ANYTHING

    def _GetCR3(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        return ANYTHING if self.control.cr3 is None else Expected(self.control.cr3)

    def _SetCR4(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        return ANYTHING

    def _GetCR4(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        return self.control.get_cr4()

    def _learn_cr4(self, a: Mapping[str, int], answer: int, result: Result) -> None:
        self.control.seen_cr4(answer)

    def _SetDR(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        self.control.set_dr(a["num"], a["value"])
        return ANYTHING

    def _GetDR(self, a: Mapping[str, int]) -> Expected:  # noqa: N802
        return self.control.get_dr(a["num"])


def _faults(address: int, error: int | None) -> Expected:
    """A pointer to where nothing is mapped: the caller's page fault."""
    return Expected(trap=_PAGE_FAULT, error=error, address=address)


def _learn_dr(model: Model, a: Mapping[str, int], answer: int, result: Result) -> None:
    model.control.seen_dr(a["num"], answer)


_Routine = Callable[[Model, Mapping[str, int]], Expected]
_ROUTINES: Final[Mapping[str, _Routine]] = {
    name: getattr(Model, f"_{name}")
    for name in (*(call.name for call in Call), *(routine.name for routine in arena.Routine))
    if hasattr(Model, f"_{name}")
}
_LEARN: Final[Mapping[str, Callable[[Model, Mapping[str, int], int, Result], None]]] = {
    "GetCycleCounter": Model._learn_counter,
    "GetCycleFrequency": Model._learn_frequency,
    "GetWallclockTime": Model._learn_wallclock,
    "RDTSC": Model._learn_tsc,
    "GetCR4": Model._learn_cr4,
    "GetDR": _learn_dr,
    "CPUID": Model._learn_leaf,
    "load": Model._learn_load,
    "store": Model._learn_store,
    "execute": Model._learn_execute,
}
