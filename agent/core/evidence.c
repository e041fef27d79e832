// SPDX-License-Identifier: Apache-2.0
#include "core/evidence.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/evidence_internal.h"

/* Beyond this the short half-life's weights would leave what a float holds well: 2^20. */
#define REBASE_NS (20 * PF_EVIDENCE_SHORT_NS)

/* A slice throttled in more than this share of its windows has a queue that never emptied. */
#define SATURATED_RATIO 0.95

/* ---- life ---- */

int pf_evidence_new(const struct pf_vpa_settings *settings, struct pf_evidence **ret_evidence)
{
	struct pf_evidence *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->reference_ns = e->first_ns = e->last_ns = e->newest_ns = PF_VPA_NO_TIME;
	e->cfs_quota_us = e->cfs_period_us = e->cfs_burst_us = e->memory_limit_bytes = PF_UNKNOWN;
	pf_vpa_aggregate_init(&e->vpa, settings);
	*ret_evidence = e;
	return 0;
}

void pf_evidence_free(struct pf_evidence *e)
{
	if (!e)
		return;
	free(e->peaks);
	free(e->instances);
	free(e);
}

static void *copied(const void *from, size_t count, size_t size)
{
	void *to = malloc(count ? count * size : 1);

	if (to && count)
		memcpy(to, from, count * size);
	return to;
}

int pf_evidence_copy(const struct pf_evidence *e, struct pf_evidence **ret_copy)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *copy = malloc(sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	*copy = *e;
	copy->peaks = copied(e->peaks, e->nr_peaks, sizeof(*e->peaks));
	copy->instances = copied(e->instances, e->nr_instances, sizeof(*e->instances));
	copy->peaks_cap = e->nr_peaks;
	copy->instances_cap = e->nr_instances;
	if (!copy->peaks || !copy->instances)
		return -ENOMEM;
	*ret_copy = pf_take(copy);
	return 0;
}

uint64_t pf_evidence_instance_id(const char *name)
{
	uint64_t hash = 14695981039346656037u; /* FNV-1a */

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 1099511628211u;
	return hash;
}

/* Room for one more, doubling up to @max elements. */
static int grow(void **array, uint32_t nr, uint32_t *cap, uint32_t max, size_t size)
{
	uint32_t want = *cap ? PF_MIN(*cap * 2, max) : 4;
	void *more;

	if (nr < *cap || *cap >= max)
		return 0;
	more = realloc(*array, want * size);
	if (!more)
		return -ENOMEM;
	*array = more;
	*cap = want;
	return 0;
}

/* ---- decay ---- */

static void scale(float *values, size_t nr, float *idle, float factor)
{
	for (size_t i = 0; i < nr; i++)
		values[i] *= factor;
	if (idle)
		*idle *= factor;
}

static void scale_sums(struct pf_evidence_sums *sums, double factor)
{
	double *values = (double *)sums;

	for (size_t i = 0; i < sizeof(*sums) / sizeof(double); i++)
		values[i] *= factor;
}

static void rebase(struct pf_evidence *e, int64_t to_ns)
{
	double gap_ns = (double)(to_ns - e->reference_ns);
	double factor = exp2(-gap_ns / (double)PF_EVIDENCE_LONG_NS);
	double factor_short = exp2(-gap_ns / (double)PF_EVIDENCE_SHORT_NS);

	scale(e->demand, PF_MILLICORES_BUCKETS, &e->demand_idle, (float)factor);
	scale(e->minute_long, PF_MILLICORES_BUCKETS, &e->minute_long_idle, (float)factor);
	scale(e->minute_short, PF_MILLICORES_BUCKETS, &e->minute_short_idle, (float)factor_short);
	scale(e->quota_wait, PF_LATENCY_BUCKETS, NULL, (float)factor);
	scale(e->contention_wait, PF_LATENCY_BUCKETS, NULL, (float)factor);
	scale(e->throttle_stall, PF_LATENCY_BUCKETS, NULL, (float)factor);
	for (size_t i = 0; i < PF_NR_LIMIT_COUNTS; i++)
		scale(e->limits[i], PF_LIMITS, NULL, (float)factor);
	scale_sums(&e->sums, factor);
	for (uint32_t i = 0; i < e->nr_instances; i++) {
		e->instances[i].covered_ns *= factor;
		e->instances[i].usage_ns *= factor;
	}
	e->reference_ns = to_ns;
}

