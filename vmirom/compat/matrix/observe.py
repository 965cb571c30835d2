"""Does it run? Guests composed with ROMs and booted on the embedded hypervisors.

The guest of 3.1 is the reference guest. The guest of 3.0 is the classic one, which knows nothing of 3.1
and attaches as Linux did; it is built when it is needed. A guest of a revision before 3 judges the ROM by
its header, as all clients did: that is what the older guest does, and whether it takes the ROM is what is
seen of it. Where neither can be built, and for a minor that no guest was written for, the reference guest's
note is made to ask for the version: enough to see whether it is refused, and no more is taken from it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache

from vmirom.bundle.compose import compose
from vmirom.bundle.notes import VMI_OWNER
from vmirom.bundle.refused import Refused
from vmirom.compat.matrix.cells import Cell
from vmirom.compat.matrix.verdict import Verdict
from vmirom.guest.build import build_guest, kit_sources
from vmirom.guest.shipped import guest_blob, guest_sources
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.hosts.request import BootRequest
from vmirom.hosts.workers import boot_all
from vmirom.overlays import vmi
from vmirom.rom.errors import RomError, ToolchainMissing
from vmirom.rom.image import load_rom
from vmirom.schema.versions import Version

__all__ = ["Observed", "guest_for", "observe"]

Observed = tuple[Verdict | None, str]
"""A verdict and its reason; None where nothing could be tried, and why."""

_REPLACED = ("start.S", "attach.c")
"""Of the kit: the classic guest has an entry note and an attachment of its own."""
_OWNER = VMI_OWNER.encode("ascii") + b"\0"


def observe(cells: Sequence[Cell], budget: float = 30.0, jobs: int | None = None) -> tuple[Cell, ...]:
    """The cells with what was seen of each. Raises KeyboardInterrupt when asked to."""
    seen: list[Observed | None] = []
    requests: list[tuple[int, BootRequest]] = []
    for number, cell in enumerate(cells):
        made = _bundle(cell)
        if isinstance(made, bytes):
            options = dict(cell.era.options)
            line = f"wants={cell.guest}" if _is_older(cell.guest) else ""
            request = BootRequest(cell.era.backend, made, command_line=line, budget=budget, options=options)
            requests.append((number, request))
            seen.append(None)
        else:
            seen.append(made)
    results = boot_all([request for _, request in requests], jobs=jobs)
    for (number, _), result in zip(requests, results, strict=True):
        seen[number] = _told(result)
    return tuple(_filled(cells, seen))


def _filled(cells: Sequence[Cell], seen: Sequence[Observed | None]) -> Iterator[Cell]:
    for cell, found in zip(cells, seen, strict=True):
        assert found is not None
        yield replace(cell, observed=found[0], seen=found[1])


def _told(result: BootResult) -> Observed:
    if result.outcome is Outcome.SUCCESS:
        return Verdict.RUNS, f"{result.reason}; {len(result.transcript)} lines"
    if result.outcome is Outcome.SKIP:
        said = " ".join(line for line in result.transcript if line.startswith("VMI: "))
        return Verdict.REFUSED, said or result.reason
    failed = "; ".join(line for line in result.transcript if " FAIL " in line)
    return Verdict.FAILS, f"{result.outcome.value}: {result.reason}{': ' if failed else ''}{failed}"


def _bundle(cell: Cell) -> bytes | Observed:
    """The bundle, or why there is none."""
    version = Version.parse(cell.rom)
    abi = (version.major, version.minor)
    try:
        rom = load_rom(cell.era.backend, cell.rom).data
    except RomError as error:
        return None, str(error)
    try:
        guest = guest_for(cell.guest)
    except ToolchainMissing as missing:
        return None, f"the guest of {cell.guest} has to be built: {missing}"
    try:
        return compose(guest, rom, cell.era.backend, abi)
    except Refused as refused:
        return Verdict.REFUSED, f"{refused.field}: {refused.rule}"


def guest_for(version: str) -> bytes:
    """A guest that asks for ``version``. Raises ToolchainMissing where it can't be built here."""
    wanted = Version.parse(version)
    if _is_older(version):
        try:
            return _older()
        except ToolchainMissing:
            return _asking(_reference(), wanted)
    made = _GUESTS.get((wanted.major, wanted.minor))
    return made() if made else _asking(_reference(), wanted)


def _is_older(version: str) -> bool:
    """Whether a version is of a revision before 3, or of 13: of a line whose guests only judge the header."""
    return Version.parse(version).major != int(vmi.RomHeader.API_MAJOR)


@cache
def _reference() -> bytes:
    return guest_blob("reference").read_bytes()


@cache
def _classic() -> bytes:
    kit = [source for source in kit_sources() if source.name not in _REPLACED]
    return build_guest([*guest_sources("classic"), *kit], None, kit=False, strict=True).data


@cache
def _older() -> bytes:
    kit = [source for source in kit_sources() if source.name not in _REPLACED]
    classic = [source for source in guest_sources("classic") if source.name != "main.c"]
    sources = [*guest_sources("older"), *classic, *kit]
    return build_guest(sources, None, kit=False, strict=True).data


_GUESTS: dict[tuple[int, int], Callable[[], bytes]] = {(3, 1): _reference, (3, 0): _classic}


def _asking(guest: bytes, version: Version) -> bytes:
    """The guest with another version in its note."""
    size = vmi.ffi.sizeof("struct vmi_guest_note")
    head = struct.pack("<III", len(_OWNER), size, int(vmi.NoteType.GUEST)) + _OWNER
    at = guest.index(head) + len(head)
    note = struct.pack("<IHH", version.major, version.major, version.minor)
    return guest[:at] + note + guest[at + len(note) :]
