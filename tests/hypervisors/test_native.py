"""The embedded native PC: its boot protocol, interrupts, ways out, and guests that misbehave."""

from __future__ import annotations

import struct
import threading
import time
from typing import Any

import pytest

from tests.hypervisors.pc_kernels import (
    BASE,
    EAX,
    EBX,
    ECX,
    EDI,
    EDX,
    ESP,
    IDT,
    MULTIBOOT,
    RESULT,
    STACK,
    Code,
    boot,
    elf,
)
from tests.machine.rig import FOREVER
from vmirom.hypervisors.hypervisor import EndKind, LoadError, NoTrace
from vmirom.hypervisors.kvm import make as make_kvm
from vmirom.hypervisors.native import Machine, Module, make
from vmirom.machine.unicorn import UnicornEngine

EOI = "b020e620"  # mov $0x20,%al; out %al,$0x20


def run(code: Code, **options: object) -> tuple[EndKind, str, Machine]:
    ending, machine, _ = boot(make, code.finish(), **options)  # type: ignore[arg-type]
    return ending.kind, ending.reason, machine


# boot protocol


def test_multiboot_entry_state_and_information() -> None:
    code = Code()
    code.store(RESULT, EAX).store(RESULT + 4, EBX).raw("0f20c0").store(RESULT + 8).raw("9c58")
    ending, machine, recorder = boot(
        make,
        Code().raw("bc").raw(struct.pack("<I", STACK)).raw(code.data[12:]).text("ok").exit(0x10).finish(),
        command_line="console=ttyS0 quiet",
        modules=(Module(b"initrd" * 1000, "ramdisk"), Module(b"x")),
    )
    assert (ending.kind, ending.status) == (EndKind.SHUTDOWN, 0x10)
    assert recorder.printed == b"ok"
    memory = machine.memory
    assert memory.u32(RESULT) == 0x2BADB002
    assert memory.u32(RESULT + 8) & 0x80000001 == 1
    info = struct.unpack("<13I", memory.read(memory.u32(RESULT + 4), 52))
    assert info[0] & 0x4D == 0x4D
    assert info[1:3] == (639, 3072)
    assert memory.read(info[4], 20) == b"console=ttyS0 quiet\0"
    first, second = (struct.unpack("<4I", memory.read(info[6] + 16 * i, 16)) for i in range(2))
    assert memory.read(first[0], first[1] - first[0]) == b"initrd" * 1000
    assert memory.read(first[2], 8) == b"ramdisk\0"
    assert first[0] % 4096 == second[0] % 4096 == 0
    assert second[1] - second[0] == 1
    areas = [struct.unpack("<IQQI", memory.read(info[12] + 24 * i, 24)) for i in range(info[11] // 24)]
    assert (20, 0x100000, 3 << 20, 1) in areas
    assert areas[0] == (20, 0, 0x9FC00, 1)


def test_entry_may_be_virtual_and_bss_is_cleared() -> None:
    code = bytes(MULTIBOOT) + bytes.fromhex("a100901000 66ba0105 ee f4".replace(" ", ""))
    bundle = elf([(BASE, code, 0x10000, 5)], 0xC0000000 + BASE + 12, vaddr=0xC0000000)
    ending, _, _ = boot(make, bundle)
    assert ending.status == 0


GOOD = Code().exit(0).finish()


def patched(offset: int, data: bytes) -> bytes:
    return GOOD[:offset] + data + GOOD[offset + len(data) :]


@pytest.mark.parametrize(
    ("bundle", "words"),
    [
        (b"", "multiboot header: none"),
        (MULTIBOOT, "ELF header: the file has 12 bytes"),
        (patched(0, b"MZ"), "e_ident: not a 32-bit"),
        (patched(4, b"\x02"), "e_ident"),
        (patched(18, b"\x3e\0"), "e_machine"),
        (patched(42, b"\x38\0"), "e_phentsize"),
        (patched(44, b"\xff\xff"), "e_phnum"),
        (patched(28, b"\xff\xff\xff\x7f"), "e_phoff: the program headers lie outside"),
        (patched(24, b"\0\0\0\x55"), "e_entry: 0x55000000 lies in no segment"),
        (patched(52 + 4, b"\xff\xff\xff\x7f"), "program header 0: its contents lie outside"),
        (patched(52 + 20, b"\x01\0\0\0"), "program header 0: p_filesz"),
        (patched(52 + 12, struct.pack("<I", 0xFFFFF000)), "pass 4 GiB"),
        (patched(52 + 12, struct.pack("<I", 0x3FF000)), "segment at 0x3ff000"),
        (patched(52 + 12, struct.pack("<I", 0x9F000)), r"\[0xa0000, 0xc0000\) is not memory"),
        (patched(52, b"\x02"), "PT_LOAD: there is nothing"),
        (patched(84, b"\0\0\0\0"), "multiboot header: none"),
        (GOOD.replace(MULTIBOOT, struct.pack("<3I", 0x1BADB002, 4, -(0x1BADB002 + 4) & 0xFFFFFFFF)), "0x4"),
        (
            GOOD.replace(MULTIBOOT, struct.pack("<3I", 0x1BADB002, 0x10000, -(0x1BAEB002) & 0xFFFFFFFF)),
            "flag 16",
        ),
        (
            elf([(BASE, MULTIBOOT + b"\xf4", 0x1000, 7), (BASE + 0xFFF, b"", 9, 7)], BASE + 12),
            "segments at 0x100000 and 0x100fff overlap",
        ),
    ],
)
def test_a_bad_bundle_is_refused_in_one_line(bundle: bytes, words: str) -> None:
    with pytest.raises(LoadError, match=words) as refusal:
        boot(make, bundle)
    assert "\n" not in str(refusal.value)


def test_a_module_that_does_not_fit_and_too_little_memory() -> None:
    with pytest.raises(LoadError, match="module of 4194304 bytes"):
        boot(make, GOOD, modules=(Module(bytes(4 << 20)),))
    with pytest.raises(LoadError, match="memory: 1 MiB"):
        make(lambda memory: None, 1, lambda data: None, None)  # type: ignore[arg-type,return-value]


# interrupts and time


def test_timer_interrupts_wake_a_halted_processor() -> None:
    """One each: the handler returns with IF clear, so that no machine is too slow for the guest's count."""
    code = Code().tables(v32="tick").pic(0xFE)
    code.out(0x43, 0x34).out(0x40, 0xA9).out(0x40, 0x04)  # 1000 Hz
    code.raw("31db").label("wait").raw("fbf483fb14").jump("wait", "0f8c").exit(0x10)  # sti; hlt; cmp $20,%ebx
    code.label("tick").raw("4350" + EOI + "58" + "81642408fffdffff" + "cf")  # ...; andl $~0x200,8(%esp); iret
    start = time.monotonic()
    ending, _, recorder = boot(make, code.finish())
    assert ending.status == 0x10
    assert 0.018 < time.monotonic() - start < FOREVER
    ticks = sum(kind == "interrupt" for kind, _ in recorder.events)
    assert ticks == 20


def test_an_interrupt_waits_for_sti_and_its_shadow() -> None:
    code = Code().tables(v32="tick").pic(0xFE)
    code.out(0x43, 0x30).out(0x40, 0x10).out(0x40, 0)  # one shot of 13 us
    code.mov(ECX, 200_000).label("spin").raw("4975fd")
    code.raw("fb").label("shadow").raw("90").label("here").raw("90").exit(0x11)
    code.label("tick").raw("8b0424").store(RESULT).exit(0x10)
    ending, machine, _ = boot(make, code.finish())
    assert ending.status == 0x10
    assert machine.memory.u32(RESULT) == code.labels["here"]


@pytest.mark.parametrize(
    "poll",
    [
        "b00ae620e420a80174f6",  # until bit 0 of the request register
        "0f3189c689d7" + "0f3129f019fa3d80841e0072f3",  # until 2 million ticks of the TSC have passed
    ],
    ids=["request register", "time-stamp counter"],
)
def test_what_the_guest_has_seen_due_is_delivered_at_once(poll: str) -> None:
    """Time read by the guest never runs ahead of its interrupts: sixty shots, each delivered at its STI."""
    code = Code().tables(v32="tick").pic(0xFE).mov(EBX, 0).mov(ECX, 60).label("again")
    code.out(0x43, 0x30).out(0x40, 0x20).out(0x40, 0).raw(poll)  # 27 us
    code.raw("fb90").label("here").raw("fa49").jump("again", "0f85").store(RESULT, EBX).exit(0x10)
    code.label("tick").raw("813c24")._word("here", False).raw("75014350" + EOI + "58cf")
    ending, machine, _ = boot(make, code.finish())
    assert ending.status == 0x10, ending
    assert machine.memory.u32(RESULT) == 60


def test_ring_3_spins_and_is_preempted() -> None:
    code = Code().tables(v32="tick").pic(0xFE)
    code.out(0x43, 0x34).out(0x40, 0xA9).out(0x40, 0x04)
    code.raw("6a2368").raw(struct.pack("<I", STACK - 0x400)).raw("6802020000" + "6a1b68")._word("user", False)
    code.raw("cf").label("user").raw("ebfe")
    code.label("tick").raw("8b442404").store(RESULT).exit(0x10)
    ending, machine, _ = boot(make, code.finish())
    assert ending.status == 0x10
    assert machine.memory.u32(RESULT) == 0x1B


def test_a_system_call_and_a_refused_port_from_ring_3() -> None:
    code = Code().tables(u128="call", v13="fault")
    code.raw("6a2368").raw(struct.pack("<I", STACK - 0x400)).raw("6802000000" + "6a1b68")._word("user", False)
    code.raw("cf").label("user").mov(EAX, 7).raw("cd80").store(RESULT).label("port").raw("e680ebfe")
    code.label("call").raw("40cf")
    code.label("fault").raw("8b442404").store(RESULT + 4).exit(0x10)
    ending, machine, _ = boot(make, code.finish())
    assert ending.status == 0x10
    assert machine.memory.u32(RESULT) == 8
    assert machine.memory.u32(RESULT + 4) == code.labels["port"]


def test_serial_input_wakes_the_guest() -> None:
    code = Code().tables(v36="input").pic(0xEF).out(0x3FC, 8).out(0x3F9, 1)
    code.raw("fb").label("wait").raw("f4").jump("wait")
    code.label("input").mov(EDX, 0x3F8).raw("ec").raw("ee").exit(0x10)
    seconds = time.monotonic()
    ending, _, recorder = boot(
        make, code.finish(), before=lambda m: threading.Timer(0.05, m.receive, (b"Q",)).start()
    )
    assert (ending.status, recorder.printed) == (0x10, b"Q")
    assert time.monotonic() - seconds < FOREVER


# ways out


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (Code().raw("f4"), EndKind.BUDGET, "halted for ever: interrupts are off"),
        (Code().raw("66ba040666b80020" + "66ef" + "ebfe"), EndKind.SHUTDOWN, "powered off through PM1a"),
        (Code().out(0x64, 0xFE).raw("ebfe"), EndKind.REBOOT, "keyboard controller"),
        (Code().out(0x92, 3).raw("ebfe"), EndKind.REBOOT, "port 0x92"),
        (Code().exit(0x12), EndKind.SHUTDOWN, "exit port, status 0x12"),
    ],
)
def test_ways_out(code: Code, kind: EndKind, words: str) -> None:
    found, reason, _ = run(code)
    assert found is kind
    assert words in reason


