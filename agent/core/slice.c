// SPDX-License-Identifier: Apache-2.0
#include "core/slice.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_HOUR PF_NS_PER_HOUR

/*
 * Most containers are never throttled, reclaim nothing and wait for no disk: histograms that were
 * measured and have seen nothing are this one, which nobody writes to.
 */
static uint32_t nothing_seen[PF_MILLICORES_BUCKETS];

_Static_assert((int)PF_LATENCY_BUCKETS <= (int)PF_MILLICORES_BUCKETS, "it is as long as any");

static bool is_empty(const uint32_t *counts, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (counts[i])
			return false;
	return true;
}

static void hist_free(uint32_t *hist)
{
	if (hist != nothing_seen)
		free(hist);
}

/* Makes *@hist ready to take @more, which may be NULL: not measured. */
static int hist_make(uint32_t **hist, const uint32_t *more, size_t nr)
{
	uint32_t *made;

	if (!more || (*hist && *hist != nothing_seen))
		return 0;
	if (is_empty(more, nr)) {
		*hist = nothing_seen;
		return 0;
	}
	made = calloc(nr, sizeof(*made));
	if (!made)
		return -ENOMEM;
	*hist = made;
	return 0;
}

static void hist_add(uint32_t *hist, const uint32_t *more, size_t nr)
{
	if (more && hist != nothing_seen)
		pf_hist_add(hist, more, nr);
}

static size_t hist_len(size_t which)
{
	return pf_hist_nr_buckets(pf_sample_hist_layout(which));
}

/* The histograms a sample brings are made all at once or not at all: an empty one would say that
 * something was measured and never seen. */
static int hists_prepare(struct pf_slice *slice, const struct pf_sample *sample, bool startup)
{
	uint32_t *before[PF_NR_SAMPLE_HISTS];
	int r = 0;

	memcpy(before, slice->hists, sizeof(before));
	for (size_t i = 0; r == 0 && i < PF_NR_SAMPLE_HISTS; i++)
		r = hist_make(&slice->hists[i], sample->hists[i], hist_len(i));
	if (r == 0 && startup)
		r = hist_make(&slice->startup_demand, sample->hists[PF_HIST_DEMAND],
			      PF_MILLICORES_BUCKETS);
	for (size_t i = 0; r < 0 && i < PF_NR_SAMPLE_HISTS; i++) {
		if (slice->hists[i] != before[i])
			hist_free(slice->hists[i]);
		slice->hists[i] = before[i];
	}
	return r;
}

static void add(uint64_t *sum, uint64_t more)
{
	if (more == PF_UNKNOWN)
		return;
	if (*sum == PF_UNKNOWN)
		*sum = more;
	else if (__builtin_add_overflow(*sum, more, sum) || *sum >= PF_NO_LIMIT)
		*sum = PF_NO_LIMIT - 1; /* saturated, and neither unknown nor unlimited */
}

static void raise(uint64_t *peak, uint64_t value)
{
	if (value != PF_UNKNOWN && (*peak == PF_UNKNOWN || value > *peak))
		*peak = value;
}

static void lower(uint64_t *floor, uint64_t value)
{
	if (value != PF_UNKNOWN && (*floor == PF_UNKNOWN || value < *floor))
		*floor = value;
}

static void set(uint64_t *gauge, uint64_t value)
{
	if (value != PF_UNKNOWN)
		*gauge = value;
}

/* Mean over the time before (@old_ns) and the sample's (@more_ns). */
static void mean(double *value, double old_ns, uint64_t bytes, double more_ns)
{
	if (bytes == PF_UNKNOWN)
		return;
	if (isnan(*value) || old_ns + more_ns <= 0)
		*value = (double)bytes;
	else
		*value += ((double)bytes - *value) * more_ns / (old_ns + more_ns);
}

