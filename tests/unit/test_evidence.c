// SPDX-License-Identifier: Apache-2.0
/* Slices in any order, merged in any grouping, say the same; and VPA's part is VPA's own answer. */
#include <string.h>

#include "core/evidence_save.h"
#include "core/size_memory.h"
#include "core/vpa_recommend.h"
#include "unit/evidence_sample.h"

enum { HOURS = 200 };

/* A load with a day and a night, and a peak of memory that moves. */
static struct evidence_hour hour_of(uint32_t hour)
{
	uint64_t day = hour % 24 < 8 ? 1 : 3;

	return (struct evidence_hour){ .idle_windows = 30000,
				       .busy_windows = 6000,
				       .demand_millicores = 400 * day + hour % 7,
				       .memory_bytes = (300 + 10 * day + hour % 5) * PF_MIB,
				       .hot_bytes = (200 + 10 * day + hour % 5) * PF_MIB };
}

static uint32_t *counts(uint32_t hour, size_t nr)
{
	uint32_t *counts = calloc(nr, sizeof(*counts));

	for (size_t i = 0; counts && i < nr; i++)
		counts[i] = (uint32_t)(hour * 31 + i * 7) % 5;
	return counts;
}

/* All that is only summed up, no two hours alike. */
static void fill_sums(struct pf_slice *s, uint32_t hour)
{
	s->hists[PF_HIST_QUOTA_WAIT] = counts(hour, PF_LATENCY_BUCKETS);
	s->hists[PF_HIST_CONTENTION_WAIT] = counts(hour + 1, PF_LATENCY_BUCKETS);
	s->hists[PF_HIST_THROTTLE_STALL] = counts(hour + 2, PF_LATENCY_BUCKETS);
	s->startup_demand = counts(hour % 24 ? 0 : hour, PF_MILLICORES_BUCKETS);
	s->startup_ns = hour % 24 ? 0 : 10 * PF_NS_PER_S;
	for (size_t i = 0; i < PF_NR_LIMIT_COUNTS; i++)
		s->limits.counts[i] = counts(hour + (uint32_t)i, PF_LIMITS);
	s->limits.nr_windows = 30000 + hour;
	s->limits.nr_active = 6000 + hour;
	s->limits.nr_free = 29000 + hour;
	s->limits.nr_running = 7000 + hour;
	s->limits.nr_pairs = 50 + hour;
	s->nr_idle_minutes = hour % 9;
	s->nr_waits = 1000 + hour;
	s->quota_wait_ns = (hour + 3) * PF_NS_PER_MS;
	s->contention_wait_ns = (hour + 5) * PF_NS_PER_MS;
	s->reclaim_ns = (hour + 7) * PF_NS_PER_MS;
	s->block_io_ns = (hour + 9) * PF_NS_PER_MS;
	s->psi.memory_some_ns = (hour + 11) * PF_NS_PER_MS;
	s->throttled_ns = (hour + 13) * PF_NS_PER_MS;
	s->nr_periods = 36000 - hour;
	s->nr_throttled = hour % 50;
	s->events_high = hour % 3;
	s->events_max = hour % 4;
	s->restarts = hour % 5;
	s->oom_kills = hour % 100 == 50;
	s->oom_overshoot_bytes = hour % 100 == 50 ? hour * PF_MIB : PF_UNKNOWN;
	s->memory_limit_bytes = (500 + hour % 3) * PF_MIB;
	s->cfs_quota_us = 200000 + hour;
	s->nr_cpus = 2 + hour % 3;
	s->max_threads = 4 + hour % 6;
}

/* What happens in hour @hour, @later hours later. */
static void add_hour_later(struct pf_evidence *e, const char *instance, uint32_t hour,
			   uint32_t later)
{
	struct evidence_hour h = hour_of(hour);
	PF_AUTO(pf_slice_freep) struct pf_slice *s = evidence_slice(hour + later, &h);

	fill_sums(s, hour);
	PF_CHECK_INT("slice", pf_evidence_add_slice(e, pf_evidence_instance_id(instance), s), 0);
}

static void add_hour(struct pf_evidence *e, const char *instance, uint32_t hour)
{
	add_hour_later(e, instance, hour, 0);
}

/* Field by field: the struct has padding, which nobody promises to keep. */
static void check_same_cells(const char *name, const struct pf_memory_cell *a,
			     const struct pf_memory_cell *b, uint32_t nr_cells)
{
	for (uint32_t i = 0; i < nr_cells; i++) {
		PF_CHECK_INT(name, a[i].index, b[i].index);
		PF_CHECK_INT(name, a[i].need_bytes, b[i].need_bytes);
		PF_CHECK_INT(name, a[i].peak_bytes, b[i].peak_bytes);
		PF_CHECK_INT(name, a[i].oom_bytes, b[i].oom_bytes);
		PF_CHECK_INT(name, a[i].room_bytes, b[i].room_bytes);
	}
}

