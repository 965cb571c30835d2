"""The native ROM's timer and IDT code on the host: shots of the PIT, and the shadow table."""

from __future__ import annotations

import functools
import importlib.util
import shutil
import struct
import tempfile
from pathlib import Path
from typing import Any, Final

import cffi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmirom.overlays.native import Pit
from vmirom.overlays.vmi import Layout
from vmirom.schema.tree import source_tree

NEVER: Final = (1 << 64) - 1
STUBS: Final = 0xF0000
TABLE: Final = 0x40000
DTR: Final = 0x60000
SHADOW: Final = 4096 * int(Layout.STATE_BACKEND)
_CDEF = """
extern "Python" void native_host_out(uint32_t, uint32_t);
static void reset(uint32_t khz);
static unsigned char *guest_memory(void);
static uint32_t wild(void);
static uint32_t idt_base(void);
static uint32_t idt_limit(void);
static void set_counter(uint64_t);
void platform_arm(uint64_t);
void native_snoop(uint32_t, uint32_t);
uint32_t native_gate(uint32_t);
void vmi_SetIDT(uint32_t);
void vmi_GetIDT(uint32_t);
void vmi_WriteIDTEntry(uint32_t, uint32_t, uint32_t, uint32_t);
"""
out: list[tuple[int, int]] = []


@functools.cache
def compiled() -> tuple[Any, Any]:
    if not (shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")):
        pytest.skip("no C compiler for the host (cc); install gcc or clang")
    root, folder = source_tree("romsrc"), tempfile.mkdtemp(prefix="vmirom-native-")
    ffi = cffi.FFI()
    ffi.cdef(_CDEF)
    ffi.set_source(
        "_native_rom_host",
        (Path(__file__).parent / "native_host.c").read_text(),
        sources=[str(root / "rom" / "native" / f"{name}.c") for name in ("timer", "idt")],
        include_dirs=[str(root / part) for part in ("include", "rom", "rom/shared", "rom/native")],
        define_macros=[("ROM_HOST", "1")],
        extra_compile_args=["-O1", "-Wno-address-of-packed-member"],
    )
    spec = importlib.util.spec_from_file_location("_native_rom_host", ffi.compile(tmpdir=folder))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.ffi, module.lib


def fresh(khz: int = 2_500_000) -> tuple[Any, Any]:
    """(lib, memory) of a machine at its start."""
    ffi, lib = compiled()
    ffi.def_extern(name="native_host_out")(lambda port, value: out.append((port, value)))
    lib.reset(khz)
    out.clear()
    return lib, ffi.buffer(lib.guest_memory(), 1 << 20)


@given(
    khz=st.integers(100_000, 6_000_000),
    now=st.integers(0, 1 << 62),
    distance=st.one_of(st.integers(-(1 << 30), 1 << 30), st.integers(0, 1 << 62), st.just(NEVER)),
)
def test_a_shot_ends_neither_early_nor_long_after(khz: int, now: int, distance: int) -> None:
    """Ticks cover the time to the deadline, rounded up by at most two, or are a whole shot."""
    lib, _ = fresh(khz)
    deadline = NEVER if distance == NEVER else max(0, now + distance)
    lib.set_counter(now)
    lib.platform_arm(deadline)
    if deadline == NEVER:
        assert out == []
        return
    (_, _), (first, low), (second, high) = out
    assert first == second == 0x40
    ticks = (low | high << 8) or 65536
    exact = max(0, deadline - now) * int(Pit.HZ) / (khz * 1000)
    assert ticks == 65536 if exact > 65536 else exact <= ticks + 0.001 and ticks <= exact + 2


gates = st.tuples(st.integers(0, 255), st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFFFFFF))


@given(
    limit=st.sampled_from([0, 7, 8 * 0x21 - 1, 8 * 0x80 + 3, 8 * 256 - 1, 0xFFFF]),
    first=st.lists(gates, max_size=8),
    later=st.lists(gates, max_size=8),
    base=st.sampled_from([None, 0x20, 0x30, 0x68, 0xF8]),
    armed=st.booleans(),
)
def test_the_shadow_is_the_guests_table_but_for_the_timer(
    limit: int,
    first: list[tuple[int, int, int]],
    later: list[tuple[int, int, int]],
    base: int | None,
    armed: bool,
) -> None:
    lib, memory = fresh()
    for vector, low, high in first:
        struct.pack_into("<II", memory, TABLE + 8 * vector, low, high)
    struct.pack_into("<HI", memory, DTR, limit, TABLE)
    lib.vmi_SetIDT(DTR)
    if armed:
        lib.platform_arm(1 << 60)
    if base is not None:
        for value, port in ((0x11, 0x20), (base, 0x21), (4, 0x21), (1, 0x21)):
            lib.native_snoop(value, port)
    for vector, low, high in later:
        lib.vmi_WriteIDTEntry(TABLE, vector, low, high)
        assert memory[TABLE + 8 * vector : TABLE + 8 * vector + 8] == struct.pack("<II", low, high)
    lib.vmi_GetIDT(DTR)
    assert struct.unpack_from("<HI", memory, DTR) == (limit, TABLE)
    assert lib.wild() == 0
    if not armed:
        assert (lib.idt_base(), lib.idt_limit()) == (TABLE, limit)
        return
    assert (lib.idt_base(), lib.idt_limit()) == (SHADOW, min(limit, 8 * 256 - 1))
    for vector in range(256):
        low, high = (
            struct.unpack_from("<II", memory, TABLE + 8 * vector) if 8 * vector + 7 <= limit else (0, 0)
        )
        timer = vector == base if base is not None else vector >= 0x20 and vector % 8 == 0
        assert lib.native_gate(vector) == ((high & 0xFFFF0000 | low & 0xFFFF) if high & 0x8000 else 0)
        if timer and high & 0x8000:
            stub = STUBS + vector
            low, high = low & 0xFFFF0000 | stub & 0xFFFF, stub & 0xFFFF0000 | high & 0xFFFF
        assert struct.unpack_from("<II", memory, SHADOW + 8 * vector) == (low, high), f"{vector:#x}"
