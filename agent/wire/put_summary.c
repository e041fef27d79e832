// SPDX-License-Identifier: Apache-2.0
/*
 * put_summary.c - evidence into a Summary.
 */
#include <errno.h>
#include <evidence.pb-c.h>

#include "wire/internal.h"
#include "wire/summary.h"

enum { ENCODE_MEMORY_MAX = 64 << 20 }; /* the messages beside the result; tables are bounded */

#define PUT_TIME(message, field, value)                                                            \
	do {                                                                                       \
		if ((value) != PF_VPA_NO_TIME)                                                     \
			PUT_ANY(message, field, value);                                            \
	} while (0)

static Podfit__V1__Weights *put_weights(struct pf_arena *arena, const float *weights, size_t nr,
					float zero)
{
	Podfit__V1__Weights *to = pf_arena_alloc(arena, sizeof(*to));
	size_t last = 0;

	if (!to)
		return NULL;
	podfit__v1__weights__init(to);
	to->index_delta = pf_arena_array(arena, nr, sizeof(*to->index_delta));
	to->weight = pf_arena_array(arena, nr, sizeof(*to->weight));
	if (!to->index_delta || !to->weight)
		return NULL;
	for (size_t i = 0; i < nr; i++) {
		if (weights[i] == 0)
			continue;
		to->index_delta[to->n_index_delta++] = (uint32_t)(i - last);
		to->weight[to->n_weight++] = weights[i];
		last = i;
	}
	if (zero != 0)
		PUT_ANY(to, zero, zero);
	return to;
}

static Podfit__V1__VpaHistogram *put_vpa(struct pf_arena *arena, const struct pf_vpa_hist *hist)
{
	Podfit__V1__VpaHistogram *to = pf_arena_alloc(arena, sizeof(*to));
	size_t last = 0;

	if (!to)
		return NULL;
	podfit__v1__vpa_histogram__init(to);
	to->index_delta = pf_arena_array(arena, PF_VPA_NR_BUCKETS, sizeof(*to->index_delta));
	to->weight = pf_arena_array(arena, PF_VPA_NR_BUCKETS, sizeof(*to->weight));
	if (!to->index_delta || !to->weight)
		return NULL;
	PUT_TIME(to, reference_ns, hist->reference_ns);
	PUT_ANY(to, total, hist->total);
	for (size_t i = 0; i < PF_VPA_NR_BUCKETS; i++) {
		if (hist->weight[i] == 0)
			continue;
		to->index_delta[to->n_index_delta++] = (uint32_t)(i - last);
		to->weight[to->n_weight++] = hist->weight[i];
		last = i;
	}
	return to;
}

static void put_cells(Podfit__V1__MemoryCell *const *to, size_t nr,
		      const struct pf_memory_cell *cells)
{
	for (size_t i = 0; i < nr; i++) {
		PUT_ANY(to[i], index, cells[i].index);
		PUT_ANY(to[i], need_bytes, cells[i].need_bytes);
		PUT_ANY(to[i], peak_bytes, cells[i].peak_bytes);
		if (cells[i].oom_bytes)
			PUT_ANY(to[i], oom_bytes, cells[i].oom_bytes);
		if (cells[i].room_bytes)
			PUT_ANY(to[i], room_bytes, cells[i].room_bytes);
	}
}

static void put_peaks(struct pf_arena *arena, const struct pf_evidence *e, Podfit__V1__Evidence *to)
{
	PUT_MESSAGES(arena, to, peaks, podfit__v1__evidence_peak__descriptor, e->nr_peaks);
	for (size_t i = 0; i < to->n_peaks; i++) {
		PUT_ANY(to->peaks[i], instance, e->peaks[i].instance);
		PUT_ANY(to->peaks[i], interval_end_ns, e->peaks[i].interval_end_ns);
		PUT_ANY(to->peaks[i], bytes, e->peaks[i].bytes);
	}
}

static void put_instances(struct pf_arena *arena, const struct pf_evidence *e,
			  Podfit__V1__Evidence *to)
{
	PUT_MESSAGES(arena, to, instances, podfit__v1__evidence_instance__descriptor,
		     e->nr_instances);
	for (size_t i = 0; i < to->n_instances; i++) {
		PUT_ANY(to->instances[i], id, e->instances[i].id);
		PUT_ANY(to->instances[i], last_hour, e->instances[i].last_hour);
		PUT_ANY(to->instances[i], covered_ns, e->instances[i].covered_ns);
		PUT_ANY(to->instances[i], usage_ns, e->instances[i].usage_ns);
		PUT_ANY(to->instances[i], need_bytes, e->instances[i].need_bytes);
	}
}

