/* Generated from abi/ by `python -m vmirom.generate`; do not edit. */
#ifndef VMIROM_NATIVE_ASM_H
#define VMIROM_NATIVE_ASM_H

/* Ports of the 8259 pair, and how the two are wired. */
#define NATIVE_PIC_MASTER_COMMAND 32
#define NATIVE_PIC_MASTER_DATA 33
#define NATIVE_PIC_SLAVE_COMMAND 160
#define NATIVE_PIC_SLAVE_DATA 161
#define NATIVE_PIC_MASTER_ELCR 0x4d0
#define NATIVE_PIC_SLAVE_ELCR 0x4d1
#define NATIVE_PIC_CASCADE_IRQ 2
#define NATIVE_PIC_IRQS 16

/* Bits of the first initialisation word. */
#define NATIVE_PIC_ICW1_ICW4 0x1
#define NATIVE_PIC_ICW1_SINGLE 0x2
#define NATIVE_PIC_ICW1_LEVEL 0x8
#define NATIVE_PIC_ICW1_INIT 0x10

/* Bits of the fourth initialisation word. */
#define NATIVE_PIC_ICW4_MODE_8086 0x1
#define NATIVE_PIC_ICW4_AUTO_EOI 0x2
#define NATIVE_PIC_ICW4_SPECIAL_NESTED 0x10

/* Bits of operation word 2. */
#define NATIVE_PIC_OCW2_LEVEL_MASK 0x7
#define NATIVE_PIC_OCW2_EOI 0x20
#define NATIVE_PIC_OCW2_SPECIFIC 0x40
#define NATIVE_PIC_OCW2_ROTATE 0x80

/* Bits of operation word 3, by the names of the data sheet. */
#define NATIVE_PIC_OCW3_RIS 0x1
#define NATIVE_PIC_OCW3_RR 0x2
#define NATIVE_PIC_OCW3_POLL 0x4
#define NATIVE_PIC_OCW3_OCW3 0x8
#define NATIVE_PIC_OCW3_SMM 0x20
#define NATIVE_PIC_OCW3_ESMM 0x40

/* Ports of the 8254, and its rate in Hz. */
#define NATIVE_PIT_CHANNEL0 64
#define NATIVE_PIT_CHANNEL1 65
#define NATIVE_PIT_CHANNEL2 66
#define NATIVE_PIT_COMMAND 67
#define NATIVE_PIT_SPEAKER 97
#define NATIVE_PIT_IRQ 0
#define NATIVE_PIT_HZ 0x1234de

/* Parts of the 8254's control word. */
#define NATIVE_PIT_COMMAND_LATCH 0
#define NATIVE_PIT_COMMAND_LOW 16
#define NATIVE_PIT_COMMAND_HIGH 32
#define NATIVE_PIT_COMMAND_LOW_HIGH 48
#define NATIVE_PIT_COMMAND_MODE0 0
#define NATIVE_PIT_COMMAND_MODE1 2
#define NATIVE_PIT_COMMAND_MODE2 4
#define NATIVE_PIT_COMMAND_MODE3 6
#define NATIVE_PIT_COMMAND_MODE4 8
#define NATIVE_PIT_COMMAND_MODE5 10
#define NATIVE_PIT_COMMAND_BCD 1
#define NATIVE_PIT_COMMAND_CHANNEL1 64
#define NATIVE_PIT_COMMAND_CHANNEL2 128
#define NATIVE_PIT_COMMAND_READ_BACK 192
#define NATIVE_PIT_COMMAND_READ_BACK_NO_COUNT 32
#define NATIVE_PIT_COMMAND_READ_BACK_NO_STATUS 16
#define NATIVE_PIT_COMMAND_READ_BACK_CHANNEL0 2

/* The byte that the read-back command latches; the rest is the control word. */
#define NATIVE_PIT_STATUS_OUT 0x80
#define NATIVE_PIT_STATUS_NULL_COUNT 0x40

/* Bits of port PIT.SPEAKER. */
#define NATIVE_SPEAKER_GATE 0x1
#define NATIVE_SPEAKER_DATA 0x2
#define NATIVE_SPEAKER_REFRESH 0x10
#define NATIVE_SPEAKER_OUT 0x20

