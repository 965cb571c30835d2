"""The kvm ROM's C on the host: what it asks of KVM's clocks, and what KVM knows of the page tables."""

from __future__ import annotations

import functools
import struct
import threading
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.effort import examples
from tests.rom.pc_model import LINEAR, STATE, HostPc, compile_pc
from vmirom.overlays.kvm import CpuidLeaf, Errno, Feature, Hypercall, MmuLimit, MmuOp, Msr, Signature
from vmirom.overlays.native import Cr4
from vmirom.overlays.vmi import FlushTlb, Layout, LazyMode, PteFlag

DECLARATIONS: Final = """
extern "Python" void host_write_msr(uint32_t, uint64_t);
extern "Python" int32_t host_hypercall(uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);
extern "Python" void host_flush(uint32_t, uint32_t);
static void set_control(uint32_t cr4, uint32_t cr3);
static uint32_t page_fault(uint32_t gva, uint32_t *shown);
static uint32_t refused(void);
static uint32_t queued(void);
static uint32_t features(void);
static uint32_t khz_now(void);
static uint32_t cr3_now(void);
static uint32_t cr4_now(void);
void vmi_SetPxE(uint32_t, uint32_t, uint32_t);
void vmi_SetPxELong(uint32_t, uint32_t, uint32_t, uint32_t);
void vmi_ReleasePage(uint32_t, uint32_t);
void vmi_InvalPage(uint32_t);
void vmi_FlushTLB(uint32_t);
void vmi_SetCR3(uint32_t);
void vmi_SetLinearMapping(uint32_t, uint32_t, uint32_t, uint32_t);
void vmi_SetLazyMode(uint32_t);
"""
SHARED: Final = STATE + 4096 * int(Layout.STATE_SHARED)
VENDORS: Final = (b"GenuineIntel", b"AuthenticAMD", b"CentaurHauls", b"  Shanghai  ", b"HygonGenuine")
BY_VMCALL: Final = frozenset({b"GenuineIntel", b"CentaurHauls", b"  Shanghai  "})
PAE: Final = int(Cr4.PAE)
PGE: Final = int(Cr4.PGE)
CR3, GLOBAL, PAGE = range(3)
SECOND_MAP: Final = 0x200  # first page of the second linear map, and the end of the first
UNMAPPED: Final = 0x300  # first page behind both
IDT: Final = 0x3F0000
FAULT_HANDLER: Final = 0xC0345678
ROOT: Final = 0x3E0000


@functools.cache
def compiled() -> HostPc:
    return compile_pc("kvm", DECLARATIONS)


