"""Which backends there are: the numbers in the ABI that have an embedded hypervisor of their name.

Found, not listed, so that a new backend edits nothing here.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

import vmirom.hypervisors
from vmirom.overlays import vmi

__all__ = ["backend_names", "hypervisor_module"]


def backend_names() -> tuple[str, ...]:
    """Names of all backends that an embedded hypervisor answers, in the order of their numbers."""
    modules = {module.name for module in pkgutil.iter_modules(vmirom.hypervisors.__path__)}
    return tuple(b.name.lower() for b in sorted(vmi.Backend) if b.name.lower() in modules)


def hypervisor_module(backend: str) -> ModuleType:
    """The module whose ``make`` builds the hypervisor. Raises KeyError for an unknown backend."""
    if backend not in backend_names():
        raise KeyError(backend)
    return importlib.import_module(f"vmirom.hypervisors.{backend}")
