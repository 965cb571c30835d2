"""What is seen of a call that was made from outside: how it ended, the processor before and behind it, its
stores, and how often the hypervisor was asked."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from vmirom.conform.hostside.contract import Processor

__all__ = ["How", "Made", "Store", "Unsettled"]


class How(enum.Enum):
    """How a call ended."""

    RETURNED = "it came back"
    USER = "it went to user code"
    TRAPPED = "it trapped"
    ENDED = "the machine ended"
    HUNG = "it did not come back"


@dataclass(frozen=True, slots=True)
class Store:
    """One store of code that is not the guest's. ``gpa`` is None where the frame is not the guest's; ``old``
    is what was there; ``eip`` the instruction."""

    gpa: int | None
    size: int
    value: int
    old: int
    eip: int


@dataclass(frozen=True, slots=True)
class Made:
    """A call that was made. ``why`` tells more of an end that is no return; ``exits`` counts how often the
    engine was left for the hypervisor; ``instructions`` those of the ROM, if they were looked at."""

    how: How
    before: Processor
    after: Processor
    why: str = ""
    stores: tuple[Store, ...] = ()
    exits: int = 0
    instructions: tuple[int, ...] = ()
    interrupts: int = 0

    def __getitem__(self, name: str) -> int:
        """A register behind the call."""
        return self.after.general[name]

    @property
    def pair(self) -> int:
        """EDX:EAX."""
        return self["EDX"] << 32 | self["EAX"]


class Unsettled(Exception):
    """``call`` did not come back when the machine was to be as at the beginning: it is lost."""

    def __init__(self, call: str, why: str) -> None:
        super().__init__(f"{call}: {why}")
        self.call, self.why = call, why
