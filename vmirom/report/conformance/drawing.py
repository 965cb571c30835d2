"""The drawings of the page: SVG written by hand, coloured by the page's style sheet, and told in words to
those who can't see them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from markupsafe import Markup, escape

from vmirom.conform.judge import State
from vmirom.report.conformance.states import MARKS, key_of
from vmirom.report.conformance.view import View

__all__ = ["bar_of", "map_of"]

_STEP: Final = 6
"""Width of a clause in the map."""
_LANE: Final = 18
_RIGHT: Final = 40
_LEFT: Final = 120
_FOOT: Final = 20
_LABEL: Final = 8
"""Width of a letter in the map, about."""


def bar_of(counts: Mapping[State, int]) -> Markup:
    """A bar cut in proportion to ``counts``, those first that somebody has to look at."""
    total = sum(counts.values()) or 1
    words = ", ".join(f"{count} {state.value}" for state, count in counts.items())
    parts, at = [], 0
    for state in MARKS:
        if count := counts.get(state, 0):
            parts.append(f'<rect class="{key_of(state)}" x="{at}" width="{count}" height="1"/>')
            at += count
    return Markup(
        f'<svg class="bar" viewBox="0 0 {total} 1" preserveAspectRatio="none" role="img" aria-label="'
        f'{escape(words)}">{"".join(parts)}</svg>'
    )


def map_of(view: View) -> Markup:
    """All clauses from left to right, a lane a place: one path a state, so that its size stays small."""
    width, height = _STEP * len(view.rows), _LANE * len(view.places)
    runs: dict[State, list[str]] = {}
    for lane in range(len(view.places)):
        at = 0
        while at < len(view.rows):
            state, start = view.rows[at].verdicts[lane].state, at
            while at < len(view.rows) and view.rows[at].verdicts[lane].state is state:
                at += 1
            x, y, wide = _STEP * start, _LANE * lane + 1, _STEP * (at - start)
            runs.setdefault(state, []).append(f"M{x} {y}h{wide}v{_LANE - 2}h-{wide}z")
    paths = "".join(f'<path class="{key_of(state)}" d="{"".join(d)}"/>' for state, d in runs.items())
    labels = "".join(
        f'<text x="{_LEFT - 6}" y="{_LANE * lane + 13}" text-anchor="end">{escape(place.label)}</text>'
        for lane, place in enumerate(view.places)
    )
    areas, rules = _areas(view, height)
    bad = len(view.bad)
    words = f"{len(view.rows)} clauses in {len(view.places)} places; {bad} to look at, as the matrix says"
    target = f'<rect class="target" width="{width}" height="{height}" fill="transparent"/>'
    box = f'class="map" viewBox="0 0 {_LEFT + width + _RIGHT} {height + _FOOT}"'
    shapes = f'{paths}<path class="rule" d="{rules}"/>{areas}{target}'
    return Markup(
        f'<svg {box} role="img" aria-label="{escape(words)}">{labels}'
        f'<g transform="translate({_LEFT} 0)">{shapes}</g></svg>'
    )


def _areas(view: View, height: int) -> tuple[str, str]:
    """Names of areas below the map as far as there is room, and a rule before each area."""
    starts: dict[str, int] = {}
    for at, row in enumerate(view.rows):
        starts.setdefault(row.clause.area, at)
    ends = [*list(starts.values())[1:], len(view.rows)]
    texts, rules, free = [], [], 0
    for (area, start), end in zip(starts.items(), ends, strict=True):
        x = _STEP * start
        rules.append(f"M{x} 0v{height}" if start else "")
        if x >= free and _STEP * (end - start) > _LABEL * len(area) // 2:
            texts.append(f'<text x="{x}" y="{height + 14}">{escape(area)}</text>')
            free = x + _LABEL * len(area) + 4
    return "".join(texts), "".join(rules)
