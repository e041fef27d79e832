// SPDX-License-Identifier: Apache-2.0
/*
 * leak_near.c - close to the limit and still setting record floors: exhaustion is near, whatever
 * the cause.
 */
#include <math.h>

#include "base/cleanup.h"
#include "core/leak_fit.h"
#include "core/leak_internal.h"

enum { NR_FLOORS = 6, NR_PAIRS = NR_FLOORS * (NR_FLOORS - 1) / 2 };

static const double near_ratio = .88;	 /* of the limit */
static const double record_ratio = .002; /* a new record is higher by this part of the limit */
static const double least_rise = .015;	 /* of the limit, over the six floors */
static const double window_widths = 4;	 /* exhaustion within so many times the six floors */

/* How many of the floors are higher than all before, those of eight days included. */
static size_t count_records(const struct leak_view *view, size_t level, const double *y)
{
	const struct pf_leak_level *l = &view->state->level[level];
	double record = leak_bytes(view->state->released_pages);
	size_t nr_records = 0;

	for (size_t i = 0; i + NR_FLOORS < l->nr_bins; i++)
		record = PF_MAX(record, leak_bytes(leak_bin_at(view->state, level, i)->min_pages));
	if (level < PF_LEAK_RECORD_LEVELS) {
		struct leak_history history;

		leak_history_read(view->state, level, view->now_s, &history);
		record = PF_MAX(record, history.record);
	}
	for (size_t i = 0; i < NR_FLOORS; i++) {
		if (y[i] > record + record_ratio * view->limit) {
			record = y[i];
			nr_records++;
		}
	}
	return nr_records;
}

/*
 * Did the floors before the six rise, too? A burst of work on a well filled machine begins from rest;
 * what exhausts its memory has been on its way.
 */
static bool grew_before(const struct leak_view *view, size_t level, double rise)
{
	double before[2 * NR_FLOORS];
	size_t nr = PF_MIN((size_t)2 * NR_FLOORS,
			   view->state->level[level].nr_bins - (size_t)NR_FLOORS);
	size_t first = view->state->level[level].nr_bins - NR_FLOORS - nr;

	for (size_t i = 0; i < nr; i++)
		before[i] = leak_bytes(leak_bin_at(view->state, level, first + i)->min_pages);
	return before[nr - 1] - before[0] >= .25 * rise * (double)nr / NR_FLOORS;
}

bool leak_test_near(const struct leak_view *view, size_t level, struct leak_answer *ret_answer)
{
	const struct pf_leak_level *l = &view->state->level[level];
	double y[NR_FLOORS], slopes[NR_PAIRS], top = 0, jump = 0;
	size_t m = 0;

	if (!view->limited || l->nr_bins < NR_FLOORS + 3)
		return false;
	leak_floors(view->state, level, NR_FLOORS, y);

	double now = y[NR_FLOORS - 1], rise = now - y[0];

	if (now < near_ratio * view->limit || rise < least_rise * view->limit)
		return false;
	if (leak_bin_at(view->state, level, l->nr_bins - 1u)->index -
		    leak_bin_at(view->state, level, l->nr_bins - NR_FLOORS)->index >
	    9)
		return false;
	if (count_records(view, level, y) < 4 || !grew_before(view, level, rise))
		return false;
	for (size_t i = 0; i < NR_FLOORS; i++) {
		top = PF_MAX(top,
			     leak_bytes(leak_bin_at(view->state, level, l->nr_bins - NR_FLOORS + i)
						->max_pages));
		if (i)
			jump = PF_MAX(jump, y[i] - y[i - 1]);
		for (size_t j = i + 1; j < NR_FLOORS; j++)
			slopes[m++] = (y[j] - y[i]) / (double)(j - i);
	}
	if (jump > .6 * rise)
		return false;

	double width_s = leak_level_width_s(level);
	double slope = pf_leak_median(slopes, NR_PAIRS) / width_s;

	if (slope <= 0)
		return false;

	if ((view->limit - now) / slope > window_widths * NR_FLOORS * width_s)
		return false;
	*ret_answer = (struct leak_answer){
		.span_s = NR_FLOORS * width_s,
		.floor = now,
		.line = now + slope * width_s,
		.rise = rise,
		.slope = slope,
		.slope_low = slope * .6, /* six floors do not say more */
		.slope_high = slope * 1.5,
		.peak = top,
		.reach = now,
		.scatter = jump,
		.score = .01, /* any other test says more */
		.test = { 'N', (char)('0' + level) },
	};
	return true;
}
