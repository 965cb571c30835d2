"""Counters, alarms and the wall clock.

Three counters tick at one rate: real, available (running or halted) and stolen (ready but not running);
real is always the sum of the other two. An alarm stands on real or on available, one of each per CPU.
"""

from vmirom.schema import Argument, Result, function, group, procedure

_FLAGS = Argument("flags", "UINT32", "EAX", ("Alarm", "Counter"))

CALLS = group(
    "time",
    function(
        66,
        "GetCycleFrequency",
        returns=Result("hz", "CYCLES", "EDX:EAX"),
        doc="Returns the counters' rate in cycles per second. It does not change while the guest runs.",
        clauses=("VMI-TIME-05", "VMI-REL-11", "VMI-REL-12"),
    ),
    function(
        67,
        "GetCycleCounter",
        Argument("counter", "UINT32", "EAX", ("Counter",)),
        returns=Result("cycles", "CYCLES", "EDX:EAX"),
        doc="Returns one of the three counters, and 0 for a counter that does not exist.",
        clauses=("VMI-TIME-06", "VMI-TIME-07", "VMI-TIME-08", "VMI-TIME-10", "VMI-TIME-11"),
    ),
    procedure(
        68,
        "SetAlarm",
        _FLAGS,
        Argument("expiry", "CYCLES", "ECX:EDX"),
        Argument("period", "CYCLES", "st0"),
        doc="""Sets this CPU's alarm on a counter to an absolute value; one that is reached already fires
        at once. With PERIODIC and a period other than 0 it comes again every ``period`` cycles, missed
        ones counting once; on a counter without alarms the call does nothing.""",
        clauses=("VMI-TIME-14", "VMI-TIME-19", "VMI-TIME-21", "VMI-TIME-22", "VMI-TIME-23", "VMI-TIME-29"),
    ),
    function(
        69,
        "CancelAlarm",
        _FLAGS,
        returns=Result("armed", "BOOL", "EAX"),
        doc="""Takes back this CPU's alarm on a counter. Returns 1 if it was still to fire, else 0; it does
        not fire any more until it is set again.""",
        clauses=("VMI-TIME-26", "VMI-TIME-27", "VMI-TIME-28"),
    ),
    function(
        70,
        "GetWallclockTime",
        returns=Result("nanoseconds", "NANOSECS", "EDX:EAX"),
        doc="Returns the nanoseconds since 1970-01-01 00:00:00 UTC.",
        clauses=("VMI-TIME-01", "VMI-TIME-02"),
    ),
    function(
        71,
        "WallclockUpdated",
        returns=Result("updated", "BOOL", "EAX"),
        doc="""Returns 1 once after the wall clock was set against the real counter, and 0 until that
        happens again.""",
        clauses=("VMI-TIME-03", "VMI-TIME-04"),
    ),
)
