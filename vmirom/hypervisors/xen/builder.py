"""The domain builder: from a kernel file to the state at its first instruction.

Facts: xen-host.md section 4. From VIRT_BASE on there are, each page-aligned: pages below the image, the
kernel, the module, the p2m list, start_info, the page tables and a one-page stack. The mapping ends on a
4 MiB boundary with at least 512 KiB to spare. The page tables are mapped read-only, all four L3 slots are
present.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from vmirom.hypervisors.hypervisor import Console, LoadError, Trace
from vmirom.hypervisors.xen.descriptors import GDT_LIMIT, reserved_page
from vmirom.hypervisors.xen.domain import Domain, Given
from vmirom.hypervisors.xen.elf import Kernel, read_kernel
from vmirom.hypervisors.xen.layout import (
    ACCESSED,
    DIRTY,
    GDT_VA,
    LARGE,
    LARGE_SIZE,
    NX,
    PRESENT,
    TOP_SLOT_VA,
    TSS_VA,
    USER,
    WINDOW_SLOT,
    WRITE,
    Hole,
)
from vmirom.hypervisors.xen.machine import Machine, machine_frames
from vmirom.hypervisors.xen.notes import Wishes, read_wishes
from vmirom.hypervisors.xen.pages import PageType
from vmirom.hypervisors.xen.release import RELEASES, Release
from vmirom.hypervisors.xen.transfer import hypercall_page
from vmirom.machine.addresses import PAGE_SIZE
from vmirom.machine.engine import Engine, Segment, SegmentName
from vmirom.machine.memory import Memory
from vmirom.overlays.native import Cr0, Cr4, Efer
from vmirom.overlays.xen import Boot, Selector, StartFlag, ffi

__all__ = ["Plan", "Setup", "build"]

_PER_L1: Final = LARGE_SIZE
_BOOT_ENTRY: Final = PRESENT | WRITE | ACCESSED | DIRTY
_TABLE_ENTRY: Final = PRESENT | WRITE | USER | ACCESSED | DIRTY
_IDT_LIMIT: Final = 256 * 16 - 1
"""Of a 64-bit Xen's table, which SIDT shows."""
_MAGIC: Final = b"xen-3.0-x86_32p"
_COMMAND_LINE: Final = 1024
_FLAGS: Final = StartFlag.PRIVILEGED | StartFlag.INITDOMAIN | 0x300
_CONSOLE_OFFSET: Final = 0x490
_CONSOLE_SIZE: Final = 0x28
_FIRST_P2M_PFN: Final = 0x400
_CR0: Final = int(Cr0.PG | Cr0.WP | Cr0.NE | Cr0.ET | Cr0.MP | Cr0.PE)
_CR4: Final = int(Cr4.OSXMMEXCPT | Cr4.OSFXSR | Cr4.PAE)


@dataclass(frozen=True, slots=True)
class Setup:
    """What a machine and its domain are made with."""

    engine_factory: Callable[[Memory], Engine]
    memory_mib: int
    console: Console
    trace: Trace
    seed: int
    module: bytes = b""
    release: Release = RELEASES["4.17"]