/* Registers of the 16550, as offsets from the base port. */
#define NATIVE_UART_BASE 0x3f8
#define NATIVE_UART_IRQ 4
#define NATIVE_UART_DATA 0
#define NATIVE_UART_DIVISOR_LOW 0
#define NATIVE_UART_IER 1
#define NATIVE_UART_DIVISOR_HIGH 1
#define NATIVE_UART_IIR 2
#define NATIVE_UART_FCR 2
#define NATIVE_UART_LCR 3
#define NATIVE_UART_MCR 4
#define NATIVE_UART_LSR 5
#define NATIVE_UART_MSR 6
#define NATIVE_UART_SCRATCH 7
#define NATIVE_UART_PORTS 8
#define NATIVE_UART_FIFO 16

/* Interrupt enable register. */
#define NATIVE_UART_IER_RECEIVE 0x1
#define NATIVE_UART_IER_TRANSMIT 0x2
#define NATIVE_UART_IER_LINE 0x4
#define NATIVE_UART_IER_MODEM 0x8

/* Interrupt identification register. */
#define NATIVE_UART_IIR_NONE 1
#define NATIVE_UART_IIR_TRANSMIT 2
#define NATIVE_UART_IIR_RECEIVE 4
#define NATIVE_UART_IIR_LINE 6
#define NATIVE_UART_IIR_TIMEOUT 12
#define NATIVE_UART_IIR_FIFO_ENABLED 192

/* FIFO control register. */
#define NATIVE_UART_FCR_ENABLE 0x1
#define NATIVE_UART_FCR_CLEAR_RECEIVE 0x2
#define NATIVE_UART_FCR_CLEAR_TRANSMIT 0x4
#define NATIVE_UART_FCR_TRIGGER 0xc0

/* Line control register. */
#define NATIVE_UART_LCR_WORD_8 0x3
#define NATIVE_UART_LCR_DLAB 0x80

/* Modem control register. */
#define NATIVE_UART_MCR_DTR 0x1
#define NATIVE_UART_MCR_RTS 0x2
#define NATIVE_UART_MCR_OUT1 0x4
#define NATIVE_UART_MCR_OUT2 0x8
#define NATIVE_UART_MCR_LOOP 0x10

/* Line status register. */
#define NATIVE_UART_LSR_DATA_READY 0x1
#define NATIVE_UART_LSR_OVERRUN 0x2
#define NATIVE_UART_LSR_TRANSMIT_EMPTY 0x20
#define NATIVE_UART_LSR_IDLE 0x40

/* Modem status register, without the change bits. */
#define NATIVE_UART_MSR_CTS 0x10
#define NATIVE_UART_MSR_DSR 0x20
#define NATIVE_UART_MSR_RING 0x40
#define NATIVE_UART_MSR_CARRIER 0x80

/* Ports and registers of the real-time clock. */
#define NATIVE_CMOS_INDEX 112
#define NATIVE_CMOS_DATA 113
#define NATIVE_CMOS_SECONDS 0
#define NATIVE_CMOS_MINUTES 2
#define NATIVE_CMOS_HOURS 4
#define NATIVE_CMOS_WEEKDAY 6
#define NATIVE_CMOS_DAY 7
#define NATIVE_CMOS_MONTH 8
#define NATIVE_CMOS_YEAR 9
#define NATIVE_CMOS_STATUS_A 10
#define NATIVE_CMOS_STATUS_B 11
#define NATIVE_CMOS_STATUS_C 12
#define NATIVE_CMOS_STATUS_D 13
#define NATIVE_CMOS_SHUTDOWN 15
#define NATIVE_CMOS_BASE_MEMORY 21
#define NATIVE_CMOS_EXTENDED_MEMORY 23
#define NATIVE_CMOS_EXTENDED_MEMORY_FOUND 48
#define NATIVE_CMOS_HIGH_MEMORY 52
#define NATIVE_CMOS_CENTURY 50

/* Bits of the clock's status register A. */
#define NATIVE_CMOS_STATUS_A_UPDATING 0x80

/* Bits of the clock's status register B. */
#define NATIVE_CMOS_STATUS_B_HOURS_24 0x2
#define NATIVE_CMOS_STATUS_B_BINARY 0x4
#define NATIVE_CMOS_STATUS_B_SET 0x80

/* Bits of the clock's status register C. */
#define NATIVE_CMOS_STATUS_C_INTERRUPT 0x80

