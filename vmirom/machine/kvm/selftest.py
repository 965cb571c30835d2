"""Whether a KVM can run this project's guests: one sentence if not, and what it is like if so.

Some devices called /dev/kvm emulate part of the processor only, and say so nowhere. Each step presumes the
ones before; the hypercall comes late because a KVM that fails the earlier ones may never come back from it.
The guest is 64 KiB: code for each step, a GDT, an IDT with one gate, a TSS with an open port, page tables.
"""

from __future__ import annotations

import mmap
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from vmirom.machine.kvm.interface import IO_EXIT, QUIRK_FIX_HYPERCALL, Capability, ExitReason, RunPage
from vmirom.machine.kvm.kernel import DEVICE, Device, Kernel, KvmError
from vmirom.machine.kvm.registers import CODE, DATA, Flat, Registers, flat_segment
from vmirom.machine.kvm.vcpu import Vcpu, Vm

__all__ = ["Findings", "examine", "self_test"]

_SIZE: Final = 0x10000
_GDT, _TSS, _IDT, _DIRECTORY, _TABLE, _STACK = 0x2000, 0x2400, 0x2800, 0x4000, 0x5000, 0x7000
_KERNEL_CS, _KERNEL_DS, _USER_CS, _USER_DS, _TSS_SELECTOR = 0x08, 0x10, 0x1B, 0x23, 0x28
_PORT, _GATE_PORT = 0x10, 0x11
_GATE: Final = 0x20
_TSS_LENGTH: Final = 0x68
_PAGED: Final = 0x80000011
_PG: Final = 0x80000000
_UNKNOWN: Final = 999
_ENOSYS: Final = 1000
_LOOPS: Final = 10_000
_SLOW_NS: Final = 100.0
_LIMIT_NS: Final = 500_000_000
_LIMIT_INSIDE_NS: Final = 8_000_000_000
_AMD: Final = (b"AuthenticAMD", b"HygonGenuine")

_OUT: Final = bytes((0xE6, _PORT, 0xF4))
_PLACES: Final = {
    "run": (0x1000, _OUT),
    "gate": (0x1010, bytes((0xCD, _GATE, 0xF4))),
    "handler": (0x1020, bytes((0xE6, _GATE_PORT, 0xF4))),
    "port": (0x1030, _OUT),
    "vmcall": (0x1040, b"\x0f\x01\xc1" + _OUT),
    "vmmcall": (0x1050, b"\x0f\x01\xd9" + _OUT),
    "speed": (0x1060, b"\x49\x75\xfd" + _OUT),  # dec %ecx; jnz
    "limit": (0x1070, b"\xa0\x00\x18\x00\x00" + _OUT),  # mov 0x1800, %al
}
_SHORT_LIMIT: Final = 0xFFF


@dataclass(frozen=True, slots=True)
class Findings:
    """``refusal`` is the sentence, empty if all is well. ``vendor`` is the processor's maker as CPUID says;
    ``limits_enforced`` whether data beyond a segment's limit is out of reach; ``loop_ns`` what a loop of two
    instructions costs, ``interpreted`` if that is far from hardware; the rest are facilities."""

    refusal: str = ""
    vendor: str = ""
    limits_enforced: bool = True
    loop_ns: float = 0.0
    interpreted: bool = False
    sync_registers: bool = False
    immediate_exit: bool = False
    hypercall_quirk: bool = False


def self_test(path: str = DEVICE, kernel: Kernel | None = None, inside: bool = False) -> str | None:
    """None if KVM can be used, else one sentence that says why not. Well under a second."""
    return examine(path, kernel, inside).refusal or None


def examine(path: str = DEVICE, kernel: Kernel | None = None, inside: bool = False) -> Findings:
    """Look closely. ``inside`` tells that QEMU's own processor is beneath (TR rule, more patience)."""
    try:
        device = Device(kernel, path)
    except KvmError as refused:
        return Findings(str(refused))
    try:
        return _examine(device, inside)
    except (KvmError, OSError) as refused:
        return Findings(f"{path}: {refused}")
    finally:
        device.close()


