"""The image: what a scan sees before anything of it has run."""

from vmirom.schema.clauses import ALL, CARRIED, SLOTS, THREE, duty, promise

CLAUSES = (
    promise("VMI-ROM-01", "The image begins with the bytes 55h, AAh.", source="P4, L", rev=ALL),
    promise(
        "VMI-ROM-02",
        "Byte 2 is the image's length in units of 512 bytes, and not zero.",
        source="P4 (non-zero: der.)",
        rev=ALL,
        decided="A PC BIOS copies in nothing of a length of 0, so no guest could find such a ROM.",
    ),
    promise(
        "VMI-ROM-03",
        "The bytes of the whole length add up to zero in 8 bits.",
        source="P4",
        rev=CARRIED,
        decided="Linux does not add them up, a PC BIOS does: without it the ROM is not copied in.",
    ),
    promise("VMI-ROM-04", "The word at offset 8 is 696D5663h (cVmi).", source="P5A, H", rev=ALL),
    promise(
        "VMI-ROM-05",
        "The minor version is the byte at offset 12, the major one the byte at offset 13.",
        source="P4, H",
        rev=ALL,
    ),
    promise(
        "VMI-ROM-06",
        "The image begins at a multiple of 2 KiB between C8000h and DFFFFh; Linux looks from C0000h on.",
        source="P4, L",
        rev=ALL,
    ),
    promise(
        "VMI-ROM-07",
        "pci_header_offs is not zero, and the 24 bytes it points to lie inside the image.",
        source="L (inside: der.)",
        rev=THREE,
        decided="Linux follows the offset unchecked; outside the image there need be no memory.",
    ),
    promise(
        "VMI-ROM-08",
        "license_offs is not zero and leads to a NUL-terminated GPL or GPL v2, to the letter.",
        source="L",
        rev=THREE,
    ),
    promise(
        "VMI-ROM-09",
        "The PCI header names vendor 15ADh and device 0801h; for others a guest may print a warning.",
        source="L, H",
        rev=THREE,
    ),
    promise(
        "VMI-ROM-10",
        """Linear addresses from virtual_top up are the hypervisor's, which uses none below; the guest keeps
        away from them.""",
        source="H, L",
        rev=THREE,
    ),
    promise(
        "VMI-ROM-11",
        "vmi_init can be called at offset 80h and get_reloc at 88h, 8 bytes each.",
        source="H, L",
        rev=THREE,
    ),
    promise(
        "VMI-ROM-12",
        "Call n from 4 up is entered at 32*n from the image's start; slots 0 to 3 are not for calling.",
        source="G3, G5, V6",
        rev=SLOTS,
    ),
    promise(
        "VMI-ROM-13",
        "pnp_header_offs may be zero, and so may its maker's and its product's offset: a name not told.",
        source="L",
        rev=THREE,
    ),
    duty(
        "VMI-ROM-14",
        "A guest takes only a ROM of its own major version whose minor is at least the one it needs.",
        source="P1, L, G5",
        rev=ALL,
    ),
    duty(
        "VMI-ROM-15",
        "A guest that finds no ROM to its liking goes on natively.",
        source="P2.2, L, G5",
        rev=ALL,
    ),
    promise(
        "VMI-ROM-16",
        "There may be several ROMs in the area that is scanned, one for each version of the ABI.",
        source="P4",
        rev=CARRIED,
    ),
    duty("VMI-ROM-17", "A ROM that was refused does not end the scan.", source="L", rev=THREE),
)
