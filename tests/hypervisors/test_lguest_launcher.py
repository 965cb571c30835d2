"""The launcher's rules: what it would make of a file, held against the system calls that it makes."""

from __future__ import annotations

import ctypes
import mmap
import os
import struct
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmirom.bundle.compose import compose
from vmirom.guest.shipped import guest_blob
from vmirom.hypervisors.hypervisor import LoadError, NoTrace
from vmirom.hypervisors.lguest import Lguest
from vmirom.hypervisors.lguest.launcher import Malformed, judge, pieces
from vmirom.machine.unicorn import UnicornEngine
from vmirom.rom.image import load_rom

PAGE = 4096
Load = tuple[int, int, int, int]
"""p_offset, p_paddr, p_filesz, p_memsz."""


def elf(
    loads: list[Load],
    body: bytes = b"",
    *,
    entry: int = 0x100000,
    kind: int = 2,
    machine: int = 3,
    size: int = 32,
    count: int | None = None,
) -> bytes:
    """A file of these PT_LOADs, ``body`` standing at its second page."""
    header = struct.pack(
        "<16sHHIIIIIHHHHHH",
        *(b"\x7fELF\x01\x01\x01", kind, machine, 1, entry, 52, 0, 0),
        *(52, size, len(loads) if count is None else count, 0, 0, 0),
    )
    table = b"".join(struct.pack("<8I", 1, at, gpa, gpa, n, m, 7, PAGE) for at, gpa, n, m in loads)
    return (header + table).ljust(PAGE, b"\0") + body


def broken(kernel: bytes, ram: int | None = None) -> dict[str, str]:
    return {rule.subject: rule.fault for rule in judge(kernel, ram) if rule.fault}


GOOD = [(PAGE, 0x100000, 100, PAGE)]


@pytest.mark.parametrize("name", ["reference"])
def test_what_compose_makes_is_loadable(name: str) -> None:
    bundle = compose(guest_blob(name).read_bytes(), load_rom("lguest").data, "lguest", (3, 1))
    assert broken(bundle, 16 << 20) == {}
    assert all(piece.mapped for piece in pieces(bundle)[1]), "nothing has to be read twice"


@pytest.mark.parametrize(
    ("kernel", "subject", "words"),
    [
        (b"MZ" + bytes(100), "e_ident", "7f 45 4c 46"),
        (elf(GOOD, b"x" * 100)[:40], "headers", "cut off"),
        (elf(GOOD, b"x" * 100, kind=3), "headers", "ET_EXEC"),
        (elf(GOOD, b"x" * 100, machine=62), "headers", "EM_386"),
        (elf(GOOD, b"x" * 100, size=40), "headers", "32-byte"),
        (elf(GOOD, b"x" * 100, count=0), "headers", "e_phnum 0"),
        (elf(GOOD, b"x" * 70000, count=2049), "headers", "e_phnum 2049"),
        (elf(GOOD, b"x" * 100, count=2000), "headers", "program headers are cut off"),
        (elf(GOOD, b"x" * 50), "headers", "PT_LOAD 0 is cut off"),
        (elf([(PAGE, 0x1000, 100, 100)], b"x" * 100, entry=0x1000), "p_paddr", "below 0x1800"),
        (elf([(PAGE, 0, 100, 100)], b"x" * 100, entry=0), "p_paddr", "at 0x0"),
        (
            elf([(PAGE, 0x100800, 100, 100), (2 * PAGE, 0x100000, 64, 64)], b"x" * 9000, entry=0x100800),
            "order",
            "PT_LOAD 1 at 0x100000 covers a part of PT_LOAD 0",
        ),
        (elf([(PAGE, 0x100000, 100, 200)], b"x" * 150), "zeros", "PT_LOAD 0"),
        (elf(GOOD, b"x" * 100, entry=0x200000), "e_entry", "0x200000 lies in no segment"),
        (elf(GOOD, b"x" * 100, entry=0x100064), "e_entry", "no segment"),
    ],
)
def test_each_rule_is_told_of_a_file_that_breaks_it(kernel: bytes, subject: str, words: str) -> None:
    assert words in broken(kernel)[subject]


def test_memory_that_is_too_small_is_told_where_it_is_known() -> None:
    kernel = elf([(PAGE, 0x500000, 100, 100)], b"x" * 100, entry=0x500000)
    assert "outside" in broken(kernel, 5 << 20)["memory"]
    assert broken(kernel, 16 << 20) == {} and broken(kernel) == {}


def test_bytes_behind_a_segment_that_is_not_on_a_page_stay_out() -> None:
    kernel = elf([(PAGE + 4, 0x100004, 100, 200)], b"x" * 4 + b"y" * 100 + b"z" * 100, entry=0x100004)
    assert broken(kernel) == {}
    assert pieces(kernel)[1][0].data == b"y" * 100


def test_the_embedded_launcher_goes_by_the_same_rules() -> None:
    def load(kernel: bytes) -> Lguest:
        machine = Lguest(UnicornEngine, 16, lambda text: None, NoTrace())
        machine.load(kernel)
        return machine

    kernel = elf([(PAGE, 0x100000, 100, 200)], b"x" * 100 + b"trailing")
    assert "zeros" in broken(kernel)
    assert load(kernel).engine.memory.read(0x100000 + 100, 8) == b"trailing", "as the real one maps it"
    for bad in (elf(GOOD, b"x" * 50), elf(GOOD, b"", kind=3), elf(GOOD, count=0)):
        with pytest.raises(LoadError) as refused:
            load(bad)
        with pytest.raises(Malformed) as malformed:
            pieces(bad)
        assert str(refused.value) == f"bundle: {malformed.value}"


LOADS = st.lists(
    st.builds(
        lambda offset, gpa, size, zeros: (PAGE + offset, gpa, size, size + zeros),
        st.one_of(st.sampled_from([0, PAGE, 2 * PAGE]), st.integers(0, 3 * PAGE)),
        st.one_of(st.integers(0, 7).map(lambda n: n * PAGE), st.integers(0, 6 * PAGE)),
        st.integers(0, 5000),
        st.integers(0, 5000),
    ),
    min_size=1,
    max_size=4,
)


@given(LOADS, st.binary(min_size=16, max_size=64))
def test_memory_is_what_mmap_and_pread_make_it(loads: list[Load], seed: bytes) -> None:
    kernel = elf(loads, (seed * 1200)[: 5 * PAGE])
    if broken(kernel).get("headers"):
        return
    ours = bytearray(16 * PAGE)
    for piece in pieces(kernel)[1]:
        ours[piece.gpa : piece.gpa + len(piece.data)] = piece.data
    assert bytes(ours) == loaded_by_system_calls(kernel, loads, len(ours))


def loaded_by_system_calls(kernel: bytes, loads: list[Load], length: int) -> bytes:
    """What map_at does for each segment: a fixed private mapping, and where that is refused a read."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    fixed, rights = 0x10, mmap.PROT_READ | mmap.PROT_WRITE
    failed = ctypes.c_void_p(-1).value
    base = libc.mmap(None, length, rights, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
    assert base not in (None, failed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "kernel")
        path.write_bytes(kernel)
        with path.open("rb") as file:
            for offset, gpa, size, _ in loads:
                place = libc.mmap(base + gpa, size, rights, mmap.MAP_PRIVATE | fixed, file.fileno(), offset)
                if place == failed:
                    ctypes.memmove(base + gpa, os.pread(file.fileno(), size, offset), size)
            return ctypes.string_at(base, length)
