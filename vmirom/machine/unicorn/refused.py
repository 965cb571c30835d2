"""Instructions that the engine stops in front of, because unicorn would not refuse them, or do worse.

See :mod:`vmirom.machine.unicorn.lockprefix` for which these are. Met at the head of a block, one is #UD. One
further on is made the end of the block first: an address where unicorn ends a run, for that run alone.
"""

from __future__ import annotations

import ctypes
from typing import Final

from vmirom.machine.addresses import PAGE_SIZE
from vmirom.machine.engine import Trap
from vmirom.machine.memory import BadAddress, Memory
from vmirom.machine.paging import PageFault, read_virtual
from vmirom.machine.unicorn.lockprefix import first_refused
from vmirom.machine.unicorn.state import State
from vmirom.machine.unicorn.translation import watch_translation

__all__ = ["Refusals"]

_CS32: Final = 1 << 4
_UD: Final = 6


class Refusals(State):
    """The part of the engine that looks at blocks before they run."""

    memory: Memory
    _exits: int
    _watched: object | None
    _tb_flush: int
    _refused_at: int | None = None
    """Linear address of an instruction that has kept its block from being run."""
    _exit_at: int | None = None
    """... and that is the end of its block in this run."""

    def _watch_blocks(self) -> None:
        self._watched = watch_translation(self._processor, self.layout, self._translated)

    def _translated(self, at: int, length: int, code: bytes | None) -> bool:
        """A block has been translated; whether it is not to be run."""
        if code is None:
            code = self._code_at(at, length)
        found = first_refused(code, bool(self.hflags & _CS32))
        if found is None:
            return False
        self._refused_at = at + found & 0xFFFFFFFF
        self.machine.quick.uc_emu_stop(self.machine.handle)
        return True

    def _code_at(self, at: int, length: int) -> bytes:
        """The bytes there, as far as they can be read."""
        mode = self.mode
        code = b""
        while len(code) < length:
            gva = at + len(code) & 0xFFFFFFFF
            try:
                there = min(length - len(code), PAGE_SIZE - gva % PAGE_SIZE)
                part = read_virtual(self.memory, self.cr3, mode, gva, there)
            except BadAddress:
                break
            if isinstance(part, PageFault):
                break
            code += part
        return code

    def _refusal(self, at: int) -> Trap | None:
        """After a run that ended at linear address ``at``: #UD, if that is in front of such an instruction.
        If it is further on, the next run ends at it."""
        ahead, self._refused_at = self._refused_at, None
        if at in (ahead, self._exit_at):
            self._end_at(None)
            return Trap(_UD)
        self._end_at(ahead)
        return None

    def _end_at(self, address: int | None) -> None:
        """Where unicorn ends the next run. Blocks that were translated for another end are dropped."""
        if address == self._exit_at:
            return
        self._exit_at = address
        addresses = (ctypes.c_uint64 * 1)(address or 0)
        self.machine.control(self._exits, addresses, ctypes.c_size_t(address is not None))
        self.machine.control(self._tb_flush)
