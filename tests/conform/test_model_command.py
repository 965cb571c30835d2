"""``vmirom model``: run, replay, and the files in between."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from vmirom.cli.main import cli
from vmirom.conform.model.sequences import SequenceError, read_regression
from vmirom.conform.model.serial import Serial
from vmirom.conform.model.steps import Expected

KEPT: dict[str, Any] = {
    "format": 1,
    "setting": {"backend": "native", "options": {}, "abi": "3.1"},
    "why": "",
    "moves": [{"name": "INB", "arguments": {"port": 0x3FD}}],
}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["model", *arguments])


@pytest.mark.boot
def test_a_run_without_a_difference_says_so() -> None:
    result = run("run", "--on", "native", "--calls", "300")
    assert (
        result.exit_code == 0
        and result.output.startswith("native clock=virtual: ")
        and "as the model says" in result.output
    )
    rows = json.loads(run("run", "--on", "kvm", "--calls", "300", "--json").output)
    eras = [f"kvm host_era={era} clock=virtual" for era in ("2008", "2026")]
    assert [row["setting"] for row in rows] == eras
    assert all(row["difference"] is None and row["calls"] >= 300 for row in rows)


@pytest.mark.boot
def test_a_difference_is_kept_and_replayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Serial, "read", lambda self, offset: Expected(0, mask=0x20))
        result = run("run", "--on", "native", "--save", str(tmp_path / "found"))
        assert result.return_value == 5 or result.exit_code == 5
        (file,) = (tmp_path / "found").iterdir()
        assert [move.name for move in read_regression(file).sequence] == ["INB"]
        again = run("replay", str(file))
        assert "native clock=virtual: " in again.output and "not 0x0 in the bits 0x20" in again.output
        assert json.loads(file.read_bytes())["setting"]["clock"] == "virtual"
    well = run("replay", str(file), "--on", "lguest", "--on", "native")
    assert well.output.count("as the model says") == 2
    other = run("replay", str(file), "--abi", "3.0", "--two-level")
    assert "native abi=3.0 clock=virtual two-level: as" in other.output
    assert "native: as the model says" in run("replay", str(file), "--clock", "host").output


@pytest.mark.boot
def test_other_forms_can_be_played() -> None:
    form = ("--abi", "3.0", "--two-level")
    rows = json.loads(run("run", "--on", "native", "--calls", "100", *form, "--json").output)
    assert [row["setting"] for row in rows] == ["native abi=3.0 clock=virtual two-level"]
    refused = run("run", "--on", "xen", "--on", "lguest", "--two-level")
    assert refused.exit_code == 2 and "xen, lguest: only PAE can be had there" in refused.output


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"format": 2}, "format: 2 is not 1"),
        ({"setting": {"backend": "xen", "clock": "sun"}}, "Invalid enum value 'sun' - at `$.setting.clock`"),
        ({"more": 1}, "unknown field `more`"),
        ({"moves": [{"name": "Reboot", "arguments": {}}]}, "moves[0].name: nobody draws a move 'Reboot'"),
        ({"moves": [{"name": "INB", "arguments": {}}]}, "moves[0].arguments: INB lacks port"),
        ({"moves": [{"name": "CLTS", "arguments": {"a": 1}}]}, "moves[0].arguments: CLTS has no a"),
        (
            {"moves": [{"name": "flush", "arguments": {"page": 7}}]},
            "moves[0].arguments.page: 7 is out of range",
        ),
        ({"moves": [{"name": "INB", "arguments": {"port": -1}}]}, "arguments.port: -1 is out of range"),
    ],
)
def test_what_is_no_sequence_is_refused(tmp_path: Path, change: dict[str, Any], rule: str) -> None:
    file = tmp_path / "one.json"
    file.write_text(json.dumps(KEPT | change))
    with pytest.raises(SequenceError) as refused:
        read_regression(file)
    assert str(refused.value).startswith(f"{file}: ") and rule in str(refused.value)
    assert run("replay", str(file)).exit_code == 2


def test_a_file_that_is_not_there_or_not_json(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(SequenceError, match=str(path)):
            read_regression(path)
    (tmp_path / "bad").write_bytes(b"\xff{")
    with pytest.raises(SequenceError):
        read_regression(tmp_path / "bad")
    (tmp_path / "backend.json").write_text(json.dumps(KEPT | {"setting": {"backend": "vax"}}))
    assert run("replay", str(tmp_path / "backend.json")).exit_code == 2
