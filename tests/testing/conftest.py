"""Test runs inside a test: a project of somebody else's, with the plugin loaded."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import vmirom
from tests.bundle.images import GUEST, GuestRecipe, Segment
from vmirom.bundle.elf import PF_R, PF_X

Runs = Callable[..., pytest.RunResult]

UNDEFINED = b"\x0f\x0b" * 50
"""UD2 again and again: without a gate for it, the end of any machine."""


@pytest.fixture
def crashing(pytester: pytest.Pytester) -> str:
    """A guest in the project's folder that is killed at its first instruction."""
    guest = GuestRecipe(segments=(Segment(GUEST, UNDEFINED, len(UNDEFINED), PF_R | PF_X),)).build()
    (pytester.path / "crashing.elf").write_bytes(guest)
    return "crashing.elf"


@pytest.fixture
def runs(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Runs:
    """``runs(source, *options)``: pytest's result on a test file with that source."""
    installed = importlib.metadata.entry_points(group="pytest11", name="vmirom")
    plugin = () if installed else ("-p", "vmirom.testing.plugin")
    monkeypatch.setenv("PYTHONPATH", str(Path(vmirom.__file__).parent.parent), prepend=os.pathsep)
    pytester.makeini("[pytest]\nfilterwarnings = error\naddopts = --strict-markers -p no:cacheprovider\n")

    def run(source: str, *options: str, process: bool = False) -> pytest.RunResult:
        pytester.makepyfile(test_mine=source)
        how = pytester.runpytest_subprocess if process else pytester.runpytest_inprocess
        return how(*plugin, *options)

    return run
