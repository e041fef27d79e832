// SPDX-License-Identifier: Apache-2.0
/* Replays against sums done by hand. */
#include <stdlib.h>

#include "ctl/backtest.h"
#include "unit/check.h"

enum { ROWS = 4 * 24 * 12 }; /* four days of 5 minutes */

struct fixture {
	struct pf_series_row rows[ROWS];
	struct pf_series series;
	struct pf_rules rules;
	struct pf_bt_advices advices;
};

static void set_up(struct fixture *f, double cpu_cores, double memory_bytes)
{
	*f = (struct fixture){ .series = { .id = "a", .nr_rows = ROWS, .interval_s = 300 } };
	f->series.rows = f->rows;
	for (size_t i = 0; i < ROWS; i++)
		f->rows[i] = (struct pf_series_row){ 1780012800.0 + 300.0 * (double)i, cpu_cores,
						     memory_bytes, memory_bytes, -1 };
	pf_rules_default(&f->rules);
}

static void tear_down(struct fixture *f)
{
	free(f->advices.items);
}

static void test_score(void)
{
	struct fixture f;
	struct pf_bt_score score;

	set_up(&f, 1, 1000);
	PF_CHECK_INT("add", pf_bt_add(&f.advices, f.rows[0].unix_s, 2, 1000), 0);
	PF_CHECK_INT("the same again", pf_bt_add(&f.advices, f.rows[1].unix_s, 2, 1000), 0);
	PF_CHECK_INT("is left out", f.advices.nr, 1);
	for (size_t i = ROWS / 2; i < ROWS / 2 + 3; i++)
		f.rows[i].cpu_cores = 3; /* one event of three samples */
	pf_bt_score(&f.series, &f.advices, false, &score);
	PF_CHECK("scored", score.scored);
	PF_CHECK_INT("events", score.events, 1);
	PF_CHECK_NEAR("above: 3 of three days", score.above, 3.0 / (ROWS * 3 / 4), 1e-9);
	PF_CHECK_NEAR("half is slack, but for the event", score.slack,
		      0.5 * (ROWS * 3 / 4 - 4) / (ROWS * 3 / 4 - 1), 1e-9);
	pf_bt_score(&f.series, &f.advices, true, &score);
	PF_CHECK_NEAR("no slack at all", score.slack, 0, 1e-12);
	PF_CHECK_INT("at the request is not above it", score.events, 0);
	tear_down(&f);
}

/* Advice stamped with a sample's time holds from the next sample on: it may rest on that one. */
static void test_causal(void)
{
	struct fixture f;
	struct pf_bt_score score;

	set_up(&f, 1, 1000);
	f.rows[ROWS / 2].cpu_cores = 5;
	PF_CHECK_INT("add", pf_bt_add(&f.advices, f.rows[0].unix_s, 2, -1), 0);
	PF_CHECK_INT("add", pf_bt_add(&f.advices, f.rows[ROWS / 2].unix_s, 6, -1), 0);
	pf_bt_score(&f.series, &f.advices, false, &score);
	PF_CHECK_INT("too late", score.events, 1);
	pf_bt_score(&f.series, &f.advices, true, &score);
	PF_CHECK("no advice for memory", !score.scored);
	tear_down(&f);
}

static void test_steady(void)
{
	static int (*const replays[])(const struct pf_series *, const struct pf_rules *,
				      struct pf_bt_advices *) = { pf_bt_replay_podfit,
								  pf_bt_replay_vpa,
								  pf_bt_replay_krr };
	static const double cpu_low[] = { 0.50, 0.50, 0.50 }, cpu_high[] = { 0.58, 0.61, 0.50 };
	static const double memory_low[] = { 1e9, 1e9, 1.149e9 },
			    memory_high[] = { 1.04e9, 1.22e9, 1.151e9 };

	for (size_t i = 0; i < PF_ARRAY_SIZE(replays); i++) {
		struct fixture f;
		const struct pf_bt_advice *last;

		set_up(&f, 0.5, 1e9);
		PF_CHECK_INT("replay", replays[i](&f.series, &f.rules, &f.advices), 0);
		PF_CHECK("advice", f.advices.nr > 0);
		last = &f.advices.items[f.advices.nr - 1];
		PF_CHECK("CPU", last->cpu_cores >= cpu_low[i] && last->cpu_cores <= cpu_high[i]);
		PF_CHECK("memory", last->memory_bytes >= memory_low[i] &&
					   last->memory_bytes <= memory_high[i]);
		PF_CHECK_NEAR("nothing before the first hour", f.advices.items[0].unix_s,
			      f.rows[12].unix_s, 0);
		tear_down(&f);
	}
}

/* The future is not known: cutting it off changes nothing that was advised before. */
static void test_future_is_unknown(void)
{
	static int (*const replays[])(const struct pf_series *, const struct pf_rules *,
				      struct pf_bt_advices *) = { pf_bt_replay_podfit,
								  pf_bt_replay_vpa,
								  pf_bt_replay_krr };

	for (size_t i = 0; i < PF_ARRAY_SIZE(replays); i++) {
		struct fixture whole, half;

		set_up(&whole, 0.5, 1e9);
		for (size_t k = 0; k < ROWS; k++) {
			whole.rows[k].cpu_cores = 0.1 + 0.5 * (double)(k * 7919 % 101) / 101;
			whole.rows[k].memory_bytes =
				5e8 + 1e6 * (double)(k * 104729 % 307) + 2e5 * (double)k;
		}
		half = whole;
		half.series.rows = half.rows;
		half.series.nr_rows = ROWS / 2;
		PF_CHECK_INT("whole", replays[i](&whole.series, &whole.rules, &whole.advices), 0);
		PF_CHECK_INT("half", replays[i](&half.series, &half.rules, &half.advices), 0);
		PF_CHECK("less", half.advices.nr < whole.advices.nr && half.advices.nr > 0);
		for (size_t k = 0; k < half.advices.nr; k++) {
			PF_CHECK_NEAR("time", half.advices.items[k].unix_s,
				      whole.advices.items[k].unix_s, 0);
			PF_CHECK_NEAR("CPU", half.advices.items[k].cpu_cores,
				      whole.advices.items[k].cpu_cores, 0);
			PF_CHECK_NEAR("memory", half.advices.items[k].memory_bytes,
				      whole.advices.items[k].memory_bytes, 0);
		}
		tear_down(&whole);
		tear_down(&half);
	}
}

static void test_unknown_values(void)
{
	struct fixture f;

	set_up(&f, -1, 1e9);
	PF_CHECK_INT("no CPU", pf_bt_replay_podfit(&f.series, &f.rules, &f.advices), 0);
	PF_CHECK("only memory", f.advices.nr && f.advices.items[0].cpu_cores < 0 &&
					f.advices.items[0].memory_bytes > 0);
	tear_down(&f);
	set_up(&f, 0.5, -1);
	PF_CHECK_INT("no memory", pf_bt_replay_vpa(&f.series, &f.rules, &f.advices), 0);
	PF_CHECK("only CPU", f.advices.nr && f.advices.items[0].cpu_cores > 0 &&
				     f.advices.items[0].memory_bytes < 0);
	tear_down(&f);
}

PF_TEST_SUITE(backtest, { "score", test_score }, { "causal", test_causal },
	      { "steady", test_steady }, { "future is unknown", test_future_is_unknown },
	      { "unknown values", test_unknown_values });
