/* Generated from abi/ by `python -m vmirom.generate`; do not edit. */
#ifndef VMIROM_XEN_ASM_H
#define VMIROM_XEN_ASM_H

/* Numbers of the hypercalls. */
#define XEN_HYPERCALL_SET_TRAP_TABLE 0
#define XEN_HYPERCALL_MMU_UPDATE 1
#define XEN_HYPERCALL_SET_GDT 2
#define XEN_HYPERCALL_STACK_SWITCH 3
#define XEN_HYPERCALL_SET_CALLBACKS 4
#define XEN_HYPERCALL_FPU_TASKSWITCH 5
#define XEN_HYPERCALL_SCHED_OP_COMPAT 6
#define XEN_HYPERCALL_PLATFORM_OP 7
#define XEN_HYPERCALL_SET_DEBUGREG 8
#define XEN_HYPERCALL_GET_DEBUGREG 9
#define XEN_HYPERCALL_UPDATE_DESCRIPTOR 10
#define XEN_HYPERCALL_MEMORY_OP 12
#define XEN_HYPERCALL_MULTICALL 13
#define XEN_HYPERCALL_UPDATE_VA_MAPPING 14
#define XEN_HYPERCALL_SET_TIMER_OP 15
#define XEN_HYPERCALL_EVENT_CHANNEL_OP_COMPAT 16
#define XEN_HYPERCALL_XEN_VERSION 17
#define XEN_HYPERCALL_CONSOLE_IO 18
#define XEN_HYPERCALL_PHYSDEV_OP_COMPAT 19
#define XEN_HYPERCALL_GRANT_TABLE_OP 20
#define XEN_HYPERCALL_VM_ASSIST 21
#define XEN_HYPERCALL_UPDATE_VA_MAPPING_OTHERDOMAIN 22
#define XEN_HYPERCALL_IRET 23
#define XEN_HYPERCALL_VCPU_OP 24
#define XEN_HYPERCALL_SET_SEGMENT_BASE 25
#define XEN_HYPERCALL_MMUEXT_OP 26
#define XEN_HYPERCALL_XSM_OP 27
#define XEN_HYPERCALL_NMI_OP 28
#define XEN_HYPERCALL_SCHED_OP 29
#define XEN_HYPERCALL_CALLBACK_OP 30
#define XEN_HYPERCALL_XENOPROF_OP 31
#define XEN_HYPERCALL_EVENT_CHANNEL_OP 32
#define XEN_HYPERCALL_PHYSDEV_OP 33
#define XEN_HYPERCALL_HVM_OP 34
#define XEN_HYPERCALL_SYSCTL 35
#define XEN_HYPERCALL_DOMCTL 36
#define XEN_HYPERCALL_KEXEC_OP 37
#define XEN_HYPERCALL_TMEM_OP 38
#define XEN_HYPERCALL_ARGO_OP 39
#define XEN_HYPERCALL_XENPMU_OP 40
#define XEN_HYPERCALL_DM_OP 41
#define XEN_HYPERCALL_HYPFS_OP 42

/* Low two bits of mmu_update.ptr. */
#define XEN_MMU_COMMAND_NORMAL 0
#define XEN_MMU_COMMAND_MACHPHYS 1
#define XEN_MMU_COMMAND_PRESERVE_AD 2
#define XEN_MMU_COMMAND_NO_TRANSLATE 3

/* Commands of mmuext_op. */
#define XEN_MMUEXT_PIN_L1_TABLE 0
#define XEN_MMUEXT_PIN_L2_TABLE 1
#define XEN_MMUEXT_PIN_L3_TABLE 2
#define XEN_MMUEXT_PIN_L4_TABLE 3
#define XEN_MMUEXT_UNPIN_TABLE 4
#define XEN_MMUEXT_NEW_BASEPTR 5
#define XEN_MMUEXT_TLB_FLUSH_LOCAL 6
#define XEN_MMUEXT_INVLPG_LOCAL 7
#define XEN_MMUEXT_TLB_FLUSH_MULTI 8
#define XEN_MMUEXT_INVLPG_MULTI 9
#define XEN_MMUEXT_TLB_FLUSH_ALL 10
#define XEN_MMUEXT_INVLPG_ALL 11
#define XEN_MMUEXT_FLUSH_CACHE 12
#define XEN_MMUEXT_SET_LDT 13
#define XEN_MMUEXT_NEW_USER_BASEPTR 15
#define XEN_MMUEXT_CLEAR_PAGE 16
#define XEN_MMUEXT_COPY_PAGE 17
#define XEN_MMUEXT_FLUSH_CACHE_GLOBAL 18
#define XEN_MMUEXT_MARK_SUPER 19
#define XEN_MMUEXT_UNMARK_SUPER 20

