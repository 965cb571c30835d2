"""The same bytes from any folder; what is shipped is what the sources give; faults are one line."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from tests.guest.installed import HELLO, hello_guest, hostile_guest, hostile_sources, need
from vmirom.bundle.guest import read_guest
from vmirom.guest.build import build, build_guest, guest_toolchain
from vmirom.guest.shipped import build_one, guest_blob, guest_names, main, read_guest_lock
from vmirom.hypervisors.xen.elf import read_kernel
from vmirom.hypervisors.xen.notes import read_wishes
from vmirom.rom.errors import BuildError, ToolchainMissing


def test_the_lock_names_the_shipped_guests_as_they_are() -> None:
    locked = {guest.name: guest for guest in read_guest_lock()}
    assert set(locked) == {f"{name}.elf" for name in guest_names()}
    for name in guest_names():
        data = guest_blob(name).read_bytes()
        entry = locked[f"{name}.elf"]
        assert entry.sha256 == hashlib.sha256(data).hexdigest()
        assert entry.size == len(data)


def test_the_lock_names_the_sources_as_they_are() -> None:
    romsrc = guest_blob("reference").parent.parent
    for guest in read_guest_lock():
        for name, digest in guest.inputs.items():
            assert hashlib.sha256((romsrc / name).read_bytes()).hexdigest() == digest, name


@pytest.mark.parametrize(
    ("shared", "guests"),
    [
        ("checking", {"reference", *(name for name in guest_names() if name.startswith("conform-"))}),
        ("probing", {"probe-xen", "probe-kvm", "probe-lguest"}),
    ],
)
def test_who_takes_from_a_folder_that_guests_share_takes_all_of_it(shared: str, guests: set[str]) -> None:
    folder = guest_blob("reference").parent.parent / "guest" / shared
    files = {f"guest/{shared}/{file.name}" for file in folder.iterdir()}
    takes = {guest.name.removesuffix(".elf"): files & guest.inputs.keys() for guest in read_guest_lock()}
    assert {name for name, taken in takes.items() if taken} == guests
    assert all(takes[name] == files for name in guests)


@pytest.mark.toolchain
@pytest.mark.parametrize("name", ["player", "probe-option", "conform-time"])
def test_a_shipped_guest_is_what_its_sources_give(name: str) -> None:
    """One of each kind: on the kit, with an entry of its own, for conformance. All: the next test."""
    need("zig")
    assert build_one(name).data == guest_blob(name).read_bytes()


@pytest.mark.slow
@pytest.mark.toolchain
def test_check_finds_nothing_to_change(capsys: pytest.CaptureFixture[str]) -> None:
    need("zig")
    assert main(["--check"]) == 0
    assert "current" in capsys.readouterr().out


@pytest.mark.toolchain
@pytest.mark.parametrize("toolchain", ["zig", "gnu"])
def test_the_same_source_gives_the_same_bytes_from_any_folder(toolchain: str, tmp_path: Path) -> None:
    need(toolchain)
    far = tmp_path / "a rather longer path" / "with spaces"
    far.mkdir(parents=True)
    shutil.copy(HELLO, far / "hello.c")
    there = build_guest([far / "hello.c"], toolchain)
    assert there.data == hello_guest(toolchain)
    assert there.warnings == ()


@pytest.mark.parametrize("maker", ["shipped", pytest.param("gnu", marks=pytest.mark.toolchain)])
@pytest.mark.parametrize("name", guest_names())
def test_a_guest_is_a_kernel_of_its_kind(maker: str, name: str) -> None:
    """What is shipped, which zig makes without a remark, and what GNU tools make, without one as well."""
    data = guest_blob(name).read_bytes() if maker == "shipped" else build_one(name, need(maker)).data
    if name == "probe-xen":
        assert read_wishes(read_kernel(data)).entry == 0xC0100000
    elif name.startswith("probe-"):
        assert data.startswith(b"\x7fELF")
    else:
        assert read_guest(data, (3, 1)).start == 0x100000


@pytest.mark.toolchain
@pytest.mark.parametrize("name", [source.stem for source in hostile_sources()])
def test_hostile_guests_build(name: str) -> None:
    assert read_guest(hostile_guest(name), (3, 1)).note.entry == 0xC0100000


@pytest.mark.toolchain
def test_the_guest_is_written_whole(tmp_path: Path) -> None:
    need("zig")
    built = build([HELLO], tmp_path / "hello.elf", "zig")
    assert (tmp_path / "hello.elf").read_bytes() == built.data
    assert built.inputs["hello.c"] == hashlib.sha256(HELLO.read_bytes()).hexdigest()
    assert "guest/sdk/start.S" in built.inputs


def test_hello_stays_short() -> None:
    assert len(HELLO.read_text().splitlines()) < 60


def _refusal(sources: list[Path], out: Path, toolchain: str | None) -> str:
    with pytest.raises(BuildError) as caught:
        build(sources, out, toolchain)
    text = str(caught.value)
    assert "\n" not in text
    assert not out.exists()
    return text


@pytest.mark.toolchain
@pytest.mark.parametrize("toolchain", ["zig", "gnu"])
def test_a_fault_in_the_source_is_one_line_with_file_and_line(toolchain: str, tmp_path: Path) -> None:
    need(toolchain)
    source = tmp_path / "wrong.c"
    source.write_text("int guest_main(void *boot)\n{\n\treturn nothing;\n}\n")
    text = _refusal([source], tmp_path / "wrong.elf", toolchain)
    assert "wrong.c:3" in text
    assert "nothing" in text


@pytest.mark.toolchain
@pytest.mark.parametrize("toolchain", ["zig", "gnu"])
def test_a_guest_without_a_main_is_refused_by_the_linker(toolchain: str, tmp_path: Path) -> None:
    need(toolchain)
    source = tmp_path / "empty.c"
    source.write_text("int not_main;\n")
    text = _refusal([source], tmp_path / "empty.elf", toolchain)
    assert text.startswith("link: ")
    assert "guest_main" in text


@pytest.mark.toolchain
def test_a_guest_without_a_note_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "bare.S"
    source.write_text('.section .text.start, "ax"\n.globl vmi_start\nvmi_start:\n\tjmp vmi_start\n')
    with pytest.raises(BuildError, match=r"^link: note VMI: missing"):
        build_guest([source], need("zig"), kit=False)


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    source = tmp_path / "gone.c"
    assert _refusal([source], tmp_path / "out.elf", None) == f"{source}: no such file"


def test_a_file_that_is_no_source_is_refused(tmp_path: Path) -> None:
    assert "its name must end in" in _refusal([tmp_path / "hello.py"], tmp_path / "out.elf", None)


def test_no_sources_at_all_are_refused(tmp_path: Path) -> None:
    assert _refusal([], tmp_path / "out.elf", None).startswith("no sources")


def test_an_unknown_toolchain_is_refused(tmp_path: Path) -> None:
    assert "msvc" in _refusal([HELLO], tmp_path / "out.elf", "msvc")


@pytest.mark.toolchain
def test_a_folder_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    need("zig")
    with pytest.raises(OSError, match="nowhere"):
        build([HELLO], tmp_path / "nowhere" / "hello.elf", "zig")


def test_without_any_toolchain_both_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(ToolchainMissing, match=r"ziglang is not installed.*gcc is not installed"):
        guest_toolchain()
