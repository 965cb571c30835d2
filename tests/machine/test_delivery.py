"""Delivery through a guest's IDT, rule by rule, on the unicorn engine's registers."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from tests.machine.rig import code_segment, data_segment, descriptor, gate, identity_2level
from vmirom.machine.delivery import Delivery, TripleFault
from vmirom.machine.engine import Segment, SegmentName, Trap
from vmirom.machine.memory import Memory
from vmirom.machine.unicorn import UnicornEngine

GDT, IDT, TSS, HANDLER = 0x2000, 0x3000, 0x5000, 0x6000
KERNEL_STACK, USER_STACK = 0x9000, 0xA000
TSS_SELECTOR = 0x70
INTERRUPT, TRAP = 0xE, 0xF
IF = 0x200


class Guest:
    """A kernel in ring 0 with flat segments and an IDT of interrupt gates whose handlers lie at
    HANDLER + 16 * vector; a processor in ring 3 at 0x1000."""

    def __init__(self) -> None:
        self.engine = UnicornEngine(Memory(4 << 20))
        self.memory = self.engine.memory
        for ring in range(4):
            self.put_descriptor(8 * (ring + 1), descriptor(code_segment(ring)))
            self.put_descriptor(0x40 + 8 * ring, descriptor(data_segment(ring)))
        self.engine.gdtr, self.engine.idtr = (GDT, 0xFF), (IDT, 0x7FF)
        for vector in range(256):
            self.put_gate(vector, gate(0x08, HANDLER + 16 * vector, INTERRUPT))
        self.stack(0, 0x40, KERNEL_STACK)
        self.engine.set_task_register(Segment(TSS_SELECTOR, TSS, 0x67, 0x8900))
        self.delivery = Delivery(self.engine)
        self.user()

    def put_descriptor(self, selector: int, data: bytes) -> None:
        self.memory.write(GDT + selector, data)

    def put_gate(self, vector: int, data: bytes) -> None:
        self.memory.write(IDT + 8 * vector, data)

    def stack(self, ring: int, ss: int, esp: int) -> None:
        self.memory.put32(TSS + 4 + 8 * ring, esp)
        self.memory.put32(TSS + 8 + 8 * ring, ss)

    def user(self, ring: int = 3) -> None:
        self.engine.eflags = 2 | IF
        self.engine.enter(code_segment(ring), data_segment(ring), USER_STACK, 0x1000)

    def frame(self, count: int) -> tuple[int, ...]:
        """Words from ESP up."""
        return struct.unpack(f"<{count}I", self.memory.read(self.engine.esp, 4 * count))

    def page(self, gva: int, flags: int) -> None:
        """Paging on, one to one, with other flags for one page."""
        self.engine.cr3 = identity_2level(self.memory, at=0x100000)
        self.memory.put32(0x101000 + 4 * (gva >> 12), gva & ~0xFFF | flags)
        self.engine.cr0 |= 0x80010000


@pytest.fixture
def guest() -> Iterator[Guest]:
    guest = Guest()
    yield guest
    guest.engine.close()


USER_CS, USER_SS = code_segment(3).selector, data_segment(3).selector


def test_a_fault_from_ring_3_switches_stacks_and_pushes_an_error_code(guest: Guest) -> None:
    assert guest.delivery.trap(Trap(13, 0x1230)) is None
    engine = guest.engine
    assert (engine.cpl, engine.eip, engine.esp) == (0, HANDLER + 16 * 13, KERNEL_STACK - 24)
    assert guest.frame(6) == (0x1230, 0x1000, USER_CS, 0x10202, USER_STACK, USER_SS)
    assert engine.segment(SegmentName.SS).selector == 0x40
    assert not engine.eflags & IF


def test_same_ring_keeps_the_stack(guest: Guest) -> None:
    guest.user(0)
    assert guest.delivery.trap(Trap(6)) is None
    assert guest.engine.esp == USER_STACK - 12
    assert guest.frame(3) == (0x1000, 0x08, 0x10202)


def test_a_trap_gate_keeps_if_and_both_clear_tf_and_nt(guest: Guest) -> None:
    guest.put_gate(6, gate(0x08, HANDLER, TRAP))
    guest.engine.eflags = 2 | IF | 0x100 | 0x4000
    assert guest.delivery.trap(Trap(6)) is None
    assert guest.engine.eflags & (IF | 0x100 | 0x4000) == IF
    assert guest.frame(3)[2] & 0xFFFF == 2 | IF | 0x100 | 0x4000


def test_rf_is_pushed_for_faults_only(guest: Guest) -> None:
    for vector, soft, expected in ((13, False, True), (1, False, False), (0x80, True, False)):
        guest.user(0)
        guest.delivery.trap(Trap(vector, 0 if vector == 13 else None, soft))
        assert bool(guest.frame(4)[-1 if vector == 13 else 2] & 0x10000) is expected


def test_an_external_interrupt_ignores_the_gates_dpl(guest: Guest) -> None:
    assert guest.delivery.interrupt(0x20) is None
    assert guest.engine.eip == HANDLER + 16 * 0x20
    assert guest.frame(5) == (0x1000, USER_CS, 2 | IF, USER_STACK, USER_SS)


def test_a_soft_interrupt_needs_dpl_and_goes_back_to_its_start(guest: Guest) -> None:
    guest.memory.write(0xFFE, b"\xcd\x80")
    assert guest.delivery.trap(Trap(0x80, None, soft=True)) is None
    assert guest.engine.eip == HANDLER + 16 * 13
    assert guest.frame(2) == (0x80 * 8 + 2, 0xFFE)
    guest.user()
    guest.put_gate(0x80, gate(0x08, HANDLER, INTERRUPT, dpl=3))
    assert guest.delivery.trap(Trap(0x80, None, soft=True)) is None
    assert guest.frame(1) == (0x1000,)


@pytest.mark.parametrize(("code", "start"), [(b"\x90\xcc", 0xFFF), (b"\xcd\x03", 0xFFE)])
def test_int3_of_one_byte_and_of_two(guest: Guest, code: bytes, start: int) -> None:
    guest.memory.write(0xFFE, code)
    guest.delivery.trap(Trap(3, None, soft=True))
    assert guest.frame(2) == (3 * 8 + 2, start)


@pytest.mark.parametrize("kind", [0x6, 0x7, 0x5, 0xC, 0x0])
def test_gates_of_other_types_are_refused(guest: Guest, kind: int) -> None:
    guest.put_gate(0x20, gate(0x08, HANDLER, kind))
    guest.delivery.interrupt(0x20)
    assert guest.frame(1) == (0x20 * 8 + 3,)
    assert guest.engine.eip == HANDLER + 16 * 13


def test_an_absent_gate_is_np_and_the_ext_bit_tells_who(guest: Guest) -> None:
    guest.put_gate(0x80, gate(0x08, HANDLER, INTERRUPT, dpl=3, present=False))
    guest.delivery.trap(Trap(0x80, None, soft=True))
    assert (guest.engine.eip, guest.frame(1)) == (HANDLER + 16 * 11, (0x80 * 8 + 2,))
    guest.user()
    guest.delivery.interrupt(0x80)
    assert (guest.engine.eip, guest.frame(1)) == (HANDLER + 16 * 11, (0x80 * 8 + 3,))


def test_a_vector_beyond_the_idt_is_gp(guest: Guest) -> None:
    guest.engine.idtr = (IDT, 0x20 * 8 - 1)
    guest.delivery.interrupt(0x20)
    assert (guest.engine.eip, guest.frame(1)) == (HANDLER + 16 * 13, (0x20 * 8 + 3,))


@pytest.mark.parametrize(
    ("selector", "patch", "vector", "error"),
    [
        (0x0003, None, 13, 1),  # null
        (0x0200, None, 13, 0x201),  # outside the GDT
        (0x0047, None, 13, 0x45),  # an LDT that is not there
        (0x0040, None, 13, 0x41),  # data
        (0x0080, Segment(0x80, 0, 0xFFFFFFFF, 0x00C01B00), 11, 0x81),  # code, absent
        (0x0080, Segment(0x80, 0, 0xFFF, 0x00409B00), 13, 1),  # the handler lies beyond its limit
    ],
)
def test_the_handlers_segment_is_checked(
    guest: Guest, selector: int, patch: Segment | None, vector: int, error: int
) -> None:
    if patch is not None:
        guest.put_descriptor(patch.selector, descriptor(patch))
    guest.put_gate(0x20, gate(selector, HANDLER, INTERRUPT))
    guest.delivery.interrupt(0x20)
    assert (guest.engine.eip, guest.frame(1)) == (HANDLER + 16 * vector, (error,))


def test_an_outer_handler_is_refused(guest: Guest) -> None:
    guest.user(0)
    guest.put_gate(0x20, gate(USER_CS, HANDLER, INTERRUPT))
    guest.delivery.interrupt(0x20)
    assert (guest.engine.eip, guest.frame(1)) == (HANDLER + 16 * 13, (USER_CS & ~3 | 1,))


def test_a_conforming_handler_runs_at_the_callers_ring(guest: Guest) -> None:
    guest.put_descriptor(0x80, descriptor(Segment(0x80, 0, 0xFFFFFFFF, 0x00C09E00)))
    guest.put_gate(0x20, gate(0x80, HANDLER, INTERRUPT))
    assert guest.delivery.interrupt(0x20) is None
    assert (guest.engine.cpl, guest.engine.segment(SegmentName.CS).selector) == (3, 0x83)
    assert guest.engine.esp == USER_STACK - 12


def test_ring_1_handlers_use_the_tss_stack_of_ring_1(guest: Guest) -> None:
    guest.stack(1, data_segment(1).selector, 0xB000)
    guest.put_gate(0x80, gate(code_segment(1).selector, HANDLER, INTERRUPT, dpl=3))
    assert guest.delivery.trap(Trap(0x80, None, soft=True)) is None
    assert (guest.engine.cpl, guest.engine.esp) == (1, 0xB000 - 20)


@pytest.mark.parametrize(
    ("ss", "patch", "vector", "error"),
    [
        (0x0000, None, 10, 1),
        (0x0200, None, 10, 0x201),
        (0x0043, None, 10, 0x41),  # RPL is not 0
        (0x0048, None, 10, 0x49),  # DPL is not 0
        (0x0008, None, 10, 0x09),  # code
        (0x0080, Segment(0x80, 0, 0xFFFFFFFF, 0x00C09100), 10, 0x81),  # read-only
        (0x0080, Segment(0x80, 0, 0xFFFFFFFF, 0x00C01300), 12, 0x81),  # absent
        (0x0080, Segment(0x80, 0, 0x8FF0, 0x00409300), 12, 0x81),  # the frame is beyond the limit
        (0x0080, Segment(0x80, 0, 0x8FF0, 0x00409700), 12, 0x81),  # expand-down: below the limit
    ],
)
def test_the_inner_stack_is_checked(
    guest: Guest, ss: int, patch: Segment | None, vector: int, error: int
) -> None:
    """The fault's own handler runs in a conforming segment, so it needs no inner stack."""
    if patch is not None:
        guest.put_descriptor(patch.selector, descriptor(patch))
    guest.put_descriptor(0x88, descriptor(Segment(0x88, 0, 0xFFFFFFFF, 0x00C09E00)))
    guest.put_gate(vector, gate(0x88, HANDLER + 16 * vector, INTERRUPT))
    guest.stack(0, ss, 0x9000 if patch is None or not patch.attributes & 0x400 else 0x8000)
    guest.delivery.interrupt(0x20)
    assert (guest.engine.eip, guest.frame(2)) == (HANDLER + 16 * vector, (error, 0x1000))


