"""The host bridge: how a program finds it, and what it unlocks."""

from __future__ import annotations

import pytest

from vmirom.machine.devices.bridge import HostBridge
from vmirom.machine.devices.bus import Bus
from vmirom.overlays.native import HostBridge as Bridge
from vmirom.overlays.native import Port, Reset

Told = list[tuple[int, bool]]


@pytest.fixture
def told() -> Told:
    return []


@pytest.fixture
def bus(told: Told) -> Bus:
    bus = Bus()
    HostBridge(lambda half, writable: told.append((half, writable))).attach(bus)
    return bus


def select(bus: Bus, register: int, function: int = 0) -> None:
    bus.port_out(Port.PCI_ADDRESS, 4, Bridge.CONFIG_ENABLE | function << 8 | register & ~3)


def write(bus: Bus, value: int) -> None:
    select(bus, Bridge.I440FX_PAM1)
    bus.port_out(Port.PCI_DATA + (Bridge.I440FX_PAM1 & 3), 1, value)


def test_it_is_the_one_function_there_is(bus: Bus) -> None:
    select(bus, 0)
    assert bus.port_in(Port.PCI_DATA, 4) == Bridge.I440FX
    assert bus.port_in(Port.PCI_DATA + 2, 2) == Bridge.I440FX >> 16
    select(bus, 0, function=8)
    assert bus.port_in(Port.PCI_DATA, 4) == 0xFFFFFFFF
    bus.port_out(Port.PCI_ADDRESS, 4, 0)  # not enabled
    assert bus.port_in(Port.PCI_DATA, 4) == 0xFFFFFFFF


def test_address_is_a_register_of_32_bits(bus: Bus) -> None:
    select(bus, 0x58)
    assert bus.port_in(Port.PCI_ADDRESS, 4) == Bridge.CONFIG_ENABLE | 0x58
    bus.port_out(Port.PCI_ADDRESS, 1, 0)
    assert bus.port_in(Port.PCI_ADDRESS, 4) == Bridge.CONFIG_ENABLE | 0x58
    bus.port_out(Reset.CONTROL_PORT, 1, 2)  # byte ports among its own are other devices'
    assert bus.port_in(Port.PCI_ADDRESS, 4) == Bridge.CONFIG_ENABLE | 0x58


def test_area_is_locked_until_told_otherwise(bus: Bus, told: Told) -> None:
    select(bus, Bridge.I440FX_PAM1)
    assert bus.port_in(Port.PCI_DATA + 2, 1) == Bridge.PAM_READ
    write(bus, Bridge.PAM_READ_WRITE)
    assert told == [(0, True), (1, True)]
    write(bus, Bridge.PAM_READ_WRITE)
    write(bus, 0x31)
    assert told[2:] == [(0, False)], "each half by itself, and only what changes"
    write(bus, Bridge.PAM_READ)
    assert told[3:] == [(1, False)]


def test_other_registers_and_functions_are_not_changed(bus: Bus, told: Told) -> None:
    for register in (0, 0x59, 0x5B):
        select(bus, register)
        bus.port_out(Port.PCI_DATA + (register & 3), 1, Bridge.PAM_READ_WRITE)
    select(bus, Bridge.I440FX_PAM1, function=1)
    bus.port_out(Port.PCI_DATA + 2, 1, Bridge.PAM_READ_WRITE)
    assert told == []
    select(bus, 0)
    assert bus.port_in(Port.PCI_DATA, 4) == Bridge.I440FX
