"""One HTML page that tells a whole run and needs nothing but itself.

No network: the policy in its head forbids every fetch, and allows only the two scripts and the style sheet
that are in it, by their hashes. Whatever a guest printed is text. Where incidents are so many that the page
would grow beyond PAGE_MAX, the last ones are told without code and registers, and say so.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup

from vmirom import __version__
from vmirom.conform.judge import State
from vmirom.conform.run import Conformance
from vmirom.hosts.outcomes import Outcome
from vmirom.hosts.scene import Scene
from vmirom.report.conformance.disassembly import CodeLine, code_lines
from vmirom.report.conformance.drawing import bar_of, map_of
from vmirom.report.conformance.faults import caught_line
from vmirom.report.conformance.guests import BootNames
from vmirom.report.conformance.incidents import Incident
from vmirom.report.conformance.reasons import reasons_of
from vmirom.report.conformance.states import BAD, MARKS, key_of
from vmirom.report.conformance.text import how_checked
from vmirom.report.conformance.view import Occasion, View, area_counts, view_of
from vmirom.trace.recent import Step

__all__ = ["PAGE_MAX", "TOLD_MAX", "conformance_page"]

PAGE_MAX: Final = 2_000_000
"""Bytes of a page, for four backends on all hosts."""

_DETAILS_MAX: Final = 900_000
TOLD_MAX: Final = 200
"""Incidents that get an entry of their own."""
_LOOK: Final = 8
_STEPS_SHOWN: Final = 20
_MANY_CALLS: Final = 12
_PRINTERS: Final = frozenset({"vmi_write", "vmi_print", "end_line", "check", "guest"})
"""Functions of guests that print a line for others."""
_NATIVE: Final = "native_"
"""How the guest's own routines begin that stand where a ROM leaves a call to it."""
_HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class _Site:
    address: str
    place: str
    role: str
    lines: tuple[Any, ...]
    open: bool


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    note: str
    here: bool


@dataclass(frozen=True, slots=True)
class _Detail:
    """What of an incident has to be made for showing."""

    sites: tuple[_Site, ...] = ()
    registers: str = ""
    older: tuple[Step, ...] = ()
    steps: tuple[Step, ...] = ()
    refused: tuple[tuple[str, int], ...] = ()
    short: bool = False

    @property
    def size(self) -> int:
        """Bytes that it will take, about."""
        code = sum(90 + len(line.text) + len(line.note) for site in self.sites for line in site.lines)
        steps = sum(110 + len(step.text) + len(step.why) for step in (*self.older, *self.steps))
        return code + steps + len(self.registers) + 600


def conformance_page(found: Conformance, occasion: Occasion | None = None) -> bytes:
    """The page, UTF-8."""
    return render(view_of(found, occasion))


def render(view: View) -> bytes:
    """As :func:`conformance_page`, of a view that is there already."""
    css, early, script = (_asset(name) for name in ("page.css", "theme.js", "page.js"))
    details = _details(view.incidents)
    text: str = _template().render(
        view=view,
        abi=view.found.selection.version,
        version=__version__,
        outcome=_state(view.found.outcome),
        policy=_policy((early, script), (css,)),
        css=Markup(css),
        early=Markup(early),
        script=Markup(script),
        marks=MARKS,
        parts=_parts(view),
        areas=list(dict.fromkeys(row.clause.area for row in view.rows)),
        titles=view.occasion.titles,
        backends=list(dict.fromkeys(place.backend for place in view.places)),
        hosts=list(dict.fromkeys(place.host for place in view.places)),
        details=details,
        most_look=_LOOK,
        look=sorted((one for one in view.incidents if one.number in details), key=_urgency)[:_LOOK],
        seen_states=_states(view.counts(place) for place in view.places),
        area_states=_states(area_counts(view).values()),
        map=map_of(view) if view.places else "",
        bar=bar_of,
        state_of=_state,
        how=how_checked,
        told=[one for one in view.incidents if one.number in details],
        concerns=lambda lane, clause: _told(view, details, view.places[lane].label, clause),
        sentences={row.clause.id: row.clause.sentence for row in view.rows},
        why_not=reasons_of(view),
        left_out=_left_out(view),
        by_area=area_counts(view),
        hit_places=list(dict.fromkeys(label for call in view.found.calls for label in call.hits)),
        caught=caught_line(view.occasion.faults or ()),
        missed=State.FAILURE,
        call_words=_call_words,
        data=Markup(_script_json(_data(view, details))),
    )
    return text.encode("utf-8", "backslashreplace")


