"""What a mutation is, and the parts that many are made of.

A mutation takes a random source and a declaration and gives the changed declaration with what is expected,
or None where the part it drew can't take the change. The changed side's version is bumped as the change
demands, so that no finding about the version is mixed in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from vmirom.compat import (
    Call,
    Declaration,
    Field,
    Layout,
    Severity,
    Value,
)

B, R, C = Severity.BREAKING, Severity.RISKY, Severity.COMPATIBLE
Expected = tuple[tuple[str, Severity], ...]
Mutation = Callable[[Random, Declaration], "Mutant | None"]


@dataclass(frozen=True)
class Mutant:
    """A changed declaration and the (rule, severity) of each finding that is due. ``version``: the one that
    the changed declaration has; where there is none, what its changes demand is due."""

    declaration: Declaration
    expected: Expected
    version: str | None = None
    start: Declaration | None = None
    """What was changed, where it is not the declaration that was given."""

    @property
    def released(self) -> Declaration:
        """The changed declaration under its version."""
        if self.version is not None:
            return replace(self.declaration, version=self.version)
        return bumped(self.declaration, self.severity)

    @property
    def severity(self) -> Severity:
        return max((severity for _, severity in self.expected), key=lambda each: each.rank)


MUTATIONS: dict[str, Mutation] = {}


def mutation(function: Mutation) -> Mutation:
    MUTATIONS[function.__name__] = function
    return function


def bumped(declaration: Declaration, severity: Severity) -> Declaration:
    major, minor = (int(part) for part in declaration.version.split(".")[:2])
    version = f"{major + 1}.0" if severity is B else f"{major}.{minor + 1}"
    return replace(declaration, version=version)


def mutant(declaration: Declaration, *expected: tuple[str, Severity]) -> Mutant:
    return Mutant(declaration, expected)


def with_call(d: Declaration, old: Call, new: Call) -> Declaration:
    calls = tuple(sorted((new if c is old else c for c in d.calls), key=lambda c: c.number))
    return replace(d, calls=calls)


def published(rng: Random, d: Declaration) -> Call:
    return rng.choice([c for c in d.calls if c.published and c.clobbers is not None])


def free_number(d: Declaration) -> int:
    return max(call.number for call in d.calls) + 1


def fresh_call(rng: Random, d: Declaration) -> Call:
    """A call unlike any other."""
    name = f"Zq{rng.randrange(10**6):06d}"
    arguments = (Value("wobble", "UINT16", "EBX"), Value("quirk", "UINT32 *", "ESI"))
    return Call(
        free_number(d),
        name,
        "procedure",
        arguments,
        (),
        frozenset(("EBP", "flags")),
        frozenset(("CS",)),
        frozenset(),
    )


def plain_field(rng: Random, layout: Layout) -> Field:
    return rng.choice([f for f in layout.fields if not f.reserved and f.const is None])
