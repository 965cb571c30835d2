"""KVM's features, hypercalls and shared structures."""

from __future__ import annotations

from dataclasses import replace

from tests.compat.histories.frame import (
    B,
    C,
    R,
    abi,
    arg,
    bare,
    call,
    happened,
    struct,
)
from vmirom.compat import Enumeration

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
