"""Which check caught which seeded fault, read from a file and told."""

from __future__ import annotations

import json

import pytest

from tests.report.made_runs import FAILED, whole_run
from vmirom.report.conformance import Occasion, SeededFault, conformance_markdown, conformance_report
from vmirom.report.conformance.faults import FaultsError, caught_line, read_faults, shown_by
from vmirom.report.conformance.page import conformance_page

ROW = {
    "id": "xen-irq-forgets",
    "sentence": "Nothing is delivered.",
    "backend": "xen",
    "where": "rom",
    "breaks": ["VMI-IRQ-05"],
}
CAUGHT = {
    **ROW,
    "caught": True,
    "problem": "",
    "seconds": 0.5,
    "catches": [{"means": "guest", "check": FAILED, "how": "?", "clauses": ["VMI-IRQ-05"]}],
}
MISSED = {
    **ROW,
    "id": "xen-time-drifts",
    "breaks": ["VMI-TIME-19"],
    "caught": False,
    "problem": "the patch changes nothing",
    "catches": [],
}


def read(*rows: object) -> tuple[SeededFault, ...]:
    return read_faults(json.dumps({"faults": rows, "controls": {}, "caught": 1, "missed": 1}).encode())


def test_a_check_leads_to_its_clauses() -> None:
    caught, missed = read(CAUGHT, MISSED)
    assert caught == SeededFault(
        "xen-irq-forgets",
        "xen rom",
        "Nothing is delivered.",
        (f"guest: {FAILED}",),
        ("VMI-IRQ-05",),
        ("VMI-IRQ-05",),
    )
    assert caught.shown == ("VMI-IRQ-05",)
    assert missed.caught == missed.clauses == ()
    assert missed.sentence.endswith("(could not be tried: the patch changes nothing)")
    assert caught_line((caught, missed)) == "1 of 2 seeded faults caught"


def test_what_is_caught_for_another_reason_is_told() -> None:
    caught, other = read(CAUGHT, {**CAUGHT, "id": "xen-irq-other", "breaks": ["VMI-IRQ-04"]})
    assert other.caught and not other.shown
    told = caught_line((caught, other))
    assert told == "2 of 2 seeded faults caught, 1 of them by checks of other clauses only"
    assert shown_by((caught, other)) == {"VMI-IRQ-05": ("xen-irq-forgets",)}


def test_every_report_tells_them() -> None:
    occasion = Occasion(faults=read(CAUGHT, MISSED))
    page = conformance_page(whole_run(), occasion).decode()
    assert "1 of 2 seeded faults caught" in page and f"guest: {FAILED}" in page and "nobody saw it" in page
    told = conformance_markdown(whole_run(), occasion).decode()
    assert "1 of 2 seeded faults caught" in told and "| nobody |" in told
    data = conformance_report(whole_run(), occasion)
    assert [fault["clauses"] for fault in data["faults"]] == [["VMI-IRQ-05"], []]
    assert [fault["shown"] for fault in data["faults"]] == [["VMI-IRQ-05"], []]
    by_clause = {clause["id"]: clause["faults"] for clause in data["clauses"]}
    assert by_clause["VMI-IRQ-05"] == ["xen-irq-forgets"] and by_clause["VMI-TIME-19"] == []
    assert "<dt>fails with</dt><dd>xen-irq-forgets</dd>" in page
    assert conformance_report(whole_run())["faults"] is None
    assert "Seeded faults" not in conformance_page(whole_run()).decode()


@pytest.mark.parametrize("data", [b"", b"[]", b'{"faults": 3}', b'{"faults": [{"id": 1}]}', b"\xff"])
def test_what_is_no_list_of_faults(data: bytes) -> None:
    with pytest.raises(FaultsError, match="not what 'vmirom faults --json' prints"):
        read_faults(data)