/* Bits of the clock's status register D. */
#define NATIVE_CMOS_STATUS_D_VALID 0x80

/* Ways to start the machine over. */
#define NATIVE_RESET_KEYBOARD_PORT 100
#define NATIVE_RESET_KEYBOARD_PULSE 254
#define NATIVE_RESET_CONTROL_PORT 0xcf9
#define NATIVE_RESET_CONTROL_HARD 6
#define NATIVE_RESET_CONTROL_RESET 4
#define NATIVE_RESET_FAST_PORT 146
#define NATIVE_RESET_FAST_INIT 1
#define NATIVE_RESET_FAST_A20 2

/* Commands of the 8042 on port Reset.KEYBOARD_PORT; its data port is Port.KEYBOARD_DATA. */
#define NATIVE_KEYBOARD_READ_MODE 32
#define NATIVE_KEYBOARD_WRITE_MODE 96
#define NATIVE_KEYBOARD_SELF_TEST 170
#define NATIVE_KEYBOARD_SELF_TEST_PASSED 85
#define NATIVE_KEYBOARD_READ_OUTPUT 208
#define NATIVE_KEYBOARD_WRITE_OUTPUT 209
#define NATIVE_KEYBOARD_A20_OFF 221
#define NATIVE_KEYBOARD_A20_ON 223
#define NATIVE_KEYBOARD_PULSE 240

/* Status of the 8042. */
#define NATIVE_KEYBOARD_STATUS_OUTPUT_FULL 0x1
#define NATIVE_KEYBOARD_STATUS_SYSTEM 0x4

/* The 8042's output port; the reset line is active low. */
#define NATIVE_KEYBOARD_OUTPUT_RUN 0x1
#define NATIVE_KEYBOARD_OUTPUT_A20 0x2

/* The isa-debug-exit device: a write of v ends QEMU with status 2v + 1. */
#define NATIVE_EXIT_PORT 0x501
#define NATIVE_EXIT_SIZE 2

/* Power off through the PIIX4's PM1a control register (ports of ``-M pc``). */
#define NATIVE_ACPI_PM1A_EVENT 0x600
#define NATIVE_ACPI_PM1A_CONTROL 0x604
#define NATIVE_ACPI_PM1A_TIMER 0x608
#define NATIVE_ACPI_SLEEP_ENABLE 0x2000
#define NATIVE_ACPI_SLEEP_TYPE 0x1c00
#define NATIVE_ACPI_TIMER_HZ 0x369e99

/* Other ports. */
#define NATIVE_PORT_POST 128
#define NATIVE_PORT_IO_DELAY 128
#define NATIVE_PORT_KEYBOARD_DATA 96
#define NATIVE_PORT_DEBUG_CONSOLE 233
#define NATIVE_PORT_PCI_ADDRESS 0xcf8
#define NATIVE_PORT_PCI_DATA 0xcfc

/* PCI function 0:0.0 of Intel's chip sets: the register (PAM1) that says whether C0000h-C7FFFh is memory. Source: data sheets of the 82441FX (PAM registers at 59h) and of the 82Q35 (at 90h). */
#define NATIVE_HOST_BRIDGE_CONFIG_ENABLE 0x80000000
#define NATIVE_HOST_BRIDGE_I440FX 0x12378086
#define NATIVE_HOST_BRIDGE_Q35 0x29c08086
#define NATIVE_HOST_BRIDGE_I440FX_PAM1 90
#define NATIVE_HOST_BRIDGE_Q35_PAM1 145
#define NATIVE_HOST_BRIDGE_PAM_READ 17
#define NATIVE_HOST_BRIDGE_PAM_READ_WRITE 51

