// SPDX-License-Identifier: Apache-2.0
#include "core/series.h"

#include <errno.h>

#include "core/units.h"

void pf_series_add(struct pf_series *series, uint64_t at_ns, double value)
{
	uint32_t place;

	if (series->nr_points) {
		uint32_t newest = (series->head + series->nr_points - 1) % PF_SERIES_MAX;

		if (at_ns < series->at_ns[newest])
			return;
	}
	if (series->nr_points == PF_SERIES_MAX) {
		series->head = (series->head + 1) % PF_SERIES_MAX;
		series->nr_points--;
	}
	place = (series->head + series->nr_points++) % PF_SERIES_MAX;
	series->at_ns[place] = at_ns;
	series->value[place] = value;
}

int pf_series_slope(const struct pf_series *series, uint64_t span_ns, double *ret_per_s)
{
	double n = 0, mean_t = 0, mean_v = 0, cov = 0, var = 0;
	uint64_t newest;

	if (!series->nr_points)
		return -ENODATA;
	newest = series->at_ns[(series->head + series->nr_points - 1) % PF_SERIES_MAX];
	/* One pass with running means: values of 10^12 would lose their digits in plain sums. */
	for (uint32_t i = 0; i < series->nr_points; i++) {
		uint32_t place = (series->head + i) % PF_SERIES_MAX;
		double t = -(double)(newest - series->at_ns[place]) / (double)PF_NS_PER_S;
		double v = series->value[place], dt = t - mean_t;

		if (newest - series->at_ns[place] > span_ns)
			continue;
		n++;
		mean_t += dt / n;
		var += dt * (t - mean_t);
		cov += dt * (v - (mean_v + (v - mean_v) / n));
		mean_v += (v - mean_v) / n;
	}
	if (n < 3 || var <= 0)
		return -ENODATA;
	*ret_per_s = cov / var;
	return 0;
}
