"""Traps, returns and privileged instructions: xen-host.md section 6, "Traps, IF, IOPL" and its table."""

from __future__ import annotations

import struct

import pytest

from tests.hypervisors.xen_kernels import RESULTS, TEXT, ZERO, Bench, Code
from vmirom.hypervisors.hypervisor import Ending, EndKind
from vmirom.overlays.xen import AssistType, Domid, Hypercall, Mmuext, Physdevop, Vcpuop, VmAssist

TABLE = TEXT + 0x700
HANDLERS = TEXT + 0x800
STACK = TEXT + 0x3000
"""Top of the kernel stack for entries from ring 3."""
USER = TEXT + 0x4000
USER_STACK = TEXT + 0x5800
IF = 0x200


def handler(vector: int, words: int) -> bytes:
    """Leave the vector, cr2 and ``words`` of the stack, then power off."""
    code = Code().store(RESULTS + 4, vector).raw("0f20d0").keep_eax(RESULTS + 8)
    for i in range(words):
        code.raw(f"8b4424{4 * i:02x}").keep_eax(RESULTS + 12 + 4 * i)
    return bytes(code.store(RESULTS, 1).off().bytes)


def table(vectors: dict[int, int], words: int = 6) -> dict[int, bytes]:
    """A trap table with a handler for each vector (value: its flags), and the handlers."""
    pieces = {}
    entries = b""
    for i, (vector, flags) in enumerate(vectors.items()):
        at = HANDLERS + i * 0x80
        entries += struct.pack("<BBHI", vector, flags, 0xE019, at)
        pieces[at] = handler(vector, words)
        assert len(pieces[at]) <= 0x80
    pieces[TABLE] = entries + bytes(8)
    return pieces


def outcome(bench: Bench, ending: Ending) -> tuple[int, ...]:
    """(done, vector, cr2, six stack words)."""
    assert ending.kind is EndKind.SHUTDOWN, ending
    return struct.unpack("<9I", bench.domain.space.read(RESULTS, 36))


def kernel(body: str, vectors: dict[int, int], before: Code | None = None) -> tuple[Bench, int]:
    """A kernel that sets its table and runs ``body`` in ring 1; the address of the body."""
    code = before or Code()
    code.hypercall(Hypercall.SET_TRAP_TABLE, TABLE)
    at = code.here
    code.raw(body).keep_eax(RESULTS + 0x100).off()
    return Bench(code.image(table(vectors))), at


ALL = dict.fromkeys((0, 1, 3, 4, 5, 6, 7, 13, 14), 0)

WORKS = {
    "mov from cr0": ("0f20c0", 0x80050033),
    "mov from cr4": ("0f20e0", 0x660),
    "mov to cr0 toggling TS": ("0f20c0 83c808 0f22c0 0f20c0", 0x8005003B),
    "clts": ("0f20c0 83c808 0f22c0 0f06 0f20c0", 0x80050033),
    "mov to cr2": ("b878560000 0f22d0 31c0 0f20d0", 0x5678),
    "mov to cr4": ("0f20e0 83c804 0f22e0 0f20e0", 0x664),
    "mov to cr3": ("0f20d8 0f22d8 b801000000", 1),
    "wbinvd": ("b802000000 0f09", 2),
    "mov dr": ("b800100000 0f23c0 31c0 0f21c0", 0x1000),
    "rdmsr tsc": ("b910000000 0f32 b803000000", 3),
    "rdmsr apic base": ("b91b000000 0f32", 0xFEE00900),
    "rdmsr efer": ("b9800000c0 0f32 25 00080000", 0x800),
    "rdtsc": ("0f31 b804000000", 4),
    "rdtsc with TSD": ("0f20e0 83c804 0f22e0 0f31 b804000000", 4),
    "cpuid": ("31c0 0fa2 b805000000", 5),
    "xen cpuid": ("b800000040 0f0b78656e0fa2 89d8", 0x566E6558),
    "sgdt sidt sldt str smsw": ("83ec10 0f010424 0f010c24 0f00c0 0f00c8 0f01e0 83c410 b806000000", 6),
    "popf keeps IF": ("6a02 9d 9c 58 25 00020000", IF),
    "lar": ("b819e00000 0f02c0 c1e808 83e0ff 0fb6c0", 0xBB),
    "far ret": ("68 19e00000 e800000000 58 83c008 50 cb 90 90 b807000000", 7),
}


@pytest.mark.parametrize("name", WORKS)
def test_instructions_that_work(name: str) -> None:
    body, value = WORKS[name]
    bench, _ = kernel(body, ALL)
    done = outcome(bench, bench.run())[0]
    assert not done, f"vector {bench.domain.space.u32(RESULTS + 4)}"
    assert bench.domain.space.u32(RESULTS + 0x100) == value
    bench.close()


