"""VMI for i386, the executable line: 3.0 as Linux 2.6.21 to 2.6.36 called it, and 3.1, which adds to it.

One file per group of calls; structs and constants beside them. A 3.0 guest finds on a 3.1 ROM exactly
what it knew: 3.1 only takes numbers from 74 up, header bytes that were reserved, and pages of its own.
"""

from vmirom.schema import Line

from . import constants, cpu, descriptors, interrupts, io, mmu, smp, structs, system, time

LINE = Line(
    name="vmi3",
    family="vmi",
    versions=("3.0", "3.1"),
    doc="The paravirt calls a guest makes of its ROM.",
    calls=(
        cpu.CALLS
        + descriptors.CALLS
        + interrupts.CALLS
        + mmu.CALLS
        + io.CALLS
        + time.CALLS
        + smp.CALLS
        + system.CALLS
    ),
    call_enum="Call",
    structs=structs.STRUCTS,
    enums=constants.ENUMS,
)
