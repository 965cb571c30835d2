"""Instructions that fault in ring 1 and that Xen carries out, and those it answers with another fault.

Facts: xen-host.md section 6, table "Privileged instructions in ring 1". What is not here gets its #GP. Port
instructions, CLI and STI depend on the I/O privilege that the guest asked for; CLI and STI never touch the
upcall mask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vmirom.hypervisors.xen.answers import GuestFault, Refused
from vmirom.hypervisors.xen.gates import far_transfer
from vmirom.hypervisors.xen.operands import read_register, write_register
from vmirom.hypervisors.xen.pages import PageType
from vmirom.hypervisors.xen.physdev import port_allowed
from vmirom.hypervisors.xen.ports import read_port, write_port
from vmirom.hypervisors.xen.registers import CR0_TS, CR4_DE
from vmirom.hypervisors.xen.transfer import cr3_to_frame, frame_to_cr3, hypercall_page
from vmirom.hypervisors.xen.traps import DB, UD
from vmirom.machine.addresses import PAGE_SIZE
from vmirom.machine.engine import SegmentName
from vmirom.overlays.native import Efer, Eflags, Msr, PageFault
from vmirom.overlays.xen import AssistType, Errno, Transport

if TYPE_CHECKING:
    from vmirom.hypervisors.xen.domain import Domain

__all__ = ["Privileged"]

_PREFIXES: Final = frozenset(b"\x66\x67\xf2\xf3\x2e\x36\x3e\x26\x64\x65\xf0")
_LONGEST: Final = 15
_FORCED: Final = b"\x0f\x0b\x78\x65\x6e"
_CPUID: Final = b"\x0f\xa2"
_SYSCALL: Final = b"\x0f\x05"
_SYSENTER: Final = b"\x0f\x34"
_RDPMC: Final = b"\x0f\x33"
_SYSRET: Final = b"\x0f\x07"
_INT1: Final = b"\xf1"
_INT_UD: Final = b"\xcd\x06"
"""``int 6``, which the processor reports as the exception it stands for."""

_UCODE_REVISION: Final = 0x8B
_MISC_ENABLE: Final = 0x1A0
_OTHER_MSRS: Final = {
    _MISC_ENABLE: 0x80_1801,
    0xCE: 0,  # PLATFORM_INFO
    0x140: 0,  # MISC_FEATURES_ENABLES
    0xC001_0015: 0,  # HWCR
    0xC001_0010: 0,  # SYSCFG
    0x4000_0000: 0,  # Xen's own: where the hypercall page is put
    0x179: 2,  # MCG_CAP
    0x17A: 0,  # MCG_STATUS
    0x17B: 0,  # MCG_CTL
    **dict.fromkeys(range(0x400, 0x480), 0),  # machine-check banks, most of them absent
    **dict.fromkeys((0x400, 0x404), 0xFFFF_FFFF_FFFF_FFFF),  # the control words of the two that there are
    **dict.fromkeys((0x0, 0x1, *range(0x280, 0x2A0), 0x345), 0),
    **dict.fromkeys((*range(0xC001_0000, 0xC001_0008), *range(0xC001_0016, 0xC001_001B)), 0),
    **dict.fromkeys(
        (0xC001_001D, 0xC001_001F, 0xC001_0041, 0xC001_0042, *range(0xC001_0061, 0xC001_006C)), 0
    ),
    **dict.fromkeys((0xC001_0112, 0xC001_0113, *range(0xC001_0200, 0xC001_020C)), 0),
    0xC001_1029: 2,  # DE_CFG
}
"""What the first domain reads of a machine of QEMU's AMD model."""
_MSRS: Final = {
    Msr.APIC_BASE: 0xFEE00900,  # APIC base, enabled, boot processor
    _UCODE_REVISION: 0x0100_0065,  # microcode revision, as QEMU's AMD model has it
    Msr.PAT: 0x0005_0100_0704_06,  # the PAT that Xen programs
    Msr.EFER: int(Efer.NXE | Efer.SCE),  # EFER without what belongs to long mode
    **_OTHER_MSRS,
}
_BANKS: Final = range(0x400, 0x480)
_LIVE_BANKS: Final = range(0x400, 0x408)
"""The two machine-check banks that there are: control, status, address, miscellaneous."""
_LOST_WRITES: Final = frozenset(
    {
        *(0xE7, 0xE8, _MISC_ENABLE, 0x179, 0x17A, 0x17B, *range(0x280, 0x2A0)),
        *range(_LIVE_BANKS.stop, _BANKS.stop),
        *range(_LIVE_BANKS.start, _LIVE_BANKS.stop, 4),
        *(*range(0xC001_0000, 0xC001_0008), 0xC001_0015, 0xC001_001F, 0xC001_0041, 0xC001_0042),
        *(*range(0xC001_0061, 0xC001_006C), *range(0xC001_0200, 0xC001_020C), 0xC001_1029),
    }
)
"""Any value may be written, and none is kept."""
_SAME_WRITES: Final = frozenset({Msr.EFER, 0x140, *_LIVE_BANKS})
"""What they read may be written."""

