// SPDX-License-Identifier: Apache-2.0
/*
 * leak_window.c - does the floor rise through the last 24 to 36 bins of one width like a leak?
 *
 * Cheap conditions first: almost every test of a healthy container ends at the first two.
 */
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/leak_fit.h"
#include "core/leak_internal.h"

enum { NR_BLOCKS = 12 };

static const double hour_s = 3600, day_s = 86400;

/*
 * Least z and t of a trend, by level. They spend at most 0.02 false alarms a container-week over all
 * tests, if floors were exchangeable: 6 720, 3 360, 672, 168, 56 and 14 tests a week.
 */
static const double z_bound[PF_LEAK_NR_LEVELS] = { 5.06, 4.79, 4.45, 4.15, 4.15, 3.9 };

/* All about one window that the conditions share. */
struct window {
	const struct leak_view *view;
	size_t level, nr;
	double width_s;
	const struct pf_leak_bin *first; /* oldest bin */
	double y[PF_LEAK_WINDOW_BINS];
	double at
		[PF_LEAK_WINDOW_BINS]; /* their places in bins since the first: some may be missing */
	double block[NR_BLOCKS];       /* minima of twelve equal parts */
	double ref, now, rise;
	double room; /* the limit, but at most twice the start: works without a limit */
	struct pf_leak_line line;
	double record; /* highest floor of the eight days before; below 0: none */
};

static const struct pf_leak_bin *bin_of(const struct window *w, size_t i)
{
	const struct pf_leak_state *state = w->view->state;

	return leak_bin_at(state, w->level, state->level[w->level].nr_bins - w->nr + i);
}

static bool window_load(struct window *w)
{
	const struct pf_leak_level *l = &w->view->state->level[w->level];
	size_t nr = PF_MIN(l->nr_bins, PF_LEAK_WINDOW_BINS);

	if (nr < 24)
		return false;
	w->nr = nr;
	if (bin_of(w, nr - 1)->index - bin_of(w, 0)->index > 1.5 * (double)nr)
		return false; /* too many holes */
	w->nr = nr - nr % NR_BLOCKS;
	w->first = bin_of(w, 0);
	w->width_s = leak_level_width_s(w->level);
	leak_floors(w->view->state, w->level, w->nr, w->y);
	for (size_t i = 0; i < w->nr; i++)
		w->at[i] = bin_of(w, i)->index - w->first->index;

	size_t sixth = w->nr / 6;

	w->rise = pf_leak_median(w->y + w->nr - sixth, sixth) - pf_leak_median(w->y, sixth);
	w->ref = pf_leak_min(w->y, PF_MAX(3, sixth));
	w->room = PF_MIN(w->view->limit, 2 * w->ref + w->rise);
	return true;
}

/* Spread over the window: neither one step nor a random walk. Gives mean increment over its error.
 */
static double block_t(struct window *w)
{
	size_t width = w->nr / NR_BLOCKS;
	double step[NR_BLOCKS - 1], squares = 0;

	for (size_t i = 0; i < NR_BLOCKS; i++)
		w->block[i] = pf_leak_min(w->y + i * width, width);
	for (size_t i = 0; i < NR_BLOCKS - 1; i++)
		step[i] = w->block[i + 1] - w->block[i];
	w->now = w->block[NR_BLOCKS - 1];

	double mean = pf_leak_mean(step, NR_BLOCKS - 1);

	for (size_t i = 0; i < NR_BLOCKS - 1; i++)
		squares += (step[i] - mean) * (step[i] - mean);
	if (mean <= 0)
		return 0;

	double sd = sqrt(squares / (NR_BLOCKS - 2));

	return sd > 0 ? mean / (sd / sqrt(NR_BLOCKS - 1)) : 99;
}

static bool is_trend(const struct window *w, double tb)
{
	const struct pf_leak_line *line = &w->line;
	double least = z_bound[w->level];

	if (line->z < least || line->t < least || line->slope <= 0)
		return false;
	/* Integrated noise has large t, too, but its steps are uneven and what the line leaves
	 * hangs together. */
	if (tb >= 4 || line->rho <= .4 || line->t >= 12)
		return true;
	return w->level >= LEVEL_1H && (tb >= 3 || line->t >= 9);
}