/* Flags of update_va_mapping. Without ALL the bits above 2 are a pointer to a CPU bitmap, 0 = local. */
#define XEN_UVMF_NONE 0x0
#define XEN_UVMF_TLB_FLUSH 0x1
#define XEN_UVMF_INVLPG 0x2
#define XEN_UVMF_FLUSHTYPE_MASK 0x3
#define XEN_UVMF_LOCAL 0x0
#define XEN_UVMF_MULTI 0x0
#define XEN_UVMF_ALL 0x4

/* Commands of sched_op. */
#define XEN_SCHEDOP_YIELD 0
#define XEN_SCHEDOP_BLOCK 1
#define XEN_SCHEDOP_SHUTDOWN 2
#define XEN_SCHEDOP_POLL 3
#define XEN_SCHEDOP_REMOTE_SHUTDOWN 4
#define XEN_SCHEDOP_SHUTDOWN_CODE 5
#define XEN_SCHEDOP_WATCHDOG 6
#define XEN_SCHEDOP_PIN_OVERRIDE 7

/* Reasons of SCHEDOP shutdown. */
#define XEN_SHUTDOWN_POWEROFF 0
#define XEN_SHUTDOWN_REBOOT 1
#define XEN_SHUTDOWN_SUSPEND 2
#define XEN_SHUTDOWN_CRASH 3
#define XEN_SHUTDOWN_WATCHDOG 4
#define XEN_SHUTDOWN_SOFT_RESET 5

/* Commands of event_channel_op. */
#define XEN_EVTCHNOP_BIND_INTERDOMAIN 0
#define XEN_EVTCHNOP_BIND_VIRQ 1
#define XEN_EVTCHNOP_BIND_PIRQ 2
#define XEN_EVTCHNOP_CLOSE 3
#define XEN_EVTCHNOP_SEND 4
#define XEN_EVTCHNOP_STATUS 5
#define XEN_EVTCHNOP_ALLOC_UNBOUND 6
#define XEN_EVTCHNOP_BIND_IPI 7
#define XEN_EVTCHNOP_BIND_VCPU 8
#define XEN_EVTCHNOP_UNMASK 9
#define XEN_EVTCHNOP_RESET 10
#define XEN_EVTCHNOP_INIT_CONTROL 11
#define XEN_EVTCHNOP_EXPAND_ARRAY 12
#define XEN_EVTCHNOP_SET_PRIORITY 13
#define XEN_EVTCHNOP_RESET_CONTINUED 14

/* State of an event channel, as EVTCHNOP status tells it. */
#define XEN_EVTCHN_STATUS_CLOSED 0
#define XEN_EVTCHN_STATUS_UNBOUND 1
#define XEN_EVTCHN_STATUS_INTERDOMAIN 2
#define XEN_EVTCHN_STATUS_PIRQ 3
#define XEN_EVTCHN_STATUS_VIRQ 4
#define XEN_EVTCHN_STATUS_IPI 5

/* Size of the event channel bitmaps of a 32-bit guest. */
#define XEN_EVTCHN_COUNT 0x400
#define XEN_EVTCHN_WORDS 32

/* Virtual interrupts that an event channel can be bound to. */
#define XEN_VIRQ_TIMER 0
#define XEN_VIRQ_DEBUG 1
#define XEN_VIRQ_CONSOLE 2
#define XEN_VIRQ_DOM_EXC 3
#define XEN_VIRQ_XENOPROF 7
#define XEN_VIRQ_XENPMU 13
#define XEN_VIRQ_COUNT 24

/* Commands of vcpu_op. */
#define XEN_VCPUOP_INITIALISE 0
#define XEN_VCPUOP_UP 1
#define XEN_VCPUOP_DOWN 2
#define XEN_VCPUOP_IS_UP 3
#define XEN_VCPUOP_GET_RUNSTATE_INFO 4
#define XEN_VCPUOP_REGISTER_RUNSTATE_MEMORY_AREA 5
#define XEN_VCPUOP_SET_PERIODIC_TIMER 6
#define XEN_VCPUOP_STOP_PERIODIC_TIMER 7
#define XEN_VCPUOP_SET_SINGLESHOT_TIMER 8
#define XEN_VCPUOP_STOP_SINGLESHOT_TIMER 9
#define XEN_VCPUOP_REGISTER_VCPU_INFO 10
#define XEN_VCPUOP_SEND_NMI 11
#define XEN_VCPUOP_GET_PHYSID 12
#define XEN_VCPUOP_REGISTER_VCPU_TIME_MEMORY_AREA 13

/* Flags of a one-shot timer: FUTURE refuses a time that has passed. */
#define XEN_SINGLESHOT_FLAG_FUTURE 0x1

