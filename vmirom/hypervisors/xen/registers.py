"""Control and debug registers as the guest sees them: fpu_taskswitch, the debugreg hypercalls, vm_assist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vmirom.hypervisors.xen.answers import Refused
from vmirom.overlays.native import Cr0, Cr4, Eflags
from vmirom.overlays.xen import AssistType, Errno, VmAssist

if TYPE_CHECKING:
    from vmirom.hypervisors.xen.domain import Domain

__all__ = ["CR0_TS", "CR0_VALUE", "CR4_VALUE", "Registers"]

CR0_VALUE: Final = int(Cr0.PG | Cr0.AM | Cr0.WP | Cr0.NE | Cr0.ET | Cr0.MP | Cr0.PE)
CR0_TS: Final = int(Cr0.TS)
CR4_VALUE: Final = int(Cr4.OSXMMEXCPT | Cr4.OSFXSR | Cr4.MCE | Cr4.PAE)
CR4_TSD: Final = int(Cr4.TSD)
CR4_DE: Final = int(Cr4.DE)
_CR4_SETTABLE: Final = CR4_TSD | CR4_DE
_DR6_FIXED: Final = 0xFFFF0FF0
_DR6_STEP: Final = 0x4000
_DR7_FIXED: Final = 0x400
_DR7_RESERVED: Final = 0xD800
_DR7_GENERAL_DETECT: Final = 0x2000
_DR7_IO: Final = 2


class Registers:
    """The virtual CPU's own CR0.TS, CR4 and debug registers, and the assists it switched on."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self.cr4 = CR4_VALUE
        self.debug = [0, 0, 0, 0, 0, 0, _DR6_FIXED, _DR7_FIXED]
        self.assists: set[AssistType] = set()

    @property
    def cr0(self) -> int:
        """What ``mov %cr0`` reads."""
        return CR0_VALUE | self.domain.engine.cr0 & CR0_TS

    def task_switch(self, on: int) -> int:
        """fpu_taskswitch: set or clear CR0.TS; delivery of #NM clears it, too."""
        cr0 = self.domain.engine.cr0
        self.domain.engine.cr0 = cr0 | CR0_TS if on else cr0 & ~CR0_TS
        return 0

    def set_cr4(self, value: int) -> None:
        """Only TSD and DE can be changed; other bits are ignored without a fault."""
        self.cr4 = CR4_VALUE & ~_CR4_SETTABLE | value & _CR4_SETTABLE
        engine = self.domain.engine
        engine.cr4 = engine.cr4 & ~CR4_TSD | value & CR4_TSD

    def single_step(self) -> None:
        """DR6 says what a #DB was for: a step, where TF is set."""
        if self.domain.engine.eflags & Eflags.TF:
            self.debug[6] |= _DR6_STEP

    def get_debug(self, number: int) -> int:
        """get_debugreg. DR4 and DR5 are DR6 and DR7 while CR4.DE is clear. Raises Refused."""
        return self.debug[self._debug_number(number)]

    def set_debug(self, number: int, value: int) -> int:
        """set_debugreg. Raises Refused for DR7.GD and for I/O breakpoints without CR4.DE."""
        index = self._debug_number(number)
        if index == 6:
            value = value & 0xE00F | _DR6_FIXED
        elif index == 7:
            value = value & ~_DR7_RESERVED | _DR7_FIXED
            if value & _DR7_GENERAL_DETECT:
                raise Refused(Errno.EPERM, "DR7.GD is not the guest's")
            if not self.cr4 & CR4_DE and any(
                value >> 2 * i & 3 and value >> 16 + 4 * i & 3 == _DR7_IO for i in range(4)
            ):
                raise Refused(Errno.EPERM, "I/O breakpoints need CR4.DE")
        self.debug[index] = value
        return 0

    def _debug_number(self, number: int) -> int:
        if number in (4, 5) and not self.cr4 & CR4_DE:
            number += 2
        if number in (0, 1, 2, 3, 6, 7):
            return number
        raise Refused(Errno.ENODEV, f"debug register {number}")

    def assist(self, command: int, kind: int) -> int:
        """vm_assist: types 0 to 5 can be switched on and off."""
        if kind not in {int(known) for known in AssistType}:
            raise Refused(Errno.EINVAL, f"vm_assist type {kind}")
        if command == VmAssist.ENABLE:
            self.assists.add(AssistType(kind))
        elif command == VmAssist.DISABLE:
            self.assists.discard(AssistType(kind))
        else:
            raise Refused(Errno.ENOSYS, f"vm_assist {command}")
        return 0
