/* Generated from abi/ by `python -m vmirom.generate`; do not edit. */
#ifndef VMIROM_XEN_H
#define VMIROM_XEN_H

#include "xen_asm.h"
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

/* One entry of a trap table. */
struct xen_trap_info {
	u8 vector;
	u8 flags;
	u16 cs;
	u32 address; /* 0 ends a table */
} __attribute__((packed));
_Static_assert(sizeof(struct xen_trap_info) == 8, "xen_trap_info");
_Static_assert(__builtin_offsetof(struct xen_trap_info, vector) == 0, "xen_trap_info.vector");
_Static_assert(__builtin_offsetof(struct xen_trap_info, flags) == 1, "xen_trap_info.flags");
_Static_assert(__builtin_offsetof(struct xen_trap_info, cs) == 2, "xen_trap_info.cs");
_Static_assert(__builtin_offsetof(struct xen_trap_info, address) == 4, "xen_trap_info.address");

/* One request of mmu_update. */
struct xen_mmu_update {
	u64 ptr; /* machine address; bits 1:0 the command */
	u64 val;
} __attribute__((packed));
_Static_assert(sizeof(struct xen_mmu_update) == 16, "xen_mmu_update");
_Static_assert(__builtin_offsetof(struct xen_mmu_update, ptr) == 0, "xen_mmu_update.ptr");
_Static_assert(__builtin_offsetof(struct xen_mmu_update, val) == 8, "xen_mmu_update.val");

/* One request of mmuext_op. */
struct xen_mmuext_op {
	u32 cmd;
	u32 arg1; /* mfn or linear address */
	u32 arg2; /* nr_ents, vcpumask or source mfn */
} __attribute__((packed));
_Static_assert(sizeof(struct xen_mmuext_op) == 12, "xen_mmuext_op");
_Static_assert(__builtin_offsetof(struct xen_mmuext_op, cmd) == 0, "xen_mmuext_op.cmd");
_Static_assert(__builtin_offsetof(struct xen_mmuext_op, arg1) == 4, "xen_mmuext_op.arg1");
_Static_assert(__builtin_offsetof(struct xen_mmuext_op, arg2) == 8, "xen_mmuext_op.arg2");

/* One call of a multicall. */
struct xen_multicall_entry {
	u32 op;
	s32 result;
	u32 args[6];
} __attribute__((packed));
_Static_assert(sizeof(struct xen_multicall_entry) == 32, "xen_multicall_entry");
_Static_assert(__builtin_offsetof(struct xen_multicall_entry, op) == 0, "xen_multicall_entry.op");
_Static_assert(__builtin_offsetof(struct xen_multicall_entry, result) == 4, "xen_multicall_entry.result");
_Static_assert(__builtin_offsetof(struct xen_multicall_entry, args) == 8, "xen_multicall_entry.args");

/* Argument of the reservation commands of memory_op. */
struct xen_memory_reservation {
	u32 extent_start; /* gva of an array of frame numbers */
	u32 nr_extents;
	u32 extent_order;
	u32 mem_flags;
	u16 domid;
	u8 pad[2];
} __attribute__((packed));
_Static_assert(sizeof(struct xen_memory_reservation) == 20, "xen_memory_reservation");
_Static_assert(__builtin_offsetof(struct xen_memory_reservation, extent_start) == 0, "xen_memory_reservation.extent_start");
_Static_assert(__builtin_offsetof(struct xen_memory_reservation, nr_extents) == 4, "xen_memory_reservation.nr_extents");
_Static_assert(__builtin_offsetof(struct xen_memory_reservation, extent_order) == 8, "xen_memory_reservation.extent_order");
_Static_assert(__builtin_offsetof(struct xen_memory_reservation, mem_flags) == 12, "xen_memory_reservation.mem_flags");
_Static_assert(__builtin_offsetof(struct xen_memory_reservation, domid) == 16, "xen_memory_reservation.domid");
_Static_assert(__builtin_offsetof(struct xen_memory_reservation, pad) == 18, "xen_memory_reservation.pad");

/* Answer of XENMEM machphys_mapping: where the machine-to-phys table is. */
struct xen_machphys_mapping {
	u32 v_start;
	u32 v_end;
	u32 max_mfn;
} __attribute__((packed));
_Static_assert(sizeof(struct xen_machphys_mapping) == 12, "xen_machphys_mapping");
_Static_assert(__builtin_offsetof(struct xen_machphys_mapping, v_start) == 0, "xen_machphys_mapping.v_start");
_Static_assert(__builtin_offsetof(struct xen_machphys_mapping, v_end) == 4, "xen_machphys_mapping.v_end");
_Static_assert(__builtin_offsetof(struct xen_machphys_mapping, max_mfn) == 8, "xen_machphys_mapping.max_mfn");

/* Argument of XENMEM memory_map. */
struct xen_memory_map {
	u32 nr_entries;
	u32 buffer; /* gva of e820 entries */
} __attribute__((packed));
_Static_assert(sizeof(struct xen_memory_map) == 8, "xen_memory_map");
_Static_assert(__builtin_offsetof(struct xen_memory_map, nr_entries) == 0, "xen_memory_map.nr_entries");
_Static_assert(__builtin_offsetof(struct xen_memory_map, buffer) == 4, "xen_memory_map.buffer");

