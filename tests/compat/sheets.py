"""Sheets for tests: hypothesis strategies over everything that a finding may hold."""

from hypothesis import strategies as st

from vmirom.compat.findings import Breaks, Finding, Identity, Severity
from vmirom.compat.formats import Entry, Section, Settled, Sheet, Spot
from vmirom.compat.rulebook import RULES

TEXTS = st.text(max_size=40)
ANYTHING = st.text(alphabet=st.characters(), max_size=30)
"""Lone surrogates and control characters included: names of files and values of locks may hold them."""

FINDINGS = st.builds(
    Finding,
    rule=st.sampled_from(sorted(RULES)),
    severity=st.sampled_from(Severity),
    place=ANYTHING,
    old=st.none() | ANYTHING,
    new=st.none() | ANYTHING,
    why=ANYTHING,
    breaks=st.sampled_from(Breaks),
)
SPOTS = st.builds(Spot, file=ANYTHING, line=st.integers(1, 10**6))
ENTRIES = st.builds(
    Entry,
    finding=FINDINGS,
    spot=st.none() | SPOTS,
    settled=st.none() | st.sampled_from(Settled),
    reason=ANYTHING,
)
IDENTITIES = st.builds(Identity, line=TEXTS, version=TEXTS, source=ANYTHING)
SECTIONS = st.builds(
    Section,
    left=IDENTITIES,
    right=IDENTITIES,
    entries=st.lists(ENTRIES, max_size=5).map(tuple),
    notes=st.lists(ANYTHING, max_size=2).map(tuple),
)
SHEETS = st.builds(
    Sheet,
    command=st.sampled_from(["abi diff", "abi check"]),
    sections=st.lists(SECTIONS, max_size=3).map(tuple),
)


def finding(**changes: object) -> Finding:
    """An ordinary breaking finding."""
    facts: dict[str, object] = {
        "rule": "argument-moved",
        "severity": Severity.BREAKING,
        "place": "call/SetPxE/argument/ptep",
        "old": "EDX",
        "new": "ECX",
        "why": "The other side looks for the value in another register.",
        "breaks": Breaks.BOTH,
    }
    return Finding(**{**facts, **changes})  # type: ignore[arg-type]


def sheet(*entries: Entry, notes: tuple[str, ...] = ()) -> Sheet:
    """One comparison of two versions of vmi3."""
    left, right = Identity("vmi3", "3.0", "a.json"), Identity("vmi3", "3.1", "abi")
    return Sheet("abi diff", (Section(left, right, entries, notes),))
