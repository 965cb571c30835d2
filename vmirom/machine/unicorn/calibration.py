"""Where the processor's state lies inside unicorn.

unicorn has no register number for the error code of a fault, for ``old_exception`` (which it never
clears, so that a second fault would be taken for a double fault), for CPL or for the interrupt shadow.
All of them stand in the image that ``uc_context_save`` gives. Their places are found by experiment,
once a process, before the first guest runs: raise #GP with three different selectors and compare the
images. An image that does not answer as expected means an unknown build, and the engine refuses.

The same image also exists in place, as QEMU's CPUX86State. Where it is found and agrees byte for byte
with the context, the engine uses it directly; elsewhere it goes through the context.
"""

from __future__ import annotations

import ctypes
import mmap
import struct
import sys
from dataclasses import dataclass, replace
from typing import Final

from vmirom.machine.engine import EngineError
from vmirom.machine.unicorn.library import BLOCK_CALLBACK, INTERRUPT_CALLBACK, Machine, constants

__all__ = ["LIVE_STATE", "PROBE_CODE", "Layout", "Probe", "calibrate"]

_TAG: Final = 0x5A17_0000
_SELECTORS: Final = (0x7318, 0x2BE8, 0x6650)  # no low bits: those are the error code's flags
PROBE_CODE: Final = 0x2000
_BLOCK: Final = 256
_EFER: Final = 0xC0000080
_NXE: Final = 0x800
LIVE_STATE: Final = (440, 35408)  # uc_struct -> CPUState -> CPUX86State, linux x86_64


@dataclass(frozen=True, slots=True)
class Layout:
    """Byte offsets into the context image, all of 64-bit words except where a width is given."""

    size: int
    regs: int  # EAX ECX EDX EBX ESP EBP ESI EDI
    eip: int
    eflags: int  # without the arithmetic flags and DF, which are kept apart
    hflags: int  # 32 bits
    segments: int  # ES CS SS DS FS GS, then LDTR TR GDTR IDTR, 24 bytes each
    control: int  # CR0 to CR4
    efer: int  # 32 bits of it
    error_code: int  # 32 bits
    soft: int  # 32 bits: the last vector came from an INT instruction
    debug: int  # DR0 to DR7
    old_exception: int  # 32 bits
    live: bool  # the state can be had in place
    halted: int  # offset into CPUState, 32 bits; 0 if not live
    hook_begin: int  # offset of `begin` in a hook's struct, `end` after it; 0 if not found


def _descriptor(access: int) -> bytes:
    return struct.pack("<HHBBBB", 0xFFFF, 0, 0, access, 0xCF, 0)


class Probe:
    """A small machine with a flat GDT that runs a few bytes at CPL 0."""

    def __init__(self, code: bytes) -> None:
        u, x = constants("unicorn_const"), constants("x86_const")
        self.machine = Machine(4 << 20)
        self.ram = mmap.mmap(-1, 0x4000)
        self.ram[0x1000:0x1018] = bytes(8) + _descriptor(0x9B) + _descriptor(0x93)
        self.ram[PROBE_CODE : PROBE_CODE + len(code)] = code
        self.pin = ctypes.c_char.from_buffer(self.ram)
        c, handle = self.machine.c, self.machine.handle
        address = ctypes.addressof(self.pin)
        self.machine.check(c.uc_mem_map_ptr(handle, 0, len(self.ram), 7, address), "memory")
        table = (ctypes.c_uint64 * 3)(0, 0x1000, 23)  # uc_x86_mmr: selector, base, limit and flags
        self.machine.check(c.uc_reg_write(handle, x.UC_X86_REG_GDTR, table), "GDTR")
        self.machine.write_register(x.UC_X86_REG_SS, 0x10)
        low = (x.UC_X86_REG_EAX, x.UC_X86_REG_ECX, x.UC_X86_REG_EDX, x.UC_X86_REG_EBX)
        high = (x.UC_X86_REG_ESP, x.UC_X86_REG_EBP, x.UC_X86_REG_ESI, x.UC_X86_REG_EDI)
        for number, register in enumerate((*low, *high)):
            self.machine.write_register(register, _TAG + number)
        self.vector = -1
        self.machine.hook(u.UC_HOOK_INTR, INTERRUPT_CALLBACK, self._on_interrupt)
        self.context = ctypes.c_void_p()
        self.machine.check(c.uc_context_alloc(handle, ctypes.byref(self.context)), "context")

    def _on_interrupt(self, _handle: int, vector: int, _key: int) -> None:
        self.vector = vector
        self.machine.c.uc_emu_stop(self.machine.handle)

    def image(self) -> bytes:
        c, handle = self.machine.c, self.machine.handle
        self.machine.check(c.uc_context_save(handle, self.context), "context")
        assert self.context.value is not None
        return ctypes.string_at(self.context.value, c.uc_context_size(handle))

    def run(self) -> None:
        self.machine.c.uc_emu_start(self.machine.handle, PROBE_CODE, 0xFFFFFFFFFFFF, 0, 0)

    def close(self) -> None:
        self.machine.c.uc_context_free(self.context)
        self.machine.close()


