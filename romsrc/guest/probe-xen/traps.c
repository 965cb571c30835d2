/* Exceptions and software interrupts in ring 1: vectors, errors, frames, masks. */
#include "probe.h"

u32 trap_flags;

static void frame(const char *id, const char *question)
{
	say(id, question, "%t, cs %x, IF %u, IOPL %u", seen.cs, seen.eflags >> 9 & 1, seen.eflags >> 12 & 3);
}

static void ask_exceptions(void)
{
	TRY("xorl %%edx, %%edx\n\tmovl $1, %%eax\n\txorl %%ecx, %%ecx\n\tdivl %%ecx");
	frame("trap.de", "division by zero");
	TRY("ud2");
	frame("trap.ud", "ud2");
	__asm__ volatile("movl $1f, %0\n1:" : "=r"(trap_flags));
	TRY("movl $1f, trap_flags\n1:\tud2");
	say("trap.ud.eip", "EIP of it is the instruction", "%s", yes(seen.eip == trap_flags));
	TRY("int3");
	frame("trap.bp", "int3");
	TRY("movl $1f, trap_flags\n\tint3\n1:");
	say("trap.bp.eip", "EIP of it is behind the instruction", "%s", yes(seen.eip == trap_flags));
	TRY("movb $0x7F, %%al\n\taddb $1, %%al\n\tinto");
	frame("trap.of", "into with OF");
	TRY("xorl %%eax, %%eax\n\tinto");
	frame("trap.of.not", "into without OF");
	TRY("movl $5, %%eax\n\tpushl $4\n\tpushl $0\n\t.byte 0x62, 0x04, 0x24\n\taddl $8, %%esp");
	frame("trap.br", "bound out of range");
	TRY("pushfl\n\torl $0x100, (%%esp)\n\tpopfl\n\tnop\n\tnop");
	say("trap.db", "a single step", "%s, cs %x, TF in the frame %u", yes(seen.hits && seen.vector == 1), seen.cs,
	    seen.eflags >> 8 & 1);
	__asm__ volatile("pushfl\n\tandl $~0x100, (%esp)\n\tpopfl");
	say("trap.db.6", "DR6 then", "%x", call1(XEN_HYPERCALL_GET_DEBUGREG, 6));
	call2(XEN_HYPERCALL_SET_DEBUGREG, 6, 0);
	TRY(".byte 0xF1");
	frame("trap.icebp", "int1");
	say("trap.icebp.6", "DR6 then", "%x", call1(XEN_HYPERCALL_GET_DEBUGREG, 6));
	call2(XEN_HYPERCALL_SET_DEBUGREG, 6, 0);
	TRY("lock; nop");
	frame("trap.lock", "lock nop");
	TRY(".byte 0x0F, 0xFF, 0xC0");
	frame("trap.ud0", "ud0");
	TRY(".fill 15, 1, 0x66\n\tnop");
	frame("trap.long", "an instruction of 16 bytes");
	TRY("movl %%cs:0, %%eax");
	frame("trap.pf", "a load from address 0");
}

static void ask_interrupts(void)
{
	TRY("int $0x80");
	frame("int.80", "int 0x80, whose gate has DPL 3");
	TRY("int $0x40");
	frame("int.40", "int 0x40, whose gate has DPL 1");
	TRY("int $0x41");
	frame("int.41", "int 0x41, whose gate has DPL 0");
	TRY("int $0x20");
	frame("int.20", "int 0x20, whose gate has DPL 0");
	TRY("int $0x50");
	frame("int.50", "int 0x50, which has no gate");
	TRY("int $0xFF");
	frame("int.ff", "int 0xFF, which has no gate");
	TRY("int $13");
	frame("int.13", "int 13, whose gate has DPL 0");
	TRY("int $14");
	frame("int.14", "int 14, whose gate has DPL 0");
	TRY("int $6");
	frame("int.6", "int 6, whose gate has DPL 0");
	TRY(".byte 0xCD, 3");
	frame("int.3", "int 3 in two bytes");
	TRY(".byte 0xCD, 4");
	frame("int.4", "int 4 in two bytes");
	TRY("movl $1f, trap_flags\n\tint $0x80\n1:");
	say("int.80.eip", "EIP is behind the instruction", "%s", yes(seen.eip == trap_flags));
	TRY("movl $1f, trap_flags\n1:\tint $0x41");
	say("int.41.eip", "EIP of int 0x41 is the instruction", "%s", yes(seen.eip == trap_flags));
}

