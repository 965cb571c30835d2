"""The embedded native PC. Its parts, in reading order: image, multiboot, machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vmirom.hypervisors.hypervisor import Console, Trace
from vmirom.hypervisors.native.machine import Machine
from vmirom.hypervisors.native.multiboot import Module
from vmirom.machine.engine import Engine
from vmirom.machine.memory import Memory
from vmirom.machine.phase import in_phase

__all__ = ["Machine", "Module", "make"]


def make(
    engine_factory: Callable[[Memory], Engine],
    memory_mib: int,
    console: Console,
    trace: Trace,
    modules: Sequence[Module] = (),
    phase: int = 0,
) -> Machine:
    """A PC of ``memory_mib`` MiB (2 to 3072), with Multiboot ``modules``; ``phase`` says where it is looked
    what is due (see :mod:`vmirom.machine.phase`). Raises LoadError."""
    return Machine(in_phase(engine_factory, phase), memory_mib, console, trace, modules)
