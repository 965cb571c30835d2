"""The rate of this machine's time-stamp counter, which QEMU's own processor passes on to its guests.

A kernel under a loaded QEMU fails to measure it now and then and hangs, so it is measured here, without
anything in between, and told.
"""

from __future__ import annotations

import ctypes
import functools
import mmap
import platform
import time
from typing import Final

__all__ = ["tsc_khz"]

_RDTSC: Final = b"\x0f\x31\x48\xc1\xe2\x20\x48\x09\xd0\xc3"  # rdtsc; rax |= rdx << 32; ret
_READS: Final = 50
_APART: Final = 0.02
_MILLION: Final = 1_000_000


@functools.cache
def tsc_khz() -> int:
    """kHz; 0 where the processor is no x86-64 or forbids it. Takes 20 ms once."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return 0
    try:
        page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    except OSError:
        return 0
    page.write(_RDTSC)
    pin = ctypes.c_char.from_buffer(page)
    read = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(pin))
    first = _pair(read)
    time.sleep(_APART)
    second = _pair(read)
    return round((second[1] - first[1]) * _MILLION / (second[0] - first[0]))


def _pair(read: ctypes._CFunctionType) -> tuple[float, int]:
    """(ns, ticks) of one moment: the tightest of some readings."""
    best: tuple[int, float, int] | None = None
    for _ in range(_READS):
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
        ticks = read()
        after = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
        if best is None or after - before < best[0]:
            best = (after - before, (before + after) / 2, ticks)
    assert best is not None
    return best[1], best[2]