static void ask_masks(void)
{
	gate(6, 0);
	vcpu->evtchn_upcall_mask = 0;
	TRY("ud2");
	say("mask.0", "unmasked, gate without TI: mask in the handler, cs, IF", "%x %x %u", seen.mask, seen.cs,
	    seen.eflags >> 9 & 1);
	gate(6, XEN_TRAP_FLAG_MASK_EVENTS);
	vcpu->evtchn_upcall_mask = 0;
	TRY("ud2");
	say("mask.ti", "unmasked, gate with TI", "%x %x %u", seen.mask, seen.cs, seen.eflags >> 9 & 1);
	say("mask.ti.after", "the mask after a plain iret", "%x", vcpu->evtchn_upcall_mask);
	vcpu->evtchn_upcall_mask = 1;
	TRY("ud2");
	say("mask.1", "masked, gate with TI", "%x %x %u", seen.mask, seen.cs, seen.eflags >> 9 & 1);
	vcpu->evtchn_upcall_mask = 0xFE;
	TRY("ud2");
	say("mask.fe", "mask of 0xFE", "%x %x %u", seen.mask, seen.cs, seen.eflags >> 9 & 1);
	vcpu->evtchn_upcall_mask = 1;
	gate(6, 0);
	TRY("pushfl\n\tpopl trap_flags");
	say("flags.pushf", "IF and IOPL that pushf shows while masked", "%x", trap_flags & 0x3200);
	TRY("pushfl\n\tandl $~0x200, (%%esp)\n\tpopfl\n\tpushfl\n\tpopl trap_flags");
	say("flags.popf", "popf with IF clear", "%t, IF %u", trap_flags >> 9 & 1);
	TRY("pushfl\n\torl $0x3000, (%%esp)\n\tpopfl\n\tpushfl\n\tpopl trap_flags");
	say("flags.iopl", "popf with IOPL 3", "%t, IOPL %u", trap_flags >> 12 & 3);
	TRY("pushfl\n\torl $0x4000, (%%esp)\n\tpopfl\n\tpushfl\n\tpopl trap_flags\n\tpushfl\n\tandl $~0x4000, (%%esp)\n\tpopfl");
	say("flags.nt", "popf with NT", "%t, NT %u", trap_flags >> 14 & 1);
	TRY("pushfl\n\torl $0x40000, (%%esp)\n\tpopfl\n\tpushfl\n\tpopl trap_flags\n\tpushfl\n\tandl $~0x40000, (%%esp)\n\tpopfl");
	say("flags.ac", "popf with AC", "%t, AC %u", trap_flags >> 18 & 1);
	TRY("pushfl\n\txorl $0x200000, (%%esp)\n\tpopfl\n\tpushfl\n\tpopl trap_flags");
	say("flags.id", "popf changing ID", "%t");
}