static void check_same_weights(const char *name, const float *a, const float *b, size_t nr,
			       double factor)
{
	double sum = 0;

	for (size_t i = 0; i < nr; i++) {
		PF_CHECK_NEAR(name, a[i], b[i] * factor, 1e-4 * a[i] + 1e-9);
		sum += a[i];
	}
	PF_CHECK(name, sum > 0);
}

static void check_same_sums(const char *name, const struct pf_evidence *a,
			    const struct pf_evidence *b, double factor)
{
	const double *x = (const double *)&a->sums, *y = (const double *)&b->sums;

	for (size_t i = 0; i < sizeof(a->sums) / sizeof(double); i++) {
		PF_CHECK_NEAR(name, x[i], y[i] * factor, 1e-6 * x[i]);
		/* No hour here was throttled nearly all the time. */
		PF_CHECK(name, x[i] > 0 || &x[i] == &a->sums.saturated_ns);
	}
}

static void check_same_scalars(const char *name, const struct pf_evidence *a,
			       const struct pf_evidence *b)
{
	PF_CHECK(name, a->has_windows && b->has_windows && a->has_kinds && b->has_kinds &&
			       a->has_waits && b->has_waits);
	PF_CHECK(name, a->startup_ns > 0 && a->restarts && a->events_high && a->events_max &&
			       a->oom_kills && a->startup_peak_millicores);
	PF_CHECK_NEAR(name, a->startup_ns, b->startup_ns, 1e-3);
	PF_CHECK_INT(name, a->demand_peak_millicores, b->demand_peak_millicores);
	PF_CHECK_INT(name, a->startup_peak_millicores, b->startup_peak_millicores);
	PF_CHECK_INT(name, a->window_ns, b->window_ns);
	PF_CHECK_INT(name, a->newest_ns, b->newest_ns);
	PF_CHECK_INT(name, a->cfs_quota_us, b->cfs_quota_us);
	PF_CHECK_INT(name, a->cfs_period_us, b->cfs_period_us);
	PF_CHECK_INT(name, a->memory_limit_bytes, b->memory_limit_bytes);
	PF_CHECK_INT(name, a->max_threads, b->max_threads);
	PF_CHECK_INT(name, a->nr_cpus, b->nr_cpus);
	PF_CHECK_INT(name, a->oom_kills, b->oom_kills);
	PF_CHECK_INT(name, a->events_max, b->events_max);
	PF_CHECK_INT(name, a->events_high, b->events_high);
	PF_CHECK_INT(name, a->restarts, b->restarts);
	PF_CHECK_INT(name, a->oom_overshoot_bytes, b->oom_overshoot_bytes);
	PF_CHECK_INT(name, a->working_set_peak_bytes, b->working_set_peak_bytes);
}

static void check_same_instances(const char *name, const struct pf_evidence *a,
				 const struct pf_evidence *b, double factor)
{
	uint32_t nr_compared = 0;

	PF_CHECK_INT(name, a->nr_instances, b->nr_instances);
	for (uint32_t i = 0; i < a->nr_instances; i++)
		for (uint32_t k = 0; k < b->nr_instances; k++) {
			const struct pf_evidence_instance *x = &a->instances[i],
							  *y = &b->instances[k];

			if (x->id != y->id)
				continue;
			nr_compared++;
			PF_CHECK_INT(name, x->last_hour, y->last_hour);
			PF_CHECK_INT(name, x->need_bytes, y->need_bytes);
			PF_CHECK_NEAR(name, x->covered_ns, y->covered_ns * factor,
				      1e-6 * x->covered_ns);
			PF_CHECK_NEAR(name, x->usage_ns, y->usage_ns * factor, 1e-6 * x->usage_ns);
		}
	PF_CHECK_INT(name, nr_compared, a->nr_instances);
}

static void check_same(const char *name, const struct pf_evidence *a, const struct pf_evidence *b)
{
	struct pf_vpa_aggregate x, y;

	/* The reference times may differ; what is said may not. */
	double factor =
		exp2((double)(b->reference_ns - a->reference_ns) / (double)PF_EVIDENCE_LONG_NS);

	double factor_short =
		exp2((double)(b->reference_ns - a->reference_ns) / (double)PF_EVIDENCE_SHORT_NS);

	check_same_weights(name, a->demand, b->demand, PF_MILLICORES_BUCKETS, factor);
	check_same_weights(name, &a->demand_idle, &b->demand_idle, 1, factor);
	check_same_weights(name, a->minute_long, b->minute_long, PF_MILLICORES_BUCKETS, factor);
	check_same_weights(name, &a->minute_long_idle, &b->minute_long_idle, 1, factor);
	check_same_weights(name, a->minute_short, b->minute_short, PF_MILLICORES_BUCKETS,
			   factor_short);
	check_same_weights(name, &a->minute_short_idle, &b->minute_short_idle, 1, factor_short);
	check_same_weights(name, a->quota_wait, b->quota_wait, PF_LATENCY_BUCKETS, factor);
	check_same_weights(name, a->contention_wait, b->contention_wait, PF_LATENCY_BUCKETS,
			   factor);
	check_same_weights(name, a->throttle_stall, b->throttle_stall, PF_LATENCY_BUCKETS, factor);
	for (size_t i = 0; i < PF_NR_LIMIT_COUNTS; i++)
		check_same_weights(name, a->limits[i], b->limits[i], PF_LIMITS, factor);
	check_same_sums(name, a, b, factor);
	check_same_scalars(name, a, b);
	PF_CHECK_NEAR(name, a->covered_hours, b->covered_hours, 1e-9);
	PF_CHECK_INT(name, a->nr_hours, b->nr_hours);
	PF_CHECK_INT(name, a->nr_days, b->nr_days);
	check_same_cells(name, a->hours, b->hours, a->nr_hours);
	check_same_cells(name, a->days, b->days, a->nr_days);
	check_same_instances(name, a, b, factor);
	PF_CHECK_INT(name, a->first_ns, b->first_ns);
	PF_CHECK_INT(name, a->last_ns, b->last_ns);
	pf_evidence_vpa(a, &x);
	pf_evidence_vpa(b, &y);
	PF_CHECK_INT(name, x.nr_samples, y.nr_samples);
	for (double p = 0.05; p < 1; p += 0.05) {
		PF_CHECK_NEAR(name, pf_vpa_hist_percentile(&x.cpu, p),
			      pf_vpa_hist_percentile(&y.cpu, p), 0);
		PF_CHECK_NEAR(name, pf_vpa_hist_percentile(&x.memory, p),
			      pf_vpa_hist_percentile(&y.memory, p), 0);
	}
}

