"""Bad input is one line that names file, field and rule, and exit code 2; nothing is left behind."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from tests.bundle.images import GuestRecipe, RomRecipe
from tests.cli.conftest import Run, refusal
from tests.effort import examples

GOOD = GuestRecipe().build()
SCRIPT = b"#!/bin/sh\n"
BROKEN = RomRecipe(checksum=1).build()

# name: arguments ({d} is the folder), files in the folder, the line
TABLE: dict[str, tuple[str, dict[str, bytes], str]] = {
    "no such command": ("boott", {}, "No such command 'boott'"),
    "no such option": ("boot --nix", {}, "No such option"),
    "no such backend": (
        "boot {d}/g --on vmware",
        {"g": GOOD},
        "backend 'vmware' is unknown; there are native",
    ),
    "version": ("boot {d}/g --abi three", {"g": GOOD}, "'three' is not a version such as 3.1"),
    "version of no ROM": ("boot {d}/g --abi 3.9", {"g": GOOD}, "ABI: no ROM of 3.9 is shipped; there are"),
    "memory": ("boot {d}/g --memory 0", {"g": GOOD}, "0 is not in the range 5<=x<=512"),
    "budget": ("boot {d}/g --budget nan", {"g": GOOD}, "--budget"),
    "limit of no trace": (
        "boot {d}/g --trace-limit 1",
        {"g": GOOD},
        "--trace-limit: limits a trace, and --trace is not given",
    ),
    "trace limit": ("boot {d}/g --trace {d}/t --trace-limit 0", {"g": GOOD}, "0 is not in the range"),
    "rom boot: memory": ("rom boot kvm --memory 8", {}, "--memory: the probe needs 16 MiB"),
    "rom boot: no kernel": ("rom boot kvm {d}/k", {}, "{d}/k: No such file or directory"),
    "set of no host": (
        "boot {d}/g --set smp=2",
        {"g": GOOD},
        "--set smp=2: no host asked for takes smp: embedded takes paging, clock, time, uptime",
    ),
    "set of no name": (
        "boot {d}/g --host qemu --set colour=red",
        {"g": GOOD},
        "--set colour=red: no host asked for takes colour: qemu takes machine, smp, cpu, protocol",
    ),
    "set to no paging": (
        "boot {d}/g --set paging=four",
        {"g": GOOD},
        "--set paging=four: host embedded: pae or two-level",
    ),
    "time of no virtual clock": (
        "boot {d}/g --time 2027-01-01",
        {"g": GOOD},
        "--time: is of virtual time, and --clock is host",
    ),
    "time that is none": (
        "boot {d}/g --clock virtual --time 2027-13-01",
        {"g": GOOD},
        "--time 2027-13-01: no date as 2026-01-01T12:00:00",
    ),
    "virtual time on a real host": (
        "boot {d}/g --clock virtual --host qemu",
        {"g": GOOD},
        "--clock virtual: qemu takes its time from the host",
    ),
    "set to no machine": (
        "boot {d}/g --host qemu --set machine=microvm",
        {"g": GOOD},
        "--set machine=microvm: host qemu: pc, q35, isapc or a version of theirs",
    ),
    "no file": ("boot {d}/g", {}, "{d}/g: No such file or directory"),
    "folder": ("boot {d}", {}, "{d}: Is a directory"),
    "no ELF": ("boot {d}/g", {"g": SCRIPT}, "{d}/g: e_ident: not an ELF file"),
    "not i386": (
        "boot {d}/g",
        {"g": GOOD[:18] + b"\x3e" + GOOD[19:]},
        "{d}/g: e_machine: 62 is not 3 (i386)",
    ),
    "no note": (
        "boot {d}/g",
        {"g": GuestRecipe(notes=()).build()},
        "{d}/g: note VMI: missing; a guest names its ABI and its entry point in an ELF note",
    ),
    "newer note": (
        "boot {d}/g",
        {"g": GuestRecipe(minor=9).build()},
        "{d}/g: note VMI: wants ABI 3.9 or newer, not 3.1",
    ),
    "command line": ("boot {d}/g --append " + "x" * 1024, {"g": GOOD}, "--append: 1024 bytes; at most 1023"),
    "command line's bytes": ("boot {d}/g --append \x01", {"g": GOOD}, "--append: only printable ASCII"),
    "trace over the guest": (
        "boot {d}/g --trace {d}/./g",
        {"g": GOOD},
        "/g: can't be written: it is read as well, and would be lost",
    ),
    "JUnit over the guest": (
        "boot {d}/g --junit {d}/g",
        {"g": GOOD},
        "{d}/g: can't be written: it is read as well, and would be lost",
    ),
    "trace and JUnit": (
        "boot {d}/g --junit {d}/o --trace {d}/o",
        {"g": GOOD},
        "{d}/o: can't be written: it is named for two outputs",
    ),
    "JUnit into nowhere": (
        "boot {d}/g --junit {d}/x/o",
        {"g": GOOD},
        "{d}/x/o: can't be written: No such file or directory",
    ),
    "compose: over the guest": (
        "compose {d}/g --backend xen -o {d}/g",
        {"g": GOOD},
        "{d}/g: can't be written: it is read as well, and would be lost",
    ),
    "guest: over its source": (
        "guest build {d}/a.c -o {d}/a.c",
        {"a.c": b"int x;"},
        "{d}/a.c: can't be written: it is read as well, and would be lost",
    ),
    "conform: over the ROM": (
        "conform --rom {d}/r --html {d}/r",
        {"r": SCRIPT},
        "{d}/r: can't be written: it is read as well, and would be lost",
    ),
    "report: over the campaign": (
        "report {d}/c --format html -o {d}/c",
        {"c": SCRIPT},
        "{d}/c: can't be written: it is read as well, and would be lost",
    ),
    "compose: no output": ("compose {d}/g --backend xen", {"g": GOOD}, "Missing option '-o'"),
    "compose: foreign ROM": (
        "compose {d}/g --backend xen --rom {d}/r -o {d}/o",
        {"g": GOOD, "r": SCRIPT * 99},
        "{d}/r: rom_signature: is 0x2123, must be",
    ),
    "compose: cut ROM": (
        "compose {d}/g --backend native --rom {d}/r -o {d}/o",
        {"g": GOOD, "r": RomRecipe().build()[:2048]},
        "{d}/r: rom_length: says 4096 bytes, the file has 2048",
    ),
    "compose: checksum": (
        "compose {d}/g --backend native --rom {d}/r -o {d}/o",
        {"g": GOOD, "r": BROKEN},
        "{d}/r: checksum: the bytes sum to 0x01, must be zero",
    ),
    "compose: other ROM": (
        "compose {d}/g --backend native --rom {d}/r -o {d}/o",
        {"g": GOOD, "r": RomRecipe("xen").build()},
        "{d}/r: backend: xen, not native",
    ),
    "compose: unwritable": (
        "compose {d}/g --backend native --rom {d}/r -o {d}/none/o",
        {"g": GOOD, "r": RomRecipe().build()},
        "{d}/none/o: can't be written: No such file or directory",
    ),
    "bundle: a guest": ("bundle inspect {d}/g", {"g": GOOD}, "{d}/g: note VMI: missing: not a bundle"),
    "guest: a script": ("guest inspect {d}/g", {"g": SCRIPT}, "{d}/g: e_ident: not an ELF file"),
    "guest: no source": ("guest build {d}/none.c -o {d}/o", {}, "{d}/none.c: no such file"),
    "guest: no such kind": ("guest build {d}/g -o {d}/o", {"g": GOOD}, "{d}/g: not a source"),
    "guest: nothing": ("guest build -o {d}/o", {}, "Missing argument 'SRC...'"),
    "rom boot: an empty kernel": ("rom boot kvm {d}/k", {"k": b""}, "{d}/k: size: an empty file"),
    "rom boot: no initrd": ("rom boot kvm {d}/k --initrd {d}/i", {"k": b"k"}, "{d}/i: No such file"),
    "rom boot: an empty initrd": (
        "rom boot kvm {d}/k --initrd {d}/i",
        {"k": b"k", "i": b""},
        "{d}/i: size: an empty file",
    ),
    "rom boot: a script for a ROM": (
        "rom boot {d}/r {d}/k",
        {"k": b"k", "r": SCRIPT},
        "{d}/r: size: 10 bytes are too few",
    ),
    "rom boot: too little memory": ("rom boot kvm {d}/k --memory 7", {"k": b"k"}, "7 is not in the range"),
    "rom boot: too many processors": ("rom boot kvm {d}/k --smp 33", {"k": b"k"}, "33 is not in the range"),
    "rom boot: two ways to print": (
        "rom boot kvm {d}/k --console --json",
        {"k": b"k"},
        "--console: prints while the kernel runs; it goes with neither --json nor -v",
    ),
    "rom boot: a restart on a KVM": (
        "rom boot kvm {d}/k --restarts --host kvm",
        {"k": b"k"},
        "--restarts: on a KVM that can't be; it goes with --host qemu",
    ),
    "rom: a script": ("rom inspect {d}/g", {"g": SCRIPT}, "{d}/g: size: 10 bytes are too few"),
    "abi: no such name": ("abi show Nix", {}, "abi show: nothing is called 'Nix' in vmi3 3.1"),
    "abi: no such version": ("abi show --abi 9.9", {}, "line vmi3 has no version 9.9"),
    "abi: no such tree": ("abi list --abi-dir {d}/none", {}, "{d}/none: not a folder"),
    "campaign: seeds": ("campaign run {d}/c --seeds x", {}, "seeds: 'x' is not of the form 0-99 or 1,5,"),
    "campaign: seeds go down": ("campaign run {d}/c --seeds 9-0", {}, "seeds: 9-0 does not go up from 0"),
    "campaign: too many": ("campaign run {d}/c --seeds 0-999999", {}, "4000000 jobs are more than 1000000"),
    "campaign: kind": ("campaign run {d}/c --vary sun", {}, "vary: 'sun' is not one of memory, layout"),
    "campaign: version": ("campaign run {d}/c --abi 9.9", {}, "no ROM of 9.9 is shipped"),
    "campaign: no folder": ("campaign run {d}/none/c", {}, "{d}/none/c: can't be opened: No such file"),
    "campaign: a folder": ("campaign run {d}", {}, "{d}: not a regular file"),
    "campaign: no guest": ("campaign run {d}/c {d}/g", {}, "{d}/g: No such file or directory"),
    "campaign: a script": ("campaign run {d}/c {d}/g", {"g": SCRIPT}, "{d}/g: e_ident: not an ELF file"),
    "campaign: no file": ("campaign resume {d}/c", {}, "{d}/c: can't be opened: No such file or directory"),
    "campaign: empty": ("campaign resume {d}/c", {"c": b""}, "{d}/c: holds no campaign: it is empty"),
    "campaign: no TOML": ("campaign run {d}/c --definition {d}/d", {"d": b"x"}, "{d}/d: not TOML"),
    "campaign: jobs there": (
        "campaign run {d}/c {d}/g --scheduler tcp://h:1 --jobs 2",
        {"g": GOOD},
        "--jobs: has no meaning on a cluster",
    ),
    "report: a script": ("report {d}/c", {"c": SCRIPT * 99}, "{d}/c: not an SQLite database"),
    "report: two formats": ("report {d}/c --json --format junit", {}, "--json: says the same as --format"),
    "conform: no folder for the page": (
        "conform --html {d}/none/r.html",
        {},
        "{d}/none/r.html: can't be written: No such file or directory",
    ),
    "conform: a folder for a page": ("conform --markdown {d}", {}, "{d}: can't be written: Is a directory"),
    "model: no sequence": ("model replay {d}/s", {"s": SCRIPT}, "{d}/s: "),
    "model: no file": ("model replay {d}/s", {}, "{d}/s: No such file or directory"),
    "model: an unknown move": (
        "model replay {d}/s",
        {"s": b'{"format":1,"setting":{"backend":"xen"},"why":"","moves":[{"name":"Nix","arguments":{}}]}'},
        "{d}/s: moves[0].name: nobody draws a move 'Nix'",
    ),
    "model: no calls": ("model run --calls 0", {}, "0 is not in the range"),
    "faults: nothing of that name": ("faults --select nix", {}, "--select: no fault is called or about nix"),
    "faults: no jobs": ("faults --jobs 0", {}, "0 is not in the range"),
    "conform: no list of faults": ("conform --faults {d}/f", {"f": SCRIPT}, "{d}/f: not what 'vmirom faults"),
    "conform: no file of faults": ("conform --faults {d}/f", {}, "{d}/f: No such file or directory"),
    "conform: nothing of that name": ("conform --select Nix --html {d}/r", {}, "--select: 'Nix' is neither"),
    "bench: runs": ("bench boot {d}/g --runs 0", {"g": GOOD}, "0 is not in the range"),
}


@pytest.mark.parametrize("name", TABLE)
def test_bad_input_is_one_line(run: Run, tmp_path: Path, name: str) -> None:
    arguments, files, line = TABLE[name]
    for file, data in files.items():
        (tmp_path / file).write_bytes(data)
    result = run(*(a.format(d=tmp_path) for a in arguments.split(" ")))
    assert line.format(d=tmp_path) in refusal(result)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(files)


def test_bundle_is_no_guest(run: Run, tmp_path: Path, guest: Path) -> None:
    rom, bundle = tmp_path / "r", tmp_path / "b"
    rom.write_bytes(RomRecipe("xen").build())
    assert run("compose", guest, "--backend", "xen", "--rom", rom, "-o", bundle).exit_code == 0
    assert refusal(run("boot", bundle)) == (
        f"{bundle}: note VMI: is a bundle already; give the guest that it was made from"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here (Linux has it)")
def test_full_disk_is_one_line(run: Run, tmp_path: Path, guest: Path) -> None:
    rom = tmp_path / "r"
    rom.write_bytes(RomRecipe("xen").build())
    result = run("compose", guest, "--backend", "xen", "--rom", rom, "-o", "/dev/full")
    assert refusal(result) == "/dev/full: can't be written: No space left on device"


@examples(60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_mutated_files_never_give_a_traceback(run: Run, tmp_path: Path, data: st.DataObject) -> None:
    """Through the command line: guests and ROMs cut short or with bytes changed."""
    good = {"g": bytearray(GOOD), "r": bytearray(RomRecipe("xen").build())}
    victim = data.draw(st.sampled_from(sorted(good)))
    content = good[victim]
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(0, len(content) // 4))] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(0, len(content))) :]
    for name, each in good.items():
        (tmp_path / name).write_bytes(each)
    output = tmp_path / "o"
    output.unlink(missing_ok=True)
    result = run("compose", tmp_path / "g", "--backend", "xen", "--rom", tmp_path / "r", "-o", output)
    if result.exit_code:
        assert refusal(result).startswith(str(tmp_path / victim))
        assert not output.exists()
    else:
        assert run("bundle", "inspect", output).exit_code == 0


@pytest.mark.parametrize("name", ["no ELF", "compose: checksum", "no such backend"])
def test_as_a_process_too(tmp_path: Path, name: str) -> None:
    arguments, files, line = TABLE[name]
    for file, data in files.items():
        (tmp_path / file).write_bytes(data)
    command = [sys.executable, "-m", "vmirom", *(a.format(d=tmp_path) for a in arguments.split(" "))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("vmirom: ") and line.format(d=tmp_path) in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here (Linux has it)")
@pytest.mark.parametrize("arguments", ["abi list", "abi show --json", "boot {d}/g --help"])
def test_full_standard_output_is_one_line(tmp_path: Path, arguments: str) -> None:
    command = [sys.executable, "-m", "vmirom", *arguments.format(d=tmp_path).split()]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    assert (done.returncode, done.stderr) == (2, "vmirom: standard output: No space left on device\n")


def test_reader_that_goes_away_is_no_fault() -> None:
    command = f"{sys.executable} -m vmirom abi show --json | head -c 1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("{", "")


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-"])
def test_closed_standard_output_is_one_line(closed: str) -> None:
    command = f"{sys.executable} -m vmirom rom list {closed}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    said = "vmirom: standard output: is closed; /dev/null takes what is not wanted\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "" if "2>" in closed else said)


def test_no_file_takes_the_place_of_a_closed_stream() -> None:
    """What anyone writes to standard error must not get into a file that was asked for."""
    program = "import os; from vmirom.__main__ import keep_streams; keep_streams(); print(os.dup(0))"
    command = f'{sys.executable} -c "{program}" <&- 2>&-'
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert int(done.stdout) > 2


def test_little_is_loaded_before_an_interrupt_is_one_line() -> None:
    """Before that it is a traceback."""
    program = "import sys; had = {*sys.modules}; import vmirom.__main__; print(*sorted({*sys.modules} - had))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["vmirom", "vmirom.__main__"]
