"""Numbers and argument registers of the hypercalls, in their 32-bit PAE forms."""

from vmirom.schema import (
    Argument,
    Hypercall,
    Version,
)


def _ebx(name: str, type_name: str = "UINT32", values: tuple[str, ...] = ()) -> Argument:
    return Argument(name, type_name, "EBX", values)


def _ecx(name: str, type_name: str = "UINT32") -> Argument:
    return Argument(name, type_name, "ECX")


def _edx(name: str, type_name: str = "UINT32") -> Argument:
    return Argument(name, type_name, "EDX")


def _esi(name: str, type_name: str = "UINT32") -> Argument:
    return Argument(name, type_name, "ESI")


def _edi(name: str, type_name: str = "UINT32") -> Argument:
    return Argument(name, type_name, "EDI")


_CMD = (_ebx("cmd"), _ecx("arg", "void *"))
_NEW = Version.parse("4.17")

HYPERCALLS = (
    Hypercall(
        0, "SET_TRAP_TABLE", (_ebx("table", "xen_trap_info *"),), "the table ends at address 0; NULL clears"
    ),
    Hypercall(
        1,
        "MMU_UPDATE",
        (_ebx("req", "xen_mmu_update *"), _ecx("count"), _edx("done", "UINT32 *"), _esi("domid")),
        "stops at the first bad request; ``done`` tells how many were carried out",
        "MmuCommand",
    ),
    Hypercall(2, "SET_GDT", (_ebx("frames", "UINT32 *"), _ecx("entries")), "frames must not be mapped RW"),
    Hypercall(3, "STACK_SWITCH", (_ebx("ss"), _ecx("esp")), "kernel stack for entries from ring 3"),
    Hypercall(
        4,
        "SET_CALLBACKS",
        (_ebx("event_cs"), _ecx("event_eip"), _edx("failsafe_cs"), _esi("failsafe_eip")),
        "where events and failed returns are delivered",
    ),
    Hypercall(5, "FPU_TASKSWITCH", (_ebx("set"),), "the guest's CR0.TS"),
    Hypercall(6, "SCHED_OP_COMPAT", (_ebx("cmd"), _ecx("arg")), "old form of SCHED_OP"),
    Hypercall(7, "PLATFORM_OP", (_ebx("op", "void *"),)),
    Hypercall(8, "SET_DEBUGREG", (_ebx("reg"), _ecx("value"))),
    Hypercall(9, "GET_DEBUGREG", (_ebx("reg"),)),
    Hypercall(
        10,
        "UPDATE_DESCRIPTOR",
        (_ebx("maddr_low"), _ecx("maddr_high"), _edx("desc_low"), _esi("desc_high")),
        "writes a descriptor at a machine address",
    ),
    Hypercall(12, "MEMORY_OP", _CMD, "", "Xenmem"),
    Hypercall(
        13, "MULTICALL", (_ebx("list", "xen_multicall_entry *"), _ecx("count")), "results in the entries"
    ),
    Hypercall(
        14,
        "UPDATE_VA_MAPPING",
        (_ebx("va"), _ecx("pte_low"), _edx("pte_high"), _esi("flags")),
        "PAE form",
        "Uvmf",
    ),
    Hypercall(
        15,
        "SET_TIMER_OP",
        (_ebx("timeout_low"), _ecx("timeout_high")),
        "absolute ns of system time; 0 cancels",
    ),
    Hypercall(16, "EVENT_CHANNEL_OP_COMPAT", (_ebx("op", "void *"),), "old form of EVENT_CHANNEL_OP"),
    Hypercall(17, "XEN_VERSION", _CMD, "", "Xenver"),
    Hypercall(
        18,
        "CONSOLE_IO",
        (_ebx("cmd"), _ecx("count"), _edx("buffer", "UINT8 *")),
        "emergency console; READ returns the number of bytes",
        "Consoleio",
    ),
    Hypercall(19, "PHYSDEV_OP_COMPAT", (_ebx("op", "void *"),), "old form of PHYSDEV_OP"),
    Hypercall(20, "GRANT_TABLE_OP", (_ebx("cmd"), _ecx("uop", "void *"), _edx("count"))),
    Hypercall(21, "VM_ASSIST", (_ebx("cmd"), _ecx("type")), "", "VmAssist"),
    Hypercall(
        22,
        "UPDATE_VA_MAPPING_OTHERDOMAIN",
        (_ebx("va"), _ecx("pte_low"), _edx("pte_high"), _esi("flags"), _edi("domid")),
    ),
    Hypercall(23, "IRET", (), "no registers; EAX to return with, EIP, CS, EFLAGS [ESP, SS] on the stack"),
    Hypercall(24, "VCPU_OP", (_ebx("cmd"), _ecx("vcpu"), _edx("arg", "void *")), "", "Vcpuop"),
    Hypercall(25, "SET_SEGMENT_BASE", (_ebx("which"), _ecx("base")), "64-bit guests only"),
    Hypercall(
        26,
        "MMUEXT_OP",
        (_ebx("op", "xen_mmuext_op *"), _ecx("count"), _edx("done", "UINT32 *"), _esi("domid")),
        "",
        "Mmuext",
    ),
    Hypercall(27, "XSM_OP", (_ebx("op", "void *"),)),
    Hypercall(28, "NMI_OP", (_ebx("op"), _ecx("arg", "void *")), "", "NmiOp"),
    Hypercall(29, "SCHED_OP", _CMD, "", "Schedop"),
    Hypercall(30, "CALLBACK_OP", _CMD, "", "CallbackOp"),
    Hypercall(31, "XENOPROF_OP", _CMD),
    Hypercall(32, "EVENT_CHANNEL_OP", _CMD, "", "Evtchnop"),
    Hypercall(33, "PHYSDEV_OP", _CMD, "", "Physdevop"),
    Hypercall(34, "HVM_OP", _CMD),
    Hypercall(35, "SYSCTL", (_ebx("op", "void *"),)),
    Hypercall(36, "DOMCTL", (_ebx("op", "void *"),)),
    Hypercall(37, "KEXEC_OP", _CMD),
    Hypercall(38, "TMEM_OP", (_ebx("op", "void *"),), "obsolete", since=_NEW),
    Hypercall(39, "ARGO_OP", _CMD, since=_NEW),
    Hypercall(40, "XENPMU_OP", _CMD, since=_NEW),
    Hypercall(41, "DM_OP", (_ebx("domid"), _ecx("count"), _edx("buffers", "void *")), since=_NEW),
    Hypercall(42, "HYPFS_OP", _CMD, since=_NEW),
)
