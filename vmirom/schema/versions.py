"""Versions of a line: numbers with dots between them."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from vmirom.schema.errors import SchemaError

__all__ = ["Version"]

_FORM = re.compile(r"(0|[1-9][0-9]{0,5})(\.(0|[1-9][0-9]{0,5})){0,3}", re.ASCII)


@functools.total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    """A dotted version such as 3.1 or 2.6.35; ordered number by number, 3 equal to 3.0."""

    parts: tuple[int, ...]

    @staticmethod
    def parse(text: str) -> Version:
        """Read ``3.1``. Raises SchemaError."""
        if not _FORM.fullmatch(text):
            raise SchemaError(f"version {text!r} is not of the form MAJOR.MINOR")
        return Version(tuple(int(part) for part in text.split(".")))

    @property
    def major(self) -> int:
        return self.parts[0]

    @property
    def minor(self) -> int:
        return self.parts[1] if len(self.parts) > 1 else 0

    def _key(self) -> tuple[int, ...]:
        return self.parts + (0,) * (4 - len(self.parts))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._key() == other._key()

    def __lt__(self, other: Version) -> bool:
        return self._key() < other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __str__(self) -> str:
        return ".".join(str(part) for part in self.parts)
