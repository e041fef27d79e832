// SPDX-License-Identifier: Apache-2.0
/*
 * test_leak_fit.c - the statistics of leak detection against values worked out by hand.
 */
#include "base/cleanup.h"
#include "core/leak_fit.h"
#include "unit/check.h"

static void test_median(void)
{
	static const struct {
		const char *name;
		double values[7], want;
		size_t nr;
	} cases[] = {
		{ "one", { 5 }, 5, 1 },
		{ "two", { 5, 8 }, 6.5, 2 },
		{ "odd", { 9, 1, 5 }, 5, 3 },
		{ "even", { 4, 9, 1, 5 }, 4.5, 4 },
		{ "equal", { 2, 2, 2, 2, 2, 2 }, 2, 6 },
		{ "descending", { 7, 6, 5, 4, 3, 2, 1 }, 4, 7 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		PF_CHECK_NEAR(cases[i].name, pf_leak_median(cases[i].values, cases[i].nr),
			      cases[i].want, 0);
}

static void test_exact_line(void)
{
	double y[36];
	struct pf_leak_line line;

	for (size_t i = 0; i < 36; i++)
		y[i] = 100 + 2.5 * (double)i;
	pf_leak_fit_line(NULL, y, 36, &line);
	PF_CHECK_NEAR("slope", line.slope, 2.5, 1e-12);
	PF_CHECK_NEAR("low", line.slope_low, 2.5, 1e-12);
	PF_CHECK_NEAR("high", line.slope_high, 2.5, 1e-12);
	/* 630 rising pairs, variance 36 * 35 * 77 / 18 = 5390 */
	PF_CHECK_NEAR("z", line.z, 629 / sqrt(5390), 1e-9);
	PF_CHECK_NEAR("t of an exact line", line.t, 99, 0);
	PF_CHECK_NEAR("rho", line.rho, 0, 0);
}

/* Kendall's sum by hand: 1 3 2 4 has five rising pairs and one falling one; slopes 2 .5 1 -1 .5 2.
 */
static void test_small_series(void)
{
	static const double y[] = { 1, 3, 2, 4 };
	struct pf_leak_line line;

	pf_leak_fit_line(NULL, y, 4, &line);
	PF_CHECK_NEAR("z", line.z, 3 / sqrt(4 * 3 * 13 / 18.), 1e-12);
	PF_CHECK_NEAR("slope, upper of the two middle ones", line.slope, 1, 1e-12);
}

/* Five of a line's values, unevenly placed. */
static void test_places(void)
{
	static const double at[] = { 0, 1, 5, 6, 20 }, y[] = { 7, 10, 22, 25, 67 };
	struct pf_leak_line line;

	pf_leak_fit_line(at, y, 5, &line);
	PF_CHECK_NEAR("slope", line.slope, 3, 1e-12);
	PF_CHECK_NEAR("base", line.base, 7, 1e-12);
	PF_CHECK_NEAR("nothing is left", line.scale, 0, 1e-12);
}

static void test_outlier(void)
{
	double y[24];
	struct pf_leak_line line;

	for (size_t i = 0; i < 24; i++)
		y[i] = (double)i;
	y[12] = 1e6;
	pf_leak_fit_line(NULL, y, 24, &line);
	PF_CHECK_NEAR("one wild value does not move the slope", line.slope, 1, 1e-12);
	PF_CHECK("but is not hidden", line.scale > 1000);
}

static void test_saturates(void)
{
	static const struct {
		const char *name;
		double amplitude, decay, slope, limit, horizon;
		bool want;
	} cases[] = {
		{ "straight", 0, 1, 1, 1000, 100, false },
		{ "warm-up far below the limit", 100, .9, 0, 1000, 100, true },
		{ "warm-up that would end above the limit", 100, .9, 0, 80, 100, false },
		/* It would end at 100, and how well that is known does not let a limit of 103 be called safe. */
		{ "warm-up that would end just below the limit", 100, .9, 0, 103, 100, false },
		{ "slight bend, limit beyond its end", 1000, .987, 0, 5000, 100, true },
		{ "slight bend, limit soon", 1000, .987, 0, 400, 100, false },
		{ "slight bend, limit late", 1000, .987, 0, 990, 5, true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		double y[36];

		for (size_t j = 0; j < 36; j++)
			y[j] = cases[i].amplitude * (1 - pow(cases[i].decay, (double)j)) +
			       cases[i].slope * (double)j;
		PF_CHECK_INT(cases[i].name,
			     pf_leak_saturates(y, 36, cases[i].limit, cases[i].horizon),
			     cases[i].want);
	}
}

/* A level, then a line; with holes, noise, and where there is no break. */
static void test_onset(void)
{
	double at[36], y[36], straight[36];
	struct pf_leak_line line;

	for (size_t i = 0; i < 36; i++) {
		at[i] = (double)(i + (i > 20 ? 5 : 0)); /* five values are missing */
		y[i] = 100 + (double)(i * 7 % 5) * .2 + 3 * PF_MAX(0, at[i] - 14);
		straight[i] = 100 + (double)(i * 7 % 5) * .2 + 3 * at[i];
	}
	pf_leak_fit_line(at, y, 36, &line);

	size_t begin = pf_leak_onset(at, y, 36, &line);

	PF_CHECK("where the line begins", begin >= 13 && begin <= 15);
	PF_CHECK("that flattened the slope", line.slope < 2.9);
	for (size_t i = 0; i < 36; i++)
		at[i] -= i >= begin ? at[begin] : 0;
	pf_leak_fit_line(at + begin, y + begin, 36 - begin, &line);
	PF_CHECK_NEAR("from there on it is true", line.slope, 3, .05);
	pf_leak_fit_line(NULL, straight, 36, &line);
	PF_CHECK_INT("a line has no break", pf_leak_onset(NULL, straight, 36, &line), 0);
}

PF_TEST_SUITE(leak_fit, { "median", test_median }, { "exact line", test_exact_line },
	      { "small series", test_small_series }, { "places", test_places },
	      { "outlier", test_outlier }, { "saturates", test_saturates },
	      { "onset", test_onset });
