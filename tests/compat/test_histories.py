"""Changes that really happened are judged as those judged them who made them."""

from __future__ import annotations

import pytest

from tests.compat.histories import HISTORIES, History
from vmirom.compat import Severity, diff
from vmirom.compat.findings import worst


@pytest.mark.parametrize("history", HISTORIES, ids=lambda history: history.name)
def test_a_change_is_judged_as_its_authors_did(history: History) -> None:
    report = diff(history.left, history.right)
    content = [finding for finding in report.findings if not finding.rule.startswith("version-")]
    assert worst(content) is history.verdict, [(f.rule, f.place, f.severity.value) for f in content]
    assert history.rules <= {finding.rule for finding in content}, {finding.rule for finding in content}


@pytest.mark.parametrize("history", HISTORIES, ids=lambda history: history.name)
def test_the_bump_that_was_made_is_the_one_that_is_due(history: History) -> None:
    """Nothing is said of the version where authors raised what our judgement would have them raise."""
    found = {finding.rule for finding in diff(history.left, history.right).findings}
    if history.left.line == history.right.line and history.left.line in ("vmi", "vmi13"):
        assert not found & {"version-not-bumped", "version-overbumped"}, history.why


def test_there_is_history_of_every_kind() -> None:
    assert {history.verdict for history in HISTORIES} == set(Severity)
    assert len({history.name for history in HISTORIES}) == len(HISTORIES) >= 40
