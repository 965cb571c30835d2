"""Clauses that bind more or less."""

from __future__ import annotations

from tests.compat.verdicts.frame import BOTH, NEW, NONE, OLD, B, C, R, abi, case

case(
    "promise hedged",
    abi(
        "1.0",
        clauses={
            "X-IRQ-01": {
                "text": "Enabling must deliver what is pending before it returns.",
                "who": "ROM",
                "when": "",
            }
        },
    ),
    abi(
        "2.0",
        clauses={
            "X-IRQ-01": {
                "text": "Enabling may deliver what is pending before it returns.",
                "who": "ROM",
                "when": "",
            }
        },
    ),
    B,
    "semantics-weakened",
    OLD,
    versions=True,
)
case(
    "promise firmed",
    abi(
        "1.0",
        clauses={"X-IRQ-01": {"text": "Enabling may deliver what is pending.", "who": "ROM", "when": ""}},
    ),
    abi(
        "1.1",
        clauses={"X-IRQ-01": {"text": "Enabling must deliver what is pending.", "who": "ROM", "when": ""}},
    ),
    C,
    "semantics-strengthened",
    NEW,
    versions=True,
)
case(
    "promise reworded",
    abi(
        "1.0", clauses={"X-IRQ-01": {"text": "Enabling delivers what is pending.", "who": "ROM", "when": ""}}
    ),
    abi(
        "1.1",
        clauses={
            "X-IRQ-01": {
                "text": "Enabling delivers pending upcalls to the highest vector.",
                "who": "ROM",
                "when": "",
            }
        },
    ),
    R,
    "semantics-changed",
)
case(
    "promise's commas",
    abi(
        "1.0",
        clauses={
            "X-IRQ-01": {"text": "Enabling delivers, at once, what is pending.", "who": "ROM", "when": ""}
        },
    ),
    abi(
        "1.0",
        clauses={"X-IRQ-01": {"text": "Enabling delivers at once what is pending", "who": "ROM", "when": ""}},
    ),
    NONE,
    versions=True,
)
case(
    "duty added by condition lifted",
    abi(
        "1.0",
        clauses={
            "X-IRQ-01": {
                "text": "The guest must tell of each store.",
                "who": "guest",
                "when": "PAE page tables",
            }
        },
    ),
    abi(
        "2.0",
        clauses={"X-IRQ-01": {"text": "The guest must tell of each store.", "who": "guest", "when": ""}},
    ),
    B,
    "semantics-weakened",
    OLD,
)
case(
    "promise limited to a feature",
    abi("1.0", clauses={"X-IRQ-01": {"text": "Time never goes backwards.", "who": "ROM", "when": ""}}),
    abi(
        "2.0",
        clauses={"X-IRQ-01": {"text": "Time never goes backwards.", "who": "ROM", "when": "stable-clock"}},
    ),
    B,
    "semantics-weakened",
    OLD,
)
case(
    "clause: at least -> at most",
    abi("1.0", clauses={"X-A-01": {"text": "Alarms come at least 1 ms late."}}),
    abi("1.1", clauses={"X-A-01": {"text": "Alarms come at most 1 ms late."}}),
    "breaking risky compatible",
)
case(
    "clause: number changes",
    abi("1.0", clauses={"X-A-01": {"text": "The ROM keeps 16 entries."}}),
    abi("1.1", clauses={"X-A-01": {"text": "The ROM keeps 8 entries."}}),
    "breaking risky",
    "semantics-changed",
)
case(
    "clause: negated",
    abi("1.0", clauses={"X-A-01": {"text": "The call preserves EBX."}}),
    abi("1.1", clauses={"X-A-01": {"text": "The call does not preserve EBX."}}),
    "breaking risky",
)
case(
    "clause: never removed",
    abi("1.0", clauses={"X-A-01": {"text": "The TLB is always flushed before it returns."}}),
    abi("2.0", clauses={"X-A-01": {"text": "The TLB is flushed."}}),
    B,
    "semantics-weakened",
    OLD,
)
case(
    "clause revision counts, same words",
    abi("1.0", clauses={"X-A-01": {"text": "It flushes.", "revision": "1"}}),
    abi("1.1", clauses={"X-A-01": {"text": "It flushes.", "revision": "2"}}),
    R,
    "semantics-changed",
)
case(
    "clause moved to the guest",
    abi("1.0", clauses={"X-A-01": {"text": "The TLB is flushed.", "who": "ROM"}}),
    abi("2.0", clauses={"X-A-01": {"text": "The TLB is flushed.", "who": "guest"}}),
    B,
    "semantics-weakened",
    OLD,
)
for _lower, _upper in (("at least", "at most"), ("at most", "at least")):
    case(
        f"a bound turns: {_lower}, {_upper}",
        abi("1.0", clauses={"X-A-01": {"text": f"Alarms come {_lower} 1 ms late."}}),
        abi("1.1", clauses={"X-A-01": {"text": f"Alarms come {_upper} 1 ms late."}}),
        R,
        "semantics-changed",
        BOTH,
    )
