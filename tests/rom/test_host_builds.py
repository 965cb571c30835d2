"""All of a ROM's C can be driven on the host: no file is left out of the libraries that tests are made of."""

from __future__ import annotations

import re
from pathlib import Path

from tests.rom.hostc import SHARED, host_files
from vmirom.rom.build import backend_names
from vmirom.schema.tree import source_tree

HERE = Path(__file__).parent


def test_every_c_file_is_in_a_library() -> None:
    there = set((source_tree("romsrc") / "rom").rglob("*.c"))
    assert there
    left_out = there - {each for files in host_files().values() for each in files}
    assert not left_out, "in no ROM that is built, and in no library for the host"


def test_every_library_has_a_machine_and_is_driven() -> None:
    """``<name>_host.c``, and a module of tests (or a model of theirs) that compiles it."""
    for name in backend_names():
        assert (HERE / f"{name}_host.c").is_file(), f"{name}: nothing stands in for its assembly"
    texts = [each.read_text(encoding="utf-8") for each in HERE.glob("*.py")]
    driven = set(re.findall(r'compile_(?:rom|pc)\("(\w+)"', "".join(texts)))
    assert driven == set(backend_names())
    assert SHARED in host_files() and any("= compile_sources(" in text for text in texts)


def test_instructions_of_the_machine_have_names() -> None:
    """Inline assembly stands in headers, where the host has its own; a division is the same everywhere."""
    for path in (source_tree("romsrc") / "rom").rglob("*.c"):
        assert "__asm__" not in path.read_text(encoding="utf-8"), path
