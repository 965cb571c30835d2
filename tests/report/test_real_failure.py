"""A ROM that is broken on purpose, run, and told: a maintainer finds the reason in every report."""

from __future__ import annotations

from functools import cache

import pytest

from vmirom.conform.run import Conformance, plan, run
from vmirom.conform.suite import load_suite
from vmirom.hosts.outcomes import Outcome
from vmirom.overlays import vmi
from vmirom.report.conformance import (
    conformance_junit,
    conformance_lines,
    conformance_markdown,
    conformance_report,
)
from vmirom.report.conformance.page import conformance_page
from vmirom.rom.image import load_rom

pytestmark = pytest.mark.boot
CLAUSE = "VMI-IRQ-04"
LINE = "SetInterruptMask(200h) turns interrupts on"


@cache
def broken() -> Conformance:
    """Xen's SetInterruptMask does nothing."""
    image = load_rom("xen")
    rom = bytearray(image.data)
    slot = image.slot(int(vmi.Call.SetInterruptMask))
    entry = slot + 5 + int.from_bytes(rom[slot + 1 : slot + 5], "little", signed=True)
    for at in {entry, image.fast(int(vmi.Call.SetInterruptMask)) or entry}:
        rom[at] = 0xC3
    rom[-1] = (rom[-1] - sum(rom)) & 0xFF
    suite = load_suite("3.1", [CLAUSE])
    return run(suite, plan(suite, [("xen", "embedded")], rom=bytes(rom)), jobs=1)


def test_the_clause_fails() -> None:
    assert broken().outcome is Outcome.FAILURE


def test_the_page_shows_line_code_calls_and_command() -> None:
    page = conformance_page(broken()).decode()
    assert f" FAIL interrupts: {LINE}" in page
    assert "; ROM SetInterruptMask</i>" in page, "the call stands in the code before the check"
    assert "<code>SetInterruptMask</code>" in page, "and among the last calls"
    assert f"vmirom conform --on xen --abi 3.1 --select {CLAUSE}" in page
    assert "cs:eip 0061:" in page


def test_json_has_the_check_in_its_code() -> None:
    data = conformance_report(broken())
    incident = next(one for one in data["incidents"] if CLAUSE in one["clauses"] and LINE in one["line"])
    places = [site["place"] for site in incident["scene"]["sites"]]
    assert any(place.startswith("check+") for place in places)
    assert any(place.startswith("interrupts+") for place in places)


def test_the_other_formats_have_line_and_command() -> None:
    words = "\n".join(conformance_lines(broken(), verbose=False))
    for text in (words, conformance_junit(broken()).decode(), conformance_markdown(broken()).decode()):
        assert LINE in text and f"--select {CLAUSE}" in text