@dataclass
class Kvm:
    """A host with these features. It believes what it was told of a page-table entry until it is told anew,
    or until CR3 is loaded."""

    offered: frozenset[Feature]
    vendor: bytes = b"GenuineIntel"
    khz: int = 2_500_000
    takes: int = 1 << 30  # operations of a batch that it does at once; 0: it refuses
    most_leaf: int = int(CpuidLeaf.FEATURES)
    signature: bool = True
    hypervisor: bool = True
    msrs: list[tuple[int, int]] = field(default_factory=list)
    batches: list[list[int]] = field(default_factory=list)
    stale: set[int] = field(default_factory=set)
    released: list[int] = field(default_factory=list)
    flushed: list[tuple[int, int]] = field(default_factory=list)
    pae: bool = True

    def boot(self) -> HostPc:
        """vmi_init in a guest whose page-fault gate leads to FAULT_HANDLER."""
        pc = self.pc = compiled()
        pc.start(khz=0)
        for name in ("write_msr", "hypercall", "flush"):
            pc.lib.answer(f"host_{name}", getattr(self, f"_{name}"))
        ebx, edx, ecx = struct.unpack("<III", self.vendor)
        pc.leaves[0] = (13, ebx, ecx, edx)
        pc.leaves[1] = (0, 0, int(self.hypervisor) << 31, 1 << 6)
        if self.signature:
            name = (int(Signature.EBX), int(Signature.ECX), int(Signature.EDX))
            pc.leaves[int(CpuidLeaf.SIGNATURE)] = (self.most_leaf, *name)
        pc.leaves[int(CpuidLeaf.FEATURES)] = (sum(1 << bit for bit in self.offered), 0, 0, 0)
        pc.lib.set_control(PAE if self.pae else 0, ROOT)
        pc.put_rom()
        low, high = 0x600000 | FAULT_HANDLER & 0xFFFF, FAULT_HANDLER & 0xFFFF0000 | 0x8E00
        pc.put(IDT + 8 * 14, struct.pack("<II", low, high))
        pc.lib.set_idt(LINEAR + IDT, 8 * 256 - 1)
        pc.on_in = lambda _port: 0x20  # the PIT's second channel is at its end before it began: no rate
        assert pc.lib.rom_init() == 0
        return pc

    def _write_msr(self, msr: int, value: int) -> None:
        self.msrs.append((msr, value))
        if msr in (Msr.SYSTEM_TIME, Msr.SYSTEM_TIME_NEW):
            self.tell_time(2, 0, 0)

    def tell_time(self, version: int, tsc: int, ns: int) -> None:
        """The clock's page: 1e6 / khz ns a cycle, as mul * 2^(shift - 32)."""
        shift = 0
        while not ((1_000_000 << 32 - shift) // self.khz) >> 31:
            shift -= 1
        while ((1_000_000 << 32) >> shift if shift >= 0 else 1_000_000 << 32 - shift) // self.khz >> 32:
            shift += 1
        scaled = ((1_000_000 << 32) >> shift if shift >= 0 else 1_000_000 << 32 - shift) // self.khz
        self.mul, self.shift = scaled, shift
        self.pc.put(SHARED, struct.pack("<IIQQIbBH", version, 0, tsc, ns, scaled, shift, 0, 0))

    def _flush(self, kind: int, value: int) -> None:
        self.flushed.append((kind, value))
        if kind != PAGE:
            self.stale.clear()

    def _hypercall(self, opcode: int, number: int, length: int, gpa: int, high: int) -> int:
        assert opcode == (self.vendor not in BY_VMCALL)
        assert number == Hypercall.MMU_OP and Feature.MMU_OP in self.offered
        assert high == 0 and self.pc.lib.interrupts_saved() > 0
        assert gpa >= SHARED and gpa + length <= SHARED + 4096
        if self.takes == 0:
            return -int(Errno.ENOSYS)
        at, batch = gpa, []
        while at < gpa + length and len(batch) < self.takes:
            op, pad = struct.unpack_from("<II", self.pc.memory, at)
            assert pad == 0
            batch.append(op)
            match MmuOp(op):
                case MmuOp.WRITE_PTE:
                    entry, value = struct.unpack_from("<QQ", self.pc.memory, at + 8)
                    self.pc.put(entry, value.to_bytes(8, "little")[: 8 if self.pae else 4])
                    self.stale.discard(entry)
                    at += 24
                case MmuOp.RELEASE_PT:
                    self.released.append(self.pc.u64(at + 8))
                    at += 16
                case MmuOp.FLUSH_TLB:
                    at += 8
        assert at <= gpa + length and len(batch) <= MmuLimit.BATCH
        self.batches.append(batch)
        return at - gpa


# -- what is offered ------------------------------------------------------------------------------------

features = st.frozensets(st.sampled_from(list(Feature)))


@given(
    offered=features,
    vendor=st.sampled_from(VENDORS),
    most_leaf=st.sampled_from([0, 0x40000000, 0x40000001, 0x40000010, 0xFFFFFFFF]),
    signature=st.booleans(),
    hypervisor=st.booleans(),
    khz=st.integers(100_000, 6_000_000),
)
def test_only_what_is_offered_is_used(
    offered: frozenset[Feature],
    vendor: bytes,
    most_leaf: int,
    signature: bool,
    hypervisor: bool,
    khz: int,
) -> None:
    """By the features leaf alone, and only where the signature and its highest leaf say that it is there."""
    host = Kvm(offered, vendor, khz, most_leaf=most_leaf, signature=signature, hypervisor=hypervisor)
    pc = host.boot()
    there = signature and hypervisor and most_leaf != 0x40000000
    real = offered if there else frozenset()
    assert pc.lib.features() == sum(1 << bit for bit in real)
    wanted = []
    if Feature.CLOCKSOURCE2 in real:
        wanted.append((int(Msr.SYSTEM_TIME_NEW), SHARED | 1))
    elif Feature.CLOCKSOURCE in real:
        wanted.append((int(Msr.SYSTEM_TIME), SHARED | 1))
    rate_known = bool(wanted)
    if Feature.STEAL_TIME in real:
        wanted.append((int(Msr.STEAL_TIME), SHARED + 128 | 1))
    assert host.msrs == wanted
    if rate_known:
        assert abs(pc.lib.khz_now() - khz) <= 1 << -min(host.shift, 0)
        assert 0x43 not in {port for port, _ in pc.written}, "the rate is known: nothing is measured"
    else:
        assert pc.lib.khz_now() == 1_000_000, "nothing to measure with"
    pc.take_written()
    pc.lib.vmi_IODelay()
    assert bool(pc.written) is (Feature.NOP_IO_DELAY not in real)
    pc.lib.vmi_SetPxELong(0x67, 0, LINEAR + 0x100000, 1)
    assert bool(host.batches) is (Feature.MMU_OP in real)


# -- time -----------------------------------------------------------------------------------------------

CLOCKS: Final = {Feature.CLOCKSOURCE: Msr.WALL_CLOCK, Feature.CLOCKSOURCE2: Msr.WALL_CLOCK_NEW}


@given(
    feature=st.sampled_from(list(CLOCKS)),
    khz=st.integers(100_000, 6_000_000),
    boot=st.tuples(st.integers(0, 0xFFFFFFFF), st.integers(0, 999_999_999)),
    stamp=st.integers(0, 1 << 60),
    ns=st.integers(0, 1 << 60),
    elapsed=st.integers(0, 1 << 40),
)
def test_the_wallclock_is_the_boots_date_and_the_time_since(
    feature: Feature, khz: int, boot: tuple[int, int], stamp: int, ns: int, elapsed: int
) -> None:
    """Read anew each time, in case that the host's clock was set."""
    host = Kvm(frozenset({feature}), khz=khz)
    pc = host.boot()
    host.tell_time(4, stamp, ns)
    pc.lib.set_counter(stamp + elapsed, 0)
    for second in (0, 1):
        host.msrs.clear()
        pc.put(SHARED + 64, struct.pack("<III", 2 + 2 * second, *boot))
        delta = elapsed << host.shift if host.shift >= 0 else elapsed >> -host.shift
        wanted = boot[0] * 10**9 + boot[1] + ns + (delta * host.mul >> 32)
        assert pc.lib.platform_wallclock() == wanted & (1 << 64) - 1
        assert host.msrs == [(int(CLOCKS[feature]), SHARED + 64)]


@given(khz=st.integers(100_000, 6_000_000), ns=st.integers(0, 1 << 55), offered=st.booleans())
def test_stolen_time_is_cycles_of_the_real_counter(khz: int, ns: int, offered: bool) -> None:
    more = {Feature.STEAL_TIME} if offered else set()
    pc = Kvm(frozenset({Feature.CLOCKSOURCE2} | more), khz=khz).boot()
    pc.put(SHARED + 128, struct.pack("<QII", ns, 2, 0))
    exact = ns * pc.lib.khz_now() // 1_000_000
    assert pc.lib.platform_stolen() == (exact if offered else 0)


def while_written(pc: HostPc, at: int, during: bytes, after: bytes, question: str) -> Any:
    """What a question answers that is asked while KVM writes: ``during`` stands there, then ``after``."""
    pc.put(at, during)
    writer = threading.Timer(0.02, pc.put, (at, after))
    writer.start()
    try:
        return getattr(pc.lib, question)()
    finally:
        writer.join()


def test_what_is_being_written_is_not_believed() -> None:
    """An odd version: the reader waits for the whole."""
    host = Kvm(frozenset({Feature.CLOCKSOURCE2, Feature.STEAL_TIME}), khz=1_000_000)
    pc = host.boot()
    host.tell_time(2, 0, 5)
    odd, even = (struct.pack("<QII", n, version, 0) for n, version in ((1 << 40, 3), (77, 4)))
    assert while_written(pc, SHARED + 128, odd, even, "platform_stolen") == 77 * pc.lib.khz_now() // 10**6
    odd, even = (struct.pack("<III", version, n, n) for n, version in ((999, 7), (3, 8)))
    assert while_written(pc, SHARED + 64, odd, even, "platform_wallclock") == 3 * 10**9 + 3 + 5
    clock = bytes(pc.memory[SHARED : SHARED + 32])
    odd, even = (struct.pack("<IIQQ", v, 0, 0, n) + clock[24:] for n, v in ((1 << 50, 9), (6, 10)))
    assert while_written(pc, SHARED, odd, even, "platform_wallclock") == 3 * 10**9 + 3 + 6


# -- page tables ----------------------------------------------------------------------------------------

entries = st.tuples(
    st.sampled_from([0x100, 0x1FF, SECOND_MAP, 0x2FF, UNMAPPED]), st.sampled_from([0, 1, 7, 511])
)
words = st.tuples(st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFFFFFF))
actions = st.one_of(
    st.tuples(st.just("set"), entries, words, st.booleans()),
    st.tuples(st.just("set"), entries, words, st.booleans()),
    st.tuples(st.just("set half"), entries, words, st.booleans()),
    st.tuples(st.just("store"), entries, words),
    st.tuples(st.just("lazy"), st.sampled_from([*LazyMode, LazyMode.MMU])),
    st.tuples(st.just("inval"), st.integers(0, 0xFFFFFFFF)),
    st.tuples(st.just("flush"), st.sampled_from([1, 2, 3])),
    st.tuples(st.just("cr3"), st.integers(0, 0xFFFFFFFF)),
    st.tuples(st.just("release"), st.integers(0, 0xFFFFF)),
    st.tuples(st.just("fault"), st.integers(0, 0xFFFFFFFF)),
    st.tuples(st.just("linear"), st.sampled_from([2, 3, 4, 0xFFFFFFFF])),
)