/* What a virtual CPU is doing. Runnable time is stolen time in VMI's words. */
#define XEN_RUNSTATE_RUNNING 0
#define XEN_RUNSTATE_RUNNABLE 1
#define XEN_RUNSTATE_BLOCKED 2
#define XEN_RUNSTATE_OFFLINE 3

/* Commands of xen_version. */
#define XEN_XENVER_VERSION 0
#define XEN_XENVER_EXTRAVERSION 1
#define XEN_XENVER_COMPILE_INFO 2
#define XEN_XENVER_CAPABILITIES 3
#define XEN_XENVER_CHANGESET 4
#define XEN_XENVER_PLATFORM_PARAMETERS 5
#define XEN_XENVER_GET_FEATURES 6
#define XEN_XENVER_PAGESIZE 7
#define XEN_XENVER_GUEST_HANDLE 8
#define XEN_XENVER_COMMANDLINE 9
#define XEN_XENVER_BUILD_ID 10

/* Commands of memory_op. */
#define XEN_XENMEM_INCREASE_RESERVATION 0
#define XEN_XENMEM_DECREASE_RESERVATION 1
#define XEN_XENMEM_MAXIMUM_RAM_PAGE 2
#define XEN_XENMEM_CURRENT_RESERVATION 3
#define XEN_XENMEM_MAXIMUM_RESERVATION 4
#define XEN_XENMEM_MACHPHYS_MFN_LIST 5
#define XEN_XENMEM_POPULATE_PHYSMAP 6
#define XEN_XENMEM_ADD_TO_PHYSMAP 7
#define XEN_XENMEM_MEMORY_MAP 9
#define XEN_XENMEM_MACHINE_MEMORY_MAP 10
#define XEN_XENMEM_EXCHANGE 11
#define XEN_XENMEM_MACHPHYS_MAPPING 12
#define XEN_XENMEM_SET_MEMORY_MAP 13
#define XEN_XENMEM_MAXIMUM_GPFN 14
#define XEN_XENMEM_REMOVE_FROM_PHYSMAP 15
#define XEN_XENMEM_SET_POD_TARGET 16
#define XEN_XENMEM_GET_POD_TARGET 17
#define XEN_XENMEM_GET_SHARING_FREED_PAGES 18
#define XEN_XENMEM_GET_SHARING_SHARED_PAGES 19
#define XEN_XENMEM_ACCESS_OP 21
#define XEN_XENMEM_ADD_TO_PHYSMAP_BATCH 23
#define XEN_XENMEM_MACHPHYS_COMPAT_MFN_LIST 25
#define XEN_XENMEM_GET_VNUMAINFO 26
#define XEN_XENMEM_RESERVED_DEVICE_MEMORY_MAP 27
#define XEN_XENMEM_ACQUIRE_RESOURCE 28

/* Commands of physdev_op. */
#define XEN_PHYSDEVOP_IRQ_UNMASK_NOTIFY 4
#define XEN_PHYSDEVOP_IRQ_STATUS_QUERY 5
#define XEN_PHYSDEVOP_SET_IOPL 6
#define XEN_PHYSDEVOP_SET_IOBITMAP 7
#define XEN_PHYSDEVOP_APIC_READ 8
#define XEN_PHYSDEVOP_APIC_WRITE 9
#define XEN_PHYSDEVOP_ASSIGN_VECTOR 10
#define XEN_PHYSDEVOP_EOI 12
#define XEN_PHYSDEVOP_MAP_PIRQ 13
#define XEN_PHYSDEVOP_UNMAP_PIRQ 14
#define XEN_PHYSDEVOP_MANAGE_PCI_ADD 15
#define XEN_PHYSDEVOP_MANAGE_PCI_REMOVE 16
#define XEN_PHYSDEVOP_PIRQ_EOI_GMFN_V1 17
#define XEN_PHYSDEVOP_RESTORE_MSI 19
#define XEN_PHYSDEVOP_MANAGE_PCI_ADD_EXT 20
#define XEN_PHYSDEVOP_SETUP_GSI 21
#define XEN_PHYSDEVOP_GET_FREE_PIRQ 23
#define XEN_PHYSDEVOP_PCI_MMCFG_RESERVED 24
#define XEN_PHYSDEVOP_PCI_DEVICE_ADD 25
#define XEN_PHYSDEVOP_PCI_DEVICE_REMOVE 26
#define XEN_PHYSDEVOP_RESTORE_MSI_EXT 27
#define XEN_PHYSDEVOP_PIRQ_EOI_GMFN_V2 28
#define XEN_PHYSDEVOP_DBGP_OP 29
#define XEN_PHYSDEVOP_PREPARE_MSIX 30
#define XEN_PHYSDEVOP_RELEASE_MSIX 31

/* Commands of console_io. */
#define XEN_CONSOLEIO_WRITE 0
#define XEN_CONSOLEIO_READ 1

