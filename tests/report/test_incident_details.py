"""What stands behind a failure: code with names, and which incident concerns which clause."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.report.made_runs import FAILED, made_run
from vmirom.conform.run import guest_image
from vmirom.hosts.scene import Site
from vmirom.overlays import vmi
from vmirom.report.conformance.disassembly import code_lines
from vmirom.report.conformance.symbols import NO_SYMBOLS, Symbols, read_symbols
from vmirom.report.conformance.view import view_of
from vmirom.report.text import ending_lines

CALL = bytes.fromhex("b800020000 e8f1ffffff 83c408 31c0 c3")


@cache
def symbols() -> Symbols:
    return read_symbols(guest_image("reference"))


def test_the_next_instruction_and_a_pending_call_are_marked() -> None:
    site = Site(0xC010000A, 0xC0100000, CALL.hex())
    here = [line.text for line in code_lines(site, False, lambda gva: "") if line.here]
    assert here == ["add esp, 8"]
    lines = code_lines(site, True, lambda gva: "somewhere" if gva == 0xC00FFFFB else "")
    assert [(line.text, line.note) for line in lines if line.here] == [("call 0xc00ffffb", "somewhere")]
    assert [line.text for line in lines] == [
        "mov eax, 0x200",
        "call 0xc00ffffb",
        "add esp, 8",
        "xor eax, eax",
        "ret",
    ]


@given(st.binary(min_size=0, max_size=96), st.data())
def test_any_bytes_are_told_in_order_and_without_gaps(code: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(code)))
    lines = code_lines(Site(0x1000 + at, 0x1000, code.hex()), data.draw(st.booleans()), lambda gva: "")
    told = [(line.gva, bytes.fromhex(line.code)) for line in lines]
    for (gva, raw), (following, _) in pairwise(told):
        assert gva + len(raw) == following
    for gva, raw in told:
        assert code[gva - 0x1000 : gva - 0x1000 + len(raw)] == raw
    assert sum(line.here for line in lines) <= 1


def test_names_of_a_shipped_guest() -> None:
    names = symbols()
    start = next(gva for gva, name in names.rows if name == "vmi_walk")
    assert names.place(start) == "vmi_walk" and names.place(start + 4) == "vmi_walk+0x4"
    assert names.call(names.entries + 4 * int(vmi.Call.SetCR3)) == "SetCR3"
    assert names.call(names.entries + 1) == "" and names.place(0x1000) == ""
    section, content = next((gva, data) for gva, data in names.data if FAILED.split(": ")[1].encode() in data)
    assert (
        names.words(section + content.index(b"SetInterruptMask(0) does not")) == f'"{FAILED.split(": ")[1]}"'
    )


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"#!/bin/sh\n", guest_image("reference")[:400]])
def test_what_has_no_symbols_has_none(data: bytes) -> None:
    assert read_symbols(data).rows == NO_SYMBOLS.rows


def test_a_killed_guest_is_one_incident_for_all_that_it_left_unchecked() -> None:
    view = view_of(made_run())
    killed = [one for one in view.incidents if one.place == "lguest" and one.booted.boot.guest == "reference"]
    assert len(killed) == 1 and len(killed[0].clauses) > 50
    assert killed[0].scene is not None and killed[0].scene.line == ""


def test_a_failed_line_is_an_incident_of_its_clauses_alone() -> None:
    view = view_of(made_run())
    (failed,) = [one for one in view.incidents if one.place == "xen"]
    assert failed.clauses == ("VMI-IRQ-05",) and failed.line.endswith(FAILED)
    assert failed.scene is not None and failed.scene.line == failed.line
    assert failed.replay == "vmirom conform --on xen --abi 3.1 --select VMI-IRQ-05"


def test_a_bad_end_is_told_with_its_last_steps_on_a_terminal_too() -> None:
    killed = next(place for place in made_run().judgements if place.label == "lguest").booted[0].result
    lines = list(ending_lines([killed]))
    at = lines.index("  last steps:")
    assert lines[at + 1 : at + 9][-1].startswith("    printed </script>")
    assert "    call SetInterruptMask x 3" in lines[at:]
    assert "    hypercall sched_op(0x1) = -0x16 refused: no such port" in lines[at:]
