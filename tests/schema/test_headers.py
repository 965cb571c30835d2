"""The generated headers, given to real compilers: each static assertion proves an offset once more."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.schema.lines import NEWEST
from vmirom.schema import Resolved
from vmirom.schema.tree import source_tree

INCLUDE = source_tree("romsrc") / "include"
FAMILIES = [line.line.family for line in NEWEST]
WARNINGS = ["-std=gnu11", "-ffreestanding", "-Wall", "-Wextra", "-Werror"]


def zig(tmp_path: Path) -> tuple[list[str], dict[str, str]]:
    """Command and environment of the pinned compiler."""
    ziglang = pytest.importorskip(
        "ziglang", reason="the pinned compiler is missing; install vmirom[toolchain] (package ziglang)"
    )
    command = str(Path(ziglang.__file__).parent / "zig")
    cache = {"ZIG_GLOBAL_CACHE_DIR": str(tmp_path / "g"), "ZIG_LOCAL_CACHE_DIR": str(tmp_path / "l")}
    target = ["-target", "x86-freestanding-none", "-mcpu=i686", "-g0", "-fno-sanitize=all"]
    return [command, "cc", *target], {"PATH": "/usr/bin:/bin", **cache}


def gcc() -> tuple[list[str], dict[str, str]]:
    command = shutil.which("gcc")
    if command is None:
        pytest.skip("the second witness is missing; install gcc")
    return [command, "-m32", "-march=i686"], {"PATH": "/usr/bin:/bin"}


def compile_text(
    tool: tuple[list[str], dict[str, str]], source: Path, text: str
) -> "subprocess.CompletedProcess[str]":
    source.write_text(text, encoding="utf-8")
    command, environment = tool
    done = subprocess.run(
        [
            *command,
            *(WARNINGS if source.suffix == ".c" else []),
            f"-I{INCLUDE}",
            "-c",
            str(source),
            "-o",
            str(source.with_suffix(".o")),
        ],
        capture_output=True,
        text=True,
        env=environment,
        timeout=110,
        check=False,
    )
    if "gcc" in command[0] and "multilib" in done.stderr:
        pytest.skip("gcc -m32 does not work here; install gcc-multilib")
    return done


def everything() -> str:
    return "".join(f'#include "{family}.h"\n' for family in FAMILIES)


def assembly() -> str:
    """Every constant and every offset, used as a number by the assembler."""
    out = [f'#include "{family}_asm.h"' for family in FAMILIES]
    for line in NEWEST:
        out += _numbers(line)
    return "\n".join([".data", *out, ""])


def _numbers(line: Resolved) -> list[str]:
    family = line.line.family
    out = [f".quad {row.c_name(family, name)}" for row in line.enums for name, _ in row.members]
    for row in line.structs:
        out.append(f".long {row.name}_SIZE")
        out += [f".long {row.name}_OFF_{field.name}" for field in row.fields]
    return out


def users() -> str:
    """Each family's values checked in C against the declarations, one enumeration a line."""
    out = [everything()]
    for line in NEWEST:
        for row in line.enums:
            tests = " && ".join(
                f"{row.c_name(line.line.family, name)} == {value}u" + ("ll" if value >> 32 else "")
                for name, value in row.members
            )
            out.append(f'_Static_assert({tests}, "{row.name}");')
    return "\n".join([*out, ""])


@pytest.mark.toolchain
@pytest.mark.parametrize("make", [everything, users], ids=["all headers", "all values"])
def test_pinned_compiler_accepts(make: object, tmp_path: Path) -> None:
    done = compile_text(zig(tmp_path), tmp_path / "a.c", make())  # type: ignore[operator]
    assert done.returncode == 0, done.stderr


@pytest.mark.toolchain
@pytest.mark.parametrize("make", [everything, users], ids=["all headers", "all values"])
def test_gcc_accepts(make: object, tmp_path: Path) -> None:
    done = compile_text(gcc(), tmp_path / "a.c", make())  # type: ignore[operator]
    assert done.returncode == 0, done.stderr


@pytest.mark.toolchain
def test_each_header_stands_alone(tmp_path: Path) -> None:
    for family in FAMILIES:
        done = compile_text(
            gcc(), tmp_path / f"{family}.c", f'#include "{family}.h"\n#include "{family}.h"\n'
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.toolchain
def test_64_bit_host_accepts(tmp_path: Path) -> None:
    """The same structs serve C that is built for the host under cffi: no field depends on its word size."""
    command, environment = gcc()
    done = compile_text(([command[0]], environment), tmp_path / "a.c", everything())
    assert done.returncode == 0, done.stderr


@pytest.mark.toolchain
def test_assemblers_accept(tmp_path: Path) -> None:
    done = compile_text(gcc(), tmp_path / "gnu.S", assembly())
    assert done.returncode == 0, done.stderr
    done = compile_text(zig(tmp_path), tmp_path / "zig.S", assembly())
    assert done.returncode == 0, done.stderr


@pytest.mark.toolchain
def test_a_wrong_offset_would_be_noticed(tmp_path: Path) -> None:
    """The static assertions are there and alive: a field more in front breaks the compile."""
    text = (
        (INCLUDE / "vmi.h")
        .read_text(encoding="utf-8")
        .replace("\tu16 limit;", "\tu8 intruder;\n\tu16 limit;")
    )
    text = text.replace('#include "vmi_asm.h"', "")
    done = compile_text(gcc(), tmp_path / "a.c", text)
    assert done.returncode != 0 and "vmi_dtr" in done.stderr