void pf_slice_clear(struct pf_slice *slice)
{
	memset(slice, 0xff, sizeof(*slice)); /* PF_UNKNOWN is all ones */
	slice->hour = 0;
	slice->run_id = slice->sequence = slice->start_unix_ns = slice->covered_ns = 0;
	slice->nr_quota_changes = 0;
	slice->memory_mean_bytes = slice->hot_mean_bytes = slice->working_set_mean_bytes = NAN;
	memset(slice->hists, 0, sizeof(slice->hists));
	slice->startup_demand = slice->minute_demand = NULL;
	slice->limits = (struct pf_limit_queues){ 0 };
	slice->vpa = (struct pf_slice_vpa){ .first_cpu_unix_ns = PF_UNKNOWN,
					    .last_cpu_unix_ns = PF_UNKNOWN };
}

int pf_slice_new(struct pf_slice **ret_slice)
{
	struct pf_slice *slice = malloc(sizeof(*slice));

	if (!slice)
		return -ENOMEM;
	pf_slice_clear(slice);
	*ret_slice = slice;
	return 0;
}

void pf_slice_free(struct pf_slice *slice)
{
	if (!slice)
		return;
	for (size_t i = 0; i < PF_NR_SAMPLE_HISTS; i++)
		hist_free(slice->hists[i]);
	hist_free(slice->startup_demand);
	hist_free(slice->minute_demand);
	pf_limit_queues_free(&slice->limits);
	free(slice->vpa.cpu_weight);
	free(slice);
}

static void add_cpu(struct pf_slice *slice, const struct pf_sample *sample)
{
	add(&slice->usage_ns, sample->usage_ns);
	add(&slice->nr_periods, sample->nr_periods);
	add(&slice->nr_throttled, sample->nr_throttled);
	add(&slice->throttled_ns, sample->throttled_ns);
	add(&slice->nr_idle_windows, sample->nr_idle_windows);
	add(&slice->nr_demand_idle_windows, sample->nr_demand_idle_windows);
	raise(&slice->usage_peak_millicores, sample->usage_peak_millicores);
	raise(&slice->demand_peak_millicores, sample->demand_peak_millicores);
	if (sample->nr_windows != PF_UNKNOWN && sample->nr_windows)
		set(&slice->window_ns, (sample->end_ns - sample->start_ns) / sample->nr_windows);
	if (sample->cfs_quota_us != PF_UNKNOWN && slice->cfs_quota_us != PF_UNKNOWN &&
	    (sample->cfs_quota_us != slice->cfs_quota_us ||
	     sample->cfs_period_us != slice->cfs_period_us))
		slice->nr_quota_changes++;
	set(&slice->cfs_quota_us, sample->cfs_quota_us);
	set(&slice->cfs_period_us, sample->cfs_period_us);
	set(&slice->cfs_burst_us, sample->cfs_burst_us);
	raise(&slice->max_threads, sample->nr_threads);
	set(&slice->nr_cpus, sample->nr_cpus);
	add(&slice->nr_waits, sample->nr_waits);
	add(&slice->quota_wait_ns, sample->quota_wait_ns);
	add(&slice->contention_wait_ns, sample->contention_wait_ns);
	add(&slice->reclaim_ns, sample->reclaim_ns);
	add(&slice->block_io_ns, sample->block_io_ns);
}

static void add_memory(struct pf_slice *slice, const struct pf_sample *sample, double length_ns)
{
	double before_ns = (double)slice->covered_ns;

	raise(&slice->memory_peak_bytes, sample->memory_peak_bytes);
	raise(&slice->memory_peak_bytes, sample->memory_usage_bytes);
	raise(&slice->hot_peak_bytes, sample->hot_bytes);
	raise(&slice->working_set_peak_bytes, sample->working_set_bytes);
	lower(&slice->hot_floor_bytes, sample->hot_bytes);
	mean(&slice->memory_mean_bytes, before_ns, sample->memory_usage_bytes, length_ns);
	mean(&slice->hot_mean_bytes, before_ns, sample->hot_bytes, length_ns);
	mean(&slice->working_set_mean_bytes, before_ns, sample->working_set_bytes, length_ns);
	if (sample->kinds.anon != PF_UNKNOWN)
		slice->memory_end = sample->kinds;
	set(&slice->memory_limit_bytes, sample->memory_limit_bytes);
	add(&slice->events_high, sample->events_high);
	add(&slice->events_max, sample->events_max);
	add(&slice->oom_kills, sample->events_oom_kill);
}

