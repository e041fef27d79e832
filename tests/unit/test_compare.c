// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <string.h>

#include "core/compare.h"
#include "core/rates.h"
#include "core/units.h"
#include "unit/check.h"

enum { MOST = 16 };

/* A side whose instances have @values of @measure; all else is not measured. */
static struct pf_compare_side side_of(struct pf_observation *list, enum pf_measure measure,
				      const double *values, size_t nr)
{
	struct pf_compare_side side = { .observations = list, .nr = nr };

	for (size_t i = 0; i < nr; i++) {
		for (size_t m = 0; m < PF_NR_MEASURES; m++)
			list[i].values[m] = NAN;
		list[i].values[measure] = values[i];
		list[i].covered_ns = (double)PF_NS_PER_HOUR;
	}
	return side;
}

static const struct compare_case {
	const char *name;
	enum pf_measure measure;
	double stable[5], canary[5];
	size_t nr_stable, nr_canary;
	enum pf_decision decision;
	enum pf_sureness sureness;
} compare_cases[] = {
	{ "alike",
	  PF_MEASURE_CPU,
	  { 100, 110, 90, 105, 95 },
	  { 102, 108, 92, 104, 96 },
	  5,
	  5,
	  PF_CONTINUE,
	  PF_SURE_HIGH },
	{ "half as much again, surely",
	  PF_MEASURE_CPU,
	  { 100, 110, 90, 105, 95 },
	  { 180, 190, 170, 185, 175 },
	  5,
	  5,
	  PF_ROLLBACK,
	  PF_SURE_HIGH },
	{ "a fifth more, surely",
	  PF_MEASURE_CPU,
	  { 100, 101, 99, 100, 100 },
	  { 120, 121, 119, 120, 120 },
	  5,
	  5,
	  PF_PAUSE,
	  PF_SURE_MEDIUM },
	{ "more, but it may be chance",
	  PF_MEASURE_CPU,
	  { 20, 300, 40, 150, 90 },
	  { 30, 310, 200, 60, 200 },
	  5,
	  5,
	  PF_CONTINUE,
	  PF_SURE_HIGH },
	{ "less is no failure",
	  PF_MEASURE_MEMORY,
	  { 4e8, 4.1e8, 3.9e8 },
	  { 1e8, 1.1e8, 0.9e8 },
	  3,
	  3,
	  PF_CONTINUE,
	  PF_SURE_HIGH },
	{ "next to nothing",
	  PF_MEASURE_CPU,
	  { 1, 1, 1 },
	  { 4, 4, 4 },
	  3,
	  3,
	  PF_CONTINUE,
	  PF_SURE_HIGH },
	{ "errors of all",
	  PF_MEASURE_ERRORS,
	  { 0, 0, 0 },
	  { 2, 2, 3 },
	  3,
	  3,
	  PF_ROLLBACK,
	  PF_SURE_HIGH },
	{ "an error of one",
	  PF_MEASURE_ERRORS,
	  { 0, 0, 0 },
	  { 0, 0, 1 },
	  3,
	  3,
	  PF_CONTINUE,
	  PF_SURE_HIGH },
	{ "an error of each is a reason to wait",
	  PF_MEASURE_ERRORS,
	  { 0, 0, 0, 0 },
	  { 1, 1, 1, 1 },
	  4,
	  4,
	  PF_PAUSE,
	  PF_SURE_MEDIUM },
	{ "a crash loop of one among five",
	  PF_MEASURE_ERRORS,
	  { 0, 0, 0, 0, 0 },
	  { 0, 0, 9, 0, 0 },
	  5,
	  5,
	  PF_PAUSE,
	  PF_SURE_MEDIUM },
	{ "the only canary in a crash loop",
	  PF_MEASURE_ERRORS,
	  { 0, 0, 0, 0, 0 },
	  { 9 },
	  5,
	  1,
	  PF_ROLLBACK,
	  PF_SURE_LOW },
	{ "one each", PF_MEASURE_CPU, { 100 }, { 300 }, 1, 1, PF_PAUSE, PF_SURE_LOW },
	{ "none", PF_MEASURE_CPU, { 100 }, { 0 }, 1, 0, PF_PAUSE, PF_SURE_LOW },
};

