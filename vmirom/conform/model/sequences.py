"""Sequences that showed a difference, as files that anyone can replay.

JSON, read strictly::

    {"format": 1, "setting": {"backend": "xen", "options": {}, "abi": "3.1", "two_level": false,
                                "clock": "virtual"},
     "why": "GetCR2(): 0x0, not 0x5 in the bits 0xffffffff",
     "moves": [{"name": "SetCR2", "arguments": {"value": 5}}, {"name": "GetCR2", "arguments": {}}]}

``moves`` are what ``vmirom.conform.model.moves`` and the declaration know; addresses are those of the
player's arena. ``setting`` is where the difference was seen, by the host's clock if it names none; a sequence
can be replayed on any backend and by either clock.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import msgspec

from vmirom.conform.model.choices import fault_of
from vmirom.conform.model.moves import Move
from vmirom.conform.model.play import Difference
from vmirom.conform.model.player import Setting
from vmirom.machine.clock import HOST, VIRTUAL

__all__ = ["FORMAT", "KeptMove", "KeptSetting", "Regression", "SequenceError", "kept", "read_regression"]

FORMAT: Final = 1
_MAX: Final = 1 << 20


class SequenceError(Exception):
    """A file that holds no sequence: one line with file, field and rule."""


class KeptSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a difference was seen."""

    backend: str
    options: dict[str, str | int] = msgspec.field(default_factory=dict)
    abi: str = "3.1"
    two_level: bool = False
    clock: Literal["host", "virtual"] = HOST

    @property
    def setting(self) -> Setting:
        """To play on."""
        return Setting(
            self.backend, dict(self.options), abi=self.abi, two_level=self.two_level, clock=self.clock
        )


class KeptMove(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One move."""

    name: str
    arguments: dict[str, int]


class Regression(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file."""

    format: int
    setting: KeptSetting
    why: str
    moves: list[KeptMove]

    @property
    def sequence(self) -> list[Move]:
        """To be played."""
        return [Move(move.name, move.arguments) for move in self.moves]

    def encoded(self) -> bytes:
        """The file's text."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"


def kept(difference: Difference) -> Regression:
    """A difference as a file."""
    setting = difference.setting
    options = {
        name: value if isinstance(value, int) else str(value) for name, value in setting.options.items()
    }
    at = f"{difference.step}: " if difference.step is not None else ""
    return Regression(
        FORMAT,
        KeptSetting(
            setting.backend,
            options,
            setting.abi,
            setting.two_level,
            VIRTUAL if setting.clock == VIRTUAL else HOST,
        ),
        at + difference.why,
        [KeptMove(move.name, dict(move.arguments)) for move in difference.moves],
    )


def read_regression(path: Path) -> Regression:
    """Read a file. Raises SequenceError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SequenceError(f"{path}: {error.strerror or 'can not be read'}") from None
    if len(data) > _MAX:
        raise SequenceError(f"{path}: size: more than {_MAX} bytes")
    try:
        found = msgspec.json.decode(data, type=Regression)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SequenceError(f"{path}: {error}") from None
    if found.format != FORMAT:
        raise SequenceError(f"{path}: format: {found.format} is not {FORMAT}")
    for number, move in enumerate(found.moves):
        if fault := fault_of(move.name, move.arguments):
            raise SequenceError(f"{path}: moves[{number}].{fault}")
    return found