/* One entry of an e820 map. */
struct xen_e820_entry {
	u64 addr;
	u64 size;
	u32 type;
} __attribute__((packed));
_Static_assert(sizeof(struct xen_e820_entry) == 20, "xen_e820_entry");
_Static_assert(__builtin_offsetof(struct xen_e820_entry, addr) == 0, "xen_e820_entry.addr");
_Static_assert(__builtin_offsetof(struct xen_e820_entry, size) == 8, "xen_e820_entry.size");
_Static_assert(__builtin_offsetof(struct xen_e820_entry, type) == 16, "xen_e820_entry.type");

/* Answer of XENVER platform_parameters. */
struct xen_platform_parameters {
	u32 virt_start; /* first linear address of the hypervisor */
} __attribute__((packed));
_Static_assert(sizeof(struct xen_platform_parameters) == 4, "xen_platform_parameters");
_Static_assert(__builtin_offsetof(struct xen_platform_parameters, virt_start) == 0, "xen_platform_parameters.virt_start");

/* Argument and answer of XENVER get_features. */
struct xen_feature_info {
	u32 submap_idx;
	u32 submap;
} __attribute__((packed));
_Static_assert(sizeof(struct xen_feature_info) == 8, "xen_feature_info");
_Static_assert(__builtin_offsetof(struct xen_feature_info, submap_idx) == 0, "xen_feature_info.submap_idx");
_Static_assert(__builtin_offsetof(struct xen_feature_info, submap) == 4, "xen_feature_info.submap");

/* Answer of XENVER compile_info. */
struct xen_compile_info {
	char compiler[64];
	char compile_by[16];
	char compile_domain[32];
	char compile_date[32];
} __attribute__((packed));
_Static_assert(sizeof(struct xen_compile_info) == 144, "xen_compile_info");
_Static_assert(__builtin_offsetof(struct xen_compile_info, compiler) == 0, "xen_compile_info.compiler");
_Static_assert(__builtin_offsetof(struct xen_compile_info, compile_by) == 64, "xen_compile_info.compile_by");
_Static_assert(__builtin_offsetof(struct xen_compile_info, compile_domain) == 80, "xen_compile_info.compile_domain");
_Static_assert(__builtin_offsetof(struct xen_compile_info, compile_date) == 112, "xen_compile_info.compile_date");

/* Argument of CALLBACKOP register. */
struct xen_callback_register {
	u16 type;
	u16 flags;
	u32 cs;
	u32 eip;
} __attribute__((packed));
_Static_assert(sizeof(struct xen_callback_register) == 12, "xen_callback_register");
_Static_assert(__builtin_offsetof(struct xen_callback_register, type) == 0, "xen_callback_register.type");
_Static_assert(__builtin_offsetof(struct xen_callback_register, flags) == 2, "xen_callback_register.flags");
_Static_assert(__builtin_offsetof(struct xen_callback_register, cs) == 4, "xen_callback_register.cs");
_Static_assert(__builtin_offsetof(struct xen_callback_register, eip) == 8, "xen_callback_register.eip");

/* Argument of CALLBACKOP unregister. */
struct xen_callback_unregister {
	u16 type;
	u8 pad[2];
} __attribute__((packed));
_Static_assert(sizeof(struct xen_callback_unregister) == 4, "xen_callback_unregister");
_Static_assert(__builtin_offsetof(struct xen_callback_unregister, type) == 0, "xen_callback_unregister.type");
_Static_assert(__builtin_offsetof(struct xen_callback_unregister, pad) == 2, "xen_callback_unregister.pad");

/* Argument of NMI register_callback. */
struct xen_nmi_callback {
	u32 handler_address;
	u8 pad[4];
} __attribute__((packed));
_Static_assert(sizeof(struct xen_nmi_callback) == 8, "xen_nmi_callback");
_Static_assert(__builtin_offsetof(struct xen_nmi_callback, handler_address) == 0, "xen_nmi_callback.handler_address");
_Static_assert(__builtin_offsetof(struct xen_nmi_callback, pad) == 4, "xen_nmi_callback.pad");

/* Argument of SCHEDOP shutdown. */
struct xen_sched_shutdown {
	u32 reason;
} __attribute__((packed));
_Static_assert(sizeof(struct xen_sched_shutdown) == 4, "xen_sched_shutdown");
_Static_assert(__builtin_offsetof(struct xen_sched_shutdown, reason) == 0, "xen_sched_shutdown.reason");

/* Argument of SCHEDOP poll. */
struct xen_sched_poll {
	u32 ports; /* gva of port numbers */
	u32 nr_ports;
	u64 timeout; /* absolute ns of system time */
} __attribute__((packed));
_Static_assert(sizeof(struct xen_sched_poll) == 16, "xen_sched_poll");
_Static_assert(__builtin_offsetof(struct xen_sched_poll, ports) == 0, "xen_sched_poll.ports");
_Static_assert(__builtin_offsetof(struct xen_sched_poll, nr_ports) == 4, "xen_sched_poll.nr_ports");
_Static_assert(__builtin_offsetof(struct xen_sched_poll, timeout) == 8, "xen_sched_poll.timeout");

