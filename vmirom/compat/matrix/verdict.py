"""The three things that can become of a guest on a ROM."""

from __future__ import annotations

import enum

__all__ = ["Verdict"]


class Verdict(enum.Enum):
    """RUNS: it boots and ends well. REFUSED: it is told no before anything ran. FAILS: it is let in, and
    breaks."""

    RUNS = "runs"
    REFUSED = "refused"
    FAILS = "fails"
