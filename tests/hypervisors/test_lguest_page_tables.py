"""Shadow page tables: what is filled, what a guest must tell, and what stays stale if it doesn't."""

from __future__ import annotations

import pytest

from tests.hypervisors.lguest_machine import (
    CODE,
    DATA,
    KERNEL,
    LOW,
    MIB,
    RESULT,
    Machine,
    hypercall,
    leave,
    load,
    put,
    store,
)
from vmirom.hypervisors.lguest.death import Killed
from vmirom.overlays import lguest as abi

Hcall = abi.Hcall
P, RW, US, A, D, PSE, G = 1, 2, 4, 0x20, 0x40, 0x80, 0x100
READ, WRITE, USER = 0, 2, 4
ONE, TWO = 0x260000, 0x261000
LIMIT_FRAME = (MIB << 8) + 7


@pytest.fixture(params=[True, False], ids=["pae", "two-level"])
def machine(request: pytest.FixtureRequest) -> Machine:
    return Machine(pae=request.param).init()


def entry(machine: Machine, at: int) -> int:
    return machine.memory.u64(at) if machine.pae else machine.memory.u32(at)


# -- filling ------------------------------------------------------------------------------------------


def test_a_read_is_filled_read_only_and_marks_accessed(machine: Machine) -> None:
    at = machine.map(LOW, ONE)
    assert machine.fault(LOW + 5, READ)
    assert entry(machine, at) == ONE | P | RW | US | A
    assert machine.shadow(LOW) == ONE | P | US | A, "read-only until the first write"
    assert machine.fault(LOW, WRITE)
    assert entry(machine, at) & D
    assert machine.shadow(LOW) & RW


def test_a_dirty_page_is_filled_writable(machine: Machine) -> None:
    machine.map(LOW, ONE, P | RW | US | D | G)
    assert machine.fault(LOW, READ)
    assert machine.shadow(LOW) == ONE | P | RW | US | A | D, "writable, and not global"


@pytest.mark.parametrize(
    ("flags", "error", "filled"),
    [
        (0, READ, False),
        (A | D, READ, False),
        (P, READ, True),
        (P, WRITE, False),
        (P, USER, False),
        (P | US, USER, True),
        (P | US, USER | WRITE, False),
        (P | RW, WRITE, True),
        (P | RW, WRITE | USER, False),
        (P | RW | US, WRITE | USER, True),
    ],
)
def test_what_is_reflected(machine: Machine, flags: int, error: int, filled: bool) -> None:
    at = machine.map(LOW, ONE, flags)
    assert machine.fault(LOW, error) is filled
    assert bool(entry(machine, at) & A and flags & P) is filled


def test_absent_upper_levels_are_reflected(machine: Machine) -> None:
    assert not machine.fault(0x80000000, READ)
    assert not machine.fault(LOW, WRITE)


@pytest.mark.parametrize("bad", [PSE, LIMIT_FRAME << 12])
def test_a_bad_entry_kills_when_it_is_used(machine: Machine, bad: int) -> None:
    machine.map(LOW, bad)
    with pytest.raises(Killed, match=r"^bad page table entry$"):
        machine.fault(LOW)


def test_a_device_page_is_no_bad_entry(machine: Machine) -> None:
    machine.map(LOW, (LIMIT_FRAME - 1) << 12)
    assert machine.fault(LOW)


def test_bad_directories_kill() -> None:
    machine = Machine(pae=False).init()
    machine.map(LOW, ONE)
    machine.memory.put32(machine.top + 4 * (LOW >> 22), ONE | 7 | PSE)
    with pytest.raises(Killed, match=r"^bad page directory entry$"):
        machine.fault(LOW)
    machine = Machine().init()
    machine.map(LOW, ONE)
    machine.memory.put64(machine.top + 8, machine.memory.u64(machine.top + 8) | RW)
    with pytest.raises(Killed, match=r"^bad page directory entry$"):
        machine.fault(LOW)
    machine = Machine().init()
    machine.map(LOW, ONE)
    middle = machine.memory.u64(machine.top + 8) & ~0xFFF
    machine.memory.put64(middle, 1 << 63 | machine.memory.u64(middle))
    with pytest.raises(Killed, match=r"^bad page middle directory entry$"):
        machine.fault(LOW)


