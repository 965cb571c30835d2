/*
 * 64-bit arithmetic without the compiler's helpers, which a ROM does not have.
 */
#ifndef MATH_H
#define MATH_H

#include "rom.h"

/* The quotient of high:low by d; high < d. One DIV, on the host as in the ROM. */
static inline u32 div_once(u32 high, u32 low, u32 d, u32 *rest)
{
	u32 quotient;
#if defined(__i386__) || defined(__x86_64__)
	__asm__("divl %4" : "=a"(quotient), "=d"(*rest) : "0"(low), "1"(high), "rm"(d) : "cc");
#else
	u64 n = (u64)high << 32 | low;
	quotient = (u32)(n / d);
	*rest = (u32)(n % d);
#endif
	return quotient;
}

/* n / d and n % d; d is not 0. */
static inline u64 div_u64(u64 n, u32 d, u32 *rest)
{
	u32 high = div_once(0, (u32)(n >> 32), d, rest);

	return (u64)high << 32 | div_once(*rest, (u32)n, d, rest);
}

/* n % d for 64-bit d, which is not 0: by shift and subtract, as only very long alarm periods come here. */
static inline u64 mod_u64(u64 n, u64 d)
{
	u32 rest, shift = 0;

	if (d >> 32 == 0) {
		div_u64(n, (u32)d, &rest);
		return rest;
	}
	while (d >> 63 == 0 && d << 1 <= n) {
		d <<= 1;
		shift++;
	}
	for (;; shift--) {
		if (n >= d)
			n -= d;
		if (shift == 0)
			return n;
		d >>= 1;
	}
}

/* a * b >> 32, low 64 bits. */
static inline u64 mul_shift32(u64 a, u32 b)
{
	return (u64)(u32)(a >> 32) * b + ((u64)(u32)a * b >> 32);
}

/* a * m / d, low 64 bits, with a 96-bit product; d is not 0. */
static inline u64 mul_div(u64 a, u32 m, u32 d)
{
	u64 low = (u64)(u32)a * m;
	u64 high = (u64)(u32)(a >> 32) * m + (low >> 32);
	u32 rest, middle, top;

	top = (u32)div_u64(high, d, &rest); /* what overflows 64 bits of the result is dropped */
	middle = div_once(rest, (u32)low, d, &rest);
	return (u64)top << 32 | middle;
}

/* pvclock: cycles since a time stamp, in ns. */
static inline u64 pvclock_scale(u64 delta, u32 mul, s8 shift)
{
	if (shift >= 0)
		delta = shift < 64 ? delta << shift : 0;
	else
		delta = shift > -64 ? delta >> -shift : 0;
	return mul_shift32(delta, mul);
}

/* The frequency behind a pvclock pair, in kHz: 1e6 * 2^32 / mul, shifted back; 0 if mul is 0 or the result does not fit. */
static inline u32 pvclock_khz(u32 mul, s8 shift)
{
	u64 khz = (u64)1000000 << 32;
	u32 rest;

	if (mul == 0)
		return 0;
	khz = div_u64(khz, mul, &rest);
	if (shift < 0)
		khz = shift > -32 ? khz << -shift : 0;
	else
		khz = shift < 64 ? khz >> shift : 0;
	return khz >> 32 ? 0 : (u32)khz;
}

/* Cycles to ns and back at a frequency in kHz, which is not 0. */
static inline u64 cycles_to_ns(u64 cycles, u32 khz)
{
	return mul_div(cycles, 1000000, khz);
}

static inline u64 ns_to_cycles(u64 ns, u32 khz)
{
	return mul_div(ns, khz, 1000000);
}

#endif
