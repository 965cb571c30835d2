"""The host ``xen``: the real Xen under QEMU, the bundle as its initial domain.

Debian's binary lacks 32-bit guests, so ``setup`` builds the hypervisor from Debian's source. The modules, in
reading order: ``console`` (which lines are the guest's), ``launch`` (one boot), ``debian``, ``source`` and
``make`` (download and build), ``emulator`` (which QEMU), ``roads`` (what probe, setup and self-test say).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from vmirom.hosts.doctor import Host
    from vmirom.hosts.outcomes import BootResult
    from vmirom.hosts.request import BootRequest, Progress

__all__ = ["BACKENDS", "BUDGET", "NAME", "boot", "probe", "self_test", "setup"]

NAME: Final = "xen"
BACKENDS: Final = ("xen",)
BUDGET: Final = 60.0
"""Seconds for a boot: most take two, on a busy machine ten."""


def probe() -> Host:
    """Whether QEMU and the built hypervisor are here. Takes milliseconds and boots nothing."""
    from vmirom.hosts.xen import roads

    return roads.probe()


def boot(request: BootRequest, progress: Progress | None = None) -> BootResult:
    """Boot one bundle. What goes wrong is an outcome."""
    from vmirom.hosts.xen import roads

    return roads.boot(request, progress)


def setup(say: Callable[[str], None]) -> None:
    """Build Xen into the cache folder. Raises SetupFailed."""
    from vmirom.hosts.xen import roads

    roads.setup(say)


def self_test() -> str:
    """Boot a probe on it; empty, or why that failed."""
    from vmirom.hosts.xen import roads

    return roads.self_test()
