"""JSON as this project prints it."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["json_bytes"]


def json_bytes(value: Any) -> bytes:
    """Indented JSON with a newline at the end; dataclasses and enums as one would expect."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
