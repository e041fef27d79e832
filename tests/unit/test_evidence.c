// SPDX-License-Identifier: Apache-2.0
/* Slices in any order, merged in any grouping, say the same; and VPA's part is VPA's own answer. */
#include <string.h>

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

static void add_hour(struct pf_evidence *e, const char *instance, uint32_t hour)
{
	struct evidence_hour h = hour_of(hour);

	evidence_run(e, instance, hour, 1, &h);
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
	}
}

static void check_same(const char *name, const struct pf_evidence *a, const struct pf_evidence *b)
{
	struct pf_vpa_aggregate x, y;

	/* The reference times may differ; what is said may not. */
	double factor =
		exp2((double)(b->reference_ns - a->reference_ns) / (double)PF_EVIDENCE_LONG_NS);

	for (size_t i = 0; i < PF_MILLICORES_BUCKETS; i++)
		PF_CHECK_NEAR(name, a->demand[i], b->demand[i] * factor,
			      1e-4 * a->demand[i] + 1e-9);
	PF_CHECK_NEAR(name, a->sums.usage_ns, b->sums.usage_ns * factor, 1e-6 * a->sums.usage_ns);
	PF_CHECK_NEAR(name, a->covered_hours, b->covered_hours, 1e-9);
	PF_CHECK_INT(name, a->nr_hours, b->nr_hours);
	PF_CHECK_INT(name, a->nr_days, b->nr_days);
	check_same_cells(name, a->hours, b->hours, a->nr_hours);
	check_same_cells(name, a->days, b->days, a->nr_days);
	PF_CHECK_INT(name, a->nr_instances, b->nr_instances);
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

static void test_merge_empty(void)
{
	PF_AUTO(pf_evidence_freep)
	struct pf_evidence *some = evidence_new(), *none = evidence_new();

	add_hour(some, "a", 3);
	PF_CHECK_INT("nothing into something", pf_evidence_merge(some, none), 0);
	PF_CHECK_INT("something into nothing", pf_evidence_merge(none, some), 0);
	check_same("both", some, none);
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

	pf_vpa_settings_default(&settings);
	pf_vpa_memory_rules_from(&settings, &rules);
	pf_vpa_aggregate_init(&real, &settings);
	pf_vpa_instance_init(&instance);
	/* VPA anchors intervals at the first sample: whole days, as the invented slices have it. */
	instance.interval_end_ns = (int64_t)(EVIDENCE_START_HOUR * PF_NS_PER_HOUR);
	for (uint32_t h = 0; h < HOURS; h++) {
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
	pf_evidence_vpa(e, &ours);
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
	PF_CHECK("peaks", e->nr_peaks <= PF_EVIDENCE_PEAKS_MAX);
	struct pf_vpa_aggregate vpa;

	pf_evidence_vpa(e, &vpa);
	PF_CHECK_NEAR("no peak is lost",
		      vpa.memory.total * exp2(-(double)((vpa.memory.reference_ns -
							 (int64_t)((EVIDENCE_START_HOUR + 24) *
								   PF_NS_PER_HOUR))) /
					      (double)PF_NS_PER_DAY) >
			      0,
		      1, 0);
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
	rules.class.memory_kill_price = 39;
	PF_CHECK_INT("size", pf_memory_size(e, &rules.class, 0, &size), 0);
	PF_CHECK_NEAR("cheaper", size.request_bytes, 200, 0);
	PF_CHECK_INT("one above", size.nr_above, 1);
	PF_CHECK_INT("the highest is told all the same", size.need_bytes, 1000);
}

PF_TEST_SUITE(evidence, { "many instances", test_many_instances },
	      { "kill is answered", test_kill_is_answered }, { "kill price", test_kill_price },
	      { "kill and resize", test_kill_and_resize }, { "any order", test_any_order },
	      { "merge", test_merge }, { "merge empty", test_merge_empty },
	      { "is VPA", test_is_vpa }, { "memory need", test_memory_need },
	      { "windows without limit", test_windows_without_limit }, { "growth", test_growth },
	      { "daily growth", test_daily_growth }, { "old peaks go", test_old_peaks_go },
	      { "bounded", test_bounded });
