// SPDX-License-Identifier: Apache-2.0
#include "core/size_memory.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* Hours a rise is measured against, by the back-test: less sees every wobble as growth, more misses mornings. */
#define HOURS_BEFORE 6

/* What rises every morning does not grow: the same time of the day before counts too, give or take an hour. */
#define DAY_HOURS 24

/* Most loads have shown themselves in a day. */
#define ANSWER_HOURS 24

double pf_memory_growth(const struct pf_memory_cell *hours, uint32_t nr)
{
	double growth = 0;

	for (uint32_t i = HOURS_BEFORE; i < nr; i++) {
		uint64_t before = 0;

		for (uint32_t k = i; k-- > 0 && hours[i].index - hours[k].index <= DAY_HOURS + 1;)
			if (k + HOURS_BEFORE >= i ||
			    hours[i].index - hours[k].index >= DAY_HOURS - 1)
				before = PF_MAX(before, hours[k].need_bytes);
		if (before)
			growth = fmax(growth, (double)hours[i].need_bytes / (double)before - 1);
	}
	return fmin(growth, 1);
}

/* How far the newest day went above everything before it. */
static uint64_t day_rise(const struct pf_evidence *e)
{
	uint64_t newest = 0, before = 0;

	for (uint32_t i = 0; i < e->nr_days; i++)
		before = PF_MAX(before, e->days[i].need_bytes);
	for (uint32_t i = 0; i < e->nr_hours; i++) {
		uint64_t need = e->hours[i].need_bytes;

		if (e->hours[e->nr_hours - 1].index - e->hours[i].index < DAY_HOURS)
			newest = PF_MAX(newest, need);
		else
			before = PF_MAX(before, need);
	}
	return before && newest > before ? newest - before : 0;
}

/* The peaks of a window: each is of an hour or a day, in which a lower size would have been a kill. */
struct peaks {
	struct {
		double need_bytes, hours;
	} of[PF_EVIDENCE_HOURS + PF_EVIDENCE_DAYS];
	size_t nr;
	uint64_t oom_bytes; /* highest */
};

static double hours_with_room(const struct pf_memory_cell *cells, uint32_t nr, double hours_each,
			      double after_hour, uint64_t bytes)
{
	double hours = 0;

	for (uint32_t i = 0; i < nr; i++)
		if ((double)cells[i].index * hours_each >= after_hour &&
		    cells[i].room_bytes >= bytes)
			hours += hours_each;
	return hours;
}

/*
 * What a kill says is a guess: the limit plus the growth before it. It stands until the container had what the guess
 * asked for, for a day: then its peaks tell, with no limit in their way.
 */
static bool is_answered(const struct pf_evidence *e, uint64_t oom_bytes, double end_hour)
{
	return hours_with_room(e->hours, e->nr_hours, 1, end_hour, oom_bytes) +
		       hours_with_room(e->days, e->nr_days, 24, end_hour, oom_bytes) >=
	       ANSWER_HOURS;
}

static void gather(const struct pf_evidence *e, const struct pf_memory_cell *cells, uint32_t nr,
		   double hours, struct peaks *p)
{
	for (uint32_t i = 0; i < nr; i++) {
		if (cells[i].oom_bytes > p->oom_bytes &&
		    !is_answered(e, cells[i].oom_bytes, ((double)cells[i].index + 1) * hours))
			p->oom_bytes = cells[i].oom_bytes;
		if (!cells[i].need_bytes)
			continue;
		p->of[p->nr].need_bytes = (double)cells[i].need_bytes;
		p->of[p->nr++].hours = hours;
	}
}

static int higher_first(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x > y ? -1 : x < y;
}

/* Sorts the peaks, highest first; the result is the index of the one that makes the cheapest size: all before it are kills. */
static size_t cheapest(struct peaks *p, double kill_price)
{
	double use = 0, hours = 0, best_cost = INFINITY;
	size_t best = 0;

	qsort(p->of, p->nr, sizeof(p->of[0]), higher_first);
	for (size_t i = p->nr; i-- > 0;) {
		double size = p->of[i].need_bytes, cost;

		use += p->of[i].hours * size;
		hours += p->of[i].hours;
		cost = hours - use / size + kill_price * (double)i;
		if (cost <= best_cost) { /* of equals the larger */
			best_cost = cost;
			best = i;
		}
	}
	return best;
}

int pf_memory_size(const struct pf_evidence *e, const struct pf_class *class, double missing,
		   struct pf_memory_size *ret_size)
{
	struct pf_memory_size size = { .growth_ratio = pf_memory_growth(e->hours, e->nr_hours) };
	double base, growth = class->memory_growth_margin * size.growth_ratio +
			      class->memory_young_margin * missing;
	struct peaks peaks = { .nr = 0 };

	gather(e, e->hours, e->nr_hours, 1, &peaks);
	gather(e, e->days, e->nr_days, 24, &peaks);
	size.oom_bytes = peaks.oom_bytes;
	size.day_rise_bytes = day_rise(e);
	if (!peaks.nr && !size.oom_bytes)
		return -ENODATA;
	base = 0;
	if (peaks.nr) {
		size.nr_above = cheapest(&peaks, class->memory_kill_price);
		base = peaks.of[size.nr_above].need_bytes;
		size.need_bytes = pf_whole(peaks.of[0].need_bytes);
		size.base_bytes = pf_whole(base);
	}
	size.request_bytes =
		fmax(base * (1 + class->memory_margin_ratio + growth), (double)size.oom_bytes);
	size.limit_bytes = size.request_bytes * (1 + class->memory_limit_margin_ratio);
	size.lower_bytes = fmax(base, (double)size.oom_bytes);
	size.upper_bytes = size.request_bytes * (1 + class->memory_limit_margin_ratio + growth);
	*ret_size = size;
	return 0;
}
