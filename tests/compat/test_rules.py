"""Rules that need a case of their own, and the published history: what its authors broke, and how."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.compat.bases import base
from vmirom.compat import (
    RULES,
    Breaks,
    Call,
    Declaration,
    Enumeration,
    Field,
    Finding,
    Report,
    Severity,
    Value,
    diff,
    from_bytes,
)
from vmirom.compat.assemble import assemble
from vmirom.compat.natures import type_change

B, R, C = Severity.BREAKING, Severity.RISKY, Severity.COMPATIBLE


def only(report: Report) -> Finding:
    assert len(report.findings) == 1, report.findings
    return report.findings[0]


def changed(name: str, **parts: object) -> Declaration:
    """3.1 with one call changed, as version 4.0."""
    start = base()
    calls = tuple(replace(c, **parts) if c.name == name else c for c in start.calls)  # type: ignore[arg-type]
    return replace(start, calls=calls, version="4.0")


def at(report: Report, place: str) -> dict[str, Severity]:
    return {
        f.rule: f.severity for f in report.findings if f.place == place or f.place.startswith(f"{place}/")
    }


def call(d: Declaration, name: str) -> Call:
    return next(c for c in d.calls if c.name == name)


def test_versions_must_tell_what_changed() -> None:
    start = base()
    fewer = replace(start, calls=start.calls[:-1])
    assert [f.rule for f in diff(start, fewer).findings] == ["call-removed", "version-not-bumped"]
    assert diff(start, replace(fewer, version="3.2")).findings[-1].rule == "version-not-bumped"
    assert only(diff(start, replace(fewer, version="4.0"))).rule == "call-removed"


def test_an_addition_needs_a_minor() -> None:
    start = base()
    fewer = replace(start, calls=start.calls[:-1])
    report = diff(fewer, start)
    assert {f.rule: f.severity for f in report.findings} == {"call-added": C, "version-not-bumped": R}
    assert only(diff(fewer, replace(start, version="3.2"))).rule == "call-added"


def test_a_major_for_nothing_is_told() -> None:
    finding = only(diff(base(), replace(base(), version="4.0")))
    assert (finding.rule, finding.severity, finding.breaks) == ("version-overbumped", R, Breaks.OLD_GUEST)


def test_a_rename_needs_no_bump() -> None:
    start = base()
    calls = tuple(replace(c, name="SetCR3Root") if c.name == "SetCR3" else c for c in start.calls)
    assert only(diff(start, replace(start, calls=calls))).rule == "call-renamed"


def test_backwards_no_bump_is_judged() -> None:
    report = diff(base("vmi3@3.1"), base("vmi3@3.0"))
    assert any("backwards" in note for note in report.notes)
    assert not [f for f in report.findings if f.rule.startswith("version")]


@pytest.mark.parametrize(
    ("values", "rule", "severity"),
    [
        (("Answer", "Zq"), "result-values", R),
        ((), "result-values", R),
        (("Zq",), "result-meaning", B),
    ],
)
def test_values_that_a_guest_is_given(values: tuple[str, ...], rule: str, severity: Severity) -> None:
    result = Value("answer", "UINT32", "EAX", values)
    finding = only(
        diff(
            base(),
            replace(changed("GetCallInfo", results=(result,)), version="3.2" if severity is R else "4.0"),
        )
    )
    assert (finding.rule, finding.severity) == (rule, severity)


def test_a_fixed_header_value_that_is_no_identity() -> None:
    start = base()
    assert start.header is not None
    fields = tuple(replace(f, const=9) if f.name == "rom_length" else f for f in start.header.fields)
    new = replace(start, header=replace(start.header, fields=fields), version="3.2")
    finding = only(diff(start, new))
    assert (finding.rule, finding.severity, finding.place) == ("header-field-const", R, "header/rom_length")
    again = tuple(replace(f, const=8) if f.name == "rom_length" else f for f in start.header.fields)
    worse = replace(new, header=replace(start.header, fields=again), version="4.0")
    assert only(diff(new, worse)).severity is B


def test_same_function_under_a_name_that_shares_nothing_is_looked_at() -> None:
    start = replace(base(), clauses=None)
    old = call(start, "SetCR2")
    bare = tuple(replace(c, doc=None, clauses=None) if c is old else c for c in start.calls)
    new = tuple(replace(c, doc=None, clauses=None, name="Wobble") if c is old else c for c in start.calls)
    finding = only(diff(replace(start, calls=bare), replace(start, calls=new, version="3.2")))
    assert (finding.rule, finding.severity) == ("call-renamed", R)


def test_a_call_without_values_under_another_name_is_another_call() -> None:
    start = replace(base(), clauses=None)
    old = call(start, "WBINVD")
    bare = tuple(replace(c, doc=None, clauses=None) if c is old else c for c in start.calls)
    new = tuple(replace(c, doc=None, clauses=None, name="Beep") if c is old else c for c in start.calls)
    finding = only(diff(replace(start, calls=bare), replace(start, calls=new, version="4.0")))
    assert (finding.rule, finding.severity) == ("number-reused", B)


def test_siblings_are_not_taken_for_one_another() -> None:
    """GetCR0 and SetCR0, SetCR0 and SetCR4 are alike by letters; a verb or number tells them apart."""
    start = replace(base(), clauses=None)
    fewer = tuple(c for c in start.calls if c.name != "GetDR")
    more = (*(c for c in start.calls if c.name != "SetDR"),)
    rules = {f.rule for f in diff(replace(start, calls=fewer), replace(start, calls=more)).findings}
    assert rules == {"call-removed", "call-added", "version-not-bumped"}


def test_twenty_calls_that_moved_together_are_one_finding_each() -> None:
    start = base()
    calls = tuple(replace(c, number=c.number + 1) if c.number >= 50 else c for c in start.calls)
    report = diff(start, replace(start, calls=calls, version="4.0"))
    assert {f.rule for f in report.findings} == {"call-renumbered"}
    assert len(report.findings) == len([c for c in start.calls if c.number >= 50])


def test_matching_is_explained() -> None:
    notes = diff(base("vmi13@13.0"), base("vmi3@3.0")).notes
    assert any(note.startswith("INS is taken for INSL: ") for note in notes)
    assert any("compared by name" in note for note in notes)


def test_findings_are_worst_first() -> None:
    ranks = [f.severity.rank for f in diff(base("vmi13@13.0"), base("vmi3@3.0")).findings]
    assert ranks == sorted(ranks, reverse=True)


def test_3_1_only_adds_to_3_0() -> None:
    report = diff(base("vmi3@3.0"), base("vmi3@3.1"))
    assert report.severity is C
    assert {f.place for f in report.findings if f.rule == "call-added"} == {
        "call/GetRomInfo", "call/GetCallInfo", "call/SetCounters",
    }  # fmt: skip


def test_13_0_to_3_0_as_it_was_done() -> None:
    report = diff(base("vmi13@13.0"), base("vmi3@3.0"))
    assert at(report, "mechanism") == {"dispatch-changed": B}
    assert at(report, "call/SetPxE")["argument-order"] is B
    assert at(report, "call/SetPxE")["argument-added"] is B
    assert at(report, "call/UpdateKernelStack")["argument-meaning"] is B
    assert at(report, "call/IN") == {"call-renamed-and-renumbered": B}
    assert at(report, "call/INS") == {"call-renamed-and-renumbered": B}
    assert at(report, "call/SwapPxE") == {"call-removed": B}
    assert at(report, "header/jump_slots") == {"header-field-from-reserved": R}
    assert at(report, "header/virtual_top") == {"header-field-from-reserved": R}
    assert at(report, "header/license_offset") == {"header-field-from-reserved": R}
    assert not any(f.rule.startswith("version") for f in report.findings)


def test_6_1_to_13_0_as_it_was_done() -> None:
    report = diff(base("vmi6@6.1"), base("vmi13@13.0"))
    assert at(report, "call/UpdateKernelStack")["argument-meaning"] is B
    assert at(report, "call/SetGDT")["clobbers-grown"] is B
    assert at(report, "call/IRET")["clobbers-shrunk"] is C
    assert at(report, "header/data_pages") == {"header-field-retired": B}
    assert at(report, "enum/PageType")["enum-kind"] is B
    assert at(report, "call/Init")["argument-dropped"] is B
    assert at(report, "call/FlushTLB")["argument-added"] is B
    assert at(report, "mechanism") == {}
    successors = {f.old: f.new for f in report.findings if f.rule == "call-renamed-and-renumbered"}
    assert successors["SetPte = 72"] == "SetPxE = 45"
    assert successors["INSL = 46"] == "INS = 62"
    assert "GetIOPLMask = 51" not in successors
    assert "SetEFLAGS = 54" not in successors


def test_flags_that_meet_in_one_argument() -> None:
    start = base()
    enums = tuple(
        Enumeration(e.name, (*e.members, ("BIG", 1)), e.flags) if e.name == "PteFlag" else e
        for e in start.enums
    )
    finding = only(diff(start, replace(start, enums=enums, version="3.2")))
    assert (finding.rule, finding.severity) == ("flag-bit-shared", R)
    assert "PageType.PT" in (finding.old or "")


def test_a_duty_of_a_new_call_breaks_nobody() -> None:
    start = base()
    assert start.clauses is not None
    clause = replace(start.clauses[0], id=f"{start.clauses[0].id[:-2]}98", who="guest", text="Zq first.")
    new = Call(77, "Zq", "procedure", (), (), frozenset(), frozenset(), frozenset((clause.id,)))
    more = replace(start, calls=(*start.calls, new), clauses=(*start.clauses, clause), version="3.2")
    assert {(f.rule, f.severity) for f in diff(start, more).findings} == {
        ("call-added", C), ("semantics-weakened", C),
    }  # fmt: skip


def test_a_clause_reworded_without_a_word_changed_is_no_finding() -> None:
    start = base()
    assert start.clauses is not None
    clauses = tuple(replace(c, text=c.text.upper().replace(",", ";")) for c in start.clauses)
    assert diff(start, replace(start, clauses=clauses)).findings == ()


def test_rules_name_their_reverse() -> None:
    for info in RULES.values():
        assert info.reverse == "" or info.reverse in RULES
        assert info.title
        assert info.explanation.endswith(".")


def test_a_clause_of_another_revision_is_looked_at() -> None:
    start = base()
    assert start.clauses is not None
    old = replace(start, clauses=tuple(replace(c, revision="1") for c in start.clauses))
    new = replace(start, clauses=(replace(start.clauses[0], revision="2"), *old.clauses[1:]), version="3.2")  # type: ignore[index]
    finding = only(diff(old, new))
    assert (finding.rule, finding.severity, finding.new) == ("semantics-changed", R, "revision 2")


def test_a_number_that_names_another_register_is_another_call() -> None:
    """GetCR0 and GetCR4 have one contract; that one takes the other's number is no rename."""
    start = replace(base(), clauses=None)
    names = {"GetCR4": "GetCR8"}
    plain = tuple(replace(c, doc=None, clauses=None) for c in start.calls)
    calls = tuple(replace(c, name=names.get(c.name, c.name)) for c in plain)
    report = diff(replace(start, calls=plain), replace(start, calls=calls, version="4.0"))
    assert [(f.rule, f.severity) for f in report.findings] == [("number-reused", B)]