/* Argument of PHYSDEVOP set_iopl. */
struct xen_physdev_set_iopl {
	u32 iopl;
} __attribute__((packed));
_Static_assert(sizeof(struct xen_physdev_set_iopl) == 4, "xen_physdev_set_iopl");
_Static_assert(__builtin_offsetof(struct xen_physdev_set_iopl, iopl) == 0, "xen_physdev_set_iopl.iopl");

/* Argument of PHYSDEVOP set_iobitmap. */
struct xen_physdev_set_iobitmap {
	u32 bitmap; /* gva */
	u32 nr_ports;
} __attribute__((packed));
_Static_assert(sizeof(struct xen_physdev_set_iobitmap) == 8, "xen_physdev_set_iobitmap");
_Static_assert(__builtin_offsetof(struct xen_physdev_set_iobitmap, bitmap) == 0, "xen_physdev_set_iobitmap.bitmap");
_Static_assert(__builtin_offsetof(struct xen_physdev_set_iobitmap, nr_ports) == 4, "xen_physdev_set_iobitmap.nr_ports");

/* Argument of PHYSDEVOP irq_status_query. */
struct xen_physdev_irq_status_query {
	u32 irq;
	u32 flags;
} __attribute__((packed));
_Static_assert(sizeof(struct xen_physdev_irq_status_query) == 8, "xen_physdev_irq_status_query");
_Static_assert(__builtin_offsetof(struct xen_physdev_irq_status_query, irq) == 0, "xen_physdev_irq_status_query.irq");
_Static_assert(__builtin_offsetof(struct xen_physdev_irq_status_query, flags) == 4, "xen_physdev_irq_status_query.flags");

/* Argument of PHYSDEVOP eoi. */
struct xen_physdev_eoi {
	u32 irq;
} __attribute__((packed));
_Static_assert(sizeof(struct xen_physdev_eoi) == 4, "xen_physdev_eoi");
_Static_assert(__builtin_offsetof(struct xen_physdev_eoi, irq) == 0, "xen_physdev_eoi.irq");

/* Registers of a virtual CPU. */
struct xen_cpu_user_regs {
	u32 ebx;
	u32 ecx;
	u32 edx;
	u32 esi;
	u32 edi;
	u32 ebp;
	u32 eax;
	u16 error_code;
	u16 entry_vector;
	u32 eip;
	u16 cs;
	u8 saved_upcall_mask;
	u8 pad0[1];
	u32 eflags;
	u32 esp;
	u16 ss;
	u8 pad1[2];
	u16 es;
	u8 pad2[2];
	u16 ds;
	u8 pad3[2];
	u16 fs;
	u8 pad4[2];
	u16 gs;
	u8 pad5[2];
} __attribute__((packed));
_Static_assert(sizeof(struct xen_cpu_user_regs) == 68, "xen_cpu_user_regs");
_Static_assert(__builtin_offsetof(struct xen_cpu_user_regs, ebx) == 0, "xen_cpu_user_regs.ebx");
_Static_assert(__builtin_offsetof(struct xen_cpu_user_regs, ecx) == 4, "xen_cpu_user_regs.ecx");
_Static_assert(__builtin_offsetof(struct xen_cpu_user_regs, edx) == 8, "xen_cpu_user_regs.edx");
_Static_assert(__builtin_offsetof(struct xen_cpu_user_regs, esi) == 12, "xen_cpu_user_regs.esi");
_Static_assert(__builtin_offsetof(struct xen_cpu_user_regs, edi) == 16, "xen_cpu_user_regs.edi");
_Static_assert(__builtin_offsetof(struct xen_cpu_user_regs, ebp) == 20, "xen_cpu_user_regs.ebp");
_Static_assert(__builtin_offsetof(struct xen_cpu_user_regs, eax) == 24, "xen_cpu_user_regs.eax");
_Static_assert(__builtin_offsetof(struct xen_cpu_user_regs, error_code) == 28, "xen_cpu_user_regs.error_code");
_Static_assert(__builtin_offsetof(struct xen_cpu_user_regs, entry_vector) == 30, "xen_cpu_user_regs.entry_vector");
_Static_assert(__builtin_offsetof(struct xen_cpu_user_regs, eip) == 32, "xen_cpu_user_regs.eip");
_Static_assert(__builtin_offsetof(struct xen_cpu_user_regs, cs) == 36, "xen_cpu_user_regs.cs");
_Static_assert(__builtin_offsetof(struct xen_cpu_user_regs, saved_upcall_mask) == 38, "xen_cpu_user_regs.saved_upcall_mask");
_Static_assert(__builtin_offsetof(struct xen_cpu_user_regs, pad0) == 39, "xen_cpu_user_regs.pad0");
_Static_assert(__builtin_offsetof(struct xen_cpu_user_regs, eflags) == 40, "xen_cpu_user_regs.eflags");
_Static_assert(__builtin_offsetof(struct xen_cpu_user_regs, esp) == 44, "xen_cpu_user_regs.esp");
_Static_assert(__builtin_offsetof(struct xen_cpu_user_regs, ss) == 48, "xen_cpu_user_regs.ss");
_Static_assert(__builtin_offsetof(struct xen_cpu_user_regs, pad1) == 50, "xen_cpu_user_regs.pad1");
_Static_assert(__builtin_offsetof(struct xen_cpu_user_regs, es) == 52, "xen_cpu_user_regs.es");
_Static_assert(__builtin_offsetof(struct xen_cpu_user_regs, pad2) == 54, "xen_cpu_user_regs.pad2");
_Static_assert(__builtin_offsetof(struct xen_cpu_user_regs, ds) == 56, "xen_cpu_user_regs.ds");
_Static_assert(__builtin_offsetof(struct xen_cpu_user_regs, pad3) == 58, "xen_cpu_user_regs.pad3");
_Static_assert(__builtin_offsetof(struct xen_cpu_user_regs, fs) == 60, "xen_cpu_user_regs.fs");
_Static_assert(__builtin_offsetof(struct xen_cpu_user_regs, pad4) == 62, "xen_cpu_user_regs.pad4");
_Static_assert(__builtin_offsetof(struct xen_cpu_user_regs, gs) == 64, "xen_cpu_user_regs.gs");
_Static_assert(__builtin_offsetof(struct xen_cpu_user_regs, pad5) == 66, "xen_cpu_user_regs.pad5");

