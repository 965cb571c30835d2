"""Solo5 and virtio."""

from __future__ import annotations

from tests.compat.histories.frame import (
    B,
    C,
    abi,
    arg,
    call,
    happened,
    struct,
)
from vmirom.compat import Clause

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
