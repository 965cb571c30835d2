"""The checks bite: seeded faults of ROMs and hypervisors are caught, and nothing where there is none."""

from __future__ import annotations

import json
import struct
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from vmirom.cli.main import cli
from vmirom.conform.faults import CantApply, Fault, Where, all_faults, applied, fault_of
from vmirom.conform.faults.by_clause import proofs, unbroken
from vmirom.conform.faults.fault import HostPatch
from vmirom.conform.faults.judging import CONTROLS, Catch, Found, Means, control, judged, names
from vmirom.conform.faults.listed import checked
from vmirom.conform.faults.routines import around, before, byte_of, exchange, instead, rewritten, type_of
from vmirom.conform.faults.trying import try_all
from vmirom.conform.run import plan
from vmirom.conform.suite import load_suite
from vmirom.hypervisors.xen.traps import Traps
from vmirom.overlays.vmi import Call as Number
from vmirom.overlays.vmi import Layout, Reloc
from vmirom.report.faults import clause_lines, fault_lines, fault_report
from vmirom.rom.image import load_rom, parse_rom
from vmirom.schema import AbiError
from vmirom.schema.clauses import load_clauses

QUICK = (
    "native-halt-at-once",
    "kvm-wallclock-a-year-on",
    "xen-enable-delivers-nothing",
    "lguest-host-bits-lost",
    *(
        pytest.param(name, marks=pytest.mark.slow)
        for name in (
            "lguest-batch-forgotten",
            "native-host-frame-if-clear",
            "kvm-host-clock-half",
            "xen-host-no-execute-lost",
        )
    ),
)
OUTSIDE_QUICK = ("native-outside-stray-store",)
OUTSIDE = tuple(fault.id for fault in all_faults() if "-outside-" in fault.id)


@pytest.mark.boot
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in OUTSIDE_QUICK else pytest.mark.slow) for name in OUTSIDE[::3]],
)
def test_what_a_guest_hardly_sees_is_seen_from_outside(name: str) -> None:
    """By calls from outside alone; all faults together are tried by the second stage."""
    fault = fault_of(name)
    suite = load_suite("3.1")
    boots = plan(suite, [(fault.backend, "embedded")], rom=fault.rom(), budget=30)
    results = {
        boot.guest: boot.request.by(boot.request, None) for boot in boots if boot.request.by is not None
    }
    assert any(" FAIL " in line for result in results.values() for line in result.transcript), name


def test_there_are_enough_of_every_kind() -> None:
    places = Counter((fault.backend, fault.where) for fault in all_faults())
    assert len(all_faults()) >= 60
    for backend in ("native", "kvm", "xen", "lguest"):
        for where in Where:
            assert places[backend, where] >= 4, (backend, where)
    assert len({area for fault in all_faults() for area in fault.areas}) >= 8
    assert all(fault.sentence and fault.id.startswith(f"{fault.backend}-") for fault in all_faults())


@pytest.mark.parametrize("fault", all_faults(), ids=lambda fault: fault.id)
def test_every_fault_can_be_put_in_and_taken_out(fault: Fault) -> None:
    shipped = load_rom(fault.backend, fault.abi).data
    if isinstance(fault.patch, HostPatch):
        assert fault.rom() == shipped
        with applied(fault):
            pass
    else:
        rom = fault.rom()
        assert rom != shipped and len(rom) == len(shipped)
        if "checksum" not in fault.id:
            assert sum(rom) & 0xFF == 0


@pytest.mark.boot
@pytest.mark.parametrize("name", QUICK)
def test_a_few_are_caught(name: str) -> None:
    found = judged(fault_of(name), every=False)
    assert found.rightly, found


@pytest.mark.boot
@pytest.mark.slow
@pytest.mark.parametrize("name", CONTROLS)
def test_nothing_is_caught_where_there_is_no_fault(name: str) -> None:
    assert control(name).catches == ()


@pytest.mark.boot
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_all_are_caught_and_show_every_clause() -> None:
    """Each by a check of a clause that it breaks; and what a conform run judges is shown to be judged, but
    for clauses that no patch can break."""
    found = try_all(names(()))
    assert [one.id for one in found if not one.caught] == []
    assert [(one.id, one.breaks) for one in found if not one.rightly] == []
    suite = load_suite("3.1")
    told = proofs(suite, all_faults(), found, unbroken(suite.clauses))
    assert [one.clause for one in told if one.open] == []
    assert [one.clause for one in told if one.shown_by and one.reason] == []


