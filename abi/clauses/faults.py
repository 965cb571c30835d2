"""What a guest's fault handlers may rely on, and must not."""

from vmirom.schema.clauses import CARRIED, duty

CLAUSES = (
    duty(
        "VMI-FLT-01",
        "A handler takes flags from the frame, not from the processor.",
        source="P4",
        rev=CARRIED,
    ),
    duty("VMI-FLT-02", "The stack on which the kernel takes traps is flat.", source="P4", rev=CARRIED),
    duty(
        "VMI-FLT-03",
        "It has 32 bytes free when a fault comes; a guest where it has not may be ended.",
        source="P4",
        rev=CARRIED,
    ),
)
