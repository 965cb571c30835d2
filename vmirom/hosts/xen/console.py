"""Which bytes on the serial port are the guest's.

Xen's own lines begin with ``(XEN)`` and may stand anywhere, within a line of the guest's too; the wire has
CR LF. What comes before Xen has freed its start-up code is not the guest's either.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["HALTED", "REBOOTING", "guest_bytes", "registers_of", "why_dead"]

_OWN: Final = re.compile(rb"\(XEN\)[^\n]*\n?")
_BEGINS: Final = re.compile(rb"\(XEN\) Freed \d+kB init memory\r?\n")
HALTED: Final = b"halting machine"
"""Xen's last word at a power off, after which the machine stays."""
REBOOTING: Final = b"Reboot in five seconds"
"""Xen's word after a crash."""
_DUMP: Final = re.compile(rb"\(XEN\) ----\[ Xen-[^\n]*\n((?:\(XEN\) [^\n]*\n){1,40})")
_LAST: Final = re.compile(rb"(?:Hardware Dom0 crashed|\*{8,}|Reboot in)")
_DEATHS: Final = (
    (re.compile(rb"\(XEN\) domain_crash called from ([^\r\n]+)"), "domain crash, called from "),
    (re.compile(rb"\(XEN\) (Unhandled: vec [^\r\n]+)"), "domain crash: "),
    (re.compile(rb"\(XEN\) (Domain 0 \(vcpu#\d+\) crashed[^\r\n]*)"), "domain crash: "),
    (re.compile(rb"\(XEN\) Panic on CPU \d+:\r?\n\(XEN\) ([^\r\n]+)"), "Xen panics: "),
    (re.compile(rb"\(XEN\) (Hardware Dom0 crashed[^\r\n]*)"), "domain crash: "),
)


def guest_bytes(console: bytes) -> bytes:
    """What the guest wrote; empty where it never ran."""
    starts = [match.end() for match in _BEGINS.finditer(console)]
    if not starts:
        return b""
    return _OWN.sub(b"", console[starts[0] :]).replace(b"\r\n", b"\n")


def why_dead(console: bytes) -> str:
    """What Xen said when it killed the domain or itself; empty if it did not."""
    for pattern, title in _DEATHS:
        if found := pattern.search(console):
            return title + found[1].decode("ascii", "replace").strip()
    return ""


def registers_of(console: bytes) -> str:
    """Registers and the words on the guest's stack, as Xen printed them when it killed the domain or itself;
    empty if it did not."""
    found = _DUMP.search(console)
    if found is None:
        return ""
    lines = []
    for line in found[1].replace(b"\r", b"").splitlines():
        if _LAST.search(line):
            break
        lines.append(line.removeprefix(b"(XEN) ").decode("ascii", "replace").rstrip())
    return "\n".join(lines)
