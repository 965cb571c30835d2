"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

__all__ = [
    "CLOCKS",
    "LATEST",
    "AbiVersion",
    "BackendName",
    "HostName",
    "PathArgument",
    "Seconds",
    "abi_option",
    "clock_option",
    "json_option",
]

LATEST = (3, 1)
"""The version of the executable line that commands take by default."""

CLOCKS = ("host", "virtual")
"""Those of :mod:`vmirom.machine.clock`, which is not loaded for ``--help``."""

F = TypeVar("F", bound=Callable[..., Any])


class AbiVersion(click.ParamType[tuple[int, int]]):
    """``3.1`` and the like."""

    name = "version"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """(major, minor)."""
        if isinstance(value, tuple):
            return value
        match = re.fullmatch(r"(\d{1,3})\.(\d{1,3})", value)
        if match is None:
            self.fail(f"'{value}' is not a version such as 3.1", param, ctx)
        return int(match[1]), int(match[2])


class BackendName(click.ParamType[str]):
    """The name of a backend that exists; known only once it is asked for."""

    name = "backend"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name, as it stands."""
        from vmirom.hosts.backends import backend_names

        if value not in backend_names():
            self.fail(f"backend '{value}' is unknown; there are {', '.join(backend_names())}", param, ctx)
        return str(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """All backends that begin so."""
        from vmirom.hosts.backends import backend_names

        return [CompletionItem(name) for name in backend_names() if name.startswith(incomplete)]


class HostName(click.ParamType[str]):
    """The name of a host that exists, or one of ``more``; only the named one is loaded."""

    name = "host"

    def __init__(self, *more: str) -> None:
        self._more = more

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name, as it stands."""
        from vmirom.hosts import registry

        if value in self._more:
            return str(value)
        try:
            registry.host_module(value)
        except KeyError:
            known = ", ".join((*registry.host_names(), *self._more))
            self.fail(f"host '{value}' is unknown; there are {known}", param, ctx)
        return str(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """All hosts that begin so."""
        from vmirom.hosts import registry

        names = (*registry.host_names(), *self._more)
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


class Seconds(click.ParamType[float]):
    """A length of time: more than nothing, at most a day."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number of seconds."""
        try:
            seconds = float(value)
        except ValueError:
            seconds = 0.0
        if not 0.01 <= seconds <= 86400:  # false for nan, too
            self.fail(f"'{value}' is not a number of seconds between 0.01 and 86400", param, ctx)
        return seconds


class PathArgument(click.Path):
    """A path as :class:`pathlib.Path`, looked at only when it is opened."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)


def abi_option(function: F) -> F:
    """``--abi V``."""
    return click.option(
        "--abi", type=AbiVersion(), default=LATEST, metavar="V", help="ABI version (default 3.1)."
    )(function)


def clock_option(default: str | None) -> Callable[[F], F]:
    """``--clock``, which is ``default`` where nothing is said; None leaves it to the command."""
    return click.option(
        "--clock",
        type=click.Choice(CLOCKS),
        default=default,
        help="Time of embedded machines: the host's, or virtual, by which load decides nothing"
        + (f" (default {default})." if default else "."),
    )


def json_option(function: F) -> F:
    """``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")(function)
