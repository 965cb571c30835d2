"""Do the transcripts agree? One is the reference, and each other one agrees or differs first somewhere.

The reference is the transcript that most successful boots printed; among equals, the first; where none
succeeded, what most boots printed. Boots that printed nothing because they never ran (errors before the
first line) are compared, too: silence is a difference. Skips are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from vmirom.hosts.outcomes import BootResult, Outcome, worst

__all__ = ["Agreement", "Difference", "compare", "overall"]


@dataclass(frozen=True, slots=True)
class Difference:
    """First line (counted from 1) in which ``backend`` differs from the reference; None: no such line."""

    backend: str
    line: int
    expected: str | None
    printed: str | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """``compared`` backends against ``reference``; None where there was nothing to compare."""

    reference: str | None
    compared: tuple[str, ...]
    lines: int
    differences: tuple[Difference, ...]

    @property
    def agree(self) -> bool:
        """Whether all printed the same."""
        return not self.differences


def compare(results: Sequence[BootResult]) -> Agreement:
    """Compare the transcripts of ``results``."""
    ran = [result for result in results if result.outcome is not Outcome.SKIP]
    if not ran:
        return Agreement(None, (), 0, ())
    # silence is never the reference if avoidable; most_common keeps the order of first sight among equals
    spoken = [result for result in ran if result.transcript]
    trusted = [result for result in spoken if result.outcome is Outcome.SUCCESS] or spoken
    counted = Counter(result.transcript for result in trusted).most_common(1)
    transcript = counted[0][0] if counted else ()
    reference = next(result for result in trusted or ran if result.transcript == transcript)
    differences = tuple(
        difference for result in ran if (difference := _first(reference.transcript, result)) is not None
    )
    return Agreement(reference.label, tuple(r.label for r in ran), len(transcript), differences)


def _first(reference: tuple[str, ...], result: BootResult) -> Difference | None:
    lines = zip_longest(reference, result.transcript)
    for number, (expected, printed) in enumerate(lines, start=1):
        if expected != printed:
            return Difference(result.label, number, expected, printed)
    return None


def overall(results: Sequence[BootResult], agreement: Agreement) -> Outcome:
    """The worst outcome; boots that all succeed but disagree are a failure."""
    outcome = worst(result.outcome for result in results)
    return worst((outcome, Outcome.SUCCESS if agreement.agree else Outcome.FAILURE))
