"""Hypervisors that follow a script instead of running a guest: what hosts do with each ending is tested
without one."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from vmirom.hypervisors.hypervisor import Ending, EndKind
from vmirom.overlays.vmi import Call

Script = Callable[["Scripted", int], Ending]


class Scripted:
    """Satisfies ``Hypervisor``; ``script(self, deadline_ns)`` is its run."""

    name = "scripted"

    def __init__(self, script: Script, console: Any, trace: Any, options: dict[str, Any]) -> None:
        self.script = script
        self.console = console
        self.trace = trace
        self.options = options
        self.command_line = ""

    def load(self, bundle: bytes, command_line: str = "") -> None:
        self.command_line = command_line

    def run(self, deadline_ns: int) -> Ending:
        return self.script(self, deadline_ns)

    def pfn_of(self, frame: int) -> int | None:
        return frame

    def describe(self) -> str:
        return "eip 0xc0100000\neax 0x0"


def module(script: Script) -> Any:
    """What ``hypervisor_module`` gives for a backend that follows ``script``."""

    def make(
        engine_factory: Any, memory_mib: int, console: Any, trace: Any, host_era: str = "2026"
    ) -> Scripted:
        return Scripted(script, console, trace, {"host_era": host_era, "memory_mib": memory_mib})

    return SimpleNamespace(make=make)


def well(hv: Scripted, deadline_ns: int) -> Ending:
    """Prints three lines and a note, makes calls and hypercalls, powers off with success."""
    hv.console(b"hello from the guest\r\n~ took 5 ms\n")
    hv.trace.call(Call.SetCR3)
    hv.trace.hypercall("mmuext_op", (1, 2), 0)
    hv.trace.call(Call.SetCR3)
    hv.trace.hypercall("mmu_update", (3,), -22, "not pinned")
    hv.trace.call(Call.EnableInterrupts)
    hv.console(f"command line: {hv.command_line}\n".encode())
    hv.console(b"bye")
    return Ending(EndKind.SHUTDOWN, "power off", 0x10)


def ends(kind: EndKind, reason: str = "so it is", status: int | None = None) -> Script:
    return lambda hv, deadline_ns: Ending(kind, reason, status)


def other(hv: Scripted, deadline_ns: int) -> Ending:
    hv.console(b"hello from the guest\ncommand line: \nso long\n")
    return Ending(EndKind.SHUTDOWN, "power off", 0x10)


def broken(hv: Scripted, deadline_ns: int) -> Ending:
    raise ZeroDivisionError("a fault\nof ours")


def dies(hv: Scripted, deadline_ns: int) -> Ending:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("not reached")


def stuck(hv: Scripted, deadline_ns: int) -> Ending:
    time.sleep(60)
    raise AssertionError("nobody ended this worker")
