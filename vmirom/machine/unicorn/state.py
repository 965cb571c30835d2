"""Registers of a unicorn processor, read and written in QEMU's own state.

One road for both forms of the state (see calibration): in place, where a register costs 0.1 us, or a
copy by uc_context_save that is fetched when stale and put back at each write. Arithmetic flags are kept
apart by QEMU, so EFLAGS as a whole goes through unicorn's register calls, while IF, IOPL and VM can be
looked at in the state. Control registers are written through unicorn, which updates what hangs on them.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Final

from vmirom.machine.engine import Segment, SegmentName
from vmirom.machine.paging import Mode
from vmirom.machine.unicorn.calibration import Layout
from vmirom.machine.unicorn.library import Machine, constants

__all__ = ["AVAILABLE_TASK", "TASK_KIND", "State"]

TASK_KIND: Final = 0x8700
AVAILABLE_TASK: Final = 0x8100
"""TR's attributes when it is present and an available TSS, of 16 bits or of 32."""

_HF_CPL: Final = 3
_HF_INHIBIT: Final = 1 << 3  # the shadow of STI and MOV SS
_HF_CS32: Final = 1 << 4
_HF_SS32: Final = 1 << 5
_HF_ADDSEG: Final = 1 << 6
_EFLAGS_IF: Final = 1 << 9
_EFLAGS_VM: Final = 1 << 17
_DESCRIPTOR_BIG: Final = 1 << 22
_ATTRIBUTES: Final = 0x00F0FF00
_LDT, _TR, _GDT, _IDT = 6, 7, 8, 9  # behind the six segment registers
_ES, _CS, _SS, _DS = (
    6 * int(name) for name in (SegmentName.ES, SegmentName.CS, SegmentName.SS, SegmentName.DS)
)
"""Words from the first segment register's."""
_LIVE_CPU: Final = 440
_MASK: Final = 0xFFFFFFFF
_segment: Final = lru_cache(maxsize=4096)(Segment)
"""Guests load few different segments, and the engine is asked for them all the time."""


class _Word:
    """A 32-bit register at a fixed word of the state, counted from the register file."""

    def __init__(self, offset: int) -> None:
        self.offset = offset // 4

    def __get__(self, state: State, owner: object = None) -> int:
        if state._stale:
            state._load()
        return state._words[state._file + self.offset]

    def __set__(self, state: State, value: int) -> None:
        if state._stale:
            state._load()
        state._words[state._file + self.offset] = value & _MASK
        if state._copied:
            state._store()


