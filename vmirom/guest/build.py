"""From C and assembly to a guest: the user's sources and the kit's, compiled and linked at 1 MiB.

The kit (``romsrc/guest/sdk``) brings the entry, the note, the call sites and the console; the user's sources
define ``guest_main``. The same sources give the same bytes from any folder.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vmirom.bundle.guest import read_guest
from vmirom.bundle.refused import GuestError
from vmirom.files import write_whole
from vmirom.rom.errors import BuildError, ToolchainMissing
from vmirom.rom.toolchain import TOOLCHAINS, Toolchain, find_toolchain, run_tool
from vmirom.schema.errors import AbiError
from vmirom.schema.places import source_tree

__all__ = ["BuiltGuest", "build", "build_guest", "guest_toolchain", "kit_sources"]

_FLAGS: Final = (
    "-std=gnu11",
    "-Os",
    "-g0",
    "-ffreestanding",
    "-fno-builtin",
    "-fno-pic",
    "-fno-stack-protector",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    "-fomit-frame-pointer",
    "-fno-strict-aliasing",
    "-fcf-protection=none",
    "-mno-sse",
    "-mno-mmx",
    "-mno-80387",
    "-Wall",
    "-Wextra",
)
_GNU_FLAGS: Final = ("-fno-tree-loop-distribute-patterns", "-fno-pie")
_INCLUDED: Final = re.compile(r'^#include "([^"/]+)"', re.MULTILINE)
_SUFFIXES: Final = (".c", ".S", ".s")


@dataclass(frozen=True, slots=True)
class BuiltGuest:
    """A guest just made. ``inputs`` are sha256 by file name; ``warnings`` what the compiler remarked."""

    data: bytes
    toolchain: str
    inputs: dict[str, str]
    warnings: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """Of the whole file."""
        return hashlib.sha256(self.data).hexdigest()


def guest_toolchain(name: str | None = None) -> Toolchain:
    """The toolchain of that name, or the first there is. Raises ToolchainMissing."""
    if name is not None:
        return find_toolchain(name)
    reasons = []
    for candidate in TOOLCHAINS:
        try:
            return find_toolchain(candidate)
        except ToolchainMissing as missing:
            reasons.append(str(missing))
    raise ToolchainMissing("; ".join(reasons))


def kit_sources(romsrc: Path | None = None) -> tuple[Path, ...]:
    """The kit's own sources, sorted. Raises BuildError if they are not installed."""
    folder = _kit(romsrc)
    return tuple(sorted(file for file in folder.iterdir() if file.suffix in (".c", ".S")))


def _kit(romsrc: Path | None) -> Path:
    try:
        folder = (romsrc or source_tree("romsrc")) / "guest" / "sdk"
    except AbiError as error:
        raise BuildError(str(error)) from None
    if not (folder / "guest.ld").is_file():
        raise BuildError(f"{folder}: the kit for guests is not there")
    return folder


def build(sources: Sequence[Path | str], out: Path | str, toolchain: str | None = None) -> BuiltGuest:
    """Build ``sources`` with the kit and write the guest to ``out``, whole or not at all.

    ``toolchain`` is ``zig`` (the package ziglang), ``gnu``, or None for the first that is installed. Raises
    BuildError (ToolchainMissing if there is nothing to build with) or OSError if ``out`` can't be written;
    each message is one line.
    """
    guest = build_guest([Path(source) for source in sources], toolchain)
    write_whole(Path(out), guest.data)
    return guest


def build_guest(
    sources: Sequence[Path],
    toolchain: str | None = None,
    *,
    kit: bool = True,
    strict: bool = False,
    script: Path | None = None,
) -> BuiltGuest:
    """The same without writing. Without ``kit`` nothing but ``sources`` is linked (they bring their own entry
    and note); ``strict`` makes warnings errors. With ``script``, a linker script, what comes out is a kernel
    for one hypervisor and not checked as a guest. Raises BuildError.
    """
    for source in sources:
        _check_source(source)
    if not sources:
        raise BuildError("no sources: name at least one .c or .S file")
    tools = guest_toolchain(toolchain)
    folder = _kit(None)
    files = [*(kit_sources() if kit else ()), *sources]
    with tempfile.TemporaryDirectory(prefix="vmirom-guest-") as name:
        work = Path(name)
        objects, warnings = _compile(tools, files, folder, work, strict)
        elf = work / "guest.elf"
        command = [
            *tools.linker,
            "-T",
            str(script or folder / "guest.ld"),
            "-o",
            str(elf),
            *map(str, objects),
        ]
        run_tool(command, work, "link")
        data = elf.read_bytes()
    inputs = _inputs(files, folder, sources)
    if script is not None:
        inputs |= _own_inputs(script, folder)
        return BuiltGuest(data, tools.version, inputs, tuple(warnings))
    try:
        read_guest(data)
    except GuestError as refused:
        raise BuildError(f"link: {refused}") from None
    return BuiltGuest(data, tools.version, inputs, tuple(warnings))


def _check_source(source: Path) -> None:
    if source.suffix not in _SUFFIXES:
        raise BuildError(f"{source}: not a source: its name must end in {', '.join(_SUFFIXES)}")
    if not source.is_file():
        raise BuildError(f"{source}: no such file")


def _compile(
    tools: Toolchain, files: Sequence[Path], kit: Path, work: Path, strict: bool
) -> tuple[list[Path], list[str]]:
    objects, warnings = [], []
    for number, source in enumerate(files):
        output = work / f"{number:02}.o"
        flags = [*_FLAGS, *(_GNU_FLAGS if tools.name == "gnu" else ("-Wno-unused-command-line-argument",))]
        if strict:
            flags.append("-Werror")
        includes = [f"-I{folder}" for folder in (kit, kit.parent.parent / "include")]
        said = run_tool(
            [*tools.compiler, *flags, *includes, "-c", str(source.resolve()), "-o", str(output)],
            work,
            str(source),
        )
        warnings += [line for line in said if "warning:" in line]
        objects.append(output)
    return objects, warnings


def _own_inputs(script: Path, kit: Path) -> dict[str, str]:
    """A bare kernel's linker script and the headers of its hypervisor."""
    romsrc = kit.parent.parent
    family = script.parent.name.removeprefix("probe-")
    files = [script.resolve(), *sorted((romsrc / "include").glob(f"{family}*.h"))]
    return {
        file.relative_to(romsrc).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files
    }


def _inputs(files: Sequence[Path], kit: Path, own: Sequence[Path]) -> dict[str, str]:
    romsrc = kit.parent.parent
    headers = {*kit.glob("*.h"), *kit.glob("*.ld"), *(romsrc / "include").glob("vmi*.h")}
    for source in own:
        headers |= set(source.resolve().parent.glob("*.h"))
        for included in _INCLUDED.findall(source.read_text(encoding="utf-8", errors="replace")):
            headers |= {
                place / included for place in (kit, romsrc / "include") if (place / included).is_file()
            }
    found = {}
    for file in sorted({file.resolve() for file in files} | {header.resolve() for header in headers}):
        name = file.relative_to(romsrc).as_posix() if file.is_relative_to(romsrc) else file.name
        found[name] = hashlib.sha256(file.read_bytes()).hexdigest()
    return found
