"""Compatibility of paravirt ABIs as a library: load declarations, compare them, check one by itself.

    from vmirom.compat import diff, lint, load

    report = diff(load("vmi3@3.0"), load("mine.lock.json"))
    for finding in report.findings:
        print(finding.severity.value, finding.rule, finding.place, finding.breaks.value)

``load`` takes a line (``vmi3@3.1``), a lock, a ROM or a guest, and gives a ``Declaration``: frozen values
(calls, structs, enumerations, mechanism, identity, clauses). ``diff`` gives a ``Report`` of findings;
``RULES`` and ``LINT_RULES`` explain every rule by id. What can't be read raises ``CompatError``, one line.
The command line uses this and nothing else.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from vmirom.compat.diff import diff
from vmirom.compat.errors import CompatError
from vmirom.compat.findings import Breaks, Finding, Identity, Report, RuleInfo, Severity, worst
from vmirom.compat.load import from_bytes, from_resolved, from_tree, load
from vmirom.compat.matching import match_calls
from vmirom.compat.model import (
    Call,
    Clause,
    Declaration,
    Dispatch,
    Enumeration,
    Field,
    Layout,
    Mechanism,
    Value,
)
from vmirom.compat.rulebook import RULES, rule

if TYPE_CHECKING:
    from vmirom.compat.lint_rules import LINT_RULES
    from vmirom.compat.linting import lint

__all__ = [
    "LINT_RULES",
    "RULES",
    "Breaks",
    "Call",
    "Clause",
    "CompatError",
    "Declaration",
    "Dispatch",
    "Enumeration",
    "Field",
    "Finding",
    "Identity",
    "Layout",
    "Mechanism",
    "Report",
    "RuleInfo",
    "Severity",
    "Value",
    "diff",
    "from_bytes",
    "from_resolved",
    "from_tree",
    "lint",
    "load",
    "match_calls",
    "rule",
    "worst",
]

_LATER = {"LINT_RULES": "lint_rules", "lint": "linting"}
"""What most uses don't need, by the module in which it stands."""


def __getattr__(name: str) -> Any:
    """Names that are imported when they are first asked for."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = found
    return found
