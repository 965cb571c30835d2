"""Debian packages, fetched and unpacked into a private folder as a plain user: nothing is installed.

The packages come from the sources that apt knows, and apt checks them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from vmirom.hosts.cache import SetupFailed, advised

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


def _run(command: list[str], folder: Path | None = None) -> str:
    if shutil.which(command[0]) is None:
        raise SetupFailed(
            f"{command[0]} is missing: the appliance is made of Debian's packages, by Debian's tools"
        )
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_WAIT,
            check=False,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        raise SetupFailed(f"{' '.join(command[:2])} took more than {_WAIT:g} s") from None
    if done.returncode:
        said = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "no reason given")
        raise SetupFailed(advised(f"{' '.join(command[:2])} fails: {said.strip()}"))
    return done.stdout


def _field(name: str, field: str) -> str:
    try:
        text = _run(["apt-cache", "show", "--no-all-versions", name])
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
    _run(["apt-get", "download", f"{package.name}={package.version}"], folder)
    files = sorted(folder.glob(f"{package.name}_*.deb"), key=lambda path: path.stat().st_mtime)
    if not files:
        raise SetupFailed(f"apt-get download {package.name} left no file in {folder}")
    return files[-1]


def unpack(package: Path, folder: Path) -> None:
    """Unpack a package's files below ``folder``. Raises SetupFailed."""
    _run(["dpkg", "-x", str(package), str(folder)])
