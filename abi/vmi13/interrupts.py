"""The interrupt flag, and the ways out of the kernel."""

from vmirom.schema import CODE_STACK, FLAGS_ONLY, Argument, Result, function, group, jump, procedure

CALLS = group(
    "interrupts",
    procedure(
        35,
        "EnableInterrupts",
        clobbers=FLAGS_ONLY,
        segments=CODE_STACK,
        doc="""Enables interrupts. One that became pending while they were off is delivered before the
        guest gets further.""",
        since="13.0",
    ),
    procedure(
        36,
        "DisableInterrupts",
        clobbers=FLAGS_ONLY,
        segments=CODE_STACK,
        doc="Disables interrupts: none is delivered until a call or a return enables them again.",
        since="13.0",
    ),
    function(
        37,
        "GetInterruptMask",
        returns=Result("mask", "UINT", "EAX"),
        clobbers=FLAGS_ONLY,
        segments=CODE_STACK,
        doc="Returns a flags word of which bit 9 (0x200) tells whether interrupts are enabled.",
        since="13.0",
    ),
    procedure(
        38,
        "SetInterruptMask",
        Argument("mask", "UINT", "EAX"),
        clobbers=FLAGS_ONLY,
        segments=CODE_STACK,
        doc="""Enables interrupts if bit 9 of ``mask`` is set, delivering what is pending, and disables
        them otherwise. Other bits mean nothing.""",
        since="13.0",
    ),
    jump(
        39,
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
        doc="Returns from a trap or interrupt to the frame on the stack.",
        since="13.0",
    ),
    jump(
        40,
        "SYSEXIT",
        Argument("eip", "UINT32", "EDX"),
        Argument("esp", "UINT32", "ECX"),
        doc="""Continues user code at ``eip`` on stack ``esp``, with interrupts enabled in the same step.""",
        since="13.0",
    ),
)
