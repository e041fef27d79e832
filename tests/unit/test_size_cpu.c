// SPDX-License-Identifier: Apache-2.0
/* A CPU request from minutes: loads of one or two heights, whose cheapest size a person can work out. */
#include <errno.h>

#include "core/size_cpu.h"
#include "unit/evidence_sample.h"

static float *at(float *weights, uint64_t millicores)
{
	return &weights[pf_hist_bucket(PF_LAYOUT_MILLICORES, millicores)];
}

static void test_quantile(void)
{
	float weights[PF_HIST_BUCKETS_MAX] = { 0 };

	PF_CHECK("none", isnan(pf_weighted_quantile(PF_LAYOUT_MILLICORES, weights, 0, 0.5)));
	PF_CHECK_NEAR("idle only", pf_weighted_quantile(PF_LAYOUT_MILLICORES, weights, 3, 0.99), 0,
		      0);
	for (uint64_t v = 1; v <= 1000; v++)
		*at(weights, v) += 0.25f;
	for (double q = 0.1; q < 1; q += 0.1)
		PF_CHECK_NEAR("even", pf_weighted_quantile(PF_LAYOUT_MILLICORES, weights, 0, q),
			      1000 * q, 1000 * q * 0.032);
	/* As much idle time again: the lower half is that. */
	PF_CHECK_NEAR("half idle", pf_weighted_quantile(PF_LAYOUT_MILLICORES, weights, 250, 0.5), 0,
		      0);
	PF_CHECK_NEAR("above the idle half",
		      pf_weighted_quantile(PF_LAYOUT_MILLICORES, weights, 250, 0.75), 500,
		      500 * 0.032);
	float two[PF_HIST_BUCKETS_MAX] = { 0 };

	*at(two, 100) = 90;
	*at(two, 1000) = 10;
	PF_CHECK_NEAR("mostly low", pf_weighted_quantile(PF_LAYOUT_MILLICORES, two, 0, 0.89), 100,
		      100 * 0.064);
	PF_CHECK_NEAR("seldom high", pf_weighted_quantile(PF_LAYOUT_MILLICORES, two, 0, 0.91), 1000,
		      1000 * 0.064);
}

/* The share of minutes above times its price, against what lies idle in the others. */
static void test_cheapest(void)
{
	float weights[PF_HIST_BUCKETS_MAX] = { 0 };
	double got = -1;

	PF_CHECK_INT("none", pf_cheapest_request(weights, 0, 3, &got), -ENODATA);
	PF_CHECK_NEAR("untouched", got, -1, 0);
	PF_CHECK_INT("idle", pf_cheapest_request(weights, 5, 3, &got), 0);
	PF_CHECK_NEAR("the smallest there is", got, 1, 0);

	/* 90 % at 100 m, 10 % at 1000 m: the small size costs 0.1 x price, the large one 0.9 x 0.9. */
	*at(weights, 100) = 90;
	*at(weights, 1000) = 10;
	PF_CHECK_INT("cheap risk", pf_cheapest_request(weights, 0, 7.5, &got), 0);
	PF_CHECK_NEAR("cheap risk: the usual", got, 100, 100 * 0.064);
	PF_CHECK_INT("dear risk", pf_cheapest_request(weights, 0, 8.7, &got), 0);
	PF_CHECK_NEAR("dear risk: the peak", got, 1000, 1000 * 0.064);
	/* With 100 idle minutes more, risk is 0.05 x price; slack of the small size 0.5, of the large one 0.5 + 0.405. */
	PF_CHECK_INT("idle too, cheap", pf_cheapest_request(weights, 100, 7.5, &got), 0);
	PF_CHECK_NEAR("idle too, cheap", got, 100, 100 * 0.064);
	PF_CHECK_INT("idle too, dear", pf_cheapest_request(weights, 100, 8.7, &got), 0);
	PF_CHECK_NEAR("idle too, dear", got, 1000, 1000 * 0.064);
	PF_CHECK_INT("mostly idle", pf_cheapest_request(weights, 1e6, 3, &got), 0);
	PF_CHECK_NEAR("mostly idle: what little it did", got, 100, 100 * 0.064);
}

static void test_request(void)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *e = evidence_new();
	struct pf_class class = *pf_class_builtin("general");
	struct pf_cpu_request req = { .millicores = -1 };

	class.cpu_risk_price = 3;
	class.cpu_margin_ratio = 0.10;
	PF_CHECK_INT("none", pf_cpu_request(e, &class, &req), -ENODATA);
	PF_CHECK_NEAR("untouched", req.millicores, -1, 0);

	*at(e->minute_long, 100) = 80;
	*at(e->minute_long, 1000) = 20;
	PF_CHECK_INT("short weights gone", pf_cpu_request(e, &class, &req), 0);
	PF_CHECK_NEAR("as by the long ones", req.by_short, req.by_long, 0);

	/* 0.2 x 3 against 0.8 x 0.9 by days; in the last hours it was always high. */
	*at(e->minute_short, 1000) = 5;
	PF_CHECK_INT("request", pf_cpu_request(e, &class, &req), 0);
	PF_CHECK_NEAR("by the last days", req.by_long, 100, 100 * 0.064);
	PF_CHECK_NEAR("by the last hours", req.by_short, 1000, 1000 * 0.064);
	PF_CHECK_NEAR("the higher one and the margin", req.millicores, 1.1 * req.by_short, 1e-6);
	PF_CHECK_NEAR("lower bound: the lower one", req.lower, 100, 100 * 0.064);
	PF_CHECK_NEAR("upper bound: the margin twice", req.upper, 1.21 * req.by_short, 1e-6);
	PF_CHECK_NEAR("none above", req.above_ratio, 0, 1e-9);
	PF_CHECK_NEAR("idle in that size", req.slack_ratio, 1 - (0.8 * 100 + 0.2 * 1000) / 1100,
		      0.02);

	/* The other way round: it has become quiet. */
	*at(e->minute_short, 1000) = 0;
	*at(e->minute_short, 20) = 5;
	e->minute_long_idle = 100;
	PF_CHECK_INT("quiet", pf_cpu_request(e, &class, &req), 0);
	PF_CHECK_NEAR("quiet: by the days", req.millicores, 110, 110 * 0.064);
	PF_CHECK_NEAR("quiet: lower", req.lower, 20, 20 * 0.064);
	PF_CHECK_NEAR("the peaks are above", req.above_ratio, 0.1, 1e-6);
	/* Half of it all, and a tenth of the 40 % below it. */
	PF_CHECK_NEAR("idle", req.slack_ratio, 0.5 + 0.4 * (1 - 100.0 / 110), 0.02);
	/* At four times the price the peak is worth its size: 1.2 against 0.36 more slack. */
	PF_CHECK_NEAR("quiet: upper", req.upper, 1210, 1210 * 0.064);
}

PF_TEST_SUITE(size_cpu, { "weighted quantile", test_quantile }, { "cheapest", test_cheapest },
	      { "request", test_request });
