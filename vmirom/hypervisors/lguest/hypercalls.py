"""The hypercalls, and the promise of order made about them.

Nothing is returned: a hypercall works, is ignored, or kills. Calls take effect in the order in which the
guest placed them in the ring, all of them before the real call that drains it. A NOTIFY stops a drain until
the launcher has dealt with it; then the rest of the ring, and the real call, go on.

A guest that is killed by one of them still has the others of the same exit performed. Of what they do only
two things show. A SHUTDOWN to start over takes the place of the reason. The text of a NOTIFY is printed,
and then the launcher takes the first four letters of the reason for the address of another one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from vmirom.hypervisors.hypervisor import Console, Trace
from vmirom.hypervisors.lguest.clock import ClockEvent
from vmirom.hypervisors.lguest.data import RING_FREE, LguestData
from vmirom.hypervisors.lguest.death import BadNotify, Killed, ShutDown, c_hex
from vmirom.hypervisors.lguest.device import ConsoleDevice
from vmirom.hypervisors.lguest.guest_memory import GuestMemory
from vmirom.hypervisors.lguest.interrupts import Interrupts
from vmirom.hypervisors.lguest.page_tables import ShadowTables
from vmirom.hypervisors.lguest.paging_format import PagingFormat
from vmirom.hypervisors.lguest.segments import SegmentTable
from vmirom.hypervisors.lguest.traps import Traps
from vmirom.machine.clock import Clock
from vmirom.machine.engine import Engine
from vmirom.overlays import lguest as abi

__all__ = ["Hypercalls"]

_Words = tuple[int, int, int, int, int]
_Serve = Callable[[int, int, int, int], None]

_MESSAGE_SIZE: Final = int(abi.Constants.MESSAGE_SIZE)
_TLS_BYTES: Final = 8 * abi.Gdt.TLS_COUNT
_TS: Final = 8
_NAMES: Final = {int(number): number.name for number in abi.Hcall}


class Hypercalls:
    """Serves the guest's hypercalls; ``launcher_notify`` is what the launcher does about a NOTIFY."""

    def __init__(
        self,
        engine: Engine,
        guest: GuestMemory,
        paging: PagingFormat,
        shadows: ShadowTables,
        segments: SegmentTable,
        interrupts: Interrupts,
        traps: Traps,
        clock: Clock,
        console: Console,
        device: ConsoleDevice,
        trace: Trace,
        stable_tsc: bool,
    ) -> None:
        self._engine = engine
        self._guest = guest
        self._paging = paging
        self._shadows = shadows
        self._segments = segments
        self._interrupts = interrupts
        self._traps = traps
        self._clock = clock
        self._console = console
        self._device = device
        self._trace = trace
        self._stable_tsc = stable_tsc
        self.timer = ClockEvent(clock)
        self._data: LguestData | None = None
        self._notify = 0
        self._death: Killed | ShutDown | None = None
        number = abi.Hcall
        self._table: dict[int, tuple[int, _Serve]] = {
            number.FLUSH_ASYNC: (0, self._nothing),
            number.LGUEST_INIT: (1, self._init_again),
            number.SHUTDOWN: (2, self._shutdown),
            number.NEW_PGTABLE: (1, lambda a, b, c, d: shadows.use(a)),
            number.FLUSH_TLB: (1, lambda a, b, c, d: shadows.clear() if a else shadows.flush_user()),
            number.LOAD_IDT_ENTRY: (3, lambda a, b, c, d: interrupts.load_gate(a, b, c)),
            number.SET_STACK: (3, self._set_stack),
            number.TS: (1, self._ts),
            number.SET_CLOCKEVENT: (1, lambda a, b, c, d: self.timer.set(a)),
            number.HALT: (0, self._halt),
            number.SET_PTE: (4 if paging.pae else 3, self._set_pte),
            number.SET_PGD: (2, lambda a, b, c, d: shadows.drop_top_entry(a, b)),
            number.LOAD_TLS: (2, lambda a, b, c, d: segments.load_tls(guest.read(a, _TLS_BYTES))),
            number.NOTIFY: (1, self._notify_launcher),
            number.LOAD_GDT_ENTRY: (3, lambda a, b, c, d: segments.load(a, b, c)),
            number.SEND_INTERRUPTS: (0, self._nothing),
        }
        if paging.pae:
            self._table[number.SET_PMD] = (2, lambda a, b, c, d: shadows.clear())

    def serve(self) -> None:
        """Serve the hypercall in the registers, the ring first. Raises Killed, ShutDown or BadNotify."""
        engine = self._engine
        eax, ecx, edx, ebx, _, _, esi, _ = engine.general()
        words = (eax, ebx, ecx, edx, esi)
        if self._data is None:
            self._first(words)
            return
        while self._drain(self._data):
            self._leave()
        self._perform(words)
        self._leave()

    # -- order ----------------------------------------------------------------------------------------

    def _drain(self, data: LguestData) -> bool:
        """Perform what waits in the ring; True = stopped early by a NOTIFY."""
        statuses = data.statuses()
        for _ in statuses:
            if statuses[data.cursor()] == RING_FREE:
                return False
            number, words = data.take()
            self._perform(words)
            data.done(number)
            if self._notify:
                return True
        return False

    def _first(self, words: _Words) -> None:
        if words[0] != abi.Hcall.LGUEST_INIT:
            self._refuse(words, f"hypercall {_signed(words[0])} before INIT")
        try:
            self._init(words[1])
        except Killed as death:
            self._refuse(words, str(death))
        self._trace.hypercall(abi.Hcall.LGUEST_INIT.name, words[1:2], None)

    def _perform(self, words: _Words) -> None:
        try:
            self._call(words)
        except (Killed, ShutDown) as death:
            if self._death is None or (isinstance(death, ShutDown) and death.restart):
                self._death = death

    def _call(self, words: _Words) -> None:
        count, serve = self._table.get(words[0], (4, None))
        if serve is None:
            self._refuse(words, f"Bad hypercall {_signed(words[0])}\n")
            return
        try:
            serve(*words[1:])
        except Killed as death:
            self._refuse(words, str(death))
        except ShutDown:
            self._trace.hypercall(_NAMES[words[0]], words[1 : 1 + count], None)
            raise
        self._trace.hypercall(_NAMES[words[0]], words[1 : 1 + count], None)

    def _leave(self) -> None:
        """What the launcher finds: a NOTIFY, which comes first, and then the death. Raises what ended it."""
        told = self._notify
        if told:
            self._tell_launcher()
        death, self._death = self._death, None
        if death is None:
            return
        if told and not (isinstance(death, ShutDown) and death.restart):
            self._misread(b"CRASH: " if isinstance(death, ShutDown) else str(death).encode())
        raise death

    def _misread(self, reason: bytes) -> None:
        """Behind a NOTIFY the launcher asks for four bytes, and takes those of a reason for an address."""
        gpa = int.from_bytes(reason[:4], "little")
        if gpa < self._guest.limit:
            raise BadNotify(f"prints what is at {gpa:#x}, for ever: it takes the reason for a NOTIFY")
        raise BadNotify(f"Bad NOTIFY {gpa:#x}")

    def _refuse(self, words: _Words, reason: str) -> None:
        count, serve = self._table.get(words[0], (4, None))
        name = str(words[0]) if serve is None else _NAMES[words[0]]
        self._trace.hypercall(name, words[1 : 1 + count], None, reason.strip())
        raise Killed(reason)

    # -- life -----------------------------------------------------------------------------------------

    def _init(self, gpa: int) -> None:
        if not LguestData.accepts(self._guest, gpa):
            raise Killed("bad guest page (null)")  # the host prints its own pointer, not yet set
        data = self._data = self._interrupts.data = LguestData(self._engine.memory, gpa)
        data.fields.tsc_khz = self._engine.tsc_hz() // 1000 if self._stable_tsc else 0
        if data.fields.syscall_vec != abi.Constants.SYSCALL_VECTOR:
            raise Killed("bad syscall vector")
        data.write_time(self._clock.wall_ns())
        data.fields.reserve_mem = self._paging.reserved
        data.fields.pgdir = self._shadows.first_top
        if data.kernel_address >= self._paging.hole:
            raise Killed(f"bad kernel address {c_hex(data.kernel_address)}")
        self._shadows.kernel_address = data.kernel_address
        self._shadows.clear()

    def _init_again(self, a: int, b: int, c: int, d: int) -> None:
        raise Killed("already have lguest_data")

    def _shutdown(self, gpa: int, reason: int, c: int, d: int) -> None:
        restart = reason == abi.ShutdownReason.RESTART
        try:
            message = self._guest.read(gpa, _MESSAGE_SIZE)[: _MESSAGE_SIZE - 1]
        except Killed:
            if not restart:
                raise
            message = b""  # the host starts over all the same
        raise ShutDown(message.split(b"\0", 1)[0], restart)

    def _nothing(self, a: int, b: int, c: int, d: int) -> None:
        """FLUSH_ASYNC and SEND_INTERRUPTS only leave the guest."""

    def _halt(self, a: int, b: int, c: int, d: int) -> None:
        self._interrupts.halted = True

    # -- processor ------------------------------------------------------------------------------------

    def _ts(self, on: int, b: int, c: int, d: int) -> None:
        self._traps.task_switched = bool(on)
        self._engine.cr0 = self._engine.cr0 | _TS if on else self._engine.cr0 & ~_TS

    def _set_stack(self, ss: int, esp: int, pages: int, d: int) -> None:
        if ss & 3 != abi.Constants.GUEST_PRIVILEGE:
            raise Killed(f"bad stack segment {_signed(ss)}")
        if pages > abi.Constants.STACK_PAGES_MAX:
            raise Killed(f"bad stack pages {pages}")
        stack = self._shadows.stack
        stack.ss, stack.esp, stack.pages = ss, esp, pages
        self._shadows.pin_stack()

    def _set_pte(self, top: int, gva: int, low: int, high: int) -> None:
        self._shadows.set_entry(top, gva, high << 32 | low if self._paging.pae else low)

    # -- launcher -------------------------------------------------------------------------------------

    def _notify_launcher(self, gpa: int, b: int, c: int, d: int) -> None:
        self._notify = gpa

    def _tell_launcher(self) -> None:
        """The launcher's part: an address of the console's, or a string to print."""
        gpa, self._notify = self._notify, 0
        if self._device.notify(gpa):
            return
        if gpa >= self._guest.limit:
            raise BadNotify(f"Bad NOTIFY {gpa:#x}")
        text = self._guest.c_string(gpa)
        if text:
            self._console(text)


def _signed(value: int) -> int:
    """As C's ``%li`` prints a 32-bit word."""
    return value - (1 << 32) if value >> 31 else value