/* A warm-up that looks straight through a small window is bent through a larger one. */
static bool saturates(const struct window *w)
{
	double limit = w->view->limited ? w->view->limit : w->room;
	double y[PF_LEAK_WINDOW_BINS];

	if (pf_leak_saturates(w->y, w->nr, limit, 7 * day_s / (w->width_s * (double)w->nr / 3)))
		return true;
	for (size_t level = w->level + 1; level <= LEVEL_1H; level++) {
		size_t nr = PF_MIN(w->view->state->level[level].nr_bins, PF_LEAK_WINDOW_BINS);

		if (!leak_level_used(level, w->view->interval_s) || nr < 9)
			continue;
		leak_floors(w->view->state, level, nr, y);
		if (pf_leak_saturates(y, nr, limit,
				      7 * day_s / (leak_level_width_s(level) * (double)nr / 3)))
			return true;
	}
	return false;
}

static bool all_hours_saturate(const struct window *w)
{
	double limit = w->view->limited ? w->view->limit : w->room;
	double y[PF_LEAK_HOUR_BINS];
	size_t nr = w->view->state->level[LEVEL_1H].nr_bins;

	if (nr < 6)
		return false;
	leak_floors(w->view->state, LEVEL_1H, nr, y);
	return pf_leak_saturates(y, nr, limit, 7 * day_s / (3600 * (double)nr / 3));
}

/* Memory that follows load is no leak: does CPU use rise with it, or stand above what it was
 * before? */
static bool load_driven(const struct window *w, const struct leak_history *history)
{
	double cpu[PF_LEAK_WINDOW_BINS];
	struct pf_leak_line line;

	for (size_t i = 0; i < w->nr; i++) {
		cpu[i] = (double)bin_of(w, i)->cpu_cores;
		if (cpu[i] < 0)
			return true; /* not known: no claim that depends on it */
	}
	pf_leak_fit_line(w->at, cpu, w->nr, &line);

	double mean = pf_leak_mean(cpu, w->nr);

	return (line.z > 2 && line.slope * w->at[w->nr - 1] > .15 * mean) ||
	       (history->nr_cpu > 0 && mean > 1.25 * history->cpu_sum / history->nr_cpu);
}

static void read_history(struct window *w, struct leak_history *ret_history)
{
	const struct pf_leak_state *state = w->view->state;

	*ret_history = (struct leak_history){ .record = -1 };
	if (w->level < PF_LEAK_RECORD_LEVELS)
		leak_history_read(state, w->level, w->view->now_s, ret_history);
	for (size_t i = 0; i + w->nr < state->level[w->level].nr_bins; i++)
		ret_history->record =
			PF_MAX(ret_history->record,
			       leak_bytes(leak_bin_at(state, w->level, i)->min_pages));
	w->record = ret_history->record;
}

static double recent_peak(const struct window *w)
{
	double peak = 0;

	for (size_t i = w->nr - PF_MAX(2, w->nr / 8); i < w->nr; i++)
		peak = PF_MAX(peak, leak_bytes(bin_of(w, i)->max_pages));
	return peak;
}

/* Was memory given back inside most bins? Then the floor is a true floor. */
static bool reclaim_seen(const struct window *w)
{
	double swing[PF_LEAK_WINDOW_BINS];

	for (size_t i = 0; i < w->nr; i++) {
		const struct pf_leak_bin *b = bin_of(w, i);

		swing[i] = leak_bytes(b->max_pages - b->min_pages);
	}
	return pf_leak_median(swing, w->nr) >= PF_MAX(4 * w->line.slope, .02 * w->room);
}

/* Was the growth before the window a good part of the window's? Without enough history: taken for so. */
static bool grew_before(const struct window *w)
{
	const struct pf_leak_state *state = w->view->state;
	double y[PF_LEAK_HOUR_BINS], begin_s = (double)w->first->index * w->width_s;
	size_t nr = 0;

	for (size_t i = 0; i < state->level[LEVEL_1H].nr_bins; i++) {
		const struct pf_leak_bin *bin = leak_bin_at(state, LEVEL_1H, i);

		if ((bin->index + 1) * hour_s <= begin_s)
			y[nr++] = leak_bytes(bin->min_pages);
	}
	if (nr < 12)
		return true;

	size_t quarter = nr / 4;
	double rise = pf_leak_median(y + nr - quarter, quarter) - pf_leak_median(y, quarter);

	return rise / ((double)(nr - quarter) * hour_s) > .3 * w->line.slope / w->width_s;
}

/*
 * Has the container been growing ever since it was started? It may be filling caches up to a size
 * that nobody has seen yet. After three days a start may be over: what counts is the growth before.
 */
static bool grows_since_start(const struct window *w, double at_start)
{
	return PF_MAX(w->record, w->ref) - at_start > .3 * (w->now - at_start) &&
	       (w->view->age_s < 3 * day_s || grew_before(w));
}

