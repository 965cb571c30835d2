"""The gate: what may change in an ABI whose versions are frozen, and what a release freezes.

``check`` compares a tree with its locks, ``freeze`` writes one, ``read_suppressions`` reads the
exceptions that somebody signed for.
"""

from vmirom.compat.policy.check import Verdict, check
from vmirom.compat.policy.freezing import Frozen, freeze
from vmirom.compat.policy.locks import FrozenLock, read_locks
from vmirom.compat.policy.rules import ALL_RULES, POLICY_RULES
from vmirom.compat.policy.suppressions import Suppression, read_suppressions

__all__ = [
    "ALL_RULES",
    "POLICY_RULES",
    "Frozen",
    "FrozenLock",
    "Suppression",
    "Verdict",
    "check",
    "freeze",
    "read_locks",
    "read_suppressions",
]
