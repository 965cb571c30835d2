"""The Xen ROM's traps, descriptors, events, time and ends on the host, over the Xen of xen_machine."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.effort import examples
from tests.rom.hostc import Library
from tests.rom.xen_calls import (
    BASE,
    DTR,
    ENTRIES,
    HANDLERS,
    IF,
    INTERRUPT,
    LDT,
    MASK,
    TABLE,
    TRAP,
    CallMachine,
)
from tests.rom.xen_machine import LINEAR, compile_host
from vmirom.overlays import xen
from vmirom.overlays.vmi import LazyMode
from vmirom.overlays.xen import (
    Selector,
    Shutdown,
    Virq,
)


@pytest.fixture(scope="module")
def lib() -> Library:
    return compile_host()


@pytest.fixture(scope="module")
def machines(lib: Library) -> Iterator[Any]:
    """Makes machines; the one before is closed."""
    made: list[CallMachine] = []

    def make(old: bool = False) -> CallMachine:
        while made:
            made.pop().close()
        made.append(CallMachine(lib, old))
        return made[0]

    yield make
    while made:
        made.pop().close()


# -- traps ----------------------------------------------------------------------------------------------

kinds = st.sampled_from([0x8E00, 0x8F00, 0xEE00, 0xEF00, 0x0E00, 0x8500, 0x8C00, 0])
words = st.integers(0, 0xFFFFFFFF)
gates = st.tuples(
    st.one_of(st.integers(0, 255), st.sampled_from([7, 14, 255])),
    words,
    st.one_of(words, st.tuples(st.integers(0, 0xFFFF), kinds).map(lambda parts: parts[0] << 16 | parts[1])),
)


def expected_trap(vector: int, low: int, high: int) -> tuple[int, int, int] | None:
    """Xen's entry for a guest's gate: flags, selector, address."""
    usable = bool(high & 0x8000) and high >> 8 & 0x1F in (0x0E, 0x0F)
    if vector == 14 or (vector == 7 and usable):
        return (high >> 13 & 3 if usable else 0) | MASK, int(Selector.KERNEL_CS), ENTRIES[vector]
    address = high & 0xFFFF0000 | low & 0xFFFF
    if not usable or address == 0:
        return None
    return high >> 13 & 3 | (MASK if high >> 8 & 0x1F == 0x0E else 0), low >> 16 & ~3 | 1, address


@examples(40)
@given(
    first=st.lists(gates, max_size=12),
    limit=st.sampled_from([0, 7, 8 * 14 + 7, 8 * 33 - 1, 8 * 256 - 1, 0xFFFF]),
    later=st.lists(gates, max_size=10),
)
def test_xens_traps_are_the_guests_gates(
    machines: Any, first: list[tuple[int, int, int]], limit: int, later: list[tuple[int, int, int]]
) -> None:
    """All 256 after SetIDT, each after WriteIDTEntry; one that was taken away is gone."""
    xen_machine = machines()
    lib = xen_machine.lib
    table = [(0, 0)] * 256
    for vector, low, high in first:
        table[vector] = (low, high)
        xen_machine.put(TABLE + 8 * vector, struct.pack("<II", low, high))
    xen_machine.load("IDT", LINEAR + TABLE, limit)
    for vector, low, high in later:
        table[vector] = (low, high)
        lib.vmi_WriteIDTEntry(LINEAR + TABLE, vector, low, high)
        assert xen_machine.get(TABLE + 8 * vector, 8) == struct.pack("<II", low, high)
    shown = [(low, high) if 8 * vector + 7 <= limit else (0, 0) for vector, (low, high) in enumerate(table)]
    wanted = {vector: expected_trap(vector, *gate) for vector, gate in enumerate(shown)}
    selectors = {v: (flags, selector, at) for v, (flags, selector, at) in xen_machine.traps.items()}
    assert selectors == {vector: entry for vector, entry in wanted.items() if entry is not None}
    lib.vmi_GetIDT(LINEAR + DTR)
    assert xen_machine.get(DTR, 6) == struct.pack("<HI", limit, LINEAR + TABLE)


@given(cr0=words, at_fault=st.booleans())
def test_task_switched_is_as_the_guest_set_it_after_a_fault_too(
    machines: Any, cr0: int, at_fault: bool
) -> None:
    """Xen clears TS when it delivers the fault; a processor does not."""
    xen_machine = machines()
    xen_machine.settle()
    xen_machine.lib.vmi_SetCR0(cr0)
    assert xen_machine.ts == bool(cr0 & 8)
    if at_fault and cr0 & 8:
        xen_machine.ts = 0
        assert xen_machine.lib.fpu_fault(2) == HANDLERS + 7
        assert xen_machine.ts == 1
    xen_machine.lib.vmi_CLTS()
    assert xen_machine.ts == 0
    assert xen_machine.lib.vmi_GetCR0() == (cr0 | 0x80010001) & ~8


# -- descriptors ----------------------------------------------------------------------------------------


def machine_descriptor(low: int, high: int) -> int:
    """Code and data with DPL 1 for 0 and the accessed bit; nothing for what Xen keeps to itself."""
    if not high & 0x1000 or high & 0x200000:
        return 0
    high |= 0x100
    if not high & 0x6000:
        high |= 0x2000
    return high << 32 | low


entries = st.tuples(st.integers(0, 40), words, words)


@examples(60)
@given(
    first=st.lists(entries, max_size=20),
    limit=st.sampled_from([0, 7, 8 * 20 + 7, 8 * 32 - 1, 0xFFF, 0xFFFF]),
    later=st.lists(entries, max_size=30),
    lazy=st.sampled_from(list(LazyMode)),
)
def test_xens_descriptors_are_the_guests(
    machines: Any,
    first: list[tuple[int, int, int]],
    limit: int,
    later: list[tuple[int, int, int]],
    lazy: LazyMode,
) -> None:
    """In both tables, as soon as no lazy mode holds them back."""
    xen_machine = machines()
    lib = xen_machine.lib
    table = [(0, 0)] * 512
    for entry, low, high in first:
        table[entry] = (low, high)
        xen_machine.put(TABLE + 8 * entry, struct.pack("<II", low, high))
    xen_machine.load("GDT", LINEAR + TABLE, limit)
    assert lib.segment_reloads() == 1
    lib.vmi_SetLazyMode(lazy)
    for entry, low, high in later:
        table[entry] = (low, high)
        lib.vmi_WriteGDTEntry(LINEAR + TABLE, entry, low, high)
        assert xen_machine.get(TABLE + 8 * entry, 8) == struct.pack("<II", low, high)
    lib.vmi_SetLazyMode(LazyMode.NONE)
    for entry, (low, high) in enumerate(table):
        wanted = machine_descriptor(low, high) if 8 * entry + 7 <= limit else 0
        assert xen_machine.read(xen_machine.pool_mfn[2], entry) == wanted, entry
    lib.vmi_GetGDT(LINEAR + DTR)
    assert xen_machine.get(DTR, 6) == struct.pack("<HI", limit, LINEAR + TABLE)


@examples(60)
@given(
    selector=st.sampled_from([0, 4, 0x60, 0x88, 0x8B, 0xFFF8]),
    count=st.sampled_from([0, 1, 3, 512, 600]),
    kind=st.sampled_from([0x82, 0x89, 0x02, 0x9B]),
    first=st.lists(entries, max_size=10),
    later=st.lists(entries, max_size=10),
)
def test_a_local_table_is_the_guests(
    machines: Any,
    selector: int,
    count: int,
    kind: int,
    first: list[tuple[int, int, int]],
    later: list[tuple[int, int, int]],
) -> None:
    xen_machine = machines()
    lib = xen_machine.lib
    table = [(0, 0)] * 600
    for entry, low, high in first:
        table[entry] = (low, high)
        xen_machine.put(LDT + 8 * entry, struct.pack("<II", low, high))
    limit, base = max(8 * count - 1, 0), LINEAR + LDT
    descriptor = (limit | (base & 0xFFFF) << 16, base & 0xFF000000 | kind << 8 | base >> 16 & 0xFF)
    xen_machine.put(TABLE + 0x88, struct.pack("<II", *descriptor))
    xen_machine.load("GDT", LINEAR + TABLE, 8 * 32 - 1)
    lib.vmi_SetLDT(selector)
    assert lib.vmi_GetLDT() == selector
    there = selector & ~7 == 0x88 and kind == 0x82
    size = (limit + 1) // 8 if there else 0
    for entry, low, high in later:
        lib.vmi_WriteLDTEntry(base, entry, low, high)
        table[entry] = (low, high)
    base_now, entries_now = xen_machine.ldt
    assert entries_now == size
    for entry in range(size):
        machine = struct.unpack("<Q", xen_machine._bytes(base_now + 8 * entry, 8))[0]
        assert machine == machine_descriptor(*table[entry]), entry


# -- the flag, and what comes through it ----------------------------------------------------------------

STEP: Final = 1_000_000
SLACK: Final = 1000
actions = st.one_of(
    st.tuples(st.just("alarm"), st.integers(-2, 6)),
    st.tuples(st.just("run"), st.integers(0, 8)),
    st.tuples(st.just("enable")),
    st.tuples(st.just("disable")),
    st.tuples(st.just("halt")),
    st.tuples(st.just("call")),
    st.tuples(st.just("type")),
)


@examples(80)
@given(
    history=st.lists(actions, min_size=20, max_size=50),
    kind=st.sampled_from([INTERRUPT, TRAP]),
    old=st.booleans(),
)
def test_every_alarm_is_one_interrupt_as_soon_as_the_flag_allows(
    machines: Any, history: list[tuple[Any, ...]], kind: int, old: bool
) -> None:
    """None lost, none twice, none early, on a Xen of whatever age."""
    xen_machine = machines(old)
    lib = xen_machine.lib
    xen_machine.settle(kind)
    assert xen_machine.unmasked == set(xen_machine.ports.values()) and len(xen_machine.ports) == 2
    expiry: int | None = None
    requested = False
    handled = 0
    for action in history:
        now = xen_machine.now
        match action:
            case ("alarm", steps):
                if expiry is not None and now >= expiry:
                    requested = True
                expiry = max(0, now + steps * STEP)
                lib.vmi_SetAlarm(0, expiry & 0xFFFFFFFF, expiry >> 32, 0, 0)
            case ("run", steps):
                xen_machine.run_to(now + steps * STEP + SLACK)
            case ("enable",):
                xen_machine.enable()
            case ("disable",):
                xen_machine.masked = True
            case ("call",):
                lib.port_in(0x20, 1)
            case ("type",):
                xen_machine.typed += b"x"
                xen_machine.raise_event(xen_machine.ports[Virq.CONSOLE])
                xen_machine.look()
            case ("halt",):
                if expiry is None and not requested:
                    continue
                before = len(xen_machine.handled)
                assert lib.ended_halting() == 0
                assert len(xen_machine.handled) == before + 1
                assert not xen_machine.masked
        if expiry is not None and 0 <= expiry - xen_machine.now < SLACK:
            xen_machine.run_to(expiry + SLACK)
        if expiry is not None and xen_machine.now >= expiry:
            expiry, requested = None, True
        if requested and not xen_machine.masked:
            requested = False
            handled += 1
        assert len(xen_machine.handled) == handled, action
    assert set(xen_machine.handled) <= {BASE}
    assert set(xen_machine.mask_within) <= {kind == INTERRUPT}


def test_an_interrupt_without_a_handler_ends_the_domain_with_a_word(machines: Any) -> None:
    xen_machine = machines()
    xen_machine.settle()
    xen_machine.lib.vmi_WriteIDTEntry(LINEAR + TABLE, BASE, 0, 0)
    xen_machine.lib.vmi_SetAlarm(0, 0, 0, 0, 0)
    assert xen_machine.lib.ended_by_upcall(IF)
    assert bytes(xen_machine.printed) == b"vmi: interrupt without a handler\n"
    assert xen_machine.shutdowns == [Shutdown.CRASH]


# -- time -----------------------------------------------------------------------------------------------


@given(
    wall=st.tuples(st.integers(0, 0xFFFFFFFF), st.integers(0, 999_999_999)),
    stamp=st.integers(0, 1 << 60),
    ns=st.integers(0, 1 << 60),
    elapsed=st.integers(0, 1 << 40),
)
def test_the_wallclock_is_xens(
    machines: Any, wall: tuple[int, int], stamp: int, ns: int, elapsed: int
) -> None:
    xen_machine = machines()
    xen_machine.tell_time(stamp, ns)
    at = int(xen.ffi.offsetof("struct xen_shared_info", "wc_version"))
    struct.pack_into("<III", xen_machine.shared, at, 2, *wall)
    xen_machine.lib.set_counter(stamp + elapsed, 0)
    total = wall[0] * 10**9 + wall[1] + ns + elapsed
    assert xen_machine.lib.platform_wallclock() == total & (1 << 64) - 1


# -- console and ends -----------------------------------------------------------------------------------


@given(text=st.binary(max_size=300), typed=st.binary(max_size=20))
def test_the_console_is_xens(machines: Any, text: bytes, typed: bytes) -> None:
    """Nothing is asked for before Xen has told of input."""
    xen_machine = machines()
    xen_machine.settle()
    lib = xen_machine.lib
    lib.platform_console(lib.ffi.from_buffer("uint8_t[]", bytearray(text)), len(text))
    assert bytes(xen_machine.printed) == text
    assert lib.platform_console_read() == -1
    xen_machine.typed += typed
    asked = len(xen_machine.hypercalls)
    assert lib.platform_console_read() == -1 and len(xen_machine.hypercalls) == asked
    xen_machine.raise_event(xen_machine.ports[Virq.CONSOLE])
    xen_machine.masked = False
    xen_machine.look()
    read = []
    while lib.port_in(0x3FD, 1) & 1:
        read.append(lib.port_in(0x3F8, 1))
    assert bytes(read) == typed


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize(
    ("how", "reason"),
    [("rebooting", Shutdown.REBOOT), ("by_shutdown", Shutdown.POWEROFF), ("by_exit", Shutdown.POWEROFF)],
)
def test_each_end_has_its_reason(machines: Any, old: bool, how: str, reason: Shutdown) -> None:
    xen_machine = machines(old)
    xen_machine.settle()
    xen_machine.lib.port_out(0x3F8, 1, ord("x"))
    arguments = () if how == "by_shutdown" else (17,)
    assert getattr(xen_machine.lib, f"ended_{how}")(*arguments)
    assert xen_machine.shutdowns == [reason]
    assert bytes(xen_machine.printed) == b"x", "what was said before is heard"
    if how == "by_exit":
        assert (xen_machine.lib.exit_status(), xen_machine.iopl) == (17, 1)


@given(mask=words, old=st.booleans())
def test_io_privilege_is_asked_for_in_the_form_that_xen_knows(machines: Any, mask: int, old: bool) -> None:
    xen_machine = machines(old)
    xen_machine.lib.vmi_SetIOPLMask(mask)
    assert xen_machine.iopl == mask >> 12 & 3
