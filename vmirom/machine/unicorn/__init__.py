"""The unicorn engine. Read library, calibration, state, scratch, ports, engine."""

from vmirom.machine.unicorn.engine import UnicornEngine

__all__ = ["UnicornEngine"]
