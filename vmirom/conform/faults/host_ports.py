"""Faults of Xen in the I/O privilege of user code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from vmirom.conform.faults.fault import Fault, HostPatch

__all__ = ["FAULTS"]

_LEVEL: Final = 0x3000
_CLI: Final = 0xFA
_IF: Final = 0x200


def _xen(name: str, sentence: str, breaks: tuple[str, ...], target: str, make: Callable[[Any], Any]) -> Fault:
    patch = HostPatch(f"hypervisors.xen.{target}", make)
    return Fault(f"xen-host-{name}", sentence, "xen", breaks, patch)


def _level_of_frame(original: Any) -> Any:
    """The level that the frame of an iret names is the domain's from then on."""

    def iret(self: Any) -> None:
        engine, domain = self.domain.engine, self.domain
        frame = domain.space.read(engine.esp, 16)
        domain.privileged.iopl = (int.from_bytes(frame[12:16], "little") & _LEVEL) >> 12
        original(self)

    return iret


def _cli_reaches(original: Any) -> Any:
    """CLI of code that has the ports reaches the processor's flag."""

    def dispatch(self: Any, prefixes: bytes, code: bytes) -> Any:
        done = original(self, prefixes, code)
        if done and code[0] == _CLI:
            self.domain.engine.eflags &= ~_IF
        return done

    return dispatch


FAULTS: Final[tuple[Fault, ...]] = (
    _xen(
        "level-of-frame",
        "iret takes the I/O privilege from the frame",
        ("VMI-IO-05",),
        "traps:Traps.iret",
        _level_of_frame,
    ),
    _xen(
        "user-turns-off",
        "user code that has the ports turns the processor's interrupt flag off by CLI",
        ("VMI-IO-06",),
        "privileged:Privileged._dispatch",
        _cli_reaches,
    ),
)
