"""What a release of Xen offers: the hypercalls and commands it knows, and what it says about itself.

4.17 is the one observed (xen-host.md). 3.0 is the era of Xen 3.0.2, from its public headers
(xen/include/public at 3.0.2-branched, April 2006): hypercalls end at nmi_op (28), so that events,
scheduling and physical devices are served in their first forms only, which later headers call compat.
3.0.2 itself had the new sched_op (29) already, 3.0.0 did not; 3.0.0 in turn had no iret, no features and
no unmask, without which no ROM of ours could run, so the era offered is 3.0.2 without that one call. Its
domain builder reads what a kernel wants in a ``__xen_guest`` section only: ELF notes came with 3.0.3. Not
of that age, for nothing observed says how it was: where the builder puts what, and every answer of a call
that exists in both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vmirom.hypervisors.hypervisor import LoadError
from vmirom.hypervisors.xen.answers import Refused
from vmirom.overlays.xen import Boot, Errno, Evtchnop, Feature, Hypercall, MmuCommand, Mmuext, Vcpuop, Xenver

__all__ = ["RELEASES", "Release", "release"]

_FEATURES_4_17: Final = 0x228F0
"""Feature submap 0 of dom0, as observed."""
_ANY: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class Release:
    """``version`` is what xen_version answers, ``features`` the word of submap 0, ``limits`` the first
    number of each kind that does not exist yet, ``elf_notes`` whether the domain builder knows notes.
    Unknown hypercalls and commands are ENOSYS, as with any Xen."""

    name: str
    version: int
    extraversion: str
    features: int
    hypercalls: int = _ANY
    event_commands: int = _ANY
    vcpu_commands: int = _ANY
    version_commands: int = _ANY
    mmu_commands: int = _ANY
    extended_commands: int = _ANY
    elf_notes: bool = True

    def need(self, what: str, number: int, limit: int) -> None:
        """Refuse a command that this release does not know. Raises Refused(ENOSYS)."""
        if number >= limit:
            raise Refused(Errno.ENOSYS, f"{what} {number}: not yet in Xen {self.name}")


RELEASES: Final = {
    found.name: found
    for found in (
        Release("4.17", int(Boot.VERSION), ".5", _FEATURES_4_17),
        Release(
            "3.0",
            3 << 16,
            ".2-embedded",
            1 << Feature.PAE_PGDIR_ABOVE_4GB,
            hypercalls=Hypercall.NMI_OP + 1,
            event_commands=Evtchnop.UNMASK + 1,
            vcpu_commands=Vcpuop.REGISTER_RUNSTATE_MEMORY_AREA + 1,
            version_commands=Xenver.GET_FEATURES + 1,
            mmu_commands=MmuCommand.MACHPHYS + 1,
            extended_commands=Mmuext.NEW_USER_BASEPTR + 1,
            elf_notes=False,
        ),
    )
}


def release(name: str) -> Release:
    """The release called ``name``. Raises LoadError."""
    if name not in RELEASES:
        raise LoadError(f"release: {name!r} is not one of {', '.join(RELEASES)}")
    return RELEASES[name]