def msr(number: int, low: int, high: int) -> str:
    """wrmsr."""
    words = (struct.pack("<I", word).hex() for word in (number, low, high))
    return "b9{} b8{} ba{} 0f30".format(*words)


@pytest.mark.parametrize(
    ("number", "low", "high", "taken"),
    [
        (0xE7, 1, 2, True),
        (0x17A, 0xFFFFFFFF, 0xFFFFFFFF, True),
        (0x400, 0, 0, True),
        (0x401, 0, 0, True),
        (0x401, 1, 0, False),
        (0x47F, 1, 0, True),
        (0xC0000080, 0x801, 0, True),
        (0xC0000080, 0x800, 0, False),
        (0xC0010010, 0, 0, False),
        (0xC0010015, 1, 0, True),
        (0xC0010061, 1, 0, True),
        (0x1B, 0xFEE00900, 0, False),
    ],
)
def test_writes_to_model_specific_registers(number: int, low: int, high: int, taken: bool) -> None:
    bench, _ = kernel(msr(number, low, high), ALL)
    done, vector, *_ = outcome(bench, bench.run())
    assert (done, vector) == ((0, 0) if taken else (1, 13))
    bench.close()


@pytest.mark.parametrize(
    ("segment", "body"),
    [
        ("a null FS", "31c0 8ee0 be003010c0 646e"),
        ("a null ES", "31c0 8ec0 bf003010c0 6c"),
        ("a flat ES", "bf003010c0 6c"),
    ],
)
def test_string_ports_look_at_their_segment(segment: str, body: str) -> None:
    before = Code().hypercall(Hypercall.PHYSDEV_OP, Physdevop.SET_IOPL, TEXT + 0x680)
    bench, _ = kernel(body, ALL, before)
    bench.domain.space.put32(TEXT + 0x680, 1)
    done, vector, *_ = outcome(bench, bench.run())
    assert (done, vector) == ((1, 13) if "null" in segment else (0, 0))
    bench.close()


PROTECTED = {
    "cli": "fa",
    "sti": "fb",
    "hlt": "f4",
    "lgdt": "0f011508000000",
    "lidt": "0f011d08000000",
    "lldt": "0f00d0",
    "ltr": "0f00d8",
    "lmsw": "0f01f0",
    "invd": "0f08",
    "invlpg": "0f0138",
    "in al, dx": "ec",
    "in eax, imm": "e521",
    "out dx, al": "ee",
    "out imm": "e680",
    "insb": "bf003010c0 6c",
    "rep outsb": "b901000000 be003010c0 f36e",
    "rdmsr unknown": "b934120000 0f32",
    "wrmsr unknown": "b934120000 0f30",
    "wrmsr refused": "b91b000000 31c0 0f30",
    "rdpmc": "0f33",
    "mov to cr0 changing WP": "0f20c0 2dffffffff 0d00000100 35 00000100 0f22c0",
    "mov to cr0 clearing PG": "0f20c0 25ffffff7f 0f22c0",
    "mov to cr3 of no L3": "b800100000 0f22d8",
    "sysenter": "0f34",
    "int 40h without a gate": "cd40",
    "null SS": "31c0 8ed0",
}


@pytest.mark.parametrize("name", PROTECTED)
def test_instructions_that_fault_in_ring_one(name: str) -> None:
    bench, at = kernel(PROTECTED[name], ALL)
    done, vector, _, error, eip, cs, flags, *_ = outcome(bench, bench.run())
    assert (done, vector) == (1, 13)
    assert error == (0x40 * 8 + 2 if "int" in name.split() else 0)
    last = bytes.fromhex(PROTECTED[name].split()[-1])
    assert eip == at + len(bytes.fromhex(PROTECTED[name])) - len(last)
    assert cs == 0xE019 | 1 << 16, "the saved mask is 1 from the start"
    assert flags & IF == 0, "IF is the inverse of the mask"
    bench.close()


@pytest.mark.parametrize("body", ["0f01c8", "0f01c9", "0f01d9", "0f0b", "0f01c1"])
def test_undefined_opcodes(body: str) -> None:
    bench, at = kernel(body, ALL)
    done, vector, _, eip, cs, *_ = outcome(bench, bench.run())
    assert (done, vector, eip, cs) == (1, 6, at, 0xE019 | 1 << 16)
    bench.close()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("0f05", "Unhandled: vec 13"),
        ("0f0b", "Unhandled: vec 6"),
        ("f4", "Unhandled: vec 13"),
        ("a1 00000000", "Unhandled: vec 14"),
        ("cc", "Unhandled: vec 3"),
        ("bc00000040 0f0b", "Unhandled: vec 6"),
    ],
)
def test_crashes(body: str, reason: str) -> None:
    bench = Bench(bytes.fromhex(body))
    ending = bench.run()
    assert ending.kind is EndKind.CRASH
    assert reason in ending.reason
    assert any(kind == "kill" for kind, _ in bench.story.events)
    assert "cs:eip" in bench.hypervisor.describe()
    bench.close()