def test_a_tss_too_small_or_of_16_bits_is_ts(guest: Guest) -> None:
    guest.put_descriptor(0x88, descriptor(Segment(0x88, 0, 0xFFFFFFFF, 0x00C09E00)))
    guest.put_gate(10, gate(0x88, HANDLER + 160, INTERRUPT))
    for tss in (Segment(TSS_SELECTOR, TSS, 7, 0x8900), Segment(TSS_SELECTOR, TSS, 0x67, 0x8100)):
        guest.user()
        guest.engine.set_task_register(tss)
        guest.delivery.interrupt(0x20)
        assert (guest.engine.eip, guest.frame(1)) == (HANDLER + 160, (TSS_SELECTOR | 1,))


def test_a_page_fault_while_pushing_is_delivered_instead(guest: Guest) -> None:
    """In ring 0 with its stack just below a page that is not there, for an external interrupt."""
    guest.user(0)
    guest.page(0xC000, 0)
    guest.put_gate(14, gate(0x08, HANDLER + 16 * 14, INTERRUPT))
    guest.engine.esp = 0xD000
    outcome = guest.delivery.interrupt(0x20)
    assert outcome == TripleFault(0x1000, (0x20, 14, 14, 14)), "the #PF and the #DF can't be pushed either"
    assert guest.engine.cr2 == 0xD000 - 16
    assert guest.engine.eip == 0x1000