/* Commands of vm_assist. */
#define XEN_VM_ASSIST_ENABLE 0
#define XEN_VM_ASSIST_DISABLE 1

/* Types of vm_assist. */
#define XEN_ASSIST_TYPE_FOUR_GB_SEGMENTS 0
#define XEN_ASSIST_TYPE_FOUR_GB_SEGMENTS_NOTIFY 1
#define XEN_ASSIST_TYPE_WRITABLE_PAGETABLES 2
#define XEN_ASSIST_TYPE_PAE_EXTENDED_CR3 3
#define XEN_ASSIST_TYPE_ARCHITECTURAL_IOPL 4
#define XEN_ASSIST_TYPE_RUNSTATE_UPDATE_FLAG 5

/* Bit numbers in the answer of XENVER get_features, submap 0. */
#define XEN_FEATURE_WRITABLE_PAGE_TABLES 0
#define XEN_FEATURE_WRITABLE_DESCRIPTOR_TABLES 1
#define XEN_FEATURE_AUTO_TRANSLATED_PHYSMAP 2
#define XEN_FEATURE_SUPERVISOR_MODE_KERNEL 3
#define XEN_FEATURE_PAE_PGDIR_ABOVE_4GB 4
#define XEN_FEATURE_MMU_PT_UPDATE_PRESERVE_AD 5
#define XEN_FEATURE_HIGHMEM_ASSIST 6
#define XEN_FEATURE_GNTTAB_MAP_AVAIL_BITS 7
#define XEN_FEATURE_HVM_CALLBACK_VECTOR 8
#define XEN_FEATURE_HVM_SAFE_PVCLOCK 9
#define XEN_FEATURE_HVM_PIRQS 10
#define XEN_FEATURE_DOM0 11
#define XEN_FEATURE_GRANT_MAP_IDENTITY 12
#define XEN_FEATURE_MEMORY_OP_VNODE_SUPPORTED 13

/* Commands of nmi_op. */
#define XEN_NMI_OP_REGISTER_CALLBACK 0
#define XEN_NMI_OP_UNREGISTER_CALLBACK 1

/* Commands of callback_op. */
#define XEN_CALLBACK_OP_REGISTER 0
#define XEN_CALLBACK_OP_UNREGISTER 1

/* Types of callback_op. */
#define XEN_CALLBACK_TYPE_EVENT 0
#define XEN_CALLBACK_TYPE_FAILSAFE 1
#define XEN_CALLBACK_TYPE_SYSCALL 2
#define XEN_CALLBACK_TYPE_SYSENTER_DEPRECATED 3
#define XEN_CALLBACK_TYPE_NMI 4
#define XEN_CALLBACK_TYPE_SYSENTER 5
#define XEN_CALLBACK_TYPE_SYSCALL32 7

/* Flags of callback_op: mask events while the callback is entered. */
#define XEN_CALLBACK_FLAG_MASK_EVENTS 0x1

/* Domain numbers with a meaning of their own. */
#define XEN_DOMID_FIRST_RESERVED 0x7ff0
#define XEN_DOMID_SELF 0x7ff0
#define XEN_DOMID_IO 0x7ff1
#define XEN_DOMID_XEN 0x7ff2
#define XEN_DOMID_COW 0x7ff3
#define XEN_DOMID_INVALID 0x7ff4
#define XEN_DOMID_IDLE 0x7fff

/* Error numbers; a hypercall returns them negative. */
#define XEN_ERRNO_EPERM 1
#define XEN_ERRNO_ENOENT 2
#define XEN_ERRNO_ESRCH 3
#define XEN_ERRNO_ENXIO 6
#define XEN_ERRNO_E2BIG 7
#define XEN_ERRNO_EAGAIN 11
#define XEN_ERRNO_ENOMEM 12
#define XEN_ERRNO_EACCES 13
#define XEN_ERRNO_EFAULT 14
#define XEN_ERRNO_EBUSY 16
#define XEN_ERRNO_EEXIST 17
#define XEN_ERRNO_ENODEV 19
#define XEN_ERRNO_EINVAL 22
#define XEN_ERRNO_ENOSPC 28
#define XEN_ERRNO_ENOSYS 38
#define XEN_ERRNO_ENODATA 61
#define XEN_ERRNO_ETIME 62
#define XEN_ERRNO_EOPNOTSUPP 95
#define XEN_ERRNO_ENOBUFS 105

