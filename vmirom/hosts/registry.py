"""Which hosts there are: the modules (or packages) of this package that offer ``NAME``, ``BACKENDS``,
``probe`` and ``boot``.

Found, not listed, so that a new host edits nothing here. What a host module may offer beyond that:

* ``setup(progress)``: provides what the host needs, tells ``progress`` one line a step, raises
  :class:`~vmirom.hosts.cache.SetupFailed`; makes ``vmirom hosts setup NAME`` exist.
* ``self_test()``: boots something small; returns an empty string, or why it failed, in one line; makes
  ``vmirom hosts test NAME`` exist. It remembers the answer where ``probe`` finds it.
* ``BUDGET``: seconds for a boot where nobody says otherwise (30 without).
* ``GRACE``: seconds that the host needs for itself, beyond the budgets of boots (5 without).
* ``boot_together(requests, progress)``: as ``boot``, for several; a host that starts slowly offers it.
* ``TELLS_ENDS``: false where the host can't tell power-off and reset from a triple fault (true without).
* ``OPTIONS``: what may be said of its machine, as :class:`~vmirom.hosts.request.HostOption`.
* ``TRACES``: true where the host can write a trace of calls.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Sequence
from typing import Protocol, cast

import vmirom.hosts
from vmirom.hosts.doctor import Host
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.hosts.request import EMBEDDED, BootRequest, HostOption, Progress

__all__ = [
    "HostModule",
    "Say",
    "boot",
    "boot_together",
    "budget_of",
    "gathers",
    "grace_of",
    "host_module",
    "host_names",
    "hosts",
    "options_of",
    "prepare",
    "self_test_of",
    "setup_of",
    "slow_backends",
    "tells_ends",
    "traces",
]

Say = Callable[[str], None]
"""Told one line about each step of a setup."""

_BUDGET = 30.0
_GRACE = 5.0


class HostModule(Protocol):
    """What every host module offers."""

    NAME: str
    BACKENDS: tuple[str, ...]

    def probe(self) -> Host:
        """What is here of what this host needs. Takes milliseconds, boots nothing, raises nothing."""

    def boot(self, request: BootRequest, progress: Progress | None = None) -> BootResult:
        """Boot within ``request.budget`` seconds. What goes wrong is an outcome; raises only OSError when the
        trace can't be written and KeyboardInterrupt when asked to."""


def host_names() -> tuple[str, ...]:
    """All hosts, the embedded one first, the others by name."""
    names = [module.name for module in pkgutil.iter_modules(vmirom.hosts.__path__)]
    return tuple(sorted((n for n in names if _offers(n)), key=lambda name: (name != EMBEDDED, name)))


def _offers(name: str) -> bool:
    return getattr(importlib.import_module(f"vmirom.hosts.{name}"), "NAME", None) == name


def host_module(name: str) -> HostModule:
    """The module of the host ``name``. Raises KeyError for an unknown one."""
    if (
        not name.isidentifier()
        or importlib.util.find_spec(f"vmirom.hosts.{name}") is None
        or not _offers(name)
    ):
        raise KeyError(name)
    return cast(HostModule, importlib.import_module(f"vmirom.hosts.{name}"))


def hosts() -> tuple[Host, ...]:
    """What each host says of itself."""
    return tuple(host_module(name).probe() for name in host_names())


def setup_of(name: str) -> Callable[[Say], None] | None:
    """The function that sets the host ``name`` up, if it needs one. Raises KeyError."""
    return getattr(host_module(name), "setup", None)


def self_test_of(name: str) -> Callable[[], str] | None:
    """The function that tests the host ``name``, if it has one. Raises KeyError."""
    return getattr(host_module(name), "self_test", None)


def budget_of(name: str) -> float:
    """Seconds that a boot on the host ``name`` gets by default."""
    return float(getattr(host_module(name), "BUDGET", _BUDGET))


def grace_of(name: str) -> float:
    """Seconds that a boot on the host ``name`` may take beyond its budget before it is ended."""
    return float(getattr(host_module(name), "GRACE", _GRACE))


def gathers(name: str) -> bool:
    """Whether the host ``name`` boots several requests at once."""
    return hasattr(host_module(name), "boot_together")


def prepare(name: str) -> None:
    """Let the host ``name`` do what serves all its boots, before the processes that boot are forked."""
    getattr(host_module(name), "prepare", lambda: None)()


def slow_backends(name: str) -> tuple[str, ...]:
    """Backends that take longer than others on the host ``name``, the slowest first."""
    return tuple(getattr(host_module(name), "SLOW", ()))


def options_of(name: str) -> tuple[HostOption, ...]:
    """What may be said of the machine of the host ``name``."""
    return tuple(getattr(host_module(name), "OPTIONS", ()))


def tells_ends(name: str) -> bool:
    """Whether the host ``name`` can tell power-off and reset from a guest that was lost."""
    return bool(getattr(host_module(name), "TELLS_ENDS", True))


def traces(name: str) -> bool:
    """Whether the host ``name`` can write traces."""
    return bool(getattr(host_module(name), "TRACES", False))


def boot(request: BootRequest, progress: Progress | None = None) -> BootResult:
    """Boot ``request`` on its host: a skip with the reason where the host can't. Raises as that does. Who is
    named to make the boot instead, makes it."""
    if request.by is not None:
        return request.by(request, progress)
    return _refusal(request) or host_module(request.host).boot(request, progress)


def boot_together(requests: Sequence[BootRequest], progress: Progress | None = None) -> list[BootResult]:
    """Boot requests of one host that :func:`gathers`; results in their order. Raises as the host does."""
    refusals = [_refusal(request) for request in requests]
    taken = [r for r, refused in zip(requests, refusals, strict=True) if refused is None]
    together = getattr(host_module(requests[0].host), "boot_together", None)
    results = iter(together(taken, progress) if together is not None and taken else [])
    return [refused or next(results) for refused in refusals]


def _refusal(request: BootRequest) -> BootResult | None:
    """A skip where the host can't boot this."""
    module = host_module(request.host)
    if request.backend not in module.BACKENDS:
        why = f"host {request.host} boots {', '.join(module.BACKENDS)} only"
        return BootResult(request.backend, Outcome.SKIP, why, host=request.host)
    if request.host != EMBEDDED:
        found = module.probe()
        if not found.usable:
            return BootResult(
                request.backend, Outcome.SKIP, f"{found.found}; {found.missing}", host=request.host
            )
    return None
