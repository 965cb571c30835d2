"""Instructions that are somebody else's to carry out: the engine stops in front of them and asks.

A hook stands at each address of known code where the opcode's bytes do; it fires where an instruction starts.
"""

from __future__ import annotations

from collections.abc import Callable

from vmirom.machine.unicorn import library as lib
from vmirom.machine.unicorn.state import State

__all__ = ["Opcodes"]


class Opcodes(State):
    """The part of the engine that watches for opcodes."""

    _code_kind: int
    _tb_flush: int
    _opcodes: list[tuple[bytes, Callable[[], bool]]]
    _code: list[tuple[int, bytes]]
    _placed: set[tuple[int, bytes]]
    _wanted: Callable[[], bool] | None = None
    """Who is to be asked about the instruction at EIP."""
    _skip: int | None = None
    """Linear address of one that was not wanted and is executed now."""

    def trap_opcode(self, opcode: bytes, seen: Callable[[], bool]) -> None:
        """See :class:`vmirom.machine.engine.Engine`."""
        self._opcodes.append((opcode, seen))
        self._place_opcodes()

    def code(self, gva: int, data: bytes) -> None:
        """See :class:`vmirom.machine.engine.Engine`."""
        self._code.append((gva, data))
        self._place_opcodes()

    def _place_opcodes(self) -> None:
        placed = False
        for opcode, seen in self._opcodes:
            for gva, data in self._code:
                at = data.find(opcode)
                while at >= 0:
                    if (gva + at, opcode) not in self._placed:
                        self._placed.add((gva + at, opcode))
                        self._place_opcode(gva + at, seen)
                        placed = True
                    at = data.find(opcode, at + 1)
        if placed:
            self.machine.control(self._tb_flush)

    def _place_opcode(self, gva: int, seen: Callable[[], bool]) -> None:
        def on_code(_handle: int, address: int, _size: int, _key: int) -> None:
            if self._skip == address:
                self._skip = None
                return
            self._wanted = seen
            self._leave()

        self.machine.hook(self._code_kind, lib.CODE_CALLBACK, on_code, gva, gva)
