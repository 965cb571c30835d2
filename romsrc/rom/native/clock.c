/*
 * The two clocks of a PC that a ROM starts from: the rate of the TSC, measured against the PIT, and the date in the
 * battery-backed clock.
 */
#include "io.h"
#include "math.h"

#define MEASURE_TICKS 11932u    /* 10 ms */
#define COUNT_MAX 0xffffu       /* the channel is loaded with: 55 ms */
#define IDLE_POLLS 10000u       /* without a change: nothing counts there */
#define ATTEMPTS 8
#define LOOKS 8
#define WIDTH_SHARE 64u         /* of a measurement, within which its two ends are known */
#define KHZ_UNKNOWN 1000000u    /* if there is nothing to measure with */
#define UPDATE_POLLS 100000u
#define PORT_B_GATE2 0x01 /* bits of the port that also drives the speaker */
#define PORT_B_SPEAKER 0x02
#define PORT_B_OUT2 0x20

/* The PIT's second channel and the TSC at one moment, known within `width` cycles. */
struct moment {
	u64 cycles;
	u32 count, width;
};

static void latch_channel2(void)
{
	io_out8(NATIVE_PIT_COMMAND, NATIVE_PIT_COMMAND_CHANNEL2);
}

static u32 latched_count(void)
{
	u32 low = io_in8(NATIVE_PIT_CHANNEL2);

	return low | io_in8(NATIVE_PIT_CHANNEL2) << 8;
}

/* Of several looks the closest: one that took long was disturbed, and nobody knows when in it the count was latched. */
static struct moment look(void)
{
	struct moment best = {0, 0, ~0u};

	for (u32 i = 0; i < LOOKS; i++) {
		u64 before = cpu_tsc(), after;
		u32 count;

		latch_channel2();
		after = cpu_tsc();
		count = latched_count();
		if (after - before >= best.width)
			continue;
		best.width = (u32)(after - before);
		best.cycles = before + best.width / 2;
		best.count = count;
	}
	return best;
}

static void start_channel2(void)
{
	u32 control = io_in8(NATIVE_PIT_SPEAKER) & ~(u32)(PORT_B_SPEAKER | PORT_B_GATE2);

	io_out8(NATIVE_PIT_SPEAKER, control);
	io_out8(NATIVE_PIT_COMMAND,
		NATIVE_PIT_COMMAND_CHANNEL2 | NATIVE_PIT_COMMAND_LOW_HIGH | NATIVE_PIT_COMMAND_MODE0);
	io_out8(NATIVE_PIT_CHANNEL2, COUNT_MAX & 0xff);
	io_out8(NATIVE_PIT_CHANNEL2, COUNT_MAX >> 8);
	io_out8(NATIVE_PIT_SPEAKER, control | PORT_B_GATE2);
}

/* Wait until MEASURE_TICKS have passed since a count; false if nothing counts. */
static bool wait(u32 first)
{
	u32 last = first;

	for (u32 idle = 0; idle < IDLE_POLLS; idle++) {
		u32 count;

		latch_channel2();
		count = latched_count();
		if (((first - count) & COUNT_MAX) >= MEASURE_TICKS)
			return true;
		if (count != last)
			idle = 0;
		last = count;
	}
	return false;
}

/* The rate in kHz between two looks at the channel, and within what part of it (a 2^-16th each) it is known; ~0 of
 * them if the channel came to its end between. False if nothing counts. Interrupts are off. */
static bool measure_once(u32 *khz, u32 *unknown)
{
	struct moment first, last;
	u32 cycles, ticks, rest;

	start_channel2();
	first = look();
	if (!wait(first.count))
		return false;
	last = look();
	cycles = (u32)(last.cycles - first.cycles);
	ticks = (first.count - last.count) & COUNT_MAX;
	*unknown = ~0u;
	if (io_in8(NATIVE_PIT_SPEAKER) & PORT_B_OUT2 || cycles == 0 || ticks == 0)
		return true;
	*unknown = (u32)div_u64(((u64)first.width + last.width) << 16, cycles, &rest);
	*khz = (u32)div_u64(mul_div(cycles, NATIVE_PIT_HZ, ticks), 1000, &rest);
	return true;
}

/* The ends of a measurement are known by themselves, so that what comes between them may take as long as it likes. The
 * first that is good enough counts, or the best of all. */
u32 native_measure_khz(void)
{
	u32 best = KHZ_UNKNOWN, least = ~0u;

	for (u32 i = 0; i < ATTEMPTS && least > (1u << 16) / WIDTH_SHARE; i++) {
		u32 khz = 0, unknown;

		if (!measure_once(&khz, &unknown))
			return KHZ_UNKNOWN;
		if (unknown < least) {
			least = unknown;
			best = khz;
		}
	}
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

	if (status & NATIVE_CMOS_STATUS_B_HOURS_24)
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
