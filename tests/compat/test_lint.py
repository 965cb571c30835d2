"""Defects of one declaration: those of the published 6.1 list by themselves, and each rule by a case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.compat.bases import LINES, base
from vmirom.compat import (
    LINT_RULES,
    Call,
    Clause,
    Declaration,
    Dispatch,
    Enumeration,
    Field,
    Layout,
    Mechanism,
    Severity,
    Value,
    lint,
)

ALL = frozenset(("CS", "SS", "DS", "ES"))
STD = frozenset(("EAX", "ECX", "EDX", "flags"))


def test_the_real_defects_of_6_1() -> None:
    found = {(f.rule, f.place) for f in lint(base("vmi6@6.1")).findings if f.severity is Severity.BREAKING}
    names = ["SetDeferredMode", "Reboot", "OUT_20", "OUT_21", "OUT_a0", "OUT_a1"]
    values = {"SetDeferredMode": "deferBits", "Reboot": "how"}
    assert found == {
        ("result-bound-twice", "call/CPUID/result/c"),
        *(("argument-unbound", f"call/{name}/argument/{values.get(name, 'val')}") for name in names),
    }


def test_the_real_defect_of_13_0() -> None:
    found = [(f.rule, f.new) for f in lint(base("vmi13@13.0")).findings if f.severity is Severity.BREAKING]
    assert found == [("flags-overlap", "PAE and PDP are 0x4")]


@pytest.mark.parametrize("name", ["vmi3@3.0", "vmi3@3.1", "native", "kvm", "xen", "lguest"])
def test_what_is_executed_has_none(name: str) -> None:
    assert {f.severity for f in lint(base(name)).findings} <= {Severity.COMPATIBLE}


def one(*arguments: Value, results: tuple[Value, ...] = (), **parts: object) -> Call:
    kind = "function" if results else "procedure"
    call = Call(1, "Zq", kind, arguments, results, STD, ALL, None, "Says.")
    return replace(call, **parts)  # type: ignore[arg-type]


def of(*calls: Call, **parts: object) -> Declaration:
    return replace(Declaration("zq", "1.0", "zq", calls), **parts)  # type: ignore[arg-type]


def layout(*fields: Field, size: int) -> Declaration:
    return of(one(), structs=(Layout("vmi_zq", size, fields),))


A, B_ = Value("a", "UINT32", "EAX"), Value("b", "UINT32", "EDX")
FLAGS = Enumeration("F", (("X", 1), ("Y", 2)), flags=True)
CASES: dict[str, Declaration] = {
    "argument-unbound": of(one(Value("a", "UINT32", ""))),
    "result-unbound": of(one(results=(Value("a", "UINT32", ""),))),
    "result-bound-twice": of(one(results=(A, Value("a", "UINT32", "EDX")))),
    "result-place-shared": of(one(results=(A, Value("b", "UINT32", "EAX")))),
    "argument-place-shared": of(one(A, Value("b", "UINT32", "EAX"))),
    "argument-name-twice": of(one(A, Value("a", "UINT32", "EDX"))),
    "place-width": of(one(Value("a", "UINT64", "EAX"))),
    "stack-gap": of(one(Value("a", "UINT32", "st1"))),
    "type-unknown": of(one(Value("a", "gizmo", "EAX"))),
    "input-clobbered": of(
        one(),
        one(number=2, name="Zr"),
        one(Value("a", "UINT32", "EBX"), clobbers=STD | {"EBX"}, number=3, name="Zs"),
    ),
    "kind-result": of(one(kind="function")),
    "gate-unknown": of(one(when=("F.Z",)), enums=(FLAGS,)),
    "contract-partial": of(one(clobbers=None)),
    "contract-unpublished": of(one(kind=None, arguments=None, results=None, clobbers=None, segments=None)),
    "number-shared": of(one(), one(name="Zr")),
    "name-shared": of(one(), one(number=2)),
    "number-gap": of(one(), one(number=3, name="Zr")),
    "slot-outside": of(one(), mechanism=Mechanism(Dispatch.SLOTS, 32, 128, 4, 0)),
    "flag-bit-ambiguous": of(
        one(Value("a", "UINT32", "EAX", ("F", "G"))),
        one(Value("a", "UINT32", "EAX", ("F", "H")), number=2, name="Zr"),
        enums=(
            FLAGS,
            Enumeration("G", (("Z", 16),), flags=True),
            Enumeration("H", (("W", 16),), flags=True),
        ),
    ),
    "flags-overlap": of(one(), enums=(Enumeration("F", (("X", 1), ("Y", 1)), flags=True),)),
    "flag-bit-shared": of(
        one(Value("a", "UINT32", "EAX", ("F", "G"))), enums=(FLAGS, Enumeration("G", (("Z", 2),), flags=True))
    ),
    "value-shared": of(one(), enums=(Enumeration("E", (("X", 0), ("Y", 1), ("Z", 1))),)),
    "values-unknown": of(one(Value("a", "UINT32", "EAX", ("Nowhere",)))),
    "fields-overlap": layout(Field("a", 0, 4, "u32"), Field("b", 2, 4, "u32"), size=6),
    "padding-implicit": layout(Field("a", 0, 2, "u16"), Field("b", 4, 4, "u32"), size=8),
    "size-wrong": layout(Field("a", 0, 4, "u32"), size=2),
    "field-unaligned": layout(Field("a", 0, 2, "u16"), Field("b", 2, 4, "u32"), size=6),
    "layout-differs": layout(Field("a", 0, 4, "u32"), Field("b", 4, 1, "u8"), size=5),
    "struct-cycle": layout(Field("a", 0, 4, "struct vmi_zq"), size=4),
    "struct-unknown": layout(Field("a", 0, 4, "struct vmi_zr"), size=4),
    "clause-without-call": of(one(), clauses=(Clause("VMI-Q-01", "Says.", "ROM", calls=("Nobody",)),)),
    "call-without-clause": of(one(clauses=frozenset()), clauses=()),
    "clause-unknown": of(one(clauses=frozenset(("VMI-Q-01",))), clauses=()),
    "clause-empty": of(one(), clauses=(Clause("VMI-Q-01", " ", "ROM"),)),
    "doc-missing": of(one(doc=" ")),
}


NEAR: dict[str, Declaration] = {
    "argument-unbound": of(one(Value("a", "UINT32", "st0"))),
    "result-unbound": of(one(results=(Value("a", "UINT32", "EBX"),))),
    "result-bound-twice": of(one(results=(A, Value("a2", "UINT32", "EDX")))),
    "result-place-shared": of(one(results=(A, Value("b", "UINT32", "ECX")))),
    "argument-place-shared": of(
        one(
            Value("a", "UINT64", "EDX:EAX"),
            Value("b", "UINT32", "ECX"),
            Value("c", "UINT64", "st0"),
            Value("d", "UINT32", "st2"),
        )
    ),
    "argument-name-twice": of(one(A, B_, results=(Value("a", "UINT32", "EAX"),))),
    "place-width": of(
        one(Value("a", "UINT64", "EDX:EAX"), Value("b", "UINT64", "st0")),
        one(Value("a", "UINT64", "RDI"), number=2, name="Zr"),
    ),
    "stack-gap": of(one(Value("a", "UINT64", "st0"), Value("b", "UINT32", "st2"))),
    "type-unknown": of(one(Value("a", "gizmo *", "EAX"))),
    "input-clobbered": of(
        one(),
        one(number=2, name="Zr"),
        one(Value("a", "UINT32", "EAX"), number=3, name="Zs"),
        one(
            Value("a", "UINT32", "EDI"),
            number=4,
            name="Zt",
            clobbers=STD | {"EDI"},
            kind="function",
            results=(Value("a", "UINT32", "EDI"),),
        ),
    ),
    "kind-result": of(one(results=(A,))),
    "contract-partial": of(
        one(), one(number=2, name="Zr", kind=None, arguments=None, results=None, clobbers=None, segments=None)
    ),
    "contract-unpublished": of(one(clobbers=frozenset(), segments=frozenset())),
    "number-shared": of(one(), one(number=2, name="Zr")),
    "name-shared": of(one(), one(number=2, name="ZQ")),
    "number-gap": of(one(number=7), one(number=8, name="Zr")),
    "slot-outside": of(
        one(number=4), one(number=127, name="Zr"), mechanism=Mechanism(Dispatch.SLOTS, 32, 128, 4, 0)
    ),
    "flags-overlap": of(
        one(), enums=(Enumeration("F", (("X", 1), ("Y", 2), ("XY", 3), ("NO", 0)), flags=True),)
    ),
    "flag-bit-shared": of(
        one(Value("a", "UINT32", "EAX", ("F",)), Value("b", "UINT32", "EDX", ("G",))),
        enums=(FLAGS, Enumeration("G", (("Z", 2),), flags=True)),
    ),
    "flag-bit-ambiguous": of(
        one(Value("a", "UINT32", "EAX", ("F", "G"))),
        one(Value("a", "UINT32", "EAX", ("H",)), number=2, name="Zr"),
        enums=(
            FLAGS,
            Enumeration("G", (("Z", 16),), flags=True),
            Enumeration("H", (("W", 16),), flags=True),
        ),
    ),
    "value-shared": of(one(), enums=(Enumeration("E", (("PORT", 0x3F8), ("SIZE", 0x3F8)), flags=False),)),
    "values-unknown": of(one(Value("a", "UINT32", "EAX", ("F",))), enums=(FLAGS,)),
    "fields-overlap": layout(Field("a", 0, 4, "u32"), Field("b", 4, 4, "u32"), size=8),
    "padding-implicit": layout(
        Field("a", 0, 2, "u16"), Field("gap", 2, 2, "u8", 2, reserved=True), Field("b", 4, 4, "u32"), size=8
    ),
    "size-wrong": layout(Field("a", 0, 4, "u32"), size=4),
    "field-unaligned": layout(Field("a", 0, 4, "u32"), Field("b", 4, 8, "u64"), size=12),
    "layout-differs": layout(Field("a", 0, 1, "u8"), Field("b", 1, 1, "u8"), size=2),
    "struct-cycle": of(
        one(),
        structs=(
            Layout("vmi_zq", 4, (Field("a", 0, 4, "struct vmi_zr"),)),
            Layout("vmi_zr", 4, (Field("a", 0, 4, "u32"),)),
        ),
    ),
    "struct-unknown": of(
        one(Value("a", "vmi_zq *", "EAX")), structs=(Layout("vmi_zq", 4, (Field("a", 0, 4, "u32"),)),)
    ),
    "clause-without-call": of(one(), clauses=(Clause("VMI-Q-01", "Says.", "ROM", calls=("Zq", "Nobody")),)),
    "call-without-clause": of(
        one(clauses=frozenset(("VMI-Q-01",))), clauses=(Clause("VMI-Q-01", "Says.", "ROM"),)
    ),
    "clause-unknown": of(
        one(clauses=frozenset(("VMI-Q-01",))), clauses=(Clause("VMI-Q-01", "Says.", "ROM"),)
    ),
    "clause-empty": of(one(), clauses=(Clause("VMI-Q-01", ".", "ROM"),)),
    "gate-unknown": of(one(when=("F.Y",)), enums=(FLAGS,)),
    "doc-missing": of(one(doc=None), one(number=2, name="Zr", doc="Does.")),
}
"""For each rule what is nearly the defect, and is none."""


@pytest.mark.parametrize("rule", sorted(CASES))
def test_each_rule_by_a_case(rule: str) -> None:
    findings = lint(CASES[rule]).findings
    assert rule in {f.rule for f in findings}
    assert all(f.severity is LINT_RULES[f.rule].severity for f in findings)


@pytest.mark.parametrize("rule", sorted(NEAR))
def test_what_is_nearly_a_defect_is_none(rule: str) -> None:
    assert rule not in {f.rule for f in lint(NEAR[rule]).findings}


def test_every_rule_has_a_case_and_a_near_miss() -> None:
    assert set(CASES) == set(NEAR) == set(LINT_RULES)


def test_the_bits_that_mean_two_things_in_3_0() -> None:
    """PAE and CLONE of page types, CURRENT_AS and DEFER of page-table updates: known, and remarked."""
    found = {f.new for f in lint(base("vmi3@3.0")).findings if f.rule == "flag-bit-ambiguous"}
    assert found == {
        "AllocFlag.PAE and PteFlag.CURRENT_AS are both 0x10, each beside PageType",
        "AllocFlag.CLONE and PteFlag.DEFER are both 0x20, each beside PageType",
    }


def test_a_sound_declaration_has_no_finding() -> None:
    sound = of(
        one(A, B_, results=(Value("r", "UINT64", "EDX:EAX"),)),
        one(Value("a", "UINT32", "EDI"), number=2, name="Zr", clobbers=STD | {"EDI"},
            kind="function", results=(Value("a", "UINT32", "EDI"),)),
        enums=(FLAGS, Enumeration("Mask", (("X", 1), ("Y", 2), ("BOTH", 3)), flags=True)),
        structs=(Layout("vmi_zq", 8, (Field("a", 0, 4, "u32"), Field("b", 4, 4, "u32"))),),
    )  # fmt: skip
    assert lint(sound).findings == ()


@pytest.mark.parametrize("name", LINES)
def test_both_sides_of_the_report_are_the_declaration(name: str) -> None:
    report = lint(base(name))
    assert report.left == report.right == base(name).name
