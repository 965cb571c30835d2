"""LOCK is #UD except before those instructions, and those operands, that take it: SDM volume 2, "LOCK"."""

from __future__ import annotations

import itertools
import platform
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import capstone
import pytest
from capstone import x86
from hypothesis import given
from hypothesis import strategies as st

from tests.machine.rig import CODE, FOREVER, STACK, machine
from tests.machine.test_translation import DATA, HLT, UD, run_at, soon
from vmirom.machine.engine import Halted, Segment, Trap
from vmirom.machine.unicorn import UnicornEngine, refused
from vmirom.machine.unicorn.lockprefix import first_refused, length

LOCK = b"\xf0"
PREFIX = frozenset(b"\x26\x2e\x36\x3e\x64\x65\x66\x67\xf0\xf2\xf3")
NAMED = frozenset(
    {"add", "adc", "and", "btc", "btr", "bts", "cmpxchg", "cmpxchg8b", "dec", "inc", "neg", "not", "or"}
    | {"sbb", "sub", "xor", "xadd", "xchg"}
)
"""What the SDM names, with "only when the destination operand is a memory operand"."""
REST = b"\x11" * 12
NOP = b"\x90"


def opcodes() -> Iterator[bytes]:
    yield from (bytes([one]) for one in range(256) if one not in PREFIX and one != 0x0F)
    yield from (b"\x0f" + bytes([one]) for one in range(256) if one not in (0x38, 0x3A))
    yield from (b"\x0f" + bytes(two) for two in itertools.product((0x38, 0x3A), range(0, 256, 15)))


def forms(rm: int = 3) -> Iterator[bytes]:
    """Each opcode with each number in reg, on memory at EBX (BP + DI in 16 bits) and on a register."""
    for opcode, mod, reg in itertools.product(opcodes(), (0, 3), range(8)):
        yield opcode + bytes([mod << 6 | reg << 3 | rm])


def decoder(wide: bool) -> capstone.Cs:
    found = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_32 if wide else capstone.CS_MODE_16)
    found.detail = True
    return found


@pytest.mark.parametrize("wide", [True, False])
def test_it_is_what_the_manual_names(wide: bool) -> None:
    """By what a disassembler calls each form, and its operands."""
    decode, taken = decoder(wide), set()
    for form in forms():
        one = next(decode.disasm(form + REST, 0, 1), None)
        if one is None:
            continue
        destinations = one.operands[: 2 if one.mnemonic == "xchg" else 1]
        takes = one.mnemonic in NAMED and any(o.type == x86.X86_OP_MEM for o in destinations)
        assert (first_refused(LOCK + form + REST, wide) is None) is takes, (form.hex(), one.mnemonic)
        taken |= {one.mnemonic} if takes else set()
    assert taken == NAMED


def lengths(wide: bool, step: int) -> Iterator[tuple[bytes, int]]:
    """(bytes, what a disassembler takes for the length of the instruction there)."""
    decode = decoder(wide)
    prefixes = (b"", b"\x66", b"\x67", b"\x67\x66", b"\xf2", b"\xf3\x2e")
    for number, (prefix, opcode, modrm) in enumerate(itertools.product(prefixes, opcodes(), range(256))):
        if number % step or opcode in (b"\x0f\x78", b"\x0f\xb9"):
            continue  # EXTRQ behind 67, and UD1, which ends a block: capstone leaves out what follows
        code = (prefix + opcode + bytes([modrm, 0x25]) + REST)[:15]
        size = next((size for _, size, _, _ in decode.disasm_lite(code, 0, 1)), 0)
        if size:
            yield code, size


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("step", [61, pytest.param(5, marks=pytest.mark.slow)])
def test_lengths_are_those_of_a_disassembler(wide: bool, step: int) -> None:
    compared = 0
    for code, size in lengths(wide, step):
        assert length(code, 0, wide) == size, code.hex()
        compared += 1
    assert compared > 300_000 / step


