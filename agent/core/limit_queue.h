/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limit_queue.h - what other CPU limits would have done, played window by window as it happens.
 *
 * A histogram of windows does not say in which order they came, and the order decides how much work waits. So the windows
 * of each sample go through one queue a candidate limit: what a period wants beyond the limit waits for the next one. Only
 * sums are kept, of periods, throttled periods, runs of them and the idle time before the quota was used up; they add over
 * samples, slices and instances. Stall is made of them in limit_curve.h, because it depends on how many CPUs wait.
 *
 * Three things a window does not say are taken from elsewhere:
 * - where in the period its work lay: in pieces as long as the mean of usage over wake-ups, spread evenly by chance;
 * - what came in while the present limit held work back: for lower limits that makes no difference (what a queue lets out
 *   passes a tighter one as the original would); for higher ones, of the work done between the first throttled period and
 *   the one that catches up, a share counts as come at once, the more the less work gets by without throttling;
 * - how many CPUs would wait: from how many had a runnable task at the ends of windows.
 *
 * Candidate limits are the upper edges of every second bucket of PF_LAYOUT_MILLICORES, eight an octave.
 */
#ifndef PF_CORE_LIMIT_QUEUE_H
#define PF_CORE_LIMIT_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "core/hist.h"

enum { PF_LIMITS = PF_MILLICORES_BUCKETS / 2 };

/* One window, its times normalised to 100 ms of wall time. */
struct pf_window {
	uint32_t used_us;      /* CPU time */
	uint32_t throttled_us; /* growth of throttled time, over CPUs */
	uint32_t nr_running;   /* CPUs with a runnable task of the container, at the window's end */
};

/* What the windows of one sample were measured under. */
struct pf_queue_load {
	double limit_us; /* of CPU in 100 ms, in force; INFINITY: none */
	double chunk_us; /* CPU time from a wake-up to the next sleep; INFINITY: not known */
};

enum pf_limit_count {
	PF_LIMIT_EXTRA, /* periods with nothing new, only old work or as the idle one behind it */
	PF_LIMIT_THROTTLED, /* periods */
	PF_LIMIT_RUNS,	    /* of throttled periods */
	PF_LIMIT_LEAD_US,   /* idle time before the quota was used up, in throttled periods */
	/* The same two with CFS burst as large as the limit, the most there is. */
	PF_LIMIT_BURST_THROTTLED,
	PF_LIMIT_BURST_LEAD_US, /* and what burst gave */
	PF_NR_LIMIT_COUNTS,
};

/* Sums. */
struct pf_limit_queues {
	uint64_t nr_windows, nr_active; /* nr_active: with new work, and the idle one behind them */
	uint64_t nr_free;		/* windows without throttling; in them: */
	uint64_t nr_running, nr_pairs;	/* sums of n and n (n - 1), n CPUs with a runnable task */
	uint32_t *counts[PF_NR_LIMIT_COUNTS]; /* PF_LIMITS each; all NULL: 0, nothing ran */
};

/** pf_limit_millicores() - candidate limit number @index. pf_limit_index(): of the one at or above @millicores, or
 * of the last. */
uint64_t pf_limit_millicores(size_t index);
size_t pf_limit_index(double millicores);

/**
 * pf_limit_queues_prepare() - makes the counts if these windows need them.
 * Return: 0; -ENOMEM, then nothing is changed.
 */
PF_MUST_CHECK int pf_limit_queues_prepare(struct pf_limit_queues *queues,
					  const struct pf_window *windows, size_t nr);
void pf_limit_queues_free(struct pf_limit_queues *queues); /* the counts */

/**
 * pf_limit_queues_play() - plays windows through all queues, for which they were prepared.
 * @windows: oldest first; the first @nr_past of them only fill the queues and are not counted.
 */
void pf_limit_queues_play(struct pf_limit_queues *queues, const struct pf_window *windows,
			  size_t nr_past, size_t nr, const struct pf_queue_load *load);

#endif
