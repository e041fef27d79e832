// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/recommend.h"
#include "core/vpa_recommend.h"
#include "ctl/backtest.h"

#define HOUR_S 3600.0

/* No machine has more: a file that says so is wrong, and must not overflow anything. */
#define CORES_MAX 1e5
#define BYTES_MAX 1e15

int pf_bt_add(struct pf_bt_advices *a, double unix_s, double cpu_cores, double memory_bytes)
{
	const struct pf_bt_advice *last = a->nr ? &a->items[a->nr - 1] : NULL;

	if (last && last->cpu_cores == cpu_cores && last->memory_bytes == memory_bytes)
		return 0;
	if (a->nr == a->cap) {
		size_t cap = a->cap ? 2 * a->cap : 64;
		void *more = realloc(a->items, cap * sizeof(*a->items));

		if (!more)
			return -ENOMEM;
		a->items = more;
		a->cap = cap;
	}
	a->items[a->nr++] = (struct pf_bt_advice){ unix_s, cpu_cores, memory_bytes };
	return 0;
}

/* When to advise: an hour after the first sample, then hourly; and when memory is above what was advised. */
struct clock {
	double next_s;
	double memory_bytes; /* in force; below 0: none */
};

static bool is_due(struct clock *clock, const struct pf_series_row *row, bool *ret_event)
{
	bool hourly;

	if (!clock->next_s)
		clock->next_s = row->unix_s + HOUR_S;
	hourly = row->unix_s >= clock->next_s;
	if (hourly)
		clock->next_s = row->unix_s + HOUR_S;
	*ret_event = clock->memory_bytes >= 0 && row->memory_bytes > clock->memory_bytes;
	return hourly || *ret_event;
}

/* ---- podfit ---- */

struct podfit {
	const struct pf_rules *rules;
	struct pf_evidence *evidence; /* of the hours that are over */
	struct pf_slice *slice;	      /* the hour that is running */
	struct pf_arena arena;
};

static void podfit_done(struct podfit *p)
{
	pf_slice_free(p->slice);
	pf_evidence_free(p->evidence);
	pf_arena_done(&p->arena);
}

/* The slice of the hour a row falls into, with the request in force, if any, for a limit; the one before is evidence
 * from then on. */
static int podfit_hour(struct podfit *p, double unix_s, double limit_bytes)
{
	uint32_t hour = (uint32_t)(unix_s / HOUR_S);
	int r = 0;

	if (p->slice && p->slice->hour == hour)
		return 0;
	if (p->slice)
		r = pf_evidence_add_slice(p->evidence, 1, p->slice);
	if (r < 0)
		return r;
	pf_slice_free(p->slice);
	p->slice = NULL;
	r = pf_slice_new(&p->slice);
	if (r < 0)
		return r;
	p->slice->hour = hour;
	p->slice->start_unix_ns = (uint64_t)(unix_s * 1e9);
	p->slice->memory_limit_bytes = limit_bytes >= 0 ? (uint64_t)limit_bytes : PF_NO_LIMIT;
	return 0;
}

/* A row stands for the time since the one before: as many minutes of its mean use, and its memory as a peak. */
static int podfit_row(struct podfit *p, const struct pf_series_row *row, double interval_s)
{
	struct pf_slice *s = p->slice;
	unsigned minutes = (unsigned)fmin(fmax(round(interval_s / 60), 1), 60);

	if (row->memory_bytes >= 0) {
		uint64_t bytes = (uint64_t)fmin(row->memory_bytes, BYTES_MAX);

		s->memory_peak_bytes = s->memory_peak_bytes == PF_UNKNOWN
					       ? bytes
					       : PF_MAX(s->memory_peak_bytes, bytes);
		s->hot_peak_bytes = s->memory_peak_bytes;
	}
	if (row->cpu_cores >= 0) {
		double cores = fmin(row->cpu_cores, CORES_MAX);

		s->usage_ns = (s->usage_ns == PF_UNKNOWN ? 0 : s->usage_ns) +
			      (uint64_t)(cores * interval_s * 1e9);
		for (unsigned i = 0; i < minutes; i++) {
			int r = pf_slice_minute(s, (uint64_t)ceil(cores * 1000));

			if (r < 0)
				return r;
		}
	}
	s->covered_ns += (uint64_t)(interval_s * 1e9);
	return 0;
}

