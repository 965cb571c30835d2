"""How this package says no: which field broke which rule, in one line."""

__all__ = ["BundleError", "GuestError", "Refused", "RomRefused"]


class Refused(Exception):
    """Input that breaks a rule. The file's name is known only to whoever read it, and is put in front
    there: ``vmirom: FILE: field: rule``."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule


class GuestError(Refused):
    """A file that is no guest for this ABI."""


class RomRefused(Refused):
    """A blob that is no ROM, or not the one that was asked for."""


class BundleError(Refused):
    """A guest and a ROM that do not go together, or a file that is no bundle."""