static void test_any_order(void)
{
	PF_AUTO(pf_evidence_freep)
	struct pf_evidence *forward = evidence_new(), *backward = evidence_new(),
			   *mixed = evidence_new();

	for (uint32_t h = 0; h < HOURS; h++) {
		add_hour(forward, h % 2 ? "a" : "b", h);
		add_hour(backward, (HOURS - 1 - h) % 2 ? "a" : "b", HOURS - 1 - h);
		add_hour(mixed, h * 77 % HOURS % 2 ? "a" : "b", h * 77 % HOURS);
	}
	uint64_t restarts = 0;
	double covered_ns = 0;

	for (uint32_t h = 0; h < HOURS; h++)
		restarts += h % 5;
	PF_CHECK_INT("restarts", forward->restarts, restarts);
	PF_CHECK_NEAR("hours covered", forward->covered_hours, HOURS, 1e-6);
	for (uint32_t i = 0; i < forward->nr_instances; i++)
		covered_ns += forward->instances[i].covered_ns;
	PF_CHECK_NEAR("the instances' parts are the whole", covered_ns, forward->sums.covered_ns,
		      1e-9 * covered_ns);
	check_same("backward", forward, backward);
	check_same("mixed", forward, mixed);
}

static void test_merge(void)
{
	PF_AUTO(pf_evidence_freep)
	struct pf_evidence *whole = evidence_new(), *odd = evidence_new(), *even = evidence_new(),
			   *copy = NULL;

	for (uint32_t h = 0; h < HOURS; h++) {
		add_hour(whole, h % 2 ? "a" : "b", h);
		add_hour(h % 2 ? odd : even, h % 2 ? "a" : "b", h);
	}
	PF_CHECK_INT("copy", pf_evidence_copy(odd, &copy), 0);
	PF_CHECK_INT("merge", pf_evidence_merge(odd, even), 0);
	check_same("odd + even", whole, odd);
	PF_CHECK_INT("merge", pf_evidence_merge(even, copy), 0);
	check_same("even + copy of odd", whole, even);
}

/* The clock was set back by nine days and a bit: evidence is as if it had been ten whole days earlier, to the last peak. */
static void test_rebase(void)
{
	PF_AUTO(pf_evidence_freep)
	struct pf_evidence *earlier = evidence_new(), *ahead = evidence_new(), *copy = NULL;

	for (uint32_t h = 0; h < HOURS; h++) {
		add_hour(earlier, h % 2 ? "a" : "b", h);
		add_hour_later(ahead, h % 2 ? "a" : "b", h, 10 * 24);
	}
	PF_CHECK_INT("copy", pf_evidence_copy(ahead, &copy), 0);
	pf_evidence_rebase(copy, copy->last_ns - (int64_t)PF_NS_PER_DAY);
	check_same("a day ahead may be", ahead, copy);
	pf_evidence_rebase(ahead, earlier->last_ns + (int64_t)(5 * PF_NS_PER_HOUR));
	check_same("moved", earlier, ahead);
	PF_CHECK_INT("peaks", ahead->nr_peaks, earlier->nr_peaks);
	for (uint32_t i = 0; i < ahead->nr_peaks; i++)
		PF_CHECK_INT("peak", ahead->peaks[i].interval_end_ns,
			     earlier->peaks[i].interval_end_ns);
	PF_CHECK_INT("VPA's first", ahead->vpa.first_ns, earlier->vpa.first_ns);
	PF_CHECK_INT("VPA's last", ahead->vpa.last_ns, earlier->vpa.last_ns);
}

