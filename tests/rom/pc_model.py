"""The PC under the native and kvm ROMs' C on the host: ports, CPUID, and the handlers that were entered."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

from tests.rom.hostc import compile_rom
from vmirom.machine.devices.bus import Bus
from vmirom.overlays import vmi
from vmirom.rom.image import load_rom

__all__ = ["GUEST", "LINEAR", "PC_DECLARATIONS", "STATE", "STUBS", "HostPc", "compile_pc"]

LINEAR: Final = int(vmi.Layout.LINEAR_BASE)
GUEST: Final = int(vmi.Layout.GUEST_GPA)
STATE: Final = int(vmi.Layout.STATE_GPA)
STUBS: Final = 0xF0000
MEMORY: Final = 4 << 20
PAE: Final = 1 << 6
NX: Final = 1 << 20

PC_DECLARATIONS: Final = """
extern "Python" void host_out(uint32_t, uint32_t, uint32_t);
extern "Python" uint32_t host_in(uint32_t, uint32_t);
extern "Python" uint32_t host_cpuid(uint32_t, uint32_t);
extern "Python" void host_deliver(uint32_t);
static void reset(uint32_t at, uint32_t khz);
static unsigned char *guest_memory(void);
static uint32_t wild(void);
static void end_machine(void);
static void processors(uint32_t);
static uint32_t idt_base(void);
static uint32_t idt_limit(void);
static void set_idt(uint32_t, uint32_t);
static uint32_t interrupts_saved(void);
static uint32_t triple(void);
static void set_counter(uint64_t value, uint64_t step);
static uint32_t boots(uint32_t magic, uint32_t info);
static int ended_placing(uint32_t);
static int ended_rebooting(uint32_t);
static int ended_by_shutdown(void);
static uint32_t timer(uint32_t vector, uint32_t cs, uint32_t *eip, uint32_t *eflags);
static uint32_t fault_of(uint32_t vector, uint32_t words[7]);
uint64_t cpu_tsc(void);
int rom_init(void);
void platform_arm(uint64_t);
uint64_t platform_wallclock(void);
uint64_t platform_stolen(void);
uint64_t platform_hz(void);
void native_snoop(uint32_t, uint32_t);
uint32_t native_gate(uint32_t);
void native_idt_stub(uint32_t);
uint32_t native_measure_khz(void);
uint64_t native_cmos_ns(void);
void vmi_SetIDT(uint32_t);
void vmi_GetIDT(uint32_t);
void vmi_WriteIDTEntry(uint32_t, uint32_t, uint32_t, uint32_t);
void vmi_SetAlarm(uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);
void vmi_IODelay(void);
void vmi_APICWrite(uint32_t, uint32_t);
"""


def compile_pc(backend: str, declarations: str = "") -> HostPc:
    """The C of a PC's ROM and the machine under it; skips where there is no compiler."""
    return HostPc(compile_rom(backend, PC_DECLARATIONS + declarations), backend)


class HostPc:
    """One machine at a time; ``start`` makes it a new one."""

    def __init__(self, library: Any, backend: str) -> None:
        self.lib, self.ffi = library, library.ffi
        self.backend = backend
        for name in ("out", "in", "cpuid", "deliver"):
            self.lib.answer(f"host_{name}", getattr(self, f"_{name}"))
        self.memory = memoryview(self.ffi.buffer(self.lib.guest_memory(), MEMORY)).cast("B")

    def start(self, khz: int = 2_500_000, at: int = LINEAR) -> None:
        """``at`` is where memory is seen: the linear map, or 0 without paging. ``khz`` 0: not known yet."""
        self.lib.reset(at, khz)
        self.written: list[tuple[int, int]] = []
        self.delivered: list[int] = []
        self.bus = Bus()
        self.on_out: Callable[[int, int], None] | None = None
        self.on_in: Callable[[int], int] | None = None
        self.leaves: dict[int, tuple[int, int, int, int]] = {
            1: (0, 0, 0, PAE),
            0x80000000: (0x80000008, 0, 0, 0),
            0x80000001: (0, 0, 0, NX),
        }

    def _out(self, port: int, size: int, value: int) -> None:
        self.written.append((port, value))
        if self.on_out is not None:
            self.on_out(port, value)
        else:
            self.bus.port_out(port, size, value)

    def _in(self, port: int, size: int) -> int:
        if self.on_in is not None:
            return self.on_in(port)
        return self.bus.port_in(port, size)

    def _cpuid(self, leaf: int, which: int) -> int:
        return self.leaves.get(leaf, (0, 0, 0, 0))[which]

    def _deliver(self, handler: int) -> None:
        self.delivered.append(handler)

    def take_written(self) -> list[tuple[int, int]]:
        """(port, value) of all writes since the last look."""
        taken, self.written = self.written, []
        return taken

    def put(self, gpa: int, data: bytes) -> None:
        self.memory[gpa : gpa + len(data)] = data

    def u32(self, gpa: int) -> int:
        return int(struct.unpack_from("<I", self.memory, gpa)[0])

    def u64(self, gpa: int) -> int:
        return int(struct.unpack_from("<Q", self.memory, gpa)[0])

    def put_bundle(self, gpa: int, entry: int, end: int, segments: list[tuple[int, int, int]]) -> None:
        """struct vmi_bundle of a guest whose image ends at ``end``; a segment is gpa, length, flags."""
        bundle = vmi.ffi.new("struct vmi_bundle *")
        bundle.magic, bundle.size = vmi.Const.BUNDLE_MAGIC, vmi.ffi.sizeof("struct vmi_bundle")
        bundle.entry, bundle.image_start_gpa, bundle.image_end_gpa = entry, GUEST, end
        bundle.nr_segments = len(segments)
        for row, (at, length, flags) in zip(bundle.segments, segments, strict=False):
            row.gpa, row.length, row.flags = at, length, flags
        self.put(gpa, bytes(vmi.ffi.buffer(bundle)))

    def put_rom(self) -> None:
        """The shipped ROM at its place: what the C reads of it is its header."""
        self.put(int(vmi.Layout.ROM_GPA), load_rom(self.backend).data)

    def console(self) -> bytes:
        """What was written to the 16550's data register."""
        return bytes(value for port, value in self.written if port == vmi.Port.UART)
