"""``--list``: every check once, selected or not, and why."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from click.testing import CliRunner

from vmirom.cli.main import cli
from vmirom.conform.listing import HOST, listed_checks
from vmirom.conform.suite import load_suite
from vmirom.report.conformance.document import SCHEMA_FILE


def test_every_check_is_listed_once_with_a_reason() -> None:
    suite = load_suite("3.1", ["IRQ"])
    found = listed_checks(suite)
    checks = [*(c for table in suite.checks.guests.values() for c in table.all_checks), *suite.checks.host]
    assert Counter(one.check for one in found) == Counter(check.label for check in checks)
    assert all(one.reason for one in found)
    chosen = {clause.id for clause in suite.selection.chosen}
    for one in found:
        assert one.selected == (one.guest != HOST and bool(chosen & set(one.clauses)))


def test_reasons() -> None:
    found = {one.check: one for one in listed_checks(load_suite("3.1", ["VMI-IRQ-05", "VMI-EXIT-01"]))}
    delivers = found["interrupts: SetInterruptMask(0) does not deliver it"]
    assert delivers.selected and delivers.reason == "answers for VMI-IRQ-05"
    other = found["probe: vmi_init succeeds"]
    assert not other.selected and "matches none of VMI-IRQ-05, VMI-EXIT-01" in other.reason
    name = "tests/rom/test_shared_c.py::test_the_exit_port_ends_the_machine_and_loses_no_text"
    assert found[name].reason == f"made from the host, not by a guest: pytest {name}"
    silent = found["tests/rom/test_build.py::*"]
    assert silent.reason.startswith("answers for no clause: ")


def test_as_json_and_as_lines_the_same() -> None:
    arguments = ["conform", "--list", "--select", "SetCR3"]
    data = json.loads(CliRunner().invoke(cli, [*arguments, "--json"]).stdout)
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is missing: pip install -e .[test]")
    jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text())).validate(data)
    text = CliRunner().invoke(cli, arguments).stdout
    listed = [line for line in text.splitlines() if line.startswith(("yes ", "no  "))]
    assert len(listed) == len(data["checks"])
    chosen = sum(line.startswith("yes ") for line in listed)
    assert chosen == sum(one["selected"] for one in data["checks"]) > 0
    assert f"{chosen} of {len(listed)} checks selected" in text
    every = load_suite("3.1").selection
    names = {clause.id for clause in every.chosen} | set(every.left_out)
    assert {row["id"] for row in data["clauses"]} | set(data["left_out"]) == names
