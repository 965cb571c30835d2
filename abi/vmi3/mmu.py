"""Page tables and translations.

The guest's tables are its own memory and hold guest-physical frames. The guest may write entries itself
and then tells; or it lets SetPxE write. While a lazy mode is on, or a call is marked DEFER, the
hypervisor may learn of it later, but no later than the next flush, or the end of the mode.
"""

from vmirom.schema import STANDARD_MEMORY, Argument, group, procedure, unpublished

_FLAGS = ("PageType", "PteFlag")
_PAGE = ("PageType", "AllocFlag")

CALLS = group(
    "mmu",
    procedure(
        38,
        "SetPxE",
        Argument("pte", "PTE", "EAX"),
        Argument("ptep", "PTE *", "EDX"),
        Argument("flags", "UINT32", "ECX", _FLAGS),
        doc="""Stores a 32-bit page-table entry at linear address ``ptep`` and lets the hypervisor know.
        The memory reads back as it was given.""",
        clauses=("VMI-MMU-20", "VMI-MMU-21"),
    ),
    procedure(
        39,
        "SetPxELong",
        Argument("pte", "LONG_PTE", "EDX:EAX"),
        Argument("ptep", "LONG_PTE *", "ECX"),
        Argument("flags", "UINT32", "st0", _FLAGS),
        doc="""Stores a 64-bit (PAE) entry at linear address ``ptep`` and lets the hypervisor know. No
        other CPU ever sees the entry present and half written.""",
        clauses=("VMI-MMU-05", "VMI-MMU-20", "VMI-MMU-21"),
    ),
    procedure(
        40,
        "UpdatePxE",
        Argument("ptep", "PTE *", "EAX"),
        Argument("flags", "UINT32", "EDX", _FLAGS),
        doc="Tells that the guest itself has changed the 32-bit entry at linear address ``ptep``.",
        clauses=("VMI-MMU-19", "VMI-MMU-20", "VMI-MMU-21"),
    ),
    procedure(
        41,
        "UpdatePxELong",
        Argument("ptep", "LONG_PTE *", "EAX"),
        Argument("flags", "UINT32", "EDX", _FLAGS),
        doc="Tells that the guest itself has changed the 64-bit (PAE) entry at linear address ``ptep``.",
        clauses=("VMI-MMU-19", "VMI-MMU-20", "VMI-MMU-21"),
    ),
    unpublished(
        42,
        "MachineToPhysical",
        doc="A number without a published contract; our ROMs answer NONE to it.",
    ),
    unpublished(
        43,
        "PhysicalToMachine",
        doc="A number without a published contract; our ROMs answer NONE to it.",
    ),
    procedure(
        44,
        "AllocatePage",
        Argument("pfn", "UINT32", "EAX"),
        Argument("flags", "UINT32", "EDX", _PAGE),
        Argument("clonePfn", "UINT32", "ECX"),
        Argument("start", "UINT32", "st0"),
        Argument("count", "UINT32", "st1"),
        doc="""Announces that a frame becomes a page table of the given type. With CLONE, ``count`` entries
        from ``start`` on were copied from frame ``clonePfn``. Entries may be set in frames that were
        never announced.""",
        clauses=("VMI-MMU-22",),
    ),
    procedure(
        45,
        "ReleasePage",
        Argument("pfn", "UINT32", "EAX"),
        Argument("flags", "UINT32", "EDX", _PAGE),
        doc="Tells that a frame is no longer a page table. Its type is the one it was announced with.",
        clauses=("VMI-MMU-18", "VMI-MMU-23"),
    ),
    procedure(
        46,
        "InvalPage",
        Argument("va", "UINT32", "EAX"),
        clobbers=STANDARD_MEMORY,
        doc="""Drops this CPU's translation of the page around ``va``, small or large, after any update of
        it that was still waiting.""",
        clauses=("VMI-MMU-07", "VMI-MMU-13"),
    ),
    procedure(
        47,
        "FlushTLB",
        Argument("how", "INT", "EAX", ("FlushTlb",)),
        clobbers=STANDARD_MEMORY,
        doc="""Drops this CPU's translations, after any update that was still waiting: with TLB those that
        are not global, with GLOBAL those as well.""",
        clauses=("VMI-MMU-07", "VMI-MMU-12"),
    ),
    procedure(
        48,
        "SetLinearMapping",
        Argument("slot", "INT", "EAX"),
        Argument("va", "UINT32", "EDX"),
        Argument("pages", "UINT32", "ECX"),
        Argument("ppn", "UINT32", "st0"),
        doc="""Tells where the guest maps its page tables: ``pages`` pages from ``va`` on show the frames
        from ``ppn`` on. Slots are 0 to 3; a ROM that looks addresses up itself may do nothing.""",
        clauses=("VMI-MMU-15", "VMI-MMU-16"),
    ),
)
