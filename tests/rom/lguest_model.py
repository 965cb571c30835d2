"""The lguest ROM's C on the host over a plain model of what an lguest host remembers of its guest's tables.

The model: four shadows by the address of a top table, filled at faults and never looked at again until the
guest says so; a ring of 64 calls that every hypercall empties first; all shadows alike from kernel_address
up.
"""

from __future__ import annotations

import struct
from typing import Final

from tests.rom.hostc import Library, compile_rom
from vmirom.overlays import lguest as abi

__all__ = ["LINEAR", "NX", "A", "D", "LguestHost", "P", "U", "W", "compile_host"]

P, W, U, A, D, LARGE = 0x01, 0x02, 0x04, 0x20, 0x40, 0x80
NX: Final = 1 << 63
FRAME: Final = 0x7FFFFFFFFFFFF000
LINEAR: Final = 0xC0000000
PAGES: Final = 1024
Call = tuple[int, ...]

_CDEF = """
extern "Python" void lguest_host_hypercall(uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);
extern "Python" void host_interrupt(uint32_t);
extern "Python" void host_exit(void);
extern "Python" uint32_t host_cpuid(uint32_t, uint32_t);
static void reset(int pae, uint32_t mem_pages, uint32_t top);
static unsigned char *guest_memory(void);
static unsigned char *ring(void);
static uint32_t wild(void);
static void end_machine(void);
void vmi_SetPxELong(uint32_t, uint32_t, uint32_t, uint32_t);
void vmi_UpdatePxELong(uint32_t, uint32_t);
void vmi_SetPxE(uint32_t, uint32_t, uint32_t);
void vmi_UpdatePxE(uint32_t, uint32_t);
void vmi_InvalPage(uint32_t);
void vmi_FlushTLB(uint32_t);
void vmi_SetCR3(uint32_t);
uint32_t vmi_GetCR3(void);
void vmi_SetCR0(uint32_t);
uint32_t vmi_GetCR0(void);
void vmi_CLTS(void);
void vmi_SetCR4(uint32_t);
void vmi_SetLazyMode(uint32_t);
void vmi_SetGDT(uint32_t);
void vmi_WriteGDTEntry(uint32_t, uint32_t, uint32_t, uint32_t);
void vmi_UpdateKernelStack(uint32_t, uint32_t);
void vmi_SetIDT(uint32_t);
void vmi_GetIDT(uint32_t);
void vmi_WriteIDTEntry(uint32_t, uint32_t, uint32_t, uint32_t);
void vmi_SetAlarm(uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);
void vmi_APICWrite(uint32_t, uint32_t);
static void set_counter(uint64_t value, uint64_t step);
static void exit_at(uint32_t look);
static uint32_t looks(void);
static uint32_t page_fault_stub(uint32_t *error);
static uint32_t clock_stub(void);
static uint32_t iret_stub(void);
static int ended_booting(void);
static int ended_halting(void);
static int ended_rebooting(uint32_t);
static int ended_by_shutdown(void);
static int ended_by_exit(uint32_t);
static uint32_t *entry(void);
static uint32_t hole(void);
static uint32_t khz(void);
static void set_khz(uint32_t);
void lguest_deliver(void);
void lguest_calibrate(void);
void lguest_sample_wallclock(void);
uint64_t lguest_tsc(void);
uint64_t platform_wallclock(void);
void platform_console(const uint8_t *, uint32_t);
uint32_t port_in(uint32_t, uint32_t);
void port_out(uint32_t, uint32_t, uint32_t);
bool interrupt_has(void);
"""


def compile_host() -> Library:
    """The ROM's C over lguest_host.c; skips where there is no compiler."""
    return compile_rom("lguest", _CDEF)


