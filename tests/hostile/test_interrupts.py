"""Ctrl-C and SIGTERM at any moment of a boot: the code that shells give, at most one line, and nobody left.

The moments at which Python itself still starts (before the package is imported) are not ours.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

BOOT = [sys.executable, "-m", "vmirom", "boot"]
ROOT = Path(__file__).parents[2]
CODES = {signal.SIGINT: (130, "vmirom: interrupted\n"), signal.SIGTERM: (143, "")}


def _session_is_empty(session: int) -> bool:
    """Whether no process of ``session`` is left. Zombies that nobody has waited for count as gone."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            return False
    return True


@pytest.mark.boot
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in Linux's /proc")
@pytest.mark.parametrize("whom", ["the process", "its whole group, as a terminal does"])
@pytest.mark.parametrize("number", CODES)
@pytest.mark.parametrize(
    "after", [0.45, pytest.param(0.3, marks=pytest.mark.slow), pytest.param(0.6, marks=pytest.mark.slow)]
)
def test_a_signal_ends_a_boot(number: signal.Signals, whom: str, after: float) -> None:
    process = subprocess.Popen(
        BOOT, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    time.sleep(after)
    early = process.poll() is not None  # a fast machine was done by then
    if not early:
        (os.kill if whom == "the process" else os.killpg)(process.pid, number)
    _, error = process.communicate(timeout=10)
    if early or process.returncode == 0:
        assert error == ""
    else:
        assert (process.returncode, error) == CODES[number]
    assert _session_is_empty(process.pid)


@pytest.mark.parametrize(
    "code", ["os.kill(os.getpid(), signal.SIGINT)", "exec('os.kill(os.getpid(), signal.SIGINT)')"]
)
def test_an_interrupt_while_modules_load_is_one_line(tmp_path: Path, code: str) -> None:
    """In a string that is executed, as those of dataclasses are, CPython remembers it to its end."""
    (tmp_path / "click.py").write_text(f"import os, signal\n{code}\n")
    environment = dict(os.environ, PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    done = subprocess.run(BOOT, env=environment, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "vmirom: interrupted\n")
