"""Faults of ROMs before their guest has called anything: the image, vmi_init, get_reloc, the state of entry,
and what a guest may ask about its ROM. Code is i386, in hexadecimal, with what it says beside it."""

from __future__ import annotations

from typing import Final

from vmirom.conform.faults.fault import Fault, RomPatch
from vmirom.conform.faults.routines import (
    after_initialisation,
    around,
    around_relocation,
    before,
    before_relocation,
    byte_led_to,
    byte_of,
    entering,
    type_of,
)
from vmirom.overlays.vmi import Call, Layout, Reloc, ffi

__all__ = ["FAULTS"]

_JUMP: Final = int(Reloc.JUMP_REL)
_NOTHING: Final = int(Reloc.NOP)
_UNKNOWN: Final = 7
"""A type that nobody declared."""
_BEYOND: Final = "83 F8 4D 72 02 31 C0"
"""cmp $77, %eax; jb 1f; xor %eax, %eax; 1: a number beyond the list becomes 0"""
_FREE_PAGE: Final = 0x900
"""pfn of memory that no guest's image reaches."""
_GUEST_PAGE: Final = int(Layout.GUEST_GPA) >> 12
_ROM_PAGE: Final = int(Layout.ROM_GPA) >> 12


def _fault(backend: str, name: str, sentence: str, breaks: tuple[str, ...], patch: RomPatch) -> Fault:
    return Fault(f"{backend}-{name}", sentence, backend, breaks, patch)


def _header(name: str) -> int:
    return int(ffi.offsetof("struct vmi_rom_header", name))


def _info(name: str) -> str:
    """The displacement of a field of boot info from ESI."""
    return f"{ffi.offsetof('struct vmi_boot_info', name):02X}"


def _told(name: str, code: str) -> RomPatch:
    """``code`` runs behind GetRomInfo, with ECX at a field of what it wrote."""
    at = f"{ffi.offsetof('struct vmi_rom_info', name):02X}"
    return around("GetRomInfo", f"59 83 C1 {at} {code}", "50")  # push %eax ... pop %ecx; add $at, %ecx


def _entry(page: int, operation: str, behind: int = 0) -> RomPatch:
    """An instruction on the first page tables' entry of a frame, before the guest is entered: ``{}`` in
    ``operation`` is where it lies from EAX, which holds the root."""
    at = int(Layout.LINEAR_BASE) + 0x2000 + 8 * page + behind
    place = at.to_bytes(4, "little").hex()
    return entering(
        f"50 8B 46 {_info('root_gpa')} {operation.format(place)} 58"
    )  # push %eax; mov ...; pop %eax


