"""A small Xen for the ROM's table code on the host: typed frames, counted references, no mercy.

It holds what matters for the ROM: a frame is a page table of one level or may be mapped writable, never
both; an L3 must bring its own slot 3; a batch stops at its first bad request. Machine memory is a file that
the C side maps piece by piece, so a store through a read-only mapping kills the process, as it should.
"""

from __future__ import annotations

import mmap
import os
import random
import struct
import tempfile
from typing import Final

from tests.rom.hostc import Library, compile_rom
from vmirom.overlays.xen import Errno, Hypercall, Mmuext

__all__ = ["NX", "PS", "A", "D", "Machine", "P", "U", "W", "compile_host"]

P, W, U, A, D, PS = 0x01, 0x02, 0x04, 0x20, 0x40, 0x80
NX: Final = 1 << 63
FRAME: Final = 0x000FFFFFFFFFF000
WINDOW: Final = 0xF5400000
LINEAR: Final = 0xC0000000
SLOT3: Final = 426  # index of the window's first entry in slot 3's L2

_CDEF = """
extern "Python" int32_t xen_host_hypercall(uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);
static void open_space(int fd);
static void map_page(uint32_t gva, uint32_t mfn, int access);
static void open_state(uint32_t mem_pages, uint32_t pages, const uint32_t *mfns);
static uint32_t fault(uint32_t va, uint32_t error);
static uint32_t refused(void);
static uint32_t waiting(void);
static uint32_t free_pages(void);
static uint32_t links_wrong(void);
void *host_at(uint32_t gva, uint32_t length);
void vmi_SetPxELong(uint32_t, uint32_t, uint32_t, uint32_t);
void vmi_UpdatePxELong(uint32_t, uint32_t);
void vmi_SetPxE(uint32_t, uint32_t, uint32_t);
void vmi_UpdatePxE(uint32_t, uint32_t);
void vmi_AllocatePage(uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);
void vmi_ReleasePage(uint32_t, uint32_t);
void vmi_SetLinearMapping(uint32_t, uint32_t, uint32_t, uint32_t);
void vmi_InvalPage(uint32_t);
void vmi_FlushTLB(uint32_t);
void vmi_SetCR3(uint32_t);
uint32_t vmi_GetCR3(void);
void vmi_SetLazyMode(uint32_t);
void vmi_SetIDT(uint32_t);
void vmi_GetIDT(uint32_t);
void vmi_WriteIDTEntry(uint32_t, uint32_t, uint32_t, uint32_t);
void vmi_SetGDT(uint32_t);
void vmi_GetGDT(uint32_t);
void vmi_WriteGDTEntry(uint32_t, uint32_t, uint32_t, uint32_t);
void vmi_SetLDT(uint32_t);
uint32_t vmi_GetLDT(void);
void vmi_WriteLDTEntry(uint32_t, uint32_t, uint32_t, uint32_t);
void vmi_UpdateKernelStack(uint32_t, uint32_t);
void vmi_SetCR0(uint32_t);
uint32_t vmi_GetCR0(void);
void vmi_CLTS(void);
void vmi_SetIOPLMask(uint32_t);
void vmi_SetAlarm(uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);
void platform_console(const uint8_t *, uint32_t);
int platform_console_read(void);
uint64_t platform_wallclock(void);
uint64_t platform_stolen(void);
uint64_t cpu_tsc(void);
void events_unmask(uint32_t);
void events_start(void);
void time_start(void);
uint32_t port_in(uint32_t, uint32_t);
void port_out(uint32_t, uint32_t, uint32_t);
static void end_machine(void);
static void set_counter(uint64_t value, uint64_t step);
static uint32_t upcall(uint32_t eflags);
static uint32_t fpu_fault(uint32_t eflags);
static int ended_starting(uint32_t info, uint32_t stack);
static int ended_halting(void);
static int ended_rebooting(uint32_t);
static int ended_by_shutdown(void);
static int ended_by_exit(uint32_t);
static int ended_by_upcall(uint32_t eflags);
static uint32_t exit_status(void);
static uint32_t segment_reloads(void);
static uint32_t *entry(void);
static uint32_t khz(void);
static void set_khz(uint32_t);
"""


def compile_host() -> Library:
    """The ROM's C over xen_host.c; skips where there is no compiler."""
    return compile_rom("xen", _CDEF)


