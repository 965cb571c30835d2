"""Guests that mean harm: whatever they ask, Xen answers by the rules and its counts stay right."""

from __future__ import annotations

import struct

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from tests.effort import examples
from tests.hypervisors.xen_counts import check_counts
from tests.hypervisors.xen_kernels import ARGUMENTS, NOTES, TEXT, Bench, elf
from vmirom.hypervisors.hypervisor import Ending, LoadError
from vmirom.hypervisors.xen.answers import DomainCrash, Ended, GuestFault
from vmirom.overlays.xen import Hypercall, Mmuext

CAREFUL = examples(60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
SLOTS = (0, 1, 2, 3, 4, 100, 256, 427, 428, 511)


class Frames:
    """Names for frames, so that random requests meet each other: spare pages, tables, foreign ones."""

    def __init__(self, bench: Bench) -> None:
        base = bench.domain.mmu.base
        self.spares: list[int] = [bench.frame(bench.spare(i)) for i in range(8)]
        others = [0x100, 0xB8, 0xFEE00, bench.domain.shared.gpa >> 12, bench.domain.free[0], 1 << 30]
        self.all: list[int] = [*self.spares, *range(base, base + 7), *others]

    def __getitem__(self, number: int) -> int:
        return self.all[number % len(self.all)]


frame_numbers = st.integers(0, 20)
entry_bits = st.sampled_from([0, 1, 3, 1 | 32, 3 | 96, 7, 1 | 128, 1 | 16, 1 | 256, 1 << 63 | 3, 1 << 55 | 1])
words = st.one_of(
    st.integers(0, 0xFFFFFFFF),
    st.sampled_from(
        [0, 1, 2, ARGUMENTS, TEXT, 0xF5800000, 0xFFFFFFFF, 0xFFFFFFF8, 0xC03FFFFC, 0x7FF0, 1 << 31]
    ),
)


@st.composite
def table_operations(draw: st.DrawFn) -> tuple[str, int, int, int]:
    kind = draw(st.sampled_from(["map", "update", "extended", "fill", "reserve", "gdt"]))
    return kind, draw(frame_numbers), draw(frame_numbers), draw(st.integers(0, 1 << 16))


def carry_out(bench: Bench, frames: Frames, step: tuple[str, int, int, int], bits: int) -> None:
    kind, one, two, number = step
    spare = bench.spare(one % 8)
    if kind == "map":
        bench.map(spare, frames[two] << 12 | bits, number & 7)
    elif kind == "update":
        bench.update(
            frames[one] << 12 | SLOTS[number % len(SLOTS)] << 3 | number >> 8 & 3, frames[two] << 12 | bits
        )
    elif kind == "extended":
        bench.extended(number % 22, frames[one], frames[two])
    elif kind == "fill":
        _fill(bench, frames, one, two, number, bits)
    elif kind == "reserve":
        bench.argument(struct.pack("<I", frames[one]), 64)
        at = bench.argument(struct.pack("<4IHH", ARGUMENTS + 64, 1, 0, 0, 0x7FF0, 0))
        bench.call(Hypercall.MEMORY_OP, (1, 6)[number & 1], at)
    else:
        at = bench.argument(struct.pack("<2I", frames[one], frames[two]))
        bench.call(Hypercall.SET_GDT, at, (0, 1, 512, 513, 1024)[number % 5])


def _fill(bench: Bench, frames: Frames, one: int, two: int, number: int, bits: int) -> None:
    """Write an entry into a spare page as the guest could: only where it is mapped writable."""
    va = bench.spare(one % 8)
    at = bench.domain.space.entry_address(va)
    entry = bench.domain.memory.u64(at) if at is not None else 0
    if entry & 3 == 3 and bench.domain.tables.owned(entry >> 12 & 0xFFFFFFF):
        gpa = (entry >> 12 & 0xFFFFFFF) << 12
        bench.domain.memory.put64(gpa + SLOTS[number % len(SLOTS)] * 8, frames[two] << 12 | bits)


def second_space(bench: Bench, frames: Frames) -> None:
    """A second L3 with a copy of the boot mapping, ready to be pinned and used, and two empty tables."""
    boot_l2 = bench.domain.mmu.base + 2
    slots = bench.domain.hole.first_slot
    links = {i: e for i, e in enumerate(bench.domain.tables.entries(boot_l2)[:slots]) if e & 1}
    bench.table(0, links)
    bench.table(1, {3: frames.spares[0] << 12 | 1})
    bench.table(2, {})
    bench.table(3, {5: frames.spares[7] << 12 | 3})


@CAREFUL
@given(st.lists(st.tuples(table_operations(), entry_bits), max_size=60), st.booleans())
def test_page_table_requests_keep_the_counts(
    steps: list[tuple[tuple[str, int, int, int], int]], prepared: bool
) -> None:
    bench = Bench(memory_mib=4)
    frames = Frames(bench)
    try:
        if prepared:
            second_space(bench, frames)
        for step, bits in steps:
            try:
                carry_out(bench, frames, step, bits)
            except GuestFault:
                break  # the guest took its own argument page away: it can ask nothing more
        check_counts(bench.domain)
    finally:
        bench.close()


@CAREFUL
@given(
    st.lists(st.tuples(st.integers(0, 64), st.lists(words, min_size=5, max_size=5)), max_size=40),
    st.binary(max_size=256),
)
def test_random_hypercalls_never_raise(calls: list[tuple[int, list[int]]], memory: bytes) -> None:
    bench = Bench(memory_mib=4)
    bench.argument(memory)
    try:
        for number, args in calls:
            if number != Hypercall.IRET:
                result = bench.domain.hypercalls.call(number, args)
                assert -(1 << 31) <= result < 1 << 32
        check_counts(bench.domain)
    except (Ended, DomainCrash):
        pass
    finally:
        bench.close()


@CAREFUL
@given(st.lists(st.integers(0, 8), min_size=1, max_size=8), st.binary(min_size=64, max_size=512), words)
def test_random_sub_operations_never_raise(commands: list[int], memory: bytes, other: int) -> None:
    bench = Bench(memory_mib=4)
    groups = (Hypercall.EVENT_CHANNEL_OP, Hypercall.VCPU_OP, Hypercall.SCHED_OP, Hypercall.PHYSDEV_OP)
    more = (Hypercall.XEN_VERSION, Hypercall.MEMORY_OP, Hypercall.CALLBACK_OP, Hypercall.CONSOLE_IO)
    try:
        for i, command in enumerate(commands):
            number = (groups + more)[command % 8]
            bench.argument(memory)
            bench.call(number, memory[i] % 16, other if memory[i] & 16 else ARGUMENTS, ARGUMENTS + 8)
        check_counts(bench.domain)
    except (Ended, DomainCrash):
        pass
    finally:
        bench.close()


@CAREFUL
@given(st.binary(min_size=1, max_size=200))
def test_random_code_ends_in_an_ending(code: bytes) -> None:
    bench = Bench(code, memory_mib=4)
    try:
        assert isinstance(bench.run(0.02), Ending)
        assert bench.hypervisor.describe()
        check_counts(bench.domain)
    finally:
        bench.close()


@examples(150)
@given(st.integers(0, 0x400), st.binary(min_size=1, max_size=40))
def test_damaged_kernels_are_refused_or_load(at: int, damage: bytes) -> None:
    image = bytearray(elf(b"\x0f\x0b"))
    image[at : at + len(damage)] = damage
    bench = Bench(memory_mib=4)
    try:
        bench.hypervisor.load(bytes(image))
    except LoadError as refused:
        assert "\n" not in str(refused)
    finally:
        bench.close()


@examples(100)
@given(st.sampled_from(sorted(NOTES)), st.binary(max_size=12))
def test_odd_notes_are_refused_or_load(kind: int, value: bytes) -> None:
    try:
        Bench(memory_mib=4, notes={**NOTES, kind: value}).close()
    except LoadError as refused:
        assert "\n" not in str(refused)


def test_a_long_chain_of_tables_is_released_without_recursing_far() -> None:
    """Linear mappings can't be nested, so a chain of L2s can't be built."""
    bench = Bench(memory_mib=4)
    tables = [bench.table(i, {}) for i in range(3)]
    for table in tables:
        assert bench.extended(Mmuext.PIN_L2_TABLE, table) == 0
    assert bench.update(tables[0] << 12, tables[1] << 12 | 1) == 0
    assert bench.update(tables[1] << 12, tables[2] << 12 | 1) < 0
    bench.close()


@pytest.mark.parametrize("count", [0x7FFFFFFF, 0xFFFFFFFF])
def test_huge_counts_fail_at_the_first_bad_page(count: int) -> None:
    bench = Bench(memory_mib=4)
    assert bench.call(Hypercall.MMU_UPDATE, bench.spare(0), count, 0, 0x7FF0) < 0
    assert bench.call(Hypercall.MMUEXT_OP, bench.spare(0), count, 0, 0x7FF0) < 0
    bench.close()