/* Registers of the local APIC, as byte offsets in its page. */
#define NATIVE_APIC_BASE 0xfee00000
#define NATIVE_APIC_ID 32
#define NATIVE_APIC_VERSION 48
#define NATIVE_APIC_TPR 128
#define NATIVE_APIC_PPR 160
#define NATIVE_APIC_EOI 176
#define NATIVE_APIC_LDR 208
#define NATIVE_APIC_DFR 224
#define NATIVE_APIC_SPURIOUS 240
#define NATIVE_APIC_ISR 0x100
#define NATIVE_APIC_TMR 0x180
#define NATIVE_APIC_IRR 0x200
#define NATIVE_APIC_ESR 0x280
#define NATIVE_APIC_ICR_LOW 0x300
#define NATIVE_APIC_ICR_HIGH 0x310
#define NATIVE_APIC_LVTT 0x320
#define NATIVE_APIC_LVT_THERMAL 0x330
#define NATIVE_APIC_LVT_PERFORMANCE 0x340
#define NATIVE_APIC_LVT0 0x350
#define NATIVE_APIC_LVT1 0x360
#define NATIVE_APIC_LVT_ERROR 0x370
#define NATIVE_APIC_INITIAL_COUNT 0x380
#define NATIVE_APIC_CURRENT_COUNT 0x390
#define NATIVE_APIC_DIVIDE 0x3e0

/* Bits of an entry of the local vector table, besides its fields. */
#define NATIVE_APIC_LVT_MASKED 0x10000
#define NATIVE_APIC_LVT_PERIODIC 0x20000
#define NATIVE_APIC_LVT_DEADLINE 0x40000

/* Bits of the interrupt command register, besides its fields. */
#define NATIVE_APIC_ICR_LOGICAL 0x800
#define NATIVE_APIC_ICR_PENDING 0x1000
#define NATIVE_APIC_ICR_ASSERT 0x4000
#define NATIVE_APIC_ICR_LEVEL 0x8000

/* Where fields of APIC registers lie; the shorthand is of the command register alone. */
#define NATIVE_APIC_FIELD_VECTOR 255
#define NATIVE_APIC_FIELD_DELIVERY 0x700
#define NATIVE_APIC_FIELD_SHORTHAND 0xc0000

/* Delivery modes, in their field. */
#define NATIVE_APIC_DELIVERY_LOWEST 0x100
#define NATIVE_APIC_DELIVERY_NMI 0x400
#define NATIVE_APIC_DELIVERY_INIT 0x500
#define NATIVE_APIC_DELIVERY_STARTUP 0x600
#define NATIVE_APIC_DELIVERY_EXTINT 0x700

/* To whom an interrupt goes without a destination, in its field. */
#define NATIVE_APIC_SHORTHAND_SELF 0x40000
#define NATIVE_APIC_SHORTHAND_OTHERS 0xc0000

/* Bits of the spurious interrupt's register. */
#define NATIVE_APIC_SPURIOUS_ENABLED 0x100

/* What the timer's clock is divided by. */
#define NATIVE_APIC_DIVIDE_BY_1 11

/* The 82093AA: registers in its page, what is reached through them, and the input of IRQ 0. Source: data sheet of the 82093AA; the input is a PC's since the MP specification. */
#define NATIVE_IO_APIC_BASE 0xfec00000
#define NATIVE_IO_APIC_SELECT 0
#define NATIVE_IO_APIC_WINDOW 16
#define NATIVE_IO_APIC_VERSION 1
#define NATIVE_IO_APIC_ENTRIES 16
#define NATIVE_IO_APIC_TIMER_INPUT 2
#define NATIVE_IO_APIC_MASKED 0x10000

/* Bits of a page-table entry; NX in PAE entries only. */
#define NATIVE_PTE_PRESENT 0x1
#define NATIVE_PTE_WRITE 0x2
#define NATIVE_PTE_USER 0x4
#define NATIVE_PTE_WRITE_THROUGH 0x8
#define NATIVE_PTE_NO_CACHE 0x10
#define NATIVE_PTE_ACCESSED 0x20
#define NATIVE_PTE_DIRTY 0x40
#define NATIVE_PTE_LARGE 0x80
#define NATIVE_PTE_GLOBAL 0x100
#define NATIVE_PTE_AVAILABLE 0xe00
#define NATIVE_PTE_NX 0x8000000000000000

/* Bits of CR0. */
#define NATIVE_CR0_PE 0x1
#define NATIVE_CR0_MP 0x2
#define NATIVE_CR0_EM 0x4
#define NATIVE_CR0_TS 0x8
#define NATIVE_CR0_ET 0x10
#define NATIVE_CR0_NE 0x20
#define NATIVE_CR0_WP 0x10000
#define NATIVE_CR0_AM 0x40000
#define NATIVE_CR0_NW 0x20000000
#define NATIVE_CR0_CD 0x40000000
#define NATIVE_CR0_PG 0x80000000