static void test_merge_empty(void)
{
	PF_AUTO(pf_evidence_freep)
	struct pf_evidence *some = evidence_new(), *none = evidence_new();

	for (uint32_t h = 48; h < 60; h++)
		add_hour(some, "a", h);
	PF_CHECK_INT("nothing into something", pf_evidence_merge(some, none), 0);
	PF_CHECK_INT("something into nothing", pf_evidence_merge(none, some), 0);
	check_same("both", some, none);
}

/* What is a half-life old weighs half, in everything that is measured in windows; counts of events stay whole. */
static void test_decay(void)
{
	PF_AUTO(pf_evidence_freep)
	struct pf_evidence *old = evidence_new(), *both = evidence_new(), *young = evidence_new();
	struct evidence_hour h = { .idle_windows = 30000,
				   .busy_windows = 6000,
				   .demand_millicores = 500,
				   .hot_bytes = 100 };
	size_t bucket = pf_hist_bucket(PF_LAYOUT_MILLICORES, 500);
	/* Beyond the time after which the weights' reference moves. */
	uint32_t later[] = { 3, 48, 96 };

	evidence_run(old, "a", 0, 1, &h);
	PF_CHECK_NEAR("whole", old->demand[bucket], 6000, 1e-3);
	for (size_t i = 0; i < PF_ARRAY_SIZE(later); i++) {
		double part = exp2(-(double)later[i] / 48),
		       part_short = exp2(-(double)later[i] / 3);

		pf_evidence_free(both);
		pf_evidence_free(young);
		young = evidence_new();
		PF_CHECK_INT("copy", pf_evidence_copy(old, &both), 0);
		evidence_run(young, "b", later[i], 1, &h);
		evidence_run(both, "b", later[i], 1, &h);

		double one = young->minute_long[pf_hist_bucket(PF_LAYOUT_MILLICORES, 83)];
		double unit = exp2((double)(young->reference_ns - both->reference_ns) /
				   (double)PF_EVIDENCE_LONG_NS);
		double unit_short = exp2((double)(young->reference_ns - both->reference_ns) /
					 (double)PF_EVIDENCE_SHORT_NS);

		PF_CHECK_NEAR("windows", both->demand[bucket] / unit, 6000 * (1 + part), 1);
		PF_CHECK_NEAR("idle windows", both->demand_idle / unit, 30000 * (1 + part), 5);
		PF_CHECK_NEAR("use", both->sums.usage_ns / unit, young->sums.usage_ns * (1 + part),
			      1e-6 * young->sums.usage_ns);
		PF_CHECK_NEAR("minutes",
			      both->minute_long[pf_hist_bucket(PF_LAYOUT_MILLICORES, 83)] / unit,
			      one * (1 + part), 1e-3 * one);
		PF_CHECK_NEAR("the last hours' minutes",
			      both->minute_short[pf_hist_bucket(PF_LAYOUT_MILLICORES, 83)] /
				      unit_short,
			      one * (1 + part_short), 1e-3 * one);
		PF_CHECK_NEAR("hours covered", both->covered_hours, 2, 1e-9);
	}
}

/* The same minutes and peaks straight into VPA's own aggregate. */
static void test_is_vpa(void)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *e = evidence_new();
	struct pf_vpa_settings settings;
	struct pf_vpa_memory_rules rules;
	struct pf_vpa_aggregate real, ours;
	struct pf_vpa_instance instance;
	struct pf_vpa_recommendation want, got;
	/* More days than peaks are kept apart. */
	enum { ALL_HOURS = 500 };

	pf_vpa_settings_default(&settings);
	pf_vpa_memory_rules_from(&settings, &rules);
	pf_vpa_aggregate_init(&real, &settings);
	pf_vpa_instance_init(&instance);
	/* VPA anchors intervals at the first sample: whole days, as the invented slices have it. */
	instance.interval_end_ns = (int64_t)(EVIDENCE_START_HOUR * PF_NS_PER_HOUR);
	for (uint32_t h = 0; h < ALL_HOURS; h++) {
		struct evidence_hour hour = hour_of(h);
		uint64_t mean = hour.demand_millicores * 6000 / 36000;

		add_hour(e, "a", h);
		for (unsigned minute = 1; minute <= 60; minute++) {
			int64_t at = (int64_t)((EVIDENCE_START_HOUR + h) * PF_NS_PER_HOUR +
					       minute * PF_NS_PER_MIN);

			pf_vpa_add_cpu(&real, &instance, (int64_t)mean, at);
			if (minute < 60)
				pf_vpa_add_memory(&real, &instance, &rules, (int64_t)hour.hot_bytes,
						  at);
		}
	}
	PF_CHECK("old peaks are final", e->nr_peaks && e->nr_peaks <= PF_EVIDENCE_DAYS + 1);
	pf_evidence_vpa(e, &ours);
	PF_CHECK_NEAR("weight of memory", ours.memory.total, real.memory.total,
		      1e-9 * real.memory.total);
	pf_vpa_recommend(&real, &settings, NULL, false, 1, &want);
	pf_vpa_recommend(&ours, &settings, NULL, false, 1, &got);
	for (int r = 0; r < PF_VPA_NR_RESOURCES; r++) {
		PF_CHECK_INT("target", got.target.of[r], want.target.of[r]);
		PF_CHECK_INT("lower", got.lower.of[r], want.lower.of[r]);
		PF_CHECK_INT("upper", got.upper.of[r], want.upper.of[r]);
	}
}

