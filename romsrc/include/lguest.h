/* Generated from abi/ by `python -m vmirom.generate`; do not edit. */
#ifndef VMIROM_LGUEST_H
#define VMIROM_LGUEST_H

#include "lguest_asm.h"
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

/* One hypercall in the asynchronous ring. */
struct lguest_hcall_args {
	u32 arg0; /* EAX, the number */
	u32 arg1; /* EBX */
	u32 arg2; /* ECX */
	u32 arg3; /* EDX */
	u32 arg4; /* ESI */
} __attribute__((packed));
_Static_assert(sizeof(struct lguest_hcall_args) == 20, "lguest_hcall_args");
_Static_assert(__builtin_offsetof(struct lguest_hcall_args, arg0) == 0, "lguest_hcall_args.arg0");
_Static_assert(__builtin_offsetof(struct lguest_hcall_args, arg1) == 4, "lguest_hcall_args.arg1");
_Static_assert(__builtin_offsetof(struct lguest_hcall_args, arg2) == 8, "lguest_hcall_args.arg2");
_Static_assert(__builtin_offsetof(struct lguest_hcall_args, arg3) == 12, "lguest_hcall_args.arg3");
_Static_assert(__builtin_offsetof(struct lguest_hcall_args, arg4) == 16, "lguest_hcall_args.arg4");

/* The page of words that guest and host share. */
struct lguest_data {
	u32 irq_enabled; /* 0x200 on, 0 off; the host tests the whole word */
	u32 blocked_interrupts; /* bit n blocks interrupt n; written by the guest */
	u32 cr2; /* address of the last reflected page fault; written by the host */
	s32 time_sec; /* wall clock; written by the host at each interrupt */
	s32 time_nsec;
	u32 irq_pending; /* 0x200 while the host holds an interrupt back */
	u8 hcall_status[64]; /* 0xFF free or done, 0 waiting */
	struct lguest_hcall_args hcalls[64];
	u32 reserve_mem; /* bytes at the top of linear space that are the host's; written at INIT */
	u32 tsc_khz; /* 0 if the TSC can't be trusted; written at INIT */
	u32 pgdir; /* gpa of the first page directory, written at INIT; then the guest's CR3 */
	u32 noirq_start; /* gva; no interrupt is delivered from here */
	u32 noirq_end; /* to below here; both are read once, at INIT */
	u32 kernel_address; /* page tables are alike from this gva up; read at INIT */
	u32 syscall_vec; /* 0x80; checked at INIT */
} __attribute__((packed));
_Static_assert(sizeof(struct lguest_data) == 1396, "lguest_data");
_Static_assert(__builtin_offsetof(struct lguest_data, irq_enabled) == 0, "lguest_data.irq_enabled");
_Static_assert(__builtin_offsetof(struct lguest_data, blocked_interrupts) == 4, "lguest_data.blocked_interrupts");
_Static_assert(__builtin_offsetof(struct lguest_data, cr2) == 8, "lguest_data.cr2");
_Static_assert(__builtin_offsetof(struct lguest_data, time_sec) == 12, "lguest_data.time_sec");
_Static_assert(__builtin_offsetof(struct lguest_data, time_nsec) == 16, "lguest_data.time_nsec");
_Static_assert(__builtin_offsetof(struct lguest_data, irq_pending) == 20, "lguest_data.irq_pending");
_Static_assert(__builtin_offsetof(struct lguest_data, hcall_status) == 24, "lguest_data.hcall_status");
_Static_assert(__builtin_offsetof(struct lguest_data, hcalls) == 88, "lguest_data.hcalls");
_Static_assert(__builtin_offsetof(struct lguest_data, reserve_mem) == 1368, "lguest_data.reserve_mem");
_Static_assert(__builtin_offsetof(struct lguest_data, tsc_khz) == 1372, "lguest_data.tsc_khz");
_Static_assert(__builtin_offsetof(struct lguest_data, pgdir) == 1376, "lguest_data.pgdir");
_Static_assert(__builtin_offsetof(struct lguest_data, noirq_start) == 1380, "lguest_data.noirq_start");
_Static_assert(__builtin_offsetof(struct lguest_data, noirq_end) == 1384, "lguest_data.noirq_end");
_Static_assert(__builtin_offsetof(struct lguest_data, kernel_address) == 1388, "lguest_data.kernel_address");
_Static_assert(__builtin_offsetof(struct lguest_data, syscall_vec) == 1392, "lguest_data.syscall_vec");

