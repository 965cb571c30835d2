"""Boots as JSON and as JUnit XML, for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import msgspec

from vmirom import __version__
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.report.agreement import Agreement, overall
from vmirom.report.xml_text import xml_text

__all__ = ["boot_report", "junit"]

_OF_EXAMINATIONS = frozenset({"answers", "remarks"})
"""What only a ROM examined from outside has to say (vmirom/conform/hostside), never a boot."""


def boot_report(guest: str, abi: str, results: Sequence[BootResult], agreement: Agreement) -> dict[str, Any]:
    """What ``vmirom boot --json`` prints."""
    return {
        "vmirom": __version__,
        "guest": guest,
        "abi": abi,
        "outcome": overall(results, agreement),
        "agreement": {"agree": agreement.agree, **msgspec.to_builtins(agreement)},
        "boots": [
            {
                **{
                    name: value
                    for name, value in msgspec.to_builtins(result).items()
                    if name not in _OF_EXAMINATIONS
                },
                "call_total": result.call_total,
                "hypercall_total": result.hypercall_total,
            }
            for result in results
        ],
    }


def junit(guest: str, results: Sequence[BootResult], agreement: Agreement) -> bytes:
    """JUnit XML: one case a backend, and one for the comparison."""
    bad = [r for r in results if r.outcome in (Outcome.FAILURE, Outcome.CRASH)]
    suite = ElementTree.Element(
        "testsuite",
        name="vmirom boot",
        tests=str(len(results) + 1),
        failures=str(len(bad) + (not agreement.agree)),
        errors=str(sum(r.outcome is Outcome.ERROR for r in results)),
        skipped=str(sum(r.outcome is Outcome.SKIP for r in results)),
        time=f"{sum(r.seconds for r in results):.3f}",
    )
    for result in results:
        _case(suite, guest, result)
    case = ElementTree.SubElement(suite, "testcase", classname=guest, name="transcripts agree", time="0")
    for difference in agreement.differences:
        text = f"{difference.backend} differs from {agreement.reference} in line {difference.line}"
        ElementTree.SubElement(case, "failure", message=text)
    ElementTree.indent(suite)
    whole: bytes = ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)
    return whole + b"\n"


def _case(suite: ElementTree.Element, guest: str, result: BootResult) -> None:
    case = ElementTree.SubElement(
        suite, "testcase", classname=guest, name=f"boot {result.label}", time=f"{result.seconds:.3f}"
    )
    if result.outcome is not Outcome.SUCCESS:
        kind = {"skip": "skipped", "error": "error"}.get(result.outcome.value, "failure")
        message = xml_text(f"{result.outcome.value}: {result.reason}")
        ElementTree.SubElement(case, kind, message=message).text = xml_text(result.registers)
    ElementTree.SubElement(case, "system-out").text = xml_text("\n".join(result.transcript))
