"""Event channels, timers, blocking and the ends of a domain: xen-host.md section 6, "Events and time"."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator

import pytest

from tests.hypervisors.xen_kernels import ARGUMENTS, RESULTS, TEXT, ZERO, Bench, Code
from vmirom.hypervisors.hypervisor import EndKind
from vmirom.hypervisors.xen.clock import time_scale
from vmirom.overlays.xen import (
    Domid,
    Errno,
    Evtchnop,
    EvtchnStatus,
    Hypercall,
    Runstate,
    Schedop,
    Shutdown,
    Vcpuop,
    Virq,
)

UPCALL = TEXT + 0x800
FAILSAFE = TEXT + 0x900
BIND = TEXT + 0x680
TIMER = TEXT + 0x690


@pytest.fixture
def xen() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


# Ports


def test_ports_are_given_from_one(xen: Bench) -> None:
    assert xen.event(Evtchnop.BIND_VIRQ, Virq.TIMER, 0, 0) == (0, (Virq.TIMER, 0, 1))
    assert xen.event(Evtchnop.BIND_VIRQ, Virq.TIMER, 0, 0)[0] == -Errno.EEXIST
    assert xen.event(Evtchnop.BIND_VIRQ, Virq.CONSOLE, 0, 0)[1][2] == 2
    assert xen.event(Evtchnop.BIND_IPI, 0, 0) == (0, (0, 3))
    assert xen.event(Evtchnop.CLOSE, 1)[0] == 0
    assert xen.event(Evtchnop.BIND_IPI, 0, 0) == (0, (0, 1))


@pytest.mark.parametrize(
    ("command", "words", "result"),
    [
        (Evtchnop.BIND_VIRQ, (24, 0, 0), -Errno.EINVAL),
        (Evtchnop.BIND_VIRQ, (Virq.TIMER, 1, 0), -Errno.ENOENT),
        (Evtchnop.BIND_IPI, (1, 0), -Errno.ENOENT),
        (Evtchnop.BIND_PIRQ, (1, 0, 0), -Errno.EPERM),
        (Evtchnop.CLOSE, (5,), -Errno.EINVAL),
        (Evtchnop.CLOSE, (5000,), -Errno.EINVAL),
        (Evtchnop.SEND, (7,), -Errno.EINVAL),
        (Evtchnop.SEND, (1024,), -Errno.EINVAL),
        (Evtchnop.UNMASK, (1024,), -Errno.EINVAL),
        (Evtchnop.UNMASK, (63,), 0),
        (Evtchnop.UNMASK, (64,), -Errno.EINVAL),
        (Evtchnop.STATUS, (5, 0, 0, 0, 0, 0), -Errno.ESRCH),
        (Evtchnop.ALLOC_UNBOUND, (5, 0), -Errno.ESRCH),
        (Evtchnop.BIND_VIRQ, (Virq.CONSOLE, 1, 0), -Errno.EINVAL),
        (Evtchnop.BIND_VIRQ, (20, 1, 0), -Errno.EINVAL),
        (Evtchnop.BIND_PIRQ, (207, 0, 0), -Errno.EPERM),
        (Evtchnop.BIND_PIRQ, (208, 0, 0), -Errno.EINVAL),
        (Evtchnop.INIT_CONTROL, (0,), -Errno.EINVAL),
        (Evtchnop.RESET_CONTINUED, (0,), -Errno.EBUSY),
        (Evtchnop.RESET_CONTINUED, (3,), -Errno.ESRCH),
        (99, (0,), -Errno.ENOSYS),
    ],
)
def test_refusals(xen: Bench, command: int, words: tuple[int, ...], result: int) -> None:
    assert xen.event(command, *words)[0] == result


def test_send_to_an_unbound_port_goes_nowhere(xen: Bench) -> None:
    result, words = xen.event(Evtchnop.ALLOC_UNBOUND, Domid.SELF, 0)
    assert result == 0
    assert xen.event(Evtchnop.SEND, words[1])[0] == 0
    assert not xen.domain.shared.bit("pending", words[1])


def test_status_of_every_kind(xen: Bench) -> None:
    xen.event(Evtchnop.BIND_VIRQ, Virq.TIMER, 0, 0)
    xen.event(Evtchnop.BIND_IPI, 0, 0)
    xen.event(Evtchnop.ALLOC_UNBOUND, Domid.SELF | Domid.SELF << 16, 0)
    xen.event(Evtchnop.ALLOC_UNBOUND, Domid.SELF | Domid.SELF << 16, 0)
    assert xen.event(Evtchnop.BIND_INTERDOMAIN, 0, 4, 0)[1][2] == 5
    kinds = []
    for port in range(1, 7):
        words = xen.event(Evtchnop.STATUS, Domid.SELF, port, 9, 9, 9, 9)[1]
        kinds.append(words[2])
    status = EvtchnStatus
    assert kinds == [status.VIRQ, status.IPI, status.UNBOUND, status.INTERDOMAIN, status.INTERDOMAIN, 0]
    assert xen.event(Evtchnop.STATUS, Domid.SELF, 5, 0, 0, 0, 0)[1][4:] == (0, 4)


def test_interdomain_channel_with_oneself(xen: Bench) -> None:
    one = xen.event(Evtchnop.ALLOC_UNBOUND, Domid.SELF | Domid.SELF << 16, 0)[1][1]
    two = xen.event(Evtchnop.BIND_INTERDOMAIN, 0, one, 0)[1][2]
    shared = xen.domain.shared
    shared.clear_bit("pending", two)
    assert xen.event(Evtchnop.SEND, two)[0] == 0
    assert shared.bit("pending", one)
    assert not shared.bit("pending", two)
    assert xen.event(Evtchnop.CLOSE, two)[0] == 0
    assert xen.event(Evtchnop.STATUS, Domid.SELF, one, 0, 0, 0, 0)[1][2] == EvtchnStatus.UNBOUND


def test_a_masked_port_sets_its_pending_bit_only(xen: Bench) -> None:
    port = xen.event(Evtchnop.BIND_IPI, 0, 0)[1][1]
    shared = xen.domain.shared
    shared.set_bit("mask", port)
    xen.event(Evtchnop.SEND, port)
    assert shared.bit("pending", port)
    assert (shared.vcpu.evtchn_pending_sel, shared.vcpu.evtchn_upcall_pending) == (0, 0)
    xen.event(Evtchnop.UNMASK, port)
    assert (shared.vcpu.evtchn_pending_sel, shared.vcpu.evtchn_upcall_pending) == (1, 1)
    assert not shared.bit("mask", port)


def test_compat_operations(xen: Bench) -> None:
    at = xen.argument(struct.pack("<III", Evtchnop.BIND_IPI, 0, 0))
    assert xen.call(Hypercall.EVENT_CHANNEL_OP_COMPAT, at) == 0
    assert xen.domain.space.u32(at + 8) == 1
    assert xen.call(Hypercall.SCHED_OP_COMPAT, Schedop.YIELD) == 0
    assert xen.call(Hypercall.PHYSDEV_OP_COMPAT, xen.argument(struct.pack("<II", 6, 1))) == 0
    assert xen.domain.privileged.iopl == 1


def test_ports_run_out(xen: Bench) -> None:
    for port in range(1, 1024):
        assert xen.event(Evtchnop.BIND_IPI, 0, 0)[1][1] == port
    assert xen.event(Evtchnop.BIND_IPI, 0, 0)[0] == -Errno.ENOSPC
    assert xen.event(Evtchnop.RESET, Domid.SELF)[0] == 0
    assert xen.event(Evtchnop.BIND_IPI, 0, 0) == (0, (0, 1))


# Delivery


def upcalls(body: Code, unmask: bool = False) -> Bench:
    """A kernel whose event callback counts, clears what is pending, keeps the CS word and returns."""
    handler = Code().raw("ff05").bytes + struct.pack("<I", RESULTS)
    handler += Code().raw("508b442408").keep_eax(RESULTS + 4).bytes
    code = Code().hypercall(Hypercall.SET_CALLBACKS, 0xE019, UPCALL, 0xE019, FAILSAFE)
    code.bytes += body.bytes
    info_va = TEXT + 7 * 4096
    handler += b"\xc6\x05" + struct.pack("<IB", info_va, 0)
    handler += b"\xc7\x05" + struct.pack("<II", info_va + 4, 0)
    handler += b"\xc7\x05" + struct.pack("<II", info_va + 2048, 0)
    handler += b"\x58\xcf"
    data = {
        UPCALL: bytes(handler),
        BIND: struct.pack("<III", Virq.TIMER, 0, 0),
        TIMER: struct.pack("<III", 0, 0, 0),
    }
    bench = Bench(code.image(data))
    assert bench.map(info_va, bench.domain.shared.gpa | 7) == 0
    if unmask:
        bench.domain.shared.vcpu.evtchn_upcall_mask = 0
    return bench


INFO = TEXT + 7 * 4096


def mask(value: int) -> str:
    """movb $value, evtchn_upcall_mask"""
    return "c605" + struct.pack("<IB", INFO + 1, value).hex()


def wait_for_pending() -> str:
    """1: cmpb $0, evtchn_upcall_pending; je 1b"""
    return "803d" + struct.pack("<IB", INFO, 0).hex() + "74f7"


def test_unmasking_in_memory_delivers_nothing_until_a_hypercall() -> None:
    code = Code().hypercall(Hypercall.EVENT_CHANNEL_OP, Evtchnop.BIND_IPI, BIND + 4)
    code.hypercall(Hypercall.EVENT_CHANNEL_OP, Evtchnop.SEND, BIND + 8)
    code.raw("a1").bytes += struct.pack("<I", RESULTS)
    code.keep_eax(RESULTS + 8).raw(mask(0)).raw("a1").bytes += struct.pack("<I", RESULTS)
    code.keep_eax(RESULTS + 12).hypercall(Hypercall.XEN_VERSION, 0)
    code.raw("a1").bytes += struct.pack("<I", RESULTS)
    code.keep_eax(RESULTS + 16).off()
    bench = upcalls(code)
    assert bench.run().kind is EndKind.SHUTDOWN
    total, cs, masked, unmasked, after = struct.unpack("<5I", bench.domain.space.read(RESULTS, 20))
    assert (masked, unmasked, after, total) == (0, 0, 1, 1)
    assert cs == 0xE019, "the saved mask was 0"
    assert bench.domain.shared.vcpu.evtchn_upcall_mask == 1, "native iret leaves the upcall's mask"
    bench.close()


def test_timer_fires_in_a_busy_loop() -> None:
    code = Code().hypercall(Hypercall.EVENT_CHANNEL_OP, Evtchnop.BIND_VIRQ, BIND)
    code.raw(mask(0)).hypercall(Hypercall.SET_TIMER_OP, 1, 0)
    code.raw("833d").bytes += struct.pack("<IB", RESULTS, 0)
    code.raw("74f7").off()
    bench = upcalls(code)
    assert bench.run().kind is EndKind.SHUTDOWN
    assert bench.domain.space.u32(RESULTS) >= 1
    bench.close()


def test_periodic_timer_ticks_while_running() -> None:
    code = Code().hypercall(Hypercall.EVENT_CHANNEL_OP, Evtchnop.BIND_VIRQ, BIND)
    code.raw(wait_for_pending()).off()
    bench = upcalls(code)
    start = time.monotonic()
    assert bench.run().kind is EndKind.SHUTDOWN
    assert time.monotonic() - start > 0.005
    bench.close()


def test_block_with_only_the_periodic_timer_never_wakes() -> None:
    code = Code().hypercall(Hypercall.EVENT_CHANNEL_OP, Evtchnop.BIND_VIRQ, BIND)
    code.hypercall(Hypercall.SCHED_OP, Schedop.BLOCK).off()
    bench = upcalls(code)
    ending = bench.run(0.1)
    assert ending.kind is EndKind.BUDGET
    assert "blocked" in ending.reason
    bench.close()


def test_block_unmasks_and_wakes_by_the_timer() -> None:
    code = Code().hypercall(Hypercall.EVENT_CHANNEL_OP, Evtchnop.BIND_VIRQ, BIND)
    code.hypercall(Hypercall.VCPU_OP, Vcpuop.STOP_PERIODIC_TIMER, 0)
    code.hypercall(Hypercall.VCPU_OP, Vcpuop.SET_SINGLESHOT_TIMER, 0, TIMER).keep_eax(RESULTS + 8)
    code.hypercall(Hypercall.SCHED_OP, Schedop.BLOCK).keep_eax(RESULTS + 12).off()
    bench = upcalls(code)
    due = bench.domain.clock.now() + 50_000_000
    bench.domain.space.write(TIMER, struct.pack("<QI", due, 1))
    assert bench.run().kind is EndKind.SHUTDOWN
    assert bench.domain.clock.now() >= due
    assert struct.unpack("<4I", bench.domain.space.read(RESULTS, 16))[2:] == (0, 0)
    spent = bench.domain.scheduling.spent
    assert spent[Runstate.BLOCKED] > 0
    assert sum(spent) <= bench.domain.clock.now()
    bench.close()


def test_timer_fires_in_ring_three() -> None:
    """The upcall comes on the kernel stack, with the user's state in the frame."""
    user, stack = TEXT + 0x4000, TEXT + 0x5800
    code = Code().hypercall(Hypercall.EVENT_CHANNEL_OP, Evtchnop.BIND_VIRQ, BIND)
    code.hypercall(Hypercall.SET_CALLBACKS, 0xE019, FAILSAFE, 0xE019, FAILSAFE)
    code.hypercall(Hypercall.STACK_SWITCH, 0xE021, TEXT + 0x3000).hypercall(Hypercall.SET_TIMER_OP, 1, 0)
    for word in (0xE033, stack, 0x202, 0xE02B, user, 0):
        code.raw("68").bytes += struct.pack("<I", word)
    code.raw("b817000000 cd82")
    bench = upcalls(code)
    handler = Code()
    for i in range(5):
        handler.raw(f"8b4424{4 * i:02x}").keep_eax(RESULTS + 32 + 4 * i)
    bench.domain.space.write(FAILSAFE, bytes(handler.off().bytes))
    bench.domain.space.write(user, b"\xeb\xfe")
    assert bench.map(user, bench.frame(user) << 12 | 7) == 0
    assert bench.run().kind is EndKind.SHUTDOWN
    frame = struct.unpack("<5I", bench.domain.space.read(RESULTS + 32, 20))
    assert frame == (user, 0xE02B, frame[2], stack, 0xE033)
    assert frame[2] & 0x200
    bench.close()


