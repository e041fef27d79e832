// SPDX-License-Identifier: Apache-2.0
/*
 * get_slice.c - evidence out of messages. Bucket numbers are the sender's word: each is checked.
 */
#include <errno.h>
#include <stdio.h>

#include "wire/internal.h"

static int damaged(struct pf_wire_error *error, const char *what)
{
	error->offset = 0;
	(void)snprintf(error->reason, sizeof(error->reason), "%s", what); /* cut if too long */
	return -EBADMSG;
}

/* @value, or the highest that may be. */
static uint64_t at_most(uint64_t value, uint64_t max)
{
	if (value <= max)
		return value;
	pf_wire_count_impossible();
	return max;
}

/* Checks of a sparse histogram what the schema cannot. */
static int check_buckets(const Podfit__V1__Histogram *hist, size_t nr_values, size_t nr_buckets,
			 struct pf_wire_error *error)
{
	uint64_t index = 0;

	if (hist->n_index_delta != nr_values)
		return damaged(error, "histogram: not as many buckets as values");
	for (size_t i = 0; i < hist->n_index_delta; i++) {
		index += hist->index_delta[i];
		if (index >= nr_buckets || (i && !hist->index_delta[i]))
			return damaged(error, "histogram: bucket out of order or beyond the last");
	}
	return 0;
}

static int get_hist(struct pf_arena *arena, const Podfit__V1__Histogram *hist,
		    enum pf_hist_layout layout, uint32_t **ret_counts, uint64_t *ret_nr_zero,
		    struct pf_wire_error *error)
{
	size_t nr_buckets = pf_hist_nr_buckets(layout), index = 0;
	uint32_t *counts;
	int r;

	if (!hist)
		return 0;
	if ((int)hist->layout != (int)layout)
		return damaged(error, "histogram: not the layout this field has");
	r = check_buckets(hist, hist->n_count, nr_buckets, error);
	if (r < 0)
		return r;
	counts = pf_arena_array(arena, nr_buckets, sizeof(*counts));
	if (!counts)
		return arena->err;
	for (size_t i = 0; i < hist->n_count; i++) {
		index += hist->index_delta[i];
		counts[index] = (uint32_t)at_most(hist->count[i], UINT32_MAX);
	}
	*ret_counts = counts;
	if (ret_nr_zero)
		*ret_nr_zero = GET(hist, nr_zero);
	return 0;
}

static int get_weights(struct pf_arena *arena, const Podfit__V1__Histogram *hist,
		       double **ret_weights, struct pf_wire_error *error)
{
	size_t index = 0;
	double *weights;
	int r;

	if (!hist)
		return 0;
	if (hist->layout != PODFIT__V1__HISTOGRAM_LAYOUT__VPA_CPU)
		return damaged(error, "histogram: not the layout this field has");
	r = check_buckets(hist, hist->n_weight, PF_SLICE_VPA_BUCKETS, error);
	if (r < 0)
		return r;
	weights = pf_arena_array(arena, PF_SLICE_VPA_BUCKETS, sizeof(*weights));
	if (!weights)
		return arena->err;
	for (size_t i = 0; i < hist->n_weight; i++) {
		/* Not a number is none of both. */
		if (!(hist->weight[i] >= 0 && hist->weight[i] <= PF_WIRE_WEIGHT_MAX))
			return damaged(error, "histogram: weight negative or beyond reason");
		index += hist->index_delta[i];
		weights[index] = hist->weight[i];
	}
	*ret_weights = weights;
	return 0;
}

void pf_wire_get_kinds(const Podfit__V1__MemoryKinds *message, struct pf_memory_kinds *ret_kinds)
{
	static const Podfit__V1__MemoryKinds none = PODFIT__V1__MEMORY_KINDS__INIT;
	const Podfit__V1__MemoryKinds *from = message ? message : &none;

	*ret_kinds = (struct pf_memory_kinds){
		.anon = GET(from, anon_bytes),
		.file = GET(from, file_bytes),
		.shmem = GET(from, shmem_bytes),
		.inactive_file = GET(from, inactive_file_bytes),
		.active_file = GET(from, active_file_bytes),
		.unevictable = GET(from, unevictable_bytes),
		.slab_reclaimable = GET(from, slab_reclaimable_bytes),
		.slab_unreclaimable = GET(from, slab_unreclaimable_bytes),
		.kernel_stack = GET(from, kernel_stack_bytes),
		.pagetables = GET(from, pagetables_bytes),
		.percpu = GET(from, percpu_bytes),
		.sock = GET(from, sock_bytes),
		.swap = GET(from, swap_bytes),
	};
}