def test_unmapped_kernel_stack() -> None:
    bench, _ = kernel("bc00000040 0f0b", ALL)
    ending = bench.run()
    assert ending.kind is EndKind.CRASH
    assert "stack" in ending.reason
    bench.close()


def test_null_table_clears() -> None:
    code = Code().hypercall(Hypercall.SET_TRAP_TABLE, TABLE)
    code.hypercall(Hypercall.SET_TRAP_TABLE, 0).raw("0f0b")
    bench = Bench(code.image(table(ALL)))
    assert "Unhandled: vec 6" in bench.run().reason
    bench.close()


@pytest.mark.parametrize(
    ("body", "vector", "length", "flags"),
    [
        ("cc", 3, 1, 0),
        ("cd03", 3, 2, 0),
        ("b07f 0401 ce", 4, 5, 0),
        ("cd80", 0x80, 2, 3),
        ("cd81", 0x81, 2, 1),
    ],
)
def test_software_interrupts(body: str, vector: int, length: int, flags: int) -> None:
    bench, at = kernel(body, {vector: flags})
    done, seen, _, eip, *_ = outcome(bench, bench.run())
    assert (done, seen, eip) == (1, vector, at + length)
    bench.close()


def test_software_interrupt_through_a_gate_of_dpl_0() -> None:
    bench, at = kernel("cd41", {0x41: 0, 13: 0})
    _, vector, _, error, eip, *_ = outcome(bench, bench.run())
    assert (vector, error, eip) == (13, 0x20A, at)
    bench.close()


@pytest.mark.parametrize("flags", [0, 1, 4])
def test_the_system_call_vector_has_a_way_of_its_own(flags: int) -> None:
    bench, at = kernel("cd80", {0x80: flags, 13: 0})
    _, vector, _, eip, *_ = outcome(bench, bench.run())
    assert (vector, eip) == (0x80, at + 2), "whatever the DPL of its gate"
    bench.close()


def test_without_a_gate_the_system_call_vector_is_protected() -> None:
    bench, at = kernel("cd80", {13: 0})
    _, vector, _, error, eip, *_ = outcome(bench, bench.run())
    assert (vector, error, eip) == (13, 0x402, at)
    bench.close()


@pytest.mark.parametrize(
    ("body", "vectors", "place", "resumes"),
    [
        ("0f0b", {6: 0}, 2, True),
        ("fa", {13: 0}, 3, True),
        ("a100000040", {14: 0}, 3, True),
        ("31c9f7f1", {0: 0}, 2, True),
        ("cd41", {0x41: 0, 13: 0}, 3, True),
        ("cc", {3: 3}, 2, False),
        ("cd80", {0x80: 3}, 2, False),
        ("f1", {1: 0}, 2, False),
    ],
)
def test_the_frame_of_a_fault_has_rf_and_of_a_trap_has_not(
    body: str, vectors: dict[int, int], place: int, resumes: bool
) -> None:
    bench, _ = kernel(body, vectors)
    words = outcome(bench, bench.run())[3:]
    assert bool(words[place] & 0x10000) is resumes
    bench.close()


def test_syscall_in_ring_1_is_taken_for_the_users() -> None:
    before = Code().hypercall(Hypercall.STACK_SWITCH, 0xE021, STACK)
    bench, at = kernel("0f05", {13: 0}, before)
    _, vector, _, error, eip, cs, _, _, ss = (*outcome(bench, bench.run()),)
    assert (vector, error, eip, cs & 0xFFFF, ss) == (13, 0, at, 0xE02B, 0xE033)
    bench.close()


def test_an_nmi_without_a_handler_is_lost() -> None:
    code = Code().hypercall(Hypercall.VCPU_OP, Vcpuop.SEND_NMI, 0, 0).off()
    bench = Bench(bytes(code.bytes))
    assert bench.run().kind is EndKind.SHUTDOWN
    assert not bench.domain.traps.nmi_pending
    bench.close()


def test_an_nmi_that_the_domain_sends_itself() -> None:
    code = Code().hypercall(Hypercall.SET_TRAP_TABLE, TABLE)
    code.hypercall(Hypercall.VCPU_OP, Vcpuop.SEND_NMI, 0, 0)
    at = code.here
    bench = Bench(code.raw("0f0b").image(table({2: 0})))
    _, vector, _, eip, *_ = outcome(bench, bench.run())
    assert (vector, eip) == (2, at)
    assert bench.domain.traps.nmi_blocked, "there is no other before the iret hypercall"
    bench.close()


