/* Generated from abi/ by `python -m vmirom.generate`; do not edit. */
#ifndef VMIROM_LGUEST_ASM_H
#define VMIROM_LGUEST_ASM_H

/* Numbers of the hypercalls. */
#define LGUEST_HCALL_FLUSH_ASYNC 0
#define LGUEST_HCALL_LGUEST_INIT 1
#define LGUEST_HCALL_SHUTDOWN 2
#define LGUEST_HCALL_NEW_PGTABLE 4
#define LGUEST_HCALL_FLUSH_TLB 5
#define LGUEST_HCALL_LOAD_IDT_ENTRY 6
#define LGUEST_HCALL_SET_STACK 7
#define LGUEST_HCALL_TS 8
#define LGUEST_HCALL_SET_CLOCKEVENT 9
#define LGUEST_HCALL_HALT 10
#define LGUEST_HCALL_SET_PMD 13
#define LGUEST_HCALL_SET_PTE 14
#define LGUEST_HCALL_SET_PGD 15
#define LGUEST_HCALL_LOAD_TLS 16
#define LGUEST_HCALL_NOTIFY 17
#define LGUEST_HCALL_LOAD_GDT_ENTRY 18
#define LGUEST_HCALL_SEND_INTERRUPTS 19

/* Numbers the host is built with. */
#define LGUEST_CONSTANTS_HYPERCALL_VECTOR 31
#define LGUEST_CONSTANTS_GUEST_PRIVILEGE 1
#define LGUEST_CONSTANTS_KERNEL_CS 97
#define LGUEST_CONSTANTS_KERNEL_DS 105
#define LGUEST_CONSTANTS_SYSCALL_VECTOR 128
#define LGUEST_CONSTANTS_RING_SIZE 64
#define LGUEST_CONSTANTS_RING_FREE 255
#define LGUEST_CONSTANTS_RING_PENDING 0
#define LGUEST_CONSTANTS_INTERRUPTS 32
#define LGUEST_CONSTANTS_FIRST_INTERRUPT_VECTOR 32
#define LGUEST_CONSTANTS_CLOCK_INTERRUPT 0
#define LGUEST_CONSTANTS_IRQ_ENABLED 0x200
#define LGUEST_CONSTANTS_STACK_PAGES_MAX 2
#define LGUEST_CONSTANTS_SHADOWS 4
#define LGUEST_CONSTANTS_IDT_ENTRIES 0x100
#define LGUEST_CONSTANTS_CLOCK_DELTA_MIN 100
#define LGUEST_CONSTANTS_CLOCK_DELTA_MAX 0xffffffff
#define LGUEST_CONSTANTS_MESSAGE_SIZE 128
#define LGUEST_CONSTANTS_DEVICE_PAGES_MAX 0x100

/* What the host keeps of linear space, without and with PAE. */
#define LGUEST_HOLE_START 0xffc00000
#define LGUEST_HOLE_SIZE 0x400000
#define LGUEST_HOLE_PAE_START 0xffe00000
#define LGUEST_HOLE_PAE_SIZE 0x200000
#define LGUEST_HOLE_TOP_INDEX 0x3ff
#define LGUEST_HOLE_PAE_TOP_INDEX 3

/* Entries of the guest's GDT that have a meaning for the host. */
#define LGUEST_GDT_TLS_FIRST 6
#define LGUEST_GDT_TLS_COUNT 3
#define LGUEST_GDT_HOST_CODE 10
#define LGUEST_GDT_HOST_DATA 11
#define LGUEST_GDT_KERNEL_CODE 12
#define LGUEST_GDT_KERNEL_DATA 13
#define LGUEST_GDT_TSS 16
#define LGUEST_GDT_DOUBLE_FAULT_TSS 31
#define LGUEST_GDT_ENTRIES 32

/* Gate types LOAD_IDT_ENTRY takes. */
#define LGUEST_GATE_TYPE_INTERRUPT 14
#define LGUEST_GATE_TYPE_TRAP 15

