"""What the ROM stores while a guest boots: nothing where it may not, in any boot of a shipped ROM; and one
that does is told, though no guest sees it and no call leads there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rom.test_classic import classic
from vmirom.bundle.compose import compose
from vmirom.conform.checks import load_checks
from vmirom.conform.faults import fault_of
from vmirom.conform.faults.rom_boot import FAULTS
from vmirom.conform.hostside.activations import STACK_DEPTH, Activation, Activations
from vmirom.conform.hostside.arguments import placed, values_of
from vmirom.conform.hostside.boots import WATCHED, watched_boot
from vmirom.conform.hostside.bootwatch import ITSELF, STRAYS, BootWatch
from vmirom.conform.hostside.slots import contracts
from vmirom.conform.run import guest_image, plan
from vmirom.conform.suite import load_suite
from vmirom.hosts.embedded import Machine
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.hosts.request import BootRequest
from vmirom.rom.image import load_rom
from vmirom.schema.calls import GENERAL, Call, width
from vmirom.schema.clauses import load_clauses

BACKENDS = ("native", "kvm", "xen", "lguest")
CHECKS = load_checks(load_clauses())
GUESTS = tuple(sorted({table.image for table in CHECKS.guests.values() if not table.outside}))
CALLS = {call.name: call for call in contracts("3.1")}
WORDS = st.integers(0, 0xFFFFFFFF)


def booted(backend: str, guest: str, rom: bytes | None = None, **options: str) -> BootResult:
    data = load_rom(backend).data if rom is None else rom
    bundle = compose(guest_image(guest), data, backend, (3, 1))
    return watched_boot(BootRequest(backend, bundle, options={"clock": "virtual", **options}))


def told(result: BootResult) -> list[str]:
    """What was seen beside the guest's own lines."""
    return [line.split(" ", 1)[1] for line in result.transcript if line.endswith(WATCHED)]


FINE = [f"ok {STRAYS}", f"ok {ITSELF}"]


@pytest.mark.boot
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_shipped_rom_stores_only_where_it_may(backend: str) -> None:
    result = booted(backend, "conform-calls")
    assert told(result) == FINE, result.remarks
    assert result.outcome is Outcome.SUCCESS


@pytest.mark.boot
@pytest.mark.parametrize("backend", ["native", "xen"])
def test_so_it_does_in_virtual_time(backend: str) -> None:
    """Where the engine tells of calls first, and then of crossings."""
    result = booted(backend, "conform-traps", clock="virtual")
    assert told(result) == FINE, result.remarks


@pytest.mark.boot
@pytest.mark.slow
@pytest.mark.parametrize("guest", GUESTS)
@pytest.mark.parametrize(
    ("backend", "options"),
    [
        ("native", {}),
        ("kvm", {"host_era": "2008"}),
        ("kvm", {"host_era": "2026"}),
        ("xen", {}),
        ("lguest", {}),
    ],
)
def test_so_it_does_under_every_guest(backend: str, options: dict[str, str], guest: str) -> None:
    result = booted(backend, guest, **options)
    assert told(result) == FINE, result.remarks


@pytest.mark.boot
@pytest.mark.slow
@pytest.mark.toolchain
@pytest.mark.parametrize("abi", ["3.0", "3.1"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_so_it_does_under_a_guest_of_3_0(backend: str, abi: str) -> None:
    """In the ROMs of both versions; such a guest knows a ROM by the header alone."""
    bundle = compose(classic("zig"), load_rom(backend, abi).data, backend, (3, int(abi[2])))
    result = watched_boot(BootRequest(backend, bundle))
    assert told(result) == FINE, result.remarks
    assert result.outcome is Outcome.SUCCESS


def test_the_table_has_the_lines() -> None:
    assert [check.label for check in CHECKS.guests["reference"].beside] == list(WATCHED)


def test_the_reference_guest_is_looked_at_in_every_run() -> None:
    suite = load_suite("3.1")
    boots = plan(suite, [("xen", "embedded")])
    assert [boot.guest for boot in boots if boot.request.by is watched_boot] == ["reference"]
    selected = plan(load_suite("3.1", ["VMI-ROM-19"]), [("xen", "embedded")])
    assert [boot.guest for boot in selected] == ["reference"]


@pytest.mark.boot
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(fault.id, marks=[] if fault.id == "lguest-boot-interrupt-stores" else [pytest.mark.slow])
        for fault in FAULTS
    ],
)
def test_a_store_of_a_handler_is_told_by_this_alone(name: str) -> None:
    """With the place in the ROM, and the machine at that moment."""
    fault = fault_of(name)
    result = booted(fault.backend, "reference", fault.rom())
    failed = [line for line in result.transcript if " FAIL " in line]
    assert [line.split(" ", 2)[2] for line in failed] == [STRAYS]
    assert "4 bytes, 12345678, to gpa 800000" in result.remarks[failed[0]]
    (scene,) = result.scenes
    assert scene.line == failed[0] and scene.registers


