"""What the tests of the host ``kvm`` share: a QEMU that is a script, an appliance of two empty files, a KVM
device that says what it is told to."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from vmirom.hosts import cache
from vmirom.hosts.kvm import appliance, roads

REFUSES = "/dev/kvm refuses 32-bit paging (CR0.PG did not stay set)"

_QEMU = """#!{python} -S
import os, sys, time
arguments = sys.argv[1:]
if arguments == ["--version"]:
    print("QEMU emulator version 7.2.22 (a script)")
    raise SystemExit
share = next(a for a in arguments if a.startswith("local,id=control,"))
control = share.split("path=")[1].split(",security_model")[0].replace(",,", ",")
console = open(arguments[arguments.index("-serial") + 1].removeprefix("file:"), "w")
open(os.path.join(control, "arguments"), "w").write("\\n".join(arguments))
{body}
"""


def qemu(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> Path:
    """A QEMU whose run is ``body``: it finds ``control``, ``console``, ``arguments``."""
    path = folder / "qemu-system-x86_64"
    path.write_text(_QEMU.format(python=sys.executable, body=body))
    path.chmod(0o755)
    monkeypatch.setenv("VMIROM_QEMU", str(path))
    monkeypatch.setenv("VMIROM_CACHE", str(folder / "cache"))
    return path


def install(monkeypatch: pytest.MonkeyPatch, sentence: str = REFUSES) -> appliance.Appliance:
    """An appliance in the cache, and a device of which the self-test says ``sentence``."""
    monkeypatch.setattr(roads, "_device_sentence", lambda: sentence)
    monkeypatch.delenv("VMIROM_INSIDE", raising=False)

    def build(folder: Path) -> None:
        (folder / "vmlinux").write_bytes(b"")
        (folder / "initrd.cpio").write_bytes(b"")
        (folder / "about.json").write_text('{"kernel": "6.1.0"}')

    cache.install("kvm-appliance", f"6.1-{appliance._recipe()}", build, lambda folder: None)
    found = appliance.find()
    assert found is not None
    return found
