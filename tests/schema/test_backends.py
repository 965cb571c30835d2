"""Numbers of the hypervisors' ABIs, typed in once more from the reference pages, and Linux's own headers
where a compiler and they are installed."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.schema.lines import TREE
from vmirom.overlays.kvm import HYPERCALL_FEATURES

XEN = TREE.resolve("xen")
LGUEST = TREE.resolve("lguest")
KVM = TREE.resolve("kvm")

XEN_HYPERCALLS = """set_trap_table mmu_update set_gdt stack_switch set_callbacks fpu_taskswitch
        sched_op_compat platform_op set_debugreg get_debugreg update_descriptor -
        memory_op multicall update_va_mapping set_timer_op event_channel_op_compat
        xen_version console_io physdev_op_compat grant_table_op vm_assist
        update_va_mapping_otherdomain iret vcpu_op set_segment_base mmuext_op xsm_op
        nmi_op sched_op callback_op xenoprof_op event_channel_op physdev_op hvm_op
        sysctl domctl kexec_op tmem_op argo_op xenpmu_op dm_op hypfs_op"""

# enumeration -> members in order of their value, from 0; a dash is an unused value
ORDERED = {
    "MmuCommand": "normal machphys preserve_ad no_translate",
    "Mmuext": """pin_l1_table pin_l2_table pin_l3_table pin_l4_table unpin_table new_baseptr
        tlb_flush_local invlpg_local tlb_flush_multi invlpg_multi tlb_flush_all
        invlpg_all flush_cache set_ldt - new_user_baseptr clear_page copy_page
        flush_cache_global mark_super unmark_super""",
    "Schedop": "yield block shutdown poll remote_shutdown shutdown_code watchdog pin_override",
    "Shutdown": "poweroff reboot suspend crash watchdog soft_reset",
    "Evtchnop": """bind_interdomain bind_virq bind_pirq close send status alloc_unbound bind_ipi
        bind_vcpu unmask reset init_control expand_array set_priority reset_continued""",
    "EvtchnStatus": "closed unbound interdomain pirq virq ipi",
    "Vcpuop": """initialise up down is_up get_runstate_info register_runstate_memory_area
        set_periodic_timer stop_periodic_timer set_singleshot_timer
        stop_singleshot_timer register_vcpu_info send_nmi get_physid
        register_vcpu_time_memory_area""",
    "Runstate": "running runnable blocked offline",
    "Xenver": """version extraversion compile_info capabilities changeset platform_parameters
        get_features pagesize guest_handle commandline build_id""",
    "Xenmem": """increase_reservation decrease_reservation maximum_ram_page current_reservation
        maximum_reservation machphys_mfn_list populate_physmap add_to_physmap -
        memory_map machine_memory_map exchange machphys_mapping set_memory_map maximum_gpfn
        remove_from_physmap set_pod_target get_pod_target get_sharing_freed_pages
        get_sharing_shared_pages - access_op - add_to_physmap_batch - machphys_compat_mfn_list
        get_vnumainfo reserved_device_memory_map acquire_resource""",
    "Physdevop": """- - - - irq_unmask_notify irq_status_query set_iopl set_iobitmap apic_read apic_write
        assign_vector - eoi map_pirq unmap_pirq manage_pci_add manage_pci_remove
        pirq_eoi_gmfn_v1 - restore_msi manage_pci_add_ext setup_gsi - get_free_pirq
        pci_mmcfg_reserved pci_device_add pci_device_remove restore_msi_ext pirq_eoi_gmfn_v2
        dbgp_op prepare_msix release_msix""",
    "Consoleio": "write read",
    "VmAssist": "enable disable",
    "AssistType": """four_gb_segments four_gb_segments_notify writable_pagetables pae_extended_cr3
        architectural_iopl runstate_update_flag""",
    "NmiOp": "register_callback unregister_callback",
    "CallbackType": "event failsafe syscall sysenter_deprecated nmi sysenter - syscall32",
    "ElfNote": """info entry hypercall_page virt_base paddr_offset xen_version guest_os guest_version
        loader pae_mode features bsd_symtab hv_start_low l1_mfn_valid suspend_cancel
        init_p2m mod_start_pfn supported_features phys32_entry""",
}


def ordered(text: str) -> dict[str, int]:
    return {name.upper(): value for value, name in enumerate(text.split()) if name != "-"}


@pytest.mark.parametrize("name", ORDERED)
def test_xen_sub_operations(name: str) -> None:
    assert dict(XEN.enum(name).members) == ordered(ORDERED[name])


def test_xen_hypercalls() -> None:
    assert dict(XEN.enum("Hypercall").members) == ordered(XEN_HYPERCALLS)
    older = {call.name for call in TREE.resolve("xen", "3.4").hypercalls}
    gone = set(dict(XEN.enum("Hypercall").members)) - older
    assert gone == {"TMEM_OP", "ARGO_OP", "XENPMU_OP", "DM_OP", "HYPFS_OP"}


def test_xen_features() -> None:
    known = "writable_page_tables writable_descriptor_tables auto_translated_physmap supervisor_mode_kernel"
    known += " pae_pgdir_above_4gb mmu_pt_update_preserve_ad"
    assert list(XEN.enum("Feature").members)[:6] == list(ordered(known).items())


def test_xen_numbers_out_of_order() -> None:
    told = {
        "Errno": {
            "EPERM": 1,
            "ENOENT": 2,
            "ESRCH": 3,
            "E2BIG": 7,
            "EAGAIN": 11,
            "ENOMEM": 12,
            "EFAULT": 14,
            "EBUSY": 16,
            "EEXIST": 17,
            "EINVAL": 22,
            "ENOSPC": 28,
            "ENOSYS": 38,
            "EOPNOTSUPP": 95,
        },
        "Domid": {
            "SELF": 0x7FF0,
            "IO": 0x7FF1,
            "XEN": 0x7FF2,
            "COW": 0x7FF3,
            "INVALID": 0x7FF4,
            "IDLE": 0x7FFF,
        },
        "Virq": {"TIMER": 0, "DEBUG": 1, "CONSOLE": 2, "DOM_EXC": 3, "COUNT": 24},
        "Uvmf": {"NONE": 0, "TLB_FLUSH": 1, "INVLPG": 2, "ALL": 4, "LOCAL": 0},
        "Selector": {
            "KERNEL_CS": 0xE019,
            "KERNEL_DS": 0xE021,
            "KERNEL_SS": 0xE021,
            "USER_CS": 0xE02B,
            "USER_DS": 0xE033,
            "USER_SS": 0xE033,
        },
        "TrapFlag": {"DPL": 3, "MASK_EVENTS": 4},
        "StartFlag": {"PRIVILEGED": 1, "INITDOMAIN": 2},
        "ContextFlag": {"I387_VALID": 1, "IN_KERNEL": 4, "FAILSAFE_DISABLES_EVENTS": 8, "ONLINE": 0x20},
        "Gdt": {"FIRST_RESERVED_PAGE": 14, "FIRST_RESERVED_BYTE": 57344, "ENTRIES_MAX": 7168},
        "Hole": {"START": 0xF5800000, "M2P_START": 0xF5800000, "M2P_END": 0xF6800000},
        "Transport": {
            "VECTOR": 0x82,
            "CPUID_EBX": 0x566E6558,
            "CPUID_ECX": 0x65584D4D,
            "CPUID_EDX": 0x4D4D566E,
        },
    }
    for name, members in told.items():
        ours = dict(XEN.enum(name).members)
        assert {member: ours[member] for member in members} == members, name


def test_xen_signature_is_what_the_words_say() -> None:
    words = dict(XEN.enum("Transport").members)
    text = b"".join(words[f"CPUID_{name}"].to_bytes(4, "little") for name in ("EBX", "ECX", "EDX"))
    assert text == b"XenVMMXenVMM"


def test_xen_argument_registers() -> None:
    """Arguments take EBX ECX EDX ESI EDI in this order, without a gap."""
    order = ["EBX", "ECX", "EDX", "ESI", "EDI"]
    for line in (XEN, KVM, LGUEST):
        for call in line.hypercalls:
            places = [argument.place for argument in call.arguments]
            assert places == order[: len(places)], call.name
            assert not call.subops or call.subops in {row.name for row in line.enums}, call.name


def test_kvm_hypercalls_that_a_feature_gates() -> None:
    """Bits of EAX of leaf 40000001h; the others are always there, or another architecture's."""
    bits = dict(KVM.enum("Feature").members)
    gates = {
        call.name: [bits[each.removeprefix("Feature.")] for each in call.when] for call in KVM.hypercalls
    }
    assert {name: found for name, found in gates.items() if found} == {
        "MMU_OP": [2],
        "KICK_CPU": [7],
        "SEND_IPI": [11],
        "SCHED_YIELD": [13],
        "MAP_GPA_RANGE": [16],
    }
    assert {name.name: [int(each) for each in found] for name, found in HYPERCALL_FEATURES.items()} == {
        name: found for name, found in gates.items() if found
    }


