"""The model bites: a mistake in it is found by a machine, and made short."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from vmirom.conform.model import Model
from vmirom.conform.model.control import Control
from vmirom.conform.model.explore import explore, settings_of
from vmirom.conform.model.machine import IF
from vmirom.conform.model.pic import Chip
from vmirom.conform.model.serial import Serial
from vmirom.conform.model.steps import ANYTHING, Expected
from vmirom.conform.model.tables import Gate, Tables
from vmirom.conform.model.time import Alarms, Counters
from vmirom.conform.model.window import Window


def nothing(*arguments: Any, **named: Any) -> None:
    """A part of the model that does nothing."""


def always(value: Any) -> Callable[..., Any]:
    return lambda *arguments, **named: value


MISTAKES: tuple[tuple[type, str, Any], ...] = (
    (Alarms, "cancel", always(0)),
    (Alarms, "cancel", always(1)),
    (Alarms, "set", always(False)),
    (Chip, "open_line", always(-1)),
    (Chip, "data", nothing),
    (Control, "set_cr0", lambda self, value: setattr(self, "ts", 0)),
    (Control, "get_cr0", always(Expected(0, mask=1))),
    (Counters, "expected", always(Expected(high=1))),
    (Serial, "read", always(Expected(0, mask=0x20))),
    (Tables, "told", staticmethod(always(Expected(peek=0)))),
    (Tables, "gate", always(Gate(6))),
    (Tables, "load", always(Expected(trap=13))),
    (Window, "change", nothing),
    (Window, "flush", lambda self, page=None: self.change(self.space, 0, 0, waits=True)),
    (Window, "switch", nothing),
    (Window, "seen", nothing),
    (Model, "deliver", nothing),
)


@pytest.mark.boot
@pytest.mark.parametrize(
    ("part", "name", "mistake"), MISTAKES, ids=[f"{p.__name__}-{n}" for p, n, _ in MISTAKES]
)
def test_a_mistake_of_the_model_is_found(
    monkeypatch: pytest.MonkeyPatch, part: type, name: str, mistake: Any
) -> None:
    monkeypatch.setattr(part, name, mistake)
    found = explore(settings_of("native")[0], 0, 20_000, shorten=False)
    assert found.difference is not None


@pytest.mark.boot
def test_what_is_found_is_made_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a sequence of 120 moves those are left that the difference needs."""
    monkeypatch.setattr(Serial, "read", always(Expected(0, mask=0x20)))
    found = explore(settings_of("native")[0], 0, 20_000)
    assert found.steady and found.difference is not None
    assert [move.name for move in found.difference.moves] == ["INB"]
    assert IF and Expected() == ANYTHING
