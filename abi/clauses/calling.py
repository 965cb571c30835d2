"""What holds for every call: registers, stack, segments."""

from vmirom.schema.clauses import ALL, BOTH, CARRIED, EVERY, OLDEST, STD, duty, promise

CLAUSES = (
    promise(
        "VMI-CALL-01",
        "A standard call leaves EBX, ESI, EDI, EBP and ESP as they were.",
        *STD,
        source="P5A",
        rev=BOTH,
    ),
    promise("VMI-CALL-02", "A call changes no register but its outputs.", *EVERY, source="V6", rev=OLDEST),
    promise(
        "VMI-CALL-03",
        "A 64-bit result comes back in EDX:EAX.",
        "RDMSR",
        "RDPMC",
        "RDTSC",
        "GetCycleFrequency",
        "GetCycleCounter",
        "GetWallclockTime",
        source="P5A",
        rev=ALL,
    ),
    promise(
        "VMI-CALL-04",
        "Stack arguments stay on the stack: the caller takes them off.",
        "WriteGDTEntry",
        "WriteLDTEntry",
        "WriteIDTEntry",
        "SetPxELong",
        "AllocatePage",
        "SetLinearMapping",
        "SetAlarm",
        source="P5A (C convention), G4",
        rev=BOTH,
    ),
    duty("VMI-CALL-05", "Calls are made on flat 32-bit CS and SS only.", *EVERY, source="P4", rev=ALL),
    duty(
        "VMI-CALL-06",
        "Calls other than IRET, SYSEXIT and the four of the interrupt flag are made with flat DS and ES.",
        *STD,
        source="P4, P5A",
        rev=CARRIED,
    ),
    promise("VMI-CALL-07", "No call relies on FS or GS.", *EVERY, source="V6", rev=OLDEST),
    promise(
        "VMI-CALL-08",
        "A fault inside a call may be reported at another address than the native instruction's.",
        *EVERY,
        source="P4",
        rev=CARRIED,
    ),
)
