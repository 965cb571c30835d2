"""May it run? Predictions from declarations, held against boots of every cell."""

import importlib
import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from vmirom.bundle.compose import compose
from vmirom.bundle.guest import read_guest
from vmirom.bundle.refused import GuestError
from vmirom.cli.boot import HOST_ERAS
from vmirom.cli.main import cli
from vmirom.compat.diff import diff
from vmirom.compat.findings import Breaks, Severity
from vmirom.compat.load import from_tree
from vmirom.compat.matrix import NEEDS, Era, Need, Verdict, eras, matrix, observe, predict
from vmirom.compat.matrix.eras import NOTES, SECTION
from vmirom.compat.matrix.observe import guest_for
from vmirom.hosts.backends import backend_names
from vmirom.hosts.outcomes import Outcome
from vmirom.hosts.request import BootRequest
from vmirom.hosts.workers import boot_all
from vmirom.overlays import kvm, lguest, xen
from vmirom.rom.errors import ToolchainMissing
from vmirom.rom.image import load_rom
from vmirom.schema.tree import load_abi

TREE = load_abi()
OLD, NEW = from_tree("vmi3", "3.0"), from_tree("vmi3", "3.1")
ERAS = {era.title: era for era in eras()}


def test_every_backend_has_its_ages() -> None:
    assert {era.backend for era in eras()} == set(backend_names())
    assert set(NEEDS) == set(backend_names())
    wanted = {"kvm 2008", "kvm 2026", "xen 3.0", "xen 4.17", "lguest 2.6.32", "lguest 2.6.35"}
    assert set(ERAS) == wanted | {"native PC"}
    assert {"MMU_OP"} <= ERAS["kvm 2008"].offers and "MMU_OP" not in ERAS["kvm 2026"].offers
    missing = ERAS["xen 4.17"].offers - ERAS["xen 3.0"].offers
    assert missing >= {"SCHED_OP", "EVENT_CHANNEL_OP", "PHYSDEV_OP", "CALLBACK_OP"}


def test_needs_name_what_exists() -> None:
    known = {
        "kvm": {feature.name for feature in kvm.Feature},
        "xen": {call.name for call in xen.Hypercall} | {NOTES, SECTION},
        "lguest": {call.name for call in lguest.Hcall},
        "native": set(),
    }
    for backend, needs in NEEDS.items():
        for need in needs:
            assert need.purpose and need.forms and set(need.forms) <= known[backend], need


# -- predictions ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("guest", "rom", "reason"),
    [
        (("vmi3", "3.1"), ("vmi3", "3.0"), "the guest needs minor 1, the ROM has 0"),
        (("vmi6", "6.1"), ("vmi3", "3.1"), "the guest is of major 6, the ROM of 3"),
        (("vmi13", "13.0"), ("vmi3", "3.0"), "the guest is of major 13, the ROM of 3"),
    ],
)
def test_the_version_rule_comes_first(guest: tuple[str, str], rom: tuple[str, str], reason: str) -> None:
    found = predict(from_tree(*guest), from_tree(*rom), ERAS["native PC"], diff)
    assert (found.verdict, found.reason) == (Verdict.REFUSED, reason)


@pytest.mark.parametrize(("line", "calls"), [("vmi6", 96), ("vmi13", 81)])
def test_what_a_refused_guest_s_calls_would_come_to(line: str, calls: int) -> None:
    """Nothing runs them: the header ends it. What the comparison knows of them is told all the same."""
    found = predict(from_tree(line), NEW, ERAS["native PC"], diff)
    breaking = [f for f in diff(from_tree(line), NEW).findings if f.breaks in (Breaks.OLD_GUEST, Breaks.BOTH)]
    hit = {f.place.split("/")[1] for f in breaking if f.severity is Severity.BREAKING and "call/" in f.place}
    assert "fixed slots of 32 bytes from" in found.beyond and "against relocation" in found.beyond
    assert found.beyond.endswith(f"{len(hit)} of {calls} calls are gone or would break")
    assert predict(NEW, OLD, ERAS["native PC"], diff).beyond == ""


def test_an_additive_minor_runs() -> None:
    found = predict(OLD, NEW, ERAS["native PC"], diff)
    assert (found.verdict, found.reason) == (Verdict.RUNS, "3.1 only adds to 3.0")


def test_a_minor_that_breaks_fails_and_says_where() -> None:
    calls = tuple(replace(call, number=18) if call.name == "SetCR3" else call for call in NEW.calls)
    calls = tuple(replace(call, number=17) if call.name == "SetCR4" else call for call in calls)
    found = predict(OLD, replace(NEW, calls=calls), ERAS["native PC"], diff)
    assert found.verdict is Verdict.FAILS and "SetCR" in found.reason


def test_what_a_host_does_not_offer_in_any_form_fails() -> None:
    era = ERAS["xen 3.0"]
    poor = replace(era, offers=era.offers - {"SCHED_OP_COMPAT"})
    found = predict(NEW, NEW, poor, diff)
    assert found.verdict is Verdict.FAILS
    assert found.reason == (
        "the ROM needs SCHED_OP or SCHED_OP_COMPAT for halt and shutdown; xen 3.0 offers neither"
    )


