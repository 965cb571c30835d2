"""Processor state: CPUID, model-specific registers, control and debug registers, caches, the TSC."""

from vmirom.schema import (
    FLAGS_ONLY,
    STANDARD_MEMORY,
    Argument,
    Result,
    function,
    group,
    procedure,
)

_VALUE = Argument("value", "UINT", "EAX")
_WORD = Result("value", "UINT32", "EAX")
_LONG = Result("value", "UINT64", "EDX:EAX")

CALLS = group(
    "cpu",
    function(
        0,
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
        doc="""Answers like the CPUID instruction, in the same registers. Features that the ROM can't keep
        are left out of the answer, and none is shown that it does not serve.""",
        clauses=("VMI-CPU-01", "VMI-CPU-02"),
    ),
    procedure(
        1,
        "WRMSR",
        Argument("value", "UINT64", "EDX:EAX"),
        Argument("msr", "UINT32", "ECX"),
        clobbers=STANDARD_MEMORY,
        doc="Writes a model-specific register, for those registers that the hypervisor lets a guest write.",
        clauses=("VMI-CPU-10",),
    ),
    function(
        2,
        "RDMSR",
        Argument("dummy", "UINT64", "EDX:EAX"),
        Argument("msr", "UINT32", "ECX"),
        returns=_LONG,
        doc="""Reads a model-specific register. The first argument means nothing; it only puts the register
        number where the native instruction has it.""",
        clauses=("VMI-CPU-10",),
    ),
    procedure(
        15,
        "SetCR0",
        _VALUE,
        doc="""Sets CR0. Protection, paging and write protection stay on once they are on; the guest reads
        back what the call made of its value.""",
        clauses=("VMI-CPU-03",),
    ),
    procedure(
        16,
        "SetCR2",
        _VALUE,
        doc="Sets the value that GetCR2 returns, and changes nothing else.",
        clauses=("VMI-CPU-05",),
    ),
    procedure(
        17,
        "SetCR3",
        _VALUE,
        doc="""Switches to the page tables whose root is at this guest-physical address and drops all
        non-global translations of this CPU. In lazy CPU mode the switch may wait until the mode is left.""",
        clauses=("VMI-CPU-07",),
    ),
    procedure(
        18,
        "SetCR4",
        _VALUE,
        doc="""Sets CR4. Global pages, large pages and PAE stay on once they are on; bits the hypervisor
        does not give are left out.""",
        clauses=("VMI-CPU-04",),
    ),
    function(19, "GetCR0", returns=_WORD, doc="Returns CR0 as the guest's own kernel has set it."),
    function(
        20,
        "GetCR2",
        returns=_WORD,
        doc="""Returns the address of the last page fault, or what SetCR2 stored since. Inside a page-fault
        handler it is the address that faulted.""",
        clauses=("VMI-CPU-05", "VMI-CPU-06"),
    ),
    function(
        21,
        "GetCR3",
        returns=_WORD,
        doc="""Returns the guest-physical root that was last given to SetCR3, whatever the hypervisor uses
        underneath; before the first SetCR3, the root the guest was started with.""",
        clauses=("VMI-CPU-07",),
    ),
    function(22, "GetCR4", returns=_WORD, doc="Returns CR4 as the guest's own kernel has set it."),
    procedure(23, "WBINVD", doc="Writes back and empties the caches, where the hypervisor allows it."),
    procedure(
        24,
        "SetDR",
        Argument("num", "UINT32", "EAX"),
        Argument("value", "UINT32", "EDX"),
        doc="Sets debug register ``num`` (0 to 7).",
        clauses=("VMI-CPU-09",),
    ),
    function(
        25,
        "GetDR",
        Argument("num", "UINT32", "EAX"),
        returns=_WORD,
        doc="Returns debug register ``num``; always 0 where the hypervisor has no debug registers to give.",
        clauses=("VMI-CPU-09",),
    ),
    function(
        26,
        "RDPMC",
        Argument("dummy", "UINT64", "EDX:EAX"),
        Argument("counter", "UINT32", "ECX"),
        returns=_LONG,
        doc="Reads a performance counter. The first argument means nothing, as in RDMSR.",
    ),
    function(27, "RDTSC", returns=_LONG, doc="Reads the time-stamp counter."),
    procedure(
        28,
        "CLTS",
        doc="Clears the task-switched bit of CR0 and no other: floating point no longer traps.",
        clauses=("VMI-CPU-08",),
    ),
)
