"""The launcher of the appliance: what QEMU is told, and what is said of how it ended."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.hosts.kvm_rig import install, qemu
from vmirom.hosts.kvm import launch
from vmirom.hosts.kvm.clockrate import tsc_khz


class Launcher:
    """Runs ``true`` in an appliance that is a script."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.monkeypatch = monkeypatch
        self.control = folder / "a, b"
        self.control.mkdir()

    def run(self, body: str, command: tuple[str, ...] = ("true",), limit: float = 20.0) -> launch.Launched:
        program = qemu(self.folder, self.monkeypatch, body)
        made = install(self.monkeypatch)
        return launch.launch(program, made, command, self.control, limit, 16, {"COLOUR": "it's red"})

    def arguments(self) -> list[str]:
        return (self.control / "arguments").read_text().split("\n")


@pytest.fixture
def launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Launcher:
    return Launcher(tmp_path, monkeypatch)


def leaves(status: int) -> str:
    return f"open(os.path.join(control, 'rc'), 'w').write('{status}\\n')"


@pytest.mark.parametrize("status", [0, 1, 3, 77])
def test_the_commands_own_status_is_passed_on(launcher: Launcher, status: int) -> None:
    launched = launcher.run(leaves(status))
    assert (launched.status, launched.why) == (status, "")


def test_qemus_status_says_nothing_of_a_command_that_ended(launcher: Launcher) -> None:
    assert launcher.run(leaves(0) + "; raise SystemExit(1)").status == 0


def test_what_is_printed_comes_back(launcher: Launcher) -> None:
    assert launcher.run("console.write('hello\\n'); " + leaves(0)).output == b"hello\n"


def test_a_run_that_takes_too_long_is_124(launcher: Launcher) -> None:
    launched = launcher.run("time.sleep(60)", limit=0.5)
    assert launched.status == launch.TIMED_OUT == 124
    assert launched.why == "the appliance did not end within 0.5 s"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (
            "sys.stderr.write('qemu: fatal: invalid tss type\\nEAX=0 EBX=0\\n'); os.abort()",
            "QEMU died of a busy task segment: qemu: fatal: invalid tss type",
        ),
        (
            "sys.stderr.write('no such machine\\n'); raise SystemExit(1)",
            "QEMU ended with status 1: no such machine",
        ),
        (
            "console.write('Kernel panic\\nvmirom appliance: the kernel has no KVM here\\n')",
            "the appliance broke off: vmirom appliance: the kernel has no KVM here",
        ),
        ("open(os.path.join(control, 'rc'), 'w').write('what?')", "the appliance broke off"),
    ],
)
def test_an_appliance_that_breaks_down_is_125_with_its_last_words(
    launcher: Launcher, body: str, why: str
) -> None:
    launched = launcher.run(body)
    assert (launched.status, launched.why) == (launch.BROKEN, why)
    assert launch.BROKEN == 125


def test_what_qemu_is_told(launcher: Launcher) -> None:
    launcher.run(leaves(0))
    arguments = launcher.arguments()
    assert arguments[arguments.index("-M") + 1] == "microvm"
    assert arguments[arguments.index("-accel") + 1] == "tcg"
    assert arguments[arguments.index("-m") + 1] == "528"
    shares = [a for a in arguments if a.startswith("local,")]
    assert any("path=/," in share and "readonly=on" in share for share in shares)
    assert any("a,, b," in share and "readonly" not in share for share in shares)
    parameters = arguments[arguments.index("-append") + 1].split()
    assert (f"tsc_early_khz={tsc_khz()}" in parameters) == bool(tsc_khz())
    assert not any(str(launcher.folder) in parameter for parameter in parameters)


def test_the_command_keeps_folder_words_and_environment(
    launcher: Launcher, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    monkeypatch.setenv("SECRET", "not carried")
    show = 'echo "$PWD|$COLOUR|$PYTHONHASHSEED|$SECRET|$VMIROM_INSIDE|$1"'
    launcher.run(leaves(0), ("sh", "-c", show, "sh", "two words; $HOME"))
    bare = {name: os.environ[name] for name in ("PATH",)}
    done = subprocess.run(
        ["sh", launcher.control / "command"], capture_output=True, text=True, env=bare, check=True
    )
    assert done.stdout == f"{tmp_path}|it's red|7||1|two words; $HOME\n"


def test_the_clock_rate_is_plausible_and_asked_once() -> None:
    khz = tsc_khz()
    assert khz == 0 or 100_000 < khz < 20_000_000
    assert tsc_khz() == khz