def _up(value: int, unit: int) -> int:
    return -(-value // unit) * unit


@dataclass(frozen=True, slots=True)
class Plan:
    """Virtual addresses of the parts, and the counts that follow from them."""

    base: int
    module: int
    module_size: int
    p2m: int
    start_info: int
    tables: int
    table_frames: int
    stack: int
    end: int

    @classmethod
    def make(cls, kernel: Kernel, wishes: Wishes, module_size: int, frames: int) -> Plan:
        """Lay the parts out. Raises LoadError where they don't fit below the hole's 1 GiB slot."""
        base = wishes.virt_base
        module = _up(wishes.virtual(kernel.end), PAGE_SIZE)
        p2m = module + _up(module_size, PAGE_SIZE)
        start_info = p2m + _up(frames * 4, PAGE_SIZE)
        tables = start_info + PAGE_SIZE
        count = 0
        while True:
            stack = tables + count * PAGE_SIZE
            end = _up(stack + PAGE_SIZE, Boot.MAPPING_ALIGN)
            if end - (stack + PAGE_SIZE) < Boot.MAPPING_SLACK:
                end += Boot.MAPPING_ALIGN
            need = 1 + 4 + _up(end, _PER_L1) // _PER_L1 - base // _PER_L1
            if need <= count:
                return cls(base, module, module_size, p2m, start_info, tables, count, stack, end)
            count = need

    @property
    def pages(self) -> int:
        """Pages of the initial mapping."""
        return (self.end - self.base) // PAGE_SIZE


def build(bundle: bytes, command_line: str, setup: Setup) -> Domain:
    """A domain ready to run. Raises LoadError."""
    kernel = read_kernel(bundle)
    wishes = read_wishes(kernel, setup.release.elf_notes)
    frames = setup.memory_mib * (1 << 20) // PAGE_SIZE
    if setup.memory_mib < 1 or setup.memory_mib > 2048:
        raise LoadError(f"memory: {setup.memory_mib} MiB is outside 1..2048")
    plan = Plan.make(kernel, wishes, len(setup.module), frames)
    total = machine_frames(frames)
    hole = Hole.default() if wishes.hole_low is None else Hole.smallest(total)
    if wishes.hole_low is not None and wishes.hole_low > hole.start:
        raise LoadError(f"note HV_START_LOW: {wishes.hole_low:#x} is above what this machine can offer")
    if plan.end > hole.start or plan.pages > frames:
        raise LoadError(f"memory: {setup.memory_mib} MiB can't hold a mapping of {plan.pages} pages")
    if plan.base < TOP_SLOT_VA <= plan.end and plan.base // TOP_SLOT_VA != plan.end // TOP_SLOT_VA:
        raise LoadError(f"note VIRT_BASE: the mapping from {plan.base:#x} crosses {TOP_SLOT_VA:#x}")
    line = command_line.encode("utf-8", "replace")
    if len(line) >= _COMMAND_LINE:
        raise LoadError(f"command line: {len(line)} bytes, at most {_COMMAND_LINE - 1}")
    machine = Machine(total, frames, plan.pages, setup.seed)
    memory = Memory(total * PAGE_SIZE)
    engine = setup.engine_factory(memory)
    domain = Domain(Given(memory, engine, machine, hole, setup.console, setup.trace, setup.release))
    _fill_hole(domain, machine)
    _Image(domain, machine, plan, wishes).load(kernel, setup.module, line)
    _enter(domain, plan, wishes)
    return domain


def _fill_hole(domain: Domain, machine: Machine) -> None:
    """Xen's own entries of slot 3's L2, its GDT page and TSS, and the machine-to-physical table."""
    hole, memory = domain.hole, domain.memory
    entries = [0] * (512 - hole.first_slot)
    for i, frame in enumerate(machine.m2p_frames):
        entries[i] = frame << 12 | PRESENT | LARGE | ACCESSED | NX
    entries[WINDOW_SLOT - hole.first_slot] = machine.window << 12 | PRESENT | WRITE | ACCESSED
    domain.tables.top_entries = struct.pack(f"<{len(entries)}Q", *entries)
    memory.write(machine.reserved_gdt << 12, reserved_page(TSS_VA))
    table = bytearray(b"\xff" * (machine.frames * 4))
    for pfn, frame in enumerate(machine.p2m):
        struct.pack_into("<I", table, frame * 4, pfn)
    memory.write(machine.m2p_frames[0] << 12, bytes(table))


class _Image:
    """Places the parts of a plan in the domain's frames."""

    def __init__(self, domain: Domain, machine: Machine, plan: Plan, wishes: Wishes) -> None:
        self.domain = domain
        self.machine = machine
        self.plan = plan
        self.wishes = wishes

    def frame(self, va: int) -> int:
        """Machine frame of a page of the initial mapping."""
        return self.machine.p2m[(va - self.plan.base) // PAGE_SIZE]

    def put(self, va: int, data: bytes) -> None:
        """Store at a virtual address; the initial mapping is contiguous in the machine."""
        self.domain.memory.write((self.frame(va) << 12) + va % PAGE_SIZE, data)

    def load(self, kernel: Kernel, module: bytes, line: bytes) -> None:
        """Everything, ending with the page tables in force."""
        plan = self.plan
        for load in kernel.loads:
            self.put(self.wishes.virtual(load.paddr), load.data)
        if module:
            self.put(plan.module, module)
        self.put(plan.p2m, struct.pack(f"<{len(self.machine.p2m)}I", *self.machine.p2m))
        if self.wishes.hypercall_page is not None:
            self.put(self.wishes.hypercall_page, hypercall_page())
        self._start_info(line)
        self._tables()

    def _start_info(self, line: bytes) -> None:
        plan = self.plan
        info = ffi.new("struct xen_start_info *")
        info.magic = _MAGIC
        info.nr_pages = len(self.machine.p2m)
        info.shared_info = self.machine.shared_info << 12
        info.flags = int(_FLAGS)
        info.console_mfn, info.console_evtchn = _CONSOLE_OFFSET, _CONSOLE_SIZE
        info.pt_base, info.nr_pt_frames = plan.tables, plan.table_frames
        info.mfn_list = plan.p2m
        if plan.module_size:
            info.mod_start, info.mod_len = plan.module, plan.module_size
        info.cmd_line = line
        info.first_p2m_pfn = _FIRST_P2M_PFN
        self.put(plan.start_info, bytes(ffi.buffer(info)))

    def _tables(self) -> None:
        """L3, first L1, the L2 of the slot mapped, further L1s, then empty L2s for the other slots."""
        plan = self.plan
        first = self.frame(plan.tables)
        l1_count = plan.table_frames - 5
        l3, l2 = first, first + 2
        l1s = [first + 1, *range(first + 3, first + 2 + l1_count)]
        spare = list(range(first + 2 + l1_count, first + plan.table_frames))
        slot = plan.base >> 30
        l2s = [l2 if i == slot else spare.pop(0) for i in range(4)]
        for i, frame in enumerate(l2s):
            self._entry(l3, i, frame << 12 | _TABLE_ENTRY)
        for i, frame in enumerate(l1s):
            self._entry(l2, (plan.base >> 21 & 511) + i, frame << 12 | _TABLE_ENTRY)
        tables = range(first, first + plan.table_frames)
        for page in range(plan.pages):
            va = plan.base + page * PAGE_SIZE
            frame = self.machine.p2m[page]
            rights = _BOOT_ENTRY & ~(WRITE | DIRTY) if frame in tables else _BOOT_ENTRY
            number = (va >> 21) - (plan.base >> 21)
            self._entry(l1s[number], va >> 12 & 511, frame << 12 | rights)
        self._put_in_force(l3)

    def _entry(self, table: int, slot: int, entry: int) -> None:
        self.domain.memory.put64((table << 12) + slot * 8, entry)

    def _put_in_force(self, l3: int) -> None:
        """Check the tables like any a guest makes, pin the L3 and use it."""
        domain = self.domain
        domain.tables.take_both(l3, PageType.L3)
        domain.tables.pinned[l3] = 1
        domain.tables.take_both(l3, PageType.L3)
        domain.mmu.base = l3
        domain.space.load(l3)


def _enter(domain: Domain, plan: Plan, wishes: Wishes) -> None:
    """Processor state and shared pages at the first instruction."""
    engine = domain.engine
    engine.cr4 = _CR4
    engine.efer = int(Efer.NXE)
    engine.cr0 = _CR0
    engine.gdtr = (GDT_VA, GDT_LIMIT)
    engine.idtr = (0, _IDT_LIMIT)
    engine.set_task_register(Segment(0xE040, TSS_VA, 0x67, 0x8900))
    engine.set_local_table(Segment(0, 0, 0, 0))
    code = domain.segments.code(Selector.KERNEL_CS)
    data = domain.segments.stack(Selector.KERNEL_DS, 1)
    assert code is not None and data is not None
    for name in ("eax", "ebx", "ecx", "edx", "edi", "ebp"):
        setattr(engine, name, 0)
    engine.esi = plan.start_info
    engine.eflags = Boot.EFLAGS
    engine.enter(code, data, plan.stack + PAGE_SIZE, wishes.entry)
    for segment in (SegmentName.DS, SegmentName.ES, SegmentName.FS, SegmentName.GS):
        engine.set_segment(segment, data)
    for vcpu in domain.shared.page.vcpu_info:
        vcpu.evtchn_upcall_mask = 1
    domain.clock.begin()
    domain.scheduling.begin()