def test_every_clause_that_is_judged_is_broken_by_a_fault_or_says_why_not() -> None:
    suite = load_suite("3.1")
    reasons = unbroken(suite.clauses)
    told = proofs(suite, all_faults(), (), reasons)
    assert [one.clause for one in told if one.checks and not (one.broken_by or one.reason)] == []
    assert [one.clause for one in told if one.reason and (one.broken_by or not one.checks)] == []
    assert reasons.keys() <= {one.clause for one in told}


def test_clauses_are_told_by_what_made_their_checks_fail() -> None:
    suite = load_suite("3.1", ["IRQ"])
    faults = [fault_of("xen-enable-delivers-nothing"), fault_of("xen-disable-lost")]
    waits = Catch(Means.GUEST, "interrupts: EnableInterrupts delivers it", "no", ("VMI-IRQ-03", "VMI-IRQ-06"))
    found = [
        Found(faults[0].id, (waits,), 1.0, breaks=faults[0].breaks),
        Found(faults[1].id, (waits,), 1.0, breaks=faults[1].breaks),
        Found("xen-clts-lost", (waits,), 1.0, "the process that tried it died", ("VMI-IRQ-06",)),
    ]
    assert [one.rightly for one in found] == [True, False, False]
    told = {one.clause: one for one in proofs(suite, faults, found, {"VMI-IRQ-01": "nothing does"})}
    assert told["VMI-IRQ-03"].shown_by == (faults[0].id,)
    assert told["VMI-IRQ-03"].failed_by == (faults[0].id, faults[1].id, "xen-clts-lost")
    assert told["VMI-IRQ-02"].broken_by == (faults[1].id,) and told["VMI-IRQ-02"].open
    assert not told["VMI-IRQ-01"].open and not told["VMI-IRQ-01"].proven
    assert told["VMI-IRQ-13"].proven and not told["VMI-IRQ-13"].checks


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('VMI-NONE-01 = "x"', "VMI-NONE-01: no such clause"),
        ('VMI-IRQ-01 = " "', "VMI-IRQ-01: not a reason in words"),
        ("VMI-IRQ-01 = 3", "VMI-IRQ-01: not a reason in words"),
        ("=", "Invalid"),
    ],
)
def test_a_reason_is_one_in_words_for_a_clause(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "unbroken.toml"
    file.write_text(text)
    with pytest.raises(AbiError, match=told):
        unbroken(load_clauses(), file)


@pytest.mark.parametrize(
    ("breaks", "told"),
    [((), "x: breaks no clause"), (("VMI-IRQ-99",), "no clause is called 'VMI-IRQ-99'")],
)
def test_a_fault_breaks_declared_clauses(breaks: tuple[str, ...], told: str) -> None:
    with pytest.raises(AbiError, match=told):
        checked([Fault("x", "x", "native", breaks, byte_of(0, 0))], load_clauses())
    fault = Fault("x", "x", "native", ("VMI-IRQ-01", "VMI-DT-01", "VMI-IRQ-02"), byte_of(0, 0))
    assert fault.areas == ("IRQ", "DT") and checked([fault], load_clauses()) == (fault,)
    with pytest.raises(AbiError, match="x: there are two of that name"):
        checked([fault, fault], load_clauses())


def test_a_hypervisor_is_whole_again_afterwards() -> None:
    before_it = vars(Traps)["iret"]
    with pytest.raises(ZeroDivisionError), applied(fault_of("xen-host-iret-stays-masked")):
        assert vars(Traps)["iret"] is not before_it
        raise ZeroDivisionError
    assert vars(Traps)["iret"] is before_it


@pytest.mark.parametrize(
    "target",
    [
        "hypervisors.xen.traps:Traps.no_such",
        "hypervisors.xen.nowhere:Traps.iret",
        "hypervisors.xen.traps:No.iret",
    ],
)
def test_what_is_not_there_is_an_error_and_never_caught(target: str) -> None:
    fault = Fault("x", "x", "xen", ("VMI-IRQ-01",), HostPatch(target, lambda original: original))
    with pytest.raises(CantApply, match="is not there"), applied(fault):
        pass
    found = judged(fault, every=False)
    assert not found.caught and "is not there" in found.problem


@pytest.mark.parametrize(
    "patch",
    [
        instead("CPUID"),
        before("MachineToPhysical", "90"),
        exchange("SetIDT", "hlt", "90"),
        around("GetIDT", "90" * 40),
        exchange("GetInterruptMask", ".*", "90", 10_000),
        rewritten("90 90", "CC CC"),
        rewritten("01 02 03 04 05 06 07 08", "01"),
    ],
)
def test_a_rom_that_is_not_as_it_was_is_an_error(patch: Any) -> None:
    with pytest.raises(CantApply):
        patch(load_rom("native").data)


def test_a_patch_can_call_what_else_the_rom_has() -> None:
    image = load_rom("lguest")
    assert image.private is not None
    slot = image.private.slots_offset + image.private.slot_size * int(Number.CancelAlarm)
    address = struct.pack("<I", int(Layout.LINEAR_BASE) + image.private.rom_gpa + slot)
    patched, plain = (
        before("SetAlarm", f"B9 {word} FF D1")(image.data) for word in ("{CancelAlarm}", address.hex())
    )
    assert patched == plain and address in patched


def test_a_patch_that_changes_nothing_is_an_error() -> None:
    last = load_rom("native").data[0]
    with pytest.raises(CantApply, match="changes nothing"):
        Fault("x", "x", "native", ("VMI-ROM-01",), byte_of(0, last)).rom()


def test_types_are_found_by_what_the_slots_say() -> None:
    for backend in ("native", "kvm", "xen", "lguest"):
        rom = load_rom(backend).data
        changed = type_of("IRET", int(Reloc.NOP))(rom)
        different = [n for n, (one, other) in enumerate(zip(rom, changed, strict=True)) if one != other]
        assert len(different) == 2 and rom[different[0]] == Reloc.JUMP_REL  # and the checksum
        assert parse_rom(changed).private is not None


def test_what_is_told_of_a_run() -> None:
    found = [
        judged(fault_of("native-checksum"), every=False),
        Found("xen-clts-lost", (), 1.0),
        Found("xen-space-kept", (), 1.0, "the process that tried it died"),
        Found("native", (), 1.0),
    ]
    report = fault_report(found, load_suite("3.1", ["VMI-ROM-03", "VMI-ROM-04"]))
    assert (report.caught, report.missed, report.wrongly, report.good) == (1, 2, 0, False)
    told = clause_lines(report)
    assert "    shown by native-checksum" in told and "    checked by image: checksum" in told
    assert told[-2] == "no fault has made them fail: VMI-ROM-04"
    assert told[-1] == "no fault that breaks them is caught by a check of theirs: VMI-ROM-04"
    lines = fault_lines(report, verbose=True)
    assert lines[0].startswith("caught native-checksum") and "rules: checksum" in lines[0]
    assert any(line.startswith("MISSED xen-clts-lost") for line in lines)
    assert any(line.startswith("error  xen-space-kept") and "died" in line for line in lines)
    assert "without a fault, native: clean" in lines
    assert lines[-1].startswith("3 faults") and lines[-1].endswith("2 not")
    assert found[0].catches[0].means is Means.RULES


def run(*arguments: str) -> Any:
    return CliRunner().invoke(cli, ["faults", *arguments])


def test_the_command_lists_and_refuses() -> None:
    result = run("--list", "--select", "xen-host")
    assert result.exit_code == 0 and "xen-host-ldt-ignored" in result.output
    assert "lguest" not in result.output
    by_clause = run("--list", "--select", "VMI-IRQ-17").output
    assert "xen-outside-flag-asks" in by_clause and "[VMI-IRQ-17]" in by_clause
    assert run("--select", "nothing-of-that-name").exit_code == 2


@pytest.mark.boot
@pytest.mark.slow
def test_the_command_tries_and_tells() -> None:
    report = json.loads(run("--select", "native-checksum", "--clauses", "--json", "--jobs", "2").output)
    assert report["caught"] == 1 and report["missed"] == report["wrongly"] == 0
    assert [(row["id"], row["shown_by"]) for row in report["clauses"]] == [
        ("VMI-ROM-03", ["native-checksum"])
    ]
    assert set(report["controls"]) == set(CONTROLS) and not any(report["controls"].values())
    assert report["faults"][0]["catches"][0]["means"] == "rules"
