"""What is to be booted where: one request, the same for every host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vmirom.machine.clock import CLOCKS, HOST, VIRTUAL
from vmirom.trace.tally import TRACE_LIMIT, Tally

if TYPE_CHECKING:
    from vmirom.hosts.outcomes import BootResult

__all__ = [
    "CLOCKS",
    "EMBEDDED",
    "HOST",
    "VIRTUAL",
    "BootRequest",
    "HostOption",
    "Maker",
    "Progress",
    "label",
]

_PATIENCE, _LEAST_PATIENCE = 4, 20.0
"""How many times its budget of virtual time a boot may take by the host's time, and seconds beyond that."""

EMBEDDED = "embedded"
"""The host that is taken where none is named."""

Progress = Callable[[str, Tally | None], None]
"""Told the phase (``load``, ``run``) once it begins, with the tally that counts on, if there is one."""


Maker = Callable[["BootRequest", "Progress | None"], "BootResult"]
"""Makes a boot and says what came of it."""


def label(backend: str, host: str) -> str:
    """What a boot is called: its backend, and its host where that is not the usual one."""
    return backend if host == EMBEDDED else f"{backend}@{host}"


@dataclass(frozen=True, slots=True)
class HostOption:
    """What may be said of a host's machine; ``values`` is a pattern of what it may be, ``about`` tells it."""

    name: str
    values: str
    about: str


@dataclass(frozen=True, slots=True)
class BootRequest:
    """One boot to be made. ``memory_mib`` of guest memory, ``budget`` in seconds of its clock, ``trace``
    the file that receives the events, ``trace_limit`` how many bytes of them, ``options`` for the
    hypervisor's factory (those it knows) or the host (its OPTIONS), ``host`` the name of the host that boots
    it. ``by``: who makes the boot instead of the host, a function of a module, which says what came of it as
    a host does."""

    backend: str
    bundle: bytes
    memory_mib: int = 16
    command_line: str = ""
    budget: float = 30.0
    trace: Path | None = None
    trace_limit: int = TRACE_LIMIT
    options: dict[str, Any] = field(default_factory=dict)
    host: str = EMBEDDED
    by: Maker | None = None

    @property
    def clock(self) -> str:
        """The machine's clock, as the options name it."""
        return str(self.options.get("clock", HOST))

    @property
    def patience(self) -> float:
        """Seconds of the host's time that it may take."""
        return self.budget * _PATIENCE + _LEAST_PATIENCE if self.clock == VIRTUAL else self.budget

    @property
    def label(self) -> str:
        """See :func:`label`."""
        return label(self.backend, self.host)
