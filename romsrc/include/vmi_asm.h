/* Generated from abi/ by `python -m vmirom.generate`; do not edit. */
#ifndef VMIROM_VMI_ASM_H
#define VMIROM_VMI_ASM_H

/* Numbers of the paravirt calls. */
#define VMI_CALL_CPUID 0
#define VMI_CALL_WRMSR 1
#define VMI_CALL_RDMSR 2
#define VMI_CALL_SetGDT 3
#define VMI_CALL_SetLDT 4
#define VMI_CALL_SetIDT 5
#define VMI_CALL_SetTR 6
#define VMI_CALL_GetGDT 7
#define VMI_CALL_GetLDT 8
#define VMI_CALL_GetIDT 9
#define VMI_CALL_GetTR 10
#define VMI_CALL_WriteGDTEntry 11
#define VMI_CALL_WriteLDTEntry 12
#define VMI_CALL_WriteIDTEntry 13
#define VMI_CALL_UpdateKernelStack 14
#define VMI_CALL_SetCR0 15
#define VMI_CALL_SetCR2 16
#define VMI_CALL_SetCR3 17
#define VMI_CALL_SetCR4 18
#define VMI_CALL_GetCR0 19
#define VMI_CALL_GetCR2 20
#define VMI_CALL_GetCR3 21
#define VMI_CALL_GetCR4 22
#define VMI_CALL_WBINVD 23
#define VMI_CALL_SetDR 24
#define VMI_CALL_GetDR 25
#define VMI_CALL_RDPMC 26
#define VMI_CALL_RDTSC 27
#define VMI_CALL_CLTS 28
#define VMI_CALL_EnableInterrupts 29
#define VMI_CALL_DisableInterrupts 30
#define VMI_CALL_GetInterruptMask 31
#define VMI_CALL_SetInterruptMask 32
#define VMI_CALL_IRET 33
#define VMI_CALL_SYSEXIT 34
#define VMI_CALL_Halt 35
#define VMI_CALL_Reboot 36
#define VMI_CALL_Shutdown 37
#define VMI_CALL_SetPxE 38
#define VMI_CALL_SetPxELong 39
#define VMI_CALL_UpdatePxE 40
#define VMI_CALL_UpdatePxELong 41
#define VMI_CALL_MachineToPhysical 42
#define VMI_CALL_PhysicalToMachine 43
#define VMI_CALL_AllocatePage 44
#define VMI_CALL_ReleasePage 45
#define VMI_CALL_InvalPage 46
#define VMI_CALL_FlushTLB 47
#define VMI_CALL_SetLinearMapping 48
#define VMI_CALL_INL 49
#define VMI_CALL_INB 50
#define VMI_CALL_INW 51
#define VMI_CALL_INSL 52
#define VMI_CALL_INSB 53
#define VMI_CALL_INSW 54
#define VMI_CALL_OUTL 55
#define VMI_CALL_OUTB 56
#define VMI_CALL_OUTW 57
#define VMI_CALL_OUTSL 58
#define VMI_CALL_OUTSB 59
#define VMI_CALL_OUTSW 60
#define VMI_CALL_SetIOPLMask 61
#define VMI_CALL_SetInitialAPState 62
#define VMI_CALL_APICWrite 63
#define VMI_CALL_APICRead 64
#define VMI_CALL_IODelay 65
#define VMI_CALL_GetCycleFrequency 66
#define VMI_CALL_GetCycleCounter 67
#define VMI_CALL_SetAlarm 68
#define VMI_CALL_CancelAlarm 69
#define VMI_CALL_GetWallclockTime 70
#define VMI_CALL_WallclockUpdated 71
#define VMI_CALL_SetCallbacks 72
#define VMI_CALL_SetLazyMode 73
#define VMI_CALL_GetRomInfo 74
#define VMI_CALL_GetCallInfo 75
#define VMI_CALL_SetCounters 76

/* What get_reloc answers in DL about a call. */
#define VMI_RELOC_NONE 0
#define VMI_RELOC_CALL_REL 1
#define VMI_RELOC_JUMP_REL 2
#define VMI_RELOC_NOP 3

