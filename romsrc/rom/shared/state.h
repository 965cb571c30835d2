/*
 * struct rom_state: all that a ROM remembers. A ROM never writes to itself; this lies in the state pages that
 * the loader or the 16-bit entry reserved (vmi_rom_private.state_gpa + 4 pages), zero at first.
 *
 * The first three words are read by assembly (reloc.S). The shared part comes first, the backend's own, struct
 * backend_state from its backend.h, last.
 */
#ifndef STATE_H
#define STATE_H

#ifndef ROM_CPUS
#define ROM_CPUS 1 /* a backend that serves more processors says how many, and tells them apart by platform_cpu() */
#endif

#define ROM_STATE_MAGIC 0x54535256u /* "VRST": the state is initialised */

struct alarm {
	u64 expiry; /* absolute value of its counter */
	u64 period; /* 0: one-shot */
	bool armed;
	bool lvtt; /* wired to the local APIC's LVTT, else to IRQ 0 */
};

struct pic_chip {
	u8 irr, isr, imr;
	u8 base;     /* vector of input 0 (ICW2) */
	u8 lines;    /* level of the inputs */
	u8 elcr;     /* inputs that are level triggered */
	u8 init;     /* next ICW expected: 0 none, 2, 3, 4 */
	u8 icw4;     /* ICW1 announced an ICW4 */
	u8 automatic; /* AEOI */
	u8 rotate;   /* rotate on AEOI */
	u8 special;  /* special mask mode */
	u8 read_isr; /* OCW3: a read of the command port gives ISR, else IRR */
	u8 poll;     /* OCW3: the next read is a poll */
	u8 lowest;   /* input of lowest priority; 7 after ICW1 */
	u8 nested;   /* special fully nested mode */
	u8 pad;
};

struct pic {
	struct pic_chip chips[2];
};

#define UART_BUFFER 128

struct uart {
	u8 ier, fcr, lcr, mcr, scr, dll, dlm;
	u8 transmitted; /* a THRE interrupt is due */
	s32 received;   /* byte waiting in RBR, or -1 */
	u32 used;       /* bytes in out[] that the platform has not been given */
	u8 out[UART_BUFFER];
};

struct apic {
	u32 registers[64]; /* by offset / 16; IRR and ISR at their hardware places */
};

struct rom_state {
	u32 magic;
	u32 counters_gva; /* array of u32 by call number; 0: counters are off */
	u32 counters_entries;
	u32 lazy_mode; /* as given to SetLazyMode */
	struct alarm alarms[ROM_CPUS][2]; /* by processor and counter: real, available */
	struct pic pic;
	struct uart uart;
	struct apic apic;
	u64 wallclock_offset; /* wallclock - real at the last WallclockUpdated, in ns */
	u64 stolen_base[ROM_CPUS]; /* what the platform called stolen when each processor began */
	u32 wallclock_known;
	u32 init_done; /* times that backend_init succeeded */
	struct backend_state backend;
};

#endif
