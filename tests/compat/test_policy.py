"""The gate, on copies of the real tree: what may change, what must be bumped, what is refused."""

import hashlib
import json
import random
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from tests.effort import examples
from vmirom.cli.main import cli
from vmirom.cli.sheets import FORMAT_NAMES
from vmirom.compat import policy
from vmirom.compat.diff import diff
from vmirom.compat.errors import CompatError
from vmirom.compat.findings import Severity
from vmirom.compat.formats import FORMATS, Settled
from vmirom.compat.load import from_resolved
from vmirom.compat.policy import ALL_RULES, POLICY_RULES, Verdict
from vmirom.compat.policy.locks import read_sealed
from vmirom.compat.policy.places import Places
from vmirom.compat.rulebook import RULES
from vmirom.generate.locks import lock, lock_data
from vmirom.generate.seals import content_hash
from vmirom.schema.errors import AbiError
from vmirom.schema.tree import load_abi

REAL = load_abi()
TODAY = date(2026, 6, 1)


@cache
def frozen_lock(version: str) -> str:
    return lock(REAL.resolve("vmi3", version), policy.locks.Recorded(frozen=True))


class Copy:
    """A tree of one's own: the real one's vmi3, to be edited, and its locks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "abi"
        for part in ("vmi3", "clauses"):
            if (REAL.folder / part).is_dir():
                shutil.copytree(REAL.folder / part, self.folder / part)
        self.locks = self.folder / "locks"
        self.locks.mkdir()
        self.blobs = folder / "romsrc" / "blobs"
        for version in ("3.0",):
            (self.locks / f"vmi3-{version}.json").write_text(frozen_lock(version))

    def edit(self, file: str, old: str, new: str, count: int = 1) -> None:
        """Replace a text that must be there."""
        path = self.folder / "vmi3" / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, count))

    def version(self, *versions: str) -> None:
        """Declare other versions."""
        self.edit("__init__.py", 'versions=("3.0", "3.1")', f"versions={versions!r}")

    def check(self, suppressions: str = "", today: date = TODAY, strict: bool = False) -> Verdict:
        entries = policy.suppressions.parse_suppressions(suppressions.encode(), "s.toml")
        return policy.check(
            load_abi(self.folder),
            policy.read_locks(self.locks),
            suppressions=entries,
            today=today,
            blobs=self.blobs,
            strict=strict,
        )

    def freeze(self, version: str) -> policy.Frozen:
        tree = load_abi(self.folder)
        return policy.freeze(tree, "vmi3", version, locks=self.locks, blobs=self.blobs)


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def rules(verdict: Verdict) -> set[tuple[str, str]]:
    """(rule, place) of what counts, additions left out."""
    return {
        (entry.finding.rule, entry.finding.place)
        for entry in verdict.sheet.entries
        if entry.counts and entry.finding.severity is not Severity.COMPATIBLE
    }


def move_ptep(copy: Copy) -> None:
    copy.edit("mmu.py", 'Argument("ptep", "PTE *", "EDX")', 'Argument("ptep", "PTE *", "EBX")')


MOVED = ("argument-moved", "call/SetPxE/argument/ptep")


def suppress(rule: str, place: str, expires: str = "2026-12-31") -> str:
    return f'[[suppress]]\nrule = "{rule}"\nplace = "{place}"\nreason = "agreed"\nexpires = {expires}\n'


# -- the gate ---------------------------------------------------------------------------------------


def test_the_project_keeps_its_own_policy() -> None:
    verdict = policy.check(
        REAL,
        policy.read_locks(REAL.folder / "locks"),
        today=TODAY,
        blobs=REAL.folder.parent / "romsrc" / "blobs",
    )
    assert rules(verdict) == set() and verdict.exit_code == 0


def test_untouched(copy: Copy) -> None:
    verdict = copy.check()
    assert verdict.exit_code == 0 and rules(verdict) == set()
    same, newer = verdict.sheet.sections
    assert same.entries == () and same.left.source.endswith("locks/vmi3-3.0.json")
    assert {entry.finding.place for entry in newer.entries} >= {"call/GetRomInfo", "struct/vmi_boot_info"}
    assert any("3.1 is not frozen yet" in note for note in newer.notes)


def test_a_frozen_version_that_changes(copy: Copy) -> None:
    move_ptep(copy)
    verdict = copy.check()
    assert verdict.exit_code == 4
    assert rules(verdict) == {("frozen-changed", "version/3.0"), ("bump-major-needed", "version/3.1"), MOVED}
    demand = verdict.sheet.sections[0].entries[0]
    assert (demand.finding.old, demand.finding.new) == ("3.0", "4.0")
    spot = verdict.sheet.sections[0].entries[1].spot
    assert spot is not None and spot.file.endswith("abi/vmi3/mmu.py")
    line = Path(spot.file).read_text().splitlines()[spot.line - 1]
    assert line.strip() == 'Argument("ptep", "PTE *", "EBX"),'


def test_an_addition_to_a_frozen_version_needs_a_minor(copy: Copy) -> None:
    copy.edit("system.py", 'since="3.1"', 'since="3.0"')
    verdict = copy.check()
    assert verdict.exit_code == 4
    demand = next(e.finding for e in verdict.sheet.entries if e.finding.rule == "frozen-changed")
    assert demand.new == "3.2"


def test_a_new_major_may_break(copy: Copy) -> None:
    """The old major keeps its frozen contract by a line of its own; here it is withdrawn instead, and
    that shows."""
    move_ptep(copy)
    copy.version("4.0")
    verdict = copy.check()
    settled = {e.finding.rule for e in verdict.sheet.entries if e.settled is Settled.BUMPED}
    assert "argument-moved" in settled
    assert rules(verdict) == {("version-withdrawn", "version/3.0")}


def test_breaking_under_the_same_major_demands_the_next(copy: Copy) -> None:
    assert copy.freeze("3.1").written
    copy.version("3.0", "3.1", "3.2")
    move_ptep(copy)
    demands = {
        (e.finding.place, e.finding.new)
        for e in copy.check().sheet.entries
        if e.finding.rule.startswith("bump")
    }
    assert demands == {("version/3.2", "4.0")}


def test_an_addition_under_a_third_number_demands_a_minor(copy: Copy) -> None:
    shutil.rmtree(copy.folder / "clauses")  # which know no 3.1.1
    assert copy.freeze("3.1").written
    copy.version("3.0", "3.1", "3.1.1")
    path = copy.folder / "vmi3" / "system.py"
    extra = 'CALLS += group("system", procedure(77, "Extra", since="3.1.1", doc="More."))\n'
    path.write_text(f"{path.read_text()}\nfrom vmirom.schema import group, procedure\n{extra}")
    found = [e.finding for e in copy.check().sheet.entries if e.finding.rule == "bump-minor-needed"]
    assert [(each.old, each.new) for each in found] == [("3.1.1", "3.2")]


def test_a_version_between_must_be_frozen(copy: Copy) -> None:
    copy.version("3.0", "3.1", "3.2")
    verdict = copy.check()
    assert rules(verdict) == {("lock-missing", "version/3.1")}
    assert verdict.exit_code == 1 and copy.check(strict=True).exit_code == 4


def test_only_some_lines(copy: Copy) -> None:
    tree, locks = load_abi(copy.folder), policy.read_locks(copy.locks)
    with pytest.raises(AbiError, match="no line or backend is called 'vmi9'"):
        policy.check(tree, locks, lines=["vmi9"], today=TODAY, blobs=copy.blobs)


# -- suppressions -----------------------------------------------------------------------------------


def test_a_suppression_settles_one_finding_and_its_demands(copy: Copy) -> None:
    move_ptep(copy)
    verdict = copy.check(suppress(*MOVED))
    assert verdict.exit_code == 0
    assert [e.reason for e in verdict.sheet.entries if not e.counts] == ["agreed (until 2026-12-31)"] * 2


def test_a_suppression_hides_nothing_else(copy: Copy) -> None:
    move_ptep(copy)
    copy.edit("mmu.py", 'Argument("pte", "PTE", "EAX")', 'Argument("pte", "PTE", "ESI")')
    verdict = copy.check(suppress(*MOVED))
    assert verdict.exit_code == 4
    assert ("argument-moved", "call/SetPxE/argument/pte") in rules(verdict)


def test_expired_suppressions_have_no_effect_and_are_told(copy: Copy) -> None:
    move_ptep(copy)
    verdict = copy.check(suppress(*MOVED, expires="2026-05-31"))
    assert verdict.exit_code == 4 and MOVED in rules(verdict)
    told = [e.finding for e in verdict.sheet.entries if e.finding.rule == "suppression-expired"]
    assert [(each.old, each.new) for each in told] == [("2026-05-31", "2026-06-01")]


def test_unused_suppressions_are_told(copy: Copy) -> None:
    verdict = copy.check(suppress(*MOVED))
    told = [e.finding for e in verdict.sheet.entries if e.finding.rule == "suppression-unused"]
    assert [each.place for each in told] == ["suppress[0]/argument-moved/call/SetPxE/argument/ptep"]
    assert verdict.exit_code == 0 and copy.check(suppress(*MOVED), strict=True).exit_code == 4


# -- locks ------------------------------------------------------------------------------------------


@cache
def locked() -> str:
    return lock(REAL.resolve("vmi3", "3.0"), policy.locks.Recorded(frozen=True, roms={"a.rom": "0" * 64}))


@examples(40)
@given(st.data())
def test_any_edit_of_a_lock_is_refused(data: st.DataObject) -> None:
    """One value changed anywhere, the hash left as it was: refused, as malformed or as edited."""
    plain = json.loads(locked())
    at: object = plain
    key: object = None
    holder: object = None
    while isinstance(at, dict | list) and at:
        holder = at
        key = (
            data.draw(st.sampled_from(sorted(at)))
            if isinstance(at, dict)
            else data.draw(st.integers(0, len(at) - 1))
        )
        at = at[key]  # type: ignore[index]
    holder[key] = data.draw(st.none() | st.integers(0, 99) | st.text("ABEX", max_size=4))  # type: ignore[index]
    edited = json.dumps(plain)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vmi3-3.0.json"
        path.write_text(edited)
        if plain == json.loads(locked()):
            read_sealed(path)  # the value drawn was the value there
            return
        with pytest.raises(CompatError) as caught:
            read_sealed(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_lock_edited_and_sealed_anew_differs_from_the_tree(copy: Copy) -> None:
    """Whoever computes the hash as well is found out by the comparison."""
    path = copy.locks / "vmi3-3.0.json"
    plain = json.loads(path.read_text())
    call = next(each for each in plain["calls"] if each["name"] == "SetCR3")
    call["number"], plain["calls"][18]["number"] = 18, 17
    plain["content"] = content_hash(plain)
    path.write_text(json.dumps(plain))
    verdict = copy.check()
    assert verdict.exit_code == 4
    assert any(rule == "calls-swapped" for rule, _ in rules(verdict))


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("vmi3-3.1.json", lambda text: text, "line, version: it is vmi3 3.0, its name says otherwise"),
        ("notes.json", lambda text: text, "name: a lock is called LINE-VERSION.json"),
        ("vmi3-3.0.json", lambda text: text.replace('"frozen": true', '"frozen": false'), "edited by hand"),
        ("vmi3-3.0.json", lambda text: text[: len(text) // 2], "not JSON"),
        ("vmi3-3.0.json", lambda text: "[" * 100000, "nested too deeply"),
        ("vmi3-3.0.json", lambda text: json.dumps({"line": "vmi3", "version": "3.0"}), "content: missing"),
    ],
)
def test_locks_that_are_none(copy: Copy, name: str, change: Callable[[str], str], said: str) -> None:
    text = (copy.locks / "vmi3-3.0.json").read_text()
    (copy.locks / name).write_text(change(text))
    with pytest.raises(CompatError) as caught:
        policy.read_locks(copy.locks)
    assert name in str(caught.value) and said in str(caught.value) and "\n" not in str(caught.value)


# -- freezing ---------------------------------------------------------------------------------------


def test_freeze_writes_a_canonical_lock_once(copy: Copy) -> None:
    copy.blobs.mkdir(parents=True)
    (copy.blobs / "vmi3-3.1-xen.rom").write_bytes(b"rom")
    digest = hashlib.sha256(b"rom").hexdigest()
    rows = [{"name": "vmi3-3.1-xen.rom", "abi": "3.1", "sha256": digest}]
    (copy.blobs / "roms.json").write_text(json.dumps({"roms": rows}))
    first = copy.freeze("3.1")
    assert first.written and first.roms == 1
    text = first.path.read_text()
    plain = json.loads(text)
    assert text == json.dumps(plain, indent=1, sort_keys=True) + "\n"
    assert plain["frozen"] is True and plain["roms"] == {"vmi3-3.1-xen.rom": digest}
    contract = lock_data(load_abi(copy.folder).resolve("vmi3", "3.1"))
    assert {key: plain[key] for key in contract} == json.loads(json.dumps(contract))
    again = copy.freeze("3.1")
    assert not again.written and first.path.read_text() == text

    (copy.blobs / "vmi3-3.1-xen.rom").write_bytes(b"another")
    rebuilt = {e.finding.rule for e in copy.check().sheet.entries if e.finding.place.startswith("rom/")}
    assert rebuilt == {"rom-rebuilt"}
    (copy.blobs / "vmi3-3.1-xen.rom").unlink()
    assert ("rom-missing", "rom/vmi3-3.1-xen.rom") in rules(copy.check())


def test_frozen_clauses_are_held_and_so_is_what_they_bind(copy: Copy) -> None:
    done = copy.freeze("3.1")
    assert done.clauses > 100
    frozen = read_sealed(done.path).declaration
    now = from_resolved(load_abi(copy.folder).resolve("vmi3", "3.1"), load_abi(copy.folder))
    assert frozen.clauses is not None and now.clauses is not None
    assert set(frozen.clauses) == set(now.clauses)
    assert {c.name: c.clauses for c in frozen.calls} == {c.name: c.clauses for c in now.calls}
    bound = next(call for call in now.calls if call.clauses)
    some = sorted(bound.clauses or ())[0]
    calls = tuple(
        replace(call, clauses=call.clauses - {some}) if call is bound and call.clauses else call
        for call in now.calls
    )
    found = {(f.rule, f.place) for f in diff(frozen, replace(now, calls=calls)).findings}
    assert ("clause-detached", f"call/{bound.name}/clause/{some}") in found
    assert not diff(frozen, now).findings


def test_a_frozen_version_is_never_written_over(copy: Copy) -> None:
    path = copy.freeze("3.1").path
    before = path.read_text()
    copy.edit("system.py", 'since="3.1"', 'since="3.0"')
    copy.edit("mmu.py", 'Argument("pte", "PTE", "EAX")', 'Argument("pte", "PTE", "ESI")')
    with pytest.raises(CompatError, match=r"vmi3 3\.1 is frozen, and the tree says something else"):
        copy.freeze("3.1")
    assert path.read_text() == before


def test_clauses_are_frozen_too(copy: Copy) -> None:
    path = copy.freeze("3.1").path
    before = path.read_text()
    file = next(each for each in (copy.folder / "clauses").glob("*.py") if "may be" in each.read_text())
    file.write_text(file.read_text().replace("may be", "must be"))
    with pytest.raises(CompatError, match=r"vmi3 3\.1 is frozen, and its clauses say something else"):
        copy.freeze("3.1")
    assert path.read_text() == before


@pytest.mark.parametrize(("line", "version"), [("vmi6", "6.1"), ("vmi13", "13.0")])
def test_history_is_frozen_with_its_slots(line: str, version: str, tmp_path: Path) -> None:
    """A lock of it says everything that a comparison asks for: the lock and the tree are one."""
    done = policy.freeze(REAL, line, version, locks=tmp_path, blobs=tmp_path)
    assert done.written and not done.clauses
    assert done.path.read_text() == (REAL.folder / "locks" / f"{line}-{version}.json").read_text()
    assert not policy.freeze(REAL, line, version, locks=tmp_path, blobs=tmp_path).written
    frozen = read_sealed(done.path).declaration
    assert frozen.mechanism.slot_size == 32
    assert not diff(from_resolved(REAL.resolve(line, version), REAL), frozen).findings


def test_what_needs_a_major_is_not_frozen_into_a_minor(copy: Copy) -> None:
    move_ptep(copy)
    done = copy.freeze("3.1")
    assert not done.written and done.refused is not None and done.refused.exit_code == 4
    assert not done.path.exists()


def test_roms_that_are_not_those_of_their_lock_are_refused(copy: Copy) -> None:
    copy.blobs.mkdir(parents=True)
    (copy.blobs / "vmi3-3.1-xen.rom").write_bytes(b"rom")
    rows = [{"name": "vmi3-3.1-xen.rom", "abi": "3.1", "sha256": "0" * 64}]
    (copy.blobs / "roms.json").write_text(json.dumps({"roms": rows}))
    with pytest.raises(CompatError, match=r"sha256: not the one in roms\.json"):
        copy.freeze("3.1")
    (copy.blobs / "roms.json").write_text("{")
    with pytest.raises(CompatError, match="not a lock of ROMs"):
        copy.freeze("3.1")


# -- rules, places, commands --------------------------------------------------------------------------


def test_rules_of_the_gate_stand_beside_those_of_the_comparison() -> None:
    assert not set(POLICY_RULES) & set(RULES)
    assert set(ALL_RULES) == set(POLICY_RULES) | set(RULES)
    assert all(rule.title and rule.explanation.endswith(".") for rule in POLICY_RULES.values())


def test_every_call_and_struct_has_a_spot() -> None:
    places = Places(REAL.folder)
    line = REAL.resolve("vmi3")
    wanted = [f"call/{call.name}" for call in line.calls] + [f"struct/{row.name}" for row in line.structs]
    random.Random(0).shuffle(wanted)
    for place in wanted[:40]:
        spot = places.spot(place, "vmi3")
        assert spot is not None and "vmi3/" in spot.file, place
        assert f'"{place.split("/")[1]}"' in Path(spot.file).read_text().splitlines()[spot.line - 1]
    assert places.spot("call/Nothing", "vmi3") is None and places.spot("version", "vmi3") is None


def vmirom(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(each) for each in arguments], standalone_mode=True)


def test_command_line_of_the_gate(copy: Copy, tmp_path: Path) -> None:
    assert FORMAT_NAMES == FORMATS
    good = vmirom("abi", "check", "--abi-dir", copy.folder)
    assert good.exit_code == 0 and good.stdout.splitlines()[-1].startswith("compatible: 0 breaking")
    frozen = vmirom("abi", "freeze", "3.1", "--abi-dir", copy.folder)
    assert frozen.exit_code == 0 and "vmi3 3.1 is frozen" in frozen.stdout
    assert "was frozen before" in vmirom("abi", "freeze", "3.1", "--abi-dir", copy.folder).stdout
    move_ptep(copy)
    out = tmp_path / "abi.sarif"
    bad = vmirom("abi", "check", "--abi-dir", copy.folder, "--format", "sarif", "-o", out)
    assert bad.exit_code == 4 and bad.stdout == ""
    results = json.loads(out.read_text())["runs"][0]["results"]
    assert {each["ruleId"] for each in results} >= {"frozen-changed", "argument-moved", "bump-major-needed"}
    (copy.folder / "suppressions.toml").write_text(suppress(*MOVED, expires="2999-12-31"))
    assert vmirom("abi", "check", "--abi-dir", copy.folder).exit_code == 0


def test_bad_input_is_one_line(copy: Copy, tmp_path: Path) -> None:
    (copy.folder / "suppressions.toml").write_text("[[suppress]]\n")
    path = copy.locks / "vmi3-3.0.json"
    cases = [("abi", "check", "--abi-dir", copy.folder)]
    cases.append(("abi", "check", "--abi-dir", tmp_path / "none"))
    cases.append(("abi", "check", "--abi-dir", copy.folder, "--suppressions", tmp_path / "none.toml"))
    cases.append(("abi", "check", "--abi-dir", copy.folder, "--locks", tmp_path / "none"))
    cases.append(("abi", "freeze", "9.9", "--abi-dir", copy.folder))
    cases.append(("abi", "freeze", "3.0", "--abi-dir", copy.folder, "--line", "vmi9"))
    for case in cases:
        result = vmirom(*case)
        assert result.exit_code == 2 and result.stdout == "", case
        assert result.stderr.startswith("vmirom: ") and result.stderr.count("\n") == 1, result.stderr
    (copy.folder / "suppressions.toml").unlink()
    path.write_text(path.read_text().replace('"SetCR3"', '"SetCR9"'))
    result = vmirom("abi", "check", "--abi-dir", copy.folder)
    assert result.exit_code == 2 and "vmi3-3.0.json: content: " in result.stderr
