"""``vmirom rom``: the ROMs."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from vmirom.cli.choices import LATEST, AbiVersion, PathArgument, Seconds, json_option
from vmirom.cli.failing import Fault, read_file, shown, write_file

__all__ = ["rom"]

_PROBE_MIB = 16
"""The probe maps so much as a kernel does."""
_DIFFERENT = 1
_NO_ROM = ("size", "rom_signature")
_KERNEL_MAX = 256 << 20


@click.group(epilog="\b\nExample:\n  vmirom rom list\n")
def rom() -> None:
    """Build, list, look into and verify ROMs."""


@rom.command(
    epilog="\b\nExamples:\n  vmirom rom build --check        do the sources make the shipped bits?\n"
    "  vmirom rom build xen --toolchain gnu -o xen.rom\n\n"
    "Without -o the shipped ROMs and their lock are brought up to date. Exit code 1 with --check where\n"
    "anything would change."
)
@click.argument("backends", nargs=-1, metavar="[BACKEND]...")
@click.option("--check", is_flag=True, help="Write nothing; fail if anything would change.")
@click.option(
    "--toolchain", type=click.Choice(["zig", "gnu"]), default="zig", help="Default: zig, the pinned one."
)
@click.option(
    "--abi", type=AbiVersion(), default=LATEST, metavar="V", help="With -o: ABI version (default 3.1)."
)
@click.option("-o", "--output", type=PathArgument(), metavar="FILE", help="Write one ROM here instead.")
def build(
    backends: tuple[str, ...], check: bool, toolchain: str, abi: tuple[int, int], output: Path | None
) -> int:
    """Build the ROMs from their sources: of all backends, or of those named."""
    from vmirom.rom.build import backend_names, build_rom
    from vmirom.rom.errors import BuildError, RomError
    from vmirom.rom.lock import build_all
    from vmirom.rom.toolchain import find_toolchain
    from vmirom.schema.errors import AbiError

    try:
        unknown = [name for name in backends if name not in backend_names()]
        if unknown:
            raise Fault(f"backend '{unknown[0]}' has no sources; there are {', '.join(backend_names())}")
        tools = find_toolchain(toolchain)
        if output is not None:
            if len(backends) != 1:
                raise Fault("-o", "one backend makes one file; name it")
            built = build_rom(backends[0], f"{abi[0]}.{abi[1]}", tools)
            write_file(output, built.data)
            click.echo(f"{shown(output)}: {len(built.data)} bytes")
            return 0
        report = build_all(backends or None, toolchain=tools, check=check)
    except (AbiError, BuildError, RomError) as error:
        raise Fault(str(error)) from None
    except OSError as error:
        raise Fault(
            shown(error.filename) if error.filename else "romsrc/blobs",
            "can't be written",
            error.strerror or "",
        ) from None
    click.echo("\n".join(report.lines))
    return 0 if report.good else _DIFFERENT


@rom.command(name="list", epilog="\b\nExample:\n  vmirom rom list --json\n")
@json_option
def list_(as_json: bool) -> None:
    """List the shipped ROMs: size, digest, toolchain, and how many calls each translates."""
    from vmirom.report.json_text import json_bytes
    from vmirom.rom.errors import RomError
    from vmirom.rom.lock import read_lock
    from vmirom.schema.errors import AbiError

    try:
        roms = read_lock().roms
    except (AbiError, RomError) as error:
        raise Fault(str(error)) from None
    if as_json:
        sys.stdout.write(json_bytes(roms).decode())
        return
    for each in roms:
        kinds = [list(each.answers.values()).count(kind) for kind in ("translated", "nothing", "native")]
        click.echo(
            f"{each.name:24} {each.size:6} bytes  {kinds[0]} calls translated, {kinds[1]} nothing to do, "
            f"{kinds[2]} native  {each.toolchain}  sha256 {each.sha256[:16]}"
        )


@rom.command(epilog="\b\nExamples:\n  vmirom rom inspect xen\n  vmirom rom inspect other.rom --slots\n")
@click.argument("what", metavar="FILE|BACKEND")
@click.option("--abi", type=AbiVersion(), default=LATEST, metavar="V", help="Of a shipped ROM (default 3.1).")
@click.option("--slots", is_flag=True, help="Show each slot's code, too.")
@json_option
def inspect(what: str, abi: tuple[int, int], slots: bool, as_json: bool) -> int:
    """Show a ROM's header and check every rule. Exit code 1 where one is broken."""
    from vmirom.report.describe import rom_lines
    from vmirom.report.json_text import json_bytes
    from vmirom.rom.errors import RomError
    from vmirom.rom.image import violations
    from vmirom.rom.inspect import inspect_rom

    data = _named(what, abi)
    what = shown(what)
    broken: tuple[RomError, ...] = violations(data, what)
    if broken and broken[0].field in _NO_ROM:
        raise Fault(str(broken[0]))
    found = inspect_rom(data, what)
    if as_json:
        sys.stdout.write(json_bytes(found).decode())
    else:
        click.echo("\n".join(rom_lines(found, slots)))
    return 0 if found.good else _DIFFERENT