def test_no_callback_for_an_event_kills() -> None:
    code = Code().hypercall(Hypercall.EVENT_CHANNEL_OP, Evtchnop.BIND_IPI, BIND + 4)
    code.hypercall(Hypercall.EVENT_CHANNEL_OP, Evtchnop.SEND, BIND + 8).off()
    bench = Bench(code.image({BIND: bytes(16)}))
    bench.domain.shared.vcpu.evtchn_upcall_mask = 0
    ending = bench.run()
    assert ending.kind is EndKind.CRASH
    assert "callback" in ending.reason
    bench.close()


def test_typed_line_arrives() -> None:
    code = Code().hypercall(Hypercall.EVENT_CHANNEL_OP, Evtchnop.BIND_VIRQ, BIND)
    code.raw(wait_for_pending())
    code.hypercall(Hypercall.CONSOLE_IO, 1, 100, RESULTS + 64).keep_eax(RESULTS + 8).off()
    bench = upcalls(code)
    bench.domain.space.put32(BIND, Virq.CONSOLE)
    bench.domain.scheduling.set_period(0)
    bench.domain.events.virqs[Virq.CONSOLE] = 1
    bench.hypervisor.feed(b"hello\r")
    bench.domain.events.virqs.clear()
    assert bench.run().kind is EndKind.SHUTDOWN
    assert bench.domain.space.u32(RESULTS + 8) == 6
    assert bench.domain.space.read(RESULTS + 64, 6) == b"hello\r"
    bench.close()


