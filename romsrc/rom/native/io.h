/* The instructions of a PC that C has no words for, and the ports of its devices. */
#ifndef IO_H
#define IO_H

#include "rom.h"
#include "native_asm.h"

#ifdef ROM_HOST
/* the machine is the test's */
void io_out8(u32 port, u32 value);
void io_out16(u32 port, u32 value);
void io_out32(u32 port, u32 value);
u32 io_in32(u32 port);
u32 io_in8(u32 port);
u64 cpu_tsc(void);
u32 irq_save(void);
void irq_restore(u32 flags);
void load_idt(u32 base, u32 limit);
struct vmi_dtr read_idt(void);
bool try_lock(u32 *word);
u32 lock(u32 *word);
void release(u32 *word);
void unlock(u32 *word, u32 saved);
void machine_stop(void) __attribute__((noreturn));
void machine_triple_fault(void) __attribute__((noreturn));
#else

static inline void io_out8(u32 port, u32 value)
{
	__asm__ volatile("outb %b0, %w1" : : "a"(value), "Nd"(port));
}

static inline void io_out16(u32 port, u32 value)
{
	__asm__ volatile("outw %w0, %w1" : : "a"(value), "Nd"(port));
}

static inline void io_out32(u32 port, u32 value)
{
	__asm__ volatile("outl %0, %w1" : : "a"(value), "Nd"(port));
}

static inline u32 io_in32(u32 port)
{
	u32 value;

	__asm__ volatile("inl %w1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline u32 io_in8(u32 port)
{
	u8 value;

	__asm__ volatile("inb %w1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline u64 cpu_tsc(void)
{
	u64 value;

	__asm__ volatile("rdtsc" : "=A"(value));
	return value;
}

static inline u32 irq_save(void)
{
	u32 flags;

	__asm__ volatile("pushfl; popl %0; cli" : "=r"(flags) : : "memory");
	return flags;
}

static inline void irq_restore(u32 flags)
{
	__asm__ volatile("pushl %0; popfl" : : "r"(flags) : "memory", "cc");
}

static inline void load_idt(u32 base, u32 limit)
{
	struct vmi_dtr dtr = {.limit = (u16)limit, .base = base};

	__asm__ volatile("lidt %0" : : "m"(dtr));
}

static inline struct vmi_dtr read_idt(void)
{
	struct vmi_dtr dtr;

	__asm__ volatile("sidt %0" : "=m"(dtr));
	return dtr;
}

static inline bool try_lock(u32 *word)
{
	u32 taken = 1;

	__asm__ volatile("xchgl %0, %1; pause" : "+r"(taken), "+m"(*word) : : "memory");
	return !taken;
}

/* Interrupts off, then the lock; the flags as they were. Not to be taken twice by one processor. */
static inline u32 lock(u32 *word)
{
	u32 saved = irq_save();

	while (!try_lock(word))
		;
	return saved;
}

static inline void release(u32 *word)
{
	__asm__ volatile("movl $0, %0" : "=m"(*word) : : "memory");
}

static inline void unlock(u32 *word, u32 saved)
{
	release(word);
	irq_restore(saved);
}

/* The two ends of a machine that nothing else could end. */
static inline __attribute__((noreturn)) void machine_stop(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

static inline __attribute__((noreturn)) void machine_triple_fault(void)
{
	load_idt(0, 0);
	for (;;)
		__asm__ volatile("int3");
}

#endif

#endif
