// SPDX-License-Identifier: Apache-2.0
/*
 * bench-recommend: what a sample, a percentile and a recommendation cost.
 *
 * The figures beside them are of the real Go code (VPA 1.8.0-dev), measured on a like machine with go test -bench: the
 * minimum of 100 runs. They were not measured in this run: read the ratio with that in mind. Each figure here is the
 * minimum and the median of 30 rounds; other work on the machine shows in the median.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "core/recommend.h"
#include "core/vpa_recommend.h"

enum { ROUNDS = 30 };

#define HOUR 494328u /* 2026-05-29 */

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Everything the operations work on. */
struct world {
	struct pf_vpa_settings settings;
	struct pf_vpa_memory_rules memory_rules;
	struct pf_vpa_aggregate aggregate;
	struct pf_vpa_instance instance;
	int64_t at_ns;
	unsigned n;
	struct pf_evidence *evidence;
	struct pf_slice *slice;
	struct pf_rules rules;
	struct pf_arena arena;
	double sink; /* keeps the compiler from leaving work out */
};

static void plain_add(struct world *w)
{
	static struct pf_vpa_hist hist;

	if (!hist.scale)
		pf_vpa_hist_init(&hist, &pf_vpa_cpu_scale, 0);
	pf_vpa_hist_add(&hist, 0.1 + (w->n++ % 97) * 0.013, 0.1, 0);
	w->sink += hist.total;
}

static void decaying_add(struct world *w)
{
	w->at_ns += 60000000000;
	pf_vpa_hist_add(&w->aggregate.cpu, 0.1 + (w->n++ % 97) * 0.013, 0.1, w->at_ns);
}

static void percentile(struct world *w)
{
	w->sink += pf_vpa_hist_percentile(&w->aggregate.cpu, 0.9);
}

static void cpu_sample(struct world *w)
{
	w->at_ns += 60000000000;
	w->sink += pf_vpa_add_cpu(&w->aggregate, &w->instance, 100 + w->n++ % 97 * 13, w->at_ns);
}

static void memory_sample(struct world *w)
{
	w->at_ns += 60000000000;
	w->sink += pf_vpa_add_memory(&w->aggregate, &w->instance, &w->memory_rules,
				     500000000 + w->n++ % 97 * 1300000, w->at_ns);
}

static void estimators(struct world *w)
{
	struct pf_vpa_recommendation rec;

	pf_vpa_estimate(&w->aggregate, &w->settings, 1, &rec);
	w->sink += (double)rec.upper.of[0];
}

/* As the real one: merge what there is into a new aggregate, estimators, post-processing. */
static void full_vpa(struct world *w)
{
	struct pf_vpa_recommendation rec;
	struct pf_vpa_aggregate merged;

	pf_vpa_aggregate_init(&merged, &w->settings);
	pf_vpa_aggregate_merge(&merged, &w->aggregate);
	pf_vpa_recommend(&merged, &w->settings, NULL, false, 1, &rec);
	w->sink += (double)rec.target.of[0];
}

static void checkpoint_save(struct world *w)
{
	struct pf_vpa_checkpoint c;

	pf_vpa_aggregate_save(&w->aggregate, &c);
	w->sink += c.cpu.total;
}

static void add_slice(struct world *w)
{
	w->slice->hour++;
	w->slice->start_unix_ns += PF_NS_PER_HOUR;
	if (pf_evidence_add_slice(w->evidence, 1, w->slice) < 0)
		abort();
}

static void full_podfit(struct world *w)
{
	struct pf_recommend_input in;
	struct pf_recommendation rec;

	pf_recommend_input_clear(&in);
	in.evidence = w->evidence;
	in.rules = &w->rules;
	in.present = (struct pf_resources){ 500, 1000, 512 * PF_MIB, 1024 * PF_MIB };
	pf_arena_reset(&w->arena);
	if (pf_recommend(&in, &w->arena, &rec) < 0)
		abort();
	w->sink += (double)rec.nr_curve;
}

