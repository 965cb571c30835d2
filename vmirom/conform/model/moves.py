"""Moves: what a sequence is made of, and the steps that each is.

A move is a call by name with its arguments, or one of the moves in lower case below, which are several steps:
so that a sequence stays valid (or invalid on purpose) whatever is left out of it, and can be shrunk. It holds
nothing that differs between backends.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from vmirom.conform.model.arena import (
    DATA,
    DESTINATION,
    GDTS,
    IDTS,
    NOWHERE,
    OPERAND,
    PAGE,
    ROUTINES,
    STACKS,
    USER_CODE,
    WINDOW,
    WINDOW_TABLES,
)
from vmirom.conform.model.steps import Step
from vmirom.conform.model.tables import Gate
from vmirom.conform.model.window import NX, frame_entry
from vmirom.overlays.native import Cr4
from vmirom.overlays.vmi import GuestGdt, PageType, PteFlag

__all__ = ["MOVES", "Expander", "Move", "Standing"]

_IF: Final = 0x202
_IOPL: Final = 0x3000
_PAE: Final = int(Cr4.PAE)
_EOI, _READ_IRR, _OPEN_TIMER = 0x20, 0x0A, 0xFE
_TSS: Final = 8 * int(GuestGdt.TSS)
_BUSY: Final = 0x200
_SS0: Final = 8 * int(GuestGdt.KERNEL_DS)
WAIT: Final = 200_000
"""Looks at the request register before an alarm counts as lost."""
_PT: Final = int(PageType.PT)


class Move(NamedTuple):
    """A call or a move by name, with its arguments by name."""

    name: str
    arguments: Mapping[str, int]


class Standing(NamedTuple):
    """What the moves before have left that decides the steps of a move: the space, GDT and IDT in use, the
    IOPL, and whether a lazy mode is on."""

    space: int = 0
    gdt: int = 0
    idt: int = 0
    iopl: int = 0
    lazy: int = 0


@dataclass
class Expander:
    """Turns moves into steps, one after another; what was moved before decides some of them: ``at``. ``task``
    are the words of a descriptor of the player's TSS, ``gates`` those of gates to its handlers, by vector;
    ``offers`` tells whether a call can be made; without ``no_execute`` entries never carry NX. With
    ``two_level`` the window's entries have four bytes. ``looked_at`` are the fields of ``at`` that were asked
    for, and ``changes`` those that were set, since one or the other was last cleared."""

    roots: tuple[int, int]
    task: tuple[int, int]
    gates: Mapping[Gate, tuple[int, int]]
    offers: Callable[[str], bool]
    no_execute: bool = True
    two_level: bool = False
    at: Standing = field(default_factory=Standing)
    looked_at: set[str] = field(default_factory=set)
    changes: dict[str, int] = field(default_factory=dict)

    def _is(self, name: str) -> int:
        self.looked_at.add(name)
        return int(getattr(self.at, name))

    def _set(self, **changes: int) -> None:
        self.changes |= changes
        self.at = self.at._replace(**changes)

    def expand(self, move: Move) -> list[Step]:
        """The steps of a move; none if the backend has not the call. Raises KeyError for an unknown one."""
        routine = MOVES.get(move.name)
        if routine is not None:
            return [step for step in routine(self, move.arguments) if self._made(step)]
        peek, arguments = _PEEKS.get(move.name), move.arguments
        if move.name == "SetCR4" and self.two_level:
            arguments = {"value": arguments["value"] & ~_PAE}
        step = Step(move.name, arguments, 0 if peek is None else peek(arguments))
        return [step] if self._made(step) else []

    def _made(self, step: Step) -> bool:
        call = step.call
        if call in ROUTINES:
            return True
        offered = self.offers(call)
        if call == "SetLazyMode":
            self._set(lazy=int(step.arguments["mode"] != 0))
        elif call == "SetIOPLMask" and offered:
            self._set(iopl=step.arguments["mask"] & _IOPL)
        return offered

    def unlazy(self) -> list[Step]:
        """The end of a lazy mode: descriptors, the kernel stack and TS may wait until then."""
        return [Step("SetLazyMode", {"mode": 0})] if self._is("lazy") else []

    # interrupts

    def initialise(self, a: Mapping[str, int]) -> list[Step]:
        """Both 8259s initialised, nothing pending, IRQ 0 open; interrupts are off afterwards."""
        base = a["base"]
        return [
            *self.open_timer(),
            Step("EnableInterrupts", {}),
            Step("DisableInterrupts", {}),
            *_ports((0x20, 0x11), (0x21, base), (0x21, 4), (0x21, 1)),
            *_ports((0xA0, 0x11), (0xA1, base + 8), (0xA1, 2), (0xA1, 1)),
            *_ports((0x21, _OPEN_TIMER), (0xA1, 0xFF)),
        ]

    @staticmethod
    def open_timer() -> list[Step]:
        """Nothing in service, IRQ 0 not masked."""
        return _ports((0x20, _EOI), (0x21, _OPEN_TIMER))

    def fire(self, a: Mapping[str, int]) -> list[Step]:
        """An alarm that is due already, set while interrupts are off: it waits in the request register."""
        return [
            Step("DisableInterrupts", {}),
            Step("SetAlarm", {"flags": a["counter"], "expiry": a.get("expiry", 0), "period": 0}),
            Step("wait", {"bound": WAIT}),
        ]

    def halt(self, a: Mapping[str, int]) -> list[Step]:
        """Halt with an interrupt on its way."""
        return [*self.open_timer(), *self.fire({"counter": 0}), Step("halt", {})]

    def iret(self, a: Mapping[str, int]) -> list[Step]:
        """IRET to the kernel, to the next instruction."""
        return [Step("iret", {"flags": 2 | a["flags"]})]

    def enter(self, a: Mapping[str, int]) -> list[Step]:
        """To ring 3 and back by a system call: through IRET, the same with a port read, or SYSEXIT."""
        how = a["how"]
        entry = {"eip": USER_CODE + (4 if how == 1 else 0), "esp": USER_CODE - 0x10}
        if how < 2:
            return [*self.unlazy(), Step("user", {"flags": _IF | self._is("iopl"), **entry})]
        return [*self.unlazy(), Step("DisableInterrupts", {}), Step("sysexit", entry)]

    def stack(self, a: Mapping[str, int]) -> list[Step]:
        """UpdateKernelStack."""
        return [Step("UpdateKernelStack", {"ss0": _SS0, "esp0": STACKS[a["which"]]})]

    # descriptor tables

    def table(self, a: Mapping[str, int]) -> list[Step]:
        """One of two tables named to SetIDT or SetGDT."""
        call, tables = ("SetIDT", IDTS) if a["idt"] else ("SetGDT", GDTS)
        if not self.offers(call):
            return []
        self._set(**{"idt" if a["idt"] else "gdt": a["which"]})
        low, high = struct.unpack("<IHxx", struct.pack("<HIxx", a["limit"], tables[a["which"]]))
        return [_store(OPERAND, low), _store(OPERAND + 4, high), Step(call, {"dtr": OPERAND})]

    def task_register(self, a: Mapping[str, int]) -> list[Step]:
        """SetTR with the TSS made available before."""
        low, high = self.task
        entry = {"table": GDTS[self._is("gdt")], "entry": _TSS // 8, "descLo": low, "descHi": high & ~_BUSY}
        if not (self.offers("WriteGDTEntry") and self.offers("SetTR")):
            return []
        return [
            Step("WriteGDTEntry", entry),
            Step("SetTR", {"selector": _TSS}),
        ]

    def descriptor(self, a: Mapping[str, int]) -> list[Step]:
        """A descriptor written into the table in use, and loaded."""
        table, entry = GDTS[self._is("gdt")], a["entry"]
        words = {"descLo": a["low"], "descHi": a["high"]}
        return [
            Step("WriteGDTEntry", {"table": table, "entry": entry, **words}, table + 8 * entry),
            *self.unlazy(),
            Step("segment", {"selector": 8 * entry | 3, "offset": 0}),
        ]

    def segment(self, a: Mapping[str, int]) -> list[Step]:
        """A selector loaded."""
        return [*self.unlazy(), Step("segment", {"selector": 8 * a["entry"] | 3, "offset": 0})]

    def handler(self, a: Mapping[str, int]) -> list[Step]:
        """A vector's gate, in one of the tables, led to the handler of another."""
        table = IDTS[a["which"]]
        low, high = self.gates[Gate(a["handler"], bool(a["trap"]))]
        arguments = {"table": table, "entry": a["vector"], "descLo": low, "descHi": high}
        return [Step("WriteIDTEntry", arguments, table + 8 * a["vector"])]

    def astray(self, a: Mapping[str, int]) -> list[Step]:
        """SetIDT of what is not there; with interrupts on nobody says what the flag is afterwards."""
        return [Step("DisableInterrupts", {}), Step("SetIDT", {"dtr": NOWHERE})]

    # memory

    def root(self, a: Mapping[str, int]) -> list[Step]:
        """SetCR3 with one of the two spaces, which may wait in a lazy mode like the rest."""
        self._set(space=a["space"])
        return [*self.unlazy(), Step("SetCR3", {"value": self.roots[a["space"]] | a["bits"]})]

    def page(self, a: Mapping[str, int]) -> list[Step]:
        """An entry of the window changed: by SetPxELong, or by the guest's own stores and UpdatePxELong; with
        two levels by SetPxE and UpdatePxE."""
        space, page, how = a["space"], a["page"], a["how"]
        at = self.entry(space, page)
        entry = frame_entry(a["frame"], a["flags"]) if a["flags"] & 1 else a["flags"]
        if not self.no_execute or self.two_level:
            entry &= ~NX
        flags = _PT
        if how & 3 and space == self._is("space"):
            flags |= int(PteFlag.CURRENT_AS) | WINDOW + page * PAGE
            if how & 3 == 2:
                flags |= int(PteFlag.DEFER)
        if how < 4:
            call = "SetPxE" if self.two_level else "SetPxELong"
            return [Step(call, {"pte": entry, "ptep": at, "flags": flags}, at)]
        if self.two_level:
            return [_store(at, entry, at), Step("UpdatePxE", {"ptep": at, "flags": flags})]
        return [
            _store(at, 0),
            _store(at + 4, entry >> 32),
            _store(at, entry & 0xFFFFFFFF, at),
            Step("UpdatePxELong", {"ptep": at, "flags": flags}),
        ]

    def access(self, a: Mapping[str, int]) -> list[Step]:
        """A page of the window read, written or executed; its entry is looked at."""
        page, kind = a["page"], ("load", "store", "execute")[a["kind"]]
        at = self.entry(self._is("space"), page)
        arguments = {"address": WINDOW + page * PAGE + (0x800 if kind == "execute" else 0)}
        if kind == "store":
            arguments["value"] = a["value"]
        return [Step(kind, arguments, at)]

    def entry(self, space: int, page: int) -> int:
        """Where the entry of a page of the window lies."""
        return WINDOW_TABLES[space] + (4 if self.two_level else 8) * page

    def flush(self, a: Mapping[str, int]) -> list[Step]:
        """InvalPage of a page of the window."""
        return [Step("InvalPage", {"va": WINDOW + a["page"] * PAGE})]

    def lost(self, a: Mapping[str, int]) -> list[Step]:
        """A pointer to where nothing is mapped."""
        return [Step("store", {"address": NOWHERE + 8, "value": 0}), Step("load", {"address": NOWHERE + 4})]

    # the rest

    def info(self, a: Mapping[str, int]) -> list[Step]:
        """GetRomInfo with room for some bytes, behind known ones."""
        before = _store(DESTINATION, 0xA5A5A5A5)
        return [before, Step("GetRomInfo", {"dest": DESTINATION, "size": a["size"]}, DESTINATION)]

    def debug(self, a: Mapping[str, int]) -> list[Step]:
        """Two debug registers given different addresses, and read."""
        one, other, value = a["num"], a["num"] ^ 1, a["value"]
        steps = [
            Step("SetDR", {"num": one, "value": value}),
            Step("SetDR", {"num": other, "value": value + 8}),
        ]
        return [*steps, Step("GetDR", {"num": one}), Step("GetDR", {"num": other})]

    def read_string(self, a: Mapping[str, int]) -> list[Step]:
        """INSB, INSW or INSL from a port where nobody answers."""
        call = ("INSB", "INSW", "INSL")[a["width"]]
        return [Step(call, {"addr": DATA, "port": 0x2F8, "count": a["count"]}, DATA)]

    def write_string(self, a: Mapping[str, int]) -> list[Step]:
        """OUTSB, OUTSW or OUTSL to one."""
        call = ("OUTSB", "OUTSW", "OUTSL")[a["width"]]
        return [Step(call, {"addr": DATA, "port": 0x2F8, "count": a["count"]})]


