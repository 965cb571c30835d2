"""Delivery of exceptions and interrupts through the guest's IDT, as a processor does it in protected mode.

For hypervisors that give their guest a real processor (native, kvm). Nothing of the guest changes before
every check has passed and every page of the frame is known to be writable, so a fault during delivery
leaves the state of the interrupted instruction and is delivered in its place: contributory faults become
#DF and a fault on the way to #DF is a triple fault, which is a value. Intel SDM volume 3, chapter 6
(tables 6-4 and 6-5) and the INT instruction of volume 2.

Not offered, and answered with #GP on the gate: 16-bit gates and task gates. A 16-bit TSS gives #TS.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from vmirom.machine.addresses import PAGE_SIZE
from vmirom.machine.engine import Engine, Segment, SegmentName, Trap
from vmirom.machine.lookaside import Lookaside
from vmirom.machine.paging import Access, PageFault, mark, pieces

__all__ = ["Delivery", "TripleFault"]

_DF, _TS, _NP, _SS, _GP, _PF = 8, 10, 11, 12, 13, 14
_CONTRIBUTORY: Final = frozenset({0, _TS, _NP, _SS, _GP})
_FAULTS: Final = frozenset({0, 5, 6, 7, _TS, _NP, _SS, _GP, _PF, 16, 17, 19})
_TF, _IF, _NT, _RF, _VM = 0x100, 0x200, 0x4000, 0x10000, 0x20000
_KEPT_BY_GATES: Final = 0xFFFFFFFF & ~(_TF | _NT | _RF | _VM)
_ATTRIBUTES: Final = 0x00F0FF00
_PRESENT: Final = 0x8000
_CODE_OR_DATA: Final = 0x1000
_INTERRUPT_GATE: Final = 0xE
_TRAP_GATE: Final = 0xF
_TSS_32: Final = (0x0900, 0x0B00)
_IDT_BIT: Final = 2
_NULL: Final = Segment(0, 0, 0, 0)
_PAIR: Final = struct.Struct("<II")
_KEPT: Final = 1024
"""Gates and descriptors whose reading is kept: a guest has few."""


@dataclass(frozen=True, slots=True)
class TripleFault:
    """The processor would shut down: ``eip`` of the interrupted instruction and the vectors that were
    tried, the first one first."""

    eip: int
    vectors: tuple[int, ...]


class _Kind(enum.Enum):
    EXCEPTION = 0
    SOFT = 1
    EXTERNAL = 2


@dataclass(frozen=True, slots=True)
class _Event:
    vector: int
    error: int | None
    kind: _Kind

    @property
    def ext(self) -> int:
        """Bit 0 of an error code: the fault's cause is not the program's own INT."""
        return int(self.kind is not _Kind.SOFT)


_event: Final = lru_cache(maxsize=_KEPT)(_Event)


class _FaultError(Exception):
    """A fault met during delivery."""

    def __init__(self, vector: int, error: int, address: int | None = None) -> None:
        self.vector = vector
        self.error = error
        self.address = address


@dataclass(frozen=True, slots=True)
class _Gate:
    selector: int
    eip: int
    trap: bool


@lru_cache(maxsize=_KEPT)
def _gate(low: int, high: int) -> _Gate:
    """What the two words of a gate say."""
    return _Gate(low >> 16, high & 0xFFFF0000 | low & 0xFFFF, high >> 8 & 0x1F == _TRAP_GATE)


@lru_cache(maxsize=_KEPT)
def _segment(selector: int, low: int, high: int) -> Segment:
    """The segment that the two words of a descriptor describe."""
    limit = high & 0xF0000 | low & 0xFFFF
    if high & 0x800000:
        limit = limit << 12 | 0xFFF
    start = high & 0xFF000000 | (high & 0xFF) << 16 | low >> 16
    return Segment(selector, start, limit, high & _ATTRIBUTES)


@lru_cache(maxsize=_KEPT)
def _loaded(found: Segment, ring: int) -> Segment:
    """A descriptor as a register holds it once it is loaded for ``ring``: accessed, and with that RPL."""
    return Segment(found.selector | ring, found.base, found.limit, found.attributes | 0x100)


class Delivery:
    """Delivers to one engine. ``guard(gpa, length)`` is called before each piece of a frame is stored
    and may raise what its owner wants to see, for memory that is read-only to the guest."""

    def __init__(self, engine: Engine, guard: Callable[[int, int], None] | None = None) -> None:
        self.engine = engine
        self.memory = engine.memory
        self.guard = guard
        self._pages = Lookaside(self.memory)

    def trap(self, trap: Trap) -> TripleFault | None:
        """Deliver what the engine reported. EIP is at the instruction, or behind it if soft."""
        if trap.soft:
            return self._deliver(_event(trap.vector, None, _Kind.SOFT), self._soft_length(trap.vector))
        return self._deliver(_event(trap.vector, trap.error, _Kind.EXCEPTION), 0)

    def interrupt(self, vector: int) -> TripleFault | None:
        """Deliver an external interrupt; the caller knows that the guest is interruptible."""
        return self._deliver(_event(vector, None, _Kind.EXTERNAL), 0)

    # the rules for faults during delivery

    def _deliver(self, event: _Event, length: int) -> TripleFault | None:
        """``length`` of the INT instruction that EIP stands behind; a fault goes back to its start."""
        engine = self.engine
        after = engine.eip
        tried = [event.vector]
        self._begin()
        while True:
            try:
                self._through_idt(event, after if event.kind is _Kind.SOFT else after - length & 0xFFFFFFFF)
            except _FaultError as fault:
                if fault.address is not None:
                    engine.cr2 = fault.address
                following = _combine(event, fault)
                tried.append(fault.vector)
                if following is None:
                    engine.eip = after - length
                    return TripleFault(after - length & 0xFFFFFFFF, tuple(tried))
                event = following
            else:
                return None

    def _soft_length(self, vector: int) -> int:
        """INT3 and INTO have one byte, INT n two, of which the second is n."""
        if vector not in (3, 4):
            return 2
        engine = self.engine
        self._begin()
        at = engine.segment(SegmentName.CS).base + engine.eip - 1 & 0xFFFFFFFF
        try:
            return 2 if self._read(at, 1, engine.cpl == 3)[0] == vector else 1
        except _FaultError:
            return 1

    # memory as the processor's microcode sees it

    def _begin(self) -> None:
        """Note how addresses are translated; it doesn't change within a delivery."""
        engine = self.engine
        self._cr3, self._mode = engine.cr3, engine.mode
        self._pages.use(self._cr3, self._mode)

    def _read(self, gva: int, length: int, user: bool = False) -> bytes:
        memory = self.memory
        within = gva & PAGE_SIZE - 1 <= PAGE_SIZE - length
        if within and (at := self._pages.find(gva, False, user)) is not None:
            return memory.read(at, length)
        parts = pieces(memory, self._cr3, self._mode, gva, length, Access.READ, user)
        if isinstance(parts, PageFault):
            raise _FaultError(_PF, parts.error, parts.gva)
        data = b""
        for found, part in parts:
            mark(memory, found, False)
            if within:
                self._pages.learn(gva, found, False, user)
            inside = found.gpa + part <= memory.size
            data += memory.read(found.gpa, part) if inside else b"\xff" * part
        return data

    def _write(self, gva: int, data: bytes, user: bool) -> None:
        memory = self.memory
        within = gva & PAGE_SIZE - 1 <= PAGE_SIZE - len(data)
        if within and (at := self._pages.find(gva, True, user)) is not None:
            if self.guard is not None:
                self.guard(at, len(data))
            memory.write(at, data)
            return
        parts = pieces(memory, self._cr3, self._mode, gva, len(data), Access.WRITE, user)
        if isinstance(parts, PageFault):
            raise _FaultError(_PF, parts.error, parts.gva)
        if self.guard is not None:
            for found, part in parts:
                self.guard(found.gpa, part)
        at = 0
        for found, part in parts:
            mark(memory, found, True)
            if within:
                self._pages.learn(gva, found, True, user)  # before the frame may overwrite the tables
            if found.gpa + part <= memory.size:
                memory.write(found.gpa, data[at : at + part])
            at += part

    # descriptors

    def _gate(self, event: _Event) -> _Gate:
        base, limit = self.engine.idtr
        refusal = event.vector * 8 + _IDT_BIT + event.ext
        if event.vector * 8 + 7 > limit:
            raise _FaultError(_GP, refusal)
        low, high = _PAIR.unpack(self._read(base + event.vector * 8 & 0xFFFFFFFF, 8))
        kind = high >> 8 & 0x1F
        if kind not in (_INTERRUPT_GATE, _TRAP_GATE):
            raise _FaultError(_GP, refusal)
        if event.kind is _Kind.SOFT and high >> 13 & 3 < self.engine.cpl:
            raise _FaultError(_GP, refusal)
        if not high & _PRESENT:
            raise _FaultError(_NP, refusal)
        return _gate(low, high)

    def _descriptor(self, selector: int, vector: int, ext: int) -> Segment:
        """The descriptor behind a selector with RPL cleared; a fault of ``vector`` if outside its table."""
        if selector & 4:
            table = self.engine.local_table()
            base, limit = table.base, table.limit if table.attributes & _PRESENT else -1
        else:
            base, limit = self.engine.gdtr
        if (selector & 0xFFF8) + 7 > limit:
            raise _FaultError(vector, selector & 0xFFFC | ext)
        low, high = _PAIR.unpack(self._read(base + (selector & 0xFFF8) & 0xFFFFFFFF, 8))
        return _segment(selector & 0xFFFC, low, high)

    def _code(self, gate: _Gate, ext: int, cpl: int) -> tuple[Segment, int]:
        """The handler's code segment and the CPL it runs at."""
        if not gate.selector & 0xFFFC:
            raise _FaultError(_GP, ext)
        found = self._descriptor(gate.selector, _GP, ext)
        attributes = found.attributes
        dpl = attributes >> 13 & 3
        if attributes & (_CODE_OR_DATA | 0x800) != _CODE_OR_DATA | 0x800 or dpl > cpl:
            raise _FaultError(_GP, found.selector | ext)
        if not attributes & _PRESENT:
            raise _FaultError(_NP, found.selector | ext)
        ring = cpl if attributes & 0x400 else dpl
        if gate.eip > found.limit:
            raise _FaultError(_GP, ext)
        return _loaded(found, ring), ring

    def _inner_stack(self, ring: int, ext: int) -> tuple[Segment, int]:
        """SS and ESP for ``ring`` from the TSS."""
        tss = self.engine.task_register()
        offset = ring * 8 + 4
        if tss.attributes & 0x0F00 not in _TSS_32 or offset + 7 > tss.limit:
            raise _FaultError(_TS, tss.selector & 0xFFFC | ext)
        esp, selector = struct.unpack("<IH", self._read(tss.base + offset & 0xFFFFFFFF, 6))
        if not selector & 0xFFFC:
            raise _FaultError(_TS, ext)
        ss = self._descriptor(selector, _TS, ext)
        attributes = ss.attributes
        writable_data = attributes & (_CODE_OR_DATA | 0xA00) == _CODE_OR_DATA | 0x200
        if selector & 3 != ring or attributes >> 13 & 3 != ring or not writable_data:
            raise _FaultError(_TS, ss.selector | ext)
        if not attributes & _PRESENT:
            raise _FaultError(_SS, ss.selector | ext)
        return _loaded(ss, ring), esp

    # the transfer

    def _through_idt(self, event: _Event, eip: int) -> None:
        engine = self.engine
        gate = self._gate(event)
        flags = engine.eflags
        virtual = bool(flags & _VM)
        cpl = 3 if virtual else engine.cpl
        cs, ring = self._code(gate, event.ext, cpl)
        if virtual and ring != 0:
            raise _FaultError(_GP, cs.selector & 0xFFFC | event.ext)
        inner = ring < cpl
        if inner:
            ss, esp = self._inner_stack(ring, event.ext)
        else:
            ss, esp = engine.segment(SegmentName.SS), engine.esp
        words = self._frame(event, eip, flags, inner, virtual)
        esp = self._push(ss, esp, words, ring, (ss.selector & 0xFFFC if inner else 0) | event.ext)
        flags &= _KEPT_BY_GATES if gate.trap else _KEPT_BY_GATES & ~_IF
        engine.eflags = flags
        engine.enter(cs, ss, esp, gate.eip)
        if virtual:
            for name in (SegmentName.ES, SegmentName.DS, SegmentName.FS, SegmentName.GS):
                engine.set_segment(name, _NULL)

    def _frame(self, event: _Event, eip: int, flags: int, inner: bool, virtual: bool) -> list[int]:
        """The words of the frame, lowest address first."""
        engine = self.engine
        if event.kind is _Kind.EXCEPTION and event.vector in _FAULTS:
            flags |= _RF
        words = [] if event.error is None else [event.error]
        words += [eip, engine.selector(SegmentName.CS), flags]
        if inner:
            words += [engine.esp, engine.selector(SegmentName.SS)]
        if virtual:
            order = (SegmentName.ES, SegmentName.DS, SegmentName.FS, SegmentName.GS)
            words += [engine.selector(name) for name in order]
        return words

    def _push(self, ss: Segment, esp: int, words: list[int], ring: int, error: int) -> int:
        """Store the frame below ``ss``:``esp``; the answer is the new ESP. ``error`` is that of a #SS."""
        mask = 0xFFFFFFFF if ss.attributes & 0x400000 else 0xFFFF
        size = 4 * len(words)
        start = (esp & mask) - size & mask
        last = start + size - 1
        if ss.attributes & 0x400:  # expand-down: valid above the limit
            fits = start > ss.limit and last <= mask
        else:
            fits = last <= ss.limit and last <= mask
        if not fits:
            raise _FaultError(_SS, error)
        self._write(ss.base + start & 0xFFFFFFFF, struct.pack(f"<{len(words)}I", *words), ring == 3)
        return esp & ~mask | start


def _combine(first: _Event, second: _FaultError) -> _Event | None:
    """What is delivered when ``second`` was met on the way to ``first``; None is a triple fault."""
    following = _Event(second.vector, second.error, _Kind.EXCEPTION)
    if first.kind is not _Kind.EXCEPTION:
        return following
    if first.vector == _DF:
        return None
    serious = second.vector in _CONTRIBUTORY
    if first.vector in _CONTRIBUTORY and serious:
        return _Event(_DF, 0, _Kind.EXCEPTION)
    if first.vector == _PF and (serious or second.vector == _PF):
        return _Event(_DF, 0, _Kind.EXCEPTION)
    return following