_LEAF_MAX: Final = Transport.CPUID_LEAF + 5
_PRESERVES_AD: Final = 1
"""Of Xen's features in leaf 2: mmu_update keeps accessed and dirty bits where asked to."""
_FEATURES_HIDDEN_EDX: Final = 1 << 3 | 1 << 7 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 16 | 1 << 17 | 1 << 28
_FEATURES_HIDDEN_ECX: Final = 1 << 3 | 1 << 5 | 1 << 6 | 1 << 21
_FEATURE_HYPERVISOR: Final = 1 << 31


_READ_ONLY_UD: Final = (0x20, 0x22)
_DEBUG: Final = (0x21, 0x23)
_NO_CONTROL: Final = (1, 5, 6, 7)
"""Control registers that do not exist."""
_OVERRIDES: Final = {
    0x2E: SegmentName.CS,
    0x36: SegmentName.SS,
    0x3E: SegmentName.DS,
    0x26: SegmentName.ES,
    0x64: SegmentName.FS,
    0x65: SegmentName.GS,
}


class _Undefined(Exception):
    """The instruction is none: #UD rather than #GP."""


class Privileged:
    """I/O privilege of the domain and the emulation of what faults for want of it."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self.iopl = 0
        self.bitmap = 0
        self.bitmap_ports = 0

    # #UD

    def undefined(self) -> None:
        """An undefined opcode: forced emulation of CPUID, else the fault the processor would have given.
        Raises DomainCrash."""
        engine = self.domain.engine
        if (missing := self._unreadable()) is not None:
            self.domain.traps.inject_fault(missing, int(PageFault.USER) if engine.cpl == 3 else 0)
            return
        code = self._code()
        if code.startswith(_FORCED + _CPUID):
            self._cpuid()
            engine.eip = engine.eip + len(_FORCED + _CPUID) & 0xFFFFFFFF
        elif code.startswith(_SYSCALL) and engine.cpl == 1:
            self.domain.traps.inject_syscall()
        elif code.startswith(_SYSCALL) and self.domain.traps.syscall is not None:
            engine.eip = engine.ecx = engine.eip + len(_SYSCALL) & 0xFFFFFFFF
            self.domain.traps.call(self.domain.traps.syscall)
        elif code.startswith(_INT1):
            engine.eip = engine.eip + len(_INT1) & 0xFFFFFFFF
            self.domain.traps.inject(DB)
        elif code.startswith(_INT_UD):
            self.domain.traps.inject_protection(UD * 8 + 2)
        elif code.startswith((_SYSCALL, _SYSENTER, _RDPMC, _SYSRET)):
            self.domain.traps.inject_protection()
        else:
            self.domain.traps.inject(UD)

    def far_transfer(self, error: int) -> bool:
        """A #GP that names a selector: whether that was a use of a call gate. Raises DomainCrash."""
        return not error & 3 and far_transfer(self.domain, self._code(), error)

    def _unreadable(self) -> int | None:
        """Xen reads the five bytes that ask for an emulation before all else: where the first of them that
        can't be read is."""
        base = self.domain.engine.segment(SegmentName.CS).base
        for offset in range(len(_FORCED)):
            try:
                self.domain.space.translate(base + self.domain.engine.eip + offset & 0xFFFFFFFF)
            except GuestFault as fault:
                return fault.gva
        return None

    def _code(self) -> bytes:
        engine = self.domain.engine
        base = engine.segment(SegmentName.CS).base
        return self.domain.space.code(base + engine.eip & 0xFFFFFFFF, _LONGEST, engine.cpl == 3)

    def _cpuid(self) -> None:
        """CPUID as Xen lets a guest see it."""
        engine = self.domain.engine
        leaf, subleaf = engine.eax, engine.ecx
        engine.eax, engine.ebx, engine.ecx, engine.edx = self._leaf(leaf, subleaf)

    def _leaf(self, leaf: int, subleaf: int) -> tuple[int, int, int, int]:
        if leaf == Transport.CPUID_LEAF:
            return _LEAF_MAX, Transport.CPUID_EBX, Transport.CPUID_ECX, Transport.CPUID_EDX
        if leaf == Transport.CPUID_LEAF + 1:
            return self.domain.release.version, 0, 0, 0
        if leaf == Transport.CPUID_LEAF + 2:
            return 1, Transport.MSR_HYPERCALL_PAGE, _PRESERVES_AD, 0
        if leaf == _LEAF_MAX:
            return 0, (self.domain.tables.count - 1).bit_length() + 12, 0, 0
        if Transport.CPUID_LEAF < leaf <= Transport.CPUID_LEAF + 0xFFFF:
            return 0, 0, 0, 0
        eax, ebx, ecx, edx = self.domain.engine.own_cpuid(leaf, subleaf)
        if leaf == 1:
            ecx = ecx & ~_FEATURES_HIDDEN_ECX | _FEATURE_HYPERVISOR
            edx &= ~_FEATURES_HIDDEN_EDX
        return eax, ebx, ecx, edx

    # #GP

    def emulate(self) -> bool:
        """Try the instruction that raised #GP(0); False where the guest is to have the fault.

        Raises Ended for the ports that end a machine.
        """
        code = self._code()
        at = 0
        while at < len(code) and code[at] in _PREFIXES:
            at += 1
        prefixes, rest = code[:at], code[at:]
        if not rest:
            return False
        if 0xF0 in prefixes:
            self.domain.traps.inject(UD)
            return True
        try:
            length = self._dispatch(prefixes, rest)
        except _Undefined:
            self.domain.traps.inject(UD)
            return True
        except (GuestFault, Refused):
            return False
        if length is None:
            return False
        engine = self.domain.engine
        engine.eip = engine.eip + (at + length if length else 0) & 0xFFFFFFFF
        return True

    def _dispatch(self, prefixes: bytes, code: bytes) -> int | None:
        """Length of the instruction that was carried out, 0 to repeat it, None for not at all."""
        opcode = code[0]
        if opcode in (0xFA, 0xFB):
            return 1 if self._privileged() else None
        if opcode in (0xE4, 0xE5, 0xE6, 0xE7) and len(code) > 1:
            return self._port(prefixes, opcode, code[1], 2)
        if 0xEC <= opcode <= 0xEF:
            return self._port(prefixes, opcode, self.domain.engine.edx & 0xFFFF, 1)
        if 0x6C <= opcode <= 0x6F:
            return self._string(prefixes, opcode)
        if opcode == 0x0F and len(code) > 2 and code[1] in _READ_ONLY_UD and code[2] >> 3 & 7 in _NO_CONTROL:
            raise _Undefined
        if opcode == 0x0F and len(code) > 1 and self.domain.engine.cpl == 1:
            return self._system(code)
        return None

    def _privileged(self) -> bool:
        """Whether the ring the guest is in has I/O privilege."""
        ring = self.domain.engine.cpl
        if ring == 1 and AssistType.ARCHITECTURAL_IOPL in self.domain.registers.assists:
            return True
        return self.iopl >= ring

    def _may_use(self, port: int, size: int) -> bool:
        return self._privileged() or port_allowed(self.domain, port, size)

    def _port(self, prefixes: bytes, opcode: int, port: int, length: int) -> int | None:
        size = 1 if not opcode & 1 else 2 if b"\x66" in prefixes else 4
        if not self._may_use(port, size):
            return None
        engine = self.domain.engine
        if opcode & 2:
            write_port(port, size, read_register(engine, 0, size))
        else:
            write_register(engine, 0, read_port(port, size), size)
        return length

    def _string(self, prefixes: bytes, opcode: int) -> int | None:
        """One element of INS or OUTS; a repeated one comes back for the next."""
        engine = self.domain.engine
        size = 1 if not opcode & 1 else 2 if b"\x66" in prefixes else 4
        port = engine.edx & 0xFFFF
        if not self._may_use(port, size):
            return None
        repeated = b"\xf3" in prefixes or b"\xf2" in prefixes
        mask = 0xFFFF if b"\x67" in prefixes else 0xFFFFFFFF
        if repeated and engine.ecx & mask == 0:
            return 1
        step = -size if engine.eflags & Eflags.DF else size
        if opcode & 2:
            name = next((_OVERRIDES[p] for p in reversed(prefixes) if p in _OVERRIDES), SegmentName.DS)
            source = self._data(name, engine.esi & mask, size, write=False)
            write_port(port, size, int.from_bytes(self.domain.space.read(source, size), "little"))
            engine.esi = engine.esi & ~mask | engine.esi + step & mask
        else:
            target = self._data(SegmentName.ES, engine.edi & mask, size, write=True)
            self.domain.space.write(target, read_port(port, size).to_bytes(size, "little"))
            engine.edi = engine.edi & ~mask | engine.edi + step & mask
        if not repeated:
            return 1
        engine.ecx = engine.ecx & ~mask | engine.ecx - 1 & mask
        return 0 if engine.ecx & mask else 1

    def _data(self, name: SegmentName, offset: int, size: int, write: bool) -> int:
        """Linear address of an operand in a segment that can be used so. Raises Refused."""
        segment = self.domain.engine.segment(name)
        code, usable = segment.attributes & 0x800, segment.attributes & 0x200
        if not segment.selector & ~3 or (write and (code or not usable)) or (code and not usable):
            raise Refused(Errno.EINVAL, f"segment {segment.selector:#x} can't be used so")
        down = not code and segment.attributes & 0x400
        if (offset <= segment.limit) if down else (offset + size - 1 > segment.limit):
            raise Refused(Errno.EINVAL, f"offset {offset:#x} is beyond segment {segment.selector:#x}")
        return segment.base + offset & 0xFFFFFFFF

    def _system(self, code: bytes) -> int | None:
        """Two-byte system instructions in ring 1."""
        domain = self.domain
        opcode = code[1]
        if (
            opcode in _DEBUG
            and len(code) > 2
            and code[2] >> 3 & 7 in (4, 5)
            and domain.registers.cr4 & CR4_DE
        ):
            raise _Undefined
        if opcode == 0x09:
            return 2
        if opcode == 0x06:
            domain.registers.task_switch(0)
            return 2
        if opcode == 0x30:
            return 2 if self._write_msr() else None
        if opcode == 0x31:
            self._pair(domain.engine.tsc())
            return 2
        if opcode == 0x32:
            return 2 if self._read_msr() else None
        if opcode in (0x20, 0x21, 0x22, 0x23) and len(code) > 2:
            number, register = code[2] >> 3 & 7, code[2] & 7
            if opcode == 0x20:
                done = self._read_control(number, register)
            elif opcode == 0x22:
                done = self._write_control(number, read_register(domain.engine, register))
            elif opcode == 0x21:
                write_register(domain.engine, register, domain.registers.get_debug(number))
                done = True
            else:
                domain.registers.set_debug(number, read_register(domain.engine, register))
                done = True
            return 3 if done else None
        return None

    def _pair(self, value: int) -> None:
        """EDX:EAX."""
        self.domain.engine.eax = value & 0xFFFFFFFF
        self.domain.engine.edx = value >> 32 & 0xFFFFFFFF

    def _read_msr(self) -> bool:
        number = self.domain.engine.ecx
        if number == Msr.TSC:
            self._pair(self.domain.engine.tsc())
        elif number in _MSRS:
            self._pair(_MSRS[number])
        else:
            return False
        return True

    def _write_msr(self) -> bool:
        engine = self.domain.engine
        value = engine.edx << 32 | engine.eax
        if engine.ecx == Transport.MSR_HYPERCALL_PAGE:
            return self._install_page(value)
        return engine.ecx in _LOST_WRITES or (engine.ecx in _SAME_WRITES and value == _MSRS[engine.ecx])

    def _install_page(self, address: int) -> bool:
        """The hypercall page goes to a machine address in a frame of the domain that can be written."""
        if address % PAGE_SIZE:
            return False
        frame = address >> 12
        tables = self.domain.tables
        if not tables.owned(frame):
            return False
        try:
            tables.take_type(frame, PageType.WRITABLE)
        except Refused:
            return False
        self.domain.memory.write(frame << 12, hypercall_page())
        tables.drop_type(frame)
        return True

    def _read_control(self, number: int, register: int) -> bool:
        domain = self.domain
        if number == 0:
            value = domain.registers.cr0
        elif number == 2:
            value = domain.traps.cr2
        elif number == 3:
            value = frame_to_cr3(domain.mmu.base)
        elif number == 4:
            value = domain.registers.cr4
        else:
            return False
        write_register(domain.engine, register, value)
        return True

    def _write_control(self, number: int, value: int) -> bool:
        domain = self.domain
        if number == 0:
            if (value ^ domain.registers.cr0) & ~CR0_TS:
                return False
            domain.registers.task_switch(value & CR0_TS)
        elif number == 2:
            domain.shared.vcpu.arch_cr2 = value
        elif number == 3:
            domain.mmu.switch(cr3_to_frame(value))
        elif number == 4:
            domain.registers.set_cr4(value)
        else:
            return False
        return True
