"""What a KVM host of a time offers: the features it advertises, which are the ones it serves.

2008 is Linux 2.6.26 with the first paravirtual clock and MMU_OP; 2026 is a current host with
KVM_CAP_ENFORCE_PV_FEATURE_CPUID on. Features of a local APIC (PV_EOI) and of asynchronous page faults are
not offered: the machine has neither, and their MSRs raise #GP as on a host that masks them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vmirom.hypervisors.hypervisor import LoadError
from vmirom.overlays.kvm import CpuidLeaf, Feature

__all__ = ["ERAS", "Era", "era"]


@dataclass(frozen=True, slots=True)
class Era:
    """``highest_leaf`` is EAX of the signature leaf; old hosts left it 0."""

    name: str
    features: frozenset[Feature]
    highest_leaf: int

    @property
    def mask(self) -> int:
        """EAX of the feature leaf."""
        return sum(1 << feature for feature in self.features)

    def has(self, feature: Feature) -> bool:
        """Whether the feature is advertised, and so served."""
        return feature in self.features


ERAS: Final = {
    "2008": Era("2008", frozenset({Feature.CLOCKSOURCE, Feature.NOP_IO_DELAY, Feature.MMU_OP}), 0),
    "2026": Era(
        "2026",
        frozenset(
            {
                Feature.NOP_IO_DELAY,
                Feature.CLOCKSOURCE2,
                Feature.STEAL_TIME,
                Feature.PV_UNHALT,
                Feature.PV_SEND_IPI,
                Feature.PV_SCHED_YIELD,
                Feature.CLOCKSOURCE_STABLE,
            }
        ),
        int(CpuidLeaf.FEATURES),
    ),
}


def era(name: str) -> Era:
    """The era called ``name``. Raises LoadError."""
    if name not in ERAS:
        raise LoadError(f"host_era: {name} is not one of {', '.join(ERAS)}")
    return ERAS[name]
