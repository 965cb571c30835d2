"""Runs of an engine whose time is what the guest executes.

One hook stands in front of every block, in the host's own code. It counts, and asks Python only where there
is something to do: behind the last step that may be taken, which is the deadline's, one that a kick has set,
or one that comes now and then for the sake of a KeyboardInterrupt and of the host's patience; where an
interrupt can be taken that waits; and where a block is watched. A run is left from there alone, in front of a
block that has then not been entered, so that no stop comes from the side and none changes the count.

It is the only hook of its kind, since unicorn calls one directly, but looks through several each time. Where
the host's own code can't be had, Python is called for each block.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Final

from vmirom.machine.clock import STEP_NS, TSC_NS, Steps, VirtualClock
from vmirom.machine.engine import Exit, Preempted, Window
from vmirom.machine.unicorn import library as lib
from vmirom.machine.unicorn.hostcode import HostCode, stepped, ticks_of_steps
from vmirom.machine.unicorn.looks import Looks

__all__ = ["SteppedRuns"]

_ATTENTION: Final = 1 << 20
"""Most steps without a word to Python."""
_RDTSC: Final = TSC_NS // STEP_NS
"""What one is worth."""
_NEVER: Final = (1 << 63) - 1
_MAP_BITS: Final = 1 << 20
"""Blocks are looked up by as many low bits of their address as number these."""


class SteppedRuns(Looks):
    """The part of the engine that counts, for a VirtualClock."""

    _virtual: VirtualClock | None = None
    _kicked: bool
    _steps: Steps | None = None
    _look_at: tuple[int, int] | None = None
    """The first step at which a deadline counts, and how many there are from one such to the next."""
    _last: int = 0
    """The step behind which this run is over."""
    _in_window: bool = False
    _host_steps: bool = False
    _own_rdtsc: int | None = None

    _start: Callable[[bool], int]
    _look: Callable[[int], Exit | None]
    _leave: Callable[[], None]
    _step_undone: Callable[[], bool]
    interruptible: bool

    def _count_steps(self, clock: VirtualClock) -> None:
        """From now on; before the guest runs."""
        u, x = lib.constants("unicorn_const"), lib.constants("x86_const")
        self._virtual, self._steps = clock, clock.steps
        self._watchers: list[tuple[int, int, Callable[[int], None]]] = []
        self._map = (ctypes.c_uint32 * (_MAP_BITS // 32))()
        hook, counted = self.machine.hook, self._guarded(self._on_step, None)
        hook(u.UC_HOOK_BLOCK, lib.BLOCK_CALLBACK, counted, before=self._step_counter)
        self._own_rdtsc = hook(
            u.UC_HOOK_INSN,
            lib.CPUID_CALLBACK,
            self._guarded(self._on_time_asked, 1),
            instruction=x.UC_X86_INS_RDTSC,
            before=self._ticks_reader,
        )
        beside = self._guarded(self._on_time_and_processor_asked, 1)
        hook(u.UC_HOOK_INSN, lib.CPUID_CALLBACK, beside, instruction=x.UC_X86_INS_RDTSCP)

    def _step_counter(self, callback: int) -> HostCode | None:
        assert self._steps is not None
        if self._image is None:
            return None
        flags, hidden = self._image + self.layout.eflags, self._image + self.layout.hflags
        code = stepped(self._steps.address, ctypes.addressof(self._map), flags, hidden, callback)
        self._host_steps = code is not None
        return code

    def _ticks_reader(self, _callback: int) -> HostCode | None:
        assert self._steps is not None
        if self._image is None:
            return None
        registers = self._image + self.layout.regs
        return ticks_of_steps(self._steps.address, _RDTSC, VirtualClock.TICKS, registers)

    def _on_time_asked(self, _handle: int, _key: int) -> int:
        assert self._steps is not None and self._virtual is not None
        self._steps.taken += _RDTSC
        value = self._virtual.tsc()
        self.eax, self.edx = value, value >> 32
        return 1

    def _on_time_and_processor_asked(self, handle: int, key: int) -> int:
        """RDTSCP."""
        self.ecx = 0
        return self._on_time_asked(handle, key)

    # what the engine does otherwise for a clock that goes on by itself

    def look_every(self, blocks: int, first: int) -> None:
        """See :class:`vmirom.machine.engine.Engine`."""
        if self._steps is None:
            super().look_every(blocks, first)
        else:
            self._look_at = first, blocks

    def watch(self, gva: int, length: int, seen: Callable[[int], None]) -> None:
        """See :class:`vmirom.machine.engine.Engine`."""
        if self._steps is None or self.machine.hooks[self._block_kind] > 1:
            super().watch(
                gva, length, seen
            )  # where others look on as well, one behind the other as they came
            return
        self._watchers.append((gva, gva + length, seen))
        for at in range(gva, gva + min(length, _MAP_BITS)):
            self._map[at % _MAP_BITS >> 5] |= 1 << (at & 31)

    def _watch_windows(self, wanted: bool) -> None:
        if self._steps is None:
            super()._watch_windows(wanted)

    def _begin_window(self) -> None:
        if self._steps is None:
            super()._begin_window()

    def _end_window(self) -> None:
        if self._steps is None:
            super()._end_window()

    # runs

    def _run_steps(self, deadline_ns: int | None, window: bool) -> Exit:
        """As the engine's run. The answer to a deadline comes in front of the first block that begins at or
        after it, or, in a phase, at the next look."""
        steps, clock = self._steps, self._virtual
        assert steps is not None and clock is not None
        self._in_window = window
        while True:
            if self._kicked and not self._step_undone():
                self._kicked = False
                return Preempted()
            self._last = _NEVER if deadline_ns is None else self._end_of(deadline_ns, clock)
            if steps.taken >= self._last or not clock.check_patience():
                return Preempted()
            self._allow(steps)
            found = self._look(self._start(False))
            if found is not None:
                return found
            if window and self.interruptible:
                return Window()

    def _end_of(self, deadline_ns: int, clock: VirtualClock) -> int:
        step = clock.step_at(deadline_ns)
        if self._look_at is None:
            return step
        first, every = self._look_at
        return first + max(0, -((first - step) // every)) * every

    def _allow(self, steps: Steps) -> None:
        """Some more steps, or none where another thread has just kicked."""
        last = min(self._last, steps.taken + _ATTENTION)
        steps.allow(last, look=self._in_window)
        if self._kicked:
            steps.allow(0)

    def _on_step(self, _handle: int, address: int, _size: int, _key: int) -> None:
        """In front of a block that may be one too many, or of some interest."""
        steps, clock = self._steps, self._virtual
        assert steps is not None and clock is not None
        if not self._host_steps:
            steps.taken += 1
        try:
            if steps.taken > steps.last:
                if self._kicked or steps.taken > self._last or not clock.check_patience():
                    self._leave_here(steps)
                    return
                self._allow(steps)
            if self._in_window and self.interruptible:
                self._leave_here(steps)
                return
            for begin, end, seen in self._watchers:
                if begin <= address < end:
                    seen(address)
        except BaseException:
            steps.taken -= 1
            raise

    def _leave_here(self, steps: Steps) -> None:
        """The block has not been entered."""
        steps.taken -= 1
        self._leave()
