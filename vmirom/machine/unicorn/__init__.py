"""The unicorn engine. Its parts, in reading order: library, calibration, state, scratch, engine."""

from vmirom.machine.unicorn.engine import UnicornEngine

__all__ = ["UnicornEngine"]