/* Where a ROM is looked for, and what marks it. */
#define VMI_ROM_HEADER_ROM_SIGNATURE 0xaa55
#define VMI_ROM_HEADER_VROM_SIGNATURE 0x696d5663
#define VMI_ROM_HEADER_API_MAJOR 3
#define VMI_ROM_HEADER_LENGTH_UNIT 0x200
#define VMI_ROM_HEADER_SCAN_START 0xc0000
#define VMI_ROM_HEADER_SCAN_END 0xe0000
#define VMI_ROM_HEADER_SCAN_STEP 0x800
#define VMI_ROM_HEADER_INIT_OFFSET 128
#define VMI_ROM_HEADER_GET_RELOC_OFFSET 136
#define VMI_ROM_HEADER_PCI_SIGNATURE 0x52494350
#define VMI_ROM_HEADER_PCI_VENDOR 0x15ad
#define VMI_ROM_HEADER_PCI_DEVICE 0x801
#define VMI_ROM_HEADER_PCI_LAST_IMAGE 128
#define VMI_ROM_HEADER_PNP_SIGNATURE 0x506e5024

/* Level of a page table, in the flags of AllocatePage, ReleasePage, SetPxE and UpdatePxE. */
#define VMI_PAGE_TYPE_PT 0x1
#define VMI_PAGE_TYPE_PD 0x2
#define VMI_PAGE_TYPE_PDP 0x4
#define VMI_PAGE_TYPE_PML4 0x8

/* More flags of AllocatePage and ReleasePage. The bits mean other things in PteFlag. */
#define VMI_ALLOC_FLAG_PAE 0x10
#define VMI_ALLOC_FLAG_CLONE 0x20
#define VMI_ALLOC_FLAG_ZEROED 0x40

/* More flags of SetPxE and UpdatePxE. With CURRENT_AS, bits 31:12 hold the virtual address. */
#define VMI_PTE_FLAG_CURRENT_AS 0x10
#define VMI_PTE_FLAG_DEFER 0x20

/* Parts of the flags word of SetPxE and UpdatePxE. */
#define VMI_PTE_MASK_VA 0xfffff000
#define VMI_PTE_MASK_TYPE 15

/* Argument of FlushTLB; Linux passes TLB for user and TLB | GLOBAL for kernel mappings. */
#define VMI_FLUSH_TLB_TLB 0x1
#define VMI_FLUSH_TLB_GLOBAL 0x2

/* Argument of SetLazyMode. */
#define VMI_LAZY_MODE_NONE 0
#define VMI_LAZY_MODE_MMU 1
#define VMI_LAZY_MODE_CPU 2

/* The cycle counters. */
#define VMI_COUNTER_REAL 0
#define VMI_COUNTER_AVAILABLE 1
#define VMI_COUNTER_STOLEN 2

/* Flags of SetAlarm and CancelAlarm: low byte the counter; without WIRED_LVTT it raises IRQ 0. */
#define VMI_ALARM_COUNTER_MASK 0xff
#define VMI_ALARM_PERIODIC 0x100
#define VMI_ALARM_WIRED_LVTT 0x10000

/* Argument of Reboot. */
#define VMI_REBOOT_HOW_SOFT 0
#define VMI_REBOOT_HOW_HARD 1

/* Slots of SetLinearMapping as stock guests use them. */
#define VMI_LINEAR_SLOT_LOW_MEMORY 0
#define VMI_LINEAR_SLOT_KMAP_PTE0 1
#define VMI_LINEAR_SLOT_KMAP_PTE1 2
#define VMI_LINEAR_SLOT_COUNT 4

/* Bits of EFLAGS that calls speak of. */
#define VMI_EFLAGS_IF 0x200
#define VMI_EFLAGS_IOPL 0x3000
#define VMI_EFLAGS_VM 0x20000