/* Use above the request, which is taken for the limit, stands for an OOM kill: as the agent would have told it, with the
 * least overshoot. */
static void podfit_killed(struct podfit *p, double limit_bytes)
{
	const struct pf_vpa_settings *vpa = &p->rules->vpa;

	p->slice->oom_kills = p->slice->oom_kills == PF_UNKNOWN ? 1 : p->slice->oom_kills + 1;
	pf_slice_oom(p->slice, (uint64_t)fmax(vpa->oom_min_bump_bytes,
					      limit_bytes * (vpa->oom_bump_ratio - 1)));
}

static int podfit_advise(struct podfit *p, double unix_s, struct clock *clock,
			 struct pf_bt_advices *advices)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *now = NULL;
	const struct pf_policy_result *result;
	struct pf_recommend_input in;
	struct pf_recommendation rec;
	int r = pf_evidence_copy(p->evidence, &now);

	if (r == 0)
		r = pf_evidence_add_slice(now, 1, p->slice);
	if (r < 0)
		return r;
	pf_recommend_input_clear(&in);
	in.evidence = now;
	in.rules = p->rules;
	pf_arena_reset(&p->arena);
	r = pf_recommend(&in, &p->arena, &rec);
	if (r < 0)
		return r;
	result = pf_policy_result_of(&rec, "podfit");
	clock->memory_bytes =
		result->memory.target == PF_UNKNOWN ? -1 : (double)result->memory.target;
	return pf_bt_add(advices, unix_s,
			 result->cpu.target == PF_UNKNOWN ? -1 : (double)result->cpu.target / 1000,
			 clock->memory_bytes);
}

int pf_bt_replay_podfit(const struct pf_series *series, const struct pf_rules *rules,
			struct pf_bt_advices *advices)
{
	PF_AUTO(podfit_done) struct podfit p = { .rules = rules };
	struct clock clock = { .memory_bytes = -1 };
	int r = pf_evidence_new(&rules->vpa, &p.evidence);

	pf_arena_init(&p.arena, 1 << 20);
	for (size_t i = 0; i < series->nr_rows && r == 0; i++) {
		const struct pf_series_row *row = &series->rows[i];
		double since = i ? row->unix_s - series->rows[i - 1].unix_s : series->interval_s;
		bool event;

		r = podfit_hour(&p, row->unix_s, clock.memory_bytes);
		if (r == 0)
			r = podfit_row(&p, row, fmin(fmin(since, 2 * series->interval_s), HOUR_S));
		if (r == 0 && is_due(&clock, row, &event)) {
			if (event)
				podfit_killed(&p, clock.memory_bytes);
			r = podfit_advise(&p, row->unix_s, &clock, advices);
		}
	}
	return r;
}

/* ---- VPA ---- */

int pf_bt_replay_vpa(const struct pf_series *series, const struct pf_rules *rules,
		     struct pf_bt_advices *advices)
{
	struct clock clock = { .memory_bytes = -1 };
	struct pf_vpa_memory_rules memory_rules;
	struct pf_vpa_aggregate aggregate;
	struct pf_vpa_instance instance;
	int r = 0;