/* State a virtual CPU is initialised with (VCPUOP initialise). */
struct xen_vcpu_guest_context {
	u8 fpu_ctxt[512];
	u32 flags;
	struct xen_cpu_user_regs user_regs;
	struct xen_trap_info trap_ctxt[256];
	u32 ldt_base;
	u32 ldt_ents;
	u32 gdt_frames[16];
	u32 gdt_ents;
	u32 kernel_ss;
	u32 kernel_sp;
	u32 ctrlreg[8];
	u32 debugreg[8];
	u32 event_callback_cs;
	u32 event_callback_eip;
	u32 failsafe_callback_cs;
	u32 failsafe_callback_eip;
	u32 vm_assist;
} __attribute__((packed));
_Static_assert(sizeof(struct xen_vcpu_guest_context) == 2800, "xen_vcpu_guest_context");
_Static_assert(__builtin_offsetof(struct xen_vcpu_guest_context, fpu_ctxt) == 0, "xen_vcpu_guest_context.fpu_ctxt");
_Static_assert(__builtin_offsetof(struct xen_vcpu_guest_context, flags) == 512, "xen_vcpu_guest_context.flags");
_Static_assert(__builtin_offsetof(struct xen_vcpu_guest_context, user_regs) == 516, "xen_vcpu_guest_context.user_regs");
_Static_assert(__builtin_offsetof(struct xen_vcpu_guest_context, trap_ctxt) == 584, "xen_vcpu_guest_context.trap_ctxt");
_Static_assert(__builtin_offsetof(struct xen_vcpu_guest_context, ldt_base) == 2632, "xen_vcpu_guest_context.ldt_base");
_Static_assert(__builtin_offsetof(struct xen_vcpu_guest_context, ldt_ents) == 2636, "xen_vcpu_guest_context.ldt_ents");
_Static_assert(__builtin_offsetof(struct xen_vcpu_guest_context, gdt_frames) == 2640, "xen_vcpu_guest_context.gdt_frames");
_Static_assert(__builtin_offsetof(struct xen_vcpu_guest_context, gdt_ents) == 2704, "xen_vcpu_guest_context.gdt_ents");
_Static_assert(__builtin_offsetof(struct xen_vcpu_guest_context, kernel_ss) == 2708, "xen_vcpu_guest_context.kernel_ss");
_Static_assert(__builtin_offsetof(struct xen_vcpu_guest_context, kernel_sp) == 2712, "xen_vcpu_guest_context.kernel_sp");
_Static_assert(__builtin_offsetof(struct xen_vcpu_guest_context, ctrlreg) == 2716, "xen_vcpu_guest_context.ctrlreg");
_Static_assert(__builtin_offsetof(struct xen_vcpu_guest_context, debugreg) == 2748, "xen_vcpu_guest_context.debugreg");
_Static_assert(__builtin_offsetof(struct xen_vcpu_guest_context, event_callback_cs) == 2780, "xen_vcpu_guest_context.event_callback_cs");
_Static_assert(__builtin_offsetof(struct xen_vcpu_guest_context, event_callback_eip) == 2784, "xen_vcpu_guest_context.event_callback_eip");
_Static_assert(__builtin_offsetof(struct xen_vcpu_guest_context, failsafe_callback_cs) == 2788, "xen_vcpu_guest_context.failsafe_callback_cs");
_Static_assert(__builtin_offsetof(struct xen_vcpu_guest_context, failsafe_callback_eip) == 2792, "xen_vcpu_guest_context.failsafe_callback_eip");
_Static_assert(__builtin_offsetof(struct xen_vcpu_guest_context, vm_assist) == 2796, "xen_vcpu_guest_context.vm_assist");