@pytest.mark.boot
def test_a_guest_that_fails_is_booted_again_with_nobody_looking() -> None:
    """And what it prints then counts; what was seen stays."""
    bundle = compose(guest_image("conform-ends"), load_rom("native").data, "native", (3, 1))
    result = watched_boot(BootRequest("native", bundle, command_line="way=failure"))
    assert result.outcome is Outcome.FAILURE and told(result) == FINE


@pytest.mark.boot
@pytest.mark.parametrize(("times", "told"), [(1, False), (2, True)])
def test_what_is_wrong_is_wrong_twice(times: int, told: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the host's time one store's stack can be taken for another's."""
    found = iter([*[["4 bytes, 0, to gpa 1000"]] * times, []])
    made = BootWatch.__init__

    def once_wrong(watch: BootWatch, machine: Machine) -> None:
        made(watch, machine)
        watch.strays.extend(next(found))

    monkeypatch.setattr(BootWatch, "__init__", once_wrong)
    bundle = compose(guest_image("conform-ends"), load_rom("native").data, "native", (3, 1))
    lines = watched_boot(BootRequest("native", bundle, command_line="way=success")).transcript
    assert sum(STRAYS in line for line in lines) == 1
    assert any("FAIL" in line and STRAYS in line for line in lines) == told


def test_a_guest_that_never_said_a_word_gets_no_lines() -> None:
    """So that whoever judges sees that vmi_init was not come through."""
    rom = bytearray(load_rom("native").data)
    rom[0x80:0x86] = b"\x83\xc8\xff\xc3\x90\x90"  # or eax, -1; ret
    rom[-1] = (rom[-1] - sum(rom)) & 0xFF
    result = booted("native", "reference", bytes(rom))
    assert result.outcome is Outcome.ERROR and result.transcript == ()


def test_a_bundle_that_is_none_is_an_error() -> None:
    result = watched_boot(BootRequest("native", b"nothing"))
    assert result.outcome is Outcome.ERROR and result.transcript == ()


# -- whose stack it is ------------------------------------------------------------------------------------


def test_a_call_has_its_return_address_its_arguments_and_what_lies_below() -> None:
    call = CALLS["SetPxELong"]
    low, high = Activation(0, 0x1000, call=call).stack
    assert (low, high) == (0x1000 - STACK_DEPTH, 0x1004 + call.stack_bytes)


def test_what_a_handler_interrupted_goes_on() -> None:
    """Halt is entered, an interrupt leads to the guest's handler, and its IRET back into the middle."""
    entries = Activations()
    halt, iret = Activation(1, 0x2000, call=CALLS["Halt"]), Activation(2, 0x1FD0, call=CALLS["IRET"])
    entries.entered(halt)
    entries.left(0x1FC0)
    entries.entered(iret)
    assert list(entries.possible(0x1FC8)) == [iret], "it has not given its stack back"
    assert list(entries.possible(0x1FDC)) == [iret, halt]
    entries.left(0x2004)
    entries.entered(replace(halt, eip=3))
    assert halt not in list(entries.possible(0x1FF0)), "a call is nothing that goes on"


def test_a_trap_from_user_code_begins_on_the_stack_that_was_named() -> None:
    entries = Activations()
    iret = Activation(2, 0x1FD0, call=CALLS["IRET"])
    entries.user_stack(0x9000)
    entries.entered(iret)
    found = list(entries.possible(0x8F00))
    assert found[0] is iret and found[1].stack == (found[1].esp - STACK_DEPTH, 0x9000)
    assert list(entries.possible(0x9100)) == [iret]


@given(below=st.lists(st.integers(0x100, 0x1F00), min_size=1, max_size=80))
def test_what_waits_is_bounded_and_the_last_comes_first(below: list[int]) -> None:
    entries = Activations()
    for at in below:
        entries.entered(Activation(at, 0x2000))
        entries.left(at)
    entries.entered(Activation(0, 0x50))
    found = [one.eip for one in entries.possible(0x2000)]
    assert found[0] == 0 and found[1:] == list(reversed(below[-32:]))


@given(call=st.sampled_from(sorted(CALLS.values(), key=lambda one: one.number)), data=st.data())
def test_what_a_call_was_given_is_found_where_it_was_placed(call: Call, data: st.DataObject) -> None:
    values = {a.name: data.draw(st.integers(0, (1 << width(a.type)) - 1)) for a in call.arguments or ()}
    given_ = placed(call, values)
    registers = dict.fromkeys(GENERAL, 0) | dict(given_.registers)
    assert values_of(call, registers, given_.stack) == values
