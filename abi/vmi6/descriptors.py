"""Descriptor tables and the kernel stack."""

from vmirom.schema import FLAGS_ONLY, Argument, Result, function, group, procedure

CALLS = group(
    "descriptors",
    procedure(
        8,
        "SetGDT",
        Argument("dtr", "DTR *", "EAX"),
        clobbers=("flags", "memory"),
        doc="""Loads the GDT from a 6-byte descriptor and reloads the segment registers from it. The
        table must be page-aligned, and its kernel descriptors end up at the guest's own
        privilege.""",
        since="6.1",
    ),
    procedure(
        9,
        "SetIDT",
        Argument("dtr", "DTR *", "EAX"),
        clobbers=("flags", "memory"),
        doc="""Loads the IDT from a 6-byte descriptor. Gates have the hardware's format; all that are
        present in the table take effect.""",
        since="6.1",
    ),
    procedure(
        10,
        "SetLDT",
        Argument("sel", "SELECTOR", "EAX"),
        clobbers=("flags", "memory"),
        doc="""Makes the LDT that the GDT describes under this selector the current one and reloads the
        segment registers; selector 0 leaves the CPU without an LDT.""",
        since="6.1",
    ),
    procedure(
        11,
        "SetTR",
        Argument("sel", "SELECTOR", "EAX"),
        clobbers=("flags", "memory"),
        doc="""Names the task segment. Of it only the kernel stack counts, and UpdateKernelStack tells
        that.""",
        since="6.1",
    ),
    procedure(
        12,
        "GetGDT",
        Argument("dtr", "DTR *", "EAX"),
        clobbers=FLAGS_ONLY,
        doc="Stores limit and base of the guest's GDT as it last set them, at the given address.",
        since="6.1",
    ),
    procedure(
        13,
        "GetIDT",
        Argument("dtr", "DTR *", "EAX"),
        clobbers=FLAGS_ONLY,
        doc="Stores limit and base of the guest's IDT as it last set them, at the given address.",
        since="6.1",
    ),
    function(
        14,
        "GetLDT",
        returns=Result("selector", "SELECTOR", "EAX"),
        clobbers=FLAGS_ONLY,
        doc="Returns the selector last given to SetLDT.",
        since="6.1",
    ),
    function(
        15,
        "GetTR",
        returns=Result("selector", "SELECTOR", "EAX"),
        clobbers=FLAGS_ONLY,
        doc="Returns the selector last given to SetTR.",
        since="6.1",
    ),
    procedure(
        16,
        "UpdateGDT",
        Argument("first", "UINT32", "EAX"),
        Argument("last", "UINT32", "EDX"),
        clobbers=FLAGS_ONLY,
        doc="Tells that the guest has changed entries ``first`` to ``last`` of its GDT.",
        since="6.1",
    ),
    procedure(
        17,
        "UpdateIDT",
        Argument("first", "UINT32", "EAX"),
        Argument("last", "UINT32", "EDX"),
        clobbers=FLAGS_ONLY,
        doc="Tells that the guest has changed entries ``first`` to ``last`` of its IDT.",
        since="6.1",
    ),
    procedure(
        18,
        "UpdateLDT",
        Argument("first", "UINT32", "EAX"),
        Argument("last", "UINT32", "EDX"),
        clobbers=FLAGS_ONLY,
        doc="Tells that the guest has changed entries ``first`` to ``last`` of its LDT.",
        since="6.1",
    ),
    procedure(
        19,
        "UpdateKernelStack",
        Argument("ss0", "SELECTOR", "EAX"),
        Argument("esp0", "char *", "EDX"),
        clobbers=FLAGS_ONLY,
        doc="Tells which stack the next entry from user mode shall use.",
        since="6.1",
    ),
)