def _store(address: int, value: int, peek: int = 0) -> Step:
    return Step("store", {"address": address, "value": value}, peek)


def _ports(*pairs: tuple[int, int]) -> list[Step]:
    return [Step("OUTB", {"value": value, "port": port}) for port, value in pairs]


def _entry(a: Mapping[str, int]) -> int:
    return a["ptep"] if a["ptep"] < NOWHERE else 0


def _told(a: Mapping[str, int]) -> int:
    return a["dtr"] if a["dtr"] < NOWHERE else 0


def _written(a: Mapping[str, int]) -> int:
    return a["table"] + 8 * a["entry"]


_PEEKS: Final[Mapping[str, Callable[[Mapping[str, int]], int]]] = {
    "SetPxELong": _entry,
    "SetPxE": _entry,
    "GetGDT": _told,
    "GetIDT": _told,
    "WriteGDTEntry": _written,
    "WriteLDTEntry": _written,
    "WriteIDTEntry": _written,
}
"""Where a call made as it is stores what must be there afterwards."""


def _alone(name: str) -> Callable[[Expander, Mapping[str, int]], list[Step]]:
    """A routine without arguments."""
    return lambda expander, a: [*expander.unlazy(), Step(name, {})]


MOVES: Final[Mapping[str, Callable[[Expander, Mapping[str, int]], list[Step]]]] = {
    "initialise": Expander.initialise,
    "fire": Expander.fire,
    "halt": Expander.halt,
    "iret": Expander.iret,
    "enter": Expander.enter,
    "stack": Expander.stack,
    "table": Expander.table,
    "task": Expander.task_register,
    "descriptor": Expander.descriptor,
    "segment": Expander.segment,
    "handler": Expander.handler,
    "astray": Expander.astray,
    "root": Expander.root,
    "page": Expander.page,
    "access": Expander.access,
    "flush": Expander.flush,
    "lost": Expander.lost,
    "info": Expander.info,
    "debug": Expander.debug,
    "read_string": Expander.read_string,
    "write_string": Expander.write_string,
    **{name: _alone(name) for name in ("fpu", "breakpoint", "undefined", "gate", "divide")},
}
"""By name."""