def test_a_number_kept_free_and_then_given_to_a_call() -> None:
    start = base()
    spare = Call(99, "RESERVED99", None, None, None, None, None)
    new = Call(99, "Zq", "procedure", (), (), frozenset(), frozenset())
    report = diff(
        replace(start, calls=(*start.calls, spare)), replace(start, calls=(*start.calls, new), version="3.2")
    )
    assert [(f.rule, f.severity) for f in report.findings] == [("call-added", C)]
    gone = only(diff(replace(start, calls=(*start.calls, spare)), start))
    assert (gone.rule, gone.severity) == ("call-removed", C)


def test_an_address_of_another_struct_is_another_type() -> None:
    start = base()
    old = call(start, "GetRomInfo")
    assert old.arguments is not None
    arguments = (replace(old.arguments[0], type="vmi_boot_info *"), *old.arguments[1:])
    finding = only(diff(start, changed("GetRomInfo", arguments=arguments)))
    assert (finding.rule, finding.severity) == ("argument-type", B)
    assert "another struct" in finding.why
    respelled = (replace(old.arguments[0], type="const struct vmi_rom_info *"), *old.arguments[1:])
    spelled = replace(changed("GetRomInfo", arguments=respelled), version="3.1")
    assert only(diff(start, spelled)).severity is C