# Timers and scheduling, called directly


def test_timer_arguments(xen: Bench) -> None:
    scheduling = xen.domain.scheduling
    assert xen.call(Hypercall.SET_TIMER_OP, 5, 0) == 0
    assert scheduling.single == 5
    assert xen.call(Hypercall.SET_TIMER_OP, 0, 0) == 0
    assert scheduling.next_due() == scheduling.next_tick
    assert xen.call(Hypercall.SET_TIMER_OP, 0xFFFFFFFF, 0xFFFFFFFF) == 0
    far = scheduling.single or 0
    assert 0 < far - xen.domain.clock.now() <= 100_000_000


@pytest.mark.parametrize(
    ("command", "data", "result"),
    [
        (Vcpuop.IS_UP, b"", 1),
        (Vcpuop.UP, b"", 0),
        (Vcpuop.INITIALISE, bytes(2800), -Errno.EEXIST),
        (Vcpuop.INITIALISE, b"", -Errno.EFAULT),
        (Vcpuop.SET_PERIODIC_TIMER, struct.pack("<Q", 999_999), -Errno.EINVAL),
        (Vcpuop.SET_PERIODIC_TIMER, struct.pack("<Q", 1_000_000), 0),
        (Vcpuop.SET_PERIODIC_TIMER, struct.pack("<Q", 1 << 63), -Errno.EINVAL),
        (Vcpuop.SET_SINGLESHOT_TIMER, struct.pack("<QI", 1, 0), 0),
        (Vcpuop.SET_SINGLESHOT_TIMER, struct.pack("<QI", 1, 1), 0),
        (Vcpuop.GET_RUNSTATE_INFO, bytes(44), 0),
        (Vcpuop.SET_SINGLESHOT_TIMER, struct.pack("<QI", 1 << 63, 0), 0),
        (Vcpuop.SEND_NMI, b"", 0),
        (Vcpuop.SEND_NMI, b"any", -Errno.EINVAL),
        (99, b"", -Errno.ENOSYS),
    ],
)
def test_vcpu_operations(xen: Bench, command: int, data: bytes, result: int) -> None:
    assert xen.call(Hypercall.VCPU_OP, command, 0, xen.argument(data) if data else 0) == result
    assert xen.call(Hypercall.VCPU_OP, command, 1, ARGUMENTS) == -Errno.ENOENT