def _fault_images(selector: int) -> tuple[bytes, bytes]:
    """The image before and after ``mov %eax,%ds`` with a selector outside the GDT."""
    probe = Probe(b"\x8e\xd8")
    try:
        probe.machine.write_register(constants("x86_const").UC_X86_REG_EAX, selector)
        before = probe.image()
        probe.run()
        if probe.vector != 13:
            raise EngineError(f"unicorn's calibration got vector {probe.vector} instead of 13: unknown build")
        return before, probe.image()
    finally:
        probe.close()


def _efer_images() -> tuple[bytes, bytes]:
    """The image before and after EFER.NXE is set."""
    probe = Probe(b"\xf4")
    try:
        before = probe.image()
        written = (ctypes.c_uint64 * 2)(_EFER, _NXE)
        c, handle = probe.machine.c, probe.machine.handle
        probe.machine.check(c.uc_reg_write(handle, constants("x86_const").UC_X86_REG_MSR, written), "EFER")
        return before, probe.image()
    finally:
        probe.close()


def _only(candidates: list[int], what: str) -> int:
    if len(candidates) != 1:
        raise EngineError(f"unicorn's calibration found {len(candidates)} places for {what}: unknown build")
    return candidates[0]


def _changed(before: bytes, after: bytes) -> dict[int, tuple[int, int]]:
    """The 32-bit words that differ, by offset: old and new."""
    blocks = (
        at for at in range(0, len(before), _BLOCK) if before[at : at + _BLOCK] != after[at : at + _BLOCK]
    )
    words = (word for at in blocks for word in range(at, min(at + _BLOCK, len(before) - 3), 4))
    pairs = ((word, (_word(before, word), _word(after, word))) for word in words)
    return {word: (old, new) for word, (old, new) in pairs if old != new}


def _word(image: bytes, offset: int) -> int:
    return int.from_bytes(image[offset : offset + 4], "little")


def _find_live(layout_size: int, header: int) -> tuple[bool, int]:
    """Whether the state is where it was in the tested build, and the place of CPUState.halted.

    The first HLT and, separately, a run that ends otherwise are compared: `halted` is the word that
    turns from 0 to 1 in the former only.
    """
    if not sys.platform.startswith("linux") or ctypes.sizeof(ctypes.c_void_p) != 8:
        return False, 0
    changed: list[set[int]] = []
    for code in (b"\x90\xf4", b"\x90\x8e\xd8"):  # nop; hlt - nop; mov %eax,%ds, which faults
        probe = Probe(code)
        try:
            handle = probe.machine.handle.value
            assert handle is not None
            processor = ctypes.c_uint64.from_address(handle + LIVE_STATE[0]).value
            state = processor + LIVE_STATE[1]
            if probe.image()[header:] != ctypes.string_at(state, layout_size - header):
                return False, 0
            before = ctypes.string_at(processor, LIVE_STATE[1])
            probe.run()
            after = ctypes.string_at(processor, LIVE_STATE[1])
            if probe.image()[header:] != ctypes.string_at(state, layout_size - header):
                return False, 0
        finally:
            probe.close()
        changed.append({word for word, values in _changed(before, after).items() if values == (0, 1)})
    only = changed[0] - changed[1]
    return (True, only.pop()) if len(only) == 1 else (False, 0)


