"""Setting the host xen up, with programs that only pretend: what is interrupted, missing or full."""

from __future__ import annotations

import errno
import io
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from vmirom.hosts.cache import SetupFailed, cache_dir
from vmirom.hosts.xen import debian, emulator, roads, source
from vmirom.hosts.xen.make import IMAGE, KEY

APT = """#!/bin/sh
echo "$@" >> "$FAKE/log"
case "$*" in
*indextargets*) test -e "$FAKE/no-sources" || {
   echo "http://mirror.invalid/debian-security/ bookworm-security main"
   echo "http://other.invalid/debian/ sid main"
   echo "http://mirror.invalid/debian/ bookworm main"
   } ;;
*update*) cat "${2#Dir::Etc::SourceList=}" >> "$FAKE/sources"
   test ! -e "$FAKE/no-network" || { echo "Could not resolve 'mirror.invalid'"; exit 100; } ;;
*" download "*) test -e "$FAKE/newer" || { echo "Unable to locate package"; exit 100; }
   touch qemu-system-x86.deb ;;
*source*) cp "$FAKE/xen_4.17.5.orig.tar.xz" . ;;
esac
"""
DPKG = """#!/bin/sh
mkdir -p "$3/usr/bin" "$3/usr/share/qemu" "$3/usr/share/seabios" "$3/usr/share/doc"
cp "$FAKE/newer" "$3/usr/bin/qemu-system-x86_64"
"""
MAKE = """#!/bin/sh
echo "make $@" >> "$FAKE/log"
for word in "$@"; do case "$word" in O=*) out=${word#O=} ;; esac; done
test ! -e "$FAKE/full" || { echo "ld: final link failed: No space left on device"; exit 2; }
case "$*" in
*olddefconfig*) ;;
*) test ! -e "$FAKE/interrupt" || { echo half > "$out/xen"; kill -9 $$; }
   echo xen > "$out/xen" ;;
esac
"""


