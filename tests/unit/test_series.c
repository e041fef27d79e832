// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "core/series.h"
#include "core/units.h"
#include "unit/check.h"

static void test_slope(void)
{
	struct pf_series series = { 0 };
	double slope = 42;

	PF_CHECK_INT("empty", pf_series_slope(&series, UINT64_MAX, &slope), -ENODATA);
	for (uint64_t i = 0; i < 2; i++)
		pf_series_add(&series, i * PF_NS_PER_S, 1e12);
	PF_CHECK_INT("two are too few", pf_series_slope(&series, UINT64_MAX, &slope), -ENODATA);
	PF_CHECK_NEAR("untouched", slope, 42, 0);
	series = (struct pf_series){ 0 };
	for (uint64_t i = 0; i < 200;
	     i++) /* more than it holds; a level of 1 TB, 3 bytes a second */
		pf_series_add(&series, i * PF_NS_PER_S, 1e12 + 3.0 * (double)i);
	PF_CHECK_INT("full", series.nr_points, PF_SERIES_MAX);
	PF_CHECK_INT("slope", pf_series_slope(&series, UINT64_MAX, &slope), 0);
	PF_CHECK_NEAR("slope", slope, 3, 1e-3);
	for (uint64_t i = 200; i < 210; i++)
		pf_series_add(&series, i * PF_NS_PER_S, 0);
	PF_CHECK_INT("short span", pf_series_slope(&series, 5 * PF_NS_PER_S, &slope), 0);
	PF_CHECK_NEAR("short span", slope, 0, 1e-9);
	pf_series_add(&series, 5, 7);
	PF_CHECK_INT("an older point is dropped",
		     series.at_ns[(series.head + series.nr_points - 1) % PF_SERIES_MAX],
		     209 * PF_NS_PER_S);
}

static void test_one_moment(void)
{
	struct pf_series series = { 0 };
	double slope;

	for (int i = 0; i < 5; i++)
		pf_series_add(&series, 9, i);
	PF_CHECK_INT("all at once", pf_series_slope(&series, UINT64_MAX, &slope), -ENODATA);
}

PF_TEST_SUITE(series, { "slope", test_slope }, { "one moment", test_one_moment });