/* The weights of something at @at_ns; moves the reference if they would become too large. */
static void weights_at(struct pf_evidence *e, int64_t at_ns, double *ret_long, double *ret_short)
{
	if (e->reference_ns == PF_VPA_NO_TIME)
		e->reference_ns = at_ns;
	if (pf_vpa_time_diff(at_ns, e->reference_ns) > REBASE_NS)
		rebase(e, at_ns);
	*ret_long = exp2((double)(at_ns - e->reference_ns) / (double)PF_EVIDENCE_LONG_NS);
	*ret_short = exp2((double)(at_ns - e->reference_ns) / (double)PF_EVIDENCE_SHORT_NS);
}

/* ---- memory cells ---- */

void pf_evidence_raise_cell(struct pf_memory_cell *to, const struct pf_memory_cell *from)
{
	to->need_bytes = PF_MAX(to->need_bytes, from->need_bytes);
	to->peak_bytes = PF_MAX(to->peak_bytes, from->peak_bytes);
	to->oom_bytes = PF_MAX(to->oom_bytes, from->oom_bytes);
	if (from->room_bytes && (!to->room_bytes || from->room_bytes < to->room_bytes))
		to->room_bytes = from->room_bytes;
}

/* Into a sorted list of at most @max cells. Returns false, with the oldest in *ret_out, if one had
 * to go (it may be the new one). */
static bool put_cell(struct pf_memory_cell *cells, uint32_t *nr, uint32_t max,
		     const struct pf_memory_cell *cell, struct pf_memory_cell *ret_out)
{
	uint32_t at = *nr;
	bool fits = true;

	while (at > 0 && cells[at - 1].index > cell->index)
		at--;
	if (at > 0 && cells[at - 1].index == cell->index) {
		pf_evidence_raise_cell(&cells[at - 1], cell);
		return true;
	}
	if (*nr == max) {
		if (at == 0) {
			*ret_out = *cell;
			return false;
		}
		*ret_out = cells[0];
		memmove(&cells[0], &cells[1], (max - 1) * sizeof(*cells));
		(*nr)--;
		at--;
		fits = false;
	}
	memmove(&cells[at + 1], &cells[at], (*nr - at) * sizeof(*cells));
	cells[at] = *cell;
	(*nr)++;
	return fits;
}

static void put_day(struct pf_evidence *e, struct pf_memory_cell cell)
{
	struct pf_memory_cell forgotten;

	(void)put_cell(e->days, &e->nr_days, PF_EVIDENCE_DAYS, &cell, &forgotten);
}

/* Days of hours without samples count too: what is older than the span goes, however few cells
 * there are. */
static void forget_old(struct pf_evidence *e)
{
	uint32_t newest = e->nr_hours ? e->hours[e->nr_hours - 1].index : 0, old = 0;

	while (old < e->nr_hours && newest - e->hours[old].index >= PF_EVIDENCE_HOURS) {
		struct pf_memory_cell day = e->hours[old++];

		day.index /= 24;
		put_day(e, day);
	}
	memmove(&e->hours[0], &e->hours[old], (e->nr_hours - old) * sizeof(e->hours[0]));
	e->nr_hours -= old;
	for (old = 0; old < e->nr_days && newest / 24 - e->days[old].index > PF_EVIDENCE_DAYS;)
		old++;
	memmove(&e->days[0], &e->days[old], (e->nr_days - old) * sizeof(e->days[0]));
	e->nr_days -= old;
}

static void put_hour(struct pf_evidence *e, const struct pf_memory_cell *cell)
{
	struct pf_memory_cell out;

	if (!cell->need_bytes && !cell->peak_bytes && !cell->oom_bytes)
		return;
	if (!put_cell(e->hours, &e->nr_hours, PF_EVIDENCE_HOURS, cell, &out)) {
		out.index /= 24;
		put_day(e, out);
	}
	forget_old(e);
}

