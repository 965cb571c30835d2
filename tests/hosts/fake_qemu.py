"""A program named qemu-system-i386 that does as a test says, first in PATH."""

from __future__ import annotations

import sys
from pathlib import Path

HEAD = f"""#!{sys.executable}
import os, sys, time
if "--version" in sys.argv:
    print("QEMU emulator version VERSION (Debian)")
    sys.exit(0)
def argument(name):
    return sys.argv[sys.argv.index(name) + 1]
def console(text):
    with open(argument("-serial").partition(":")[2], "ab") as file:
        file.write(text)
"""


def install(folder: Path, script: str, version: str = "7.2.22", name: str = "qemu-system-i386") -> Path:
    """Write the program; ``script`` is Python that may call ``console(bytes)`` and ``argument(name)``."""
    path = folder / name
    path.write_text(HEAD.replace("VERSION", version) + script)
    path.chmod(0o755)
    return path