static void test_decisions(void)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(compare_cases); i++) {
		const struct compare_case *c = &compare_cases[i];
		struct pf_observation a[MOST], b[MOST];
		struct pf_compare_side stable = side_of(a, c->measure, c->stable, c->nr_stable);
		struct pf_compare_side canary = side_of(b, c->measure, c->canary, c->nr_canary);
		struct pf_compare_rules rules;
		struct pf_comparison got;

		pf_compare_rules_default(false, &rules);
		pf_compare(&stable, &canary, &rules, &got);
		PF_CHECK_STR(c->name, pf_decision_name(got.decision),
			     pf_decision_name(c->decision));
		PF_CHECK_STR(c->name, pf_sureness_name(got.sureness),
			     pf_sureness_name(c->sureness));
		/* What fails is a reason, word for word. */
		PF_CHECK(c->name, got.nr_reasons > 0);
		for (size_t m = 0; m < PF_NR_MEASURES; m++) {
			bool told = false;

			for (size_t r = 0; r < got.nr_reasons; r++)
				told |= !strcmp(got.reasons[r], got.rows[m].sentence);
			PF_CHECK_INT(c->name, told, got.rows[m].outcome >= PF_OUTCOME_MEDIUM);
			PF_CHECK_INT(c->name, got.rows[m].outcome == PF_OUTCOME_UNKNOWN,
				     m != c->measure || !c->nr_canary);
		}
	}
}

/* A difference that is told must say when it may be chance; one that is sure must not. */
static void test_sentences(void)
{
	static const double even[] = { 100, 110, 90, 105, 95 },
			    more[] = { 180, 190, 170, 185, 175 };
	static const double wild[] = { 20, 300, 40, 150, 90 },
			    wild_more[] = { 30, 310, 200, 60, 200 };
	struct pf_observation a[MOST], b[MOST];
	struct pf_compare_side stable = side_of(a, PF_MEASURE_CPU, even, 5);
	struct pf_compare_side canary = side_of(b, PF_MEASURE_CPU, more, 5);
	struct pf_compare_rules rules;
	struct pf_comparison got;

	pf_compare_rules_default(false, &rules);
	pf_compare(&stable, &canary, &rules, &got);
	PF_CHECK("sure", strstr(got.rows[PF_MEASURE_CPU].sentence, ": 180 against 100") &&
				 !strstr(got.rows[PF_MEASURE_CPU].sentence, "chance"));
	stable = side_of(a, PF_MEASURE_CPU, wild, 5);
	canary = side_of(b, PF_MEASURE_CPU, wild_more, 5);
	pf_compare(&stable, &canary, &rules, &got);
	PF_CHECK("not sure", strstr(got.rows[PF_MEASURE_CPU].sentence, ", but it may be chance"));
	canary = side_of(b, PF_MEASURE_CPU, wild, 5);
	pf_compare(&stable, &canary, &rules, &got);
	PF_CHECK("alike", !strstr(got.rows[PF_MEASURE_CPU].sentence, "chance"));
	PF_CHECK("not measured",
		 strstr(got.rows[PF_MEASURE_MEMORY].sentence, "not measured") != NULL);
	PF_CHECK_STR("nothing", got.reasons[0], "nothing that is measured got worse");

	static const double errors[] = { 1, 1, 1 };

	stable = side_of(a, PF_MEASURE_ERRORS, errors, 3);
	canary = side_of(b, PF_MEASURE_ERRORS, errors, 3);
	pf_compare(&stable, &canary, &rules, &got);
	PF_CHECK("errors and hours", strstr(got.rows[PF_MEASURE_ERRORS].sentence,
					    ": 3 in 3.0 h against 3 in 3.0 h") != NULL);
}

