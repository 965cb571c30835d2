"""The appliance: a small Linux whose KVM runs under QEMU's software processor. Its parts, and their making.

It is installed whole or not at all, under a key made of the versions of its packages and of how it is put
together, and only after it has run a self-test of its KVM.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from vmirom.files import write_whole
from vmirom.hosts import cache
from vmirom.hosts.cache import SetupFailed
from vmirom.hosts.kvm import packages
from vmirom.hosts.kvm.initrd import MODULES, initrd, vmlinux

__all__ = ["PACKAGES", "Appliance", "find", "setup"]

PACKAGES: Final = "linux-image-amd64 and busybox-static, from Debian's package sources"
_NAME: Final = "kvm-appliance"
_DOWNLOADS: Final = "kvm-downloads"
_ABOUT: Final = "about.json"


@dataclass(frozen=True, slots=True)
class Appliance:
    """A folder with ``vmlinux`` and ``initrd.cpio``; ``kernel`` is the version of its kernel's package."""

    folder: Path
    kernel: str

    @property
    def vmlinux(self) -> Path:
        """The kernel as ELF."""
        return self.folder / "vmlinux"

    @property
    def initrd(self) -> Path:
        """The initrd."""
        return self.folder / "initrd.cpio"


def _init() -> bytes:
    return Path(__file__).with_name("init.sh").read_bytes()


def _recipe() -> str:
    """How it is put together, as a few letters."""
    return hashlib.sha256(_init() + " ".join(MODULES).encode()).hexdigest()[:12]


def find() -> Appliance | None:
    """The installed appliance of this version of the recipe, or None."""
    above = cache.cache_dir() / _NAME
    there = map(_read, sorted(above.glob(f"*-{_recipe()}"), reverse=True))
    return next((appliance for appliance in there if appliance is not None), None)


def _read(folder: Path) -> Appliance | None:
    """What is in a folder, if it is whole."""
    try:
        about = json.loads((folder / _ABOUT).read_text())
        appliance = Appliance(folder, str(about["kernel"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return appliance if appliance.vmlinux.is_file() and appliance.initrd.is_file() else None


def setup(say: Callable[[str], None], test: Callable[[Appliance], str]) -> Appliance:
    """Make the appliance unless it is there. ``test`` tries it and answers why it can't be used, or nothing.
    Raises SetupFailed."""
    say("asking apt which kernel and busybox there are")
    kernel, busybox = packages.kernel_package(), packages.candidate("busybox-static")
    key = f"{_safe(kernel.version)}-{_safe(busybox.version)}-{_recipe()}"
    about = f"{kernel.version} ({kernel.name.removeprefix('linux-image-')})"
    downloads = cache.cache_dir() / _DOWNLOADS

    def build(folder: Path) -> None:
        unpacked = folder / "unpacked"
        for package in (kernel, busybox):
            say(f"fetching {package}")
            packages.unpack(packages.fetch(package, downloads), unpacked, _wanted)
        say("putting kernel and initrd together")
        _assemble(folder, unpacked)
        write_whole(folder / _ABOUT, json.dumps({"kernel": about, "busybox": busybox.version}).encode())
        shutil.rmtree(unpacked)

    def tried(folder: Path) -> None:
        say("booting it once")
        if why := test(Appliance(folder, about)):
            raise SetupFailed(f"the appliance does not pass its self-test: {why}")

    folder = cache.install(_NAME, key, build, tried, lambda folder: _read(folder) is not None, say)
    shutil.rmtree(downloads, ignore_errors=True)
    return Appliance(folder, about)


def _wanted(name: str) -> bool:
    """Whether a file of the packages goes into the appliance: of 400 MB of kernel and modules, a tenth."""
    path = PurePosixPath(name)
    if ".ko" in path.suffixes:
        return path.name.partition(".ko")[0] in MODULES
    return path.name == "busybox" or path.name.startswith("vmlinuz-")


def _safe(version: str) -> str:
    return "".join(c if c.isalnum() or c in ".+" else "_" for c in version)


def _assemble(folder: Path, unpacked: Path) -> None:
    images = sorted((unpacked / "boot").glob("vmlinuz-*"))
    if not images:
        raise SetupFailed("the kernel package has no boot/vmlinuz-*")
    busybox = next((p for p in (unpacked / "bin/busybox", unpacked / "usr/bin/busybox") if p.is_file()), None)
    if busybox is None:
        raise SetupFailed("busybox-static has no bin/busybox")
    write_whole(folder / "vmlinux", vmlinux(images[-1].read_bytes()))
    modules = unpacked / "lib/modules"
    if not modules.is_dir():
        modules = unpacked / "usr/lib/modules"
    write_whole(folder / "initrd.cpio", initrd(busybox, modules, _init()))
