"""Descriptor tables and the kernel stack."""

from vmirom.schema import STANDARD_MEMORY, Argument, Result, function, group, procedure

CALLS = group(
    "descriptors",
    procedure(
        8,
        "SetGDT",
        Argument("dtr", "DTR *", "EAX"),
        clobbers=STANDARD_MEMORY,
        doc="""Loads the GDT from a 6-byte descriptor and reloads the segment registers from it. The
        table must be page-aligned, and its kernel descriptors end up at the guest's own
        privilege.""",
        since="13.0",
    ),
    procedure(
        9,
        "SetLDT",
        Argument("selector", "SELECTOR", "EAX"),
        clobbers=STANDARD_MEMORY,
        doc="""Makes the LDT that the GDT describes under this selector the current one and reloads the
        segment registers; selector 0 leaves the CPU without an LDT.""",
        since="13.0",
    ),
    procedure(
        10,
        "SetIDT",
        Argument("dtr", "DTR *", "EAX"),
        clobbers=STANDARD_MEMORY,
        doc="""Loads the IDT from a 6-byte descriptor. Gates have the hardware's format; all that are
        present in the table take effect.""",
        since="13.0",
    ),
    procedure(
        11,
        "SetTR",
        Argument("selector", "SELECTOR", "EAX"),
        clobbers=STANDARD_MEMORY,
        doc="""Names the task segment. Of it only the kernel stack counts, and UpdateKernelStack tells
        that.""",
        since="13.0",
    ),
    procedure(
        12,
        "GetGDT",
        Argument("dtr", "DTR *", "EAX"),
        clobbers=STANDARD_MEMORY,
        doc="Stores limit and base of the guest's GDT as it last set them, at the given address.",
        since="13.0",
    ),
    function(
        13,
        "GetLDT",
        returns=Result("selector", "SELECTOR", "EAX"),
        clobbers=STANDARD_MEMORY,
        doc="Returns the selector last given to SetLDT.",
        since="13.0",
    ),
    procedure(
        14,
        "GetIDT",
        Argument("dtr", "DTR *", "EAX"),
        clobbers=STANDARD_MEMORY,
        doc="Stores limit and base of the guest's IDT as it last set them, at the given address.",
        since="13.0",
    ),
    function(
        15,
        "GetTR",
        returns=Result("selector", "SELECTOR", "EAX"),
        clobbers=STANDARD_MEMORY,
        doc="Returns the selector last given to SetTR.",
        since="13.0",
    ),
    procedure(
        16,
        "WriteGDTEntry",
        Argument("table", "void *", "EAX"),
        Argument("entry", "UINT", "EDX"),
        Argument("descLo", "UINT32", "ECX"),
        Argument("descHi", "UINT32", "st0"),
        clobbers=STANDARD_MEMORY,
        doc="""Puts a descriptor into entry ``entry`` of a GDT and makes it effective if that table is in
        use. Base, type and present bit are as given; privilege may be raised and the
        limit cut.""",
        since="13.0",
    ),
    procedure(
        17,
        "WriteLDTEntry",
        Argument("table", "void *", "EAX"),
        Argument("entry", "UINT", "EDX"),
        Argument("descLo", "UINT32", "ECX"),
        Argument("descHi", "UINT32", "st0"),
        clobbers=STANDARD_MEMORY,
        doc="""Puts a descriptor into entry ``entry`` of an LDT, with the same freedom as WriteGDTEntry.""",
        since="13.0",
    ),
    procedure(
        18,
        "WriteIDTEntry",
        Argument("table", "void *", "EAX"),
        Argument("entry", "UINT", "EDX"),
        Argument("descLo", "UINT32", "ECX"),
        Argument("descHi", "UINT32", "st0"),
        clobbers=STANDARD_MEMORY,
        doc="""Puts a gate into entry ``entry`` of an IDT. The table may be written before SetIDT names
        it; if it is in use the gate is effective when the call returns.""",
        since="13.0",
    ),
    procedure(
        19,
        "UpdateKernelStack",
        Argument("tss", "void *", "EAX"),
        Argument("esp0", "UINT32", "EDX"),
        doc="Tells which stack the next entry from user mode shall use.",
        since="13.0",
    ),
)