def test_a_virtual_cpu_that_goes_down_is_the_last() -> None:
    bench = Bench(bytes(Code().hypercall(Hypercall.VCPU_OP, Vcpuop.DOWN, 0, 0).bytes))
    assert bench.run().kind is EndKind.SHUTDOWN
    bench.close()


def test_a_code_segment_that_went_away_faults_at_the_next_return() -> None:
    """A return of Xen's reads CS again: the GDT that it came from is no more."""
    gdt = TEXT + 0x6000
    code = Code().hypercall(Hypercall.SET_TRAP_TABLE, TABLE)
    code.hypercall(Hypercall.SET_GDT, TEXT + 0x690, 512)
    there = code.here + 7
    code.raw(f"ea{struct.pack('<I', there).hex()}0900")
    code.hypercall(Hypercall.SET_GDT, TEXT + 0x690, 0)
    at = code.here
    image = code.image({**table({13: 0}), gdt + 8: struct.pack("<II", 0xFFFF, 0xCFBB00)})
    bench = Bench(image)
    page = bench.frame(gdt)
    bench.map(gdt, page << 12 | 1)
    bench.domain.space.put32(TEXT + 0x690, page)
    _, vector, _, error, eip, cs, *_ = outcome(bench, bench.run())
    assert (vector, error, eip, cs & 0xFFFF) == (13, 8, at, 9)
    bench.close()


@pytest.mark.parametrize("mask", [0, 1])
@pytest.mark.parametrize("flag", [0, 4])
def test_upcall_mask_at_entry(mask: int, flag: int) -> None:
    before = Code()
    bench, _ = kernel("0f0b", {6: flag}, before)
    bench.domain.shared.vcpu.evtchn_upcall_mask = mask
    _, _, _, _, cs, flags, *_ = outcome(bench, bench.run())
    assert cs == 0xE019 | mask << 16
    assert bool(flags & IF) == (not mask)
    assert bench.domain.shared.vcpu.evtchn_upcall_mask == (1 if flag else mask)
    bench.close()


@pytest.mark.parametrize(
    ("body", "error", "address"),
    [
        ("a1 00100040", 0, 0x40001000),
        ("a3 00100040", 2, 0x40001000),
        ("b800100040 ffe0", 0x10, 0x40001000),
        (f"a3 {struct.pack('<I', 0xF5800000).hex()}", 3, 0xF5800000),
    ],
)
def test_page_faults_of_ring_one(body: str, error: int, address: int) -> None:
    bench, _ = kernel(body, ALL)
    _, vector, cr2, code, *_ = outcome(bench, bench.run())
    assert (vector, code, cr2) == (14, error, address)
    bench.close()


def test_stores_to_upper_tables_fault() -> None:
    for table_number in (0, 2):
        bench = Bench()
        info = bench.domain.space.struct(bench.domain.engine.esi, "struct xen_start_info")
        va = info.pt_base + table_number * 4096
        bench.close()
        bench, _ = kernel("a3" + struct.pack("<I", va).hex(), ALL)
        _, vector, cr2, error, *_ = outcome(bench, bench.run())
        assert (vector, cr2, error) == (14, va, 3)
        bench.close()


# The FPU


def test_device_not_available_comes_once() -> None:
    code = Code().hypercall(Hypercall.SET_TRAP_TABLE, TABLE).hypercall(Hypercall.FPU_TASKSWITCH, 1)
    code.raw("dbe3").store(RESULTS, 2).raw("dbe3").off()
    # The handler counts and returns by iret.
    count = Code().raw("ff05").bytes + struct.pack("<I", RESULTS + 4) + b"\xcf"
    image = code.image(
        {TABLE: struct.pack("<BBHI", 7, 0, 0xE019, HANDLERS) + bytes(8), HANDLERS: bytes(count)}
    )
    bench = Bench(image)
    assert bench.run().kind is EndKind.SHUTDOWN
    assert bench.domain.space.u32(RESULTS) == 2
    assert bench.domain.space.u32(RESULTS + 4) == 1
    bench.close()


# iret


def iret_frame(*words: int) -> str:
    """Push the words, last first, and make the hypercall."""
    pushes = b"".join(b"\x68" + struct.pack("<I", word) for word in reversed(words))
    return (pushes + b"\xb8" + struct.pack("<I", Hypercall.IRET) + b"\xcd\x82").hex()


