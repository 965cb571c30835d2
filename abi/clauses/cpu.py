"""Control, debug and model-specific registers, CPUID."""

from vmirom.schema.clauses import BOTH, CARRIED, DOCUMENT, duty, promise

CLAUSES = (
    promise(
        "VMI-CPU-01",
        "CPUID takes EAX and ECX, answers in EAX, EBX, ECX and EDX, and else changes flags only.",
        "CPUID",
        source="P5A",
        rev=BOTH,
    ),
    promise(
        "VMI-CPU-02",
        "CPUID may hide features of the processor and shows none that the ROM can't serve.",
        "CPUID",
        source="P5A",
        rev=CARRIED,
    ),
    promise(
        "VMI-CPU-03",
        "PE, PG and WP of CR0 stay on once they are on.",
        "SetCR0",
        source="P5A",
        rev=CARRIED,
    ),
    promise(
        "VMI-CPU-04",
        "PGE, PSE and PAE of CR4 stay on once they are on.",
        "SetCR4",
        source="P5A",
        rev=CARRIED,
    ),
    promise(
        "VMI-CPU-05",
        "GetCR2 returns what SetCR2 was given, and SetCR2 does nothing else.",
        "SetCR2",
        "GetCR2",
        source="P5A",
        rev=BOTH,
    ),
    promise(
        "VMI-CPU-06",
        "In the handler of a page fault GetCR2 returns the address that faulted.",
        "GetCR2",
        source="P5A",
        rev=BOTH,
    ),
    promise(
        "VMI-CPU-07",
        "GetCR3 returns what SetCR3 was given, and SetCR3 drops this processor's translations.",
        "SetCR3",
        "GetCR3",
        source="P5A",
        rev=BOTH,
    ),
    promise(
        "VMI-CPU-08",
        "CLTS clears TS in what GetCR0 returns, and no other bit.",
        "CLTS",
        "GetCR0",
        source="P5A",
        rev=BOTH,
    ),
    promise(
        "VMI-CPU-09",
        "Debug registers tell what they were given, as the hardware's do, or always 0.",
        "SetDR",
        "GetDR",
        source="P5A",
        rev=BOTH,
    ),
    promise(
        "VMI-CPU-10",
        "WRMSR and RDMSR do what the instructions do, for the registers that the hypervisor serves.",
        "WRMSR",
        "RDMSR",
        source="P5A",
        rev=BOTH,
    ),
    duty("VMI-CPU-11", "INVD is never called.", "INVD", source="P5A", rev=DOCUMENT),
)
