"""VMI 13.0 (March 2006), history: 32-byte slots and C clobbers, as posted with the document that calls itself
version 2.0.

Where document and posted guest code differ (the page-table calls), this is the code. No ROM is built from
this line.
"""

from vmirom.schema import Line, Slots

from . import constants, cpu, descriptors, interrupts, io, mmu, smp, structs, system, time

LINE = Line(
    name="vmi13",
    family="vmi",
    versions=("13.0",),
    doc="VMI 13.0 of March 2006: a fixed slot of 32 bytes for each call, called like C functions.",
    calls=(
        system.CALLS
        + cpu.CALLS
        + descriptors.CALLS
        + interrupts.CALLS
        + mmu.CALLS
        + io.CALLS
        + smp.CALLS
        + time.CALLS
    ),
    call_enum="Call",
    structs=structs.STRUCTS,
    enums=constants.ENUMS,
    executable=False,
    slots=Slots(size=32, count=128, first=4),
)
