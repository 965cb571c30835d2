/* I/O privilege in ring 1, and the rest of physdev_op. */
#include "probe.h"

u32 port_value, port_number;

static void ask_port(const char *id, const char *question, u32 number)
{
	port_number = number;
	port_value = 0x55;
	TRY("movl port_number, %%edx\n\txorl %%eax, %%eax\n\tinb %%dx, %%al\n\tmovl %%eax, port_value");
	say(id, question, "%t %x", port_value);
}

static s32 physdev(u32 command, void *at)
{
	return call2(XEN_HYPERCALL_PHYSDEV_OP, command, at);
}

static void ask_compat(void)
{
	struct {
		u32 command, iopl;
	} old = { XEN_PHYSDEVOP_SET_IOPL, 0 };

	say("physdev.compat", "physdev_op_compat set_iopl", "%e", call1(XEN_HYPERCALL_PHYSDEV_OP_COMPAT, &old));
	old.command = 99;
	say("physdev.compat.99", "physdev_op_compat command 99", "%e", call1(XEN_HYPERCALL_PHYSDEV_OP_COMPAT, &old));
	say("physdev.compat.null", "physdev_op_compat at address 0", "%e", call1(XEN_HYPERCALL_PHYSDEV_OP_COMPAT, 0));
}

void ask_ports(void)
{
	struct xen_physdev_irq_status_query query = { 0, 0x55 };
	struct xen_physdev_eoi eoi = { 1 };

	say("iopl.4", "set_iopl 4", "%e", set_iopl(4));
	say("iopl.null", "set_iopl at address 0", "%e", physdev(XEN_PHYSDEVOP_SET_IOPL, 0));
	say("iopl.1", "set_iopl 1", "%e", set_iopl(1));
	TRY("cli");
	say("iopl.cli", "cli with IOPL 1, and the mask", "%t %x", vcpu->evtchn_upcall_mask);
	unmask_events();
	TRY("cli");
	say("iopl.cli.unmasked", "cli while unmasked, and the mask", "%t %x", vcpu->evtchn_upcall_mask);
	mask_events();
	TRY("sti");
	say("iopl.sti", "sti with IOPL 1, and the mask", "%t %x", vcpu->evtchn_upcall_mask);
	TRY("hlt");
	say("iopl.hlt", "hlt with IOPL 1", "%t");
	TRY("pushfl\n\tpopl port_value");
	say("iopl.pushf", "IOPL that pushf shows", "%x", port_value >> 12 & 3);
	TRY("ud2");
	say("iopl.frame", "IOPL in a trap's frame", "%x", seen.eflags >> 12 & 3);
	ask_port("port.21", "in from 0x21", 0x21);
	ask_port("port.40", "in from 0x40", 0x40);
	port_number = 0x61;
	TRY("movl port_number, %%edx\n\txorl %%eax, %%eax\n\tinb %%dx, %%al\n\tmovl %%eax, port_value");
	say("port.61", "in from 0x61, but for the bits that tick", "%t %x", port_value & 0xCF);
	ask_port("port.a1", "in from 0xA1", 0xA1);
	ask_port("port.3fd", "in from 0x3FD", 0x3FD);
	ask_port("port.cf8", "in from 0xCFC", 0xCFC);
	ask_port("port.80", "in from 0x80", 0x80);
	ask_port("port.2f8", "in from 0x2F8, where nothing is", 0x2F8);
	ask_port("port.300", "in from 0x300, where nothing is", 0x300);
	TRY("movl $0x80, %%edx\n\toutb %%al, %%dx");
	say("port.80.out", "out to 0x80", "%t");
	TRY("movl $0x20, %%edx\n\tmovb $0x60, %%al\n\toutb %%al, %%dx");
	say("port.20.out", "out to 0x20, which is Xen's", "%t");
	TRY("movl $0x300, %%edx\n\tinw %%dx, %%ax\n\tmovzwl %%ax, %%eax\n\tmovl %%eax, port_value");
	say("port.word", "a word from 0x300", "%t %x", port_value);
	TRY("movl $0x300, %%edx\n\tinl %%dx, %%eax\n\tmovl %%eax, port_value");
	say("port.long", "a long from 0x300", "%t %x", port_value);
	TRY("movl $0x3FE, %%edx\n\tinl %%dx, %%eax\n\tmovl %%eax, port_value");
	say("port.across", "a long across the end of Xen's ports", "%t %x", port_value);
	TRY("pushl %%edi\n\tmovl $probe_pages, %%edi\n\tmovl $0x300, %%edx\n\tmovl $4, %%ecx\n\trep; insb\n\tmovl %%ecx, port_value\n\tpopl %%edi");
	say("port.ins", "rep insb from 0x300, and ECX", "%t %x", port_value);
	TRY("pushl %%edi\n\tmovl $0x1000, %%edi\n\tmovl $0x300, %%edx\n\tinsb\n\tpopl %%edi");
	say("port.ins.absent", "insb to an absent page", "%t");
	say("iopl.0", "set_iopl 0", "%e", set_iopl(0));
	TRY("cli");
	say("iopl.0.cli", "cli then", "%t");
	call2(XEN_HYPERCALL_VM_ASSIST, 0, XEN_ASSIST_TYPE_ARCHITECTURAL_IOPL);
	TRY("cli");
	say("assist.iopl.cli", "cli with the architectural_iopl assist", "%t");
	ask_port("assist.iopl.in", "in from 0x300 with it", 0x300);
	TRY("ud2");
	say("assist.iopl.frame", "IOPL in a trap's frame with it", "%x", seen.eflags >> 12 & 3);
	set_iopl(1);
	TRY("ud2");
	say("assist.iopl.frame1", "and with IOPL 1 besides", "%x", seen.eflags >> 12 & 3);
	set_iopl(0);
	call2(XEN_HYPERCALL_VM_ASSIST, 1, XEN_ASSIST_TYPE_ARCHITECTURAL_IOPL);
	say("physdev.irq", "irq_status_query of 0", "%e", physdev(XEN_PHYSDEVOP_IRQ_STATUS_QUERY, &query));
	query.irq = 0xFFFF;
	say("physdev.irq.huge", "irq_status_query of 0xFFFF", "%e", physdev(XEN_PHYSDEVOP_IRQ_STATUS_QUERY, &query));
	say("physdev.eoi", "eoi of 1, which is not bound", "%e", physdev(XEN_PHYSDEVOP_EOI, &eoi));
	eoi.irq = 0xFFFF;
	say("physdev.eoi.huge", "eoi of 0xFFFF", "%e", physdev(XEN_PHYSDEVOP_EOI, &eoi));
	say("physdev.99", "physdev_op 99", "%e", physdev(99, &eoi));
	ask_compat();
}