def _named(what: str, abi: tuple[int, int]) -> bytes:
    """A file's bytes, or the shipped ROM of a backend where no file has that name."""
    from vmirom.cli.sources import shipped_rom
    from vmirom.overlays.vmi import Backend

    if what.upper() in Backend.__members__ and not Path(what).exists():
        return shipped_rom(what, abi)[1]
    return read_file(Path(what))


@rom.command(epilog="\b\nExample:\n  vmirom rom verify\n")
@json_option
def verify(as_json: bool) -> int:
    """Compare the shipped ROMs with their lock, and check every rule. Exit code 1 on a difference."""
    from vmirom.report.json_text import json_bytes
    from vmirom.rom import lock
    from vmirom.rom.errors import RomError
    from vmirom.rom.image import violations
    from vmirom.schema.errors import AbiError

    try:
        wrong = list(lock.verify())
        roms = lock.read_lock().roms
        folder = lock.blobs_folder()
    except (AbiError, RomError) as error:
        raise Fault(str(error)) from None
    for each in roms:
        if (folder / each.name).is_file():
            wrong += [str(error) for error in violations(read_file(folder / each.name), each.name)]
    if as_json:
        sys.stdout.write(json_bytes({"roms": len(roms), "wrong": wrong}).decode())
    else:
        click.echo("\n".join(wrong) if wrong else f"{len(roms)} ROMs are as the lock says")
    return _DIFFERENT if wrong else 0


