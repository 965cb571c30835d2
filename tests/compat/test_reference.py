"""The page that explains the rules knows all of them, with the words of the rulebook."""

from __future__ import annotations

import pytest

from vmirom.compat import LINT_RULES, RULES, RuleInfo
from vmirom.schema.tree import source_tree

PAGE = source_tree("abi").parent / "docs" / "compatibility.md"


@pytest.mark.parametrize("info", [*RULES.values(), *LINT_RULES.values()], ids=lambda info: info.id)
def test_rule_is_explained(info: RuleInfo) -> None:
    row = f"| `{info.id}` | {info.title} | {info.severity.value} | {info.breaks.value} | {info.explanation} |"
    assert row in PAGE.read_text(encoding="utf-8")