static void add_psi(struct pf_psi *psi, const struct pf_psi *more)
{
	add(&psi->cpu_some_ns, more->cpu_some_ns);
	add(&psi->cpu_full_ns, more->cpu_full_ns);
	add(&psi->memory_some_ns, more->memory_some_ns);
	add(&psi->memory_full_ns, more->memory_full_ns);
	add(&psi->io_some_ns, more->io_some_ns);
	add(&psi->io_full_ns, more->io_full_ns);
}

/* CPU time from a wake-up to the next sleep, on average; waits for the quota are none of the two. */
static double chunk_us(const struct pf_sample *sample)
{
	const uint32_t *quota = sample->hists[PF_HIST_QUOTA_WAIT];
	uint64_t nr_quota = quota ? pf_hist_total(quota, PF_LATENCY_BUCKETS) : 0;

	if (sample->nr_waits == PF_UNKNOWN || sample->usage_ns == PF_UNKNOWN)
		return INFINITY;
	return (double)sample->usage_ns / 1000 /
	       (double)(sample->nr_waits > nr_quota ? sample->nr_waits - nr_quota : 1);
}

/* An ancestor's limit is not known here: what its throttling held back counts for all limits. */
static double limit_us(const struct pf_sample *sample)
{
	bool own = sample->cfs_quota_us < PF_NO_LIMIT && sample->cfs_period_us < PF_NO_LIMIT &&
		   sample->cfs_period_us;

	if (own)
		return (double)sample->cfs_quota_us * 100000 / (double)sample->cfs_period_us;
	for (size_t i = 0; i < sample->nr_all_windows; i++)
		if (sample->windows[i].throttled_us)
			return 0;
	return INFINITY;
}

static void add_limits(struct pf_slice *slice, const struct pf_sample *sample)
{
	struct pf_queue_load load = { limit_us(sample), chunk_us(sample) };

	pf_limit_queues_play(&slice->limits, sample->windows, sample->nr_past_windows,
			     sample->nr_all_windows, &load);
}

int pf_slice_add(struct pf_slice *slice, const struct pf_sample *sample, bool startup)
{
	uint64_t length_ns =
		sample->end_ns > sample->start_ns ? sample->end_ns - sample->start_ns : 0;
	bool has_limits = sample->windows && !startup;
	bool had_limits = slice->limits.counts[0];
	int r = has_limits ? pf_limit_queues_prepare(&slice->limits, sample->windows,
						     sample->nr_all_windows)
			   : 0;

	if (r == 0)
		r = hists_prepare(slice, sample, startup);
	if (r < 0) {
		if (!had_limits)
			pf_limit_queues_free(&slice->limits);
		return r;
	}
	if (has_limits)
		add_limits(slice, sample);
	add_cpu(slice, sample);
	add_memory(slice, sample, (double)length_ns);
	add_psi(&slice->psi, &sample->psi);
	for (size_t i = 0; i < PF_NR_SAMPLE_HISTS; i++)
		hist_add(slice->hists[i], sample->hists[i], hist_len(i));
	if (startup) {
		add(&slice->startup_ns, length_ns);
		add(&slice->nr_startup_idle_windows, sample->nr_demand_idle_windows);
		hist_add(slice->startup_demand, sample->hists[PF_HIST_DEMAND],
			 PF_MILLICORES_BUCKETS);
	}
	slice->covered_ns += length_ns;
	slice->sequence++;
	return 0;
}

int pf_slice_minute(struct pf_slice *slice, uint64_t demand_millicores)
{
	if (demand_millicores && (!slice->minute_demand || slice->minute_demand == nothing_seen)) {
		uint32_t *made = calloc(PF_MILLICORES_BUCKETS, sizeof(*made));

		if (!made)
			return -ENOMEM;
		slice->minute_demand = made;
	}
	if (demand_millicores)
		slice->minute_demand[pf_hist_bucket(PF_LAYOUT_MILLICORES, demand_millicores)]++;
	else if (!slice->minute_demand)
		slice->minute_demand = nothing_seen;
	add(&slice->nr_idle_minutes, demand_millicores == 0);
	slice->sequence++;
	return 0;
}

