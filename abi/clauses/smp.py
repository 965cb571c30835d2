"""The local APIC, and how further processors start."""

from vmirom.schema.clauses import BOTH, CARRIED, Cpus, When, duty, promise

_APIC = When(features=("apic",))
_SEVERAL = When(cpus=Cpus.SEVERAL)

CLAUSES = (
    promise(
        "VMI-APIC-01",
        "APICRead and APICWrite do what touching the hardware's register would do.",
        "APICRead",
        "APICWrite",
        source="P5A",
        rev=BOTH,
        when=_APIC,
    ),
    promise(
        "VMI-APIC-02",
        "The APIC's registers can also be touched as memory.",
        "APICRead",
        "APICWrite",
        source="P2.2",
        rev=CARRIED,
        when=_APIC,
    ),
    duty(
        "VMI-APIC-03",
        "The APIC is mapped at a page's start.",
        "APICRead",
        "APICWrite",
        source="P5A",
        rev=CARRIED,
        when=_APIC,
    ),
    duty(
        "VMI-AP-01",
        "SetInitialAPState is made between the INIT and the STARTUP interrupt.",
        "SetInitialAPState",
        source="P2.2",
        rev=BOTH,
        when=_SEVERAL,
    ),
    promise(
        "VMI-AP-02",
        "A processor that was given no state, or an impossible one, does not start.",
        "SetInitialAPState",
        source="P2.2",
        rev=CARRIED,
        when=_SEVERAL,
    ),
    promise(
        "VMI-AP-03",
        "It starts with just the registers of its APState, segments as the GDT named there has them.",
        "SetInitialAPState",
        source="P2.2",
        rev=CARRIED,
        when=_SEVERAL,
    ),
    promise(
        "VMI-AP-04",
        "What APState does not hold (FPU, SSE, MSRs other than EFER) is as after power-on.",
        "SetInitialAPState",
        source="P2.2",
        rev=CARRIED,
        when=_SEVERAL,
    ),
    duty(
        "VMI-AP-05",
        "An APState has PE and PG set in CR0, and LME and LMA clear in EFER.",
        "SetInitialAPState",
        source="P5A",
        rev=CARRIED,
        when=_SEVERAL,
    ),
    duty(
        "VMI-AP-06",
        "The APState lies at a page's start.",
        "SetInitialAPState",
        source="P5A (Linux 3.0 passes one on its stack)",
        rev=CARRIED,
        when=_SEVERAL,
    ),
)
