"""Real changes of real ABIs, told in our own words as small pairs of declarations, each with what its authors
made of it.

Only what changed is told, with a few calls around it; contracts that no source states are our own guess of
the least that fits the published reason. The authors' verdict is the bump they made (VMI: a new major breaks,
a new minor adds), or what they said where the ABI has no such numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tests.compat.bases import base
from vmirom.compat import (
    Call,
    Clause,
    Declaration,
    Dispatch,
    Enumeration,
    Field,
    Layout,
    Mechanism,
    Severity,
    Value,
)
from vmirom.compat.assemble import assemble

__all__ = ["HISTORIES", "History"]

B, R, C = Severity.BREAKING, Severity.RISKY, Severity.COMPATIBLE
SLOTS = Mechanism(Dispatch.SLOTS, 32, 128, 4, 0)
ALL = frozenset(("CS", "SS", "DS", "ES"))
C_LOST = frozenset(("EAX", "ECX", "EDX", "flags"))


@dataclass(frozen=True)
class History:
    """``verdict``: the worst that may be found beside what concerns the version; ``rules``: what must be
    among the findings; ``why``: what the authors said, in our words."""

    name: str
    left: Declaration
    right: Declaration
    verdict: Severity
    rules: frozenset[str]
    why: str


HISTORIES: list[History] = []


def happened(
    name: str, left: Declaration, right: Declaration, verdict: Severity, rules: Iterable[str], why: str
) -> None:
    HISTORIES.append(History(name, left, right, verdict, frozenset(rules), why))


def arg(text: str, *values: str, optional: bool = False) -> Value:
    """``name: type in place``"""
    name, _, rest = text.partition(": ")
    kind, _, place = rest.partition(" in ")
    return Value(name, kind, place, values, optional)


def call(
    number: int,
    name: str,
    *arguments: Value,
    result: Value | None = None,
    lost: frozenset[str] = C_LOST,
    segments: frozenset[str] = ALL,
) -> Call:
    kind = "procedure" if result is None else "function"
    results = () if result is None else (result,)
    return Call(number, name, kind, arguments, results, lost, segments)


def bare(number: int, name: str) -> Call:
    """A number and a name, as header files list them."""
    return Call(number, name, None, None, None, None, None)


def numbers(start: int, *names: str) -> tuple[Call, ...]:
    """As an enumeration of C counts."""
    return tuple(bare(start + at, name) for at, name in enumerate(names))


def struct(name: str, *fields: str, size: int | None = None) -> Layout:
    """Fields as ``u32 name``, ``u8[12] name`` one behind the other; ``pad`` and ``reserved`` are reserved."""
    found, at = [], 0
    for text in fields:
        kind, _, label = text.rpartition(" ")
        plain, _, count = kind.rstrip("]").partition("[")
        width = {"8": 1, "16": 2, "32": 4, "64": 8}[plain[1:]] * int(count or 1)
        spare = label.startswith(("pad", "reserved"))
        found.append(Field(label, at, width, plain, int(count) if count else None, None, spare))
        at += width
    return Layout(name, size or at, tuple(found))


def abi(
    version: str,
    *calls: Call,
    line: str = "other",
    structs: tuple[Layout, ...] = (),
    enums: tuple[Enumeration, ...] = (),
    clauses: tuple[Clause, ...] | None = None,
    mechanism: Mechanism | None = None,
) -> Declaration:
    return assemble(
        line,
        version,
        f"{line} {version}",
        calls=calls,
        structs=structs,
        enums=enums,
        clauses=clauses,
        mechanism=mechanism,
    )


def vmi(version: str, *calls: Call, **parts: object) -> Declaration:
    """A VMI of slots, as all were up to 13."""
    return abi(version, *calls, line="vmi", mechanism=SLOTS, **parts)  # type: ignore[arg-type]


# -- VMI: the revisions that its authors listed in the header of 13.0, with their reasons ------------------

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

# -- Xen ---------------------------------------------------------------------------------------------------

SCHED = (arg("cmd: int in EBX"), arg("arg: UINT32 in ECX"))
happened(
    "xen 0x00030101",
    abi("1.0", call(6, "sched_op", *SCHED), call(7, "dom0_op", arg("op: void * in EBX"))),
    abi(
        "1.1",
        call(6, "sched_op_compat", *SCHED),
        call(7, "dom0_op", arg("op: void * in EBX")),
        call(29, "sched_op", arg("cmd: int in EBX"), arg("arg: void * in ECX")),
    ),
    R,
    ["call-renamed", "name-reused"],
    "old binaries go on; source has to say which interface it was written for",
)
happened(
    "xen, the same by numbers alone",
    abi("1.0", bare(6, "sched_op"), bare(16, "event_channel_op"), bare(19, "physdev_op")),
    abi(
        "1.1",
        bare(6, "sched_op_compat"),
        bare(16, "event_channel_op_compat"),
        bare(19, "physdev_op_compat"),
        bare(29, "sched_op"),
        bare(32, "event_channel_op"),
        bare(33, "physdev_op"),
    ),
    R,
    ["call-renamed", "name-reused"],
    "the same of all three",
)
happened(
    "xen vcpu_time_info flags",
    abi(
        "1.0",
        structs=(
            struct(
                "vcpu_time_info",
                "u32 version",
                "u32 pad0",
                "u64 tsc",
                "u64 ns",
                "u32 mul",
                "s8 shift",
                "s8[3] pad1",
            ),
        ),
    ),
    abi(
        "1.1",
        structs=(
            struct(
                "vcpu_time_info",
                "u32 version",
                "u32 pad0",
                "u64 tsc",
                "u64 ns",
                "u32 mul",
                "s8 shift",
                "u8 flags",
                "u8[2] pad1",
            ),
        ),
    ),
    R,
    ["field-from-reserved"],
    "a byte of padding tells whether the clock is stable",
)
happened(
    "xen domctl",
    abi(
        "1.0",
        structs=(struct("xen_domctl_getdomaininfo", "u16 domain", "u16 pad0", "u32 flags", "u64 tot_pages"),),
    ),
    abi(
        "2.0",
        structs=(
            struct(
                "xen_domctl_getdomaininfo",
                "u16 domain",
                "u16 pad0",
                "u32 flags",
                "u64 tot_pages",
                "u64 outstanding_pages",
            ),
        ),
    ),
    B,
    ["field-appended"],
    "the interface version is raised with each such change, and must be the same on both sides",
)

# -- KVM ---------------------------------------------------------------------------------------------------

FEATURES = Enumeration("Feature", (("CLOCKSOURCE", 0x1), ("NOP_IO_DELAY", 0x2), ("MMU_OP", 0x4)), flags=True)
TOLD = call(0, "CPUID", arg("leaf: UINT32 in EAX"), result=arg("features: UINT32 in EAX", "Feature"))
MSRS = Enumeration("Msr", (("WALL_CLOCK", 0x11), ("SYSTEM_TIME", 0x12)))
happened(
    "kvm clocksource2",
    abi("1.0", TOLD, enums=(FEATURES, MSRS)),
    abi(
        "1.1",
        TOLD,
        enums=(
            replace(FEATURES, members=(*FEATURES.members, ("CLOCKSOURCE2", 0x8))),
            replace(
                MSRS, members=(*MSRS.members, ("WALL_CLOCK_NEW", 0x4B564D00), ("SYSTEM_TIME_NEW", 0x4B564D01))
            ),
        ),
    ),
    C,
    ["enum-member-added"],
    "new register numbers under a new feature bit; the old ones stay",
)
happened(
    "kvm steal time, preempted",
    abi("1.0", structs=(struct("kvm_steal_time", "u64 steal", "u32 version", "u32 flags", "u32[12] pad"),)),
    abi(
        "1.1",
        structs=(
            struct(
                "kvm_steal_time",
                "u64 steal",
                "u32 version",
                "u32 flags",
                "u8 preempted",
                "u8[3] pad0",
                "u32[11] pad",
            ),
        ),
    ),
    R,
    ["field-from-reserved"],
    "a byte of padding tells whether the virtual CPU was preempted",
)
KVM = (
    call(1, "VAPIC_POLL_IRQ"),
    call(2, "MMU_OP", arg("bytes: UINT32 in EBX"), arg("gpa: UINT64 in EDX:ECX")),
)
happened(
    "kvm MMU_OP",
    abi("1.0", *KVM),
    abi("2.0", KVM[0]),
    B,
    ["call-removed"],
    "nobody answers it any more",
)
happened(
    "kvm MMU_OP, its number set aside",
    abi("1.0", *KVM),
    abi("2.0", KVM[0], bare(2, "RESERVED2")),
    B,
    ["call-removed"],
    "the number is not used again",
)
happened(
    "kvm hypercalls",
    abi("1.0", *KVM),
    abi("1.1", *KVM, call(5, "KICK_CPU", arg("flags: UINT32 in EBX"), arg("apic: UINT32 in ECX"))),
    C,
    ["call-added"],
    "each under a feature bit of its own",
)

# -- lguest ------------------------------------------------------------------------------------------------

LGUEST = (
    "FLUSH_ASYNC",
    "LGUEST_INIT",
    "CRASH",
    "LOAD_GDT",
    "NEW_PGTABLE",
    "FLUSH_TLB",
    "LOAD_IDT_ENTRY",
    "SET_STACK",
    "TS",
    "SET_CLOCKEVENT",
    "HALT",
    "GET_WALLCLOCK",
    "BIND_DMA",
    "SEND_DMA",
    "SET_PTE",
    "SET_PMD",
    "LOAD_TLS",
)
happened(
    "lguest 2.6.23 2.6.24",
    abi("2.6.23", *numbers(0, *LGUEST), line="lguest"),
    abi(
        "2.6.24",
        *(each for each in numbers(0, *LGUEST) if "DMA" not in each.name),
        bare(17, "NOTIFY"),
        line="lguest",
    ),
    B,
    ["call-removed", "call-added"],
    "its own DMA gave way to virtio; hosts and guests are of one release",
)
happened(
    "lguest, the 64-bit draft",
    abi("1.0", *numbers(0, *LGUEST), line="lguest"),
    abi(
        "2.0",
        *numbers(0, *LGUEST[:9], "TIMER_READ", "TIMER_START", "HALT"),
        *numbers(13, "BIND_DMA", "SEND_DMA", "FLUSH_TLB_SIG", "SET_PTE", "SET_PMD", "SET_PUD", "SET_PGD"),
        line="lguest",
    ),
    B,
    ["call-renumbered", "call-removed", "number-reused"],
    "numbered anew",
)

# -- RISC-V SBI --------------------------------------------------------------------------------------------

ERRORS = Enumeration("Error", (("SUCCESS", 0), ("FAILED", -1), ("NOT_SUPPORTED", -2), ("INVALID_PARAM", -3)))
ERROR = arg("error: s64 in a0", "Error")
LEGACY = (
    call(0, "SET_TIMER", arg("stime: u64 in a0"), lost=frozenset(), segments=frozenset()),
    call(1, "CONSOLE_PUTCHAR", arg("ch: s32 in a0"), lost=frozenset(), segments=frozenset()),
)
PROBE = call(
    0x10, "BASE", arg("extension: s64 in a0"), result=ERROR, lost=frozenset(("a1",)), segments=frozenset()
)
happened(
    "sbi 0.1 0.2",
    abi("0.1", *LEGACY, line="sbi"),
    abi(
        "0.2",
        *(replace(each, name=f"LEGACY_{each.name}") for each in LEGACY),
        PROBE,
        line="sbi",
        enums=(ERRORS,),
    ),
    C,
    ["call-renamed", "call-added"],
    "what there was became the legacy extensions, as it was; a base extension came",
)
happened(
    "sbi 0.2 0.3",
    abi("0.2", *LEGACY, PROBE, line="sbi", enums=(ERRORS,)),
    abi(
        "0.3",
        *LEGACY,
        PROBE,
        call(
            0x53525354,
            "SYSTEM_RESET",
            arg("type: u32 in a0"),
            arg("reason: u32 in a1"),
            result=ERROR,
            lost=frozenset(("a1",)),
            segments=frozenset(),
        ),
        line="sbi",
        enums=(ERRORS,),
    ),
    C,
    ["call-added"],
    "extensions were added",
)
happened(
    "sbi 2.0 3.0, errors",
    abi("2.0", *LEGACY, PROBE, line="sbi", enums=(ERRORS,)),
    abi(
        "2.1",
        *LEGACY,
        PROBE,
        line="sbi",
        enums=(replace(ERRORS, members=(*ERRORS.members, ("TIMEOUT", -12))),),
    ),
    R,
    ["enum-member-added"],
    "new error codes: whoever takes the known ones one by one must look",
)
happened(
    "sbi hart masks",
    abi("0.1", call(4, "SEND_IPI", arg("hart_mask: u64 * in a0"), lost=frozenset(), segments=frozenset())),
    abi(
        "1.0",
        call(
            4,
            "SEND_IPI",
            arg("hart_mask: u64 in a0"),
            arg("hart_mask_base: u64 in a1"),
            lost=frozenset(),
            segments=frozenset(),
        ),
    ),
    B,
    ["argument-added"],
    "the mask itself instead of the address of one",
)

# -- Solo5, virtio -----------------------------------------------------------------------------------------

happened(
    "solo5, several devices",
    abi("1.0", structs=(struct("hvt_net_write", "u64 data", "u64 len", "s32 ret", "u32 pad"),)),
    abi("2.0", structs=(struct("hvt_net_write", "u64 handle", "u64 data", "u64 len", "s32 ret", "u32 pad"),)),
    B,
    ["field-inserted"],
    "each device call tells which device, so the ABI got a number of its own",
)
TLS = Clause("SOLO-ELF-09", "A guest's thread-local sections are loaded.", "ROM")
happened(
    "solo5 hvt 1 2",
    abi("1.0", clauses=(Clause("SOLO-ELF-01", "Segments are loaded where they say.", "ROM"),)),
    abi("1.1", clauses=(Clause("SOLO-ELF-01", "Segments are loaded where they say.", "ROM"), TLS)),
    C,
    ["semantics-strengthened"],
    "tenders must be upgraded for guests with TLS; guests without go on",
)
happened(
    "virtio 0.9 1.0, network header",
    abi(
        "0.9",
        structs=(
            struct("virtio_net_hdr", "u8 flags", "u8 gso", "u16 len", "u16 size", "u16 start", "u16 off"),
        ),
    ),
    abi(
        "1.0",
        structs=(
            struct(
                "virtio_net_hdr",
                "u8 flags",
                "u8 gso",
                "u16 len",
                "u16 size",
                "u16 start",
                "u16 off",
                "u16 buffers",
            ),
        ),
    ),
    B,
    ["field-appended"],
    "the count of buffers is always there, so a feature says which form it is",
)
CONFIG = ("u64 capacity", "u32 size_max", "u32 seg_max")
READ = call(1, "read_config", arg("to: virtio_blk_config * in EAX"), arg("length: UINT32 in EDX"))
happened(
    "virtio block configuration",
    abi("1.0", READ, structs=(struct("virtio_blk_config", *CONFIG),)),
    abi("1.1", READ, structs=(struct("virtio_blk_config", *CONFIG, "u32 max_discard"),)),
    C,
    ["field-appended"],
    "drivers read what they know of; how much there is is told",
)
happened(
    "virtio header in PCI space",
    abi(
        "0.9",
        structs=(
            struct(
                "virtio_pci",
                "u32 device_features",
                "u32 driver_features",
                "u32 queue",
                "u16 size",
                "u16 select",
                "u16 notify",
                "u8 status",
                "u8 isr",
            ),
        ),
    ),
    abi(
        "1.0",
        structs=(
            struct(
                "virtio_pci",
                "u32 select_features",
                "u32 device_features",
                "u32 driver_features",
                "u16 config",
                "u16 queues",
                "u8 status",
                "u8 generation",
                "u16 select",
                "u16 size",
            ),
        ),
    ),
    B,
    ["field-inserted"],
    "a new layout, found by a capability",
)
