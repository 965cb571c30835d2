"""What can be wrong with a declaration; every message is one line for the user."""

__all__ = ["AbiError", "SchemaError"]


class SchemaError(ValueError):
    """A declaration, or a value given to one, breaks a rule. The text names struct (or call) and field."""


class AbiError(Exception):
    """An ABI tree can't be found or loaded. The text names the file and the rule."""