@pytest.mark.parametrize("flags", [2, 0x202])
def test_iret_in_ring_one(flags: int) -> None:
    target = TEXT + 0x600
    code = Code().raw(iret_frame(0x1234, target, 0xE019, flags | 1))
    landing = (
        Code().keep_eax(RESULTS).raw("9c58").keep_eax(RESULTS + 4).raw("89e0").keep_eax(RESULTS + 8).off()
    )
    bench = Bench(code.image({target: bytes(landing.bytes)}))
    esp = bench.domain.engine.esp
    assert bench.run().kind is EndKind.SHUTDOWN
    eax, seen, stack = struct.unpack("<3I", bench.domain.space.read(RESULTS, 12))
    assert (eax, stack) == (0x1234, esp)
    assert seen & (IF | 1) == IF | 1
    assert bench.domain.shared.vcpu.evtchn_upcall_mask == (0 if flags & IF else 1)
    bench.close()


def user_kernel(body: str, vectors: dict[int, int], before: Code | None = None, cs: int = 0xE02B) -> Bench:
    """A kernel that enters ``body`` in ring 3 by iret. The boot mapping is given the user bit."""
    code = before or Code()
    code.hypercall(Hypercall.SET_TRAP_TABLE, TABLE).hypercall(Hypercall.STACK_SWITCH, 0xE021, STACK)
    code.raw(iret_frame(7, USER, cs, 0x202, USER_STACK, 0xE033))
    user = bytes.fromhex(body) + b"\x0f\x0b"
    bench = Bench(code.image({**table(vectors), USER: user}))
    for va in (USER, USER_STACK & ~0xFFF, TEXT):
        assert bench.map(va, bench.frame(va) << 12 | 7) == 0
    return bench


RING3 = {
    "int 80h": ("cd80", {0x80: 3}, 0x80, None, 2),
    "int3": ("cc", {3: 3}, 3, None, 1),
    "ud2": ("0f0b", {6: 0}, 6, None, 0),
    "divide": ("31c9f7f1", {0: 0}, 0, None, 2),
    "read of a supervisor page": (f"a1{struct.pack('<I', ZERO).hex()}", {14: 0}, 14, 5, 0),
    "read of nothing": ("a100000040", {14: 0}, 14, 4, 0),
    "write to nothing": ("a300000040", {14: 0}, 14, 6, 0),
    "cli": ("fa", {13: 0}, 13, 0, 0),
    "hlt": ("f4", {13: 0}, 13, 0, 0),
    "in": ("ec", {13: 0}, 13, 0, 0),
    "mov cr": ("0f20c0", {13: 0}, 13, 0, 0),
    "hypercall": ("cd82", {13: 0}, 13, 0x412, 0),
    "int 80h through a gate of ring 1": ("cd80", {0x80: 1, 13: 0}, 0x80, None, 2),
    "int 41h without right": ("cd41", {0x41: 1, 13: 0}, 13, 0x20A, 0),
    "mov from a register that is none": ("0f20c8", {6: 0, 13: 0}, 6, None, 0),
    "sysenter": ("0f34", {13: 0}, 13, 0, 0),
    "syscall": ("0f05", {13: 0}, 13, 0, 0),
}


@pytest.mark.parametrize("name", RING3)
def test_traps_from_ring_three(name: str) -> None:
    body, vectors, vector, error, length = RING3[name]
    bench = user_kernel(body, vectors)
    done, seen, _, *frame = outcome(bench, bench.run())
    assert (done, seen) == (1, vector)
    if error is not None:
        assert frame.pop(0) == error
    eip, cs, flags, esp, ss = frame[:5]
    assert (eip, cs, esp, ss) == (USER + length, 0xE02B, USER_STACK, 0xE033)
    assert flags & IF
    bench.close()


@pytest.mark.parametrize("cs", [0x33, 0xE008 | 3, 0x17])
def test_iret_to_a_bad_selector(cs: int) -> None:
    bench = user_kernel("0f0b", {13: 0}, cs=cs)
    _, vector, _, error, eip, seen, _, esp, ss = outcome(bench, bench.run())
    assert (vector, error, eip, seen & 0xFFFF, esp, ss) == (13, cs & 0xFFFC, USER, cs, USER_STACK, 0xE033)
    bench.close()


def test_iret_to_ring_zero_kills() -> None:
    bench = Bench(bytes.fromhex(iret_frame(0, TEXT, 0xE018, 2)))
    assert bench.run().kind is EndKind.CRASH
    bench.close()


def test_native_iret_leaves_the_mask_alone() -> None:
    code = Code().raw("6802020000 6819e00000").raw("68").bytes
    code += struct.pack("<I", TEXT + 0x600) + b"\xcf"
    bench = Bench(Code().raw(code.hex()).image({TEXT + 0x600: bytes(Code().store(RESULTS, 1).off().bytes)}))
    assert bench.run().kind is EndKind.SHUTDOWN
    assert bench.domain.space.u32(RESULTS) == 1
    assert bench.domain.shared.vcpu.evtchn_upcall_mask == 1
    bench.close()