static uint64_t known(uint64_t value)
{
	return value >= PF_NO_LIMIT ? 0 : value;
}

/*
 * The highest need of a slice: what could not be dropped. Hot memory is read every 10 s, the page
 * counter ten times a second; what the counter saw above the page cache is a spike of hot memory
 * between two readings.
 */
static uint64_t need_of(const struct pf_slice *s)
{
	uint64_t peak = known(s->memory_peak_bytes), hot = known(s->hot_peak_bytes), cache = 0;

	if (!hot)
		return known(s->working_set_peak_bytes) ? s->working_set_peak_bytes : peak;
	if (!isnan(s->memory_mean_bytes) && !isnan(s->hot_mean_bytes))
		cache = (uint64_t)fmax(0, s->memory_mean_bytes - s->hot_mean_bytes);
	if (s->memory_end.file != PF_UNKNOWN)
		cache = PF_MAX(cache,
			       s->memory_end.file -
				       PF_MIN(s->memory_end.file, known(s->memory_end.shmem)) +
				       known(s->memory_end.slab_reclaimable));
	return PF_MAX(hot, peak - PF_MIN(peak, cache));
}

static void add_memory(struct pf_evidence *e, const struct pf_slice *s)
{
	struct pf_memory_cell cell = { .index = s->hour,
				       .need_bytes = need_of(s),
				       .peak_bytes = known(s->memory_peak_bytes),
				       .room_bytes = s->memory_limit_bytes == PF_UNKNOWN
							     ? 0
							     : s->memory_limit_bytes };

	if (known(s->oom_kills)) {
		/* The slice knows the limit of its end, which may have been raised since the kill; at the kill, memory
		 * was as high as the limit. */
		uint64_t limit = known(s->memory_limit_bytes);
		uint64_t at = cell.peak_bytes ? PF_MIN(limit, cell.peak_bytes) : limit;

		at = PF_MAX(at, cell.need_bytes);
		cell.oom_bytes = at + known(s->oom_overshoot_bytes);
		e->oom_kills += s->oom_kills;
		e->oom_overshoot_bytes =
			PF_MAX(e->oom_overshoot_bytes, known(s->oom_overshoot_bytes));
	}
	put_hour(e, &cell);
	e->events_max += known(s->events_max);
	e->events_high += known(s->events_high);
	e->restarts += known(s->restarts);
	e->working_set_peak_bytes =
		PF_MAX(e->working_set_peak_bytes, known(s->working_set_peak_bytes));
	e->has_kinds = e->has_kinds || known(s->hot_peak_bytes);
}

/* ---- windows, waits, sums ---- */

static double quota_millicores(const struct pf_slice *s)
{
	if (known(s->cfs_quota_us) == 0 || known(s->cfs_period_us) == 0)
		return INFINITY;
	return (double)s->cfs_quota_us * 1000.0 / (double)s->cfs_period_us;
}

struct windows {
	double total, throttled; /* number of windows; those with more demand than the quota */
};

static struct windows count_windows(const struct pf_slice *s, const uint32_t *hist, double quota)
{
	struct windows w = { .total = (double)known(s->nr_demand_idle_windows) };

	for (size_t i = 0; i < PF_MILLICORES_BUCKETS; i++) {
		double low = i ? (double)pf_hist_edge(PF_LAYOUT_MILLICORES, i - 1) : 0;

		w.total += hist[i];
		if (low >= quota)
			w.throttled += hist[i];
	}
	return w;
}

/* Start-up is part of the histogram and does not count: it would size the whole life by its first
 * seconds. */
