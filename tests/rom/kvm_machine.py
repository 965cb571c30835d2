"""A bare machine with KVM's paravirtual features under it: CPUID leaves, MSRs, the clock, MMU_OP.

It does what KVM's documentation says it does (virt/kvm/x86 in Linux), for one processor, and keeps what the
ROM told it, so that a test can look.
"""

from __future__ import annotations

import struct

from tests.rom.bare_machine import BareMachine, Surprise
from vmirom.machine.engine import Trap
from vmirom.overlays import kvm
from vmirom.overlays.native import Cr4

__all__ = ["KvmMachine"]

Feature = kvm.Feature
SYSTEM_NS = 5_000_000_000  # system time at the time stamp
BOOT_SECONDS = 1_700_000_000
STOLEN_NS = 250_000_000


class KvmMachine(BareMachine):
    """``features`` are the bits of the features leaf; ``batches`` are lists of MMU operations."""

    features = (Feature.CLOCKSOURCE2, Feature.STEAL_TIME, Feature.NOP_IO_DELAY)
    vendor = b"GenuineIntel"
    khz = 2_500_000

    def prepare(self) -> None:
        self.msrs: dict[int, int] = {}
        self.batches: list[list[tuple[int, ...]]] = []
        self.refuse = False
        self.engine.set_cpuid(self._cpuid)
        self.engine.trap_opcode(b"\x0f\x30", self._wrmsr)
        data = self.image.data
        self.engine.code(self.rom, data)
        self.engine.code(self.rom - 0xC0000000, data)

    def _cpuid(self, leaf: int, subleaf: int) -> tuple[int, int, int, int] | None:
        if leaf == 0:
            ebx, edx, ecx = struct.unpack("<III", self.vendor)
            return 0xD, ebx, ecx, edx
        if leaf == 1:
            eax, ebx, ecx, edx = self.engine.own_cpuid(leaf, subleaf)
            return eax, ebx, ecx | 1 << 31, edx
        if leaf == kvm.CpuidLeaf.SIGNATURE:
            signature = kvm.Signature
            return int(kvm.CpuidLeaf.FEATURES), int(signature.EBX), int(signature.ECX), int(signature.EDX)
        if leaf == kvm.CpuidLeaf.FEATURES:
            return sum(1 << bit for bit in self.features), 0, 0, 0
        return None

    def _wrmsr(self) -> bool:
        engine = self.engine
        known = {int(msr) for msr in kvm.Msr}
        if engine.ecx not in known:
            return False
        value = engine.edx << 32 | engine.eax
        self.msrs[engine.ecx] = value
        if engine.ecx in (kvm.Msr.SYSTEM_TIME, kvm.Msr.SYSTEM_TIME_NEW):
            self._write_clock(value & ~1)
        elif engine.ecx in (kvm.Msr.WALL_CLOCK, kvm.Msr.WALL_CLOCK_NEW):
            self.memory.write(value, struct.pack("<III", 2, BOOT_SECONDS, 500))
        elif engine.ecx == kvm.Msr.STEAL_TIME:
            self.memory.write(value & ~1, struct.pack("<QII", STOLEN_NS, 2, 0))
        engine.eip = engine.eip + 2 & 0xFFFFFFFF
        return True

    def _write_clock(self, gpa: int) -> None:
        """1e9 / (khz * 1000) ns a cycle, as mul * 2^(shift - 32)."""
        shift, scaled = 0, (1_000_000 << 32) // self.khz
        while scaled >> 32:
            scaled, shift = scaled >> 1, shift + 1
        while not scaled >> 31:
            shift -= 1
            scaled = ((1_000_000 << 32) << -shift) // self.khz
        stamp = struct.pack("<IIQQIbBH", 2, 0, self.engine.tsc(), SYSTEM_NS, scaled, shift, 0, 0)
        self.memory.write(gpa, stamp)

    def trap(self, trap: Trap) -> None:
        engine = self.engine
        opcode = self.memory.read(engine.eip - 0xC0000000, 3) if engine.eip >= 0xC0000000 else b""
        wanted = kvm.Opcode.VMCALL if self.vendor == b"GenuineIntel" else kvm.Opcode.VMMCALL
        if trap.vector != 6 or opcode != int(wanted).to_bytes(3, "little"):
            super().trap(trap)
        if engine.eax != kvm.Hypercall.MMU_OP:
            raise Surprise(f"hypercall {engine.eax}")
        result = -int(kvm.Errno.ENOSYS) if self.refuse else self._mmu_op(engine.ebx, engine.ecx)
        engine.eax = result & 0xFFFFFFFF
        engine.eip += 3

    def _mmu_op(self, length: int, gpa: int) -> int:
        data, at, batch = self.memory.read(gpa, length), 0, []
        while at < length:
            (op,) = struct.unpack_from("<I", data, at)
            if op == kvm.MmuOp.WRITE_PTE:
                _, _, pte, value = struct.unpack_from("<IIQQ", data, at)
                size = 8 if self.engine.cr4 & Cr4.PAE else 4
                if pte + size > self.memory.size:
                    return at  # where no memory is KVM stops, and says how far it came
                self.memory.write(pte, value.to_bytes(8, "little")[:size])
                batch.append((op, pte, value))
                at += 24
            elif op == kvm.MmuOp.RELEASE_PT:
                batch.append((op, struct.unpack_from("<IIQ", data, at)[2]))
                at += 16
            elif op == kvm.MmuOp.FLUSH_TLB:
                batch.append((op,))
                at += 8
            else:
                raise Surprise(f"MMU operation {op}")
        assert len(batch) <= kvm.MmuLimit.BATCH
        self.batches.append(batch)
        return length
