"""What a campaign runs: guests x (backend, host) x versions of the ABI x seeds. Stored in its file, and the
same for its whole life.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final

import msgspec

from vmirom.conform.campaign.refused import CampaignError
from vmirom.conform.campaign.variation import KINDS
from vmirom.machine.clock import CLOCKS, HOST, VIRTUAL
from vmirom.overlays import vmi

__all__ = ["MOST_JOBS", "Definition", "GuestEntry", "Place", "Seeds", "Wishes", "differences", "read_wishes"]

MOST_JOBS: Final = 1_000_000
_LAST_SEED: Final = (1 << 31) - 1
_RANGE: Final = re.compile(r"([0-9]{1,10})(?:-([0-9]{1,10}))?", re.ASCII)


class Seeds(msgspec.Struct, frozen=True):
    """Numbers as ranges, first and last included, in order and apart from each other."""

    ranges: tuple[tuple[int, int], ...]

    @classmethod
    def parse(cls, text: str) -> Seeds:
        """``0-99``, ``7``, ``0-9,20-29``. Raises CampaignError."""
        found = []
        for part in text.split(","):
            match = _RANGE.fullmatch(part.strip())
            if match is None:
                raise CampaignError(f"seeds: {text!r} is not of the form 0-99 or 1,5,10-19")
            first, last = int(match[1]), int(match[2] or match[1])
            if first > last or last > _LAST_SEED:
                raise CampaignError(f"seeds: {part.strip()} does not go up from 0 to at most {_LAST_SEED}")
            found.append((first, last))
        joined: list[tuple[int, int]] = []
        for first, last in sorted(found):
            if joined and first <= joined[-1][1] + 1:
                joined[-1] = joined[-1][0], max(last, joined[-1][1])
            else:
                joined.append((first, last))
        return cls(tuple(joined))

    def __iter__(self) -> Iterator[int]:
        for first, last in self.ranges:
            yield from range(first, last + 1)

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.ranges)

    def __str__(self) -> str:
        return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in self.ranges)


class GuestEntry(msgspec.Struct, frozen=True):
    """A guest by the name that reports call it, and its bytes by their sha256."""

    name: str
    sha256: str

    @classmethod
    def of(cls, name: str, data: bytes) -> GuestEntry:
        """The entry of a guest's bytes."""
        return cls(name, hashlib.sha256(data).hexdigest())


class Place(msgspec.Struct, frozen=True):
    """Where a boot happens."""

    backend: str
    host: str


class Definition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``memory_mib`` and ``append`` (command line) are those of seed 0; ``vary`` are the kinds of things that
    other seeds change; ``budget`` is in seconds, None for each host's own; ``clock`` that of
    embedded machines."""

    guests: tuple[GuestEntry, ...]
    places: tuple[Place, ...]
    versions: tuple[str, ...]
    seeds: Seeds
    vary: tuple[str, ...] = KINDS
    memory_mib: int = 16
    append: str = ""
    budget: float | None = None
    clock: str = HOST

    @property
    def jobs(self) -> int:
        """How many."""
        return len(self.guests) * len(self.places) * len(self.versions) * len(self.seeds)

    def check(self) -> None:
        """Raises CampaignError for what can't be run."""
        names = [guest.name for guest in self.guests]
        for name in names:
            if names.count(name) > 1:
                raise CampaignError(f"guests: two are called {name}")
        for field, values in (("guests", names), ("places", self.places), ("versions", self.versions)):
            if not values:
                raise CampaignError(f"{field}: none")
        if self.jobs > MOST_JOBS:
            raise CampaignError(f"{self.jobs} jobs are more than {MOST_JOBS}: use fewer seeds")
        for kind in self.vary:
            if kind not in KINDS:
                raise CampaignError(f"vary: {kind!r} is not one of {', '.join(KINDS)}")
        if self.clock not in CLOCKS:
            raise CampaignError(f"clock: {self.clock!r} is not one of {', '.join(CLOCKS)}")
        if not self.append.isascii() or (self.append and not self.append.isprintable()):
            raise CampaignError("append: only printable ASCII can be handed to a guest")
        room = vmi.Const.COMMAND_LINE_MAX - 1 - len(f" vmirom.seed={_LAST_SEED}")
        if len(self.append) > room:
            raise CampaignError(f"append: {len(self.append)} bytes; at most {room} are allowed")

    def lines(self) -> Iterator[tuple[str, str]]:
        """(field, value) for people."""
        yield "guests", ", ".join(f"{guest.name} ({guest.sha256[:12]})" for guest in self.guests)
        yield "places", ", ".join(f"{place.backend}@{place.host}" for place in self.places)
        yield "versions", ", ".join(self.versions)
        yield "seeds", str(self.seeds)
        yield "vary", ", ".join(self.vary) or "nothing"
        yield "memory", f"{self.memory_mib} MiB"
        yield "append", self.append or "(none)"
        yield "budget", f"{self.budget:g} s" if self.budget else "each host's own"
        yield "clock", self.clock


def differences(stored: Definition, asked: Definition) -> list[str]:
    """What differs between two definitions, one phrase a field."""
    pairs = zip(stored.lines(), asked.lines(), strict=True)
    return [f"{field} {old}, not {new}" for (field, old), (_, new) in pairs if old != new]


class Wishes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """A definition as a TOML file has it; what is left out is as on the command line."""

    guests: tuple[str, ...] = ()
    on: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    abi: tuple[str, ...] = ()
    seeds: str | int = "0"
    vary: tuple[str, ...] = KINDS
    memory: Annotated[int, msgspec.Meta(ge=5, le=512)] = 16
    append: str = ""
    budget: Annotated[float, msgspec.Meta(ge=0.01, le=86400)] | None = None
    clock: str = VIRTUAL


def read_wishes(path: Path) -> Wishes:
    """A TOML file; its guests' paths are taken from its folder. Raises CampaignError, OSError."""
    try:
        data = tomllib.loads(path.read_bytes().decode())
        wishes = msgspec.convert(data, Wishes)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CampaignError(f"not TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise CampaignError(_told(data, str(error))) from None
    here = path.parent
    return msgspec.structs.replace(wishes, guests=tuple(_beside(here, name) for name in wishes.guests))


def _beside(folder: Path, name: str) -> str:
    return name if name == "reference" else str(folder / name)


def _told(data: Mapping[str, object], error: str) -> str:
    unknown = [key for key in data if key not in _fields()]
    if unknown:
        return f"{unknown[0]}: not a field; there are {', '.join(_fields())}"
    message, _, place = error.partition(" - at `$.")
    return f"{place.rstrip('`')}: {message}" if place else message


def _fields() -> Iterable[str]:
    return Wishes.__struct_encode_fields__