@cache
def _asset(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


@cache
def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    env = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    env.filters["by_order"] = _by_order
    return env.get_template("page.html")


def _by_order(groups: Iterable[tuple[str, Any]], order: Sequence[str]) -> list[tuple[str, Any]]:
    """jinja's groupby sorts by name; areas have an order of their own."""
    return sorted(groups, key=lambda group: order.index(group[0]))


def _policy(scripts: Sequence[str], styles: Sequence[str]) -> str:
    """Nothing may be fetched, and nothing run or styled but what has one of these hashes."""
    allowed = f"script-src {' '.join(map(_hash, scripts))}; style-src {' '.join(map(_hash, styles))}"
    return f"default-src 'none'; {allowed}; img-src data:; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _state(outcome: Outcome) -> State:
    return State(outcome.value)


def _urgency(one: Incident) -> tuple[int, int, int]:
    """The worst first, then what most clauses hang on."""
    return -list(Outcome).index(one.outcome), -len(one.clauses), one.number


def _states(counted: Iterable[Mapping[State, int]]) -> list[State]:
    """States that occur at all, those first that somebody has to look at."""
    there = {state for counts in counted for state in counts}
    return [state for state in MARKS if state in there]


def _parts(view: View) -> list[tuple[str, str]]:
    ran = bool(view.places)
    parts = [
        ("matrix", "Matrix", True),
        ("failures", f"Failures ({len(view.incidents)})", bool(view.incidents)),
        ("why-not", "Why not checked", ran),
        ("not-selected", "Not selected", True),
        ("by-area", "By area", True),
        ("by-call", "By call", True),
        ("faults", "Seeded faults", view.occasion.faults is not None),
        ("boots", "Boots", ran),
        ("clauses", "Clauses", True),
        ("legend", "Legend", True),
    ]
    return [(name, title) for name, title, there in parts if there]


def _left_out(view: View) -> list[tuple[str, list[str]]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for clause, reason in view.found.selection.left_out.items():
        groups[reason].append(clause)
    return list(groups.items())


def _call_words(calls: Sequence[str]) -> str:
    if len(calls) <= _MANY_CALLS:
        return ", ".join(calls)
    return f"{', '.join(calls[:_MANY_CALLS])} and {len(calls) - _MANY_CALLS} more"


def _details(incidents: Sequence[Incident]) -> dict[int, _Detail]:
    """Of each incident that is told, whole while there is room; what is first in its boot comes first. Behind
    the first TOLD_MAX the cells alone say what happened."""
    firsts = {(one.place, one.booted.boot.guest): one.number for one in reversed(incidents)}
    order = sorted(incidents, key=lambda one: (one.number not in firsts.values(), one.number))
    made: dict[int, _Detail] = {}
    used = 0
    for one in order[:TOLD_MAX]:
        detail = _detail(one) if used <= _DETAILS_MAX else _Detail(short=True)
        used += detail.size
        made[one.number] = detail
    return made


def _detail(one: Incident) -> _Detail:
    result = one.booted.result
    refused = tuple((result.refused or {}).items()) if not one.line else ()
    scene = one.scene
    if scene is None:
        return _Detail(registers="" if one.line else result.registers, refused=refused)
    steps = scene.steps
    return _Detail(
        tuple(_sites(scene, BootNames(one.booted.boot))),
        scene.registers,
        steps[:-_STEPS_SHOWN],
        steps[-_STEPS_SHOWN:],
        refused,
    )


def _sites(scene: Scene, names: BootNames) -> Iterator[_Site]:
    """The first one, which is open, is where the reader most likely looks: the next instruction at a bad end,
    else the function that asked for the line; what printed it comes last."""
    places = [names.symbols.place(site.gva) if site.place == "guest" else site.place for site in scene.sites]
    asked = next((at for at, place in enumerate(places) if _asks(place)), 0) if scene.line else 0
    order = [*range(asked, len(places)), *range(asked)]
    for number in order:
        site = scene.sites[number]
        if number < asked:
            role = "prints the line"
        elif number == asked:
            role = "the check" if number else "next instruction"
        else:
            role = "called from here"
        lines = tuple(_line(line) for line in code_lines(site, number > 0, names))
        yield _Site(f"{site.gva:#010x}", places[number] or site.place, role, lines, number == asked)


def _asks(place: str) -> bool:
    """Whether a place on the stack is in the guest, and not in what prints for it."""
    name = place.partition("+")[0]
    return bool(name) and name not in _PRINTERS and not name.startswith(("ROM", _NATIVE))


def _line(line: CodeLine) -> _Line:
    return _Line(f"{line.gva:08x}  {line.code:24}  {line.text}", line.note, line.here)


def _told(view: View, details: Mapping[int, _Detail], place: str, clause: str) -> list[int]:
    """Numbers of the incidents with an entry that concern a clause in a place."""
    return [number for number in view.concerns.get((place, clause), ()) if number in details]


def _data(view: View, details: Mapping[int, _Detail]) -> Mapping[str, Any]:
    """What the script needs beside the table itself."""
    reasons: dict[str, int] = {}
    calls = {call.call: at for at, call in enumerate(view.found.calls)}
    rows = {}
    for row in view.rows:
        clause = row.clause.id
        rows[clause] = {
            "reasons": [reasons.setdefault(verdict.reason, len(reasons)) for verdict in row.verdicts]
            or [reasons.setdefault(row.cover.reason, len(reasons))],
            "calls": [calls[name] for name in row.clause.calls if name in calls],
            "incidents": {
                str(lane): numbers
                for lane, place in enumerate(view.places)
                if (numbers := _told(view, details, place.label, clause))
            },
        }
    return {
        "places": [
            {"label": place.label, "backend": place.backend, "host": place.host} for place in view.places
        ],
        "bad": [key_of(state) for state in BAD],
        "words": {mark.key: state.value for state, mark in MARKS.items()},
        "reasons": list(reasons),
        "calls": list(calls),
        "rows": rows,
    }


def _script_json(value: Mapping[str, Any]) -> str:
    """JSON that no HTML parser takes for anything else: no tag and no comment can begin in it."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
