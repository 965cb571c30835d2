"""Counts every reference from scratch and compares with what the embedded Xen keeps."""

from __future__ import annotations

from vmirom.hypervisors.xen.domain import Domain
from vmirom.hypervisors.xen.pages import TABLE_TYPES, Owner, PageType

_FRAME = 0x000F_FFFF_FFFF_F000


def recount(domain: Domain) -> tuple[dict[int, int], dict[int, int]]:
    """(references, uses) of each frame of the domain, from pins, base, GDT, LDT, and table entries."""
    tables = domain.tables
    refs: dict[int, int] = {}
    uses: dict[int, int] = {}

    def hold(frame: int, used: bool = True) -> None:
        refs[frame] = refs.get(frame, 0) + 1
        if used:
            uses[frame] = uses.get(frame, 0) + 1

    for frame in range(tables.count):
        if tables.owner[frame] != Owner.DOMAIN:
            continue
        if tables.allocated[frame]:
            hold(frame, used=False)
        if tables.pinned[frame]:
            hold(frame)
        if tables.types[frame] and tables.kind[frame] in TABLE_TYPES:
            kind = PageType(tables.kind[frame])
            for entry in tables.entries(frame)[: tables.guest_slots(kind)]:
                target = (entry & _FRAME) >> 12
                if not entry & 1 or (kind in (PageType.L2, PageType.TOP_L2) and target == frame):
                    continue
                if kind is not PageType.L1:
                    hold(target)
                elif target < tables.count and tables.owner[target] == Owner.DOMAIN:
                    hold(target, used=bool(entry & 2))
    shared = domain.shared.gpa >> 12
    hold(shared)
    hold(domain.grant_frame)
    hold(domain.mmu.base)
    for frame in [*domain.segments.gdt_frames, *domain.segments.ldt_frames]:
        hold(frame)
    if domain.shared.vcpu_gpa != domain.shared.gpa:
        hold(domain.shared.vcpu_gpa >> 12)
    return refs, uses


def check_counts(domain: Domain) -> None:
    """Assert that the counts are right and that no table or descriptor frame is mapped writable."""
    tables = domain.tables
    refs, uses = recount(domain)
    for frame in range(tables.count):
        if tables.owner[frame] == Owner.DOMAIN:
            assert tables.refs[frame] == refs.get(frame, 0), f"references of frame {frame:#x}"
            assert tables.types[frame] == uses.get(frame, 0), f"uses of frame {frame:#x}"
        else:
            assert frame not in refs, f"frame {frame:#x} is referred to and not the domain's"
    writable: set[int] = set()
    for frame in range(tables.count):
        if tables.types[frame] and tables.kind[frame] == PageType.L1:
            for entry in tables.entries(frame):
                if entry & 3 == 3:
                    writable.add((entry & _FRAME) >> 12)
    for frame in writable:
        if frame < tables.count and tables.owner[frame] == Owner.DOMAIN:
            assert tables.kind[frame] == PageType.WRITABLE, f"frame {frame:#x} is mapped writable"