/* What ESI points to at the first instruction. */
struct xen_start_info {
	char magic[32];
	u32 nr_pages;
	u32 shared_info; /* machine address */
	u32 flags;
	u32 store_mfn;
	u32 store_evtchn;
	u32 console_mfn; /* dom0: offset of the console information */
	u32 console_evtchn; /* dom0: its size */
	u32 pt_base; /* gva of the first page directory */
	u32 nr_pt_frames;
	u32 mfn_list; /* gva of the p2m list */
	u32 mod_start; /* gva of the module, or 0 */
	u32 mod_len;
	char cmd_line[1024];
	u32 first_p2m_pfn;
	u32 nr_p2m_frames;
} __attribute__((packed));
_Static_assert(sizeof(struct xen_start_info) == 1112, "xen_start_info");
_Static_assert(__builtin_offsetof(struct xen_start_info, magic) == 0, "xen_start_info.magic");
_Static_assert(__builtin_offsetof(struct xen_start_info, nr_pages) == 32, "xen_start_info.nr_pages");
_Static_assert(__builtin_offsetof(struct xen_start_info, shared_info) == 36, "xen_start_info.shared_info");
_Static_assert(__builtin_offsetof(struct xen_start_info, flags) == 40, "xen_start_info.flags");
_Static_assert(__builtin_offsetof(struct xen_start_info, store_mfn) == 44, "xen_start_info.store_mfn");
_Static_assert(__builtin_offsetof(struct xen_start_info, store_evtchn) == 48, "xen_start_info.store_evtchn");
_Static_assert(__builtin_offsetof(struct xen_start_info, console_mfn) == 52, "xen_start_info.console_mfn");
_Static_assert(__builtin_offsetof(struct xen_start_info, console_evtchn) == 56, "xen_start_info.console_evtchn");
_Static_assert(__builtin_offsetof(struct xen_start_info, pt_base) == 60, "xen_start_info.pt_base");
_Static_assert(__builtin_offsetof(struct xen_start_info, nr_pt_frames) == 64, "xen_start_info.nr_pt_frames");
_Static_assert(__builtin_offsetof(struct xen_start_info, mfn_list) == 68, "xen_start_info.mfn_list");
_Static_assert(__builtin_offsetof(struct xen_start_info, mod_start) == 72, "xen_start_info.mod_start");
_Static_assert(__builtin_offsetof(struct xen_start_info, mod_len) == 76, "xen_start_info.mod_len");
_Static_assert(__builtin_offsetof(struct xen_start_info, cmd_line) == 80, "xen_start_info.cmd_line");
_Static_assert(__builtin_offsetof(struct xen_start_info, first_p2m_pfn) == 1104, "xen_start_info.first_p2m_pfn");
_Static_assert(__builtin_offsetof(struct xen_start_info, nr_p2m_frames) == 1108, "xen_start_info.nr_p2m_frames");

/* System time of a virtual CPU; the same layout as KVM's. */
struct xen_vcpu_time_info {
	u32 version; /* odd while it is being written */
	u8 pad0[4];
	u64 tsc_timestamp;
	u64 system_time; /* ns since boot, at tsc_timestamp */
	u32 tsc_to_system_mul;
	s8 tsc_shift;
	u8 flags;
	u8 pad1[2];
} __attribute__((packed));
_Static_assert(sizeof(struct xen_vcpu_time_info) == 32, "xen_vcpu_time_info");
_Static_assert(__builtin_offsetof(struct xen_vcpu_time_info, version) == 0, "xen_vcpu_time_info.version");
_Static_assert(__builtin_offsetof(struct xen_vcpu_time_info, pad0) == 4, "xen_vcpu_time_info.pad0");
_Static_assert(__builtin_offsetof(struct xen_vcpu_time_info, tsc_timestamp) == 8, "xen_vcpu_time_info.tsc_timestamp");
_Static_assert(__builtin_offsetof(struct xen_vcpu_time_info, system_time) == 16, "xen_vcpu_time_info.system_time");
_Static_assert(__builtin_offsetof(struct xen_vcpu_time_info, tsc_to_system_mul) == 24, "xen_vcpu_time_info.tsc_to_system_mul");
_Static_assert(__builtin_offsetof(struct xen_vcpu_time_info, tsc_shift) == 28, "xen_vcpu_time_info.tsc_shift");
_Static_assert(__builtin_offsetof(struct xen_vcpu_time_info, flags) == 29, "xen_vcpu_time_info.flags");
_Static_assert(__builtin_offsetof(struct xen_vcpu_time_info, pad1) == 30, "xen_vcpu_time_info.pad1");

