"""Which QEMU runs the real Xen.

A QEMU before 10 gives a wrong error code for ``int n`` through a gate that the guest may not use (xen-host.md
section 9); Xen then sees another vector. So ``setup`` brings a newer one from Debian's backports where the
installed one is older: unpacked beside the built Xen, for this host alone, installed nowhere. $VMIROM_QEMU
goes before both.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from vmirom.hosts.cache import SetupFailed, install, installed
from vmirom.hosts.programs import run
from vmirom.hosts.qemu_run import QemuMissing, find_qemu, version
from vmirom.hosts.xen.debian import RELEASE, archive

__all__ = ["dotted", "emulator", "provide", "sound"]

_PROGRAM: Final = "qemu-system-x86_64"
_SOUND: Final = (10, 0)
_NAME: Final = "xen-qemu"
_KEY: Final = "10-1"
_PACKAGES: Final = ("qemu-system-x86", "qemu-system-data", "seabios")
_KEPT: Final = (f"usr/bin/{_PROGRAM}", "usr/share/qemu", "usr/share/seabios")
_WAIT: Final = 120.0


def dotted(program: Path) -> str:
    """A QEMU's version, as it is written."""
    return ".".join(map(str, version(program) or ("of", "no", "known", "version")))


def emulator() -> Path:
    """The QEMU to use. Raises QemuMissing."""
    own = _own()
    try:
        found = find_qemu(_PROGRAM)
    except QemuMissing:
        if own is None or os.environ.get("VMIROM_QEMU") or not sound(own):
            raise
        return own
    return own if own is not None and not os.environ.get("VMIROM_QEMU") and not sound(found) else found


def sound(program: Path) -> bool:
    """Whether a QEMU is free of the defect."""
    return (version(program) or ()) >= _SOUND


def _own() -> Path | None:
    folder = installed(_NAME, _KEY)
    program = folder / f"usr/bin/{_PROGRAM}" if folder is not None else None
    return program if program is not None and program.is_file() else None


def provide(say: Callable[[str], None]) -> None:
    """Bring a newer QEMU where the one in use is too old; where that can't be, say so and do without: all but
    a few answers are the same. Raises QemuMissing, where there is none at all."""
    found = emulator()
    say(f"qemu: {found} {dotted(found)}")
    if sound(found) or os.environ.get("VMIROM_QEMU"):
        return
    if platform.machine() != "x86_64":
        say("qemu: 10.0 or newer would be better; there is no package of it for this machine")
        return
    say("qemu: it gives int n a wrong error code; fetching a newer one from Debian's backports (13 MB)")
    try:
        install(_NAME, _KEY, _unpack, _test, lambda folder: _own() is not None, say)
    except SetupFailed as failed:
        say(f"qemu: none that is newer ({failed}); going on with this one")
        return
    say(f"qemu: {emulator()} {dotted(emulator())}")


def _unpack(folder: Path) -> None:
    fetched = folder / "fetched"
    fetched.mkdir()
    with archive(fetched, "deb", f"{RELEASE}-backports") as debian:
        debian.packages(*_PACKAGES)
    for package in sorted(fetched.glob("*.deb")):
        run(["dpkg", "-x", package, fetched / "tree"], fetched, _WAIT)
    for name in _KEPT:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(fetched / "tree" / name, folder / name)
    shutil.rmtree(fetched)


def _test(folder: Path) -> None:
    """Its libraries are this machine's: whether it starts is seen only by starting it."""
    program = folder / f"usr/bin/{_PROGRAM}"
    if not sound(program):
        raise SetupFailed("what came does not start on this machine, or is no newer")
