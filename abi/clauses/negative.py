"""Instructions that a guest must leave to calls: made natively in a deprivileged kernel they differ.

Clauses for negative tests: what the guest sees is the native answer or the one named here, and nothing else.
"""

from vmirom.schema.clauses import CARRIED, Clause, When, promise


def _differs(identity: str, sentence: str) -> Clause:
    return promise(identity, sentence, source="P5C", rev=CARRIED, when=When(features=("deprivileged",)))


CLAUSES = (
    _differs("VMI-NEG-01", "ARPL meets kernel selectors of another RPL."),
    _differs(
        "VMI-NEG-02",
        """IRET can't change IOPL, VM, VIF, VIP and IF, and may fault if CS and SS have unequal RPLs or ones
        below the CPL.""",
    ),
    _differs("VMI-NEG-03", "LAR shows a DPL that was raised, to user code as well."),
    _differs("VMI-NEG-04", "LSL shows a limit that was cut, to user code as well."),
    _differs("VMI-NEG-05", "LSS may fault because of an RPL."),
    _differs("VMI-NEG-06", "MOV from a segment register shows another RPL; to SS it may fault."),
    _differs("VMI-NEG-07", "POP SS may fault because of an RPL."),
    _differs("VMI-NEG-08", "POPF can't set the hardware's interrupt flag."),
    _differs("VMI-NEG-09", "PUSH of a segment register shows another RPL."),
    _differs("VMI-NEG-10", "PUSHF may show another IOPL, and the flag always on, to user code as well."),
    _differs("VMI-NEG-11", "SGDT shows a shadow of the GDT, to user code as well."),
    _differs("VMI-NEG-12", "SIDT shows a shadow of the IDT, to user code as well."),
    _differs("VMI-NEG-13", "SLDT shows the selector of a shadow, to user code as well."),
    _differs("VMI-NEG-14", "STR shows the selector of a shadow, to user code as well."),
)