def test_forms_are_tried_in_order() -> None:
    need = Need("events", ("NEW", "OLD"), "")
    assert need.served(frozenset({"NEW", "OLD"})) == "NEW"
    assert need.served(frozenset({"OLD"})) == "OLD"
    assert need.served(frozenset()) is None
    assert replace(need, instead="polling").served(frozenset()) == "polling"
    assert "events by EVENT_CHANNEL_OP_COMPAT" in predict(NEW, NEW, ERAS["xen 3.0"], diff).reason
    assert "stolen time: none counted" in predict(NEW, NEW, ERAS["kvm 2008"], diff).reason
    assert predict(NEW, NEW, Era("kvm", "bare", frozenset()), diff).verdict is Verdict.RUNS


def test_the_table_is_whole() -> None:
    cells = matrix(TREE)
    assert len(cells) == 7 * 4 * 2
    assert {(c.era.title, c.guest, c.rom) for c in cells} == {
        (era, guest, rom) for era in ERAS for guest in ("3.0", "3.1", "6.1", "13.0") for rom in ("3.0", "3.1")
    }
    assert all(cell.reason and "\n" not in cell.reason for cell in cells)
    assert len(matrix(TREE, guests=["3.1"], roms=["3.1"], backends=["xen"])) == 2


# -- observations -----------------------------------------------------------------------------------


def test_guests_ask_for_the_version_they_stand_for() -> None:
    for version in ("3.1", "3.2"):
        note = read_guest(guest_for(version)).note
        assert f"{note.major}.{note.minor}" == version
    with pytest.raises(GuestError, match=r"3\.2"):
        compose(guest_for("3.2"), load_rom("xen", "3.1").data, "xen", (3, 1))