def test_lguest_hypercalls() -> None:
    told = """flush_async lguest_init shutdown - new_pgtable flush_tlb load_idt_entry set_stack ts
        set_clockevent halt - - set_pmd set_pte set_pgd load_tls notify
        load_gdt_entry send_interrupts"""
    for version in ("2.6.32", "2.6.35"):
        assert dict(TREE.resolve("lguest", version).enum("Hcall").members) == ordered(told)


def test_lguest_constants() -> None:
    ours = dict(LGUEST.enum("Constants").members)
    told = {
        "HYPERCALL_VECTOR": 0x1F,
        "KERNEL_CS": 0x61,
        "KERNEL_DS": 0x69,
        "RING_SIZE": 64,
        "INTERRUPTS": 32,
        "FIRST_INTERRUPT_VECTOR": 32,
        "SHADOWS": 4,
        "CLOCK_DELTA_MIN": 100,
    }
    assert {name: ours[name] for name in told} == told
    gdt = dict(LGUEST.enum("Gdt").members)
    assert gdt["KERNEL_CODE"] * 8 + 1 == told["KERNEL_CS"] and gdt["KERNEL_DATA"] * 8 + 1 == told["KERNEL_DS"]
    assert gdt["ENTRIES"] == 32


def test_kvm_signature_is_what_the_words_say() -> None:
    words = dict(KVM.enum("Signature").members)
    text = b"".join(words[name].to_bytes(4, "little") for name in ("EBX", "ECX", "EDX"))
    assert text == b"KVMKVMKVM\0\0\0"


