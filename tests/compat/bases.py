"""Declarations that tests start from, loaded once."""

from __future__ import annotations

import functools

from vmirom.compat import Declaration, load

LINES = ("vmi3@3.1", "vmi13@13.0", "vmi6@6.1")


@functools.cache
def base(name: str = LINES[0]) -> Declaration:
    return load(name)
