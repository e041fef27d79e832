// SPDX-License-Identifier: Apache-2.0
/*
 * The limit curve against a simulation of CFS bandwidth control, and its queues by hand. The same against a real kernel:
 * tests/kernel/test_limit_curve.c, tools/bench/limit_curve.c.
 */
#include <stdlib.h>

#include "core/limit_curve.h"
#include "unit/cfs_sim.h"
#include "unit/check.h"

enum { NR_QUOTAS = 5, SECONDS = 30, NR_SEEDS = 2, NR_CPUS = 2 };

static const double quotas_ms[NR_QUOTAS] = { INFINITY, 70, 50, 35, 25 };

/* ---- by hand ---- */

struct sums {
	unsigned extra, throttled, runs, lead_us;
};

static void check_queue(const char *name, const struct pf_limit_queues *q, uint64_t millicores,
			struct sums want)
{
	size_t at = pf_limit_index((double)millicores);

	PF_CHECK_INT(name, q->counts[PF_LIMIT_EXTRA][at], want.extra);
	PF_CHECK_INT(name, q->counts[PF_LIMIT_THROTTLED][at], want.throttled);
	PF_CHECK_INT(name, q->counts[PF_LIMIT_RUNS][at], want.runs);
	PF_CHECK_NEAR(name, q->counts[PF_LIMIT_LEAD_US][at], want.lead_us, 1);
}

static void test_queue(void)
{
	/* 60 ms in one piece, then nothing; a limit of 256m passes 25.6 ms a period. */
	static const struct pf_window windows[8] = { { 0 }, { 60000, 0, 1 } };
	struct pf_queue_load load = { INFINITY, 60000 };
	struct pf_limit_queues q = { 0 };

	PF_CHECK_INT("alloc", pf_limit_queues_prepare(&q, windows, PF_ARRAY_SIZE(windows)), 0);
	pf_limit_queues_play(&q, windows, 0, 8, &load);
	PF_CHECK_INT("windows", q.nr_windows, 8);
	PF_CHECK_INT("active: one, and an idle one behind it", q.nr_active, 2);
	PF_CHECK_INT("free", q.nr_free, 8);
	PF_CHECK_INT("running", q.nr_running, 1);
	PF_CHECK_INT("pairs", q.nr_pairs, 0);
	/* 34.4 ms are left, then 8.8; the gap of 40 ms lies half before the work. Two periods with work
	 * behind the first, one of them the idle one of no limit, and an idle one. */
	check_queue("256m", &q, 256, (struct sums){ 2, 2, 1, 20000 });
	check_queue("384m", &q, 384, (struct sums){ 1, 1, 1, 20000 });
	check_queue("640m", &q, 640, (struct sums){ 0 });
	/* A tick finds nothing to stop when work of less than 2 ms is left. */
	check_queue("576m: 2.4 ms over", &q, 576, (struct sums){ 1, 1, 1, 20000 });
	pf_limit_queues_free(&q);
}

static void test_idle(void)
{
	static const struct pf_window windows[8];
	struct pf_queue_load load = { INFINITY, INFINITY };
	struct pf_limit_queues q = { 0 };

	PF_CHECK_INT("prepare", pf_limit_queues_prepare(&q, windows, 8), 0);
	pf_limit_queues_play(&q, windows, 0, 8, &load);
	PF_CHECK_INT("windows", q.nr_windows, 8);
	PF_CHECK_INT("active", q.nr_active, 0);
	PF_CHECK("no memory for it", !q.counts[0]);
}

/* Windows before the sample fill the queue and are not counted; more than fit are cut at the old end. */
static void test_past(void)
{
	static struct pf_window windows[300] = { [2] = { 60000, 0, 1 }, [298] = { 60000, 0, 1 } };
	struct pf_queue_load load = { INFINITY, 60000 };
	struct pf_limit_queues q = { 0 };

	PF_CHECK_INT("alloc", pf_limit_queues_prepare(&q, windows, PF_ARRAY_SIZE(windows)), 0);
	pf_limit_queues_play(&q, windows, 3, 8, &load);
	PF_CHECK_INT("windows", q.nr_windows, 5);
	check_queue("second of two throttled", &q, 256, (struct sums){ 2, 1, 0, 0 });
	pf_limit_queues_play(&q, windows, 3, 300, &load);
	PF_CHECK_INT("as many as fit", q.nr_windows, 5 + 256);
	check_queue("the newest", &q, 256, (struct sums){ 2, 3, 1, 20000 });
	pf_limit_queues_free(&q);
}

