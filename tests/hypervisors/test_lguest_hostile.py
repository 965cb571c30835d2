"""Whatever a guest does, the host answers with an ending: no exception of Python's leaves it, and no hang."""

from __future__ import annotations

import time

from hypothesis import example, given
from hypothesis import strategies as st

from tests.effort import examples
from tests.hypervisors.lguest_machine import CODE, DATA, LOW, MIB, STACK, Machine, hypercall
from tests.machine.rig import FOREVER
from vmirom.hypervisors.hypervisor import EndKind
from vmirom.hypervisors.lguest.death import BadNotify, Killed, ShutDown
from vmirom.machine.engine import Trap
from vmirom.overlays import lguest as abi

LIMIT = (MIB << 20) + 4096
NUMBERS = st.sampled_from([int(n) for n in abi.Hcall] + [3, 11, 12, 20, 0xFFFFFFFF])
WORDS = st.one_of(
    st.sampled_from(
        [
            0, 1, 2, 3, 6, 14, 31, 32, 0x61, 0x69, 0x80, 255, 256, 0x200, 0x1000, CODE, DATA, STACK, LOW,
            LIMIT - 128, LIMIT - 1, LIMIT, 0x3FFFFFFF, 0x7FFFFFFF, 0x80000000, 0xC0000000, 0xC0100000,
            0xFFBFFFFF, 0xFFC00000,
            0xFFE00000, 0xFFFFF000, 0xFFFFFFFF, 0x8E00, 0x8F00, 0xEF00, 0x00CF9B00, 0x00CF9300, MIB << 20,
            (MIB << 20) - 4096, CODE | 0x67, DATA | 0x27, 0x23, 0xFFFFF067,
        ]
    ),
    st.integers(0, 0xFFFFFFFF),
)  # fmt: skip
CALL = st.tuples(NUMBERS, WORDS, WORDS, WORDS, WORDS)
STEP = st.one_of(
    st.tuples(st.just("call"), CALL),
    st.tuples(st.just("ring"), CALL),
    st.tuples(st.just("trap"), st.tuples(st.integers(0, 255), WORDS, st.booleans(), WORDS)),
    st.tuples(st.just("fault"), st.tuples(WORDS, st.integers(0, 31))),
    st.tuples(st.just("interrupt"), st.tuples(st.integers(0, 31))),
    st.tuples(
        st.just("poke"), st.tuples(st.sampled_from([DATA, MIB * 0x100000 - 0x1000, CODE]), WORDS, WORDS)
    ),
)

TOP_OF_MEMORY: list[tuple[str, tuple[int, ...]]] = [
    ("call", (abi.Hcall.NEW_PGTABLE, 0xFFFFFFFF, 0, 0, 0)),
    ("fault", (0xFFFFFFFF, 7)),
]


@examples(120)
@given(st.booleans(), st.lists(STEP, max_size=25))
@example(True, TOP_OF_MEMORY)
def test_steps_end_in_nothing_but_deaths(pae: bool, steps: list[tuple[str, tuple[int, ...]]]) -> None:
    machine = Machine(pae=pae).init()
    machine.engine.esp = STACK
    ring = 0
    for kind, words in steps:
        try:
            match kind:
                case "call":
                    machine.call(*words)
                case "ring":
                    machine.place(*words, at=ring % 64)
                    ring += 1
                case "trap":
                    vector, error, soft, machine.engine.cr2 = words
                    trap = Trap(vector % 32, error & 0xFFFF) if not soft else Trap(vector, soft=True)
                    machine.host.traps.handle(trap)
                case "fault":
                    machine.host.shadows.fill(*words)
                case "interrupt":
                    machine.host.raise_interrupt(words[0])
                    if (number := machine.host.interrupts.next()) is not None:
                        machine.host.interrupts.try_deliver(number)
                case _:
                    at, offset, value = words
                    machine.memory.put32(at + (offset & 0xFFC), value)
            machine.host.shadows.activate()
        except (Killed, ShutDown, BadNotify) as death:
            assert str(death) or isinstance(death, ShutDown)
            return


@examples(40)
@given(st.booleans(), st.lists(CALL, max_size=12), st.binary(max_size=40))
def test_programs_end(pae: bool, calls: list[tuple[int, ...]], tail: bytes) -> None:
    code = hypercall(abi.Hcall.LGUEST_INIT, DATA) + b"".join(hypercall(*call) for call in calls) + tail
    machine = Machine(code, pae=pae)
    machine.prepare()
    start = time.monotonic()
    ending = machine.run(0.05)
    assert ending.reason == ending.reason.strip() and "\n" not in ending.reason
    assert ending.kind in EndKind
    assert time.monotonic() - start < FOREVER
