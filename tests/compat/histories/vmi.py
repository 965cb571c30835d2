"""VMI: the revisions that its authors listed with their reasons in the header of 13.0, 13.3, and drafts."""

from __future__ import annotations

from dataclasses import replace

from tests.compat.bases import base
from tests.compat.histories.frame import (
    B,
    C,
    R,
    abi,
    arg,
    call,
    happened,
    numbers,
    struct,
    vmi,
)
from vmirom.compat import Declaration, Enumeration

FEW = (call(4, "Init", result=arg("status: INT32 in EAX")), call(5, "CLI"), call(6, "STI"))
for old, new, what, why in (
    ("3.0", "3.1", call(7, "GetFlags_CLI", result=arg("flags: UINT32 in EAX")), "GetFlags_CLI is used"),
    ("3.1", "3.2", call(7, "STI_SYSEXIT"), "STI_SYSEXIT is used"),
    ("3.3", "3.4", call(7, "FlushDeferredCalls"), "deferred calls are used"),
    ("3.4", "3.5", call(7, "SetIOPLMask", arg("mask: UINT32 in EAX")), "SetIOPLMask is used"),
    ("5.0", "5.1", call(7, "APICWrite", arg("reg: void * in EAX"), arg("value: UINT32 in EDX")), "APIC"),
    ("5.1", "5.2", call(7, "APICSendIPI", arg("icr: UINT32 in EAX")), "send IPI"),
    ("5.2", "5.3", call(7, "IODelay"), "I/O delay"),
    ("7.0", "7.1", call(7, "GetWallclockTime", result=arg("ns: NANOSECS in EDX:EAX")), "wallclock"),
    ("8.0", "8.1", call(7, "WallclockUpdated", result=arg("yes: BOOL in EAX")), "WallclockUpdated"),
):
    happened(f"vmi {old} {new}", vmi(old, *FEW), vmi(new, *FEW, what), C, ["call-added"], why)

PORTS = call(7, "INB", arg("port: UINT in EAX"), result=arg("value: UINT8 in EAX"))
happened(
    "vmi 3.5 4.0",
    vmi("3.5", *FEW, PORTS),
    vmi("4.0", *FEW, replace(PORTS, arguments=(arg("port: UINT in EDX"),))),
    B,
    ["argument-moved"],
    "IN and OUT became binary compatible with the instructions: their registers are the instructions'",
)
ALARM = (arg("flags: UINT32 in EAX"), arg("expiry: CYCLES in ECX:EDX"))
happened(
    "vmi 5.5 6.0",
    vmi("5.5", *FEW, call(7, "SetAlarm", *ALARM)),
    vmi("6.0", *FEW, call(7, "SetAlarm", *ALARM, arg("period: CYCLES in st0"))),
    B,
    ["argument-added"],
    "alarms can be periodic",
)
MANY = numbers(
    7, "GetFlags_CLI", "STI_SYSEXIT", "GetEFLAGS", "SetEFLAGS", "IN_20", "OUT_20", "WBINVD", "INVD"
)
happened(
    "vmi 6.1 7.0",
    vmi("6.1", *FEW, *MANY),
    vmi("7.0", *FEW, *numbers(7, "WBINVD", "INVD")),
    B,
    ["call-removed", "call-renumbered"],
    "six calls were dropped",
)
RDTSC = call(7, "RDTSC", result=arg("tsc: UINT64 in EDX:EAX"))
happened(
    "vmi 7.1 7.2",
    vmi("7.1", *FEW, RDTSC),
    vmi("7.2", *FEW, replace(RDTSC, clobbers=frozenset(), segments=frozenset(("CS", "SS")))),
    C,
    ["clobbers-shrunk", "segments-relaxed"],
    "RDTSC became compatible with the instruction",
)
happened(
    "vmi 7.2 8.0",
    vmi("7.2", *FEW, call(7, "UpdateGDT", arg("entry: UINT in EAX"), arg("desc: UINT64 in ECX:EDX"))),
    vmi(
        "8.0",
        *FEW,
        call(
            7,
            "WriteGDTEntry",
            arg("gdt: void * in EAX"),
            arg("entry: UINT in EDX"),
            arg("low: UINT32 in ECX"),
            arg("high: UINT32 in st0"),
        ),
    ),
    B,
    [],
    "descriptor tables as Xen wants them",
)
happened(
    "vmi 8.1 9.0",
    vmi("8.1", *FEW, call(7, "HookCallback", arg("what: UINT in EAX"), arg("handler: void * in EDX"))),
    vmi("9.0", *FEW),
    B,
    ["call-removed"],
    "HookCallback was removed",
)
happened(
    "vmi 9.0 10.0",
    vmi("9.0", *FEW, call(7, "UpdateIDT", arg("vector: UINT in EAX"), arg("gate: UINT64 in ECX:EDX"))),
    vmi(
        "10.0",
        *FEW,
        call(
            7,
            "WriteIDTEntry",
            arg("idt: void * in EAX"),
            arg("entry: UINT in EDX"),
            arg("low: UINT32 in ECX"),
            arg("high: UINT32 in st0"),
        ),
    ),
    B,
    [],
    "UpdateIDT became WriteIDTEntry",
)
happened(
    "vmi 10.0 11.0",
    vmi("10.0", *FEW, call(7, "UpdateTSS", arg("tss: void * in EAX"))),
    vmi("11.0", *FEW, call(7, "UpdateKernelStack", arg("tss: void * in EAX"), arg("esp0: UINT32 in EDX"))),
    B,
    [],
    "UpdateTSS became UpdateKernelStack",
)
happened(
    "vmi 11.0 12.0",
    vmi("11.0", *FEW, *numbers(7, "APICWrite", "APICRead", "APICSendIPI", "IODelay", "SetAlarm")),
    vmi("12.0", *FEW, *numbers(7, "APICWrite", "APICRead", "IODelay", "SetAlarm")),
    B,
    ["call-removed", "call-renumbered"],
    "APICSendIPI was dropped, and what stood behind it moved up",
)
HEADER = ("u16 signature", "u8 length", "u8[5] entry", "u32 magic", "u16 version")
happened(
    "vmi 12.0 13.0",
    vmi("12.0", *FEW, structs=(struct("vmi_rom_header", *HEADER, "u8 data_pages", "u8 reserved0"),)),
    vmi("13.0", *FEW, structs=(struct("vmi_rom_header", *HEADER, "u8 reserved0", "u8 reserved1"),)),
    B,
    ["header-field-retired"],
    "the shared area is no longer allocated",
)


