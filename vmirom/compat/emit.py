"""Makes findings: what the rulebook says of a rule, unless the change at hand is milder or worse."""

from __future__ import annotations

from vmirom.compat.findings import Breaks, Finding, Severity
from vmirom.compat.rulebook import RULES

__all__ = ["found"]


def found(
    rule: str,
    place: str,
    old: object | None,
    new: object | None,
    *,
    severity: Severity | None = None,
    breaks: Breaks | None = None,
    why: str = "",
) -> Finding:
    """A finding of ``rule`` (KeyError for one that isn't in the book). ``why`` comes before the rule's own
    explanation; a severity below the rule's needs a ``breaks`` that goes with it."""
    info = RULES[rule]
    text = f"{why[0].upper()}{why[1:]}. {info.explanation}" if why else info.explanation
    return Finding(
        rule,
        severity or info.severity,
        place,
        None if old is None else str(old),
        None if new is None else str(new),
        text,
        breaks or info.breaks,
    )
