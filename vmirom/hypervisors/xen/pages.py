"""Machine frames: who owns each, what it is used as, and how often.

Every frame has one type at a time. While its type count is above zero it can't become anything else, which
is what keeps a guest from writing to its own page tables and descriptors: a frame mapped writable is not a
table, and a table is not mapped writable. The general count keeps a frame alive that was given back while
still mapped. A frame changes type only at count zero, and then stale translations are forgotten.
"""

from __future__ import annotations

import enum
from collections.abc import Callable

from vmirom.hypervisors.xen.answers import Refused
from vmirom.machine.memory import Memory
from vmirom.overlays.xen import Errno

__all__ = ["TABLE_TYPES", "Owner", "PageType", "Pages"]


class Owner(enum.IntEnum):
    """Whose a frame is."""

    FREE = 0
    DOMAIN = 1
    XEN = 2
    IO = 3


class PageType(enum.IntEnum):
    """What a frame is used as. TOP_L2 is the L2 of slot 3, which carries Xen's own entries."""

    NONE = 0
    WRITABLE = 1
    L1 = 2
    L2 = 3
    TOP_L2 = 4
    L3 = 5
    SEGDESC = 6


TABLE_TYPES = frozenset({PageType.L1, PageType.L2, PageType.TOP_L2, PageType.L3})


class Pages:
    """Owners, types and counts of ``count`` machine frames.

    ``retyped`` is called when a frame that was writable becomes something else: translations that let the
    guest write to it must go.
    """

    def __init__(self, memory: Memory, count: int, retyped: Callable[[], None]) -> None:
        self.memory = memory
        self.count = count
        self.owner = bytearray(count)
        self.kind = bytearray(count)
        self.types = [0] * count
        self.refs = [0] * count
        self.pinned = bytearray(count)
        self.allocated = bytearray(count)
        self.retyped = retyped
        self.freed: Callable[[int], None] = lambda frame: None

    def give(self, frame: int, owner: Owner) -> None:
        """Hand a free frame to ``owner``."""
        self.owner[frame] = owner
        self.kind[frame] = PageType.NONE
        self.types[frame] = 0
        self.refs[frame] = 1
        self.allocated[frame] = 1

    def take_back(self, frame: int) -> None:
        """The domain gives a frame up; it becomes free when nothing refers to it any more."""
        if self.allocated[frame]:
            self.allocated[frame] = 0
            self.drop_ref(frame)

    def owned(self, frame: int) -> bool:
        """Whether ``frame`` exists and is the domain's."""
        return 0 <= frame < self.count and self.owner[frame] == Owner.DOMAIN

    def need_owned(self, frame: int) -> None:
        """Raise Refused(EINVAL) unless the frame is the domain's."""
        if not self.owned(frame):
            raise Refused(Errno.EINVAL, f"frame {frame:#x} is not the domain's")

    def take_ref(self, frame: int) -> None:
        """One more general reference to a frame of the domain. Raises Refused(EINVAL)."""
        self.need_owned(frame)
        self.refs[frame] += 1

    def drop_ref(self, frame: int) -> None:
        """One reference less; the last frees the frame."""
        self.refs[frame] -= 1
        if self.refs[frame] == 0:
            self.owner[frame] = Owner.FREE
            self.kind[frame] = PageType.NONE
            self.retyped()
            self.freed(frame)

    def take_type(self, frame: int, want: PageType, errno: int = Errno.EINVAL) -> None:
        """One more use of ``frame`` as ``want``; a first use as table or descriptors is validated.

        Raises Refused(``errno``) when it is in use as something else, or with validation's own error.
        """
        have = self.kind[frame]
        if self.types[frame]:
            if have != want:
                raise Refused(errno, f"frame {frame:#x} is {PageType(have).name}, not {want.name}")
            self.types[frame] += 1
            return
        if have != want:
            if have == PageType.WRITABLE:
                self.retyped()
            self.kind[frame] = want
        self.types[frame] = 1
        if want != PageType.WRITABLE:
            try:
                self.validate(frame, want)
            except Refused:
                self.types[frame] = 0
                self.kind[frame] = PageType.NONE
                raise

    def drop_type(self, frame: int) -> None:
        """One use less; at the last the references held by a table's entries are dropped."""
        self.types[frame] -= 1
        if self.types[frame] == 0:
            kind = PageType(self.kind[frame])
            if kind in TABLE_TYPES:
                self.types[frame] = 1
                self.release(frame, kind)
                self.types[frame] = 0

    def take_both(self, frame: int, want: PageType) -> None:
        """A reference and a use. Raises Refused, and then neither is held."""
        self.take_ref(frame)
        try:
            self.take_type(frame, want)
        except Refused:
            self.drop_ref(frame)
            raise

    def drop_both(self, frame: int) -> None:
        """Give back what :meth:`take_both` took."""
        self.drop_type(frame)
        self.drop_ref(frame)

    def validate(self, frame: int, want: PageType) -> None:
        """Check the contents of a frame that is to become ``want``, taking what its entries refer to."""
        raise NotImplementedError

    def release(self, frame: int, kind: PageType) -> None:
        """Drop what the entries of a table refer to."""
        raise NotImplementedError