def test_the_size_of_something_else_is_not_the_struct_s_own() -> None:
    """An address and a length say nothing of the struct; a magic and a size do."""
    start = base()
    for name, severity in (("vmi_segment", B), ("vmi_boot_info", C)):
        structs = tuple(
            replace(s, size=s.size + 4, fields=(*s.fields, Field("fresh", s.size, 4, "u32")))
            if s.name == name
            else s
            for s in start.structs
        )
        version = "4.0" if severity is B else "3.2"
        finding = only(diff(start, replace(start, structs=structs, version=version)))
        assert (finding.rule, finding.severity) == ("field-appended", severity), name


def test_enumerations_that_were_joined_are_one_finding_both_ways() -> None:
    start = base()
    one, two = Enumeration("A", (("X", 1), ("Y", 2))), Enumeration("B", (("Z", 3), ("W", 4)))
    both = Enumeration("AB", (*one.members, *two.members))
    left = replace(start, enums=(*start.enums, one, two))
    right = replace(start, enums=(*start.enums, both))
    ahead, back = only(diff(left, right)), only(diff(right, left))
    assert (ahead.rule, ahead.place, ahead.old, ahead.new) == ("enum-regrouped", "enum/A+B", "A, B", "AB")
    assert (back.rule, back.place, back.old, back.new) == ("enum-regrouped", "enum/AB", "AB", "A, B")


