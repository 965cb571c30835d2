"""Builds the hypervisor: Xen with 32-bit paravirtual guests, without what a guest under TCG does not need.

Facts: xen-host.md section 2, "With PV32"; the build takes one to three minutes of one processor.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

from vmirom.hosts.cache import SetupFailed
from vmirom.hosts.programs import run
from vmirom.hosts.xen.source import unpack

__all__ = ["IMAGE", "KEY", "make"]

KEY: Final = "4.17-pv32-1"
"""Under what the built hypervisor is kept; another recipe needs another key."""
IMAGE: Final = "xen"
_WITHOUT: Final = (
    *("HVM", "HYPFS", "KEXEC", "LIVEPATCH", "XEN_SHSTK", "XEN_IBT"),
    *("INDIRECT_THUNK", "RETURN_THUNK", "SHADOW_PAGING", "DEBUG"),
)
_WAIT: Final = 1200.0


def make(source: Path, folder: Path) -> None:
    """Build from the archive in ``source``; what stays in ``folder`` is the image. Raises SetupFailed,
    OSError."""
    work = folder / "work"
    out = work / "out"
    out.mkdir(parents=True)
    tree = unpack(source, work)
    lines = ["CONFIG_PV32=y", *(f"# CONFIG_{name} is not set" for name in _WITHOUT)]
    (out / ".config").write_text("\n".join(lines) + "\n")
    command = ["make", "-C", str((tree / "xen").resolve()), f"O={out}", "XEN_TARGET_ARCH=x86_64"]
    run([*command, "olddefconfig"], work, _WAIT)
    if "CONFIG_PV32=y" not in (out / ".config").read_text().splitlines():
        raise SetupFailed("this source of Xen can't be configured for 32-bit guests")
    run([*command, f"-j{min(os.cpu_count() or 1, 8)}"], work, _WAIT)
    if not (out / "xen").is_file():
        raise SetupFailed("make left no hypervisor")
    shutil.copyfile(out / "xen", folder / IMAGE)
    shutil.rmtree(work)
