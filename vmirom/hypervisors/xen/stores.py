"""Guest stores that Xen carries out: to a page table the guest has mapped read-only, and to I/O memory.

A kernel may write to an L1 that it sees read-only, with plain, locked or exchanging instructions; Xen
decodes the instruction, checks the entry it makes, and stores it (whether the writable_pagetables assist
is on or not, xen-host.md section 6). Loads and stores of I/O memory without a device read ones and get
lost.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import capstone
from capstone import x86_const

from vmirom.hypervisors.xen.answers import GuestFault, Refused
from vmirom.hypervisors.xen.arithmetic import CONDITIONS, SHIFTS, condition, shifted
from vmirom.hypervisors.xen.layout import PRESENT, WRITE
from vmirom.hypervisors.xen.operands import REGISTERS, read_register, write_register
from vmirom.hypervisors.xen.pages import PageType
from vmirom.machine.addresses import PAGE_SIZE
from vmirom.machine.engine import SegmentName
from vmirom.overlays.native import Eflags

if TYPE_CHECKING:
    from vmirom.hypervisors.xen.domain import Domain

__all__ = ["StoreEmulator"]

_LONGEST: Final = 15
_CF: Final = int(Eflags.CF)
_PF: Final = int(Eflags.PF)
_AF: Final = int(Eflags.AF)
_ZF: Final = int(Eflags.ZF)
_SF: Final = int(Eflags.SF)
_DF: Final = int(Eflags.DF)
_OF: Final = int(Eflags.OF)
_ARITHMETIC: Final = _CF | _PF | _AF | _ZF | _SF | _OF
_SEGMENTS: Final = {
    x86_const.X86_REG_ES: SegmentName.ES,
    x86_const.X86_REG_CS: SegmentName.CS,
    x86_const.X86_REG_SS: SegmentName.SS,
    x86_const.X86_REG_DS: SegmentName.DS,
    x86_const.X86_REG_FS: SegmentName.FS,
    x86_const.X86_REG_GS: SegmentName.GS,
}
_NAMES: Final = {
    1: ("al", "cl", "dl", "bl", "ah", "ch", "dh", "bh"),
    2: ("ax", "cx", "dx", "bx", "sp", "bp", "si", "di"),
    4: REGISTERS,
}
_STRING: Final = {"stosb": 1, "stosw": 2, "stosd": 4, "movsb": 1, "movsw": 2, "movsd": 4}
_STRING_OPCODES: Final = frozenset((0xA4, 0xA5, 0xAA, 0xAB))
"""MOVSD is the name of an SSE2 instruction, too."""


class _Unknown(Exception):
    """An instruction or a place that is not carried out here: the guest gets the fault."""


@dataclass(frozen=True, slots=True)
class _Access:
    """How memory is read and written for one instruction: (address, size) and (address, size, value)."""

    read: Callable[[int, int], int]
    write: Callable[[int, int, int], None]


class StoreEmulator:
    """Carries out single instructions of the guest's kernel."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self._decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_32)
        self._decoder.detail = True

    def table_store(self, address: int) -> bool:
        """A ring-1 store at ``address`` met a read-only page. True when it was an L1's and is done."""
        domain = self.domain
        if domain.engine.cpl == 3 or address >= domain.hole.start:
            return False
        at = domain.space.entry_address(address)
        if at is None:
            return False
        entry = domain.memory.u64(at)
        frame = entry >> 12 & (1 << 40) - 1
        tables = domain.tables
        if not entry & PRESENT or entry & WRITE or not tables.owned(frame):
            return False
        if not tables.types[frame] or tables.kind[frame] != PageType.L1:
            return False
        page = address & ~(PAGE_SIZE - 1)

        def write(where: int, size: int, value: int) -> None:
            if where & ~(PAGE_SIZE - 1) != page or where % size:
                raise _Unknown(f"store of {size} bytes at {where:#x}")
            self._change(frame, where % PAGE_SIZE, size, value)

        return self._carry_out(_Access(self._read, write))

    def _read(self, address: int, size: int) -> int:
        return int.from_bytes(self.domain.space.read(address, size), "little")

    def _change(self, frame: int, offset: int, size: int, value: int) -> None:
        """Store a part of an entry. The upper half of a present entry written first makes an entry that may
        be wrong until the lower half follows: it is stored as not present then."""
        tables = self.domain.tables
        slot, within = offset >> 3, offset & 7
        old = self.domain.memory.u64((frame << 12) + slot * 8)
        mask = (1 << 8 * size) - 1
        entry = old & ~(mask << 8 * within) | (value & mask) << 8 * within
        try:
            tables.change_l1(frame, slot, entry)
        except Refused:
            if size == 4 and within == 4 and entry & PRESENT:
                tables.change_l1(frame, slot, entry & ~PRESENT)
                return
            raise

    def io_access(self) -> bool:
        """Carry out the instruction at EIP on memory where nothing is. False if it is not one known here."""

        def read(address: int, size: int) -> int:
            gpa = self.domain.space.translate(address)
            return int.from_bytes(self.domain.memory.read(gpa, size), "little")

        def read_or_ones(address: int, size: int) -> int:
            try:
                return read(address, size)
            except GuestFault:
                return (1 << 8 * size) - 1

        return self._carry_out(_Access(read_or_ones, lambda address, size, value: None))

    # Decoding

    def _carry_out(self, access: _Access) -> bool:
        engine = self.domain.engine
        base = engine.segment(SegmentName.CS).base
        code = self.domain.space.code(base + engine.eip & 0xFFFFFFFF, _LONGEST, engine.cpl == 3)
        found = next(self._decoder.disasm(code, engine.eip, 1), None)
        if found is None:
            return False
        try:
            again = self._execute(found, access)
        except (_Unknown, Refused, GuestFault):
            return False
        if not again:
            engine.eip = engine.eip + found.size & 0xFFFFFFFF
        return True

    def _execute(self, instruction: Any, access: _Access) -> bool:
        """One instruction; True when it is repeated and not done yet."""
        name = instruction.mnemonic.removeprefix("lock ").removeprefix("rep ").removeprefix("repne ")
        if name in _STRING and instruction.opcode[0] in _STRING_OPCODES:
            return self._string(instruction, name, access)
        if name in ("cmpxchg8b",):
            self._compare_exchange_pair(instruction, access)
            return False
        if name in _NAMED:
            _NAMED[name](self, name, instruction.operands, access)
            return False
        act = _ACTIONS.get(name)
        if act is None:
            raise _Unknown(name)
        act(self, instruction.operands, access)
        return False

    def _address(self, operand: Any) -> int:
        memory = operand.mem
        engine = self.domain.engine
        value = memory.disp
        stack = False
        for register, scale in ((memory.base, 1), (memory.index, memory.scale)):
            if register:
                number = self._number(register, 4)
                stack = stack or (scale == 1 and register == memory.base and number in (4, 5))
                value += read_register(engine, number) * scale
        name = _SEGMENTS.get(memory.segment, SegmentName.SS if stack else SegmentName.DS)
        return int(engine.segment(name).base + value & 0xFFFFFFFF)

    def _number(self, register: int, size: int) -> int:
        name = self._decoder.reg_name(register)
        try:
            return _NAMES[size].index(name)
        except (KeyError, ValueError):
            raise _Unknown(str(name)) from None

    def get(self, operand: Any, access: _Access) -> int:
        """Value of an operand."""
        if operand.type == x86_const.X86_OP_IMM:
            return int(operand.imm & (1 << 8 * operand.size) - 1)
        if operand.type == x86_const.X86_OP_REG:
            size = int(operand.size)
            return read_register(self.domain.engine, self._number(operand.reg, size), size)
        return access.read(self._address(operand), int(operand.size))

    def put(self, operand: Any, value: int, access: _Access) -> None:
        """Store to an operand."""
        if operand.type == x86_const.X86_OP_REG:
            number = self._number(operand.reg, operand.size)
            write_register(self.domain.engine, number, value, operand.size)
        else:
            access.write(self._address(operand), operand.size, value & (1 << 8 * operand.size) - 1)

    # Instructions

    def flags(self, result: int, size: int, carry: bool, overflow: bool, adjust: bool, keep: int = 0) -> None:
        """Set the arithmetic flags from a result, except those in ``keep``."""
        result &= (1 << 8 * size) - 1
        new = (
            _CF * carry
            | _OF * overflow
            | _AF * adjust
            | _ZF * (result == 0)
            | _SF * (result >> 8 * size - 1 & 1)
            | _PF * (not (result & 0xFF).bit_count() & 1)
        )
        engine = self.domain.engine
        changed = _ARITHMETIC & ~keep
        engine.eflags = engine.eflags & ~changed | new & changed

    def compare(self, left: int, right: int, size: int, keep: int = 0) -> int:
        """Flags and result of a subtraction."""
        result = left - right
        sign = 1 << 8 * size - 1
        overflow = bool((left ^ right) & (left ^ result) & sign)
        self.flags(result, size, right > left, overflow, bool((left ^ right ^ result) & 0x10), keep)
        return result

    def add(self, left: int, right: int, size: int, keep: int = 0) -> int:
        """Flags and result of an addition."""
        result = left + right
        sign = 1 << 8 * size - 1
        overflow = bool(~(left ^ right) & (left ^ result) & sign)
        carry = result >> 8 * size != 0
        self.flags(result, size, carry, overflow, bool((left ^ right ^ result) & 0x10), keep)
        return result

    def _move(self, operands: Any, access: _Access) -> None:
        self.put(operands[0], self.get(operands[1], access), access)

    def _exchange(self, operands: Any, access: _Access) -> None:
        left, right = self.get(operands[0], access), self.get(operands[1], access)
        memory, register = operands if operands[0].type == x86_const.X86_OP_MEM else reversed(operands)
        if memory is operands[0]:
            self.put(memory, right, access)
            self.put(register, left, access)
        else:
            self.put(memory, left, access)
            self.put(register, right, access)

    def _logic(self, operate: Callable[[int, int], int]) -> Callable[[Any, _Access], None]:
        def act(operands: Any, access: _Access) -> None:
            size = operands[0].size
            result = operate(self.get(operands[0], access), self.get(operands[1], access))
            self.put(operands[0], result, access)
            self.flags(result, size, False, False, False)

        return act

    def _and(self, operands: Any, access: _Access) -> None:
        self._logic(lambda a, b: a & b)(operands, access)

    def _or(self, operands: Any, access: _Access) -> None:
        self._logic(lambda a, b: a | b)(operands, access)

    def _xor(self, operands: Any, access: _Access) -> None:
        self._logic(lambda a, b: a ^ b)(operands, access)

    def _add(self, operands: Any, access: _Access) -> None:
        flags = self.domain.engine.eflags
        left, right = self.get(operands[0], access), self.get(operands[1], access)
        self._finish(operands[0], self.add(left, right, operands[0].size), flags, access)

    def _subtract(self, operands: Any, access: _Access) -> None:
        flags = self.domain.engine.eflags
        left, right = self.get(operands[0], access), self.get(operands[1], access)
        self._finish(operands[0], self.compare(left, right, operands[0].size), flags, access)

    def _increment(self, operands: Any, access: _Access) -> None:
        flags = self.domain.engine.eflags
        result = self.add(self.get(operands[0], access), 1, operands[0].size, _CF)
        self._finish(operands[0], result, flags, access)

    def _decrement(self, operands: Any, access: _Access) -> None:
        flags = self.domain.engine.eflags
        result = self.compare(self.get(operands[0], access), 1, operands[0].size, _CF)
        self._finish(operands[0], result, flags, access)

    def _with_carry(self, name: str, operands: Any, access: _Access) -> None:
        """ADC and SBB."""
        flags = self.domain.engine.eflags
        left = self.get(operands[0], access)
        right = self.get(operands[1], access)
        size = operands[0].size
        carry = flags & _CF
        result = left + right + carry if name == "adc" else left - right - carry
        mask, sign = (1 << 8 * size) - 1, 1 << 8 * size - 1
        differ = left ^ right if name == "sbb" else ~(left ^ right)
        overflow = bool(differ & (left ^ result) & sign)
        self.flags(result, size, result != result & mask, overflow, bool((left ^ right ^ result) & 0x10))
        self._finish(operands[0], result, flags, access)

    def _not(self, operands: Any, access: _Access) -> None:
        self.put(operands[0], ~self.get(operands[0], access), access)

    def _negate(self, operands: Any, access: _Access) -> None:
        flags = self.domain.engine.eflags
        value = self.get(operands[0], access)
        self._finish(operands[0], self.compare(0, value, operands[0].size), flags, access)

    def _shift(self, name: str, operands: Any, access: _Access) -> None:
        engine = self.domain.engine
        size = operands[0].size
        count = self.get(operands[1], access) if len(operands) > 1 else 1
        result, flags = shifted(name, self.get(operands[0], access), count, size, engine.eflags)
        self.put(operands[0], result, access)
        engine.eflags = flags

    def _set_condition(self, name: str, operands: Any, access: _Access) -> None:
        self.put(operands[0], condition(name[3:], self.domain.engine.eflags), access)

    def _push(self, operands: Any, access: _Access) -> None:
        engine = self.domain.engine
        top = engine.esp - 4 & 0xFFFFFFFF
        access.write(engine.segment(SegmentName.SS).base + top & 0xFFFFFFFF, 4, self.get(operands[0], access))
        engine.esp = top

    def _pop(self, operands: Any, access: _Access) -> None:
        """The address of the operand is computed with the stack as it is afterwards."""
        engine = self.domain.engine
        top = engine.esp
        value = access.read(engine.segment(SegmentName.SS).base + top & 0xFFFFFFFF, operands[0].size)
        engine.esp = top + operands[0].size & 0xFFFFFFFF
        try:
            self.put(operands[0], value, access)
        except (_Unknown, Refused, GuestFault):
            engine.esp = top
            raise

    def _exchange_add(self, operands: Any, access: _Access) -> None:
        flags = self.domain.engine.eflags
        left, right = self.get(operands[0], access), self.get(operands[1], access)
        self._finish(operands[0], self.add(left, right, operands[0].size), flags, access)
        self.put(operands[1], left, access)

    def _finish(self, operand: Any, result: int, flags: int, access: _Access) -> None:
        """Store a result whose flags are set; a store that is refused leaves the old ones."""
        try:
            self.put(operand, result & (1 << 8 * operand.size) - 1, access)
        except (_Unknown, Refused, GuestFault):
            self.domain.engine.eflags = flags
            raise

    def _compare_exchange(self, operands: Any, access: _Access) -> None:
        engine = self.domain.engine
        size = operands[0].size
        flags = engine.eflags
        found, expected = self.get(operands[0], access), read_register(engine, 0, size)
        self.compare(expected, found, size)
        if found == expected:
            self._finish(operands[0], self.get(operands[1], access), flags, access)
        else:
            self._finish(operands[0], found, flags, access)
            write_register(engine, 0, found, size)

    def _compare_exchange_pair(self, instruction: Any, access: _Access) -> None:
        engine = self.domain.engine
        at = self._address(instruction.operands[0])
        found = access.read(at, 8)
        if found == engine.edx << 32 | engine.eax:
            access.write(at, 8, engine.ecx << 32 | engine.ebx)
            engine.eflags |= _ZF
        else:
            engine.eax, engine.edx = found & 0xFFFFFFFF, found >> 32
            engine.eflags &= ~_ZF

    def _bit(self, operate: Callable[[int, int], int]) -> Callable[[Any, _Access], None]:
        def act(operands: Any, access: _Access) -> None:
            engine = self.domain.engine
            size = operands[0].size
            at = self._address(operands[0])
            number = self.get(operands[1], access)
            if operands[1].type == x86_const.X86_OP_REG:
                signed = struct.unpack("<i", struct.pack("<I", number))[0] if size == 4 else number
                at = at + (signed >> 5 if size == 4 else signed >> 4) * size & 0xFFFFFFFF
            bit = 1 << number % (8 * size)
            old = access.read(at, size)
            access.write(at, size, operate(old, bit))
            engine.eflags = engine.eflags & ~_CF | (_CF if old & bit else 0)

        return act

    def _bit_set(self, operands: Any, access: _Access) -> None:
        self._bit(lambda old, bit: old | bit)(operands, access)

    def _bit_reset(self, operands: Any, access: _Access) -> None:
        self._bit(lambda old, bit: old & ~bit)(operands, access)

    def _bit_complement(self, operands: Any, access: _Access) -> None:
        self._bit(lambda old, bit: old ^ bit)(operands, access)

    def _string(self, instruction: Any, name: str, access: _Access) -> bool:
        """One element of STOS or MOVS; True while a repeat prefix asks for more."""
        engine = self.domain.engine
        repeated = any(prefix in (0xF2, 0xF3) for prefix in instruction.prefix)
        if repeated and engine.ecx == 0:
            return False
        size = _STRING[name]
        step = -size if engine.eflags & _DF else size
        target = engine.segment(SegmentName.ES).base + engine.edi & 0xFFFFFFFF
        if name.startswith("movs"):
            source = engine.segment(SegmentName.DS).base + engine.esi & 0xFFFFFFFF
            access.write(target, size, access.read(source, size))
            engine.esi = engine.esi + step & 0xFFFFFFFF
        else:
            access.write(target, size, read_register(engine, 0, size))
        engine.edi = engine.edi + step & 0xFFFFFFFF
        if not repeated:
            return False
        engine.ecx = engine.ecx - 1 & 0xFFFFFFFF
        return engine.ecx != 0


