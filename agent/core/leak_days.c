// SPDX-License-Identifier: Apache-2.0
/*
 * leak_days.c - is the floor of each hour higher than that of the same hour the day before?
 *
 * Daily cycles larger than a leak hide it from the window tests; day over day they cancel.
 */
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/leak_fit.h"
#include "core/leak_internal.h"

enum {
	MIN_AGE_DAYS = 3,
	MAX_DAYS = 6, /* compared with the day before each */
	PARTS = 6,    /* of a day, four hours each */
	NR_PARTS = PARTS * (MAX_DAYS + 1),
};

static const double day_s = 86400;

/* Four hours; 0 is the newest. */
struct part {
	bool known;
	double floor, min, max; /* floor: median of its hourly floors */
	double cpu;		/* below 0: not known */
};

struct days {
	const struct leak_view *view;
	struct part part[NR_PARTS];
	size_t nr_parts;
	size_t nr_days;		 /* with enough parts to compare; 0 is the newest */
	double growth[MAX_DAYS]; /* median of the differences to the day before */
	double diff[MAX_DAYS][PARTS];
	size_t nr_diffs[MAX_DAYS];
	double now, level, top; /* of the newest day: lowest value, median floor, highest value */
};

static void load_part(const struct pf_leak_state *state, uint32_t newest_hour, size_t j,
		      struct part *part)
{
	double floors[4], cpu = 0;
	size_t nr = 0;

	*part = (struct part){ .cpu = -1 };
	for (size_t i = state->level[LEVEL_1H].nr_bins; i-- > 0;) {
		const struct pf_leak_bin *b = leak_bin_at(state, LEVEL_1H, i);
		uint32_t back = newest_hour - b->index;

		if (back > 4 * j + 3)
			break;
		if (back < 4 * j)
			continue;
		double min = leak_bytes(b->min_pages), max = leak_bytes(b->max_pages);

		part->min = nr ? PF_MIN(part->min, min) : min;
		part->max = nr ? PF_MAX(part->max, max) : max;
		cpu = cpu < 0 || b->cpu_cores < 0 ? -1 : cpu + (double)b->cpu_cores;
		floors[nr++] = min;
	}
	if (nr < 3)
		return;
	part->known = true;
	part->floor = pf_leak_median(floors, nr);
	part->cpu = cpu < 0 ? -1 : cpu / (double)nr;
}

static bool load_days(struct days *d)
{
	const struct pf_leak_state *state = d->view->state;
	double age_days = d->view->age_s / day_s;
	size_t most = age_days >= MIN_AGE_DAYS ? (size_t)PF_MIN(MAX_DAYS, age_days - 1) : 0;
	double floors[PARTS];
	size_t nr = 0;

	if (most < 2)
		return false;

	uint32_t newest = leak_bin_at(state, LEVEL_1H, state->level[LEVEL_1H].nr_bins - 1u)->index;

	d->nr_parts = PARTS * (most + 1);
	for (size_t j = 0; j < d->nr_parts; j++)
		load_part(state, newest, j, &d->part[j]);
	for (size_t day = 0; day < most; day++) {
		size_t *nr_diffs = &d->nr_diffs[day];

		for (size_t j = PARTS * day; j < PARTS * (day + 1); j++)
			if (d->part[j].known && d->part[j + PARTS].known)
				d->diff[day][(*nr_diffs)++] =
					d->part[j].floor - d->part[j + PARTS].floor;
		if (*nr_diffs < PARTS - 1)
			break;
		d->growth[day] = pf_leak_median(d->diff[day], *nr_diffs);
		d->nr_days++;
	}
	for (size_t j = 0; j < PARTS; j++) {
		if (!d->part[j].known)
			continue;
		d->now = nr ? PF_MIN(d->now, d->part[j].min) : d->part[j].min;
		d->top = nr ? PF_MAX(d->top, d->part[j].max) : d->part[j].max;
		floors[nr++] = d->part[j].floor;
	}
	if (nr < 4 || d->nr_days < 2)
		return false;
	d->level = pf_leak_median(floors, nr);
	return true;
}

