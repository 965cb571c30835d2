"""Guests on the Xen ROM and the embedded Xen: the whole way, from Xen's boot protocol to the exit port.

Each probe is a small C guest made with the kit. What it prints is compared; what it cost in hypercalls is
read from the trace between two of its lines.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import capstone
import pytest

from tests.rom.builds import built
from vmirom.bundle.compose import compose
from vmirom.guest.build import build_guest
from vmirom.guest.shipped import guest_blob
from vmirom.hypervisors.hypervisor import Ending, EndKind
from vmirom.hypervisors.xen.hypervisor import make
from vmirom.machine.unicorn import UnicornEngine
from vmirom.overlays.vmi import ExitStatus, Layout
from vmirom.rom.build import BuiltRom

pytestmark = [pytest.mark.boot, pytest.mark.toolchain]

_UPCALL = "upcall"

_HEAD = """
#include "vmi_guest.h"
#define P 1
#define W 2
#define A 0x20
#define D 0x40
#define KERNEL 0xC0000000u
#define AREA 0xD8000000u
static void line(const char *text) { vmi_print(text); vmi_print("\\n"); }
static u32 taken = 0x200; /* frames after first_free_pfn that this guest has used */
static u32 frame(struct vmi_boot_info *boot)
{
	u32 gpa = (boot->first_free_pfn + taken++) << 12;
	u32 *at = VMI_LINEAR(gpa);
	for (u32 n = 0; n < 1024; n++) at[n] = 0;
	return gpa;
}
static u64 *table(struct vmi_boot_info *boot)
{
	u64 *entry = vmi_walk(boot->root_gpa, AREA, VMI_PAGE_TYPE_PD);
	if (!(*entry & P)) {
		u32 gpa = frame(boot);
		vmi_AllocatePage(gpa >> 12, 0x51, 0, 0, 0);
		vmi_SetPxELong(gpa | P | W | A, entry, VMI_PAGE_TYPE_PD);
	}
	return VMI_LINEAR(*entry & 0xFFFFF000u);
}
"""


@dataclass
class Counting:
    """A trace that remembers names, arguments and what was refused, in order; upcalls among them, since Xen
    ticks every 10 ms whether it is asked to or not."""

    calls: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def hypercall(self, name: str, arguments: tuple[int, ...], result: int | None, why: str = "") -> None:
        self.calls.append((name, arguments))
        if why:
            self.refused.append(f"{name}: {why}")

    def event(self, kind: str, detail: str) -> None:
        if kind == "interrupt":
            self.calls.append((_UPCALL, ()))


@dataclass(frozen=True)
class Run:
    ending: Ending
    lines: list[str]
    trace: Counting
    marks: dict[str, int]  # how many hypercalls had been made when a line came

    def between(self, first: str, second: str) -> list[tuple[str, tuple[int, ...]]]:
        """Hypercalls between two lines, those that print left out, and an upcall with its return."""
        open_upcalls, out = 0, []
        for call in self.trace.calls[self.marks[first] : self.marks[second]]:
            if call[0] == _UPCALL:
                open_upcalls += 1
            elif call[0] == "iret" and open_upcalls:
                open_upcalls -= 1
            elif not call[0].startswith("console_io"):
                out.append(call)
        return out


def rom(toolchain: str) -> BuiltRom:
    return built("xen", toolchain)


def boot(
    guest: bytes,
    mib: int = 32,
    seed: int = 1,
    toolchain: str = "zig",
    seconds: float = 60,
    command_line: str = "one two",
) -> Run:
    trace, text = Counting(), bytearray()
    marks: dict[str, int] = {}

    def console(data: bytes) -> None:
        text.extend(data)
        if text.endswith(b"\n"):
            marks[text.decode("latin-1").splitlines()[-1]] = len(trace.calls)

    machine = make(UnicornEngine, mib, console, trace, seed=seed)
    machine.load(compose(guest, rom(toolchain).data, "xen", (3, 1)), command_line)
    ending = machine.run(time.monotonic_ns() + int(seconds * 1e9))
    return Run(ending, text.decode("latin-1").splitlines(), trace, marks)


@dataclass
class Probes:
    """One guest with many bodies of guest_main; the letter of the one that it runs is its command line."""

    bodies: list[str] = field(default_factory=list)

    def body(self, text: str) -> str:
        """The letter of a body more."""
        self.bodies.append(text)
        return chr(ord("A") + len(self.bodies) - 1)

    def build(self, folder: Path) -> bytes:
        cases = "".join(f"\tcase 'A' + {n}: {{\n{text}\n\tbreak; }}\n" for n, text in enumerate(self.bodies))
        source = folder / "probes.c"
        source.write_text(
            f"{_HEAD}\nint guest_main(struct vmi_boot_info *boot)\n{{\n"
            f"\tswitch (*(char *)VMI_LINEAR(boot->command_line_gpa)) {{\n{cases}\t}}\n"
            "\treturn VMI_EXIT_STATUS_FAILURE;\n}\n"
        )
        return build_guest([source]).data


PROBES = Probes()


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Run]:
    """Boots the probe of that letter."""
    guest = PROBES.build(tmp_path_factory.mktemp("probes"))
    return lambda letter: boot(guest, command_line=letter)


def reference() -> bytes:
    return guest_blob("reference").read_bytes()


@pytest.mark.parametrize(
    ("mib", "seed"),
    [(8, 1), *(pytest.param(mib, seed, marks=pytest.mark.slow) for mib, seed in ((32, 2), (256, 3)))],
)
def test_reference_guest(mib: int, seed: int) -> None:
    run = boot(reference(), mib, seed)
    failures = [line for line in run.lines if "FAIL" in line]
    assert failures == []
    assert run.ending.status == ExitStatus.SUCCESS, run.ending
    assert run.trace.refused == []


@pytest.mark.slow
def test_reference_guest_on_a_rom_made_by_gnu() -> None:
    run = boot(reference(), toolchain="gnu")
    assert [line for line in run.lines if "FAIL" in line] == []
    assert run.ending.status == ExitStatus.SUCCESS, run.ending


BATCHES = PROBES.body("""
	u64 *at = table(boot);
	u32 page = frame(boot);
	line("begin");
	vmi_SetLazyMode(VMI_LAZY_MODE_MMU);
	for (u32 n = 0; n < 200; n++) vmi_SetPxELong(page | P | W | A | D, at + n, VMI_PAGE_TYPE_PT);
	vmi_SetLazyMode(VMI_LAZY_MODE_NONE);
	line("end");
	*(volatile u32 *)(AREA + 199 * 4096) = 0x1234;
	line(*(volatile u32 *)(AREA + 5 * 4096) == 0x1234 ? "shared" : "not there");
	return VMI_EXIT_STATUS_SUCCESS;