static void put_histograms(struct pf_arena *arena, const struct pf_evidence *e,
			   Podfit__V1__Evidence *to)
{
	to->demand = put_weights(arena, e->demand, PF_MILLICORES_BUCKETS, e->demand_idle);
	to->minute_long =
		put_weights(arena, e->minute_long, PF_MILLICORES_BUCKETS, e->minute_long_idle);
	to->minute_short =
		put_weights(arena, e->minute_short, PF_MILLICORES_BUCKETS, e->minute_short_idle);
	to->quota_wait = put_weights(arena, e->quota_wait, PF_LATENCY_BUCKETS, 0);
	to->contention_wait = put_weights(arena, e->contention_wait, PF_LATENCY_BUCKETS, 0);
	to->throttle_stall = put_weights(arena, e->throttle_stall, PF_LATENCY_BUCKETS, 0);
	to->vpa_cpu = put_vpa(arena, &e->vpa.cpu);
	to->vpa_memory = put_vpa(arena, &e->vpa.memory);
}

static void put_limits(struct pf_arena *arena, const struct pf_evidence *e,
		       Podfit__V1__Evidence *to)
{
	if (!(e->sums.limit_windows > 0))
		return;
	to->limits = pf_arena_array(arena, PF_NR_LIMIT_COUNTS, sizeof(Podfit__V1__Weights *));
	to->n_limits = to->limits ? PF_NR_LIMIT_COUNTS : 0;
	for (size_t i = 0; i < to->n_limits; i++)
		to->limits[i] = put_weights(arena, e->limits[i], PF_LIMITS, 0);
}

static void put_scalars(const struct pf_evidence *e, Podfit__V1__Evidence *to)
{
	PUT_TIME(to, reference_ns, e->reference_ns);
	PUT_TIME(to, first_ns, e->first_ns);
	PUT_TIME(to, last_ns, e->last_ns);
	PUT_TIME(to, newest_ns, e->newest_ns);
	PUT_TIME(to, vpa_first_ns, e->vpa.first_ns);
	PUT_TIME(to, vpa_last_ns, e->vpa.last_ns);
	PUT_ANY(to, vpa_nr_samples, e->vpa.nr_samples);
	PUT_ANY(to, covered_hours, e->covered_hours);
	PUT_ANY(to, has_windows, e->has_windows);
	PUT_ANY(to, has_kinds, e->has_kinds);
	PUT_ANY(to, has_waits, e->has_waits);
	PUT_ANY(to, demand_peak_millicores, e->demand_peak_millicores);
	PUT_ANY(to, startup_peak_millicores, e->startup_peak_millicores);
	PUT_ANY(to, startup_ns, e->startup_ns);
	PUT_ANY(to, window_ns, e->window_ns);
	PUT(to, cfs_quota_us, e->cfs_quota_us);
	PUT_ANY(to, no_quota, e->cfs_quota_us == PF_NO_LIMIT);
	PUT(to, cfs_period_us, e->cfs_period_us);
	PUT(to, cfs_burst_us, e->cfs_burst_us);
	PUT(to, memory_limit_bytes, e->memory_limit_bytes);
	PUT_ANY(to, no_memory_limit, e->memory_limit_bytes == PF_NO_LIMIT);
	PUT_ANY(to, max_threads, e->max_threads);
	PUT_ANY(to, nr_cpus, e->nr_cpus);
	PUT_ANY(to, oom_kills, e->oom_kills);
	PUT_ANY(to, events_max, e->events_max);
	PUT_ANY(to, events_high, e->events_high);
	PUT_ANY(to, restarts, e->restarts);
	PUT_ANY(to, oom_overshoot_bytes, e->oom_overshoot_bytes);
	PUT_ANY(to, working_set_peak_bytes, e->working_set_peak_bytes);
}

