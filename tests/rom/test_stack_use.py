"""How much of the guest's kernel stack a ROM takes: every call, every entry from below."""

from __future__ import annotations

import capstone
import pytest
from capstone.x86 import X86_OP_IMM

from tests.rom.builds import REBUILT, built
from vmirom.rom.build import BuiltRom

pytestmark = pytest.mark.toolchain

MOST = 512
ENDLESS = ("fatal", "boot_enter", "platform_exit", "vmi_Reboot", "vmi_Shutdown", "vmi_IRET", "vmi_SYSEXIT")
"""Functions that do not return: their last loop counts once, and what follows a call of them is no code."""
ENTRIES = {
    "native": {"native_timer_interrupt": 64, "native_protection": 64},
    "kvm": {"native_timer_interrupt": 64, "native_protection": 64, "kvm_page_fault": 64},
    "lguest": {"lguest_clock": 64, "lguest_iret": 64, "lguest_page_fault": 64, "lguest_deliver": 64},
    "xen": {"fault_page": 80, "event_upcall": 80, "no_fpu": 80},
}
"""What is entered from below, with the bytes that its stub and the frame of the interrupt take."""


class Stack:
    """Bytes of stack that code of the ROM uses at most, callees included, the guest's handlers not."""

    def __init__(self, rom: BuiltRom) -> None:
        self._data = rom.data
        self._endless = {rom.symbols[name] for name in ENDLESS if name in rom.symbols}
        self._decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_32)
        self._decoder.detail = True
        self._known: dict[int, int] = {}

    def depth(self, entry: int) -> int:
        if entry in self._known:
            return self._known[entry]
        self._known[entry] = 64  # while it is being looked at: the 8259 asks its slave, once
        most, seen, work = 0, dict[int, int](), [(entry, 0)]
        while work:
            at, depth = work.pop()
            if seen.get(at, -1) >= depth or (entry in self._endless and at in seen):
                continue
            assert depth < 1024, f"no end of the stack at {at:#x}"
            seen[at] = depth
            one = next(self._decoder.disasm(self._data[at : at + 16], at, 1))
            target = one.operands[0].imm if one.operands and one.operands[0].type == X86_OP_IMM else None
            after = at + one.size
            if one.mnemonic.startswith("push"):
                depth += 32 if one.mnemonic == "pushal" else 4
            elif one.mnemonic.startswith("pop"):
                depth -= 32 if one.mnemonic == "popal" else 4
            elif one.mnemonic in ("add", "sub", "lea") and one.op_str.startswith("esp"):
                second = one.operands[1]
                change = second.mem.disp if one.mnemonic == "lea" else second.imm
                depth += change if one.mnemonic == "sub" else -change
            elif one.mnemonic == "call" and target == after:
                depth += 4
            elif one.mnemonic == "call" and target is not None:
                most = max(most, depth + 4 + self.depth(target))
                if target in self._endless:
                    continue
            elif one.mnemonic == "ret" or (one.mnemonic == "jmp" and target is None):
                continue
            elif one.mnemonic.startswith("j") and target is not None:
                work.append((target, depth))
                if one.mnemonic == "jmp":
                    continue
            most = max(most, depth)
            work.append((after, depth))
        self._known[entry] = most
        return most


@pytest.mark.parametrize("backend", REBUILT)
def test_the_guests_stack_is_borrowed_sparingly(backend: str) -> None:
    """Of the bits that are shipped; other compilers inline otherwise."""
    rom = built(backend, "zig")
    stack = Stack(rom)
    used = {name: stack.depth(at) for name, at in rom.symbols.items() if name.startswith("vmi_")}
    used |= {name: stack.depth(rom.symbols[name]) + frame for name, frame in ENTRIES[backend].items()}
    assert len(used) > 25
    assert {name: most for name, most in used.items() if most >= MOST} == {}
