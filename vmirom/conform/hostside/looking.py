"""A player whose machine is looked at while its ROM is called: stores that are made by code which is not the
guest's, each time that the engine was left, the guest's handlers, and user code.

What is here knows the engine; how a call is made, and what of, is in ``stand``."""

from __future__ import annotations

import struct
import time
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Final

from vmirom.bundle.inspect import read_bundle
from vmirom.conform.hostside.contract import Processor
from vmirom.conform.hostside.settable import SettableClock
from vmirom.conform.model.arena import LINEAR, PAGE, USER_CODE
from vmirom.conform.model.player import MEMORY_MIB, AtGate, Died, Player, symbol
from vmirom.hosts.rom_places import RomPlaces
from vmirom.machine.engine import Engine, Exit, Segment, SegmentName, Trap
from vmirom.machine.memory import Memory
from vmirom.overlays.vmi import Layout
from vmirom.rom.image import RomImage, parse_rom
from vmirom.schema.calls import GENERAL

if TYPE_CHECKING:
    from vmirom.machine.unicorn import UnicornEngine
    from vmirom.machine.unicorn.codewatch import CodeWatch, Kind

__all__ = ["AtUser", "LookedAt", "Trapped"]

_FRAME: Final = struct.Struct("<48xIIIII")
"""Of a struct vmi_frame: vector, error, EIP, CS, EFLAGS."""
_INTERRUPTS: Final = range(0x30, 0x80)
"""Vectors that the guest handles and goes on after."""
PAGE_FAULT: Final = 14
_STATE: Final = (int(Layout.STATE_GPA) >> 12, int(Layout.STATE_PAGES))
_STORES_MAX: Final = 200_000
_EVERYWHERE: Final = 1 << 62
_REGISTERS: Final = tuple((name, name.lower()) for name in GENERAL)


class Trapped(Exception):
    """The guest's handler was entered for what is no interrupt of its."""


class AtUser(Exception):
    """User code began."""