def test_runstate(xen: Bench) -> None:
    at = xen.argument(bytes(44))
    assert xen.call(Hypercall.VCPU_OP, Vcpuop.GET_RUNSTATE_INFO, 0, at) == 0
    state, since, *spent = struct.unpack("<IQ4Q", xen.domain.space.read(at, 44))
    assert state == Runstate.RUNNING
    assert sum(spent) + since <= xen.domain.clock.now()
    area = xen.spare(0)
    assert (
        xen.call(
            Hypercall.VCPU_OP, Vcpuop.REGISTER_RUNSTATE_MEMORY_AREA, 0, xen.argument(struct.pack("<I", area))
        )
        == 0
    )
    xen.domain.scheduling.block()
    assert xen.domain.space.u32(area) == Runstate.BLOCKED
    assert xen.map(area, 0) == 0
    xen.domain.scheduling.resume()


def test_register_vcpu_info(xen: Bench) -> None:
    va = xen.spare(0)
    shared = xen.domain.shared
    shared.vcpu.arch_cr2 = 0x1234
    at = xen.argument(struct.pack("<QII", xen.frame(va), 128, 0))
    assert xen.call(Hypercall.VCPU_OP, Vcpuop.REGISTER_VCPU_INFO, 0, at) == 0
    assert xen.domain.space.u32(va + 128 + 8) == 0x1234
    assert xen.domain.space.read(va + 128, 2) == b"\1\1"
    assert xen.call(Hypercall.VCPU_OP, Vcpuop.REGISTER_VCPU_INFO, 0, at) == -Errno.EINVAL
    port = xen.event(Evtchnop.BIND_IPI, 0, 0)[1][1]
    xen.event(Evtchnop.SEND, port)
    assert shared.bit("pending", port)


