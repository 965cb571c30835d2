"""What a run of faults says of each clause: which faults made a check that answers for it fail.

A clause that no fault has ever made fail has checks of which nobody knows whether they can. Those for which
that must stay so are listed, with the reason, in ``unbroken.toml`` beside this file::

    VMI-ROM-12 = "why no patch of a ROM or hypervisor can break it"
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vmirom.conform.coverage import clause_coverage
from vmirom.conform.faults.fault import Fault
from vmirom.conform.faults.judging import Found
from vmirom.conform.suite import Suite
from vmirom.schema import AbiError
from vmirom.schema.clauses import ClauseSet

__all__ = ["UNBROKEN", "ClauseProof", "proofs", "unbroken"]

UNBROKEN: Final = Path(__file__).parent / "unbroken.toml"


@dataclass(frozen=True, slots=True)
class ClauseProof:
    """One clause. ``checks`` are those that a conform run makes for it (none: it is judged by nothing but
    tests from the host, or by a reason). ``broken_by`` are faults that are said to break it, ``shown_by``
    those of them that made one of the checks fail, ``failed_by`` all that did, whatever they are about.
    ``reason`` says why no fault breaks it."""

    clause: str
    checks: tuple[str, ...]
    broken_by: tuple[str, ...]
    shown_by: tuple[str, ...]
    failed_by: tuple[str, ...]
    reason: str = ""

    @property
    def proven(self) -> bool:
        """Whether its checks are known to bite, or there is none that could."""
        return bool(self.shown_by) or not self.checks

    @property
    def open(self) -> bool:
        """Whether it should be shown by a fault, is not, and nothing says why."""
        return not self.proven and not self.reason


def unbroken(clauses: ClauseSet, file: Path = UNBROKEN) -> Mapping[str, str]:
    """Reasons why no fault breaks a clause, by clause. Raises AbiError, one line, for what is no such
    table."""
    try:
        rows = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise AbiError(f"{file}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AbiError(f"{file}: {' '.join(str(error).split())}") from None
    for name, reason in rows.items():
        if name not in clauses.clauses:
            raise AbiError(f"{file}: {name}: no such clause")
        if not isinstance(reason, str) or not reason.strip():
            raise AbiError(f"{file}: {name}: not a reason in words")
    return rows


def proofs(
    suite: Suite, faults: Sequence[Fault], found: Sequence[Found], reasons: Mapping[str, str]
) -> tuple[ClauseProof, ...]:
    """For each clause that ``suite`` selects, in their order, what ``found`` (of some of ``faults``) says."""
    broken: dict[str, list[str]] = {}
    for fault in faults:
        for clause in fault.breaks:
            broken.setdefault(clause, []).append(fault.id)
    failed: dict[str, list[str]] = {}
    for one in found:
        for clause in dict.fromkeys(name for catch in one.catches for name in catch.clauses):
            failed.setdefault(clause, []).append(one.id)
    shown = {(clause, one.id) for one in found for clause in one.shown}
    made = []
    for cover in clause_coverage(suite.selection.chosen, suite.checks):
        name = cover.clause
        mine = tuple(broken.get(name, ()))
        made.append(
            ClauseProof(
                name,
                (*cover.guest, *(check.label for check in suite.checks.image if name in check.clauses)),
                mine,
                tuple(fault for fault in mine if (name, fault) in shown),
                tuple(failed.get(name, ())),
                reasons.get(name, ""),
            )
        )
    return tuple(made)
