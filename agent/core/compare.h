/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare.h - two sets of instances side by side, such as stable and canary: what differs, how sure
 * that is, and whether to go on.
 *
 * Each instance is one observation of each measure. A difference of means has a 95 % interval by
 * Welch's t (unequal variances) and an effect in pooled standard deviations (Cohen's d). OOM kills and restarts are
 * counts and judged as such: core/rates.h.
 */
#ifndef PF_CORE_COMPARE_H
#define PF_CORE_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/hist.h"

enum pf_measure {
	PF_MEASURE_LATENCY_P95,	 /* ns: waits for a CPU, own quota and contention together */
	PF_MEASURE_WAIT,	 /* ns waited a second of life */
	PF_MEASURE_THROTTLED,	 /* share of CFS periods */
	PF_MEASURE_CPU,		 /* millicores */
	PF_MEASURE_MEMORY,	 /* hot bytes, mean */
	PF_MEASURE_MEMORY_TREND, /* bytes an hour */
	PF_MEASURE_ERRORS,	 /* OOM kills and restarts an hour */
	PF_NR_MEASURES,
};

/* One instance's life in the window; NaN: not measured. */
struct pf_observation {
	double values[PF_NR_MEASURES];
	double covered_ns;
};

/* A set of instances. */
struct pf_compare_side {
	struct pf_observation *observations;
	size_t nr;
	/* Waits of all instances together, for the quantile that the baseline rules ask for. */
	uint64_t waits[PF_LATENCY_BUCKETS];
	uint64_t nr_waits;
};

enum pf_outcome {
	PF_OUTCOME_UNKNOWN, /* not measured on one side or the other */
	PF_OUTCOME_PASS,
	PF_OUTCOME_MEDIUM,
	PF_OUTCOME_HIGH, /* it fails badly */
};

struct pf_compared {
	enum pf_measure measure;
	double stable, canary; /* means over the instances; of errors, over their whole time */
	double difference_low, difference_high; /* of canary less stable; NaN with one instance */
	double effect;				/* NaN: no variance known */
	enum pf_outcome outcome;
	char sentence[160];
};

enum pf_decision { PF_CONTINUE, PF_PAUSE, PF_ROLLBACK };
enum pf_sureness { PF_SURE_LOW, PF_SURE_MEDIUM, PF_SURE_HIGH };

struct pf_comparison {
	struct pf_compared rows[PF_NR_MEASURES];
	enum pf_decision decision;
	enum pf_sureness sureness;
	char reasons[PF_NR_MEASURES + 1][160];
	size_t nr_reasons;
};

/* What counts as a difference. */
struct pf_compare_rules {
	bool baseline; /* the owner's rules: latency and errors by thresholds, nothing else fails */
	double latency_medium_ns, latency_high_ns; /* baseline: 0.1 s, 0.5 s */
	double errors_medium;			   /* baseline: 0.01 an hour */
	double relative_medium, relative_high;	   /* podfit: worse by this share of stable */
	double effect_min;			   /* podfit: and by so many standard deviations */
	double chance_high, chance_medium; /* podfit, errors: less probable than that by chance */
};

void pf_compare_rules_default(bool baseline, struct pf_compare_rules *ret_rules);

/**
 * pf_compare() - the comparison.
 *
 * Baseline: no failure: CONTINUE, surely; one that is high: ROLLBACK, surely; else PAUSE. podfit: the
 * same, but a difference fails only when its 95 % interval is above 0, so with few instances more
 * stays open, and sureness says so. Errors fail badly when chance alone would bring so many or more
 * in fewer than 2.5 % of cases; below 10 %, or if it is only few instances that have so many, they
 * are a reason to wait.
 */
void pf_compare(const struct pf_compare_side *stable, const struct pf_compare_side *canary,
		const struct pf_compare_rules *rules, struct pf_comparison *ret_comparison);

const char *pf_measure_name(enum pf_measure measure);	 /* "latency_p95_ns", ... */
const char *pf_outcome_name(enum pf_outcome outcome);	 /* "PASS", ..., "NOT_MEASURED" */
const char *pf_decision_name(enum pf_decision decision); /* "CONTINUE", "PAUSE", "ROLLBACK" */
const char *pf_sureness_name(enum pf_sureness sureness); /* "LOW", "MEDIUM", "HIGH" */

#endif
