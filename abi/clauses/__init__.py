"""What the contract promises, one clause a promise: a stable id, a sentence, its source, what it binds.

One file a subject. Sources: P1 to P5C are the parts of "Paravirtualization API Version 2.0" (VMware, 2006),
Gn the patches posted with it, V6 the call list of VMI 6.1, L, H, T and K the VMI client of Linux 2.6.35
(vmi_32.c, vmi.h, vmi_time.h, vmiclock_32.c); "der." means that the source only implies it, and ``decided``
then tells the evidence. ``checks/`` says which check of which suite answers for which clause.
"""

from vmirom.schema.clauses import Area, Declared, Feature

from . import (
    added,
    calling,
    cpu,
    descriptors,
    faults,
    initialisation,
    interrupts,
    io,
    mmu,
    negative,
    relocation,
    returns,
    rom,
    smp,
    time,
)

CLAUSES = Declared(
    areas=(
        Area("ROM", "The ROM image", calls=False),
        Area("INIT", "Initialisation and privilege", calls=False),
        Area("REL", "Relocation", calls=False),
        Area("CALL", "Calling rules"),
        Area("IRQ", "The interrupt flag and interrupts"),
        Area("DT", "Descriptor tables"),
        Area("CPU", "Processor state"),
        Area("RET", "Returns from the kernel"),
        Area("FLT", "Faults", calls=False),
        Area("IO", "Ports"),
        Area("APIC", "The local APIC"),
        Area("AP", "Application processors"),
        Area("MMU", "Page tables"),
        Area("TIME", "Counters, alarms, the wall clock"),
        Area("NEG", "Sensitive instructions made natively", calls=False),
        Area("ENTRY", "Entry and boot info (3.1)", calls=False),
        Area("CONS", "Console and interrupt controllers (3.1)"),
        Area("EXIT", "The exit port (3.1)"),
        Area("PROBE", "Probing (3.1)"),
        Area("COUNT", "Counting calls (3.1)"),
    ),
    features=(
        Feature(
            "deprivileged",
            "The guest's kernel does not run at privilege level 0.",
            backends=("xen", "lguest"),
        ),
        Feature("ldt", "Local descriptor tables work.", calls=("SetLDT", "WriteLDTEntry")),
        Feature("iopl", "User code can be given ports by privilege level.", calls=("SetIOPLMask",)),
        Feature("sysexit", "System calls can be left by SYSEXIT.", calls=("SYSEXIT",)),
        Feature("apic", "There is a local APIC.", calls=("APICWrite", "APICRead")),
        Feature(
            "segments",
            "Segment registers are loaded by the ROM where their table changes.",
            translated=("SetGDT", "WriteGDTEntry"),
        ),
        Feature("control", "Control registers are set by the ROM.", translated=("SetCR0", "SetCR4")),
        Feature("processors", "Further processors can be given a state.", translated=("SetInitialAPState",)),
        Feature("hosted", "A hypervisor keeps the wall clock.", backends=("kvm", "xen", "lguest")),
        Feature("stolen", "The hypervisor tells what time it takes.", backends=("kvm", "xen")),
        Feature("v86", "Virtual-8086 mode works.", backends=("native", "kvm")),
    ),
    historic=(
        "Init",
        "INVD",
        "Pause",
        "SwapPxE",
        "SwapPxELongAtomic",
        "TestAndSetPxEBit",
        "TestAndClearPxEBit",
        "TestAndSetPxELongBit",
        "TestAndClearPxELongBit",
        "DeactivatePxELongAtomic",
        "FlushDeferredCalls",
        "SetDeferredMode",
    ),
    clauses=(
        rom.CLAUSES
        + initialisation.CLAUSES
        + relocation.CLAUSES
        + calling.CLAUSES
        + interrupts.CLAUSES
        + descriptors.CLAUSES
        + cpu.CLAUSES
        + returns.CLAUSES
        + faults.CLAUSES
        + io.CLAUSES
        + smp.CLAUSES
        + mmu.CLAUSES
        + time.CLAUSES
        + negative.CLAUSES
        + added.CLAUSES
    ),
)