static void test_memory_need(void)
{
	static const struct {
		const char *name;
		uint64_t peak, hot, mean, hot_mean, want;
	} cases[] = {
		{ "all hot", 100, 100, 100, 100, 100 },
		{ "page cache is not needed", 900, 100, 900, 100, 100 },
		{ "a spike between two readings", 400, 100, 150, 100, 350 },
		{ "no split by kind", 300, PF_UNKNOWN, 200, 0, 300 },
	};

	for (size_t i = 0; i < PF_ARRAY_SIZE(cases); i++) {
		PF_AUTO(pf_evidence_freep) struct pf_evidence *e = evidence_new();
		PF_AUTO(pf_slice_freep) struct pf_slice *s = NULL;

		PF_CHECK_INT("slice", pf_slice_new(&s), 0);
		s->hour = EVIDENCE_START_HOUR;
		s->memory_peak_bytes = cases[i].peak * PF_MIB;
		s->hot_peak_bytes = cases[i].hot == PF_UNKNOWN ? PF_UNKNOWN : cases[i].hot * PF_MIB;
		s->memory_mean_bytes = (double)(cases[i].mean * PF_MIB);
		s->hot_mean_bytes = (double)(cases[i].hot_mean * PF_MIB);
		PF_CHECK_INT("add", pf_evidence_add_slice(e, 1, s), 0);
		PF_CHECK_INT(cases[i].name, e->hours[0].need_bytes, cases[i].want * PF_MIB);
	}
}

static void test_windows_without_limit(void)
{
	PF_AUTO(pf_evidence_freep)
	struct pf_evidence *now_and_then = evidence_new(), *always = evidence_new();
	size_t bucket = pf_hist_bucket(PF_LAYOUT_MILLICORES, 1000);
	/* Wants 1000 m for 4 of 10 windows at a quota of 500 m: 2 of 10 would do without it. */
	struct evidence_hour h = { .idle_windows = 21600,
				   .busy_windows = 14400,
				   .demand_millicores = 1000,
				   .quota_us = 50000,
				   .hot_bytes = 1 };

	evidence_run(now_and_then, "a", 0, 1, &h);
	PF_CHECK_NEAR("half of the windows were queue", now_and_then->demand[bucket], 7200, 100);
	PF_CHECK_NEAR("the rest is idle", now_and_then->demand_idle, 28800, 100);
	PF_CHECK_NEAR("not saturated", now_and_then->sums.saturated_ns, 0, 0);

	h.idle_windows = 0;
	h.busy_windows = 36000;
	evidence_run(always, "a", 0, 1, &h);
	PF_CHECK_NEAR("a queue that never emptied says nothing", always->demand[bucket], 36000, 1);
	PF_CHECK("saturated", always->sums.saturated_ns > 0);
}

static void test_growth(void)
{
	struct pf_memory_cell hours[12] = { 0 };

	for (uint32_t i = 0; i < 12; i++)
		hours[i] = (struct pf_memory_cell){ .index = i, .need_bytes = 100 + (i % 3) * 20 };
	PF_CHECK_NEAR("a load that repeats itself", pf_memory_growth(hours, 12), 0, 1e-9);
	hours[10].need_bytes = 210;
	PF_CHECK_NEAR("a new height", pf_memory_growth(hours, 12), 0.5, 1e-9);
	hours[10].need_bytes = 2100;
	PF_CHECK_NEAR("cut at 1", pf_memory_growth(hours, 12), 1, 1e-9);
	PF_CHECK_NEAR("too few hours", pf_memory_growth(hours, 6), 0, 1e-9);
}

/* One high hour: six hours of data before, and the same hour of the day before, are what a rise is measured against. */
static void test_growth_reach(void)
{
	static const struct {
		const char *name;
		uint32_t hours_later;
		double want;
	} cases[] = { { "next hour", 1, 0 },	     { "six hours later", 6, 0 },
		      { "seven hours later", 7, 1 }, { "22 hours later", 22, 1 },
		      { "23 hours later", 23, 0 },   { "25 hours later", 25, 0 },
		      { "26 hours later", 26, 1 } };

	for (size_t c = 0; c < PF_ARRAY_SIZE(cases); c++) {
		struct pf_memory_cell hours[40] = { 0 };

		for (uint32_t i = 0; i < 40; i++)
			hours[i] = (struct pf_memory_cell){ .index = 1000 + i, .need_bytes = 100 };
		hours[3].need_bytes = hours[3 + cases[c].hours_later].need_bytes = 200;
		PF_CHECK_NEAR(cases[c].name, pf_memory_growth(hours, 40), cases[c].want, 1e-9);
	}
}

