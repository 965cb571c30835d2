"""What QEMU loads for the appliance, out of what Debian ships: the kernel as ELF, and an initrd."""

from __future__ import annotations

import lzma
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from vmirom.hosts.cache import SetupFailed

__all__ = ["MODULES", "cpio", "initrd", "vmlinux"]

MODULES: Final = (
    *("irqbypass", "ccp", "kvm", "kvm-amd"),
    *("virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_mmio"),
    *("netfs", "fscache", "9pnet", "9pnet_virtio", "9p", "overlay"),
)
"""Names of the modules, in the order in which the appliance loads those that there are."""
_XZ: Final = b"\xfd7zXZ\x00"
_ELF: Final = b"\x7fELF"
_FOLDERS: Final = ("bin", "dev", "host", "lower", "mod", "proc", "sys", "up")


def vmlinux(vmlinuz: bytes) -> bytes:
    """The kernel that a bzImage carries as an xz stream. Raises SetupFailed."""
    at = vmlinuz.find(_XZ)
    while at >= 0:
        try:
            kernel = lzma.LZMADecompressor().decompress(vmlinuz[at:])
        except lzma.LZMAError:
            kernel = b""
        if kernel.startswith(_ELF):
            return kernel
        at = vmlinuz.find(_XZ, at + 1)
    raise SetupFailed("the kernel image holds no xz-compressed ELF kernel")


def initrd(busybox: Path, modules: Path, init: bytes) -> bytes:
    """The initrd: ``init``, busybox and the modules found below ``modules``. Raises OSError, SetupFailed."""
    entries = [(folder, stat.S_IFDIR | 0o755, b"") for folder in _FOLDERS]
    entries += [("init", stat.S_IFREG | 0o755, init)]
    entries += [("bin/busybox", stat.S_IFREG | 0o755, busybox.read_bytes())]
    found = {path.name.partition(".ko")[0]: path for path in modules.rglob("*.ko*")}
    for name in ("kvm", "kvm-amd"):
        if name not in found:
            raise SetupFailed(f"the kernel package has no module {name}")
    for name in MODULES:
        if name in found:
            entries.append((f"mod/{name}.ko", stat.S_IFREG | 0o644, _module(found[name])))
    return cpio(entries)


def _module(path: Path) -> bytes:
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == ".xz" else data


def cpio(entries: Iterable[tuple[str, int, bytes]]) -> bytes:
    """An archive in the "newc" format of (path, mode, contents), the same bytes for the same entries."""
    out = bytearray()
    for number, (name, mode, data) in enumerate((*entries, ("TRAILER!!!", 0, b"")), start=1):
        path = name.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
        out += b"070701" + b"".join(b"%08x" % field for field in fields) + path
        out += bytes(-len(out) % 4) + data
        out += bytes(-len(out) % 4)
    return bytes(out)
