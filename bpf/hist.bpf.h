/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * hist.bpf.h - bucket indices of the two log-linear layouts. The same formulas as
 * agent/core/hist.c, whose test holds the two equal; this file compiles on both sides for that.
 */
#ifndef PODFIT_HIST_BPF_H
#define PODFIT_HIST_BPF_H

/* floor(log2(v)), v > 0, v < 2^32. BPF has no instruction that counts leading zeros. */
static inline __attribute__((always_inline)) __u32 pf_log2(__u32 v)
{
	__u32 log = 0, step;

	step = (v > 0xffff) << 4, v >>= step, log |= step;
	step = (v > 0xff) << 3, v >>= step, log |= step;
	step = (v > 0xf) << 2, v >>= step, log |= step;
	step = (v > 0x3) << 1, v >>= step, log |= step;
	return log | v >> 1;
}

/* 4 buckets an octave from 256 ns, 64 ns wide below; the last one, 115, takes all from 60 s or so. */
static inline __attribute__((always_inline)) __u32 pf_latency_bucket(__u64 ns)
{
	__u64 wide = (ns ? ns - 1 : 0) >> 6;
	__u32 x = wide >> 30 ? (1u << 30) - 1 : (__u32)wide, octave;

	if (x < 4)
		return x;
	octave = pf_log2(x);
	return (octave - 1) * 4 + (x >> (octave - 2) & 3);
}

/*
 * The bucket of @ns of CPU in a window of @window_ns, in millicores: 16 an octave from 16, 1 wide
 * below; the last one, 271, is open. @ns > 0. The quotient is rounded so that an exact edge stays
 * in the bucket below it.
 */
static inline __attribute__((always_inline)) __u32 pf_millicores_bucket(__u64 ns, __u64 window_ns)
{
	__u64 wide = (ns * 1000 - 1) / window_ns;
	__u32 x = wide >> 20 ? (1u << 20) - 1 : (__u32)wide, octave;

	if (x < 16)
		return x;
	octave = pf_log2(x);
	return (octave - 3) * 16 + (x >> (octave - 4) & 15);
}

/*
 * CPU time in a window as 16 bits: in units of 10 us a 100 ms of window, exact to 4095 (41 ms), above with 12 bits of
 * precision. @ns > 0 is never 0.
 */
static inline __attribute__((always_inline)) __u32 pf_cpu_code(__u64 ns, __u64 window_ns)
{
	__u64 wide = (ns * 10000 + window_ns - 1) / window_ns;
	__u32 x = wide >> 24 ? (1u << 24) - 1 : (__u32)wide, shift;

	if (x < 4096)
		return x;
	shift = pf_log2(x) - 11;
	return (shift << 11) + (x >> shift);
}

/* The time of a code, in microseconds a 100 ms of window. */
static inline __attribute__((always_inline)) __u32 pf_cpu_us(__u32 code)
{
	return (code < 4096 ? code : ((code & 2047) + 2048) << ((code >> 11) - 1)) * 10;
}

#endif