static const struct operation {
	const char *name;
	void (*run)(struct world *w);
	double vpa_ns;	/* 0: it has no such thing */
	unsigned count; /* a round */
} operations[] = {
	{ "add to a plain histogram", plain_add, 31, 20000 },
	{ "add to a decaying histogram", decaying_add, 79, 20000 },
	{ "percentile, decaying, 11520 samples", percentile, 136, 20000 },
	{ "CPU sample into its aggregate", cpu_sample, 908, 20000 },
	{ "memory sample into its aggregate", memory_sample, 1127, 20000 },
	{ "estimators, 1 container", estimators, 2234, 5000 },
	{ "full VPA recommendation, 1 container", full_vpa, 14032, 2000 },
	{ "VPA checkpoint of 1 container", checkpoint_save, 5176, 2000 },
	{ "podfit: hour slice into evidence", add_slice, 0, 200 },
	{ "podfit: full recommendation, all policies, curve", full_podfit, 0, 50 },
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void measure(struct world *w, const struct operation *op)
{
	double rounds[ROUNDS], minimum;

	for (int r = 0; r < ROUNDS; r++) {
		double start = now_ns();

		for (unsigned i = 0; i < op->count; i++)
			op->run(w);
		rounds[r] = (now_ns() - start) / op->count;
	}
	qsort(rounds, ROUNDS, sizeof(rounds[0]), by_value);
	minimum = rounds[0];
	printf("%-50s %10.0f %10.0f", op->name, minimum, rounds[ROUNDS / 2]);
	if (op->vpa_ns > 0)
		printf(" %12.0f %7.1fx", op->vpa_ns, op->vpa_ns / minimum);
	printf("\n");
}

static void fill_slice(struct pf_slice *s)
{
	uint32_t *demand = calloc(PF_MILLICORES_BUCKETS, sizeof(*demand));

	if (!demand)
		abort();
	s->hour = HOUR;
	s->start_unix_ns = HOUR * PF_NS_PER_HOUR;
	s->covered_ns = PF_NS_PER_HOUR;
	s->usage_ns = PF_NS_PER_HOUR / 4;
	s->nr_demand_idle_windows = 9000;
	for (unsigned i = 0; i < 60; i++) {
		demand[40 + i] = 450;
		if (pf_slice_minute(s, 150 + 5 * i) < 0)
			abort();
	}
	s->hists[PF_HIST_DEMAND] = demand;
	s->cfs_quota_us = 100000;
	s->cfs_period_us = 100000;
	s->nr_periods = 30000;
	s->nr_throttled = 900;
	s->throttled_ns = 20 * PF_NS_PER_S;
	s->memory_peak_bytes = 400 * PF_MIB;
	s->hot_peak_bytes = 300 * PF_MIB;
	s->memory_mean_bytes = (double)(380 * PF_MIB);
	s->hot_mean_bytes = (double)(290 * PF_MIB);
}

static void set_up(struct world *w)
{
	memset(w, 0, sizeof(*w));
	pf_vpa_settings_default(&w->settings);
	pf_vpa_memory_rules_from(&w->settings, &w->memory_rules);
	pf_vpa_aggregate_init(&w->aggregate, &w->settings);
	pf_vpa_instance_init(&w->instance);
	pf_rules_default(&w->rules);
	pf_arena_init(&w->arena, 1 << 20);
	w->at_ns = (int64_t)(HOUR * PF_NS_PER_HOUR);
	if (pf_evidence_new(&w->settings, &w->evidence) < 0 || pf_slice_new(&w->slice) < 0)
		abort();
	fill_slice(w->slice);
	for (int i = 0; i < 11520; i++) {
		cpu_sample(w);
		memory_sample(w);
	}
	for (int i = 0; i < 100; i++)
		add_slice(w);
}

int main(void)
{
	struct world w;

	set_up(&w);
	printf("%-50s %10s %10s %12s %8s\n", "ns an operation", "MINIMUM", "MEDIAN", "VPA'S OWN",
	       "RATIO");
	for (size_t i = 0; i < PF_ARRAY_SIZE(operations); i++)
		measure(&w, &operations[i]);
	printf("evidence of one workload's container: %zu bytes, %u peaks, %u instances besides\n",
	       sizeof(*w.evidence), w.evidence->nr_peaks, w.evidence->nr_instances);
	pf_slice_free(w.slice);
	pf_evidence_free(w.evidence);
	pf_arena_done(&w.arena);
	return isnan(w.sink);
}
