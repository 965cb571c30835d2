"""The virtual interrupt flag: when interrupts come, and when they do not."""

from vmirom.schema.clauses import BOTH, CARRIED, DOCUMENT, When, duty, promise

_FLAG = ("EnableInterrupts", "DisableInterrupts", "GetInterruptMask", "SetInterruptMask")

CLAUSES = (
    promise(
        "VMI-IRQ-01",
        "EnableInterrupts turns the flag on: GetInterruptMask then shows 200h.",
        "EnableInterrupts",
        "GetInterruptMask",
        source="P5A",
        rev=BOTH,
    ),
    promise(
        "VMI-IRQ-02",
        "DisableInterrupts turns the flag off: GetInterruptMask then shows 200h clear.",
        "DisableInterrupts",
        "GetInterruptMask",
        source="P5A",
        rev=BOTH,
    ),
    promise(
        "VMI-IRQ-03",
        "EnableInterrupts delivers what became pending while interrupts were off.",
        "EnableInterrupts",
        source="P5A (open for debate there)",
        rev=BOTH,
        decided="""Linux has nothing else that would look for what is pending, and lguest without it was seven
        times slower; so it is a promise, and before the call returns.""",
    ),
    promise(
        "VMI-IRQ-04",
        "SetInterruptMask with 200h set turns the flag on and delivers what is pending.",
        "SetInterruptMask",
        source="P5A",
        rev=BOTH,
    ),
    promise(
        "VMI-IRQ-05",
        "SetInterruptMask with 200h clear turns the flag off and delivers nothing.",
        "SetInterruptMask",
        source="P5A",
        rev=BOTH,
    ),
    promise(
        "VMI-IRQ-06",
        "From DisableInterrupts to the next call or IRET that enables, no interrupt is delivered.",
        "DisableInterrupts",
        source="P5A (der.)",
        rev=BOTH,
        decided="It is what the flag is for; the reference guest and the model hold every backend to it.",
    ),
    promise(
        "VMI-IRQ-07",
        "The four calls of the flag change flags only, and GetInterruptMask EAX.",
        *_FLAG,
        source="P5A; L fills callee-save pointers",
        rev=BOTH,
    ),
    promise(
        "VMI-IRQ-08",
        "They work with null DS and ES: CS and SS are all they need.",
        *_FLAG,
        source="P5A",
        rev=BOTH,
    ),
    promise(
        "VMI-IRQ-09",
        "The hardware's flag stays on while the virtual one is off; PUSHF shows it on.",
        *_FLAG,
        source="P2.2, P5C",
        rev=CARRIED,
        when=When(features=("deprivileged",)),
    ),
    promise(
        "VMI-IRQ-10",
        "The frame of a trap shows the virtual flag as it was, whatever the hardware's says.",
        *_FLAG,
        source="P4",
        rev=CARRIED,
    ),
    promise(
        "VMI-IRQ-11",
        "Halt turns interrupts on and comes back after one was delivered.",
        "Halt",
        source="P5A",
        rev=BOTH,
    ),
    promise(
        "VMI-IRQ-12",
        "Shutdown stops the processor with interrupts off and does not come back.",
        "Shutdown",
        source="P5A",
        rev=CARRIED,
    ),
    duty(
        "VMI-IRQ-13",
        "User code runs with interrupts on; an IRET to user code with IF clear means nothing.",
        "IRET",
        source="P4, P5A",
        rev=CARRIED,
    ),
    promise("VMI-IRQ-14", "NMIs need not reach the guest.", "SetIDT", source="P2.2", rev=CARRIED),
    promise(
        "VMI-IRQ-15",
        "Pause comes back and has changed nothing but what it may clobber.",
        "Pause",
        source="P5A (der.)",
        rev=DOCUMENT,
        decided="3.0 has no such call; nothing here can be asked.",
    ),
    promise(
        "VMI-IRQ-16",
        "Reboot(0) does what an INIT does, Reboot(1) what the reset button does.",
        "Reboot",
        source="P5A",
        rev=CARRIED,
    ),
)