/* Types of ELF notes whose owner is ``Xen``. */
#define XEN_ELF_NOTE_INFO 0
#define XEN_ELF_NOTE_ENTRY 1
#define XEN_ELF_NOTE_HYPERCALL_PAGE 2
#define XEN_ELF_NOTE_VIRT_BASE 3
#define XEN_ELF_NOTE_PADDR_OFFSET 4
#define XEN_ELF_NOTE_XEN_VERSION 5
#define XEN_ELF_NOTE_GUEST_OS 6
#define XEN_ELF_NOTE_GUEST_VERSION 7
#define XEN_ELF_NOTE_LOADER 8
#define XEN_ELF_NOTE_PAE_MODE 9
#define XEN_ELF_NOTE_FEATURES 10
#define XEN_ELF_NOTE_BSD_SYMTAB 11
#define XEN_ELF_NOTE_HV_START_LOW 12
#define XEN_ELF_NOTE_L1_MFN_VALID 13
#define XEN_ELF_NOTE_SUSPEND_CANCEL 14
#define XEN_ELF_NOTE_INIT_P2M 15
#define XEN_ELF_NOTE_MOD_START_PFN 16
#define XEN_ELF_NOTE_SUPPORTED_FEATURES 17
#define XEN_ELF_NOTE_PHYS32_ENTRY 18

/* Bits of trap_info.flags. MASK_EVENTS (TI) sets upcall_mask at entry. */
#define XEN_TRAP_FLAG_DPL 0x3
#define XEN_TRAP_FLAG_MASK_EVENTS 0x4

/* Xen's own flat selectors, there in every GDT. */
#define XEN_SELECTOR_KERNEL_CS 0xe019
#define XEN_SELECTOR_KERNEL_DS 0xe021
#define XEN_SELECTOR_KERNEL_SS 0xe021
#define XEN_SELECTOR_USER_CS 0xe02b
#define XEN_SELECTOR_USER_DS 0xe033
#define XEN_SELECTOR_USER_SS 0xe033

/* Limits of set_gdt: frames, entries, and where Xen's reserved entries begin. */
#define XEN_GDT_FRAMES 16
#define XEN_GDT_FIRST_RESERVED_PAGE 14
#define XEN_GDT_FIRST_RESERVED_BYTE 0xe000
#define XEN_GDT_ENTRIES_MAX 0x1c00
#define XEN_GDT_LDT_ENTRIES_MAX 0x2000

/* Bits of start_info.flags. */
#define XEN_START_FLAG_PRIVILEGED 0x1
#define XEN_START_FLAG_INITDOMAIN 0x2
#define XEN_START_FLAG_MULTIBOOT_MOD 0x4
#define XEN_START_FLAG_MOD_START_PFN 0x8
#define XEN_START_FLAG_PM_MASK 0xff00

/* Bits of vcpu_guest_context.flags. */
#define XEN_CONTEXT_FLAG_I387_VALID 0x1
#define XEN_CONTEXT_FLAG_IN_KERNEL 0x4
#define XEN_CONTEXT_FLAG_FAILSAFE_DISABLES_EVENTS 0x8
#define XEN_CONTEXT_FLAG_ONLINE 0x20

/* The hypervisor's linear range on PAE, with the machine-to-phys table; a guest asks for the truth. */
#define XEN_HOLE_START 0xf5800000
#define XEN_HOLE_M2P_START 0xf5800000
#define XEN_HOLE_M2P_END 0xf6800000
#define XEN_HOLE_NON_PAE_START 0xfc000000

/* What our ROM keeps for itself below the hole, in every machine address space. */
#define XEN_WINDOW_START 0xf5400000
#define XEN_WINDOW_END 0xf5800000

/* How a hypercall is made, and how Xen is recognised (CPUID with the bytes 0F 0B 78 65 6E before). */
#define XEN_TRANSPORT_VECTOR 130
#define XEN_TRANSPORT_PAGE_ENTRY_SIZE 32
#define XEN_TRANSPORT_MSR_HYPERCALL_PAGE 0x40000000
#define XEN_TRANSPORT_CPUID_LEAF 0x40000000
#define XEN_TRANSPORT_CPUID_EBX 0x566e6558
#define XEN_TRANSPORT_CPUID_ECX 0x65584d4d
#define XEN_TRANSPORT_CPUID_EDX 0x4d4d566e

/* Numbers of the domain builder. */
#define XEN_BOOT_VERSION 0x40011
#define XEN_BOOT_MAPPING_ALIGN 0x400000
#define XEN_BOOT_MAPPING_SLACK 0x80000
#define XEN_BOOT_EFLAGS 0x202

/* struct xen_trap_info */
#define xen_trap_info_SIZE 8
#define xen_trap_info_OFF_vector 0
#define xen_trap_info_OFF_flags 1
#define xen_trap_info_OFF_cs 2
#define xen_trap_info_OFF_address 4

/* struct xen_mmu_update */
#define xen_mmu_update_SIZE 16
#define xen_mmu_update_OFF_ptr 0
#define xen_mmu_update_OFF_val 8

