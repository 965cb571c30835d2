"""lguest: its launcher takes an ET_EXEC file, loads by p_paddr and starts at e_entry, a gpa."""

from vmirom.bundle.protocols import Dress, Stub

__all__ = ["dress"]


def dress(stub: Stub) -> Dress:
    """Nothing but the entry."""
    return Dress(stub.boot)
