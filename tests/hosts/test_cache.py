"""What is kept between runs: installed whole or not at all, whatever interrupts it."""

from __future__ import annotations

import errno
import fcntl
import multiprocessing
import os
import time
from pathlib import Path

import pytest

from vmirom.hosts.cache import SetupFailed, cache_dir, install, installed, note, noted


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VMIROM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def fill(folder: Path) -> None:
    (folder / "thing").write_text("built")


def good(folder: Path) -> None:
    assert (folder / "thing").read_text() == "built"


def contents(cache: Path) -> list[str]:
    return sorted(p.name for p in (cache / "x").iterdir() if p.name != ".lock")


def test_folder_is_the_users_own_choice_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache_dir() == tmp_path / "cache"
    monkeypatch.delenv("VMIROM_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache_dir() == Path("/xdg/vmirom")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert cache_dir() == Path("/home/somebody/.cache/vmirom")


def test_installed_once_and_found_again(cache: Path) -> None:
    assert installed("x", "1") is None
    place = install("x", "1", fill, good)
    assert place == cache / "x" / "1" == installed("x", "1")
    (place / "mark").touch()
    install("x", "1", fill, good)
    assert (place / "mark").exists(), "it was not built again"


def test_newer_one_takes_the_place_of_the_older(cache: Path) -> None:
    install("x", "1", fill, good)
    install("x", "2", fill, good)
    assert contents(cache) == ["2"]


def test_what_fails_its_test_is_never_used(cache: Path) -> None:
    def bad(folder: Path) -> None:
        raise SetupFailed("it does not boot")

    with pytest.raises(SetupFailed, match=r"^it does not boot$"):
        install("x", "1", fill, bad)
    assert installed("x", "1") is None and contents(cache) == []


def test_interrupted_setup_leaves_nothing_that_counts(cache: Path) -> None:
    def interrupted(folder: Path) -> None:
        fill(folder)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        install("x", "1", interrupted, good)
    assert contents(cache) == []
    process = multiprocessing.get_context("fork").Process(target=install, args=("x", "1", _die, good))
    process.start()
    process.join(30)
    assert process.exitcode == 9 and installed("x", "1") is None
    assert len(contents(cache)) == 1, "killed: its folder is left"
    install("x", "1", fill, good)
    assert contents(cache) == ["1"], "and the next setup removes it"


def _die(folder: Path) -> None:
    fill(folder)
    os._exit(9)


def test_two_setups_build_once(cache: Path, tmp_path: Path) -> None:
    processes = [
        multiprocessing.get_context("fork").Process(target=install, args=("x", "1", _slowly, good))
        for _ in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0, 0]
    assert (cache / "built").read_text() == "once"


def _slowly(folder: Path) -> None:
    with (folder.parent.parent / "built").open("a") as file:
        file.write("once")
    time.sleep(0.2)
    fill(folder)


def test_who_has_to_wait_for_another_setup_is_told_so(cache: Path) -> None:
    (cache / "x").mkdir(parents=True)
    other = (cache / "x" / ".lock").open("ab")
    fcntl.flock(other, fcntl.LOCK_EX)
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        other.close()

    install("x", "1", fill, good, say=say)
    assert said == [f"another setup is at {cache / 'x'}: waiting for it"]
    install("x", "1", fill, good, say=said.append)
    assert len(said) == 1


@pytest.mark.parametrize(
    ("number", "end"),
    [
        (errno.ENOSPC, "; make room, or name another folder in VMIROM_CACHE"),
        (errno.EACCES, "Permission denied"),
    ],
)
def test_full_disk_is_one_line(number: int, end: str) -> None:
    def full(folder: Path) -> None:
        raise OSError(number, os.strerror(number), str(folder / "part"))

    with pytest.raises(SetupFailed) as failed:
        install("x", "1", full, good)
    assert str(failed.value).endswith(end) and "\n" not in str(failed.value)
    assert installed("x", "1") is None


def test_notes_are_a_convenience(cache: Path) -> None:
    assert noted("n") == ""
    note("n", "text")
    assert noted("n") == "text"
    (cache / "notes" / "n").write_bytes(b"\xff")
    assert noted("n") == ""
    (cache / "notes").rename(cache / "elsewhere")
    (cache / "notes").touch()
    note("n", "no folder to put it in")
    assert noted("n") == ""