def test_a_directory_is_checked_once(machine: Machine) -> None:
    machine.map(LOW, ONE)
    machine.map(LOW + 0x1000, TWO)
    assert machine.fault(LOW)
    shift, size = (21, 8) if machine.pae else (22, 4)
    table = machine.entry_gpa(LOW) & ~0xFFF
    upper = (machine.memory.u32(machine.top + 8) & ~0xFFF) if machine.pae else machine.top
    at = upper + (LOW >> shift & (511 if machine.pae else 1023)) * size
    assert machine.memory.u32(at) & ~0xFFF == table
    machine.memory.put32(at, table | 7 | PSE)
    assert machine.fault(LOW + 0x1000), "a shadow exists, so the entry is not looked at"


def test_the_way_down_is_that_of_the_guest_s_tables_at_each_fill(machine: Machine) -> None:
    for page, gpa in enumerate((ONE, TWO)):
        machine.map(LOW + 0x1000 * page, gpa)
    assert machine.fault(LOW)
    shift, size = (21, 8) if machine.pae else (22, 4)
    upper = (machine.memory.u32(machine.top + 8) & ~0xFFF) if machine.pae else machine.top
    link = upper + (LOW >> shift & (511 if machine.pae else 1023)) * size
    other = machine.fresh_frame()
    machine.set_entry(other + size, ONE | 7)
    machine.set_entry(link, other | 7)
    assert machine.fault(LOW + 0x1000)
    assert machine.shadow(LOW + 0x1000) & ~0xFFF & 0xFFFFFFFF == ONE
    machine.set_entry(link, 0)
    assert not machine.fault(LOW + 0x1000), "an absent level is reflected, shadow or not"


def test_the_last_entry_of_the_last_page_table_there_is_can_t_be_read(machine: Machine) -> None:
    machine.map(LOW, ONE)
    shift, size, mask = (21, 8, 511) if machine.pae else (22, 4, 1023)
    upper = (machine.memory.u32(machine.top + 8) & ~0xFFF) if machine.pae else machine.top
    last = (LIMIT_FRAME - 1) << 12
    machine.set_entry(upper + (LOW >> shift & mask) * size, last | 7)
    machine.set_entry(last, TWO | 7)
    for _ in range(2):
        assert machine.fault(LOW)
        with pytest.raises(Killed, match=r"^bad read address"):
            machine.fault(LOW + mask * 0x1000)


def test_another_table_in_the_place_of_a_shadow_is_walked_anew(machine: Machine) -> None:
    gva = KERNEL + 0x700000
    machine.map(gva, ONE)
    assert machine.fault(gva)
    top = machine.new_top()
    low = machine.entry_gpa(gva) & ~0xFFF
    shift, size, mask = (21, 8, 511) if machine.pae else (22, 4, 1023)
    fresh = machine.fresh_frame()
    machine.memory.write(fresh, machine.memory.read(low, 0x1000))
    machine.set_entry(fresh + (gva + 0x1000 >> 12 & mask) * size, TWO | 7)
    if machine.pae:
        directory = machine.fresh_frame()
        old = machine.memory.u32(top + 8 * 3) & ~0xFFF
        machine.memory.write(directory, machine.memory.read(old, 0x1000))
        machine.set_entry(directory + (gva >> shift & mask) * size, fresh | 7)
        machine.set_entry(top + 8 * 3, directory | 1)
    else:
        machine.set_entry(top + (gva >> shift & mask) * size, fresh | 7)
    for _ in range(40):  # until chance takes the shadow that knew the first table
        machine.call(Hcall.NEW_PGTABLE, top)
        assert machine.fault(gva + 0x1000)
        assert machine.shadow(gva + 0x1000) & ~0xFFF & 0xFFFFFFFF == TWO
        top, before = machine.new_top(), top
        assert machine.memory.read(top, 0x1000) == machine.memory.read(before, 0x1000)