/* Flags of a directory entry that the host allows; with any other bit it kills. */
#define LGUEST_ENTRY_FLAG_ALLOWED 0x67
#define LGUEST_ENTRY_FLAG_BOOT 0x7

/* Argument of FLUSH_TLB. */
#define LGUEST_FLUSH_TLB_USER 0
#define LGUEST_FLUSH_TLB_ALL 1

/* Second argument of SHUTDOWN. */
#define LGUEST_SHUTDOWN_REASON_POWEROFF 1
#define LGUEST_SHUTDOWN_REASON_RESTART 2

/* boot_params.hardware_subarch. */
#define LGUEST_SUBARCH_PC 0
#define LGUEST_SUBARCH_LGUEST 1
#define LGUEST_SUBARCH_XEN 2

/* What the launcher puts into boot_params, and where things lie. */
#define LGUEST_BOOT_PARAMS_GPA 0
#define LGUEST_BOOT_COMMAND_LINE_GPA 0x1000
#define LGUEST_BOOT_VERSION 0x207
#define LGUEST_BOOT_KEEP_SEGMENTS 64
#define LGUEST_BOOT_LOADER_TYPE 255
#define LGUEST_BOOT_E820_RAM 1
#define LGUEST_BOOT_BOOT_FLAG 0xaa55
#define LGUEST_BOOT_HEADER_MAGIC 0x53726448
#define LGUEST_BOOT_LINEAR_BASE 0xc0000000
#define LGUEST_BOOT_EFLAGS 0x202

/* First word written to /dev/lguest. */
#define LGUEST_REQUEST_INITIALIZE 0
#define LGUEST_REQUEST_IRQ 2
#define LGUEST_REQUEST_EVENTFD 4

/* Type of a device descriptor; 0 ends the list. */
#define LGUEST_DEVICE_TYPE_END 0
#define LGUEST_DEVICE_TYPE_NET 1
#define LGUEST_DEVICE_TYPE_BLOCK 2
#define LGUEST_DEVICE_TYPE_CONSOLE 3
#define LGUEST_DEVICE_TYPE_ENTROPY 4

/* Status byte of a device descriptor (virtio's); 0 resets. */
#define LGUEST_DEVICE_STATUS_ACKNOWLEDGE 0x1
#define LGUEST_DEVICE_STATUS_DRIVER 0x2
#define LGUEST_DEVICE_STATUS_DRIVER_OK 0x4
#define LGUEST_DEVICE_STATUS_FAILED 0x80

/* Size of a queue. */
#define LGUEST_VRING_ENTRIES 0x100
#define LGUEST_VRING_ALIGN 0x1000
#define LGUEST_VRING_PAGES 3

/* Flags of a ring descriptor. */
#define LGUEST_VRING_DESC_FLAG_NEXT 0x1
#define LGUEST_VRING_DESC_FLAG_WRITE 0x2

/* struct lguest_hcall_args */
#define lguest_hcall_args_SIZE 20
#define lguest_hcall_args_OFF_arg0 0
#define lguest_hcall_args_OFF_arg1 4
#define lguest_hcall_args_OFF_arg2 8
#define lguest_hcall_args_OFF_arg3 12
#define lguest_hcall_args_OFF_arg4 16

/* struct lguest_data */
#define lguest_data_SIZE 1396
#define lguest_data_OFF_irq_enabled 0
#define lguest_data_OFF_blocked_interrupts 4
#define lguest_data_OFF_cr2 8
#define lguest_data_OFF_time_sec 12
#define lguest_data_OFF_time_nsec 16
#define lguest_data_OFF_irq_pending 20
#define lguest_data_OFF_hcall_status 24
#define lguest_data_OFF_hcalls 88
#define lguest_data_OFF_reserve_mem 1368
#define lguest_data_OFF_tsc_khz 1372
#define lguest_data_OFF_pgdir 1376
#define lguest_data_OFF_noirq_start 1380
#define lguest_data_OFF_noirq_end 1384
#define lguest_data_OFF_kernel_address 1388
#define lguest_data_OFF_syscall_vec 1392

