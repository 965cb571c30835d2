"""Ports, and who may touch them."""

from vmirom.schema.clauses import BOTH, CARRIED, When, promise

_STRINGS = ("INSL", "INSB", "INSW", "OUTSL", "OUTSB", "OUTSW")
_IOPL = When(features=("iopl",))

CLAUSES = (
    promise(
        "VMI-IO-01",
        "The three IN calls take the port in EDX, answer in EAX, and leave ECX and EDX alone.",
        "INL",
        "INB",
        "INW",
        source="P5A",
        rev=CARRIED,
    ),
    promise(
        "VMI-IO-02",
        "The three OUT calls take a value in EAX and the port in EDX and change nothing.",
        "OUTL",
        "OUTB",
        "OUTW",
        source="P5A",
        rev=CARRIED,
    ),
    promise(
        "VMI-IO-03",
        "String calls move ECX units, and leave ECX and EDI or ESI as the repeated instruction would.",
        *_STRINGS,
        source="P5A",
        rev=CARRIED,
        decided="P5A prints ESI for INS; the native instruction moves EDI, and so do ROMs here.",
    ),
    promise(
        "VMI-IO-04",
        "SetIOPLMask takes the level in place, 3000h for 3, and opens the ports to user code by it.",
        "SetIOPLMask",
        source="P5A",
        rev=BOTH,
        when=_IOPL,
    ),
    promise(
        "VMI-IO-05",
        "Neither POPF nor IRET changes IOPL.",
        "SetIOPLMask",
        "IRET",
        source="P5A, P5C",
        rev=CARRIED,
    ),
    promise(
        "VMI-IO-06",
        "User code that has the ports can't change the interrupt flag all the same.",
        "SetIOPLMask",
        source="P4",
        rev=CARRIED,
        when=When(features=("iopl", "deprivileged")),
        decided="On hardware IOPL 3 opens both; only where the flag is virtual can it be kept.",
    ),
    promise("VMI-IO-07", "IODelay does nothing but take time.", "IODelay", source="P5A", rev=CARRIED),
)
