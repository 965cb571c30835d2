"""``python -m vmirom`` and the command ``vmirom``: everything is imported inside, so that a Ctrl-C that comes
while modules load is one line and 130, too."""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["keep_streams", "main"]

_BAD_INPUT = 2
_INTERRUPTED = 130


def main() -> "NoReturn":
    """Entry point."""
    try:
        keep_streams()
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
        try:
            stream.flush()
        except OSError:  # whoever read it may have been interrupted as well
            continue
    os._exit(_INTERRUPTED)


def keep_streams() -> None:
    """Refuse a closed standard output. No file may get the number of a closed stream: what others write to
    standard error would end up in it."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 - it is the process's
    if sys.stdout is None:
        sys.stderr.write("vmirom: standard output: is closed; /dev/null takes what is not wanted\n")
        sys.exit(_BAD_INPUT)


if __name__ == "__main__":
    main()
