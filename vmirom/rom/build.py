"""From ``romsrc/rom`` to ROM images: compile, check, generate the slots, link, fill in the header.

Nothing of a ROM may depend on where it is made: objects are refused if they hold writable data or a
relocation that would need fixing at run time, and the same sources give the same bytes from any folder.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import Section, Symbol, SymbolTableSection

from vmirom.files import write_whole
from vmirom.overlays.vmi import Backend, Const, Layout, RomHeader, ffi
from vmirom.rom.errors import BuildError
from vmirom.rom.slots import Slot, plan_slots, slots_text
from vmirom.rom.toolchain import TOOLCHAINS, Toolchain, find_toolchain
from vmirom.schema.errors import AbiError
from vmirom.schema.tree import load_abi, source_tree

__all__ = ["ABIS", "BackendSources", "BuiltRom", "backend_names", "backend_sources", "build_rom", "main"]

ABIS = ("3.0", "3.1")
_ALWAYS = ("header.S", "memory.S", "probe.c", "reloc.S", "rom.c")
_GOOD_RELOCATIONS = {2: "R_386_PC32", 4: "R_386_PLT32", 9: "R_386_GOTOFF", 10: "R_386_GOTPC"}
_NAMES = {1: "R_386_32", 3: "R_386_GOT32", 20: "R_386_16", 22: "R_386_8", 43: "R_386_GOT32X"}
_UNLOADED = (".rel.debug", ".rel.eh_frame")
_FILL = 0xCC


@dataclass(frozen=True, slots=True)
class BackendSources:
    """What a backend's ``backend.toml`` says: its name, its linear range, and the files it is made of."""

    name: str
    virtual_top: int
    folder: Path
    files: tuple[Path, ...]
    includes: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class BuiltRom:
    """A ROM just made: its bytes, symbols (offset by name), slots, and the sha256 of every source."""

    backend: str
    abi: str
    data: bytes
    symbols: dict[str, int]
    slots: tuple[Slot, ...]
    inputs: dict[str, str]
    toolchain: str


def backend_names(romsrc: Path | None = None) -> tuple[str, ...]:
    """Backends whose folder is there, sorted. Raises AbiError if there are no sources."""
    folder = (romsrc or source_tree("romsrc")) / "rom"
    return tuple(sorted(each.parent.name for each in folder.glob("*/backend.toml")))


def backend_sources(name: str, romsrc: Path | None = None) -> BackendSources:
    """Read a backend's ``backend.toml``. Raises BuildError."""
    root = romsrc or source_tree("romsrc")
    folder = root / "rom" / name
    path = folder / "backend.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BuildError(f"{path}: {error}") from None
    top = table.get("virtual_top", 0)
    if table.get("name") != name or name.upper() not in Backend.__members__:
        raise BuildError(f"{path}: name: must be {name!r} and a backend of the ABI")
    if not isinstance(top, int) or not 0 <= top < 1 << 32:
        raise BuildError(f"{path}: virtual_top: must be a 32-bit address")
    own = sorted(each for each in folder.iterdir() if each.suffix in (".c", ".S"))
    shared = [root / "rom" / "shared" / each for each in (*_ALWAYS, *_strings(path, table, "shared"))]
    also = [root / "rom" / each for each in _strings(path, table, "also")]
    files = tuple(dict.fromkeys([*shared, *also, *own]))
    for each in files:
        if not each.is_file():
            raise BuildError(f"{path}: {each} is not there")
    others = dict.fromkeys(each.parent for each in also)
    includes = (folder, *others, root / "rom" / "shared", root / "rom", root / "include")
    return BackendSources(name, top, folder, files, includes)


def _strings(path: Path, table: dict[str, Any], key: str) -> list[str]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise BuildError(f"{path}: {key}: must be a list of file names")
    return list(value)


class AddressTie(BuildError):
    """An object refers to something by its address."""


def _check_relocations(name: str, section: RelocationSection, table: SymbolTableSection) -> None:
    for relocation in section.iter_relocations():
        kind = relocation["r_info_type"]
        if kind not in _GOOD_RELOCATIONS:
            symbol = table.get_symbol(relocation["r_info_sym"]).name or "a section"
            shown = _NAMES.get(kind, f"relocation type {kind}")
            where = f"{name}: {section.name}+{relocation['r_offset']:#x}"
            raise AddressTie(f"{where}: {shown} against {symbol} ties the ROM to an address")