def test_a_page_fault_on_the_users_conforming_stack_reaches_the_kernel(guest: Guest) -> None:
    guest.page(0xC000, 0)
    guest.put_descriptor(0x80, descriptor(Segment(0x80, 0, 0xFFFFFFFF, 0x00C09E00)))
    guest.put_gate(0x20, gate(0x80, HANDLER, INTERRUPT))
    guest.engine.esp = 0xD000
    assert guest.delivery.interrupt(0x20) is None
    assert guest.engine.eip == HANDLER + 16 * 14
    assert guest.engine.cr2 == 0xD000 - 12
    assert guest.frame(3) == (6, 0x1000, USER_CS), "a user's write, not present"


def test_a_page_fault_that_cannot_be_delivered_is_a_double_fault(guest: Guest) -> None:
    guest.put_gate(14, gate(0x08, HANDLER, INTERRUPT, present=False))
    assert guest.delivery.trap(Trap(14, 4)) is None
    assert guest.engine.eip == HANDLER + 16 * 8
    assert guest.frame(2) == (0, 0x1000)


def test_two_contributory_faults_are_a_double_fault(guest: Guest) -> None:
    guest.put_gate(0, gate(0x08, HANDLER, INTERRUPT, present=False))
    assert guest.delivery.trap(Trap(0)) is None
    assert guest.engine.eip == HANDLER + 16 * 8