/* What a virtual CPU shares with Xen. */
struct xen_vcpu_info {
	u8 evtchn_upcall_pending;
	u8 evtchn_upcall_mask;
	u8 pad[2];
	u32 evtchn_pending_sel;
	u32 arch_cr2; /* address of the last page fault */
	u8 arch_pad[20];
	struct xen_vcpu_time_info time;
} __attribute__((packed));
_Static_assert(sizeof(struct xen_vcpu_info) == 64, "xen_vcpu_info");
_Static_assert(__builtin_offsetof(struct xen_vcpu_info, evtchn_upcall_pending) == 0, "xen_vcpu_info.evtchn_upcall_pending");
_Static_assert(__builtin_offsetof(struct xen_vcpu_info, evtchn_upcall_mask) == 1, "xen_vcpu_info.evtchn_upcall_mask");
_Static_assert(__builtin_offsetof(struct xen_vcpu_info, pad) == 2, "xen_vcpu_info.pad");
_Static_assert(__builtin_offsetof(struct xen_vcpu_info, evtchn_pending_sel) == 4, "xen_vcpu_info.evtchn_pending_sel");
_Static_assert(__builtin_offsetof(struct xen_vcpu_info, arch_cr2) == 8, "xen_vcpu_info.arch_cr2");
_Static_assert(__builtin_offsetof(struct xen_vcpu_info, arch_pad) == 12, "xen_vcpu_info.arch_pad");
_Static_assert(__builtin_offsetof(struct xen_vcpu_info, time) == 32, "xen_vcpu_info.time");

/* The page a domain shares with Xen. */
struct xen_shared_info {
	struct xen_vcpu_info vcpu_info[32];
	u32 evtchn_pending[32];
	u32 evtchn_mask[32];
	u32 wc_version;
	u32 wc_sec;
	u32 wc_nsec;
	u32 arch_max_pfn;
	u32 arch_pfn_to_mfn_frame_list_list;
	u32 arch_nmi_reason;
	u32 arch_p2m_cr3;
	u32 arch_p2m_vaddr;
	u32 arch_p2m_generation;
	u8 arch_pad[4];
} __attribute__((packed));
_Static_assert(sizeof(struct xen_shared_info) == 2344, "xen_shared_info");
_Static_assert(__builtin_offsetof(struct xen_shared_info, vcpu_info) == 0, "xen_shared_info.vcpu_info");
_Static_assert(__builtin_offsetof(struct xen_shared_info, evtchn_pending) == 2048, "xen_shared_info.evtchn_pending");
_Static_assert(__builtin_offsetof(struct xen_shared_info, evtchn_mask) == 2176, "xen_shared_info.evtchn_mask");
_Static_assert(__builtin_offsetof(struct xen_shared_info, wc_version) == 2304, "xen_shared_info.wc_version");
_Static_assert(__builtin_offsetof(struct xen_shared_info, wc_sec) == 2308, "xen_shared_info.wc_sec");
_Static_assert(__builtin_offsetof(struct xen_shared_info, wc_nsec) == 2312, "xen_shared_info.wc_nsec");
_Static_assert(__builtin_offsetof(struct xen_shared_info, arch_max_pfn) == 2316, "xen_shared_info.arch_max_pfn");
_Static_assert(__builtin_offsetof(struct xen_shared_info, arch_pfn_to_mfn_frame_list_list) == 2320, "xen_shared_info.arch_pfn_to_mfn_frame_list_list");
_Static_assert(__builtin_offsetof(struct xen_shared_info, arch_nmi_reason) == 2324, "xen_shared_info.arch_nmi_reason");
_Static_assert(__builtin_offsetof(struct xen_shared_info, arch_p2m_cr3) == 2328, "xen_shared_info.arch_p2m_cr3");
_Static_assert(__builtin_offsetof(struct xen_shared_info, arch_p2m_vaddr) == 2332, "xen_shared_info.arch_p2m_vaddr");
_Static_assert(__builtin_offsetof(struct xen_shared_info, arch_p2m_generation) == 2336, "xen_shared_info.arch_p2m_generation");
_Static_assert(__builtin_offsetof(struct xen_shared_info, arch_pad) == 2340, "xen_shared_info.arch_pad");

/* Where a virtual CPU's time went. */
struct xen_vcpu_runstate_info {
	s32 state;
	u64 state_entry_time;
	u64 time[4]; /* ns spent in each state */
} __attribute__((packed));
_Static_assert(sizeof(struct xen_vcpu_runstate_info) == 44, "xen_vcpu_runstate_info");
_Static_assert(__builtin_offsetof(struct xen_vcpu_runstate_info, state) == 0, "xen_vcpu_runstate_info.state");
_Static_assert(__builtin_offsetof(struct xen_vcpu_runstate_info, state_entry_time) == 4, "xen_vcpu_runstate_info.state_entry_time");
_Static_assert(__builtin_offsetof(struct xen_vcpu_runstate_info, time) == 12, "xen_vcpu_runstate_info.time");

/* Argument of VCPUOP set_singleshot_timer. */
struct xen_vcpu_set_singleshot_timer {
	u64 timeout_abs_ns;
	u32 flags;
} __attribute__((packed));
_Static_assert(sizeof(struct xen_vcpu_set_singleshot_timer) == 12, "xen_vcpu_set_singleshot_timer");
_Static_assert(__builtin_offsetof(struct xen_vcpu_set_singleshot_timer, timeout_abs_ns) == 0, "xen_vcpu_set_singleshot_timer.timeout_abs_ns");
_Static_assert(__builtin_offsetof(struct xen_vcpu_set_singleshot_timer, flags) == 8, "xen_vcpu_set_singleshot_timer.flags");

