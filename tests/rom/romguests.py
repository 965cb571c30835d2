"""A guest on each backend whose ROM is called directly, and the flag and user mode that all have."""

from __future__ import annotations

from typing import Any

from tests.rom.bare_machine import BareMachine
from tests.rom.builds import TOOLCHAINS, built
from tests.rom.kvm_machine import KvmMachine
from tests.rom.lguest_rom_machine import LguestRomMachine
from tests.rom.xen_rom_machine import XenRomMachine

__all__ = ["GUESTS", "RomGuest", "settled_guest"]

RomGuest = BareMachine | LguestRomMachine | XenRomMachine
GUESTS = [(backend, maker) for backend in ("native", "kvm", "xen", "lguest") for maker in TOOLCHAINS]


def settled_guest(backend: str, toolchain: str) -> Any:
    """A guest that has set itself up, with a page of user code, interrupts off; close it at the end."""
    data = built(backend, toolchain).data
    if backend in ("native", "kvm"):
        kind = {"native": BareMachine, "kvm": KvmMachine}[backend]
        bare = kind(data)
        bare.boot()
        bare.settle()
        bare.open_user()
        return bare
    made = XenRomMachine(data) if backend == "xen" else LguestRomMachine(data)
    made.settle()
    made.open_user()
    return made
