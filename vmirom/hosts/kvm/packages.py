"""Debian packages, fetched and unpacked into a private folder as a plain user: nothing is installed.

The packages come from the sources that apt knows, and apt checks them.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from vmirom.hosts.cache import SetupFailed
from vmirom.hosts.programs import PATIENCE, piped, run

__all__ = ["Package", "candidate", "fetch", "kernel_package", "unpack"]

_WAIT: Final = 600.0
_META: Final = "linux-image-amd64"


class Package:
    """A package of Debian's: ``name`` and ``version``."""

    def __init__(self, name: str, version: str) -> None:
        self.name = name
        self.version = version

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def _field(name: str, field: str) -> str:
    try:
        text = run(["apt-cache", "show", "--no-all-versions", name], None, _WAIT)
    except SetupFailed as failed:
        if "missing" in str(failed):
            raise
        text = ""
    match = re.search(rf"^{field}: (.+)$", text, re.MULTILINE)
    if match is None:
        raise SetupFailed(f"apt knows no package {name}: run 'apt-get update' as root, then this again")
    return match[1]


def candidate(name: str) -> Package:
    """The version that apt would take. Raises SetupFailed."""
    return Package(name, _field(name, "Version"))


def kernel_package() -> Package:
    """The current kernel, through the package that depends on it. Raises SetupFailed."""
    depends = _field(_META, "Depends")
    match = re.search(r"(linux-image-[0-9][^ ,]*) \(= ([^)]+)\)", depends)
    if match is None:
        raise SetupFailed(f"{_META} depends on no kernel: {depends}")
    return Package(match[1], match[2])


def fetch(package: Package, folder: Path) -> Path:
    """The package's file in ``folder``; one that is already there and whole is not fetched again. Raises
    SetupFailed, OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    run(["apt-get", *PATIENCE, "download", f"{package.name}={package.version}"], folder, _WAIT)
    files = sorted(folder.glob(f"{package.name}_*.deb"), key=lambda path: path.stat().st_mtime)
    if not files:
        raise SetupFailed(f"apt-get download {package.name} left no file in {folder}")
    return files[-1]


def unpack(package: Path, folder: Path, wanted: Callable[[str], bool]) -> None:
    """Unpack those of a package's files below ``folder`` whose names are ``wanted``. Raises SetupFailed,
    OSError."""
    errors = folder.with_name(f"{folder.name}.errors")
    torn = ""
    with piped(["dpkg-deb", "--fsys-tarfile", package], errors) as stream:
        try:
            with tarfile.open(fileobj=stream, mode="r|") as tar:
                for member in tar:
                    content = tar.extractfile(member) if member.isfile() and wanted(member.name) else None
                    if content is not None and ".." not in Path(member.name).parts:
                        path = folder / member.name.lstrip("/")
                        path.parent.mkdir(parents=True, exist_ok=True)
                        path.write_bytes(content.read())
        except tarfile.TarError as error:
            torn = f"{package.name} can't be unpacked: {error}"
    errors.unlink()
    if torn:
        raise SetupFailed(torn)
