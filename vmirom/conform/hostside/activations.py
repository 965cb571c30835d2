"""Who called the ROM, and how far its stack reaches: each time that a guest's code leads into the ROM's.

A call, a trap, an interrupt and an upcall all begin with a stack pointer; what lies below it is the ROM's to
use, and above it a return address, arguments, or a frame. A guest's handler may come in between and go back
into the middle of the ROM: what was entered before then goes on. And the ROM may leave for user code of which
not one instruction runs, and be entered anew on the stack that the guest named for traps from there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from vmirom.schema.calls import Call, Kind

__all__ = ["STACK_DEPTH", "Activation", "Activations"]

STACK_DEPTH: Final = 0xE00
"""Bytes below its caller that a call may use: what a kernel stack of a page has left."""
_FRAME: Final = 24
"""Error code, EIP, CS, EFLAGS, ESP, SS: what an entry that is no call finds on the stack. A call of the kind
that never returns finds the same."""
_SEGMENTS: Final = 16
"""A hypervisor may put four selectors beside a frame."""
_WAITING: Final = 32


@dataclass(slots=True)
class Activation:
    """One entry at ``eip``: ``call`` is None for vmi_init, get_reloc and what is no call; registers in the
    order EAX, EDX, ECX, EBX, ESI, EDI, EBP."""

    eip: int
    esp: int
    registers: tuple[int, ...] = ()
    call: Call | None = None

    @property
    def stack(self) -> tuple[int, int]:
        """Linear addresses from and to which it may store on its stack."""
        above = _FRAME + _SEGMENTS
        if self.call is not None:
            above = _FRAME if self.call.kind is Kind.JUMP else 4 + self.call.stack_bytes
        return self.esp - STACK_DEPTH, self.esp + above


class Activations:
    """``now`` is the one that runs, or has run last."""

    def __init__(self) -> None:
        self.now = Activation(0, 0)
        self._waiting: list[tuple[int, Activation]] = []
        self._from_user = 0

    def entered(self, activation: Activation) -> None:
        """Code of the guest led into the ROM."""
        self.now = activation

    def left(self, esp: int) -> None:
        """Code of the guest goes on with this stack pointer: if it is below the entry's, a handler was
        called, which may come back."""
        if esp < self.now.esp:
            self._waiting = [one for one in self._waiting if one[1] is not self.now][1 - _WAITING :]
            self._waiting.append((esp, self.now))

    def user_stack(self, top: int) -> None:
        """Traps from user code begin below ``top`` from now on."""
        self._from_user = top

    def possible(self, esp: int) -> Iterator[Activation]:
        """Those that can be the one that runs with this stack pointer: the one that was entered, and, where
        that is no call or has already given its stack back, others that a handler interrupted there, or one
        that began at a trap from user code."""
        now = self.now
        yield now
        if now.call is None or esp > now.esp:
            for below, one in reversed(self._waiting):
                if below <= esp <= one.esp and one is not now:
                    yield one
        if self._from_user - STACK_DEPTH < esp <= self._from_user:
            frame = _FRAME + _SEGMENTS
            yield Activation(0, self._from_user - frame)
