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
	double age_days = (d->view->now_s - d->view->start_s) / day_s;
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
	if (jump <= .34 * total || jump <= .5 * total / (double)m)
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
	return excess > .34 * total;
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

/* The days 0 .. m - 1 together. */
static bool test_span(const struct days *d, size_t m, struct leak_answer *ret_answer)
{
	const struct leak_view *v = d->view;
	double growth = pf_leak_mean(d->growth, m), total = growth * (double)m;
	double ref = d->level - total, room = PF_MIN(v->limit, 2 * ref + total);
	double at_start = v->state->first_pages ? leak_bytes(v->state->first_pages) : ref;
	double age_days = (v->now_s - v->start_s) / day_s;
	double used = total / PF_MAX(room - ref, .02 * room), squares = 0;
	size_t nr = 0, nr_rising = 0;

	if (growth <= 0 || pf_leak_min(d->growth, m) < .3 * growth)
		return false;
	for (size_t day = 0; day < m; day++) {
		for (size_t i = 0; i < d->nr_diffs[day]; i++) {
			double diff = d->diff[day][i];

			nr++;
			nr_rising += diff > .2 * growth;
			squares += (diff - growth) * (diff - growth);
		}
	}
	if ((double)nr_rising < .85 * (double)nr || used < .08)
		return false;
	if (age_days < 7 && fabs(ref - at_start) < .3 * total && age_days < (double)m + 2 &&
	    (d->level - at_start) / PF_MAX(room - at_start, .02 * room) < .2)
		return false; /* grows since it was started: a warm-up until more is known */
	if (slows_down(d, m, room) || is_step(d, m, total))
		return false;

	double sd = sqrt(squares / (double)nr);
	double t = sd > 0 ? growth / (sd / sqrt((double)nr / 2)) : 99;

	if (t < 4.15)
		return false;
	if ((room - d->top) / growth > 1 && load_explains(d, m, growth))
		return false;

	double slope = growth / day_s;

	if ((room - d->top) / slope > 30 * day_s)
		return false;

	double reach = 2.5 * 1.96 * sd / sqrt((double)nr / 3) / day_s / 2;
	double low = PF_MAX(PF_MIN(slope - reach, slope * .93), slope * .1);
	double high = PF_MAX(slope + reach, slope * 1.07);
	double left = PF_MAX(0, v->limit - d->top);

	*ret_answer = (struct leak_answer){
		.floor = d->now,
		.rise = total,
		.slope = slope,
		.slope_low = low,
		.slope_high = high,
		.eta_s = left / slope,
		.eta_low_s = left / high,
		.eta_high_s = PF_MAX(0, v->limit - d->now) / low,
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
