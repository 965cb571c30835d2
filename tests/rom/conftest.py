"""ROMs for tests: the shipped ones, and those that GNU tools make of the same sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.rom.bare_machine import BareMachine
from tests.rom.builds import built
from tests.rom.kvm_machine import KvmMachine
from vmirom.rom.image import load_rom

MACHINES: dict[str, type[BareMachine]] = {"native": BareMachine, "kvm": KvmMachine}


def rom_bytes(backend: str, maker: str) -> bytes:
    if maker == "shipped":
        return load_rom(backend).data
    return built(backend, maker).data


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
