"""Every check there is: selected or not, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from vmirom.conform.checks import EVERY_TEST, Check
from vmirom.conform.suite import Suite

__all__ = ["HOST", "ListedCheck", "listed_checks"]

HOST: Final = "host"
"""Stands for the guest of a test made from the host."""


@dataclass(frozen=True, slots=True)
class ListedCheck:
    """``guest`` prints it, or it is a test made from the ``host``. ``selected`` checks are made by a run with
    this selection; ``reason`` says why it is, or is not."""

    guest: str
    check: str
    clauses: tuple[str, ...]
    selected: bool
    reason: str


def listed_checks(suite: Suite) -> tuple[ListedCheck, ...]:
    """Checks of guests in the order in which they print them, then tests made from the host."""
    return tuple(_listed(suite))


def _listed(suite: Suite) -> Iterator[ListedCheck]:
    chosen = {clause.id for clause in suite.selection.chosen}
    for name, table in suite.checks.guests.items():
        for check in table.all_checks:
            selected, reason = _decided(check, chosen, suite)
            yield ListedCheck(name, check.label, check.clauses, selected, reason)
    for check in suite.checks.host:
        _, reason = _decided(check, chosen, suite)
        if check.clauses and not chosen.isdisjoint(check.clauses):
            where = check.place if check.name == EVERY_TEST else check.label
            reason = f"made from the host, not by a guest: pytest {where}"
        yield ListedCheck(HOST, check.label, check.clauses, False, reason)


def _decided(check: Check, chosen: set[str], suite: Suite) -> tuple[bool, str]:
    if not check.clauses:
        return False, f"answers for no clause: {check.reason}"
    mine = [clause for clause in check.clauses if clause in chosen]
    if mine:
        needs = f", where there is {' and '.join(check.needs)}" if check.needs else ""
        return True, f"answers for {', '.join(mine)}{needs}"
    first = check.clauses[0]
    return False, f"{first}: {suite.selection.left_out.get(first, 'not in this version')}"