def test_nothing_runs_behind_the_exit() -> None:
    code = Code().mov(EAX, 1).mov(EDX, 0x501).raw("ee").store(RESULT, EAX)
    _, _, machine = run(code)
    assert machine.memory.u32(RESULT) == 0


# what a real PC does with nothing


def test_video_memory_and_the_sky_read_as_ones() -> None:
    code = Code().mov(EAX, 0x12345678).store(0xB8000).load(EBX, 0xB8000).store(RESULT, EBX)
    code.load(EBX, 0x80000000).store(RESULT + 4, EBX).load(EBX, 0xD0000).store(RESULT + 8, EBX)
    code.load(EBX, 0xC0000).store(RESULT + 12, EBX).raw("e5" + "33").store(RESULT + 16).exit(0x10)
    kind, _, machine = run(code)
    assert kind is EndKind.SHUTDOWN
    words = [machine.memory.u32(RESULT + 4 * i) for i in range(5)]
    assert words == [0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0, 0xFFFFFFFF]


def test_unknown_msrs_fault() -> None:
    code = Code().tables(v13="fault").mov(ECX, 0x4B564D00).raw("0f32").exit(0x11)
    code.label("fault").raw("8b0424").store(RESULT).exit(0x10)
    ending, machine, _ = boot(make, code.finish())
    assert (ending.status, machine.memory.u32(RESULT)) == (0x10, 0)
    ending, _, _ = boot(make, Code().tables().mov(ECX, 0x10).raw("0f32").exit(0x10).finish())
    assert ending.status == 0x10


