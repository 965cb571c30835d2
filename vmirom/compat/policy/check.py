"""``vmirom abi check``: a tree against its frozen locks.

For each line three questions. Does the tree still say of every frozen version what was frozen? Does the
newest version carry the bump that its difference to the last frozen one demands: a new major for what
breaks, a new minor for what is added? And is every older version frozen at all? Findings of the
comparison may be suppressed one by one; what the gate itself demands may not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from vmirom.compat.findings import Finding, Identity, Report, Severity
from vmirom.compat.formats.sheet import Entry, Section, Settled, Sheet, Spot
from vmirom.compat.load import from_resolved
from vmirom.compat.model import Declaration
from vmirom.compat.policy.locks import FrozenLock
from vmirom.compat.policy.places import Places, shown
from vmirom.compat.policy.rules import ALL_RULES, POLICY_RULES
from vmirom.compat.policy.suppressions import Suppression
from vmirom.schema.lines import Line
from vmirom.schema.tree import AbiTree
from vmirom.schema.versions import Version

__all__ = ["Compare", "Verdict", "check"]

Compare = Callable[[Declaration, Declaration], Report]
_REPLACED = ("version-not-bumped",)
"""Rules of the comparison in whose place the gate demands a version by number."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate found. ``strict`` makes risky changes, and suppressions out of use, a failure."""

    sheet: Sheet
    strict: bool = False

    @property
    def exit_code(self) -> int:
        """0 compatible, 1 risky only, 4 breaking; with ``strict`` 4 for both."""
        if self.sheet.severity is Severity.BREAKING:
            return 4
        if self.sheet.severity is Severity.RISKY:
            return 4 if self.strict else 1
        return 0


def compare_all(left: Declaration, right: Declaration) -> Report:
    """The comparison, loaded when it is first needed."""
    from vmirom.compat.diff import diff

    return diff(left, right)


@dataclass
class _Gate:
    """The parts of one run."""

    tree: AbiTree
    suppressions: Sequence[Suppression]
    today: date
    blobs: Path
    compare: Compare
    places: Places
    used: set[int] = field(default_factory=set)

    def declaration(self, line: Line, version: Version) -> Declaration:
        text = next(each for each in line.versions if Version.parse(each) == version)
        found = from_resolved(self.tree.resolve(line.name, text), self.tree)
        return found.with_source(shown(self.tree.folder))

    def entry(self, finding: Finding, line: str) -> Entry:
        """The finding with its place, suppressed if somebody signed for it."""
        spot = self.places.spot(finding.place, line)
        for each in self.suppressions:
            if each.matches(finding, line) and not each.expired(self.today):
                self.used.add(each.number)
                return Entry(finding, spot, Settled.SUPPRESSED, f"{each.reason} (until {each.expires})")
        return Entry(finding, spot)

    def compared(self, left: Declaration, right: Declaration) -> tuple[list[Entry], tuple[str, ...]]:
        report = self.compare(left, right)
        kept = [finding for finding in report.findings if finding.rule not in _REPLACED]
        return [self.entry(finding, right.line) for finding in kept], report.notes


def check(
    tree: AbiTree,
    locks: Mapping[str, Sequence[FrozenLock]],
    *,
    lines: Iterable[str] = (),
    suppressions: Sequence[Suppression] = (),
    today: date,
    blobs: Path,
    strict: bool = False,
    compare: Compare = compare_all,
) -> Verdict:
    """Judge ``tree``. ``lines`` limits it to some lines (default: all with a lock, and all guests'
    lines); ``blobs`` is the folder of shipped ROMs. Raises AbiError and CompatError for what can't be
    judged."""
    gate = _Gate(tree, suppressions, today, blobs, compare, Places(tree.folder))
    names = list(lines) or [*tree.lines, *(name for name in locks if name not in tree.lines)]
    sections: list[Section] = []
    for name in sorted(names):
        sections += _line(gate, name, locks.get(name, ()))
    rest = list(_suppressions(gate, limited=bool(list(lines)), strict=strict))
    if rest:
        side = Identity("suppressions", "", shown(Path(suppressions[0].file)))
        sections.append(Section(side, Identity("today", str(today), ""), tuple(rest)))
    return Verdict(Sheet("abi check", tuple(sections), ALL_RULES), strict)


def _line(gate: _Gate, name: str, locks: Sequence[FrozenLock]) -> Iterator[Section]:
    declared = {**gate.tree.lines, **gate.tree.backends}.get(name)
    if declared is None:
        if not locks:
            gate.tree.line(name)  # raises, and names what there is not
        yield from (_withdrawn(lock) for lock in locks if lock.recorded.frozen)
        return
    frozen = [lock for lock in locks if lock.recorded.frozen]
    versions = {Version.parse(text) for text in declared.versions}
    for lock in frozen:
        if lock.version in versions:
            yield _frozen(gate, declared, lock)
        else:
            yield _withdrawn(lock)
    if len(declared.versions) > 1 or [lock.version for lock in frozen] != [declared.newest]:
        yield _newest(gate, declared, frozen)