/* High by day and low by night: the first morning is growth, the next ones are not, an hour early or late included. */
static void test_daily_growth(void)
{
	struct pf_memory_cell hours[60] = { 0 };

	for (uint32_t i = 0; i < 60; i++)
		hours[i] = (struct pf_memory_cell){ .index = 1000 + i,
						    .need_bytes = i % 24 >= 12 ? 160 : 100 };
	PF_CHECK_NEAR("the first morning", pf_memory_growth(hours, 30), 0.6, 1e-9);
	PF_CHECK_NEAR("from the evening on: the next morning", pf_memory_growth(hours + 12, 36), 0,
		      1e-9);
	hours[35].need_bytes = 160; /* an hour early */
	PF_CHECK_NEAR("early", pf_memory_growth(hours + 12, 36), 0, 1e-9);
	hours[40].need_bytes = 240;
	PF_CHECK_NEAR("higher than ever", pf_memory_growth(hours + 12, 36), 0.5, 1e-9);
	for (uint32_t i = 24; i < 60; i++)
		hours[i].index += 18; /* it was off for a while */
	PF_CHECK_NEAR("by the clock, not by the count", pf_memory_growth(hours + 12, 24), 0.6,
		      1e-9);
}

static void test_old_peaks_go(void)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *e = evidence_new();
	struct evidence_hour high = { .idle_windows = 36000,
				      .memory_bytes = 900,
				      .hot_bytes = 900 };
	struct evidence_hour low = { .idle_windows = 36000, .memory_bytes = 300, .hot_bytes = 300 };
	struct pf_rules rules;
	struct pf_memory_size size;

	pf_rules_default(&rules);
	evidence_run(e, "a", 0, 1, &high);
	evidence_run(e, "a", 24, 10, &low);
	PF_CHECK_INT("size", pf_memory_size(e, &rules.class, 0, &size), 0);
	PF_CHECK_INT("a day later", size.need_bytes, 900);
	evidence_run(e, "a", 13 * 24, 10, &low);
	PF_CHECK_INT("size", pf_memory_size(e, &rules.class, 0, &size), 0);
	PF_CHECK_INT("13 days later", size.need_bytes, 900);
	evidence_run(e, "a", 20 * 24, 10, &low);
	PF_CHECK_INT("size", pf_memory_size(e, &rules.class, 0, &size), 0);
	PF_CHECK_INT("20 days later", size.need_bytes, 300);
}

static void test_bounded(void)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *e = evidence_new();
	struct evidence_hour h = { .idle_windows = 36000,
				   .memory_bytes = PF_MIB,
				   .hot_bytes = PF_MIB };
	char name[32];

	for (unsigned i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "pod-%u", i);
		evidence_run(e, name, i / 100, 1, &h);
	}
	PF_CHECK_INT("instances", e->nr_instances, PF_EVIDENCE_INSTANCES_MAX);
	/* Each instance has a memory interval of its own in VPA's answer, those no longer told apart included. */
	struct pf_vpa_settings settings;
	struct pf_vpa_aggregate vpa, real;

	pf_vpa_settings_default(&settings);
	pf_vpa_aggregate_init(&real, &settings);
	for (unsigned i = 0; i < 3000; i++)
		pf_vpa_hist_add(
			&real.memory, (double)PF_MIB, 1.0,
			(int64_t)((EVIDENCE_START_HOUR + i / 100 / 24 * 24 + 24) * PF_NS_PER_HOUR));
	pf_evidence_vpa(e, &vpa);
	PF_CHECK_NEAR("no peak is lost", vpa.memory.total / real.memory.total, 1, 1e-9);
}

/* More intervals alive than there is room for: the oldest count as they are, none is lost, and the room is kept. */
static void test_peaks_full(void)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *e = evidence_new();
	struct pf_vpa_settings settings;
	struct pf_vpa_aggregate real, ours;

	pf_vpa_settings_default(&settings);
	pf_vpa_aggregate_init(&real, &settings);
	for (uint64_t i = 0; i < PF_EVIDENCE_PEAKS_MAX + 200; i++) {
		PF_AUTO(pf_slice_freep) struct pf_slice *s = NULL;
		/* The last of them older than all others. */
		uint64_t end_ns = (EVIDENCE_START_HOUR + 24) * PF_NS_PER_HOUR +
				  (i < PF_EVIDENCE_PEAKS_MAX + 150 ? i * PF_NS_PER_MS : 0) -
				  PF_NS_PER_S;

		PF_CHECK_INT("new", pf_slice_new(&s), 0);
		s->hour = EVIDENCE_START_HOUR;
		s->start_unix_ns = (uint64_t)s->hour * PF_NS_PER_HOUR;
		s->covered_ns = PF_NS_PER_HOUR;
		PF_CHECK_INT("peak", pf_slice_peak(s, end_ns, (100 + i % 50) * PF_MIB, false), 0);
		PF_CHECK_INT("slice", pf_evidence_add_slice(e, i, s), 0);
		pf_vpa_hist_add(&real.memory, (double)((100 + i % 50) * PF_MIB), 1.0,
				(int64_t)end_ns);
	}
	PF_CHECK_INT("room", e->nr_peaks, PF_EVIDENCE_PEAKS_MAX);
	pf_evidence_vpa(e, &ours);
	PF_CHECK_NEAR("none lost", ours.memory.total / real.memory.total, 1, 1e-9);
	for (size_t n = 0; n < PF_VPA_NR_BUCKETS; n++)
		PF_CHECK_NEAR("bucket", ours.memory.weight[n], real.memory.weight[n],
			      1e-6 * real.memory.total);
}

