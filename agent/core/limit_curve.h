/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limit_curve.h - what a CPU limit would do: the share of CFS periods throttled and the time stalled, for any limit,
 * predicted from the demand that 100 ms windows have shown.
 *
 * Demand without a limit (evidence.h) is cut into equally likely windows and played through a queue, period by period:
 * what a period wants beyond the limit waits for the next one. The kernel counts a period as throttled if something had
 * to wait in it, and counts periods with work and one idle one behind each run of them. What a histogram does not say
 * is how long busy windows last: they are played in runs, of a length at which the present limit's own throttling
 * comes out as it was measured, or of two windows where nothing was measured.
 *
 * Measured on a real kernel with eleven shapes of load under six limits each: see tools/bench/limit_curve.c.
 */
#ifndef PF_CORE_LIMIT_CURVE_H
#define PF_CORE_LIMIT_CURVE_H

#include <stddef.h>
#include <stdint.h>

#include "core/advice.h"
#include "core/evidence.h"

enum { PF_CURVE_WINDOWS = 512 }; /* one throttled window among them is 0.2 % */

/* By candidate limit, see limit_queue.h. */
struct pf_limit_sums {
	float throttled_ratio[PF_LIMITS]; /* of periods */
	float throttled_per_s[PF_LIMITS]; /* periods */
	float lead_us_per_s[PF_LIMITS];	  /* time before the quota was used up, without the quota */
};

/* Made from evidence once, asked for many limits. A plain value. */
struct pf_limit_model {
	/* What the queues did, without burst and with as much as there can be; only if has_queues. */
	struct pf_limit_sums plain, burst;
	float run_periods[PF_LIMITS]; /* throttled in a row, on average */
	double nr_running;	      /* CPUs it runs on, when it runs */
	double nr_threads;	      /* that work at all */
	double nr_cpus;		      /* of the node */
	double wakes_per_s;	      /* of all threads */
	bool has_queues;
	float demand[PF_CURVE_WINDOWS]; /* millicores, in the order they are played */
	double parallel_millicores;	/* the most it runs at once */
	double peak_millicores;		/* highest demand */
	double mean_millicores;
	unsigned run_length; /* of alike windows */
	bool measured;	     /* the run length fits what the present limit was seen to do */
	bool saturated; /* throttled nearly all the time: demand is what it waited with, at most that much */
};

/** pf_limit_model_init() - Return: 0; -ENODATA without demand windows. */
PF_MUST_CHECK int pf_limit_model_init(const struct pf_evidence *evidence,
				      struct pf_limit_model *ret_model);

/** pf_limit_at() - the curve at one limit, > 0. @burst_us: CFS burst at a period of 100 ms; PF_UNKNOWN: none. */
void pf_limit_at(const struct pf_limit_model *model, uint64_t limit_millicores, uint64_t burst_us,
		 struct pf_curve_point *ret_point);

/**
 * pf_limit_curve() - the curve from where nearly all periods are throttled to where none is; then, if there is a
 * present limit, that limit with CFS burst of a quarter, a half and all of its quota.
 * @present, @advised: limits to have among them; PF_UNKNOWN, PF_NO_LIMIT: none.
 * Return: number of points: ascending limits without burst first.
 */
size_t pf_limit_curve(const struct pf_limit_model *model, uint64_t present, uint64_t advised,
		      struct pf_curve_point *ret_points, size_t max);

/** pf_limit_smallest() - the smallest limit, not below @floor, with a share of throttled periods within @budget_ratio. */
uint64_t pf_limit_smallest(const struct pf_limit_model *model, double budget_ratio, uint64_t floor);

#endif
