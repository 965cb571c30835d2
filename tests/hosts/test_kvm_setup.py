"""How the appliance is put together, from packages that a script for apt hands out."""

from __future__ import annotations

import lzma
import stat
import subprocess
from pathlib import Path

import pytest

from tests.hosts.kvm_rig import qemu
from vmirom.hosts import kvm
from vmirom.hosts.cache import SetupFailed
from vmirom.hosts.kvm import appliance
from vmirom.hosts.kvm.initrd import MODULES, cpio, initrd, vmlinux

KERNEL = b"\x7fELF" + b"kernel" * 100

APT_CACHE = """#!/bin/sh
case "$3" in
linux-image-amd64) echo "Depends: linux-image-6.1.0-1-amd64 (= 6.1.5-1)";;
busybox-static) echo "Version: 1:1.35";;
esac
"""
APT_GET = """#!/bin/sh
for word in "$@"; do name=${word%%=*}; done
echo "$name" >> $LOG
[ -z "$FAIL" ] || { echo "E: Could not resolve the server" >&2; exit 100; }
: > "${name}_1_amd64.deb"
"""
DPKG = """#!/bin/sh
[ -z "$TORN" ] || { echo "tar: ./boot/vmlinuz: Cannot write: No space left on device" >&2; exit 2; }
case "$2" in
*linux-image*) tar -C $PARTS/kernel -c .;;
*busybox*) tar -C $PARTS/busybox -c .;;
esac
"""
PASSES = "open(os.path.join(control, 'rc'), 'w').write('0')"


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Packages, and the tools that hand them out."""
    folder, tools = tmp_path / "parts", tmp_path / "tools"
    tools.mkdir()
    for name, text in (("apt-cache", APT_CACHE), ("apt-get", APT_GET), ("dpkg-deb", DPKG)):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    boot, modules = folder / "kernel/boot", folder / "kernel/lib/modules/6.1.0-1/kernel"
    boot.mkdir(parents=True)
    (boot / "vmlinuz-6.1.0-1-amd64").write_bytes(b"MZ" + bytes(100) + lzma.compress(KERNEL) + b"tail")
    for name in ("kvm", "kvm-amd", "9p", "unwanted"):
        (modules / name).mkdir(parents=True)
        (modules / name / f"{name}.ko").write_bytes(name.encode())
    (folder / "busybox/bin").mkdir(parents=True)
    (folder / "busybox/bin/busybox").write_bytes(b"busybox")
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    monkeypatch.setenv("PARTS", str(folder))
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    monkeypatch.delenv("FAIL", raising=False)
    monkeypatch.delenv("TORN", raising=False)
    return folder


def set_up() -> list[str]:
    said: list[str] = []
    kvm.setup(said.append)
    return said


def test_setup_makes_an_appliance_that_is_found(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    qemu(tmp_path, monkeypatch, PASSES)
    said = set_up()
    found = appliance.find()
    assert found is not None and found.kernel == "6.1.5-1 (6.1.0-1-amd64)"
    assert found.vmlinux.read_bytes() == KERNEL
    assert sorted(p.name for p in found.folder.iterdir()) == ["about.json", "initrd.cpio", "vmlinux"]
    assert "fetching linux-image-6.1.0-1-amd64 6.1.5-1" in said
    assert kvm.probe().self_test == "passed"


def test_a_second_setup_fetches_nothing(parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    qemu(tmp_path, monkeypatch, PASSES)
    set_up()
    set_up()
    assert (tmp_path / "log").read_text().split() == ["linux-image-6.1.0-1-amd64", "busybox-static"]


def test_an_appliance_that_fails_its_self_test_is_not_installed_and_its_packages_are_kept(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    qemu(tmp_path, monkeypatch, "console.write('no luck\\n')")
    with pytest.raises(SetupFailed, match="does not pass its self-test: the appliance broke off: no luck"):
        set_up()
    assert appliance.find() is None
    assert list((tmp_path / "cache/kvm-downloads").glob("*.deb"))
    qemu(tmp_path, monkeypatch, PASSES)
    set_up()
    assert appliance.find() is not None
    assert not (tmp_path / "cache/kvm-downloads").exists()


def test_a_setup_that_was_killed_half_way_starts_over(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    qemu(tmp_path, monkeypatch, PASSES)
    half = tmp_path / "cache/kvm-appliance/.building-abc"
    half.mkdir(parents=True)
    (half / "vmlinux").write_bytes(b"half")
    assert appliance.find() is None
    set_up()
    assert appliance.find() is not None and not half.exists()


@pytest.mark.parametrize(
    ("break_it", "why"),
    [
        (lambda parts, patch: patch.setenv("FAIL", "1"), "apt-get download fails: E: Could not resolve"),
        (
            lambda parts, patch: patch.setenv("TORN", "1"),
            "dpkg-deb fails: tar: ./boot/vmlinuz: Cannot write: No space left on device; make room",
        ),
        (lambda parts, patch: patch.setenv("PATH", "/nothing"), "apt-cache is missing"),
        (lambda parts, patch: (parts / "busybox/bin/busybox").unlink(), "busybox-static has no bin/busybox"),
        (
            lambda parts, patch: (parts / "kernel/boot/vmlinuz-6.1.0-1-amd64").write_bytes(b"MZ"),
            "holds no xz-compressed ELF kernel",
        ),
        (
            lambda parts, patch: next((parts / "kernel").rglob("kvm-amd.ko")).unlink(),
            "the kernel package has no module kvm-amd",
        ),
    ],
)
def test_what_is_missing_is_one_line(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, break_it: object, why: str
) -> None:
    qemu(tmp_path, monkeypatch, PASSES)
    break_it(parts, monkeypatch)  # type: ignore[operator]
    with pytest.raises(SetupFailed, match=why) as refused:
        set_up()
    assert "\n" not in str(refused.value)
    assert appliance.find() is None


def test_a_package_that_apt_does_not_know(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    qemu(tmp_path, monkeypatch, PASSES)
    (tmp_path / "tools/apt-cache").write_text("#!/bin/sh\nexit 100\n")
    with pytest.raises(SetupFailed, match="apt knows no package linux-image-amd64: run 'apt-get update'"):
        set_up()


def test_setup_needs_qemu_first(parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VMIROM_QEMU", str(tmp_path / "none"))
    monkeypatch.setenv("VMIROM_CACHE", str(tmp_path / "cache"))
    with pytest.raises(SetupFailed, match="VMIROM_QEMU names no program"):
        set_up()


def test_the_kernel_is_found_behind_what_only_looks_like_it() -> None:
    decoy = lzma.compress(b"not a kernel")
    assert vmlinux(b"MZ" + b"\xfd7zXZ\x00garbage" + decoy + lzma.compress(KERNEL)) == KERNEL


def test_the_initrd_holds_init_busybox_and_the_wanted_modules(parts: Path) -> None:
    made = initrd(parts / "busybox/bin/busybox", parts / "kernel", b"#!init")
    names = [line for line in listed(made) if line.startswith("mod/")]
    assert names == ["mod/kvm.ko", "mod/kvm-amd.ko", "mod/9p.ko"]
    assert {"init", "bin/busybox", "host", "lower", "up", "proc"} <= set(listed(made))


def listed(archive: bytes) -> list[str]:
    """Names in a newc archive, read by its own rules."""
    names, at = [], 0
    while True:
        assert archive[at : at + 6] == b"070701"
        fields = [int(archive[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        name = archive[at + 110 : at + 110 + fields[11] - 1].decode()
        if name == "TRAILER!!!":
            return names
        names.append(name)
        at = at + 110 + fields[11] + 3 & ~3
        at = at + fields[6] + 3 & ~3


def test_archives_are_what_cpio_reads(tmp_path: Path) -> None:
    made = cpio([("a", stat.S_IFDIR | 0o755, b""), ("a/b", stat.S_IFREG | 0o644, b"text")])
    assert listed(made) == ["a", "a/b"]
    assert made == cpio([("a", stat.S_IFDIR | 0o755, b""), ("a/b", stat.S_IFREG | 0o644, b"text")])


def test_modules_are_loaded_by_the_names_they_are_packed_under() -> None:
    text = Path(appliance.__file__).with_name("init.sh").read_text()
    for name in MODULES:
        assert name in text
    done = subprocess.run(["sh", "-n", Path(appliance.__file__).with_name("init.sh")], check=False)
    assert done.returncode == 0


def test_an_appliance_of_which_a_part_was_taken_away_is_made_anew(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    qemu(tmp_path, monkeypatch, PASSES)
    set_up()
    found = appliance.find()
    assert found is not None
    found.initrd.unlink()
    assert appliance.find() is None
    set_up()
    assert appliance.find() == found and found.initrd.is_file()
