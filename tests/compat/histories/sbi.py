"""The supervisor binary interface of RISC-V."""

from __future__ import annotations

from dataclasses import replace

from tests.compat.histories.frame import (
    B,
    C,
    R,
    abi,
    arg,
    call,
    happened,
)
from vmirom.compat import Enumeration

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
