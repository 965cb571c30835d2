"""The interrupt flag, and the two ways out of the kernel.

The flag is a virtual one. These are the hottest calls: they touch flags only, need no data segment, and
may be patched over the guest's own instructions.
"""

from vmirom.schema import CODE_STACK, FLAGS_ONLY, Argument, Result, function, group, jump, procedure

CALLS = group(
    "interrupts",
    procedure(
        29,
        "EnableInterrupts",
        clobbers=FLAGS_ONLY,
        segments=CODE_STACK,
        doc="""Enables interrupts. One that became pending while they were off is delivered before the
        guest gets further.""",
        clauses=("VMI-IRQ-01", "VMI-IRQ-03", "VMI-IRQ-07", "VMI-IRQ-08"),
    ),
    procedure(
        30,
        "DisableInterrupts",
        clobbers=FLAGS_ONLY,
        segments=CODE_STACK,
        doc="Disables interrupts: none is delivered until a call or a return enables them again.",
        clauses=("VMI-IRQ-02", "VMI-IRQ-06", "VMI-IRQ-07", "VMI-IRQ-08"),
    ),
    function(
        31,
        "GetInterruptMask",
        returns=Result("mask", "UINT", "EAX"),
        clobbers=FLAGS_ONLY,
        segments=CODE_STACK,
        doc="Returns a flags word of which bit 9 (0x200) tells whether interrupts are enabled.",
        clauses=("VMI-IRQ-01", "VMI-IRQ-02", "VMI-IRQ-07", "VMI-IRQ-08"),
    ),
    procedure(
        32,
        "SetInterruptMask",
        Argument("mask", "UINT", "EAX"),
        clobbers=FLAGS_ONLY,
        segments=CODE_STACK,
        doc="""Enables interrupts if bit 9 of ``mask`` is set, delivering what is pending, and disables
        them otherwise. Other bits mean nothing.""",
        clauses=("VMI-IRQ-04", "VMI-IRQ-05", "VMI-IRQ-07", "VMI-IRQ-08"),
    ),
    jump(
        33,
        "IRET",
        Argument("eip", "UINT32", "st0"),
        Argument("cs", "UINT32", "st1"),
        Argument("eflags", "UINT32", "st2"),
        Argument("esp", "UINT32", "st3"),
        Argument("ss", "UINT32", "st4"),
        Argument("es", "UINT32", "st5"),
        Argument("ds", "UINT32", "st6"),
        Argument("fs", "UINT32", "st7"),
        Argument("gs", "UINT32", "st8"),
        doc="""Returns from a trap or interrupt to the frame on the stack and sets the virtual interrupt
        flag from it in the same step; IOPL stays. Stack words count from the frame: entered by CALL it
        stands above a return address; esp and ss are there for user returns only, the rest for V86.""",
        clauses=("VMI-RET-01", "VMI-RET-02", "VMI-RET-03", "VMI-RET-05", "VMI-RET-06"),
    ),
    jump(
        34,
        "SYSEXIT",
        Argument("eip", "UINT32", "EDX"),
        Argument("esp", "UINT32", "ECX"),
        doc="Continues user code at ``eip`` on stack ``esp``, with interrupts enabled in the same step.",
        clauses=("VMI-RET-06", "VMI-RET-07"),
    ),
)
