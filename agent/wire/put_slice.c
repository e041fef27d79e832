// SPDX-License-Identifier: Apache-2.0
/*
 * put_slice.c - evidence into messages.
 */
#include "wire/internal.h"

_Static_assert((int)PODFIT__V1__HISTOGRAM_LAYOUT__LATENCY_NS == (int)PF_LAYOUT_LATENCY_NS &&
		       (int)PODFIT__V1__HISTOGRAM_LAYOUT__MILLICORES == (int)PF_LAYOUT_MILLICORES,
	       "the core's layout numbers are the wire's");

static Podfit__V1__Histogram *hist_new(struct pf_arena *arena, Podfit__V1__HistogramLayout layout,
				       size_t nr_used)
{
	Podfit__V1__Histogram *hist = pf_arena_alloc(arena, sizeof(*hist));

	if (!hist)
		return NULL;
	podfit__v1__histogram__init(hist);
	PUT_ANY(hist, layout, layout);
	if (!nr_used)
		return hist;
	hist->index_delta = pf_arena_array(arena, nr_used, sizeof(*hist->index_delta));
	return hist->index_delta ? hist : NULL;
}

static Podfit__V1__Histogram *put_hist(struct pf_arena *arena, enum pf_hist_layout layout,
				       const uint32_t *counts, uint64_t nr_zero)
{
	size_t nr_buckets = pf_hist_nr_buckets(layout), nr_used = 0, last = 0;
	Podfit__V1__Histogram *hist;

	if (!counts)
		return NULL;
	for (size_t i = 0; i < nr_buckets; i++)
		nr_used += counts[i] != 0;
	hist = hist_new(arena, (Podfit__V1__HistogramLayout)layout, nr_used);
	if (!hist)
		return NULL;
	PUT(hist, nr_zero, nr_zero);
	hist->count = nr_used ? pf_arena_array(arena, nr_used, sizeof(*hist->count)) : NULL;
	if (nr_used && !hist->count)
		return NULL;
	for (size_t i = 0; i < nr_buckets; i++) {
		if (!counts[i])
			continue;
		hist->index_delta[hist->n_index_delta++] = (uint32_t)(i - last);
		hist->count[hist->n_count++] = counts[i];
		last = i;
	}
	return hist;
}

static Podfit__V1__Histogram *put_weights(struct pf_arena *arena, const double *weights)
{
	Podfit__V1__Histogram *hist;
	size_t nr_used = 0, last = 0;

	for (size_t i = 0; i < PF_SLICE_VPA_BUCKETS; i++)
		nr_used += weights[i] != 0;
	hist = hist_new(arena, PODFIT__V1__HISTOGRAM_LAYOUT__VPA_CPU, nr_used);
	if (!hist)
		return NULL;
	hist->weight = nr_used ? pf_arena_array(arena, nr_used, sizeof(*hist->weight)) : NULL;
	if (nr_used && !hist->weight)
		return NULL;
	for (size_t i = 0; i < PF_SLICE_VPA_BUCKETS; i++) {
		if (weights[i] == 0)
			continue;
		hist->index_delta[hist->n_index_delta++] = (uint32_t)(i - last);
		hist->weight[hist->n_weight++] = weights[i];
		last = i;
	}
	return hist;
}

Podfit__V1__MemoryKinds *pf_wire_put_kinds(struct pf_arena *arena,
					   const struct pf_memory_kinds *kinds)
{
	Podfit__V1__MemoryKinds *to;

	if (kinds->anon == PF_UNKNOWN && kinds->file == PF_UNKNOWN)
		return NULL;
	to = pf_arena_alloc(arena, sizeof(*to));
	if (!to)
		return NULL;
	podfit__v1__memory_kinds__init(to);
	PUT(to, anon_bytes, kinds->anon);
	PUT(to, file_bytes, kinds->file);
	PUT(to, shmem_bytes, kinds->shmem);
	PUT(to, inactive_file_bytes, kinds->inactive_file);
	PUT(to, active_file_bytes, kinds->active_file);
	PUT(to, unevictable_bytes, kinds->unevictable);
	PUT(to, slab_reclaimable_bytes, kinds->slab_reclaimable);
	PUT(to, slab_unreclaimable_bytes, kinds->slab_unreclaimable);
	PUT(to, kernel_stack_bytes, kinds->kernel_stack);
	PUT(to, pagetables_bytes, kinds->pagetables);
	PUT(to, percpu_bytes, kinds->percpu);
	PUT(to, sock_bytes, kinds->sock);
	PUT(to, swap_bytes, kinds->swap);
	return to;
}