/* Bits of CR4. */
#define NATIVE_CR4_VME 0x1
#define NATIVE_CR4_PVI 0x2
#define NATIVE_CR4_TSD 0x4
#define NATIVE_CR4_DE 0x8
#define NATIVE_CR4_PSE 0x10
#define NATIVE_CR4_PAE 0x20
#define NATIVE_CR4_MCE 0x40
#define NATIVE_CR4_PGE 0x80
#define NATIVE_CR4_PCE 0x100
#define NATIVE_CR4_OSFXSR 0x200
#define NATIVE_CR4_OSXMMEXCPT 0x400

/* Model-specific registers of the processor. */
#define NATIVE_MSR_TSC 16
#define NATIVE_MSR_APIC_BASE 27
#define NATIVE_MSR_SYSENTER_CS 0x174
#define NATIVE_MSR_SYSENTER_ESP 0x175
#define NATIVE_MSR_SYSENTER_EIP 0x176
#define NATIVE_MSR_PAT 0x277
#define NATIVE_MSR_EFER 0xc0000080

/* Bits of the APIC_BASE register; the rest is the page's address. */
#define NATIVE_APIC_BASE_BOOT 0x100
#define NATIVE_APIC_BASE_X2APIC 0x400
#define NATIVE_APIC_BASE_ENABLE 0x800

/* Bits of EDX of CPUID leaf 1. */
#define NATIVE_CPUID_PSE 0x8
#define NATIVE_CPUID_PAE 0x40
#define NATIVE_CPUID_APIC 0x200
#define NATIVE_CPUID_PGE 0x2000
#define NATIVE_CPUID_CMOV 0x8000

/* Bits of EFER. */
#define NATIVE_EFER_SCE 0x1
#define NATIVE_EFER_LME 0x100
#define NATIVE_EFER_LMA 0x400
#define NATIVE_EFER_NXE 0x800

/* Bits of EFLAGS. */
#define NATIVE_EFLAGS_CF 0x1
#define NATIVE_EFLAGS_FIXED 0x2
#define NATIVE_EFLAGS_PF 0x4
#define NATIVE_EFLAGS_AF 0x10
#define NATIVE_EFLAGS_ZF 0x40
#define NATIVE_EFLAGS_SF 0x80
#define NATIVE_EFLAGS_TF 0x100
#define NATIVE_EFLAGS_IF 0x200
#define NATIVE_EFLAGS_DF 0x400
#define NATIVE_EFLAGS_OF 0x800
#define NATIVE_EFLAGS_IOPL 0x3000
#define NATIVE_EFLAGS_NT 0x4000
#define NATIVE_EFLAGS_RF 0x10000
#define NATIVE_EFLAGS_VM 0x20000
#define NATIVE_EFLAGS_AC 0x40000
#define NATIVE_EFLAGS_ID 0x200000

/* Exceptions of the processor. */
#define NATIVE_VECTOR_DE 0
#define NATIVE_VECTOR_DB 1
#define NATIVE_VECTOR_NMI 2
#define NATIVE_VECTOR_BP 3
#define NATIVE_VECTOR_OF 4
#define NATIVE_VECTOR_BR 5
#define NATIVE_VECTOR_UD 6
#define NATIVE_VECTOR_NM 7
#define NATIVE_VECTOR_DF 8
#define NATIVE_VECTOR_TS 10
#define NATIVE_VECTOR_NP 11
#define NATIVE_VECTOR_SS 12
#define NATIVE_VECTOR_GP 13
#define NATIVE_VECTOR_PF 14
#define NATIVE_VECTOR_MF 16
#define NATIVE_VECTOR_AC 17
#define NATIVE_VECTOR_MC 18
#define NATIVE_VECTOR_XM 19

/* Bits of a page fault's error code. */
#define NATIVE_PAGE_FAULT_PRESENT 0x1
#define NATIVE_PAGE_FAULT_WRITE 0x2
#define NATIVE_PAGE_FAULT_USER 0x4
#define NATIVE_PAGE_FAULT_RESERVED 0x8
#define NATIVE_PAGE_FAULT_FETCH 0x10

