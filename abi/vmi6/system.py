"""Start, waiting and stopping."""

from vmirom.schema import ALL_SEGMENTS, FLAGS_ONLY, Argument, Result, function, group, procedure, published

CALLS = group(
    "system",
    function(
        4,
        "Init",
        Argument("dataArea", "void *", "EAX"),
        returns=Result("value", "UINT32", "EAX"),
        clobbers=FLAGS_ONLY,
        doc="""Initialises the hypervisor's side for this guest. 0 is success; after a failure the guest
        goes on natively.""",
        since="6.1",
    ),
    procedure(
        65,
        "SafeHalt",
        clobbers=FLAGS_ONLY,
        doc="Enables interrupts and waits, in one step, until one has been delivered.",
        since="6.1",
    ),
    procedure(
        66, "Halt", clobbers=FLAGS_ONLY, doc="Waits until an interrupt has been delivered.", since="6.1"
    ),
    procedure(
        67,
        "Pause",
        clobbers=FLAGS_ONLY,
        doc="Tells that the guest spins and could give its processor away.",
        since="6.1",
    ),
    procedure(
        68,
        "Shutdown",
        clobbers=FLAGS_ONLY,
        doc="""Ends the machine's work for good: interrupts stay off and the call does not come back.""",
        since="6.1",
    ),
    published(
        69,
        "Reboot",
        "procedure",
        (Argument("how", "UINT32", "", ("RebootHow",)),),
        clobbers=FLAGS_ONLY,
        segments=ALL_SEGMENTS,
        doc="Starts the machine over: 0 as an INIT would, 1 as the reset button would.",
        since="6.1",
    ),
)
