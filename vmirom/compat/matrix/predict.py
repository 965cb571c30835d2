"""Will it run? From declarations and offers alone.

Three questions in the order in which a boot asks them. Does the guest accept the ROM: same line, same
major, at least the minor it needs? Is the ROM's contract, where it is newer, still the guest's: no
finding of the comparison breaks it? Does the hypervisor offer what the ROM needs, in one form or another?
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vmirom.compat.findings import Breaks, Report, Severity
from vmirom.compat.matrix.eras import Era
from vmirom.compat.matrix.needs import NEEDS
from vmirom.compat.matrix.verdict import Verdict
from vmirom.compat.model import Declaration
from vmirom.schema.versions import Version

__all__ = ["Prediction", "predict"]


@dataclass(frozen=True, slots=True)
class Prediction:
    """A verdict and its reason, in one line. ``beyond``: what would become of the calls of a guest that is
    refused, had it gone on; nothing runs them."""

    verdict: Verdict
    reason: str
    beyond: str = ""


def predict(
    guest: Declaration, rom: Declaration, era: Era, compare: Callable[[Declaration, Declaration], Report]
) -> Prediction:
    """What becomes of a guest made for ``guest`` on a ROM of ``rom`` on a hypervisor of ``era``."""
    return _accepted(guest, rom, compare) or _contract(guest, rom, compare) or _served(guest, rom, era)


def _accepted(
    guest: Declaration, rom: Declaration, compare: Callable[[Declaration, Declaration], Report]
) -> Prediction | None:
    wanted, given = Version.parse(guest.version), Version.parse(rom.version)
    if wanted.major != given.major:
        reason = f"the guest is of major {wanted.major}, the ROM of {given.major}"
        return Prediction(Verdict.REFUSED, reason, _beyond(guest, compare(guest, rom)))
    if wanted.minor > given.minor:
        reason = f"the guest needs minor {wanted.minor}, the ROM has {given.minor}"
        return Prediction(Verdict.REFUSED, reason)
    return None


def _beyond(guest: Declaration, report: Report) -> str:
    """How the calls are reached, if otherwise, and how many of them would break a guest made for the old
    side."""
    bad = [
        finding
        for finding in report.findings
        if finding.severity is Severity.BREAKING and finding.breaks in (Breaks.OLD_GUEST, Breaks.BOTH)
    ]
    names = {
        name for each in bad if each.place.startswith("call/") for name in each.place.split("/")[1].split("+")
    }
    broken = sum(call.name in names for call in guest.calls)
    said = [f"{each.old} against {each.new}" for each in bad if each.rule == "dispatch-changed"]
    return "; ".join([*said, f"{broken} of {len(guest.calls)} calls are gone or would break"])


def _contract(
    guest: Declaration, rom: Declaration, compare: Callable[[Declaration, Declaration], Report]
) -> Prediction | None:
    if guest.version == rom.version:
        return None
    bad = [
        finding
        for finding in compare(guest, rom).findings
        if finding.severity is Severity.BREAKING and finding.breaks in (Breaks.OLD_GUEST, Breaks.BOTH)
    ]
    if not bad:
        return None
    more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
    return Prediction(Verdict.FAILS, f"{bad[0].rule} at {bad[0].place}{more}")


def _served(guest: Declaration, rom: Declaration, era: Era) -> Prediction:
    unusual = []
    for need in NEEDS.get(era.backend, ()):
        how = need.served(era.offers)
        if how is None:
            reason = f"the ROM needs {' or '.join(need.forms)} for {need.purpose}; {era.title} offers neither"
            return Prediction(Verdict.FAILS, reason)
        if how != need.forms[0]:
            unusual.append(f"{need.purpose} by {how}" if how in need.forms else f"{need.purpose}: {how}")
    same = guest.version == rom.version
    contract = "the same version" if same else f"{rom.version} only adds to {guest.version}"
    return Prediction(Verdict.RUNS, "; ".join([contract, *unusual]))