def test_without_a_toolchain_an_older_guest_is_refused_by_its_note(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> bytes:
        raise ToolchainMissing("no assembler")

    monkeypatch.setattr(importlib.import_module("vmirom.compat.matrix.observe"), "_older", missing)
    for major, version in ((6, "6.1"), (13, "13.0")):
        with pytest.raises(GuestError, match=f"major {major}"):
            read_guest(guest_for(version))
    cells = observe(matrix(TREE, guests=["6.1"], roms=["3.1"], backends=["native"]))
    assert [cell.observed for cell in cells] == [Verdict.REFUSED]


@pytest.mark.boot
@pytest.mark.parametrize("roms", [["3.1"], pytest.param(["3.0", "3.1"], marks=pytest.mark.slow)], ids=str)
def test_shipped_guest_runs_on_every_age_as_predicted(roms: list[str]) -> None:
    older = [] if roms == ["3.1"] else ["6.1", "13.0"]
    cells = observe(matrix(TREE, guests=["3.1", *older], roms=roms))
    assert [(c.era.title, c.guest, c.rom, c.seen) for c in cells if c.differs or c.observed is None] == []
    ran = [cell for cell in cells if cell.observed is Verdict.RUNS]
    assert {cell.era.title for cell in ran} == set(ERAS) and all("lines" in cell.seen for cell in ran)


@pytest.mark.boot
@pytest.mark.slow
@pytest.mark.toolchain
def test_a_guest_of_3_0_runs_on_every_age_as_predicted() -> None:
    try:
        guest_for("3.0")
    except ToolchainMissing as missing:
        pytest.skip(str(missing))
    cells = observe(matrix(TREE, guests=["3.0"]))
    assert [(c.era.title, c.rom, c.observed, c.seen) for c in cells if c.observed is not Verdict.RUNS] == []


@pytest.mark.boot
@pytest.mark.parametrize(
    "title",
    [
        *("xen 4.17", "lguest 2.6.35"),
        *(pytest.param(title, marks=pytest.mark.slow) for title in ("xen 3.0", "lguest 2.6.32")),
    ],
)
def test_a_rom_makes_no_hypercall_that_is_not_among_its_needs(title: str) -> None:
    """The table of needs is the ROM's negotiation: forms in it and no others are used."""
    era = ERAS[title]
    bundle = compose(guest_for("3.1"), load_rom(era.backend, "3.1").data, era.backend, (3, 1))
    request = BootRequest(era.backend, bundle, budget=60, options=dict(era.options))
    result = boot_all([request])[0]
    assert result.outcome is Outcome.SUCCESS
    stated = {form for need in NEEDS[era.backend] for form in need.forms}
    made = {name.split(".")[0].upper() for name in result.hypercalls or {}}
    assert made and made <= stated, made - stated
    if era.backend == "xen":
        served = {need.served(era.offers) for need in NEEDS["xen"]}
        refused = {name.split(".")[0].split(":")[0].upper() for name in result.refused or {}}
        assert made - refused <= served and not refused & served


# -- the command ------------------------------------------------------------------------------------


def test_command_says_why() -> None:
    result = CliRunner().invoke(cli, ["abi", "matrix", "--on", "xen", "--guest", "3.1"])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["hypervisor", "guest", "ROM", "predicted", "reason"]
    assert [line.split()[:5] for line in lines[1:]] == [
        ["xen", "3.0", "3.1", "3.0", "refused"],
        ["xen", "3.0", "3.1", "3.1", "runs"],
        ["xen", "4.17", "3.1", "3.0", "refused"],
        ["xen", "4.17", "3.1", "3.1", "runs"],
    ]


@pytest.mark.boot
def test_command_boots_and_a_difference_is_5(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["abi", "matrix", "--on", "native", "--guest", "3.1", "--boot", "--json"]
    good = CliRunner().invoke(cli, arguments)
    assert good.exit_code == 0, good.stdout
    assert [(c["predicted"], c["observed"]) for c in json.loads(good.stdout)] == [
        ("refused", "refused"),
        ("runs", "runs"),
    ]
    needs = {**NEEDS, "native": (Need("magic", ("MAGIC",)),)}
    monkeypatch.setattr(importlib.import_module("vmirom.compat.matrix.predict"), "NEEDS", needs)
    bad = CliRunner().invoke(cli, arguments[:-1])
    assert bad.exit_code == 5
    assert "DIFFERS" in bad.stdout and "2 of 2 tried, 1 not as predicted" in bad.stdout


def test_bad_input_is_one_line() -> None:
    for arguments in (["--guest", "9.9"], ["--rom", "9.9"], ["--abi-dir", "/nowhere"], ["--on", "qnx"]):
        result = CliRunner().invoke(cli, ["abi", "matrix", *arguments])
        assert result.exit_code == 2 and result.stderr.count("\n") == 1, result.stderr
        assert result.stderr.startswith("vmirom: ")


def test_boot_takes_the_ages_of_the_matrix() -> None:
    assert set(HOST_ERAS) == {era.name for era in eras() if era.options}
    bad = CliRunner().invoke(cli, ["boot", "--on", "xen", "--host-era", "2008"])
    assert bad.exit_code == 2
    assert (
        bad.stderr == "vmirom: --host-era: no backend asked for is of age 2008; there are xen 3.0, xen 4.17\n"
    )


@pytest.mark.boot
@pytest.mark.parametrize("era", ["3.0", "2.6.32"])
def test_a_boot_on_one_age(era: str) -> None:
    backend = "xen" if era == "3.0" else "lguest"
    result = CliRunner().invoke(cli, ["boot", "--on", backend, "--host-era", era, "--json"])
    assert result.exit_code == 0, result.output


def test_a_bundle_without_the_section_is_not_for_xen_3_0() -> None:
    """The cell's prediction rests on what the builder reads: without that there is no boot."""
    era = ERAS["xen 3.0"]
    assert NOTES not in era.offers and SECTION in era.offers
    assert "what the kernel wants by XEN_GUEST_SECTION" in predict(NEW, NEW, era, diff).reason
    poor = replace(era, offers=era.offers - {SECTION})
    assert predict(NEW, NEW, poor, diff).verdict is Verdict.FAILS


@pytest.mark.boot
@pytest.mark.toolchain
@pytest.mark.parametrize("backend", ["native", "kvm", "xen", "lguest"])
@pytest.mark.parametrize(
    ("wants", "outcome"),
    [
        ("3.0", Outcome.SUCCESS),
        ("3.1", Outcome.SUCCESS),
        ("3.2", Outcome.SKIP),
        ("6.1", Outcome.SKIP),
        ("13.0", Outcome.SKIP),
        ("", Outcome.FAILURE),
    ],
)
def test_an_older_guest_judges_the_rom_s_header(backend: str, wants: str, outcome: Outcome) -> None:
    """By the rule of all revisions' clients, in the guest's own memory; the rule bites both ways."""
    try:
        guest = guest_for("13.0")
    except ToolchainMissing as missing:
        pytest.skip(str(missing))
    bundle = compose(guest, load_rom(backend, "3.1").data, backend, (3, 1))
    (result,) = boot_all([BootRequest(backend, bundle, command_line=f"wants={wants}", budget=60)])
    assert result.outcome is outcome, result.transcript
    if wants:
        assert f"VMI: found a ROM, API version 3.1, wanted is {wants}" in result.transcript
        taken = "taken" if outcome is Outcome.SUCCESS else "mismatched, not taken"
        assert f"VMI: {taken}" in result.transcript


@pytest.mark.boot
@pytest.mark.toolchain
def test_cells_of_older_guests_are_seen_by_booting_them() -> None:
    try:
        guest_for("6.1")
    except ToolchainMissing as missing:
        pytest.skip(str(missing))
    cells = observe(matrix(TREE, guests=["6.1", "13.0"], roms=["3.1"]))
    assert len(cells) == 14
    for cell in cells:
        assert cell.observed is cell.predicted is Verdict.REFUSED
        assert cell.seen == (
            f"VMI: found a ROM, API version 3.1, wanted is {cell.guest} VMI: mismatched, not taken"
        )
