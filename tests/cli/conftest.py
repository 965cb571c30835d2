"""The command line in this process, with the hand-made guest and ROMs in place of the shipped ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import vmirom.cli.sources
import vmirom.hosts.embedded
from tests.bundle.images import GuestRecipe, RomRecipe
from tests.hosts.scripted import Script, module, well
from vmirom.cli.main import cli

Run = Callable[..., Result]
Scripting = Callable[..., None]


@pytest.fixture
def run() -> Run:
    """``run("boot", "--json")``. A traceback is a failure of the test, not a result."""

    def invoke(*arguments: str | Path, **kwargs: object) -> Result:
        result = CliRunner().invoke(cli, [str(a) for a in arguments], prog_name="vmirom", **kwargs)  # type: ignore[arg-type]
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Scripting:
    """``scripted(xen=script)``: hand-made ROMs for all backends, hypervisors that follow scripts."""

    def use(**scripts: Script) -> None:
        monkeypatch.setattr(
            vmirom.hosts.embedded, "hypervisor_module", lambda backend: module(scripts.get(backend, well))
        )

    monkeypatch.setattr(
        vmirom.cli.sources, "shipped_rom", lambda backend, abi: (f"ROM {backend}", RomRecipe(backend).build())
    )
    use()
    return use


@pytest.fixture
def guest(tmp_path: Path) -> Path:
    """The hand-made guest as a file."""
    path = tmp_path / "guest.elf"
    path.write_bytes(GuestRecipe().build())
    return path


def refusal(result: Result) -> str:
    """The one line a refused command prints; nothing else, and exit code 2."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("vmirom: ")
    assert result.stderr.count("\n") == 1 and result.stderr.endswith("\n")
    return result.stderr.removeprefix("vmirom: ").rstrip("\n")
