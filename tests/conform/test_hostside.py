"""What is judged from outside: every shipped ROM keeps it, every line is in its table, and a ROM that does
not is told by the clause, whatever it does to its machine."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmirom.bundle.compose import compose
from vmirom.conform.checks import load_checks
from vmirom.conform.faults import fault_of
from vmirom.conform.faults.routines import type_of
from vmirom.conform.hostside import examiners
from vmirom.conform.hostside.arguments import boundaries, draw, give, named, placed, tame, zeros
from vmirom.conform.hostside.contract import (
    DF,
    IF,
    Processor,
    flag_after,
    wrong_entry,
    wrong_registers,
    wrong_state,
)
from vmirom.conform.hostside.examiners import BEGINNING, EXAMINERS, confirmed, machines
from vmirom.conform.hostside.made import How
from vmirom.conform.hostside.relocation import numbers
from vmirom.conform.hostside.sheet import OutOfTime, Sheet
from vmirom.conform.hostside.slots import contracts
from vmirom.conform.hostside.stand import Stand
from vmirom.conform.model.arena import LINEAR
from vmirom.conform.model.player import Setting
from vmirom.conform.run import guest_image
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.hosts.request import BootRequest
from vmirom.overlays.vmi import Call as Number
from vmirom.overlays.vmi import Reloc
from vmirom.rom.image import load_rom
from vmirom.rom.lock import read_lock
from vmirom.schema.calls import GENERAL, Call, width
from vmirom.schema.clauses import load_clauses

BACKENDS = ("native", "kvm", "xen", "lguest")
CHECKS = load_checks(load_clauses())
CALLS = {call.name: call for call in contracts("3.1")}
ANY = st.sampled_from([call for call in CALLS.values() if call.preserved is not None])
WORDS = st.integers(0, 0xFFFFFFFF)
REGISTERS = st.fixed_dictionaries(dict.fromkeys(GENERAL, WORDS))
ZEROS = dict.fromkeys(GENERAL, 0)
SEGMENTS = (0x68, 0x60, 0x68, 0x68, 0, 0)


def request(backend: str, rom: bytes | None = None, budget: float = 60, seed: int = 1) -> BootRequest:
    data = load_rom(backend).data if rom is None else rom
    bundle = compose(guest_image("player"), data, backend, (3, 1))
    return BootRequest(backend, bundle, budget=budget, options={"seed": seed})


def failed(result: BootResult) -> list[str]:
    return [f"{line}: {result.remarks[line]}" for line in result.transcript if " FAIL " in line]


# -- shipped ROMs -----------------------------------------------------------------------------------------


@pytest.mark.boot
@pytest.mark.parametrize("name", EXAMINERS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_every_shipped_rom_keeps_what_is_looked_at(backend: str, name: str) -> None:
    result = EXAMINERS[name](request(backend), None)
    assert failed(result) == [] and result.outcome is Outcome.SUCCESS, result.reason
    words = [line.split(" ", 2)[2] for line in result.transcript]
    assert words == [check.label for check in CHECKS.guests[name].checks], "and each line is in the table"
    assert all(result.remarks[line] for line in result.transcript if " SKIP " in line)


@pytest.mark.boot
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_rom_says_itself_what_it_has(backend: str) -> None:
    result = EXAMINERS[BEGINNING](request(backend), None)
    shipped = next(one for one in read_lock().roms if (one.backend, one.abi) == (backend, "3.1"))
    assert result.answers == shipped.answers


def test_every_call_has_its_lines() -> None:
    table = CHECKS.guests["hostside-calls"].checks
    kept = {check.name.split()[0] for check in table if check.place in ("slots", "ways")}
    for call in CALLS.values():
        assert call.name in kept, call.name
        if call.stack_bytes and call.name != "IRET":
            mine = next(c for c in table if c.place == "slots" and c.name.startswith(f"{call.name} "))
            assert "VMI-CALL-04" in mine.clauses


def test_both_ages_of_kvm_are_machines() -> None:
    found = machines(request("kvm"))
    assert {one.options["host_era"] for one in found} == {"2008", "2026"}
    assert all(one.rom == load_rom("kvm").data for one in found)


# -- ROMs that do not -------------------------------------------------------------------------------------


def fixed(rom: bytearray) -> bytes:
    rom[-1] = (rom[-1] - sum(rom)) & 0xFF
    return bytes(rom)


def patched(backend: str, name: str, code: str) -> bytes:
    """A ROM whose slot of a call holds other code, of 16 bytes at most; callers come through the slot."""
    rom = bytearray(load_rom(backend).data)
    private = load_rom(backend).private
    assert private is not None
    at = private.slots_offset + private.slot_size * int(Number[name])
    rom[at : at + len(bytes.fromhex(code))] = bytes.fromhex(code)
    if private.fast_offset:
        at = private.fast_offset + 4 * int(Number[name])
        rom[at : at + 4] = bytes(4)
    return fixed(rom)


@pytest.mark.boot
@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("kvm-entry-esi", "ESI leads to a boot info with its magic and its size"),
        ("xen-entry-ds", "CS, SS, DS and ES are flat, of one RPL, 0 or 1"),
        ("lguest-entry-line", "the command line is of the length told, and ends there"),
        (
            "native-entry-rom-writable",
            "the ROM's pages are executable and not writable, and what is no segment's is not executable",
        ),
    ],
)
def test_a_guest_that_is_entered_wrongly(name: str, line: str) -> None:
    fault = fault_of(name)
    result = EXAMINERS[BEGINNING](request(fault.backend, fault.rom()), None)
    assert [one for one in failed(result) if f" FAIL entry: {line}: " in one], failed(result)


@pytest.mark.boot
@pytest.mark.parametrize(
    ("backend", "name", "code", "words"),
    [
        ("native", "CancelAlarm", "31 DB C3", "changes only what it may: EBX"),
        ("native", "CancelAlarm", "C2 04 00", "changes only what it may: ESP is +4 bytes off"),
        pytest.param(
            *("native", "CancelAlarm", "EB FE", "made with nothing special, it did not come back"),
            marks=pytest.mark.slow,
        ),
        ("native", "CancelAlarm", "0F 0B", "made with nothing special, it trapped: vector 6"),
        (
            "native",
            "GetCycleCounter",
            "FF 25 00 00 00 00",
            "changes only what it may: it trapped, by its entry",
        ),
        pytest.param(
            *("xen", "SetCR2", "CD 00 C3", "changes only what it may: it trapped, by its entry"),
            marks=pytest.mark.slow,
        ),
        ("lguest", "OUTW", "40 C3", "changes only what it may: EAX, its argument"),
        ("lguest", "GetTR", "A3 00 00 80 C0 C3", "stores only where it may: 4 bytes"),
    ],
)
def test_a_call_that_breaks_its_contract(backend: str, name: str, code: str, words: str) -> None:
    """A line and a reason with the arguments, and the machine at that moment; other calls are looked at as
    ever."""
    result = EXAMINERS["hostside-calls"](request(backend, patched(backend, name, code), budget=30), None)
    found = failed(result)
    assert any(f": {name} " in line and words in line for line in found), found
    assert result.outcome is Outcome.FAILURE and result.ending == "shutdown"
    assert result.scenes and result.scenes[0].line in result.transcript and result.scenes[0].registers
    others = [line for line in found if name not in line and "counting:" not in line and "Halt" not in line]
    assert others == []


@pytest.mark.boot
@pytest.mark.slow
@pytest.mark.parametrize(
    ("examination", "name", "code", "words"),
    [
        ("clocks", "GetWallclockTime", "31 C0 31 D2 C3", "the wall clock is the host's: -"),
        ("clocks", "GetCycleFrequency", "B8 01 00 00 00 31 D2 C3", "the rate that GetCycleFrequency tells"),
        ("calls", "SetPxELong", "89 01 89 51 04 C3", "half written: 0000000000000067 on the way"),
    ],
)
def test_what_only_the_host_can_see(examination: str, name: str, code: str, words: str) -> None:
    rom = patched("native", name, code)
    found = failed(EXAMINERS[f"hostside-{examination}"](request("native", rom), None))
    assert any(words in line for line in found), found


@pytest.mark.boot
def test_clocks_that_a_rom_does_not_offer_are_none() -> None:
    rom = type_of("WallclockUpdated", int(Reloc.NONE))(load_rom("native").data)
    result = EXAMINERS["hostside-clocks"](request("native", rom), None)
    assert result.outcome is Outcome.SUCCESS
    assert set(result.remarks.values()) == {"get_reloc names no entry for WallclockUpdated"}


@pytest.mark.boot
def test_a_store_to_the_rom_itself_is_told_apart() -> None:
    """The page tables refuse it: the call is to blame, and so is the ROM."""
    rom = patched("native", "GetCycleCounter", "A3 00 00 0C C0 C3")
    found = failed(EXAMINERS["hostside-calls"](request("native", rom), None))
    assert any("slots: GetCycleCounter" in line and "vector 14, error 3" in line for line in found), found
    assert any("stores: the ROM stores nothing in its own image" in line for line in found), found


@pytest.mark.boot
def test_get_reloc_into_nowhere_and_vmi_init_that_never_ends() -> None:
    rom = bytearray(load_rom("native").data)
    rom[0x88:0x90] = b"\xb8\x00\x00\x00\xee\xb2\x01\xc3"  # EE000000h, CALL_REL, for every number
    result = EXAMINERS[BEGINNING](request("native", fixed(rom)), None)
    found = failed(result)
    assert any("CALL_REL and JUMP_REL name an address inside the ROM" in line for line in found)
    assert any("a number beyond the list is NONE" in line for line in found)
    assert result.answers is None, "where get_reloc lies nobody asks GetCallInfo"
    rom = bytearray(load_rom("native").data)
    rom[0x80:0x82] = b"\xeb\xfe"
    result = EXAMINERS[BEGINNING](request("native", fixed(rom), budget=3), None)
    assert any("vmi_init comes back to its caller: it did not come back" in line for line in failed(result))
    last = result.transcript[-1]
    assert last.endswith("FAIL init: vmi_init comes back to its caller"), "nothing else can be known"


@pytest.mark.boot
@pytest.mark.slow
def test_a_relocation_of_no_known_type_is_a_failure_and_hides_nothing() -> None:
    """A slot that native leaves empty answers as get_reloc does, but with type 7 each time."""
    rom = bytearray(load_rom("native").data)
    private = load_rom("native").private
    assert private is not None
    at = private.slots_offset + private.slot_size * int(Number.SetGDT)
    assert rom[at : at + 2] == b"\x0f\x0b"
    was = 0x8D + int.from_bytes(rom[0x89:0x8D], "little", signed=True)
    rom[at : at + 8] = b"\xe8" + (was - at - 5).to_bytes(4, "little", signed=True) + b"\xb2\x07\xc3"
    rom[0x89:0x8D] = (at - 0x8D).to_bytes(4, "little", signed=True)
    spoilt = request("native", fixed(rom))
    assert any("each type is NONE, CALL_REL" in line for line in failed(EXAMINERS[BEGINNING](spoilt, None)))
    for name in ("hostside-calls", "hostside-hypercalls"):
        result = EXAMINERS[name](spoilt, None)
        assert result.outcome is not Outcome.ERROR, result.reason


def test_a_fault_of_ours_is_an_error_that_names_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("on\npurpose")

    monkeypatch.setattr(examiners, "examine_beginning", broken)
    result = EXAMINERS[BEGINNING](request("native"), None)
    assert result.outcome is Outcome.ERROR
    assert result.reason.startswith("a fault of vmirom itself: ZeroDivisionError at test_hostside.py:")
    assert result.reason.endswith(": on purpose")


@pytest.mark.boot
def test_a_rom_that_says_that_it_failed_is_an_error_and_no_failure() -> None:
    rom = bytearray(load_rom("xen").data)
    rom[0x80:0x86] = b"\x83\xc8\xff\xc3\x90\x90"  # or eax, -1; ret
    result = EXAMINERS[BEGINNING](request("xen", fixed(rom)), None)
    assert result.outcome is Outcome.ERROR and "vmi_init answers FFFFFFFF" in result.reason
    assert failed(result) == []


@pytest.mark.boot
def test_the_time_ends_an_examination(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the third look at the clock, whatever the machine's speed."""
    looks = itertools.count(1)

    def look(_: Sheet) -> None:
        if next(looks) >= 3:
            raise OutOfTime

    monkeypatch.setattr(Sheet, "check_time", look)
    result = EXAMINERS["hostside-calls"](request("lguest"), None)
    assert result.outcome is Outcome.FAILURE and result.ending == "budget"
    assert result.reason.startswith("not through within ")


