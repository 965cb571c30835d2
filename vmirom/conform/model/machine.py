"""The model of a guest's whole machine: a call goes in, what is promised of its answer comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from vmirom.conform.model.control import Control
from vmirom.conform.model.pic import Pair
from vmirom.conform.model.steps import ANYTHING, Expected, Step
from vmirom.conform.model.tables import Tables
from vmirom.conform.model.time import Alarms, Counters
from vmirom.overlays.vmi import Answer, Call, Const, ffi

__all__ = ["Model", "Traits"]

IF = 0x200
EOI = 0x20
_PORTS = (0x20, 0x21, 0xA0, 0xA1)
_MASTER = 0x20
_NOBODY = range(0x2F8, 0x300)
_EINVAL = 0x100000000 - int(Const.EINVAL)
_ANSWERS = {"native": Answer.NATIVE, "nothing": Answer.NOTHING, "translated": Answer.TRANSLATED}
_NAMES = {int(call): call.name for call in Call}


@dataclass(frozen=True, slots=True)
class Traits:
    """What a backend may do within the contract. ``timer_shows``: the host's own timer shares IRQ 0, so that
    the request register may show it with no alarm due. ``answers`` are what its ROM answers to calls by name:
    native, nothing or translated; a call that is not there is absent."""

    timer_shows: bool = False
    answers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Model:
    """Interrupt flag, interrupt controllers, time, tables and registers. ``delivered`` counts interrupts by
    vector; the handler that is assumed ends the interrupt at the master and returns."""

    traits: Traits = field(default_factory=Traits)
    enabled: bool = False
    pair: Pair = field(default_factory=Pair)
    alarms: Alarms = field(default_factory=Alarms)
    counters: Counters = field(default_factory=Counters)
    tables: Tables = field(default_factory=Tables)
    control: Control = field(default_factory=Control)
    delivered: dict[int, int] = field(default_factory=dict)

    def call(self, step: Step, memory: Callable[[int, int], bytes]) -> Expected:
        """Make a call. ``memory(gva, length)`` reads what its pointers point to."""
        routine = getattr(self, f"_{step.call}", None)
        if routine is None:
            raise KeyError(f"{step.call} is not modelled")
        expected: Expected = routine(step.arguments, memory)
        self._deliver()
        return expected

    @staticmethod
    def knows(call: str) -> bool:
        """Whether a call is modelled."""
        return hasattr(Model, f"_{call}")

    def seen(self, step: Step, answer: int) -> None:
        """What was answered: what the contract leaves open is fixed by it."""
        if step.call == "GetCycleCounter":
            self.counters.seen(step.arguments["counter"], answer)
        elif step.call == "GetCR4":
            self.control.seen_cr4(answer)

    def _deliver(self) -> None:
        """Pending interrupts reach the guest before the call that let them in returns."""
        while self.enabled and (vector := self.pair.acknowledge()) is not None:
            self.delivered[vector] = self.delivered.get(vector, 0) + 1
            self.pair.out(_MASTER, EOI)

    # the interrupt flag

    def _EnableInterrupts(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        self.enabled = True
        return ANYTHING

    def _DisableInterrupts(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        self.enabled = False
        return ANYTHING

    def _SetInterruptMask(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        self.enabled = bool(a["mask"] & IF)
        return ANYTHING

    def _GetInterruptMask(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        return Expected(IF if self.enabled else 0, mask=IF)

    # ports

    def _OUTB(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        port = a["port"] & 0xFFFF
        if port in _PORTS:
            self.pair.out(port, a["value"] & 0xFF)
        return ANYTHING

    def _INB(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        port = a["port"] & 0xFFFF
        if port in _NOBODY:
            return Expected(0xFF, mask=0xFF)
        if port not in _PORTS:
            return ANYTHING
        mask = 0xFF
        if port == _MASTER and self.traits.timer_shows:
            mask = 0xFE | self.pair.read(port) & 1
        return Expected(self.pair.read(port), mask=mask)

    # time

    def _GetCycleCounter(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        return self.counters.expected(a["counter"])

    def _SetAlarm(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        if self.alarms.set(a["flags"], a["expiry"], a["period"]):
            self.pair.edge(0)
        return ANYTHING

    def _CancelAlarm(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        return Expected(self.alarms.cancel(a["flags"]))

    # tables

    def _SetGDT(self, a: Mapping[str, int], memory: Callable[[int, int], bytes]) -> Expected:  # noqa: N802
        self.tables.gdt = memory(a["dtr"], 6)
        return ANYTHING

    def _SetIDT(self, a: Mapping[str, int], memory: Callable[[int, int], bytes]) -> Expected:  # noqa: N802
        self.tables.idt = memory(a["dtr"], 6)
        return ANYTHING

    def _GetGDT(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        return self.tables.get_gdt(a["dtr"])

    def _GetIDT(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        return self.tables.get_idt(a["dtr"])

    def _WriteGDTEntry(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        return self.tables.write(a["table"], a["entry"], a["descLo"], a["descHi"])

    _WriteLDTEntry = _WriteGDTEntry
    _WriteIDTEntry = _WriteGDTEntry

    def _SetTR(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        self.tables.tr = a["selector"]
        return ANYTHING

    def _GetTR(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        return self.tables.selector(self.tables.tr)

    def _SetLDT(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        self.tables.ldt = a["selector"]
        return ANYTHING

    def _GetLDT(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        return self.tables.selector(self.tables.ldt)

    # the ROM, and page tables that are not in use

    def _GetCallInfo(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        answer = self.traits.answers.get(_NAMES.get(a["number"], ""), "")
        return Expected(int(_ANSWERS.get(answer, Answer.ABSENT)))

    def _GetRomInfo(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        return Expected(ffi.sizeof("struct vmi_rom_info"))

    def _SetCounters(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        array, entries = a["array"], a["entries"]
        if array == 0:
            return Expected(0)
        bad = array % 4 or entries == 0 or array + 4 * entries > 1 << 32
        return Expected(_EINVAL if bad else 0)

    def _SetPxELong(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        return Expected(stores={a["ptep"]: a["pte"].to_bytes(8, "little")})

    def _SetPxE(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        return Expected(stores={a["ptep"]: a["pte"].to_bytes(4, "little")})

    def _nothing_shown(self, a: Mapping[str, int], memory: object) -> Expected:
        return ANYTHING

    _UpdatePxELong = _UpdatePxE = _AllocatePage = _ReleasePage = _SetLinearMapping = _nothing_shown
    _InvalPage = _FlushTLB = _SetLazyMode = _IODelay = _WBINVD = _UpdateKernelStack = _nothing_shown

    # registers

    def _SetCR0(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        self.control.set_cr0(a["value"])
        return ANYTHING

    def _CLTS(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        self.control.set_cr0(0)
        return ANYTHING

    def _GetCR0(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        return self.control.get_cr0()

    def _SetCR2(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        self.control.cr2 = a["value"]
        return ANYTHING

    def _GetCR2(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        return ANYTHING if self.control.cr2 is None else Expected(self.control.cr2)

    def _SetCR3(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        self.control.cr3 = a["value"]
        return ANYTHING

    def _GetCR3(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        return ANYTHING if self.control.cr3 is None else Expected(self.control.cr3)

    def _SetCR4(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        return ANYTHING

    def _GetCR4(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        return self.control.get_cr4()

    def _SetDR(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        self.control.set_dr(a["num"], a["value"])
        return ANYTHING

    def _GetDR(self, a: Mapping[str, int], memory: object) -> Expected:  # noqa: N802
        return self.control.get_dr(a["num"])