class LookedAt(Player):
    """Raises Died where it is used when its machine is gone."""

    _segments: list[Segment]
    _stop_at_entry: bool
    _patient_until: int
    _edge: int
    _entry: int
    _traps: int
    _trap: str
    _code: CodeWatch | None = None
    _calling = False
    """Whether calls are made from outside already."""

    @property
    def engine(self) -> UnicornEngine:
        """The processor. Raises Died once it is closed."""
        if self._engine is None:
            raise Died("the machine is gone")
        return self._engine

    @cached_property
    def image(self) -> RomImage:
        """The ROM's. Raises RomError."""
        return parse_rom(self.rom_data)

    @cached_property
    def rom(self) -> int:
        """gva of the ROM in the linear map."""
        private = self.image.private
        return LINEAR + (int(Layout.ROM_GPA) if private is None else private.rom_gpa)

    # memory

    @cached_property
    def frames(self) -> Mapping[int, int]:
        """Physical frame of the engine by pfn of the guest."""
        pfn_of = self._host.pfn_of
        pages = self._memory.size >> 12
        return {pfn: frame for frame in range(pages) if (pfn := pfn_of(frame)) is not None}

    def gpa_of(self, physical: int) -> int | None:
        """Guest-physical address of an address of the engine; None for one that is not the guest's memory."""
        pfn = self._host.pfn_of(physical >> 12)
        return None if pfn is None or pfn >= MEMORY_MIB << 8 else pfn << 12 | physical & 0xFFF

    def get(self, gva: int, length: int) -> bytes:
        """Guest memory in the linear map."""
        found = b""
        while length:
            piece = min(length, PAGE - gva % PAGE)
            found += self._memory.read(self._physical(gva), piece)
            gva, length = gva + piece, length - piece
        return found

    def put(self, gva: int, data: bytes) -> None:
        """Store there."""
        while data:
            piece = data[: PAGE - gva % PAGE]
            self._memory.write(self._physical(gva), piece)
            gva, data = gva + len(piece), data[len(piece) :]

    def _physical(self, gva: int) -> int:
        gpa = gva - LINEAR & 0xFFFFFFFF
        return self.frames[gpa >> 12] << 12 | gpa & 0xFFF

    # what is seen

    def watch_stores(self) -> None:
        """From here on stores are seen by calls that ask for it."""
        from vmirom.machine.unicorn.codewatch import CodeWatch

        self._code = CodeWatch(self.engine, self._kind_of, self._crossed, self._on_store)
        for frame in self._quiet:
            self._code.hush(frame)
        self._code.begin()

    def _look_at(self, wanted: bool) -> None:
        """Whether stores are seen."""
        self._see = wanted
        if self._code is not None:
            self._code.window(0, 0 if wanted else _EVERYWHERE)

    @cached_property
    def _quiet(self) -> frozenset[int]:
        """Frames in which a ROM may store as it likes: its state pages, and the page of stack below the
        edge."""
        private = self.image.private
        first, pages = (private.state_gpa >> 12, private.state_pages) if private else _STATE
        below = self._edge - LINEAR - 1 >> 12
        return frozenset(self.frames[pfn] for pfn in (*range(first, first + pages), below))

    def _kind_of(self, address: int) -> Kind:
        from vmirom.machine.unicorn.codewatch import Kind

        start, end = self._text
        return Kind.OTHER if start <= address | PAGE - 1 and address & -PAGE < end else Kind.WATCHED

    def _crossed(self, _address: int, watched: bool) -> None:
        if watched and not self._see and self._code is not None:
            self._code.window(0, _EVERYWHERE)

    def _on_store(self, at: int, size: int, value: int) -> None:
        if len(self._stores) >= _STORES_MAX or self.gpa_of(at) is None:
            return
        raw = self._memory.raw
        old = int.from_bytes(raw[at : at + size], "little") if at + size <= self._memory.size else 0
        self._stores.append((at, size, value, old, self.engine.eip))

    @cached_property
    def _text(self) -> tuple[int, int]:
        return symbol("vmi_text_start"), symbol("vmi_text_end")

    def _processor(self, segments: bool = True) -> Processor:
        engine = self.engine
        general = {name: getattr(engine, register) for name, register in _REGISTERS}
        found = tuple(engine.segment(name).selector for name in SegmentName) if segments else ()
        return Processor(general, engine.esp, engine.eflags, found)

    def set_segments(self) -> None:
        """Segment registers as they were at the gate."""
        for name, segment in zip(SegmentName, self._segments, strict=True):
            self.engine.set_segment(name, segment)

    def _run(self) -> None:
        self._patient_until = time.monotonic_ns() + int(self.setting.budget * 1e9)
        super()._run()

    # the engine

    def _make_engine(self, memory: Memory) -> Engine:
        from vmirom.machine.unicorn import UnicornEngine

        looked = self

        class Counting(UnicornEngine):
            """Tells how often it was left for a hypercall, or an instruction that a hypervisor carries
            out."""

            def run(self, deadline_ns: int | None = None, window: bool = False) -> Exit:
                found = super().run(deadline_ns, window)
                if isinstance(found, Trap) and found.vector != PAGE_FAULT:
                    looked._exits += 1
                return found

        self._exits = self._interrupts = self._patient_until = 0
        self._see = False
        self._stores: list[tuple[int, int, int, int, int]] = []
        engine = Counting(memory)
        self.clock = engine.clock = SettableClock(engine.clock)
        self._engine = engine
        engine.watch(self._gate, 1, self._at_gate)
        engine.watch(self._entry, 1, self._at_entry)
        engine.watch(self._traps, 1, self._at_trap)
        engine.watch(USER_CODE, 1, self._at_user)
        return engine

    def _at_entry(self, address: int) -> None:
        if self._stop_at_entry:
            raise AtGate

    def _at_user(self, address: int) -> None:
        if self._calling:
            raise AtUser

    def _at_trap(self, address: int) -> None:
        if not self._calling:
            return
        engine = self.engine
        frame = int.from_bytes(self.get(engine.esp + 4, 4), "little")
        vector, error, eip, cs, _ = _FRAME.unpack(self.get(frame, _FRAME.size))
        if vector in _INTERRUPTS:
            self._interrupts += 1
            return
        where, self._fault_error = self.place(eip), error
        self._trap = f"vector {vector}, error {error:X}, at {cs:04X}:{eip:08X}{where}"
        raise Trapped

    def place(self, eip: int) -> str:
        """What is at an address, in words that begin with a blank; empty if nobody knows."""
        found = self._rom_places.place(eip)
        return f" ({found})" if found else ""

    @cached_property
    def _rom_places(self) -> RomPlaces:
        return RomPlaces(read_bundle(self.bundle))

    def describe(self) -> str:
        """The hypervisor's words for the state of the machine."""
        return self._host.describe()
