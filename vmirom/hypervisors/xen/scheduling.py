"""Timers, blocking and the ends of a domain: set_timer_op, sched_op and the run states of the virtual
CPU.

Facts: xen-host.md section 6, "Events and time". The single-shot timer fires however long it takes; the
periodic one (10 ms from the start) ticks only while the virtual CPU runs, so that a block with nothing
else armed never wakes. SCHEDOP_block unmasks upcalls. A domain that is due but not yet run counts as
runnable: stolen time.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from vmirom.hypervisors.hypervisor import Ending, EndKind
from vmirom.hypervisors.xen.answers import Ended, Refused
from vmirom.hypervisors.xen.clock import SECOND
from vmirom.overlays.xen import Errno, EvtchnStatus, Runstate, Schedop, Shutdown, Virq, ffi

if TYPE_CHECKING:
    from vmirom.hypervisors.xen.domain import Domain

__all__ = ["Scheduling"]

_PERIOD: Final = 10_000_000
SHORTEST_PERIOD: Final = 1_000_000
_FAR: Final = 1 << 50
_FAR_INSTEAD: Final = 100_000_000
_POLL_MAX: Final = 128
_NO_REASON: Final = 0xFF
_OFFSET_STATE: Final[int] = ffi.offsetof("struct xen_vcpu_runstate_info", "time")


class Scheduling:
    """Timers and run states. All times are system time in ns."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self.single: int | None = None
        self.period = _PERIOD
        self.next_tick: int | None = None
        self.blocked = False
        self.polled: tuple[int, ...] | None = None
        self.poll_end: int | None = None
        self.state = Runstate.RUNNING
        self.state_since = 0
        self.spent = [0, 0, 0, 0]
        self.runstate_area: int | None = None
        self.watchdogs: dict[int, int] = {}
        self.pinned = False

    def begin(self) -> None:
        """The virtual CPU runs from now on."""
        self.state_since = self.domain.clock.now()
        self.next_tick = self.state_since + self.period

    # Timers

    def set_timer(self, timeout: int) -> int:
        """set_timer_op: absolute time, 0 cancels, the past fires at once."""
        now = self.domain.clock.now()
        if timeout == 0:
            self.single = None
        elif timeout >> 63 or timeout - now > _FAR:
            self.single = now + _FAR_INSTEAD
        else:
            self.single = timeout
        return 0

    def set_period(self, period: int) -> None:
        """The periodic timer's period in ns, 0 for none."""
        self.period = period
        self.next_tick = self.domain.clock.now() + period if period else None

    def next_due(self) -> int | None:
        """When the next timer of any kind is due, as far as it can fire in the present state."""
        due = self.single
        if not self.blocked:
            stale, tick = self.domain.clock.stale_at, self.next_tick
            if due is None or stale < due:
                due = stale
            if tick is not None and tick < due:
                due = tick
        if self.poll_end is not None or self.watchdogs:
            ends = (due, self.poll_end, *self.watchdogs.values())
            due = min(end for end in ends if end is not None)
        return due

    def fire(self) -> None:
        """Raise what has become due."""
        now = self.domain.clock.now()
        if self.single is not None and now >= self.single:
            self.single = None
            self.domain.trace.event("timer", "single shot")
            self.domain.events.raise_virq(Virq.TIMER)
        if not self.blocked and self.next_tick is not None and now >= self.next_tick:
            self.next_tick = max(self.next_tick, now - self.period) + self.period
            self.domain.events.raise_virq(Virq.TIMER)
        if self.poll_end is not None and now >= self.poll_end:
            self._wake()
        if any(now >= end for end in self.watchdogs.values()):
            raise Ended(Ending(EndKind.REBOOT, "watchdog expired"))
        self.domain.clock.refresh_if_old(now)

    # Blocking

    def block(self) -> None:
        """SCHEDOP_block: unmask, and sleep until an event is deliverable."""
        vcpu = self.domain.shared.vcpu
        vcpu.evtchn_upcall_mask = 0
        if not vcpu.evtchn_upcall_pending:
            self._sleep()

    def _sleep(self) -> None:
        self.blocked = True
        self._enter_state(Runstate.BLOCKED, self.domain.clock.now())

    def port_raised(self, port: int) -> None:
        """A port became pending: a sleeper may have to wake."""
        if self.polled is None:
            return
        vcpu = self.domain.shared.vcpu
        if port in self.polled or (vcpu.evtchn_upcall_pending and not vcpu.evtchn_upcall_mask):
            self._wake()

    def check_wake(self) -> None:
        """Wake a blocked virtual CPU that has something to be told."""
        if self.blocked and self.polled is None and self.domain.shared.vcpu.evtchn_upcall_pending:
            self._wake()

    def _wake(self) -> None:
        """The virtual CPU can run again; from here to :meth:`resume` its time is stolen."""
        self.polled, self.poll_end = None, None
        if self.blocked:
            self.blocked = False
            self._enter_state(Runstate.RUNNABLE, self.domain.clock.now())

    def held(self) -> None:
        """The host does something else: a virtual CPU that could go on waits, which is stolen time."""
        if self.state is Runstate.RUNNING:
            self._enter_state(Runstate.RUNNABLE, self.domain.clock.now())

    def resume(self) -> None:
        """The virtual CPU is about to run."""
        if self.state is not Runstate.RUNNING:
            now = self.domain.clock.now()
            self._enter_state(Runstate.RUNNING, now)
            self.domain.clock.refresh()
            self.next_tick = now + self.period if self.period else None

    def _enter_state(self, state: Runstate, now: int) -> None:
        self.spent[self.state] += now - self.state_since
        self.state, self.state_since = state, now
        if self.runstate_area is not None:
            self.write_runstate()

    def runstate(self) -> bytes:
        """vcpu_runstate_info as it stands now."""
        now = self.domain.clock.now()
        spent = list(self.spent)
        spent[self.state] += now - self.state_since
        return struct.pack("<IQ4Q", self.state, self.state_since, *spent)

    def write_runstate(self) -> None:
        """Bring the registered area up to date; one that has gone is left alone."""
        at = self.runstate_area
        if at is not None:
            self.domain.write_quietly(at, struct.pack("<IQ4Q", self.state, self.state_since, *self.spent))

    # sched_op

    def operation(self, command: int, at: int) -> int:
        """sched_op. Raises Refused and Ended."""
        if command == Schedop.YIELD:
            return 0
        if command == Schedop.BLOCK:
            self.block()
            return 0
        if command == Schedop.SHUTDOWN:
            return self._shutdown(self.domain.space.u32(at))
        if command == Schedop.POLL:
            return self._poll(at)
        if command == Schedop.SHUTDOWN_CODE:
            self.domain.trace.event("kill", f"shutdown code {self.domain.space.u32(at)}")
            return 0
        if command == Schedop.REMOTE_SHUTDOWN:
            return self._remote_shutdown(*struct.unpack("<HxxI", self.domain.space.read(at, 8)))
        if command == Schedop.PIN_OVERRIDE:
            return self._pin_override(struct.unpack("<i", self.domain.space.read(at, 4))[0])
        if command == Schedop.WATCHDOG:
            return self._watchdog(*struct.unpack("<II", self.domain.space.read(at, 8)))
        raise Refused(Errno.ENOSYS, f"sched_op {command}")

    def compat(self, command: int, argument: int) -> int:
        """sched_op_compat: yield, block, and shutdown with the reason as argument."""
        if command == Schedop.SHUTDOWN:
            return self._shutdown(argument)
        if command in (Schedop.YIELD, Schedop.BLOCK):
            return self.operation(command, 0)
        raise Refused(Errno.ENOSYS, f"sched_op_compat {command}")

    def _shutdown(self, reason: int) -> int:
        """Most reasons end the machine; the one that stands for none leaves the domain asleep for ever.
        Raises Ended."""
        if reason & 0xFF == _NO_REASON:
            self.single, self.watchdogs = None, {}
            self.polled, self.poll_end = (), None
            self._sleep()
            return 0
        if reason == Shutdown.POWEROFF:
            raise Ended(Ending(EndKind.SHUTDOWN, "power off"))
        if reason == Shutdown.REBOOT:
            raise Ended(Ending(EndKind.REBOOT, "reboot"))
        if reason == Shutdown.WATCHDOG:
            raise Ended(Ending(EndKind.REBOOT, "reboot for the watchdog"))
        if reason == Shutdown.CRASH:
            raise Ended(Ending(EndKind.CRASH, "the guest reported a crash"))
        raise Ended(Ending(EndKind.REBOOT, f"reboot: the first domain shut down for reason {reason}"))

    def _remote_shutdown(self, domid: int, reason: int) -> int:
        """The first domain may shut itself down so, by its number."""
        if domid:
            raise Refused(Errno.ESRCH, f"no domain {domid}")
        return self._shutdown(reason)

    def _pin_override(self, processor: int) -> int:
        """Pin the virtual CPU to the one processor until a negative number lets it go."""
        if processor > 0 or (processor < 0 and not self.pinned):
            raise Refused(Errno.EINVAL, f"no override by processor {processor}")
        if processor == 0 and self.pinned:
            raise Refused(Errno.EBUSY, "the virtual CPU is pinned already")
        self.pinned = processor == 0
        return 0

    def _poll(self, at: int) -> int:
        argument = self.domain.space.struct(at, "struct xen_sched_poll")
        ports_at, count, timeout = argument.ports, argument.nr_ports, argument.timeout
        if count > _POLL_MAX:
            raise Refused(Errno.EINVAL, f"poll of {count} ports")
        ports = struct.unpack(f"<{count}I", self.domain.space.read_list(ports_at, count * 4)) if count else ()
        for port in ports:
            if self.domain.events.channel(port).kind is EvtchnStatus.CLOSED:
                raise Refused(Errno.EINVAL, f"poll of port {port}, which is closed")
        shared = self.domain.shared
        if any(shared.bit("pending", port) for port in ports):
            return 0
        if shared.vcpu.evtchn_upcall_pending and not shared.vcpu.evtchn_upcall_mask:
            return 0
        self.polled, self.poll_end = ports, timeout or None
        self._sleep()
        return 0

    def _watchdog(self, number: int, seconds: int) -> int:
        """Two watchdogs; 0 asks for a new one (of 0 seconds: that fires at once), 0 seconds stops one."""
        if number > 2:
            raise Refused(Errno.EINVAL, f"watchdog {number}")
        if number and number not in self.watchdogs:
            raise Refused(Errno.EINVAL, f"watchdog {number} is not running")
        if number and seconds == 0:
            del self.watchdogs[number]
            return 0
        if number == 0:
            free = [n for n in (1, 2) if n not in self.watchdogs]
            if not free:
                raise Refused(Errno.ENOSPC, "both watchdogs are in use")
            self.watchdogs[free[0]] = self.domain.clock.now() + seconds * SECOND
            return free[0]
        self.watchdogs[number] = self.domain.clock.now() + seconds * SECOND
        return 0
