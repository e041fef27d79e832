// SPDX-License-Identifier: Apache-2.0
/*
 * get_summary.c - evidence out of a Summary. The bytes are our own, but a disk may have changed them:
 * every index and count is checked.
 */
#include <errno.h>
#include <evidence.pb-c.h>
#include <stdio.h>
#include <string.h>

#include "wire/internal.h"
#include "wire/summary.h"

#define GET_TIME(message, field) ((message)->has_##field ? (message)->field : PF_VPA_NO_TIME)

static int damaged(struct pf_wire_error *error, const char *what)
{
	error->offset = 0;
	(void)snprintf(error->reason, sizeof(error->reason), "%s", what); /* cut if too long */
	return -EBADMSG;
}

/* The next bucket of a sparse histogram. False: beyond @nr, or not rising. */
static bool next_index(const uint32_t *deltas, size_t at, size_t nr, uint64_t *index)
{
	*index += deltas[at];
	return *index < nr && (!at || deltas[at]);
}

static int get_weights(const Podfit__V1__Weights *from, float *to, size_t nr, float *zero,
		       struct pf_wire_error *error)
{
	uint64_t index = 0;

	if (!from)
		return 0;
	if (from->n_index_delta != from->n_weight)
		return damaged(error, "weights: not as many buckets as values");
	for (size_t i = 0; i < from->n_weight; i++) {
		if (!next_index(from->index_delta, i, nr, &index) || !isfinite(from->weight[i]))
			return damaged(error, "weights: a bucket or value that cannot be");
		to[index] = from->weight[i];
	}
	if (zero)
		*zero = GET_OR(from, zero, 0);
	return 0;
}

/* First and last bucket follow from the weights: the outermost that do not count as empty. */
static int get_vpa(const Podfit__V1__VpaHistogram *from, struct pf_vpa_hist *hist,
		   struct pf_wire_error *error)
{
	uint64_t index = 0;

	if (!from)
		return 0;
	if (from->n_index_delta != from->n_weight)
		return damaged(error, "VPA histogram: not as many buckets as values");
	for (size_t i = 0; i < from->n_weight; i++) {
		if (!next_index(from->index_delta, i, (size_t)hist->scale->nr_buckets, &index) ||
		    !isfinite(from->weight[i]))
			return damaged(error, "VPA histogram: a bucket or value that cannot be");
		hist->weight[index] = from->weight[i];
		if (from->weight[i] < hist->scale->epsilon)
			continue;
		hist->first = PF_MIN(hist->first, (int)index);
		hist->last = PF_MAX(hist->last, (int)index);
	}
	hist->reference_ns = GET_TIME(from, reference_ns);
	hist->total = GET_OR(from, total, 0);
	return isfinite(hist->total) ? 0 : damaged(error, "VPA histogram: its total cannot be");
}

static int get_cells(Podfit__V1__MemoryCell *const *from, size_t nr, struct pf_memory_cell *to,
		     uint32_t max, uint32_t *ret_nr, struct pf_wire_error *error)
{
	if (nr > max)
		return damaged(error, "memory cells: more than are kept");
	for (size_t i = 0; i < nr; i++) {
		to[i] = (struct pf_memory_cell){ from[i]->index, from[i]->need_bytes,
						 from[i]->peak_bytes, from[i]->oom_bytes,
						 from[i]->room_bytes };
		if (i && to[i].index <= to[i - 1].index)
			return damaged(error, "memory cells: not in order");
	}
	*ret_nr = (uint32_t)nr;
	return 0;
}

static int get_peaks(const Podfit__V1__Evidence *from, struct pf_evidence *e,
		     struct pf_wire_error *error)
{
	if (from->n_peaks > PF_EVIDENCE_PEAKS_MAX)
		return damaged(error, "peaks: more than are kept");
	e->peaks = calloc(from->n_peaks ? from->n_peaks : 1, sizeof(*e->peaks));
	if (!e->peaks)
		return -ENOMEM;
	e->peaks_cap = e->nr_peaks = (uint32_t)from->n_peaks;
	for (size_t i = 0; i < from->n_peaks; i++)
		e->peaks[i] = (struct pf_vpa_slice_peak){ from->peaks[i]->instance,
							  from->peaks[i]->interval_end_ns,
							  from->peaks[i]->bytes };
	pf_evidence_order_peaks(e);
	return 0;
}

