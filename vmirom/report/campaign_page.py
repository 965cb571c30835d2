"""A campaign as one HTML page that needs nothing but itself: no script, no network."""

from __future__ import annotations

import base64
import hashlib
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from markupsafe import Markup

from vmirom import __version__
from vmirom.conform.campaign.matrix import Cell, Matrix, read_matrix
from vmirom.conform.campaign.store import Store
from vmirom.hosts.outcomes import Outcome
from vmirom.report.campaigns import count_line, remark_lines
from vmirom.report.conformance.states import MARKS

__all__ = ["campaign_page"]

_HERE: Final = Path(__file__).parent
_MOST: Final = 500
"""Ways to end that get a row: a guest that prints addresses has one for each job."""


@dataclass(frozen=True, slots=True)
class _Row:
    guest: str
    abi: str
    cells: tuple[Cell | None, ...]


def campaign_page(store: Store, file: str) -> bytes:
    """The page of the campaign in ``file``, which is named in commands. Raises CampaignError."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    matrix = read_matrix(store)
    css = (_HERE / "conformance" / "page.css").read_text()
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    env = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    when, version = store.begun
    places = list(dict.fromkeys(cell.label for cell in matrix.cells))
    ways = [(cell, variant) for cell in matrix.cells for variant in cell.variants]
    ways.sort(key=lambda way: -list(Outcome).index(way[1].outcome))
    page = env.get_template(
        "campaign_page.html"
    ).render(
        policy=f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'",
        css=Markup(css),  # ours, and nothing of a guest's
        paths={mark.state.value: mark.path for mark in MARKS.values()},
        version=__version__,
        begun=f"{when} with {version}",
        outcome=matrix.outcome,
        counted=count_line(matrix),
        flaky=len(matrix.flaky),
        cells=len(matrix.cells),
        places=places,
        rows=_rows(matrix, places),
        ways=ways[:_MOST],
        left_out=max(0, len(ways) - _MOST),
        remarks="\n".join(remark_lines(store, matrix)),
        definition=list(store.definition.lines()),
        file=shlex.quote(file),
    )
    return page.encode() + b"\n"


def _rows(matrix: Matrix, places: list[str]) -> list[_Row]:
    found: dict[tuple[str, str], dict[str, Cell]] = {}
    for cell in matrix.cells:
        found.setdefault((cell.guest, cell.abi), {})[cell.label] = cell
    return [_Row(*key, tuple(cells.get(place) for place in places)) for key, cells in found.items()]
