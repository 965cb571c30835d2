"""What a host says of itself: what it needs, what was found, and for what is missing the one command.

Each host module answers with its ``probe``. Looking takes milliseconds and boots nothing; whether a
self-test passed is what the last one left in the cache folder.
"""

from __future__ import annotations

import fcntl
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["Host", "kvm_sentence"]

_KVM_GET_API_VERSION: Final = 0xAE00  # linux/kvm.h: _IO(0xAE, 0x00)
_KVM_API_VERSION: Final = 12


@dataclass(frozen=True, slots=True)
class Host:
    """``usable`` or not, ``found`` is what was seen (path, version), ``missing`` what to do about it: one
    command where there is one, empty if usable. ``needs`` is what this host takes in all, ``self_test``
    what is known of its last self-test (``passed``, ``failed: why``, empty where none was made)."""

    name: str
    usable: bool
    backends: tuple[str, ...]
    found: str
    missing: str = ""
    needs: str = ""
    self_test: str = ""


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