/* Types of 32-bit system descriptors and gates. */
#define NATIVE_GATE_TYPE_LDT 2
#define NATIVE_GATE_TYPE_TASK 5
#define NATIVE_GATE_TYPE_TSS_AVAILABLE 9
#define NATIVE_GATE_TYPE_TSS_BUSY 11
#define NATIVE_GATE_TYPE_CALL 12
#define NATIVE_GATE_TYPE_INTERRUPT 14
#define NATIVE_GATE_TYPE_TRAP 15

/* Magic numbers of multiboot 1; the image's header lies in its first HEADER_SEARCH bytes. */
#define NATIVE_MULTIBOOT_HEADER_MAGIC 0x1badb002
#define NATIVE_MULTIBOOT_BOOTLOADER_MAGIC 0x2badb002
#define NATIVE_MULTIBOOT_HEADER_SEARCH 0x2000
#define NATIVE_MULTIBOOT_HEADER_ALIGN 4

/* Flags of a multiboot header. */
#define NATIVE_MULTIBOOT_HEADER_FLAG_PAGE_ALIGN 0x1
#define NATIVE_MULTIBOOT_HEADER_FLAG_MEMORY_INFO 0x2
#define NATIVE_MULTIBOOT_HEADER_FLAG_VIDEO_MODE 0x4
#define NATIVE_MULTIBOOT_HEADER_FLAG_ADDRESSES 0x10000

/* Which fields of multiboot_info are there. */
#define NATIVE_MULTIBOOT_INFO_FLAG_MEMORY 0x1
#define NATIVE_MULTIBOOT_INFO_FLAG_BOOT_DEVICE 0x2
#define NATIVE_MULTIBOOT_INFO_FLAG_COMMAND_LINE 0x4
#define NATIVE_MULTIBOOT_INFO_FLAG_MODULES 0x8
#define NATIVE_MULTIBOOT_INFO_FLAG_AOUT_SYMBOLS 0x10
#define NATIVE_MULTIBOOT_INFO_FLAG_ELF_SECTIONS 0x20
#define NATIVE_MULTIBOOT_INFO_FLAG_MEMORY_MAP 0x40
#define NATIVE_MULTIBOOT_INFO_FLAG_DRIVES 0x80
#define NATIVE_MULTIBOOT_INFO_FLAG_CONFIG_TABLE 0x100
#define NATIVE_MULTIBOOT_INFO_FLAG_BOOT_LOADER_NAME 0x200
#define NATIVE_MULTIBOOT_INFO_FLAG_APM_TABLE 0x400
#define NATIVE_MULTIBOOT_INFO_FLAG_VBE 0x800
#define NATIVE_MULTIBOOT_INFO_FLAG_FRAMEBUFFER 0x1000

/* Magic of hvm_start_info, which EBX points to at a PVH entry. */
#define NATIVE_PVH_MAGIC 0x336ec578

/* ELF note (owner ``Xen``) that names the PVH entry point. */
#define NATIVE_ELF_NOTE_PHYS32_ENTRY 18

/* Types of memory map entries, alike in multiboot, PVH and e820. */
#define NATIVE_MEMORY_TYPE_RAM 1
#define NATIVE_MEMORY_TYPE_RESERVED 2
#define NATIVE_MEMORY_TYPE_ACPI 3
#define NATIVE_MEMORY_TYPE_NVS 4
#define NATIVE_MEMORY_TYPE_UNUSABLE 5

/* struct multiboot_header */
#define multiboot_header_SIZE 48
#define multiboot_header_OFF_magic 0
#define multiboot_header_OFF_flags 4
#define multiboot_header_OFF_checksum 8
#define multiboot_header_OFF_header_addr 12
#define multiboot_header_OFF_load_addr 16
#define multiboot_header_OFF_load_end_addr 20
#define multiboot_header_OFF_bss_end_addr 24
#define multiboot_header_OFF_entry_addr 28
#define multiboot_header_OFF_mode_type 32
#define multiboot_header_OFF_width 36
#define multiboot_header_OFF_height 40
#define multiboot_header_OFF_depth 44

