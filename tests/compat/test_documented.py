"""Examples of the pages on compatibility run as they stand."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from vmirom.compat import Severity, diff, lint, load
from vmirom.schema.tree import source_tree

ROOT = source_tree("abi").parent
PAGES = ("compatibility.md", "abi-changes.md")


def examples(language: str) -> list[tuple[str, str]]:
    """(page and number, text) of each block of a language."""
    found = []
    for page in PAGES:
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        blocks = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        found += [(f"{page}:{number}", block) for number, block in enumerate(blocks)]
    return found


@pytest.mark.parametrize(("where", "text"), examples("python"), ids=lambda value: value[:24])
def test_python_runs(
    where: str, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    exec(compile(text, where, "exec"), {"__name__": "__main__"})
    assert "Traceback" not in capsys.readouterr().err


def test_the_lock_by_hand_is_a_whole_one(tmp_path: Path) -> None:
    ((_, text),) = examples("json")
    file = tmp_path / "zap.json"
    file.write_text(text)
    made = load(str(file))
    assert (made.line, made.version, made.mechanism.slot_size) == ("zap", "1.0", 16)
    assert made.calls[1].arguments is not None and made.calls[1].arguments[1].optional
    assert diff(made, made).findings == ()
    assert {f.severity for f in lint(made).findings} == {Severity.COMPATIBLE}


def test_commands_of_the_pages_are_commands() -> None:
    """Each ``vmirom abi X`` that a page names is there."""
    from vmirom.cli.abi import abi

    named = {
        name
        for page in PAGES
        for name in re.findall(r"vmirom abi ([a-z]+)", (ROOT / "docs" / page).read_text(encoding="utf-8"))
    }
    assert named <= set(abi.list_commands(None)) and {"diff", "check", "freeze"} <= named  # type: ignore[arg-type]


def test_every_name_of_the_library_is_there() -> None:
    """Those that are imported when they are first asked for, too."""
    code = (
        "import vmirom.compat as compat\n"
        "from vmirom.compat import *\n"
        "print(*(name for name in compat.__all__ if globals()[name] is not getattr(compat, name)))\n"
        "import vmirom.schema as schema\n"
        "print(*(name for name in schema.__all__ if name != 'AnyConstruct' and not hasattr(schema, name)))\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == []


@pytest.mark.parametrize("module", ["vmirom.compat", "vmirom.schema"])
def test_an_unknown_name_is_an_error_as_everywhere(module: str) -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = importlib.import_module(module).nothing