static Podfit__V1__Evidence *put_evidence(struct pf_arena *arena, const struct pf_evidence *e)
{
	Podfit__V1__Evidence *to = pf_arena_alloc(arena, sizeof(*to));
	size_t nr_sums = sizeof(e->sums) / sizeof(double);

	if (!to)
		return NULL;
	podfit__v1__evidence__init(to);
	put_scalars(e, to);
	put_histograms(arena, e, to);
	put_limits(arena, e, to);
	PUT_MESSAGES(arena, to, hours, podfit__v1__memory_cell__descriptor, e->nr_hours);
	put_cells(to->hours, to->n_hours, e->hours);
	PUT_MESSAGES(arena, to, days, podfit__v1__memory_cell__descriptor, e->nr_days);
	put_cells(to->days, to->n_days, e->days);
	put_peaks(arena, e, to);
	put_instances(arena, e, to);
	to->sums = pf_arena_array(arena, nr_sums, sizeof(*to->sums));
	to->n_sums = to->sums ? nr_sums : 0;
	for (size_t i = 0; i < to->n_sums; i++)
		to->sums[i] = ((const double *)&e->sums)[i];
	return to;
}

static void put_present(Podfit__V1__HourPoint *to, const struct pf_resources *from)
{
	PUT(to, cpu_request_millicores, from->cpu_request_millicores);
	PUT(to, cpu_limit_millicores, from->cpu_limit_millicores);
	PUT(to, memory_request_bytes, from->memory_request_bytes);
	PUT(to, memory_limit_bytes, from->memory_limit_bytes);
}

#define PUT_SUM(to, field, covered)                                                                \
	do {                                                                                       \
		if (from->field.covered_ns > 0) {                                                  \
			PUT_ANY(to, field, from->field.sum);                                       \
			PUT_ANY(to, covered, from->field.covered_ns);                              \
		}                                                                                  \
	} while (0)

static void put_point(struct pf_arena *arena, const struct pf_hour_point *from,
		      Podfit__V1__HourPoint *to)
{
	PUT_ANY(to, hour, from->hour);
	PUT_ANY(to, nr_instances, from->nr_instances);
	PUT_ANY(to, covered_ns, from->covered_ns);
	PUT_SUM(to, usage_ns, usage_covered_ns);
	PUT_DOUBLE(to, nr_periods, from->nr_periods);
	PUT_DOUBLE(to, nr_throttled, from->nr_throttled);
	PUT_DOUBLE(to, throttled_ns, from->throttled_ns);
	PUT_SUM(to, quota_wait_ns, quota_wait_covered_ns);
	PUT_SUM(to, contention_wait_ns, contention_wait_covered_ns);
	PUT_SUM(to, memory_byte_ns, memory_covered_ns);
	PUT_SUM(to, hot_byte_ns, hot_covered_ns);
	PUT(to, demand_p99_millicores, from->demand_p99_millicores);
	PUT(to, demand_peak_millicores, from->demand_peak_millicores);
	PUT(to, memory_peak_bytes, from->memory_peak_bytes);
	PUT(to, hot_peak_bytes, from->hot_peak_bytes);
	PUT(to, working_set_peak_bytes, from->working_set_peak_bytes);
	PUT(to, oom_kills, from->oom_kills);
	PUT(to, restarts, from->restarts);
	put_present(to, &from->present);
	if (!from->nr_kinds)
		return;
	PUT_ANY(to, nr_kinds, from->nr_kinds);
	to->kind_bytes = pf_arena_array(arena, PF_MEMORY_NR_KINDS, sizeof(*to->kind_bytes));
	to->n_kind_bytes = to->kind_bytes ? PF_MEMORY_NR_KINDS : 0;
	for (size_t i = 0; i < to->n_kind_bytes; i++)
		to->kind_bytes[i] = ((const uint64_t *)&from->kinds)[i];
}

static int encode(const Podfit__V1__Summary *summary, struct pf_buf *out)
{
	size_t len = podfit__v1__summary__get_packed_size(summary);
	char *place;
	int r = pf_buf_reserve(out, len, &place);

	if (r < 0)
		return r;
	pf_buf_wrote(out, podfit__v1__summary__pack(summary, (uint8_t *)place));
	return 0;
}

int pf_wire_encode_summary(const struct pf_evidence *evidence, const struct pf_hour_point *points,
			   size_t nr_points, struct pf_buf *out)
{
	PF_AUTO(pf_arena_done) struct pf_arena arena;
	Podfit__V1__Summary summary = PODFIT__V1__SUMMARY__INIT;

	pf_arena_init(&arena, ENCODE_MEMORY_MAX);
	summary.evidence = put_evidence(&arena, evidence);
	PUT_MESSAGES(&arena, &summary, points, podfit__v1__hour_point__descriptor, nr_points);
	for (size_t i = 0; i < summary.n_points; i++)
		put_point(&arena, &points[i], summary.points[i]);
	return arena.err ? arena.err : encode(&summary, out);
}
