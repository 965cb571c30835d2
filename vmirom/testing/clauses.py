"""Clauses as tests name them: which ids there are, and what a run says of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from vmirom.schema.clauses import load_clauses

__all__ = ["summary", "unknown"]

_WORDS: Final = {"failed": "FAILED", "passed": "passed", "skipped": "skipped"}


def unknown(names: Iterable[str]) -> str:
    """Why one of ``names`` is no clause of the ABI, in one line; empty if all are. Raises AbiError."""
    known = load_clauses().clauses
    for name in names:
        if name not in known:
            area = sorted(other for other in known if other.split("-")[:2] == name.split("-")[:2])
            hint = f"its area has {area[0]} to {area[-1]}" if area else "'vmirom conform --list' shows all"
            return f"clause {name!r} is not declared; {hint}"
    return ""


def summary(reports: Sequence[Any], clause: str, boot: str) -> Iterator[str]:
    """One line a clause, the failed ones first, and one a backend. ``clause`` and ``boot`` are the names of
    the properties that tell of them."""
    whole = {report.nodeid: report for report in _ends(reports)}
    told: dict[str, Counter[str]] = {}
    where: dict[str, set[str]] = {}
    boots: dict[str, Counter[str]] = {}
    for report in whole.values():
        places = [value for name, value in report.user_properties if name == boot]
        for name in dict.fromkeys(value for key, value in report.user_properties if key == clause):
            told.setdefault(name, Counter())[report.outcome] += 1
            where.setdefault(name, set()).update(place.partition(":")[0] for place in places)
        for place in places:
            label, _, outcome = place.partition(": ")
            boots.setdefault(label, Counter())[outcome] += 1
    order = sorted(told, key=lambda name: (not told[name]["failed"], name))
    for name in order:
        counts = told[name]
        state = next(word for key, word in _WORDS.items() if counts[key])
        numbers = ", ".join(f"{counts[key]} {key}" for key in ("passed", "failed", "skipped") if counts[key])
        on = f" on {', '.join(sorted(where[name]))}" if where[name] else ""
        yield f"{name:12} {state:7} ({numbers}{on})"
    for label in sorted(boots):
        ends = ", ".join(f"{count} {outcome}" for outcome, count in sorted(boots[label].items()))
        yield f"{label}: {ends}"


def _ends(reports: Iterable[Any]) -> Iterator[Any]:
    """The report that decides each test: its call, or the phase that failed or skipped it; the worst last."""
    rank = {"passed": 0, "skipped": 1, "failed": 2}
    seen = [r for r in reports if r.outcome in rank and (r.when == "call" or r.outcome != "passed")]
    yield from sorted(seen, key=lambda report: rank[report.outcome])