def _examine(device: Device, inside: bool) -> Findings:
    vendor = device.vendor()
    facilities = Findings(
        vendor=vendor.decode("ascii", "replace"),
        sync_registers=device.capability(Capability.SYNC_REGS) & 3 == 3,
        immediate_exit=bool(device.capability(Capability.IMMEDIATE_EXIT)),
        hypercall_quirk=bool(device.capability(Capability.DISABLE_QUIRKS2) & QUIRK_FIX_HYPERCALL),
    )
    guest = _Guest(device, inside)
    try:
        refusal = guest.paging() or guest.plain() or guest.gate() or guest.port() or guest.hypercall(vendor)
        if refusal:
            return Findings(f"{device.path} {refusal}", facilities.vendor)
        loop_ns = guest.loop_ns()
        return Findings(
            "",
            facilities.vendor,
            guest.limits(),
            loop_ns,
            loop_ns > _SLOW_NS,
            facilities.sync_registers,
            facilities.immediate_exit,
            facilities.hypercall_quirk,
        )
    finally:
        guest.close()


def _descriptor(kind: int, dpl: int, base: int = 0, limit: int = 0xFFFFF, flags: int = 0xC) -> bytes:
    access = 0x80 | dpl << 5 | kind
    low = limit & 0xFFFF | (base & 0xFFFF) << 16
    high = base >> 16 & 0xFF | access << 8 | (limit >> 16 & 0xF) << 16 | flags << 20 | base & 0xFF000000
    return struct.pack("<II", low, high)


def _image() -> bytearray:
    """The whole memory of the test guest."""
    image = bytearray(_SIZE)
    for at, code in _PLACES.values():
        image[at : at + len(code)] = code
    gdt = bytes(8) + _descriptor(0x1B, 0) + _descriptor(0x13, 0) + _descriptor(0x1B, 3) + _descriptor(0x13, 3)
    gdt += _descriptor(0x0B, 0, _TSS, _TSS_LENGTH + 8, 0)
    image[_GDT : _GDT + len(gdt)] = gdt
    struct.pack_into("<II", image, _TSS + 4, _STACK, _KERNEL_DS)
    struct.pack_into("<H", image, _TSS + 0x66, _TSS_LENGTH)  # the port bitmap, ports 0 to 63 open
    image[_TSS + _TSS_LENGTH + 8] = 0xFF
    handler = _PLACES["handler"][0]
    struct.pack_into("<HHHH", image, _IDT + 8 * _GATE, handler, _KERNEL_CS, 0xEE00, 0)
    struct.pack_into("<I", image, _DIRECTORY, _TABLE | 7)
    struct.pack_into("<16I", image, _TABLE, *(page << 12 | 7 for page in range(16)))
    return image


