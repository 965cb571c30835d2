"""What one test run shares: the server that boots, the guests that were built, and what the options say."""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from vmirom.bundle.refused import Refused
from vmirom.bundle.shipped import guest_bundle, read_guest_file
from vmirom.guest.build import build
from vmirom.guest.shipped import guest_blob
from vmirom.hosts import registry
from vmirom.hosts.backends import backend_names
from vmirom.hosts.bootserver import BootServer
from vmirom.hosts.request import CLOCKS, EMBEDDED, HOST, VIRTUAL, BootRequest
from vmirom.rom.errors import RomError
from vmirom.testing.boots import Boot, Boots

__all__ = ["Asked", "BadRequest", "LeftOut", "Session"]


class LeftOut(Exception):
    """A boot that can't be here, or that the options leave out; one line: why, and what would help."""


class BadRequest(Exception):
    """A test asks for what does not exist; one line."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How a test wants its guest booted; the same names and units as the options of ``vmirom boot``."""

    host: str
    abi: str = "3.1"
    memory: int = 16
    append: str = ""
    budget: float | None = None
    host_era: str | None = None
    trace: Path | None = None
    clock: str = VIRTUAL

    @property
    def version(self) -> tuple[int, int]:
        """(major, minor). Raises BadRequest."""
        major, _, minor = self.abi.partition(".")
        if not (major.isdecimal() and minor.isdecimal()):
            raise BadRequest(f"abi: {self.abi!r} is not a version such as 3.1")
        return int(major), int(minor)


class Session:
    """One for each test process. ``on`` are the backends of ``--vmirom-on``, all if empty."""

    def __init__(self, on: Sequence[str], budget: float | None, scratch: Callable[[], Path]) -> None:
        self._on = tuple(on)
        self._budget = budget
        self._scratch = scratch
        self._server: BootServer | None = None
        self._built: dict[tuple[object, ...], Path] = {}

    @cached_property
    def backends(self) -> tuple[str, ...]:
        """Backends of this run, in the order of their numbers."""
        return tuple(name for name in backend_names() if not self._on or name in self._on)

    def boot(self, guest: Path, backends: Sequence[str], asked: Asked) -> Boots:
        """Boot a guest on each backend. Raises LeftOut, BadRequest, and OSError (guest or trace)."""
        requests = [self._request(guest, backend, asked) for backend in backends]
        self._server = self._server or BootServer()
        beside = 1 if os.environ.get("PYTEST_XDIST_WORKER") else None  # other tests have the other CPUs
        results = self._server.boot(requests, beside)
        return Boots(
            tuple(Boot(guest.name, _replay(guest, result.backend, asked), result) for result in results)
        )

    def build(self, sources: Sequence[Path], toolchain: str | None) -> Path:
        """Build a guest once in a run. Raises BuildError, OSError."""
        key = (*sources, *(source.stat().st_mtime_ns for source in sources if source.exists()), toolchain)
        if key not in self._built:
            name = hashlib.sha256(repr(key).encode()).hexdigest()[:12]
            out = self._scratch() / f"{sources[0].stem if sources else 'guest'}-{name}.elf"
            build(sources, out, toolchain)
            self._built[key] = out
        return self._built[key]

    def source(self, text: str) -> Path:
        """A C file that holds ``text``."""
        path = self._scratch() / f"guest-{hashlib.sha256(text.encode()).hexdigest()[:12]}.c"
        path.write_text(text)
        return path

    @property
    def reference(self) -> Path:
        """The reference guest that is shipped. Raises AbiError."""
        return guest_blob("reference")

    def close(self) -> None:
        """End the server."""
        if self._server is not None:
            self._server.close()

    def _request(self, guest: Path, backend: str, asked: Asked) -> BootRequest:
        self._check(backend, asked)
        try:
            bundle = guest_bundle(read_guest_file(guest, asked.version), backend, asked.version)
        except RomError as error:
            raise BadRequest(str(error)) from None
        except Refused as refused:
            raise BadRequest(f"{guest}: {refused}") from None
        return BootRequest(
            backend=backend,
            bundle=bundle,
            memory_mib=asked.memory,
            command_line=asked.append,
            budget=asked.budget or self._budget or registry.budget_of(asked.host),
            trace=asked.trace,
            options=_options(asked),
            host=asked.host,
        )

    def _check(self, backend: str, asked: Asked) -> None:
        if backend not in backend_names():
            raise BadRequest(f"backend {backend!r} is unknown; there are {', '.join(backend_names())}")
        if backend not in self.backends:
            raise LeftOut(f"--vmirom-on leaves out {backend}")
        try:
            module = registry.host_module(asked.host)
        except KeyError:
            known = ", ".join(registry.host_names())
            raise BadRequest(f"host {asked.host!r} is unknown; there are {known}") from None
        if asked.clock not in CLOCKS:
            raise BadRequest(f"clock: {asked.clock!r} is not one of {', '.join(CLOCKS)}")
        if backend not in module.BACKENDS:
            raise LeftOut(f"host {asked.host} boots {', '.join(module.BACKENDS)} only, not {backend}")
        if asked.trace is not None and not registry.traces(asked.host):
            raise LeftOut(f"host {asked.host} can't see the calls that a trace holds")
        check_host(asked.host)


def _options(asked: Asked) -> dict[str, str]:
    era = {"host_era": asked.host_era} if asked.host_era else {}
    return era | ({"clock": asked.clock} if asked.host == EMBEDDED else {})


def check_host(name: str) -> None:
    """Raises LeftOut where the host ``name``, which exists, is not usable here."""
    found = registry.host_module(name).probe()
    if not found.usable:
        raise LeftOut(f"host {name}: {found.found}; {found.missing}")


def _replay(guest: Path, backend: str, asked: Asked) -> str:
    words = ["vmirom", "boot", str(guest), "--on", backend, "-v"]
    plain = Asked(EMBEDDED)
    for option, value, usual in (
        ("--host", asked.host, plain.host),
        ("--abi", asked.abi, plain.abi),
        ("--memory", asked.memory, plain.memory),
        ("--append", asked.append, plain.append),
        ("--budget", asked.budget, plain.budget),
        ("--host-era", asked.host_era, plain.host_era),
        ("--clock", asked.clock if asked.host == EMBEDDED else HOST, HOST),
    ):
        if value != usual:
            words += [option, str(value)]
    return shlex.join(words)
