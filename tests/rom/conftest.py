"""ROMs for tests: the shipped ones, and those that GNU tools make of the same sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from tests.rom.bare_machine import BareMachine
from tests.rom.kvm_machine import KvmMachine
from vmirom.rom.build import build_rom
from vmirom.rom.errors import ToolchainMissing
from vmirom.rom.image import load_rom
from vmirom.rom.toolchain import find_toolchain

MACHINES: dict[str, type[BareMachine]] = {"native": BareMachine, "kvm": KvmMachine}


@cache
def gnu_rom(backend: str) -> bytes:
    return build_rom(backend, toolchain=find_toolchain("gnu")).data


def rom_bytes(backend: str, maker: str) -> bytes:
    if maker == "shipped":
        return load_rom(backend).data
    try:
        return gnu_rom(backend)
    except ToolchainMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(
    params=[("native", "shipped"), ("kvm", "shipped"), ("native", "gnu"), ("kvm", "gnu")], ids="-".join
)
def machine(request: pytest.FixtureRequest) -> Iterator[BareMachine]:
    """A machine of each kind whose guest has just been entered and has set itself up."""
    backend, maker = request.param
    made = MACHINES[backend](rom_bytes(backend, maker))
    made.boot()
    made.settle()
    yield made
    made.close()


@pytest.fixture
def start() -> Iterator[Callable[..., BareMachine]]:
    """Makes machines (backend, class attributes to change) that are closed at the end."""
    made: list[BareMachine] = []

    def begin(backend: str = "native", **attributes: object) -> BareMachine:
        kind = type("Machine", (MACHINES[backend],), attributes)
        machine = kind(rom_bytes(backend, "shipped"))
        made.append(machine)
        return machine

    yield begin
    for each in made:
        each.close()
