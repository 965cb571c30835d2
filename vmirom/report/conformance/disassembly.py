"""A site in the guest's or the ROM's code as lines of assembly, in Intel's notation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import capstone

from vmirom.hosts.scene import Site

__all__ = ["CodeLine", "Names", "code_lines"]

Names = Callable[[int], str]
"""What lies at an address, in a word or two; empty where nobody knows."""

_BEFORE: Final = 9
_AFTER: Final = 7
_LONGEST: Final = 15
_TARGET: Final = re.compile(r"0x([0-9a-f]{5,8})")


@dataclass(frozen=True, slots=True)
class CodeLine:
    """One instruction. ``here`` marks the one that the site is about: the next one to execute, or the call
    that has not returned. ``note`` names an address in it."""

    gva: int
    code: str
    text: str
    here: bool = False
    note: str = ""


@cache
def _decoder() -> Any:
    decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_32)
    decoder.skipdata = True
    return decoder


def code_lines(site: Site, returns: bool, names: Names) -> tuple[CodeLine, ...]:
    """The instructions around a site. With ``returns`` it is a return address, and the call before it is
    marked. ``names`` says what lies at an address."""
    code = bytes.fromhex(site.code)
    lines = _in_step(code, site)
    mark = next((at for at, (gva, _, _) in enumerate(lines) if gva == site.gva), len(lines))
    if returns:
        mark -= 1
    shown = lines[max(0, mark - _BEFORE) : mark + _AFTER + 1]
    here = lines[mark][0] if 0 <= mark < len(lines) else -1
    return tuple(
        CodeLine(gva, raw.hex(" "), text, gva == here, _note(text, names)) for gva, raw, text in shown
    )


def _in_step(code: bytes, site: Site) -> list[tuple[int, bytes, str]]:
    """Instructions from the first byte on from which decoding comes to the site's own address, the first from
    which it does so without a byte that is no instruction if there is one."""
    fallback = list(_decoded(code[site.gva - site.start :], site.gva))
    found = None
    for skip in range(min(_LONGEST, site.gva - site.start) + 1):
        lines = list(_decoded(code[skip:], site.start + skip))
        before = [text for gva, _, text in lines if gva < site.gva]
        if any(gva == site.gva for gva, _, _ in lines):
            if not any(text.startswith(".byte") for text in before):
                return lines
            found = found or lines
    return found or fallback


def _decoded(code: bytes, gva: int) -> Iterator[tuple[int, bytes, str]]:
    at = 0
    for address, size, mnemonic, operands in _decoder().disasm_lite(code, gva):
        yield address, code[at : at + size], f"{mnemonic} {operands}".rstrip()
        at += size


def _note(text: str, names: Names) -> str:
    notes = (names(int(found[1], 16)) for found in _TARGET.finditer(text))
    return next((note for note in notes if note), "")
