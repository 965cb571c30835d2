"""Start, waiting and stopping."""

from vmirom.schema import Argument, Result, function, group, procedure

CALLS = group(
    "system",
    function(
        4,
        "Init",
        returns=Result("value", "INT32", "EAX"),
        doc="""Initialises the hypervisor's side for this guest. 0 is success; after a failure the guest
        goes on natively.""",
        since="13.0",
    ),
    procedure(41, "Pause", doc="Tells that the guest spins and could give its processor away.", since="13.0"),
    procedure(42, "Halt", doc="Waits until an interrupt has been delivered.", since="13.0"),
    procedure(
        43,
        "Reboot",
        Argument("how", "INT", "EAX", ("RebootHow",)),
        doc="Starts the machine over: 0 as an INIT would, 1 as the reset button would.",
        since="13.0",
    ),
    procedure(
        44,
        "Shutdown",
        doc="""Ends the machine's work for good: interrupts stay off and the call does not come back.""",
        since="13.0",
    ),
)
