#ifndef LOCAL_TIMER_H
#define LOCAL_TIMER_H

/* Set the local APIC's timer for what the calling processor has due or waits for at LVTT. Interrupts are off. */
void local_timer_program(void);

#endif
