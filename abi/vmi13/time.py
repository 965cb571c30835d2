"""Time."""

from vmirom.schema import Argument, Result, function, group, procedure

CALLS = group(
    "time",
    function(
        79,
        "GetCycleFrequency",
        returns=Result("hz", "CYCLES", "EDX:EAX"),
        doc="""Returns the counters' rate in cycles per second. It does not change while the guest runs.""",
        since="13.0",
    ),
    function(
        80,
        "GetCycleCounter",
        Argument("counter", "UINT32", "EAX", ("Counter",)),
        returns=Result("cycles", "CYCLES", "EDX:EAX"),
        doc="Returns one of the three counters, and 0 for a counter that does not exist.",
        since="13.0",
    ),
    procedure(
        81,
        "SetAlarm",
        Argument("flags", "UINT32", "EAX", ("Alarm",)),
        Argument("expiry", "CYCLES", "ECX:EDX"),
        Argument("period", "CYCLES", "st0"),
        doc="""Sets this CPU's alarm on a counter to an absolute value; one that is reached already fires
        at once. With PERIODIC and a period other than 0 it comes again every ``period``
        cycles, missed ones counting once; on a counter without alarms the call does
        nothing.""",
        since="13.0",
    ),
    function(
        82,
        "CancelAlarm",
        Argument("flags", "UINT32", "EAX", ("Alarm",)),
        returns=Result("armed", "BOOL", "EAX"),
        doc="""Takes back this CPU's alarm on a counter. Returns 1 if it was still to fire, else 0; it
        does not fire any more until it is set again.""",
        since="13.0",
    ),
    function(
        83,
        "GetWallclockTime",
        returns=Result("nanoseconds", "NANOSECS", "EDX:EAX"),
        doc="Returns the nanoseconds since 1970-01-01 00:00:00 UTC.",
        since="13.0",
    ),
    function(
        84,
        "WallclockUpdated",
        returns=Result("updated", "BOOL", "EAX"),
        doc="""Returns 1 once after the wall clock was set against the real counter, and 0 until that
        happens again.""",
        since="13.0",
    ),
)
