"""The comparison says what somebody who keeps an ABI for a living would say."""

from __future__ import annotations

import json

import pytest

from tests.compat.verdicts import VERDICTS, Expected
from vmirom.compat import Declaration, diff, from_bytes
from vmirom.compat.findings import worst


def read(lock: object, name: str) -> Declaration:
    return from_bytes(json.dumps(lock).encode(), name)


@pytest.mark.parametrize("told", VERDICTS, ids=lambda told: told.name)
def test_a_change_is_judged_as_its_keeper_would(told: Expected) -> None:
    findings = [
        finding
        for finding in diff(read(told.old, "old"), read(told.new, "new")).findings
        if told.versions or not finding.rule.startswith("version-")
    ]
    shown = [(f.severity.value, f.rule, f.place, f.breaks.value) for f in findings]
    severity = worst(findings)
    assert (severity.value if severity else "none") in told.severities, shown
    assert told.rules <= {finding.rule for finding in findings}, shown
    if told.breaks and severity:
        assert told.breaks in {f.breaks.value for f in findings if f.severity is severity}, shown


def test_each_case_has_a_name_of_its_own() -> None:
    assert len({told.name for told in VERDICTS}) == len(VERDICTS) >= 160