	pf_vpa_memory_rules_from(&rules->vpa, &memory_rules);
	pf_vpa_aggregate_init(&aggregate, &rules->vpa);
	pf_vpa_instance_init(&instance);
	for (size_t i = 0; i < series->nr_rows && r == 0; i++) {
		const struct pf_series_row *row = &series->rows[i];
		int64_t at_ns = (int64_t)(row->unix_s * 1e9);
		struct pf_vpa_recommendation rec;
		bool event, due;

		if (row->cpu_cores >= 0)
			pf_vpa_add_cpu(&aggregate, &instance,
				       (int64_t)ceil(fmin(row->cpu_cores, CORES_MAX) * 1000),
				       at_ns);
		if (row->memory_bytes >= 0)
			pf_vpa_add_memory(&aggregate, &instance, &memory_rules,
					  (int64_t)fmin(row->memory_bytes, BYTES_MAX), at_ns);
		due = is_due(&clock, row, &event);
		if (event)
			pf_vpa_add_oom(&aggregate, &instance, &memory_rules,
				       (int64_t)clock.memory_bytes, at_ns);
		if (!due)
			continue;
		pf_vpa_recommend(&aggregate, &rules->vpa, NULL, false, 1, &rec);
		clock.memory_bytes = pf_vpa_hist_is_empty(&aggregate.memory)
					     ? -1
					     : (double)rec.target.of[PF_VPA_MEMORY];
		r = pf_bt_add(advices, row->unix_s,
			      aggregate.nr_samples ? (double)rec.target.of[PF_VPA_CPU] / 1000 : -1,
			      clock.memory_bytes);
	}
	return r;
}

/* ---- KRR-like ---- */

enum { WINDOW_BINS = 14 * 24 * 12 }; /* 14 days of 5 minutes */

/* The values of the window, in the order they came and sorted. */
struct window {
	double by_time[WINDOW_BINS], sorted[WINDOW_BINS];
	size_t nr, oldest;
};

static size_t place_of(const struct window *w, double value)
{
	size_t low = 0, high = w->nr;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (w->sorted[middle] < value)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void window_add(struct window *w, double value)
{
	size_t at;

	if (w->nr == WINDOW_BINS) {
		at = place_of(w, w->by_time[w->oldest]);
		memmove(&w->sorted[at], &w->sorted[at + 1],
			(w->nr - at - 1) * sizeof(w->sorted[0]));
		w->nr--;
		w->by_time[w->oldest] = value;
		w->oldest = (w->oldest + 1) % WINDOW_BINS;
	} else {
		w->by_time[w->nr] = value;
	}
	at = place_of(w, value);
	memmove(&w->sorted[at + 1], &w->sorted[at], (w->nr - at) * sizeof(w->sorted[0]));
	w->sorted[at] = value;
	w->nr++;
}

/* Five minutes being gathered. */
struct five {
	double bin, sum, max;
	unsigned nr;
};

static bool five_add(struct five *f, double unix_s, double value, double *ret_mean, double *ret_max)
{
	double bin = floor(unix_s / 300);
	bool full = f->nr && bin != f->bin;

	if (full) {
		*ret_mean = f->sum / f->nr;
		*ret_max = f->max;
		f->nr = 0;
		f->sum = f->max = 0;
	}
	f->bin = bin;
	f->sum += value;
	f->max = fmax(f->max, value);
	f->nr++;
	return full;
}

struct krr {
	struct window cpu, memory;
	struct five cpu_bin, memory_bin;
};

int pf_bt_replay_krr(const struct pf_series *series, const struct pf_rules *rules,
		     struct pf_bt_advices *advices)
{
	PF_AUTO(pf_freep) struct krr *k = calloc(1, sizeof(*k));
	struct clock clock = { .memory_bytes = -1 };
	int r = k ? 0 : -ENOMEM;

	(void)rules; /* it has none to be set */
	for (size_t i = 0; i < series->nr_rows && r == 0; i++) {
		const struct pf_series_row *row = &series->rows[i];
		double mean, max, cpu = -1, memory = -1;
		bool event;

		if (row->cpu_cores >= 0 &&
		    five_add(&k->cpu_bin, row->unix_s, row->cpu_cores, &mean, &max))
			window_add(&k->cpu, mean);
		if (row->memory_bytes >= 0 &&
		    five_add(&k->memory_bin, row->unix_s, row->memory_bytes, &mean, &max))
			window_add(&k->memory, max);
		if (!is_due(&clock, row, &event) || event)
			continue; /* it is run by the hour and knows no kills */
		if (k->cpu.nr)
			cpu = ceil(1000 *
				   k->cpu.sorted[(size_t)ceil(0.95 * (double)k->cpu.nr) - 1]) /
			      1000;
		if (k->memory.nr)
			memory = k->memory.sorted[k->memory.nr - 1] * 1.15;
		r = pf_bt_add(advices, row->unix_s, cpu, memory);
	}
	return r;
}