/* Signatures of the structures of 3.1 (as little-endian words) and limits. */
#define VMI_CONST_ENTRY_MAGIC 0x33494d56
#define VMI_CONST_BOOT_INFO_MAGIC 0x42494d56
#define VMI_CONST_BUNDLE_MAGIC 0x44424d56
#define VMI_CONST_PRIVATE_MAGIC 0x56525056
#define VMI_CONST_LINE 3
#define VMI_CONST_SLOT_SIZE 16
#define VMI_CONST_BUILD_ID_SIZE 20
#define VMI_CONST_COMMAND_LINE_MAX 0x400
#define VMI_CONST_SEGMENTS_MAX 8
#define VMI_CONST_EINVAL 22

/* What GetCallInfo returns. */
#define VMI_ANSWER_ABSENT 0
#define VMI_ANSWER_NATIVE 1
#define VMI_ANSWER_NOTHING 2
#define VMI_ANSWER_TRANSLATED 3

/* The hypercall ABI that a ROM speaks. */
#define VMI_BACKEND_NATIVE 1
#define VMI_BACKEND_KVM 2
#define VMI_BACKEND_XEN 3
#define VMI_BACKEND_LGUEST 4

/* Values a guest writes to the exit port. */
#define VMI_EXIT_STATUS_SUCCESS 16
#define VMI_EXIT_STATUS_FAILURE 17
#define VMI_EXIT_STATUS_SKIP 18
#define VMI_EXIT_STATUS_ERROR 19

/* Ports that answer on every backend. */
#define VMI_PORT_PIC_MASTER 32
#define VMI_PORT_PIC_SLAVE 160
#define VMI_PORT_UART 0x3f8
#define VMI_PORT_EXIT 0x501

/* Types of ELF notes whose owner is ``VMI``. */
#define VMI_NOTE_TYPE_GUEST 1
#define VMI_NOTE_TYPE_BUNDLE 2

/* Flags of a guest segment, ELF's own. */
#define VMI_SEGMENT_FLAG_X 0x1
#define VMI_SEGMENT_FLAG_W 0x2
#define VMI_SEGMENT_FLAG_R 0x4

/* Entries of the GDT that every backend agrees on; a selector is eight times the entry, plus RPL. */
#define VMI_GUEST_GDT_TLS_FIRST 6
#define VMI_GUEST_GDT_TLS_LAST 8
#define VMI_GUEST_GDT_UNUSED_FIRST 10
#define VMI_GUEST_GDT_UNUSED_SECOND 11
#define VMI_GUEST_GDT_KERNEL_CS 12
#define VMI_GUEST_GDT_KERNEL_DS 13
#define VMI_GUEST_GDT_USER_CS 14
#define VMI_GUEST_GDT_USER_DS 15
#define VMI_GUEST_GDT_TSS 16
#define VMI_GUEST_GDT_LDT 17
#define VMI_GUEST_GDT_UNUSED_LAST 31

/* Guest-physical layout of a bundle: ROM and state pages in low memory, the guest above 1 MiB. */
#define VMI_LAYOUT_STATE_GPA 0x90000
#define VMI_LAYOUT_STATE_PAGES 15
#define VMI_LAYOUT_STATE_BUNDLE 0
#define VMI_LAYOUT_STATE_BOOT_INFO 1
#define VMI_LAYOUT_STATE_STACK 2
#define VMI_LAYOUT_STATE_SHARED 3
#define VMI_LAYOUT_STATE_ROM 4
#define VMI_LAYOUT_STATE_ROM_PAGES 4
#define VMI_LAYOUT_STATE_BACKEND 8
#define VMI_LAYOUT_BOOT_INFO_COMMAND_LINE 0x100
#define VMI_LAYOUT_ROM_GPA 0xc0000
#define VMI_LAYOUT_ROM_MAX 0x8000
#define VMI_LAYOUT_GUEST_GPA 0x100000
#define VMI_LAYOUT_LINEAR_BASE 0xc0000000