def test_native_iret_to_ring_three() -> None:
    """Pages need the user bit; the trap that follows finds the user's state."""
    code = Code().hypercall(Hypercall.SET_TRAP_TABLE, TABLE).hypercall(Hypercall.STACK_SWITCH, 0xE021, STACK)
    for word in (0xE033, USER_STACK, 0x202, 0xE02B, USER):
        code.raw("68").bytes += struct.pack("<I", word)
    bench = Bench(code.raw("cf").image({**table({6: 0}), USER: b"\x0f\x0b"}))
    assert bench.map(USER, bench.frame(USER) << 12 | 7) == 0
    _, vector, _, eip, cs, _, esp, ss, *_ = outcome(bench, bench.run())
    assert (vector, eip, cs, esp, ss) == (6, USER, 0xE02B | 1 << 16, USER_STACK, 0xE033)
    bench.close()


# I/O privilege


def iopl(level: int) -> tuple[Code, dict[int, bytes]]:
    at = TEXT + 0x680
    return Code().hypercall(Hypercall.PHYSDEV_OP, Physdevop.SET_IOPL, at), {at: struct.pack("<I", level)}


def test_exit_port_behind_set_iopl() -> None:
    code, data = iopl(1)
    bench = Bench(code.raw("66ba0105 b010 ee").image(data))
    ending = bench.run()
    assert (ending.kind, ending.status) == (EndKind.SHUTDOWN, 0x10)
    bench.close()


@pytest.mark.parametrize(
    ("body", "kind"),
    [("66ba0406 66b80020 66ef", EndKind.SHUTDOWN), ("b0fe e664", EndKind.REBOOT)],
)
def test_ports_that_end_the_machine(body: str, kind: EndKind) -> None:
    code, data = iopl(1)
    bench = Bench(code.raw(body).image(data))
    assert bench.run().kind is kind
    bench.close()


def test_ports_of_xen_read_ones_and_cli_is_silent() -> None:
    code, data = iopl(1)
    code.raw("fa fb 31c0 e421").keep_eax(RESULTS).raw("b00b e643 66ba0805 66ed").off()
    bench = Bench(code.image(data))
    assert bench.run().kind is EndKind.SHUTDOWN
    assert bench.domain.space.u32(RESULTS) == 0xFF
    assert bench.domain.shared.vcpu.evtchn_upcall_mask == 1
    bench.close()


def test_architectural_iopl_lets_ring_one_through() -> None:
    code = Code().hypercall(Hypercall.VM_ASSIST, VmAssist.ENABLE, AssistType.ARCHITECTURAL_IOPL)
    bench = Bench(code.raw("fa 66ba0105 b011 ee").image())
    assert bench.run().status == 0x11
    bench.close()


def test_iobitmap_for_ring_three() -> None:
    at, bitmap = TEXT + 0x680, TEXT + 0xA000
    before = Code().hypercall(Hypercall.PHYSDEV_OP, Physdevop.SET_IOBITMAP, at)
    bench = user_kernel("66ba0105 b012 ee", {13: 0}, before)
    bench.domain.space.write(at, struct.pack("<II", bitmap, 0x502))
    bench.domain.space.write(bitmap, b"\xff" * 0xA0 + b"\xfd")
    assert bench.run().status == 0x12
    bench.close()


# Hypercall page


def test_hypercall_page_by_msr_takes_a_machine_address() -> None:
    page = TEXT + 6 * 4096
    body = "b900000040 31d2 a1" + struct.pack("<I", TEXT + 0x680).hex() + "0f30 31db bb00000000"
    call = page + Hypercall.XEN_VERSION * 32
    body += " b8" + struct.pack("<I", call).hex() + " ffd0"
    bench, _ = kernel(body, ALL)
    bench.domain.space.put32(TEXT + 0x680, bench.frame(page) << 12)
    assert not outcome(bench, bench.run())[0]
    assert bench.domain.space.u32(RESULTS + 0x100) == 0x40011
    bench.close()
    bench, _ = kernel(body, ALL)
    bench.domain.space.put32(TEXT + 0x680, page - 0xC0000000)
    frame = page - 0xC0000000 >> 12
    expected = not bench.domain.tables.owned(frame)
    assert outcome(bench, bench.run())[1] == (13 if expected else 0)
    bench.close()


# Writable page tables

STORES = {
    "mov": ("a1{value} a3{entry}", True),
    "movl imm": ("c705{entry}{imm}", True),
    "xchg": ("a1{value} 8705{entry}", True),
    "lock or": ("f0810d{entry}00060000", True),
    "lock and": ("f08125{entry}fff9ffff", True),
    "lock bts": ("f00fba2d{entry}09", True),
    "cmpxchg8b": (
        "a1{entry} 8b15{entry4} 8b1d{value} 89d1 f00fc70d{entry}",
        True,
    ),
    "stosl": ("a1{value} bf{entry} ab", True),
    "byte": ("800d{entry}00", True),
}


