"""Calls that come, go and move, and what else is told of them."""

from __future__ import annotations

from tests.compat.verdicts.frame import (
    BOTH,
    NEW,
    NOBODY,
    NONE,
    OLD,
    B,
    C,
    R,
    abi,
    bare,
    bits,
    call,
    case,
    count,
    struct,
    values,
)

case(
    "vmi UpdateKernelStack tss->ss0",
    abi("11.0", call(40, "UpdateKernelStack", "tss VOID* EAX; esp0 UINT32 EDX")),
    abi("12.0", call(40, "UpdateKernelStack", "ss0 SELECTOR EAX; esp0 UINT32 EDX")),
    B,
    "argument-meaning",
    BOTH,
)
case(
    "vmi move: rename+renumber+reorder",
    abi(
        "1.0",
        call(70, "SetLinearMapping", "slot INT EAX; va UINT32 EDX; pages UINT32 ECX; ppn UINT32 st0"),
        call(71, "Other"),
    ),
    abi(
        "2.0",
        call(74, "MapLinearSlots", "slot INT EAX; pages UINT32 EDX; va UINT32 ECX; ppn UINT32 st0"),
        call(71, "Other"),
    ),
    B,
    "call-renamed-and-renumbered argument-order",
    BOTH,
)
case(
    "vmi new alarm bit",
    abi("3.0", call(1, "SetAlarm", "flags UINT32 EAX =AlarmFlag"), enums={"AlarmFlag": bits(PERIODIC=0x100)}),
    abi(
        "3.1",
        call(1, "SetAlarm", "flags UINT32 EAX =AlarmFlag"),
        enums={"AlarmFlag": bits(PERIODIC=0x100, WIRED_LVTT=0x10000)},
    ),
    C,
    "enum-member-added",
    NEW,
    versions=True,
)
case(
    "flag renamed, same bit",
    abi(
        "3.0",
        call(1, "SetPxE", "pte PTE EAX; ptep PTE* EDX; pa UINT32 ECX; flags UINT32 st0 =PteFlag"),
        enums={"PteFlag": bits(DEFER=0x20, CURRENT=0x10)},
    ),
    abi(
        "3.0",
        call(1, "SetPxE", "pte PTE EAX; ptep PTE* EDX; pa UINT32 ECX; flags UINT32 st0 =PteFlag"),
        enums={"PteFlag": bits(DEFER_UPDATE=0x20, CURRENT=0x10)},
    ),
    C,
    "enum-member-renamed",
    NOBODY,
    versions=True,
)
case(
    "flag bit taken over by another",
    abi(
        "3.0",
        call(1, "SetPxE", "pte PTE EAX; ptep PTE* EDX; pa UINT32 ECX; flags UINT32 st0 =PteFlag"),
        enums={"PteFlag": bits(DEFER=0x20, CURRENT=0x10)},
    ),
    abi(
        "4.0",
        call(1, "SetPxE", "pte PTE EAX; ptep PTE* EDX; pa UINT32 ECX; flags UINT32 st0 =PteFlag"),
        enums={"PteFlag": bits(NOFLUSH=0x20, CURRENT=0x10)},
    ),
    B,
    "enum-value-reused",
)
case(
    "mbz flag bits used",
    abi(
        "1.0",
        call(1, "Map", "flags UINT32 EAX =MapFlag"),
        enums={"MapFlag": bits(RW=0x1)},
        clauses={
            "X-MAP-01": {"text": "Bits that have no name must be zero.", "who": "guest", "calls": ["Map"]}
        },
    ),
    abi(
        "1.1",
        call(1, "Map", "flags UINT32 EAX =MapFlag"),
        enums={"MapFlag": bits(RW=0x1, NX=0x2)},
        clauses={
            "X-MAP-01": {"text": "Bits that have no name must be zero.", "who": "guest", "calls": ["Map"]}
        },
    ),
    C,
    "enum-member-added",
    NEW,
    versions=True,
)
case(
    "call split",
    abi(
        "1.0",
        call(1, "SetPxE", "pte PTE EAX; ptep PTE* EDX; pa UINT32 ECX; flags UINT32 st0 =PteFlag"),
        call(2, "Z"),
        enums={"PteFlag": bits(DEFER=0x20, CURRENT=0x10)},
    ),
    abi(
        "2.0",
        call(2, "Z"),
        call(10, "SetPteLow", "pte PTE EAX; ptep PTE* EDX"),
        call(11, "SetPteFlags", "pa UINT32 EAX; flags UINT32 EDX =PteFlag"),
        enums={"PteFlag": bits(DEFER=0x20, CURRENT=0x10)},
    ),
    B,
    "call-removed call-added",
    OLD,
)
case(
    "calls merged",
    abi("1.0", call(1, "FlushUser"), call(2, "FlushAll"), call(3, "Z")),
    abi("2.0", call(3, "Z"), call(4, "FlushTLB", "how UINT32 EAX")),
    B,
    "call-removed call-added",
    OLD,
)
case(
    "calls merged at one's number",
    abi("1.0", call(1, "FlushUser"), call(2, "FlushAll"), call(3, "Z")),
    abi("2.0", call(3, "Z"), call(2, "FlushTLB", "how UINT32 EAX")),
    B,
    "call-removed",
)
case(
    "slots become relocation",
    abi("1.0", call(1, "A"), slots={"size": 32, "count": 128}),
    abi(
        "2.0",
        call(1, "A"),
        structs={"vmi_rom_header": struct("u16 sig; u32 vmi_init; u32 get_reloc")},
        enums={"Reloc": values(NONE=0, CALL=1)},
    ),
    B,
    "dispatch-changed",
    BOTH,
)
case(
    "slot size doubles",
    abi("1.0", call(1, "A"), slots={"size": 16, "count": 128}),
    abi("2.0", call(1, "A"), slots={"size": 32, "count": 128}),
    B,
    "slot-layout",
    BOTH,
)
case(
    "deprecated by name",
    abi("1.0", call(1, "Poll", "a UINT32 EAX"), call(2, "Z")),
    abi("1.0", call(1, "Poll_deprecated", "a UINT32 EAX"), call(2, "Z")),
    C,
    "call-renamed",
    NOBODY,
    versions=True,
)
case(
    "deprecated, then removed",
    abi("1.0", call(1, "Poll_deprecated", "a UINT32 EAX"), call(2, "Z")),
    abi("2.0", call(2, "Z"), bare(1, "reserved1")),
    B,
    "call-removed",
    OLD,
    versions=True,
)
case(
    "int to unsigned",
    abi("1.0", call(18, "console_io", "cmd INT EAX; count INT EDX")),
    abi("1.1", call(18, "console_io", "cmd UINT32 EAX; count UINT32 EDX")),
    R,
    "argument-type",
)
case(
    "address va -> pa, both numbers",
    abi("1.0", call(1, "Init", "va UINT32 EAX; n UINT32 EDX")),
    abi("2.0", call(1, "Init", "pa UINT32 EAX; n UINT32 EDX")),
    B,
    "argument-meaning",
    BOTH,
)
case(
    "address ptr -> gpa",
    abi("1.0", call(1, "Init", "data lguest_data* EAX")),
    abi("2.0", call(1, "Init", "gpa UINT32 EAX")),
    B,
    "argument-meaning",
    BOTH,
)
case(
    "mfn -> pfn",
    abi("1.0", call(1, "Pin", "mfn UINT32 EAX")),
    abi("2.0", call(1, "Pin", "pfn UINT32 EAX")),
    B,
    "argument-meaning",
    BOTH,
)
case(
    "pfn -> gpfn is the same thing",
    abi("1.0", call(1, "Pin", "pfn UINT32 EAX")),
    abi("1.0", call(1, "Pin", "gpfn UINT32 EAX")),
    C,
    "argument-renamed",
    NOBODY,
)
case(
    "limit -> size",
    abi("1.0", call(1, "SetGDT", "base UINT32 EAX; limit UINT32 EDX")),
    abi("2.0", call(1, "SetGDT", "base UINT32 EAX; size UINT32 EDX")),
    B,
    "argument-meaning",
    BOTH,
)
case(
    "last -> end",
    abi("1.0", call(1, "Range", "start UINT32 EAX; last UINT32 EDX")),
    abi("2.0", call(1, "Range", "start UINT32 EAX; end UINT32 EDX")),
    B,
    "argument-meaning",
    BOTH,
)
case(
    "ns -> us",
    abi("1.0", call(9, "set_clockevent", "delta_ns UINT32 EAX")),
    abi("2.0", call(9, "set_clockevent", "delta_us UINT32 EAX")),
    B,
    "argument-meaning",
    BOTH,
)
case(
    "bytes -> pages",
    abi("1.0", call(9, "reserve", "nr_bytes UINT32 EAX")),
    abi("2.0", call(9, "reserve", "nr_pages UINT32 EAX")),
    B,
    "argument-meaning",
    BOTH,
)
case(
    "relative -> absolute timeout",
    abi("1.0", call(15, "set_timer", "rel_timeout UINT64 EDX:EAX")),
    abi("2.0", call(15, "set_timer", "abs_timeout UINT64 EDX:EAX")),
    B,
    "argument-meaning",
    BOTH,
)
case(
    "error code added to results",
    abi(
        "1.0",
        call(1, "hart_start", "a UINT32 EAX", "status INT EAX =Err"),
        enums={"Err": values(OK=0, FAILED=-1, INVALID=-3)},
    ),
    abi(
        "1.1",
        call(1, "hart_start", "a UINT32 EAX", "status INT EAX =Err"),
        enums={"Err": values(OK=0, FAILED=-1, INVALID=-3, NO_SHMEM=-9)},
    ),
    R,
    "enum-member-added",
    OLD,
)
case(
    "minor forgotten",
    abi("1.0", call(1, "A")),
    abi("1.0", call(1, "A"), call(2, "New", "a UINT32 EAX")),
    R,
    "call-added version-not-bumped",
    versions=True,
)
case(
    "major forgotten",
    abi("1.0", call(1, "A"), call(2, "Bb", "x UINT32 EAX")),
    abi("1.1", call(1, "A")),
    B,
    "call-removed version-not-bumped",
    versions=True,
)
case(
    "patch level bump suffices for a rename",
    abi("1.0.0", call(1, "SetMsr", "x UINT32 EAX; y UINT32 EDX")),
    abi("1.0.1", call(1, "SetMSR", "x UINT32 EAX; y UINT32 EDX")),
    C,
    "call-renamed",
    versions=True,
)
case(
    "xen event arg struct gains vcpu",
    abi(
        "1.0",
        call(32, "event_channel_op", "cmd INT EBX; arg evtchn_bind_virq* ECX"),
        hyper=True,
        structs={"evtchn_bind_virq": struct("u32 virq; u32 port")},
    ),
    abi(
        "2.0",
        call(32, "event_channel_op", "cmd INT EBX; arg evtchn_bind_virq* ECX"),
        hyper=True,
        structs={"evtchn_bind_virq": struct("u32 virq; u32 vcpu; u32 port")},
    ),
    B,
    "field-inserted",
    BOTH,
)
case(
    "xen hypercall args widen to 64 (PAE pte)",
    abi("1.0", call(14, "update_va_mapping", "va UINT32 EBX; pte UINT32 ECX; flags UINT32 EDX"), hyper=True),
    abi(
        "2.0",
        call(14, "update_va_mapping", "va UINT32 EBX; pte UINT64 EDX:ECX; flags UINT32 ESI"),
        hyper=True,
    ),
    B,
    "argument-type",
    BOTH,
)
case(
    "xen tmem op withdrawn",
    abi("1.0", call(1, "A"), call(38, "tmem_op", "op VOID* EBX"), hyper=True),
    abi("2.0", call(1, "A"), bare(38, "reserved38"), hyper=True),
    B,
    "call-removed",
    OLD,
)
case(
    "kvm gate enforced",
    abi("1.0", call(10, "SEND_IPI", "low UINT32 EBX"), hyper=True, enums={"Feature": values(PV_SEND_IPI=11)}),
    abi(
        "2.0",
        call(10, "SEND_IPI", "low UINT32 EBX", when="Feature.PV_SEND_IPI"),
        hyper=True,
        enums={"Feature": values(PV_SEND_IPI=11)},
    ),
    B,
    "gate-added",
    OLD,
)
case(
    "kvm memslot2 as a new call",
    abi(
        "1.0",
        call(1, "set_region", "r kvm_region* EBX"),
        hyper=True,
        structs={"kvm_region": struct("u32 slot; u32 flags; u64 gpa")},
    ),
    abi(
        "1.1",
        call(1, "set_region", "r kvm_region* EBX"),
        call(2, "set_region2", "r kvm_region2* EBX"),
        hyper=True,
        structs={
            "kvm_region": struct("u32 slot; u32 flags; u64 gpa"),
            "kvm_region2": struct("u32 slot; u32 flags; u64 gpa; u64 fd"),
        },
    ),
    C,
    "call-added struct-added",
    NEW,
)
case(
    "virtio barrier feature dropped",
    abi("1.0", call(1, "ack", "f UINT32 EAX =F"), enums={"F": bits(BARRIER=0x1, SIZE_MAX=0x2)}),
    abi("2.0", call(1, "ack", "f UINT32 EAX =F"), enums={"F": bits(SIZE_MAX=0x2)}),
    B,
    "enum-member-removed",
    OLD,
)
case(
    "lguest LOAD_GDT -> entry",
    abi("2.6.29", bare(0, "F"), call(3, "LOAD_GDT", "table UINT32 EDX; entries UINT32 EBX"), hyper=True),
    abi(
        "2.6.30",
        bare(0, "F"),
        call(18, "LOAD_GDT_ENTRY", "number UINT32 EBX; low UINT32 ECX; high UINT32 EDX"),
        hyper=True,
    ),
    B,
)
case(
    "lguest args registers",
    abi("2.6.29", call(4, "NEW_PGTABLE", "cr3 UINT32 EDX"), hyper=True),
    abi("2.6.30", call(4, "NEW_PGTABLE", "cr3 UINT32 EBX"), hyper=True),
    B,
    "argument-moved",
    BOTH,
)
case(
    "tlfs flush flag",
    abi("4.0", call(2, "flush", "flags UINT64 EDX:EAX =Flush"), enums={"Flush": bits(ALL=0x1)}),
    abi("4.1", call(2, "flush", "flags UINT64 EDX:EAX =Flush"), enums={"Flush": bits(ALL=0x1, EXTENDED=0x8)}),
    C,
    "enum-member-added",
    NEW,
)
case(
    "sbi legacy kept beside TIME",
    abi("0.1", call(0, "set_timer", "t UINT64 a0", lost="a0 a1")),
    abi(
        "0.2",
        call(0, "set_timer", "t UINT64 a0", lost="a0 a1"),
        call(1414090053, "time_set_timer", "t UINT64 a0", "error INT a0; value UINT64 a1", lost="a0 a1"),
    ),
    C,
    "call-added",
)
case(
    "sbi send_ipi base added",
    abi("0.1", call(4, "send_ipi", "hart_mask UINT32* a0", lost="a0 a1")),
    abi("0.2", call(4, "send_ipi", "hart_mask UINT64 a0; hart_mask_base UINT64 a1", lost="a0 a1")),
    B,
    "argument-added",
    BOTH,
)
case(
    "sbi priv->opaque",
    abi(
        "0.2",
        call(
            1,
            "hart_start",
            "hartid UINT64 a0; start_addr UINT64 a1; priv UINT64 a2",
            "error INT a0",
            lost="a0 a1",
        ),
    ),
    abi(
        "0.3",
        call(
            1,
            "hart_start",
            "hartid UINT64 a0; start_addr UINT64 a1; opaque UINT64 a2",
            "error INT a0",
            lost="a0 a1",
        ),
    ),
    "risky compatible",
)
case(
    "psci ids assigned",
    abi("0.1", call(1, "cpu_on", "cpu UINT64 x1; entry UINT64 x2", "ret INT x0", lost="x0")),
    abi("1.0", call(2214592515, "cpu_on", "cpu UINT64 x1; entry UINT64 x2", "ret INT x0", lost="x0")),
    B,
    "call-renumbered",
    BOTH,
)
case(
    "psci 1.0 additions",
    abi("0.2", call(1, "cpu_on", "cpu UINT64 x1")),
    abi(
        "0.3",
        call(1, "cpu_on", "cpu UINT64 x1"),
        call(10, "psci_features", "id UINT32 x1", "ret INT x0"),
        call(14, "system_suspend", "entry UINT64 x1"),
    ),
    C,
    "call-added",
    versions=True,
)
case(
    "psci cpu_on widens",
    abi("0.2", call(3, "cpu_on", "cpu UINT32 x1; entry UINT32 x2")),
    abi("1.0", call(3, "cpu_on", "cpu UINT64 x1; entry UINT64 x2")),
    B,
    "argument-type",
    BOTH,
)
case(
    "i386 stat -> oldstat",
    abi("1.0", call(18, "stat", "name UINT8* EBX; buf old_stat* ECX"), call(1, "exit", "code INT EBX")),
    abi(
        "1.1",
        call(18, "oldstat", "name UINT8* EBX; buf old_stat* ECX"),
        call(1, "exit", "code INT EBX"),
        call(106, "stat", "name UINT8* EBX; buf new_stat* ECX"),
    ),
    R,
    "call-renamed name-reused",
)
case(
    "i386 create_module gone",
    abi("1.0", *count(125, "mprotect sigprocmask create_module init_module")),
    abi("2.0", *count(125, "mprotect sigprocmask"), bare(128, "init_module")),
    B,
    "call-removed",
    OLD,
)
case(
    "time_t 32 -> 64",
    abi("1.0", call(13, "time", "", "t INT EAX")),
    abi("2.0", call(13, "time", "", "t UINT64 EDX:EAX")),
    B,
    "result-type",
    BOTH,
)
case(
    "rotation of three",
    abi("1.0", *count(1, "Aaa Bbb Ccc")),
    abi("2.0", *count(1, "Ccc Aaa Bbb")),
    B,
    "call-renumbered",
    BOTH,
)
case(
    "two calls exchanged",
    abi("1.0", call(1, "SetCR3", "v UINT32 EAX"), call(2, "SetCR4", "v UINT32 EAX")),
    abi("2.0", call(2, "SetCR3", "v UINT32 EAX"), call(1, "SetCR4", "v UINT32 EAX")),
    B,
    "calls-swapped",
    BOTH,
)
case(
    "void gains a result in a lost register",
    abi("1.0", call(1, "Notify", "a UINT32 EAX")),
    abi("1.1", call(1, "Notify", "a UINT32 EAX", "ret INT EAX")),
    C,
    "result-added",
    NEW,
)
case(
    "void gains a result in a kept register",
    abi("1.0", call(1, "Notify", "a UINT32 EAX", lost="flags")),
    abi("2.0", call(1, "Notify", "a UINT32 EAX", "ret INT EBX", lost="flags")),
    B,
    "result-added",
    BOTH,
)
case(
    "flags argument added at the end",
    abi("1.0", call(1, "Map", "va UINT32 EAX; n UINT32 EDX")),
    abi("2.0", call(1, "Map", "va UINT32 EAX; n UINT32 EDX; flags UINT32 ECX")),
    B,
    "argument-added",
    BOTH,
)
case(
    "argument became a pointer to it",
    abi("1.0", call(1, "Set", "mask UINT32 EAX")),
    abi("2.0", call(1, "Set", "mask UINT32* EAX")),
    B,
    "argument-type",
    BOTH,
)
case(
    "call never comes back now",
    abi("1.0", call(1, "Halt", "a UINT32 EAX")),
    abi("2.0", call(1, "Halt", "a UINT32 EAX", jump=True)),
    B,
    "call-kind-changed",
    BOTH,
)
case(
    "call renamed and contract kept, number kept, version kept",
    abi("1.0", call(3, "UpdateIDT", "a UINT32 EAX; b UINT64 ECX:EDX")),
    abi("1.0", call(3, "WriteIDT", "a UINT32 EAX; b UINT64 ECX:EDX")),
    "risky compatible",
    "call-renamed",
    versions=True,
)
case(
    "two calls exchange names, contracts with them",
    abi(
        "1.0", call(1, "Read", "a UINT32 EAX", "r UINT32 EAX"), call(2, "Write", "a UINT32 EAX; b UINT32 EDX")
    ),
    abi(
        "2.0", call(2, "Read", "a UINT32 EAX", "r UINT32 EAX"), call(1, "Write", "a UINT32 EAX; b UINT32 EDX")
    ),
    B,
    "calls-swapped",
    BOTH,
)
case(
    "number reused after removal",
    abi("1.0", call(1, "Aaa"), call(2, "GetPhys", "a UINT32 EAX", "r UINT32 EAX")),
    abi("2.0", call(1, "Aaa"), call(2, "SendIPI", "cpu UINT32 EAX; vector UINT32 EDX")),
    B,
    "number-reused",
    BOTH,
)
case(
    "calls squeezed after removal",
    abi(
        "1.0",
        call(1, "Init"),
        call(2, "Frob", "x UINT64 EDX:EAX"),
        call(3, "Halt"),
        call(4, "Reboot", "how UINT32 EAX"),
    ),
    abi("2.0", call(1, "Init"), call(2, "Halt"), call(3, "Reboot", "how UINT32 EAX")),
    B,
    "call-renumbered call-removed",
    BOTH,
)
case(
    "clobber and result in one",
    abi("1.0", call(1, "X", "a UINT32 EAX", "r UINT32 EAX", lost="flags")),
    abi("1.1", call(1, "X", "a UINT32 EAX", "r UINT32 EAX", lost="EAX flags")),
    C,
    "clobbers-grown",
    NOBODY,
)
case(
    "flags lost now",
    abi("1.0", call(1, "X", "a UINT32 EAX", lost="")),
    abi("2.0", call(1, "X", "a UINT32 EAX", lost="flags")),
    B,
    "clobbers-grown",
    OLD,
)
case(
    "ds must be flat",
    abi("1.0", call(1, "X", "a UINT32 EAX", flat="CS SS")),
    abi("2.0", call(1, "X", "a UINT32 EAX", flat="CS SS DS")),
    B,
    "segments-tightened",
    OLD,
)
case(
    "contract published",
    abi("1.0", call(1, "A"), bare(63, "Mystery")),
    abi("1.1", call(1, "A"), call(63, "Mystery", "a UINT32 EAX")),
    C,
    "contract-published",
    NEW,
    versions=True,
)
case(
    "reserved number taken",
    abi("1.0", call(1, "A"), bare(2, "reserved2")),
    abi("1.1", call(1, "A"), call(2, "Fresh", "a UINT32 EAX")),
    C,
    "call-added",
    NEW,
    versions=True,
)
case("same line, nothing", abi("1.0", call(1, "A")), abi("1.0", call(1, "A")), NONE, versions=True)
case(
    "major for nothing",
    abi("1.0", call(1, "A")),
    abi("2.0", call(1, "A")),
    R,
    "version-overbumped",
    OLD,
    versions=True,
)
case(
    "feature gate lifted",
    abi("1.0", call(2, "X", when="F.A"), hyper=True, enums={"F": values(A=1)}),
    abi("1.1", call(2, "X"), hyper=True, enums={"F": values(A=1)}),
    C,
    "gate-lifted",
    NEW,
)
case(
    "feature gate other",
    abi("1.0", call(2, "X", when="F.A"), hyper=True, enums={"F": values(A=1, Bb=2)}),
    abi("1.1", call(2, "X", when="F.Bb"), hyper=True, enums={"F": values(A=1, Bb=2)}),
    B,
    "gate-changed",
    BOTH,
)
case(
    "reloc type added",
    abi(
        "1.0",
        call(1, "A"),
        structs={"vmi_rom_header": struct("u16 sig; u32 vmi_init; u32 get_reloc")},
        enums={"Reloc": values(NONE=0, CALL=1, JUMP=2)},
    ),
    abi(
        "2.0",
        call(1, "A"),
        structs={"vmi_rom_header": struct("u16 sig; u32 vmi_init; u32 get_reloc")},
        enums={"Reloc": values(NONE=0, CALL=1, JUMP=2, NOP=3)},
    ),
    B,
    "relocation-type-added",
    OLD,
)
case(
    "map becomes unmap",
    abi("1.0", call(1, "MapPages", "va UINT32 EAX; n UINT32 EDX"), call(2, "Z")),
    abi("2.0", call(1, "UnmapPages", "va UINT32 EAX; n UINT32 EDX"), call(2, "Z")),
    B,
    "number-reused",
    BOTH,
)
case(
    "set becomes clear",
    abi("1.0", call(1, "SetBits", "bits UINT32 EAX"), call(2, "Z")),
    abi("2.0", call(1, "ClearBits", "bits UINT32 EAX"), call(2, "Z")),
    B,
    "number-reused",
    BOTH,
)
case(
    "suspend becomes resume, as headers tell it",
    abi("1.0", *count(1, "vcpu_suspend vcpu_yield")),
    abi("2.0", *count(1, "vcpu_resume vcpu_yield")),
    B,
    "number-reused",
    BOTH,
)
case(
    "read and write exchange numbers",
    abi("1.0", *count(1, "read_reg write_reg")),
    abi("2.0", *count(1, "write_reg read_reg")),
    B,
    "calls-swapped",
    BOTH,
)
case(
    "pin goes to another number, unpin takes its own",
    abi("1.0", call(1, "PinTable", "pfn UINT32 EAX; level UINT32 EDX")),
    abi(
        "2.0",
        call(1, "UnpinTable", "pfn UINT32 EAX; level UINT32 EDX"),
        call(2, "PinTable", "pfn UINT32 EAX; level UINT32 EDX"),
    ),
    B,
    "call-renumbered number-reused",
    BOTH,
)
case(
    "a function becomes a procedure",
    abi("1.0", call(1, "Probe", "a UINT32 EAX", "r UINT32 EAX")),
    abi("2.0", call(1, "Probe", "a UINT32 EAX")),
    B,
    "result-dropped",
    OLD,
)
