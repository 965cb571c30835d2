"""``python -m vmirom`` and the command ``vmirom``: everything is imported inside, so that a Ctrl-C that comes
while modules load is one line and 130, too."""

import contextlib
import os
import sys
from typing import NoReturn

__all__ = ["main"]

_INTERRUPTED = 130


def main() -> NoReturn:
    """Entry point."""
    try:
        from vmirom.cli.main import main as command_line

        command_line()
    except KeyboardInterrupt:
        sys.stderr.write("vmirom: interrupted\n")
    except SystemExit as end:
        if end.code != _INTERRUPTED:
            raise
    # CPython dies of SIGINT instead of returning a code once an interrupt has passed through exec() of a
    # string, and dataclasses are made by one; everything of ours is cleaned up by here
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # whoever read it may have been interrupted as well
            stream.flush()
    os._exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