/* Argument of VCPUOP set_periodic_timer. */
struct xen_vcpu_set_periodic_timer {
	u64 period_ns;
} __attribute__((packed));
_Static_assert(sizeof(struct xen_vcpu_set_periodic_timer) == 8, "xen_vcpu_set_periodic_timer");
_Static_assert(__builtin_offsetof(struct xen_vcpu_set_periodic_timer, period_ns) == 0, "xen_vcpu_set_periodic_timer.period_ns");

/* Argument of VCPUOP register_vcpu_info. */
struct xen_vcpu_register_vcpu_info {
	u64 mfn;
	u32 offset;
	u8 rsvd[4];
} __attribute__((packed));
_Static_assert(sizeof(struct xen_vcpu_register_vcpu_info) == 16, "xen_vcpu_register_vcpu_info");
_Static_assert(__builtin_offsetof(struct xen_vcpu_register_vcpu_info, mfn) == 0, "xen_vcpu_register_vcpu_info.mfn");
_Static_assert(__builtin_offsetof(struct xen_vcpu_register_vcpu_info, offset) == 8, "xen_vcpu_register_vcpu_info.offset");
_Static_assert(__builtin_offsetof(struct xen_vcpu_register_vcpu_info, rsvd) == 12, "xen_vcpu_register_vcpu_info.rsvd");

/* Argument of EVTCHNOP bind_interdomain. */
struct xen_evtchn_bind_interdomain {
	u16 remote_dom;
	u8 pad[2];
	u32 remote_port;
	u32 local_port; /* out */
} __attribute__((packed));
_Static_assert(sizeof(struct xen_evtchn_bind_interdomain) == 12, "xen_evtchn_bind_interdomain");
_Static_assert(__builtin_offsetof(struct xen_evtchn_bind_interdomain, remote_dom) == 0, "xen_evtchn_bind_interdomain.remote_dom");
_Static_assert(__builtin_offsetof(struct xen_evtchn_bind_interdomain, pad) == 2, "xen_evtchn_bind_interdomain.pad");
_Static_assert(__builtin_offsetof(struct xen_evtchn_bind_interdomain, remote_port) == 4, "xen_evtchn_bind_interdomain.remote_port");
_Static_assert(__builtin_offsetof(struct xen_evtchn_bind_interdomain, local_port) == 8, "xen_evtchn_bind_interdomain.local_port");

/* Argument of EVTCHNOP bind_virq. */
struct xen_evtchn_bind_virq {
	u32 virq;
	u32 vcpu;
	u32 port; /* out */
} __attribute__((packed));
_Static_assert(sizeof(struct xen_evtchn_bind_virq) == 12, "xen_evtchn_bind_virq");
_Static_assert(__builtin_offsetof(struct xen_evtchn_bind_virq, virq) == 0, "xen_evtchn_bind_virq.virq");
_Static_assert(__builtin_offsetof(struct xen_evtchn_bind_virq, vcpu) == 4, "xen_evtchn_bind_virq.vcpu");
_Static_assert(__builtin_offsetof(struct xen_evtchn_bind_virq, port) == 8, "xen_evtchn_bind_virq.port");

/* Argument of EVTCHNOP bind_pirq. */
struct xen_evtchn_bind_pirq {
	u32 pirq;
	u32 flags; /* bit 0: may be shared */
	u32 port; /* out */
} __attribute__((packed));
_Static_assert(sizeof(struct xen_evtchn_bind_pirq) == 12, "xen_evtchn_bind_pirq");
_Static_assert(__builtin_offsetof(struct xen_evtchn_bind_pirq, pirq) == 0, "xen_evtchn_bind_pirq.pirq");
_Static_assert(__builtin_offsetof(struct xen_evtchn_bind_pirq, flags) == 4, "xen_evtchn_bind_pirq.flags");
_Static_assert(__builtin_offsetof(struct xen_evtchn_bind_pirq, port) == 8, "xen_evtchn_bind_pirq.port");

/* Argument of EVTCHNOP bind_ipi. */
struct xen_evtchn_bind_ipi {
	u32 vcpu;
	u32 port; /* out */
} __attribute__((packed));
_Static_assert(sizeof(struct xen_evtchn_bind_ipi) == 8, "xen_evtchn_bind_ipi");
_Static_assert(__builtin_offsetof(struct xen_evtchn_bind_ipi, vcpu) == 0, "xen_evtchn_bind_ipi.vcpu");
_Static_assert(__builtin_offsetof(struct xen_evtchn_bind_ipi, port) == 4, "xen_evtchn_bind_ipi.port");

