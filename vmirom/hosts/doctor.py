"""Which hosts can boot here, and for the others what is missing.

Looking takes milliseconds and starts nothing. Only ``embedded`` boots bundles in this version; the
others are looked at all the same, so that the answer says what stands ready.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vmirom.hosts.backends import backend_names

__all__ = ["Host", "hosts"]

_KVM_GET_API_VERSION: Final = 0xAE00  # linux/kvm.h: _IO(0xAE, 0x00)
_KVM_API_VERSION: Final = 12
_LATER: Final = "not a host of this version of vmirom yet"


@dataclass(frozen=True, slots=True)
class Host:
    """``usable`` or not, ``found`` is what was seen, ``missing`` what to do about it (empty if usable)."""

    name: str
    usable: bool
    backends: tuple[str, ...]
    found: str
    missing: str = ""


def hosts() -> tuple[Host, ...]:
    """All hosts, the default one first."""
    return (_embedded(), _kvm(), _qemu(), _xen())


def _embedded() -> Host:
    if importlib.util.find_spec("unicorn") is None:
        return Host("embedded", False, (), "no unicorn", "pip install unicorn==2.1.4")
    return Host("embedded", True, backend_names(), "unicorn, in this process; nothing else needed")


def _kvm() -> Host:
    return Host(
        "kvm", False, ("kvm", "native"), kvm_sentence(Path("/dev/kvm")), f"{_LATER}; use --host embedded"
    )


def kvm_sentence(device: Path) -> str:
    """One sentence on a KVM device: that it answers, or why not."""
    if sys.platform != "linux":
        return "KVM is Linux's"
    if not device.exists():
        return f"{device} is absent: no virtualisation here, or the module is not loaded (modprobe kvm)"
    try:
        handle = os.open(device, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        return f"{device} can't be opened: {error.strerror} (be in the group kvm)"
    try:
        version = fcntl.ioctl(handle, _KVM_GET_API_VERSION)
    except OSError as error:
        return f"{device} does not answer as KVM does: {error.strerror}"
    finally:
        os.close(handle)
    if version != _KVM_API_VERSION:
        return f"{device} speaks API {version}, not {_KVM_API_VERSION}"
    return f"{device} opens and speaks API {version}"


def _qemu() -> Host:
    path = shutil.which("qemu-system-i386") or shutil.which("qemu-system-x86_64")
    found = path or "no qemu-system-i386 in PATH (apt install qemu-system-x86)"
    return Host(
        "qemu", False, ("native", "kvm"), found, f"{_LATER}; 'vmirom compose' makes a file for -kernel"
    )


def _xen() -> Host:
    path = shutil.which("xl")
    capabilities = Path("/proc/xen/capabilities")
    found = path or "no xl in PATH"
    if capabilities.exists():
        found += ", running under Xen"
    return Host("xen", False, ("xen",), found, f"{_LATER}; 'vmirom compose' makes a file for xl's kernel=")
