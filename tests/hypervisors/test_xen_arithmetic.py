"""What Xen computes for an instruction that it carries out, beside the engine's own processor."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.effort import examples
from vmirom.hypervisors.xen.arithmetic import CONDITIONS, SHIFTS, condition, shifted
from vmirom.overlays.native import Eflags

ARITHMETIC = int(Eflags.CF | Eflags.PF | Eflags.ZF | Eflags.SF | Eflags.OF)
KINDS = {"rol": 0, "ror": 1, "rcl": 2, "rcr": 3, "shl": 4, "shr": 5, "sal": 6, "sar": 7}
SUFFIXES = ("o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g")


def run(code: bytes, eax: int, ecx: int, flags: int) -> tuple[int, int]:
    """(EAX, arithmetic flags) after a piece of code."""
    import unicorn
    from unicorn import x86_const as x86

    machine = unicorn.Uc(unicorn.UC_ARCH_X86, unicorn.UC_MODE_32)
    machine.mem_map(0x1000, 0x1000)
    machine.mem_write(0x1000, code)
    for register, value in (
        (x86.UC_X86_REG_EAX, eax),
        (x86.UC_X86_REG_ECX, ecx),
        (x86.UC_X86_REG_EFLAGS, flags | 2),
    ):
        machine.reg_write(register, value)
    machine.emu_start(0x1000, 0x1000 + len(code))
    return machine.reg_read(x86.UC_X86_REG_EAX), machine.reg_read(x86.UC_X86_REG_EFLAGS) & ARITHMETIC


@given(
    name=st.sampled_from(SHIFTS),
    value=st.integers(0, 0xFFFFFFFF),
    count=st.integers(0, 31),
    flags=st.integers(0, 0xFFFFFFFF).map(lambda f: f & ARITHMETIC),
)
@examples(200)
def test_shifts_and_rotations(name: str, value: int, count: int, flags: int) -> None:
    result, after = shifted(name, value, count, 4, flags)
    found, found_flags = run(bytes((0xD3, 0xC0 | KINDS[name] << 3)), value, count, flags)
    defined = ARITHMETIC if count <= 1 else ARITHMETIC & ~int(Eflags.OF)
    assert (result, after & defined) == (found, found_flags & defined)


@pytest.mark.parametrize("suffix", CONDITIONS)
def test_conditions(suffix: str) -> None:
    code = bytes((0x0F, 0x90 + SUFFIXES.index(suffix), 0xC0))
    for bits in range(32):
        flags = sum(
            int(flag)
            for i, flag in enumerate((Eflags.CF, Eflags.PF, Eflags.ZF, Eflags.SF, Eflags.OF))
            if bits >> i & 1
        )
        assert condition(suffix, flags) == bool(run(code, 0, 0, flags)[0]), struct.pack("<I", flags)
