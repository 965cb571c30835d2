"""Xen's public headers."""

from __future__ import annotations

from tests.compat.histories.frame import (
    B,
    R,
    abi,
    arg,
    bare,
    call,
    happened,
    struct,
)

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