/* struct lguest_e820_entry */
#define lguest_e820_entry_SIZE 20
#define lguest_e820_entry_OFF_addr 0
#define lguest_e820_entry_OFF_size 8
#define lguest_e820_entry_OFF_type 16

/* struct lguest_boot_params */
#define lguest_boot_params_SIZE 4096
#define lguest_boot_params_OFF_pad_000 0
#define lguest_boot_params_OFF_e820_entries 488
#define lguest_boot_params_OFF_pad_1e9 489
#define lguest_boot_params_OFF_setup_sects 497
#define lguest_boot_params_OFF_root_flags 498
#define lguest_boot_params_OFF_syssize 500
#define lguest_boot_params_OFF_ram_size 504
#define lguest_boot_params_OFF_vid_mode 506
#define lguest_boot_params_OFF_root_dev 508
#define lguest_boot_params_OFF_boot_flag 510
#define lguest_boot_params_OFF_jump 512
#define lguest_boot_params_OFF_header 514
#define lguest_boot_params_OFF_version 518
#define lguest_boot_params_OFF_realmode_swtch 520
#define lguest_boot_params_OFF_start_sys 524
#define lguest_boot_params_OFF_kernel_version 526
#define lguest_boot_params_OFF_type_of_loader 528
#define lguest_boot_params_OFF_loadflags 529
#define lguest_boot_params_OFF_setup_move_size 530
#define lguest_boot_params_OFF_code32_start 532
#define lguest_boot_params_OFF_ramdisk_image 536
#define lguest_boot_params_OFF_ramdisk_size 540
#define lguest_boot_params_OFF_bootsect_kludge 544
#define lguest_boot_params_OFF_heap_end_ptr 548
#define lguest_boot_params_OFF_pad_226 550
#define lguest_boot_params_OFF_cmd_line_ptr 552
#define lguest_boot_params_OFF_initrd_addr_max 556
#define lguest_boot_params_OFF_kernel_alignment 560
#define lguest_boot_params_OFF_relocatable_kernel 564
#define lguest_boot_params_OFF_pad_235 565
#define lguest_boot_params_OFF_cmdline_size 568
#define lguest_boot_params_OFF_hardware_subarch 572
#define lguest_boot_params_OFF_hardware_subarch_data 576
#define lguest_boot_params_OFF_pad_248 584
#define lguest_boot_params_OFF_e820_map 720
#define lguest_boot_params_OFF_pad_cd0 3280

/* struct lguest_device_desc */
#define lguest_device_desc_SIZE 5
#define lguest_device_desc_OFF_type 0
#define lguest_device_desc_OFF_num_vq 1
#define lguest_device_desc_OFF_feature_len 2
#define lguest_device_desc_OFF_config_len 3
#define lguest_device_desc_OFF_status 4

/* struct lguest_vqconfig */
#define lguest_vqconfig_SIZE 8
#define lguest_vqconfig_OFF_num 0
#define lguest_vqconfig_OFF_irq 2
#define lguest_vqconfig_OFF_pfn 4

/* struct lguest_vring_desc */
#define lguest_vring_desc_SIZE 16
#define lguest_vring_desc_OFF_addr 0
#define lguest_vring_desc_OFF_len 8
#define lguest_vring_desc_OFF_flags 12
#define lguest_vring_desc_OFF_next 14

/* struct lguest_vring_avail */
#define lguest_vring_avail_SIZE 516
#define lguest_vring_avail_OFF_flags 0
#define lguest_vring_avail_OFF_idx 2
#define lguest_vring_avail_OFF_ring 4

/* struct lguest_vring_used_elem */
#define lguest_vring_used_elem_SIZE 8
#define lguest_vring_used_elem_OFF_id 0
#define lguest_vring_used_elem_OFF_len 4

/* struct lguest_vring_used */
#define lguest_vring_used_SIZE 2052
#define lguest_vring_used_OFF_flags 0
#define lguest_vring_used_OFF_idx 2
#define lguest_vring_used_OFF_ring 4

#endif