def _is_writable(section: Section) -> bool:
    flags = section["sh_flags"]
    return bool(flags & 2 and flags & 1 and section["sh_size"] and not section.name.startswith(".got"))


def _is_defined(symbol: Symbol) -> bool:
    return symbol["st_shndx"] != "SHN_UNDEF" and symbol["st_info"]["bind"] in ("STB_GLOBAL", "STB_WEAK")


def check_object(path: Path) -> set[str]:
    """Global symbols that an object defines. Raises BuildError if it could not be part of a ROM."""
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        names: set[str] = set()
        for section in elf.iter_sections():
            if _is_writable(section):
                raise BuildError(f"{path.name}: {section.name}: a ROM has no writable data")
            if isinstance(section, RelocationSection) and not section.name.startswith(_UNLOADED):
                table = elf.get_section(section["sh_link"])
                assert isinstance(table, SymbolTableSection)  # ELF: sh_link of a relocation section
                _check_relocations(path.name, section, table)
            if isinstance(section, SymbolTableSection):
                names.update(symbol.name for symbol in section.iter_symbols() if _is_defined(symbol))
        return names


def _linked(path: Path) -> tuple[bytearray, dict[str, int]]:
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        section = elf.get_section_by_name(".rom")
        table = elf.get_section_by_name(".symtab")
        if section is None or not isinstance(table, SymbolTableSection):
            raise BuildError(f"{path.name}: the linker made no .rom section")
        symbols = {symbol.name: symbol["st_value"] for symbol in table.iter_symbols() if symbol.name}
        return bytearray(section.data()), symbols


def _fill_header(
    image: bytearray, sources: BackendSources, abi: str, symbols: dict[str, int], slots: int
) -> None:
    major, minor = (int(part) for part in abi.split("."))
    header = ffi.cast("struct vmi_rom_header *", ffi.from_buffer(image))
    header.rom_length = len(image) // RomHeader.LENGTH_UNIT
    header.api_version_major, header.api_version_minor = major, minor
    header.jump_slots = slots
    header.virtual_top = sources.virtual_top
    reserved = ffi.offsetof("struct vmi_rom_header", "reserved")
    private = ffi.cast("struct vmi_rom_private *", ffi.from_buffer(image) + reserved)
    private.backend = Backend[sources.name.upper()]
    private.boot_entry = symbols["boot_entry"]
    private.pvh_entry = symbols.get("pvh_entry", 0)
    private.slots_offset = symbols["rom_slots"]
    private.slots_count = slots
    private.slot_size = Const.SLOT_SIZE
    private.fast_offset = symbols["rom_call_fast"]
    image[header.pci_header_offset + ffi.offsetof("struct vmi_pci_header", "chunks")] = header.rom_length
    _sum_to_zero(image, header.pnp_header_offset, 32, header.pnp_header_offset + 9)
    ffi.memmove(private.build_id, hashlib.sha1(image).digest(), Const.BUILD_ID_SIZE)
    _sum_to_zero(image, 0, len(image), len(image) - 1)


def _sum_to_zero(image: bytearray, start: int, length: int, at: int) -> None:
    image[at] = 0
    image[at] = -sum(image[start : start + length]) & 0xFF


def _finish(
    image: bytearray, sources: BackendSources, abi: str, symbols: dict[str, int], slots: int
) -> bytes:
    """Round up to whole units with one byte to spare for the checksum, and fill in the header."""
    unit = int(RomHeader.LENGTH_UNIT)
    image.extend([_FILL] * (-(len(image) + 1) % unit + 1))
    if len(image) > Layout.ROM_MAX:
        raise BuildError(f"{sources.name}: {len(image)} bytes, a ROM may have {int(Layout.ROM_MAX)}")
    if "boot_entry" not in symbols:
        raise BuildError(f"{sources.name}: no boot_entry: a boot protocol needs somewhere to enter")
    _fill_header(image, sources, abi, symbols, slots)
    return bytes(image)


def _digests(files: Iterable[Path], root: Path) -> dict[str, str]:
    return {
        str(each.relative_to(root).as_posix()): hashlib.sha256(each.read_bytes()).hexdigest()
        for each in sorted(files)
    }


