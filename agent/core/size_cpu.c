// SPDX-License-Identifier: Apache-2.0
#include "core/size_cpu.h"

#include <errno.h>
#include <math.h>

/* How much the price of risk varies for the bounds: between hardly caring and caring a lot. */
#define BOUND_PRICE_FACTOR 4.0

double pf_weighted_quantile(enum pf_hist_layout layout, const float *weights, double idle, double q)
{
	size_t nr = pf_hist_nr_buckets(layout);
	double total = idle, below = idle, low = 0;

	for (size_t i = 0; i < nr; i++)
		total += weights[i];
	if (!(total > 0))
		return NAN;
	if (q * total <= idle)
		return 0;
	for (size_t i = 0; i < nr; i++) {
		double high = (double)pf_hist_edge(layout, i);

		if (weights[i] > 0 && below + weights[i] >= q * total)
			return low + (high - low) * (q * total - below) / weights[i];
		below += weights[i];
		low = high;
	}
	return low; /* rounding left a rest above the last weight */
}

/* Slack and share above of a request at the upper edge of bucket @at. */
static void outcome(const float *weights, double idle, double request, double *ret_slack,
		    double *ret_above)
{
	double total = idle, below = idle, used = 0, low = 0;

	for (size_t i = 0; i < PF_MILLICORES_BUCKETS; i++) {
		double high = (double)pf_hist_edge(PF_LAYOUT_MILLICORES, i);

		total += weights[i];
		if (high <= request) {
			below += weights[i];
			used += weights[i] * (low + high) / 2;
		}
		low = high;
	}
	*ret_slack = (below - used / request) / total;
	*ret_above = (total - below) / total;
}

int pf_cheapest_request(const float *weights, double idle, double risk_price,
			double *ret_millicores)
{
	double total = idle, below = idle, used = 0, low = 0, best_cost = INFINITY, best = NAN;

	for (size_t i = 0; i < PF_MILLICORES_BUCKETS; i++)
		total += weights[i];
	if (!(total > 0))
		return -ENODATA;
	for (size_t i = 0; i < PF_MILLICORES_BUCKETS; i++) {
		double high = (double)pf_hist_edge(PF_LAYOUT_MILLICORES, i), cost;

		below += weights[i];
		used += weights[i] * (low + high) / 2;
		low = high;
		/* Between two used buckets the cost only grows: no candidate there, but one is needed for all-idle. */
		if (!(weights[i] > 0) && !isnan(best))
			continue;
		cost = (below - used / high) / total + risk_price * (total - below) / total;
		if (cost < best_cost) {
			best_cost = cost;
			best = high;
		}
	}
	*ret_millicores = best;
	return 0;
}

/* The higher of both half-lives: up within hours, down within days. */
static int both(const struct pf_evidence *e, double price, double *ret_long, double *ret_short)
{
	int r = pf_cheapest_request(e->minute_long, e->minute_long_idle, price, ret_long);

	if (r < 0)
		return r;
	if (pf_cheapest_request(e->minute_short, e->minute_short_idle, price, ret_short) < 0)
		*ret_short = *ret_long; /* so long ago that the short weights are gone */
	return 0;
}

int pf_cpu_request(const struct pf_evidence *e, const struct pf_class *class,
		   struct pf_cpu_request *ret_request)
{
	double margin = 1 + class->cpu_margin_ratio, price = class->cpu_risk_price;
	struct pf_cpu_request req;
	double by_long, by_short;
	int r = both(e, price, &req.by_long, &req.by_short);

	if (r < 0)
		return r;
	req.millicores = fmax(req.by_long, req.by_short) * margin;
	r = both(e, price / BOUND_PRICE_FACTOR, &by_long, &by_short);
	if (r < 0)
		return r;
	req.lower = fmin(by_long, by_short);
	r = both(e, price * BOUND_PRICE_FACTOR, &by_long, &by_short);
	if (r < 0)
		return r;
	req.upper = fmax(by_long, by_short) * margin * margin;
	outcome(e->minute_long, e->minute_long_idle, req.millicores, &req.slack_ratio,
		&req.above_ratio);
	*ret_request = req;
	return 0;
}