def test_a_bundle_that_is_none_is_an_error() -> None:
    result = EXAMINERS[BEGINNING](BootRequest("native", b"nothing"), None)
    assert result.outcome is Outcome.ERROR and result.reason


# -- what it is made of -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    made = Stand(Setting("lguest"))
    made.settle()
    yield made
    made.close()


@pytest.mark.boot
def test_stores_and_exits_of_a_call_are_seen(stand: Stand) -> None:
    eip = stand.entry("GetRomInfo")
    assert eip is not None
    stand.watch_stores()
    made = stand.call(eip, {"EAX": stand.places.target, "EDX": 12})
    assert made.how is How.RETURNED and made["EAX"] == 44 and made.exits == 0
    target = stand.places.target - LINEAR
    assert {one.gpa for one in made.stores if one.gpa and target <= one.gpa < target + 44} == set(
        range(target, target + 12)
    )
    flush = stand.entry("FlushTLB")
    assert flush is not None and stand.call(flush, {"EAX": 3}).exits == 1


@pytest.mark.boot
def test_memory_is_the_guests(stand: Stand) -> None:
    stand.put(LINEAR + 0x700FFC, b"12345678")  # over the end of a page
    assert stand.get(LINEAR + 0x700FFC, 8) == b"12345678"


@given(call=ANY, before=REGISTERS, flags=st.integers(0, 0xFFF))
def test_a_call_that_changes_nothing_breaks_nothing(call: Call, before: dict[str, int], flags: int) -> None:
    now = Processor(before, 0x1000, flags, SEGMENTS)
    assert [*wrong_registers(call, now, now), *wrong_state(call, now, now), *wrong_entry(now, now)] == []


