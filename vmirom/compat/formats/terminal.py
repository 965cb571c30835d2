"""The text format in colours, for a terminal."""

from __future__ import annotations

from typing import Final

from rich.text import Text

from vmirom.compat.formats.sheet import Sheet
from vmirom.compat.formats.text import pieces

__all__ = ["coloured"]

_STYLES: Final = {
    "heading": "bold",
    "breaking": "bold red",
    "risky": "yellow",
    "compatible": "green",
    "place": "cyan",
    "quiet": "dim",
    "settled": "dim",
}


def coloured(sheet: Sheet) -> Text:
    """What :func:`vmirom.compat.formats.text.render` gives, with styles; nothing in it is taken for
    markup."""
    whole = Text()
    for line in pieces(sheet):
        for kind, text in line:
            whole.append(text, _STYLES.get(kind, ""))
        whole.append("\n")
    return whole
