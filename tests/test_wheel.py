"""The wheel, built and installed in an environment of its own: what a user gets who has no checkout.

Needs an index for hatchling and what vmirom depends on; skips with pip's own words where there is none.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TREES = {"abi": "vmirom/_abi", "romsrc": "vmirom/_romsrc"}
OURS = ("PYTHONPATH", "PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_XDIST_WORKER", "VIRTUAL_ENV")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def clean(
    command: Sequence[str | Path], folder: Path, limit: float = 300
) -> subprocess.CompletedProcess[str]:
    """Run a command without anything that this test run has set."""
    environment = {name: value for name, value in os.environ.items() if name not in OURS}
    return subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
    )


def done(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode == 0, f"{result.args}:\n{result.stdout}\n{result.stderr}"
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, built as pip builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip"]
    found = clean(
        [
            *pip,
            "--retries=0",
            "--timeout=20",
            "download",
            "-q",
            "--no-deps",
            "-d",
            folder / "probe",
            "hatchling>=1.27",
        ],
        folder,
    )
    if found.returncode:
        why = (found.stderr.strip() or found.stdout.strip() or "no pip").splitlines()[-1]
        pytest.skip(f"pip reaches no index for hatchling: {why}")
    done(clean([*pip, "wheel", "-q", "--no-deps", "-w", folder / "dist", ROOT], folder))
    (built,) = (folder / "dist").glob("vmirom-*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a fresh environment that has the wheel, a toolchain and pytest."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    programs = folder / "bin"
    done(
        clean(
            [programs / "python", "-m", "pip", "install", "-q", f"{wheel}[toolchain]", "pytest>=8.3"], folder
        )
    )
    return programs


def test_the_wheel_carries_all_declarations_sources_and_blobs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        carried = set(file.namelist())
    wanted = {
        f"{place}/{path.relative_to(ROOT / tree).as_posix()}"
        for tree, place in TREES.items()
        for path in (ROOT / tree).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert sorted(wanted - carried) == []
    assert {"vmirom/py.typed", "vmirom/testing/plugin.py"} <= carried
    assert not [name for name in carried if name.startswith(("tests/", "abi/", "romsrc/"))]


def test_the_wheel_boots_its_reference_guest_everywhere(environment: Path, tmp_path: Path) -> None:
    told = json.loads(done(clean([environment / "vmirom", "boot", "--json"], tmp_path)))
    assert told["outcome"] == "success" and told["agreement"]["agree"]
    assert {boot["backend"] for boot in told["boots"]} >= {"native", "kvm", "xen", "lguest"}


def test_a_project_outside_tests_its_guest_with_the_plugin(environment: Path, tmp_path: Path) -> None:
    project = tmp_path / "outside"
    shutil.copytree(
        ROOT / "examples" / "outside", project, ignore=shutil.ignore_patterns("__pycache__", ".*")
    )
    printed = done(clean([environment / "python", "-m", "pytest", "-p", "no:cacheprovider"], project))
    assert "8 passed" in printed
    assert "VMI-DT-13    passed  (4 passed on kvm@embedded" in printed
    where = done(clean([environment / "python", "-c", "import vmirom; print(vmirom.__file__)"], project))
    assert Path(where.strip()).is_relative_to(environment.parent)


def test_the_plugin_costs_a_project_without_guests_no_import(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "test_plain.py").write_text(
        "import sys\n"
        "def test_plain(pytestconfig):\n"
        "    assert pytestconfig.pluginmanager.has_plugin('vmirom')\n"
        "    mine = {name for name in sys.modules if name.partition('.')[0] == 'vmirom'}\n"
        "    assert mine == {'vmirom', 'vmirom.testing', 'vmirom.testing.plugin'}\n"
    )
    assert "1 passed" in done(clean([environment / "python", "-m", "pytest"], tmp_path))
