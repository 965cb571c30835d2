"""What is said in words after the boots: agreement, differences, and what a bad end left behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.report.agreement import Agreement

__all__ = ["agreement_lines", "ending_lines", "matrix_lines", "road_lines", "transcript_lines"]

_LAST: Final = 8
"""Lines of a transcript shown for a boot that ended badly."""
_STEPS: Final = 8
"""Calls, hypercalls and events shown for it."""


def agreement_lines(agreement: Agreement) -> Iterator[str]:
    """One line if all agree, else the first difference of each backend."""
    if agreement.reference is None:
        yield "nothing to compare: every boot was skipped"
        return
    if len(agreement.compared) == 1:
        yield f"{agreement.reference} printed {_lines(agreement.lines)}"
        return
    if agreement.agree and not agreement.lines:
        yield f"{', '.join(agreement.compared)} printed nothing"
        return
    if agreement.agree:
        yield f"{', '.join(agreement.compared)} agree: {_lines(agreement.lines)}, all the same"
        return
    width = max(len(name) for name in agreement.compared)
    for difference in agreement.differences:
        yield f"{difference.backend} differs from {agreement.reference} in line {difference.line}:"
        yield f"  {agreement.reference:{width}} | {_shown(difference.expected)}"
        yield f"  {difference.backend:{width}} | {_shown(difference.printed)}"


def _lines(count: int) -> str:
    return f"{count} line{'' if count == 1 else 's'}"


def _shown(line: str | None) -> str:
    return "(nothing more)" if line is None else line


def ending_lines(results: Sequence[BootResult]) -> Iterator[str]:
    """For each boot that ended badly: its last lines, last call, last steps and registers."""
    for result in results:
        if result.outcome in (Outcome.SUCCESS, Outcome.SKIP):
            continue
        yield f"{result.label}: {result.outcome.value}: {result.reason}"
        if result.transcript:
            yield "  last lines:"
            yield from (f"    {line}" for line in result.transcript[-_LAST:])
        if result.last_call:
            yield f"  last call: {result.last_call}"
        yield from _step_lines(result)
        for what, hits in (result.refused or {}).items():
            yield f"  refused {hits} x {what}"
        yield from _place_lines(result)
        yield from (f"  {line}" for line in result.registers.splitlines())


def _step_lines(result: BootResult) -> Iterator[str]:
    """What led to a bad end, as far as the host saw it."""
    steps = next((scene.steps for scene in result.scenes if not scene.line), ())[-_STEPS:]
    if steps:
        yield "  last steps:"
    for step in steps:
        times = f" x {step.times}" if step.times > 1 else ""
        why = f" refused: {step.why}" if step.why else ""
        yield f"    {step.kind} {step.text}{times}{why}"


def _place_lines(result: BootResult) -> Iterator[str]:
    """Where it stood at a bad end, and how it came there, as far as the host knows the code."""
    sites = next((scene.sites for scene in result.scenes if not scene.line), ())
    if any(site.place for site in sites):
        yield "  at: " + " < ".join(f"{site.place or '?'} ({site.gva:08x})" for site in sites)


def matrix_lines(results: Sequence[BootResult]) -> Iterator[str]:
    """Backends against hosts, where there is more than one host; what was skipped, and why, below."""
    hosts = list(dict.fromkeys(result.host for result in results))
    if len(hosts) < 2:
        return
    cells = {(result.backend, result.host): result.outcome.value for result in results}
    width = max(len(name) for name in (*hosts, *cells.values()))
    yield f"{'':9} " + " ".join(f"{host:{width}}" for host in hosts).rstrip()
    for backend in dict.fromkeys(result.backend for result in results):
        row = " ".join(f"{cells.get((backend, host), '-'):{width}}" for host in hosts)
        yield f"{backend:9} {row}".rstrip()
    reasons: dict[tuple[str, str], list[str]] = {}
    for result in results:
        if result.outcome is Outcome.SKIP:
            reasons.setdefault((result.host, result.reason), []).append(result.backend)
    for (host, reason), backends in reasons.items():
        yield f"skipped on {host} ({', '.join(backends)}): {reason}"


def road_lines(results: Sequence[BootResult]) -> Iterator[str]:
    """How each host that has more than one way booted, and why so."""
    for host, road in dict.fromkeys((result.host, result.road) for result in results if result.road):
        yield f"{host}: {road}"


def transcript_lines(result: BootResult) -> Iterator[str]:
    """Everything one boot printed, notes behind the rest."""
    yield f"--- {result.label} ---"
    yield from result.transcript
    yield from (f"~ {note}" for note in result.notes)