/* struct xen_mmuext_op */
#define xen_mmuext_op_SIZE 12
#define xen_mmuext_op_OFF_cmd 0
#define xen_mmuext_op_OFF_arg1 4
#define xen_mmuext_op_OFF_arg2 8

/* struct xen_multicall_entry */
#define xen_multicall_entry_SIZE 32
#define xen_multicall_entry_OFF_op 0
#define xen_multicall_entry_OFF_result 4
#define xen_multicall_entry_OFF_args 8

/* struct xen_memory_reservation */
#define xen_memory_reservation_SIZE 20
#define xen_memory_reservation_OFF_extent_start 0
#define xen_memory_reservation_OFF_nr_extents 4
#define xen_memory_reservation_OFF_extent_order 8
#define xen_memory_reservation_OFF_mem_flags 12
#define xen_memory_reservation_OFF_domid 16
#define xen_memory_reservation_OFF_pad 18

/* struct xen_machphys_mapping */
#define xen_machphys_mapping_SIZE 12
#define xen_machphys_mapping_OFF_v_start 0
#define xen_machphys_mapping_OFF_v_end 4
#define xen_machphys_mapping_OFF_max_mfn 8

/* struct xen_memory_map */
#define xen_memory_map_SIZE 8
#define xen_memory_map_OFF_nr_entries 0
#define xen_memory_map_OFF_buffer 4

/* struct xen_e820_entry */
#define xen_e820_entry_SIZE 20
#define xen_e820_entry_OFF_addr 0
#define xen_e820_entry_OFF_size 8
#define xen_e820_entry_OFF_type 16

/* struct xen_platform_parameters */
#define xen_platform_parameters_SIZE 4
#define xen_platform_parameters_OFF_virt_start 0

/* struct xen_feature_info */
#define xen_feature_info_SIZE 8
#define xen_feature_info_OFF_submap_idx 0
#define xen_feature_info_OFF_submap 4

/* struct xen_compile_info */
#define xen_compile_info_SIZE 144
#define xen_compile_info_OFF_compiler 0
#define xen_compile_info_OFF_compile_by 64
#define xen_compile_info_OFF_compile_domain 80
#define xen_compile_info_OFF_compile_date 112

/* struct xen_callback_register */
#define xen_callback_register_SIZE 12
#define xen_callback_register_OFF_type 0
#define xen_callback_register_OFF_flags 2
#define xen_callback_register_OFF_cs 4
#define xen_callback_register_OFF_eip 8

/* struct xen_callback_unregister */
#define xen_callback_unregister_SIZE 4
#define xen_callback_unregister_OFF_type 0
#define xen_callback_unregister_OFF_pad 2

/* struct xen_nmi_callback */
#define xen_nmi_callback_SIZE 8
#define xen_nmi_callback_OFF_handler_address 0
#define xen_nmi_callback_OFF_pad 4

/* struct xen_sched_shutdown */
#define xen_sched_shutdown_SIZE 4
#define xen_sched_shutdown_OFF_reason 0

/* struct xen_sched_poll */
#define xen_sched_poll_SIZE 16
#define xen_sched_poll_OFF_ports 0
#define xen_sched_poll_OFF_nr_ports 4
#define xen_sched_poll_OFF_timeout 8

/* struct xen_physdev_set_iopl */
#define xen_physdev_set_iopl_SIZE 4
#define xen_physdev_set_iopl_OFF_iopl 0

/* struct xen_physdev_set_iobitmap */
#define xen_physdev_set_iobitmap_SIZE 8
#define xen_physdev_set_iobitmap_OFF_bitmap 0
#define xen_physdev_set_iobitmap_OFF_nr_ports 4

/* struct xen_physdev_irq_status_query */
#define xen_physdev_irq_status_query_SIZE 8
#define xen_physdev_irq_status_query_OFF_irq 0
#define xen_physdev_irq_status_query_OFF_flags 4

/* struct xen_physdev_eoi */
#define xen_physdev_eoi_SIZE 4
#define xen_physdev_eoi_OFF_irq 0

