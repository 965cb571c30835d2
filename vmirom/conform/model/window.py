"""Page tables as a guest sees them: what an access may meet, and which bits it leaves in the entry.

The window is eight pages that each of two address spaces maps by a page table of its own. After an entry was
changed, the old one may be met until it is flushed (that is a TLB), and one that was not present may be met
while updates wait (lazy mode, DEFER). Nothing else may: vmi 10.8, VMI-MMU-07, 09, 12 and 13.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from vmirom.conform.model.arena import FRAMES, LINEAR, PAGE, USER_PAGE, WINDOW, WINDOW_TABLES
from vmirom.conform.model.steps import Expected, Result

__all__ = ["NX", "PAGE_ENTRIES", "RW", "SHOWN", "US", "A", "D", "P", "Window", "frame_entry"]

P: Final = 1
RW: Final = 2
US: Final = 4
A: Final = 0x20
D: Final = 0x40
NX: Final = 1 << 63
PAGE_ENTRIES: Final = 8
SHOWN: Final = range(WINDOW, WINDOW + PAGE_ENTRIES * PAGE)
"""The window's addresses."""
_TABLES: Final = tuple(enumerate(WINDOW_TABLES))
_ADDRESS: Final = 0x000FFFFFFFFFF000
_CODE_AT: Final = 0x800
_CODE_VALUE: Final = 0xC0DE0000
_NUMBER: Final = {frame - LINEAR: n for n, frame in enumerate(FRAMES)}
_FAULT: Final = 14
_WORD: Final = 0xFFFFFFFF
_DOUBLE: Final = (1 << 64) - 1
_CODES: Final = {"load": 0, "store": 2, "execute": 0x10}
"""Error codes of faults, without P."""


def frame_entry(number: int, flags: int) -> int:
    """An entry that maps one of the arena's frames."""
    return FRAMES[number] - LINEAR | flags


def _begin() -> list[int]:
    entries = [frame_entry(n, P | RW | A | D) for n in range(PAGE_ENTRIES)]
    entries[USER_PAGE] |= US
    return entries


@dataclass
class Window:
    """``tables`` are the entries as memory holds them, by space; ``old`` what else may be met in the space in
    use; ``unsure`` pages whose accessed and dirty bits nobody can know; ``words`` the first word of each
    frame, None where that is open. ``two_level``: entries have four bytes and no NX."""

    tables: list[list[int]] = field(default_factory=lambda: [_begin(), _begin()])
    old: list[set[int]] = field(default_factory=lambda: [set() for _ in range(PAGE_ENTRIES)])
    unsure: set[tuple[int, int]] = field(default_factory=set)
    words: list[int | None] = field(default_factory=lambda: [0x1000 + n for n in range(PAGE_ENTRIES)])
    space: int = 0
    lazy: bool = False
    two_level: bool = False

    # what changes entries and what flushes

    @property
    def entry_size(self) -> int:
        """Bytes of an entry."""
        return 4 if self.two_level else 8

    def entry_at(self, address: int) -> tuple[int, int, int] | None:
        """Space, page and byte of an address in one of the tables."""
        size = self.entry_size
        for space, table in _TABLES:
            if table <= address < table + size * PAGE_ENTRIES:
                return space, *divmod(address - table, size)
        return None

    def change(self, space: int, page: int, entry: int, *, waits: bool) -> None:
        """An entry was stored; ``waits``: it need not count yet."""
        before = self.tables[space][page]
        self.tables[space][page] = entry
        self.unsure.discard((space, page))
        if space == self.space and (before & P or waits or self.lazy):
            self.old[page].add(before)

    def flush(self, page: int | None = None) -> None:
        """InvalPage of a page, or FlushTLB: what waits counts, and old translations are gone."""
        self.settle()
        for number in range(PAGE_ENTRIES) if page is None else (page,):
            self.old[number].clear()

    def settle(self) -> None:
        """Nothing waits any more."""
        for old in self.old:
            for entry in [one for one in old if not one & P]:
                old.discard(entry)

    def switch(self, space: int) -> None:
        """SetCR3. While updates wait, those of this space may go on waiting."""
        for old in self.old:
            old -= {one for one in old if one & P or not self.lazy}
            if space != self.space:
                old.clear()
        self.space = space

    def set_lazy(self, lazy: bool) -> None:
        """SetLazyMode."""
        if not lazy:
            self.settle()
        self.lazy = lazy

    # accesses

    def page_of(self, address: int) -> int | None:
        """The window's page that an address lies in."""
        return (address - WINDOW) // PAGE if address in SHOWN else None

    def access(self, address: int, kind: str) -> Expected:
        """``load``, ``store`` or ``execute`` in the window; the peek is at the page's entry."""
        page = self.page_of(address)
        assert page is not None
        now = self.tables[self.space][page]
        sure = (self.space, page) not in self.unsure
        if not self.old[page]:
            return self._meet(now, address, kind, sure)
        met = {now, *self.old[page]}
        expected = [self._meet(entry, address, kind, sure and len(met) == 1) for entry in met]
        return one_of(expected)

    def _meet(self, entry: int, address: int, kind: str, exact: bool) -> Expected:
        error = self.fault(entry, kind)
        peek = entry if exact else None
        looked = _WORD if self.two_level else _DOUBLE
        if error is not None:
            return Expected(trap=_FAULT, error=error, address=address, peek=peek, peek_mask=looked)
        number = _NUMBER[entry & _ADDRESS]
        if exact:
            peek = entry | A | (D if kind == "store" else 0)
        if kind == "execute":
            return Expected(_CODE_VALUE + number, peek=peek, peek_mask=looked)
        if kind == "store":
            return Expected(peek=peek, peek_mask=looked)
        return Expected(self.words[number], peek=peek, peek_mask=looked)

    def fault(self, entry: int, kind: str) -> int | None:
        """Error code of the kernel's access through an entry, or None if it may. That it was a fetch is told
        only where NX is in use (Intel SDM volume 3, 4.7)."""
        code = 0 if self.two_level and kind == "execute" else _CODES[kind]
        if not entry & P:
            return code
        if (kind == "store" and not entry & RW) or (kind == "execute" and entry & NX):
            return code | 1
        return None

    def seen(self, address: int, kind: str, value: int, result: Result) -> None:
        """What the access met fixes what was open."""
        page = self.page_of(address)
        assert page is not None
        met = {self.tables[self.space][page], *self.old[page]}
        if result.trap == _FAULT:
            self.settle()  # a processor would drop the page's translation, too; emulated ones may keep it
            return
        through = [entry for entry in met if self.fault(entry, kind) is None]
        now = self.tables[self.space][page]
        if now & P:
            if len(met) == 1:
                now |= A | (D if kind == "store" else 0)
                self.tables[self.space][page] = now
            else:
                self.unsure.add((self.space, page))
        if kind == "store":
            for entry in through:
                self.words[_NUMBER[entry & _ADDRESS]] = value if len(through) == 1 else None
        elif kind == "load" and len(through) == 1:
            self.words[_NUMBER[through[0] & _ADDRESS]] = result.eax


def one_of(expected: list[Expected]) -> Expected:
    """One of several."""
    if len(expected) == 1:
        return expected[0]
    first = expected[0]
    return Expected(
        value=first.value,
        mask=first.mask,
        peek=first.peek,
        peek_mask=first.peek_mask,
        trap=first.trap,
        error=first.error,
        address=first.address,
        others=tuple(expected[1:]),
    )