/* What a limit of 200m let out: lower limits see the same, higher ones that three quarters came at once. */
static void test_censored(void)
{
	static const struct pf_window windows[6] = {
		{ 20000, 80000, 0 }, { 20000, 80000, 0 }, { 20000, 80000, 0 }, { 10000, 0, 0 }
	};
	struct pf_queue_load load = { 20000, INFINITY };
	struct pf_limit_queues q = { 0 };

	PF_CHECK_INT("alloc", pf_limit_queues_prepare(&q, windows, PF_ARRAY_SIZE(windows)), 0);
	pf_limit_queues_play(&q, windows, 0, 6, &load);
	PF_CHECK_INT("free windows", q.nr_free, 3);
	/* 12.8 ms a period for 70: waiting after each 7.2, 14.4, 21.6, 18.8, 6 and none. */
	PF_CHECK_INT("128m", q.counts[PF_LIMIT_THROTTLED][pf_limit_index(128)], 5);
	/* 0.75 x 70 + 0.25 x 20 = 57.5 ms come first, then 5, 5, 2.5. */
	PF_CHECK_INT("512m", q.counts[PF_LIMIT_THROTTLED][pf_limit_index(512)], 1);
	PF_CHECK_INT("640m", q.counts[PF_LIMIT_THROTTLED][pf_limit_index(640)], 0);
	pf_limit_queues_free(&q);
}

/* ---- against the simulation ---- */

static uint32_t demand[PF_MILLICORES_BUCKETS];

/* A part of a run, as a sample of ten seconds would bring it. */
static void sample_of(const struct sim_result *r, unsigned nr_threads, unsigned at, double quota_ms,
		      unsigned nr, struct pf_sample *ret_sample)
{
	unsigned past = PF_MIN(at, 28u);
	double part = (double)nr / r->nr_windows, used = 0, throttled = 0;
	struct pf_sample *s = ret_sample;

	pf_sample_clear(s);
	memset(demand, 0, sizeof(demand));
	s->start_ns = at * 100 * PF_NS_PER_MS;
	s->end_ns = (at + nr) * 100 * PF_NS_PER_MS;
	s->nr_windows = nr;
	s->nr_demand_idle_windows = 0;
	for (unsigned i = at; i < at + nr; i++) {
		double both = (double)r->windows[i].used_us + r->windows[i].throttled_us;

		used += r->windows[i].used_us;
		throttled += r->windows[i].throttled_us;
		if (both > 0)
			demand[pf_hist_bucket(PF_LAYOUT_MILLICORES, (uint64_t)(both / 100))]++;
		else
			s->nr_demand_idle_windows++;
	}
	s->usage_ns = (uint64_t)(used * 1000);
	s->throttled_ns = (uint64_t)(throttled * 1000);
	s->nr_periods = (uint64_t)(r->nr_periods * part);
	s->nr_throttled = (uint64_t)(r->nr_throttled * part);
	s->nr_waits = (uint64_t)(r->nr_waits * part);
	s->nr_cpus = NR_CPUS;
	s->nr_threads = nr_threads;
	s->cfs_quota_us = isfinite(quota_ms) ? (uint64_t)(quota_ms * 1000) : PF_NO_LIMIT;
	s->cfs_period_us = 100000;
	s->hists[PF_HIST_DEMAND] = demand;
	s->windows = r->windows + at - past;
	s->nr_past_windows = past;
	s->nr_all_windows = past + nr;
}

static void model_of(const struct sim_result *r, unsigned nr_threads, double quota_ms,
		     struct pf_limit_model *ret_model)
{
	PF_AUTO(pf_slice_freep) struct pf_slice *slice = NULL;
	PF_AUTO(pf_evidence_freep) struct pf_evidence *evidence = NULL;
	struct pf_vpa_settings settings;
	struct pf_sample sample;

	pf_vpa_settings_default(&settings);
	PF_CHECK_INT("slice", pf_slice_new(&slice), 0);
	PF_CHECK_INT("evidence", pf_evidence_new(&settings, &evidence), 0);
	for (unsigned at = 0; at < r->nr_windows; at += 100) {
		sample_of(r, nr_threads, at, quota_ms, PF_MIN(100u, r->nr_windows - at), &sample);
		PF_CHECK_INT("add", pf_slice_add(slice, &sample, false), 0);
	}
	PF_CHECK_INT("slice", pf_evidence_add_slice(evidence, 1, slice), 0);
	PF_CHECK_INT("model", pf_limit_model_init(evidence, ret_model), 0);
}

struct errors {
	double ratio, stall; /* sums: of periods; of the stall, relative */
	unsigned nr, nr_stalls;
};

static void compare(const struct pf_limit_model *m, double quota_ms, uint64_t burst_us,
		    const struct sim_result *r, struct errors *e)
{
	double seen = r->nr_periods > 0 ? r->nr_throttled / r->nr_periods : 0,
	       stall = r->throttled_ms / SECONDS;
	struct pf_curve_point p;

	pf_limit_at(m, (uint64_t)(quota_ms * 10), burst_us, &p);
	e->ratio += fabs(p.throttled_ratio - seen);
	e->nr++;
	if (stall < 5)
		return;
	e->stall += fabs(p.stall_ns_per_s / 1e6 - stall) / stall;
	e->nr_stalls++;
}

/* Errors of all predictions to limits at most (@lower), or above, the one they are made from. */
static struct errors predict_all(const struct sim_shape *shape, bool lower)
{
	struct errors e = { 0 };