class LguestHost:
    """One guest: its memory, its host's shadows, and the hypercalls in the order of their effect."""

    def __init__(self, lib: Library, pae: bool, top: int) -> None:
        self.ffi, self.lib = lib.ffi, lib
        self.pae = pae
        self.size = 8 if pae else 4
        self.shifts = (30, 21) if pae else (22,)
        self.hole = int(abi.Hole.PAE_START if pae else abi.Hole.START)
        self.lib.answer("lguest_host_hypercall", self.hypercall)
        self.lib.reset(int(pae), PAGES, top)
        self.memory = self.ffi.buffer(self.lib.guest_memory(), PAGES << 12)
        self.data = abi.ffi.cast("struct lguest_data *", int(self.ffi.cast("uintptr_t", self.lib.ring())))
        self.calls: list[Call] = []
        self.entered = 0
        self.cursor = 0
        self.shadows: dict[int, dict[int, int]] = {top: {}}
        self.upper: dict[int, dict[tuple[int, int], int]] = {top: {}}
        self.current = top
        self.gdt = [0] * int(abi.Gdt.ENTRIES)

    # guest memory

    def load(self, gpa: int) -> int:
        return int(struct.unpack_from("<Q" if self.pae else "<I", self.memory, gpa)[0])

    def store(self, gpa: int, value: int) -> None:
        struct.pack_into("<Q" if self.pae else "<I", self.memory, gpa, value)

    def index(self, va: int, shift: int) -> int:
        return va >> shift & (511 if self.pae else 1023)

    def levels(self, va: int) -> list[int] | None:
        """Entries of the guest's tables that lead to ``va``, top first; None where one above is absent."""
        at, found = self.current, []
        for shift in (*self.shifts, 12):
            entry = self.load(at + self.index(va, shift) * self.size)
            found.append(entry)
            if shift != 12 and not entry & P:
                return None
            at = entry & FRAME & 0xFFFFFFFFF
        return found

    # the host

    def hypercall(self, number: int, a: int, b: int, c: int, d: int) -> None:
        """What the ROM calls; the ring first, in order."""
        self.entered += 1
        for _ in range(int(abi.Constants.RING_SIZE)):
            if self.data.hcall_status[self.cursor] == abi.Constants.RING_FREE:
                break
            args = self.data.hcalls[self.cursor]
            self._perform((args.arg0, args.arg1, args.arg2, args.arg3, args.arg4))
            self.data.hcall_status[self.cursor] = int(abi.Constants.RING_FREE)
            self.cursor = (self.cursor + 1) % int(abi.Constants.RING_SIZE)
        self._perform((number, a, b, c, d))

    def _perform(self, call: Call) -> None:
        number, a, b, c, d = call
        self.calls.append(call)
        match abi.Hcall(number):
            case abi.Hcall.NEW_PGTABLE:
                self._use(a)
            case abi.Hcall.FLUSH_TLB:
                self._drop_all() if a else self._drop_user(self.current)
            case abi.Hcall.SET_PTE:
                assert b < self.hole, "kills the guest"
                self._set_entry(a, b, c | d << 32 if self.pae else c)
            case abi.Hcall.SET_PMD:
                assert self.pae, "an unknown hypercall kills the guest"
                self._drop_all()
            case abi.Hcall.SET_PGD:
                self._drop_top(a, b)
            case abi.Hcall.LOAD_GDT_ENTRY:
                self.gdt[a] = b | c << 32
            case abi.Hcall.TS | abi.Hcall.SET_STACK | abi.Hcall.FLUSH_ASYNC:
                pass
            case other:
                raise AssertionError(other)

    def _use(self, top: int) -> None:
        if top not in self.shadows:
            if len(self.shadows) == abi.Constants.SHADOWS:
                victim = next(each for each in self.shadows if each != self.current)
                kernel = {va: entry for va, entry in self.shadows.pop(victim).items() if va >= LINEAR}
                upper = {key: entry for key, entry in self.upper.pop(victim).items() if key[1] >= LINEAR}
            else:
                kernel, upper = {}, {}
            self.shadows[top], self.upper[top] = kernel, upper
        self.current = top

    def _drop_all(self) -> None:
        for top in self.shadows:
            self.shadows[top], self.upper[top] = {}, {}

    def _drop_user(self, top: int) -> None:
        self.shadows[top] = {va: entry for va, entry in self.shadows[top].items() if va >= LINEAR}
        self.upper[top] = {key: entry for key, entry in self.upper[top].items() if key[1] >= LINEAR}

    def _drop_top(self, top: int, index: int) -> None:
        if top in self.shadows:
            shift = self.shifts[0]
            part = self.shadows[top]
            self.shadows[top] = {va: entry for va, entry in part.items() if va >> shift != index}
            self.upper[top] = {k: entry for k, entry in self.upper[top].items() if k[1] >> shift != index}

    def _set_entry(self, top: int, va: int, entry: int) -> None:
        for each, shadow in self.shadows.items():
            if va < LINEAR and each != top:
                continue
            if (self.shifts[-1], va >> self.shifts[-1] << self.shifts[-1]) not in self.upper[each]:
                continue
            if entry & (A | D):
                assert not entry & LARGE and (entry & FRAME) >> 12 < PAGES, "kills the guest"
                shadow[va] = entry
            else:
                shadow.pop(va, None)

    # the processor

    def shown(self, va: int) -> tuple[int, int] | None:
        """(lowest entry, rights of all levels) that the processor would use, or None."""
        entry = self.shadows[self.current].get(va, 0)
        if not entry & P:
            return None
        table = self.upper[self.current][self.shifts[-1], va >> self.shifts[-1] << self.shifts[-1]]
        return entry, entry & table & (W | U)

    def touch(self, va: int, write: bool, user: bool) -> bool:
        """One access: by the shadow, else a fault that fills it as the guest's tables say; was it allowed?"""
        wanted = W * write | U * user
        for _ in range(2):
            shown = self.shown(va)
            if shown and shown[1] & wanted == wanted:
                return True
            if not self._fill(va, wanted):
                return False
        return False

    def _fill(self, va: int, wanted: int) -> bool:
        levels = self.levels(va)
        if levels is None:
            return False
        *above, entry = levels
        if not entry & P or entry & wanted != wanted:
            return False
        for shift, each in zip(self.shifts, above, strict=True):
            self.upper[self.current].setdefault((shift, va >> shift << shift), each)
        entry |= A | (D if wanted & W else 0)
        at = above[-1] & FRAME & 0xFFFFFFFFF
        self.store(at + self.index(va, 12) * self.size, entry)
        self.shadows[self.current][va] = entry if entry & D else entry & ~W
        return True