class Refused(Exception):
    """A request that Xen refuses; ``code`` is the errno."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


class Machine:
    """Machine memory, its types, and the guest's frames scattered over it."""

    def __init__(self, lib: Library, mem_pages: int, pool: int, seed: int = 1) -> None:
        self.ffi, self.lib = lib.ffi, lib
        self.mem_pages, self.pool = mem_pages, pool
        extra = 1 + 16 + (mem_pages + 1023) // 1024
        frames = list(range(16, 16 + mem_pages + pool + extra))
        random.Random(seed).shuffle(frames)
        self.p2m, rest = frames[:mem_pages], frames[mem_pages:]
        self.pool_mfn, self.own = rest[:pool], rest[pool:]
        self.pfn_of = {mfn: pfn for pfn, mfn in enumerate(self.p2m)}
        self.file = tempfile.TemporaryFile()  # noqa: SIM115  closed by close()
        os.ftruncate(self.file.fileno(), (16 + len(frames)) << 12)
        self.memory = mmap.mmap(self.file.fileno(), 0)
        self._untouched()
        self._open()

    def _untouched(self) -> None:
        """No frame has a type, nothing has been asked."""
        self.writable: dict[int, int] = {}  # mfn -> writable mappings in typed tables and the window
        self.level: dict[int, int] = {}  # mfn -> 1, 2, 3 while it is a page table
        self.count: dict[int, int] = {}  # mfn -> references as page table
        self.pinned: set[int] = set()
        self.base = 0
        self.hypercalls: list[tuple[Hypercall, int]] = []
        self.refusals: list[str] = []

    def _open(self) -> None:
        lib = self.lib
        lib.open_space(self.file.fileno())
        self.lib.answer("xen_host_hypercall", self.hypercall)
        state = {page: self.own[page] for page in range(1, 16)} | {0: self.own[0]}
        p2m = {128 + i: mfn for i, mfn in enumerate(self.own[17:])}
        table = {**state, **p2m, **{384 + i: mfn for i, mfn in enumerate(self.pool_mfn)}}
        for page in range(1024):
            entry = (table[page] << 12) | P | (0 if page in (384, 385) else W) if page in table else 0
            self.write(self.pool_mfn[page // 512], page % 512, entry)
            self._window(page, entry)
            if entry & W:
                self.writable[table[page]] = 1
        for i in range(2):
            self.level[self.pool_mfn[i]] = 1
            self.count[self.pool_mfn[i]] = 1
        for pfn, mfn in enumerate(self.p2m):
            struct.pack_into("<I", self.memory, (self.own[17 + pfn // 1024] << 12) + pfn % 1024 * 4, mfn)
            lib.map_page(LINEAR + (pfn << 12), mfn, 2)
        lib.open_state(self.mem_pages, self.pool, self.pool_mfn)

    def close(self) -> None:
        """Give the memory back."""
        self.memory.close()
        self.file.close()

    def read(self, mfn: int, index: int) -> int:
        """Entry ``index`` of a machine frame."""
        return int(struct.unpack_from("<Q", self.memory, (mfn << 12) + index * 8)[0])

    def write(self, mfn: int, index: int, value: int) -> None:
        """The same, stored."""
        struct.pack_into("<Q", self.memory, (mfn << 12) + index * 8, value)

    def hypercall(self, number: int, a: int, b: int, c: int, d: int, e: int) -> int:
        """What the C side calls."""
        try:
            return self._answer(Hypercall(number), a, b, c, d)
        except Refused as why:
            self.refusals.append(str(why))
            return -why.code

    def _bytes(self, gva: int, length: int) -> bytes:
        return bytes(self.ffi.buffer(self.lib.host_at(gva, length), length))

    def _answer(self, number: Hypercall, a: int, b: int, c: int, d: int) -> int:
        if number is Hypercall.MMU_UPDATE:
            self.hypercalls.append((number, b))
            for i in range(b):
                pointer, value = struct.unpack("<QQ", self._bytes(a + 16 * i, 16))
                try:
                    self.update(pointer >> 12, (pointer & 0xFFF) >> 3, value)
                except Refused:
                    if c:
                        self.ffi.memmove(self.lib.host_at(c, 4), struct.pack("<I", i), 4)
                    raise
            return 0
        self.hypercalls.append((number, 1))
        if number is Hypercall.UPDATE_VA_MAPPING:
            page = (a - WINDOW) >> 12
            if not 0 <= page < 1024:
                raise Refused(Errno.EINVAL, f"update_va_mapping outside the window: {a:#x}")
            self.update(self.pool_mfn[page // 512], page % 512, b | c << 32)
            return 0
        if number is Hypercall.MMUEXT_OP:
            command, first, _ = struct.unpack("<III", self._bytes(a, 12))
            self._extended(Mmuext(command), first)
            return 0
        if number is Hypercall.MULTICALL:
            for i in range(b):
                op, _, *arguments = struct.unpack("<Ii6I", self._bytes(a + 32 * i, 32))
                self._answer(Hypercall(op), *arguments[:4])
            return 0
        raise Refused(Errno.ENOSYS, f"{number.name} is not for here")

    def _extended(self, command: Mmuext, first: int) -> None:
        if command is Mmuext.PIN_L3_TABLE:
            if first in self.pinned:
                raise Refused(Errno.EINVAL, "pinned already")
            self._get(first, 3)
            self.pinned.add(first)
        elif command is Mmuext.UNPIN_TABLE:
            if first not in self.pinned:
                raise Refused(Errno.EINVAL, "not pinned")
            self.pinned.remove(first)
            self._put(first)
        elif command is Mmuext.NEW_BASEPTR:
            self._get(first, 3)
            if self.base:
                self._put(self.base)
            self.base = first
        elif command not in (Mmuext.TLB_FLUSH_LOCAL, Mmuext.INVLPG_LOCAL):
            raise Refused(Errno.ENOSYS, command.name)

    def _get(self, mfn: int, level: int) -> None:
        """One more use as a page table of this level; the first one validates it."""
        if self.level.get(mfn, level) != level or self.writable.get(mfn):
            raise Refused(
                Errno.EINVAL, f"frame {mfn:#x} can't be an L{level}: {self.writable.get(mfn)} writable"
            )
        if mfn not in self.level:
            self.level[mfn], self.count[mfn] = level, 0
            for index in range(4 if level == 3 else 512):
                self._take(mfn, level, index, self.read(mfn, index))
        self.count[mfn] += 1

    def _put(self, mfn: int) -> None:
        self.count[mfn] -= 1
        if not self.count[mfn]:
            level = self.level.pop(mfn)
            for index in range(4 if level == 3 else 512):
                self._drop(level, index, self.read(mfn, index))

    def _take(self, table: int, level: int, index: int, entry: int) -> None:
        if not entry & P:
            return
        mfn = (entry & FRAME) >> 12
        if mfn not in self.pfn_of and mfn not in self.pool_mfn and mfn not in self.own:
            raise Refused(Errno.EPERM, f"foreign frame {mfn:#x}")
        if level == 1:
            if entry & W:
                if mfn in self.level:
                    raise Refused(Errno.EBUSY, f"writable mapping of page table {mfn:#x}")
                self.writable[mfn] = self.writable.get(mfn, 0) + 1
            return
        if entry & (PS | 0x18) or (level == 3 and entry & NX):
            raise Refused(Errno.EINVAL, f"bits of an L{level} entry: {entry:#x}")
        self._get(mfn, level - 1)

    def _drop(self, level: int, index: int, entry: int) -> None:
        if not entry & P:
            return
        mfn = (entry & FRAME) >> 12
        if level > 1:
            self._put(mfn)
        elif entry & W:
            self.writable[mfn] -= 1

    def update(self, mfn: int, index: int, value: int) -> None:
        """One request of mmu_update on a typed table."""
        level = self.level.get(mfn)
        if level is None:
            raise Refused(Errno.EINVAL, f"update of {mfn:#x}, which is no page table")
        old = self.read(mfn, index)
        self._take(mfn, level, index, value)
        self.write(mfn, index, value)
        self._drop(level, index, old)
        for table in range(2):
            if mfn == self.pool_mfn[table]:
                self._window(table * 512 + index, value)

    def _window(self, page: int, entry: int) -> None:
        access = 0 if not entry & P else 2 if entry & W else 1
        self.lib.map_page(WINDOW + (page << 12), (entry & FRAME) >> 12, access)

    def walk(self, va: int) -> tuple[int, int] | None:
        """(mfn, rights W | U | NX) of the machine's translation of ``va``, or None."""
        top = self.read(self.base, va >> 30)
        if not top & P:
            return None
        directory = self.read((top & FRAME) >> 12, va >> 21 & 511)
        if not directory & P:
            return None
        entry = self.read((directory & FRAME) >> 12, va >> 12 & 511)
        if not entry & P:
            return None
        return (entry & FRAME) >> 12, (directory & entry & (W | U)) | ((directory | entry) & NX)
