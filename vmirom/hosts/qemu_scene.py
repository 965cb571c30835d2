"""What a machine of QEMU's looks like that is lost or out of time: where it stands, and how it came there."""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from vmirom.bundle.inspect import read_bundle
from vmirom.bundle.refused import Refused
from vmirom.hosts.qemu_monitor import Monitor
from vmirom.hosts.remains import scene_of_text
from vmirom.hosts.scene import Scene
from vmirom.hosts.stack import Stack
from vmirom.machine.addresses import PAGE_SIZE

__all__ = ["Bystander"]

_PROCESSOR: Final = re.compile(r"^CPU#(\d+)$", re.MULTILINE)
_IN_ROM: Final = re.compile(r"ROM (?:slot of )?([A-Za-z]\w*)")


class Bystander:
    """Looks, through the monitor, at a machine that runs ``bundle`` (empty: nothing is known of its code)."""

    def __init__(self, bundle: bytes) -> None:
        self._bundle = bundle
        self.scenes: tuple[Scene, ...] = ()

    def look(self, monitor: Monitor) -> None:
        """Take down what is seen now; raises nothing."""
        registers = monitor.registers()
        self.scenes = scene_of_text(registers, self._bundle)
        places = {name: _address(registers, name, base) for name, base in (("EIP", "CS"), ("ESP", "SS"))}
        at, stack = places["EIP"], places["ESP"]
        if at is None or stack is None:
            return
        try:
            known = Stack(read_bundle(self._bundle))
        except Refused:
            return
        processor = _PROCESSOR.search(registers)
        read = partial(_read, monitor, int(processor[1]) if processor else 0)
        self.scenes = (Scene("", registers, tuple(known.sites(read, at, stack))),)

    @property
    def last_call(self) -> str:
        """The call that the machine stands in, as its stack tells; empty where it stands in none."""
        for site in self.scenes[0].sites if self.scenes else ():
            if found := _IN_ROM.match(site.place):
                return found[1]
        return ""


def _address(registers: str, name: str, segment: str) -> int | None:
    """Linear address of the first processor's register, with its segment's base."""
    value = re.search(rf"\b{name}=([0-9a-f]{{8}})\b", registers)
    base = re.search(rf"^{segment} =[0-9a-f]{{4}} ([0-9a-f]{{8}})\b", registers, re.MULTILINE)
    return None if value is None or base is None else (int(value[1], 16) + int(base[1], 16)) & 0xFFFFFFFF


def _read(monitor: Monitor, processor: int, gva: int, length: int) -> bytes:
    found = bytearray()
    while len(found) < length and gva < 1 << 32:
        part = min(length - len(found), PAGE_SIZE - gva % PAGE_SIZE)
        piece = monitor.memory(gva, part, processor)
        if not piece:
            break
        found += piece
        gva += part
    return bytes(found)
