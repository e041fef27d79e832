/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leak_baseline.h - the owner's leak rule, kept to the letter: mode `baseline`.
 *
 * One value a minute. Over the last hour, with at least 10 values: least-squares slope above 0.001
 * of the limit per value, correlation above 0.7, use above 85 % of the limit. Exhaustion is
 * projected as what remains divided by the slope. Without a limit it says nothing.
 */
#ifndef PF_CORE_LEAK_BASELINE_H
#define PF_CORE_LEAK_BASELINE_H

#include <stdbool.h>
#include <stdint.h>

enum { PF_LEAK_BASELINE_VALUES = 64 }; /* an hour of minutes, and some jitter */

/* The thresholds; pf_leak_baseline_defaults() gives the owner's. */
struct pf_leak_baseline_rule {
	uint32_t min_values;
	double slope_ratio; /* of the limit, per value */
	double correlation;
	double use_ratio; /* of the limit */
};

/* Zeroed is a valid start. */
struct pf_leak_baseline {
	uint64_t at_ns[PF_LEAK_BASELINE_VALUES];
	uint64_t use_bytes[PF_LEAK_BASELINE_VALUES];
	uint32_t head, nr; /* ring: oldest, and how many */
	bool alarmed;
};

struct pf_leak_baseline_alarm {
	double slope_bytes_per_h;
	double correlation;
	uint64_t oom_ns; /* projected exhaustion */
};

void pf_leak_baseline_defaults(struct pf_leak_baseline_rule *ret_rule);

/**
 * pf_leak_baseline_push() - takes the use at a moment; values closer than a minute to the last one
 *                           kept are passed over.
 * @limit_bytes: PF_NO_LIMIT: none.
 * @time_scale: a minute and an hour are so many times shorter.
 * @ret_alarm: set while the rule holds.
 *
 * Return: 1 when the rule begins to hold, 0 while nothing changes; -ENODATA: too few values, or no
 * limit.
 */
int pf_leak_baseline_push(struct pf_leak_baseline *baseline,
			  const struct pf_leak_baseline_rule *rule, double time_scale,
			  uint64_t at_ns, uint64_t use_bytes, uint64_t limit_bytes,
			  struct pf_leak_baseline_alarm *ret_alarm);

#endif