def test_an_executing_guest_never_sees_a_fill(machine: Machine) -> None:
    guest = Machine(load(LOW + 4) + store(RESULT) + put(LOW + 0x1000, 7) + leave(), pae=machine.pae).init()
    guest.map(LOW, ONE)
    guest.map(LOW + 0x1000, TWO)
    guest.memory.put32(ONE + 4, 0x1234)
    handled = []
    plain = guest.host.traps.handle
    guest.host.traps.handle = lambda trap: handled.append(trap.vector) or plain(trap)  # type: ignore[method-assign]
    assert guest.run().status == 16
    assert guest.words(RESULT, 1) == [0x1234] and guest.words(TWO, 1) == [7]
    assert 14 not in handled, "filled where they were met, without an exit"


def test_the_hole_kills(machine: Machine) -> None:
    hole = 0xFFE00000 if machine.pae else 0xFFC00000
    machine.map(hole, ONE)
    with pytest.raises(Killed, match=r"^attempt to access switcher pages$"):
        machine.fault(hole)
    if not machine.pae:
        assert machine.fault(0xC0000000)


def test_a_table_outside_memory_kills(machine: Machine) -> None:
    machine.call(Hcall.NEW_PGTABLE, 0xF0000000)
    with pytest.raises(Killed, match=r"^bad read address 0xf00"):
        machine.fault(LOW)


def test_the_host_loses_the_upper_part_of_a_table_address() -> None:
    """Its longs have 32 bits. Of the entries it does not check there is one: that of the last GiB."""
    machine = Machine().init()
    at = machine.map(KERNEL + ONE, ONE)
    machine.call(Hcall.FLUSH_TLB, 1)
    last = machine.top + 24
    machine.memory.put64(last, machine.memory.u64(last) | 1 << 32)
    assert machine.fault(KERNEL + ONE)
    assert entry(machine, at) & A


# -- SET_PTE ------------------------------------------------------------------------------------------


def test_set_pte_without_a_shadow_does_nothing(machine: Machine) -> None:
    machine.map(LOW, ONE)
    machine.call(Hcall.SET_PTE, machine.top, LOW, PSE | A | P, 0)
    machine.call(Hcall.SET_PTE, 0x12345000, LOW, PSE | A | P, 0)
    assert machine.shadow(LOW) == 0


def test_set_pte_clears_or_installs(machine: Machine) -> None:
    at = machine.map(LOW, ONE)
    machine.fault(LOW, WRITE)
    machine.call(Hcall.SET_PTE, machine.top, LOW, TWO | P | RW | US, 0)
    assert machine.shadow(LOW) == 0, "no A or D: it is to fault back in"
    machine.call(Hcall.SET_PTE, machine.top, LOW, TWO | P | RW | US | A | D, 0)
    assert machine.shadow(LOW) == TWO | P | RW | US | A | D
    machine.call(Hcall.SET_PTE, machine.top, LOW, TWO | P | US | A | G, 0)
    assert machine.shadow(LOW) == TWO | P | US | A
    assert entry(machine, at) == ONE | P | RW | US | A | D, "the guest's own entry is the guest's affair"


@pytest.mark.parametrize("value", [P | A | PSE, A | LIMIT_FRAME << 12, D | 0xFFFFF000])
def test_set_pte_checks_even_what_is_not_present(machine: Machine, value: int) -> None:
    machine.map(LOW, ONE)
    machine.fault(LOW)
    with pytest.raises(Killed, match="bad page table entry"):
        machine.call(Hcall.SET_PTE, machine.top, LOW, value, 0)


