"""What unicorn's translator can't stand, and what comes of it: LOCK where no processor takes it is #UD."""

from __future__ import annotations

import ast
import inspect
import itertools
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator

import capstone
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.machine.rig import CODE, FOREVER, identity_2level, machine, mov
from vmirom.machine.engine import Halted, Trap
from vmirom.machine.unicorn import UnicornEngine, stub, translation
from vmirom.machine.unicorn.lockprefix import first_refused

UD = Trap(6)
HLT = b"\xf4"
DATA = 0x6000
TESTS = (0xA3, 0xAB, 0xB3, 0xBB)
"""BT, BTS, BTR, BTC by register; BA with a number in ModRM and a byte does the same as /4 to /7."""
PREFIXES = (b"\x26", b"\x2e", b"\x36", b"\x3e", b"\x64", b"\x65", b"\x66", b"\xf2", b"\xf3", b"\xf0")


def soon() -> int:
    return time.monotonic_ns() + int(FOREVER * 1e9)


def register_forms() -> Iterator[bytes]:
    for opcode, modrm in itertools.product(TESTS, range(0xC0, 0x100)):
        yield bytes((0x0F, opcode, modrm))
    for modrm in range(0xE0, 0x100):
        yield bytes((0x0F, 0xBA, modrm, 5))


def run_at(engine: UnicornEngine, code: bytes, at: int = CODE) -> object:
    engine.memory.write(at, code)
    engine.eip, engine.ebx = at, DATA
    return engine.run(soon())


@pytest.mark.parametrize("ring", [0, 3])
def test_bit_tests_of_registers_do_not_take_lock(ring: int) -> None:
    with machine(HLT, ring) as engine:
        for form in register_forms():
            for code in (b"\xf0" + form, b"\x66\xf0" + form, b"\xf0\xf3" + form):
                assert run_at(engine, code + HLT) == UD, code.hex()
                assert engine.eip == CODE


def test_bt_of_memory_does_not_take_lock_and_the_others_do() -> None:
    with machine(HLT) as engine:
        for form, expected in (
            ("a303", UD),
            ("ba2303", UD),
            ("ab03", Halted()),
            ("b303", Halted()),
            ("bb03", Halted()),
            ("ba2b03", Halted()),
            ("ba3303", Halted()),
            ("ba3b03", Halted()),
        ):
            assert run_at(engine, b"\xf0\x0f" + bytes.fromhex(form) + HLT) == expected, form


def test_without_lock_they_are_as_ever() -> None:
    with machine(HLT) as engine:
        engine.eax, engine.ecx = 5, 0
        assert run_at(engine, b"\x0f\xab\xc1" + HLT) == Halted()  # bts %eax, %ecx
        assert engine.ecx == 1 << 5


@given(
    before=st.lists(
        st.sampled_from(["90", "8b03", "0fa3c8", "89f0", "b8f00fabc8", "f08303 01"]), max_size=12
    ),
    prefixes=st.lists(st.sampled_from(PREFIXES), max_size=4).map(b"".join),
    form=st.sampled_from(list(register_forms())),
    crossing=st.one_of(st.none(), st.integers(0, 40)),
)
def test_what_comes_before_has_its_effect(
    before: list[str], prefixes: bytes, form: bytes, crossing: int | None
) -> None:
    """Instructions ahead of it run; bytes of theirs that look like it are none; pages end anywhere in it."""
    start = b"".join(bytes.fromhex(one) for one in before)
    at = CODE if crossing is None else CODE + 0xFFF - crossing
    with machine(HLT) as engine:
        assert run_at(engine, start + b"\x41" + b"\xf0" + prefixes + form + HLT, at) == UD
        assert (engine.eip, engine.ecx) == (at + len(start) + 1, 1)
        engine.eip += len(b"\xf0" + prefixes + form)
        assert engine.run(soon()) == Halted()