/* struct xen_cpu_user_regs */
#define xen_cpu_user_regs_SIZE 68
#define xen_cpu_user_regs_OFF_ebx 0
#define xen_cpu_user_regs_OFF_ecx 4
#define xen_cpu_user_regs_OFF_edx 8
#define xen_cpu_user_regs_OFF_esi 12
#define xen_cpu_user_regs_OFF_edi 16
#define xen_cpu_user_regs_OFF_ebp 20
#define xen_cpu_user_regs_OFF_eax 24
#define xen_cpu_user_regs_OFF_error_code 28
#define xen_cpu_user_regs_OFF_entry_vector 30
#define xen_cpu_user_regs_OFF_eip 32
#define xen_cpu_user_regs_OFF_cs 36
#define xen_cpu_user_regs_OFF_saved_upcall_mask 38
#define xen_cpu_user_regs_OFF_pad0 39
#define xen_cpu_user_regs_OFF_eflags 40
#define xen_cpu_user_regs_OFF_esp 44
#define xen_cpu_user_regs_OFF_ss 48
#define xen_cpu_user_regs_OFF_pad1 50
#define xen_cpu_user_regs_OFF_es 52
#define xen_cpu_user_regs_OFF_pad2 54
#define xen_cpu_user_regs_OFF_ds 56
#define xen_cpu_user_regs_OFF_pad3 58
#define xen_cpu_user_regs_OFF_fs 60
#define xen_cpu_user_regs_OFF_pad4 62
#define xen_cpu_user_regs_OFF_gs 64
#define xen_cpu_user_regs_OFF_pad5 66

/* struct xen_vcpu_guest_context */
#define xen_vcpu_guest_context_SIZE 2800
#define xen_vcpu_guest_context_OFF_fpu_ctxt 0
#define xen_vcpu_guest_context_OFF_flags 512
#define xen_vcpu_guest_context_OFF_user_regs 516
#define xen_vcpu_guest_context_OFF_trap_ctxt 584
#define xen_vcpu_guest_context_OFF_ldt_base 2632
#define xen_vcpu_guest_context_OFF_ldt_ents 2636
#define xen_vcpu_guest_context_OFF_gdt_frames 2640
#define xen_vcpu_guest_context_OFF_gdt_ents 2704
#define xen_vcpu_guest_context_OFF_kernel_ss 2708
#define xen_vcpu_guest_context_OFF_kernel_sp 2712
#define xen_vcpu_guest_context_OFF_ctrlreg 2716
#define xen_vcpu_guest_context_OFF_debugreg 2748
#define xen_vcpu_guest_context_OFF_event_callback_cs 2780
#define xen_vcpu_guest_context_OFF_event_callback_eip 2784
#define xen_vcpu_guest_context_OFF_failsafe_callback_cs 2788
#define xen_vcpu_guest_context_OFF_failsafe_callback_eip 2792
#define xen_vcpu_guest_context_OFF_vm_assist 2796

/* struct xen_start_info */
#define xen_start_info_SIZE 1112
#define xen_start_info_OFF_magic 0
#define xen_start_info_OFF_nr_pages 32
#define xen_start_info_OFF_shared_info 36
#define xen_start_info_OFF_flags 40
#define xen_start_info_OFF_store_mfn 44
#define xen_start_info_OFF_store_evtchn 48
#define xen_start_info_OFF_console_mfn 52
#define xen_start_info_OFF_console_evtchn 56
#define xen_start_info_OFF_pt_base 60
#define xen_start_info_OFF_nr_pt_frames 64
#define xen_start_info_OFF_mfn_list 68
#define xen_start_info_OFF_mod_start 72
#define xen_start_info_OFF_mod_len 76
#define xen_start_info_OFF_cmd_line 80
#define xen_start_info_OFF_first_p2m_pfn 1104
#define xen_start_info_OFF_nr_p2m_frames 1108

/* struct xen_vcpu_time_info */
#define xen_vcpu_time_info_SIZE 32
#define xen_vcpu_time_info_OFF_version 0
#define xen_vcpu_time_info_OFF_pad0 4
#define xen_vcpu_time_info_OFF_tsc_timestamp 8
#define xen_vcpu_time_info_OFF_system_time 16
#define xen_vcpu_time_info_OFF_tsc_to_system_mul 24
#define xen_vcpu_time_info_OFF_tsc_shift 28
#define xen_vcpu_time_info_OFF_flags 29
#define xen_vcpu_time_info_OFF_pad1 30

/* struct xen_vcpu_info */
#define xen_vcpu_info_SIZE 64
#define xen_vcpu_info_OFF_evtchn_upcall_pending 0
#define xen_vcpu_info_OFF_evtchn_upcall_mask 1
#define xen_vcpu_info_OFF_pad 2
#define xen_vcpu_info_OFF_evtchn_pending_sel 4
#define xen_vcpu_info_OFF_arch_cr2 8
#define xen_vcpu_info_OFF_arch_pad 12
#define xen_vcpu_info_OFF_time 32

/* struct xen_shared_info */
#define xen_shared_info_SIZE 2344
#define xen_shared_info_OFF_vcpu_info 0
#define xen_shared_info_OFF_evtchn_pending 2048
#define xen_shared_info_OFF_evtchn_mask 2176
#define xen_shared_info_OFF_wc_version 2304
#define xen_shared_info_OFF_wc_sec 2308
#define xen_shared_info_OFF_wc_nsec 2312
#define xen_shared_info_OFF_arch_max_pfn 2316
#define xen_shared_info_OFF_arch_pfn_to_mfn_frame_list_list 2320
#define xen_shared_info_OFF_arch_nmi_reason 2324
#define xen_shared_info_OFF_arch_p2m_cr3 2328
#define xen_shared_info_OFF_arch_p2m_vaddr 2332
#define xen_shared_info_OFF_arch_p2m_generation 2336
#define xen_shared_info_OFF_arch_pad 2340