/* struct vmi_rom_header */
#define vmi_rom_header_SIZE 144
#define vmi_rom_header_OFF_rom_signature 0
#define vmi_rom_header_OFF_rom_length 2
#define vmi_rom_header_OFF_rom_entry 3
#define vmi_rom_header_OFF_rom_pad0 7
#define vmi_rom_header_OFF_vrom_signature 8
#define vmi_rom_header_OFF_api_version_minor 12
#define vmi_rom_header_OFF_api_version_major 13
#define vmi_rom_header_OFF_jump_slots 14
#define vmi_rom_header_OFF_reserved1 15
#define vmi_rom_header_OFF_virtual_top 16
#define vmi_rom_header_OFF_reserved2 20
#define vmi_rom_header_OFF_license_offset 22
#define vmi_rom_header_OFF_pci_header_offset 24
#define vmi_rom_header_OFF_pnp_header_offset 26
#define vmi_rom_header_OFF_rom_pad3 28
#define vmi_rom_header_OFF_reserved 32
#define vmi_rom_header_OFF_vmi_init 128
#define vmi_rom_header_OFF_get_reloc 136

/* struct vmi_pci_header */
#define vmi_pci_header_SIZE 24
#define vmi_pci_header_OFF_signature 0
#define vmi_pci_header_OFF_vendor_id 4
#define vmi_pci_header_OFF_device_id 6
#define vmi_pci_header_OFF_vpd_data 8
#define vmi_pci_header_OFF_length 10
#define vmi_pci_header_OFF_revision 12
#define vmi_pci_header_OFF_class_code 13
#define vmi_pci_header_OFF_subclass 14
#define vmi_pci_header_OFF_interface 15
#define vmi_pci_header_OFF_chunks 16
#define vmi_pci_header_OFF_rom_version_minor 18
#define vmi_pci_header_OFF_rom_version_major 19
#define vmi_pci_header_OFF_code_type 20
#define vmi_pci_header_OFF_last_rom 21
#define vmi_pci_header_OFF_reserved 22

/* struct vmi_pnp_header */
#define vmi_pnp_header_SIZE 18
#define vmi_pnp_header_OFF_signature 0
#define vmi_pnp_header_OFF_revision 4
#define vmi_pnp_header_OFF_length 5
#define vmi_pnp_header_OFF_next 6
#define vmi_pnp_header_OFF_reserved 8
#define vmi_pnp_header_OFF_device_id 10
#define vmi_pnp_header_OFF_manufacturer_offset 14
#define vmi_pnp_header_OFF_product_offset 16

/* struct vmi_relocation_info */
#define vmi_relocation_info_SIZE 8
#define vmi_relocation_info_OFF_eip 0
#define vmi_relocation_info_OFF_type 4
#define vmi_relocation_info_OFF_reserved 5

/* struct vmi_ap_state */
#define vmi_ap_state_SIZE 92
#define vmi_ap_state_OFF_cr0 0
#define vmi_ap_state_OFF_cr2 4
#define vmi_ap_state_OFF_cr3 8
#define vmi_ap_state_OFF_cr4 12
#define vmi_ap_state_OFF_efer 16
#define vmi_ap_state_OFF_eip 24
#define vmi_ap_state_OFF_eflags 28
#define vmi_ap_state_OFF_eax 32
#define vmi_ap_state_OFF_ebx 36
#define vmi_ap_state_OFF_ecx 40
#define vmi_ap_state_OFF_edx 44
#define vmi_ap_state_OFF_esp 48
#define vmi_ap_state_OFF_ebp 52
#define vmi_ap_state_OFF_esi 56
#define vmi_ap_state_OFF_edi 60
#define vmi_ap_state_OFF_cs 64
#define vmi_ap_state_OFF_ss 66
#define vmi_ap_state_OFF_ds 68
#define vmi_ap_state_OFF_es 70
#define vmi_ap_state_OFF_fs 72
#define vmi_ap_state_OFF_gs 74
#define vmi_ap_state_OFF_ldtr 76
#define vmi_ap_state_OFF_gdtr_limit 78
#define vmi_ap_state_OFF_gdtr_base 80
#define vmi_ap_state_OFF_idtr_base 84
#define vmi_ap_state_OFF_idtr_limit 88
#define vmi_ap_state_OFF_pad 90

/* struct vmi_dtr */
#define vmi_dtr_SIZE 6
#define vmi_dtr_OFF_limit 0
#define vmi_dtr_OFF_base 2

