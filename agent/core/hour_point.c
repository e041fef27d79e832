// SPDX-License-Identifier: Apache-2.0
#include "core/hour_point.h"

#include <math.h>
#include <string.h>

void pf_hour_point_clear(struct pf_hour_point *point, uint32_t hour)
{
	*point = (struct pf_hour_point){
		.hour = hour,
		.nr_periods = NAN,
		.nr_throttled = NAN,
		.throttled_ns = NAN,
		.demand_p99_millicores = PF_UNKNOWN,
		.demand_peak_millicores = PF_UNKNOWN,
		.memory_peak_bytes = PF_UNKNOWN,
		.hot_peak_bytes = PF_UNKNOWN,
		.working_set_peak_bytes = PF_UNKNOWN,
		.oom_kills = PF_UNKNOWN,
		.restarts = PF_UNKNOWN,
		.present = { PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN },
	};
	memset(&point->kinds, 0xff, sizeof(point->kinds)); /* PF_UNKNOWN is all ones */
}

double pf_hour_mean(const struct pf_hour_sum *sum)
{
	return sum->covered_ns > 0 ? sum->sum / sum->covered_ns : NAN;
}

double pf_hour_throttled_ratio(const struct pf_hour_point *point)
{
	return point->nr_periods > 0 ? point->nr_throttled / point->nr_periods : NAN;
}

static void add(double *sum, uint64_t more)
{
	if (more != PF_UNKNOWN)
		*sum = (isnan(*sum) ? 0 : *sum) + (double)more;
}

static void count(uint64_t *sum, uint64_t more)
{
	if (more != PF_UNKNOWN)
		*sum = (*sum == PF_UNKNOWN ? 0 : *sum) + more;
}

static void add_sum(struct pf_hour_sum *sum, double more, uint64_t covered_ns)
{
	if (isnan(more))
		return;
	sum->sum += more;
	sum->covered_ns += (double)covered_ns;
}

static double number(uint64_t value)
{
	return value == PF_UNKNOWN ? NAN : (double)value;
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
	uint64_t covered_ns = slice->covered_ns;

	point->nr_instances += new_instance;
	point->covered_ns += (double)covered_ns;
	add(&point->nr_periods, slice->nr_periods);
	add(&point->nr_throttled, slice->nr_throttled);
	add(&point->throttled_ns, slice->throttled_ns);
	add_sum(&point->usage_ns, number(slice->usage_ns), covered_ns);
	add_sum(&point->quota_wait_ns, number(slice->quota_wait_ns), covered_ns);
	add_sum(&point->contention_wait_ns, number(slice->contention_wait_ns), covered_ns);
	add_sum(&point->memory_byte_ns, (double)covered_ns * slice->memory_mean_bytes, covered_ns);
	add_sum(&point->hot_byte_ns, (double)covered_ns * slice->hot_mean_bytes, covered_ns);
	raise(&point->demand_peak_millicores, slice->demand_peak_millicores);
	raise(&point->memory_peak_bytes, slice->memory_peak_bytes);
	raise(&point->hot_peak_bytes, slice->hot_peak_bytes);
	raise(&point->working_set_peak_bytes, slice->working_set_peak_bytes);
	if (new_instance)
		add_kinds(point, &slice->memory_end);
	count(&point->oom_kills, slice->oom_kills);
	count(&point->restarts, slice->restarts);
}