def test_a_null_task_register_is_refused() -> None:
    code = Code().tables(v13="fault").raw("31c9").label("bad").raw("0f00d9").exit(0x11)
    code.label("fault").raw("8b0424").store(RESULT).raw("8b442404").store(RESULT + 4).exit(0x10)
    ending, machine, _ = boot(make, code.finish())
    assert ending.status == 0x10
    assert (machine.memory.u32(RESULT), machine.memory.u32(RESULT + 4)) == (0, code.labels["bad"])


@pytest.mark.parametrize("maker", [make, make_kvm], ids=["native", "kvm"])
@pytest.mark.parametrize("register", [EAX, ECX, EBX, EDI])
@pytest.mark.parametrize(
    ("cr0", "refused"),
    [
        (0x80000010, True),  # paging without protection
        (0x20000011, True),  # not write-through, and the cache on
        (0x60000011, False),
        (0x00000019, False),
    ],
)
def test_contradictions_in_cr0_are_refused(maker: Any, register: int, cr0: int, refused: bool) -> None:
    """#GP(0) at the instruction, and CR0 as it was."""
    code = (
        Code()
        .tables(v13="fault")
        .mov(register, cr0)
        .label("bad")
        .raw(b"\x0f\x22" + bytes((0xC0 | register,)))
    )
    code.exit(0x11).label("fault").raw("8b0424").store(RESULT).raw("8b442404").store(RESULT + 4).raw(
        "0f20c0"
    ).store(RESULT + 8).exit(0x10)
    ending, machine, _ = boot(maker, code.finish())
    assert ending.status == (0x10 if refused else 0x11)
    if refused:
        assert (machine.memory.u32(RESULT), machine.memory.u32(RESULT + 4)) == (0, code.labels["bad"])
        assert machine.memory.u32(RESULT + 8) & 0xE0000001 == 1