/* One OOM kill in two hundred instances is no news; the probabilities are binomial ones, done by hand. */
static void test_rates(void)
{
	enum { MANY = 100 };
	static struct pf_observation a[MANY], b[MANY];
	static double none[MANY], some[MANY];
	static const struct {
		const char *name;
		double a_events, a_hours, b_events, b_hours, want;
	} rows[] = {
		{ "none", 3, 10, 0, 10, 1 },
		{ "one of one, alike", 0, 10, 1, 10, 0.5 },
		{ "one of one, a tenth of the time", 0, 9, 1, 1, 0.1 },
		{ "seven of seven", 0, 10, 7, 10, 1.0 / 128 },
		{ "eight of ten", 2, 10, 8, 10, 56.0 / 1024 },
		{ "as many, in a third of the time", 4, 30, 4, 10, 0.1138153076171875 },
		{ "very many", 1000, 10, 1000, 10, 0.508919 },
	};
	struct pf_compare_rules rules;
	struct pf_comparison got;

	for (size_t i = 0; i < PF_ARRAY_SIZE(rows); i++) {
		struct pf_rate x = { .events = rows[i].a_events, .hours = rows[i].a_hours },
			       y = { .events = rows[i].b_events, .hours = rows[i].b_hours };

		x.nr = y.nr = 1;
		PF_CHECK_NEAR(rows[i].name, pf_rate_chance(&x, &y), rows[i].want, 1e-6);
	}
	some[7] = 1;
	struct pf_compare_side stable = side_of(a, PF_MEASURE_ERRORS, none, MANY);
	struct pf_compare_side canary = side_of(b, PF_MEASURE_ERRORS, some, MANY);

	pf_compare_rules_default(false, &rules);
	pf_compare(&stable, &canary, &rules, &got);
	PF_CHECK_STR("one of 200", pf_decision_name(got.decision), "CONTINUE");
	PF_CHECK_NEAR("an hour", got.rows[PF_MEASURE_ERRORS].canary, 0.01, 1e-12);
	/* A short life must not decide: one error in a minute is a rate of 60. */
	some[7] = 60;
	canary = side_of(b, PF_MEASURE_ERRORS, some, MANY);
	b[7].covered_ns = 60e9;
	pf_compare(&stable, &canary, &rules, &got);
	PF_CHECK_STR("one in a minute", pf_decision_name(got.decision), "CONTINUE");
	PF_CHECK_NEAR("over the whole time", got.rows[PF_MEASURE_ERRORS].canary,
		      1 / (MANY - 1 + 1.0 / 60), 1e-9);
	for (size_t i = 0; i < MANY; i++)
		some[i] = i % 10 == 0;
	canary = side_of(b, PF_MEASURE_ERRORS, some, MANY);
	pf_compare(&stable, &canary, &rules, &got);
	PF_CHECK_STR("ten of 200", pf_decision_name(got.decision), "ROLLBACK");
}

/* By hand: Welch. */
static void test_interval(void)
{
	static const double stable_values[] = { 1, 2, 3, 4, 5 }, canary_values[] = { 6, 8, 7, 9 };
	struct pf_observation a[MOST], b[MOST];
	struct pf_compare_side stable = side_of(a, PF_MEASURE_CPU, stable_values, 5);
	struct pf_compare_side canary = side_of(b, PF_MEASURE_CPU, canary_values, 4);
	struct pf_compare_rules rules;
	struct pf_comparison got;

	pf_compare_rules_default(false, &rules);
	pf_compare(&stable, &canary, &rules, &got);
	/* difference 4.5, standard error sqrt(2.5 / 5 + 1.6667 / 4) = 0.9574, 6.98 degrees */
	PF_CHECK_NEAR("low", got.rows[PF_MEASURE_CPU].difference_low, 4.5 - 2.366 * 0.9574, 0.01);
	PF_CHECK_NEAR("high", got.rows[PF_MEASURE_CPU].difference_high, 4.5 + 2.366 * 0.9574, 0.01);
	/* pooled variance (4 * 2.5 + 3 * 1.6667) / 7 */
	PF_CHECK_NEAR("effect", got.rows[PF_MEASURE_CPU].effect, 4.5 / sqrt(15.0 / 7), 1e-9);
}

/* The owner's thresholds: 0.1 s and 0.5 s of latency at the 95th percentile. */
static void test_baseline(void)
{
	static const double any[] = { 1, 1, 1 };
	static const struct {
		double more_s;
		enum pf_decision want;
	} rows[] = { { 0.05, PF_CONTINUE }, { 0.3, PF_PAUSE }, { 2, PF_ROLLBACK } };

	for (size_t i = 0; i < PF_ARRAY_SIZE(rows); i++) {
		struct pf_observation a[MOST], b[MOST];
		struct pf_compare_side stable = side_of(a, PF_MEASURE_LATENCY_P95, any, 3);
		struct pf_compare_side canary = side_of(b, PF_MEASURE_LATENCY_P95, any, 3);
		struct pf_compare_rules rules;
		struct pf_comparison got;

		stable.waits[pf_hist_bucket(PF_LAYOUT_LATENCY_NS, 1000)] = stable.nr_waits = 100;
		canary.waits[pf_hist_bucket(PF_LAYOUT_LATENCY_NS,
					    (uint64_t)(rows[i].more_s * 1e9))] = 100;
		canary.nr_waits = 100;
		pf_compare_rules_default(true, &rules);
		pf_compare(&stable, &canary, &rules, &got);
		PF_CHECK_STR("baseline", pf_decision_name(got.decision),
			     pf_decision_name(rows[i].want));
	}
}

PF_TEST_SUITE(compare, { "rates", test_rates }, { "decisions", test_decisions },
	      { "sentences", test_sentences }, { "interval", test_interval },
	      { "baseline", test_baseline });
