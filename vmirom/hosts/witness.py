"""Takes down what an embedded machine looks like when a check fails or a run ends badly.

A line that says FAIL is looked at while the guest still stands behind it: at the end of the run nothing would
be left of the place that printed it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from vmirom.bundle.inspect import BundleFile
from vmirom.hosts.scene import Scene, Site
from vmirom.hosts.stack import Stack
from vmirom.machine.addresses import PAGE_SIZE
from vmirom.machine.engine import Engine, SegmentName
from vmirom.machine.memory import BadAddress
from vmirom.machine.paging import Access, Mode, translate
from vmirom.trace.tally import Tally

__all__ = ["SCENES_MAX", "Witness"]

SCENES_MAX: Final = 24
"""Failed lines of one run that are looked at."""

_FAILED: Final = b" FAIL "
_NOTE: Final = b"~ "
_LINE_MAX: Final = 512


class Witness:
    """Stands between a hypervisor and the transcript. ``console`` is the latter's ``write``."""

    def __init__(self, bundle: BundleFile, tally: Tally, console: Callable[[bytes], None]) -> None:
        self._tally = tally
        self._console = console
        self._line = bytearray()
        self._cut = False
        self._stack = Stack(bundle)
        self.engine: Engine | None = None
        self.describe: Callable[[], str] = str
        self.scenes: list[Scene] = []

    def write(self, text: bytes) -> None:
        """A hypervisor's console."""
        self._console(text)
        if b"\n" not in text:  # a byte at a time, as a 16550 sends it
            if len(self._line) < _LINE_MAX:
                self._line += text[: _LINE_MAX - len(self._line)]
            return
        for number, piece in enumerate(text.split(b"\n")):
            if number:
                self._printed(bytes(self._line))
                self._line.clear()
            self._line += piece[: _LINE_MAX - len(self._line)]

    def end(self) -> None:
        """The run ended badly."""
        self.scenes.append(self._scene(""))

    def take_down(self, line: str) -> None:
        """Somebody who looks on has found something, and will say so in this line."""
        self.scenes.append(self._scene(line))

    def _printed(self, line: bytes) -> None:
        text = line.decode("ascii", "backslashreplace").rstrip("\r")
        self._tally.recent.other(("printed", text))
        if _FAILED in line and not line.startswith(_NOTE) and len(self.scenes) < SCENES_MAX:
            self.scenes.append(self._scene(text))

    def _scene(self, line: str) -> Scene:
        registers = self.describe()
        try:
            sites = tuple(self._sites(self.engine)) if self.engine is not None else ()
        except Exception as error:  # noqa: BLE001 - a report must not fail where a run already has
            registers, sites = f"{registers}\nno sites: {type(error).__name__}: {error}", ()
        return Scene(line, registers, sites, self._tally.recent.steps())

    def _sites(self, engine: Engine) -> Iterator[Site]:
        at = (engine.segment(SegmentName.CS).base + engine.eip) & 0xFFFFFFFF
        stack = (engine.segment(SegmentName.SS).base + engine.esp) & 0xFFFFFFFF
        return self._stack.sites(partial(_read, engine), at, stack)


def _read(engine: Engine, gva: int, length: int) -> bytes:
    """Up to ``length`` bytes at ``gva``, as far as they are there; no accessed bit is set."""
    mode = Mode.of(engine.cr0, engine.cr4, engine.efer)
    found = bytearray()
    while len(found) < length and 0 <= gva < 1 << 32:
        part = min(length - len(found), PAGE_SIZE - gva % PAGE_SIZE)
        gpa = translate(engine.memory, engine.cr3, mode, gva, Access.READ, False)
        if not isinstance(gpa, int):
            break
        try:
            found += engine.memory.read(gpa, part)
        except BadAddress:
            break
        gva += part
    return bytes(found)
