/* What boot.S and boot_native.c agree on. */
#ifndef BOOT_STUB_H
#define BOOT_STUB_H

#include "vmi_asm.h"

#include "native_asm.h"

/* native_boot is told by a magic which entry it was: the loader's for Multiboot, NATIVE_PVH_MAGIC for PVH. */

/* A GDT for the way into the guest, which loads its own: code and data where guests have them. */
#define KERNEL_CS (8 * VMI_GUEST_GDT_KERNEL_CS)
#define KERNEL_DS (8 * VMI_GUEST_GDT_KERNEL_DS)
#define BOOT_GDT (VMI_LAYOUT_STATE_GPA + 4096 * (VMI_LAYOUT_STATE_BACKEND + 1))
#define BOOT_GDTR (BOOT_GDT + 8 * 16)
#define BOOT_GDTR_BASE (BOOT_GDTR + 2)

#define boot_plan_OFF_root_gpa 36
#define boot_plan_OFF_entry 40
#define boot_plan_OFF_no_nx 32

#endif
