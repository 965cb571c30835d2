"""What 3.1 adds: what calls leave alone, the state in which a guest is entered, a console, an exit, probing,
counters."""

from vmirom.schema.clauses import ADDED, EVERY, Clause, Counting, When, duty
from vmirom.schema.clauses import promise as _promise

_PORTS = ("INB", "OUTB")
_ENTRY_CALLS = ("SetPxE", "SetPxELong", "UpdatePxE", "UpdatePxELong")
_FLAG_CALLS = ("EnableInterrupts", "DisableInterrupts", "GetInterruptMask", "SetInterruptMask")
_SOURCE = "VMI 3.1"


def promise(identity: str, sentence: str, *calls: str, when: When | None = None) -> Clause:
    """A promise of 3.1's own."""
    return _promise(identity, sentence, *calls, source=_SOURCE, rev=ADDED, when=when or When())


ENTRY = (
    promise("VMI-ENTRY-01", "The guest is entered where its note says, with 33494D56h (VMI3) in EAX."),
    promise(
        "VMI-ENTRY-02", "ESI is the linear address of a struct vmi_boot_info with its magic and its size."
    ),
    promise("VMI-ENTRY-03", "Interrupts are off, virtually, and DF is clear."),
    promise("VMI-ENTRY-04", "CS, SS, DS and ES are flat, of RPL 0 or 1, the same in CS and SS."),
    promise("VMI-ENTRY-05", "FS and GS are null."),
    promise("VMI-ENTRY-06", "ESP is the top of 4 KiB of stack."),
    promise("VMI-ENTRY-07", "Paging is on, PAE, with no-execute and write protection in force."),
    promise("VMI-ENTRY-08", "The page tables are the guest's to read, with guest-physical frames."),
    promise("VMI-ENTRY-09", "They map all memory from C0000000h on in pages of 4 KiB, and nothing else."),
    promise("VMI-ENTRY-10", "The guest's segments have the rights of its ELF headers."),
    promise("VMI-ENTRY-11", "The ROM's pages can be executed and not written; all else is not executable."),
    promise("VMI-ENTRY-12", "Accessed and dirty are set in the entries of the first page tables."),
    promise("VMI-ENTRY-13", "GetCR3 returns root_gpa of boot info.", "GetCR3"),
    promise(
        "VMI-ENTRY-14", "Boot info tells version, memory, first free frame and the ROM's place as they are."
    ),
    promise(
        "VMI-ENTRY-15",
        "The command line is NUL-terminated, of the length told, and cut where it is too long.",
    ),
    promise("VMI-ENTRY-16", "An initrd lies whole in memory of its own, at the place told."),
    promise(
        "VMI-ENTRY-17", "Frames from first_free_pfn up are free; below it only the image is the guest's."
    ),
    promise("VMI-ENTRY-18", "vmi_init has not been called: the guest scans, and calls it."),
    duty(
        "VMI-ENTRY-19",
        "A guest's ELF file carries the note VMI, type 1, with line, least version and entry point.",
        source=_SOURCE,
        rev=ADDED,
    ),
    duty(
        "VMI-ENTRY-20",
        """The guest's GDT has kernel code and data at 12 and 13, user's at 14 and 15, and nothing at 10, 11
        and 31.""",
        "SetGDT",
        source=_SOURCE,
        rev=ADDED,
    ),
)
CONSOLE = (
    promise("VMI-CONS-01", "A 16550 answers at 3F8h, and what is sent through it is the console's.", *_PORTS),
    promise("VMI-CONS-02", "Its scratch, line-control and status registers behave as a 16550's.", *_PORTS),
    promise("VMI-CONS-03", "A pair of 8259s answers at 20h and A0h and takes ICW1 to ICW4.", *_PORTS),
    promise("VMI-CONS-04", "Its mask registers read as they were written.", *_PORTS),
    promise("VMI-CONS-05", "A masked request shows in the request register and is not delivered.", *_PORTS),
    promise("VMI-CONS-06", "A request comes at the vector that ICW2 told.", *_PORTS),
    promise(
        "VMI-CONS-07", "What is served shows in the service register, and holds its line until EOI.", *_PORTS
    ),
    promise(
        "VMI-CONS-08",
        "A port that nothing answers reads as all ones, and takes what is written.",
        "INL",
        "INB",
        "INW",
        "OUTL",
        "OUTB",
        "OUTW",
    ),
    promise("VMI-CONS-09", "String calls reach the same devices as single ones.", "INSB", "OUTSB"),
)
EXIT = (
    promise("VMI-EXIT-01", "A byte written to port 501h ends the machine with it as status.", "OUTB"),
    promise("VMI-EXIT-02", "Console text sent before the end is not lost.", "OUTB", "OUTSB"),
)
PROBE = (
    promise(
        "VMI-PROBE-01",
        "GetRomInfo copies no more than it is given room for, and returns the size of the whole.",
        "GetRomInfo",
    ),
    promise(
        "VMI-PROBE-02",
        "It tells the version, place and length of the ROM as its header has them.",
        "GetRomInfo",
    ),
    promise("VMI-PROBE-03", "It tells the backend that boot info tells, and the build's id.", "GetRomInfo"),
    promise(
        "VMI-PROBE-04",
        "GetCallInfo agrees with get_reloc: CALL_REL and JUMP_REL are translated, NOP is nothing.",
        "GetCallInfo",
    ),
    promise("VMI-PROBE-05", "For a number beyond the list it answers absent.", "GetCallInfo"),
    promise(
        "VMI-PROBE-06", "get_reloc answers NONE and address 0 for a number beyond the list.", "GetCallInfo"
    ),
    promise(
        "VMI-PROBE-07", "get_reloc answers the same each time while counting stays as it is.", "GetCallInfo"
    ),
    promise("VMI-PROBE-08", "get_reloc keeps EBX, ESI, EDI, EBP and ESP.", "GetCallInfo"),
    promise("VMI-PROBE-09", "CALL_REL and JUMP_REL name an address inside the ROM.", "GetCallInfo"),
)
COUNT = (
    promise(
        "VMI-COUNT-01",
        "SetCounters returns 0 and, from then on, each call made through an entry got later counts one.",
        "SetCounters",
        when=When(counting=Counting.ON),
    ),
    promise(
        "VMI-COUNT-02", "Address 0 stops the counting, and get_reloc's answers are as before.", "SetCounters"
    ),
    promise(
        "VMI-COUNT-03",
        "An array that is not aligned to 4, has no entries or passes the end of memory gets -22.",
        "SetCounters",
    ),
    promise(
        "VMI-COUNT-04",
        "Nothing is written beyond the entries that the array has.",
        "SetCounters",
        when=When(counting=Counting.ON),
    ),
    promise(
        "VMI-COUNT-05",
        "A counting entry keeps every register that the call keeps.",
        "SetCounters",
        when=When(counting=Counting.ON),
    ),
)
KEPT = (
    promise("VMI-ROM-18", "Nothing stores to the ROM's image: real machines lock it."),
    promise(
        "VMI-CALL-09",
        """A call leaves segment registers, DF and the flags of the system as they were, and the interrupt
        flag unless it is about that.""",
        *EVERY,
    ),
    promise(
        "VMI-CALL-10",
        """Calls, vmi_init and get_reloc store to the ROM's state, to the stack below their caller and to what
        their arguments name, and else set accessed and dirty in page tables only.""",
        *EVERY,
    ),
    promise(
        "VMI-ROM-19",
        """What of a ROM runs without a call, such as handlers of traps and interrupts, stores to its state
        and to the stack that it was entered on, and else sets accessed and dirty in page tables only.""",
    ),
    promise(
        "VMI-IRQ-17",
        """Where the flag is virtual, its four calls make no hypercall as long as nothing is to be delivered,
        and take four instructions at most besides the return.""",
        *_FLAG_CALLS,
        when=When(features=("deprivileged",)),
    ),
    promise(
        "VMI-MMU-25",
        "Updates that wait leave together: one hypercall takes 32 of them or more where that many wait.",
        "SetPxELong",
        "SetLazyMode",
        "FlushTLB",
    ),
    promise(
        "VMI-MMU-26",
        """Outside a lazy mode an entry that is set or told of without DEFER is in force when the call
        returns, save where a processor holds the translation from before.""",
        *_ENTRY_CALLS,
    ),
    promise(
        "VMI-MMU-27",
        """From AllocatePage on a page is a table with what it holds by then; from ReleasePage on it is memory
        like any other.""",
        "AllocatePage",
        "ReleasePage",
    ),
    promise(
        "VMI-MMU-28",
        """An entry's address that is not mapped, or where nothing may be written, is a page fault there as of
        the guest's own store, and nothing of the entry is stored; at one that is not aligned it is stored
        whole, and nothing beside it.""",
        *_ENTRY_CALLS,
    ),
    promise(
        "VMI-AP-07",
        """SetInitialAPState takes a state at any address, and where that is not mapped it is a page fault of
        the guest's; the calling processor, and all that it has, stays as it is.""",
        "SetInitialAPState",
        when=When(features=("processors",)),
    ),
)
CLAUSES = KEPT + ENTRY + CONSOLE + EXIT + PROBE + COUNT