Podfit__V1__Psi *pf_wire_put_psi(struct pf_arena *arena, const struct pf_psi *psi)
{
	Podfit__V1__Psi *to;

	if (psi->cpu_some_ns == PF_UNKNOWN && psi->memory_some_ns == PF_UNKNOWN &&
	    psi->io_some_ns == PF_UNKNOWN)
		return NULL;
	to = pf_arena_alloc(arena, sizeof(*to));
	if (!to)
		return NULL;
	podfit__v1__psi__init(to);
	PUT(to, cpu_some_ns, psi->cpu_some_ns);
	PUT(to, cpu_full_ns, psi->cpu_full_ns);
	PUT(to, memory_some_ns, psi->memory_some_ns);
	PUT(to, memory_full_ns, psi->memory_full_ns);
	PUT(to, io_some_ns, psi->io_some_ns);
	PUT(to, io_full_ns, psi->io_full_ns);
	return to;
}

static Podfit__V1__VpaEvidence *put_vpa(struct pf_arena *arena, const struct pf_slice_vpa *vpa)
{
	Podfit__V1__VpaEvidence *to;

	if (!vpa->nr_peaks && !vpa->nr_cpu_samples)
		return NULL;
	to = pf_arena_alloc(arena, sizeof(*to));
	if (!to)
		return NULL;
	podfit__v1__vpa_evidence__init(to);
	if (vpa->cpu_weight)
		to->cpu = put_weights(arena, vpa->cpu_weight);
	PUT(to, first_cpu_sample_unix_ns, vpa->first_cpu_unix_ns);
	PUT(to, last_cpu_sample_unix_ns, vpa->last_cpu_unix_ns);
	PUT(to, nr_cpu_samples, vpa->nr_cpu_samples);
	PUT_MESSAGES(arena, to, memory_peaks, podfit__v1__vpa_evidence__peak__descriptor,
		     vpa->nr_peaks);
	for (size_t i = 0; i < to->n_memory_peaks; i++) {
		Podfit__V1__VpaEvidence__Peak *peak = to->memory_peaks[i];

		PUT(peak, interval_end_unix_ns, vpa->peaks[i].interval_end_unix_ns);
		PUT(peak, bytes, vpa->peaks[i].bytes);
		if (vpa->peaks[i].oom)
			PUT_ANY(peak, oom, 1);
	}
	return to;
}

/* Candidate limits are every second bucket. */
static Podfit__V1__Histogram *put_limit_counts(struct pf_arena *arena, const uint32_t *counts)
{
	uint32_t wide[PF_MILLICORES_BUCKETS] = { 0 };

	for (size_t i = 0; counts && i < PF_LIMITS; i++)
		wide[2 * i + 1] = counts[i];
	return counts ? put_hist(arena, PF_LAYOUT_MILLICORES, wide, PF_UNKNOWN) : NULL;
}

static Podfit__V1__LimitQueues *put_limits(struct pf_arena *arena, const struct pf_limit_queues *q)
{
	Podfit__V1__LimitQueues *to;
	Podfit__V1__Histogram **hists[PF_NR_LIMIT_COUNTS];

	if (!q->nr_windows)
		return NULL;
	to = pf_arena_alloc(arena, sizeof(*to));
	if (!to)
		return NULL;
	podfit__v1__limit_queues__init(to);
	PUT(to, nr_windows, q->nr_windows);
	PUT(to, nr_active, q->nr_active);
	PUT(to, nr_free, q->nr_free);
	PUT(to, nr_running, q->nr_running);
	PUT(to, nr_pairs, q->nr_pairs);
	hists[PF_LIMIT_EXTRA] = &to->extra_periods;
	hists[PF_LIMIT_THROTTLED] = &to->throttled_periods;
	hists[PF_LIMIT_RUNS] = &to->throttled_runs;
	hists[PF_LIMIT_LEAD_US] = &to->lead_us;
	hists[PF_LIMIT_BURST_THROTTLED] = &to->burst_throttled_periods;
	hists[PF_LIMIT_BURST_LEAD_US] = &to->burst_lead_us;
	for (size_t i = 0; i < PF_NR_LIMIT_COUNTS; i++)
		*hists[i] = put_limit_counts(arena, q->counts[i]);
	return to;
}

