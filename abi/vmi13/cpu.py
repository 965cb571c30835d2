"""Processor state."""

from vmirom.schema import FLAGS_ONLY, STANDARD_MEMORY, Argument, Result, function, group, procedure, published

CALLS = group(
    "cpu",
    function(
        5,
        "CPUID",
        Argument("function", "UINT32", "EAX"),
        Argument("sub", "UINT32", "ECX"),
        returns=Result("eax", "UINT32", "EAX"),
        outputs=(
            Result("eax", "UINT32", "EAX"),
            Result("ebx", "UINT32", "EBX"),
            Result("ecx", "UINT32", "ECX"),
            Result("edx", "UINT32", "EDX"),
        ),
        clobbers=FLAGS_ONLY,
        doc="""Answers like the CPUID instruction, in the same registers. Features that the ROM can't
        keep are left out of the answer, and none is shown that it does not serve.""",
        since="13.0",
    ),
    procedure(
        6,
        "WRMSR",
        Argument("value", "UINT64", "EDX:EAX"),
        Argument("msr", "UINT32", "ECX"),
        clobbers=STANDARD_MEMORY,
        doc="""Writes a model-specific register, for those registers that the hypervisor lets a guest
        write.""",
        since="13.0",
    ),
    function(
        7,
        "RDMSR",
        Argument("dummy", "UINT64", "EDX:EAX"),
        Argument("msr", "UINT32", "ECX"),
        returns=Result("value", "UINT64", "EDX:EAX"),
        doc="""Reads a model-specific register. The first argument means nothing; it only puts the
        register number where the native instruction has it.""",
        since="13.0",
    ),
    procedure(
        20,
        "SetCR0",
        Argument("value", "UINT", "EAX"),
        doc="Sets CR0; protection, paging and write protection stay on once they are on.",
        since="13.0",
    ),
    procedure(
        21,
        "SetCR2",
        Argument("value", "UINT", "EAX"),
        doc="Sets the value that GetCR2 returns, and changes nothing else.",
        since="13.0",
    ),
    procedure(
        22,
        "SetCR3",
        Argument("value", "UINT", "EAX"),
        doc="""Switches to the page tables at this guest-physical address and drops the CPU's non-global
        translations.""",
        since="13.0",
    ),
    procedure(
        23,
        "SetCR4",
        Argument("value", "UINT", "EAX"),
        doc="""Sets CR4. Global pages, large pages and PAE stay on once they are on; bits the hypervisor
        does not give are left out.""",
        since="13.0",
    ),
    function(
        24,
        "GetCR0",
        returns=Result("value", "UINT32", "EAX"),
        doc="Returns CR0 as the guest's own kernel has set it.",
        since="13.0",
    ),
    function(
        25,
        "GetCR2",
        returns=Result("value", "UINT32", "EAX"),
        doc="""Returns the address of the last page fault, or what SetCR2 stored since. Inside a page-
        fault handler it is the address that faulted.""",
        since="13.0",
    ),
    function(
        26,
        "GetCR3",
        returns=Result("value", "UINT32", "EAX"),
        doc="Returns what was last given to SetCR3.",
        since="13.0",
    ),
    function(
        27,
        "GetCR4",
        returns=Result("value", "UINT32", "EAX"),
        doc="Returns CR4 as the guest's own kernel has set it.",
        since="13.0",
    ),
    published(
        28,
        "INVD",
        "procedure",
        (),
        clobbers=None,
        segments=None,
        doc="Drops the caches without writing them back. A guest has no business to do that.",
        since="13.0",
    ),
    procedure(
        29, "WBINVD", doc="Writes back and empties the caches, where the hypervisor allows it.", since="13.0"
    ),
    procedure(
        30,
        "SetDR",
        Argument("num", "UINT32", "EAX"),
        Argument("value", "UINT32", "EDX"),
        doc="Sets debug register ``num`` (0 to 7).",
        since="13.0",
    ),
    function(
        31,
        "GetDR",
        Argument("num", "UINT32", "EAX"),
        returns=Result("value", "UINT32", "EAX"),
        doc="""Returns debug register ``num``; always 0 where the hypervisor has no debug registers to
        give.""",
        since="13.0",
    ),
    function(
        32,
        "RDPMC",
        Argument("dummy", "UINT64", "EDX:EAX"),
        Argument("counter", "UINT32", "ECX"),
        returns=Result("value", "UINT64", "EDX:EAX"),
        doc="Reads a performance counter. The first argument means nothing, as in RDMSR.",
        since="13.0",
    ),
    function(
        33,
        "RDTSC",
        returns=Result("value", "UINT64", "EDX:EAX"),
        doc="Reads the time-stamp counter.",
        since="13.0",
    ),
    procedure(
        34,
        "CLTS",
        doc="Clears the task-switched bit of CR0 and no other: floating point no longer traps.",
        since="13.0",
    ),
)
