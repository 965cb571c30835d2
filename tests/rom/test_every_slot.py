"""Every slot of every ROM called directly: arguments from the declaration, both roads, any order."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rom.bare_machine import IDT, KERNEL_DS, SCRATCH, STACK
from tests.rom.romguests import GUESTS, OLD_KVM, settled_guest
from tests.rom.slotarguments import CALLS_WITHOUT_RETURN, Values, arguments_for, give
from tests.rom.slotcall import check_slot, names_with
from vmirom.overlays.vmi import Call, Reloc
from vmirom.schema.tree import load_abi

ROADS = ("entry", "slot")
ROWS = {call: load_abi().resolve("vmi3").call(int(call)) for call in Call}
TRANSLATED = {"native": 20, "kvm": 26, OLD_KVM: 26, "xen": 66, "lguest": 56}
"""Calls that can be called and return; the others are in test_ways_out and test_ends, or native."""
REAL_PORTS = (0x80, 0x3FF)
"""What may be written where ports are the machine's own: nothing listens there that would end the test."""


@pytest.fixture(scope="module", params=GUESTS, ids="-".join)
def guest(request: pytest.FixtureRequest) -> Iterator[tuple[str, Any]]:
    """A backend's name and a guest on it; tests leave it as they found it."""
    made = settled_guest(*request.param)
    yield request.param[0], made
    made.close()


def callable_calls(machine: Any) -> list[Call]:
    found = [Call(number) for number in names_with(machine, Reloc.CALL_REL)]
    return [call for call in found if call.name not in CALLS_WITHOUT_RETURN]


def restore(machine: Any, calls: list[Call]) -> None:
    """What calls with any arguments may have changed."""
    machine.enabled = False
    linear = [("SetLinearMapping", (0,), slot, 0, 0) for slot in (1, 2, 3)]
    pic = [("OUTB", (), v, p, 0) for p, v in ((0x20, 0x11), (0x21, 0x20), (0x21, 4), (0x21, 1), (0x21, 0xFE))]
    machine.put(SCRATCH, struct.pack("<HI", 8 * 256 - 1, IDT))
    for name, stack, eax, edx, ecx in (
        *(("SetLazyMode", (), 0, 0, 0), ("SetCounters", (), 0, 0, 0)),
        *(("CancelAlarm", (), 0, 0, 0), ("CancelAlarm", (), 1, 0, 0)),
        *(("SetIOPLMask", (), 0, 0, 0), ("SetCR0", (), 0x80050033, 0, 0), ("SetCR3", (), machine.root, 0, 0)),
        *(("SetLDT", (), 0, 0, 0), ("UpdateKernelStack", (), KERNEL_DS, STACK, 0)),
        *(("SetLinearMapping", (0,), 0, 0xC0000000, 4096), *linear, *pic, ("SetIDT", (), SCRATCH, 0, 0)),
    ):
        if Call[name] in calls:
            machine.run_code(machine.slot(name), stack, eax=eax, edx=edx, ecx=ecx)


def test_as_many_calls_are_translated_as_are_known_to_be(guest: tuple[str, Any]) -> None:
    backend, machine = guest
    assert len(callable_calls(machine)) == TRANSLATED[backend]


@pytest.mark.parametrize("road", ROADS)
@settings(max_examples=12)
@given(data=st.data(), seed=st.integers(0, 1 << 30))
def test_every_slot_keeps_what_it_must(
    guest: tuple[str, Any], road: str, data: st.DataObject, seed: int
) -> None:
    backend, machine = guest
    rng = random.Random(seed)
    calls = callable_calls(machine)
    rng.shuffle(calls)
    ports = REAL_PORTS if backend in ("native", "kvm", OLD_KVM) else ()
    drawn: dict[Call, Values] = {
        call: data.draw(arguments_for(ROWS[call], ports), call.name) for call in calls
    }
    eips = {call: getattr(machine, road)(call.name) for call in calls}
    for call in calls:
        assert check_slot(machine, int(call), eips[call], rng, give(machine, ROWS[call], drawn[call]))
    assert backend != OLD_KVM or machine.batches, "KVM was told of no entry"
    restore(machine, calls)