class _Guest:
    """The test guest and its steps; each answers what KVM can't do, or nothing."""

    def __init__(self, device: Device, inside: bool) -> None:
        self._patience_ns = _LIMIT_INSIDE_NS if inside else _LIMIT_NS
        self._raw = mmap.mmap(-1, _SIZE)
        self._raw[:] = bytes(_image())
        self._vm = Vm(device)
        try:
            self._vm.add_memory(self._raw, 0, _SIZE)
            self._vcpu = Vcpu(self._vm, free_task_register=inside)
        except KvmError:
            self._vm.close()
            raise

    def close(self) -> None:
        self._vcpu.close()
        self._vm.close()

    def _start(self, place: str, ring: int, change: Callable[[Registers], None] | None = None) -> int:
        """Run from a place at a ring; an exit reason."""
        registers = self._vcpu.standing_registers()
        cs, ds = (_USER_CS, _USER_DS) if ring else (_KERNEL_CS, _KERNEL_DS)
        registers.set_segment("cs", flat_segment(cs, CODE))
        for name in ("ds", "es", "fs", "gs", "ss"):
            registers.set_segment(name, flat_segment(ds, DATA))
        tss = Flat(_TSS_SELECTOR, 11, base=_TSS, limit=_TSS_LENGTH + 8, code_or_data=False, big=False)
        registers.set_segment("tr", tss)
        registers.set_table("gdt", _GDT, 0x2F)
        registers.set_table("idt", _IDT, 8 * _GATE + 7)
        registers.set_control(cr0=_PAGED, cr3=_DIRECTORY, cr4=0, efer=0)
        registers.set_general(eip=_PLACES[place][0], eflags=2, esp=_STACK - 0x100)
        if change is not None:
            change(registers)
        self._vcpu.set_registers(registers)
        return self._run()

    def _run(self) -> int:
        vcpu = self._vcpu
        vcpu.stop_at_ns = time.monotonic_ns() + self._patience_ns
        vcpu.begin()
        try:
            return vcpu.run()
        finally:
            vcpu.end()

    def _left_by(self, reason: int, port: int) -> str:
        """Nothing if the guest wrote to the port, else how it went instead."""
        if reason != ExitReason.IO:
            if reason == ExitReason.INTR:
                return "did not leave in time"
            known = {int(r): r.name for r in ExitReason}
            return f"ended with {known.get(reason, f'exit {reason}')}"
        found: int = IO_EXIT.unpack_from(self._vcpu.page, RunPage.EXIT)[2]
        return "" if found == port else f"wrote to port {found:#x} instead of {port:#x}"

    def paging(self) -> str:
        registers = self._vcpu.standing_registers()
        registers.set_segment("cs", flat_segment(_KERNEL_CS, CODE))
        for name in ("ds", "es", "fs", "gs", "ss"):
            registers.set_segment(name, flat_segment(_KERNEL_DS, DATA))
        registers.set_control(cr0=_PAGED, cr3=_DIRECTORY, cr4=0, efer=0)
        try:
            self._vcpu.set_registers(registers)
        except KvmError as refused:
            return f"refuses 32-bit paging ({refused})"
        if not self._vcpu.standing_registers().control("cr0") & _PG:
            return "refuses 32-bit paging (CR0.PG did not stay set)"
        return ""

    def plain(self) -> str:
        how = self._left_by(self._start("run", 0), _PORT)
        return f"can't run 32-bit code with paging ({how})" if how else ""

    def gate(self) -> str:
        how = self._left_by(self._start("gate", 3), _GATE_PORT)
        if not how and self._vcpu.standing_registers().selector("cs") != _KERNEL_CS:
            how = "the handler did not run in ring 0"
        return f"can't deliver int n from ring 3 ({how})" if how else ""

    def port(self) -> str:
        how = self._left_by(self._start("port", 3), _PORT)
        return f"ignores the port bitmap of the task segment ({how})" if how else ""

    def hypercall(self, vendor: bytes) -> str:
        def number(registers: Registers) -> None:
            registers.set_general(eax=_UNKNOWN)

        place = "vmmcall" if vendor in _AMD else "vmcall"
        how = self._left_by(self._start(place, 0, number), _PORT)
        answer = self._vcpu.standing_registers().general("eax")
        if not how and answer != -_ENOSYS & 0xFFFFFFFF:
            how = f"hypercall {_UNKNOWN} answers {answer:#x}"
        return f"does not serve {place} as KVM does ({how})" if how else ""

    def loop_ns(self) -> float:
        def count(registers: Registers) -> None:
            registers.set_general(ecx=_LOOPS)

        start = time.perf_counter_ns()
        self._start("speed", 0, count)
        return (time.perf_counter_ns() - start) / _LOOPS

    def limits(self) -> bool:
        """Whether a load beyond DS's limit does not succeed."""

        def short(registers: Registers) -> None:
            registers.set_segment("ds", Flat(_KERNEL_DS, DATA, limit=_SHORT_LIMIT))

        return self._start("limit", 0, short) != ExitReason.IO
