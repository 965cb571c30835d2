"""Other processors and the local APIC."""

from vmirom.schema import Argument, Result, function, group, procedure

CALLS = group(
    "smp",
    procedure(
        62,
        "SetInitialAPState",
        Argument("apState", "APState *", "EAX"),
        Argument("apicId", "UINT32", "EDX"),
        doc="""Gives the registers with which an application processor starts. It is made between the INIT
        and the STARTUP interrupt; a processor without a valid state does not start.""",
        clauses=("VMI-AP-01", "VMI-AP-02", "VMI-AP-03"),
    ),
    procedure(
        63,
        "APICWrite",
        Argument("reg", "void *", "EAX"),
        Argument("value", "UINT32", "EDX"),
        doc="""Writes the local APIC register at byte offset ``reg`` of its page, with the effects the
        hardware's would have.""",
        clauses=("VMI-APIC-01",),
    ),
    function(
        64,
        "APICRead",
        Argument("reg", "void *", "EAX"),
        returns=Result("value", "UINT32", "EAX"),
        doc="Reads the local APIC register at byte offset ``reg`` of its page.",
        clauses=("VMI-APIC-01",),
    ),
)
