"""The console's ports called from outside (3.1): a guest whose console is not as it must be can't say so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from vmirom.conform.hostside.machines import Machines
from vmirom.conform.hostside.stand import Stand
from vmirom.conform.model.arena import OPERAND
from vmirom.conform.model.player import Died
from vmirom.overlays.native import Uart, UartLsr

__all__ = ["CONSOLE", "examine_console"]

CONSOLE: Final = "console"
_EMPTY: Final = int(UartLsr.TRANSMIT_EMPTY | UartLsr.IDLE)
_BASE: Final = int(Uart.BASE)
_SCRATCH: Final = _BASE + int(Uart.SCRATCH)
_LCR, _LSR = _BASE + int(Uart.LCR), _BASE + int(Uart.LSR)
_PLAIN: Final = (
    (_BASE + int(Uart.IER), 0),
    (_LCR, 3),
    (_BASE + int(Uart.MCR), 3),
)
"""Eight bits, no interrupts, no loop: whatever calls before have left."""
_NOBODY: Final = (0x2E8, 0x2FD, 0x1234)
_IN: Final = {"INB": 0xFF, "INW": 0xFFFF, "INL": 0xFFFFFFFF}
_SENT: Final = bytes(range(0x20, 0x7F)) + b"\n"
"""A line, so that no ROM waits for more."""
_LINES: Final = (
    "what is sent byte by byte is the console's, in order",
    "so is what is sent as a string",
    "the scratch and line-control registers read as written",
    "the line status says that the transmitter is empty",
    "ports that nobody answers read as all ones in every width",
)


def examine_console(machines: Machines) -> None:
    """Write down a line each. The guest makes the calls, by whatever way it has for them."""
    machines.settle()
    sheet, stand = machines.sheet, machines.stand
    try:
        _calls(stand, [("OUTB", {"EAX": value, "EDX": port}) for port, value in _PLAIN])
        found = [_bytes(stand), _string(stand), _registers(stand), _status(stand), _nobody(stand)]
    except Died as died:
        for line in _LINES:
            sheet.failed(CONSOLE, line, [str(died)])
        machines.lose()
        return
    for line, wrong in zip(_LINES, found, strict=True):
        sheet.judge(CONSOLE, line, wrong)


def _calls(stand: Stand, calls: Sequence[tuple[str, dict[str, int]]]) -> list[int]:
    """EAX behind each. Raises Died."""
    return [words[0] for words in stand.guest_calls([(*call, ()) for call in calls])]


def _told(stand: Stand) -> list[str]:
    """The console behind what was sent."""
    found = bytes(stand.console)
    return [] if found == _SENT else [f"{len(found)} bytes of {len(_SENT)}, {found[:8].hex()}..."]


def _bytes(stand: Stand) -> list[str]:
    stand.console.clear()
    _calls(stand, [("OUTB", {"EAX": byte, "EDX": _BASE}) for byte in _SENT])
    return _told(stand)


def _string(stand: Stand) -> list[str]:
    stand.console.clear()
    stand.put(OPERAND, _SENT)
    _calls(stand, [("OUTSB", {"ECX": len(_SENT), "EDX": _BASE, "ESI": OPERAND})])
    return _told(stand)


def _registers(stand: Stand) -> list[str]:
    wanted = [(port, value) for port in (_SCRATCH, _LCR) for value in (0x1B, 0x03)]
    made = _calls(
        stand,
        [
            call
            for port, value in wanted
            for call in (("OUTB", {"EAX": value, "EDX": port}), ("INB", {"EDX": port}))
        ],
    )
    return [
        f"{port:X}h: {read & 0xFF:02X} where {value:02X} was written"
        for (port, value), read in zip(wanted, made[1::2], strict=True)
        if read & 0xFF != value
    ]


def _status(stand: Stand) -> list[str]:
    (read,) = _calls(stand, [("INB", {"EDX": _LSR})])
    return [] if read & _EMPTY == _EMPTY else [f"{read & 0xFF:02X}"]


def _nobody(stand: Stand) -> list[str]:
    asked = [(name, port) for port in _NOBODY for name in _IN]
    made = _calls(stand, [(name, {"EDX": port}) for name, port in asked])
    return [
        f"{name} at {port:X}h: {read & _IN[name]:X}"
        for (name, port), read in zip(asked, made, strict=True)
        if read & _IN[name] != _IN[name]
    ]
