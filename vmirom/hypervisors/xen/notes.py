"""What a kernel asks of the domain builder, in its ELF notes or in a ``__xen_guest`` section.

Facts: xen-host.md section 3. Numbers in a note are 4 or 8 bytes, texts end in NUL. A kernel that has
notes needs no section; the section's words say the same in ``KEY=value`` form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vmirom.hypervisors.hypervisor import LoadError
from vmirom.hypervisors.xen.elf import Kernel
from vmirom.hypervisors.xen.layout import Hole
from vmirom.machine.addresses import PAGE_SIZE
from vmirom.overlays.xen import ElfNote, Feature

__all__ = ["Wishes", "read_wishes"]

_PAE_VALUES: Final = ("yes", "bimodal")
_FEATURE_NAMES: Final = {
    "writable_page_tables": Feature.WRITABLE_PAGE_TABLES,
    "writable_descriptor_tables": Feature.WRITABLE_DESCRIPTOR_TABLES,
    "auto_translated_physmap": Feature.AUTO_TRANSLATED_PHYSMAP,
    "supervisor_mode_kernel": Feature.SUPERVISOR_MODE_KERNEL,
    "pae_pgdir_above_4gb": Feature.PAE_PGDIR_ABOVE_4GB,
    "dom0": Feature.DOM0,
}
_REQUIRABLE: Final = frozenset({Feature.PAE_PGDIR_ABOVE_4GB, Feature.DOM0})


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the kernel asks for. Addresses are virtual; ``hypercall_page`` and ``hole_low`` may be None."""

    virt_base: int
    paddr_offset: int
    entry: int
    hypercall_page: int | None
    hole_low: int | None

    def virtual(self, paddr: int) -> int:
        """Virtual address of a physical one in the ELF file's terms."""
        return paddr - self.paddr_offset + self.virt_base


def read_wishes(kernel: Kernel, knows_notes: bool = True) -> Wishes:
    """The wishes of a kernel. A builder of before 3.0.3 knows no notes. Raises LoadError with the meaning of
    Xen's own refusals."""
    if kernel.notes and knows_notes:
        return _from_notes(kernel)
    if kernel.guest_section is not None:
        return _from_section(kernel, kernel.guest_section)
    if not knows_notes:
        raise LoadError("kernel: no __xen_guest section; ELF notes came with Xen 3.0.3")
    raise LoadError("kernel: neither Xen ELF notes nor a __xen_guest section")


def _number(notes: dict[int, bytes], kind: ElfNote) -> int | None:
    value = notes.get(kind)
    if value is None:
        return None
    if len(value) not in (4, 8):
        raise LoadError(f"note {kind.name}: a number of {len(value)} bytes")
    return int.from_bytes(value, "little")


def _text(notes: dict[int, bytes], kind: ElfNote) -> str | None:
    value = notes.get(kind)
    return None if value is None else value.split(b"\0", 1)[0].decode("ascii", "replace")


def _check(loader: str | None, guest_os: str | None, version: str | None, pae: str | None) -> None:
    """The rules that a note and the section share."""
    if loader != "generic" and guest_os != "linux":
        raise LoadError("kernel: will only load images built for the generic loader or Linux images")
    if version != "xen-3.0":
        raise LoadError(f"note XEN_VERSION: {version!r}, only 'xen-3.0' is supported")
    if pae not in _PAE_VALUES:
        raise LoadError(f"note PAE_MODE: {pae!r}: a 32-bit kernel without PAE can't be a domain 0 here")


def _from_notes(kernel: Kernel) -> Wishes:
    notes = kernel.notes
    loader, guest_os = _text(notes, ElfNote.LOADER), _text(notes, ElfNote.GUEST_OS)
    pae = notes.get(ElfNote.PAE_MODE)
    mode = _text(notes, ElfNote.PAE_MODE) if pae is not None else None
    _check(loader, guest_os, _text(notes, ElfNote.XEN_VERSION), mode)
    _check_features(_text(notes, ElfNote.FEATURES) or "")
    base = _number(notes, ElfNote.VIRT_BASE)
    offset = _number(notes, ElfNote.PADDR_OFFSET)
    entry = _number(notes, ElfNote.ENTRY)
    wishes = Wishes(
        virt_base=base or 0,
        paddr_offset=(base or 0) if offset is None else offset,
        entry=kernel.entry if entry is None else entry,
        hypercall_page=_number(notes, ElfNote.HYPERCALL_PAGE),
        hole_low=_number(notes, ElfNote.HV_START_LOW),
    )
    return _checked(wishes, kernel)


def _check_features(text: str) -> None:
    """``a|b|!c``: wanted features, required ones with an exclamation mark. Xen rejects requirements it
    can't meet; writable page tables count as met, as observed."""
    for word in filter(None, text.split("|")):
        required = word.startswith("!")
        feature = _FEATURE_NAMES.get(word.lstrip("!"))
        if feature is None:
            if required:
                raise LoadError(f"note FEATURES: unknown feature {word!r} is required")
            continue
        if required and feature in (Feature.AUTO_TRANSLATED_PHYSMAP, Feature.SUPERVISOR_MODE_KERNEL):
            raise LoadError(f"note FEATURES: {word[1:]} is required and not supported for a PV domain")


def _from_section(kernel: Kernel, text: str) -> Wishes:
    words: dict[str, str] = {}
    for part in text.split(","):
        key, _, value = part.strip().partition("=")
        if key:
            words[key] = value
    pae = words.get("PAE", "no").split("[", 1)[0]
    version = words.get("XEN_VER")
    _check(words.get("LOADER"), words.get("GUEST_OS"), version, pae)
    _check_features(words.get("FEATURES", ""))
    base = _parse(words, "VIRT_BASE")
    offset = _parse(words, "ELF_PADDR_OFFSET")
    entry = _parse(words, "VIRT_ENTRY")
    page = _parse(words, "HYPERCALL_PAGE")
    wishes = Wishes(
        virt_base=base or 0,
        paddr_offset=(base or 0) if offset is None else offset,
        entry=kernel.entry if entry is None else entry,
        hypercall_page=None if page is None else (base or 0) + page * PAGE_SIZE,
        hole_low=None,
    )
    return _checked(wishes, kernel)


def _parse(words: dict[str, str], key: str) -> int | None:
    if key not in words:
        return None
    try:
        return int(words[key], 0)
    except ValueError:
        raise LoadError(f"__xen_guest: {key}={words[key]!r} is no number") from None


def _checked(wishes: Wishes, kernel: Kernel) -> Wishes:
    start, end = wishes.virtual(kernel.start), wishes.virtual(kernel.end)
    if not 0 <= wishes.virt_base <= start or wishes.virt_base % PAGE_SIZE:
        raise LoadError(f"note VIRT_BASE: {wishes.virt_base:#x} is not a page address at or below the image")
    limit = Hole.default().start if wishes.hole_low is None else 1 << 32
    if end > limit:
        raise LoadError(f"kernel: image ends at {end:#x}, in the hypervisor's range")
    if not start <= wishes.entry < end:
        raise LoadError(f"note ENTRY: {wishes.entry:#x} is outside the image {start:#x}..{end:#x}")
    page = wishes.hypercall_page
    if page is not None and (
        page % PAGE_SIZE or not start <= page or page + PAGE_SIZE > -(-end // 4096) * 4096
    ):
        raise LoadError(f"note HYPERCALL_PAGE: {page:#x} is not a page of the image")
    return wishes
