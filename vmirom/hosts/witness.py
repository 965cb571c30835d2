"""Takes down what an embedded machine looks like when a check fails or a run ends badly.

A line that says FAIL is looked at while the guest still stands behind it: at the end of the run nothing would
be left of the place that printed it. The stack is read as an oops of Linux does it, without frame
pointers: every word that is an address behind a call instruction in the guest's or the ROM's code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from vmirom.bundle.inspect import BundleFile
from vmirom.hosts.rom_places import RomPlaces
from vmirom.hosts.scene import Scene, Site
from vmirom.machine.addresses import PAGE_SIZE
from vmirom.machine.engine import Engine, SegmentName
from vmirom.machine.memory import BadAddress
from vmirom.machine.paging import Access, Mode, translate
from vmirom.overlays import vmi
from vmirom.trace.tally import Tally

__all__ = ["SCENES_MAX", "Witness"]

SCENES_MAX: Final = 24
"""Failed lines of one run that are looked at."""

_FAILED: Final = b" FAIL "
_NOTE: Final = b"~ "
_LINE_MAX: Final = 512
_STACK_WORDS: Final = 384
_SITES_MAX: Final = 8
_BEFORE, _AFTER = 48, 48
_PF_X: Final = 1


class Witness:
    """Stands between a hypervisor and the transcript. ``console`` is the latter's ``write``."""

    def __init__(self, bundle: BundleFile, tally: Tally, console: Callable[[bytes], None]) -> None:
        self._bundle = bundle
        self._tally = tally
        self._console = console
        self._line = bytearray()
        self._cut = False
        self._rom = RomPlaces(bundle)
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
        yield self._site(engine, (engine.segment(SegmentName.CS).base + engine.eip) & 0xFFFFFFFF)
        stack = (engine.segment(SegmentName.SS).base + engine.esp) & 0xFFFFFFFC
        found = 0
        for at in range(stack, min(stack + 4 * _STACK_WORDS, 1 << 32), 4):
            word = _read(engine, at, 4)
            if len(word) < 4:
                return
            gva = int.from_bytes(word, "little")
            if self._is_code(gva) and _follows_call(_read(engine, gva - 7, 7)):
                yield self._site(engine, gva)
                found += 1
                if found == _SITES_MAX:
                    return

    def _site(self, engine: Engine, gva: int) -> Site:
        before = _read_back(engine, gva, _BEFORE)
        code = before + _read(engine, gva, _AFTER)
        return Site(gva, gva - len(before), code.hex(), self._place(gva))

    def _is_code(self, gva: int) -> bool:
        return bool(self._place(gva))

    def _place(self, gva: int) -> str:
        if in_rom := self._rom.place(gva):
            return in_rom
        guest = (int(vmi.Layout.LINEAR_BASE), 0)
        for segment in self._bundle.segments:
            start = segment.paddr
            executable = segment.flags & _PF_X and start >= vmi.Layout.GUEST_GPA
            if executable and any(start <= gva - base < start + segment.memsz for base in guest):
                return "guest"
        return ""


def _follows_call(before: bytes) -> bool:
    """Whether these seven bytes end with a near call: relative, or through a register or memory."""
    if len(before) < 7:
        return False
    if before[-5] == 0xE8:
        return True
    # FF /2 with as many bytes behind it as its ModRM asks for; a plain one without SIB
    lengths = {2: (0xD0, 0xD7), 3: (0x50, 0x57), 6: (0x90, 0x97)}
    return any(before[-n] == 0xFF and low <= before[1 - n] <= high for n, (low, high) in lengths.items()) or (
        before[-6:-4] == b"\xff\x15"
    )


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


def _read_back(engine: Engine, gva: int, length: int) -> bytes:
    """Up to ``length`` bytes that end at ``gva``: all, or those of its own page."""
    for wanted in (length, min(length, gva % PAGE_SIZE)):
        if wanted <= gva and len(found := _read(engine, gva - wanted, wanted)) == wanted:
            return found
    return b""
