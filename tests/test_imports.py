"""Imports run one way, and two joints stay clean. Read from the source with ast, so that an import inside
a function counts, too."""

import ast
import functools
import graphlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import vmirom

PACKAGE = Path(vmirom.__file__).parent

# Each part may import itself and what stands in its row. ``cli`` may import everything.
ALLOWED = {
    "report": {
        "compat",
        "conform",
        "hosts",
        "hypervisors",
        "machine",
        "schema",
        "bundle",
        "guest",
        "rom",
        "trace",
        "overlays",
    },
    "testing": {"report", "hosts", "schema", "bundle", "guest", "rom"},
    "conform": {"hosts", "hypervisors", "machine", "schema", "bundle", "rom", "trace", "overlays"},
    "hosts": {"hypervisors", "machine", "schema", "bundle", "rom", "trace", "overlays"},
    "hypervisors": {"machine", "overlays"},
    "machine": {"schema", "overlays"},
    "trace": set(),
    "bundle": {"machine", "overlays", "rom"},
    "rom": {"schema", "machine", "overlays"},
    "guest": {"schema", "machine", "overlays", "bundle", "rom"},
    "generate": {"schema"},
    "compat": {"generate", "schema", "rom", "guest", "bundle", "hosts", "hypervisors", "machine", "overlays"},
    "overlays": set(),
    "schema": set(),
}
EVERYBODYS = {"files", "__init__"}


@functools.cache
def imported(path: Path) -> tuple[tuple[int, str], ...]:
    """(line, dotted module) of each import in a file, relative ones resolved."""
    return tuple(_imported(path))


def _imported(path: Path) -> Iterator[tuple[int, str]]:
    package = ("vmirom", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*start, *([node.module] if node.module else [])))
            if module == "vmirom":
                yield from ((node.lineno, f"vmirom.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, module


def sources(part: str) -> list[Path]:
    return sorted((PACKAGE / part).rglob("*.py"))


@pytest.mark.parametrize("part", sorted(p.name for p in PACKAGE.iterdir() if (p / "__init__.py").exists()))
def test_part_imports_only_what_lies_below_it(part: str) -> None:
    if part == "cli":
        above: list[str] = []
    else:
        assert part in ALLOWED, f"{part} is a new part: say in ALLOWED what it may import"
        may = ALLOWED[part] | EVERYBODYS | {part, "__version__"}
        above = [
            f"{path.relative_to(PACKAGE)}:{line} imports {module}"
            for path in sources(part)
            for line, module in imported(path)
            if module.startswith("vmirom.") and module.split(".")[1] not in may
        ]
    assert above == []


def test_what_may_be_imported_goes_round_in_no_circle() -> None:
    assert tuple(graphlib.TopologicalSorter(ALLOWED).static_order())


def test_nothing_imports_the_command_line() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in PACKAGE.rglob("*.py")
        if path.relative_to(PACKAGE).parts[0] not in ("cli", "__main__.py")
        for line, module in imported(path)
        if module.split(".")[:2] == ["vmirom", "cli"]
    ]
    assert found == []


def test_hypervisors_know_nothing_of_an_engines_library() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{line} {module}"
        for path in sources("hypervisors")
        for line, module in imported(path)
        if module.split(".")[0] in ("unicorn", "fcntl", "ctypes")
        or module.startswith("vmirom.machine.unicorn")
    ]
    assert found == []


def test_engines_know_no_hypercall() -> None:
    """An engine may know the PC's ports (devices live beside it), never a hypervisor's ABI."""
    found = [
        f"{path.relative_to(PACKAGE)}:{line} {module}"
        for path in sources("machine")
        for line, module in imported(path)
        if module.startswith("vmirom.overlays.") and module.split(".")[2] in ("xen", "lguest", "kvm")
    ]
    assert found == []


def test_imports_of_overlays_stay_fast() -> None:
    """Overlays are what a run imports; construct is for declarations and would cost every start."""
    found = [
        f"{path.relative_to(PACKAGE)}:{line} {module}"
        for part in ("overlays", "machine", "hypervisors", "bundle", "hosts", "trace")
        for path in sources(part)
        for line, module in imported(path)
        if module.split(".")[0] == "construct" or module.startswith("vmirom.schema")
    ]
    assert found == []