/* struct vmi_rom_private */
#define vmi_rom_private_SIZE 64
#define vmi_rom_private_OFF_magic 0
#define vmi_rom_private_OFF_state_gpa 4
#define vmi_rom_private_OFF_state_pages 8
#define vmi_rom_private_OFF_rom_gpa 12
#define vmi_rom_private_OFF_backend 16
#define vmi_rom_private_OFF_boot_entry 20
#define vmi_rom_private_OFF_pvh_entry 24
#define vmi_rom_private_OFF_slots_offset 28
#define vmi_rom_private_OFF_slots_count 32
#define vmi_rom_private_OFF_slot_size 34
#define vmi_rom_private_OFF_features 36
#define vmi_rom_private_OFF_build_id 40
#define vmi_rom_private_OFF_fast_offset 60

/* struct vmi_boot_info */
#define vmi_boot_info_SIZE 68
#define vmi_boot_info_OFF_magic 0
#define vmi_boot_info_OFF_size 4
#define vmi_boot_info_OFF_abi_minor 8
#define vmi_boot_info_OFF_abi_major 10
#define vmi_boot_info_OFF_flags 12
#define vmi_boot_info_OFF_mem_pages 16
#define vmi_boot_info_OFF_first_free_pfn 20
#define vmi_boot_info_OFF_root_gpa 24
#define vmi_boot_info_OFF_rom_gpa 28
#define vmi_boot_info_OFF_rom_length 32
#define vmi_boot_info_OFF_state_gpa 36
#define vmi_boot_info_OFF_state_pages 40
#define vmi_boot_info_OFF_command_line_gpa 44
#define vmi_boot_info_OFF_command_line_length 48
#define vmi_boot_info_OFF_initrd_gpa 52
#define vmi_boot_info_OFF_initrd_length 56
#define vmi_boot_info_OFF_virtual_top 60
#define vmi_boot_info_OFF_backend 64

/* struct vmi_segment */
#define vmi_segment_SIZE 12
#define vmi_segment_OFF_gpa 0
#define vmi_segment_OFF_length 4
#define vmi_segment_OFF_flags 8

/* struct vmi_bundle */
#define vmi_bundle_SIZE 120
#define vmi_bundle_OFF_magic 0
#define vmi_bundle_OFF_size 4
#define vmi_bundle_OFF_entry 8
#define vmi_bundle_OFF_image_start_gpa 12
#define vmi_bundle_OFF_image_end_gpa 16
#define vmi_bundle_OFF_nr_segments 20
#define vmi_bundle_OFF_segments 24

/* struct vmi_rom_info */
#define vmi_rom_info_SIZE 44
#define vmi_rom_info_OFF_size 0
#define vmi_rom_info_OFF_abi_minor 4
#define vmi_rom_info_OFF_abi_major 6
#define vmi_rom_info_OFF_backend 8
#define vmi_rom_info_OFF_features 12
#define vmi_rom_info_OFF_rom_gpa 16
#define vmi_rom_info_OFF_rom_length 20
#define vmi_rom_info_OFF_build_id 24

/* struct vmi_guest_note */
#define vmi_guest_note_SIZE 16
#define vmi_guest_note_OFF_line 0
#define vmi_guest_note_OFF_abi_major 4
#define vmi_guest_note_OFF_abi_minor 6
#define vmi_guest_note_OFF_entry 8
#define vmi_guest_note_OFF_features 12

/* struct vmi_bundle_note */
#define vmi_bundle_note_SIZE 72
#define vmi_bundle_note_OFF_backend 0
#define vmi_bundle_note_OFF_abi_major 4
#define vmi_bundle_note_OFF_abi_minor 6
#define vmi_bundle_note_OFF_guest_sha256 8
#define vmi_bundle_note_OFF_rom_sha256 40

/* struct vmi_note_header */
#define vmi_note_header_SIZE 16
#define vmi_note_header_OFF_name_size 0
#define vmi_note_header_OFF_descriptor_size 4
#define vmi_note_header_OFF_type 8
#define vmi_note_header_OFF_name 12

#endif
