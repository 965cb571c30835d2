"""What can't be compared."""

__all__ = ["CompatError"]


class CompatError(Exception):
    """A side can't be read. The text is one line: file, place in it, rule."""
