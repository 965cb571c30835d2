"""Comparisons and verdicts in the formats that people and CI systems read.

``render(sheet, "sarif")`` gives the whole text. ``text`` is for people (coloured by :mod:`.terminal` on a
terminal), ``json`` is our own and described by ``schemas/report.json``, ``markdown`` is for pull requests
and job summaries, ``junit``, ``sarif`` (2.1.0) and ``github`` (workflow commands) are for CI.
"""

from __future__ import annotations

import importlib

from vmirom.compat.formats.sheet import Entry, Section, Settled, Sheet, Spot, sheet_of

__all__ = ["FORMATS", "Entry", "Section", "Settled", "Sheet", "Spot", "render", "sheet_of"]

FORMATS = ("text", "json", "markdown", "junit", "sarif", "github")
"""Names of all formats; each is a module here with a function ``render``."""


def render(sheet: Sheet, name: str) -> str:
    """The sheet in one format, ending with a newline if it has any text. Raises KeyError for an unknown
    name."""
    if name not in FORMATS:
        raise KeyError(name)
    module = importlib.import_module(f"vmirom.compat.formats.{name}")
    text: str = module.render(sheet)
    return text.encode("utf-8", "backslashreplace").decode()  # names of files may be no text
