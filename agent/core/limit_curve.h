/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limit_curve.h - what a CPU limit would do: the share of CFS periods throttled and the time stalled, for any limit.
 *
 * Periods come from the queues that each sample's windows went through (limit_queue.h), interpolated between candidates.
 * Stall is summed over CPUs, as the kernel does: in a throttled period each waiting CPU stands still for the whole of it but
 * for the time before its work came and its part of the quota. How many wait is made of how many threads work, which
 * pairs of running ones tell, and of how often they come.
 *
 * A limit takes the peaks out of what passes it, so limits above the present one are not judged by queues but by the
 * histogram of demand; so is evidence without queues (of older agents), and a container that was throttled nearly all the
 * time. The histogram is cut into equally likely windows and played through one queue, busy windows in runs of a length at
 * which the present limit's own throttling comes out as it was measured.
 *
 * Against a simulation: tests/unit/test_limit_curve.c; against a real kernel: tests/kernel/test_limit_curve.c,
 * tools/bench/limit_curve.c.
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
	double present_millicores;    /* the limit now; INFINITY: none */
	double nr_running;	      /* CPUs it runs on, when it runs */
	double nr_threads;	      /* that work at all */
	double nr_cpus;		      /* of the node */
	double wakes_per_s;	      /* of all threads */
	bool has_queues;
	/* For limits above the present one, or without queues: millicores, in the order they are played. */
	float demand[PF_CURVE_WINDOWS];
	double parallel_millicores; /* the most it runs at once */
	double peak_millicores;	    /* highest demand */
	double mean_millicores;
	unsigned run_length; /* of alike windows */
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