@pytest.mark.parametrize("step", [401, pytest.param(7, marks=pytest.mark.slow)])
def test_lengths_are_those_of_the_translator(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The HLT at which it ends a block, unless the instruction itself does, is the first by lengths."""
    blocks: list[bytes] = []

    def told(code: bytes, _wide: bool) -> int:
        blocks.append(code)
        return 0

    monkeypatch.setattr(refused, "first_refused", told)
    start, compared = b"\x89\xf0", 0  # mov %esi,%eax: a block is told of for its second byte
    with machine(HLT) as engine:
        for number, (opcode, modrm) in enumerate(itertools.product(opcodes(), range(256))):
            if number % step or (opcode in (b"\xc4", b"\xc5") and modrm >= 0xC0):
                continue  # what is behind VEX is not looked for here
            form = start + opcode + bytes([modrm] if has_modrm(opcode) else [])
            blocks.clear()
            for behind in (HLT, NOP):
                run_at(engine, form + 20 * behind)
            halted, went_on = blocks
            if len(went_on) > len(halted):
                assert first_halt(form + 20 * HLT) == len(halted), form.hex()
                compared += 1
    assert compared > 30_000 / step


def has_modrm(opcode: bytes) -> bool:
    if b"\x0f\x20" <= opcode <= b"\x0f\x23":
        return True  # always of registers
    return length(opcode + b"\x80" + REST, 0, wide=True) > length(opcode + b"\xc0" + REST, 0, wide=True)


def first_halt(code: bytes) -> int:
    """Where the first HLT ends, going from instruction to instruction."""
    at = 0
    while code[at] != HLT[0]:
        at += length(code, at, wide=True)
    return at + 1


def enter(engine: UnicornEngine, ring: int, wide: bool) -> None:
    code = Segment(0x08 * (ring + 1) | ring, 0, 0xFFFFF, 0x00009B00 | wide << 22 | ring << 13)
    data = Segment(0x40 + 0x08 * ring | ring, 0, 0xFFFFFFFF, 0x00C09300 | ring << 13)
    engine.enter(code, data, STACK, CODE)
    engine.ebp = engine.edi = 0


@pytest.mark.parametrize(
    ("ring", "wide", "step"), [(0, True, 3), *itertools.product((0, 1, 3), (True, False), (37,))]
)
def test_the_engine_refuses_it(ring: int, wide: bool, step: int) -> None:
    """In front of the instruction, whatever else it would have been: a privileged one, INT, a jump. One that
    takes it is done, and the end of the run is the HLT behind it."""
    ends = Halted() if ring == 0 else Trap(13, 0)
    seen = set()
    with machine(HLT) as engine:
        for form in itertools.islice(forms(), 0, None, step):
            code = LOCK + form + REST
            takes = first_refused(code, wide) is None
            size = length(code, 0, wide)
            enter(engine, ring, wide)
            found = run_at(engine, code[:size] + HLT)
            assert found == (ends if takes else UD), form.hex()
            if not takes:
                assert engine.eip == CODE
            seen.add(takes)
    assert seen == {True, False}


@given(
    before=st.lists(
        st.sampled_from([NOP, b"\x8b\x45\xf0", b"\xb8\xf0\xf0\xf0\xf0", b"\x89\xf0"]), max_size=6
    ),
    order=st.permutations([LOCK, b"\x66", b"\x2e", b"\xf3", b"\x67"]),
    count=st.integers(1, 5),
    form=st.sampled_from([b"\x90", b"\xfa", b"\xcd\x80", b"\xeb\x10", b"\x89\xc8", b"\x03\x03", b"\x0f\xa2"]),
)
def test_prefixes_in_any_order(before: list[bytes], order: list[bytes], count: int, form: bytes) -> None:
    """A LOCK's byte that is an operand is none, and what stands in front has run."""
    prefixes = b"".join(order[:count])
    start = b"".join(before)
    with machine(HLT) as engine:
        engine.ebp = DATA
        found = run_at(engine, start + b"\x41" + prefixes + LOCK + form + HLT)
        assert (found, engine.eip - CODE, engine.ecx) == (UD, len(start) + 1, 1)


def test_too_long_an_instruction_is_another_fault() -> None:
    with machine(HLT) as engine:
        assert run_at(engine, LOCK * 13 + b"\x89\xc8" + HLT) == UD
        assert run_at(engine, LOCK * 14 + b"\x89\xc8" + HLT) == Trap(13, 0)


def test_behind_a_refused_one_the_guest_goes_on() -> None:
    with machine(HLT) as engine:
        assert run_at(engine, b"\x41" + LOCK + NOP + b"\x41" + HLT) == UD
        engine.eip += 2
        assert (engine.run(soon()), engine.ecx) == (Halted(), 2)


ASKS = """
    import ctypes, mmap, os, resource, signal, sys
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    data = mmap.mmap(-1, mmap.PAGESIZE)
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    at = ctypes.addressof(ctypes.c_char.from_buffer(data)).to_bytes(8, "little")
    call = ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    for line in sys.stdin:
        page.seek(0)  # movabs $data,%rbx; the code; xor %edi,%edi; mov $60,%eax; syscall: exit
        page.write(b"\\x48\\xbb" + at + bytes.fromhex(line) + b"\\x31\\xff\\xb8\\x3c\\0\\0\\0\\x0f\\x05")
        child = os.fork()
        if not child:
            call()
            os._exit(1)
        status = os.waitpid(child, 0)[1]
        print(int(os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGILL))
"""
"""Whether the host's processor refuses the code of each line: tried in a process that ends with it."""


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() != "x86_64", reason="asks the host's processor, which is no x86-64")
def test_it_is_what_a_processor_does() -> None:
    """In 64-bit code, less what is another instruction there."""
    other = {bytes([one]) for one in (*range(0x40, 0x50), 0x62, 0x82, 0xC4, 0xC5, 0xD5)}
    # AMD's LOCK MOV CR0 is CR8; its VERW of memory takes LOCK
    amd = {b"\x0f\x20\x03", b"\x0f\x20\xc3", b"\x0f\x22\x03", b"\x0f\x22\xc3", b"\x0f\x00\x2b"}
    codes = [
        LOCK + (form + REST)[: length(form + REST, 0, wide=True)]
        for form in forms()
        if form[:1] not in other and form not in amd
    ]
    done = subprocess.run(
        [sys.executable, "-S", "-c", textwrap.dedent(ASKS)],
        input="".join(f"{code.hex()}\n" for code in codes),
        capture_output=True,
        text=True,
        timeout=10 * FOREVER,
        check=True,
    )
    for code, answer in zip(codes, done.stdout.split(), strict=True):
        assert (answer == "1") is (first_refused(code, wide=True) is not None), code.hex()
