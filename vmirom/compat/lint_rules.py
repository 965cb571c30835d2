"""Every rule of the check of one declaration by itself.

Severities: BREAKING is a defect, by which two readers of the declaration would build sides that don't fit;
RISKY wants somebody to look; COMPATIBLE is a remark.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from vmirom.compat.findings import Breaks, RuleInfo, Severity

__all__ = ["LINT_RULES"]


def _defect(rule: str, title: str, explanation: str) -> RuleInfo:
    return RuleInfo(rule, title, Severity.BREAKING, Breaks.BOTH, explanation)


def _doubt(rule: str, title: str, explanation: str) -> RuleInfo:
    return RuleInfo(rule, title, Severity.RISKY, Breaks.NONE, explanation)


def _remark(rule: str, title: str, explanation: str) -> RuleInfo:
    return RuleInfo(rule, title, Severity.COMPATIBLE, Breaks.NONE, explanation)


_RULES = (
    _defect("argument-unbound", "Argument bound to nothing", "Guest and ROM can't know where it is passed."),
    _defect("result-unbound", "Result bound to nothing", "The guest can't know where to find it."),
    _defect(
        "result-bound-twice",
        "Two results bound to one variable",
        "One of them overwrites the other, and a third is never written.",
    ),
    _defect("result-place-shared", "Two results in one place", "A register carries one value."),
    _defect("argument-place-shared", "Two arguments in one place", "A register or word carries one value."),
    _defect("argument-name-twice", "Two arguments with one name", "One can't be told from the other."),
    _defect(
        "place-width", "Value doesn't fit its place", "64 bits take a pair of registers, less takes one."
    ),
    _defect("stack-gap", "Stack words leave a gap", "Arguments lie on the stack one after the other."),
    _defect(
        "type-unknown", "Type isn't known", "Its width can't be told, so nothing about it can be checked."
    ),
    _doubt(
        "input-clobbered",
        "Input is lost over the call",
        "The register carries an argument, isn't among those that every call destroys, and doesn't come back "
        "as a result: who calls by hand expects it preserved.",
    ),
    _defect("kind-result", "Kind and result disagree", "A function has a result; others have none."),
    _defect(
        "gate-unknown",
        "Feature isn't declared",
        "The call is there only with a feature, and nobody can ask for one that no enumeration has.",
    ),
    _doubt("contract-partial", "Contract in parts", "Some parts are stated and others not."),
    _remark("contract-unpublished", "Contract not published", "The number is taken; nobody can rely on it."),
    _defect("number-shared", "Number used twice", "Two calls answer to one number."),
    _defect("name-shared", "Name used twice", "Two calls can't be told apart."),
    _remark(
        "number-gap", "Gap in the numbers", "A number is free between others: it was removed, or forgotten."
    ),
    _defect("slot-outside", "Call has no slot", "Its number lies outside the table of slots."),
    _defect("flags-overlap", "Flags overlap", "One bit has two names, so one of the meanings is lost."),
    _defect("flag-bit-shared", "Flags of two kinds share a bit", "Both kinds meet in one argument."),
    _remark(
        "flag-bit-ambiguous",
        "Flag bit means two things",
        "Two kinds of flags, each taken together with a third, share a bit: only the call says which it is.",
    ),
    _doubt("value-shared", "Value has two names", "Which of the two is meant can't be told from the value."),
    _doubt("values-unknown", "Enumeration isn't declared", "The values an argument takes are not listed."),
    _defect("fields-overlap", "Fields overlap", "Two fields share bytes."),
    _doubt(
        "padding-implicit", "Implicit padding", "Bytes between fields have no name, so nobody keeps them."
    ),
    _defect("size-wrong", "Size and fields disagree", "Fields lie beyond the end of the struct."),
    _remark(
        "field-unaligned",
        "Field isn't aligned",
        "A C struct that isn't packed would put it elsewhere; declare it packed.",
    ),
    _remark(
        "layout-differs",
        "C would lay it out otherwise",
        "Without packing, a compiler makes the struct of another size: both sides must declare it packed.",
    ),
    _defect("struct-cycle", "Struct contains itself", "It would have no size."),
    _doubt(
        "struct-unknown", "Struct isn't declared", "A field or argument is of a struct that is not there."
    ),
    _doubt("clause-without-call", "Clause binds no call", "It names a call, and no such call is declared."),
    _doubt("call-without-clause", "Call without a clause", "Nothing that can be checked is promised of it."),
    _doubt("clause-unknown", "Clause isn't declared", "A call names a clause that is not there."),
    _defect("clause-empty", "Clause says nothing", "It has no text."),
    _doubt("doc-missing", "Doc is missing", "Nothing says what the call is for."),
)

LINT_RULES: Mapping[str, RuleInfo] = MappingProxyType({info.id: info for info in _RULES})
"""Rules by id."""
