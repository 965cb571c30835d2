"""Ways out of the machine: the exit port, the ACPI power button's register, and the resets of the chip set
(ports 0x92 and 0xCF9) and of the keyboard controller. Each only tells its owner what the guest asked for.

A20 is remembered and can be read back, but the address line is always on: whoever switches it off is
told to the owner, since the machine that follows would not be a real one.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from vmirom.machine.devices.bus import Bus
from vmirom.overlays.native import Acpi, Exit, Keyboard, KeyboardOutput, KeyboardStatus, Port, Reset

__all__ = ["KeyboardController", "Power", "Request", "RequestKind"]

_SECOND: Final = 1_000_000_000


class RequestKind(enum.Enum):
    """What a guest can ask of the machine."""

    EXIT = "exit port"
    OFF = "power off"
    RESET = "reset"
    SLEEP = "sleep state that is not offered"
    A20_OFF = "A20 switched off"


@dataclass(frozen=True, slots=True)
class Request:
    """``how`` names the device; ``value`` is what was written to the exit port."""

    kind: RequestKind
    how: str
    value: int = 0


Ask = Callable[[Request], None]


class Power:
    """isa-debug-exit, PM1a with its timer, ports 0x92 and 0xCF9, and the POST port."""

    def __init__(self, ask: Ask, clock: Callable[[], int]) -> None:
        self._ask = ask
        self._clock = clock
        self._fast = int(Reset.FAST_A20)
        self._control = 0
        self._post = 0
        self._pm1: dict[int, int] = {}

    def attach(self, bus: Bus) -> None:
        """Claim the ports. Raises PortConflict."""
        bus.claim_wide("exit port", Exit.PORT, 1, lambda _, size: (1 << 8 * size) - 1, self._write_exit)
        bus.claim_wide("PM1a", Acpi.PM1A_EVENT, 12, self._read_acpi, self._write_acpi)
        bus.claim("port 92", Reset.FAST_PORT, 1, lambda _: self._fast, self._write_fast)
        bus.claim("reset control", Reset.CONTROL_PORT, 1, lambda _: self._control, self._write_control)
        bus.claim("POST", Port.POST, 1, lambda _: self._post, self._write_post)

    def _write_exit(self, _port: int, _size: int, value: int) -> None:
        self._ask(Request(RequestKind.EXIT, "exit port", value))

    def _write_post(self, _port: int, value: int) -> None:
        self._post = value

    def _read_acpi(self, port: int, size: int) -> int:
        if port == Acpi.PM1A_TIMER:
            return self._clock() * Acpi.TIMER_HZ // _SECOND & 0xFFFFFF
        return self._pm1.get(port, 0)

    def _write_acpi(self, port: int, _size: int, value: int) -> None:
        if port == Acpi.PM1A_EVENT:
            return  # status bits are cleared by ones, and none is ever set
        if port == Acpi.PM1A_CONTROL and value & Acpi.SLEEP_ENABLE:
            off = not value & Acpi.SLEEP_TYPE
            self._ask(Request(RequestKind.OFF if off else RequestKind.SLEEP, "PM1a control"))
        self._pm1[port] = value & ~Acpi.SLEEP_ENABLE

    def _write_fast(self, _port: int, value: int) -> None:
        if value & Reset.FAST_INIT:
            self._ask(Request(RequestKind.RESET, "port 0x92"))
        if not value & Reset.FAST_A20:
            self._ask(Request(RequestKind.A20_OFF, "port 0x92"))
        self._fast = value & ~Reset.FAST_INIT & 0xFF

    def _write_control(self, _port: int, value: int) -> None:
        if value & Reset.CONTROL_RESET and not self._control & Reset.CONTROL_RESET:
            self._ask(Request(RequestKind.RESET, "port 0xcf9"))
        self._control = value & ~Reset.CONTROL_RESET


class KeyboardController:
    """The 8042 as far as it has nothing to do with keys: self-test, mode byte, output port with A20 and the
    reset line, pulses. No keyboard is attached: bytes for it are lost and never answered."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._output = int(KeyboardOutput.RUN | KeyboardOutput.A20)
        self._mode = int(KeyboardStatus.SYSTEM)
        self._answer: int | None = None
        self._argument_of = 0

    def attach(self, bus: Bus) -> None:
        """Claim the ports. Raises PortConflict."""
        bus.claim("8042 data", Port.KEYBOARD_DATA, 1, self._read_data, self._write_data)
        bus.claim("8042 command", Reset.KEYBOARD_PORT, 1, self._read_status, self._write_command)

    def _read_status(self, _port: int) -> int:
        full = KeyboardStatus.OUTPUT_FULL if self._answer is not None else 0
        return self._mode & KeyboardStatus.SYSTEM | full

    def _read_data(self, _port: int) -> int:
        answer, self._answer = self._answer, None
        return answer or 0

    def _write_command(self, _port: int, value: int) -> None:
        self._argument_of = 0
        if value & 0xF0 == Keyboard.PULSE:
            if not value & KeyboardOutput.RUN:
                self._ask(Request(RequestKind.RESET, "keyboard controller"))
        elif value in (Keyboard.WRITE_MODE, Keyboard.WRITE_OUTPUT):
            self._argument_of = value
        elif value in (Keyboard.A20_ON, Keyboard.A20_OFF):
            a20 = self._output | KeyboardOutput.A20
            self._set_output(a20 if value == Keyboard.A20_ON else a20 & ~int(KeyboardOutput.A20))
        elif value == Keyboard.SELF_TEST:
            self._answer = int(Keyboard.SELF_TEST_PASSED)
        elif value == Keyboard.READ_OUTPUT:
            self._answer = self._output
        elif value == Keyboard.READ_MODE:
            self._answer = self._mode

    def _write_data(self, _port: int, value: int) -> None:
        command, self._argument_of = self._argument_of, 0
        if command == Keyboard.WRITE_OUTPUT:
            self._set_output(value)
        elif command == Keyboard.WRITE_MODE:
            self._mode = value

    def _set_output(self, value: int) -> None:
        self._output = value
        if not value & KeyboardOutput.RUN:
            self._ask(Request(RequestKind.RESET, "keyboard controller"))
        if not value & KeyboardOutput.A20:
            self._ask(Request(RequestKind.A20_OFF, "keyboard controller"))
