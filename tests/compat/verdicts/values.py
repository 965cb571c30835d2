"""Arguments and results of one call: where, of which type, and meaning what."""

from __future__ import annotations

from tests.compat.verdicts.frame import BOTH, NEW, NOBODY, OLD, B, C, R, abi, call, case

case(
    "va -> value",
    abi("1.0", call(1, "Op", "va UINT32 EAX")),
    abi("1.1", call(1, "Op", "value UINT32 EAX")),
    "breaking risky",
    "argument-meaning",
)
case(
    "pa -> pages",
    abi("1.0", call(1, "Op", "pa UINT32 EAX")),
    abi("1.1", call(1, "Op", "pages UINT32 EAX")),
    "breaking risky",
    "argument-meaning",
)
case(
    "id -> idle",
    abi("1.0", call(1, "Op", "id UINT32 EAX")),
    abi("1.1", call(1, "Op", "idle UINT32 EAX")),
    "breaking risky",
    "argument-meaning",
)
case(
    "length -> count",
    abi("1.0", call(1, "Op", "length UINT32 EAX")),
    abi("1.1", call(1, "Op", "count UINT32 EAX")),
    "breaking risky",
    "argument-meaning",
)
case(
    "ns -> nsec is the same",
    abi("1.0", call(1, "Op", "timeout_ns UINT32 EAX")),
    abi("1.1", call(1, "Op", "timeout_nsec UINT32 EAX")),
    C,
    "argument-renamed",
    NOBODY,
)
case(
    "len -> length",
    abi("1.0", call(1, "Op", "len UINT32 EAX")),
    abi("1.1", call(1, "Op", "length UINT32 EAX")),
    C,
    "argument-renamed",
)
case(
    "idx -> index",
    abi("1.0", call(1, "Op", "idx UINT32 EAX")),
    abi("1.1", call(1, "Op", "index UINT32 EAX")),
    C,
    "argument-renamed",
)
case(
    "cycles -> nanosecs by type",
    abi("1.0", call(1, "Op", "when CYCLES EDX:EAX")),
    abi("2.0", call(1, "Op", "when NANOSECS EDX:EAX")),
    B,
    "argument-type",
    BOTH,
)
case(
    "uint32 -> u32",
    abi("1.0", call(1, "Op", "x UINT32 EAX")),
    abi("1.1", call(1, "Op", "x u32 EAX")),
    C,
    "argument-type",
    NOBODY,
)
case(
    "selector -> u16",
    abi("1.0", call(1, "Op", "s SELECTOR EAX")),
    abi("1.1", call(1, "Op", "s UINT16 EAX")),
    C,
    "argument-type",
)
case(
    "PTE -> LONG_PTE",
    abi("1.0", call(1, "Op", "p PTE EAX")),
    abi("2.0", call(1, "Op", "p LONG_PTE EDX:EAX")),
    B,
    "argument-type",
    BOTH,
)
case(
    "64 told as halves",
    abi("1.0", call(1, "Op", "gpa UINT64 ECX:EBX")),
    abi("1.1", call(1, "Op", "gpa_low UINT32 EBX; gpa_high UINT32 ECX")),
    C,
    "argument-split",
    NOBODY,
)
case(
    "halves exchanged",
    abi("1.0", call(1, "Op", "gpa_low UINT32 EBX; gpa_high UINT32 ECX")),
    abi("2.0", call(1, "Op", "gpa_high UINT32 EBX; gpa_low UINT32 ECX")),
    B,
    "argument-order",
    BOTH,
)
case(
    "pair turned",
    abi("1.0", call(1, "Op", "v UINT64 EDX:EAX")),
    abi("2.0", call(1, "Op", "v UINT64 EAX:EDX")),
    B,
    "argument-moved",
    BOTH,
)
case(
    "to the stack",
    abi("1.0", call(1, "Op", "a UINT32 EAX; b UINT32 EDX; c UINT32 ECX")),
    abi("2.0", call(1, "Op", "a UINT32 EAX; b UINT32 EDX; c UINT32 st0")),
    B,
    "argument-moved",
    BOTH,
)
case(
    "optional tail",
    abi("1.0", call(1, "Op", "a UINT32 EAX")),
    abi("1.1", call(1, "Op", "a UINT32 EAX; b UINT32 EDX ?")),
    C,
    "argument-added",
    NEW,
)
case(
    "optional became due",
    abi("1.0", call(1, "Op", "a UINT32 EAX; b UINT32 EDX ?")),
    abi("2.0", call(1, "Op", "a UINT32 EAX; b UINT32 EDX")),
    B,
    "argument-required",
    OLD,
)
case(
    "dropped in the middle",
    abi("1.0", call(1, "Op", "a UINT32 EAX; b UINT32 EDX; cc UINT32 ECX")),
    abi("2.0", call(1, "Op", "a UINT32 EAX; cc UINT32 EDX")),
    B,
    "argument-dropped",
)
case(
    "dummy used",
    abi("1.0", call(1, "Op", "dummy UINT32 EAX; b UINT32 EDX")),
    abi("1.1", call(1, "Op", "flags UINT32 EAX; b UINT32 EDX")),
    "breaking risky",
)
case(
    "void* -> struct*",
    abi("1.0", call(1, "Op", "p VOID* EAX")),
    abi("1.1", call(1, "Op", "p foo* EAX")),
    C,
    "argument-type",
)
case(
    "u32* -> u64*",
    abi("1.0", call(1, "Op", "p UINT32* EAX")),
    abi("2.0", call(1, "Op", "p UINT64* EAX")),
    B,
    "argument-type",
    BOTH,
)
case(
    "const added",
    abi("1.0", call(1, "Op", "p foo* EAX")),
    abi("1.1", call(1, "Op", "p const foo* EAX")),
    C,
    "argument-type",
)
case(
    "enabled -> disabled",
    abi("1.0", call(1, "Op", "enabled UINT32 EAX")),
    abi("1.1", call(1, "Op", "disabled UINT32 EAX")),
    "breaking risky",
    "argument-meaning",
)
case(
    "mask -> unmask",
    abi("1.0", call(1, "Op", "mask UINT32 EAX")),
    abi("1.1", call(1, "Op", "unmask UINT32 EAX")),
    "breaking risky",
    "argument-meaning",
)
case(
    "set -> clear",
    abi("1.0", call(1, "Op", "set_bits UINT32 EAX")),
    abi("1.1", call(1, "Op", "clear_bits UINT32 EAX")),
    "breaking risky",
    "argument-meaning",
)
case(
    "src/dst exchanged",
    abi("1.0", call(1, "Op", "src UINT32 EAX; dst UINT32 EDX")),
    abi("2.0", call(1, "Op", "dst UINT32 EAX; src UINT32 EDX")),
    B,
    "argument-order",
    BOTH,
)
case(
    "linear -> physical, same prefix",
    abi("1.0", call(1, "Op", "linear_addr UINT32 EAX")),
    abi("2.0", call(1, "Op", "physical_addr UINT32 EAX")),
    B,
    "argument-meaning",
    BOTH,
)
case(
    "vcpu -> pcpu",
    abi("1.0", call(1, "Op", "vcpu UINT32 EAX")),
    abi("1.1", call(1, "Op", "pcpu UINT32 EAX")),
    "breaking risky",
    "argument-meaning",
)
case(
    "khz -> hz",
    abi("1.0", call(1, "Op", "tsc_khz UINT32 EAX")),
    abi("2.0", call(1, "Op", "tsc_hz UINT32 EAX")),
    B,
    "argument-meaning",
    BOTH,
)
case(
    "timeout_ms -> timeout (unit dropped)",
    abi("1.0", call(1, "Op", "timeout_ms UINT32 EAX")),
    abi("1.1", call(1, "Op", "timeout UINT32 EAX")),
    C,
    "argument-renamed",
)
case(
    "result khz -> hz",
    abi("1.0", call(1, "Op", "", "khz UINT32 EAX")),
    abi("2.0", call(1, "Op", "", "hz UINT32 EAX")),
    B,
    "result-meaning",
    BOTH,
)
case(
    "result signed",
    abi("1.0", call(1, "Op", "", "r INT EAX")),
    abi("1.1", call(1, "Op", "", "r UINT32 EAX")),
    R,
    "result-type",
    BOTH,
)
case(
    "result in edx",
    abi("1.0", call(1, "Op", "", "r UINT32 EAX")),
    abi("2.0", call(1, "Op", "", "r UINT32 EDX")),
    B,
    "result-moved",
    BOTH,
)
case(
    "second result",
    abi("1.0", call(1, "Op", "", "r UINT32 EAX")),
    abi("1.1", call(1, "Op", "", "r UINT32 EAX; s UINT32 EDX")),
    C,
    "result-added",
    NEW,
)
case(
    "second result gone",
    abi("1.0", call(1, "Op", "", "r UINT32 EAX; s UINT32 EDX")),
    abi("2.0", call(1, "Op", "", "r UINT32 EAX")),
    B,
    "result-dropped",
    OLD,
)
