/* What the kernel finds at its first instruction, and what INIT writes. */
#include "probe.h"

static u8 byte(u32 at)
{
	return *(volatile u8 *)(OFFSET + at);
}

static u32 word(u32 at)
{
	return *(volatile u32 *)(OFFSET + at);
}

void ask_boot(void)
{
	say("boot.registers", "EAX EBX ECX EDX ESI EDI EBP ESP at the first instruction", "%x %x %x %x %x %x %x %x",
	    probe_first.eax, probe_first.ebx, probe_first.ecx, probe_first.edx, probe_first.esi, probe_first.edi,
	    probe_first.ebp, probe_first.esp);
	say("boot.eflags", "EFLAGS, but for the arithmetic ones", "%x", probe_first.eflags & ~0x8D5u);
	say("boot.cs", "CS", "%x", probe_first.cs);
	say("boot.data", "DS ES SS", "%x %x %x", probe_first.ds, probe_first.es, probe_first.ss);
	say("boot.null", "FS GS", "%x %x", probe_first.fs, probe_first.gs);
	say("params.e820", "e820_entries, and the first area: address, type", "%x, %x:%x %x", byte(0x1E8), word(0x2D4), word(0x2D0),
	    word(0x2E0));
	say("params.memory", "its size in MiB, upper half", "%u %x", word(0x2D8) >> 20, word(0x2DC));
	say("params.version", "protocol version", "%x", word(0x206) & 0xFFFF);
	say("params.loader", "type_of_loader without an initrd", "%x", byte(0x210));
	say("params.flags", "loadflags", "%x", byte(0x211));
	say("params.initrd", "ramdisk_image and ramdisk_size without one", "%x %x", word(0x218), word(0x21C));
	say("params.line", "cmd_line_ptr", "%x", word(0x228));
	say("params.alignment", "kernel_alignment", "%x", word(0x230));
	say("params.subarch", "hardware_subarch", "%x", word(0x23C));
	say("params.magic", "header magic, which nobody copies in", "%x", word(0x202));
	say("boot.line", "the command line", "\"%s\"", (const char *)(OFFSET + LGUEST_BOOT_COMMAND_LINE_GPA));
	say("boot.alias", "low memory and its linear alias are the same", "%s", yes(*(volatile u32 *)0x100000 == word(0x100000)));
}

void ask_init(void)
{
	volatile u64 *top = (volatile u64 *)(OFFSET + probe_data.pgdir);
	u32 memory = word(0x2D8), tables = memory / PAGE / 512;

	say("init.reserve", "reserve_mem", "%x", probe_data.reserve_mem);
	say("init.pgdir", "pgdir lies this far below the end of memory", "%x", memory - probe_data.pgdir);
	say("init.tsc", "tsc_khz is told", "%s", yes(probe_data.tsc_khz != 0));
	say("init.time", "the time is set, nanoseconds below a second", "%s", yes(probe_data.time_sec != 0 && (u32)probe_data.time_nsec < 1000000000));
	say("init.enabled", "irq_enabled and irq_pending afterwards", "%x %x", probe_data.irq_enabled, probe_data.irq_pending);
	say("init.blocked", "blocked_interrupts", "%x", probe_data.blocked_interrupts);
	say("init.ring", "first and last status of the ring", "%x %x", probe_data.hcall_status[0], probe_data.hcall_status[63]);
	say("init.kernel", "kernel_address and syscall_vec as they were", "%x %x", probe_data.kernel_address, probe_data.syscall_vec);
	say("tables.top", "flags of the four top entries", "%x %x %x %x", (u32)top[0] & 0xFFF, (u32)top[1] & 0xFFF, (u32)top[2] & 0xFFF,
	    (u32)top[3] & 0xFFF);
	say("tables.same", "the first and the last name one page", "%s", yes((u32)top[0] >> 12 == (u32)top[3] >> 12));
	say("tables.middle", "that page lies this many pages below the top table, less those of tables", "%u",
	    (probe_data.pgdir - ((u32)top[0] & ~0xFFFu)) / PAGE - tables);
	say("tables.leaf", "flags of a page's entry", "%x", (u32)*entry_of(OFFSET + 0x5000) & 0x19F);
	say("tables.last", "the entry of the last page of memory names it", "%s",
	    yes(((u32)*entry_of(OFFSET + memory - PAGE) & ~0xFFFu) == memory - PAGE));
}

/* The launcher always hands out a console, whose queues lie behind the descriptors. */
void ask_devices(void)
{
	volatile u64 *entry = entry_of((u32)probe_pages[7]);
	u64 before = *entry;
	const volatile u8 *first = devices();

	say("devices.first", "type and queues of the first device", "%u %u", first[0], first[1]);
	say("devices.status", "its status", "%x", first[4]);
	say("devices.pages", "device pages", "%u", (memory_limit() - memory_end()) / PAGE);
	*entry = before;
	call1(LGUEST_HCALL_FLUSH_TLB, 1);
}
