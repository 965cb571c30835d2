/*
 * Time on a bare machine: the real counter is the TSC, nothing is ever stolen, and the wallclock is the CMOS clock at
 * the start plus the time since.
 */
#include "io.h"
#include "lapic.h"
#include "math.h"
#include "platform.h"

struct native_state *native(void)
{
	return &state()->backend.native;
}

int ROMCALL backend_init(void)
{
	struct native_state *n = native();

	if (n->khz == 0) {
		n->khz = native_measure_khz();
		n->clock_ns = native_cmos_ns();
		n->clock_real = platform_real();
	}
	native_cpus_init();
	lapic_detect();
	native_idt_adopt();
	return 0;
}

void backend_cpu_init(u32 number)
{
	(void)number;
}

u64 platform_real(void)
{
	return cpu_tsc();
}

u64 platform_stolen(void)
{
	return 0;
}

u64 platform_hz(void)
{
	return (u64)native()->khz * 1000;
}

u64 platform_wallclock(void)
{
	const struct native_state *n = native();

	return n->clock_ns + cycles_to_ns(platform_real() - n->clock_real, n->khz);
}

void ROMCALL vmi_IODelay(void)
{
	io_out8(NATIVE_PORT_IO_DELAY, 0);
}