def test_kvm_instructions() -> None:
    words = dict(KVM.enum("Opcode").members)
    assert words["VMCALL"].to_bytes(3, "little") == bytes.fromhex("0f01c1")
    assert words["VMMCALL"].to_bytes(3, "little") == bytes.fromhex("0f01d9")


# our enumeration -> prefix of the same constants in Linux's user headers
KVM_PREFIXES = {
    "Hypercall": "KVM_HC_",
    "Feature": "KVM_FEATURE_",
    "Msr": "MSR_KVM_",
    "MmuOp": "KVM_MMU_OP_",
}
KVM_STRUCTS = {
    "kvm_steal_time": "struct kvm_steal_time",
    "kvm_clock_pairing": "struct kvm_clock_pairing",
    "kvm_mmu_op_header": "struct kvm_mmu_op_header",
    "kvm_mmu_op_write_pte": "struct kvm_mmu_op_write_pte",
    "kvm_mmu_op_flush_tlb": "struct kvm_mmu_op_flush_tlb",
    "kvm_mmu_op_release_pt": "struct kvm_mmu_op_release_pt",
}


def test_kvm_against_linux_headers(tmp_path: Path) -> None:
    compiler = shutil.which("gcc")
    if compiler is None or not Path("/usr/include/linux/kvm_para.h").exists():
        pytest.skip("Linux's own numbers need gcc and /usr/include/linux/kvm_para.h (package linux-libc-dev)")
    text = ["#include <stddef.h>", "#include <linux/kvm_para.h>"]
    for name, prefix in KVM_PREFIXES.items():
        for member, value in KVM.enum(name).members:
            theirs = prefix + member
            text.append(f'#ifdef {theirs}\n_Static_assert({theirs} == {value}, "{theirs}");\n#endif')
    for ours, theirs in KVM_STRUCTS.items():
        row = KVM.struct(ours)
        text.append(f'_Static_assert(sizeof({theirs}) == {row.size}, "{theirs}");')
        text += [
            f'_Static_assert(offsetof({theirs}, {field.name}) == {field.offset}, "{theirs}.{field.name}");'
            for field in row.fields
        ]
    # constants that were not there to be compared would prove nothing
    text.append('_Static_assert(KVM_HC_CLOCK_PAIRING == 9 && KVM_FEATURE_STEAL_TIME == 5, "present");')
    source = tmp_path / "kvm.c"
    source.write_text("\n".join(text) + "\n", encoding="utf-8")
    done = subprocess.run(
        [compiler, "-fsyntax-only", str(source)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
