"""How much a test tries: a share in the first stage, everything in the second.

The profile of hypothesis that is in force (``tests/conftest.py``) says how many of a hundred examples are
tried. ``examples`` is for a property that wants another number than a hundred, ``share`` for a test that
counts its rounds itself; such a test is marked ``sampled``, as hypothesis marks its own, and the second stage
takes it again, whole.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings

__all__ = ["examples", "share"]

_LEAST = 5


def share(whole: int) -> int:
    """As many of ``whole`` as the profile in force has of a hundred."""
    return max(min(_LEAST, whole), whole * settings().max_examples // 100)


def examples(whole: int, **more: Any) -> settings:
    """Settings for the share of ``whole`` examples."""
    return settings(max_examples=share(whole), **more)
