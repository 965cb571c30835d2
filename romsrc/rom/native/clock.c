/*
 * The two clocks of a PC that a ROM starts from: the rate of the TSC, measured against the PIT, and the date in the
 * battery-backed clock.
 */
#include "io.h"
#include "math.h"

#define MEASURE_TICKS 11932u    /* 10 ms */
#define MEASURE_POLLS 1000000u  /* what a machine without a second channel costs at most */
#define ATTEMPTS 8
#define DISTURBED 1u /* no measurement ever is as short */
#define AGREEMENT 256u /* two measurements that differ by less than this part of them agree */
#define GATE_SHARE 64u /* opening the gate may take this part of a measurement */
#define KHZ_UNKNOWN 1000000u    /* if there is nothing to measure with */
#define UPDATE_POLLS 100000u
#define PORT_B_GATE2 0x01 /* bits of the port that also drives the speaker */
#define PORT_B_SPEAKER 0x02
#define PORT_B_OUT2 0x20

/* TSC cycles in MEASURE_TICKS of the PIT's second channel, its gate opened and its output watched at port 0x61; 0 if
 * it does not count, DISTURBED if the gate took so long to open that nobody knows when it did. Interrupts are off. */
static u32 measure_once(void)
{
	u32 control = io_in8(NATIVE_PIT_SPEAKER) & ~(u32)PORT_B_SPEAKER;
	u64 before, start;

	io_out8(NATIVE_PIT_SPEAKER, control & ~(u32)PORT_B_GATE2);
	io_out8(NATIVE_PIT_COMMAND,
		NATIVE_PIT_COMMAND_CHANNEL2 | NATIVE_PIT_COMMAND_LOW_HIGH | NATIVE_PIT_COMMAND_MODE0);
	io_out8(NATIVE_PIT_CHANNEL2, MEASURE_TICKS & 0xff);
	io_out8(NATIVE_PIT_CHANNEL2, MEASURE_TICKS >> 8);
	before = cpu_tsc();
	io_out8(NATIVE_PIT_SPEAKER, control | PORT_B_GATE2);
	start = cpu_tsc();
	for (u32 i = 0; i < MEASURE_POLLS; i++)
		if (io_in8(NATIVE_PIT_SPEAKER) & PORT_B_OUT2) {
			u32 cycles = (u32)(cpu_tsc() - start);

			return (u32)(start - before) > cycles / GATE_SHARE ? DISTURBED : cycles;
		}
	return 0;
}

/* Whatever disturbs a measurement once the gate is open makes it longer: the shortest counts, as soon as another
 * says the same. */
u32 native_measure_khz(void)
{
	u32 best = ~0u, rest;
	bool agreed = false;

	for (u32 i = 0; i < ATTEMPTS && !agreed; i++) {
		u32 cycles = measure_once(), apart;

		if (cycles == 0)
			return KHZ_UNKNOWN;
		if (cycles == DISTURBED)
			continue;
		apart = cycles < best ? best - cycles : cycles - best;
		if (cycles < best)
			best = cycles;
		agreed = apart <= best / AGREEMENT;
	}
	if (best == ~0u)
		return KHZ_UNKNOWN;
	best = (u32)div_u64(mul_div(best, NATIVE_PIT_HZ, MEASURE_TICKS), 1000, &rest);
	return best ? best : 1;
}

static u32 cmos(u32 index)
{
	io_out8(NATIVE_CMOS_INDEX, index);
	return io_in8(NATIVE_CMOS_DATA);
}

struct date {
	u32 second, minute, hour, day, month, year, century;
};

static void read_date(struct date *date)
{
	for (u32 i = 0; i < UPDATE_POLLS && cmos(NATIVE_CMOS_STATUS_A) & NATIVE_CMOS_STATUS_A_UPDATING; i++)
		;
	date->second = cmos(NATIVE_CMOS_SECONDS);
	date->minute = cmos(NATIVE_CMOS_MINUTES);
	date->hour = cmos(NATIVE_CMOS_HOURS);
	date->day = cmos(NATIVE_CMOS_DAY);
	date->month = cmos(NATIVE_CMOS_MONTH);
	date->year = cmos(NATIVE_CMOS_YEAR);
	date->century = cmos(NATIVE_CMOS_CENTURY);
}

static bool same_date(const struct date *a, const struct date *b)
{
	return a->second == b->second && a->minute == b->minute && a->hour == b->hour && a->day == b->day;
}

static u32 decimal(u32 value, u32 status)
{
	return status & NATIVE_CMOS_STATUS_B_BINARY ? value : (value >> 4) * 10 + (value & 15);
}

static u32 hour_of_day(u32 hour, u32 status)
{
	u32 value = decimal(hour & 0x7f, status);

	if (status & NATIVE_CMOS_STATUS_B_24_HOURS)
		return value;
	return value % 12 + (hour & 0x80 ? 12 : 0);
}

/* Days from 1970-01-01 to a date of the Gregorian calendar: March is the first month of a year. */
static u32 days_since_1970(u32 year, u32 month, u32 day)
{
	u32 y = month <= 2 ? year - 1 : year, m = month <= 2 ? month + 9 : month - 3;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

u64 native_cmos_ns(void)
{
	struct date date, again;
	u32 status = cmos(NATIVE_CMOS_STATUS_B), year, century, seconds_of_day;

	read_date(&date);
	for (u32 tries = 0; tries < 4; tries++) {
		read_date(&again);
		if (same_date(&date, &again))
			break;
		date = again;
	}
	year = decimal(date.year, status) % 100;
	century = decimal(date.century, status);
	if (century < 19 || century > 29)
		century = year < 70 ? 20 : 19;
	seconds_of_day = hour_of_day(date.hour, status) * 3600 + decimal(date.minute, status) * 60 +
			 decimal(date.second, status);
	year = days_since_1970(century * 100 + year, decimal(date.month, status), decimal(date.day, status));
	return ((u64)year * 86400 + seconds_of_day) * 1000000000u;
}
