"""Random sequences of calls, valid and not, through ROM and hypervisor and through the model."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conform.driving import CALLS, DESTINATION, DRIVERS, TABLES, Difference, Driver, play
from tests.rom.bare_machine import CODE, DATA, STACK
from tests.strategies import arguments_of
from vmirom.conform.model import Expected, Model
from vmirom.overlays.vmi import Alarm

REGRESSIONS = sorted((Path(__file__).parent / "regressions").glob("*.json"))
FAR = 1 << 62
PORTS = (0x20, 0x21, 0xA0, 0xA1)


def step(call: str, **changed: st.SearchStrategy[int]) -> st.SearchStrategy[tuple[str, Mapping[str, int]]]:
    """A call with the declaration's boundary values, but for arguments that would end the guest."""
    return st.tuples(
        st.just(call),
        st.tuples(arguments_of(CALLS[call]), st.fixed_dictionaries(changed)).map(
            lambda two: {**two[0], **two[1]}
        ),
    )


def of(*values: int) -> st.SearchStrategy[int]:
    return st.sampled_from(values)


WORDS = st.integers(0, 0xFFFFFFFF)
NOWHERE = 0xE8000000  # mapped to nothing
ENTRIES = of(0, 0x100067, 0x100067 | 1 << 63)
FLAGS = of(1, 2, 4, NOWHERE | 0x11, NOWHERE | 0x31)
FRAMES = of(0x500, 0x501, 0xFFFFF, 0xFFFFFFFF)  # not used, or not there
TYPES = of(1, 2, 4, 0x51, 0x12)
PLAIN = (
    *("EnableInterrupts", "DisableInterrupts", "GetInterruptMask", "SetInterruptMask"),
    *("GetCycleCounter", "CancelAlarm", "GetTR", "GetLDT", "CLTS", "GetCR0", "GetCR2", "GetCR3", "GetCR4"),
    *("SetCR0", "SetCR2", "SetCR4"),
)
"""Calls that any argument may be given to."""
STEPS = st.one_of(
    *(step(call) for call in PLAIN),
    st.tuples(st.just("fire"), st.fixed_dictionaries({"counter": of(0, 1)})),
    st.tuples(st.just("init"), st.fixed_dictionaries({"base": of(0x20, 0x28, 0x40, 0x50, 0x60)})),
    st.tuples(
        st.just("table"),
        st.fixed_dictionaries({"idt": of(1), "which": of(0, 1), "limit": of(0x7FF, 0x800, 0xFFF, 0xFFFF)}),
    ),
    st.tuples(
        st.just("table"),
        st.fixed_dictionaries({"idt": of(0), "which": of(0, 1), "limit": of(0x8F, 0x90, 0xFE, 0xFF)}),
    ),
    st.tuples(st.just("root"), st.fixed_dictionaries({"bits": of(0, 0x08, 0x10, 0x18)})),
    step("GetGDT", dtr=of(DESTINATION, DESTINATION + 1)),
    step("GetIDT", dtr=of(DESTINATION, DESTINATION + 3)),
    step("WriteGDTEntry", table=of(*TABLES["SetGDT"], CODE + 0x7800), entry=of(0, 1, 6, 8, 10, 11, 30, 31)),
    step("WriteIDTEntry", table=of(*TABLES["SetIDT"], CODE + 0x7800), entry=of(0, 7, 0x90, 0xEF, 0xFF)),
    step("WriteLDTEntry", table=of(CODE + 0x7800), entry=of(0, 1, 31)),
    step("SetTR", selector=of(0x80, 0x83)),
    step("SetLDT", selector=of(0)),
    step("SetDR", num=of(0, 1, 2, 3)),
    step("GetDR", num=of(0, 1, 2, 3)),
    step("UpdateKernelStack", ss0=of(0x68), esp0=of(STACK - 0x800)),
    step("SetAlarm", expiry=of(FAR, FAR + 1, (1 << 64) - 1), period=of(0, 1, 2, 1 << 32, (1 << 64) - 1)),
    step("SetAlarm", flags=of(2, 3, 0xFF, int(Alarm.PERIODIC) | 2), expiry=of(0, 1, FAR)),
    step("OUTB", port=of(0x21, 0xA1, 0x21 | 0xFFFF0000), value=st.integers(0, 0xFF)),
    step("OUTB", port=of(0x20, 0xA0), value=of(0x20, 0x60, 0x61, 0x67, 0x0A, 0x0B)),
    step("INB", port=of(*PORTS, 0x20 | 0xABCD0000, 0x2F8, 0x2FD)),
    step("OUTB", port=of(0x2F8, 0x2FF)),
    step("GetCallInfo", number=st.one_of(st.integers(0, 80), of(0x100, 0xFFFFFFFF))),
    step("GetRomInfo", dest=of(DESTINATION, DESTINATION + 1)),
    step("SetCounters", array=of(0)),
    step("SetCounters", array=of(1, 2, 0xFFFFFFFF)),
    step("SetCounters", array=of(0xFFFFFFFC), entries=of(0, 2, 0x40000000, 0x80000000, 0xFFFFFFFF)),
    step("SetPxELong", ptep=of(DATA + 8, DATA + 0x800), pte=ENTRIES, flags=FLAGS),
    step("SetPxE", ptep=of(DATA + 4, DATA + 0x804), pte=of(0, 0x100067), flags=FLAGS),
    step("UpdatePxELong", ptep=of(DATA + 8, DATA + 0x800), flags=FLAGS),
    step("UpdatePxE", ptep=of(DATA + 4, DATA + 0x804), flags=FLAGS),
    step("AllocatePage", pfn=FRAMES, flags=TYPES, clonePfn=of(0), start=of(0), count=of(0)),
    step("ReleasePage", pfn=FRAMES, flags=TYPES),
    step("SetLinearMapping", va=of(0xE8000000), pages=of(0, 1), ppn=of(0, 0x500)),
    step("InvalPage"),
    step("FlushTLB"),
    step("SetLazyMode"),
    step("IODelay"),
    step("WBINVD"),
)
SEQUENCES = st.lists(STEPS, min_size=1, max_size=40)


