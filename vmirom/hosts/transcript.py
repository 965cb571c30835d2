"""What a guest printed, as lines: the ones that are compared, and notes."""

from __future__ import annotations

from typing import Final

__all__ = ["LIMIT", "Transcript"]

LIMIT: Final = 1 << 20
"""Bytes of console that are kept; a guest that prints more is cut off with a last line that says so."""

_NOTE: Final = "~ "


class Transcript:
    """Collects console bytes. Bytes that are not printable ASCII are shown as ``\\xNN``."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._cut = False

    def write(self, text: bytes) -> None:
        """A hypervisor's console: take ``text``, up to the limit."""
        room = LIMIT - len(self._text)
        self._text += text[:room]
        self._cut = self._cut or len(text) > room

    def lines(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """(transcript, notes). A last line without newline counts."""
        all_lines = [_readable(line) for line in bytes(self._text).split(b"\n")]
        if all_lines and not all_lines[-1]:
            all_lines.pop()
        if self._cut:
            all_lines.append(f"[cut off after {LIMIT} bytes]")
        notes = tuple(line.removeprefix(_NOTE) for line in all_lines if line.startswith(_NOTE))
        return tuple(line for line in all_lines if not line.startswith(_NOTE)), notes


def _readable(line: bytes) -> str:
    return "".join(chr(c) if 0x20 <= c < 0x7F or c == 9 else f"\\x{c:02x}" for c in line.rstrip(b"\r"))
