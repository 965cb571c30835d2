"""Enumerations and flags."""

from __future__ import annotations

from tests.compat.verdicts.frame import BOTH, NEW, NOBODY, NONE, OLD, B, C, abi, bits, call, case, values

case(
    "enum counted by C, one inserted",
    abi("1.0", enums={"Gnttabop": values(MAP=0, UNMAP=1, SETUP=2, TRANSFER=3)}),
    abi("2.0", enums={"Gnttabop": values(MAP=0, UNMAP=1, UNMAP_REPLACE=2, SETUP=3, TRANSFER=4)}),
    B,
    "enum-value-changed",
    BOTH,
)
case(
    "kvm feature bit reused",
    abi("1.0", hyper=True, enums={"Feature": values(CLOCK=0, MMU_OP=2)}),
    abi("2.0", hyper=True, enums={"Feature": values(CLOCK=0, ASYNC=2)}),
    B,
    "enum-value-reused",
)
case(
    "tlfs reference tsc invalid value",
    abi("4.0", hyper=True, enums={"TscSequence": values(INVALID=4294967295)}),
    abi("5.0", hyper=True, enums={"TscSequence": values(INVALID=0)}),
    B,
    "enum-value-changed",
    BOTH,
)
case(
    "bits became masks",
    abi("1.0", enums={"F": values(A=0, Bb=1, Cc=2, Dd=3)}),
    abi("2.0", enums={"F": bits(A=0x1, Bb=0x2, Cc=0x4, Dd=0x8)}),
    B,
    "enum-kind",
    BOTH,
)
case(
    "enum renumbered from 0 to 1 based",
    abi("1.0", enums={"Op": values(READ=0, WRITE=1, FLUSH=2)}),
    abi("2.0", enums={"Op": values(READ=1, WRITE=2, FLUSH=3)}),
    B,
    "enum-value-changed",
)
case(
    "mask widened",
    abi("1.0", enums={"M": bits(TYPE=0x7, RW=0x8)}),
    abi("2.0", enums={"M": bits(TYPE=0xF, RW=0x10)}),
    B,
    "enum-value-changed",
)
case(
    "member at end",
    abi("1.0", call(1, "Op", "op UINT32 EAX =E"), enums={"E": values(A=0, Bb=1)}),
    abi("1.1", call(1, "Op", "op UINT32 EAX =E"), enums={"E": values(A=0, Bb=1, Cc=2)}),
    C,
    "enum-member-added",
    NEW,
)
case(
    "count member moves",
    abi("1.0", call(1, "Op", "op UINT32 EAX =E"), enums={"E": values(A=0, Bb=1, NR=2)}),
    abi("1.1", call(1, "Op", "op UINT32 EAX =E"), enums={"E": values(A=0, Bb=1, Cc=2, NR=3)}),
    "breaking risky",
    "enum-value-changed",
)
case(
    "member removed",
    abi("1.0", call(1, "Op", "op UINT32 EAX =E"), enums={"E": values(A=0, Bb=1)}),
    abi("2.0", call(1, "Op", "op UINT32 EAX =E"), enums={"E": values(A=0)}),
    B,
    "enum-member-removed",
    OLD,
)
case(
    "two values exchanged",
    abi("1.0", call(1, "Op", "op UINT32 EAX =E"), enums={"E": values(OFF=0, ON=1)}),
    abi("2.0", call(1, "Op", "op UINT32 EAX =E"), enums={"E": values(ON=0, OFF=1)}),
    B,
    "enum-values-swapped",
    BOTH,
)
case(
    "removed then reused",
    abi("1.0", call(1, "Op", "op UINT32 EAX =E"), enums={"E": values(A=0, Bb=1, Old=2)}),
    abi("2.0", call(1, "Op", "op UINT32 EAX =E"), enums={"E": values(A=0, Bb=1, Fresh=2)}),
    B,
    "enum-value-reused",
)
case(
    "flag given two bits",
    abi("1.0", call(1, "Op", "op UINT32 EAX =E"), enums={"E": bits(A=0x1, Bb=0x2)}),
    abi("2.0", call(1, "Op", "op UINT32 EAX =E"), enums={"E": bits(A=0x1, Bb=0x6)}),
    B,
    "enum-value-changed",
)
case(
    "none flag dropped",
    abi("1.0", call(1, "Op", "op UINT32 EAX =E"), enums={"E": bits(NONE=0x0, A=0x1)}),
    abi("1.1", call(1, "Op", "op UINT32 EAX =E"), enums={"E": bits(A=0x1)}),
    C,
    "enum-member-removed",
    NOBODY,
)
case(
    "alias added",
    abi("1.0", call(1, "Op", "op UINT32 EAX =E"), enums={"E": values(A=0, Bb=1)}),
    abi("1.1", call(1, "Op", "op UINT32 EAX =E"), enums={"E": values(A=0, Bb=1, BETA=1)}),
    C,
    "enum-member-added",
)
case(
    "hex respelled",
    abi("1.0", call(1, "Op", "op UINT32 EAX =E"), enums={"E": values(A=16, Bb=32)}),
    abi("1.1", call(1, "Op", "op UINT32 EAX =E"), enums={"E": values(A=16, Bb=32)}),
    NONE,
)
