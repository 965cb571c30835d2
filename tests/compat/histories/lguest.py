"""lguest, whose hosts and guests were of one release."""

from __future__ import annotations

from tests.compat.histories.frame import (
    B,
    abi,
    bare,
    happened,
    numbers,
)

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