/* struct xen_vcpu_runstate_info */
#define xen_vcpu_runstate_info_SIZE 44
#define xen_vcpu_runstate_info_OFF_state 0
#define xen_vcpu_runstate_info_OFF_state_entry_time 4
#define xen_vcpu_runstate_info_OFF_time 12

/* struct xen_vcpu_set_singleshot_timer */
#define xen_vcpu_set_singleshot_timer_SIZE 12
#define xen_vcpu_set_singleshot_timer_OFF_timeout_abs_ns 0
#define xen_vcpu_set_singleshot_timer_OFF_flags 8

/* struct xen_vcpu_set_periodic_timer */
#define xen_vcpu_set_periodic_timer_SIZE 8
#define xen_vcpu_set_periodic_timer_OFF_period_ns 0

/* struct xen_vcpu_register_vcpu_info */
#define xen_vcpu_register_vcpu_info_SIZE 16
#define xen_vcpu_register_vcpu_info_OFF_mfn 0
#define xen_vcpu_register_vcpu_info_OFF_offset 8
#define xen_vcpu_register_vcpu_info_OFF_rsvd 12

/* struct xen_evtchn_bind_interdomain */
#define xen_evtchn_bind_interdomain_SIZE 12
#define xen_evtchn_bind_interdomain_OFF_remote_dom 0
#define xen_evtchn_bind_interdomain_OFF_pad 2
#define xen_evtchn_bind_interdomain_OFF_remote_port 4
#define xen_evtchn_bind_interdomain_OFF_local_port 8

/* struct xen_evtchn_bind_virq */
#define xen_evtchn_bind_virq_SIZE 12
#define xen_evtchn_bind_virq_OFF_virq 0
#define xen_evtchn_bind_virq_OFF_vcpu 4
#define xen_evtchn_bind_virq_OFF_port 8

/* struct xen_evtchn_bind_pirq */
#define xen_evtchn_bind_pirq_SIZE 12
#define xen_evtchn_bind_pirq_OFF_pirq 0
#define xen_evtchn_bind_pirq_OFF_flags 4
#define xen_evtchn_bind_pirq_OFF_port 8

/* struct xen_evtchn_bind_ipi */
#define xen_evtchn_bind_ipi_SIZE 8
#define xen_evtchn_bind_ipi_OFF_vcpu 0
#define xen_evtchn_bind_ipi_OFF_port 4

/* struct xen_evtchn_alloc_unbound */
#define xen_evtchn_alloc_unbound_SIZE 8
#define xen_evtchn_alloc_unbound_OFF_dom 0
#define xen_evtchn_alloc_unbound_OFF_remote_dom 2
#define xen_evtchn_alloc_unbound_OFF_port 4

/* struct xen_evtchn_bind_vcpu */
#define xen_evtchn_bind_vcpu_SIZE 8
#define xen_evtchn_bind_vcpu_OFF_port 0
#define xen_evtchn_bind_vcpu_OFF_vcpu 4

/* struct xen_evtchn_send */
#define xen_evtchn_send_SIZE 4
#define xen_evtchn_send_OFF_port 0

/* struct xen_evtchn_close */
#define xen_evtchn_close_SIZE 4
#define xen_evtchn_close_OFF_port 0

/* struct xen_evtchn_unmask */
#define xen_evtchn_unmask_SIZE 4
#define xen_evtchn_unmask_OFF_port 0

/* struct xen_evtchn_reset */
#define xen_evtchn_reset_SIZE 2
#define xen_evtchn_reset_OFF_dom 0

/* struct xen_evtchn_status */
#define xen_evtchn_status_SIZE 24
#define xen_evtchn_status_OFF_dom 0
#define xen_evtchn_status_OFF_pad 2
#define xen_evtchn_status_OFF_port 4
#define xen_evtchn_status_OFF_status 8
#define xen_evtchn_status_OFF_vcpu 12
#define xen_evtchn_status_OFF_u 16

/* struct xen_console_ring */
#define xen_console_ring_SIZE 3088
#define xen_console_ring_OFF_in_ring 0
#define xen_console_ring_OFF_out_ring 1024
#define xen_console_ring_OFF_in_cons 3072
#define xen_console_ring_OFF_in_prod 3076
#define xen_console_ring_OFF_out_cons 3080
#define xen_console_ring_OFF_out_prod 3084

#endif
