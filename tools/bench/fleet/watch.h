/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.h - what a process has cost so far, from its files in /proc.
 */
#ifndef PF_BENCH_FLEET_WATCH_H
#define PF_BENCH_FLEET_WATCH_H

#include <stdint.h>

#include "base/cleanup.h"

struct pf_watch {
	uint64_t cpu_ns; /* user and system time of all threads, those that ended included */
	uint64_t resident_bytes, peak_bytes;
};

/** pf_watch_read() - Return: 0; -errno; -EBADMSG. */
PF_MUST_CHECK int pf_watch_read(int pid, struct pf_watch *ret_watch);

#endif