/*
 * A workload of many instances, each with intervals of its own whose peaks rise from hour to hour: the merged answer
 * has to be the one of VPA's own histogram, in which each interval counts once, whatever the order.
 */
static void test_many_instances(void)
{
	enum { INSTANCES = 2500, HOURS_EACH = 3 };
	PF_AUTO(pf_evidence_freep) struct pf_evidence *e = evidence_new();
	PF_AUTO(pf_evidence_freep) struct pf_evidence *merged = evidence_new();
	struct pf_vpa_settings settings;
	struct pf_vpa_aggregate real, ours;

	pf_vpa_settings_default(&settings);
	pf_vpa_aggregate_init(&real, &settings);
	for (uint32_t hour = 0; hour < HOURS_EACH; hour++) {
		PF_AUTO(pf_evidence_freep) struct pf_evidence *of_hour = evidence_new();

		for (uint64_t i = 0; i < INSTANCES; i++) {
			PF_AUTO(pf_slice_freep) struct pf_slice *s = NULL;
			uint64_t id = i * 7919 % INSTANCES + 1;
			uint64_t end_ns =
				(EVIDENCE_START_HOUR + 24) * PF_NS_PER_HOUR + id * PF_NS_PER_S;
			/* Half of them rise, and not in the order of their names. */
			uint64_t bytes = (50 + id * 31 % 900) * PF_MIB +
					 (id % 2 ? hour : HOURS_EACH - hour) * 20 * PF_MIB;
			uint64_t highest = (50 + id * 31 % 900) * PF_MIB +
					   (id % 2 ? HOURS_EACH - 1 : HOURS_EACH) * 20 * PF_MIB;

			PF_CHECK_INT("new", pf_slice_new(&s), 0);
			s->hour = EVIDENCE_START_HOUR + hour;
			s->start_unix_ns = (uint64_t)s->hour * PF_NS_PER_HOUR;
			s->covered_ns = PF_NS_PER_HOUR;
			PF_CHECK_INT("peak", pf_slice_peak(s, end_ns, bytes, false), 0);
			PF_CHECK_INT("one by one", pf_evidence_add_slice(e, id, s), 0);
			PF_CHECK_INT("by the hour", pf_evidence_add_slice(of_hour, id, s), 0);
			if (hour == 0)
				pf_vpa_hist_add(&real.memory, (double)highest, 1.0,
						(int64_t)end_ns);
		}
		PF_CHECK_INT("merge", pf_evidence_merge(merged, of_hour), 0);
	}
	const struct pf_evidence *both[] = { e, merged };

	for (size_t i = 0; i < PF_ARRAY_SIZE(both); i++) {
		PF_CHECK_INT("each interval once", both[i]->nr_peaks, INSTANCES);
		pf_evidence_vpa(both[i], &ours);
		PF_CHECK_NEAR("weight", ours.memory.total / real.memory.total, 1, 1e-9);
		for (size_t n = 0; n < PF_VPA_NR_BUCKETS; n++)
			PF_CHECK_NEAR("bucket", ours.memory.weight[n], real.memory.weight[n],
				      1e-6 * real.memory.total);
	}
}

/* What a kill asked for stands until it was given for a day; then the peaks tell. */
static void test_kill_is_answered(void)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *e = evidence_new();
	struct evidence_hour killed = { .idle_windows = 36000,
					.memory_bytes = 500,
					.hot_bytes = 500,
					.oom_kills = 1,
					.overshoot_bytes = 400,
					.limit_bytes = 500 };
	struct evidence_hour tight = {
		.idle_windows = 36000, .memory_bytes = 400, .hot_bytes = 400, .limit_bytes = 500
	};
	struct evidence_hour roomy = {
		.idle_windows = 36000, .memory_bytes = 550, .hot_bytes = 550, .limit_bytes = 900
	};
	struct pf_rules rules;
	struct pf_memory_size size;

	pf_rules_default(&rules);
	evidence_run(e, "a", 0, 1, &killed);
	evidence_run(e, "a", 1, 100, &tight); /* nobody did anything: days say nothing */
	PF_CHECK_INT("size", pf_memory_size(e, &rules.class, 0, &size), 0);
	PF_CHECK_INT("it stands", size.oom_bytes, 900);
	evidence_run(e, "a", 101, 23, &roomy);
	PF_CHECK_INT("size", pf_memory_size(e, &rules.class, 0, &size), 0);
	PF_CHECK_INT("not yet a day", size.oom_bytes, 900);
	evidence_run(e, "a", 124, 1, &roomy);
	PF_CHECK_INT("size", pf_memory_size(e, &rules.class, 0, &size), 0);
	PF_CHECK_INT("answered", size.oom_bytes, 0);
	PF_CHECK_INT("by what it needed", size.need_bytes, 550);
	evidence_run(e, "a", 125, 2, &tight); /* the advice was followed */
	PF_CHECK_INT("size", pf_memory_size(e, &rules.class, 0, &size), 0);
	PF_CHECK_INT("and stays so", size.oom_bytes, 0);
}