@pytest.mark.parametrize("offset", [4096 - 60, 2, 5000])
def test_register_vcpu_info_across_a_page(xen: Bench, offset: int) -> None:
    at = xen.argument(struct.pack("<QII", xen.frame(xen.spare(0)), offset, 0))
    assert xen.call(Hypercall.VCPU_OP, Vcpuop.REGISTER_VCPU_INFO, 0, at) == -6


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (Shutdown.POWEROFF, EndKind.SHUTDOWN),
        (Shutdown.REBOOT, EndKind.REBOOT),
        (Shutdown.CRASH, EndKind.CRASH),
        (Shutdown.WATCHDOG, EndKind.REBOOT),
        (Shutdown.SUSPEND, EndKind.REBOOT),
        (77, EndKind.REBOOT),
    ],
)
@pytest.mark.parametrize("number", [Hypercall.SCHED_OP, Hypercall.SCHED_OP_COMPAT])
def test_shutdown_reasons(reason: int, kind: EndKind, number: int) -> None:
    argument = ZERO if number == Hypercall.SCHED_OP else reason
    bench = Bench(Code().hypercall(number, Schedop.SHUTDOWN, argument).image())
    bench.domain.space.put32(ZERO, reason)
    assert bench.run().kind is kind
    bench.close()


def test_poll_wakes_by_port_and_by_time() -> None:
    code = Code().hypercall(Hypercall.SCHED_OP, Schedop.POLL, BIND).keep_eax(RESULTS).off()
    bench = Bench(code.image({BIND: struct.pack("<IIQ", TIMER, 1, 0), TIMER: struct.pack("<I", 1)}))
    assert bench.event(Evtchnop.BIND_IPI, 0, 0) == (0, (0, 1))
    due = bench.domain.clock.now() + 10_000_000
    bench.domain.space.write(BIND + 8, struct.pack("<Q", due))
    assert bench.run().kind is EndKind.SHUTDOWN
    assert bench.domain.clock.now() >= due
    bench.close()