class Tables:
    """A guest's page tables, the ROM and KVM: memory must be what the guest wrote, and KVM's idea of it no
    older than the guest allows."""

    def __init__(self, host: Kvm) -> None:
        self.host, self.pc = host, host.boot()
        self.lib = self.pc.lib
        self.size = 8 if host.pae else 4
        self.lazy = LazyMode.NONE
        self.wrote: dict[int, bytes] = {}
        self.lib.vmi_SetLinearMapping(0, LINEAR, SECOND_MAP, 0)
        self.lib.vmi_SetLinearMapping(1, LINEAR + (SECOND_MAP << 12), UNMAPPED - SECOND_MAP, SECOND_MAP)

    def entry(self, where: tuple[int, int]) -> int:
        page, index = where
        return (page << 12) + self.size * index

    def store(self, at: int, data: bytes, announced: bool) -> None:
        for n in range(0, len(data), 4):
            self.wrote[at + n] = data[n : n + 4]
        if announced and at < UNMAPPED << 12 and Feature.MMU_OP in self.host.offered:
            self.host.stale.add(at & -self.size)

    def do(self, action: tuple[Any, ...]) -> bool:
        """One action; whether KVM's knowledge may lag behind now."""
        lib = self.lib
        may_wait = self.lazy == LazyMode.MMU
        match action:
            case ("set" | "set half" as how, where, (low, high), defer):
                at, flags = self.entry(where), int(PteFlag.DEFER) if defer else 1
                whole = how == "set" and self.host.pae
                if how == "set half" and self.host.pae and low & 1:
                    at += 4
                self.store(at, struct.pack("<II", low, high) if whole else struct.pack("<I", low), True)
                if whole:
                    lib.vmi_SetPxELong(low, high, LINEAR + at, flags)
                else:
                    lib.vmi_SetPxE(low, LINEAR + at, flags)
                return may_wait or defer
            case ("store", where, (low, _)):
                self.store(self.entry(where), struct.pack("<I", low), False)
                self.pc.put(self.entry(where), struct.pack("<I", low))
                return self.waited
            case ("lazy", mode):
                self.lazy = mode
                lib.vmi_SetLazyMode(mode)
                return mode != LazyMode.NONE
            case ("inval", gva):
                self.host.flushed.clear()
                lib.vmi_InvalPage(gva)
                assert self.host.flushed[-1] == (PAGE, gva)
            case ("flush", how):
                self.host.flushed.clear()
                lib.vmi_FlushTLB(how)
                everything = how & FlushTlb.GLOBAL and self.lib.cr4_now() & PGE
                assert self.host.flushed[-1][0] == (GLOBAL if everything else CR3)
            case ("cr3", value):
                lib.vmi_SetCR3(value)
                assert lib.cr3_now() == value
            case ("release", pfn):
                lib.vmi_ReleasePage(pfn, 1)
                if Feature.MMU_OP in self.host.offered and self.host.takes:
                    assert self.host.released[-1] == pfn << 12
            case ("fault", gva):
                waits = lib.queued() != 0
                shown = self.pc.ffi.new("uint32_t *")
                assert lib.page_fault(gva, shown) == (0 if waits else FAULT_HANDLER)
                assert shown[0] == gva
            case ("linear", slot):
                lib.vmi_SetLinearMapping(slot, 0, 0, 0)
                return self.waited
        return False

    waited = False

    def check(self, may_wait: bool) -> None:
        for at, data in self.wrote.items():
            assert bytes(self.pc.memory[at : at + 4]) == data, f"{at:#x} is not what the guest wrote"
        assert self.lib.wild() == self.lib.interrupts_saved() == 0
        if not may_wait:
            assert not self.host.stale, "KVM still believes what was there before"
        self.waited = may_wait