def thirteen(version: str, **parts: object) -> Declaration:
    return replace(base("vmi13@13.0"), version=version, **parts)  # type: ignore[arg-type]


def _thirteen_three() -> Declaration:
    """13.3, of which a guest in the field has the list: the page-table calls got flags under new numbers, the
    old ones stayed under other names; calls can be looked up; the VA and the mode are told by flags."""
    start = base("vmi13@13.0")
    calls = tuple(
        replace(each, name=f"{each.name}0") if each.name in ("SetPxE", "SetPxELong") else each
        for each in start.calls
    )
    entry = (arg("pte: PTE in EAX"), arg("ptep: PTE * in EDX"), arg("flags: UINT32 in ECX"))
    long = (arg("pte: LONG_PTE in EDX:EAX"), arg("ptep: LONG_PTE * in ECX"), arg("flags: UINT32 in st0"))
    more = (
        call(85, "GetRelocationInfo", arg("call: UINT in EAX"), result=arg("info: UINT64 in EDX:EAX")),
        call(86, "SetPxE", *entry),
        call(87, "SetPxELong", *long),
    )
    enums = tuple(
        replace(each, members=(*each.members, ("CURRENT_AS", 0x10), ("DEFER", 0x20)))
        if each.name == "PageType"
        else each
        for each in start.enums
    )
    types = (("NONE", 0), ("CALL_REL", 1), ("JUMP_REL", 2))
    return thirteen(
        "13.3", calls=(*calls, *more), enums=enums, mechanism=replace(start.mechanism, types=types)
    )


happened(
    "vmi 13.0 13.3",
    thirteen("13.0"),
    _thirteen_three(),
    R,
    ["call-renamed", "name-reused", "call-added", "enum-member-added", "relocation-type-added"],
    "a minor: what was there stays where it was",
)
happened(
    "vmi 13.0 13.3, by numbers alone",
    vmi("13.0", *numbers(45, "SetPxE", "GetPxE", "SwapPxE", "SetPxELong")),
    vmi(
        "13.3",
        *numbers(45, "SetPxE0", "GetPxE", "SwapPxE", "SetPxELong0"),
        *numbers(86, "SetPxE", "SetPxELong"),
    ),
    R,
    ["call-renamed", "name-reused"],
    "the same, as a header file tells it",
)
EARLY = struct(
    "vmi_rom_header",
    *HEADER,
    "u8 jump_slots",
    "u8 reserved1",
    "u32 reserved2",
    "u32 reserved3",
    "u16 pci",
    "u16 pnp",
    "u32 pad3",
    "u8[96] reserved4",
    "u8[8] vmi_init",
    "u8[8] get_reloc",
)
SHIPPED = struct(
    "vmi_rom_header",
    *HEADER,
    "u8 jump_slots",
    "u8 reserved1",
    "u32 virtual_top",
    "u16 reserved2",
    "u16 license",
    "u16 pci",
    "u16 pnp",
    "u32 pad3",
    "u8[96] reserved4",
    "u8[8] vmi_init",
    "u8[8] get_reloc",
)
RELOC = Enumeration("Reloc", (("NONE", 0), ("CALL_REL", 1), ("JUMP_REL", 2)))
happened(
    "vmi 3.0, drafts",
    abi("3.0", *FEW, line="vmi3", structs=(EARLY,), enums=(RELOC,)),
    abi("3.1", *FEW, line="vmi3", structs=(SHIPPED,), enums=(RELOC,)),
    R,
    ["header-field-from-reserved"],
    "where the hypervisor begins, and the licence, in bytes that were reserved",
)
happened(
    "vmi 3.0, drafts, relocation",
    abi("3.0", *FEW, line="vmi3", structs=(SHIPPED,), enums=(RELOC,)),
    abi(
        "4.0",
        *FEW,
        line="vmi3",
        structs=(SHIPPED,),
        enums=(replace(RELOC, members=(*RELOC.members, ("NOP", 3))),),
    ),
    B,
    ["relocation-type-added"],
    "a client that doesn't know NOP stops with a BUG",
)
