"""The two toolchains that make ROMs.

``zig`` (the ``ziglang`` wheel: clang and LLD) makes the bits that are shipped; ``gnu`` (gcc and GNU ld) is
the second witness: a ROM made by it passes the same tests. Output depends on neither folder names nor caches.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vmirom.rom.errors import BuildError, ToolchainMissing

__all__ = ["TOOLCHAINS", "Toolchain", "find_toolchain", "run_tool"]

TOOLCHAINS = ("zig", "gnu")

_CODE = (
    "-std=gnu11",
    "-Os",
    "-g0",
    "-ffreestanding",
    "-fno-builtin",
    "-fvisibility=hidden",
    "-mregparm=3",
    "-mno-sse",
    "-mno-mmx",
    "-mno-80387",
    "-fomit-frame-pointer",
    "-fno-stack-protector",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    "-fno-jump-tables",
    "-fcf-protection=none",
    "-fno-strict-aliasing",
    "-Wall",
    "-Wextra",
    "-Werror",
)
_TIMEOUT = 300.0  # seconds; a cold zig unpacks its own headers first
_SHOWN = 8  # lines of a failure


@dataclass(frozen=True, slots=True)
class Toolchain:
    """One toolchain, found on this machine. ``version`` is the text that locks record."""

    name: str
    version: str
    compiler: tuple[str, ...]
    linker: tuple[str, ...]

    def compile(
        self,
        source: Path,
        output: Path,
        includes: Sequence[Path],
        defines: Sequence[str],
        *,
        pie: bool = False,
    ) -> None:
        """C or assembly to an object. Raises BuildError with the first lines the compiler said.

        Without ``pie`` calls are relative and constants absolute, which is shorter code; a file that has
        constants in memory must be compiled with it.
        """
        flags = [f"-I{folder}" for folder in includes] + [f"-D{define}" for define in defines]
        warnings = () if source.suffix == ".c" else ("-Wno-unused-command-line-argument",)
        if self.name == "gnu":
            warnings = ()
        command = [
            *self.compiler,
            *_CODE,
            "-fPIE" if pie else "-fno-pie",
            *warnings,
            *flags,
            "-c",
            str(source),
            "-o",
            str(output),
        ]
        run_tool(command, output.parent, source.name)

    def link(self, objects: Sequence[Path], script: Path, output: Path) -> None:
        """Objects to an ELF file by the linker script. Raises BuildError."""
        command = [*self.linker, "-T", str(script), "-o", str(output), *(str(each) for each in objects)]
        run_tool(command, output.parent, script.name)


def run_tool(command: Sequence[str], folder: Path, what: str) -> list[str]:
    """Run a compiler or linker in ``folder``, its caches there too; the lines it said.

    Captured through pipes: zig overwrites regular files from their start. Raises BuildError, one line that
    begins with ``what``.
    """
    environment = dict(os.environ)
    environment["LC_ALL"] = "C"
    environment["SOURCE_DATE_EPOCH"] = "0"
    environment["ZIG_GLOBAL_CACHE_DIR"] = str(folder / "zig-cache")
    environment["ZIG_LOCAL_CACHE_DIR"] = str(folder / "zig-cache")
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT,
        )
    except OSError as error:
        raise BuildError(f"{what}: {command[0]} can't be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise BuildError(f"{what}: {command[0]} took longer than {_TIMEOUT:.0f} s") from None
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    if done.returncode:
        errors = [line for line in lines if "error" in line] or lines or ["the tool failed without a word"]
        raise BuildError(f"{what}: " + " | ".join(errors[:_SHOWN]))
    return lines


def _first_line(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_TIMEOUT)
    return done.stdout.splitlines()[0].strip() if done.stdout else "unknown"


def find_toolchain(name: str = "zig") -> Toolchain:
    """The toolchain of that name. Raises ToolchainMissing."""
    if name == "zig":
        return _find_zig()
    if name == "gnu":
        return _find_gnu()
    raise ToolchainMissing(f"toolchain {name!r} is not one of {', '.join(TOOLCHAINS)}")


def _find_zig() -> Toolchain:
    spec = importlib.util.find_spec("ziglang")
    folder = Path(spec.origin).parent if spec and spec.origin else Path()
    zig = folder / ("zig.exe" if os.name == "nt" else "zig")
    if folder == Path() or not zig.is_file():
        raise ToolchainMissing("toolchain zig: ziglang is not installed (pip install 'vmirom[toolchain]')")
    version = f"zig {_first_line([str(zig), 'version'])}"
    compiler = (str(zig), "cc", "-target", "x86-freestanding-none", "-mcpu=i686", "-fno-sanitize=all")
    return Toolchain("zig", version, compiler, (str(zig), "ld.lld", "-m", "elf_i386", "--build-id=none"))


def _find_gnu() -> Toolchain:
    gcc, ld = shutil.which("gcc"), shutil.which("ld")
    if gcc is None or ld is None:
        missing = "gcc" if gcc is None else "ld"
        raise ToolchainMissing(f"toolchain gnu: {missing} is not installed (gcc and binutils for x86)")
    version = f"{_first_line([gcc, '--version'])}; {_first_line([ld, '--version'])}"
    compiler = (gcc, "-m32", "-march=i686", "-fno-tree-loop-distribute-patterns")
    linker = (ld, "-m", "elf_i386", "--no-warn-rwx-segments", "--build-id=none")
    return Toolchain("gnu", version, compiler, linker)