@given(call=ANY, before=REGISTERS, data=st.data())
def test_each_change_that_is_not_declared_is_told(
    call: Call, before: dict[str, int], data: st.DataObject
) -> None:
    was = Processor(before, 0x1000, 2, SEGMENTS)
    name = data.draw(st.sampled_from(GENERAL))
    other = {**before, name: before[name] ^ data.draw(st.integers(1, 0xFFFFFFFF))}
    wrong = list(wrong_registers(call, was, replace(was, general=other)))
    assert bool(wrong) == (name in (call.preserved or ())) and all(name in one for one in wrong)
    off = data.draw(st.integers(-64, 64).filter(bool))
    assert any("ESP" in one for one in wrong_registers(call, was, replace(was, esp=0x1000 + off)))
    told = list(wrong_registers(call, was, replace(was, eflags=2 | 0x40)))
    assert bool(told) == ("flags" not in (call.clobbers or ()))
    for bit in (DF, 0x4000, 0x40000):
        assert list(wrong_state(call, was, replace(was, eflags=2 | bit)))
    at = data.draw(st.integers(0, 5))
    moved = tuple(s ^ 8 if n == at else s for n, s in enumerate(SEGMENTS))
    assert len(list(wrong_state(call, was, replace(was, segments=moved)))) == 1


