"""A run as JSON for other programs, described by ``schemas/conformance.json``.

The format is stable: within one ``schema`` number fields are added and none is taken away or means
something else.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from vmirom import __version__
from vmirom.conform.coverage import CallCoverage, totals
from vmirom.conform.judge import Judgement, State, Verdict
from vmirom.conform.run import Conformance
from vmirom.hosts.scene import Scene
from vmirom.report.conformance.disassembly import code_lines
from vmirom.report.conformance.faults import SeededFault
from vmirom.report.conformance.guests import BootNames
from vmirom.report.conformance.incidents import Incident
from vmirom.report.conformance.view import Occasion, Row, View, view_of

__all__ = ["SCHEMA", "SCHEMA_FILE", "conformance_report"]

SCHEMA: Final = 1
SCHEMA_FILE: Final = Path(__file__).parent / "schemas" / "conformance.json"


def conformance_report(found: Conformance, occasion: Occasion | None = None) -> dict[str, Any]:
    """For ``--json``: clauses with coverage and, if there were boots, the state in each place."""
    view = view_of(found, occasion)
    faults = view.occasion.faults
    return {
        "schema": SCHEMA,
        "vmirom": __version__,
        "made": view.occasion.made,
        "abi": found.selection.version,
        "outcome": found.outcome.value if found.judgements else None,
        "totals": totals(found.covered),
        "selected": list(found.selection.words),
        "left_out": dict(found.selection.left_out),
        "clauses": [_clause(row, view) for row in view.rows],
        "calls": [_call(call) for call in found.calls],
        "boots": [_place(place) for place in view.places],
        "incidents": [_incident(one) for one in view.incidents],
        "faults": None if faults is None else [_fault_of(fault) for fault in faults],
    }


def _clause(row: Row, view: View) -> dict[str, Any]:
    clause, cover = row.clause, row.cover
    return {
        "id": clause.id,
        "sentence": clause.sentence,
        "who": clause.who.value,
        "source": clause.source,
        "revisions": [*clause.revision.stated, *(["carried"] if clause.revision.carried else [])],
        "when": clause.when.words,
        "calls": list(clause.calls),
        "coverage": cover.state.value if cover.state is not State.SUCCESS else "guest",
        "guest_checks": list(cover.guest),
        "host_checks": list(cover.host),
        "reason": cover.reason,
        "faults": list(view.shown_by.get(clause.id, ())),
        "states": {
            place.label: _state(verdict, view.concerns.get((place.label, clause.id), ()))
            for place, verdict in zip(view.places, row.verdicts, strict=True)
        },
    }


def _state(one: Verdict, incidents: Sequence[int]) -> dict[str, Any]:
    return {
        "state": one.state.value,
        "reason": one.reason,
        "checks": [
            {
                "guest": result.guest,
                "check": result.check.label,
                "state": result.state.value,
                "reason": result.reason,
            }
            for result in one.checks
        ],
        "incidents": list(incidents),
    }


def _call(call: CallCoverage) -> dict[str, Any]:
    return {
        "call": call.call,
        "number": call.number,
        "clauses": list(call.clauses),
        "guest": call.guest,
        "host": call.host,
        "reasoned": call.reasoned,
        "unchecked": list(call.unchecked),
        "hits": dict(call.hits),
    }


def _place(place: Judgement) -> dict[str, Any]:
    return {
        "place": place.label,
        "backend": place.backend,
        "host": place.host,
        "outcome": place.outcome.value,
        "guests": [
            {
                "guest": one.boot.guest,
                "outcome": one.outcome.value,
                "reason": one.reason,
                "road": one.result.road,
                "calls": None if one.result.calls is None else one.result.call_total,
                "hypercalls": None if one.result.hypercalls is None else one.result.hypercall_total,
                "seconds": one.result.seconds,
            }
            for one in place.booted
        ],
        "seconds": place.seconds,
        "counts": {state.value: place.count(state) for state in State},
        "strays": list(place.strays),
    }


def _incident(one: Incident) -> dict[str, Any]:
    return {
        "number": one.number,
        "place": one.place,
        "guest": one.booted.boot.guest,
        "outcome": one.outcome.value,
        "line": one.line,
        "reason": one.booted.reason,
        "clauses": list(one.clauses),
        "replay": one.replay,
        "tail": list(one.tail),
        "scene": None if one.scene is None else _scene(one.scene, BootNames(one.booted.boot)),
    }


def _scene(scene: Scene, names: BootNames) -> dict[str, Any]:
    return {
        "registers": scene.registers,
        "sites": [
            {
                "gva": site.gva,
                "place": names(site.gva) or site.place,
                "code": [
                    {
                        "gva": line.gva,
                        "bytes": line.code,
                        "text": line.text,
                        "note": line.note,
                        "here": line.here,
                    }
                    for line in code_lines(site, number > 0, names)
                ],
            }
            for number, site in enumerate(scene.sites)
        ],
        "steps": [
            {"kind": step.kind, "text": step.text, "times": step.times, "why": step.why}
            for step in scene.steps
        ],
    }


def _fault_of(fault: SeededFault) -> dict[str, Any]:
    return {
        "name": fault.name,
        "where": fault.where,
        "sentence": fault.sentence,
        "caught": list(fault.caught),
        "clauses": list(fault.clauses),
        "breaks": list(fault.breaks),
        "shown": list(fault.shown),
    }