def _demand(rule: str, place: str, old: str, new: str, spot: Spot | None, why: str = "") -> Entry:
    info = POLICY_RULES[rule]
    return Entry(Finding(rule, info.severity, place, old, new, why or info.explanation, info.breaks), spot)


def _side(lock: FrozenLock) -> Identity:
    return Identity(lock.declaration.line, lock.declaration.version, shown(lock.path))


def _withdrawn(lock: FrozenLock) -> Section:
    side = _side(lock)
    entry = _demand(
        "version-withdrawn", f"version/{side.version}", side.version, "(not declared)", Spot(shown(lock.path))
    )
    return Section(side, Identity(side.line, side.version, ""), (entry,))


def _frozen(gate: _Gate, line: Line, lock: FrozenLock) -> Section:
    """A frozen version against what the tree says of it now: nothing may differ."""
    now = gate.declaration(line, lock.version)
    entries, notes = gate.compared(lock.declaration, now)
    live = [entry for entry in entries if entry.counts]
    if live:
        breaking = any(entry.finding.severity is Severity.BREAKING for entry in live)
        new = _next(line.newest if breaking else max(lock.version, line.newest), breaking)
        why = f"{POLICY_RULES['frozen-changed'].explanation} Undo it, or declare it as {new}."
        spot = live[0].spot or Spot(shown(lock.path))
        demand = _demand("frozen-changed", f"version/{lock.version}", str(lock.version), new, spot, why)
        entries.insert(0, demand)
    entries += _roms(gate, lock)
    return Section(_side(lock), now.name, tuple(entries), notes)


def _next(version: Version, major: bool) -> str:
    return f"{version.major + 1}.0" if major else f"{version.major}.{version.minor + 1}"


def _roms(gate: _Gate, lock: FrozenLock) -> Iterator[Entry]:
    """ROMs as they were frozen against those that are shipped now."""
    for name, frozen in sorted(lock.recorded.roms.items()):
        path = gate.blobs / name
        spot = Spot(shown(lock.path))
        try:
            now = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError:
            yield _demand("rom-missing", f"rom/{name}", frozen[:16], "(none)", spot)
            continue
        if now != frozen:
            yield _demand("rom-rebuilt", f"rom/{name}", frozen[:16], now[:16], spot)


def _newest(gate: _Gate, line: Line, frozen: Sequence[FrozenLock]) -> Section:
    """The newest version against the last frozen one before it: the bump must be what the difference
    demands."""
    newest = line.newest
    now = gate.declaration(line, newest)
    entries: list[Entry] = []
    notes: list[str] = []
    left = Identity(line.name, "", "no lock")
    before = [lock for lock in frozen if lock.version < newest]
    if before:
        base = before[-1]
        left = _side(base)
        entries, found = gate.compared(base.declaration, now)
        notes += found
        entries = _bumped(gate, entries, base.version, newest)
    if not any(lock.version == newest for lock in frozen):
        notes.append(f"{line.name} {newest} is not frozen yet: what it adds may still change")
    known = {lock.version for lock in frozen}
    for text in line.versions:
        version = Version.parse(text)
        if version < newest and version not in known:
            spot = Spot(shown(gate.tree.folder))
            entries.append(_demand("lock-missing", f"version/{text}", text, "(no lock)", spot))
    return Section(left, now.name, tuple(entries), tuple(notes))


def _bumped(gate: _Gate, entries: list[Entry], base: Version, newest: Version) -> list[Entry]:
    """The entries with what the bump settles, or with a demand for the bump in front."""
    live = [entry for entry in entries if entry.counts]
    breaking = [entry for entry in live if entry.finding.severity is Severity.BREAKING]
    if newest.major > base.major:
        reason = f"{base} becomes {newest}: a new major may break"
        return [_settle(entry, reason) if entry.counts else entry for entry in entries]
    if breaking:
        spot = breaking[0].spot
        demand = _demand("bump-major-needed", f"version/{newest}", str(newest), _next(newest, True), spot)
        return [demand, *entries]
    if live and newest.minor == base.minor:
        spot = live[0].spot
        demand = _demand("bump-minor-needed", f"version/{newest}", str(newest), _next(base, False), spot)
        return [demand, *entries]
    return entries


def _settle(entry: Entry, reason: str) -> Entry:
    if entry.finding.severity is Severity.COMPATIBLE or entry.finding.rule == "version-overbumped":
        return entry
    return Entry(entry.finding, entry.spot, Settled.BUMPED, reason)


def _suppressions(gate: _Gate, limited: bool, strict: bool) -> Iterator[Entry]:
    """Suppressions that expired, and those that match nothing (unless only some lines were looked at)."""
    for each in gate.suppressions:
        place = f"suppress[{each.number}]/{each.rule}/{each.place}"
        if each.expired(gate.today):
            rule, old, new = "suppression-expired", str(each.expires), str(gate.today)
        elif each.number not in gate.used and not limited:
            rule, old, new = "suppression-unused", each.reason, "(nothing)"
        else:
            continue
        info = POLICY_RULES[rule]
        severity = Severity.RISKY if strict else info.severity
        yield Entry(
            Finding(rule, severity, place, old, new, info.explanation, info.breaks),
            Spot(shown(Path(each.file)), 1),
        )