def test_only_calls_about_the_flag_change_it() -> None:
    for call in CALLS.values():
        for enabled in (False, True):
            for mask in (0, IF, 0xFFFFFFFF):
                wanted = {"EnableInterrupts": True, "DisableInterrupts": False, "Halt": True}.get(
                    call.name, enabled
                )
                if call.name == "SetInterruptMask":
                    wanted = bool(mask & IF)
                assert flag_after(call, enabled, {"mask": mask}) is wanted


@given(call=ANY, seed=st.integers(0, 1 << 32))
def test_the_same_seed_draws_the_same(call: Call, seed: int) -> None:
    first, again = (draw(call, random.Random(seed)) for _ in range(2))
    assert first == again and first.keys() == zeros(call).keys()
    for argument in call.arguments or ():
        assert 0 <= first[argument.name] < 1 << width(argument.type)
        assert {0, (1 << width(argument.type)) - 1} <= set(boundaries(call, argument.name))


@pytest.mark.boot
@given(call=ANY, seed=st.integers(0, 1 << 32))
def test_what_is_given_leaves_the_machine_one_in_which_calls_can_be_made(
    stand: Stand, call: Call, seed: int
) -> None:
    places = stand.places
    values = give(call, tame(call, draw(call, random.Random(seed)), places.reserved), places, stand.put)
    given_ = placed(call, values)
    assert len(given_.stack) * 4 == call.stack_bytes
    assert all(0 <= word <= 0xFFFFFFFF for word in (*given_.registers.values(), *given_.stack))
    for span in named(call, values):
        if call.name != "SetCounters":
            assert places.operand & ~0xFFF <= span.start and span.start + span.length <= places.entry + 0x800
    if call.name.startswith("OUT"):
        assert not {0x20, 0x21, 0xA0, 0xA1, 0x501} & set(
            range(values["port"] & 0xFFFF, (values["port"] & 0xFFFF) + 4)
        )
    assert values.get("pfn") not in places.reserved