@rom.command(
    epilog="\b\nExamples:\n  vmirom rom boot kvm --smp 2 -v            the shipped probe judges the ROM\n"
    "  vmirom rom boot kvm bzImage --initrd rd.gz --append console=ttyS0 --console\n"
    "  vmirom rom boot native bzImage --initrd rd.gz --memory 1200 --smp 4 --budget 120\n"
    "  vmirom rom boot my.rom kernel.elf -v\n\n"
    "Exit codes as of 'vmirom boot': 0 where the kernel powers off (ACPI) or writes 10h to port 501h. One\n"
    "that restarts the machine, as a kernel that panics may, is a failure without --restarts; one that\n"
    "does not end is stopped when its time is up."
)
@click.argument("rom", metavar="BACKEND|ROM")
@click.argument("kernel", required=False, type=PathArgument())
@click.option("--abi", type=AbiVersion(), default=LATEST, metavar="V", help="ABI version (default 3.1).")
@click.option("--initrd", type=PathArgument(), metavar="FILE", help="The kernel's initial file system.")
@click.option(
    "--append",
    "command_line",
    metavar="CMDLINE",
    help="The kernel's command line; the probe takes 'mode=2' or 'mode=pae', and 'cpus=N'.",
)
@click.option(
    "--memory", type=click.IntRange(8, 65536), default=64, metavar="MIB", help="Memory (default 64)."
)
@click.option("--smp", type=click.IntRange(1, 32), default=1, metavar="N", help="Processors (default 1).")
@click.option("--machine", type=click.Choice(["pc", "q35"]), default="pc", help="Which PC (default pc).")
@click.option(
    "--host",
    type=click.Choice(["qemu", "kvm"]),
    default="qemu",
    help="Whose processor: QEMU's own, or a real KVM's (default qemu).",
)
@click.option("--budget", type=Seconds(), default=30.0, metavar="SECONDS", help="Time (default 30).")
@click.option("--restarts", is_flag=True, help="A kernel that restarts the machine ends well.")
@click.option("--console", is_flag=True, help="The serial port on this terminal (leave with Ctrl-A x).")
@json_option
@click.option("-v", "--verbose", is_flag=True, help="Print what the kernel printed, too.")
def boot(
    rom: str,
    kernel: Path | None,
    abi: tuple[int, int],
    initrd: Path | None,
    command_line: str | None,
    memory: int,
    smp: int,
    machine: str,
    host: str,
    budget: float,
    restarts: bool,
    console: bool,
    as_json: bool,
    verbose: bool,
) -> int:
    """Boot KERNEL natively on QEMU, with a ROM (shipped for BACKEND, or a file) as an option ROM.

    Without KERNEL it is the shipped probe, which finds and uses the ROM as Linux 2.6.35 does and checks each
    step.
    """
    from vmirom.cli.sources import shipped_rom
    from vmirom.hosts.backends import backend_names
    from vmirom.hosts.kvm.option_rom import boot_on_kvm
    from vmirom.hosts.optionrom import OptionRomBoot, boot_option_rom, shipped_probe
    from vmirom.report.json_text import json_bytes
    from vmirom.report.text import ending_lines, road_lines, transcript_lines

    if kernel is None and memory < _PROBE_MIB:
        raise Fault("--memory", f"the probe needs {_PROBE_MIB} MiB")
    if console and (as_json or verbose):
        raise Fault("--console", "prints while the kernel runs; it goes with neither --json nor -v")
    if host == "kvm" and (console or restarts):
        raise Fault(
            "--console" if console else "--restarts", "on a KVM that can't be; it goes with --host qemu"
        )
    if kernel is None and command_line is None:
        command_line = f"mode=pae cpus={smp}"
    named = rom in backend_names()
    result = (boot_option_rom if host == "qemu" else boot_on_kvm)(
        OptionRomBoot(
            rom=shipped_rom(rom, abi)[1] if named else _rom_of(Path(rom)),
            kernel=shipped_probe() if kernel is None else _filled(kernel),
            backend=rom if named else shown(rom),
            command_line=command_line or "",
            memory_mib=memory,
            budget=budget,
            machine=machine,
            processors=smp,
            initrd=_filled(initrd) if initrd is not None else b"",
            terminal=console,
            restarts=restarts,
        )
    )
    if as_json:
        sys.stdout.write(json_bytes(result).decode())
        return result.outcome.exit_code
    lines = [*transcript_lines(result)] if verbose else []
    lines.append(f"{result.label}: {result.outcome.value}: {result.reason} ({result.seconds:.2f} s)")
    lines += [*list(ending_lines([result]))[1:], *road_lines([result])]
    click.echo("\n".join(lines))
    return result.outcome.exit_code


def _rom_of(path: Path) -> bytes:
    """A ROM of someone's own, of which only that much is asked: that it begins as a ROM."""
    from vmirom.rom.image import violations

    data = read_file(path)
    broken = next((each for each in violations(data, shown(path)) if each.field in _NO_ROM), None)
    if broken is not None:
        raise Fault(str(broken))
    return data


def _filled(path: Path) -> bytes:
    """The bytes of a file that has some."""
    data = read_file(path, _KERNEL_MAX)
    if not data:
        raise Fault(shown(path), "size", "an empty file")
    return data
