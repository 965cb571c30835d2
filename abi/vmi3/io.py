"""Ports.

Linux never asked for these calls; the numbers are as old as the others. In 3.1 a 16550 at 0x3F8, an 8259
pair at 0x20 and 0xA0 and the exit port answer on every backend, whatever the hypervisor offers.
"""

from vmirom.schema import (
    MEMORY_ONLY,
    NOTHING,
    Argument,
    Call,
    Result,
    function,
    group,
    procedure,
)

_PORT = Argument("port", "UINT", "EDX")
_COUNT = Argument("count", "UINT32", "ECX")


def _in(number: int, name: str, type_name: str, what: str) -> Call:
    return function(
        number,
        name,
        _PORT,
        returns=Result("value", type_name, "EAX"),
        clobbers=MEMORY_ONLY,
        doc=f"Reads {what} from a port. Every register but EAX survives.",
        clauses=("VMI-IO-01",),
    )


def _ins(number: int, name: str, type_name: str, what: str) -> Call:
    return procedure(
        number,
        name,
        Argument("addr", f"{type_name} *", "EDI"),
        _PORT,
        _COUNT,
        outputs=(Result("addr", f"{type_name} *", "EDI"), Result("count", "UINT32", "ECX")),
        clobbers=("EDI", "ECX", "memory"),
        doc=f"""Reads ``count`` {what} from a port to memory upward from ``addr``, and leaves EDI and ECX
        as the repeated native instruction would.""",
        clauses=("VMI-IO-03",),
    )


def _out(number: int, name: str, type_name: str, what: str) -> Call:
    return procedure(
        number,
        name,
        Argument("value", type_name, "EAX"),
        _PORT,
        clobbers=NOTHING,
        doc=f"Writes {what} to a port. Every register and the flags survive.",
        clauses=("VMI-IO-02",),
    )


def _outs(number: int, name: str, type_name: str, what: str) -> Call:
    return procedure(
        number,
        name,
        Argument("addr", f"{type_name} *", "ESI"),
        _PORT,
        _COUNT,
        outputs=(Result("addr", f"{type_name} *", "ESI"), Result("count", "UINT32", "ECX")),
        clobbers=("ESI", "ECX"),
        doc=f"""Writes ``count`` {what} from memory upward from ``addr`` to a port, and leaves ESI and ECX
        as the repeated native instruction would.""",
        clauses=("VMI-IO-03",),
    )


CALLS = group(
    "io",
    _in(49, "INL", "UINT32", "32 bits"),
    _in(50, "INB", "UINT8", "a byte"),
    _in(51, "INW", "UINT16", "16 bits"),
    _ins(52, "INSL", "UINT32", "32-bit words"),
    _ins(53, "INSB", "UINT8", "bytes"),
    _ins(54, "INSW", "UINT16", "16-bit words"),
    _out(55, "OUTL", "UINT32", "32 bits"),
    _out(56, "OUTB", "UINT8", "a byte"),
    _out(57, "OUTW", "UINT16", "16 bits"),
    _outs(58, "OUTSL", "UINT32", "32-bit words"),
    _outs(59, "OUTSB", "UINT8", "bytes"),
    _outs(60, "OUTSW", "UINT16", "16-bit words"),
    procedure(
        61,
        "SetIOPLMask",
        Argument("mask", "UINT32", "EAX"),
        doc="""Sets the I/O privilege level from bits 13:12, already in place (0x3000 opens ports to user
        code). User code still can't change the interrupt flag.""",
        clauses=("VMI-IO-04", "VMI-IO-06"),
    ),
    procedure(65, "IODelay", doc="Does nothing but take a little time.", clauses=("VMI-IO-07",)),
)
