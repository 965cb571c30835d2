"""From native code to paravirtual: vmi_init, and what privilege means after it."""

from vmirom.schema.clauses import ALL, CARRIED, DOCUMENT, THREE, When, duty, promise

_RING = When(features=("deprivileged",))

CLAUSES = (
    promise("VMI-INIT-01", "vmi_init leaves 0 in EAX if it succeeded.", source="P5A, L", rev=ALL),
    promise(
        "VMI-INIT-02",
        "It leaves -1 in EAX if it failed; a guest takes anything but 0 for that.",
        source="P5A, G5, L",
        rev=CARRIED,
    ),
    promise(
        "VMI-INIT-03",
        "A guest whose vmi_init failed can go on with native code.",
        source='P5A ("recoverable")',
        rev=ALL,
    ),
    duty(
        "VMI-INIT-04",
        "vmi_init is called in 32-bit protected mode with paging on.",
        source="P2.1",
        rev=CARRIED,
    ),
    promise(
        "VMI-INIT-05",
        "Up to vmi_init the guest finds what a BIOS leaves: memory map, ACPI tables.",
        source="P2.1",
        rev=DOCUMENT,
    ),
    promise(
        "VMI-INIT-06",
        "After vmi_init CS has RPL 1 or 2: level 0 is the hypervisor's, level 3 is user code's.",
        source="P2.1, L reads the RPL",
        rev=ALL,
        when=_RING,
        decided="""Linux takes whatever RPL it reads, 0 included, and a hypervisor with hardware's help leaves
        the kernel at 0; so it binds only where the kernel is deprivileged.""",
    ),
    promise(
        "VMI-INIT-07",
        "After vmi_init IOPL is too low for the kernel to change the hardware's interrupt flag.",
        source="P2.1",
        rev=CARRIED,
        when=_RING,
    ),
    promise(
        "VMI-INIT-08",
        "The hypervisor's part at the top of linear space is 64 MiB unless another size is told.",
        source="P2.1",
        rev=DOCUMENT,
    ),
    duty(
        "VMI-INIT-09",
        "A guest knows its kernel by an RPL other than 3 outside V86 mode, never by RPL 0.",
        source="P2.1",
        rev=CARRIED,
    ),
    promise(
        "VMI-INIT-10",
        "A guest has two levels of privilege, its kernel's and its users', and no other.",
        source="P2.1",
        rev=CARRIED,
    ),
    duty(
        "VMI-INIT-11",
        "vmi_init is called with interrupts off, and get_reloc only after it has succeeded.",
        source="L",
        rev=THREE,
    ),
)
