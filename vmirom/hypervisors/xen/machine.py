"""The machine as Xen has divided it: which frames are I/O, Xen's own, free, and the domain's, and in what
order.

A domain's frames are scattered on purpose: the first pfns are contiguous (the initial mapping needs them
so), the rest comes in chunks without order, with frames between them that are nobody's. The order follows
from a seed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

from vmirom.hypervisors.xen.layout import LARGE_SIZE
from vmirom.hypervisors.xen.pages import Owner, Pages, PageType
from vmirom.machine.addresses import PAGE_SIZE

__all__ = ["Machine", "machine_frames"]

LARGE_FRAMES: Final = LARGE_SIZE // PAGE_SIZE
_LOW_FRAMES: Final = 0x100
"""The first MiB counts as I/O, its RAM too."""
_XEN_TEXT: Final = range(0x100, 0x200)
_M2P_FIRST: Final = 0x200
_HEAP_FRAMES: Final = 0x40
_CHUNKS: Final = 11
_GAP: Final = 24


def machine_frames(domain_frames: int) -> int:
    """How many frames a machine needs for a domain of ``domain_frames`` frames and Xen itself."""
    spare = (_CHUNKS + 2) * _GAP + _HEAP_FRAMES + _M2P_FIRST
    tables = -(-(domain_frames + spare + LARGE_FRAMES * 2) * 4 // LARGE_SIZE)
    total = domain_frames + spare + tables * LARGE_FRAMES
    return -(-total // LARGE_FRAMES) * LARGE_FRAMES


@dataclass(slots=True)
class Machine:
    """Frames of a machine with ``frames`` frames. ``p2m`` lists the domain's in order of pfn."""

    frames: int
    domain_frames: int
    contiguous: int
    seed: int
    p2m: list[int] = field(default_factory=list)
    m2p_frames: list[int] = field(default_factory=list)
    shared_info: int = 0
    pdpt: int = 0
    window: int = 0
    reserved_gdt: int = 0
    empty: int = 0
    tss: int = 0
    grants: int = 0
    _free: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        count = -(-self.frames * 4 // LARGE_SIZE)
        self.m2p_frames = [_M2P_FIRST + i * LARGE_FRAMES for i in range(count)]
        heap = _M2P_FIRST + count * LARGE_FRAMES
        own = range(heap, heap + 7)
        self.shared_info, self.pdpt, self.window, self.reserved_gdt, self.empty, self.tss, self.grants = own
        self._scatter(heap + _HEAP_FRAMES)

    def _scatter(self, first: int) -> None:
        dice = random.Random(self.seed)
        spare = self.frames - first - self.domain_frames
        sizes = [self.contiguous, *self._split(dice, self.domain_frames - self.contiguous)]
        order = list(range(len(sizes)))
        dice.shuffle(order)
        gaps = self._gaps(dice, spare, len(sizes))
        starts = [0] * len(sizes)
        at = first
        for gap, chunk in zip(gaps, order, strict=True):
            at += gap
            starts[chunk] = at
            at += sizes[chunk]
        self.p2m = [start + i for start, size in zip(starts, sizes, strict=True) for i in range(size)]
        taken = set(self.p2m)
        self._free = [frame for frame in range(first, self.frames) if frame not in taken]

    @staticmethod
    def _split(dice: random.Random, frames: int) -> list[int]:
        """``frames`` in chunks of different sizes."""
        if frames < _CHUNKS:
            return [1] * frames
        cuts = sorted(dice.sample(range(1, frames), _CHUNKS - 1))
        return [end - start for start, end in zip([0, *cuts], [*cuts, frames], strict=True)]

    @staticmethod
    def _gaps(dice: random.Random, spare: int, count: int) -> list[int]:
        """Frames of nobody's before each chunk, in all at most ``spare``."""
        return [dice.randint(1, max(1, min(_GAP, spare // (count + 1)))) for _ in range(count)]

    def mark(self, pages: Pages) -> None:
        """Enter the owners into the frame table."""
        pages.owner[:_LOW_FRAMES] = bytes([Owner.IO]) * _LOW_FRAMES
        heap_end = self.shared_info + _HEAP_FRAMES
        for frame in range(_XEN_TEXT.start, heap_end):
            pages.owner[frame] = Owner.XEN
        for frame in self.p2m:
            pages.give(frame, Owner.DOMAIN)
        # shared_info and the grant table are Xen's memory lent for writing: they can become no tables and
        # can't be given up.
        for lent in (self.shared_info, self.grants):
            pages.give(lent, Owner.DOMAIN)
            pages.take_type(lent, PageType.WRITABLE)
            pages.allocated[lent] = 0

    def free_frames(self) -> list[int]:
        """Frames that are nobody's, in order."""
        return list(self._free)