static void ask_iret(void)
{
	TRY("pushl $0x202\n\tpushl $0xE019\n\tpushl $1f\n\tpushl $0x77\n\tmovl $23, %%eax\n\tint $0x82\n1:\tmovl %%eax, trap_flags");
	say("iret.if", "iret hypercall with IF: EAX, and the mask", "%t %x %x", trap_flags, vcpu->evtchn_upcall_mask);
	TRY("pushl $2\n\tpushl $0xE019\n\tpushl $1f\n\tpushl $0x78\n\tmovl $23, %%eax\n\tint $0x82\n1:\tmovl %%eax, trap_flags");
	say("iret.no-if", "without IF: EAX, and the mask", "%t %x %x", trap_flags, vcpu->evtchn_upcall_mask);
	TRY("pushl $0x3202\n\tpushl $0xE019\n\tpushl $1f\n\tpushl $0\n\tmovl $23, %%eax\n\tint $0x82\n1:\tpushfl\n\tpopl trap_flags");
	say("iret.iopl", "with IOPL 3 and IF: EFLAGS then", "%t %x", trap_flags & 0x7200);
	TRY("pushl $0x244AD7\n\tpushl $0xE019\n\tpushl $1f\n\tpushl $0\n\tmovl $23, %%eax\n\tint $0x82\n1:\tpushfl\n\tpopl trap_flags\n\t"
	    "pushl $2\n\tpopfl");
	say("iret.flags", "with CF PF AF ZF SF OF NT AC ID: EFLAGS then", "%t %x", trap_flags & 0x3F7FFF & ~0x300u);
	mask_events();
	TRY("pushl $0x202\n\tpushl $0x11E019\n\tpushl $1f\n\tpushl $0\n\tmovl $23, %%eax\n\tint $0x82\n1:");
	say("iret.saved", "with a saved mask in the upper half of CS: the mask", "%t %x", vcpu->evtchn_upcall_mask);
	mask_events();
	failsafe_hits = 0;
	TRY("pushl $2\n\tpushl $0xE009\n\tpushl $1f\n\tpushl $0\n\tmovl $23, %%eax\n\tint $0x82\n1:");
	say("iret.bad-cs", "to a code selector of Xen's, RPL 1", "%t, cs %x, failsafe %u", seen.cs & 0xFFFF, failsafe_hits);
	mask_events();
	failsafe_hits = 0;
	TRY("pushl $0xE033\n\tpushl $probe_user_stack\n\tpushl $2\n\tpushl $0x33\n\tpushl $1f\n\tpushl $0\n\tmovl $23, %%eax\n\tint $0x82\n1:");
	say("iret.bad-user-cs", "to a ring 3 code selector that does not exist", "%t, cs %x, failsafe %u", seen.cs & 0xFFFF,
	    failsafe_hits);
	mask_events();
	failsafe_hits = 0;
	TRY("pushl $0x3B\n\tpushl $probe_user_stack\n\tpushl $2\n\tpushl $0xE02B\n\tpushl $1f\n\tpushl $0\n\tmovl $23, %%eax\n\tint $0x82\n1:");
	say("iret.bad-user-ss", "to ring 3 with a stack selector that does not exist", "%t, cs %x, failsafe %u",
	    seen.cs & 0xFFFF, failsafe_hits);
	mask_events();
	TRY("pushl $2\n\tpushl $0xE019\n\tpushl $1f\n\tiret\n1:");
	say("iret.plain", "a plain iret with IF clear: the mask", "%t %x", vcpu->evtchn_upcall_mask);
	TRY("pushl $2\n\tpushl $0xE009\n\tpushl $1f\n\tiret\n1:");
	say("iret.plain.bad", "a plain iret to Xen's code selector", "%t");
	TRY("pushl $2\n\tpushl $0xE018\n\tpushl $1f\n\tiret\n1:\tmovl %%cs, %%eax\n\tmovl %%eax, trap_flags\n\tljmp $0xE019, $2f\n2:");
	say("iret.plain.rpl0", "a plain iret to e018", "%t");
	mask_events();
}

static void ask_fpu(void)
{
	call1(XEN_HYPERCALL_FPU_TASKSWITCH, 1);
	TRY("fnop");
	frame("nm.first", "an FPU instruction after fpu_taskswitch 1");
	TRY("fnop");
	frame("nm.second", "a second one");
	TRY("movl %%cr0, %%eax\n\tmovl %%eax, trap_flags");
	say("nm.ts", "CR0.TS then", "%u", trap_flags >> 3 & 1);
	call1(XEN_HYPERCALL_FPU_TASKSWITCH, 1);
	TRY("movl %%cr0, %%eax\n\tmovl %%eax, trap_flags");
	say("nm.ts.set", "CR0.TS after fpu_taskswitch 1", "%u", trap_flags >> 3 & 1);
	TRY("clts\n\tfnop");
	frame("nm.clts", "clts, then an FPU instruction");
	TRY("movl %%cr0, %%eax\n\torl $8, %%eax\n\tmovl %%eax, %%cr0\n\tfnop");
	frame("nm.cr0", "TS set through CR0");
	TRY("fwait");
	frame("nm.fwait", "fwait without TS");
	call1(XEN_HYPERCALL_FPU_TASKSWITCH, 1);
	TRY("fwait");
	frame("nm.fwait.ts", "fwait with TS");
	TRY("call *probe_call_17");
	frame("page.call", "a call into the hypercall page");
}

u32 probe_call_17 = (u32)probe_hypercall_page + XEN_HYPERCALL_XEN_VERSION * 32;

void ask_traps(void)
{
	ask_exceptions();
	ask_interrupts();
	ask_masks();
	ask_iret();
	ask_fpu();
}
