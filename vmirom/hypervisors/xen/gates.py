"""Call gates, which Xen carries out itself.

The processor never finds one that it may use, for each is stored with DPL 0 (see ``descriptors``). The ring
that the guest asked for stands in the RPL of the gate's selector.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from vmirom.hypervisors.xen.answers import DomainCrash, GuestFault
from vmirom.hypervisors.xen.descriptors import CALL_GATE, PRESENT_BIT
from vmirom.hypervisors.xen.operands import REGISTERS, read_register
from vmirom.machine.engine import Segment, SegmentName
from vmirom.overlays.native import Vector

if TYPE_CHECKING:
    from vmirom.hypervisors.xen.domain import Domain

__all__ = ["far_transfer"]

_KIND: Final = 0x1F00
_FAR_CALL: Final = 0x9A
_FAR_JUMP: Final = 0xEA
_INDIRECT: Final = 0xFF
_CONFORMING: Final = 0x400
_NO_BASE: Final = 5
_WITH_SIB: Final = 4


def far_transfer(domain: Domain, code: bytes, error: int) -> bool:
    """Whether a #GP whose error code names a selector was a far call or jump through a call gate of the
    guest, which has then been made, or answered with the fault that it deserves. Raises DomainCrash."""
    gate = domain.segments.raw(error)
    if gate is None or gate[1] & _KIND != CALL_GATE:
        return False
    found = _instruction(domain, code, error & ~3)
    if found is None:
        return False
    jump, length = found
    low, high = gate
    ring = domain.engine.cpl
    if low >> 16 & 3 < ring:
        return False
    if not high & PRESENT_BIT:
        domain.traps.inject(Vector.NP, error & ~3)
        return True
    target = domain.segments.find(low >> 16 & ~3 | ring)
    if target is None or not _may_enter(target, ring, jump):
        domain.traps.inject_protection(low >> 16 & ~3)
        return True
    _transfer(domain, target, high & 0xFFFF0000 | low & 0xFFFF, length, jump)
    return True


def _may_enter(target: Segment, ring: int, jump: bool) -> bool:
    dpl = target.attributes >> 13 & 3
    if not target.attributes & 0x800:
        return False
    return dpl == ring if jump and not target.attributes & _CONFORMING else dpl <= ring


def _transfer(domain: Domain, target: Segment, eip: int, length: int, jump: bool) -> None:
    engine = domain.engine
    stack = engine.segment(SegmentName.SS)
    if target.attributes >> 13 & 3 != engine.cpl and not target.attributes & _CONFORMING:
        raise DomainCrash("a call gate to an inner ring, which is left out")
    top = engine.esp
    if not jump:
        frame = struct.pack("<II", engine.eip + length & 0xFFFFFFFF, engine.segment(SegmentName.CS).selector)
        top = top - len(frame) & 0xFFFFFFFF
        try:
            domain.space.write(stack.base + top & 0xFFFFFFFF, frame)
        except GuestFault as fault:
            domain.traps.inject_fault(fault.gva, fault.error)
            return
    engine.enter(target, stack, top, eip)


def _instruction(domain: Domain, code: bytes, selector: int) -> tuple[bool, int] | None:
    """(is it a jump, length) of a far transfer to ``selector``, or None for any other instruction."""
    if len(code) >= 7 and code[0] in (_FAR_CALL, _FAR_JUMP):
        named = int.from_bytes(code[5:7], "little") & ~3
        return (code[0] == _FAR_JUMP, 7) if named == selector else None
    if len(code) < 2 or code[0] != _INDIRECT or code[1] >> 3 & 7 not in (3, 5):
        return None
    place = _pointer(domain, code)
    if place is None:
        return None
    address, length = place
    try:
        named = int.from_bytes(domain.space.read(address + 4 & 0xFFFFFFFF, 2), "little") & ~3
    except GuestFault:
        return None
    return (code[1] >> 3 & 7 == 5, length) if named == selector else None


def _pointer(domain: Domain, code: bytes) -> tuple[int, int] | None:
    """(address, length of the instruction) of a memory operand without an index; None for others."""
    mod, register = code[1] >> 6, code[1] & 7
    if mod == 3 or register == _WITH_SIB:
        return None
    size = (4 if register == _NO_BASE else 0, 1, 4)[mod]
    displacement = int.from_bytes(code[2 : 2 + size], "little", signed=True) if size else 0
    absolute = mod == 0 and register == _NO_BASE
    base = 0 if absolute else read_register(domain.engine, register)
    name = SegmentName.SS if not absolute and REGISTERS[register] == "ebp" else SegmentName.DS
    return domain.engine.segment(name).base + base + displacement & 0xFFFFFFFF, 2 + size
