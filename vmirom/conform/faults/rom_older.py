"""Faults of the headers of 3.0 ROMs, which a guest of 3.0 would refuse or be misled by."""

from __future__ import annotations

from typing import Final

from vmirom.conform.faults.fault import Fault, RomPatch
from vmirom.conform.faults.routines import byte_of
from vmirom.overlays.vmi import ffi

__all__ = ["FAULTS"]


def _older(backend: str, name: str, sentence: str, breaks: tuple[str, ...], patch: RomPatch) -> Fault:
    return Fault(f"{backend}-3.0-{name}", sentence, backend, breaks, patch, abi="3.0")


def _field(name: str) -> int:
    return int(ffi.offsetof("struct vmi_rom_header", name))


FAULTS: Final[tuple[Fault, ...]] = (
    _older(
        "native",
        "checksum",
        "the bytes of the ROM do not add up",
        ("VMI-ROM-03",),
        byte_of(-1, 0x5A, mend=False),
    ),
    _older(
        "kvm",
        "no-licence",
        "the header names no licence",
        ("VMI-ROM-08",),
        byte_of(_field("license_offset"), 0),
    ),
    _older(
        "xen",
        "major-2",
        "the header says version 2",
        ("VMI-ROM-05",),
        byte_of(_field("api_version_major"), 2),
    ),
    _older(
        "lguest",
        "half-length",
        "the header lies about the length",
        ("VMI-ROM-02",),
        byte_of(_field("rom_length"), 4),
    ),
)
