"""The bare machine: ports and register bits of the PC's devices, the processor's own constants, and the
two boot protocols a native bundle can be entered by (multiboot 1 and PVH). It has no hypercalls.
"""

from vmirom.schema import Line

from . import boot, devices, processor

LINE = Line(
    name="native",
    family="native",
    prefixes=("native_", "multiboot_", "hvm_"),
    versions=("1.0",),
    doc=__doc__ or "",
    structs={"1.0": boot.STRUCTS + processor.STRUCTS},
    enums={"1.0": devices.ENUMS + processor.ENUMS + boot.ENUMS},
)
