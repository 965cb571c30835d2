"""Xen's source from Debian, downloaded by apt as a plain user with a configuration of its own: the machine's
list of package sources is neither read nor changed, and apt checks what comes against Debian's keys.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from vmirom.hosts.cache import SetupFailed

__all__ = ["download", "run", "unpack"]

_KEYS: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_MIRROR: Final = "http://deb.debian.org/debian"
_RELEASE: Final = "bookworm"
"""The release whose Xen is 4.17, the version that everything here was compared with."""
_WAIT: Final = 300.0
_TOOLS: Final = {"apt-get": "apt", "make": "make", "gcc": "gcc", "flex": "flex", "bison": "bison"}


def need_tools() -> None:
    """Raise SetupFailed for programs that are missing, with the one command that brings them."""
    missing = [tool for tool in (*_TOOLS, "python3", "ld") if shutil.which(tool) is None]
    if missing:
        packages = "gcc binutils make flex bison python3"
        raise SetupFailed(f"missing: {', '.join(missing)}; apt install {packages} (on Debian or alike)")
    if not _KEYS.is_file():
        raise SetupFailed(f"{_KEYS} is missing; apt install debian-archive-keyring")


def run(command: Sequence[str | Path], folder: Path, wait: float) -> str:
    """Run a program to its end, its output as text. Raises SetupFailed; it and its children never outlive."""
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "LC_ALL": "C"},
        start_new_session=True,
        text=True,
        errors="replace",
    )
    try:
        said, _ = process.communicate(timeout=wait)
    except subprocess.TimeoutExpired:
        raise SetupFailed(f"{Path(command[0]).name} took more than {wait:g} s") from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode:
        raise SetupFailed(f"{Path(command[0]).name} fails: {_complaint(said)}")
    return said


def _complaint(said: str) -> str:
    """The line of a program's output that tells most."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    for word in ("No space left", "Could not resolve", "Unable to", "Failed to fetch", "rror"):
        for line in lines:
            if word in line:
                return line
    return lines[-1] if lines else "no reason given"


def download(folder: Path) -> None:
    """Fetch the source package's upstream archive into ``folder``. Raises SetupFailed, OSError."""
    need_tools()
    work = folder / "apt"
    for name in ("lists/partial", "cache/archives/partial", "parts"):
        (work / name).mkdir(parents=True)
    mirror = os.environ.get("VMIROM_DEBIAN_MIRROR", _MIRROR)
    (work / "sources.list").write_text(f"deb-src [signed-by={_KEYS}] {mirror} {_RELEASE} main\n")
    options = {
        "Dir::Etc::SourceList": work / "sources.list",
        "Dir::Etc::SourceParts": work / "parts",
        "Dir::State::Lists": work / "lists",
        "Dir::Cache": work / "cache",
        "APT::Sandbox::User": "root" if os.geteuid() == 0 else "",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
    }
    apt = ["apt-get", *(part for key, value in options.items() for part in ("-o", f"{key}={value}"))]
    run([*apt, "update", "--error-on=any"], folder, _WAIT)
    run([*apt, "source", "--download-only", "xen"], folder, _WAIT)
    shutil.rmtree(work)


def archive(folder: Path) -> Path:
    """The archive in ``folder``. Raises SetupFailed."""
    found = sorted(folder.glob("xen_4.17*.orig.tar.*"))
    if not found:
        raise SetupFailed(f"{folder}: apt brought no source of Xen 4.17")
    return found[0]


def unpack(source: Path, folder: Path) -> Path:
    """Unpack the archive in ``source`` below ``folder``; the tree that has ``xen`` in it. Raises SetupFailed,
    OSError."""
    try:
        with tarfile.open(archive(source)) as tar:
            tar.extractall(folder, filter="data")
    except (tarfile.TarError, EOFError) as error:
        raise SetupFailed(f"the source of Xen can't be unpacked: {error}") from None
    trees = [path.parent for path in folder.glob("*/xen/Kconfig")]
    if not trees:
        raise SetupFailed("the source of Xen holds no hypervisor")
    return trees[0].parent
