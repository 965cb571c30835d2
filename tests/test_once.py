"""What is made once for a test run is made once, whole, by whoever comes first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.once import made_once


def test_many_who_ask_get_what_one_made(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "it").write_text("whole")

    with ThreadPoolExecutor(8) as pool:
        found = [*pool.map(lambda _: made_once(f"once-{tmp_path.name}", make), range(32))]
    assert len(made) == 1 and {*found} == {found[0]}
    assert (found[0] / "it").read_text() == "whole"


def test_a_failure_leaves_nothing_and_the_next_tries_again(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("of it")
        raise RuntimeError("no compiler")

    with pytest.raises(RuntimeError, match="no compiler"):
        made_once(f"fails-{tmp_path.name}", fail)
    again = made_once(f"fails-{tmp_path.name}", lambda folder: None)
    assert list(again.iterdir()) == []
