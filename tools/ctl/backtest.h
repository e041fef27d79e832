/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backtest.h - recorded usage replayed under a sizing policy: what would have been advised when, and how well would
 * that have done?
 *
 * Causal: what is advised at a time rests on samples up to then and holds for later ones. Advice is renewed every hour,
 * and memory at once when use rises above it (which stands for an OOM kill).
 *   podfit_replay  the agent's own code: feed, slices, evidence, recommendation
 *   vpa_replay     the real VPA's arithmetic (core/vpa_*), each sample one sample of its metrics
 *   krr_replay     like KRR's default: 95th percentile of CPU over 14 days of 5-minute means, maximum of memory + 15 %
 */
#ifndef PF_CTL_BACKTEST_H
#define PF_CTL_BACKTEST_H

#include <stdbool.h>
#include <stddef.h>

#include "core/rules.h"
#include "ctl/series.h"

/* One piece of advice; below 0: none for this resource. */
struct pf_bt_advice {
	double unix_s;
	double cpu_cores, memory_bytes;
};

struct pf_bt_advices {
	struct pf_bt_advice *items; /* free() */
	size_t nr, cap;
};

/** pf_bt_add() - appends; the same as the last one is left out. Return: 0; -ENOMEM. */
PF_MUST_CHECK int pf_bt_add(struct pf_bt_advices *advices, double unix_s, double cpu_cores,
			    double memory_bytes);

/** pf_bt_replay_*() - Return: 0; -ENOMEM. */
PF_MUST_CHECK int pf_bt_replay_podfit(const struct pf_series *series, const struct pf_rules *rules,
				      struct pf_bt_advices *advices);
PF_MUST_CHECK int pf_bt_replay_vpa(const struct pf_series *series, const struct pf_rules *rules,
				   struct pf_bt_advices *advices);
PF_MUST_CHECK int pf_bt_replay_krr(const struct pf_series *series, const struct pf_rules *rules,
				   struct pf_bt_advices *advices);

/* How one resource of one series did. */
struct pf_bt_score {
	bool scored; /* enough samples with advice in force */
	double slack; /* time-weighted (request - use) / request, use above it counting as no slack */
	double above;		/* share of samples above the request */
	unsigned events;	/* times use rose from at or below the request to above it */
	double changes_per_day; /* of more than 5 % */
};

/** pf_bt_score() - the first 24 h, or quarter, of a series are not scored. @memory: else CPU. */
void pf_bt_score(const struct pf_series *series, const struct pf_bt_advices *advices, bool memory,
		 struct pf_bt_score *ret_score);

#endif
