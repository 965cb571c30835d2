"""The interrupt flag, and the ways out of the kernel."""

from vmirom.schema import CODE_STACK, FLAGS_ONLY, Argument, Result, function, group, jump, procedure

CALLS = group(
    "interrupts",
    procedure(
        54,
        "SetEFLAGS",
        Argument("flags", "UINT32", "EAX"),
        clobbers=FLAGS_ONLY,
        doc="Loads EFLAGS, virtual interrupt flag and IOPL included.",
        since="6.1",
    ),
    function(
        55,
        "GetEFLAGS",
        returns=Result("value", "UINT32", "EAX"),
        clobbers=FLAGS_ONLY,
        doc="Returns EFLAGS with the virtual interrupt flag and IOPL in their places.",
        since="6.1",
    ),
    function(
        56,
        "SaveAndDisableIRQs",
        returns=Result("value", "UINT32", "EAX"),
        clobbers=FLAGS_ONLY,
        doc="Returns EFLAGS with the virtual interrupt flag in it, and disables interrupts.",
        since="6.1",
    ),
    procedure(
        57,
        "RestoreIRQs",
        Argument("mask", "UINT32", "EAX"),
        clobbers=FLAGS_ONLY,
        doc="Sets the virtual interrupt flag from a word that SaveAndDisableIRQs returned.",
        since="6.1",
    ),
    procedure(58, "STI", clobbers=FLAGS_ONLY, segments=CODE_STACK, doc="Enables interrupts.", since="6.1"),
    procedure(59, "CLI", clobbers=FLAGS_ONLY, segments=CODE_STACK, doc="Disables interrupts.", since="6.1"),
    jump(
        60,
        "IRET",
        clobbers=FLAGS_ONLY,
        doc="Returns from a trap or interrupt to the frame on the stack.",
        since="6.1",
    ),
    jump(
        61,
        "IRET16",
        clobbers=FLAGS_ONLY,
        segments=(),
        doc="Returns from a trap through a frame of 16-bit words.",
        since="6.1",
    ),
    jump(
        62,
        "SysExit",
        Argument("eip", "UINT32", "EDX"),
        Argument("esp", "UINT32", "ECX"),
        clobbers=FLAGS_ONLY,
        doc="""Continues user code at ``eip`` on stack ``esp``, as SYSEXIT does; the interrupt flag
        stays.""",
        since="6.1",
    ),
    jump(
        63,
        "StiSysexit",
        Argument("eip", "UINT32", "EDX"),
        Argument("esp", "UINT32", "ECX"),
        clobbers=FLAGS_ONLY,
        doc="""Continues user code at ``eip`` on stack ``esp`` with interrupts enabled in the same step.""",
        since="6.1",
    ),
    jump(
        64,
        "SysRet",
        Argument("eip", "UINT32", "ECX"),
        clobbers=FLAGS_ONLY,
        doc="Continues user code at ``eip``, as SYSRET does.",
        since="6.1",
    ),
)
