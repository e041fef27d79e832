// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "core/hist.h"
#include "core/units.h"
#include "unit/check.h"

static void check_layout(enum pf_hist_layout layout, double max_width_ratio)
{
	size_t n = pf_hist_nr_buckets(layout);
	char name[64];

	for (size_t i = 0; i + 1 < n; i++) {
		uint64_t edge = pf_hist_edge(layout, i);

		(void)snprintf(name, sizeof(name), "layout %d, bucket %zu", layout, i);
		PF_CHECK_INT(name, pf_hist_bucket(layout, edge), i);
		PF_CHECK_INT(name, pf_hist_bucket(layout, edge + 1), i + 1);
		if (i > 32)
			PF_CHECK(name,
				 (double)(pf_hist_edge(layout, i) - pf_hist_edge(layout, i - 1)) <=
					 max_width_ratio * (double)pf_hist_edge(layout, i - 1));
	}
	PF_CHECK_INT("the open bucket ends at twice its beginning",
		     (int64_t)pf_hist_edge(layout, n - 1),
		     2 * (int64_t)pf_hist_edge(layout, n - 2));
	PF_CHECK_INT("zero", pf_hist_bucket(layout, 0), 0);
	PF_CHECK_INT("largest", pf_hist_bucket(layout, UINT64_MAX), n - 1);
}

static void test_edges(void)
{
	check_layout(PF_LAYOUT_LATENCY_NS, 0.25);
	check_layout(PF_LAYOUT_MILLICORES, 1.0 / 16);
	PF_CHECK("a minute is not in the open bucket",
		 pf_hist_bucket(PF_LAYOUT_LATENCY_NS, 60 * PF_NS_PER_S) < PF_LATENCY_BUCKETS - 1);
	PF_CHECK("1000 cores are not in the open bucket",
		 pf_hist_bucket(PF_LAYOUT_MILLICORES, 1000 * 1000) < PF_MILLICORES_BUCKETS - 1);
}

static void test_quantile(void)
{
	uint32_t counts[PF_HIST_BUCKETS_MAX] = { 0 };
	double got = -1;

	PF_CHECK_INT("empty", pf_hist_quantile(PF_LAYOUT_MILLICORES, counts, 0, 0.5, &got),
		     -ENODATA);
	PF_CHECK_INT("unknown layout", pf_hist_quantile(77, counts, 1, 0.5, &got), -EINVAL);
	PF_CHECK_NEAR("untouched", got, -1, 0);
	for (uint64_t v = 1; v <= 1000; v++)
		counts[pf_hist_bucket(PF_LAYOUT_MILLICORES, v)]++;
	PF_CHECK_INT("median", pf_hist_quantile(PF_LAYOUT_MILLICORES, counts, 0, 0.5, &got), 0);
	PF_CHECK_NEAR("median", got, 500, 500 * 0.032);
	PF_CHECK_INT("p99", pf_hist_quantile(PF_LAYOUT_MILLICORES, counts, 0, 0.99, &got), 0);
	PF_CHECK_NEAR("p99", got, 990, 990 * 0.032);
	PF_CHECK_INT("idle windows are the lowest",
		     pf_hist_quantile(PF_LAYOUT_MILLICORES, counts, 1000, 0.5, &got), 0);
	PF_CHECK_NEAR("idle windows are the lowest", got, 0, 0);
}

/* Samples of 33 to 34 millicores: the bounds of their bucket are the lowest and the highest there can be. */
static void test_quantile_ends(void)
{
	uint32_t counts[PF_HIST_BUCKETS_MAX] = { 0 };
	double got = -1;

	counts[pf_hist_bucket(PF_LAYOUT_MILLICORES, 34)] = 10;
	PF_CHECK_INT("q 0", pf_hist_quantile(PF_LAYOUT_MILLICORES, counts, 0, 0, &got), 0);
	PF_CHECK_NEAR("q 0", got, 32, 1e-9);
	PF_CHECK_INT("q 1", pf_hist_quantile(PF_LAYOUT_MILLICORES, counts, 0, 1, &got), 0);
	PF_CHECK_NEAR("q 1", got, 34, 1e-9);
	PF_CHECK_INT("q below 0", pf_hist_quantile(PF_LAYOUT_MILLICORES, counts, 0, -3, &got), 0);
	PF_CHECK_NEAR("q below 0", got, 32, 1e-9);
	PF_CHECK_INT("q above 1", pf_hist_quantile(PF_LAYOUT_MILLICORES, counts, 0, 1.5, &got), 0);
	PF_CHECK_NEAR("q above 1", got, 34, 1e-9);
	PF_CHECK_INT("an idle one", pf_hist_quantile(PF_LAYOUT_MILLICORES, counts, 1, 0, &got), 0);
	PF_CHECK_NEAR("an idle one", got, 0, 0);
	counts[pf_hist_bucket(PF_LAYOUT_MILLICORES, 34)] = 0;
	counts[0] = 10;
	PF_CHECK_INT("first bucket", pf_hist_quantile(PF_LAYOUT_MILLICORES, counts, 0, 0.5, &got),
		     0);
	PF_CHECK_NEAR("first bucket", got, 0.5, 1e-9);
}

static void test_saturation(void)
{
	uint32_t counts[2] = { UINT32_MAX - 1, 1 }, more[2] = { 5, 5 };

	pf_hist_add(counts, more, 2);
	PF_CHECK_INT("saturates", counts[0], UINT32_MAX);
	PF_CHECK_INT("adds", counts[1], 6);
}

PF_TEST_SUITE(hist, { "edges", test_edges }, { "quantile", test_quantile },
	      { "ends of the quantiles", test_quantile_ends }, { "saturation", test_saturation });
