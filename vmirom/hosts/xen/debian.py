"""Debian's archive, asked by apt as a plain user with a configuration of its own.

The machine's package sources say where the archive is, or the variable VMIROM_DEBIAN_MIRROR. They are not
changed, nothing is installed, and apt checks what comes against Debian's keys.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from vmirom.hosts.cache import SetupFailed
from vmirom.hosts.programs import PATIENCE, run

__all__ = ["RELEASE", "Archive", "archive"]

RELEASE: Final = "bookworm"
"""The release whose Xen is 4.17, the version that everything here was compared with."""
_KEYS: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_MIRROR: Final = "VMIROM_DEBIAN_MIRROR"
_WAIT: Final = 300.0


class Archive:
    """One suite of the archive, its lists in ``folder``. Its methods raise SetupFailed and OSError."""

    def __init__(self, folder: Path, entry: str) -> None:
        self._folder = folder
        work = folder / "apt"
        for name in ("lists/partial", "cache/archives/partial", "parts"):
            (work / name).mkdir(parents=True)
        (work / "sources.list").write_text(entry)
        options = {
            "Dir::Etc::SourceList": work / "sources.list",
            "Dir::Etc::SourceParts": work / "parts",
            "Dir::State::Lists": work / "lists",
            "Dir::Cache": work / "cache",
            "APT::Sandbox::User": "root" if os.geteuid() == 0 else "",
            "Acquire::Languages": "none",
        }
        told = (part for key, value in options.items() for part in ("-o", f"{key}={value}"))
        self._apt = ["apt-get", *told, *PATIENCE]
        run([*self._apt, "update", "--error-on=any"], folder, _WAIT)

    def source(self, package: str) -> None:
        """Bring the archives of a source package into the folder."""
        run([*self._apt, "source", "--download-only", package], self._folder, _WAIT)

    def packages(self, *names: str) -> None:
        """Bring binary packages into the folder, as files."""
        run([*self._apt, "download", *names], self._folder, _WAIT)


@contextmanager
def archive(folder: Path, kind: str, suite: str) -> Iterator[Archive]:
    """A ``suite``'s packages (``kind`` is ``deb`` or ``deb-src``), to be brought into ``folder``; apt's own
    files are gone afterwards. Raises SetupFailed, OSError."""
    if shutil.which("apt-get") is None:
        raise SetupFailed("apt-get is missing: what is needed comes from Debian's archive, by Debian's tools")
    if not _KEYS.is_file():
        raise SetupFailed(f"{_KEYS} is missing; apt install debian-archive-keyring")
    try:
        yield Archive(folder, f"{kind} [signed-by={_KEYS}] {_mirror(folder)} {suite} main\n")
    finally:
        shutil.rmtree(folder / "apt", ignore_errors=True)


def _mirror(folder: Path) -> str:
    """Where the machine gets Debian's own packages, those of :data:`RELEASE` first. Raises SetupFailed."""
    if given := os.environ.get(_MIRROR):
        return given
    told = run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)"], folder, _WAIT)
    rows = [line.split() for line in told.splitlines()]
    found = [(row[1] != RELEASE, row[0]) for row in rows if len(row) == 3 and row[2] == "main"]
    found = [(other, uri) for other, uri in found if uri.rstrip("/").endswith("/debian")]
    if not found:
        raise SetupFailed(f"apt knows no source of Debian's packages; apt-get update, or set {_MIRROR}")
    return min(found)[1]
