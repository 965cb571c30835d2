"""The unicorn engine. Read library, calibration, state, scratch, physical, ports, looks, engine."""

from vmirom.machine.unicorn.engine import UnicornEngine

__all__ = ["UnicornEngine"]
