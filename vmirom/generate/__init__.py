"""Views of the ABI declarations: C and assembler headers, overlays, reference pages, locks, slot rows."""

from vmirom.generate.slots import slot_rows
from vmirom.generate.views import Views, all_views, stale, write

__all__ = ["Views", "all_views", "slot_rows", "stale", "write"]