static void add_windows(struct pf_evidence *e, const struct pf_slice *s, double weight)
{
	const uint32_t *hist = s->hists[PF_HIST_DEMAND];
	double quota = quota_millicores(s);
	uint64_t idle = known(s->nr_demand_idle_windows);

	if (!hist)
		return;

	struct windows w = count_windows(s, hist, quota);
	bool saturated = w.total > 0 && w.throttled > SATURATED_RATIO * w.total;

	if (saturated)
		e->sums.saturated_ns += weight * (double)s->covered_ns;
	idle -= PF_MIN(idle, known(s->nr_startup_idle_windows));
	e->demand_idle += (float)(weight * (double)idle);
	for (size_t i = 0; i < PF_MILLICORES_BUCKETS; i++) {
		uint32_t startup = s->startup_demand ? PF_MIN(s->startup_demand[i], hist[i]) : 0;
		double low = i ? (double)pf_hist_edge(PF_LAYOUT_MILLICORES, i - 1) : 0;
		double middle = (low + (double)pf_hist_edge(PF_LAYOUT_MILLICORES, i)) / 2;
		double count = weight * (hist[i] - startup);
		double done = low >= quota && !saturated ? quota / middle
							 : 1; /* share of its work done in it */

		if (startup)
			e->startup_peak_millicores =
				PF_MAX(e->startup_peak_millicores, (uint64_t)middle);
		e->demand[i] += (float)(count * done);
		e->demand_idle += (float)(count * (1 - done));
	}
	e->demand_peak_millicores =
		PF_MAX(e->demand_peak_millicores, known(s->demand_peak_millicores));
	e->has_windows = true;
}

static void add_counts(float *to, const uint32_t *from, size_t nr, double weight)
{
	for (size_t i = 0; from && i < nr; i++)
		to[i] += (float)(weight * from[i]);
}

static void add_limits(struct pf_evidence *e, const struct pf_limit_queues *limits, double weight)
{
	struct pf_evidence_sums *sums = &e->sums;

	for (size_t i = 0; i < PF_NR_LIMIT_COUNTS; i++)
		add_counts(e->limits[i], limits->counts[i], PF_LIMITS, weight);
	sums->limit_windows += weight * (double)limits->nr_windows;
	sums->limit_active += weight * (double)limits->nr_active;
	sums->limit_free += weight * (double)limits->nr_free;
	sums->limit_running += weight * (double)limits->nr_running;
	sums->limit_pairs += weight * (double)limits->nr_pairs;
}

static void add_sums(struct pf_evidence *e, const struct pf_slice *s, double weight)
{
	struct pf_evidence_sums *sums = &e->sums;
	double covered = weight * (double)s->covered_ns;

	sums->covered_ns += covered;
	sums->usage_ns += weight * (double)known(s->usage_ns);
	sums->throttled_ns += weight * (double)known(s->throttled_ns);
	sums->nr_periods += weight * (double)known(s->nr_periods);
	sums->nr_throttled += weight * (double)known(s->nr_throttled);
	sums->nr_waits += weight * (double)known(s->nr_waits);
	sums->quota_wait_ns += weight * (double)known(s->quota_wait_ns);
	sums->contention_wait_ns += weight * (double)known(s->contention_wait_ns);
	sums->reclaim_ns += weight * (double)known(s->reclaim_ns);
	sums->block_io_ns += weight * (double)known(s->block_io_ns);
	sums->memory_some_ns += weight * (double)known(s->psi.memory_some_ns);
	if (!isnan(s->memory_mean_bytes))
		sums->memory_byte_ns += covered * s->memory_mean_bytes;
	if (!isnan(s->hot_mean_bytes))
		sums->hot_byte_ns += covered * s->hot_mean_bytes;
	e->covered_hours += (double)s->covered_ns / (double)PF_NS_PER_HOUR;
	e->startup_ns += (double)known(s->startup_ns);
	e->has_waits = e->has_waits || s->nr_waits != PF_UNKNOWN;
}

static void note_newest(struct pf_evidence *e, const struct pf_slice *s, int64_t end_ns)
{
	if (e->newest_ns != PF_VPA_NO_TIME && end_ns < e->newest_ns)
		return;
	e->newest_ns = end_ns;
	e->cfs_quota_us = s->cfs_quota_us;
	e->cfs_period_us = s->cfs_period_us;
	e->cfs_burst_us = s->cfs_burst_us;
	e->memory_limit_bytes = s->memory_limit_bytes;
	if (known(s->window_ns))
		e->window_ns = s->window_ns;
}

/* ---- instances ---- */

static struct pf_evidence_instance *instance_of(struct pf_evidence *e, uint64_t id)
{
	uint32_t oldest = 0;

