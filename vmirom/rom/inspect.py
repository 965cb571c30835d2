"""What is in a ROM, for people: header fields, rules kept or broken, slots with their code."""

from __future__ import annotations

from dataclasses import dataclass

import capstone

from vmirom.overlays.vmi import ffi
from vmirom.rom.image import RomImage, call_name, parse_rom, violations

__all__ = ["Check", "Field", "Inspection", "SlotCode", "disassemble", "inspect_rom"]

_INSTRUCTIONS_MAX = 24


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a structure in the image, at an offset, as text."""

    structure: str
    offset: int
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Check:
    """A rule: what it is about, and in what way it is broken (empty: kept)."""

    subject: str
    fault: str

    @property
    def kept(self) -> bool:
        return not self.fault


@dataclass(frozen=True, slots=True)
class SlotCode:
    """A call's slot. ``target`` is the offset its jump leads to, None for a slot without a routine."""

    number: int
    name: str
    offset: int
    target: int | None
    code: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inspection:
    """Everything about an image; fields and slots are empty if it has no header."""

    name: str
    size: int
    fields: tuple[Field, ...]
    checks: tuple[Check, ...]
    slots: tuple[SlotCode, ...]

    @property
    def good(self) -> bool:
        """No rule is broken."""
        return all(check.kept for check in self.checks)


_SUBJECTS = (
    "size",
    "rom_signature",
    "rom_length",
    "checksum",
    "rom_entry",
    "vrom_signature",
    "api_version_major",
    "vmi_init",
    "get_reloc",
    "pci_header",
    "license",
    "pnp_header",
    "private",
)


def disassemble(data: bytes, offset: int, count: int = _INSTRUCTIONS_MAX, bits: int = 32) -> tuple[str, ...]:
    """Up to ``count`` instructions from an offset, through the first that leaves (jump, return, ud2)."""
    mode = capstone.CS_MODE_16 if bits == 16 else capstone.CS_MODE_32
    engine = capstone.Cs(capstone.CS_ARCH_X86, mode)
    lines: list[str] = []
    code = data[offset : offset + 16 * count]
    for address, _, mnemonic, operands in engine.disasm_lite(code, offset, count):
        lines.append(f"{address:05x}  {mnemonic} {operands}".rstrip())
        if mnemonic in ("jmp", "ret", "retf", "iretd", "sysexit", "ud2", "ljmp"):
            break
    return tuple(lines)


def _jump_target(data: bytes, offset: int) -> int | None:
    """Where a near jump at an offset leads, if there is one and it stays inside."""
    if data[offset : offset + 1] == b"\xe9":
        target = offset + 5 + int.from_bytes(data[offset + 1 : offset + 5], "little", signed=True)
    elif data[offset : offset + 1] == b"\xeb":
        target = offset + 2 + int.from_bytes(data[offset + 1 : offset + 2], "little", signed=True)
    else:
        return None
    return target if 0 <= target < len(data) else None


def _slots(image: RomImage) -> tuple[SlotCode, ...]:
    if image.private is None:
        return ()
    found = []
    for number in range(image.private.slots_count):
        offset = image.slot(number)
        target = _jump_target(image.data, offset)
        code = disassemble(image.data, offset if target is None else target)
        found.append(SlotCode(number, call_name(number), offset, target, code))
    return tuple(found)


def _rows(structure: str, ctype: str, data: bytes, at: int) -> list[Field]:
    made = ffi.new(f"{ctype} *")
    ffi.memmove(made, data[at : at + ffi.sizeof(ctype)], ffi.sizeof(ctype))
    rows = []
    for name, part in ffi.typeof(ctype).fields:
        value = getattr(made, name)
        text = f"{value:#x}" if isinstance(value, int) else bytes(value).hex()
        rows.append(Field(structure, at + part.offset, name, text if len(text) <= 48 else f"{text[:45]}..."))
    return rows


def _fields(data: bytes, image: RomImage | None) -> tuple[Field, ...]:
    header = "struct vmi_rom_header"
    if len(data) < ffi.sizeof(header):
        return ()
    rows = _rows("header", header, data, 0)
    if image is None:
        return tuple(rows)
    rows += _rows("pci_header", "struct vmi_pci_header", data, image.pci_header)
    if image.pnp_header:
        rows += _rows("pnp_header", "struct vmi_pnp_header", data, image.pnp_header)
    if image.private is not None:
        rows += _rows("private", "struct vmi_rom_private", data, ffi.offsetof(header, "reserved"))
    return tuple(rows)


def _subject(field: str) -> str:
    first = field.split(".")[0].removesuffix("_offset")
    return "license" if first == "licence" else first


def inspect_rom(data: bytes, name: str = "ROM") -> Inspection:
    """Look at any bytes; never raises for what they hold."""
    faults = violations(data, name)
    image = None if faults else parse_rom(data, name)
    by_subject: dict[str, list[str]] = {}
    for fault in faults:
        by_subject.setdefault(_subject(fault.field), []).append(f"{fault.field}: {fault.rule}")
    subjects = (*_SUBJECTS, *sorted(by_subject.keys() - set(_SUBJECTS)))
    checks = [Check(subject, "; ".join(by_subject.get(subject, ()))) for subject in subjects]
    return Inspection(name, len(data), _fields(data, image), tuple(checks), _slots(image) if image else ())
