"""What can be wrong with a ROM or with making one; every message is one line for the user."""

__all__ = ["BuildError", "RomError", "ToolchainMissing"]


class RomError(ValueError):
    """A ROM image breaks a rule. ``name``, ``field`` and ``rule`` say which file, where, and what."""

    def __init__(self, name: str, field: str, rule: str) -> None:
        super().__init__(f"{name}: {field}: {rule}")
        self.name = name
        self.field = field
        self.rule = rule


class BuildError(Exception):
    """A ROM can't be made from its sources: what a tool said, or the rule that the result breaks."""


class ToolchainMissing(BuildError):
    """The toolchain asked for is not installed; the text says what to install."""