	for (uint32_t i = 0; i < e->nr_instances; i++)
		if (e->instances[i].id == id)
			return &e->instances[i];
	if (e->nr_instances < PF_EVIDENCE_INSTANCES_MAX) {
		oldest = e->nr_instances++;
	} else {
		for (uint32_t i = 1; i < e->nr_instances; i++)
			if (e->instances[i].last_hour < e->instances[oldest].last_hour)
				oldest = i;
	}
	e->instances[oldest] = (struct pf_evidence_instance){ .id = id };
	return &e->instances[oldest];
}

static int reserve_instance(struct pf_evidence *e)
{
	void *array = e->instances;
	int r = grow(&array, e->nr_instances, &e->instances_cap, PF_EVIDENCE_INSTANCES_MAX,
		     sizeof(*e->instances));

	e->instances = array;
	return r;
}

static void add_instance(struct pf_evidence *e, const struct pf_evidence_instance *more)
{
	struct pf_evidence_instance *in = instance_of(e, more->id);

	in->last_hour = PF_MAX(in->last_hour, more->last_hour);
	in->covered_ns += more->covered_ns;
	in->usage_ns += more->usage_ns;
	in->need_bytes = PF_MAX(in->need_bytes, more->need_bytes);
}

/* ---- adding ---- */

static void widen(struct pf_evidence *e, int64_t first_ns, int64_t last_ns)
{
	if (e->first_ns == PF_VPA_NO_TIME || (first_ns != PF_VPA_NO_TIME && first_ns < e->first_ns))
		e->first_ns = first_ns;
	e->last_ns = PF_MAX(e->last_ns, last_ns);
}

int pf_evidence_add_slice(struct pf_evidence *e, uint64_t instance, const struct pf_slice *s)
{
	int64_t start_ns = (int64_t)s->start_unix_ns, end_ns = start_ns + (int64_t)s->covered_ns;
	double weight, weight_short;
	int r = pf_evidence_reserve_peaks(e, s->vpa.nr_peaks);

	if (r == 0)
		r = reserve_instance(e);
	if (r < 0)
		return r;
	widen(e, start_ns, end_ns);
	weights_at(e, start_ns, &weight, &weight_short);
	add_windows(e, s, weight);
	add_counts(e->minute_long, s->minute_demand, PF_MILLICORES_BUCKETS, weight);
	add_counts(e->minute_short, s->minute_demand, PF_MILLICORES_BUCKETS, weight_short);
	e->minute_long_idle += (float)(weight * (double)known(s->nr_idle_minutes));
	e->minute_short_idle += (float)(weight_short * (double)known(s->nr_idle_minutes));
	add_counts(e->quota_wait, s->hists[PF_HIST_QUOTA_WAIT], PF_LATENCY_BUCKETS, weight);
	add_counts(e->contention_wait, s->hists[PF_HIST_CONTENTION_WAIT], PF_LATENCY_BUCKETS,
		   weight);
	add_counts(e->throttle_stall, s->hists[PF_HIST_THROTTLE_STALL], PF_LATENCY_BUCKETS, weight);
	add_limits(e, &s->limits, weight);
	add_sums(e, s, weight);
	add_memory(e, s);
	pf_evidence_add_vpa(e, instance, s);
	note_newest(e, s, end_ns);
	e->max_threads = PF_MAX(e->max_threads, known(s->max_threads));
	e->nr_cpus = PF_MAX(e->nr_cpus, known(s->nr_cpus));
	add_instance(
		e, &(struct pf_evidence_instance){ .id = instance,
						   .last_hour = s->hour,
						   .covered_ns = weight * (double)s->covered_ns,
						   .usage_ns = weight * (double)known(s->usage_ns),
						   .need_bytes = need_of(s) });
	return 0;
}

static void add_weights(float *to, const float *from, size_t nr, double factor)
{
	for (size_t i = 0; i < nr; i++)
		to[i] += (float)(factor * from[i]);
}

