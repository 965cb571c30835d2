"""The ages of each hypervisor that the embedded ones can be of, and what each offers, by name.

What is offered is read from the embedded hypervisors themselves, so that a prediction and the boot it is
held against can't speak of different hosts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vmirom.hypervisors.kvm.era import era as kvm_era
from vmirom.hypervisors.lguest.release import RELEASES as LGUEST_RELEASES
from vmirom.hypervisors.xen.release import RELEASES as XEN_RELEASES
from vmirom.overlays import lguest, xen

__all__ = ["NOTES", "SECTION", "Era", "eras"]

NOTES, SECTION = "ELF_NOTES", "XEN_GUEST_SECTION"
"""Forms in which a domain builder of Xen reads what a kernel wants."""

_KVM = ("2008", "2026")


@dataclass(frozen=True, slots=True)
class Era:
    """One age of one backend. ``options`` make the embedded hypervisor be of it; ``offers`` are names of
    features (kvm) or hypercalls (xen, lguest); for xen also the forms in which a kernel says its wishes."""

    backend: str
    name: str
    offers: frozenset[str]
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """``xen 3.0``"""
        return f"{self.backend} {self.name}"


def eras() -> tuple[Era, ...]:
    """All ages, oldest first within a backend."""
    found = [Era("native", "PC", frozenset())]
    for name in _KVM:
        offers = frozenset(feature.name for feature in kvm_era(name).features)
        found.append(Era("kvm", name, offers, {"host_era": name}))
    for name, release in sorted(XEN_RELEASES.items(), key=lambda each: each[1].version):
        offers = frozenset(call.name for call in xen.Hypercall if call < release.hypercalls)
        offers |= {SECTION, NOTES} if release.elf_notes else {SECTION}
        found.append(Era("xen", name, offers, {"release": name}))
    for name in sorted(LGUEST_RELEASES):
        found.append(Era("lguest", name, frozenset(call.name for call in lguest.Hcall), {"release": name}))
    return tuple(found)