def _inputs(sources: BackendSources, root: Path) -> dict[str, str]:
    headers = [each for folder in sources.includes for each in sorted(folder.glob("*.h"))]
    fixed = (root / "rom" / "rom.ld", sources.folder / "backend.toml")
    return _digests({*sources.files, *headers, *fixed}, root)


def _compile(sources: BackendSources, toolchain: Toolchain, folder: Path) -> tuple[list[Path], set[str]]:
    objects: list[Path] = []
    symbols: set[str] = set()
    defines = (f'ROM_BACKEND_NAME="{sources.name}"', f"ROM_BACKEND_{sources.name.upper()}=1")
    for number, source in enumerate(sources.files):
        output = folder / f"{number:02}-{source.stem}.o"
        toolchain.compile(source, output, sources.includes, defines)
        try:
            symbols |= check_object(output)
        except AddressTie:
            if source.suffix != ".c":
                raise
            toolchain.compile(source, output, sources.includes, defines, pie=True)
            symbols |= check_object(output)
        objects.append(output)
    return objects, symbols


def build_rom(
    backend: str, abi: str = "3.1", toolchain: Toolchain | None = None, romsrc: Path | None = None
) -> BuiltRom:
    """Make the ROM of a backend for one version of the ABI.

    Raises BuildError (ToolchainMissing if there is nothing to make it with).
    """
    return build_versions(backend, (abi,), toolchain, romsrc)[0]


def build_versions(
    backend: str, abis: Sequence[str] = ABIS, toolchain: Toolchain | None = None, romsrc: Path | None = None
) -> tuple[BuiltRom, ...]:
    """Make a backend's ROMs for several versions of the ABI from the same objects. Raises BuildError."""
    tools = toolchain or find_toolchain()
    root = romsrc or source_tree("romsrc")
    sources = backend_sources(backend, root)
    with tempfile.TemporaryDirectory(prefix="vmirom-") as name:
        folder = Path(name)
        objects, symbols = _compile(sources, tools, folder)
        return tuple(_link(sources, abi, tools, root, folder, objects, symbols) for abi in abis)


def _link(
    sources: BackendSources,
    abi: str,
    tools: Toolchain,
    root: Path,
    folder: Path,
    objects: Sequence[Path],
    symbols: set[str],
) -> BuiltRom:
    try:
        calls = load_abi().resolve("vmi3", abi).calls
    except AbiError as error:
        raise BuildError(f"{sources.name}: {error}") from None
    slots = plan_slots(calls, symbols)
    text, made, elf = folder / "slots.S", folder / "slots.o", folder / "rom.elf"
    text.write_text(slots_text(slots), encoding="ascii")
    tools.compile(text, made, (), ())
    check_object(made)
    tools.link([*objects, made], root / "rom" / "rom.ld", elf)
    image, places = _linked(elf)
    data = _finish(image, sources, abi, places, len(slots))
    return BuiltRom(sources.name, abi, data, places, slots, _inputs(sources, root), tools.version)


def main(arguments: Sequence[str] | None = None) -> int:
    """``python -m vmirom.rom.build BACKEND|all``: write ROMs beside the sources or where told."""
    parser = argparse.ArgumentParser(prog="python -m vmirom.rom.build", description=main.__doc__)
    parser.add_argument("backend", help="a backend's name, or all")
    parser.add_argument("--abi", choices=ABIS, default="3.1")
    parser.add_argument("--toolchain", choices=TOOLCHAINS, default="zig")
    parser.add_argument("-o", "--output", type=Path, help="file for one ROM (default: blobs and lock)")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if anything would change")
    options = parser.parse_args(arguments)
    from vmirom.rom.lock import build_all  # the lock knows blobs, this module only how one is made

    try:
        tools = find_toolchain(options.toolchain)
        if options.output is not None:
            built = build_rom(options.backend, options.abi, tools)
            write_whole(options.output, built.data)
            print(f"{options.output}: {len(built.data)} bytes")
            return 0
        names = backend_names() if options.backend == "all" else (options.backend,)
        report = build_all(names, toolchain=tools, check=options.check)
    except (AbiError, BuildError, OSError) as error:
        print(f"vmirom: {error}", file=sys.stderr)
        return 2
    for line in report.lines:
        print(line)
    return 0 if report.good else 1


if __name__ == "__main__":
    sys.exit(main())
