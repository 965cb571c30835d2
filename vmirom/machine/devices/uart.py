"""A 16550 whose line is the console. What is written leaves at once, so the transmitter is always empty
and its interrupt follows each write; what the host sends waits in a queue behind the sixteen-byte FIFO,
so that a slow guest loses nothing. Line and modem changes never happen, but in loop-back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from vmirom.machine.devices.bus import Bus
from vmirom.overlays.native import Uart as Reg
from vmirom.overlays.native import UartFcr, UartIer, UartIir, UartLcr, UartLsr, UartMcr, UartMsr

__all__ = ["Uart"]

_TRIGGERS = (1, 4, 8, 14)
# Plain integers: an IntFlag's operators take microseconds, and every printed byte passes here.
_DLAB = int(UartLcr.DLAB)
_OUT2_AND_LOOP = int(UartMcr.OUT2 | UartMcr.LOOP)
_OUT2 = int(UartMcr.OUT2)
_LOOP = int(UartMcr.LOOP)
_FIFO_ON = int(UartFcr.ENABLE)
_EMPTY = int(UartLsr.TRANSMIT_EMPTY | UartLsr.IDLE)
_READY = int(UartLsr.DATA_READY)
_DATA = int(Reg.DATA)
_LSR = int(Reg.LSR)
_LINE, _RECEIVE, _TRANSMIT = int(UartIer.LINE), int(UartIer.RECEIVE), int(UartIer.TRANSMIT)
_NONE = int(UartIir.NONE)
_BASE = int(Reg.BASE)


class Uart:
    """``console(bytes)`` takes the output; ``raise_irq(level)`` drives the interrupt line."""

    def __init__(self, console: Callable[[bytes], None], raise_irq: Callable[[bool], None]) -> None:
        self._console = console
        self._raise_irq = raise_irq
        self._fifo: deque[int] = deque()
        self._waiting: deque[int] = deque()
        self._ier = 0
        self._fcr = 0
        self._lcr = 0
        self._mcr = 0
        self._scratch = 0
        self._divisor = 1
        self._overrun = False
        self._transmit_pending = False
        self._level = False

    def attach(self, bus: Bus) -> None:
        """Claim the ports. Raises PortConflict."""
        bus.claim("16550", Reg.BASE, Reg.PORTS, self._read, self._write)

    def receive(self, data: bytes) -> None:
        """Bytes from the host to the guest."""
        self._waiting.extend(data)
        self._refill()
        self._update()

    @property
    def answers(self) -> bool:
        """Whether a byte that is written has an effect on the guest: an interrupt, or that it comes back."""
        return bool(self._ier & _TRANSMIT or self._mcr & _LOOP or self._lcr & _DLAB)

    @property
    def _depth(self) -> int:
        return Reg.FIFO if self._fcr & _FIFO_ON else 1

    def _refill(self) -> None:
        while self._waiting and len(self._fifo) < self._depth:
            self._fifo.append(self._waiting.popleft())

    def _cause(self) -> int:
        """The interrupt of highest priority, whatever OUT2 says."""
        if self._ier & _LINE and self._overrun:
            return UartIir.LINE
        if self._ier & _RECEIVE and self._fifo:
            if self._fcr & _FIFO_ON and len(self._fifo) < _TRIGGERS[self._fcr >> 6]:
                return UartIir.TIMEOUT
            return UartIir.RECEIVE
        if self._ier & _TRANSMIT and self._transmit_pending:
            return UartIir.TRANSMIT
        return _NONE

    def _update(self) -> None:
        if not self._ier and not self._level:
            return
        level = self._mcr & _OUT2_AND_LOOP == _OUT2 and self._cause() != _NONE
        if level != self._level:
            self._level = level
            self._raise_irq(level)

    def _read(self, port: int) -> int:
        register = port - _BASE
        if self._lcr & _DLAB and register in (Reg.DIVISOR_LOW, Reg.DIVISOR_HIGH):
            return self._divisor >> (8 if register == Reg.DIVISOR_HIGH else 0) & 0xFF
        value = self._read_register(register)
        self._update()
        return value

    def _read_register(self, register: int) -> int:
        if register == _DATA:
            value = self._fifo.popleft() if self._fifo else 0
            self._refill()
            return value
        if register == Reg.IER:
            return self._ier
        if register == Reg.IIR:
            cause = self._cause()
            if cause == UartIir.TRANSMIT:
                self._transmit_pending = False
            return cause | (UartIir.FIFO_ENABLED if self._fcr & _FIFO_ON else 0)
        if register == _LSR:
            overrun, self._overrun = self._overrun, False
            return _EMPTY | (_READY if self._fifo else 0) | (int(UartLsr.OVERRUN) if overrun else 0)
        if register == Reg.MSR:
            return self._modem()
        return {Reg.LCR: self._lcr, Reg.MCR: self._mcr}.get(Reg(register), self._scratch)

    def _modem(self) -> int:
        if not self._mcr & _LOOP:
            return UartMsr.CTS | UartMsr.DSR | UartMsr.CARRIER
        pairs = (
            (UartMcr.RTS, UartMsr.CTS),
            (UartMcr.DTR, UartMsr.DSR),
            (UartMcr.OUT1, UartMsr.RING),
            (UartMcr.OUT2, UartMsr.CARRIER),
        )
        return sum(int(status) for control, status in pairs if self._mcr & control)

    def _write(self, port: int, value: int) -> None:
        register = port - _BASE
        if register == _DATA and not self._lcr & _DLAB:
            self._transmit(value)
        elif self._lcr & _DLAB and register in (Reg.DIVISOR_LOW, Reg.DIVISOR_HIGH):
            shift = 8 if register == Reg.DIVISOR_HIGH else 0
            self._divisor = self._divisor & ~(0xFF << shift) | value << shift
        elif register == Reg.IER:
            if value & ~self._ier & UartIer.TRANSMIT:
                self._transmit_pending = True
            self._ier = value & 0x0F
        elif register == Reg.FCR:
            self._control_fifo(value)
        elif register == Reg.LCR:
            self._lcr = value
        elif register == Reg.MCR:
            self._mcr = value & 0x1F
        elif register == Reg.SCRATCH:
            self._scratch = value
        self._update()

    def _transmit(self, value: int) -> None:
        self._transmit_pending = True
        if not self._mcr & _LOOP:
            self._console(bytes((value,)))
        elif len(self._fifo) < self._depth:
            self._fifo.append(value)
        else:
            self._overrun = True

    def _control_fifo(self, value: int) -> None:
        if (value ^ self._fcr) & UartFcr.ENABLE or value & UartFcr.CLEAR_RECEIVE:
            self._fifo.clear()
        self._fcr = value & (UartFcr.ENABLE | UartFcr.TRIGGER) if value & UartFcr.ENABLE else 0
        self._refill()
