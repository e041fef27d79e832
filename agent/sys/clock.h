/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h - the two clocks of the machine, for those who may read them (never core/).
 */
#ifndef PF_SYS_CLOCK_H
#define PF_SYS_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* "2026-11-28T21:45:03.123Z" and the NUL */
#define PF_CLOCK_TEXT_MAX 32

/** pf_clock_monotonic_ns() - CLOCK_MONOTONIC, the clock of samples, BPF events and timers. */
uint64_t pf_clock_monotonic_ns(void);

/** pf_clock_wall_ns() - ns since 1970 (CLOCK_REALTIME); may step. */
int64_t pf_clock_wall_ns(void);

/** pf_clock_process_cpu_ns() - user and system time of this process since its start. */
uint64_t pf_clock_process_cpu_ns(void);

/** pf_clock_format() - @wall_ns as RFC 3339 in UTC with milliseconds; gives @text back. */
const char *pf_clock_format(int64_t wall_ns, char *text, size_t size);

/**
 * pf_clock_parse() - an RFC 3339 time, as Kubernetes writes it ("2026-11-21T23:41:19Z", with a
 * fraction or an offset), to ns since 1970. Return: 0; -EINVAL (also for years outside 1700-2260).
 */
int pf_clock_parse(const char *text, int64_t *ret_wall_ns);

#endif
