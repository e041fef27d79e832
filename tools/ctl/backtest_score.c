// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "ctl/backtest.h"

#define DAY_S 86400.0

/* A gap counts as at most this much time. */
#define GAP_MAX_S 3600.0

/* Fewer samples say nothing. */
#define SAMPLES_MIN 10

static double value_of(const struct pf_series_row *row, bool memory)
{
	return memory ? row->memory_bytes : row->cpu_cores;
}

/* Advice in force, followed through the series. */
struct cursor {
	const struct pf_bt_advices *advices;
	size_t next;
	double request; /* below 0: none */
	unsigned changes;
};

static void follow(struct cursor *c, double unix_s, double start_s, bool memory)
{
	while (c->next < c->advices->nr && c->advices->items[c->next].unix_s < unix_s) {
		const struct pf_bt_advice *a = &c->advices->items[c->next++];
		double request = memory ? a->memory_bytes : a->cpu_cores;

		if (request < 0)
			continue;
		if (unix_s > start_s && c->request >= 0 &&
		    fabs(request - c->request) > 0.05 * c->request)
			c->changes++;
		c->request = request;
	}
}

static double time_to_next(const struct pf_series *s, size_t at, bool memory)
{
	for (size_t i = at + 1; i < s->nr_rows; i++)
		if (value_of(&s->rows[i], memory) >= 0)
			return fmin(s->rows[i].unix_s - s->rows[at].unix_s, GAP_MAX_S);
	return 0;
}

void pf_bt_score(const struct pf_series *s, const struct pf_bt_advices *advices, bool memory,
		 struct pf_bt_score *ret_score)
{
	struct cursor cursor = { .advices = advices, .request = -1 };
	struct pf_bt_score score = { 0 };
	double slack_s = 0, total_s = 0, start_s = 0;
	size_t nr_values = 0, nr = 0, nr_above = 0;
	bool was_above = false;

	if (s->nr_rows)
		start_s = s->rows[0].unix_s +
			  fmin(DAY_S, (s->rows[s->nr_rows - 1].unix_s - s->rows[0].unix_s) / 4);
	for (size_t i = 0; i < s->nr_rows; i++) {
		double use = value_of(&s->rows[i], memory), span_s;
		bool above;

		if (use < 0)
			continue;
		nr_values++;
		follow(&cursor, s->rows[i].unix_s, start_s, memory);
		if (s->rows[i].unix_s <= start_s || cursor.request <= 0)
			continue;
		span_s = time_to_next(s, i, memory);
		above = use > cursor.request;
		nr++;
		nr_above += above;
		slack_s += span_s * fmax(0, cursor.request - use) / cursor.request;
		total_s += span_s;
		score.events += above && !was_above;
		was_above = above;
	}
	if (nr_values >= SAMPLES_MIN && nr && total_s > 0) {
		score.scored = true;
		score.slack = slack_s / total_s;
		score.above = (double)nr_above / (double)nr;
		score.changes_per_day = cursor.changes / fmax(total_s / DAY_S, 1e-9);
	}
	*ret_score = score;
}
