"""Every rule by the change that it is for: that finding, that severity, and no other finding.

The long campaign runs with VMIROM_CAMPAIGN=20000 (default 1500); it is seeded, so a failure names its seed.
"""

from __future__ import annotations

import itertools
import os
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compat.bases import LINES, base
from tests.compat.mutations import MUTATIONS, Mutant, bumped
from tests.effort import examples, share
from vmirom.compat import RULES, Breaks, Declaration, Severity, diff

CAMPAIGN = share(int(os.environ.get("VMIROM_CAMPAIGN", "1500")))
SEEDS = 12


def mutate(name: str, seed: int, start: Declaration) -> Mutant | None:
    """None where the declaration has no part of the kind, or the part drawn can't take the change."""
    try:
        return MUTATIONS[name](Random(seed), start)
    except IndexError:
        return None


def told(left: Declaration, mutant: Mutant) -> list[tuple[str, str]]:
    report = diff(mutant.start or left, mutant.released)
    return sorted((finding.rule, finding.severity.value) for finding in report.findings)


def due(mutant: Mutant) -> list[tuple[str, str]]:
    return sorted((rule, severity.value) for rule, severity in mutant.expected)


@pytest.mark.sampled
@pytest.mark.parametrize("name", sorted(MUTATIONS))
def test_one_change_is_exactly_its_finding(name: str) -> None:
    some = False
    for line in LINES:
        mutants = ((seed, mutate(name, seed, base(line))) for seed in range(SEEDS))
        made = ((seed, mutant) for seed, mutant in mutants if mutant is not None)
        for seed, mutant in itertools.islice(made, share(SEEDS)):
            some = True
            assert told(base(line), mutant) == due(mutant), (line, seed)
    assert some


def test_every_rule_has_a_change_that_gives_it() -> None:
    given_: set[str] = set()
    for name in MUTATIONS:
        for line in LINES:
            for seed in range(SEEDS):
                mutant = mutate(name, seed, base(line))
                given_.update(rule for rule, _ in mutant.expected) if mutant else None
    assert given_ == set(RULES)


@pytest.mark.sampled
def test_campaign() -> None:
    """Declarations with one change each: none may be taken for unchanged, or for another change."""
    names = sorted(MUTATIONS)
    made, wrong, seed = 0, [], 0
    while made < CAMPAIGN:
        seed += 1
        start = base(LINES[seed % 3])
        mutant = mutate(names[seed // 3 % len(names)], seed, start)
        if mutant is None:
            continue
        made += 1
        if told(start, mutant) != due(mutant):
            wrong.append((names[seed // 3 % len(names)], seed))
    assert wrong == []


@given(st.sampled_from(LINES))
def test_nothing_changed_is_nothing_found(line: str) -> None:
    report = diff(base(line), base(line))
    assert report.findings == ()
    assert report.severity is None


@examples(150)
@given(st.sampled_from(sorted(MUTATIONS)), st.integers(0, 1 << 32), st.sampled_from(LINES))
def test_both_directions_mirror(name: str, seed: int, line: str) -> None:
    """What is found one way is found the other way: as many findings, under the rules of the reverse."""
    mutant = mutate(name, seed, base(line))
    if mutant is None:
        return
    left, right = mutant.start or base(line), bumped(mutant.declaration, Severity.BREAKING)
    ahead = [f for f in diff(left, right).findings if not f.rule.startswith("version-")]
    back = [f for f in diff(right, left).findings if not f.rule.startswith("version-")]
    assert len(ahead) == len(back)
    allowed = [{f.rule, RULES[f.rule].reverse} | MORE.get(f.rule, set()) for f in ahead]
    for finding in back:
        assert any(finding.rule in each for each in allowed), (finding.rule, allowed)
    assert {(f.old, f.new) for f in ahead if f.rule == "call-renumbered"} == {
        (f.new, f.old) for f in back if f.rule == "call-renumbered"
    }


MORE = {
    "field-inserted": {"field-removed"},
    "field-removed": {"field-inserted", "field-appended"},
    "flag-bit-shared": {"enum-member-removed"},
    "name-reused": {"call-removed", "call-renamed", "call-renumbered", "name-reused"},
    "call-renamed": {"call-renamed", "call-renumbered", "name-reused"},
    "number-reused": {"call-removed"},
}
"""Rules under which a change may be found backwards beside its own and its reverse."""


@examples(200)
@given(
    st.lists(st.sampled_from(sorted(MUTATIONS)), min_size=2, max_size=5),
    st.integers(0, 1 << 32),
    st.sampled_from(LINES),
)
def test_severity_never_drops_when_changes_are_combined(names: list[str], seed: int, line: str) -> None:
    """Changes of different parts, one after the other: the worst alone is the least of all together."""
    start = current = base(line)
    worst = Severity.COMPATIBLE
    touched: set[str] = set()
    for at, name in enumerate(names):
        mutant = mutate(name, seed + at, current)
        if mutant is None or mutant.start is not None:
            continue
        alone = diff(current, mutant.declaration)
        parts = {f.place.split("/")[0] + "/" + f.place.split("/")[1] if "/" in f.place else f.place
                 for f in alone.findings if f.rule != "version-not-bumped"}  # fmt: skip
        if any(part.startswith("relocation/") for part in parts):
            parts.add("mechanism")  # the answers of relocation are judged together
        words = {word for part in parts for word in part.partition("/")[2].split("+")} | parts
        if words & touched:
            continue
        touched |= words
        current = mutant.declaration
        worst = max(worst, mutant.severity, key=lambda each: each.rank)
    found = diff(start, bumped(current, Severity.BREAKING)).severity
    assert worst is Severity.COMPATIBLE or (found is not None and found >= worst)


def test_who_breaks_fits_the_severity() -> None:
    """What is breaking breaks a guest in the field; what is compatible doesn't."""
    for name in MUTATIONS:
        for seed in range(6):
            mutant = mutate(name, seed, base())
            if mutant is None:
                continue
            for finding in diff(mutant.start or base(), mutant.declaration).findings:
                if finding.severity is Severity.BREAKING:
                    assert finding.breaks in (Breaks.OLD_GUEST, Breaks.BOTH), finding
                if finding.severity is Severity.COMPATIBLE:
                    assert finding.breaks in (Breaks.NEW_GUEST, Breaks.NONE), finding