void pf_wire_get_psi(const Podfit__V1__Psi *message, struct pf_psi *ret_psi)
{
	static const Podfit__V1__Psi none = PODFIT__V1__PSI__INIT;
	const Podfit__V1__Psi *from = message ? message : &none;

	*ret_psi = (struct pf_psi){
		.cpu_some_ns = GET(from, cpu_some_ns),
		.cpu_full_ns = GET(from, cpu_full_ns),
		.memory_some_ns = GET(from, memory_some_ns),
		.memory_full_ns = GET(from, memory_full_ns),
		.io_some_ns = GET(from, io_some_ns),
		.io_full_ns = GET(from, io_full_ns),
	};
}

/* An interval of VPA is a day and begins within the slice's hour at the latest. */
static bool is_late(uint64_t at_unix_ns, uint32_t hour)
{
	return at_unix_ns > (uint64_t)hour * PF_NS_PER_HOUR + 2 * PF_NS_PER_DAY;
}

/* Times and sizes that cannot be are left out and counted: sums with them would overflow. */
static int get_vpa(struct pf_arena *arena, const Podfit__V1__VpaEvidence *from, uint32_t hour,
		   struct pf_slice_vpa *vpa, struct pf_wire_error *error)
{
	if (!from)
		return 0;
	if (from->n_memory_peaks > PF_SLICE_PEAKS_MAX)
		return damaged(error, "VPA evidence: more memory intervals than an hour can touch");
	vpa->first_cpu_unix_ns = GET(from, first_cpu_sample_unix_ns);
	vpa->last_cpu_unix_ns = GET(from, last_cpu_sample_unix_ns);
	/* Of samples without a time nothing is taken. */
	if (!is_late(vpa->first_cpu_unix_ns, hour) && !is_late(vpa->last_cpu_unix_ns, hour))
		vpa->nr_cpu_samples = at_most(GET_OR(from, nr_cpu_samples, 0), PF_WIRE_COUNT_MAX);
	else if (GET_OR(from, nr_cpu_samples, 0))
		pf_wire_count_impossible();
	for (size_t i = 0; i < from->n_memory_peaks; i++) {
		const Podfit__V1__VpaEvidence__Peak *peak = from->memory_peaks[i];

		if (!peak->has_interval_end_unix_ns || !peak->has_bytes)
			return damaged(error, "VPA evidence: a memory peak without time or size");
		if (is_late(peak->interval_end_unix_ns, hour) || peak->bytes > PF_WIRE_AMOUNT_MAX) {
			pf_wire_count_impossible();
			continue;
		}
		vpa->peaks[vpa->nr_peaks++] =
			(struct pf_slice_peak){ .interval_end_unix_ns = peak->interval_end_unix_ns,
						.bytes = peak->bytes,
						.oom = peak->has_oom && peak->oom };
	}
	return get_weights(arena, from->cpu, &vpa->cpu_weight, error);
}

/* All counts or none: a queue is known by all of them. Candidate limits are every second bucket. */
static int get_limits(struct pf_arena *arena, const Podfit__V1__LimitQueues *from,
		      struct pf_limit_queues *to, struct pf_wire_error *error)
{
	if (!from)
		return 0;

	const Podfit__V1__Histogram *const hists[] = {
		[PF_LIMIT_EXTRA] = from->extra_periods,
		[PF_LIMIT_THROTTLED] = from->throttled_periods,
		[PF_LIMIT_RUNS] = from->throttled_runs,
		[PF_LIMIT_LEAD_US] = from->lead_us,
		[PF_LIMIT_BURST_THROTTLED] = from->burst_throttled_periods,
		[PF_LIMIT_BURST_LEAD_US] = from->burst_lead_us,
	};
	uint32_t *counts[PF_NR_LIMIT_COUNTS] = { NULL };
	bool all = true;