def _find_hook_begin() -> int:
    """Offset of a hook's first address in its struct, found by a value that can't be there by chance."""
    machine = Machine(4 << 20)
    try:
        begin, end = 0x1122334455667788, 0x2233445566778899
        block = constants("unicorn_const").UC_HOOK_BLOCK
        handle = machine.hook(block, BLOCK_CALLBACK, lambda *_: None, begin, end)
        data = ctypes.string_at(handle, 64)
    finally:
        machine.close()
    at = data.find(struct.pack("<QQ", begin, end))
    return at if at > 0 else 0


_layout: Layout | None = None


def calibrate() -> Layout:
    """The layout, found at first use and kept for the process. Raises EngineError for an unknown build."""
    global _layout
    if _layout is None:
        _layout = _measure()
    return _layout


def _measure() -> Layout:
    shots = [_fault_images(selector) for selector in _SELECTORS]
    size = len(shots[0][0])
    before, after = shots[0]
    tags = struct.pack("<QQ", _TAG + 1, _TAG + 2)
    regs = _only([i for i in range(0, size - 16, 8) if before[i : i + 16] == tags], "the registers") - 8
    changes = [_changed(*shot) for shot in shots]
    words = [word for word in changes[0] if word >= regs + 232]
    new = [[changed.get(word, (0, 0))[1] for changed in changes] for word in words]
    error_code = _only(
        [w for w, found in zip(words, new, strict=True) if found == [*_SELECTORS]], "the error code"
    )
    old = _only([w for w in words if all(c.get(w) == (0xFFFFFFFF, 13) for c in changes)], "old_exception")
    extended = _changed(*_efer_images())
    layout = Layout(
        size=size,
        regs=regs,
        eip=regs + 128,
        eflags=regs + 136,
        hflags=regs + 176,
        segments=regs + 184,
        control=regs + 184 + 10 * 24,
        efer=_only([word for word, values in extended.items() if values == (0, _NXE)], "EFER"),
        error_code=error_code,
        soft=error_code + 4,
        debug=error_code + 16,
        old_exception=old,
        live=False,
        halted=0,
        hook_begin=_find_hook_begin(),
    )
    _verify(layout, before, after)
    live, halted = _find_live(size, regs)
    return replace(layout, live=live, halted=halted)


def _verify(layout: Layout, before: bytes, after: bytes) -> None:
    """The fixed distances are those of QEMU's structure; check every one by a known value."""
    checks = {
        "EIP": (_word(after, layout.eip), PROBE_CODE),
        "SS": (_word(before, layout.segments + 2 * 24), 0x10),
        "the GDT's base": (_word(before, layout.segments + 8 * 24 + 8), 0x1000),
        "CR0": (_word(before, layout.control) & 0x80000001, 1),
        "CPL": (_word(before, layout.hflags) & 3, 0),
        "DR6": (_word(before, layout.debug + 48), 0xFFFF0FF0),
        "old_exception's distance": (layout.old_exception - layout.debug, 96),
    }
    for what, (found, expected) in checks.items():
        if found != expected:
            raise EngineError(f"unicorn's calibration read {found:#x} for {what}, not {expected:#x}")
    _verify_soft(layout)


def _verify_soft(layout: Layout) -> None:
    probe = Probe(b"\xcd\x30")  # int $0x30
    try:
        probe.run()
        image = probe.image()
    finally:
        probe.close()
    if (probe.vector, _word(image, layout.soft)) != (0x30, 1):
        raise EngineError("unicorn's calibration can't tell INT from a fault: unknown build")
