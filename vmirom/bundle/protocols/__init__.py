"""Boot protocols: what a loader wants to find in a bundle besides its segments.

One module a protocol, each with ``dress(stub) -> Dress``. A backend that has a module of its own name
here is dressed by it; every other one is a machine started by Multiboot or PVH.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from vmirom.bundle.notes import Note

__all__ = ["Dress", "Stub", "protocol"]


@dataclass(frozen=True, slots=True)
class Stub:
    """Where a ROM in place can be entered, as gpas; ``pvh`` None where it has no such stub.
    ``linear_base`` is what a gpa needs to become a gva, ``abi`` the ABI version as text. ``rom`` is where the
    ROM belongs, ``carried`` where it lies if it is carried behind the guest."""

    boot: int
    pvh: int | None
    linear_base: int
    abi: str
    rom: int
    carried: int


@dataclass(frozen=True, slots=True)
class Dress:
    """``entry`` for e_entry; ``header`` stands 4-byte aligned in the first 8 KiB of the file; ``carried`` if
    ROM and state are to lie behind the guest's image, for the stub to put them where they belong: a PC's
    loader can't write to where option ROMs live. ``sections`` by name are not loaded: words for a loader."""

    entry: int
    notes: tuple[Note, ...] = ()
    header: bytes = b""
    carried: bool = False
    sections: Mapping[str, bytes] = field(default_factory=dict)


def protocol(backend: str) -> Callable[[Stub], Dress]:
    """The function that dresses bundles for ``backend``."""
    name = backend if importlib.util.find_spec(f"{__name__}.{backend}") else "multiboot"
    return cast("Callable[[Stub], Dress]", importlib.import_module(f"{__name__}.{name}").dress)
