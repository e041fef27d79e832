// SPDX-License-Identifier: Apache-2.0
#include "core/hour_point.h"

#include <math.h>
#include <string.h>

void pf_hour_point_clear(struct pf_hour_point *point, uint32_t hour)
{
	*point = (struct pf_hour_point){
		.hour = hour,
		.demand_p99_millicores = PF_UNKNOWN,
		.demand_peak_millicores = PF_UNKNOWN,
		.memory_peak_bytes = PF_UNKNOWN,
		.hot_peak_bytes = PF_UNKNOWN,
		.working_set_peak_bytes = PF_UNKNOWN,
		.present = { PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN },
	};
	memset(&point->kinds, 0xff, sizeof(point->kinds)); /* PF_UNKNOWN is all ones */
}

static double known(uint64_t value)
{
	return value == PF_UNKNOWN ? 0 : (double)value;
}

static void raise(uint64_t *peak, uint64_t value)
{
	if (value != PF_UNKNOWN && (*peak == PF_UNKNOWN || value > *peak))
		*peak = value;
}

static void add_kinds(struct pf_hour_point *point, const struct pf_memory_kinds *more)
{
	uint64_t *to = (uint64_t *)&point->kinds;
	const uint64_t *from = (const uint64_t *)more;

	if (more->anon == PF_UNKNOWN)
		return;
	for (size_t i = 0; i < PF_MEMORY_NR_KINDS; i++)
		if (from[i] != PF_UNKNOWN)
			to[i] = to[i] == PF_UNKNOWN ? from[i] : to[i] + from[i];
	point->nr_kinds++;
}

void pf_hour_point_add(struct pf_hour_point *point, const struct pf_slice *slice, bool new_instance)
{
	double covered_ns = (double)slice->covered_ns;

	point->nr_instances += new_instance;
	point->covered_ns += covered_ns;
	point->usage_ns += known(slice->usage_ns);
	point->nr_periods += known(slice->nr_periods);
	point->nr_throttled += known(slice->nr_throttled);
	point->throttled_ns += known(slice->throttled_ns);
	point->quota_wait_ns += known(slice->quota_wait_ns);
	point->contention_wait_ns += known(slice->contention_wait_ns);
	if (!isnan(slice->memory_mean_bytes))
		point->memory_byte_ns += covered_ns * slice->memory_mean_bytes;
	if (!isnan(slice->hot_mean_bytes))
		point->hot_byte_ns += covered_ns * slice->hot_mean_bytes;
	raise(&point->demand_peak_millicores, slice->demand_peak_millicores);
	raise(&point->memory_peak_bytes, slice->memory_peak_bytes);
	raise(&point->hot_peak_bytes, slice->hot_peak_bytes);
	raise(&point->working_set_peak_bytes, slice->working_set_peak_bytes);
	if (new_instance)
		add_kinds(point, &slice->memory_end);
	point->oom_kills += slice->oom_kills == PF_UNKNOWN ? 0 : slice->oom_kills;
	point->restarts += slice->restarts == PF_UNKNOWN ? 0 : slice->restarts;
}