/* One entry of the memory map. */
struct lguest_e820_entry {
	u64 addr;
	u64 size;
	u32 type;
} __attribute__((packed));
_Static_assert(sizeof(struct lguest_e820_entry) == 20, "lguest_e820_entry");
_Static_assert(__builtin_offsetof(struct lguest_e820_entry, addr) == 0, "lguest_e820_entry.addr");
_Static_assert(__builtin_offsetof(struct lguest_e820_entry, size) == 8, "lguest_e820_entry.size");
_Static_assert(__builtin_offsetof(struct lguest_e820_entry, type) == 16, "lguest_e820_entry.type");

/* Linux's boot_params as the launcher fills it, at gpa 0. */
struct lguest_boot_params {
	u8 pad_000[488]; /* screen, APM and drive information; zero under lguest */
	u8 e820_entries;
	u8 pad_1e9[8];
	u8 setup_sects;
	u16 root_flags;
	u32 syssize;
	u16 ram_size;
	u16 vid_mode;
	u16 root_dev;
	u16 boot_flag; /* 0xAA55 in a bzImage; zero under lguest */
	u16 jump;
	u32 header; /* HdrS in a bzImage; zero under lguest */
	u16 version; /* 0x207 */
	u32 realmode_swtch;
	u16 start_sys;
	u16 kernel_version;
	u8 type_of_loader; /* 0xFF, with an initrd only */
	u8 loadflags; /* bit 6 KEEP_SEGMENTS is set */
	u16 setup_move_size;
	u32 code32_start;
	u32 ramdisk_image; /* gpa */
	u32 ramdisk_size;
	u32 bootsect_kludge;
	u16 heap_end_ptr;
	u8 pad_226[2];
	u32 cmd_line_ptr; /* gpa 0x1000 */
	u32 initrd_addr_max;
	u32 kernel_alignment; /* left 0 by the launcher */
	u8 relocatable_kernel;
	u8 pad_235[3];
	u32 cmdline_size;
	u32 hardware_subarch;
	u64 hardware_subarch_data;
	u8 pad_248[136];
	struct lguest_e820_entry e820_map[128];
	u8 pad_cd0[816];
} __attribute__((packed));
_Static_assert(sizeof(struct lguest_boot_params) == 4096, "lguest_boot_params");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, pad_000) == 0, "lguest_boot_params.pad_000");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, e820_entries) == 488, "lguest_boot_params.e820_entries");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, pad_1e9) == 489, "lguest_boot_params.pad_1e9");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, setup_sects) == 497, "lguest_boot_params.setup_sects");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, root_flags) == 498, "lguest_boot_params.root_flags");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, syssize) == 500, "lguest_boot_params.syssize");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, ram_size) == 504, "lguest_boot_params.ram_size");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, vid_mode) == 506, "lguest_boot_params.vid_mode");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, root_dev) == 508, "lguest_boot_params.root_dev");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, boot_flag) == 510, "lguest_boot_params.boot_flag");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, jump) == 512, "lguest_boot_params.jump");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, header) == 514, "lguest_boot_params.header");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, version) == 518, "lguest_boot_params.version");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, realmode_swtch) == 520, "lguest_boot_params.realmode_swtch");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, start_sys) == 524, "lguest_boot_params.start_sys");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, kernel_version) == 526, "lguest_boot_params.kernel_version");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, type_of_loader) == 528, "lguest_boot_params.type_of_loader");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, loadflags) == 529, "lguest_boot_params.loadflags");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, setup_move_size) == 530, "lguest_boot_params.setup_move_size");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, code32_start) == 532, "lguest_boot_params.code32_start");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, ramdisk_image) == 536, "lguest_boot_params.ramdisk_image");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, ramdisk_size) == 540, "lguest_boot_params.ramdisk_size");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, bootsect_kludge) == 544, "lguest_boot_params.bootsect_kludge");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, heap_end_ptr) == 548, "lguest_boot_params.heap_end_ptr");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, pad_226) == 550, "lguest_boot_params.pad_226");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, cmd_line_ptr) == 552, "lguest_boot_params.cmd_line_ptr");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, initrd_addr_max) == 556, "lguest_boot_params.initrd_addr_max");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, kernel_alignment) == 560, "lguest_boot_params.kernel_alignment");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, relocatable_kernel) == 564, "lguest_boot_params.relocatable_kernel");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, pad_235) == 565, "lguest_boot_params.pad_235");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, cmdline_size) == 568, "lguest_boot_params.cmdline_size");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, hardware_subarch) == 572, "lguest_boot_params.hardware_subarch");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, hardware_subarch_data) == 576, "lguest_boot_params.hardware_subarch_data");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, pad_248) == 584, "lguest_boot_params.pad_248");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, e820_map) == 720, "lguest_boot_params.e820_map");
_Static_assert(__builtin_offsetof(struct lguest_boot_params, pad_cd0) == 3280, "lguest_boot_params.pad_cd0");

