"""The host qemu and its runner, with a QEMU that follows a script: every way to end is an outcome."""

from __future__ import annotations

import errno
import itertools
import os
import tempfile
import time
from pathlib import Path

import pytest

from tests.bundle.images import ABI, GuestRecipe, RomRecipe
from tests.hosts.fake_qemu import install
from vmirom.bundle.compose import compose
from vmirom.hosts import qemu, qemu_run, registry
from vmirom.hosts.optionrom import OptionRomBoot, boot_option_rom
from vmirom.hosts.outcomes import Outcome
from vmirom.hosts.qemu_run import QemuMissing, find_qemu, run_qemu, version
from vmirom.hosts.request import BootRequest
from vmirom.overlays import native


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing in PATH but what a test installs, and a cache of its own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("VMIROM_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("VMIROM_QEMU", raising=False)
    return folder


def request(**changes: object) -> BootRequest:
    bundle = compose(GuestRecipe().build(), RomRecipe("native").build(), "native", ABI)
    return BootRequest("native", bundle, host="qemu", **changes)  # type: ignore[arg-type]


ENDINGS = [
    ("sys.exit(0x10 * 2 + 1)", Outcome.SUCCESS, "the guest reports success"),
    ("sys.exit(0x11 * 2 + 1)", Outcome.FAILURE, "the guest reports failure"),
    ("sys.exit(0x12 * 2 + 1)", Outcome.SKIP, "the guest skipped: it says why in its transcript"),
    ("sys.exit(0x13 * 2 + 1)", Outcome.ERROR, "the guest reports an error of its own"),
    ("sys.exit(0x40 * 2 + 1)", Outcome.ERROR, "the guest ended with unknown status 64"),
    (
        "sys.exit(0)",
        Outcome.CRASH,
        "reset or power-off without a word from the guest (a triple fault resets)",
    ),
    (
        "print('no such machine', file=sys.stderr); sys.exit(1)",
        Outcome.ERROR,
        "QEMU ended with 1: no such machine",
    ),
    ("sys.exit(2)", Outcome.ERROR, "QEMU ended with 2: it said nothing"),
    ("os.kill(os.getpid(), 11)", Outcome.ERROR, "QEMU was killed by signal 11: it said nothing"),
]


@pytest.mark.parametrize(("script", "outcome", "reason"), ENDINGS)
def test_each_ending_is_an_outcome(alone: Path, script: str, outcome: Outcome, reason: str) -> None:
    install(alone, f"console(b'hello\\r\\n~ note\\n')\n{script}\n")
    result = registry.boot(request())
    assert (result.outcome, result.reason, result.host) == (outcome, reason, "qemu")
    assert (result.transcript, result.notes, result.calls) == (("hello",), ("note",), None)


def kernel(**changes: object) -> OptionRomBoot:
    return OptionRomBoot(b"rom", b"kernel", "kvm", **changes)  # type: ignore[arg-type]


def test_a_kernel_gets_what_a_user_gives_it(alone: Path) -> None:
    names = ("-option-rom", "-kernel", "-initrd")
    files = "".join(f"console(open(argument('{name}'), 'rb').read() + b'\\n')\n" for name in names)
    install(alone, f"{files}console('\\n'.join(sys.argv[1:]).encode())\nsys.exit(33)\n")
    said = boot_option_rom(
        kernel(command_line="a=b c", memory_mib=1200, processors=4, initrd=b"files", machine="q35")
    ).transcript
    assert said[:3] == ("rom", "kernel", "files")
    after = dict(itertools.pairwise(said))
    assert (after["-m"], after["-smp"], after["-append"], after["-M"]) == (
        "1200",
        "4,sockets=4",
        "a=b c",
        "q35",
    )
    install(alone, "console('\\n'.join(sys.argv[1:]).encode())\nsys.exit(33)\n")
    assert "-initrd" not in boot_option_rom(kernel()).transcript


def test_the_console_on_the_terminal_is_kept_besides(alone: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """QEMU itself has the terminal; the file it writes besides is what is reported."""
    script = """
named = dict(part.partition("=")[::2] for part in argument("-chardev").split(","))
assert argument("-serial") == "chardev:" + named["id"] and named["signal"] == "off"
open(named["logfile"], "w").write("hello\\n")
print("hello", flush=True)
print("a warning", file=sys.stderr)
sys.exit(33)
"""
    install(alone, script)
    result = boot_option_rom(kernel(terminal=True))
    assert (result.outcome, result.transcript) == (Outcome.SUCCESS, ("hello",))
    assert capfd.readouterr() == ("hello\n", "")


def test_a_qemu_unpacked_somewhere_finds_its_data_beside_it(tmp_path: Path, alone: Path) -> None:
    share = tmp_path / "share" / "seabios"
    share.mkdir(parents=True)
    install(alone, "console('\\n'.join(sys.argv[1:3]).encode())\nsys.exit(33)\n")
    assert registry.boot(request()).transcript == ("-L", str(share))


def test_guest_that_never_exits_is_stopped_and_its_last_words_shown(alone: Path) -> None:
    install(alone, "console(b'one\\nwaiting for disk\\n')\ntime.sleep(60)\n")
    start = time.monotonic()
    result = registry.boot(request(budget=0.6))
    assert time.monotonic() - start < 40
    assert result.outcome is Outcome.FAILURE
    assert result.reason == "did not end within 0.6 s: last on its console: waiting for disk"
    assert result.transcript == ("one", "waiting for disk")


def test_nothing_that_qemu_started_stays(alone: Path, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    install(
        alone,
        f"pid = os.fork()\nif pid: open({str(note)!r}, 'w').write(str(pid))\ntime.sleep(60)\n",
    )
    registry.boot(request(budget=0.6))
    child = int(note.read_text())
    for _ in range(100):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return  # ended; nobody here collects it
        time.sleep(0.05)
    raise AssertionError("a child of QEMU is still running")


def test_endless_console_is_cut_off(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qemu_run, "CONSOLE_MAX", 1 << 20)
    install(alone, "while True: console(b'x' * 65536)\n")
    result = registry.boot(request(budget=30.0))
    assert result.outcome is Outcome.CRASH
    assert result.reason == "stopped: more than 1 MiB of console"


def test_arguments_are_those_of_the_request(alone: Path) -> None:
    install(alone, "console('\\n'.join(sys.argv[1:]).encode())\nsys.exit(33)\n")
    said = registry.boot(request(memory_mib=32, command_line="quiet x=1")).transcript
    after = dict(itertools.pairwise(said))
    assert (after["-m"], after["-append"], after["-M"]) == ("32", "quiet x=1", "pc")
    assert after["-device"] == "isa-debug-exit,iobase=0x501,iosize=0x2"
    assert "-no-reboot" in said and after["-display"] == "none"


def test_arguments_are_those_of_the_machine_that_was_asked_for(alone: Path) -> None:
    install(alone, "console('\\n'.join(sys.argv[1:]).encode())\nsys.exit(33)\n")
    options = {"machine": "q35", "smp": "4", "cpu": "qemu32"}
    after = dict(itertools.pairwise(registry.boot(request(options=options)).transcript))
    assert (after["-M"], after["-smp"], after["-cpu"], after["-accel"]) == (
        "q35",
        "4,sockets=4",
        "qemu32",
        "tcg",
    )
    assert {option.name for option in registry.options_of("qemu")} == {*options, "protocol"}


def test_pvh_is_taken_by_a_file_without_a_multiboot_header(alone: Path) -> None:
    script = "magic = bytes.fromhex('02b0ad1b') in open(argument('-kernel'), 'rb').read()\n"
    install(alone, script + "console(str(magic).encode())\nsys.exit(33)\n")
    assert registry.boot(request()).transcript == ("True",)
    assert registry.boot(request(options={"protocol": "pvh"})).transcript == ("False",)
    assert native.Multiboot.HEADER_MAGIC == 0x1BADB002


def test_without_qemu_there_is_a_skip_that_says_how_to_get_it() -> None:
    result = registry.boot(request())
    assert result.outcome is Outcome.SKIP
    assert result.reason == ("no qemu-system-i386 or qemu-system-x86_64 in PATH; apt install qemu-system-x86")
    assert boot_option_rom(OptionRomBoot(b"", b"", "native")).outcome is Outcome.SKIP


def test_old_qemu_is_refused(alone: Path) -> None:
    path = install(alone, "", "2.11.1")
    found = qemu.probe()
    assert not found.usable
    assert found.found == f"{path} is too old: 2.11.1"
    assert found.missing == "apt install qemu-system-x86 (5.0 or newer)"


def test_program_that_is_no_qemu_is_refused(alone: Path) -> None:
    path = install(alone, "", "")
    with pytest.raises(QemuMissing, match="does not tell its version"):
        find_qemu("qemu-system-i386")
    path.write_text("not a program")
    assert version(path) is None


def test_own_qemu_goes_before(alone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(alone, "")
    own = install(tmp_path, "", "10.0.2", "mine")
    monkeypatch.setenv("VMIROM_QEMU", str(own))
    assert find_qemu("qemu-system-i386") == own
    monkeypatch.setenv("VMIROM_QEMU", "/no/such")
    with pytest.raises(QemuMissing, match="VMIROM_QEMU names no program"):
        find_qemu("qemu-system-i386")


def test_version_is_asked_once_a_file(alone: Path, tmp_path: Path) -> None:
    path = install(alone, "")
    assert version(path) == (7, 2, 22)
    before = path.stat()
    path.write_bytes(path.read_bytes().replace(b"7.2.22", b"8.1.33"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert version(path) == (7, 2, 22)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert version(path) == (8, 1, 33)


def test_self_test_is_remembered_for_the_doctor(alone: Path) -> None:
    install(alone, "console(b'ok\\n')\nsys.exit(33)\n")
    assert qemu.probe().self_test == ""
    assert qemu.self_test() == ""
    assert qemu.probe().self_test == "passed"
    install(alone, "sys.exit(3)\n", "7.2.23")
    assert qemu.probe().self_test == ""
    assert qemu.self_test() == "the guest ended with unknown status 1"
    assert qemu.probe().self_test.startswith("failed: ")


def test_a_full_disk_is_an_error_that_says_where(
    alone: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install(alone, "")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    line = f"{tmp_path}: No space left on device; make room, or name another folder in TMPDIR"
    result = registry.boot(request())
    assert (result.outcome, result.reason) == (Outcome.ERROR, line)
    assert boot_option_rom(OptionRomBoot(b"", b"", "native")).reason == line


def test_program_that_cant_be_started_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        run_qemu(tmp_path / "none", [], budget=1.0)