int pf_slice_peak(struct pf_slice *slice, uint64_t interval_end_unix_ns, uint64_t bytes, bool oom)
{
	struct pf_slice_vpa *vpa = &slice->vpa;
	uint32_t i = 0;

	while (i < vpa->nr_peaks && (vpa->peaks[i].interval_end_unix_ns != interval_end_unix_ns ||
				     vpa->peaks[i].oom != oom))
		i++;
	if (i == PF_SLICE_PEAKS_MAX)
		return -ENOSPC;
	if (i == vpa->nr_peaks)
		vpa->peaks[vpa->nr_peaks++] =
			(struct pf_slice_peak){ interval_end_unix_ns, bytes, oom };
	else if (vpa->peaks[i].bytes >= bytes)
		return 0;
	vpa->peaks[i].bytes = bytes;
	slice->sequence++;
	return 0;
}

void pf_slice_oom(struct pf_slice *slice, uint64_t overshoot_bytes)
{
	raise(&slice->oom_overshoot_bytes, overshoot_bytes);
	slice->sequence++;
}

void pf_slices_init(struct pf_slices *slices, uint64_t run_id)
{
	*slices = (struct pf_slices){ .run_id = run_id };
}

void pf_slices_done(struct pf_slices *slices)
{
	pf_slice_free(slices->open);
	for (uint32_t i = 0; i < slices->nr_closed; i++)
		pf_slice_free(slices->closed[i]);
	pf_slices_init(slices, slices->run_id);
}

static void drop_oldest(struct pf_slices *slices)
{
	pf_slice_free(slices->closed[0]);
	slices->nr_closed--;
	memmove(&slices->closed[0], &slices->closed[1],
		slices->nr_closed * sizeof(slices->closed[0]));
	memmove(&slices->closed_at_ns[0], &slices->closed_at_ns[1],
		slices->nr_closed * sizeof(slices->closed_at_ns[0]));
	memmove(&slices->remembered[0], &slices->remembered[1],
		slices->nr_closed * sizeof(slices->remembered[0]));
}

/* A step of the wall clock across which a slice's weights, which decay from its start, cannot be kept together. */
static bool is_leap(int64_t step_ns)
{
	return step_ns > (int64_t)NS_PER_HOUR || step_ns < -(int64_t)PF_NS_PER_DAY;
}

int pf_slices_at(struct pf_slices *slices, uint64_t start_ns, uint64_t start_unix_ns,
		 struct pf_slice **ret_slice)
{
	struct pf_slice *next;
	uint32_t hour = (uint32_t)(start_unix_ns / NS_PER_HOUR);
	int64_t offset_ns = (int64_t)(start_unix_ns - start_ns);
	int r;

	if (slices->open && start_ns < slices->open_until_ns &&
	    !is_leap(offset_ns - slices->wall_offset_ns)) {
		*ret_slice = slices->open;
		return 0;
	}
	r = pf_slice_new(&next);
	if (r < 0)
		return r;
	if (slices->open && hour + 24 < slices->open->hour)
		slices->run_id++; /* random, so nobody has the next one */
	else if (slices->open && hour <= slices->open->hour)
		hour = slices->open->hour + 1;
	slices->wall_offset_ns = offset_ns;
	next->hour = hour;
	next->run_id = slices->run_id;
	next->start_unix_ns = start_unix_ns;
	slices->open_until_ns = start_ns + NS_PER_HOUR - start_unix_ns % NS_PER_HOUR;
	if (slices->open) {
		if (slices->nr_closed == PF_SLICES_CLOSED_MAX) {
			drop_oldest(slices);
			slices->nr_lost++;
		}
		slices->closed_at_ns[slices->nr_closed] = start_ns;
		slices->remembered[slices->nr_closed] = false;
		slices->closed[slices->nr_closed++] = slices->open;
	}
	slices->open = next;
	*ret_slice = next;
	return 0;
}

void pf_slices_taken(struct pf_slices *slices, uint64_t at_ns)
{
	while (slices->nr_closed && slices->closed_at_ns[0] <= at_ns)
		drop_oldest(slices);
}
