"""A campaign told: as text, as Markdown, as JSON, as JUnit XML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final
from xml.etree import ElementTree

from vmirom import __version__
from vmirom.conform.campaign.matrix import Cell, Matrix, read_matrix
from vmirom.conform.campaign.store import Recorded, Store
from vmirom.hosts.outcomes import Outcome
from vmirom.report.xml_text import xml_text

__all__ = [
    "campaign_json",
    "campaign_junit",
    "campaign_lines",
    "campaign_markdown",
    "count_line",
    "job_lines",
    "remark_lines",
]

_FLAKY: Final = "flaky"
_MOST: Final = 20
"""Ways to end badly that are told one by one; the rest is a number."""


def count_line(matrix: Matrix) -> str:
    """``44 of 60 jobs: 40 success, 4 failure``."""
    told = ", ".join(f"{matrix.counts[o]} {o.value}" for o in Outcome if matrix.counts[o])
    total = matrix.done + matrix.pending
    return f"{matrix.done} of {total} job{'' if total == 1 else 's'}" + (f": {told}" if told else "")


def campaign_lines(store: Store) -> Iterator[str]:
    """All of it as text. Raises CampaignError, as all functions here do."""
    matrix = read_matrix(store)
    when, version = store.begun
    yield f"begun {when} with vmirom {version}"
    for field, value in store.definition.lines():
        yield f"{field:9} {value}"
    yield ""
    yield from _text_table(_table(matrix))
    yield ""
    yield from remark_lines(store, matrix)
    yield count_line(matrix)


def _table(matrix: Matrix) -> list[list[str]]:
    """A head, and a row for each guest and version; a column for each place."""
    places = list(dict.fromkeys(cell.label for cell in matrix.cells))
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for cell in matrix.cells:
        rows.setdefault((cell.guest, cell.abi), {})[cell.label] = _shown(cell)
    head = ["guest", "ABI", *places]
    return [head, *([*key, *(cells.get(place, "-") for place in places)] for key, cells in rows.items())]


def _shown(cell: Cell) -> str:
    if cell.outcome is None:
        return "pending"
    counts = cell.counts
    if len(counts) == 1:
        text = f"{cell.outcome.value} {cell.done}"
    else:
        text = ", ".join(f"{o.value} {counts[o]}" for o in Outcome if counts[o])
    text += f" of {cell.done + cell.pending}" if cell.pending else ""
    return f"{text} {_FLAKY}" if cell.flaky else text


def _text_table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(f"{text:{width}}" for text, width in zip(row, widths, strict=True)).rstrip()


def remark_lines(store: Store, matrix: Matrix) -> Iterator[str]:
    """Flaky cells, cells that differ from others, and every way to end that is not success."""
    for cell in matrix.flaky:
        yield f"flaky: {cell.guest} on {cell.label}, ABI {cell.abi}:"
        for outcome, transcript, count, first in _ways(cell):
            yield f"  {count} x {outcome.value}, transcript {transcript[:8]}, such as job {first}"
        yield from _first_difference(store, [way[1] for way in _ways(cell)][:2])
    for cell, reference in matrix.differing:
        assert cell.usual is not None and reference.usual is not None
        yield (
            f"differs: {cell.guest} on {cell.label}, ABI {cell.abi} (job {cell.usual.first}), "
            f"from {reference.label} (job {reference.usual.first}):"
        )
        yield from _first_difference(store, [reference.usual.transcript, cell.usual.transcript])
    bad = [
        f"{v.outcome.value}: {cell.guest} on {cell.label}, ABI {cell.abi}: "
        f"{v.count} x {v.reason} (job {v.first})"
        for cell in matrix.cells
        for v in cell.variants
        if v.outcome is not Outcome.SUCCESS
    ]
    yield from bad[:_MOST]
    if len(bad) > _MOST:
        yield f"and {len(bad) - _MOST} more ways to end; --json has all"


def _ways(cell: Cell) -> list[tuple[Outcome, str, int, int]]:
    """(outcome, transcript, jobs, first job), whatever the reasons said."""
    ways: dict[tuple[Outcome, str], tuple[int, int]] = {}
    for variant in cell.variants:
        key = variant.outcome, variant.transcript
        count, first = ways.get(key, (0, variant.first))
        ways[key] = count + variant.count, min(first, variant.first)
    return [(*key, *numbers) for key, numbers in ways.items()]


def _first_difference(store: Store, transcripts: Sequence[str]) -> Iterator[str]:
    if len(set(transcripts)) < 2:
        return
    one, other = (store.lines(transcript) for transcript in transcripts)
    for number in range(max(len(one), len(other))):
        pair = [lines[number] if number < len(lines) else "(nothing more)" for lines in (one, other)]
        if pair[0] != pair[1]:
            yield f"  line {number + 1}: {pair[0]!r} here, {pair[1]!r} there"
            return


def job_lines(recorded: Recorded) -> Iterator[str]:
    """What is known of one job, as text."""
    job, result = recorded.job, recorded.result
    yield f"job {job.id}: {job.name}"
    yield f"memory {job.memory_mib} MiB, command line {job.command_line!r}, options {job.options or 'none'}"
    yield f"{result.outcome.value}: {result.reason}"
    yield f"booted in {result.seconds:.2f} s by {recorded.worker}, ended {recorded.ended}"


def campaign_markdown(store: Store) -> str:
    """The same as Markdown, for a comment or a wiki."""
    matrix = read_matrix(store)
    head, *rows = _table(matrix)
    lines = [f"# Campaign: {matrix.outcome.value}", "", count_line(matrix), ""]
    lines += [_md_row(head), _md_row(["---"] * len(head)), *(_md_row(row) for row in rows), ""]
    if remarks := list(remark_lines(store, matrix)):
        lines += ["```", *(line.replace("```", "'''") for line in remarks), "```", ""]
    lines += [f"* {field}: {_md(value)}" for field, value in store.definition.lines()]
    return "\n".join([*lines, ""])


def _md(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "\\`")


def _md_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_md(cell) for cell in cells)} |"


def campaign_json(store: Store) -> dict[str, Any]:
    """Definition, matrix, and every job that did not end well; for programs."""
    matrix = read_matrix(store)
    when, version = store.begun
    return {
        "vmirom": __version__,
        "begun": {"when": when, "vmirom": version},
        "definition": store.definition,
        "outcome": matrix.outcome,
        "done": matrix.done,
        "pending": matrix.pending,
        "counts": {outcome.value: matrix.counts[outcome] for outcome in Outcome},
        "cells": [
            {
                "guest": cell.guest,
                "backend": cell.backend,
                "host": cell.host,
                "abi": cell.abi,
                "outcome": cell.outcome,
                "flaky": cell.flaky,
                "pending": cell.pending,
                "seconds": cell.seconds,
                "variants": cell.variants,
            }
            for cell in matrix.cells
        ],
        "differing": [
            {"guest": c.guest, "abi": c.abi, "place": c.label, "reference": r.label}
            for c, r in matrix.differing
        ],
        "bad": [
            {"job": recorded.job, "result": recorded.result, "worker": recorded.worker}
            for recorded in store.results(bad=True)
        ],
    }


def campaign_junit(store: Store) -> bytes:
    """JUnit XML: a case for each job that has a result, and one for each cell that is compared."""
    matrix = read_matrix(store)
    unsteady = {id(cell) for cell in (*matrix.flaky, *(cell for cell, _ in matrix.differing))}
    bad = matrix.counts[Outcome.FAILURE] + matrix.counts[Outcome.CRASH]
    suite = ElementTree.Element(
        "testsuite",
        name="vmirom campaign",
        tests=str(matrix.done + len(matrix.cells)),
        failures=str(bad + len(unsteady)),
        errors=str(matrix.counts[Outcome.ERROR]),
        skipped=str(matrix.counts[Outcome.SKIP]),
        time=f"{sum(cell.seconds for cell in matrix.cells):.3f}",
    )
    for recorded in store.results():
        _job_case(suite, recorded)
    others = {id(cell): reference for cell, reference in matrix.differing}
    for cell in matrix.cells:
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"{cell.guest}.{cell.abi}", name=f"{cell.label} is steady", time="0"
        )
        if cell.flaky:
            message = f"flaky: {len(_ways(cell))} ways to end"
        elif id(cell) in others:
            message = f"prints something else than {others[id(cell)].label}"
        else:
            continue
        ElementTree.SubElement(case, "failure", message=message)
    ElementTree.indent(suite)
    whole: bytes = ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)
    return whole + b"\n"


def _job_case(suite: ElementTree.Element, recorded: Recorded) -> None:
    job, result = recorded.job, recorded.result
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=f"{job.guest}.{job.abi}",
        name=f"{result.label} seed {job.seed}",
        time=f"{result.seconds:.3f}",
    )
    if result.outcome is Outcome.SUCCESS:
        return
    kind = {"skip": "skipped", "error": "error"}.get(result.outcome.value, "failure")
    message = xml_text(f"{result.outcome.value}: {result.reason}")
    ElementTree.SubElement(case, kind, message=message).text = xml_text(result.registers)
    ElementTree.SubElement(case, "system-out").text = xml_text("\n".join(result.transcript))
