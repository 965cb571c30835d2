"""What was written down of the project's own tree stands in for it while nothing changed, and no longer."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vmirom.compat import Declaration, load, ready
from vmirom.compat.load import from_resolved
from vmirom.schema import places, sources
from vmirom.schema.tree import load_abi

TREE = load_abi()
VERSIONS = [
    (name, version)
    for table in (TREE.lines, TREE.backends)
    for name, line in table.items()
    for version in line.versions
]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the package's schema and of ``abi/``, which the library takes for its own."""
    home = tmp_path / "vmirom"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(TREE.folder, tmp_path / "abi", ignore=ignored)
    for part in ("schema", "generate"):
        shutil.copytree(places.PACKAGE / part, home / part, ignore=ignored)
    monkeypatch.setattr(places, "PACKAGE", home)
    monkeypatch.setattr(sources, "PACKAGE", home)
    ready._index.cache_clear()
    yield home
    ready._index.cache_clear()


@pytest.mark.parametrize(("line", "version"), VERSIONS)
def test_it_is_what_reading_the_tree_gives(line: str, version: str) -> None:
    assert ready.ready(line, version) == from_resolved(TREE.resolve(line, version), TREE)


@pytest.mark.parametrize("line", [*TREE.lines, *TREE.backends])
def test_a_line_alone_is_its_newest(line: str) -> None:
    assert ready.ready(line) == ready.ready(line, str(TREE.line(line).newest))


def test_a_copy_is_as_good(package: Path) -> None:
    assert ready.ready("vmi3", "3.0") == from_resolved(TREE.resolve("vmi3", "3.0"), TREE)


def append(path: Path) -> None:
    path.write_text(path.read_text() + "\n# a remark\n")


CHANGES: dict[str, Callable[[Path], object]] = {
    "a declaration": lambda home: append(home.parent / "abi/vmi3/cpu.py"),
    "a declaration of another line": lambda home: append(home.parent / "abi/backends/xen/structs.py"),
    "a clause": lambda home: append(home.parent / "abi/clauses/time.py"),
    "a module more": lambda home: (home.parent / "abi/vmi3/more.py").write_text(""),
    "a module less": lambda home: (home.parent / "abi/vmi3/smp.py").unlink(),
    "a module's name": lambda home: (home.parent / "abi/vmi6/io.py").rename(
        home.parent / "abi/vmi6/ports.py"
    ),
    "the code that walks": lambda home: append(home / "schema/walking.py"),
    "the code that writes": lambda home: append(home / "generate/ready.py"),
    "the file itself": lambda home: append(home.parent / "abi/ready/vmi3-3.0.json"),
    "the file is gone": lambda home: (home.parent / "abi/ready/vmi3-3.0.json").unlink(),
    "the index is cut": lambda home: (home.parent / "abi/ready/ready.json").write_text('{"sources": "sha'),
    "the index is a list": lambda home: (home.parent / "abi/ready/ready.json").write_text("[]"),
    "the index is gone": lambda home: (home.parent / "abi/ready/ready.json").unlink(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changed_is_read_anew(package: Path, change: str) -> None:
    assert ready.ready("vmi3", "3.0") is not None
    ready._index.cache_clear()
    CHANGES[change](package)
    assert ready.ready("vmi3", "3.0") is None


def test_an_edited_declaration_is_seen_by_load(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole way: the number that was edited is the number that is loaded."""
    from vmirom.schema import tree as trees

    monkeypatch.setattr(trees, "PACKAGE", package)
    monkeypatch.setattr(trees, "_default", None)
    monkeypatch.setattr(trees, "_parts", {})
    file = package.parent / "abi/vmi3/smp.py"
    before = file.read_text()
    assert number_of(load("vmi3@3.1"), "SetInitialAPState") == 62
    ready._index.cache_clear()
    file.write_text(before.replace("62,", "1062,"))
    assert number_of(load("vmi3@3.1"), "SetInitialAPState") == 1062


def number_of(declaration: Declaration, name: str) -> int:
    return next(call.number for call in declaration.calls if call.name == name)


@pytest.mark.parametrize("name", ["vmi9", "vmi3@9.9", "vmi3@3", "../locks/vmi3"])
def test_what_is_not_written_down_is_left_to_the_tree(name: str) -> None:
    line, _, version = name.partition("@")
    assert ready.ready(line, version or None) is None


def test_a_backend_without_hypercalls_is_a_line_like_others() -> None:
    """Clauses are the guests' lines'; a backend loaded alone has none."""
    assert load("native").clauses is None
    assert load("native").calls == ()


def test_a_comparison_of_own_lines_imports_no_declaration() -> None:
    """What would cost every start most: construct, the modules of ``abi/``, rich."""
    code = (
        "import sys; from vmirom.cli.main import cli\n"
        "cli.main(['abi', 'diff', 'vmi13', 'vmi3@3.0'], standalone_mode=False)\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'construct', 'rich', 'msgspec'}))\n"
        "print([name for name in sys.modules if name.startswith(('_vmirom_abi', 'vmirom.schema.tree'))])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.splitlines()[-2:] == ["[]", "[]"]