static void put_cpu(struct pf_arena *arena, Podfit__V1__HourSlice *to, const struct pf_slice *slice)
{
	PUT(to, usage_ns, slice->usage_ns);
	PUT(to, nr_periods, slice->nr_periods);
	PUT(to, nr_throttled, slice->nr_throttled);
	PUT(to, throttled_ns, slice->throttled_ns);
	to->usage_windows = put_hist(arena, PF_LAYOUT_MILLICORES, slice->hists[PF_HIST_USAGE],
				     slice->nr_idle_windows);
	to->demand_windows = put_hist(arena, PF_LAYOUT_MILLICORES, slice->hists[PF_HIST_DEMAND],
				      slice->nr_demand_idle_windows);
	PUT(to, usage_peak_millicores, slice->usage_peak_millicores);
	PUT(to, demand_peak_millicores, slice->demand_peak_millicores);
	PUT(to, window_ns, slice->window_ns);
	if (slice->cfs_quota_us != PF_UNKNOWN)
		PUT_ANY(to, cpu_limit_known, 1);
	PUT(to, cfs_quota_us, slice->cfs_quota_us);
	PUT(to, cfs_period_us, slice->cfs_period_us);
	PUT(to, cfs_burst_us, slice->cfs_burst_us);
	PUT(to, nr_quota_changes, slice->nr_quota_changes);
	PUT(to, max_threads, slice->max_threads);
	PUT(to, nr_cpus, slice->nr_cpus);
	to->limit_queues = put_limits(arena, &slice->limits);
}

static void put_waits(struct pf_arena *arena, Podfit__V1__HourSlice *to,
		      const struct pf_slice *slice)
{
	uint32_t *const *hists = slice->hists;

	PUT(to, nr_waits, slice->nr_waits);
	PUT(to, quota_wait_ns, slice->quota_wait_ns);
	PUT(to, contention_wait_ns, slice->contention_wait_ns);
	to->quota_wait =
		put_hist(arena, PF_LAYOUT_LATENCY_NS, hists[PF_HIST_QUOTA_WAIT], PF_UNKNOWN);
	to->contention_wait =
		put_hist(arena, PF_LAYOUT_LATENCY_NS, hists[PF_HIST_CONTENTION_WAIT], PF_UNKNOWN);
	to->throttle_stall =
		put_hist(arena, PF_LAYOUT_LATENCY_NS, hists[PF_HIST_THROTTLE_STALL], PF_UNKNOWN);
	to->reclaim_stall =
		put_hist(arena, PF_LAYOUT_LATENCY_NS, hists[PF_HIST_RECLAIM_STALL], PF_UNKNOWN);
	to->block_io = put_hist(arena, PF_LAYOUT_LATENCY_NS, hists[PF_HIST_BLOCK_IO], PF_UNKNOWN);
	PUT(to, reclaim_ns, slice->reclaim_ns);
	PUT(to, block_io_ns, slice->block_io_ns);
	to->psi = pf_wire_put_psi(arena, &slice->psi);
}

static void put_memory(struct pf_arena *arena, Podfit__V1__HourSlice *to,
		       const struct pf_slice *slice)
{
	PUT(to, memory_peak_bytes, slice->memory_peak_bytes);
	PUT(to, hot_peak_bytes, slice->hot_peak_bytes);
	PUT(to, working_set_peak_bytes, slice->working_set_peak_bytes);
	PUT_DOUBLE(to, memory_mean_bytes, slice->memory_mean_bytes);
	PUT_DOUBLE(to, hot_mean_bytes, slice->hot_mean_bytes);
	PUT_DOUBLE(to, working_set_mean_bytes, slice->working_set_mean_bytes);
	PUT(to, hot_floor_bytes, slice->hot_floor_bytes);
	to->memory_end = pf_wire_put_kinds(arena, &slice->memory_end);
	if (slice->memory_limit_bytes != PF_UNKNOWN)
		PUT_ANY(to, memory_limit_known, 1);
	PUT(to, memory_limit_bytes, slice->memory_limit_bytes);
	PUT(to, events_high, slice->events_high);
	PUT(to, events_max, slice->events_max);
	PUT(to, oom_kills, slice->oom_kills);
	PUT(to, oom_overshoot_bytes, slice->oom_overshoot_bytes);
	PUT(to, restarts, slice->restarts);
}

Podfit__V1__HourSlice *pf_wire_put_slice(struct pf_arena *arena, const struct pf_slice *slice)
{
	Podfit__V1__HourSlice *to = pf_arena_alloc(arena, sizeof(*to));

	if (!to)
		return NULL;
	podfit__v1__hour_slice__init(to);
	PUT_ANY(to, hour, slice->hour);
	PUT_ANY(to, run_id, slice->run_id);
	PUT_ANY(to, sequence, slice->sequence);
	PUT_ANY(to, start_unix_ns, slice->start_unix_ns);
	PUT_ANY(to, covered_ns, slice->covered_ns);
	put_cpu(arena, to, slice);
	put_waits(arena, to, slice);
	put_memory(arena, to, slice);
	PUT(to, startup_ns, slice->startup_ns);
	to->startup_demand_windows = put_hist(arena, PF_LAYOUT_MILLICORES, slice->startup_demand,
					      slice->nr_startup_idle_windows);
	to->minute_demand =
		put_hist(arena, PF_LAYOUT_MILLICORES, slice->minute_demand, slice->nr_idle_minutes);
	to->vpa = put_vpa(arena, &slice->vpa);
	return to;
}
