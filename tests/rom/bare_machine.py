"""A machine for trying ROMs without a hypervisor: an engine, a PC's devices, a bundle laid out by hand.

It plays what stands under a native ROM, which is hardware and nothing else, and a guest that is one page of
code. Whatever it does not expect is an error of the test.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vmirom.machine.delivery import Delivery
from vmirom.machine.devices import Devices, Request
from vmirom.machine.engine import Halted, Preempted, SegmentName, Trap, Window
from vmirom.machine.memory import Memory
from vmirom.machine.unicorn import UnicornEngine
from vmirom.overlays import native, vmi
from vmirom.rom.image import parse_rom

__all__ = ["BareMachine", "Registers", "Surprise"]

LINEAR: Final = int(vmi.Layout.LINEAR_BASE)
GUEST: Final = int(vmi.Layout.GUEST_GPA)
CODE: Final = LINEAR + GUEST
RETURN: Final = CODE + 0x10  # a HLT: where calls return to
HANDLERS: Final = CODE + 0x400  # 8 bytes a vector, then the common part
STACK: Final = CODE + 0x3000  # top
DATA: Final = CODE + 0x3000
IDT: Final = CODE + 0x4000
GDT: Final = CODE + 0x5000
TSS: Final = CODE + 0x5800
COUNTS: Final = CODE + 0x6000  # a u32 by vector
SCRATCH: Final = CODE + 0x7000
IMAGE_END: Final = GUEST + 0x8000
MEMORY: Final = 16 << 20
LOADER: Final = 0x9F000  # the loader's structures
GENERAL: Final = ("eax", "ecx", "edx", "ebx", "ebp", "esi", "edi")
USER_CODE: Final = 0x00400000
"""Where open_user() maps a page of code that ends a run, and its stack one page further."""
USER_FRAMES: Final = 0x00A00000
KERNEL_CS: Final = 8 * int(vmi.GuestGdt.KERNEL_CS)
KERNEL_DS: Final = 8 * int(vmi.GuestGdt.KERNEL_DS)
TSS_SELECTOR: Final = 8 * int(vmi.GuestGdt.TSS)
IF: Final = 0x200
BUDGET_NS: Final = 20_000_000_000


class Surprise(AssertionError):
    """The machine did something that nobody asked for."""


class Landed(Exception):
    """User code has begun at USER_CODE."""


@dataclass(frozen=True)
class Registers:
    """General registers, ESP and flags after a call, by name in capitals."""

    values: Mapping[str, int]

    def __getitem__(self, name: str) -> int:
        return self.values[name]

    @property
    def pair(self) -> int:
        """EDX:EAX."""
        return self["EDX"] << 32 | self["EAX"]


def user_tables(root: int) -> dict[int, bytes]:
    """What open_user() stores by gpa: directory, table, undefined instructions, stack, and the top entry."""
    directory, table, code, stack = (USER_FRAMES + 0x1000 * n for n in range(4))

    def page(entries: dict[int, int]) -> bytes:
        data = bytearray(4096)
        for index, entry in entries.items():
            struct.pack_into("<Q", data, 8 * index, entry)
        return bytes(data)

    first = USER_CODE >> 12 & 511
    return {
        directory: page({USER_CODE >> 21 & 511: table | 0x67}),
        table: page({first: code | 0x67, first + 1: stack | 0x67, first + 2: stack | 0x67}),
        code: b"\x0f\x0b" * 0x800,
        stack: bytes(4096),
        (root & ~0x1F) + 8 * (USER_CODE >> 30): struct.pack("<Q", directory | 1),
    }


def _gate(address: int) -> bytes:
    return struct.pack("<II", KERNEL_CS << 16 | address & 0xFFFF, address & 0xFFFF0000 | 0x8E00)


class BareMachine:
    """``rom`` at its place, ready to boot; ``requests`` is what the guest asked of the machine."""

    def __init__(self, rom: bytes, command_line: bytes = b"quiet") -> None:
        self.image = parse_rom(rom)
        self.command_line = command_line
        self.requests: list[Request] = []
        self.console = bytearray()
        self.memory = Memory(MEMORY)
        self.engine = UnicornEngine(self.memory)
        self.devices = Devices(MEMORY, self.console.extend, self._ask)
        self.engine.set_ports(self.devices.bus)
        self.delivery = Delivery(self.engine)
        self.rom = LINEAR + int(vmi.Layout.ROM_GPA)
        self.deliver = True
        self._place(rom)
        self.prepare()

    def prepare(self) -> None:
        """What a hypervisor adds to the bare machine."""

    def close(self) -> None:
        self.engine.close()

    def _ask(self, request: Request) -> None:
        self.requests.append(request)
        self.engine.kick()

    # memory

    def _place(self, rom: bytes) -> None:
        layout = vmi.Layout
        self.memory.write(layout.ROM_GPA, rom)
        self.engine.protect(layout.ROM_GPA, -(-len(rom) // 4096) * 4096)
        bundle = vmi.ffi.new("struct vmi_bundle *")
        bundle.magic, bundle.size = vmi.Const.BUNDLE_MAGIC, vmi.ffi.sizeof("struct vmi_bundle")
        bundle.entry, bundle.image_start_gpa, bundle.image_end_gpa = CODE, GUEST, IMAGE_END
        flags = vmi.SegmentFlag
        for i, (gpa, length, rights) in enumerate(
            ((GUEST, 0x1000, flags.R | flags.X), (GUEST + 0x1000, 0x7000, flags.R | flags.W))
        ):
            segment = bundle.segments[i]
            segment.gpa, segment.length, segment.flags = gpa, length, int(rights)
            bundle.nr_segments = i + 1
        self.memory.write(layout.STATE_GPA, bytes(vmi.ffi.buffer(bundle)))
        self.memory.write(GUEST, b"\xf4" * 0x400)
        self._write_handlers()
        self._write_tables()

    def _write_handlers(self) -> None:
        """Each pushes its vector and goes on to a common one, which counts, ends the interrupt at both PICs
        and returns."""
        code = bytearray()
        for vector in range(256):
            to_common = 8 * 256 - (8 * vector + 7)
            code += b"\x6a" + bytes([vector]) + b"\xe9" + struct.pack("<i", to_common) + b"\xcc"
        code += b"\x50\x0f\xb6\x44\x24\x04"  # push eax; movzx eax, byte [esp+4]
        code += b"\x36\xff\x04\x85" + struct.pack("<I", COUNTS)  # inc dword ss:[counts+eax*4]
        code += b"\xb0\x20\xe6\xa0\xe6\x20\x58\x83\xc4\x04\xcf"  # EOIs; pop eax; add esp, 4; iret
        self.memory.write(HANDLERS - LINEAR, bytes(code))

    def _write_tables(self) -> None:
        gates = b"".join(_gate(HANDLERS + 8 * vector) for vector in range(256))
        self.memory.write(IDT - LINEAR, gates)
        gdt = bytearray(8 * 32)
        flat = ((0x9B, KERNEL_CS), (0x93, KERNEL_DS), (0xFB, 0x70), (0xF3, 0x78))
        for access, selector in flat:
            gdt[selector : selector + 8] = struct.pack("<II", 0xFFFF, 0x00CF0000 | access << 8)
        low, high = (TSS & 0xFFFF) << 16 | 0x67, TSS & 0xFF000000 | 0x8900 | TSS >> 16 & 0xFF
        gdt[TSS_SELECTOR : TSS_SELECTOR + 8] = struct.pack("<II", low, high)
        self.memory.write(GDT - LINEAR, bytes(gdt))

    @property
    def root(self) -> int:
        """gpa of the page tables in use."""
        return self.engine.cr3

    def u32(self, gva: int) -> int:
        return self.memory.u32(gva - LINEAR)

    def u64(self, gva: int) -> int:
        return self.memory.u64(gva - LINEAR)

    def put(self, gva: int, data: bytes) -> None:
        self.memory.write(gva - LINEAR, data)

    def interrupts(self, vector: int) -> int:
        """How often the guest's handler of a vector has run."""
        return self.u32(COUNTS + 4 * vector)

    # booting

    def boot(self, pvh: bool = False, initrd: tuple[int, bytes] | None = None) -> None:
        """From the loader's state to the guest's first instruction."""
        assert self.image.private is not None
        area = self.image.private
        if initrd is not None:
            self.memory.write(*initrd)
        self.memory.write(LOADER + 0x800, self.command_line + b"\0")
        if pvh:
            self._pvh_info(initrd)
        else:
            self._multiboot_info(initrd)
        engine = self.engine
        engine.eax = 0 if pvh else int(native.Multiboot.BOOTLOADER_MAGIC)
        engine.ebx = LOADER
        engine.eip = int(vmi.Layout.ROM_GPA) + (area.pvh_entry if pvh else area.boot_entry)
        self.run(CODE)

    def _multiboot_info(self, initrd: tuple[int, bytes] | None) -> None:
        info = native.ffi.new("struct multiboot_info *")
        bits = native.MultibootInfoFlag
        info.flags = int(bits.MEMORY | bits.COMMAND_LINE)
        info.mem_lower, info.mem_upper = 640, (MEMORY >> 10) - 1024
        info.cmdline = LOADER + 0x800
        if initrd is not None:
            info.flags |= int(bits.MODULES)
            info.mods_count, info.mods_addr = 1, LOADER + 0x400
            end = initrd[0] + len(initrd[1])
            self.memory.write(LOADER + 0x400, struct.pack("<IIII", initrd[0], end, 0, 0))
        self.memory.write(LOADER, bytes(native.ffi.buffer(info)))

    def _pvh_info(self, initrd: tuple[int, bytes] | None) -> None:
        info = native.ffi.new("struct hvm_start_info *")
        info.magic, info.version = native.Pvh.MAGIC, 1
        info.cmdline_paddr, info.memmap_paddr, info.memmap_entries = LOADER + 0x800, LOADER + 0x600, 2
        ranges = ((0, 0xA0000, 1), (0x100000, MEMORY - 0x100000, 1))
        table = b"".join(struct.pack("<QQII", *part, 0) for part in ranges)
        self.memory.write(LOADER + 0x600, table)
        if initrd is not None:
            info.nr_modules, info.modlist_paddr = 1, LOADER + 0x400
            self.memory.write(LOADER + 0x400, struct.pack("<QQQQ", initrd[0], len(initrd[1]), 0, 0))
        self.memory.write(LOADER, bytes(native.ffi.buffer(info)))

    def settle(self, icw_base: int | None = 0x20, port_calls: bool = True) -> None:
        """What a guest does first: its GDT, its IDT through the ROM, and the PICs, through OUTB or raw."""
        engine = self.engine
        engine.gdtr = (GDT, 8 * 32 - 1)
        for name in SegmentName:
            if name not in (SegmentName.FS, SegmentName.GS):
                selector = KERNEL_CS if name is SegmentName.CS else KERNEL_DS
                assert engine.segment(name).selector == selector
        self.put(SCRATCH, struct.pack("<HI", 8 * 256 - 1, IDT))
        self.call("SetIDT", eax=SCRATCH)
        if icw_base is None:
            return
        for port, value in (
            *((0x20, 0x11), (0x21, icw_base), (0x21, 4), (0x21, 1)),
            *((0xA0, 0x11), (0xA1, icw_base + 8), (0xA1, 2), (0xA1, 1)),
            *((0x21, 0xFE), (0xA1, 0xFF)),
        ):
            if port_calls:
                self.call("OUTB", eax=value, edx=port)
            else:
                self.devices.bus.port_out(port, 1, value)

    # running

    def entry(self, name: str) -> int:
        """What get_reloc answers for a call, as the guest would use it."""
        answer = self.run_code(self.rom + int(vmi.RomHeader.GET_RELOC_OFFSET), eax=int(vmi.Call[name]))
        assert answer["EDX"] in (vmi.Reloc.CALL_REL, vmi.Reloc.JUMP_REL), f"{name} has no entry"
        return answer["EAX"]

    def slot(self, name: str) -> int:
        """The call's slot itself."""
        area = self.image.private
        assert area is not None
        return self.rom + area.slots_offset + area.slot_size * int(vmi.Call[name])

    def call(self, name: str, stack: Sequence[int] = (), **registers: int) -> Registers:
        """Make a call through its slot."""
        return self.run_code(self.entry(name), stack, **registers)

    def run_code(
        self, eip: int, stack: Sequence[int] = (), flags: int = 0x002, **registers: int
    ) -> Registers:
        """Call an address with these registers (others 0) and stack words, until it returns."""
        engine = self.engine
        for name in GENERAL:
            setattr(engine, name, registers.get(name, 0))
        words = (RETURN, *stack)
        engine.esp = STACK - 0x100 - 4 * len(words)
        self.put(engine.esp, struct.pack(f"<{len(words)}I", *words))
        engine.eflags = flags
        engine.eip = eip
        self.run(RETURN)
        return self.registers()

    def jump(self, eip: int, frame: Sequence[int], flags: int, registers: dict[str, int]) -> None:
        """Go to an address with ESP at ``frame`` until RETURN or USER_CODE."""
        engine = self.engine
        for name in GENERAL:
            setattr(engine, name, registers.get(name, 0))
        engine.esp = STACK - 0x100 - 4 * len(frame)
        self.put(engine.esp, struct.pack(f"<{len(frame)}I", *frame))
        engine.eflags, engine.eip = flags, eip
        try:
            self.run(RETURN)
        except Landed:
            return
        engine.eip -= 1

    @property
    def enabled(self) -> bool:
        """The interrupt flag."""
        return bool(self.engine.eflags & IF)

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self.engine.eflags = self.engine.eflags & ~IF | (IF if value else 0)

    def open_user(self) -> None:
        """Pages of user code and stack at USER_CODE, and the segments that SYSEXIT goes by."""
        for gpa, data in user_tables(self.root).items():
            self.memory.write(gpa, data)
        self.put(CODE + 0x80, b"\x0f\x30\xc3")  # wrmsr; ret
        self.run_code(CODE + 0x80, eax=KERNEL_CS, ecx=0x174)
        self.engine.flush_tlb()

    def registers(self) -> Registers:
        values = {name.upper(): getattr(self.engine, name) for name in (*GENERAL, "esp")}
        return Registers({**values, "EFLAGS": self.engine.eflags})

    def run_until(self, done: Callable[[], bool]) -> None:
        """Run, in steps of a millisecond, until ``done`` says so."""
        end = time.monotonic_ns() + BUDGET_NS
        while not done():
            if time.monotonic_ns() > end:
                raise Surprise(f"still running at {self.engine.eip:#x}")
            self._step(time.monotonic_ns() + 1_000_000, None)

    def run(self, until: int) -> None:
        """Run until the HLT at ``until``; deliver what the devices raise if ``deliver``."""
        end = time.monotonic_ns() + BUDGET_NS
        asked = len(self.requests)
        while not self._step(end, until):
            if time.monotonic_ns() > end:
                raise Surprise(f"still running at {self.engine.eip:#x}")
            if len(self.requests) > asked:
                raise Surprise(f"the guest asked for {self.requests[-1]}")

    def _step(self, end: int, until: int | None) -> bool:
        """One run of the engine; whether it came to the HLT at ``until``."""
        engine = self.engine
        self.devices.advance()
        if self.deliver and self.devices.pending and engine.interruptible:
            assert self.delivery.interrupt(self.devices.acknowledge()) is None
        due = self.devices.next_event()
        deadline = min(end, due) if due is not None else end
        outcome = engine.run(deadline, window=self.deliver and self.devices.pending)
        if isinstance(outcome, Halted):
            if until is not None and engine.eip == until + 1:
                return True
            if not self._wait():
                raise Surprise(f"halted for ever at {engine.eip:#x}")
        elif isinstance(outcome, Trap):
            self.trap(outcome)
        elif not isinstance(outcome, Preempted | Window):
            raise Surprise(f"{outcome} at {engine.eip:#x}")
        return False

    def _wait(self) -> bool:
        """Sleep, halted, until a device has an interrupt; whether one can come at all."""
        if not self.engine.eflags & IF or not self.deliver:
            return False
        while not self.devices.pending:
            due = self.devices.next_event()
            if due is None:
                return False
            time.sleep(max(0, due - time.monotonic_ns()) / 1e9)
            self.devices.advance()
        assert self.delivery.interrupt(self.devices.acknowledge()) is None
        return True

    def trap(self, trap: Trap) -> None:
        """An exception or hypercall; a bare machine expects none but user code's first instruction."""
        if trap.vector == 6 and self.engine.eip == USER_CODE:
            raise Landed
        raise Surprise(f"{trap} at {self.engine.eip:#x}, cr2 {self.engine.cr2:#x}")