static int get_instances(const Podfit__V1__Evidence *from, struct pf_evidence *e,
			 struct pf_wire_error *error)
{
	if (from->n_instances > PF_EVIDENCE_INSTANCES_MAX)
		return damaged(error, "instances: more than are kept");
	e->instances = calloc(from->n_instances ? from->n_instances : 1, sizeof(*e->instances));
	if (!e->instances)
		return -ENOMEM;
	e->instances_cap = e->nr_instances = (uint32_t)from->n_instances;
	for (size_t i = 0; i < from->n_instances; i++) {
		const Podfit__V1__EvidenceInstance *in = from->instances[i];

		if (!isfinite(in->covered_ns) || !isfinite(in->usage_ns))
			return damaged(error, "instances: a value that cannot be");
		e->instances[i] =
			(struct pf_evidence_instance){ in->id, in->last_hour, in->covered_ns,
						       in->usage_ns, in->need_bytes };
	}
	return 0;
}

static int get_histograms(const Podfit__V1__Evidence *from, struct pf_evidence *e,
			  struct pf_wire_error *error)
{
	int r = get_weights(from->demand, e->demand, PF_MILLICORES_BUCKETS, &e->demand_idle, error);

	if (r == 0)
		r = get_weights(from->minute_long, e->minute_long, PF_MILLICORES_BUCKETS,
				&e->minute_long_idle, error);
	if (r == 0)
		r = get_weights(from->minute_short, e->minute_short, PF_MILLICORES_BUCKETS,
				&e->minute_short_idle, error);
	if (r == 0)
		r = get_weights(from->quota_wait, e->quota_wait, PF_LATENCY_BUCKETS, NULL, error);
	if (r == 0)
		r = get_weights(from->contention_wait, e->contention_wait, PF_LATENCY_BUCKETS, NULL,
				error);
	if (r == 0)
		r = get_weights(from->throttle_stall, e->throttle_stall, PF_LATENCY_BUCKETS, NULL,
				error);
	if (r == 0)
		r = get_vpa(from->vpa_cpu, &e->vpa.cpu, error);
	return r < 0 ? r : get_vpa(from->vpa_memory, &e->vpa.memory, error);
}

static int get_limits(const Podfit__V1__Evidence *from, struct pf_evidence *e,
		      struct pf_wire_error *error)
{
	struct pf_evidence_sums *sums = &e->sums;
	int r = 0;

	/* Windows without what they gave would say that no limit throttles. */
	if (from->n_limits != PF_NR_LIMIT_COUNTS)
		sums->limit_windows = sums->limit_active = sums->limit_free = sums->limit_running =
			sums->limit_pairs = 0;
	else
		for (size_t i = 0; i < PF_NR_LIMIT_COUNTS && r == 0; i++)
			r = get_weights(from->limits[i], e->limits[i], PF_LIMITS, NULL, error);
	return r;
}

static int get_scalars(const Podfit__V1__Evidence *from, struct pf_evidence *e,
		       struct pf_wire_error *error)
{
	size_t nr_sums = sizeof(e->sums) / sizeof(double);

	e->reference_ns = GET_TIME(from, reference_ns);
	e->first_ns = GET_TIME(from, first_ns);
	e->last_ns = GET_TIME(from, last_ns);
	e->newest_ns = GET_TIME(from, newest_ns);
	e->vpa.first_ns = GET_TIME(from, vpa_first_ns);
	e->vpa.last_ns = GET_TIME(from, vpa_last_ns);
	e->vpa.nr_samples = from->vpa_nr_samples;
	e->covered_hours = from->covered_hours;
	e->has_windows = from->has_windows;
	e->has_kinds = from->has_kinds;
	e->has_waits = from->has_waits;
	e->demand_peak_millicores = from->demand_peak_millicores;
	e->startup_peak_millicores = from->startup_peak_millicores;
	e->startup_ns = from->startup_ns;
	e->window_ns = from->window_ns;
	e->cfs_quota_us = GET_LIMIT(from, cfs_quota_us, from->no_quota);
	e->cfs_period_us = GET(from, cfs_period_us);
	e->cfs_burst_us = GET(from, cfs_burst_us);
	e->memory_limit_bytes = GET_LIMIT(from, memory_limit_bytes, from->no_memory_limit);
	e->max_threads = from->max_threads;
	e->nr_cpus = GET_OR(from, nr_cpus, 0);
	e->oom_kills = from->oom_kills;
	e->events_max = from->events_max;
	e->events_high = from->events_high;
	e->restarts = from->restarts;
	e->oom_overshoot_bytes = from->oom_overshoot_bytes;
	e->working_set_peak_bytes = from->working_set_peak_bytes;
	/* Sums of an older version are fewer, of a newer one more. */
	for (size_t i = 0; i < PF_MIN(nr_sums, from->n_sums); i++) {
		((double *)&e->sums)[i] = from->sums[i];
		if (!isfinite(from->sums[i]))
			return damaged(error, "sums: a value that cannot be");
	}
	return isfinite(e->covered_hours) ? 0 : damaged(error, "covered hours that cannot be");
}

