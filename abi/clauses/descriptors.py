"""Descriptor tables: what was set is what is in force and what is told back."""

from vmirom.schema.clauses import BOTH, CARRIED, THREE, When, duty, promise

_WRITE = ("WriteGDTEntry", "WriteLDTEntry", "WriteIDTEntry")
_SEGMENTS = ("WriteGDTEntry", "WriteLDTEntry")
_RING = When(features=("deprivileged",))
_KEPT = """Hardware keeps what a register was loaded with until the next load, and a ROM that answers NONE
leaves the instruction to hardware. So it is checked where the calls are translated."""

CLAUSES = (
    promise(
        "VMI-DT-01",
        "SetGDT and SetIDT read limit and base from 6 bytes: the limit in 16 bits, then the base in 32.",
        "SetGDT",
        "SetIDT",
        source="P5A, P5B",
        rev=BOTH,
    ),
    promise(
        "VMI-DT-02",
        "SetGDT and SetLDT load all segment registers anew.",
        "SetGDT",
        "SetLDT",
        source="P5A",
        rev=BOTH,
        decided=_KEPT,
    ),
    promise(
        "VMI-DT-03",
        "GetGDT and GetIDT store limit and base as the guest last set them, never a shadow's.",
        "GetGDT",
        "GetIDT",
        source="P5A (der.)",
        rev=BOTH,
        decided="""P5A names SGDT and SIDT as their equivalents; all four ROMs do it, and the reference guest
        and the model check it.""",
    ),
    promise(
        "VMI-DT-04",
        "GetLDT and GetTR return the selector that the guest last set.",
        "GetLDT",
        "GetTR",
        source="P5A (der.)",
        rev=BOTH,
        decided="As for VMI-DT-03, with SLDT and STR.",
    ),
    promise(
        "VMI-DT-05",
        """Writing entry n puts it in force with the given base, type and present bit; its privilege may be
        raised, its limit cut.""",
        *_WRITE,
        source="P5A, P2.1",
        rev=BOTH,
    ),
    promise(
        "VMI-DT-06",
        "A segment register that holds a written entry is loaded anew with the write.",
        *_SEGMENTS,
        source="P2.1",
        rev=CARRIED,
        decided=_KEPT,
    ),
    promise(
        "VMI-DT-07",
        "A segment register whose descriptor is taken away becomes null.",
        *_SEGMENTS,
        source="P2.1",
        rev=CARRIED,
        decided=_KEPT,
    ),
    promise(
        "VMI-DT-08",
        "No descriptor opens the hypervisor's range; LSL shows the limit that was cut.",
        *_SEGMENTS,
        source="P2.1",
        rev=CARRIED,
        when=_RING,
        decided="""Neither a 64-bit Xen nor lguest cuts limits: both keep the range by page tables. So it is
        checked that user code reaches nothing there through any descriptor, and that LSL, cut or not, covers
        all that is the guest's.""",
    ),
    promise(
        "VMI-DT-09",
        "LAR may show the kernel's own level where the guest wrote DPL 0.",
        "WriteGDTEntry",
        source="P2.1, P5C",
        rev=CARRIED,
        when=_RING,
    ),
    duty(
        "VMI-DT-10",
        "GDT, LDT, IDT and TSS are aligned to pages.",
        "SetGDT",
        "SetLDT",
        "SetIDT",
        "SetTR",
        source="P2.1",
        rev=CARRIED,
    ),
    duty(
        "VMI-DT-11",
        "After vmi_init the tables are changed by calls only.",
        *_WRITE,
        source="P2.1",
        rev=CARRIED,
    ),
    duty(
        "VMI-DT-12",
        "Each processor has a GDT and an LDT of its own and changes those only.",
        *_SEGMENTS,
        source="P2.2",
        rev=CARRIED,
    ),
    promise(
        "VMI-DT-13",
        "Gates of the IDT have the processor's own format.",
        "SetIDT",
        "WriteIDTEntry",
        source="P5A",
        rev=BOTH,
    ),
    promise(
        "VMI-DT-14",
        """SetLDT(0) leaves the processor without an LDT; any other LDT has its descriptor in the GDT before
        SetLDT names it.""",
        "SetLDT",
        source="L",
        rev=THREE,
    ),
    promise(
        "VMI-DT-15",
        "After UpdateKernelStack the next entry from user code begins on the stack that was named.",
        "UpdateKernelStack",
        source="P5A",
        rev=BOTH,
    ),
)
