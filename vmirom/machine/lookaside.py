"""Pages that were looked up before, for as long as the tables read as they did then.

A processor may go on with what its tables said once; what is found here never is old, because every entry of
the walk is compared with what it was. So nobody has to be told of a change, and an answer is that of a walk.
"""

from __future__ import annotations

from typing import Final

from vmirom.machine.addresses import PAGE_SHIFT, PAGE_SIZE
from vmirom.machine.memory import Memory
from vmirom.machine.paging import Mode, Translation

__all__ = ["Lookaside"]

_ROOMS: Final = 64
"""Address spaces that are kept apart; then all are forgotten, which only costs time."""
_PAGES: Final = 4096
"""Pages that are kept in each."""
_UNPAGED: Final = Mode(paging=False)

_Known = tuple[memoryview, int, int, int, int, int, int, int]
"""The entries' words, three indices with what stands there, and the gpa of the page."""


class Lookaside:
    """Of one processor on ``memory``. What it knows had its accessed bits set, and dirty for a store."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._mode = _UNPAGED
        self._cr3 = 0
        self._spaces: dict[int, dict[int, _Known]] = {}
        self._known: dict[int, _Known] = {}

    def use(self, cr3: int, mode: Mode) -> None:
        """From here on addresses are meant in this space."""
        if mode is not self._mode:
            self._spaces.clear()
            self._mode = mode
        elif cr3 == self._cr3:
            return
        self._cr3 = cr3
        known = self._spaces.get(cr3)
        if known is None:
            if len(self._spaces) >= _ROOMS:
                self._spaces.clear()
            known = self._spaces[cr3] = {}
        self._known = known

    def find(self, gva: int, write: bool, user: bool) -> int | None:
        """gpa behind ``gva`` for such an access; None if that isn't known, or not any more."""
        known = self._known.get(gva >> PAGE_SHIFT << 2 | write << 1 | user)
        if known is None:
            return None
        entries, top, first, middle, second, leaf, third, page = known
        if entries[top] != first or entries[middle] != second or entries[leaf] != third:
            return None
        return page | gva & PAGE_SIZE - 1

    def learn(self, gva: int, found: Translation, write: bool, user: bool) -> None:
        """Keep what a walk has found, when the entries have been marked. Pages outside memory are not kept,
        and without paging there is nothing to know."""
        page = found.gpa & ~(PAGE_SIZE - 1)
        if not found.entries or page + PAGE_SIZE > self._memory.size:
            return
        if self._mode.pae:
            top = (self._cr3 & 0xFFFFFFE0) + (gva >> 30) * 8
            self.keep(gva, page, (top, found.entries[0], found.entries[-1]), write, user)
        else:
            self.keep(gva, page, (found.entries[0], found.entries[0], found.entries[-1]), write, user)

    def keep(self, gva: int, page: int, places: tuple[int, int, int], write: bool, user: bool) -> None:
        """Keep that the page of ``gva`` is at ``page`` because of the entries at three gpas, which may be
        the same."""
        wide = self._mode.pae
        entries = self._memory.quads if wide else self._memory.words
        top, middle, leaf = (place >> (3 if wide else 2) for place in places)
        if len(self._known) >= _PAGES:
            self._known.clear()
        key = gva >> PAGE_SHIFT << 2 | write << 1 | user
        self._known[key] = (entries, top, entries[top], middle, entries[middle], leaf, entries[leaf], page)