# hostile guests


def test_a_spin_ends_with_its_budget() -> None:
    start = time.monotonic()
    ending, _, _ = boot(make, Code().raw("ebfe").finish(), seconds=0.1)
    assert ending.kind is EndKind.BUDGET
    assert time.monotonic() - start < FOREVER


def test_a_halt_and_a_fault_loop_end_with_their_budget() -> None:
    again = Code().tables(v6="again").label("again").mov(ESP, STACK).raw("0f0b")
    for code in (Code().raw("fbf4ebfd"), again):
        ending, _, _ = boot(make, code.finish(), seconds=0.1)
        assert ending.kind is EndKind.BUDGET, ending


def test_a_triple_fault_tells_where_and_why() -> None:
    code = Code().raw("90").label("bad").raw("0f0b")
    kind, reason, _ = run(code)
    assert kind is EndKind.CRASH
    assert f"triple fault at eip {code.labels['bad']:#x}, vectors 6, 13, 13, 13" in reason


def test_a_jump_to_nothing_is_an_undefined_opcode_there() -> None:
    kind, reason, _ = run(Code().mov(EAX, 0x70000000).raw("ffe0"))
    assert kind is EndKind.CRASH
    assert "triple fault at eip 0x70000000, vectors 6, 13" in reason
    kind, reason, _ = run(Code().mov(EAX, 0xB8000).raw("ffe0"))
    assert "triple fault at eip 0xb8000" in reason


