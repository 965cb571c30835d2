"""Port instructions: permission, the devices behind them, and stopping right behind one.

unicorn lets every ring reach every port and stops only at the end of a block. Permission is checked
here as the processor would, with IOPL and the TSS bitmap; and a debug breakpoint on the very port, armed
from inside the hook, makes the processor leave right after the access (QEMU tests for it when the hidden
flag HF_IOBPT is set).
"""

from __future__ import annotations

import struct
from contextlib import AbstractContextManager
from typing import Final

from vmirom.machine.engine import Ports
from vmirom.machine.memory import BadAddress, Memory
from vmirom.machine.paging import PageFault, read_virtual
from vmirom.machine.unicorn.state import State

__all__ = ["PortAccess"]

_PREFIXES: Final = tuple(bytes([b]) for b in b"\x26\x2e\x36\x3e\x64\x65\x66\x67\xf0\xf2\xf3")
_INS: Final = (b"\x6c", b"\x6d")
_STRING_PORTS: Final = (*_INS, b"\x6e", b"\x6f")
_LONGEST_INSTRUCTION: Final = 15


class PortAccess(State):
    """The part of the engine that stands between IN and OUT and the devices."""

    memory: Memory
    _ports: Ports | None
    _in_port: bool
    _kicked: bool
    _refused: tuple[int, ...] | None
    _port_breakpoint: tuple[int, int, int] | None
    _step_of: int | None
    _last_step: tuple[int, int, int, int, int] | None
    _last_value: int
    _redo: tuple[int, int, int, int, int] | None
    _stop_lock: AbstractContextManager[bool]

    def _linear(self, offset: int) -> int:
        return offset + self._word(self.layout.segments + 24 + 8) & 0xFFFFFFFF

    def set_ports(self, ports: Ports | None) -> None:
        """See :class:`vmirom.machine.engine.Engine`."""
        self._ports = ports

    def _on_in(self, _handle: int, port: int, size: int, _key: int) -> int:
        if self._is_refused(port, size):
            self._refuse_port(port)
            return self.eax & (1 << 8 * size) - 1
        if self._ports is None:
            return (1 << 8 * size) - 1
        self._enter_port()
        step = (self._raw_eip, self.ecx, self.edi)
        redo, self._redo = self._redo, None
        again = redo == (*step, port, size)
        value = self._last_value if again else self._ports.port_in(port, size)
        self._last_step, self._last_value = (*step, port, size), value
        if self._kicked:
            self._stop_behind(port)
        self._in_port = False
        return value & (1 << 8 * size) - 1

    def _on_out(self, _handle: int, port: int, size: int, value: int, _key: int) -> None:
        if self._is_refused(port, size):
            self._refuse_port(port)
        elif (ports := self._ports) is not None:
            self._enter_port()
            ports.port_out(port, size, value & (1 << 8 * size) - 1)
            if self._kicked:
                self._stop_behind(port)
            self._in_port = False

    def _step_undone(self) -> bool:
        """Whether a stop has undone an INS, or a step of a repeated one, behind its access: unicorn leaves at
        the store that follows. It is done again, with the value that the device has given already."""
        last = self._last_step
        if last is not None and (last[:3] != (self._raw_eip, self.ecx, self.edi) or not self._is_ins()):
            self._last_step = last = None
        return last is not None

    def _enter_port(self) -> None:
        """From here until the access is behind us no stop comes from outside. One that came before is no
        reason to do without a breakpoint: if unicorn had not begun by then, it is forgotten, or else it ends
        the run at the end of the block only."""
        with self._stop_lock:
            self._in_port = True

    def _is_refused(self, port: int, size: int) -> bool:
        """unicorn checks neither IOPL nor the TSS bitmap."""
        if self._stale:
            self._load()
        flags, ring = self._words[self._file + 34], self._words[self._file + 44] & 3
        if ring == 0 and not flags & 1 << 17:
            return False
        if self._ports is None:
            return True
        if ring <= flags >> 12 & 3 and not flags & 1 << 17:
            return False
        return not self._bitmap_allows(port, size)

    def _bitmap_allows(self, port: int, size: int) -> bool:
        tss = self.task_register()
        if tss.limit < 0x67 or tss.attributes & 0x0F00 not in (0x0900, 0x0B00):
            return False
        start = self._supervisor_u16(tss.base + 0x66)
        if start is None or start + (port >> 3) + 1 > tss.limit:
            return False
        bits = self._supervisor_u16(tss.base + start + (port >> 3))
        return bits is not None and not bits >> (port & 7) & (1 << size) - 1

    def _supervisor_u16(self, gva: int) -> int | None:
        mode = self.mode
        try:
            data = read_virtual(self.memory, self.cr3, mode, gva, 2)
        except BadAddress:
            return None
        return None if isinstance(data, PageFault) else int(struct.unpack("<H", data)[0])

    def _registers(self) -> tuple[int, ...]:
        return (self.eax, self.ecx, self.esi, self.edi, self._raw_eip)

    def _refuse_port(self, port: int) -> None:
        self._refused = self._registers()
        self._break_behind(port)

    def _stop_behind(self, port: int) -> None:
        """Stop right after the port access that is executing; see :meth:`_after_step`."""
        self._step_of = self._raw_eip if self._is_repeated() else None
        self._break_behind(port)

    def _is_repeated(self) -> bool:
        """Whether a repeat prefix stands before the port instruction at EIP."""
        return self._prefixed(self._raw_eip, b"\xf2\xf3")

    def _is_ins(self) -> bool:
        """Whether the instruction at EIP is INS, with or without prefixes."""
        return self._instruction(self._raw_eip)[1] in _INS

    def _prefixed(self, start: int, wanted: bytes) -> bool:
        """Whether the instruction at offset ``start`` is a string port one with one of these prefixes."""
        prefixes, opcode = self._instruction(start)
        return opcode in _STRING_PORTS and any(byte in wanted for byte in prefixes)

    def _instruction(self, start: int) -> tuple[bytes, bytes]:
        """Prefixes and first opcode byte at offset ``start``; the latter is empty where it can't be read."""
        mode = self.mode
        prefixes = b""
        for at in range(start, start + _LONGEST_INSTRUCTION):
            try:
                byte = read_virtual(self.memory, self.cr3, mode, self._linear(at), 1)
            except BadAddress:
                break
            if isinstance(byte, PageFault):
                break
            if byte not in _PREFIXES:
                return prefixes, byte
            prefixes += byte
        return prefixes, b""

    def _break_behind(self, port: int) -> None:
        """Make the processor stop right after the port access that it is executing."""
        at = self.layout.debug
        self._port_breakpoint = (self._word(at), self._word(at + 48), self._word(at + 56))
        self._set_word(at, port)
        self._set_word(at + 56, 0x00020002)  # DR0: an I/O breakpoint of one byte, enabled

    def _after_step(self, start: int) -> None:
        """A breakpoint in a repeated port instruction comes before the step is counted, with EIP behind the
        instruction: count it and go back, so that the steps that are left are done by the next run."""
        narrow = self._prefixed(start, b"\x67")
        self.ecx = self.ecx & 0xFFFF0000 | self.ecx - 1 & 0xFFFF if narrow else self.ecx - 1 & 0xFFFFFFFF
        self._raw_eip = start

    def _undo(self) -> None:
        """Back to the state before a refused instruction. A refused INS has stored a zero by then."""
        assert self._refused is not None
        self.eax, self.ecx, self.esi, self.edi, self._raw_eip = self._refused
        self._refused = None
