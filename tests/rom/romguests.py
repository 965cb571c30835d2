"""A guest on each backend whose ROM is called directly, and the flag and user mode that all have."""

from __future__ import annotations

from typing import Any

from tests.rom.bare_machine import BareMachine
from tests.rom.builds import TOOLCHAINS, image
from tests.rom.kvm_machine import KvmMachine
from tests.rom.lguest_rom_machine import LguestRomMachine
from tests.rom.xen_rom_machine import XenRomMachine
from vmirom.overlays.kvm import Feature

__all__ = ["GUESTS", "OLD_KVM", "RomGuest", "settled_guest"]

OLD_KVM = "kvm-mmu-op"
"""The kvm ROM on a host with MMU_OP, which replaces its page-table calls."""

RomGuest = BareMachine | LguestRomMachine | XenRomMachine
HOSTS = ("native", "kvm", OLD_KVM, "xen", "lguest")
GUESTS = [(host, maker) for host in HOSTS for maker in TOOLCHAINS]


class OldKvmMachine(KvmMachine):
    """A KVM that shadows page tables and wants to be told of every change."""

    features = (Feature.CLOCKSOURCE, Feature.MMU_OP)


def settled_guest(backend: str, toolchain: str) -> Any:
    """A guest that has set itself up, with a page of user code, interrupts off; close it at the end."""
    data = image("kvm" if backend == OLD_KVM else backend, toolchain)
    kind = {"native": BareMachine, "kvm": KvmMachine, OLD_KVM: OldKvmMachine}.get(backend)
    if kind is not None:
        bare = kind(data)
        bare.boot()
        bare.settle()
        bare.open_user()
        return bare
    made = XenRomMachine(data) if backend == "xen" else LguestRomMachine(data)
    made.settle()
    made.open_user()
    return made
