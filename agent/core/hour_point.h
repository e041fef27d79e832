/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hour_point.h - what one container of one workload did in one hour, summed over its instances: a
 * point of the charts that show its history.
 */
#ifndef PF_CORE_HOUR_POINT_H
#define PF_CORE_HOUR_POINT_H

#include <stdbool.h>

#include "core/slice.h"
#include "core/types.h"

enum { PF_MEMORY_NR_KINDS = sizeof(struct pf_memory_kinds) / sizeof(uint64_t) };

/* A sum, and the time of those instances that know theirs: others must not count as if they had none. */
struct pf_hour_sum {
	double sum, covered_ns;
};

/* A plain value. Numbers are NaN, counts and peaks PF_UNKNOWN until a slice knew them. */
struct pf_hour_point {
	uint32_t hour; /* since 1970 UTC */
	uint32_t nr_instances;
	double covered_ns; /* 0 at first */
	double nr_periods, nr_throttled, throttled_ns;
	struct pf_hour_sum usage_ns, quota_wait_ns, contention_wait_ns;
	struct pf_hour_sum memory_byte_ns, hot_byte_ns; /* byte * ns */
	uint64_t demand_p99_millicores;	 /* of 100 ms windows, all instances together */
	uint64_t demand_peak_millicores; /* of the highest instance, as all peaks */
	uint64_t memory_peak_bytes, hot_peak_bytes, working_set_peak_bytes;
	struct pf_memory_kinds kinds; /* at the end, sum of nr_kinds instances; PF_UNKNOWN */
	uint32_t nr_kinds;
	uint64_t oom_kills, restarts;
	struct pf_resources present; /* as the newest report of the hour says */
};

void pf_hour_point_clear(struct pf_hour_point *point, uint32_t hour);

/** pf_hour_mean() - a sum per ns that is covered; NaN: nobody knows it. */
double pf_hour_mean(const struct pf_hour_sum *sum);

/** pf_hour_throttled_ratio() - of the periods; NaN: not known, or there were none. */
double pf_hour_throttled_ratio(const struct pf_hour_point *point);

/**
 * pf_hour_point_add() - takes one slice in.
 * @new_instance: no other slice of this instance was added (there may be one for each run).
 */
void pf_hour_point_add(struct pf_hour_point *point, const struct pf_slice *slice,
		       bool new_instance);

#endif
