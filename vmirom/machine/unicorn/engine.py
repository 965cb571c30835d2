"""The engine that works everywhere: i386 instructions executed by unicorn.

The run loop and the hooks that end a run; what else an engine does lies beside it, by subject: memory
(``physical``), ports, looks between blocks (``looks``), opcodes, and refusals (``refused``).

Every hook only records what happened and stops; :meth:`UnicornEngine.run` looks at it and gives an Exit.
The work-arounds that unicorn 2.1.4 needs are here, each with its reason:

* ``old_exception`` is set back after every vector: unicorn would report the second fault as a double
  fault and drop the third without a word.
* The processor stops *behind* a port instruction only at the end of its block. Where it has to stop at
  once (a forbidden port, a device that ends the machine), a debug breakpoint on that very port is armed
  from inside the hook; QEMU tests for it right after the access, when the hidden flag HF_IOBPT is set.
* Translated blocks carry the hook that watches for an interrupt window only if another hidden flag,
  HF_MPX_IU, tells them from the normal ones, so that a guest runs at full speed while none is asked for.
* Stops come from a ticker that repeats them. They are taken between two blocks only, since unicorn by itself
  repeats an instruction behind whose store it takes one; see :mod:`vmirom.machine.unicorn.boundaries`.
* Stores to pages that hold no code go the short way; see :mod:`vmirom.machine.unicorn.stores`.
* A block is looked at before it runs, for what unicorn would end the process at.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from vmirom.machine.clock import Clock, HostClock, VirtualClock
from vmirom.machine.engine import (
    EngineError,
    Exit,
    Halted,
    Ports,
    Preempted,
    Segment,
    SegmentName,
    Stray,
    Trap,
    Window,
)
from vmirom.machine.memory import Memory
from vmirom.machine.paging import Access, PageFault, translate
from vmirom.machine.ticker import ATTENTION_NS, ticker
from vmirom.machine.unicorn import library as lib
from vmirom.machine.unicorn import scratch
from vmirom.machine.unicorn.boundaries import stop_at_boundaries
from vmirom.machine.unicorn.calibration import calibrate
from vmirom.machine.unicorn.opcodes import Opcodes
from vmirom.machine.unicorn.physical import PhysicalMemory
from vmirom.machine.unicorn.ports import PortAccess
from vmirom.machine.unicorn.refused import Refusals
from vmirom.machine.unicorn.state import AVAILABLE_TASK, TASK_KIND
from vmirom.machine.unicorn.steps import SteppedRuns
from vmirom.machine.unicorn.stores import short_stores

__all__ = ["UnicornEngine"]

_NOWHERE: Final = 0xFFFFFFFFFFFF
_NO_VECTOR: Final = -1
_PF: Final = 14
_WITH_ERROR: Final = frozenset({8, 10, 11, 12, 13, 14, 17})
_trap: Final = lru_cache(maxsize=4096)(Trap)
_HF_INHIBIT: Final = 1 << 3
_HF_IOBPT: Final = 1 << 24
_HF_MPX_IU: Final = 1 << 26


class UnicornEngine(PhysicalMemory, PortAccess, SteppedRuns, Opcodes, Refusals):
    """One virtual CPU on ``memory``. Starts at CPL 0 with flat 32-bit segments, paging and interrupts off,
    CR4 and all general registers 0.

    ``clock`` is the machine's; without, the host's. ``live`` False and ``window_hook`` False force the slower
    portable roads; for tests.
    Raises EngineError if unicorn is missing, of another version, or a build that can't be calibrated.
    """

    def __init__(
        self, memory: Memory, clock: Clock | None = None, live: bool = True, window_hook: bool = True
    ) -> None:
        layout = calibrate()
        stop_at_boundaries()
        short_stores()
        machine = lib.Machine()
        super().__init__(machine, layout, live)
        self.memory = memory
        self.clock: Clock = HostClock(scratch.tsc, scratch.tsc_hz) if clock is None else clock
        self._map_memory()
        self._closed = False
        self._emulate, self._stop_emulation = machine.c.uc_emu_start, machine.quick.uc_emu_stop
        self._error_at, self._soft_at = layout.error_code // 4, layout.soft // 4
        self._old_exception_at = layout.old_exception // 4
        self._vector = _NO_VECTOR
        self._stray: Stray | None = None
        self._failure: BaseException | None = None
        self._refused: tuple[int, ...] | None = None
        self._port_breakpoint: tuple[int, int, int] | None = None
        self._last_step = self._redo = None
        self._last_value = 0
        self._step_of: int | None = None
        self._in_port = False
        self._kicked = False
        self._running = False
        self.stop_at_ns = 0
        self._stop_lock = ticker.lock
        self._ports: Ports | None = None
        self._cpuid: Callable[[int, int], tuple[int, int, int, int] | None] | None = None
        self._read_tsc: Callable[[], int] | None = None
        self._mends: Callable[[int, int], bool] | None = None
        self._opcodes = []
        self._code = []
        self._placed = set()
        self._add_hooks()
        if isinstance(clock, VirtualClock):
            self._count_steps(clock)
        self._watch_windows(window_hook)
        self._watch_blocks()
        self._reset()

    def _add_hooks(self) -> None:
        u, x = lib.constants("unicorn_const"), lib.constants("x86_const")
        hook = self.machine.hook
        hook(u.UC_HOOK_INTR, lib.INTERRUPT_CALLBACK, self._on_interrupt)
        hook(u.UC_HOOK_INSN_INVALID, lib.INVALID_CALLBACK, self._on_invalid)
        hook(u.UC_HOOK_MEM_INVALID, lib.MEMORY_CALLBACK, self._on_stray)
        guard = self._guarded
        hook(u.UC_HOOK_INSN, lib.IN_CALLBACK, guard(self._on_in, 0), instruction=x.UC_X86_INS_IN)
        hook(u.UC_HOOK_INSN, lib.OUT_CALLBACK, guard(self._on_out, None), instruction=x.UC_X86_INS_OUT)
        hook(u.UC_HOOK_INSN, lib.CPUID_CALLBACK, guard(self._on_cpuid, 1), instruction=x.UC_X86_INS_CPUID)
        for instruction in (x.UC_X86_INS_SYSCALL, x.UC_X86_INS_SYSENTER):
            fast = guard(self._on_fast_call, None)
            hook(u.UC_HOOK_INSN, lib.SYSCALL_CALLBACK, fast, instruction=instruction)
        self._instruction_kind, self._rdtsc = u.UC_HOOK_INSN, x.UC_X86_INS_RDTSC
        self._block_kind = u.UC_HOOK_BLOCK
        self._code_kind = u.UC_HOOK_CODE
        self._writes = (u.UC_MEM_WRITE_UNMAPPED, u.UC_MEM_WRITE_PROT)
        self._fetches = (u.UC_MEM_FETCH_UNMAPPED, u.UC_MEM_FETCH_PROT)
        self._protected = u.UC_MEM_WRITE_PROT
        self._tb_flush = u.UC_CTL_TB_FLUSH
        self._tlb_flush = u.UC_CTL_TLB_FLUSH
        self._exits = u.UC_CTL_UC_EXITS
        self._fpu = (x.UC_X86_REG_FPCW, x.UC_X86_REG_MXCSR)

    def _reset(self) -> None:
        """The state after construction; MXCSR starts as 0 in unicorn, which unmasks every exception."""
        self.cr4 = 0
        for number, value in zip(self._fpu, (0x37F, 0x1F80), strict=True):
            self.machine.write_register(number, value)
        self._forget()
        flat_code = Segment(0x08, 0, 0xFFFFFFFF, 0x00C09B00)
        flat_data = Segment(0x10, 0, 0xFFFFFFFF, 0x00C09300)
        for name in SegmentName:
            self.set_segment(name, flat_code if name == SegmentName.CS else flat_data)
        self.set_task_register(Segment(0, 0, 0, 0x8900))
        self.eflags = 2

    @staticmethod
    def prepare() -> None:
        """Do what the first engine of a process has to do, for those who fork. Raises EngineError."""
        scratch.tsc()

    # running

    def run(self, deadline_ns: int | None = None, window: bool = False) -> Exit:
        """See :class:`vmirom.machine.engine.Engine`."""
        if self._closed:
            raise EngineError("the engine is closed")
        if not window:
            return self._run(deadline_ns)
        if self.interruptible:
            return Window()
        self._begin_window()
        try:
            return self._run(deadline_ns, window=True)
        finally:
            self._end_window()

    def _run(self, deadline_ns: int | None, window: bool = False) -> Exit:
        if self._steps is not None:
            return self._run_steps(deadline_ns, window)
        if self._slice and deadline_ns is not None:
            if self.clock.now_ns() >= deadline_ns:
                return Preempted()
            deadline_ns = None
        while True:
            now = self.clock.now_ns()
            if self._kicked and not self._step_undone():
                self._kicked = False
                return Preempted()
            if self._sliced:
                self._sliced = False
                return Preempted()
            if deadline_ns is not None and now >= deadline_ns:
                return Preempted()
            self.stop_at_ns = now + ATTENTION_NS
            if deadline_ns is not None and deadline_ns < self.stop_at_ns:
                self.stop_at_ns = deadline_ns
            ticker.enter(self)
            try:
                error = self._start(window)
            finally:
                ticker.leave(self)
            found = self._look(error)
            if found is not None:
                return found
            if window and self.interruptible:
                return Window()

    def _start(self, window: bool) -> int:
        """One uc_emu_start; the answer is unicorn's error number."""
        if self._stale:
            self._load()
        words, at = self._words, self._hflags_at
        if words[self._task_kind_at] & TASK_KIND != AVAILABLE_TASK:
            self._mend_task_register()
        flags = words[at]
        wanted = (flags | _HF_IOBPT) & ~_HF_MPX_IU | (_HF_MPX_IU if window else 0)
        if flags != wanted:
            self.hflags = wanted
        begin = words[self._eip_at]
        if self._skip is not None and self._skip != self._linear(begin):
            self._skip = None
        self._vector = _NO_VECTOR
        self._redo = self._last_step if self._last_step is not None and self._step_undone() else None
        self._stopped = False
        self._running = True
        self._stale = self._copied
        try:
            error: int = self._emulate(self.machine.handle, begin, _NOWHERE, 0, 0)
        finally:
            with self._stop_lock:  # a stop that is on its way arrives now or never
                self._running = False
        self._stale = self._copied
        return error

    def _look(self, error: int) -> Exit | None:
        """What ended uc_emu_start, or None to go on."""
        refusal = None
        if self._refused_at is not None or self._exit_at is not None:
            refusal = self._refusal(self._linear(self._raw_eip))
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        if self._port_breakpoint is not None:
            return self._after_port()
        if self._vector != _NO_VECTOR:
            return self._trap()
        if self._stray is not None:
            stray, self._stray = self._stray, None
            return stray
        if self._wanted is not None:
            wanted, self._wanted = self._wanted, None
            at = self._linear(self._raw_eip)
            if not wanted():
                self._skip = at
            return None
        if refusal is not None:
            self._is_halted()  # an end that was set looks like one
            return refusal
        if error:
            return self._unexpected(error)
        return Halted() if self._is_halted() else None

    def _trap(self) -> Trap:
        vector, self._vector = self._vector, _NO_VECTOR
        if self._stale:
            self._load()
        words = self._words
        soft = bool(words[self._soft_at])
        words[self._old_exception_at] = 0xFFFFFFFF
        if soft:
            if vector == 6:  # taken for an undefined instruction, INT 6 leaves EIP where it was
                words[self._eip_at] = words[self._eip_at] + 2 & 0xFFFFFFFF
            words[self._soft_at] = 0
            words[self._hflags_at] &= ~_HF_INHIBIT
        if self._copied:
            self._store()
        if soft:
            return _trap(vector, None, True)
        if vector == 6 and self._refused is not None:
            self._undo()
        return _trap(vector, words[self._error_at] if vector in _WITH_ERROR else None, False)

    def _is_halted(self) -> bool:
        """HLT leaves no trace but CPUState.halted. Without it, a run that nobody stopped must have met
        HLT; one that was stopped at the same moment counts as woken up again, as by an NMI."""
        if not self._processor:
            return not self._stopped
        word = ctypes.c_uint32.from_address(self._processor + self.layout.halted)
        halted = bool(word.value)
        word.value = 0
        return halted

    def _unexpected(self, error: int) -> Exit:
        """A fetch from where no code can be, such as an open bus; anything else is the engine's end."""
        at = self._linear(self._raw_eip)
        found = translate(self.memory, self.cr3, self.mode, at, Access.EXECUTE, self.cpl == 3)
        if isinstance(found, PageFault):
            raise EngineError(f"unicorn gave up: {self.machine.library.text(error)}")
        return Stray(found, write=False, fetch=True)

    def stop(self) -> None:
        """For the ticker: leave uc_emu_start soon."""
        with self._stop_lock:
            if self._running and not self._closed and not self._in_port and self._port_breakpoint is None:
                self._stopped = True
                self.machine.quick.uc_emu_stop(self.machine.handle)

    def kick(self) -> None:
        """See :class:`vmirom.machine.engine.Engine`. From a port callback the guest stops right behind
        the port instruction."""
        self._kicked = True
        self.stop_at_ns = 0
        if self._steps is not None:
            self._steps.allow(0)
        elif not self._in_port and self._running:
            ticker.urge()

    def _guarded(self, callback: Callable[..., Any], default: Any) -> Callable[..., Any]:
        """A callback whose exception (KeyboardInterrupt too) ends the run and is raised from it, since
        nothing can pass through C."""

        def guarded(*arguments: Any) -> Any:
            try:
                self._stale = self._copied
                return callback(*arguments)
            except BaseException as failure:  # noqa: BLE001 - whatever it is, run() raises it
                self._in_port = False
                if self._failure is None:
                    self._failure = failure
                self._leave()
                return default

        return guarded

    # hooks

    def _on_interrupt(self, _handle: int, vector: int, _key: int) -> None:
        if vector == _PF and self._mends is not None and self._mended(self._mends):
            return
        self._vector = vector
        self._stopped = True
        self._stop_emulation(_handle)

    def set_mender(self, mends: Callable[[int, int], bool]) -> None:
        """See :class:`vmirom.machine.engine.Engine`."""
        self._mends = mends

    def _mended(self, mends: Callable[[int, int], bool]) -> bool:
        """Whether a page fault has been dealt with, and unicorn may go on at the instruction. Not of INT 14,
        not behind an INS, which a new run has to look at, and not where the state is a copy."""
        if self._copied or self._last_step is not None or self._words[self._soft_at]:
            return False
        try:
            if not mends(self._words[self._control_at + 4], self._words[self._error_at]):
                return False
        except BaseException as failure:  # noqa: BLE001 - whatever it is, run() raises it
            self._failure = failure
            return False
        self._words[self._old_exception_at] = 0xFFFFFFFF
        return True

    def _on_invalid(self, _handle: int, _key: int) -> bool:
        self._vector = 6
        self._leave()
        return True

    def _on_fast_call(self, _handle: int, _key: int) -> None:
        """SYSCALL and SYSENTER: unicorn would make them no-ops, so CPUID hides them and they are #UD."""
        self._refused = self._registers()
        self._vector = 6
        self._leave()

    def _on_stray(self, _handle: int, access: int, address: int, _size: int, _value: int, _key: int) -> bool:
        self._stray = Stray(
            address & 0xFFFFFFFFFF, access in self._writes, access in self._fetches, access == self._protected
        )
        return False

    def _on_cpuid(self, _handle: int, _key: int) -> int:
        leaf, subleaf = self.eax, self.ecx
        answer = self._cpuid(leaf, subleaf) if self._cpuid is not None else None
        self.eax, self.ebx, self.ecx, self.edx = answer or self.own_cpuid(leaf, subleaf)
        return 1

    def _on_rdtsc(self, _handle: int, _key: int) -> int:
        """A kick from the answer ends the run at the end of the block."""
        assert self._read_tsc is not None
        value = self._read_tsc()
        self.eax, self.edx = value, value >> 32
        if self._kicked:
            self._leave()
        return 1

    # ports: what is left to the run; the rest is in vmirom.machine.unicorn.ports

    def _after_port(self) -> Exit | None:
        assert self._port_breakpoint is not None
        at = self.layout.debug
        for offset, value in zip((0, 48, 56), self._port_breakpoint, strict=True):
            self._set_word(at + offset, value)
        self._port_breakpoint = None
        self._set_word(self.layout.old_exception, 0xFFFFFFFF)
        vector, self._vector = self._vector, _NO_VECTOR
        if self._refused is not None:
            self._undo()
            return Trap(13, 0)
        step_of, self._step_of = self._step_of, None
        if vector == 1:
            self._last_step = None
            if step_of is not None:
                self._after_step(step_of)
        if vector not in (1, _NO_VECTOR):  # the guest had switched HF_IOBPT off and met another vector
            self._vector = vector
            return self._trap()
        return None

    # identity and time

    def set_cpuid(self, answer: Callable[[int, int], tuple[int, int, int, int] | None]) -> None:
        """See :class:`vmirom.machine.engine.Engine`."""
        self._cpuid = answer

    def set_tsc(self, answer: Callable[[], int]) -> None:
        """See :class:`vmirom.machine.engine.Engine`."""
        if self._read_tsc is None:
            hook, read = self.machine.hook, self._guarded(self._on_rdtsc, 1)
            hook(self._instruction_kind, lib.CPUID_CALLBACK, read, instruction=self._rdtsc)
            if self._own_rdtsc is not None:
                self.machine.unhook(self._own_rdtsc)
        self._read_tsc = answer

    def own_cpuid(self, leaf: int, subleaf: int) -> tuple[int, int, int, int]:
        """The engine's CPUID: what unicorn claims less what it does not do. Hidden: MONITOR, local APIC,
        SEP and SYSCALL (no-ops in unicorn), long mode, PCID, INVPCID, ADX, CLWB; by virtual time RDRAND too,
        which would be another each time."""
        eax, ebx, ecx, edx = scratch.cpuid(leaf, subleaf)
        if leaf == 1:
            ecx &= ~(1 << 3 | 1 << 17 | 1 << 21 | 1 << 24 | 1 << 27)
            if self._steps is not None:
                ecx &= ~(1 << 30)
            ecx |= (self.cr4 >> 18 & 1) << 27
            edx &= ~(1 << 9 | 1 << 11)
        elif leaf == 7:
            ebx &= ~(1 << 10 | 1 << 19 | 1 << 24)
        elif leaf == 0x80000001:
            edx &= ~(1 << 11 | 1 << 29)
        return eax, ebx, ecx, edx

    def tsc(self) -> int:
        """See :class:`vmirom.machine.engine.Engine`."""
        return self.clock.tsc()

    def tsc_hz(self) -> int:
        """See :class:`vmirom.machine.engine.Engine`."""
        return self.clock.tsc_hz()

    # end

    def close(self) -> None:
        """Give everything back; may be called twice. Registers stay readable, as zeros."""
        with self._stop_lock:
            if self._closed:
                return
            self._closed = True
            self._watched = None  # another engine's processor may come to lie in the same place
            self._release()
            self.machine.close()
            self._opcodes.clear()
            self._ports = self._cpuid = self._read_tsc = self._mends = None
            self._unmap_memory()

    def __enter__(self) -> UnicornEngine:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            self.close()
