"""Compares two declarations: every change one finding, the worst first."""

from __future__ import annotations

from collections.abc import Iterator

from vmirom.compat.diff_calls import call_findings
from vmirom.compat.diff_enums import enum_findings
from vmirom.compat.diff_layout import header_findings, struct_findings, told_by_calls
from vmirom.compat.diff_mechanism import (
    identity_findings,
    mechanism_findings,
    version_findings,
    version_key,
)
from vmirom.compat.diff_semantics import binding_findings, clause_findings
from vmirom.compat.findings import Finding, Report
from vmirom.compat.matching import Matching, match_calls
from vmirom.compat.model import Declaration, Dispatch
from vmirom.compat.naming import Naming, naming

__all__ = ["diff"]


def diff(left: Declaration, right: Declaration) -> Report:
    """What changed from ``left``, the old side, to ``right``, the new one.

    Within one line numbers are the same numbers and versions must tell what changed. Across lines calls
    are found by name, and versions mean nothing to each other; a note says so.
    """
    same_line = left.line == right.line
    names = naming(left, right)
    matching = match_calls(left.calls, names.calls(right.calls), numbered=same_line)
    findings = list(_content(left, right, matching, names))
    if same_line:
        findings += version_findings(left, right, findings)
    findings.sort(key=lambda each: (-each.severity.rank, each.place, each.rule))
    return Report(left.name, right.name, tuple(findings), tuple(_notes(left, right, matching)))


def _content(left: Declaration, right: Declaration, matching: Matching, names: Naming) -> Iterator[Finding]:
    same_line = left.line == right.line
    unstated = left.unstated | right.unstated
    yield from mechanism_findings(left.mechanism, right.mechanism)
    yield from identity_findings(left.identity, right.identity)
    if "calls" not in unstated:
        yield from call_findings(matching, same_line, names)
    if "structs" not in unstated:
        told = told_by_calls(left.calls), told_by_calls(right.calls)
        yield from header_findings(left.header, names.layout(right.header), names)
        yield from struct_findings(left.structs, names.layouts(right.structs), names, told)
    if "enums" not in unstated:
        yield from enum_findings(left.enums, right.enums, right.calls)
    if left.clauses is not None and right.clauses is not None:
        yield from clause_findings(left.clauses, right.clauses, matching)
        if same_line:
            yield from binding_findings(left.clauses, right.clauses, matching.pairs)


def _notes(left: Declaration, right: Declaration, matching: Matching) -> Iterator[str]:
    yield from left.notes
    if right.notes != left.notes:
        yield from right.notes
    if left.line != right.line:
        yield f"across lines: {left.line} and {right.line} are compared by name, their versions are not"
    elif version_key(right.version) < version_key(left.version):
        yield f"backwards: {right.version} is older than {left.version}; no bump is judged"
    if (left.clauses is None) != (right.clauses is None):
        silent = left if left.clauses is None else right
        yield f"{silent.source} states no clauses; promises are not compared"
    for side in (left, right):
        if side.unstated:
            parts = " and ".join(sorted(side.unstated))
            yield f"{side.source} says nothing of {parts}; they are not compared"
    stated = [each.mechanism.dispatch is not Dispatch.UNSTATED for each in (left, right)]
    if any(stated) and not all(stated):
        yield "one side doesn't say how calls are reached; that is not compared"
    for pair in matching.pairs:
        if pair.reason:
            yield f"{pair.old.name} is taken for {pair.new.name}: {pair.reason}"