def test_types_of_c_headers_are_known() -> None:
    for old, new, severity in (
        ("UINT32", "uint32_t", C),
        ("unsigned int", "__u32", C),
        ("uint32_t", "uint64_t", B),
        ("int", "unsigned", R),
        ("u64", "unsigned long", R),
    ):
        found = type_change(old, new)
        assert found is not None and found[0] is severity, (old, new)
    assert type_change("void *", "u64", word=64) == (R, "an address on one side, a number on the other")


def test_values_that_became_flags_while_they_were_split() -> None:
    start = base()
    old = Enumeration("A", (("X", 1), ("Y", 2), ("Z", 4), ("W", 8)))
    one, two = Enumeration("B", old.members[:2], flags=True), Enumeration("C", old.members[2:], flags=True)
    left = replace(start, enums=(*start.enums, old))
    right = replace(start, enums=(*start.enums, one, two), version="4.0")
    found = {(f.rule, f.severity) for f in diff(left, right).findings}
    assert found == {("enum-regrouped", C), ("enum-kind", B)}


# -- features that calls are there with ---------------------------------------------------------------

BITS = Enumeration("Feature", (("CLOCK", 0), ("KICK", 7), ("IPI", 11)))


def host(*calls: Call, bits: Enumeration = BITS, line: str = "hv") -> Declaration:
    return assemble(line, "1.0", line, calls=calls, structs=(), enums=(bits,), hypercalls=True)


def hypercall(*when: str) -> Call:
    return Call(5, "KICK_CPU", None, (Value("id", "UINT32", "EBX"),), None, None, None, when=when)


def test_a_call_that_comes_with_a_feature_is_an_addition() -> None:
    finding = only(diff(host(), host(hypercall("Feature.KICK"))))
    assert (finding.rule, finding.severity) == ("call-added", C)
    assert finding.new == "KICK_CPU = 5, with Feature.KICK"


@pytest.mark.parametrize(
    ("before", "after", "rule", "severity", "breaks"),
    [
        ((), ("Feature.KICK",), "gate-added", B, Breaks.OLD_GUEST),
        (("Feature.KICK",), (), "gate-lifted", C, Breaks.NEW_GUEST),
        (("Feature.KICK",), ("Feature.IPI",), "gate-changed", B, Breaks.BOTH),
        (("Feature.KICK",), ("Feature.IPI", "Feature.KICK"), "gate-added", B, Breaks.OLD_GUEST),
        (("Feature.IPI", "Feature.KICK"), ("Feature.KICK",), "gate-lifted", C, Breaks.NEW_GUEST),
    ],
)
def test_what_a_call_needs_to_be_there(
    before: tuple[str, ...], after: tuple[str, ...], rule: str, severity: Severity, breaks: Breaks
) -> None:
    finding = only(diff(host(hypercall(*before)), host(hypercall(*after))))
    assert (finding.rule, finding.severity, finding.breaks) == (rule, severity, breaks)
    assert finding.place == "call/KICK_CPU/when"


def test_another_name_for_the_same_bit_is_no_other_gate() -> None:
    renamed = replace(BITS, members=(("CLOCK", 0), ("KICK_CPU", 7), ("IPI", 11)))
    report = diff(host(hypercall("Feature.KICK")), host(hypercall("Feature.KICK_CPU"), bits=renamed))
    assert {finding.rule for finding in report.findings} == {"enum-member-renamed"}
    moved = replace(BITS, name="HostFeature")
    report = diff(host(hypercall("Feature.KICK")), host(hypercall("HostFeature.KICK"), bits=moved))
    assert {finding.rule for finding in report.findings} == {"enum-renamed"}


def test_a_gates_bit_that_moved_is_told_where_it_is_declared() -> None:
    moved = replace(BITS, members=(("CLOCK", 0), ("KICK", 8), ("IPI", 11)))
    report = diff(host(hypercall("Feature.KICK")), host(hypercall("Feature.KICK"), bits=moved))
    assert [(f.rule, f.place) for f in report.findings] == [("enum-value-changed", "enum/Feature/KICK")]


def test_gates_in_a_lock() -> None:
    row = {"number": 5, "name": "KICK_CPU", "when": ["Feature.KICK"]}
    lock = {
        "line": "hv",
        "version": "1.0",
        "hypercalls": [row],
        "enums": {"Feature": {"members": {"KICK": 7}}},
    }
    (read,) = from_bytes(json.dumps(lock).encode(), "hv.json").calls
    assert read.when == ("Feature.KICK",)