/* 0: the limit is near, 1: it is a week away, and waiting for certainty costs nobody anything. */
static double patience_of(const struct window *w)
{
	double left_s = (w->view->limit - w->now) / (w->line.slope / w->width_s);

	return PF_MAX(0, PF_MIN(1, (left_s - 2 * day_s) / (5 * day_s)));
}

/*
 * The part of its room that a container may use up in straight growth since its start: caches fill
 * and collectors wait for minutes or hours, seldom for days, so it falls with age.
 */
static double used_since_start_bound(const struct window *w)
{
	double age_days = w->view->age_s / day_s;
	double by_age = age_days < 1 ? .35 + .3 * (1 - age_days)
				     : .35 - .05 * PF_MIN(1, (age_days - 1) / 3);

	return PF_MAX(by_age, .3 + .2 * patience_of(w));
}

/* A young container, judged by the part of its room that it has used up since its start. */
static bool young_enough(const struct window *w, double used_ever, bool load)
{
	const struct leak_view *v = w->view;

	if (load && w->level < LEVEL_1H)
		return false;
	if (v->age_s >= 2 * hour_s && used_ever >= used_since_start_bound(w))
		return true;
	/* A floor that is known to be one needs less; a collector's first cycle ends below nine
	 * tenths of the limit. */
	return used_ever >= .25 + .2 * patience_of(w) &&
	       (reclaim_seen(w) || w->now >= .88 * v->limit);
}

/* The less is known of a container, the more of the room must be used up. */
static bool used_enough(const struct window *w, const struct leak_history *history)
{
	const struct leak_view *v = w->view;
	double before_s = v->age_s - (v->now_s - (double)w->first->index * w->width_s);
	double at_start = leak_at_start(v->state, w->ref);
	double used = (w->now - w->ref) / PF_MAX(w->room - w->ref, .02 * w->room);
	double ceiling = v->limited ? v->limit : w->room;
	double used_ever = (w->now - at_start) / PF_MAX(ceiling - at_start, .02 * ceiling);
	bool mature = before_s >= day_s, since_start = grows_since_start(w, at_start);
	bool load = load_driven(w, history);

	if ((since_start || !mature || w->level >= LEVEL_20MIN) && v->age_s >= 9 * hour_s &&
	    all_hours_saturate(w))
		return false;
	if (mature && !since_start)
		return used >= .08 + .08 * patience_of(w);
	if (recent_peak(w) >= .9 * v->limit && used >= .1)
		return true;
	if (!since_start && w->level <= 1 && !load &&
	    before_s >= PF_MAX(2 * (double)w->nr * w->width_s, hour_s))
		return used >= .1;
	return young_enough(w, used_ever, load);
}

/* Worth a closer look: the line is there, though not enough of the room is used, or too little known. */
static bool is_suspect(const struct window *w)
{
	double at_start = leak_at_start(w->view->state, w->ref);
	double used = (w->now - w->ref) / PF_MAX(w->room - w->ref, .02 * w->room);
	double used_ever = (w->now - at_start) / PF_MAX(w->room - at_start, .02 * w->room);
	struct pf_leak_thirds thirds;

	pf_leak_fit_thirds(w->y, w->nr, &thirds);
	return w->view->age_s >= hour_s / 2 && thirds.last_step >= .7 * thirds.first_step &&
	       PF_MAX(used, used_ever) >= .08;
}

/* Mean CPU use of the window over that of all hours kept; 1 where it is not known. */
static double load_ratio(const struct window *w)
{
	const struct pf_leak_state *state = w->view->state;
	size_t nr_hours = state->level[LEVEL_1H].nr_bins;
	double window = 0, hours = 0;

	for (size_t i = 0; i < w->nr; i++) {
		if (bin_of(w, i)->cpu_cores < 0)
			return 1;
		window += (double)bin_of(w, i)->cpu_cores / (double)w->nr;
	}
	for (size_t i = 0; i < nr_hours; i++) {
		double cpu = (double)leak_bin_at(state, LEVEL_1H, i)->cpu_cores;

		if (cpu < 0)
			return 1;
		hours += cpu / (double)nr_hours;
	}
	return nr_hours < 4 || hours <= 0 || window <= 0 ? 1 : window / hours;
}

/* Mean CPU use of the window's bins [from, end), of those where it is known; below 0: of none. */
static double mean_cpu(const struct window *w, size_t from, size_t end)
{
	double sum = 0;
	size_t nr = 0;

	for (size_t i = from; i < end; i++) {
		double cpu = (double)bin_of(w, i)->cpu_cores;

		if (cpu >= 0) {
			sum += cpu;
			nr++;
		}
	}
	return nr ? sum / (double)nr : -1;
}

/*
 * Where in the window growth begins, so that what was before does not flatten the line; 0 if load is seen
 * to rise there, too: then the line through all of it is the better guess.
 */