def test_set_pte_high_word_counts_with_pae_only() -> None:
    machine = Machine().init()
    machine.map(LOW, ONE)
    machine.fault(LOW)
    with pytest.raises(Killed, match="bad page table entry"):
        machine.call(Hcall.SET_PTE, machine.top, LOW, ONE | P | A, 1)
    machine.call(Hcall.SET_PTE, machine.top, LOW, ONE | P | A, 1 << 31)
    assert machine.shadow(LOW) == 1 << 63 | ONE | P | A
    machine = Machine(pae=False).init()
    machine.map(LOW, ONE)
    machine.fault(LOW)
    machine.call(Hcall.SET_PTE, machine.top, LOW, ONE | P | A, 1)
    assert machine.shadow(LOW) == ONE | P | A


def test_set_pte_in_the_hole_kills(machine: Machine) -> None:
    with pytest.raises(Killed, match="attempt to access switcher pages"):
        machine.call(Hcall.SET_PTE, machine.top, 0xFFFFF000, 0, 0)


def test_kernel_addresses_change_in_all_shadows(machine: Machine) -> None:
    first, second = machine.top, machine.new_top()
    machine.fault(KERNEL + ONE)
    machine.call(Hcall.NEW_PGTABLE, second)
    machine.fault(KERNEL + ONE)
    machine.call(Hcall.SET_PTE, 0xDEAD000, KERNEL + ONE, 0, 0)
    assert machine.shadow(KERNEL + ONE) == 0
    machine.call(Hcall.NEW_PGTABLE, first)
    assert machine.shadow(KERNEL + ONE) == 0


# -- switching and flushing ---------------------------------------------------------------------------


def test_an_old_shadow_comes_back_as_it_was() -> None:
    machine = Machine(seed=3).init()
    first, second = machine.top, machine.new_top()
    at = machine.map(LOW, ONE)
    machine.fault(LOW)
    machine.call(Hcall.NEW_PGTABLE, second)
    assert machine.shadow(LOW) == 0
    machine.set_entry(at, TWO | 7)
    machine.call(Hcall.NEW_PGTABLE, first)
    if machine.shadow(LOW):
        assert machine.shadow(LOW) & ~0xFFF == ONE, "stale, as the guest did not tell"
    else:
        pytest.fail("seed 3 must not reuse the current shadow")
    machine.call(Hcall.FLUSH_TLB, 0)
    assert machine.shadow(LOW) == 0


def test_a_fifth_space_loses_somebodys_user_part(machine: Machine) -> None:
    tops = [machine.top]
    machine.map(LOW, ONE)
    machine.fault(LOW)
    machine.fault(KERNEL + ONE)
    for _ in range(12):
        tops.append(machine.new_top())
        machine.call(Hcall.NEW_PGTABLE, tops[-1])
        assert machine.shadow(LOW) == 0
    machine.call(Hcall.NEW_PGTABLE, tops[0])
    assert machine.shadow(LOW) == 0
    assert machine.fault(LOW)


def test_flushes(machine: Machine) -> None:
    machine.map(LOW, ONE)
    machine.fault(LOW)
    machine.fault(KERNEL + ONE)
    machine.call(Hcall.FLUSH_TLB, 0)
    assert (machine.shadow(LOW), bool(machine.shadow(KERNEL + ONE))) == (0, True), "the kernel part survives"
    machine.fault(LOW)
    machine.call(Hcall.FLUSH_TLB, 7)
    assert (machine.shadow(LOW), machine.shadow(KERNEL + ONE)) == (0, 0)


def test_set_pgd_drops_one_top_entry(machine: Machine) -> None:
    shift = 30 if machine.pae else 22
    machine.map(LOW, ONE)
    machine.map(2 * LOW, TWO)
    machine.fault(LOW)
    machine.fault(2 * LOW)
    machine.call(Hcall.SET_PGD, 0x5000, LOW >> shift)
    machine.call(Hcall.SET_PGD, machine.top, 3 if machine.pae else 1023)
    machine.call(Hcall.SET_PGD, machine.top, 0xFFFFFFFF)
    assert machine.shadow(LOW) and machine.shadow(2 * LOW)
    machine.call(Hcall.SET_PGD, machine.top, LOW >> shift)
    assert (machine.shadow(LOW), bool(machine.shadow(2 * LOW))) == (0, True)


