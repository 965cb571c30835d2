"""Looks between two blocks of the guest: for an interrupt window, for what is due in slices of its own, and
for blocks that are watched.

All are BLOCK hooks. STI, POPF and IRET all end a block, and so does the instruction in an STI shadow, so
that a window is seen where it opens. Where the host's processor can be asked to, it looks by itself, and
Python is called only where there is something to see.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, Final

from vmirom.machine.unicorn import library as lib
from vmirom.machine.unicorn.hostcode import HostCode, countdown, in_window
from vmirom.machine.unicorn.state import State

__all__ = ["Looks"]

_OFF: Final = (1 << 64) - 16  # an address where no block starts


class Looks(State):
    """The part of the engine that is asked in front of blocks."""

    _block_kind: int
    _tb_flush: int
    _guarded: Callable[[Callable[..., Any], Any], Callable[..., Any]]
    _slice: int = 0
    """Blocks between two looks; 0 for none."""
    _sliced: bool = False
    """A look is due."""
    _window: int | None = None
    """The hook's handle."""

    # interrupt windows

    def _watch_windows(self, wanted: bool) -> None:
        """Before anything is translated: with ``wanted`` one hook stands ready for good, where it can be
        moved; else each window puts one in and takes it out, and drops all translations."""
        self._window_hook_wanted = wanted and self.layout.hook_begin > 0
        if self._window_hook_wanted:
            block, seen = self._block_kind, self._on_block
            hook = self.machine.hook
            self._window = hook(block, lib.BLOCK_CALLBACK, seen, _OFF, _OFF, before=self._window_filter)

    def _on_block(self, _handle: int, _address: int, _size: int, _key: int) -> None:
        self._stale = self._copied
        if self.interruptible:
            self._leave()

    def _window_filter(self, callback: int) -> HostCode | None:
        """Most blocks of a guest that an interrupt waits for have IF clear: they are no matter for Python."""
        if self._image is None:
            return None
        flags, hidden = self._image + self.layout.eflags, self._image + self.layout.hflags
        return in_window(flags, hidden, callback)

    def _begin_window(self) -> None:
        if self._window is None:
            block, seen = self._block_kind, self._on_block
            self._window = self.machine.hook(block, lib.BLOCK_CALLBACK, seen, before=self._window_filter)
            self.machine.control(self._tb_flush)
        elif self._window_hook_wanted:
            self._bound_window(1, 0)

    def _end_window(self) -> None:
        if self._window_hook_wanted:
            self._bound_window(_OFF, _OFF)
        elif self._window is not None:
            self.machine.unhook(self._window)
            self._window = None
            self.machine.control(self._tb_flush)

    def _bound_window(self, begin: int, end: int) -> None:
        """Move the permanent hook's range: everything (begin > end) or nothing."""
        assert self._window is not None
        bounds = (ctypes.c_uint64 * 2).from_address(self._window + self.layout.hook_begin)
        bounds[0], bounds[1] = begin, end

    # slices

    def look_every(self, blocks: int, first: int) -> None:
        """See :class:`vmirom.machine.engine.Engine`."""
        self._left = ctypes.c_int64(first + 1)  # asked in front of the block behind them
        self._slice = blocks
        hook, at = self.machine.hook, ctypes.addressof(self._left)
        hook(self._block_kind, lib.BLOCK_CALLBACK, self._on_slice, before=lambda to: self._counted(at, to))
        self.machine.control(self._tb_flush)

    def _counted(self, at: int, callback: int) -> HostCode | None:
        code = countdown(at, callback)
        self._host_counts = code is not None
        return code

    def _on_slice(self, _handle: int, _address: int, _size: int, _key: int) -> None:
        if not self._host_counts:
            self._left.value -= 1
            if self._left.value > 0:
                return
        self._left.value = self._slice + 1
        self._sliced = True
        self._leave()

    # watched blocks

    def watch(self, gva: int, length: int, seen: Callable[[int], None]) -> None:
        """See :class:`vmirom.machine.engine.Engine`."""

        def on_block(_handle: int, address: int, _size: int, _key: int) -> None:
            seen(address)

        callback = self._guarded(on_block, None)
        self.machine.hook(self._block_kind, lib.BLOCK_CALLBACK, callback, gva, gva + length - 1)
        self.machine.control(self._tb_flush)