_ACTIONS: Final[dict[str, Callable[[StoreEmulator, Any, _Access], None]]] = {
    "mov": StoreEmulator._move,
    "movnti": StoreEmulator._move,
    "not": StoreEmulator._not,
    "neg": StoreEmulator._negate,
    "push": StoreEmulator._push,
    "pop": StoreEmulator._pop,
    "movzx": StoreEmulator._move,
    "xchg": StoreEmulator._exchange,
    "cmpxchg": StoreEmulator._compare_exchange,
    "and": StoreEmulator._and,
    "or": StoreEmulator._or,
    "xor": StoreEmulator._xor,
    "add": StoreEmulator._add,
    "sub": StoreEmulator._subtract,
    "inc": StoreEmulator._increment,
    "dec": StoreEmulator._decrement,
    "xadd": StoreEmulator._exchange_add,
    "bts": StoreEmulator._bit_set,
    "btr": StoreEmulator._bit_reset,
    "btc": StoreEmulator._bit_complement,
}
_NAMED: Final[dict[str, Callable[[StoreEmulator, str, Any, _Access], None]]] = {
    **dict.fromkeys(SHIFTS, StoreEmulator._shift),
    **dict.fromkeys((f"set{suffix}" for suffix in CONDITIONS), StoreEmulator._set_condition),
    **dict.fromkeys(("adc", "sbb"), StoreEmulator._with_carry),
}
"""Instructions of one form whose name says what they compute."""