/* The advice is applied while the hour of the kill still runs: it must not rest on itself. */
static void test_kill_and_resize(void)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *e = evidence_new();
	struct evidence_hour resized = { .idle_windows = 36000,
					 .memory_bytes = 500,
					 .hot_bytes = 450,
					 .oom_kills = 1,
					 .overshoot_bytes = 100,
					 .limit_bytes = 690 };
	struct pf_rules rules;
	struct pf_memory_size size;

	pf_rules_default(&rules);
	evidence_run(e, "a", 0, 1, &resized);
	PF_CHECK_INT("size", pf_memory_size(e, &rules.class, 0, &size), 0);
	PF_CHECK_INT("of what it had when it was killed", size.oom_bytes, 600);
}

/* A peak is given up where its hours of unused size are dearer than the kill. */
static void test_kill_price(void)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *e = evidence_new();
	struct evidence_hour high = { .idle_windows = 36000,
				      .memory_bytes = 1000,
				      .hot_bytes = 1000 };
	struct evidence_hour low = { .idle_windows = 36000, .memory_bytes = 200, .hot_bytes = 200 };
	struct pf_rules rules;
	struct pf_memory_size size;

	/* 50 hours at a fifth of the peak: 40 hours of a whole size unused. */
	pf_rules_default(&rules);
	rules.class.memory_margin_ratio = rules.class.memory_growth_margin = 0;
	evidence_run(e, "a", 0, 50, &low);
	evidence_run(e, "a", 50, 1, &high);
	PF_CHECK_INT("size", pf_memory_size(e, &rules.class, 0, &size), 0);
	PF_CHECK_NEAR("by default never", size.request_bytes, 1000, 0);
	PF_CHECK_INT("none above", size.nr_above, 0);
	rules.class.memory_kill_price = 41;
	PF_CHECK_INT("size", pf_memory_size(e, &rules.class, 0, &size), 0);
	PF_CHECK_NEAR("dearer than the room", size.request_bytes, 1000, 0);
	rules.class.memory_kill_price = 40;
	PF_CHECK_INT("size", pf_memory_size(e, &rules.class, 0, &size), 0);
	PF_CHECK_NEAR("of equals the larger", size.request_bytes, 1000, 0);
	rules.class.memory_kill_price = 39;
	PF_CHECK_INT("size", pf_memory_size(e, &rules.class, 0, &size), 0);
	PF_CHECK_NEAR("cheaper", size.request_bytes, 200, 0);
	PF_CHECK_INT("one above", size.nr_above, 1);
	PF_CHECK_INT("the highest is told all the same", size.need_bytes, 1000);
}

/* Restored on a node whose clock has not been set yet: hours that meet at 1970 are one, and can be saved again. */
static void test_rebase_to_1970(void)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *e = evidence_new(), *loaded = NULL;
	struct evidence_hour low = { .idle_windows = 36000, .memory_bytes = 200, .hot_bytes = 200 },
			     high = { .idle_windows = 36000,
				      .memory_bytes = 900,
				      .hot_bytes = 800 };
	struct pf_buf saved;

	evidence_run(e, "a", 0, 90, &low);
	evidence_run(e, "a", 90, 1, &high);
	evidence_run(e, "a", 91, 20, &low);
	pf_evidence_rebase(e, 300 * (int64_t)PF_NS_PER_S);
	for (uint32_t i = 1; i < e->nr_hours; i++)
		PF_CHECK("hours in order", e->hours[i].index > e->hours[i - 1].index);
	for (uint32_t i = 1; i < e->nr_days; i++)
		PF_CHECK("days in order", e->days[i].index > e->days[i - 1].index);
	PF_CHECK_INT("the highest is kept", e->hours[0].need_bytes, 800);
	pf_buf_init(&saved, 1 << 20);
	PF_CHECK_INT("saved", pf_evidence_save(e, &saved), 0);
	PF_CHECK_INT("loaded", pf_evidence_load(saved.data, saved.len, &loaded), 0);
	pf_buf_done(&saved);
}

PF_TEST_SUITE(evidence, { "rebase to 1970", test_rebase_to_1970 },
	      { "many instances", test_many_instances },
	      { "kill is answered", test_kill_is_answered }, { "kill price", test_kill_price },
	      { "kill and resize", test_kill_and_resize }, { "any order", test_any_order },
	      { "decay", test_decay }, { "rebase", test_rebase }, { "peaks full", test_peaks_full },
	      { "merge", test_merge }, { "merge empty", test_merge_empty },
	      { "is VPA", test_is_vpa }, { "memory need", test_memory_need },
	      { "windows without limit", test_windows_without_limit }, { "growth", test_growth },
	      { "growth's reach", test_growth_reach }, { "daily growth", test_daily_growth },
	      { "old peaks go", test_old_peaks_go }, { "bounded", test_bounded });