class State:
    """The registers. ``live`` False forces the road through the context, for tests and other platforms."""

    eax = _Word(0)
    ecx = _Word(8)
    edx = _Word(16)
    ebx = _Word(24)
    esp = _Word(32)
    ebp = _Word(40)
    esi = _Word(48)
    edi = _Word(56)
    _raw_eip = _Word(128)
    raw_eflags = _Word(136)
    """EFLAGS without the arithmetic flags and DF: right for IF, IOPL, VM, NT, TF."""
    hflags = _Word(176)

    _stopped: bool = False
    """Whether the present run was told to stop."""

    def __init__(self, machine: Machine, layout: Layout, live: bool) -> None:
        x = constants("x86_const")
        self.machine = machine
        self.layout = layout
        self._copied = not (live and layout.live)
        self._stale = self._copied
        self._context = ctypes.c_void_p()
        handle = machine.handle.value
        assert handle is not None
        self._processor = 0
        if self._copied:
            machine.check(machine.c.uc_context_alloc(machine.handle, ctypes.byref(self._context)), "context")
            assert self._context.value is not None
            address = self._context.value
        else:
            self._processor = ctypes.c_uint64.from_address(handle + _LIVE_CPU).value
            address = self._processor + 35408 - layout.regs
        self._image = None if self._copied else address
        self._view(memoryview((ctypes.c_uint8 * layout.size).from_address(address)).cast("B"))
        self._file = layout.regs // 4
        self._eip_at, self._flags_at, self._hflags_at = self._file + 32, self._file + 34, self._file + 44
        self._segments_at = layout.segments // 4
        self._task_kind_at = self._segments_at + 6 * _TR + 5
        self._control_at = layout.control // 4
        self._efer_at = layout.efer // 4
        self._eflags_number = x.UC_X86_REG_EFLAGS
        self._control_numbers = (x.UC_X86_REG_CR0, 0, x.UC_X86_REG_CR2, x.UC_X86_REG_CR3, x.UC_X86_REG_CR4)
        self._msr_number = x.UC_X86_REG_MSR
        self._scratch = ctypes.c_uint64(0)
        self._scratch_address = ctypes.addressof(self._scratch)

    def _view(self, image: memoryview) -> None:
        self._words = image.cast("I")

    def _load(self) -> None:
        self.machine.quick.uc_context_save(self.machine.handle, self._context)
        self._stale = False

    def _store(self) -> None:
        self.machine.quick.uc_context_restore(self.machine.handle, self._context)

    def _forget(self) -> None:
        """The processor has changed behind the copy."""
        self._stale = self._copied

    def _leave(self) -> None:
        """From a hook: stop here."""
        self._stopped = True
        self.machine.quick.uc_emu_stop(self.machine.handle)

    def _release(self) -> None:
        """Keep the last values readable, and free the context."""
        self._view(memoryview(bytearray(self.layout.size)))
        self._stale = self._copied = False
        if self._context.value is not None:
            self.machine.c.uc_context_free(self._context)
            self._context = ctypes.c_void_p()

    def _word(self, offset: int) -> int:
        if self._stale:
            self._load()
        return self._words[offset // 4]

    def _set_word(self, offset: int, value: int) -> None:
        if self._stale:
            self._load()
        self._words[offset // 4] = value
        if self._copied:
            self._store()

    # EIP and flags

    @property
    def eip(self) -> int:
        """Offset in CS of the next instruction."""
        return self._raw_eip

    @eip.setter
    def eip(self, value: int) -> None:
        self._raw_eip = value
        self._end_shadow()

    def _end_shadow(self) -> None:
        """A shadow covers the one instruction after STI or MOV SS; whoever moves EIP has passed it."""
        if self._stale:
            self._load()
        if self._words[self._hflags_at] & _HF_INHIBIT:
            self.hflags &= ~_HF_INHIBIT

    @property
    def eflags(self) -> int:
        """EFLAGS, all of it."""
        self.machine.quick.uc_reg_read(self.machine.handle, self._eflags_number, self._scratch_address)
        return self._scratch.value & _MASK

    @eflags.setter
    def eflags(self, value: int) -> None:
        self._scratch.value = (value | 2) & _MASK
        self.machine.quick.uc_reg_write(self.machine.handle, self._eflags_number, self._scratch_address)
        self._forget()

    @property
    def cpl(self) -> int:
        """Current privilege level."""
        if self._stale:
            self._load()
        return self._words[self._hflags_at] & _HF_CPL

    @property
    def interruptible(self) -> bool:
        """IF set and no interrupt shadow."""
        if self._stale:
            self._load()
        words = self._words
        return bool(words[self._flags_at] & _EFLAGS_IF) and not words[self._hflags_at] & _HF_INHIBIT

    def general(self) -> list[int]:
        """The general registers, in the order of their hardware encoding: EAX ECX EDX EBX ESP EBP ESI EDI."""
        if self._stale:
            self._load()
        return self._words[self._file : self._file + 16 : 2].tolist()

    # control registers and MSRs

    @property
    def mode(self) -> Mode:
        """See :class:`vmirom.machine.engine.Engine`."""
        if self._stale:
            self._load()
        words, at = self._words, self._control_at
        return Mode.of(words[at], words[at + 8], words[self._efer_at])

    def _control(self, number: int) -> int:
        return self._word(self.layout.control + 8 * number)

    def _set_control(self, number: int, value: int) -> None:
        self.machine.write_register(self._control_numbers[number], value & _MASK)
        self._forget()

    @property
    def cr0(self) -> int:
        """CR0. Writing flushes translations if paging changes."""
        return self._control(0)

    @cr0.setter
    def cr0(self, value: int) -> None:
        self._set_control(0, value)

    @property
    def cr2(self) -> int:
        """The linear address of the last page fault."""
        return self._control(2)

    @cr2.setter
    def cr2(self, value: int) -> None:
        self._set_word(self.layout.control + 16, value & _MASK)

    @property
    def cr3(self) -> int:
        """The page-table root. Writing flushes all translations."""
        return self._control(3)

    @cr3.setter
    def cr3(self, value: int) -> None:
        self._set_control(3, value)

    @property
    def cr4(self) -> int:
        """CR4. Writing flushes translations if paging changes."""
        return self._control(4)

    @cr4.setter
    def cr4(self, value: int) -> None:
        self._set_control(4, value)

    def read_msr(self, index: int) -> int:
        """A model-specific register as RDMSR would give it; 0 for one that the engine does not have."""
        buffer = (ctypes.c_uint64 * 2)(index, 0)
        self.machine.quick.uc_reg_read(self.machine.handle, self._msr_number, buffer)
        return buffer[1]

    def write_msr(self, index: int, value: int) -> None:
        """Write a model-specific register as WRMSR would; one that the engine does not have is ignored."""
        buffer = (ctypes.c_uint64 * 2)(index, value)
        self.machine.quick.uc_reg_write(self.machine.handle, self._msr_number, buffer)
        self._forget()

    @property
    def efer(self) -> int:
        """Extended feature enables: SCE 1, LME 0x100, NXE 0x800."""
        return self._word(self.layout.efer)

    @efer.setter
    def efer(self, value: int) -> None:
        self.write_msr(0xC0000080, value)

    # segments and tables

    def _segment_at(self, index: int) -> Segment:
        if self._stale:
            self._load()
        at = self._segments_at + 6 * index
        words = self._words
        return _segment(words[at], words[at + 2], words[at + 4], words[at + 5] & _ATTRIBUTES)

    def _put_segment(self, index: int, segment: Segment) -> None:
        at = self._segments_at + 6 * index
        words = self._words
        words[at] = segment.selector & 0xFFFF
        words[at + 2] = segment.base & _MASK
        words[at + 3] = 0
        words[at + 4] = segment.limit & _MASK
        words[at + 5] = segment.attributes & _ATTRIBUTES

    def segment(self, name: SegmentName) -> Segment:
        """A segment register with its hidden part."""
        return self._segment_at(name)

    def selector(self, name: SegmentName) -> int:
        """What :meth:`segment` has as its selector."""
        if self._stale:
            self._load()
        return self._words[self._segments_at + 6 * name]

    def set_segment(self, name: SegmentName, segment: Segment) -> None:
        """Write selector and hidden part as they are; SS sets CPL from its DPL."""
        if self._stale:
            self._load()
        self._put_segment(name, segment)
        ring = segment.attributes >> 13 & 3 if name == SegmentName.SS else self.hflags & _HF_CPL
        self._derive(ring)
        if self._copied:
            self._store()

    def _derive(self, ring: int) -> None:
        """Bring the flags that QEMU derives from segments (CPL, 32-bit code and stack, bases) up to date."""
        words, at = self._words, self._segments_at
        flags = words[self._hflags_at] & ~(_HF_CPL | _HF_CS32 | _HF_SS32 | _HF_ADDSEG) | ring
        big_code = words[at + _CS + 5] & _DESCRIPTOR_BIG
        if big_code:
            flags |= _HF_CS32
        if words[at + _SS + 5] & _DESCRIPTOR_BIG:
            flags |= _HF_SS32
        moved = words[at + _ES + 2] or words[at + _SS + 2] or words[at + _DS + 2]
        protected = words[self._control_at] & 1
        virtual = words[self._flags_at] & _EFLAGS_VM
        if moved or not big_code or not protected or virtual:
            flags |= _HF_ADDSEG
        words[self._hflags_at] = flags

    def enter(self, cs: Segment, ss: Segment, esp: int, eip: int) -> None:
        """Continue at cs:eip with ss:esp at the CPL of cs; ends an interrupt shadow."""
        if self._stale:
            self._load()
        self._put_segment(SegmentName.CS, cs)
        self._put_segment(SegmentName.SS, ss)
        words = self._words
        words[self._file + 8] = esp & _MASK
        words[self._eip_at] = eip & _MASK
        self._derive(cs.selector & 3)
        words[self._hflags_at] &= ~_HF_INHIBIT
        if self._copied:
            self._store()

    def task_register(self) -> Segment:
        """TR with its hidden part."""
        return self._segment_at(_TR)

    def set_task_register(self, segment: Segment) -> None:
        """Write TR. The type is made *available*: a busy one would abort the process at a call gate."""
        if self._stale:
            self._load()
        attributes = (
            segment.attributes & ~0x200 if segment.attributes & 0x0F00 == 0x0B00 else segment.attributes
        )
        self._put_segment(_TR, Segment(segment.selector, segment.base, segment.limit, attributes))
        if self._copied:
            self._store()

    def _mend_task_register(self) -> None:
        """Never run with a TR that a call gate would trip over; its limit 0 makes that #TS instead."""
        self.set_task_register(Segment(0, 0, 0, 0x8900))

    def local_table(self) -> Segment:
        """LDTR with its hidden part."""
        return self._segment_at(_LDT)

    def set_local_table(self, segment: Segment) -> None:
        """Write LDTR as it is."""
        if self._stale:
            self._load()
        self._put_segment(_LDT, segment)
        if self._copied:
            self._store()

    def _table(self, index: int) -> tuple[int, int]:
        if self._stale:
            self._load()
        at = self._segments_at + 6 * index
        return self._words[at + 2], self._words[at + 4]

    def _set_table(self, index: int, table: tuple[int, int]) -> None:
        if self._stale:
            self._load()
        self._put_segment(index, Segment(0, table[0], table[1] & 0xFFFF, 0))
        if self._copied:
            self._store()

    @property
    def gdtr(self) -> tuple[int, int]:
        """(base, limit)"""
        return self._table(_GDT)

    @gdtr.setter
    def gdtr(self, table: tuple[int, int]) -> None:
        self._set_table(_GDT, table)

    @property
    def idtr(self) -> tuple[int, int]:
        """(base, limit)"""
        return self._table(_IDT)

    @idtr.setter
    def idtr(self, table: tuple[int, int]) -> None:
        self._set_table(_IDT, table)
