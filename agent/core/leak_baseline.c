// SPDX-License-Identifier: Apache-2.0
/*
 * leak_baseline.c - the owner's leak rule.
 */
#include "core/leak_baseline.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/units.h"

static const double window_s = 3600;
static const double value_s = 60;
static const double jitter_ratio =
	.9; /* a sample that comes a little early still is the next minute's */

/* Least squares over values numbered 0, 1, ...: slope per value and correlation. */
struct fit {
	double slope, correlation;
};

void pf_leak_baseline_defaults(struct pf_leak_baseline_rule *ret_rule)
{
	*ret_rule = (struct pf_leak_baseline_rule){
		.min_values = 10,
		.slope_ratio = .001,
		.correlation = .7,
		.use_ratio = .85,
	};
}

static size_t place(const struct pf_leak_baseline *b, size_t i)
{
	return (b->head + i) % PF_LEAK_BASELINE_VALUES;
}

static void drop_oldest(struct pf_leak_baseline *b)
{
	b->head = (uint32_t)place(b, 1);
	b->nr--;
}

static struct fit fit_values(const struct pf_leak_baseline *b, double limit)
{
	double n = b->nr, mean_x = (n - 1) / 2, mean_y = 0, sxy = 0, syy = 0;
	double sxx = n * (n * n - 1) / 12;

	for (size_t i = 0; i < b->nr; i++)
		mean_y += (double)b->use_bytes[place(b, i)] / limit / n;
	for (size_t i = 0; i < b->nr; i++) {
		double dy = (double)b->use_bytes[place(b, i)] / limit - mean_y;

		sxy += ((double)i - mean_x) * dy;
		syy += dy * dy;
	}
	return (struct fit){ .slope = sxy / sxx,
			     .correlation = syy > 0 ? sxy / sqrt(sxx * syy) : 0 };
}

int pf_leak_baseline_push(struct pf_leak_baseline *baseline,
			  const struct pf_leak_baseline_rule *rule, double time_scale,
			  uint64_t at_ns, uint64_t use_bytes, uint64_t limit_bytes,
			  struct pf_leak_baseline_alarm *ret_alarm)
{
	struct pf_leak_baseline *b = baseline;
	uint64_t window_ns = (uint64_t)(window_s * 1e9 / time_scale);
	uint64_t value_ns = (uint64_t)(value_s * jitter_ratio * 1e9 / time_scale);

	if (b->nr && at_ns < b->at_ns[place(b, b->nr - 1)] + value_ns)
		return 0;
	if (b->nr == PF_LEAK_BASELINE_VALUES)
		drop_oldest(b);
	b->at_ns[place(b, b->nr)] = at_ns;
	b->use_bytes[place(b, b->nr)] = use_bytes;
	b->nr++;
	while (at_ns - b->at_ns[b->head] > window_ns)
		drop_oldest(b);
	if (b->nr < rule->min_values || limit_bytes >= PF_NO_LIMIT || !limit_bytes) {
		b->alarmed = false;
		return -ENODATA;
	}

	double limit = (double)limit_bytes, use = (double)use_bytes / limit;
	struct fit fit = fit_values(b, limit);
	bool before = b->alarmed;

	b->alarmed = use > rule->use_ratio && fit.slope > rule->slope_ratio &&
		     fit.correlation > rule->correlation;
	if (!b->alarmed)
		return 0;

	double per_ns = (double)(at_ns - b->at_ns[b->head]) / (b->nr - 1);

	*ret_alarm = (struct pf_leak_baseline_alarm){
		.slope_bytes_per_h = fit.slope * limit / per_ns * 3.6e12,
		.correlation = fit.correlation,
		.oom_ns = at_ns + (uint64_t)(PF_MAX(0, 1 - use) / fit.slope * per_ns),
	};
	return !before;
}
