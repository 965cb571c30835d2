"""A user's ABI tree is tried in a process of its own first: a declaration is Python, and may do anything.

One that loops for ever, eats all memory, or ends the process in which it runs, costs that process; one that
starts processes or threads is refused. What comes back is whether it loads, and if not the one line that
says why.
"""

from __future__ import annotations

import faulthandler
import os
import resource
import select
import signal
import sys
import threading
from pathlib import Path
from typing import NoReturn

from vmirom.schema.errors import AbiError, SchemaError
from vmirom.schema.tree import load_abi

__all__ = ["main", "try_tree"]

_PATIENCE = 20.0
"""Seconds in which a tree has to be loaded."""
_MEMORY = 4 << 30
"""Bytes of address space it may take for that."""
_NOTHING_STARTED = "a declaration starts no process and no thread"
_GOOD, _BAD = b"+", b"-"
_STARTING = frozenset(
    [
        *("os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.exec", "os.system"),
        *("subprocess.Popen", "pty.spawn", "_thread.start_new_thread"),
    ]
)
"""What the interpreter tells before a process or a thread is started."""


def try_tree(folder: Path, patience: float = _PATIENCE) -> None:
    """Load ``folder`` in a child, within bounds. Raises AbiError, one line. A process of several threads
    can't be forked; there the child is a new Python, which takes longer to start."""
    end, other = os.pipe()
    child = _spawned(folder, end, other) if threading.active_count() > 1 else _forked(folder, end, other)
    os.close(other)
    try:
        told = _answer(end, patience)
    finally:
        os.close(end)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if told is None:
        raise AbiError(f"{folder}: not loaded after {patience:g} s; a declaration that never ends?")
    if told[:1] == _BAD:
        raise AbiError(told[1:].decode("utf-8", "replace"))
    if told != _GOOD:
        raise AbiError(f"{folder}: a declaration ended the process that loaded it")


def _forked(folder: Path, end: int, other: int) -> int:
    child = os.fork()
    if child == 0:
        os.close(end)
        _child(folder, other)
    return child


def _spawned(folder: Path, end: int, other: int) -> int:
    """A Python that finds this very package and ends up in :func:`_child`."""
    import vmirom

    here = str(Path(vmirom.__file__).resolve().parent.parent)
    code = "import sys; sys.path.insert(0, sys.argv[1]); from vmirom.schema import trial; trial.main()"
    arguments = [sys.executable, "-c", code, here, str(folder), str(other)]
    os.set_inheritable(other, True)
    return os.posix_spawn(sys.executable, arguments, os.environ, file_actions=[(os.POSIX_SPAWN_CLOSE, end)])


def main() -> NoReturn:
    """The child's side where it was not forked. Its last two arguments are a folder and the number of the
    pipe's end to speak to."""
    _child(Path(sys.argv[-2]), int(sys.argv[-1]))


def _answer(end: int, patience: float) -> bytes | None:
    """All that the child says before it goes; None if it takes too long."""
    told = b""
    while True:
        if not select.select([end], [], [], patience)[0]:
            return None
        piece = os.read(end, 65536)
        if not piece:
            return told
        told += piece
        if told == _GOOD:
            return told


def _mapped() -> int:
    """Bytes of address space in use already: an engine's code buffers alone can be gigabytes."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return 0


def _refuse_starting(event: str, _: object) -> None:
    """A declaration that is loaded twice would start everything twice, and leave it behind."""
    if event in _STARTING:
        raise SchemaError(_NOTHING_STARTED)


def _child(folder: Path, other: int) -> NoReturn:
    """Never returns: what is said goes through the pipe."""
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        faulthandler.disable()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, signal.SIG_DFL)
        most = resource.getrlimit(resource.RLIMIT_AS)[1]
        limit = _mapped() + _MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit if most < 0 else min(limit, most), most))
        sys.addaudithook(_refuse_starting)
        try:
            load_abi(folder)
            if threading.active_count() > 1:  # not told before on every Python
                raise AbiError(f"{folder}: {_NOTHING_STARTED}")
        except AbiError as error:
            os.write(other, _BAD + str(error).encode("utf-8", "backslashreplace"))
        else:
            os.write(other, _GOOD)
    finally:
        os._exit(0)
