"""What a host says of itself: what it needs, what was found, and for what is missing the one command.

Each host module answers with its ``probe``. Looking takes milliseconds and boots nothing; whether a
self-test passed is what the last one left in the cache folder.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Host"]


@dataclass(frozen=True, slots=True)
class Host:
    """``usable`` or not, ``found`` is what was seen (path, version), ``missing`` what to do about it: one
    command where there is one, empty if usable. ``needs`` is what this host takes in all, ``self_test``
    what is known of its last self-test (``passed``, ``failed: why``, empty where none was made)."""

    name: str
    usable: bool
    backends: tuple[str, ...]
    found: str
    missing: str = ""
    needs: str = ""
    self_test: str = ""