@pytest.mark.parametrize("name", STORES)
@pytest.mark.parametrize("good", [True, False])
def test_stores_to_a_read_only_l1(name: str, good: bool) -> None:
    """The L1 of the boot mapping is seen read-only; its entry for a spare page is changed in place."""
    probe = Bench()
    info = probe.domain.space.struct(probe.domain.engine.esi, "struct xen_start_info")
    slot = (probe.spare(2) - 0xC0000000) >> 12
    at = info.pt_base + 4096 + slot * 8
    frame = probe.frame(probe.spare(2))
    bad = 0x100
    probe.close()
    value_at = TEXT + 0x690
    new = (frame if good else bad) << 12 | 0x663
    text = STORES[name][0].format(
        entry=struct.pack("<I", at).hex(),
        entry4=struct.pack("<I", at + 4).hex(),
        value=struct.pack("<I", value_at).hex(),
        imm=struct.pack("<I", new).hex(),
    )
    replaces = name in ("mov", "movl imm", "xchg", "cmpxchg8b", "stosl")
    bench, _ = kernel(text, ALL)
    bench.domain.space.put32(value_at, new)
    before = bench.domain.memory.u64(bench.domain.space.translate(at))
    done, vector, cr2, error, *_ = outcome(bench, bench.run())
    after = bench.domain.memory.u64(bench.domain.space.translate(at))
    if good or not replaces:
        assert not done, f"vector {vector} error {error:#x} at {cr2:#x}"
        changes = {"lock or": 0x600, "lock bts": 0x200}
        expected = new if replaces else before | changes.get(name, 0)
        assert after & ~0x60 == expected & ~0x60
    else:
        assert (done, vector, error & 7) == (1, 14, 3)
        assert after == before
    bench.close()


READ_BACK = {
    "not": ("f715{entry}", lambda old: ~old & 0xFFFFFFFF),
    "adc": ("f98115{entry}00000000", lambda old: old + 1),
    "sbb": ("f9831d{entry}00", lambda old: old - 1),
    "shl 0": ("c125{entry}00", lambda old: old),
    "rol 0": ("c105{entry}20", lambda old: old),
    "pop": ("6a00 8f05{entry}", lambda old: 0),
    "sete": ("39c0 0f9405{entry}", lambda old: old & ~0xFF | 1),
    "movnti": ("31c0 0fc305{entry}", lambda old: 0),
    "push": ("89e5 bc{entry4} 6a00 89ec", lambda old: 0),
}


@pytest.mark.parametrize("name", READ_BACK)
def test_more_instructions_that_store_to_a_read_only_l1(name: str) -> None:
    """Each is carried out where the entry that it makes is one the guest may have."""
    probe = Bench()
    info = probe.domain.space.struct(probe.domain.engine.esi, "struct xen_start_info")
    at = info.pt_base + 4096 + ((probe.spare(2) - 0xC0000000) >> 12) * 8
    probe.close()
    body, change = READ_BACK[name]
    place = {"entry": struct.pack("<I", at).hex(), "entry4": struct.pack("<I", at + 4).hex()}
    bench, _ = kernel(body.format(**place), ALL)
    before = bench.domain.memory.u32(bench.domain.space.translate(at))
    done, vector, cr2, error, *_ = outcome(bench, bench.run())
    after = bench.domain.memory.u32(bench.domain.space.translate(at))
    expected = change(before)
    if expected & 1 and (expected ^ before) & ~0xFFF:
        assert (done, vector, after) == (1, 14, before), "of a frame that is not the domain's"
    else:
        assert not done, f"vector {vector} error {error:#x} at {cr2:#x}"
        assert (after ^ expected) & ~0x60 == 0
    bench.close()


def test_a_store_of_a_double_is_no_string_move() -> None:
    """MOVSD of SSE2 has a string instruction's name; it is not carried out, and the guest has the fault."""
    probe = Bench()
    info = probe.domain.space.struct(probe.domain.engine.esi, "struct xen_start_info")
    at = info.pt_base + 4096 + ((probe.spare(2) - 0xC0000000) >> 12) * 8
    probe.close()
    source, target = struct.pack("<I", TEXT + 0x690).hex(), struct.pack("<I", at).hex()
    bench, _ = kernel(f"be{source} bf{target} f20f1105{target}", ALL)
    before = bench.domain.memory.u64(bench.domain.space.translate(at))
    done, vector, cr2, error, *_ = outcome(bench, bench.run())
    assert (done, vector, cr2, error & 7) == (1, 14, at, 3)
    assert bench.domain.memory.u64(bench.domain.space.translate(at)) == before
    bench.close()