/* Head of a device descriptor; num_vq queues, features and configuration follow. */
struct lguest_device_desc {
	u8 type;
	u8 num_vq;
	u8 feature_len; /* bytes; twice that many follow the queues */
	u8 config_len;
	u8 status;
} __attribute__((packed));
_Static_assert(sizeof(struct lguest_device_desc) == 5, "lguest_device_desc");
_Static_assert(__builtin_offsetof(struct lguest_device_desc, type) == 0, "lguest_device_desc.type");
_Static_assert(__builtin_offsetof(struct lguest_device_desc, num_vq) == 1, "lguest_device_desc.num_vq");
_Static_assert(__builtin_offsetof(struct lguest_device_desc, feature_len) == 2, "lguest_device_desc.feature_len");
_Static_assert(__builtin_offsetof(struct lguest_device_desc, config_len) == 3, "lguest_device_desc.config_len");
_Static_assert(__builtin_offsetof(struct lguest_device_desc, status) == 4, "lguest_device_desc.status");

/* One queue of a device descriptor. */
struct lguest_vqconfig {
	u16 num; /* entries of the ring */
	u16 irq;
	u32 pfn; /* first page of the ring */
} __attribute__((packed));
_Static_assert(sizeof(struct lguest_vqconfig) == 8, "lguest_vqconfig");
_Static_assert(__builtin_offsetof(struct lguest_vqconfig, num) == 0, "lguest_vqconfig.num");
_Static_assert(__builtin_offsetof(struct lguest_vqconfig, irq) == 2, "lguest_vqconfig.irq");
_Static_assert(__builtin_offsetof(struct lguest_vqconfig, pfn) == 4, "lguest_vqconfig.pfn");

/* One buffer of a virtio ring. */
struct lguest_vring_desc {
	u64 addr; /* gpa */
	u32 len;
	u16 flags;
	u16 next;
} __attribute__((packed));
_Static_assert(sizeof(struct lguest_vring_desc) == 16, "lguest_vring_desc");
_Static_assert(__builtin_offsetof(struct lguest_vring_desc, addr) == 0, "lguest_vring_desc.addr");
_Static_assert(__builtin_offsetof(struct lguest_vring_desc, len) == 8, "lguest_vring_desc.len");
_Static_assert(__builtin_offsetof(struct lguest_vring_desc, flags) == 12, "lguest_vring_desc.flags");
_Static_assert(__builtin_offsetof(struct lguest_vring_desc, next) == 14, "lguest_vring_desc.next");

/* What the guest offers; directly after the descriptors. */
struct lguest_vring_avail {
	u16 flags;
	u16 idx;
	u16 ring[256];
} __attribute__((packed));
_Static_assert(sizeof(struct lguest_vring_avail) == 516, "lguest_vring_avail");
_Static_assert(__builtin_offsetof(struct lguest_vring_avail, flags) == 0, "lguest_vring_avail.flags");
_Static_assert(__builtin_offsetof(struct lguest_vring_avail, idx) == 2, "lguest_vring_avail.idx");
_Static_assert(__builtin_offsetof(struct lguest_vring_avail, ring) == 4, "lguest_vring_avail.ring");

/* One buffer given back. */
struct lguest_vring_used_elem {
	u32 id;
	u32 len;
} __attribute__((packed));
_Static_assert(sizeof(struct lguest_vring_used_elem) == 8, "lguest_vring_used_elem");
_Static_assert(__builtin_offsetof(struct lguest_vring_used_elem, id) == 0, "lguest_vring_used_elem.id");
_Static_assert(__builtin_offsetof(struct lguest_vring_used_elem, len) == 4, "lguest_vring_used_elem.len");

/* What the host gives back; on the next page boundary. */
struct lguest_vring_used {
	u16 flags;
	u16 idx;
	struct lguest_vring_used_elem ring[256];
} __attribute__((packed));
_Static_assert(sizeof(struct lguest_vring_used) == 2052, "lguest_vring_used");
_Static_assert(__builtin_offsetof(struct lguest_vring_used, flags) == 0, "lguest_vring_used.flags");
_Static_assert(__builtin_offsetof(struct lguest_vring_used, idx) == 2, "lguest_vring_used.idx");
_Static_assert(__builtin_offsetof(struct lguest_vring_used, ring) == 4, "lguest_vring_used.ring");

#endif
