"""What became of the way calls are reached, of what a ROM is recognised by, and whether the version tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from vmirom.compat.diff_enums import relocation_findings
from vmirom.compat.emit import found
from vmirom.compat.findings import Breaks, Finding, Severity, worst
from vmirom.compat.model import Declaration, Dispatch, Mechanism

__all__ = ["identity_findings", "mechanism_findings", "version_findings", "version_key"]

_TESTED = ("rom_signature", "vrom_signature")
"""What stock guests refuse a ROM for, beside its licence. Vendor and device draw a warning only."""
_LICENCE = "licence"
_ACCEPTED = ("GPL", "GPL v2", None)
"""Texts that stock guests accept (VMI-ROM-08), and silence."""


def mechanism_findings(old: Mechanism, new: Mechanism) -> Iterator[Finding]:
    """Findings about slots, entry points and relocation."""
    if old == new or Dispatch.UNSTATED in (old.dispatch, new.dispatch):
        return
    if old.dispatch is not new.dispatch:
        yield found("dispatch-changed", "mechanism", _shown(old), _shown(new))
        return
    geometry = (old.slot_size, old.base), (new.slot_size, new.base)
    if geometry[0] != geometry[1]:
        yield found("slot-layout", "mechanism/slots", _shown(old), _shown(new))
    if (old.first_slot, old.slot_count) != (new.first_slot, new.slot_count):
        yield found("slot-capacity", "mechanism/slots/count", _range(old), _range(new))
    before, after = dict(old.entries), dict(new.entries)
    for name in sorted(before.keys() | after.keys()):
        place = f"mechanism/entry/{name}"
        if name not in after:
            yield found("entry-removed", place, f"{before[name]:#x}", None)
        elif name not in before:
            yield found("entry-added", place, None, f"{after[name]:#x}")
        elif before[name] != after[name]:
            yield found("entry-moved", place, f"{before[name]:#x}", f"{after[name]:#x}")
    yield from relocation_findings(old.types, new.types)


def _shown(mechanism: Mechanism) -> str:
    if mechanism.dispatch is Dispatch.SLOTS:
        return f"fixed slots of {mechanism.slot_size} bytes from {mechanism.base or 0:#x}"
    return str(mechanism.dispatch.value)


def _range(mechanism: Mechanism) -> str:
    return f"slots {mechanism.first_slot} to {(mechanism.slot_count or 0) - 1}"


def identity_findings(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Finding]:
    """Findings about signature, licence, vendor and device. What only one side states is not compared, but
    for signatures, and for a licence that stock guests don't accept. A side may state nothing of the kind."""
    if not old or not new:
        return
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        place = f"identity/{key}"
        if key == _LICENCE:
            yield from _licence(before, after, place)
        elif key in _TESTED:
            yield found("identity-changed", place, before, after)
        elif before is not None and after is not None:
            why = "stock guests only warn about it"
            yield found("identity-changed", place, before, after, severity=Severity.RISKY, why=why)


def _licence(before: str | None, after: str | None, place: str) -> Iterator[Finding]:
    """A declaration states no licence: it stands for any that guests accept."""
    if before in _ACCEPTED and after in _ACCEPTED:
        if before is not None and after is not None:
            why = "guests accept both texts; whether the terms are meant to change is for people"
            yield found("identity-changed", place, before, after, severity=Severity.RISKY, why=why)
    else:
        yield found("identity-changed", place, before, after)


def version_key(version: str) -> tuple[int, ...]:
    """A version's numbers, padded so that 3 equals 3.0."""
    parts = tuple(int(part) for part in version.split(".") if part.isdigit())
    return parts + (0,) * (4 - len(parts))


def version_findings(old: Declaration, new: Declaration, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Whether the versions tell what changed. Only for one line, and only forward: a comparison backwards
    has no bump to judge."""
    before, after = version_key(old.version), version_key(new.version)
    if after < before or Dispatch.HYPERCALL in (old.mechanism.dispatch, new.mechanism.dispatch):
        return
    bad = worst(findings)
    shown = (old.version, new.version)
    visible = [finding for finding in findings if finding.breaks is not Breaks.NONE]
    major, minor = after[0] > before[0], after > before
    if bad is Severity.BREAKING and not major:
        rules = sorted({f.rule for f in findings if f.severity is Severity.BREAKING})
        why = f"a new major is due: {', '.join(rules[:4])}{' and more' if len(rules) > 4 else ''}"
        yield found("version-not-bumped", "version", *shown, why=why)
    elif visible and not minor:
        rules = sorted({f.rule for f in visible})
        why = f"a new minor is due: {', '.join(rules[:4])}{' and more' if len(rules) > 4 else ''}"
        yield found("version-not-bumped", "version", *shown, severity=Severity.RISKY, why=why)
    elif major and bad is not Severity.BREAKING:
        yield found("version-overbumped", "version", *shown)