/* struct multiboot_info */
#define multiboot_info_SIZE 116
#define multiboot_info_OFF_flags 0
#define multiboot_info_OFF_mem_lower 4
#define multiboot_info_OFF_mem_upper 8
#define multiboot_info_OFF_boot_device 12
#define multiboot_info_OFF_cmdline 16
#define multiboot_info_OFF_mods_count 20
#define multiboot_info_OFF_mods_addr 24
#define multiboot_info_OFF_syms 28
#define multiboot_info_OFF_mmap_length 44
#define multiboot_info_OFF_mmap_addr 48
#define multiboot_info_OFF_drives_length 52
#define multiboot_info_OFF_drives_addr 56
#define multiboot_info_OFF_config_table 60
#define multiboot_info_OFF_boot_loader_name 64
#define multiboot_info_OFF_apm_table 68
#define multiboot_info_OFF_vbe_control_info 72
#define multiboot_info_OFF_vbe_mode_info 76
#define multiboot_info_OFF_vbe_mode 80
#define multiboot_info_OFF_vbe_interface_seg 82
#define multiboot_info_OFF_vbe_interface_off 84
#define multiboot_info_OFF_vbe_interface_len 86
#define multiboot_info_OFF_framebuffer_addr 88
#define multiboot_info_OFF_framebuffer_pitch 96
#define multiboot_info_OFF_framebuffer_width 100
#define multiboot_info_OFF_framebuffer_height 104
#define multiboot_info_OFF_framebuffer_bpp 108
#define multiboot_info_OFF_framebuffer_type 109
#define multiboot_info_OFF_color_info 110

/* struct multiboot_module */
#define multiboot_module_SIZE 16
#define multiboot_module_OFF_mod_start 0
#define multiboot_module_OFF_mod_end 4
#define multiboot_module_OFF_string 8
#define multiboot_module_OFF_reserved 12

/* struct multiboot_mmap_entry */
#define multiboot_mmap_entry_SIZE 24
#define multiboot_mmap_entry_OFF_size 0
#define multiboot_mmap_entry_OFF_addr 4
#define multiboot_mmap_entry_OFF_len 12
#define multiboot_mmap_entry_OFF_type 20

/* struct hvm_start_info */
#define hvm_start_info_SIZE 56
#define hvm_start_info_OFF_magic 0
#define hvm_start_info_OFF_version 4
#define hvm_start_info_OFF_flags 8
#define hvm_start_info_OFF_nr_modules 12
#define hvm_start_info_OFF_modlist_paddr 16
#define hvm_start_info_OFF_cmdline_paddr 24
#define hvm_start_info_OFF_rsdp_paddr 32
#define hvm_start_info_OFF_memmap_paddr 40
#define hvm_start_info_OFF_memmap_entries 48
#define hvm_start_info_OFF_reserved 52

/* struct hvm_modlist_entry */
#define hvm_modlist_entry_SIZE 32
#define hvm_modlist_entry_OFF_paddr 0
#define hvm_modlist_entry_OFF_size 8
#define hvm_modlist_entry_OFF_cmdline_paddr 16
#define hvm_modlist_entry_OFF_reserved 24

/* struct hvm_memmap_table_entry */
#define hvm_memmap_table_entry_SIZE 24
#define hvm_memmap_table_entry_OFF_addr 0
#define hvm_memmap_table_entry_OFF_size 8
#define hvm_memmap_table_entry_OFF_type 16
#define hvm_memmap_table_entry_OFF_reserved 20

/* struct native_tss */
#define native_tss_SIZE 104
#define native_tss_OFF_link 0
#define native_tss_OFF_esp0 4
#define native_tss_OFF_ss0 8
#define native_tss_OFF_esp1 12
#define native_tss_OFF_ss1 16
#define native_tss_OFF_esp2 20
#define native_tss_OFF_ss2 24
#define native_tss_OFF_cr3 28
#define native_tss_OFF_eip 32
#define native_tss_OFF_eflags 36
#define native_tss_OFF_eax 40
#define native_tss_OFF_ecx 44
#define native_tss_OFF_edx 48
#define native_tss_OFF_ebx 52
#define native_tss_OFF_esp 56
#define native_tss_OFF_ebp 60
#define native_tss_OFF_esi 64
#define native_tss_OFF_edi 68
#define native_tss_OFF_es 72
#define native_tss_OFF_cs 76
#define native_tss_OFF_ss 80
#define native_tss_OFF_ds 84
#define native_tss_OFF_fs 88
#define native_tss_OFF_gs 92
#define native_tss_OFF_ldt 96
#define native_tss_OFF_trap 100
#define native_tss_OFF_iomap_base 102

#endif