	for (size_t i = 0; i < PF_NR_LIMIT_COUNTS; i++) {
		int r = get_hist(arena, hists[i], PF_LAYOUT_MILLICORES, &counts[i], NULL, error);

		if (r < 0)
			return r;
		all = all && counts[i];
		for (size_t k = 0; counts[i] && k < PF_LIMITS; k++)
			counts[i][k] = counts[i][2 * k + 1];
	}
	for (size_t i = 0; all && i < PF_NR_LIMIT_COUNTS; i++)
		to->counts[i] = counts[i];
	to->nr_windows = GET_OR(from, nr_windows, 0);
	to->nr_active = GET_OR(from, nr_active, 0);
	to->nr_free = GET_OR(from, nr_free, 0);
	to->nr_running = GET_OR(from, nr_running, 0);
	to->nr_pairs = GET_OR(from, nr_pairs, 0);
	return 0;
}

/* Bytes that no machine has are not known: sums of them would become infinite. */
static double mean_of(double bytes)
{
	if (isnan(bytes) || (bytes >= 0 && bytes < (double)PF_NO_LIMIT))
		return bytes;
	pf_wire_count_impossible();
	return (double)NAN;
}

static void get_numbers(const Podfit__V1__HourSlice *from, struct pf_slice *to)
{
	to->hour = from->hour;
	to->run_id = from->run_id;
	to->sequence = GET_OR(from, sequence, 0);
	/* A clock that was set back begins the next hour early. */
	to->start_unix_ns =
		PF_MAX(GET_OR(from, start_unix_ns, 0), (uint64_t)from->hour * PF_NS_PER_HOUR);
	to->covered_ns = GET_OR(from, covered_ns, 0);
	to->usage_ns = GET(from, usage_ns);
	to->nr_periods = GET(from, nr_periods);
	to->nr_throttled = GET(from, nr_throttled);
	to->throttled_ns = GET(from, throttled_ns);
	to->usage_peak_millicores = GET(from, usage_peak_millicores);
	to->demand_peak_millicores = GET(from, demand_peak_millicores);
	to->window_ns = GET(from, window_ns);
	to->cfs_quota_us = GET_LIMIT(from, cfs_quota_us, from->cpu_limit_known);
	to->cfs_period_us = GET(from, cfs_period_us);
	to->cfs_burst_us = GET(from, cfs_burst_us);
	to->nr_quota_changes = GET_OR(from, nr_quota_changes, 0);
	to->max_threads = GET(from, max_threads);
	to->nr_cpus = GET(from, nr_cpus);
	to->nr_waits = GET(from, nr_waits);
	to->quota_wait_ns = GET(from, quota_wait_ns);
	to->contention_wait_ns = GET(from, contention_wait_ns);
	to->reclaim_ns = GET(from, reclaim_ns);
	to->block_io_ns = GET(from, block_io_ns);
	to->memory_peak_bytes = GET(from, memory_peak_bytes);
	to->hot_peak_bytes = GET(from, hot_peak_bytes);
	to->working_set_peak_bytes = GET(from, working_set_peak_bytes);
	to->memory_mean_bytes = mean_of(GET_DOUBLE(from, memory_mean_bytes));
	to->hot_mean_bytes = mean_of(GET_DOUBLE(from, hot_mean_bytes));
	to->working_set_mean_bytes = mean_of(GET_DOUBLE(from, working_set_mean_bytes));
	to->hot_floor_bytes = GET(from, hot_floor_bytes);
	to->memory_limit_bytes = GET_LIMIT(from, memory_limit_bytes, from->memory_limit_known);
	to->events_high = GET_UPTO(from, events_high, PF_WIRE_COUNT_MAX);
	to->events_max = GET_UPTO(from, events_max, PF_WIRE_COUNT_MAX);
	to->oom_kills = GET_UPTO(from, oom_kills, PF_WIRE_COUNT_MAX);
	to->oom_overshoot_bytes = GET(from, oom_overshoot_bytes);
	to->restarts = GET_UPTO(from, restarts, PF_WIRE_COUNT_MAX);
	to->startup_ns = GET(from, startup_ns);
	pf_wire_get_kinds(from->memory_end, &to->memory_end);
	pf_wire_get_psi(from->psi, &to->psi);
}