def test_get_reloc_is_asked_for_every_kind_of_number() -> None:
    asked = set(numbers(1))
    assert set(range(len(Number) + 8)) | {0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x10000} <= asked
    assert numbers(1) == numbers(1) != numbers(2)


def test_a_sheet() -> None:
    sheet = Sheet(BootRequest("xen", b"", budget=5), 7)
    sheet.passed("slots", "a")
    sheet.failed("slots", "b", ["one", "two", "three", "four"])
    sheet.skipped("slots", "c", "native")
    sheet.judge("slots", "d", [])
    result = sheet.result()
    assert result.transcript == ("1 ok slots: a", "2 FAIL slots: b", "3 SKIP slots: c", "4 ok slots: d")
    assert result.remarks["2 FAIL slots: b"] == "one; two; three; 4 in all"
    assert result.remarks["3 SKIP slots: c"] == "native"
    assert result.outcome is Outcome.FAILURE and result.reason.endswith("seed 7")
    sheet.begun -= 6
    with pytest.raises(OutOfTime):
        sheet.check_time()


def test_what_is_wrong_must_be_so_twice() -> None:
    def result(*lines: str, outcome: Outcome = Outcome.FAILURE) -> BootResult:
        numbered = tuple(f"{n} {line}" for n, line in enumerate(lines, 1))
        return BootResult(
            "xen", outcome, "r", numbered, remarks=dict.fromkeys(numbered, "why"), ending="shutdown"
        )

    first = result("FAIL slots: a", "FAIL slots: b", "ok slots: c")
    both = confirmed(first, result("FAIL slots: a", "ok slots: b", "FAIL slots: c"))
    assert both.transcript == ("1 FAIL slots: a", "2 ok slots: b", "3 ok slots: c")
    assert both.outcome is Outcome.FAILURE and both.remarks["3 ok slots: c"] == "seen once, not again: why"
    none = confirmed(first, result("ok slots: a", "ok slots: b", "FAIL slots: c"))
    assert none.outcome is Outcome.SUCCESS and not any(" FAIL " in line for line in none.transcript)
    died = replace(first, outcome=Outcome.CRASH, transcript=())
    assert confirmed(died, died).outcome is Outcome.CRASH and confirmed(first, died).outcome is Outcome.CRASH
    fine = result("ok slots: a", outcome=Outcome.SUCCESS)
    assert confirmed(died, fine) == fine
