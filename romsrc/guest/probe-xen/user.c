/* Ring 3: what its instructions give, and how the frames look in ring 1. */
#include "probe.h"

#define USER(name, text) \
	extern const u8 user_##name[]; \
	__asm__(".text\nuser_" #name ":\n\t" text "\n\tint $0x80\n\tjmp .")

USER(nop, "nop");
USER(int3, "int3");
USER(into, "movb $0x7F, %al\n\taddb $1, %al\n\tinto");
USER(ud2, "ud2");
USER(de, "xorl %ecx, %ecx\n\txorl %edx, %edx\n\tdivl %ecx");
USER(cli, "cli");
USER(sti, "sti");
USER(hlt, "hlt");
USER(in, "inb $0x80, %al");
USER(out, "outb %al, $0x80");
USER(in21, "inb $0x21, %al");
USER(cr0, "movl %cr0, %eax");
USER(cr3, "movl %eax, %cr3");
USER(clts, "clts");
USER(dr, "movl %dr0, %eax");
USER(wbinvd, "wbinvd");
USER(rdmsr, "movl $0x10, %ecx\n\trdmsr");
USER(lgdt, "lgdt probe_user_stack");
USER(rdtsc, "rdtsc");
USER(cpuid, "xorl %eax, %eax\n\tcpuid");
USER(sgdt, "sgdt -64(%esp)");
USER(pushf, "pushfl\n\tpopl %eax");
USER(int40, "int $0x40");
USER(int41, "int $0x41");
USER(int82, "movl $17, %eax\n\txorl %ebx, %ebx\n\tint $0x82");
USER(int50, "int $0x50");
USER(syscall, ".byte 0x0F, 0x05");
USER(sysenter, ".byte 0x0F, 0x34");
USER(rdpmc, "xorl %ecx, %ecx\n\trdpmc");
USER(vmmcall, ".byte 0x0F, 0x01, 0xD9");
USER(kernel, "movl probe_pages, %eax");
USER(store, "movl %eax, probe_pages");
USER(store_ro, "movl %eax, probe_pages + 0x1000");
USER(jump, "movl $probe_pages, %eax\n\tjmp *%eax");
USER(m2p, "movl 0xFFC00000, %eax");
USER(ds, "movl $0xE021, %eax\n\tmovl %eax, %ds");
USER(cs, "ljmp $0xE019, $0");
USER(selectors, "movl %ds, %eax\n\tshll $16, %eax\n\tmovw %fs, %ax");
USER(stack, "xorl %esp, %esp\n\tpushl %eax");
USER(bound, "pushl $4\n\tpushl $0\n\tmovl $9, %eax\n\t.byte 0x62, 0x04, 0x24");
USER(fnop, "fnop");
USER(forced, "movl $0x40000000, %eax\n\t.byte 0x0F, 0x0B, 0x78, 0x65, 0x6E\n\tcpuid");
USER(smsw, "smsw %eax");
USER(nulls, "xorl %eax, %eax\n\tmovl %eax, %ds\n\tmovl %ds:0, %eax");
USER(int80nul, "xorl %eax, %eax\n\tmovl %eax, %ds\n\tmovl %eax, %es");
USER(iret, "pushl $0x202\n\tpushl $0xE02B\n\tpushl $1f\n\tiret\n1:");
USER(step, "pushfl\n\torl $0x100, (%esp)\n\tpopfl\n\tnop");

static void user(const char *id, const char *question, const u8 *code)
{
	user_run(code, 0x202);
	say(id, question, "%t, cs %x, IF %u", seen.cs, seen.eflags >> 9 & 1);
	__asm__ volatile("movl %0, %%fs\n\tmovl %0, %%gs" : : "r"(XEN_SELECTOR_KERNEL_DS));
}

#define ASK(id, question, name) user(id, question, user_##name)

static void ask_bitmap(void)
{
	struct xen_physdev_set_iobitmap map = { (u32)page(20), 256 };

	clear(page(20), PAGE);
	say("user.bitmap", "set_iobitmap of 256 ports", "%e", call2(XEN_HYPERCALL_PHYSDEV_OP, XEN_PHYSDEVOP_SET_IOBITMAP, &map));
	ASK("user.bitmap.in", "in from an allowed port", in);
	ASK("user.bitmap.xen", "in from an allowed port of Xen's", in21);
	((u8 *)page(20))[16] = 1;
	ASK("user.bitmap.denied", "in from a port that the map denies", in);
	map.nr_ports = 65537;
	say("user.bitmap.many", "set_iobitmap of 65537 ports", "%e", call2(XEN_HYPERCALL_PHYSDEV_OP, XEN_PHYSDEVOP_SET_IOBITMAP, &map));
	map.nr_ports = 0;
	map.bitmap = 0;
	call2(XEN_HYPERCALL_PHYSDEV_OP, XEN_PHYSDEVOP_SET_IOBITMAP, &map);
}

void ask_user(void)
{
	u32 from = (u32)user_nop & ~0xFFFu;

	for (u32 i = 0; i < 4; i++)
		map_address(from + i * PAGE, (u64)mfn((void *)(from + i * PAGE)) << 12 | P | RW | US);
	map(probe_user_stack, (u64)mfn(probe_user_stack) << 12 | P | RW | US);
	remap(1, P | US);
	ASK("user.int80", "int 0x80 from ring 3", nop);
	say("user.ss", "SS in the frame", "%x", seen.ss & 0xFFFF);
	say("user.esp", "ESP in the frame is the user's", "%s", yes(seen.esp == (u32)probe_user_stack + PAGE));
	say("user.eflags", "EFLAGS in the frame", "%x", seen.eflags);
	ASK("user.int3", "int3", int3);
	ASK("user.into", "into", into);
	ASK("user.ud2", "ud2", ud2);
	ASK("user.de", "division by zero", de);
	ASK("user.bound", "bound", bound);
	ASK("user.cli", "cli", cli);
	ASK("user.sti", "sti", sti);
	ASK("user.hlt", "hlt", hlt);
	ASK("user.in", "in", in);
	ASK("user.out", "out", out);
	ASK("user.cr0", "mov from cr0", cr0);
	ASK("user.cr3", "mov to cr3", cr3);
	ASK("user.clts", "clts", clts);
	ASK("user.dr", "mov from dr0", dr);
	ASK("user.wbinvd", "wbinvd", wbinvd);
	ASK("user.rdmsr", "rdmsr", rdmsr);
	ASK("user.lgdt", "lgdt", lgdt);
	ASK("user.rdtsc", "rdtsc", rdtsc);
	ASK("user.cpuid", "cpuid", cpuid);
	ASK("user.sgdt", "sgdt", sgdt);
	ASK("user.smsw", "smsw", smsw);
	ASK("user.pushf", "pushf, and what it shows of IF and IOPL", pushf);
	say("user.pushf.eax", "that", "%x", seen.eax & 0x3200);
	ASK("user.int40", "int 0x40, whose gate has DPL 1", int40);
	ASK("user.int41", "int 0x41, whose gate has DPL 0", int41);
	ASK("user.int50", "int 0x50, which has no gate", int50);
	ASK("user.int82", "int 0x82", int82);
	ASK("user.syscall", "syscall, once a callback of type 7 is registered", syscall);
	ASK("user.sysenter", "sysenter, once a callback of type 5 is registered", sysenter);
	ASK("user.rdpmc", "rdpmc", rdpmc);
	ASK("user.vmmcall", "vmmcall", vmmcall);
	ASK("user.kernel", "a load from a kernel page", kernel);
	say("user.kernel.cr2", "CR2 is its address", "%s", yes(seen.cr2 == (u32)probe_pages));
	ASK("user.store", "a store to a kernel page", store);
	ASK("user.store.ro", "a store to a read-only user page", store_ro);
	ASK("user.jump", "a jump to a kernel page", jump);
	ASK("user.hole", "a load from the hole", m2p);
	ASK("user.ds", "load DS with the kernel's", ds);
	ASK("user.cs", "far jump to the kernel's CS", cs);
	ASK("user.selectors", "DS and FS in ring 3", selectors);
	say("user.selectors.eax", "those", "%x", seen.eax);
	ASK("user.null", "a load through a null DS", nulls);
	ASK("user.stack", "a push with ESP 0", stack);
	ASK("user.iret", "iret to ring 3", iret);
	ASK("user.step", "a single step", step);
	ASK("user.forced", "forced cpuid", forced);
	say("user.forced.eax", "its EAX", "%x", seen.eax);
	call1(XEN_HYPERCALL_FPU_TASKSWITCH, 1);
	ASK("user.nm", "an FPU instruction with TS", fnop);
	ASK("user.fpu", "one without", fnop);
	ASK("user.null-data", "int 0x80 with null DS and ES", int80nul);
	remap(0, P | RW | US | NX);
	ASK("user.nx", "a jump to a no-execute user page", jump);
	remap(0, P | RW);
	set_iopl(1);
	ASK("user.iopl1", "in with IOPL 1", in);
	set_iopl(3);
	ASK("user.iopl3", "in with IOPL 3", in);
	ASK("user.iopl3.cli", "cli with IOPL 3", cli);
	say("user.iopl3.mask", "the mask after it", "%x", vcpu->evtchn_upcall_mask);
	set_iopl(0);
	ask_bitmap();
	remap(1, P | RW);
	call1(XEN_HYPERCALL_FPU_TASKSWITCH, 0);
}