made: dict[str, Driver] = {}


def driver(name: str) -> Driver:
    if name not in made:
        made[name] = DRIVERS[name]()
    return made[name]


@pytest.fixture(scope="module", autouse=True)
def closed() -> Iterator[None]:
    yield
    for each in made.values():
        each.close()
    made.clear()


def follows(name: str, sequence: list[tuple[str, Mapping[str, int]]]) -> None:
    """On a new machine after a difference, so that what is shrunk is never blamed for what went before."""
    try:
        play(driver(name), sequence)
    except BaseException:
        made.pop(name).close()
        raise


@pytest.mark.boot
@settings(max_examples=120)
@given(SEQUENCES)
def test_native_follows_the_model(sequence: list[tuple[str, Mapping[str, int]]]) -> None:
    follows("native", sequence)


@pytest.mark.boot
@settings(max_examples=120)
@given(SEQUENCES)
def test_lguest_follows_the_model(sequence: list[tuple[str, Mapping[str, int]]]) -> None:
    follows("lguest", sequence)


@pytest.mark.boot
@settings(max_examples=120)
@given(SEQUENCES)
def test_xen_follows_the_model(sequence: list[tuple[str, Mapping[str, int]]]) -> None:
    follows("xen", sequence)


@pytest.mark.boot
@pytest.mark.parametrize("name", list(DRIVERS))
@pytest.mark.parametrize("file", REGRESSIONS, ids=lambda file: file.stem)
def test_sequences_that_were_kept(name: str, file: Path) -> None:
    """What a difference prints as JSON can be saved here, and is replayed on every backend."""
    follows(name, [(call, arguments) for call, arguments in json.loads(file.read_text())])


def test_most_steps_are_calls_that_backends_offer() -> None:
    """A sequence that a backend could not play would prove nothing."""
    named = [call for call in CALLS if Model.knows(call)]
    assert len(named) > 45
    for name, least in (("native", 27), ("lguest", 40), ("xen", 45)):
        assert sum(driver(name).offers(call) for call in named) >= least, name


def test_a_difference_is_told_as_a_sequence() -> None:
    one = driver("lguest")
    bad = Model.call
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Model, "_CLTS", lambda self, a, memory: self.control.set_cr0(8) or Expected())
        with pytest.raises(Difference, match=r"lguest: GetCR0: .*\n\[\[\"CLTS\", {}\], \[\"GetCR0\", {}\]\]"):
            play(one, [("CLTS", {}), ("GetCR0", {}), ("GetCR2", {})])
    assert Model.call is bad