def test_set_pmd_drops_everything() -> None:
    machine = Machine().init()
    machine.fault(KERNEL + ONE)
    machine.call(Hcall.SET_PMD, 0, 0)
    assert machine.shadow(KERNEL + ONE) == 0


def test_shadow_pages_are_given_back(machine: Machine) -> None:
    pages = machine.host.shadows._pages
    machine.call(Hcall.FLUSH_TLB, 1)
    machine.map(LOW, ONE)
    machine.fault(LOW)
    machine.call(Hcall.FLUSH_TLB, 1)
    free = len(pages._free)
    high = pages._next
    for _ in range(50):
        machine.fault(LOW)
        machine.call(Hcall.FLUSH_TLB, 1)
    assert (len(pages._free), pages._next) == (free, high)


# -- seen by the guest --------------------------------------------------------------------------------


@pytest.mark.parametrize("pae", [True, False])
@pytest.mark.parametrize("told", [False, True])
def test_a_guest_that_forgets_to_tell_reads_the_old_page(pae: bool, told: bool) -> None:
    """The guest maps LOW to ONE, reads, maps it to TWO, perhaps tells, and reads again."""
    scratch = Machine(pae=pae)
    at = scratch.map(LOW, ONE)
    tell = hypercall(Hcall.SET_PTE, scratch.top, LOW, 0, 0) if told else b""
    code = hypercall(Hcall.LGUEST_INIT, DATA)
    code += load(LOW) + store(RESULT)
    code += put(at, TWO | 7) + tell + load(LOW) + store(RESULT + 4) + leave()
    machine = Machine(code, pae=pae)
    machine.prepare()
    assert machine.map(LOW, ONE) == at
    machine.memory.put32(ONE, 0x1111)
    machine.memory.put32(TWO, 0x2222)
    assert machine.run().status == 16
    assert machine.words(RESULT, 2) == [0x1111, 0x2222 if told else 0x1111]


@pytest.mark.parametrize("pae", [True, False])
def test_dirty_appears_at_the_first_write(pae: bool) -> None:
    scratch = Machine(pae=pae)
    at = scratch.map(LOW, ONE)
    code = hypercall(Hcall.LGUEST_INIT, DATA) + load(LOW) + load(at) + store(RESULT)
    code += put(LOW, 7) + load(at) + store(RESULT + 4) + leave()
    machine = Machine(code, pae=pae)
    machine.prepare()
    machine.map(LOW, ONE)
    assert machine.run().status == 16
    assert machine.words(RESULT, 2) == [ONE | 7 | A, ONE | 7 | A | D]
    assert machine.memory.u32(ONE) == 7


def test_the_hosts_pages_can_be_read_but_not_named() -> None:
    """sgdt gives an address in the hole, where the kernel can read its GDT; any other page there kills."""
    base = 0xFFE02000
    code = hypercall(Hcall.LGUEST_INIT, DATA) + load(base + 8 * 12 + 4) + store(RESULT) + load(base + 0x5000)
    machine = Machine(code)
    machine.prepare()
    machine.engine.memory.write(0x300, b"")
    ending = machine.run()
    assert machine.memory.u32(RESULT) & 0xFFF00 == 0xCFBB00 & 0xFFF00
    assert machine.engine.gdtr == (base, 255)
    assert "unhandled trap 14" in ending.reason or "switcher" in ending.reason
    assert machine.engine.eip > CODE


def test_no_execute_is_never_reflected() -> None:
    """The host's fill knows no fetch: the guest faults for ever, and the ending says so."""
    machine = Machine(hypercall(Hcall.LGUEST_INIT, DATA) + b"\xe9" + (LOW - CODE - 17).to_bytes(4, "little"))
    machine.prepare()
    at = machine.map(LOW, ONE)
    machine.memory.put64(at, machine.memory.u64(at) | 1 << 63)
    ending = machine.run(0.1)
    assert "no-execute" in ending.reason and machine.engine.eip == LOW
    assert len([kind for kind, _ in machine.trace.events if kind == "trap"]) == 1