static int get_hists(struct pf_arena *arena, const Podfit__V1__HourSlice *from,
		     struct pf_slice *slice, struct pf_wire_error *error)
{
	const struct {
		const Podfit__V1__Histogram *from;
		enum pf_hist_layout layout;
		uint32_t **to;
		uint64_t *nr_zero;
	} hists[] = {
		{ from->usage_windows, PF_LAYOUT_MILLICORES, &slice->hists[PF_HIST_USAGE],
		  &slice->nr_idle_windows },
		{ from->demand_windows, PF_LAYOUT_MILLICORES, &slice->hists[PF_HIST_DEMAND],
		  &slice->nr_demand_idle_windows },
		{ from->quota_wait, PF_LAYOUT_LATENCY_NS, &slice->hists[PF_HIST_QUOTA_WAIT] },
		{ from->contention_wait, PF_LAYOUT_LATENCY_NS,
		  &slice->hists[PF_HIST_CONTENTION_WAIT] },
		{ from->throttle_stall, PF_LAYOUT_LATENCY_NS,
		  &slice->hists[PF_HIST_THROTTLE_STALL] },
		{ from->reclaim_stall, PF_LAYOUT_LATENCY_NS, &slice->hists[PF_HIST_RECLAIM_STALL] },
		{ from->block_io, PF_LAYOUT_LATENCY_NS, &slice->hists[PF_HIST_BLOCK_IO] },
		{ from->startup_demand_windows, PF_LAYOUT_MILLICORES, &slice->startup_demand,
		  &slice->nr_startup_idle_windows },
		{ from->minute_demand, PF_LAYOUT_MILLICORES, &slice->minute_demand,
		  &slice->nr_idle_minutes },
	};

	for (size_t i = 0; i < PF_ARRAY_SIZE(hists); i++) {
		int r = get_hist(arena, hists[i].from, hists[i].layout, hists[i].to,
				 hists[i].nr_zero, error);

		if (r < 0)
			return r;
	}
	int r = get_limits(arena, from->limit_queues, &slice->limits, error);

	return r < 0 ? r : get_vpa(arena, from->vpa, from->hour, &slice->vpa, error);
}

bool pf_wire_slice_fits(uint32_t hour, uint64_t start_unix_ns, uint64_t covered_ns)
{
	/* Beyond 2261 the times of an hour and of the days after it have no place in 64 bits. */
	const uint32_t hours = (uint32_t)((INT64_MAX - 3 * PF_NS_PER_DAY) / PF_NS_PER_HOUR);

	return hour < hours && start_unix_ns / PF_NS_PER_HOUR <= hour &&
	       covered_ns <= PF_NS_PER_DAY;
}

int pf_wire_get_slice(struct pf_arena *arena, const Podfit__V1__HourSlice *message,
		      struct pf_slice **ret_slice, struct pf_wire_error *error)
{
	struct pf_slice *slice = pf_arena_alloc(arena, sizeof(*slice));
	int r;

	if (!slice)
		return arena->err;
	if (!message->has_hour || !message->has_run_id)
		return damaged(error, "hour slice without hour or run_id");
	if (!pf_wire_slice_fits(message->hour, GET_OR(message, start_unix_ns, 0),
				GET_OR(message, covered_ns, 0)))
		return damaged(error, "hour slice that begins after its hour, covers more than a "
				      "day, or is of an hour after 2261");
	pf_slice_clear(slice);
	get_numbers(message, slice);
	r = get_hists(arena, message, slice, error);
	if (r < 0)
		return r;
	*ret_slice = slice;
	return 0;
}
