"""``--list``: each check, selected or not, with the reason; as a table and as plain values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from vmirom.conform.listing import ListedCheck
from vmirom.conform.run import Conformance
from vmirom.report.conformance.document import conformance_report

__all__ = ["check_lines", "check_table", "list_report"]


def list_report(found: Conformance, checks: Sequence[ListedCheck]) -> dict[str, Any]:
    """For ``--list --json``: what a run without boots says, and every check."""
    listed = [
        {
            "guest": one.guest,
            "check": one.check,
            "clauses": list(one.clauses),
            "selected": one.selected,
            "reason": one.reason,
        }
        for one in checks
    ]
    return {**conformance_report(found), "checks": listed}


def check_lines(checks: Sequence[ListedCheck]) -> Iterator[str]:
    """A line a check, selected ones first, and the sum."""
    width = max((len(one.guest) for one in checks), default=0)
    for one in sorted(checks, key=_last):
        yield f"{'yes' if one.selected else 'no':3}  {one.guest:{width}}  {one.check}  ({one.reason})"
    yield _sum(checks)


def _last(one: ListedCheck) -> bool:
    return not one.selected


def _sum(checks: Sequence[ListedCheck]) -> str:
    return f"{sum(one.selected for one in checks)} of {len(checks)} checks selected"


def check_table(checks: Sequence[ListedCheck]) -> Any:
    """As a rich table."""
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, pad_edge=False, header_style="bold", caption=_sum(checks), caption_justify="left")
    for title in ("selected", "guest", "check", "why"):
        grid.add_column(title, overflow="fold")
    for one in sorted(checks, key=_last):
        word = Text("yes", style="green") if one.selected else Text("no", style="dim")
        grid.add_row(word, one.guest, Text(one.check), Text(one.reason, style="" if one.selected else "dim"))
    return grid