static size_t onset(const struct window *w)
{
	size_t at = pf_leak_onset(w->at, w->y, w->nr, &w->line);
	double before = mean_cpu(w, 0, at), after = mean_cpu(w, at, w->nr);

	return before >= 0 && after > 1.15 * before ? 0 : at;
}

/* How far bursts stand out above the line: they ride on what leaks, and are the first to hit the limit. */
static double burst_above(const struct window *w, size_t from, const struct pf_leak_line *line)
{
	double above = 0;

	for (size_t i = from; i < w->nr; i++)
		above = PF_MAX(above, leak_bytes(bin_of(w, i)->max_pages) - line->base -
					      line->slope * (w->at[i] - w->at[from]));
	return above;
}

/*
 * The interval of the slope for 90 %, calibrated on generated series: a rate seen for an hour says less
 * of next week, and one that goes with load says little of other hours.
 */
static void slope_interval(const struct window *w, const struct pf_leak_line *line, double seen_s,
			   struct leak_answer *answer)
{
	double slope = answer->slope, load = load_ratio(w);
	double spans_left = (w->room - w->now) / slope / seen_s;
	double wider = 2.5 * sqrt(1 + PF_MAX(0, PF_MIN(spans_left, 8)) / 2);
	double low = slope - wider * (slope - line->slope_low / w->width_s);
	double high = slope + wider * (line->slope_high / w->width_s - slope);

	low = PF_MIN(low, slope / PF_MAX(load, 1));
	high = PF_MAX(high, slope / PF_MIN(load, 1));
	answer->slope_low = PF_MIN(PF_MAX(low, slope * .1), slope * .93);
	answer->slope_high = PF_MAX(PF_MIN(high, slope * 10), slope * 1.07);
}

static void answer(const struct window *w, double score, struct leak_answer *ret_answer)
{
	const struct leak_view *v = w->view;
	size_t edge = PF_MAX(2, w->nr / 8), from = onset(w);
	double since_first_s = v->now_s - (double)w->first->index * w->width_s;
	double seen_s = v->now_s - (double)bin_of(w, from)->index * w->width_s;
	double peak = recent_peak(w), old_peak = 0;
	struct pf_leak_line line = w->line;

	if (from) {
		double at[PF_LEAK_WINDOW_BINS];

		for (size_t i = from; i < w->nr; i++)
			at[i - from] = w->at[i] - w->at[from];
		pf_leak_fit_line(at, w->y + from, w->nr - from, &line);
	}
	if (line.slope <= 0) {
		line = w->line;
		from = 0;
		seen_s = since_first_s;
	}
	for (size_t i = 0; i < edge; i++)
		old_peak = PF_MAX(old_peak, leak_bytes(bin_of(w, i)->max_pages));

	double slope = line.slope / w->width_s, now = line.base + slope * seen_s;
	double peak_slope =
		(peak - old_peak) / ((w->at[w->nr - 1] + 1 - (double)edge) * w->width_s);

	*ret_answer = (struct leak_answer){
		.span_s = seen_s,
		.floor = w->now,
		.line = now,
		.rise = w->rise,
		.slope = slope,
		.peak = PF_MAX(peak, now + burst_above(w, from, &line)),
		.reach = peak_slope > .5 * slope ? PF_MAX(peak, now) : now,
		.scatter = line.scale,
		.score = score,
		.test = { 'L', (char)('0' + w->level) },
	};
	slope_interval(w, &line, seen_s, ret_answer);
}

bool leak_test_window(const struct leak_view *view, size_t level, struct leak_answer *ret_answer,
		      bool *ret_suspect)
{
	struct window w = { .view = view, .level = level };
	struct leak_history history;

	*ret_suspect = false;
	if (!window_load(&w) || w.rise < .02 * w.room)
		return false;

	double tb = block_t(&w);

	if (tb < 2)
		return false;
	pf_leak_fit_line(w.at, w.y, w.nr, &w.line);
	if (!is_trend(&w, tb))
		return false;

	double used = (w.now - w.ref) / PF_MAX(w.room - w.ref, .02 * w.room);

	answer(&w, used * PF_MIN(tb, 20), ret_answer);
	read_history(&w, &history);

	double new = w.now - PF_MAX(w.record, leak_bytes(view->state->released_pages));

	*ret_suspect = new > 0 && is_suspect(&w);
	if (new < .5 * w.rise)
		return false; /* been there before, and come down again */
	if (saturates(&w))
		return false;
	return used_enough(&w, &history) && (w.room - w.now) / ret_answer->slope <= 30 * day_s;
}