	for (unsigned seed = 1; seed <= NR_SEEDS; seed++) {
		struct sim_result runs[NR_QUOTAS];

		for (int i = 0; i < NR_QUOTAS; i++)
			cfs_sim(shape, NR_CPUS, quotas_ms[i], 0, SECONDS, seed * 13, &runs[i]);
		for (int i = 0; i < NR_QUOTAS; i++) {
			struct pf_limit_model m;

			model_of(&runs[i], shape->threads, quotas_ms[i], &m);
			for (int k = 1; k < NR_QUOTAS && !m.saturated; k++)
				if (k != i && (k > i) == lower)
					compare(&m, quotas_ms[k], PF_UNKNOWN, &runs[k], &e);
		}
		for (int i = 0; i < NR_QUOTAS; i++)
			free(runs[i].windows);
	}
	return e;
}

/* From no limit to each with burst: half of it and all. */
static struct errors predict_burst(const struct sim_shape *shape)
{
	struct errors e = { 0 };

	for (unsigned seed = 1; seed <= NR_SEEDS; seed++) {
		struct sim_result from, to;
		struct pf_limit_model m;

		cfs_sim(shape, NR_CPUS, INFINITY, 0, SECONDS, seed * 13, &from);
		model_of(&from, shape->threads, INFINITY, &m);
		for (int i = 2; i < 2 * NR_QUOTAS; i++) {
			double quota_ms = quotas_ms[i / 2], burst_ms = quota_ms / (i % 2 + 1);

			cfs_sim(shape, NR_CPUS, quota_ms, burst_ms, SECONDS, seed * 13, &to);
			compare(&m, quota_ms, (uint64_t)(burst_ms * 1000), &to, &e);
			free(to.windows);
		}
		free(from.windows);
	}
	return e;
}

/*
 * Bounds are what the model does, with a little room: means over all predictions of a shape, stalls below 5 ms a second
 * left out. The goal is 5 points and 10 %. To lower limits periods meet it; stall misses it where threads share the
 * quota, because it stands or falls with how many of them wait. To higher limits neither does: what a limit held back
 * cannot be seen coming. The first five shapes were looked at while the model was made, the others were not.
 */
static const struct row {
	struct sim_shape shape;
	/* To lower limits, to higher ones, and to limits with burst. */
	double lower_points, lower_stall;
	double higher_points, higher_stall;
	double burst_points, burst_stall;
} rows[] = {
	{ { "steady", 1, 3, 10, false }, 1, 0.02, 1, 0.02, 1, 0.02 },
	{ { "bursts", 1, 20, 100, true }, 3, 0.1, 6, 1.1, 3, 0.3 },
	{ { "long bursts", 1, 300, 1470, false }, 1, 0.06, 17, 0.22, 2, 0.11 },
	{ { "two threads", 2, 30, 200, true }, 2, 0.22, 10, 0.36, 3, 0.3 },
	{ { "four threads", 4, 10, 90, true }, 2, 0.09, 20, 1.2, 3, 0.18 },
	{ { "requests", 1, 5, 25, true }, 2, 0.16, 12, 2.6, 3, 1.1 },
	{ { "batches", 1, 60, 253, false }, 3, 0.17, 9, 0.22, 4, 0.65 },
	{ { "long, random", 1, 150, 700, true }, 3, 0.06, 13, 0.1, 3, 0.09 },
	{ { "three threads", 3, 15, 150, true }, 2, 0.1, 14, 1.5, 2, 0.16 },
	{ { "eight threads", 8, 4, 120, true }, 2, 0.7, 12, 4.4, 3, 0.75 },
	{ { "two threads, batches", 2, 100, 917, false }, 2, 0.35, 6, 0.9, 5, 0.34 },
};

static void check_errors(const char *name, const struct errors *e, double points, double stall)
{
	PF_CHECK_NEAR(name, 100 * e->ratio / PF_MAX(e->nr, 1u), 0, points);
	PF_CHECK_NEAR(name, e->stall / PF_MAX(e->nr_stalls, 1u), 0, stall);
}

static void test_simulation(void)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		struct errors lower = predict_all(&row->shape, true),
			      higher = predict_all(&row->shape, false),
			      burst = predict_burst(&row->shape);

		check_errors(row->shape.name, &lower, row->lower_points, row->lower_stall);
		check_errors(row->shape.name, &higher, row->higher_points, row->higher_stall);
		check_errors(row->shape.name, &burst, row->burst_points, row->burst_stall);
	}
}

/* A queue that never emptied says nothing of what came: the limit that holds for certain is all that it can use. */
static void test_saturated(void)
{
	static const struct sim_shape shape = { "too much", 1, 6, 10, false };
	struct sim_result run;
	struct pf_limit_model m;
	uint64_t limit;

	cfs_sim(&shape, NR_CPUS, 25, 0, SECONDS, 13, &run);
	model_of(&run, shape.threads, 25, &m);
	PF_CHECK("saturated", m.saturated);
	limit = pf_limit_smallest(&m, 0.01, 1);
	PF_CHECK("a CPU", limit > 900 && limit <= 1050);
	free(run.windows);
}

PF_TEST_SUITE(limit_curve, { "a queue by hand", test_queue }, { "nothing ran", test_idle },
	      { "windows before", test_past }, { "what a limit let out", test_censored },
	      { "simulation", test_simulation }, { "never caught up", test_saturated });