def test_a_benign_fault_and_a_contributory_one_are_served_in_turn(guest: Guest) -> None:
    guest.put_gate(6, gate(0x08, HANDLER, INTERRUPT, present=False))
    assert guest.delivery.trap(Trap(6)) is None
    assert (guest.engine.eip, guest.frame(2)) == (HANDLER + 16 * 11, (6 * 8 + 3, 0x1000))


def test_a_contributory_fault_and_a_page_fault_are_served_in_turn(guest: Guest) -> None:
    guest.page(IDT, 7)
    guest.memory.put32(0x101000 + 4 * 0xB, 0)  # the gate of #GP lies in an absent page
    moved = guest.memory.read(IDT, 0x800)
    guest.memory.write(0xC000 - 13 * 8 - 8, moved[: 13 * 8 + 8])
    guest.engine.idtr = (0xC000 - 14 * 8, 0x7FF)
    guest.memory.write(0xC000, moved[14 * 8 : 15 * 8])
    assert guest.delivery.trap(Trap(13, 0)) is None
    assert guest.engine.eip == HANDLER + 16 * 14
    assert guest.frame(2) == (0, 0x1000)


def test_nothing_works_is_a_triple_fault_and_a_value(guest: Guest) -> None:
    guest.engine.idtr = (0, 0)
    outcome = guest.delivery.trap(Trap(6))
    assert outcome == TripleFault(0x1000, (6, 13, 13, 13))
    assert guest.engine.esp == USER_STACK
    assert guest.engine.cpl == 3


def test_virtual_8086_mode_leaves_with_all_segments_on_the_stack(guest: Guest) -> None:
    engine = guest.engine
    for number, name in enumerate(SegmentName):
        engine.set_segment(name, Segment(0x100 * (number + 1), 0x1000 * (number + 1), 0xFFFF, 0x0000F300))
    engine.eflags = 0x20202
    engine.esp = 0x800
    assert guest.delivery.trap(Trap(13, 0)) is None
    assert guest.frame(10)[2:] == (0x200, 0x30202, 0x800, 0x300, 0x100, 0x400, 0x500, 0x600)
    assert (engine.cpl, engine.eflags & 0x20000) == (0, 0)
    assert engine.segment(SegmentName.DS) == Segment(0, 0, 0, 0)


def test_a_guard_can_forbid_the_frame(guest: Guest) -> None:
    class Forbidden(Exception):
        pass

    def guard(gpa: int, length: int) -> None:
        assert (gpa, length) == (KERNEL_STACK - 24, 24)
        raise Forbidden

    with pytest.raises(Forbidden):
        Delivery(guest.engine, guard).trap(Trap(14, 0))
    assert guest.engine.cpl == 3


def test_a_frame_outside_memory_is_lost_as_on_an_open_bus(guest: Guest) -> None:
    guest.stack(0, 0x40, 0x7000_0000)
    assert guest.delivery.interrupt(0x20) is None
    assert guest.engine.esp == 0x7000_0000 - 20
