"""A call that contradicts itself is refused where it is declared."""

from collections.abc import Callable
from typing import Any

import pytest

from vmirom.schema import (
    Argument,
    Call,
    Hypercall,
    Line,
    Result,
    SchemaError,
    function,
    group,
    jump,
    procedure,
    resolve,
)
from vmirom.schema.types import C_TYPES, width

VALUE = Argument("value", "UINT32", "EAX")
GOOD: dict[str, Any] = {"doc": "Promises."}

REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "no doc": (lambda: procedure(1, "A", doc=" "), "call A: no doc says what is promised"),
    "number": (lambda: procedure(-1, "A", **GOOD), "call A: number -1 is not"),
    "name": (lambda: procedure(1, "a b", **GOOD), "call a b: name 'a b' is not of the form"),
    "keyword": (lambda: procedure(1, "int", **GOOD), "call int: name 'int' is a C keyword"),
    "type": (lambda: procedure(1, "A", Argument("x", "ULONG", "EAX"), **GOOD), "call A: type 'ULONG' is not"),
    "register": (lambda: procedure(1, "A", Argument("x", "UINT32", "ESP"), **GOOD), "'ESP' is neither"),
    "no register": (lambda: procedure(1, "A", Argument("x", "UINT32", ""), **GOOD), "'' is neither"),
    "pair of itself": (lambda: procedure(1, "A", Argument("x", "UINT64", "EAX:EAX"), **GOOD), "is neither"),
    "narrow": (lambda: procedure(1, "A", Argument("x", "UINT64", "EAX"), **GOOD), "UINT64 of 64 bits in EAX"),
    "wide": (lambda: procedure(1, "A", Argument("x", "UINT32", "EDX:EAX"), **GOOD), "32 bits in EDX:EAX"),
    "twice": (
        lambda: procedure(1, "A", VALUE, Argument("y", "UINT32", "EAX"), **GOOD),
        "EAX holds both value and y",
    ),
    "stack twice": (
        lambda: procedure(1, "A", Argument("x", "CYCLES", "st0"), Argument("y", "UINT32", "st1"), **GOOD),
        "st1 holds both x and y",
    ),
    "stack gap": (
        lambda: procedure(1, "A", Argument("x", "UINT32", "st1"), **GOOD),
        r"stack words \[1\] leave a gap",
    ),
    "same name": (
        lambda: procedure(1, "A", VALUE, Argument("value", "UINT32", "EDX"), **GOOD),
        "two arguments have the same name",
    ),
    "clobber": (lambda: procedure(1, "A", clobbers=("AX",), **GOOD), "clobber 'AX' is neither"),
    "stack clobbered": (lambda: procedure(1, "A", clobbers=("ESP",), **GOOD), "clobber 'ESP' is neither"),
    "segment": (
        lambda: procedure(1, "A", segments=("FS",), **GOOD),
        "segment 'FS' is not one of CS SS DS ES",
    ),
    "result": (lambda: function(1, "A", returns=Result("r", "UINT64", "EAX"), **GOOD), "64 bits in EAX"),
    "two results": (
        lambda: procedure(
            1, "A", outputs=(Result("r", "UINT32", "EAX"), Result("s", "UINT32", "EAX")), **GOOD
        ),
        "EAX carries two results",
    ),
    "clause": (lambda: procedure(1, "A", clauses=("IRQ-1",), **GOOD), "clause 'IRQ-1' is not of the form"),
    "version": (lambda: procedure(1, "A", since="three", **GOOD), "version 'three' is not of the form"),
    "hypercall": (lambda: Hypercall(1, "A", (VALUE, VALUE)), "hypercall A: EAX holds both"),
    "feature's form": (lambda: Hypercall(1, "A", when=("PV",)), "hypercall A: when 'PV' is not of the form"),
    "feature twice": (
        lambda: Hypercall(1, "A", when=("F.X", "F.X")),
        "hypercall A, when: name 'F.X' is used",
    ),
    "feature unknown": (
        lambda: resolve(Line("zq", "zq", ("1.0",), "Zq.", hypercalls=(Hypercall(1, "A", when=("F.X",)),))),
        "hypercall A: when F.X is not a feature that is declared",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    declare, rule = REFUSED[case]
    with pytest.raises(SchemaError, match=rule) as caught:
        declare()
    assert "\n" not in str(caught.value)


def _line(*calls: Call, **more: Any) -> Line:
    return Line("x", "x", ("3.0",), "A line.", calls=calls, **more)


def test_number_used_twice() -> None:
    with pytest.raises(SchemaError, match="line x: number 1 is used by A and B"):
        resolve(_line(procedure(1, "A", **GOOD), procedure(1, "B", **GOOD)))


@pytest.mark.parametrize(("second", "rule"), [("A", "'A' is used twice"), ("a", "differ by case only")])
def test_name_used_twice(second: str, rule: str) -> None:
    with pytest.raises(SchemaError, match=rule):
        resolve(_line(procedure(1, "A", **GOOD), procedure(2, second, **GOOD)))


def test_a_number_may_be_taken_over_by_no_later_version() -> None:
    line = Line(
        "x",
        "x",
        ("3.0", "3.1"),
        "A line.",
        calls=(procedure(1, "A", **GOOD), procedure(1, "B", since="3.1", **GOOD)),
    )
    assert [call.name for call in resolve(line, "3.0").calls] == ["A"]
    with pytest.raises(SchemaError, match="number 1 is used by A and B"):
        resolve(line, "3.1")


def test_unknown_version_lists_the_known_ones() -> None:
    with pytest.raises(SchemaError, match=r"line x has no version 4\.0 \(it has 3\.0\)"):
        resolve(_line(procedure(1, "A", **GOOD)), "4.0")


def test_a_contract_is_whole_or_absent() -> None:
    published = procedure(1, "A", **GOOD)
    fields = {name: getattr(published, name) for name in Call.__slots__}
    with pytest.raises(SchemaError, match="published whole or not at all"):
        Call(**(fields | {"clobbers": None}))


def test_groups_mark_their_calls() -> None:
    (call,) = group("cpu", procedure(1, "A", **GOOD))
    assert call.group == "cpu"


def test_docs_lose_their_line_breaks() -> None:
    assert jump(1, "A", doc="Goes\n        away.").doc == "Goes away."


def test_every_type_has_a_width_and_c_type() -> None:
    for name, (ctype, bits) in C_TYPES.items():
        assert width(name) == bits
        assert ctype in ("u8", "u16", "u32", "u64", "s32")
    assert width("anything *") == 32
    assert Argument("p", "LONG_PTE *", "EAX").ctype == "u32"
    assert Argument("p", "LONG_PTE", "EDX:EAX").ctype == "u64"
