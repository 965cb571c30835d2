"""Looking on while code of one kind runs in a machine that mostly runs other code: every crossing from one
kind to the other, and the stores of the one.

A whole boot makes a million stores, half of them pushes. What nobody wants to hear of costs a few
instructions of the host: the kind of code is known by the page that a block begins in, so that no store's
instruction is looked for; frames can be quiet, and so can a window, for the stack in use. Where there are no
such instructions Python looks at each, and sees the same."""

from __future__ import annotations

import ctypes
import enum
from collections.abc import Callable
from typing import Final

from vmirom.machine.unicorn import library as lib
from vmirom.machine.unicorn.engine import UnicornEngine
from vmirom.machine.unicorn.hostcode import HostCode, of_another_kind, wanted_store
from vmirom.machine.unicorn.observing import StoreSeen

__all__ = ["CodeWatch", "Kind"]

_PAGES: Final = 1 << 20


class Kind(enum.IntEnum):
    """Of code: nobody has asked yet, it is not looked at, or it is."""

    UNKNOWN = 0
    OTHER = 1
    WATCHED = 2


class CodeWatch:
    """On one engine, set up before the guest runs; nothing is looked at before :meth:`begin`.

    ``kind_of`` is asked once for each linear page that a block begins in. ``crossed(address, watched)`` is
    told of the first block behind each crossing, before it runs; ``stored`` of the stores of watched code as
    :data:`~vmirom.machine.unicorn.observing.StoreSeen` says, but for those that begin in a quiet frame or in
    the window. Exceptions from either end the run and are raised from it."""

    def __init__(
        self,
        engine: UnicornEngine,
        kind_of: Callable[[int], Kind],
        crossed: Callable[[int, bool], None],
        stored: StoreSeen,
        *,
        host_code: bool = True,
    ) -> None:
        u = lib.constants("unicorn_const")
        frames = engine.memory.size >> 12
        self._kinds = (ctypes.c_uint8 * _PAGES)()
        self._kind = ctypes.c_uint8(Kind.OTHER)
        self._quiet = (ctypes.c_uint8 * frames)()
        self._window = (ctypes.c_uint64 * 2)()
        self._kind_of, self._crossed = kind_of, crossed
        self._host_code = host_code
        ctypes.memset(self._kinds, Kind.OTHER, _PAGES)
        told = engine._guarded(self._cross, None)
        heard = engine._guarded(stored, None)
        kinds, kind, quiet, window = self._kinds, self._kind, self._quiet, self._window

        def on_block(_handle: int, address: int, _size: int, _key: int) -> None:
            if kinds[address >> 12 & _PAGES - 1] != kind.value:
                told(address & 0xFFFFFFFF)

        def on_store(_handle: int, _access: int, at: int, size: int, value: int, _key: int) -> bool:
            within = window[0] <= at < window[0] + window[1]
            if kind.value == Kind.WATCHED and not quiet[at >> 12] and not within:
                heard(at, size, value & (1 << 8 * size) - 1)
            return True

        hook = engine.machine.hook
        hook(u.UC_HOOK_BLOCK, lib.BLOCK_CALLBACK, on_block, before=self._before_block)
        last = engine.memory.size - 1
        hook(u.UC_HOOK_MEM_WRITE, lib.MEMORY_CALLBACK, on_store, 0, last, before=self._before_store)
        engine.machine.control(engine._tb_flush)

    def _before_block(self, callback: int) -> HostCode | None:
        at = ctypes.addressof
        return of_another_kind(at(self._kinds), at(self._kind), callback) if self._host_code else None

    def _before_store(self, callback: int) -> HostCode | None:
        at = ctypes.addressof
        if not self._host_code:
            return None
        return wanted_store(at(self._kind), Kind.WATCHED, at(self._quiet), at(self._window), callback)

    def _cross(self, address: int) -> None:
        page = address >> 12
        kind = self._kinds[page]
        if kind == Kind.UNKNOWN:
            kind = self._kinds[page] = self._kind_of(address)
        if kind != self._kind.value:
            self._kind.value = kind
            self.window(0, 0)
            self._crossed(address, kind == Kind.WATCHED)

    def begin(self) -> None:
        """From the next block on."""
        ctypes.memset(self._kinds, Kind.UNKNOWN, _PAGES)

    def hush(self, frame: int) -> None:
        """Stores to a frame are not told of."""
        self._quiet[frame] = 1

    def window(self, start: int, length: int) -> None:
        """Until the next crossing, stores to these physical addresses are not told of."""
        self._window[0], self._window[1] = start, length