def test_a_store_to_rom_names_the_rom() -> None:
    kind, reason, machine = run(Code().mov(EAX, 1).store(0xC0100))
    assert kind is EndKind.CRASH
    assert "store to ROM at gpa 0xc0100" in reason
    assert machine.memory.u32(0xC0100) == 0


def test_a_trap_frame_in_rom_names_the_rom() -> None:
    code = Code().tables(v6="never").mov(ESP, 0xC0108).label("never").raw("0f0b")
    kind, reason, machine = run(code)
    assert kind is EndKind.CRASH
    assert "trap frame in ROM" in reason
    assert machine.memory.u32(0xC0100) == 0


def test_page_tables_overwritten_under_the_guests_feet() -> None:
    table, directory = 0x200000, 0x201000
    code = Code().mov(EAX, table | 3).store(directory).mov(ECX, 0).mov(EAX, 3).label("fill")
    code.raw("89048d").raw(struct.pack("<I", table)).raw("0500100000" + "41" + "81f9" + "00040000")
    code.jump("fill", "0f85").mov(EAX, directory).raw("0f22d8" + "0f20c0" + "0d00000080" + "0f22c0")
    code.mov(EAX, 0).store(directory).raw("0f20d8" + "0f22d8").label("gone").raw("90")
    kind, reason, _ = run(code)
    assert kind is EndKind.CRASH
    assert f"triple fault at eip {code.labels['gone']:#x}, vectors 14, 13, 13" in reason


def test_an_idt_of_garbage_and_a_wild_stack() -> None:
    for code in (
        Code().tables(v6="x").label("x").mov(EAX, 0xFFFFFFFF).store(IDT + 48).store(IDT + 52).raw("0f0b"),
        Code().mov(ESP, 2).raw("0f0b"),
        Code().tables(v6="y").mov(ESP, 2).label("y").raw("0f0b"),
    ):
        ending, _, _ = boot(make, code.finish(), seconds=0.3)
        assert ending.kind in (EndKind.CRASH, EndKind.BUDGET)


def test_describe_shows_the_registers() -> None:
    recorder_lines: list[str] = []
    boot(make, Code().raw("f4").finish(), before=lambda m: recorder_lines.extend(m.describe().splitlines()))
    assert "eax 2badb002" in recorder_lines[0]
    assert "cs 0008" in recorder_lines[3]


def test_what_is_due_by_the_time_that_rdtsc_tells_has_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host may be slow between its two clocks: the guest's comes first, then what is due is looked at."""
    order: list[str] = []
    machine = Machine(UnicornEngine, 2, lambda text: None, NoTrace())

    def tsc() -> int:
        order.append("tsc")
        return 7

    monkeypatch.setattr(machine.engine, "tsc", tsc)
    monkeypatch.setattr(machine, "_advance", lambda: order.append("advance"))
    machine._awaited = 0
    assert machine._read_tsc() == 7 and order == ["tsc", "advance"]
    machine._awaited = None
    assert machine._read_tsc() == 7 and order == ["tsc", "advance", "tsc"]
    machine.engine.close()
