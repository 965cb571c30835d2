"""Application processors and the local APIC."""

from vmirom.schema import Argument, Result, function, group, procedure

CALLS = group(
    "smp",
    procedure(
        75,
        "SetInitialAPState",
        Argument("apState", "vmi_ap_state *", "EAX"),
        Argument("apicId", "UINT32", "EDX"),
        doc="""Gives the registers with which an application processor starts. It is made between the
        INIT and the STARTUP interrupt; a processor without a valid state does not start.""",
        since="13.0",
    ),
    procedure(
        76,
        "APICWrite",
        Argument("reg", "void *", "EAX"),
        Argument("value", "UINT32", "EDX"),
        doc="""Writes the local APIC register at byte offset ``reg`` of its page, with the effects the
        hardware's would have.""",
        since="13.0",
    ),
    function(
        77,
        "APICRead",
        Argument("reg", "void *", "EAX"),
        returns=Result("value", "UINT32", "EAX"),
        doc="Reads the local APIC register at byte offset ``reg`` of its page.",
        since="13.0",
    ),
)