/* Argument of EVTCHNOP alloc_unbound. */
struct xen_evtchn_alloc_unbound {
	u16 dom;
	u16 remote_dom;
	u32 port; /* out */
} __attribute__((packed));
_Static_assert(sizeof(struct xen_evtchn_alloc_unbound) == 8, "xen_evtchn_alloc_unbound");
_Static_assert(__builtin_offsetof(struct xen_evtchn_alloc_unbound, dom) == 0, "xen_evtchn_alloc_unbound.dom");
_Static_assert(__builtin_offsetof(struct xen_evtchn_alloc_unbound, remote_dom) == 2, "xen_evtchn_alloc_unbound.remote_dom");
_Static_assert(__builtin_offsetof(struct xen_evtchn_alloc_unbound, port) == 4, "xen_evtchn_alloc_unbound.port");

/* Argument of EVTCHNOP bind_vcpu. */
struct xen_evtchn_bind_vcpu {
	u32 port;
	u32 vcpu;
} __attribute__((packed));
_Static_assert(sizeof(struct xen_evtchn_bind_vcpu) == 8, "xen_evtchn_bind_vcpu");
_Static_assert(__builtin_offsetof(struct xen_evtchn_bind_vcpu, port) == 0, "xen_evtchn_bind_vcpu.port");
_Static_assert(__builtin_offsetof(struct xen_evtchn_bind_vcpu, vcpu) == 4, "xen_evtchn_bind_vcpu.vcpu");

/* Argument of EVTCHNOP send. */
struct xen_evtchn_send {
	u32 port;
} __attribute__((packed));
_Static_assert(sizeof(struct xen_evtchn_send) == 4, "xen_evtchn_send");
_Static_assert(__builtin_offsetof(struct xen_evtchn_send, port) == 0, "xen_evtchn_send.port");

/* Argument of EVTCHNOP close. */
struct xen_evtchn_close {
	u32 port;
} __attribute__((packed));
_Static_assert(sizeof(struct xen_evtchn_close) == 4, "xen_evtchn_close");
_Static_assert(__builtin_offsetof(struct xen_evtchn_close, port) == 0, "xen_evtchn_close.port");

/* Argument of EVTCHNOP unmask. */
struct xen_evtchn_unmask {
	u32 port;
} __attribute__((packed));
_Static_assert(sizeof(struct xen_evtchn_unmask) == 4, "xen_evtchn_unmask");
_Static_assert(__builtin_offsetof(struct xen_evtchn_unmask, port) == 0, "xen_evtchn_unmask.port");

/* Argument of EVTCHNOP reset. */
struct xen_evtchn_reset {
	u16 dom;
} __attribute__((packed));
_Static_assert(sizeof(struct xen_evtchn_reset) == 2, "xen_evtchn_reset");
_Static_assert(__builtin_offsetof(struct xen_evtchn_reset, dom) == 0, "xen_evtchn_reset.dom");

/* Argument of EVTCHNOP status. */
struct xen_evtchn_status {
	u16 dom;
	u8 pad[2];
	u32 port;
	u32 status; /* out */
	u32 vcpu; /* out */
	u8 u[8]; /* out; u16 dom and u32 port at 4, or u32 pirq or virq */
} __attribute__((packed));
_Static_assert(sizeof(struct xen_evtchn_status) == 24, "xen_evtchn_status");
_Static_assert(__builtin_offsetof(struct xen_evtchn_status, dom) == 0, "xen_evtchn_status.dom");
_Static_assert(__builtin_offsetof(struct xen_evtchn_status, pad) == 2, "xen_evtchn_status.pad");
_Static_assert(__builtin_offsetof(struct xen_evtchn_status, port) == 4, "xen_evtchn_status.port");
_Static_assert(__builtin_offsetof(struct xen_evtchn_status, status) == 8, "xen_evtchn_status.status");
_Static_assert(__builtin_offsetof(struct xen_evtchn_status, vcpu) == 12, "xen_evtchn_status.vcpu");
_Static_assert(__builtin_offsetof(struct xen_evtchn_status, u) == 16, "xen_evtchn_status.u");

/* The page behind start_info's console frame. */
struct xen_console_ring {
	u8 in_ring[1024];
	u8 out_ring[2048];
	u32 in_cons;
	u32 in_prod;
	u32 out_cons;
	u32 out_prod;
} __attribute__((packed));
_Static_assert(sizeof(struct xen_console_ring) == 3088, "xen_console_ring");
_Static_assert(__builtin_offsetof(struct xen_console_ring, in_ring) == 0, "xen_console_ring.in_ring");
_Static_assert(__builtin_offsetof(struct xen_console_ring, out_ring) == 1024, "xen_console_ring.out_ring");
_Static_assert(__builtin_offsetof(struct xen_console_ring, in_cons) == 3072, "xen_console_ring.in_cons");
_Static_assert(__builtin_offsetof(struct xen_console_ring, in_prod) == 3076, "xen_console_ring.in_prod");
_Static_assert(__builtin_offsetof(struct xen_console_ring, out_cons) == 3080, "xen_console_ring.out_cons");
_Static_assert(__builtin_offsetof(struct xen_console_ring, out_prod) == 3084, "xen_console_ring.out_prod");

#endif
