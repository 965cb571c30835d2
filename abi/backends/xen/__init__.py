"""Xen's paravirtual ABI for 32-bit PAE guests.

Version 3.4 is what Linux 2.6.35 names of it, 4.17 what Xen 4.17's public headers do. A hypercall is
``int $0x82`` or a call into the hypercall page: number in EAX, arguments in EBX ECX EDX ESI EDI, result in
EAX, errors negative. 64-bit fields are aligned to 4 bytes on i386: all padding below is declared.
"""

from vmirom.schema import Line

from .constants import ENUMS
from .hypercalls import HYPERCALLS
from .structs import STRUCTS

LINE = Line(
    name="xen",
    family="xen",
    versions=("3.4", "4.17"),
    doc=__doc__ or "",
    hypercalls=HYPERCALLS,
    call_enum="Hypercall",
    structs={"3.4": STRUCTS},
    enums=ENUMS,
)