""")


def test_lazy_mode_sends_batches(probe: Callable[[str], Run]) -> None:
    """200 updates in lazy mode: two hypercalls, 128 and 72 entries."""
    run = probe(BATCHES)
    assert run.lines == ["begin", "end", "shared"], run.ending
    sizes = [(name, args[1]) for name, args in run.between("begin", "end")]
    assert sizes == [("mmu_update", 128), ("mmu_update", 72)]


UNTOUCHED = PROBES.body("""
	u64 *at = table(boot);
	u32 page = frame(boot);
	line("begin");
	for (u32 n = 0; n < 100; n++) vmi_SetPxELong(page | P | W, at + n, VMI_PAGE_TYPE_PT);
	line("set");
	u32 seen = *(volatile u32 *)(AREA + 4096 * 7);
	line(seen == 0 && (at[7] & (A | D)) == A && !(at[8] & A) ? "read" : "wrong");
	*(volatile u32 *)(AREA + 4096 * 9) = 1;
	line((at[9] & (A | D)) == (A | D) && (at[7] & (A | D)) == A ? "written" : "wrong");
	return VMI_EXIT_STATUS_SUCCESS;
""")


def test_new_entries_cost_nothing_until_touched(probe: Callable[[str], Run]) -> None:
    """An entry without A is no change for the machine; the first access makes it, and sets A alone."""
    run = probe(UNTOUCHED)
    assert run.lines == ["begin", "set", "read", "written"], run.ending
    assert run.between("begin", "set") == []


SWITCH = PROBES.body("""
	u32 other = frame(boot);
	u64 *top = VMI_LINEAR(other);
	top[3] = ((u64 *)VMI_LINEAR(boot->root_gpa))[3];
	vmi_gdt_fill();
	vmi_idt_fill();
	vmi_tables_load();
	vmi_SetCR3(other);
	vmi_SetCR3(boot->root_gpa);
	line("begin");
	vmi_SetLazyMode(VMI_LAZY_MODE_CPU);
	vmi_SetCR3(other);
	vmi_UpdateKernelStack(vmi_kernel_ds(), 0xC0000000u + (boot->first_free_pfn << 12) + 4096);
	for (u32 n = 6; n < 9; n++) vmi_WriteGDTEntry(vmi_gdt, n, 0x0000FFFF, 0x00CFF200 | n << 16);
	vmi_SetLazyMode(VMI_LAZY_MODE_NONE);
	line("end");
	line(vmi_GetCR3() == other ? "there" : "not there");
	return VMI_EXIT_STATUS_SUCCESS;
