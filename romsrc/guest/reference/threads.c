/*
 * Kernel threads: the switch happens in lazy CPU mode, as Linux does it, and everything told in it is in force when the
 * mode ends - address space, kernel stack, thread-local segment.
 */
#include "reference.h"

#define THREADS 2
#define STACK 8192u
#define TURNS 10u
#define MARK_VA 0x30000000u
#define DATA3 0x0040F200u
#define TLS_SELECTOR (VMI_GUEST_GDT_TLS_FIRST * 8 | 3)

struct thread {
	u32 esp, root, identity;
	volatile u32 turns, wrong, spins;
	bool done;
	u8 *stack, *trap_stack;
};

static u8 stacks[THREADS][2][STACK] __attribute__((aligned(4096)));
static struct thread threads_[THREADS], whole, *running;
static bool by_timer;

void switch_stacks(u32 *save, u32 load);
void thread_begin(void);
void thread_body(void);

static void switch_to(struct thread *next)
{
	struct thread *before = running;
	u64 tls = vmi_segment((u32)(uintptr_t)&next->identity, 0xFFF, DATA3);

	vmi_SetLazyMode(VMI_LAZY_MODE_CPU);
	vmi_SetCR3(next->root);
	vmi_tss.esp0 = (u32)(uintptr_t)next->trap_stack + STACK;
	vmi_UpdateKernelStack(VMI_SS0, vmi_tss.esp0);
	vmi_WriteGDTEntry(vmi_gdt, VMI_GUEST_GDT_TLS_FIRST, (u32)tls, (u32)(tls >> 32));
	vmi_SetLazyMode(VMI_LAZY_MODE_NONE);
	load_gs(TLS_SELECTOR);
	running = next;
	switch_stacks(&before->esp, next->esp);
}

static struct thread *other(void)
{
	return &threads_[running == &threads_[0]];
}

static bool in_force(const struct thread *self)
{
	return read_gs(0) == self->identity && *(volatile u32 *)(uintptr_t)MARK_VA == self->identity &&
	       vmi_GetCR3() == self->root;
}

static void on_timer(void)
{
	if (running != &whole && !other()->done)
		switch_to(other());
}

/* A thread that gives way of its own will, then one that is made to by the timer. */
void thread_body(void)
{
	struct thread *self = running;

	while (self->turns < TURNS) {
		self->wrong += !in_force(self);
		self->turns++;
		if (by_timer) {
			u32 others = other()->turns;
			struct patience left = patience(LONG);

			/* one shot a turn: a host as slow as the period would leave no time to anything but the timer */
			vmi_SetAlarm(VMI_COUNTER_REAL, now() + microseconds(300), 0);
			vmi_EnableInterrupts();
			while (other()->turns == others && !other()->done && patient(&left))
				self->spins++;
			vmi_DisableInterrupts();
			if (other()->turns == others && !other()->done) {
				note("%x waited in vain, %u ticks, turns %u", self->identity, timer_ticks, self->turns);
				self->wrong++;
			}
		} else if (!other()->done) {
			switch_to(other());
		}
	}
	self->done = true;
	switch_to(other()->done ? &whole : other());
}

static void thread_make(u32 n)
{
	struct thread *thread = &threads_[n];
	u32 *stack;

	*thread = (struct thread){.root = space_new(), .identity = 0x7100 + n, .stack = stacks[n][0], .trap_stack = stacks[n][1]};
	*(u32 *)VMI_LINEAR(space_map(thread->root, MARK_VA, P | W | U)) = thread->identity;
	stack = (u32 *)(uintptr_t)(thread->stack + STACK);
	*--stack = 0;
	*--stack = (u32)(uintptr_t)thread_begin;
	stack -= 4; /* EBP, EBX, ESI, EDI */
	thread->esp = (u32)(uintptr_t)stack;
}

static void run(bool preempt)
{
	by_timer = preempt;
	for (u32 n = 0; n < THREADS; n++)
		thread_make(n);
	whole = (struct thread){.root = kernel_root, .trap_stack = trap_stack};
	running = &whole;
	switch_to(&threads_[0]);
	load_gs(0);
	for (u32 n = 0; n < THREADS; n++)
		space_free(threads_[n].root);
}

static bool both(u32 turns)
{
	return threads_[0].turns == turns && threads_[1].turns == turns && !threads_[0].wrong && !threads_[1].wrong;
}

void threads(void)
{
	run(false);
	check(both(TURNS), "two threads take turns; address space and segment are each one's own after lazy CPU mode");
	timer_drain();
	timer_hook = on_timer;
	run(true);
	timer_hook = NULL;
	timer_drain();
	check(both(TURNS), "two threads that never give way are switched by the timer");
	for (u32 n = 0; n < THREADS; n++)
		note("thread %u: %u turns, %u wrong, spun %u times", n, threads_[n].turns, threads_[n].wrong, threads_[n].spins);

	process_start();
	vmi_SetLazyMode(VMI_LAZY_MODE_CPU);
	vmi_tss.esp0 = (u32)(uintptr_t)stacks[1][1] + STACK;
	vmi_UpdateKernelStack(VMI_SS0, vmi_tss.esp0);
	vmi_SetLazyMode(VMI_LAZY_MODE_NONE);
	check(process_run(user_where, 0) && process.where + sizeof(struct vmi_frame) == vmi_tss.esp0,
	      "a kernel stack named in lazy CPU mode is used when the mode has ended");
	process_end();
}