_IMAGE: Final = (
    _fault("native", "signature", "the image does not begin with 55h", ("VMI-ROM-01",), byte_of(0, 0)),
    _fault("kvm", "no-length", "the image says that it has no length", ("VMI-ROM-02",), byte_of(2, 0)),
    _fault("xen", "other-signature", "the word at 8 is another", ("VMI-ROM-04",), byte_of(8, 0)),
    _fault(
        "lguest",
        "major-4",
        "the header says version 4",
        ("VMI-ROM-05",),
        byte_of(_header("api_version_major"), 4),
    ),
    _fault(
        "kvm",
        "other-device",
        "the PCI header names another device",
        ("VMI-ROM-09",),
        byte_led_to("pci_header_offset", 6, 2),
    ),
    _fault(
        "lguest",
        "licence-v3",
        "the licence is GPL v3",
        ("VMI-ROM-08",),
        byte_led_to("license_offset", 5, ord("3")),
    ),
    _fault(
        "xen",
        "pci-outside",
        "the PCI header lies outside the image",
        ("VMI-ROM-07",),
        byte_of(_header("pci_header_offset") + 1, 0xFF),
    ),
    _fault(
        "native",
        "pnp-outside",
        "the PnP header lies outside the image",
        ("VMI-ROM-13",),
        byte_of(_header("pnp_header_offset") + 1, 0xFF),
    ),
    _fault(
        "xen",
        "top-too-high",
        "virtual_top lies 32 MiB inside the hypervisor's range",
        ("VMI-ROM-10",),
        byte_of(_header("virtual_top") + 3, 0xF7),
    ),
)
_INIT: Final = (
    _fault(
        "native", "init-says-1", "vmi_init leaves 1", ("VMI-INIT-01",), after_initialisation("B8 01 00 00 00")
    ),
    _fault("kvm", "init-absent", "there is nothing to call at 80h", ("VMI-ROM-11",), byte_of(0x80, 0xCC)),
    _fault(
        "xen",
        "init-fails-by-1",
        "vmi_init leaves 1 where it fails",
        ("VMI-INIT-02",),
        after_initialisation("85 C0 74 05 B8 01 00 00 00"),  # test %eax, %eax; je 1f; mov $1, %eax; 1:
    ),
    _fault(
        "lguest",
        "init-fails-and-stores",
        "vmi_init stores in its guest's memory where it fails",
        ("VMI-INIT-03",),
        after_initialisation("85 C0 74 0A C7 05 00 00 80 C0 78 56 34 12"),
    ),
)
_RELOCATION: Final = (
    _fault(
        "kvm",
        "type-7",
        "get_reloc answers a type that nobody declared",
        ("VMI-REL-02",),
        type_of("IODelay", _UNKNOWN),
    ),
    _fault("lguest", "flush-as-jump", "FlushTLB is JUMP_REL", ("VMI-REL-08",), type_of("FlushTLB", _JUMP)),
    _fault("xen", "root-as-jump", "SetCR3 is JUMP_REL", ("VMI-REL-09",), type_of("SetCR3", _JUMP)),
    _fault("xen", "iret-as-nothing", "IRET is NOP", ("VMI-REL-10",), type_of("IRET", _NOTHING)),
    _fault(
        "kvm",
        "rate-as-nothing",
        "GetCycleFrequency is NOP, at an address that is none",
        ("VMI-REL-11",),
        type_of("GetCycleFrequency", _NOTHING),
    ),
    _fault(
        "native", "cancel-as-nothing", "CancelAlarm is NOP", ("VMI-REL-12",), type_of("CancelAlarm", _NOTHING)
    ),
    _fault(
        "kvm",
        "number-beyond",
        "get_reloc takes a number beyond the list for 0",
        ("VMI-PROBE-06",),
        around_relocation("0C 01", _BEYOND),  # or $1, %al: NONE has an address then, too
    ),
    _fault(
        "native",
        "relocation-wavers",
        "get_reloc gives another answer now and then",
        ("VMI-PROBE-07",),
        # push %eax, %edx; rdtsc; test $4, %ah; pop %edx, %eax; je 1f; xor %eax, %eax; 1:
        before_relocation("50 52 0F 31 F6 C4 04 5A 58 74 02 31 C0"),
    ),
    _fault("lguest", "relocation-ebx", "get_reloc changes EBX", ("VMI-PROBE-08",), before_relocation("43")),
    _fault(
        "xen",
        "relocation-outside",
        "the address of CancelAlarm lies outside the ROM",
        ("VMI-PROBE-09",),
        # push %eax ... pop %ecx; cmp $number, %ecx; jne 1f; add $0x100000, %eax; 1:
        around_relocation(f"59 83 F9 {int(Call.CancelAlarm):02X} 75 05 05 00 00 10 00", "50"),
    ),
)
_PROBE: Final = (
    _fault(
        "xen",
        "info-length",
        "GetRomInfo tells a length that is 4 less",
        ("VMI-PROBE-02",),
        _told("rom_length", "83 29 04"),
    ),
    _fault(
        "kvm",
        "info-minor",
        "GetRomInfo tells the next minor",
        ("VMI-PROBE-02",),
        _told("abi_minor", "66 FF 01"),
    ),
    _fault(
        "native",
        "info-backend",
        "GetRomInfo tells another backend",
        ("VMI-PROBE-03",),
        _told("backend", "FF 01"),
    ),
    _fault(
        "lguest",
        "info-build",
        "GetRomInfo tells the id of another build",
        ("VMI-PROBE-03",),
        _told("build_id", "FF 01"),
    ),
    _fault(
        "xen",
        "call-info-beyond",
        "GetCallInfo takes a number beyond the list for 0",
        ("VMI-PROBE-05",),
        before("GetCallInfo", _BEYOND),
    ),
)
_ENTRY: Final = (
    _fault(
        "native",
        "entry-write-protection-off",
        "the guest's kernel can write what is read-only",
        ("VMI-ENTRY-07",),
        # mov %cr0, %eax; and $~0x10000, %eax; mov %eax, %cr0; mov $ENTRY_MAGIC, %eax
        entering("0F 20 C0 25 FF FF FE FF 0F 22 C0 B8 56 4D 49 33"),
    ),
    _fault("native", "entry-eax", "the guest finds 0 in EAX", ("VMI-ENTRY-01",), entering("31 C0")),
    _fault("kvm", "entry-esi", "ESI is 4 more", ("VMI-ENTRY-02",), entering("83 C6 04")),
    _fault(
        "native",
        "entry-enabled",
        "the guest is entered with interrupts on",
        ("VMI-ENTRY-03",),
        entering("FB"),
    ),
    _fault("lguest", "entry-down", "the guest is entered with DF set", ("VMI-ENTRY-03",), entering("FD")),
    _fault("xen", "entry-ds", "the guest is entered with a null ES", ("VMI-ENTRY-04",), entering("8E C1")),
    _fault(
        "xen",
        "entry-fs",
        "the guest is entered with data in FS",
        ("VMI-ENTRY-05",),
        entering("8C D1 8E E1 31 C9"),
    ),
    _fault("lguest", "entry-esp", "ESP is 16 less", ("VMI-ENTRY-06",), entering("8F 44 24 EC 83 EC 14")),
    _fault(
        "native",
        "entry-page-less",
        "a page in the middle of memory is not mapped",
        ("VMI-ENTRY-09",),
        _entry(_FREE_PAGE, "83 A0 {} FE"),  # and $~1, entry(%eax)
    ),
    _fault(
        "kvm",
        "entry-code-writable",
        "the guest's code can be written",
        ("VMI-ENTRY-10",),
        _entry(_GUEST_PAGE, "83 88 {} 02"),  # or $2, entry(%eax)
    ),
    _fault(
        "native",
        "entry-rom-writable",
        "the first page of the ROM can be written",
        ("VMI-ENTRY-11",),
        _entry(_ROM_PAGE, "83 88 {} 02"),
    ),
    _fault(
        "kvm",
        "entry-data-executable",
        "a free page can be executed",
        ("VMI-ENTRY-11",),
        _entry(_FREE_PAGE, "81 A0 {} FF FF FF 7F", 4),
    ),
    _fault(
        "native",
        "entry-not-accessed",
        "the accessed bit of an entry is clear",
        ("VMI-ENTRY-12",),
        _entry(_FREE_PAGE, "83 A0 {} DF"),
    ),
    _fault(
        "kvm",
        "entry-memory",
        "boot info tells of a page too much",
        ("VMI-ENTRY-14",),
        entering(f"FF 46 {_info('mem_pages')}"),
    ),
    _fault(
        "lguest",
        "entry-line",
        "the command line ends in an x",
        ("VMI-ENTRY-15",),
        # push %eax; mov gpa(%esi), %eax; add length(%esi), %eax; movb $'x', LINEAR_BASE(%eax); pop %eax
        entering(
            f"50 8B 46 {_info('command_line_gpa')} 03 46 {_info('command_line_length')}"
            "C6 80 00 00 00 C0 78 58"
        ),
    ),
    _fault(
        "xen",
        "entry-root",
        "GetCR3 tells the page behind the root",
        ("VMI-ENTRY-13",),
        around("GetCR3", "05 00 10 00 00"),
    ),
)

FAULTS: Final[tuple[Fault, ...]] = (*_IMAGE, *_INIT, *_RELOCATION, *_PROBE, *_ENTRY)