""")


def test_a_context_switch_is_one_hypercall(probe: Callable[[str], Run]) -> None:
    """SetCR3 to a known space, UpdateKernelStack, three WriteGDTEntry in lazy CPU mode: one multicall."""
    run = probe(SWITCH)
    assert run.lines == ["begin", "end", "there"], run.ending
    names = [name for name, _ in run.between("begin", "end")]
    assert names[0] == "multicall" and sorted(names[1:]) == [
        "mmuext_op.NEW_BASEPTR",
        "stack_switch",
        *["update_descriptor"] * 3,
    ]


FLAG = PROBES.body("""
	line("begin");
	for (u32 n = 0; n < 1000; n++) {
		vmi_EnableInterrupts();
		vmi_GetInterruptMask();
		vmi_DisableInterrupts();
		vmi_SetInterruptMask(0x200);
		vmi_SetInterruptMask(0);
	}
	line("end");
	return VMI_EXIT_STATUS_SUCCESS;
""")


def test_interrupt_flag_calls_touch_memory_only(probe: Callable[[str], Run]) -> None:
    run = probe(FLAG)
    assert run.lines == ["begin", "end"], run.ending
    tick = {"iret", "xen_version.VERSION"}  # a timer's, in between: delivered, returned from
    between = [name for name, _ in run.between("begin", "end")]
    assert {*between} <= tick and len(between) < 100


@pytest.mark.parametrize(
    ("call", "most"),
    [("EnableInterrupts", 3), ("DisableInterrupts", 1), ("GetInterruptMask", 3), ("SetInterruptMask", 3)],
)
def test_interrupt_flag_calls_are_short(call: str, most: int) -> None:
    """Instructions before the return where nothing is pending; every one of them on SS or registers."""
    built = rom("zig")
    decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_32)
    names = []
    for instruction in decoder.disasm(built.data[built.symbols[f"fast_{call}"] :][:64], Layout.ROM_GPA):
        if instruction.mnemonic == "ret":
            break
        names.append(instruction.mnemonic)
        assert "[" not in instruction.op_str or "ss:[0x" in instruction.op_str, instruction.op_str
    assert len([name for name in names if not name.startswith("j")]) <= most


def test_rom_has_room() -> None:
    assert len(rom("zig").data) <= 0x8000


RUINS = (
    "vmi_SetCR3(0xFFFFF000);",
    "vmi_SetCR3(0xC0000);",
    "vmi_SetCR3(frame(boot));",
    "u32 root = boot->root_gpa; vmi_SetPxELong(0, vmi_walk(root, KERNEL, 4), 4); vmi_SetCR3(root);",
    "vmi_SetPxELong(0, vmi_walk(boot->root_gpa, KERNEL, VMI_PAGE_TYPE_PD), 2); vmi_FlushTLB(3);",
    "vmi_UpdateKernelStack(0x68, 0x1000); *(volatile u32 *)0x5000 = 0;",
    '__asm__ volatile("movl $0x3000, %esp; pushl $1");',
    "*(volatile u32 *)0xF5401000 = 0; for (u32 at = 0xF5405000; at; at += 4096) *(volatile u32 *)at = 0;",
    "*(volatile u32 *)0xC00C0000 = 0;",
)


@pytest.mark.parametrize(
    "letter",
    [PROBES.body(f'\tline("begin");\n\t{ruin}\n\tfor (;;) vmi_DisableInterrupts();') for ruin in RUINS],
)
def test_a_guest_that_ruins_itself_is_ended(probe: Callable[[str], Run], letter: str) -> None:
    run = probe(letter)
    assert run.lines[:1] == ["begin"]
    assert run.ending.kind is EndKind.CRASH, run.ending


HOSTILE = PROBES.body("""
	static const u32 odd[] = {0, 0xC0, 0xC1, 0x10000, 0xFFFFF, 0xFFFFFFFF};
	u64 *at = table(boot);
	for (u32 n = 0; n < sizeof odd / sizeof *odd; n++) {
		vmi_AllocatePage(odd[n], 0xFFFFFFFF, odd[n], 0xFFFF, 0xFFFF);
		vmi_ReleasePage(odd[n], 0xFFFFFFFF);
		vmi_SetPxELong(odd[n] << 12 | 0xFFF, at + n, 0xFFFFFFFF);
		vmi_SetLinearMapping(odd[n] | 4, odd[n], odd[n], odd[n]);
		vmi_SetLDT(odd[n]);
		vmi_SetTR(odd[n]);
		vmi_InvalPage(odd[n] << 12);
		vmi_GetDR(odd[n]);
		vmi_SetIOPLMask(0);
	}
	vmi_SetPxELong(0xC0000 | P | W | A | D, at + 9, VMI_PAGE_TYPE_PT);
	line(*(volatile u16 *)(AREA + 9 * 4096) == 0xAA55 ? "the ROM can be read" : "it cannot");
	vmi_FlushTLB(3);
	line("alive");
	return VMI_EXIT_STATUS_SUCCESS;
""")


def test_hostile_calls_do_no_harm(probe: Callable[[str], Run]) -> None:
    """Nonsense frames, slots, levels and selectors; afterwards the guest still runs."""
    run = probe(HOSTILE)
    assert run.lines == ["the ROM can be read", "alive"], run.ending
