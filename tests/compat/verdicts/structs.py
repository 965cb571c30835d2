"""Structs, as firmware, hypervisors and devices share them."""

from __future__ import annotations

from tests.compat.verdicts.frame import BOTH, NEW, NOBODY, OLD, B, C, R, abi, call, case, struct, values

case(
    "reserved struct bytes used",
    abi("1.0", structs={"s": struct("u32 a; pad u8[12] rsvd")}),
    abi("1.1", structs={"s": struct("u32 a; u32 b; pad u8[8] rsvd")}),
    R,
    "field-from-reserved",
)
case(
    "field widened into padding",
    abi("1.0", structs={"s": struct("u16 len; pad u8[2] pad0; u32 next")}),
    abi("1.1", structs={"s": struct("u32 len; u32 next")}),
    R,
    "field-resized",
    BOTH,
)
case(
    "shared array grows in the middle",
    abi("1.0", structs={"shared": struct("u64[32] vcpu; u32 wc_sec; u32 wc_nsec")}),
    abi("2.0", structs={"shared": struct("u64[64] vcpu; u32 wc_sec; u32 wc_nsec")}),
    B,
    "field-resized",
    BOTH,
)
case(
    "trailing array grows, size told at head",
    abi("1.0", structs={"info": struct("u32 size; u32 flags; u32[4] reg")}),
    abi("1.1", structs={"info": struct("u32 size; u32 flags; u32[8] reg")}),
    C,
    "field-resized",
    NEW,
)
case(
    "trailing array grows, no size",
    abi("1.0", structs={"info": struct("u32 flags; u32[4] reg")}),
    abi("2.0", structs={"info": struct("u32 flags; u32[8] reg")}),
    B,
    "field-resized",
    BOTH,
)
case(
    "i386 alignment became natural",
    abi("1.0", structs={"runstate": struct("s32 state; u64 entry; u64[4] time")}),
    abi("2.0", structs={"runstate": struct("s32 state; pad u32 pad0; u64 entry; u64[4] time")}),
    B,
    "field-moved",
    BOTH,
)
case(
    "field ns -> ticks",
    abi("1.0", structs={"t": struct("u64 system_ns; u32 x")}),
    abi("2.0", structs={"t": struct("u64 system_ticks; u32 x")}),
    B,
    "field-repurposed",
    BOTH,
)
case(
    "xen reservation address_bits->mem_flags",
    abi(
        "1.0",
        hyper=True,
        structs={
            "xen_memory_reservation": struct(
                "u32 extent_start; u32 nr_extents; u32 extent_order; "
                "u32 address_bits; u16 domid; pad u16 pad0"
            )
        },
    ),
    abi(
        "2.0",
        hyper=True,
        structs={
            "xen_memory_reservation": struct(
                "u32 extent_start; u32 nr_extents; u32 extent_order; u32 mem_flags; u16 domid; pad u16 pad0"
            )
        },
    ),
    B,
    "field-repurposed",
    BOTH,
)
case(
    "xen add_to_physmap size from padding",
    abi(
        "1.0", structs={"xen_add_to_physmap": struct("u16 domid; pad u16 pad0; u32 space; u32 idx; u32 gpfn")}
    ),
    abi("1.1", structs={"xen_add_to_physmap": struct("u16 domid; u16 size; u32 space; u32 idx; u32 gpfn")}),
    R,
    "field-from-reserved",
)
case(
    "kvm immediate_exit from padding",
    abi("1.0", structs={"kvm_run": struct("u8 request_window; pad u8[7] padding1; u32 exit_reason")}),
    abi(
        "1.1",
        structs={
            "kvm_run": struct("u8 request_window; u8 immediate_exit; pad u8[6] padding1; u32 exit_reason")
        },
    ),
    R,
    "field-from-reserved",
)
case(
    "virtio queue fields 32->64 split lo hi",
    abi("1.0", structs={"q": struct("u64 desc; u64 avail")}),
    abi("1.0", structs={"q": struct("u32 desc_lo; u32 desc_hi; u64 avail")}),
    C,
    "field-split",
    NOBODY,
)
case(
    "two halves joined",
    abi("1.0", structs={"q": struct("u32 addr_low; u32 addr_high; u64 avail")}),
    abi("1.0", structs={"q": struct("u64 addr; u64 avail")}),
    C,
    "field-joined",
    NOBODY,
)
case(
    "a word split in two things",
    abi("1.0", structs={"q": struct("u32 flags; u32 x")}),
    abi("2.0", structs={"q": struct("u16 flags; u16 mode; u32 x")}),
    B,
    "field-resized",
    BOTH,
)
case(
    "lguest hcall args order",
    abi("2.6.23", hyper=True, structs={"hcall_args": struct("u32 arg0; u32 arg2; u32 arg3; u32 arg1")}),
    abi(
        "2.6.33",
        hyper=True,
        structs={"hcall_args": struct("u32 arg0; u32 arg1; u32 arg2; u32 arg3; u32 arg4")},
    ),
    B,
    "",
    BOTH,
)
case(
    "acpi fadt grows, header tells length",
    abi(
        "1.0",
        structs={
            "fadt": struct("u8[4] signature; u32 length; u8 revision; u8 checksum; u16 x; u32 firmware_ctrl")
        },
    ),
    abi(
        "1.1",
        structs={
            "fadt": struct(
                "u8[4] signature; u32 length; u8 revision; "
                "u8 checksum; u16 x; u32 firmware_ctrl; u64 x_firmware_ctrl"
            )
        },
    ),
    C,
    "field-appended",
    NEW,
)
case(
    "uefi runtime table grows, header_size",
    abi(
        "1.0",
        structs={
            "rt": struct(
                "u64 signature; u32 revision; u32 header_size; "
                "u32 crc32; pad u32 reserved; u32 get_time; u32 set_time"
            )
        },
    ),
    abi(
        "2.0",
        structs={
            "rt": struct(
                "u64 signature; u32 revision; u32 header_size; u32 crc32; "
                "pad u32 reserved; u32 get_time; u32 set_time; u32 update_capsule"
            )
        },
    ),
    C,
    "field-appended",
    NEW,
)
case(
    "uefi service inserted",
    abi(
        "1.0",
        structs={"rt": struct("u64 signature; u32 revision; u32 header_size; u32 get_time; u32 set_time")},
    ),
    abi(
        "2.0",
        structs={
            "rt": struct(
                "u64 signature; u32 revision; u32 header_size; u32 get_time; u32 get_wakeup; u32 set_time"
            )
        },
    ),
    B,
    "field-inserted",
    BOTH,
)
case(
    "field's enum gains a value, given to guests",
    abi("1.0", structs={"info": struct("u32 state =State")}, enums={"State": values(RUN=0, STOP=1)}),
    abi("1.1", structs={"info": struct("u32 state =State")}, enums={"State": values(RUN=0, STOP=1, PAUSE=2)}),
    "risky compatible",
    "enum-member-added",
)
case(
    "char buffer shortened",
    abi("1.0", structs={"v": struct("u8[1024] text; u32 n")}),
    abi("2.0", structs={"v": struct("u8[64] text; u32 n")}),
    B,
    "field-resized",
    BOTH,
)
case(
    "field moved to the tail",
    abi("1.0", structs={"v": struct("u32 a; u32 b; u32 cc")}),
    abi("2.0", structs={"v": struct("u32 b; u32 cc; u32 a")}),
    B,
    "field-moved",
    BOTH,
)
case(
    "struct renamed and one field, too",
    abi("1.0", structs={"old_info": struct("u32 a; u32 b; u32 cc; u32 index")}),
    abi("1.0", structs={"new_info": struct("u32 a; u32 b; u32 cc; u32 idx")}),
    C,
    "struct-renamed field-renamed",
    NOBODY,
)
case(
    "char[8] -> u8[8]",
    abi("1.0", structs={"abi_s": struct("char[8] name; u32 x")}),
    abi("1.1", structs={"abi_s": struct("u8[8] name; u32 x")}),
    C,
    "field-type",
)
case(
    "u32[2] -> u64",
    abi("1.0", structs={"abi_s": struct("u32[2] v; u32 x")}),
    abi("1.1", structs={"abi_s": struct("u64 v; u32 x")}),
    "risky compatible",
    "field-type",
)
case(
    "sec -> msec field",
    abi("1.0", structs={"abi_s": struct("u32 wc_sec; u32 x")}),
    abi("2.0", structs={"abi_s": struct("u32 wc_msec; u32 x")}),
    B,
    "field-repurposed",
    BOTH,
)
case(
    "addr field -> pfn",
    abi("1.0", structs={"abi_s": struct("u32 pt_addr; u32 x")}),
    abi("1.1", structs={"abi_s": struct("u32 pt_pfn; u32 x")}),
    "breaking risky",
    "field-repurposed",
)
case(
    "u16 -> u32 with move",
    abi("1.0", structs={"abi_s": struct("u16 a; u16 b; u32 x")}),
    abi("2.0", structs={"abi_s": struct("u32 a; u16 b; pad u16 p; u32 x")}),
    B,
    "field-resized",
    BOTH,
)
case(
    "padding grows",
    abi("1.0", structs={"abi_s": struct("u32 a; pad u8[4] p; u32 b")}),
    abi("2.0", structs={"abi_s": struct("u32 a; pad u8[12] p; u32 b")}),
    B,
    "field-moved",
    BOTH,
)
case(
    "tail padding cut",
    abi("1.0", structs={"abi_s": struct("u32 a; pad u8[12] p")}),
    abi("2.0", structs={"abi_s": struct("u32 a; pad u8[4] p")}),
    B,
    "struct-size",
    BOTH,
)
case(
    "two fields swapped",
    abi("1.0", structs={"abi_s": struct("u32 a; u32 b")}),
    abi("2.0", structs={"abi_s": struct("u32 b; u32 a")}),
    B,
    "fields-swapped",
    BOTH,
)
case(
    "flags field narrowed, rest reserved",
    abi("1.0", structs={"abi_s": struct("u32 flags; u32 x")}),
    abi("1.1", structs={"abi_s": struct("u16 flags; pad u16 r; u32 x")}),
    "breaking risky",
    "field-resized",
)
case(
    "count told, list grows",
    abi("1.0", structs={"abi_s": struct("u32 nr; u32[4] list")}),
    abi("2.0", structs={"abi_s": struct("u32 nr; u32[16] list")}),
    B,
    "field-resized",
    BOTH,
)
case(
    "field dropped at the tail",
    abi("1.0", structs={"abi_s": struct("u32 a; u32 b")}),
    abi("2.0", structs={"abi_s": struct("u32 a")}),
    B,
    "field-removed",
)
case(
    "field retired",
    abi("1.0", structs={"abi_s": struct("u32 a; u32 b; u32 c")}),
    abi("2.0", structs={"abi_s": struct("u32 a; pad u32 r; u32 c")}),
    B,
    "field-retired",
    OLD,
)
case(
    "field renamed",
    abi("1.0", structs={"abi_s": struct("u32 nr_frames; u32 x")}),
    abi("1.1", structs={"abi_s": struct("u32 num_frames; u32 x")}),
    C,
    "field-renamed",
    NOBODY,
)
case(
    "s32 -> u32",
    abi("1.0", structs={"abi_s": struct("s32 state; u32 x")}),
    abi("1.1", structs={"abi_s": struct("u32 state; u32 x")}),
    R,
    "field-type",
    BOTH,
)
case(
    "typedef spelled",
    abi("1.0", structs={"abi_s": struct("u32 state; u64 x")}),
    abi("1.1", structs={"abi_s": struct("uint32_t state; uint64_t x")}),
    C,
    "field-type",
    NOBODY,
)
case(
    "identity vendor",
    abi(
        "1.0",
        structs={
            "vmi_rom_header": {
                "size": 8,
                "fields": [
                    {"name": "rom_signature", "offset": 0, "size": 4, "type": "u32", "const": 1},
                    {"name": "pci_vendor", "offset": 4, "size": 4, "type": "u32", "const": 5},
                ],
            }
        },
    ),
    abi(
        "1.1",
        structs={
            "vmi_rom_header": {
                "size": 8,
                "fields": [
                    {"name": "rom_signature", "offset": 0, "size": 4, "type": "u32", "const": 1},
                    {"name": "pci_vendor", "offset": 4, "size": 4, "type": "u32", "const": 6},
                ],
            }
        },
    ),
    R,
    "identity-changed",
)
case(
    "identity signature",
    abi(
        "1.0",
        structs={
            "vmi_rom_header": {
                "size": 4,
                "fields": [{"name": "rom_signature", "offset": 0, "size": 4, "type": "u32", "const": 1}],
            }
        },
    ),
    abi(
        "2.0",
        structs={
            "vmi_rom_header": {
                "size": 4,
                "fields": [{"name": "rom_signature", "offset": 0, "size": 4, "type": "u32", "const": 2}],
            }
        },
    ),
    B,
    "identity-changed",
    BOTH,
)
case(
    "padding goes behind what it stood before",
    abi("1.0", structs={"abi_s": struct("pad u8[4] p; u32 a")}),
    abi("2.0", structs={"abi_s": struct("u32 a; pad u8[4] p")}),
    B,
    "field-moved",
    BOTH,
)
case(
    "a name at the tail grows, size told at head",
    abi("1.0", structs={"info": struct("u32 size; u32 flags; char[16] name")}),
    abi("1.1", structs={"info": struct("u32 size; u32 flags; char[32] name")}),
    R,
    "field-resized",
    BOTH,
)
INFO = call(1, "GetInfo", "", "info hv_info* EAX")
case(
    "a struct that guests are handed grows",
    abi("1.0", INFO, structs={"hv_info": struct("u32 version; u32 features")}),
    abi("1.1", INFO, structs={"hv_info": struct("u32 version; u32 features; u32 hints")}),
    C,
    "field-appended",
    NEW,
)
case(
    "a struct that guests are handed, and hand back, grows",
    abi("1.0", INFO, call(2, "PutInfo", "info hv_info* EAX"), structs={"hv_info": struct("u32 a; u32 b")}),
    abi(
        "2.0",
        INFO,
        call(2, "PutInfo", "info hv_info* EAX"),
        structs={"hv_info": struct("u32 a; u32 b; u32 c")},
    ),
    B,
    "field-appended",
    BOTH,
)