def test_code_that_makes_itself_is_looked_at() -> None:
    """A NOP becomes LOCK in front of a bit test that has run already."""
    patch = b"\xc6\x05" + (CODE + 0x40).to_bytes(4, "little") + b"\xf0"  # movb $0xf0, CODE + 0x40
    call = b"\xe8" + (0x40 - 5).to_bytes(4, "little")
    with machine(HLT) as engine:
        engine.memory.write(CODE + 0x40, b"\x90\x0f\xab\xc8\xc3")
        again = b"\xe8" + (0x40 - len(call + patch) - 5).to_bytes(4, "little", signed=True)
        assert run_at(engine, call + patch + again + HLT) == UD
        assert engine.eip == CODE + 0x40


def test_pages_are_looked_at_where_they_are_mapped() -> None:
    with machine(HLT) as engine:
        memory = engine.memory
        root = identity_2level(memory)
        engine.cr3, engine.cr0 = root, engine.cr0 | 0x80000000
        memory.put32(root + 0x1000 + 4 * 0x300, 0x20000 | 7)
        memory.put32(root + 0x1000 + 4 * 0x301, 0x30000 | 7)
        memory.write(0x20FFE, b"\x41\xf0")
        memory.write(0x30000, b"\x0f\xba\xe8\x01" + HLT)
        engine.eip = 0x300FFE
        assert engine.run(soon()) == UD
        assert (engine.eip, engine.ecx) == (0x300FFF, 1)
        memory.put32(root + 0x1000 + 4 * 0x301, 0)
        engine.flush_tlb()
        assert engine.run(soon()) == Trap(14, 0), "the fetch of its second byte"


def test_they_can_be_met_again_and_behind_a_loop() -> None:
    with machine(HLT) as engine:
        for _ in range(200):
            assert run_at(engine, b"\x41\x90\xf0\x0f\xab\xc8" + HLT) == UD
            assert engine.eip == CODE + 2
        assert engine.ecx == 200
        assert run_at(engine, mov(1, 3) + b"\x49\x75\xfd\xf0\x0f\xab\xc8" + HLT) == UD
        assert (engine.eip, engine.ecx) == (CODE + 8, 0)


@pytest.mark.parametrize("code", ["d551", "d40a", "0fabc8", "f00fab03"])
def test_a_long_row_of_one_instruction_is_run(code: str) -> None:
    """AAD and AAM leave a temporary of the translator's behind, of which it has 512 a block."""
    with machine(HLT) as engine:
        assert run_at(engine, bytes.fromhex(code) * 900 + HLT) == Halted()


def test_sixteen_bit_code_is_read_as_such() -> None:
    code = bytes.fromhex(
        "b8f00f abc8 f4"
    )  # in 32-bit code an immediate; in 16-bit code 'mov ax, 0ff0h; stos; ...'
    assert first_refused(code, wide=True) is None
    assert first_refused(bytes.fromhex("b80000f00fabc8"), wide=True) is None
    assert first_refused(bytes.fromhex("b80000f00fabc8"), wide=False) == 3


def test_the_process_lives() -> None:
    """What used to abort it, in a process of its own: a test run must not be what dies."""
    program = """
        from tests.machine.test_translation import machine, run_at, HLT, UD
        with machine(HLT) as engine:
            assert run_at(engine, bytes.fromhex("f00fbbc8f4")) == UD
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, timeout=FOREVER, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_stubs_are_what_their_comments_say() -> None:
    source = inspect.getsource(stub)
    said = [line.split('"  # ') for line in source.splitlines() if '"  # ' in line]
    decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    found = [
        (one.bytes.hex(), f"{one.mnemonic} {one.op_str}".strip())
        for code in (stub.STUB, stub.ASKED, stub.FAILED, stub.STORED, stub.PROTECTED)
        for one in decoder.disasm(code, 0)
    ]
    assert [(ast.literal_eval(text.strip() + '"'), words) for text, words in said] == found


def test_a_closed_engine_is_told_of_no_blocks() -> None:
    """The next one's processor may come to lie where its own has lain."""
    before = len(translation._watchers)
    with machine(HLT) as engine:
        assert len(translation._watchers) == before + 1
    assert len(translation._watchers) == before
    engine.close()
