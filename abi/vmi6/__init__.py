"""VMI 6.1 (2005), history: 32-byte slots, few clobbers, calls in the terms of the processor's instructions.

Kept as the published list has it, defects included (vmiCalls.h and vmiRom.h as the L4Ka Afterburner tree
carries them): CPUID binds two results to one variable, and six calls have an argument that is bound to no
register. ``vmirom abi lint vmi6`` names them. No ROM is built from this line.
"""

from vmirom.schema import Line, Slots

from . import constants, cpu, descriptors, interrupts, io, mmu, structs, system

LINE = Line(
    name="vmi6",
    family="vmi",
    versions=("6.1",),
    doc="VMI 6.1 of 2005: a fixed slot of 32 bytes for each call.",
    calls=(system.CALLS + cpu.CALLS + descriptors.CALLS + io.CALLS + interrupts.CALLS + mmu.CALLS),
    call_enum="Call",
    structs=structs.STRUCTS,
    enums=constants.ENUMS,
    executable=False,
    slots=Slots(size=32, count=128, first=4),
)
