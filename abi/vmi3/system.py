"""Waiting, stopping, lazy modes; and, since 3.1, asking the ROM what it is and what it does."""

from vmirom.schema import STANDARD_MEMORY, Argument, Result, function, group, procedure, unpublished

CALLS = group(
    "system",
    procedure(
        35,
        "Halt",
        doc="Enables interrupts and waits, in one step, until one has been delivered.",
        clauses=("VMI-IRQ-11",),
    ),
    procedure(
        36,
        "Reboot",
        Argument("how", "INT", "EAX", ("RebootHow",)),
        doc="Starts the machine over: SOFT as an INIT would, HARD as the reset button would.",
        clauses=("VMI-IRQ-16",),
    ),
    procedure(
        37,
        "Shutdown",
        doc="Ends the machine's work for good: interrupts stay off and the call does not come back.",
        clauses=("VMI-IRQ-12",),
    ),
    unpublished(72, "SetCallbacks", doc="A number without a published contract; our ROMs answer NONE to it."),
    procedure(
        73,
        "SetLazyMode",
        Argument("mode", "INT", "EAX", ("LazyMode",)),
        doc="""While mode MMU or CPU is on, what the guest asks of page tables or of a context switch may
        wait. NONE leaves the mode, and when it returns nothing waits any more.""",
        clauses=("VMI-MMU-24",),
    ),
    function(
        74,
        "GetRomInfo",
        Argument("dest", "vmi_rom_info *", "EAX"),
        Argument("size", "UINT32", "EDX"),
        returns=Result("size", "UINT32", "EAX"),
        clobbers=STANDARD_MEMORY,
        since="3.1",
        doc="""Copies what there is to know about the ROM to ``dest``, at most ``size`` bytes of it, and
        returns the size of the whole. A guest of a later version recognises an older ROM by that.""",
    ),
    function(
        75,
        "GetCallInfo",
        Argument("number", "UINT32", "EAX"),
        returns=Result("answer", "UINT32", "EAX", ("Answer",)),
        since="3.1",
        doc="Tells whether a call is left to native code, needs nothing, is translated, or is absent.",
    ),
    function(
        76,
        "SetCounters",
        Argument("array", "UINT32 *", "EAX"),
        Argument("entries", "UINT32", "EDX"),
        returns=Result("error", "INT32", "EAX"),
        clobbers=STANDARD_MEMORY,
        since="3.1",
        doc="""Makes the ROM count calls into an array of 32-bit words indexed by call number, or stops it
        when the address is 0. Only entries got from get_reloc afterwards count. Returns 0, or -22 for an
        array that can't be used.""",
    ),
)
