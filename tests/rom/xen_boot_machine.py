"""A domain as Xen's builder leaves it, for the Xen ROM's boot on the host: tables of Xen's own, start_info,
and no window yet.

Machine memory is scattered; the tables map the image and what follows it, their own frames read-only, and
half a megabyte of slack up to a border of 2 MiB. The C sees what they map, and what hypercalls map later.
"""

from __future__ import annotations

import mmap
import os
import random
import struct
import tempfile
from typing import Final

from tests.rom.hostc import Library
from tests.rom.xen_calls import CallMachine
from tests.rom.xen_machine import FRAME, LINEAR, NX, SLOT3, A, D, P, Refused, W
from vmirom.bundle.romfile import read_rom
from vmirom.overlays import vmi, xen
from vmirom.overlays.vmi import Layout, SegmentFlag
from vmirom.overlays.xen import Errno, Hypercall, StartFlag
from vmirom.rom.image import load_rom

__all__ = ["BootMachine"]

PAGE: Final = 4096
POOL_MAX: Final = 640
SLACK: Final = 0x80000
STACK_ROOM: Final = 16
"""What the boot stub has pushed."""


def _pages(length: int) -> int:
    return -(-length // PAGE)


class BootMachine(CallMachine):
    """``pages`` of memory, a guest whose image takes ``image_pages``, its command line, an initial module.
    The numbers of the machine's frames are drawn with ``seed``."""

    def __init__(
        self, lib: Library, pages: int, image_pages: int, line: bytes, module: bytes, seed: int, by_pfn: bool
    ) -> None:
        self._clear()
        self._untouched()
        self.ffi, self.lib = lib.ffi, lib
        self.pages = pages
        pool = min(POOL_MAX, 128 + pages // 64)
        self.guest_pages = pages - pool - -(-pages // 1024)
        frames = list(range(16, 16 + pages + 1))
        random.Random(seed).shuffle(frames)
        self.p2m, self.own = frames[:pages], frames[pages:]
        self.pfn_of = {mfn: pfn for pfn, mfn in enumerate(self.p2m)}
        self.pool_mfn = self.p2m[self.guest_pages : self.guest_pages + pool]
        self.file = tempfile.TemporaryFile()  # noqa: SIM115  closed by close()
        os.ftruncate(self.file.fileno(), (16 + len(frames)) << 12)
        self.memory = mmap.mmap(self.file.fileno(), 0)
        self.gdt: int | None = None
        self._place(image_pages, line, module, by_pfn)
        self._map()
        self.shared = memoryview(self.memory)[self.own[0] << 12 : (self.own[0] + 1) << 12]
        self.tell_time()
        self.masked = True

    # the builder

    def poke(self, gpa: int, data: bytes) -> None:
        """Into the domain's memory, wherever its frames are."""
        while data:
            part = data[: PAGE - gpa % PAGE]
            at = (self.p2m[gpa >> 12] << 12) + gpa % PAGE
            self.memory[at : at + len(part)] = part
            gpa, data = gpa + len(part), data[len(part) :]

    def peek(self, gpa: int, length: int) -> bytes:
        """From there."""
        found = b""
        while len(found) < length:
            at = (self.p2m[gpa >> 12] << 12) + gpa % PAGE
            part = self.memory[at : at + min(length - len(found), PAGE - gpa % PAGE)]
            found, gpa = found + part, gpa + len(part)
        return found

    def close(self) -> None:
        """Give the memory back."""
        self.shared.release()
        super().close()

    def _place(self, image_pages: int, line: bytes, module: bytes, by_pfn: bool) -> None:
        rom = read_rom(load_rom("xen").data, "xen").placed()
        self.poke(int(Layout.ROM_GPA), rom)
        guest = int(Layout.GUEST_GPA)
        at = (guest >> 12) + image_pages
        self.image_end = at << 12
        bundle = vmi.ffi.new("struct vmi_bundle *")
        bundle.magic, bundle.size = vmi.Const.BUNDLE_MAGIC, vmi.ffi.sizeof("struct vmi_bundle")
        bundle.entry, bundle.image_start_gpa, bundle.image_end_gpa = LINEAR + guest, guest, self.image_end
        bundle.nr_segments = 1
        row = bundle.segments[0]
        row.gpa, row.length, row.flags = guest, image_pages << 12, int(SegmentFlag.R | SegmentFlag.X)
        self.poke(int(Layout.STATE_GPA), bytes(vmi.ffi.buffer(bundle)))
        module_pfn, at = at, at + _pages(len(module))
        self.poke(module_pfn << 12, module)
        list_pfn, at = at, at + _pages(4 * self.pages)
        self.poke(list_pfn << 12, struct.pack(f"<{self.pages}I", *self.p2m))
        info_pfn, at = at, at + 1
        self.tables, level1 = at, 1
        while (at + 2 + level1 + 1) * PAGE + SLACK > level1 << 21:
            level1 += 1
        self.table_count = 2 + level1
        self.stack_pfn = at + self.table_count
        info = xen.ffi.new("struct xen_start_info *")
        info.nr_pages, info.shared_info = self.pages, self.own[0] << 12
        info.pt_base, info.nr_pt_frames = LINEAR + (self.tables << 12), self.table_count
        info.mfn_list = LINEAR + (list_pfn << 12)
        if module:
            info.mod_start = module_pfn if by_pfn else LINEAR + (module_pfn << 12)
            info.mod_len = len(module)
            info.flags = int(StartFlag.MOD_START_PFN) if by_pfn else 0
        self.poke(info_pfn << 12, bytes(xen.ffi.buffer(info)))
        self.poke((info_pfn << 12) + int(xen.ffi.offsetof("struct xen_start_info", "cmd_line")), line + b"\0")
        self.info = LINEAR + (info_pfn << 12)

    def _map(self) -> None:
        """Xen's tables: an L3 with one slot, its L2, L1s that map from page 0 on."""
        top, self.directory, *level1 = (self.p2m[self.tables + n] for n in range(self.table_count))
        self.linear = dict(enumerate(level1))
        sealed = range(self.tables, self.tables + self.table_count)
        self.write(top, 3, self.directory << 12 | P)
        self.lib.open_space(self.file.fileno())
        self.lib.answer("xen_host_hypercall", self.hypercall)
        for number, table in self.linear.items():
            self.write(self.directory, number, table << 12 | P | W | A)
            for index in range(512):
                pfn = number * 512 + index
                if pfn < self.pages:
                    entry = self.p2m[pfn] << 12 | P | A | D | (0 if pfn in sealed else W)
                    self.write(table, index, entry)
                    self._seen(LINEAR + (pfn << 12), entry)
        self._get(top, 3)
        self._get(top, 3)
        self.pinned.add(top)
        self.base = self.old_base = top

    def _seen(self, va: int, entry: int) -> None:
        access = 0 if not entry & P else 2 if entry & W else 1
        self.lib.map_page(va, (entry & FRAME) >> 12, access)

    # Xen

    def update(self, mfn: int, index: int, value: int) -> None:
        """As any Xen's; what it maps is seen by the C at once."""
        windows = [(number, table) for number, table in enumerate(self.pool_mfn[:2]) if table == mfn]
        super().update(mfn, index, value)
        if self.base != self.old_base or windows:
            return
        if mfn == self.directory:
            table = (value & FRAME) >> 12
            if index >= SLOT3:
                for page in range(512):
                    self._window((index - SLOT3) * 512 + page, self.read(table, page))
            else:
                self.linear[index] = table
                for page in range(512):
                    self._seen(LINEAR + (index << 21) + (page << 12), self.read(table, page))
        for number, table in self.linear.items():
            if table == mfn:
                self._seen(LINEAR + (number << 21) + (index << 12), value)

    def _answer(self, number: Hypercall, a: int, b: int, c: int, d: int) -> int:
        if number is Hypercall.UPDATE_VA_MAPPING and a < SLOT3 << 21 | LINEAR:
            table = self.linear.get((a - LINEAR) >> 21)
            if table is None:
                raise Refused(Errno.EINVAL, f"update_va_mapping of {a:#x}, which has no L1")
            self.update(table, a >> 12 & 511, b | c << 32)
            return 0
        if number is Hypercall.SET_GDT:
            (frame,) = self._words(a, 1)
            if b != 512 or self.writable.get(frame):
                raise Refused(Errno.EINVAL, f"GDT of {b} entries in frame {frame:#x}, mapped writable")
            self.gdt = frame
            return 0
        return super()._answer(number, a, b, c, d)

    def start(self) -> bool:
        """The boot stub's C; whether it has come to its end, one or the other."""
        return bool(self.lib.ended_starting(self.info, LINEAR + ((self.stack_pfn + 1) << 12) - STACK_ROOM))

    def guest_entry(self, root: int, va: int) -> int:
        """The L1 entry of the guest's own tables, or 0."""
        entry = struct.unpack("<Q", self.peek(root + 8 * (va >> 30), 8))[0]
        for shift in (21, 12):
            if not entry & P:
                return 0
            entry = struct.unpack("<Q", self.peek((entry & FRAME) + 8 * (va >> shift & 511), 8))[0]
        return int(entry & ~NX) | entry & NX
