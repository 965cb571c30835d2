"""What a seeded fault is, and how it is put in and taken out again."""

from __future__ import annotations

import enum
import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from vmirom.conform.model.player import Setting
from vmirom.machine.clock import VIRTUAL
from vmirom.rom.image import load_rom

__all__ = ["CantApply", "Fault", "HostPatch", "RomPatch", "Where", "applied"]


class CantApply(Exception):
    """What a fault changes is not there, or not as it was: it must be looked at, and is never caught."""


class Where(enum.Enum):
    """Whose fault it is."""

    ROM = "rom"
    HYPERVISOR = "hypervisor"


RomPatch = Callable[[bytes], bytes]
"""A ROM's bytes to those of a faulty one. Raises CantApply."""


@dataclass(frozen=True, slots=True)
class HostPatch:
    """An attribute of a hypervisor, ``module:Class.name`` or ``module:name`` below vmirom, and what makes the
    faulty one of it."""

    target: str
    make: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. ``sentence`` says what goes wrong, ``breaks`` which clauses are no longer kept by it;
    ``options`` are the hypervisor's where it takes a certain one."""

    id: str
    sentence: str
    backend: str
    breaks: tuple[str, ...]
    patch: RomPatch | HostPatch
    options: Mapping[str, Any] = field(default_factory=dict)
    abi: str = "3.1"

    @property
    def where(self) -> Where:
        """Whose it is."""
        return Where.HYPERVISOR if isinstance(self.patch, HostPatch) else Where.ROM

    @property
    def areas(self) -> tuple[str, ...]:
        """Areas of the clauses that it breaks (``IRQ``)."""
        return tuple(dict.fromkeys(clause.split("-")[1] for clause in self.breaks))

    def setting(self, budget: float) -> Setting:
        """To play on, with the faulty ROM if it is one, by virtual time: a starved process catches nothing.
        Raises CantApply."""
        rom = load_rom(self.backend, self.abi).data
        if not isinstance(self.patch, HostPatch):
            rom = self.rom()
        return Setting(self.backend, dict(self.options), rom, self.abi, budget, clock=VIRTUAL)

    def rom(self) -> bytes:
        """The ROM that this fault is tried with. Raises CantApply where the patch changes nothing."""
        rom = load_rom(self.backend, self.abi).data
        if isinstance(self.patch, HostPatch):
            return rom
        patched = self.patch(rom)
        if patched == rom or len(patched) != len(rom):
            raise CantApply(f"{self.id}: the patch changes nothing, or the length")
        return patched


@contextmanager
def applied(fault: Fault) -> Iterator[None]:
    """With the hypervisor's part of a fault in force in this process. Raises CantApply."""
    if not isinstance(fault.patch, HostPatch):
        yield
        return
    module, _, path = fault.patch.target.partition(":")
    *owners, name = path.split(".")
    try:
        owner: Any = importlib.import_module(f"vmirom.{module}")
        for part in owners:
            owner = getattr(owner, part)
        original = vars(owner)[name]
    except (ImportError, AttributeError, KeyError):
        raise CantApply(f"{fault.id}: {fault.patch.target} is not there") from None
    setattr(owner, name, fault.patch.make(original))
    try:
        yield
    finally:
        setattr(owner, name, original)