def program_of_version(version: str) -> str:
    return f"#!/bin/sh\necho 'QEMU emulator version {version}'\n"


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of pretending programs before PATH, an empty cache, and a self-test that passes."""
    programs = tmp_path / "fake"
    programs.mkdir()
    qemu = program_of_version("10.0.2")
    for name, text in (("apt-get", APT), ("make", MAKE), ("dpkg", DPKG), ("qemu-system-x86_64", qemu)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    for name in ("gcc", "ld", "flex", "bison", "python3"):
        if shutil.which(name) is None:
            (programs / name).write_text("#!/bin/sh\n")
            (programs / name).chmod(0o755)
    with tarfile.open(programs / "xen_4.17.5.orig.tar.xz", "w:xz") as tar:
        tar.addfile(tarfile.TarInfo("xen-4.17.5/xen/Kconfig"), io.BytesIO())
    keys = programs / "keys"
    keys.touch()
    monkeypatch.setattr(debian, "_KEYS", keys)
    monkeypatch.setattr(roads, "_test", lambda image: "")
    monkeypatch.setenv("FAKE", str(programs))
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    monkeypatch.setenv("VMIROM_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("VMIROM_QEMU", raising=False)
    yield programs


def failure() -> str:
    with pytest.raises(SetupFailed) as failed:
        roads.setup(lambda line: None)
    assert roads.probe().missing.endswith("vmirom hosts setup xen")
    assert not list(cache_dir().glob("*/.building-*"))
    return str(failed.value)


def test_setup_installs_an_image_and_does_nothing_the_second_time(fake: Path) -> None:
    roads.setup(lambda line: None)
    assert (cache_dir() / "xen" / KEY / IMAGE).read_text() == "xen\n"
    host = roads.probe()
    assert host.usable and host.self_test == "passed"
    (fake / "log").unlink()
    roads.setup(lambda line: None)
    assert not (fake / "log").exists()


def test_no_network_is_one_line(fake: Path) -> None:
    (fake / "no-network").touch()
    assert failure() == "apt-get update fails: Could not resolve 'mirror.invalid'"
    (fake / "no-network").unlink()
    roads.setup(lambda line: None)
    assert roads.probe().usable


def test_packages_come_from_where_the_machine_gets_its_own(
    fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (fake / "no-sources").touch()
    assert failure().startswith("apt knows no source of Debian's packages; apt-get update, or set")
    monkeypatch.setenv("VMIROM_DEBIAN_MIRROR", "http://named.invalid/debian")
    (fake / "no-network").touch()
    failure()
    assert "] http://named.invalid/debian bookworm main" in (fake / "sources").read_text()
    monkeypatch.delenv("VMIROM_DEBIAN_MIRROR")
    (fake / "no-sources").unlink()
    failure()
    assert "] http://mirror.invalid/debian/ bookworm main" in (fake / "sources").read_text()


def test_interrupted_build_is_never_used_and_the_source_not_fetched_again(fake: Path) -> None:
    (fake / "interrupt").touch()
    assert failure().startswith("make fails")
    (fake / "interrupt").unlink()
    (fake / "log").unlink()
    roads.setup(lambda line: None)
    assert "apt" not in (fake / "log").read_text() and "update" not in (fake / "log").read_text()
    assert (cache_dir() / "xen" / KEY / IMAGE).read_text() == "xen\n"


def test_full_disk_is_said(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (fake / "full").touch()
    assert failure() == (
        "make fails: ld: final link failed: No space left on device;"
        " make room, or name another folder in VMIROM_CACHE"
    )
    (fake / "full").unlink()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "xen")

    monkeypatch.setattr(shutil, "copyfile", full)
    assert failure() == "xen: No space left on device; make room, or name another folder in VMIROM_CACHE"


def test_self_test_that_fails_leaves_nothing(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roads, "_test", lambda image: "no answer")
    assert failure() == "the Xen that was built does not work: no answer"


def test_missing_programs_are_named(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source.shutil, "which", lambda name: None if name == "flex" else f"/usr/bin/{name}")
    assert failure().startswith("missing: flex; apt install ")
    assert roads.probe().missing.startswith("apt install ")


def test_a_qemu_with_the_defect_gets_a_newer_one_beside_it(fake: Path) -> None:
    (fake / "qemu-system-x86_64").write_text(program_of_version("7.2.22"))
    (fake / "newer").write_text(program_of_version("10.0.2"))
    (fake / "newer").chmod(0o755)
    roads.setup(lambda line: None)
    own = emulator.emulator()
    assert cache_dir() in own.parents and emulator.sound(own)
    kept = {path.relative_to(cache_dir() / "xen-qemu").parts[1:] for path in own.parents[2].rglob("*")}
    assert ("usr", "share", "qemu") in kept and ("usr", "share", "doc") not in kept
    assert str(own) in roads.probe().found


@pytest.mark.parametrize("newer", [None, "9.0.1"])
def test_without_a_newer_one_the_setup_goes_on_with_what_there_is(fake: Path, newer: str | None) -> None:
    (fake / "qemu-system-x86_64").write_text(program_of_version("7.2.22"))
    if newer is not None:
        (fake / "newer").write_text(program_of_version(newer))
        (fake / "newer").chmod(0o755)
    said: list[str] = []
    roads.setup(said.append)
    assert any("none that is newer" in line for line in said)
    assert roads.probe().usable and emulator.emulator() == fake / "qemu-system-x86_64"
    assert not (cache_dir() / "xen-qemu" / "10-1").exists()


def test_a_qemu_that_the_user_names_is_taken_as_it_is(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = fake / "mine"
    old.write_text(program_of_version("7.2.22"))
    old.chmod(0o755)
    (fake / "newer").write_text(program_of_version("10.0.2"))
    monkeypatch.setenv("VMIROM_QEMU", str(old))
    roads.setup(lambda line: None)
    assert emulator.emulator() == old and not (cache_dir() / "xen-qemu").exists()


@pytest.mark.parametrize("part", ["xen", "xen-source"])
def test_what_was_taken_away_is_made_anew(fake: Path, part: str) -> None:
    roads.setup(lambda line: None)
    for folder in ("xen", part):
        for path in (cache_dir() / folder / KEY).iterdir():
            path.unlink()
    assert not roads.probe().usable
    roads.setup(lambda line: None)
    assert roads.probe().usable and (cache_dir() / "xen" / KEY / IMAGE).is_file()


def test_a_newer_qemu_of_ones_own_needs_no_other(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (fake / "qemu-system-x86_64").write_text(program_of_version("7.2.22"))
    (fake / "newer").write_text(program_of_version("10.0.2"))
    (fake / "newer").chmod(0o755)
    roads.setup(lambda line: None)
    monkeypatch.setenv("PATH", "/nothing")
    assert cache_dir() in emulator.emulator().parents
