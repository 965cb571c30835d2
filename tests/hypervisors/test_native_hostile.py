"""Kernels of random instructions, rich in the privileged ones: each must end as an Ending, in time."""

from __future__ import annotations

import random
import time

import pytest

from tests.hypervisors.pc_kernels import Code, boot
from tests.machine.rig import FOREVER
from vmirom.hypervisors import kvm, native
from vmirom.hypervisors.hypervisor import EndKind

INSTRUCTIONS = [
    "0f22c0",
    "0f22d8",
    "0f22e0",
    "0f20c0",
    "0fa2",
    "0f31",
    "0f30",
    "0f32",
    "cf",
    "66cf",
    "cd80",
    "cc",
    "ce",
    "fb",
    "fa",
    "f4",
    "ec",
    "ee",
    "ed",
    "ef",
    "6c",
    "6e",
    "f36e",
    "f36c",
    "0f0138",
    "0f0118",
    "0f0010",
    "0f00d8",
    "0f00d0",
    "0f01c1",
    "0f01d9",
    "0f0b",
    "8ed0",
    "8ed8",
    "8ee0",
    "9d",
    "9c",
    "60",
    "61",
    "0f06",
    "0f09",
    "c3",
    "0f34",
    "0f05",
    "9a000010000800",
    "ea000010000800",
    "cb",
    "0fae00",
    "dbe3",
    "d9e8",
    "0f23c0",
    "0f23f8",
    "0f23f0",
    "f00fc7c8",
    "0f01f8",
    "0f01f9",
    "e8",
    "e9",
    "eb",
]
VALUES = (0, 1, 0x20, 0x60, 0x64, 0x3F8, 0xC0000080, 0x4B564D01, 0x100000, 0x108000, 0x80010033, 0xFFFFFFFF)


def junk(code: Code, chance: random.Random, count: int) -> None:
    for _ in range(count):
        kind = chance.random()
        if kind < 0.5:
            code.raw(chance.choice(INSTRUCTIONS))
        elif kind < 0.7:
            code.mov(chance.randrange(8), chance.choice((*VALUES, 0xB8000, 0xC0000, chance.getrandbits(32))))
        else:
            code.raw(chance.randbytes(chance.randrange(1, 6)))


@pytest.mark.parametrize("make", [native.make, kvm.make], ids=["native", "kvm"])
@pytest.mark.parametrize("seed", range(20))
def test_random_kernels_end_with_an_outcome(make: object, seed: int) -> None:
    chance = random.Random(seed)
    code = Code()
    if seed % 3:
        code.tables(**{f"v{vector}": "handler" for vector in range(20)}).pic(chance.choice((0xFE, 0)))
    junk(code, chance, 60)
    code.label("handler")
    junk(code, chance, 30)
    start = time.monotonic()
    ending, _, _ = boot(make, code.finish(), seconds=0.03)  # type: ignore[arg-type]
    assert time.monotonic() - start < FOREVER
    assert isinstance(ending.kind, EndKind)
    assert ending.reason
    assert "\n" not in ending.reason
