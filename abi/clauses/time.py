"""Three counters, two alarms a processor, one wall clock."""

from vmirom.schema.clauses import BOTH, CARRIED, Cpus, When, promise

_COUNTER = ("GetCycleCounter",)
_SEVERAL = When(cpus=Cpus.SEVERAL)

CLAUSES = (
    promise(
        "VMI-TIME-01",
        "GetWallclockTime returns the nanoseconds since 1970-01-01 00:00:00 UTC, 64 bits, unsigned.",
        "GetWallclockTime",
        source="P3, P5A",
        rev=BOTH,
    ),
    promise(
        "VMI-TIME-02",
        "The wall clock follows the host's when that is set.",
        "GetWallclockTime",
        source="P3",
        rev=CARRIED,
    ),
    promise(
        "VMI-TIME-03",
        "WallclockUpdated returns 1 once after the wall clock was set against real, then 0 until the next.",
        "WallclockUpdated",
        source="P5A",
        rev=CARRIED,
    ),
    promise(
        "VMI-TIME-04",
        "The first WallclockUpdated after suspend and resume returns 1.",
        "WallclockUpdated",
        source="P5A",
        rev=CARRIED,
    ),
    promise(
        "VMI-TIME-05",
        "GetCycleFrequency returns cycles a second, the same until paravirtual mode is entered again.",
        "GetCycleFrequency",
        source="P3, P5A",
        rev=BOTH,
    ),
    promise(
        "VMI-TIME-06",
        "GetCycleCounter returns real for 0, available for 1, stolen for 2.",
        *_COUNTER,
        source="P5A, T",
        rev=BOTH,
    ),
    promise("VMI-TIME-07", "For anything else it returns 0.", *_COUNTER, source="P5A", rev=BOTH),
    promise(
        "VMI-TIME-08",
        "At any instant real is the sum of stolen and available.",
        *_COUNTER,
        source="P3",
        rev=BOTH,
    ),
    promise(
        "VMI-TIME-09", "Stolen begins at 0, available where real does.", *_COUNTER, source="P3", rev=CARRIED
    ),
    promise(
        "VMI-TIME-10",
        "Stolen goes at real's rate just while the processor could run and does not.",
        *_COUNTER,
        source="P3",
        rev=CARRIED,
    ),
    promise(
        "VMI-TIME-11",
        "Available goes at real's rate just while the processor runs or is halted.",
        *_COUNTER,
        source="P3",
        rev=CARRIED,
    ),
    promise(
        "VMI-TIME-12",
        "All processors have one and the same real.",
        *_COUNTER,
        source="P3",
        rev=CARRIED,
        when=_SEVERAL,
    ),
    promise(
        "VMI-TIME-13",
        "Real stands still while the machine is stopped or suspended.",
        *_COUNTER,
        source="P3",
        rev=CARRIED,
    ),
    promise(
        "VMI-TIME-14", "An alarm's expiry is a value of its counter.", "SetAlarm", source="P3, K", rev=BOTH
    ),
    promise(
        "VMI-TIME-15",
        "An alarm fires once its counter has reached the expiry and its processor runs.",
        "SetAlarm",
        source="P3",
        rev=CARRIED,
    ),
    promise(
        "VMI-TIME-16",
        "It never fires while its processor is halted or waits to run.",
        "SetAlarm",
        source="P3",
        rev=CARRIED,
    ),
    promise(
        "VMI-TIME-17",
        "A halted processor is wanted to run again when the counter of an alarm reaches the expiry.",
        "SetAlarm",
        "Halt",
        source="P3",
        rev=CARRIED,
    ),
    promise(
        "VMI-TIME-18", "A one-shot alarm is off once it has fired.", "SetAlarm", source="P3", rev=CARRIED
    ),
    promise(
        "VMI-TIME-19",
        """A periodic alarm expires at first + n * period; having fired it expires next at the first of these
        above its counter.""",
        "SetAlarm",
        source="P3",
        rev=CARRIED,
    ),
    promise(
        "VMI-TIME-20",
        "Expiries that passed while the processor did not run make one firing.",
        "SetAlarm",
        source="P3",
        rev=CARRIED,
    ),
    promise(
        "VMI-TIME-21",
        "A period of 0 makes an alarm one-shot, whatever the flags say.",
        "SetAlarm",
        source="P5A",
        rev=CARRIED,
    ),
    promise(
        "VMI-TIME-22",
        "SetAlarm on stolen, or on a counter that is not defined, does nothing.",
        "SetAlarm",
        source="P5A",
        rev=CARRIED,
    ),
    promise(
        "VMI-TIME-23",
        "SetAlarm on an alarm that is set is CancelAlarm, then SetAlarm.",
        "SetAlarm",
        source="P5A",
        rev=CARRIED,
    ),
    promise(
        "VMI-TIME-24",
        "A processor has one alarm on real and one on available, and neither knows of the other.",
        "SetAlarm",
        "CancelAlarm",
        source="P3",
        rev=CARRIED,
    ),
    promise(
        "VMI-TIME-25",
        "An alarm fires on the processor that set it and on no other.",
        "SetAlarm",
        source="P3",
        rev=CARRIED,
        when=_SEVERAL,
    ),
    promise(
        "VMI-TIME-26",
        "CancelAlarm returns 1 for an alarm that is set and periodic or not yet fired, else 0.",
        "CancelAlarm",
        source="P5A",
        rev=CARRIED,
    ),
    promise(
        "VMI-TIME-27",
        "It returns 0 for a one-shot that has fired, though its interrupt may still wait.",
        "CancelAlarm",
        source="P5A",
        rev=CARRIED,
    ),
    promise(
        "VMI-TIME-28",
        "An alarm that was cancelled does not fire until it is set again.",
        "CancelAlarm",
        source="P5A",
        rev=CARRIED,
    ),
    promise(
        "VMI-TIME-29",
        "Flag 10000h sends the alarm to the vector of the APIC's LVTT; without it, it is IRQ 0.",
        "SetAlarm",
        source="P3, T",
        rev=BOTH,
    ),
    promise(
        "VMI-TIME-30",
        "SetAlarm with an expiry that is reached already fires at once.",
        "SetAlarm",
        source="P3 (der.)",
        rev=CARRIED,
        decided="""It follows from VMI-TIME-15, and Linux sets periodic alarms with expiry = now. The
        reference guest checks it with past expiries and with 0.""",
    ),
)
