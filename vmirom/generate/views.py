"""All generated files, and how they are written and checked.

A lock of a version that is not the newest of its line, or that ``vmirom abi freeze`` has frozen, is
compared and never written over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from vmirom.files import write_whole
from vmirom.generate.clauses import clauses_page
from vmirom.generate.headers import asm_header, c_header
from vmirom.generate.locks import lock
from vmirom.generate.markdown import answers_page, backend_page, line_page, read_answers
from vmirom.generate.overlays import INIT, cffi_overlay, python_overlay
from vmirom.generate.ready import FOLDER, ready_files
from vmirom.generate.seals import recorded_in
from vmirom.schema import AbiError
from vmirom.schema.clauses import load_clauses
from vmirom.schema.tree import AbiTree

__all__ = ["Views", "all_views", "stale", "write"]


@dataclass(frozen=True)
class Views:
    """Text by path below the checkout. ``frozen`` paths are never written over."""

    files: Mapping[str, str]
    frozen: frozenset[str]


def all_views(tree: AbiTree, root: Path) -> Views:
    """Every generated file of an ABI tree. Raises AbiError."""
    files: dict[str, str] = {"vmirom/overlays/__init__.py": INIT}
    frozen = set()
    clauses = load_clauses(tree)
    if clauses.clauses:
        files["docs/abi/clauses.md"] = clauses_page(clauses)
    for line in tree.families:
        newest = tree.resolve(line.name)
        files[f"romsrc/include/{line.family}.h"] = c_header(newest)
        files[f"romsrc/include/{line.family}_asm.h"] = asm_header(newest)
        files[f"vmirom/overlays/_{line.family}_cffi.py"] = cffi_overlay(newest)
        files[f"vmirom/overlays/{line.family}.py"] = python_overlay(newest)
        if line.name in tree.backends:
            files[f"docs/abi/backends/{line.name}.md"] = backend_page(newest)
            continue
        files[f"docs/abi/{line.name}.md"] = line_page(newest, clauses)
        for version in line.versions:
            path = f"abi/locks/{line.name}-{version}.json"
            recorded = recorded_in(root / path)
            if recorded.frozen or tree.resolve(line.name, version).version != newest.version:
                frozen.add(path)
            recorded = replace(recorded, frozen=path in frozen)
            files[path] = lock(tree.resolve(line.name, version), recorded)
    for line in (each for _, each in sorted(tree.lines.items()) if not each.executable):
        for version in line.versions:  # history, which can't change
            path = f"abi/locks/{line.name}-{version}.json"
            frozen.add(path)
            files[path] = lock(
                tree.resolve(line.name, version), replace(recorded_in(root / path), frozen=True)
            )
    files |= {f"abi/{FOLDER}/{name}": text for name, text in ready_files(tree).items()}
    calls = tree.resolve("vmi3")
    answers = read_answers(root / "romsrc/blobs/roms.json", str(calls.version))
    files["docs/abi/answers.md"] = answers_page(calls, answers)
    return Views(files, frozenset(frozen))


def stale(views: Views, root: Path) -> list[str]:
    """Paths whose file is missing or differs, sorted."""
    return sorted(path for path, text in views.files.items() if _read(root / path) != text)


def _read(file: Path) -> str | None:
    try:
        return file.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def write(views: Views, root: Path) -> list[str]:
    """Write what is stale, each file whole or not at all; gives the paths written.

    Raises AbiError, before anything is written, if a frozen lock would change.
    """
    todo = stale(views, root)
    for path in todo:
        if path in views.frozen and (root / path).exists():
            raise AbiError(f"{root / path}: this version is frozen, and abi/ now says something else")
    for path in todo:
        file = root / path
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, views.files[path].encode("utf-8"))
        except OSError as error:
            raise AbiError(f"{file}: {error.strerror}") from None
    return todo
