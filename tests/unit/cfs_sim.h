/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cfs_sim.h - CFS bandwidth control of one group, played in small steps: an oracle for the limit curve.
 *
 * As the kernel does it (kernel/sched/fair.c, 6.x): a pool filled by a timer each period, slices of 5 ms drawn from it by
 * each CPU, what is left of a slice kept by the CPU (1 ms) or given back when its queue empties, a debt of up to a
 * tick run up before the queue is stopped, periods counted while the timer runs, burst. The group has the CPUs for
 * itself.
 */
#ifndef PF_TESTS_CFS_SIM_H
#define PF_TESTS_CFS_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "core/limit_queue.h"

/* Open-loop load: each thread gets work when it comes, whether the last is done or not. */
struct sim_shape {
	const char *name;
	unsigned threads;
	double work_ms, period_ms; /* of each thread */
	bool random;		   /* exponential lengths and gaps */
};

struct sim_result {
	unsigned nr_windows;
	struct pf_window
		*windows; /* 100 ms each, their phase apart from the periods'; the caller frees */
	double nr_periods, nr_throttled, throttled_ms, usage_ms;
	double nr_waits, nr_quota_waits; /* switched in after a sleep; after a throttling */
};

/** cfs_sim() - @quota_ms: a 100 ms period; INFINITY: none. @seconds: counted ones, after one that is not. */
void cfs_sim(const struct sim_shape *shape, unsigned nr_cpus, double quota_ms, double burst_ms,
	     unsigned seconds, unsigned seed, struct sim_result *ret_result);

#endif