hosts = st.tuples(
    st.booleans(),
    st.sampled_from([1 << 30, 1 << 30, 1, 3, 0]),
    st.sampled_from([b"GenuineIntel", b"AuthenticAMD"]),
    st.booleans(),
    st.sampled_from([True, True, True, False]),
)


@examples(200)
@given(history=st.lists(actions, min_size=20, max_size=60), host=hosts)
def test_memory_is_the_guests_and_kvm_knows_in_time(
    history: list[tuple[Any, ...]], host: tuple[bool, int, bytes, bool, bool]
) -> None:
    """Whole and half entries, PAE and two-level; hosts that take a batch piece by piece, or none at all."""
    pae, takes, vendor, pge, offered = host
    features = frozenset({Feature.CLOCKSOURCE, Feature.MMU_OP} if offered else {Feature.CLOCKSOURCE})
    tables = Tables(Kvm(features, vendor, takes=takes, pae=pae))
    tables.lib.set_control((PAE if pae else 0) | (PGE if pge else 0), ROOT)
    for action in history:
        tables.check(tables.do(action))
    tables.lib.vmi_SetLazyMode(LazyMode.NONE)
    tables.check(False)
    assert bool(tables.lib.refused()) <= (takes == 0)
    if not offered:
        assert not tables.host.batches


@pytest.mark.parametrize("count", [1, 31, 32, 33, 100])
@pytest.mark.parametrize("how", ["lazy", "deferred"])
def test_what_waits_leaves_in_full_batches(count: int, how: str) -> None:
    tables = Tables(Kvm(frozenset({Feature.CLOCKSOURCE, Feature.MMU_OP})))
    if how == "lazy":
        tables.lib.vmi_SetLazyMode(LazyMode.MMU)
    for n in range(count):
        tables.lib.vmi_SetPxELong(n, 0, LINEAR + 0x100000 + 8 * n, PteFlag.DEFER if how == "deferred" else 1)
    tables.lib.vmi_SetLazyMode(LazyMode.NONE)
    most = int(MmuLimit.BATCH)
    rest = [count % most] if count % most else []
    assert [len(batch) for batch in tables.host.batches] == [most] * (count // most) + rest