static int get_evidence(const Podfit__V1__Evidence *from, const struct pf_vpa_settings *settings,
			struct pf_evidence **ret_evidence, struct pf_wire_error *error)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *e = NULL;
	int r;

	if (!from)
		return damaged(error, "a summary without evidence");
	r = pf_evidence_new(settings, &e);
	if (r == 0)
		r = get_scalars(from, e, error);
	if (r == 0)
		r = get_histograms(from, e, error);
	if (r == 0)
		r = get_limits(from, e, error);
	if (r == 0)
		r = get_cells(from->hours, from->n_hours, e->hours, PF_EVIDENCE_HOURS, &e->nr_hours,
			      error);
	if (r == 0)
		r = get_cells(from->days, from->n_days, e->days, PF_EVIDENCE_DAYS, &e->nr_days,
			      error);
	if (r == 0)
		r = get_peaks(from, e, error);
	if (r == 0)
		r = get_instances(from, e, error);
	if (r < 0)
		return r;
	*ret_evidence = pf_take(e);
	return 0;
}

#define GET_SUM(to, field, covered)                                                                \
	do {                                                                                       \
		if (from->has_##field)                                                             \
			(to)->field =                                                              \
				(struct pf_hour_sum){ from->field, from->has_##covered             \
									   ? from->covered         \
									   : from->covered_ns };   \
	} while (0)

static void get_point(const Podfit__V1__HourPoint *from, struct pf_hour_point *to)
{
	pf_hour_point_clear(to, from->hour);
	to->nr_instances = from->nr_instances;
	to->covered_ns = from->covered_ns;
	GET_SUM(to, usage_ns, usage_covered_ns);
	to->nr_periods = GET_DOUBLE(from, nr_periods);
	to->nr_throttled = GET_DOUBLE(from, nr_throttled);
	to->throttled_ns = GET_DOUBLE(from, throttled_ns);
	GET_SUM(to, quota_wait_ns, quota_wait_covered_ns);
	GET_SUM(to, contention_wait_ns, contention_wait_covered_ns);
	GET_SUM(to, memory_byte_ns, memory_covered_ns);
	GET_SUM(to, hot_byte_ns, hot_covered_ns);
	to->demand_p99_millicores = GET(from, demand_p99_millicores);
	to->demand_peak_millicores = GET(from, demand_peak_millicores);
	to->memory_peak_bytes = GET(from, memory_peak_bytes);
	to->hot_peak_bytes = GET(from, hot_peak_bytes);
	to->working_set_peak_bytes = GET(from, working_set_peak_bytes);
	to->oom_kills = GET(from, oom_kills);
	to->restarts = GET(from, restarts);
	to->nr_kinds = from->n_kind_bytes == PF_MEMORY_NR_KINDS ? from->nr_kinds : 0;
	if (to->nr_kinds)
		memcpy(&to->kinds, from->kind_bytes, sizeof(to->kinds));
	to->present = (struct pf_resources){ GET(from, cpu_request_millicores),
					     GET(from, cpu_limit_millicores),
					     GET(from, memory_request_bytes),
					     GET(from, memory_limit_bytes) };
}

int pf_wire_decode_summary(const void *data, size_t len, const struct pf_vpa_settings *settings,
			   struct pf_arena *arena, struct pf_evidence **ret_evidence,
			   const struct pf_hour_point **ret_points, size_t *ret_nr,
			   struct pf_wire_error *ret_error)
{
	const Podfit__V1__Summary *summary;
	struct pf_hour_point *points;
	ProtobufCMessage *message;
	int r = pf_wire_unpack(&podfit__v1__summary__descriptor, data, len, arena, &message,
			       ret_error);

	if (r < 0)
		return r;
	summary = (const Podfit__V1__Summary *)message;
	points = pf_arena_array(arena, summary->n_points ? summary->n_points : 1, sizeof(*points));
	if (!points)
		return arena->err;
	for (size_t i = 0; i < summary->n_points; i++)
		get_point(summary->points[i], &points[i]);
	if (ret_evidence)
		r = get_evidence(summary->evidence, settings, ret_evidence, ret_error);
	if (r < 0)
		return r;
	if (ret_points) {
		*ret_points = points;
		*ret_nr = summary->n_points;
	}
	return 0;
}