/* The rise from part j + 1 to part j; false if one is not known. */
static bool step_at(const struct days *d, size_t j, double *ret_step)
{
	if (!d->part[j].known || !d->part[j + 1].known)
		return false;
	*ret_step = d->part[j].floor - d->part[j + 1].floor;
	return true;
}

/* Is one jump most of the growth, beyond what this hour brings every day? */
static bool is_step(const struct days *d, size_t m, double total)
{
	double jump = -INFINITY, excess = -INFINITY, step;

	for (size_t j = 0; j < PARTS * m + 5; j++) {
		if (!step_at(d, j, &step))
			continue;
		/* What goes down again in the next part was a burst. */
		if (j && d->part[j - 1].known)
			step = PF_MIN(d->part[j].floor, d->part[j - 1].floor) -
			       d->part[j + 1].floor;
		jump = PF_MAX(jump, step);
	}
	if (jump <= .25 * total || jump <= .5 * total / (double)m)
		return false;
	for (size_t hour = 0; hour < PARTS; hour++) {
		double steps[MAX_DAYS + 1];
		size_t nr = 0;

		for (size_t j = hour; j < PARTS * (m + 1) - 1; j += PARTS)
			if (step_at(d, j, &step))
				steps[nr++] = step;
		if (nr)
			excess = PF_MAX(excess, pf_leak_max(steps, nr) - pf_leak_median(steps, nr));
	}
	return excess > .25 * total;
}

/* Growth of the later half of the days against the earlier half: slowing down before the limit? */
static bool slows_down(const struct days *d, size_t m, double room)
{
	size_t half = m / 2;
	double late = pf_leak_mean(d->growth, half); /* growth[0] is the newest day */
	double early = pf_leak_mean(d->growth + half, m - half);
	double limit = d->view->limited ? d->view->limit : room;
	double ratio = late / early;

	if (ratio >= .9)
		return false;

	double daily = pow(PF_MAX(0, ratio), 2 / (double)m);
	double end = d->level + d->growth[0] * daily / (1 - daily);

	if (ratio < .7 && end < .95 * limit)
		return true;
	if (end <= limit)
		return true;
	return log(1 - (limit - d->level) * (1 - daily) / (d->growth[0] * daily)) / log(daily) > 7;
}

/* The highest of the days before the span, by median floor; 0 if there is none. */
static double older_level(const struct days *d, size_t m)
{
	const struct pf_leak_state *state = d->view->state;
	uint32_t newest = leak_bin_at(state, LEVEL_1H, state->level[LEVEL_1H].nr_bins - 1u)->index;
	double floors[24], highest = 0;

	for (size_t day = m + 1; day < PF_LEAK_HOUR_BINS / 24; day++) {
		size_t nr = 0;

		for (size_t i = 0; i < state->level[LEVEL_1H].nr_bins; i++) {
			const struct pf_leak_bin *b = leak_bin_at(state, LEVEL_1H, i);

			if ((newest - b->index) / 24 == day)
				floors[nr++] = leak_bytes(b->min_pages);
		}
		if (nr >= 12)
			highest = PF_MAX(highest, pf_leak_median(floors, nr));
	}
	return highest;
}

/* Does CPU use grow day over day as much as memory does? */
static bool load_explains(const struct days *d, size_t m, double daily_growth)
{
	double now = 0, before = 0;
	size_t nr = 0, nr_all = 0;

	for (size_t j = 0; j < PARTS * d->nr_days; j++) {
		const struct part *a = &d->part[j], *b = &d->part[j + PARTS];

		if (!a->known || !b->known || a->cpu < 0 || b->cpu < 0)
			continue;
		nr_all++;
		if (nr == PARTS * m)
			continue;
		now += a->cpu;
		before += b->cpu;
		nr++;
	}
	if (nr_all < 6 || before <= 0)
		return false;

	double cpu_growth = now / before - 1;

	return cpu_growth > .7 * daily_growth / PF_MAX(d->level, 1) && cpu_growth > .02;
}

