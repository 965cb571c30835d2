"""Descriptor tables, the task register and the kernel stack.

Tables lie in the guest's memory and are named by linear address. After VMI_Init the guest changes them
through these calls only; what the ROM stores there need not be bit for bit what was asked.
"""

from vmirom.schema import STANDARD_MEMORY, Argument, Call, Result, function, group, procedure

_DTR = Argument("dtr", "DTR *", "EAX")
_SELECTOR = Argument("selector", "SELECTOR", "EAX")
_RESULT = Result("selector", "SELECTOR", "EAX")


def _write(number: int, name: str, doc: str) -> Call:
    return procedure(
        number,
        name,
        Argument("table", "void *", "EAX"),
        Argument("entry", "UINT", "EDX"),
        Argument("descLo", "UINT32", "ECX"),
        Argument("descHi", "UINT32", "st0"),
        clobbers=STANDARD_MEMORY,
        doc=doc,
        clauses=("VMI-DT-05",),
    )


CALLS = group(
    "descriptors",
    procedure(
        3,
        "SetGDT",
        _DTR,
        clobbers=STANDARD_MEMORY,
        doc="""Loads the GDT from a 6-byte descriptor and reloads the segment registers from it. The table
        must be page-aligned, and its kernel descriptors end up at the guest's own privilege.""",
        clauses=("VMI-DT-01", "VMI-DT-02"),
    ),
    procedure(
        4,
        "SetLDT",
        _SELECTOR,
        clobbers=STANDARD_MEMORY,
        doc="""Makes the LDT that the GDT describes under this selector the current one and reloads the
        segment registers; selector 0 leaves the CPU without an LDT.""",
        clauses=("VMI-DT-02", "VMI-DT-14"),
    ),
    procedure(
        5,
        "SetIDT",
        _DTR,
        clobbers=STANDARD_MEMORY,
        doc="""Loads the IDT from a 6-byte descriptor. Gates have the hardware's format; all that are
        present in the table take effect.""",
        clauses=("VMI-DT-01", "VMI-DT-13"),
    ),
    procedure(
        6,
        "SetTR",
        _SELECTOR,
        clobbers=STANDARD_MEMORY,
        doc="Names the task segment. Of it only the kernel stack counts, and UpdateKernelStack tells that.",
    ),
    procedure(
        7,
        "GetGDT",
        _DTR,
        clobbers=STANDARD_MEMORY,
        doc="Stores limit and base of the guest's GDT as it last set them, at the given address.",
        clauses=("VMI-DT-03",),
    ),
    function(
        8,
        "GetLDT",
        returns=_RESULT,
        clobbers=STANDARD_MEMORY,
        doc="Returns the selector last given to SetLDT.",
        clauses=("VMI-DT-04",),
    ),
    procedure(
        9,
        "GetIDT",
        _DTR,
        clobbers=STANDARD_MEMORY,
        doc="Stores limit and base of the guest's IDT as it last set them, at the given address.",
        clauses=("VMI-DT-03",),
    ),
    function(
        10,
        "GetTR",
        returns=_RESULT,
        clobbers=STANDARD_MEMORY,
        doc="Returns the selector last given to SetTR.",
        clauses=("VMI-DT-04",),
    ),
    _write(
        11,
        "WriteGDTEntry",
        """Puts a descriptor into entry ``entry`` of a GDT and makes it effective if that table is in use.
        Base, type and present bit are as given; privilege may be raised and the limit cut.""",
    ),
    _write(
        12,
        "WriteLDTEntry",
        """Puts a descriptor into entry ``entry`` of an LDT, with the same freedom as WriteGDTEntry.""",
    ),
    _write(
        13,
        "WriteIDTEntry",
        """Puts a gate into entry ``entry`` of an IDT. The table may be written before SetIDT names it;
        if it is in use the gate is effective when the call returns.""",
    ),
    procedure(
        14,
        "UpdateKernelStack",
        Argument("ss0", "SELECTOR", "EAX"),
        Argument("esp0", "UINT32", "EDX"),
        doc="""From the next entry out of user mode on, the kernel starts on this stack. The selector is
        taken at the guest kernel's own privilege, whatever its RPL says.""",
        clauses=("VMI-DT-15",),
    ),
)
