"""The host ``kvm``: a real, in-kernel KVM. On this machine's /dev/kvm where that passes a self-test, else in
the appliance, a small Linux under QEMU; each result says which, and why.

The modules, in reading order: ``direct`` (a bundle on the device), ``jobs`` and ``inside`` (the same in the
appliance), ``launch``, ``appliance`` with ``packages``, ``initrd`` and ``clockrate``, ``roads``. Little is
imported here, because inside the appliance an emulated processor does it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from vmirom.hosts.doctor import Host
    from vmirom.hosts.outcomes import BootResult
    from vmirom.hosts.request import BootRequest, Progress

__all__ = ["BACKENDS", "BUDGET", "GRACE", "NAME", "boot", "boot_together", "probe", "self_test", "setup"]

NAME: Final = "kvm"
BACKENDS: Final = ("native", "kvm")
BUDGET: Final = 60.0
"""Seconds for a boot: inside, the guest's processor is fast and everything around it slow."""
GRACE: Final = 190.0
"""Seconds for the appliance's start and end, where it hangs: more than it gives itself (roads.ALLOWANCE)."""


def probe() -> Host:
    """Which road there is. Takes milliseconds once the device's answer is known, and boots nothing."""
    from vmirom.hosts.kvm import roads

    return roads.probe()


def boot(request: BootRequest, progress: Progress | None = None) -> BootResult:
    """Boot one bundle. What goes wrong is an outcome."""
    return boot_together([request], progress)[0]


def boot_together(requests: Sequence[BootRequest], progress: Progress | None = None) -> list[BootResult]:
    """Boot several bundles with one start of the appliance, one after the other."""
    from vmirom.hosts.kvm import roads

    return roads.boot_together(requests, progress)


def setup(say: Callable[[str], None]) -> None:
    """Make the appliance in the cache folder. Raises SetupFailed."""
    from vmirom.hosts.kvm import roads

    roads.setup(say)


def self_test() -> str:
    """Test the road that would be taken; empty, or why it can't be."""
    from vmirom.hosts.kvm import roads

    return roads.self_test()
