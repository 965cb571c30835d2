"""Xen's source from Debian: downloaded, and unpacked."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path
from typing import Any, Final

from vmirom.hosts.cache import SetupFailed
from vmirom.hosts.xen.debian import RELEASE, archive

__all__ = ["download", "holds_source", "missing_tools", "unpack"]

_TOOLS: Final = ("make", "gcc", "ld", "flex", "bison", "python3")
_CAUTION: Final[dict[str, Any]] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
"""Python before 3.11.4 has no filters; what apt brought is Debian's own, checked by it."""
_ARCHIVE: Final = "xen_4.17*.orig.tar.*"
_PACKAGES: Final = "gcc binutils make flex bison python3"


def missing_tools() -> str:
    """The one command for programs that the build needs and that are not here; empty if all are."""
    return "" if all(map(shutil.which, _TOOLS)) else f"apt install {_PACKAGES}"


def download(folder: Path) -> None:
    """Fetch the source package's upstream archive into ``folder``. Raises SetupFailed, OSError."""
    if command := missing_tools():
        absent = ", ".join(tool for tool in _TOOLS if shutil.which(tool) is None)
        raise SetupFailed(f"missing: {absent}; {command} (on Debian or alike)")
    with archive(folder, "deb-src", RELEASE) as debian:
        debian.source("xen")


def holds_source(folder: Path) -> bool:
    """Whether :func:`download` has been there."""
    return any(folder.glob(_ARCHIVE))


def _found(folder: Path) -> Path:
    """The archive in ``folder``. Raises SetupFailed."""
    found = sorted(folder.glob(_ARCHIVE))
    if not found:
        raise SetupFailed(f"{folder}: apt brought no source of Xen 4.17")
    return found[0]


def unpack(source: Path, folder: Path) -> Path:
    """Unpack the archive in ``source`` below ``folder``; the tree that has ``xen`` in it. Raises SetupFailed,
    OSError."""
    try:
        with tarfile.open(_found(source)) as tar:
            tar.extractall(folder, **_CAUTION)
    except (tarfile.TarError, EOFError) as error:
        raise SetupFailed(f"the source of Xen can't be unpacked: {error}") from None
    trees = [path.parent for path in folder.glob("*/xen/Kconfig")]
    if not trees:
        raise SetupFailed("the source of Xen holds no hypervisor")
    return trees[0].parent
