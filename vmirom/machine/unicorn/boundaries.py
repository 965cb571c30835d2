"""A stop from another thread is taken where nothing of an instruction has been done.

unicorn 2.1.4 looks for one at the head of every block, where EIP and the state are those in front of the
block; behind the hook of an instruction, where they are those in front of it; and behind every load and store
of the guest. There an instruction that stores has done its work, but EIP still stands at it: INC of memory
counts twice, XCHG gets back what it has itself written, and a spinlock waits for ever. Those looks are needed
for accesses that fail, though, and for nothing else. So the slot through which the translator calls what
writes a look leads to a few instructions (``stub``) that have it call, behind an access, something that
leaves for a failed one only. A stop waits for the end of its block, at most 64 instructions away, or of one
step of a repeated string instruction.

Where that can't be had (another platform, another build), stops are taken as unicorn takes them.
"""

from __future__ import annotations

import ctypes
import itertools
import re
import struct
import sys
from functools import cache
from typing import Final

from vmirom.machine.unicorn import library as lib
from vmirom.machine.unicorn.calibration import PROBE_CODE, Probe
from vmirom.machine.unicorn.hostcode import HostCode, placed
from vmirom.machine.unicorn.linkage import address_of, leads_to, slot
from vmirom.machine.unicorn.stub import asked, failed

__all__ = ["stop_at_boundaries"]

_ASK: Final = "check_exit_request_x86_64"
_LOOK: Final = "helper_check_exit_request_x86_64"
_EMIT: Final = "tcg_emit_op_x86_64"
_ACCESS: Final = "tcg_gen_qemu_%s_i%d_x86_64"
_LINK: Final = re.compile(rb"\x48\x8d\x50\x08\x48\x89\x97(....)", re.DOTALL)
"""lea 8(%rax),%rdx; mov %rdx,last(%rdi): the link of the operation just made becomes the last."""
_NUMBER: Final = re.compile(rb"\xbe(.)\0\0\0", re.DOTALL)
"""mov $number,%esi: the operation that an access is."""
_ERROR: Final = 0x590
"""invalid_error in uc_struct, linux x86_64; that it is there is tried."""
_WRITE_UNMAPPED: Final = 7
_kept: Final[list[HostCode]] = []


@cache
def stop_at_boundaries() -> bool:
    """See to it, once a process, before the first engine runs; whether it could be done."""
    if sys.platform != "linux":
        return False
    try:
        last, accesses = _places()
        place, look = slot(_ASK), address_of(_LOOK)
        failing = placed(failed(look, _ERROR))
    except (AttributeError, OSError, ValueError, struct.error):
        return False
    if failing is None:
        return False
    code = placed(asked(address_of(_ASK), look, failing.address, last, accesses))
    if code is None:
        return False
    _kept.extend((failing, code))
    return leads_to(place, code.address, _works)


def _places() -> tuple[int, int]:
    """(offset of the last operation's link in TCGContext, first number of loads and stores), read from the
    library's own code. Raises ValueError if that is not as known, AttributeError if it is not there."""
    link = _LINK.search(ctypes.string_at(address_of(_EMIT), 0xB0))
    names = [_ACCESS % (way, width) for width in (32, 64) for way in ("ld", "st")]
    found = [_NUMBER.search(ctypes.string_at(address_of(name), 64)) for name in names]
    numbers = [one[1][0] for one in found if one]
    if link is None or len(numbers) < 4 or numbers != list(range(numbers[0], numbers[0] + 4)):
        raise ValueError("another build of unicorn")
    return int.from_bytes(link[1], "little"), numbers[0]


def _works() -> bool:
    """Whether a stop from a store waits for the end of its block, and neither one from an instruction's hook
    nor a failed store does."""
    increment = b"\xff\x05\x00\x30\x00\x00"  # incl 0x3000
    fails = b"\xa3\x00\x00\x00\x20"  # mov %eax,0x20000000
    jump, nop, halt = b"\xeb\x00", b"\x90", b"\xf4"  # the jump leads behind itself, and ends a block
    code = (increment * 2, jump, nop, increment, jump, nop, fails, increment, halt)
    at = list(itertools.accumulate(map(len, code), initial=PROBE_CODE))
    probe = Probe(b"".join(code))
    u, eip = lib.constants("unicorn_const"), lib.constants("x86_const").UC_X86_REG_EIP
    machine = probe.machine

    def stored(*_: object) -> bool:
        machine.c.uc_emu_stop(machine.handle)
        return True

    def reached(*_: object) -> None:
        machine.c.uc_emu_stop(machine.handle)

    try:
        machine.hook(u.UC_HOOK_MEM_WRITE, lib.MEMORY_CALLBACK, stored, 0, 0xFFFF)
        machine.hook(u.UC_HOOK_CODE, lib.CODE_CALLBACK, reached, at[3], at[3])
        seen = []
        for begin in (at[0], at[2], at[5]):
            error = machine.c.uc_emu_start(machine.handle, begin, 0xFFFFFFFFFFFF, 0, 0)
            seen.append((error, machine.read_register(eip), probe.ram[0x3000]))
    finally:
        probe.close()
    return seen == [(0, at[2], 2), (0, at[3], 2), (_WRITE_UNMAPPED, at[6], 2)]