def test_upper_half_first_leaves_the_entry_not_present() -> None:
    probe = Bench()
    info = probe.domain.space.struct(probe.domain.engine.esi, "struct xen_start_info")
    slot = (probe.spare(2) - 0xC0000000) >> 12
    at = info.pt_base + 4096 + slot * 8
    probe.close()
    bench, _ = kernel(f"c705{struct.pack('<I', at + 4).hex()}00000001", ALL)
    assert not outcome(bench, bench.run())[0]
    assert bench.domain.memory.u64(bench.domain.space.translate(at)) & 1 == 0
    bench.close()


def test_io_memory_that_nothing_answers() -> None:
    """Above RAM: reads give ones, stores are lost, the guest goes on."""
    va = TEXT + 7 * 4096
    word = struct.pack("<I", va).hex()
    bench, _ = kernel(f"c705{word}78563412 a1{word} 40", ALL)
    assert bench.map(va, 0x80000 << 12 | 3) == 0
    assert not outcome(bench, bench.run())[0]
    assert bench.domain.space.u32(RESULTS + 0x100) == 0
    bench.close()


def test_register_numbers_used_here() -> None:
    """The domain number SELF and the commands that the kernels above spell out in bytes."""
    assert (Domid.SELF, Mmuext.SET_LDT, Hypercall.IRET) == (0x7FF0, 13, 23)


# Translations


def mapped(va: int, frame: int, rights: int, flags: int) -> Code:
    return Code().hypercall(Hypercall.UPDATE_VA_MAPPING, va, frame << 12 | rights, 0, flags)


@pytest.mark.parametrize(
    "way", ["update flag 1", "update flag 2", "update flag 2, all", "mmuext local", "mov cr3"]
)
def test_a_flush_that_was_asked_for_shows_the_new_page(way: str) -> None:
    one, two = TEXT + 6 * 4096, TEXT + 7 * 4096
    probe = Bench()
    frame = probe.frame(two)
    probe.close()
    flags = {"update flag 1": 1, "update flag 2": 2, "update flag 2, all": 6}.get(way, 0)
    flush = {
        "mmuext local": Code().hypercall(Hypercall.MMUEXT_OP, TEXT + 0x690, 1, 0, Domid.SELF),
        "mov cr3": Code().raw("0f20d8 0f22d8"),
    }.get(way, Code())
    code = Code().raw("a1" + struct.pack("<I", one).hex())
    code.bytes += mapped(one, frame, 3, flags).bytes + flush.bytes
    code.raw("a1" + struct.pack("<I", one).hex()).keep_eax(RESULTS).off()
    data = {one: b"ONE.", two: b"TWO.", TEXT + 0x690: struct.pack("<3I", Mmuext.TLB_FLUSH_LOCAL, 0, 0)}
    bench = Bench(code.image(data))
    assert bench.run().kind is EndKind.SHUTDOWN
    assert bench.domain.space.read(RESULTS, 4) == b"TWO."
    bench.close()


def test_no_old_translation_lets_the_guest_write_to_a_table() -> None:
    """The guest writes a page, maps it read-only without a flush and pins it: its next store must not
    reach the table behind Xen's back."""
    va, op = TEXT + 6 * 4096, TEXT + 0x690
    probe = Bench()
    frame = probe.frame(va)
    probe.close()
    code = Code().hypercall(Hypercall.SET_TRAP_TABLE, TABLE).store(va + 8, 0)
    code.bytes += mapped(va, frame, 1, 0).bytes
    code.hypercall(Hypercall.MMUEXT_OP, op, 1, 0, Domid.SELF).keep_eax(RESULTS + 0x100)
    code.store(va + 8, 0x100 << 12 | 3).off()
    bench = Bench(code.image({**table(ALL), op: struct.pack("<3I", Mmuext.PIN_L1_TABLE, frame, 0)}))
    _, vector, cr2, error, *_ = outcome(bench, bench.run())
    assert bench.domain.space.u32(RESULTS + 0x100) == 0
    assert (vector, cr2, error) == (14, va + 8, 3)
    assert bench.domain.space.u32(va + 8) == 0
    bench.close()


def test_an_event_pending_at_iret_comes_before_the_next_instruction() -> None:
    code = Code().hypercall(Hypercall.SET_CALLBACKS, 0xE019, HANDLERS, 0xE019, HANDLERS)
    code.raw(iret_frame(5, TEXT + 0x600, 0xE019, 0x202))
    bench = Bench(code.image({HANDLERS: handler(99, 3), TEXT + 0x600: b"\x0f\x0b"}))
    bench.domain.shared.vcpu.evtchn_upcall_pending = 1
    _, vector, _, eip, cs, flags, *_ = outcome(bench, bench.run())
    assert (vector, eip, cs) == (99, TEXT + 0x600, 0xE019)
    assert flags & IF
    assert bench.domain.shared.vcpu.evtchn_upcall_mask == 1
    bench.close()