def test_poll_arguments(xen: Bench) -> None:
    at = xen.argument(struct.pack("<IIQI", ARGUMENTS + 16, 129, 0, 4000))
    assert xen.call(Hypercall.SCHED_OP, Schedop.POLL, at) == -Errno.EINVAL
    xen.domain.space.put32(at + 4, 1)
    assert xen.call(Hypercall.SCHED_OP, Schedop.POLL, at) == -Errno.EINVAL
    xen.domain.space.put32(at + 16, 1)
    assert xen.call(Hypercall.SCHED_OP, Schedop.POLL, at) == -Errno.EINVAL, "nobody was given it"
    xen.event(Evtchnop.BIND_IPI, 0, 0)
    xen.argument(struct.pack("<IIQI", ARGUMENTS + 16, 1, 0, 1))
    xen.domain.shared.set_bit("pending", 1)
    assert xen.call(Hypercall.SCHED_OP, Schedop.POLL, at) == 0
    assert not xen.domain.scheduling.blocked


def test_watchdog(xen: Bench) -> None:
    def watchdog(number: int, seconds: int) -> int:
        return xen.call(
            Hypercall.SCHED_OP, Schedop.WATCHDOG, xen.argument(struct.pack("<II", number, seconds))
        )

    assert watchdog(0, 10) == 1
    assert watchdog(0, 10) == 2
    assert watchdog(0, 10) == -Errno.ENOSPC
    assert watchdog(1, 0) == 0
    assert watchdog(1, 5) == -Errno.EINVAL
    assert watchdog(3, 5) == -Errno.EINVAL
    assert watchdog(2, 0) == 0


# Time


@pytest.mark.parametrize(
    "hz", [100_000_000, 999_999_999, 1_000_000_000, 2_000_000_001, 2_600_000_000, 5_000_000_000]
)
def test_time_scale(hz: int) -> None:
    mul, shift = time_scale(hz)
    assert 0 < mul < 1 << 32
    ticks = hz * 7
    shifted = ticks << shift if shift >= 0 else ticks >> -shift
    assert abs((shifted * mul >> 32) - 7 * 10**9) < 10


def test_time_info_extrapolates(xen: Bench) -> None:
    info = xen.domain.shared.vcpu.time
    version = info.version
    assert version % 2 == 0
    delta = xen.domain.engine.tsc() - info.tsc_timestamp
    shifted = delta << info.tsc_shift if info.tsc_shift >= 0 else delta >> -info.tsc_shift
    computed = info.system_time + (shifted * info.tsc_to_system_mul >> 32)
    assert abs(xen.domain.clock.now() - computed) < 1_000_000
    xen.domain.clock.refresh()
    assert info.version == version + 2
    page = xen.domain.shared.page
    assert page.wc_version % 2 == 0
    assert abs(page.wc_sec + xen.domain.clock.now() // 10**9 - time.time()) < 2


def test_the_wall_clock_follows_the_hosts_when_that_is_set(
    xen: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, host = xen.domain.shared.page, xen.domain.engine.clock
    version, second = page.wc_version, page.wc_sec
    xen.domain.clock.refresh()
    assert (page.wc_version, page.wc_sec) == (version, second), "time that passes sets nothing"
    ahead = host.wall_ns
    monkeypatch.setattr(host, "wall_ns", lambda: ahead() + 3600 * 10**9)
    xen.domain.clock.refresh()
    assert page.wc_version == version + 2 and 3599 <= page.wc_sec - second <= 3601


def test_what_the_host_takes_between_two_runs_is_stolen(xen: Bench) -> None:
    def spent(state: Runstate) -> int:
        return int.from_bytes(xen.domain.scheduling.runstate()[12 + 8 * state :][:8], "little")

    xen.domain.scheduling.held()
    begun, ran = xen.domain.clock.now(), spent(Runstate.RUNNING)
    while xen.domain.clock.now() < begun + 1_000_000:
        pass
    assert spent(Runstate.RUNNABLE) >= 1_000_000 and spent(Runstate.RUNNING) == ran
    xen.domain.scheduling.resume()
    taken = spent(Runstate.RUNNABLE)
    assert spent(Runstate.RUNNABLE) == taken
    xen.domain.scheduling.block()
    xen.domain.scheduling.held()
    assert spent(Runstate.RUNNABLE) == taken, "a halted processor wants nothing"
