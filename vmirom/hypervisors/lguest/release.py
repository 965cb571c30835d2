"""What differs between the two releases of the host (lguest.md section 13)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["RELEASES", "Release"]


@dataclass(frozen=True, slots=True)
class Release:
    """One release of the host: ``skips_cli`` = a ``cli`` of the guest's kernel is emulated as nothing."""

    name: str
    skips_cli: bool


RELEASES: Final = {
    release.name: release
    for release in (
        Release("2.6.32", skips_cli=False),
        Release("2.6.35", skips_cli=True),
    )
}
