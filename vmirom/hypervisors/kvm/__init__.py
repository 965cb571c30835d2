"""The embedded KVM: the native PC plus KVM's paravirtual ABI. Read era, clock, calls, machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from vmirom.hypervisors.hypervisor import Console, Trace
from vmirom.hypervisors.kvm.era import ERAS
from vmirom.hypervisors.kvm.machine import KvmMachine
from vmirom.hypervisors.native import Module
from vmirom.machine.engine import Engine
from vmirom.machine.memory import Memory
from vmirom.machine.phase import in_phase

__all__ = ["VARIES", "KvmMachine", "make"]

VARIES: Final = {"host_era": tuple(ERAS)}
"""Options of :func:`make` that a campaign may choose, and from what."""


def make(
    engine_factory: Callable[[Memory], Engine],
    memory_mib: int,
    console: Console,
    trace: Trace,
    modules: Sequence[Module] = (),
    host_era: str = "2026",
    phase: int = 0,
) -> KvmMachine:
    """A PC under KVM; ``host_era`` 2008 or 2026 says which features it advertises and serves, ``phase`` where
    it is looked what is due.

    Raises LoadError.
    """
    return KvmMachine(in_phase(engine_factory, phase), memory_mib, console, trace, modules, host_era)
