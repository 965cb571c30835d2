"""IRET and SYSEXIT."""

from vmirom.schema.clauses import BOTH, CARRIED, When, duty, promise

_V86 = When(features=("v86",))

CLAUSES = (
    promise(
        "VMI-RET-01",
        "IRET goes on at the frame's EIP, CS and EFLAGS, and in user code at its ESP and SS.",
        "IRET",
        source="P5A",
        rev=BOTH,
    ),
    promise(
        "VMI-RET-02",
        "IRET sets the virtual interrupt flag from the frame in the same step.",
        "IRET",
        source="P5A",
        rev=BOTH,
    ),
    promise("VMI-RET-03", "IRET does not take IOPL from the frame.", "IRET", source="P5A", rev=CARRIED),
    promise(
        "VMI-RET-04",
        "Where there is V86 mode IRET takes VM from the frame, and ES, DS, FS and GS with it.",
        "IRET",
        source="P5A",
        rev=CARRIED,
        when=_V86,
    ),
    promise(
        "VMI-RET-05",
        "Entered by CALL, IRET finds its frame one word above ESP.",
        "IRET",
        source="P5A",
        rev=CARRIED,
        decided="""3.0 guests take JUMP_REL as well, where the frame is at ESP; ROMs here answer that. The
        clause binds ROMs that answer CALL_REL.""",
    ),
    promise("VMI-RET-06", "IRET and SYSEXIT need CS and SS only.", "IRET", "SYSEXIT", source="P5A", rev=BOTH),
    promise(
        "VMI-RET-07",
        "SYSEXIT goes on in user code at EDX, on stack ECX, with interrupts on in the same step.",
        "SYSEXIT",
        source="P5A",
        rev=BOTH,
        when=When(features=("sysexit",)),
    ),
    promise(
        "VMI-RET-08",
        "Going to V86 mode clears the register SYSENTER_CS.",
        "IRET",
        source="P4",
        rev=CARRIED,
        when=_V86,
        decided="""The 3.0 client writes the register itself, by a plain WRMSR, before it goes to V86 mode and
        when it comes back; so no guest notices who did.""",
    ),
    duty(
        "VMI-RET-09",
        "IRET is not made on a stack of a 16-bit segment.",
        "IRET",
        source="P5A",
        rev=CARRIED,
    ),
)
