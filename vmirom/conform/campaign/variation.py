"""What a seed means: how far a boot differs from the plain one, worked out from the seed alone.

Seed 0 is the plain boot. Any other seed changes, as far as the campaign lets it:

* ``memory``: 8 to 64 MiB of guest memory, odd numbers too;
* ``layout``: which machine frames a guest gets (xen) and which pages a host recycles (lguest): the ``seed``
  of a hypervisor that takes one;
* ``era``: how old a hypervisor to be like, and other choices that a hypervisor offers as ``VARIES``;
* ``phase``: where in the guest's instructions an embedded hypervisor looks for what is due;
* ``time``: at which date virtual time begins, 2021 to 2037, and how long the counters have run by then;
* ``command-line``: ``vmirom.seed=N`` behind the guest's own, for a guest that wants to vary its own doing.

The same seed draws the same memory on every backend, so that transcripts can be compared. Each thing is drawn
by its own name: another kind, or another choice of a hypervisor, changes nothing of what was drawn before. A
real host heeds memory and command line, and of the rest what it can.
"""

from __future__ import annotations

import datetime
import hashlib
import inspect
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from vmirom.hosts.backends import hypervisor_module

__all__ = ["KINDS", "Variation", "beginning", "variation"]

KINDS: Final = ("memory", "layout", "era", "phase", "time", "command-line")
_MEMORY: Final = (8, 64)
"""MiB, least and most."""
_DATES: Final = (datetime.datetime(2021, 1, 1), datetime.datetime(2038, 1, 1))
_LONGEST_UPTIME: Final = 60 * 24 * 3600
"""Seconds."""

Option = str | int | bool


@dataclass(frozen=True, slots=True)
class Variation:
    """The variable part of a boot request; ``options`` are for the hypervisor's factory."""

    memory_mib: int
    command_line: str
    options: dict[str, Option]


def variation(seed: int, backend: str, vary: Collection[str], memory_mib: int, append: str) -> Variation:
    """What ``seed`` makes of a boot on ``backend`` that plainly has ``memory_mib`` and ``append``."""
    if seed == 0:
        return Variation(memory_mib, append, {})
    if "memory" in vary:
        least, most = _MEMORY
        memory_mib = least + _draw(seed, "memory", most - least + 1)
    if "command-line" in vary:
        append = f"{append} vmirom.seed={seed}".lstrip()
    return Variation(memory_mib, append, _options(seed, backend, vary))


def beginning(seed: int, vary: Collection[str]) -> dict[str, Option]:
    """Where the virtual time of a boot begins, as options of the embedded host."""
    if seed == 0 or "time" not in vary:
        return {}
    first, last = _DATES
    date = first + datetime.timedelta(seconds=_draw(seed, "time", int((last - first).total_seconds())))
    return {"time": date.isoformat(), "uptime": str(1 + _draw(seed, "uptime", _LONGEST_UPTIME))}


def _options(seed: int, backend: str, vary: Collection[str]) -> dict[str, Option]:
    module = hypervisor_module(backend)
    options: dict[str, Option] = {}
    if "layout" in vary and "seed" in inspect.signature(module.make).parameters:
        options["seed"] = seed
    if "phase" in vary and "phase" in inspect.signature(module.make).parameters:
        options["phase"] = seed
    if "era" in vary:
        choices: Mapping[str, tuple[Option, ...]] = getattr(module, "VARIES", {})
        for name, values in choices.items():
            options[name] = values[_draw(seed, name, len(values))]
    return options


def _draw(seed: int, name: str, count: int) -> int:
    """A number below ``count`` that no version of Python, and no other draw, has a hand in."""
    digest = hashlib.sha256(f"{name}:{seed}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % count
