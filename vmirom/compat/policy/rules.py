"""Rules of the gate itself, beside those of the comparison. None of them can be suppressed."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from vmirom.compat.findings import Breaks, RuleInfo, Severity
from vmirom.compat.rulebook import RULES

__all__ = ["ALL_RULES", "POLICY_RULES"]

POLICY_RULES: Mapping[str, RuleInfo] = MappingProxyType(
    {
        rule.id: rule
        for rule in (
            RuleInfo(
                "frozen-changed",
                "Frozen version changed",
                Severity.BREAKING,
                Breaks.BOTH,
                "Guests and ROMs in the field were made for this version as it was frozen. "
                "What changes needs a version of its own.",
            ),
            RuleInfo(
                "version-withdrawn",
                "Frozen version no longer declared",
                Severity.BREAKING,
                Breaks.OLD_GUEST,
                "Guests in the field ask for it, and nothing can be made for them any more.",
            ),
            RuleInfo(
                "bump-major-needed",
                "Major has to be raised",
                Severity.BREAKING,
                Breaks.OLD_GUEST,
                "A guest accepts every minor of its major from its own on: "
                "what breaks it must not be among them.",
            ),
            RuleInfo(
                "bump-minor-needed",
                "Minor has to be raised",
                Severity.BREAKING,
                Breaks.NEW_GUEST,
                "A guest that needs what was added can't ask for it: the minor it would name has none.",
            ),
            RuleInfo(
                "lock-missing",
                "Version was never frozen",
                Severity.RISKY,
                Breaks.NONE,
                "A newer version is declared, so this one is given out; "
                "without a lock nobody notices when it changes.",
            ),
            RuleInfo(
                "rom-rebuilt",
                "ROM made again since its version was frozen",
                Severity.COMPATIBLE,
                Breaks.NONE,
                "The contract is the same, the code behind it is not.",
            ),
            RuleInfo(
                "rom-missing",
                "ROM of a frozen version is gone",
                Severity.RISKY,
                Breaks.OLD_GUEST,
                "It was given out with the version; who looks for it finds none.",
            ),
            RuleInfo(
                "suppression-unused",
                "Suppression matches nothing",
                Severity.COMPATIBLE,
                Breaks.NONE,
                "What it was written for is gone; left in place it may one day hide something else.",
            ),
            RuleInfo(
                "suppression-expired",
                "Suppression has expired",
                Severity.COMPATIBLE,
                Breaks.NONE,
                "It no longer has an effect: what it covered counts again.",
            ),
        )
    }
)
"""Rules of the gate by id."""

ALL_RULES: Mapping[str, RuleInfo] = MappingProxyType({**RULES, **POLICY_RULES})
"""Rules of comparison and gate."""