/*
 * Has it grown like this ever since it was started, or is not known otherwise? Then more of the room
 * must be used: it may be filling up to a size that nobody has seen yet.
 */
static bool grows_since_start(const struct days *d, size_t m, double growth, double at_start)
{
	double age_days = d->view->age_s / day_s;
	double before_days = age_days - (double)m - .5; /* levels stand for the middle of a day */
	double ref = d->level - growth * (double)m;

	return age_days < 8 &&
	       (before_days < .5 * (double)m || (ref - at_start) / before_days > .3 * growth);
}

/* How often, and how evenly, parts of the days lie above those of the day before. */
static bool is_even(const struct days *d, size_t m, double growth, double *ret_sd, size_t *ret_nr)
{
	double squares = 0;
	size_t nr = 0, nr_rising = 0;

	for (size_t day = 0; day < m; day++) {
		for (size_t i = 0; i < d->nr_diffs[day]; i++) {
			double diff = d->diff[day][i];

			nr++;
			nr_rising += diff > .2 * growth;
			squares += (diff - growth) * (diff - growth);
		}
	}
	*ret_nr = nr;
	*ret_sd = sqrt(squares / (double)nr);
	return (double)nr_rising >= .85 * (double)nr && pf_leak_min(d->growth, m) >= .3 * growth;
}

/* The days 0 .. m - 1 together. */
static bool test_span(const struct days *d, size_t m, struct leak_answer *ret_answer)
{
	const struct leak_view *v = d->view;
	double growth = pf_leak_mean(d->growth, m), total = growth * (double)m, sd;
	double ref = d->level - total, room = PF_MIN(v->limit, 2 * ref + total);
	double at_start = leak_at_start(v->state, ref);
	double used = total / PF_MAX(room - ref, .02 * room);
	double used_ever = (d->level - at_start) / PF_MAX(room - at_start, .02 * room);
	size_t nr;

	double left_days = growth > 0 ? (v->limit - d->top) / growth : 0;
	double patience = PF_MAX(0, PF_MIN(1, (left_days - 2) / 5)); /* as in window tests */

	if (growth <= 0 || used < .08 + .08 * patience || !is_even(d, m, growth, &sd, &nr))
		return false;
	if (used_ever < .3 && grows_since_start(d, m, growth, at_start))
		return false;
	if (slows_down(d, m, room) || slows_down(d, d->nr_days, room) || is_step(d, m, total))
		return false;
	if (d->level - PF_MAX(older_level(d, m), leak_bytes(v->state->released_pages)) < .5 * total)
		return false; /* been there before, and come down again */

	double t = sd > 0 ? growth / (sd / sqrt((double)nr / 2)) : 99;

	if (t < 4.15)
		return false;
	if ((room - d->top) / growth > 1 && load_explains(d, m, growth))
		return false;

	double slope = growth / day_s;

	if ((room - d->top) / slope > 30 * day_s)
		return false;

	double reach = 2.5 * 1.96 * sd / sqrt((double)nr / 3) / day_s / 2;

	*ret_answer = (struct leak_answer){
		.span_s = (double)m * day_s,
		.floor = d->now,
		.line = d->level + .5 * growth,
		.rise = total,
		.slope = slope,
		.slope_low = PF_MAX(PF_MIN(slope - reach, slope * .93), slope * .1),
		.slope_high = PF_MAX(slope + reach, slope * 1.07),
		.peak = d->top,
		.reach = d->top,
		.scatter = sd,
		.score = used * PF_MIN(t, 20),
		.test = { 'D', (char)('0' + m) },
	};
	return true;
}

bool leak_test_days(const struct leak_view *view, struct leak_answer *ret_answer)
{
	struct days d = { .view = view };
	struct leak_answer span;
	bool found = false;

	if (!load_days(&d))
		return false;
	for (size_t m = 2; m <= d.nr_days; m++) {
		if (!test_span(&d, m, &span) || (found && span.score <= ret_answer->score))
			continue;
		*ret_answer = span;
		found = true;
	}
	return found;
}