static void merge_windows(struct pf_evidence *e, const struct pf_evidence *o, double f,
			  double f_short)
{
	add_weights(e->demand, o->demand, PF_MILLICORES_BUCKETS, f);
	add_weights(e->minute_long, o->minute_long, PF_MILLICORES_BUCKETS, f);
	add_weights(e->minute_short, o->minute_short, PF_MILLICORES_BUCKETS, f_short);
	add_weights(e->quota_wait, o->quota_wait, PF_LATENCY_BUCKETS, f);
	add_weights(e->contention_wait, o->contention_wait, PF_LATENCY_BUCKETS, f);
	add_weights(e->throttle_stall, o->throttle_stall, PF_LATENCY_BUCKETS, f);
	for (size_t i = 0; i < PF_NR_LIMIT_COUNTS; i++)
		add_weights(e->limits[i], o->limits[i], PF_LIMITS, f);
	e->demand_idle += (float)(f * o->demand_idle);
	e->minute_long_idle += (float)(f * o->minute_long_idle);
	e->minute_short_idle += (float)(f_short * o->minute_short_idle);
	for (size_t i = 0; i < sizeof(e->sums) / sizeof(double); i++)
		((double *)&e->sums)[i] += f * ((const double *)&o->sums)[i];
}

static void merge_scalars(struct pf_evidence *e, const struct pf_evidence *o)
{
	widen(e, o->first_ns, o->last_ns);
	e->covered_hours += o->covered_hours;
	e->startup_ns += o->startup_ns;
	e->has_windows |= o->has_windows;
	e->has_kinds |= o->has_kinds;
	e->has_waits |= o->has_waits;
	e->demand_peak_millicores = PF_MAX(e->demand_peak_millicores, o->demand_peak_millicores);
	e->startup_peak_millicores = PF_MAX(e->startup_peak_millicores, o->startup_peak_millicores);
	e->max_threads = PF_MAX(e->max_threads, o->max_threads);
	e->nr_cpus = PF_MAX(e->nr_cpus, o->nr_cpus);
	e->working_set_peak_bytes = PF_MAX(e->working_set_peak_bytes, o->working_set_peak_bytes);
	e->oom_overshoot_bytes = PF_MAX(e->oom_overshoot_bytes, o->oom_overshoot_bytes);
	e->oom_kills += o->oom_kills;
	e->events_max += o->events_max;
	e->events_high += o->events_high;
	e->restarts += o->restarts;
	if (o->newest_ns <= e->newest_ns)
		return;
	e->newest_ns = o->newest_ns;
	e->window_ns = o->window_ns;
	e->cfs_quota_us = o->cfs_quota_us;
	e->cfs_period_us = o->cfs_period_us;
	e->cfs_burst_us = o->cfs_burst_us;
	e->memory_limit_bytes = o->memory_limit_bytes;
}

int pf_evidence_merge(struct pf_evidence *e, const struct pf_evidence *o)
{
	struct pf_vpa_aggregate vpa = o->vpa; /* merging may move its reference time */
	uint32_t nr_instances =
		PF_MIN(e->nr_instances + o->nr_instances, (uint32_t)PF_EVIDENCE_INSTANCES_MAX);
	double f, f_short;
	void *room;

	if (o->reference_ns == PF_VPA_NO_TIME)
		return 0;
	if (pf_evidence_reserve_peaks(e, o->nr_peaks) < 0)
		return -ENOMEM;
	room = realloc(e->instances, nr_instances * sizeof(*e->instances));
	if (!room)
		return -ENOMEM;
	e->instances = room;
	e->instances_cap = nr_instances;

	weights_at(e, o->reference_ns, &f, &f_short);
	merge_windows(e, o, f, f_short);
	merge_scalars(e, o);
	for (uint32_t i = 0; i < o->nr_days; i++)
		put_day(e, o->days[i]);
	for (uint32_t i = 0; i < o->nr_hours; i++)
		put_hour(e, &o->hours[i]);
	for (uint32_t i = 0; i < o->nr_peaks; i++)
		pf_evidence_put_peak(e, &o->peaks[i]);
	pf_evidence_settle_peaks(e);
	for (uint32_t i = 0; i < o->nr_instances; i++) {
		struct pf_evidence_instance in = o->instances[i];

		in.covered_ns *= f;
		in.usage_ns *= f;
		add_instance(e, &in);
	}
	pf_vpa_aggregate_merge(&e->vpa, &vpa);
	return 0;
}
