"""A machine's console on the terminal: what goes to QEMU for it, and the terminal as it was afterwards."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["terminal_arguments", "terminal_kept"]


def terminal_arguments(console: Path) -> tuple[str, ...]:
    """QEMU's: the first serial port on standard input and output, and what it prints in a file besides. All
    keys go to the guest, Ctrl-C too; Ctrl-A x ends QEMU."""
    log = str(console).replace(",", ",,")
    return ("-chardev", f"stdio,id=console,mux=on,signal=off,logfile={log}", "-serial", "chardev:console")


@contextlib.contextmanager
def terminal_kept(wanted: bool) -> Iterator[None]:
    """Puts the terminal back as it was: a QEMU that had to be killed leaves it without echo."""
    if not wanted or sys.platform == "win32":
        yield
        return
    import termios

    try:
        before = termios.tcgetattr(0)
    except (OSError, termios.error):  # no terminal
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(OSError, termios.error):
            termios.tcsetattr(0, termios.TCSANOW, before)
