"""A second, tiny processor that executes single instructions for the host: RDTSC and CPUID.

unicorn's RDTSC is the host's counter, and its CPUID a property of the build; both are asked by executing
the instruction, so that the answer is the one the guest would get, or by a road that was seen to give
the same. One a process, made at first use.
"""

from __future__ import annotations

import ctypes
import mmap
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from vmirom.machine.unicorn.calibration import calibrate
from vmirom.machine.unicorn.hostcode import counter
from vmirom.machine.unicorn.library import Machine
from vmirom.machine.unicorn.state import State

__all__ = ["cpuid", "tsc", "tsc_hz"]

_RDTSC: Final = 0x100
_CPUID: Final = 0x200
_MEASURE_NS: Final = 8_000_000
"""Least time over which the counter's rate is measured."""
_CLOSE_NS: Final = 40_000
_TRIES: Final = 50


class _Scratch:
    def __init__(self) -> None:
        self.machine = Machine(1 << 20)
        self.ram = mmap.mmap(-1, 0x1000)
        self.ram[_RDTSC : _RDTSC + 3] = b"\x0f\x31\xf4"
        self.ram[_CPUID : _CPUID + 3] = b"\x0f\xa2\xf4"
        self.pin = ctypes.c_char.from_buffer(self.ram)
        machine = self.machine
        address = ctypes.addressof(self.pin)
        machine.check(machine.c.uc_mem_map_ptr(machine.handle, 0, len(self.ram), 7, address), "memory")
        self.state = State(machine, calibrate(), live=True)
        self.lock = threading.Lock()
        self.execute(_RDTSC)
        self.born = self.pair()
        """(monotonic ns, TSC) when it was made."""

    def pair(self) -> tuple[int, int]:
        """A (monotonic ns, TSC) pair read closely together: the closest of five tries, or of more where the
        machine is so busy that none was close."""
        best: tuple[int, int, int] | None = None
        for turn in range(_TRIES):
            if best is not None and turn >= 5 and best[0] < _CLOSE_NS:
                break
            before = time.monotonic_ns()
            low, _, _, high = self.execute(_RDTSC)
            after = time.monotonic_ns()
            if best is None or after - before < best[0]:
                best = (after - before, (before + after) // 2, high << 32 | low)
        assert best is not None
        return best[1], best[2]

    def execute(self, at: int, eax: int = 0, ecx: int = 0) -> tuple[int, int, int, int]:
        """EAX EBX ECX EDX after the instruction at ``at``."""
        state = self.state
        with self.lock:
            state._forget()
            state.eax, state.ecx = eax, ecx
            self.machine.c.uc_emu_start(self.machine.handle, at, 0xFFFFFFFFFFFF, 0, 0)
            state._forget()
            return state.eax, state.ebx, state.ecx, state.edx


@lru_cache(maxsize=1)
def _scratch() -> _Scratch:
    return _Scratch()


def _executed_tsc() -> int:
    low, _, _, high = _scratch().execute(_RDTSC)
    return high << 32 | low


@lru_cache(maxsize=1)
def _counter() -> Callable[[], int]:
    """The host's own counter, if it is the one that unicorn reads."""
    read = counter()
    if read is not None and read() <= _executed_tsc() <= read():
        return read
    return _executed_tsc


def tsc() -> int:
    """What RDTSC gives now; 0.3 us where the host can be asked itself, else about 3 us."""
    return _counter()()


@lru_cache(maxsize=256)
def cpuid(leaf: int, subleaf: int) -> tuple[int, int, int, int]:
    """(EAX, EBX, ECX, EDX) of the build's own CPUID."""
    return _scratch().execute(_CPUID, leaf, subleaf)


@lru_cache(maxsize=1)
def tsc_hz() -> int:
    """Ticks of the counter in a second, measured once against the monotonic clock: since the processor was
    made, and for 8 ms at least."""
    start_ns, start = _scratch().born
    time.sleep(max(0, start_ns + _MEASURE_NS - time.monotonic_ns()) / 1e9)
    end_ns, end = _scratch().pair()
    return (end - start) * 1_000_000_000 // (end_ns - start_ns)
