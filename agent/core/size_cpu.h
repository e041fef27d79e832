/* SPDX-License-Identifier: Apache-2.0 */
/*
 * size_cpu.h - a CPU request from the distribution of demand by the minute.
 *
 * A percentile treats all loads alike: p90 of a steady load is its level, of a spiky one far below what it needs.
 * Here waste and shortage have prices. Of all candidate requests R the one is taken where
 *
 *	mean(max(0, R - u) / R) + risk_price * share(u > R)
 *
 * is smallest over the minutes u seen, recent ones counting more. A steady load gets its level, a spiky one pays
 * for its spikes as far as they are frequent enough to be worth it.
 */
#ifndef PF_CORE_SIZE_CPU_H
#define PF_CORE_SIZE_CPU_H

#include <stdint.h>

#include "core/evidence.h"
#include "core/rules.h"

/**
 * pf_cheapest_request() - the request of least cost over one histogram.
 * @weights: PF_LAYOUT_MILLICORES. @idle: weight of minutes that were exactly 0.
 * @ret_millicores: an upper bucket edge, before any margin.
 * Return: 0; -ENODATA while there is no weight at all.
 */
PF_MUST_CHECK int pf_cheapest_request(const float *weights, double idle, double risk_price,
				      double *ret_millicores);

struct pf_cpu_request {
	double millicores;	  /* the advice before bounds: the higher of both, with margin */
	double by_long, by_short; /* cheapest over the half-life of two days, of three hours */
	double lower, upper;	  /* the same with a quarter and four times the risk price */
	double slack_ratio, above_ratio; /* what it would have meant over the long histogram */
};

/** pf_cpu_request() - Return: 0; -ENODATA before the first whole minute. */
PF_MUST_CHECK int pf_cpu_request(const struct pf_evidence *evidence, const struct pf_class *class,
				 struct pf_cpu_request *ret_request);

/** pf_weighted_quantile() - value below which the share @q of the weight lies, @idle at 0; NaN without weight. */
double pf_weighted_quantile(enum pf_hist_layout layout, const float *weights, double idle,
			    double q);

#endif
