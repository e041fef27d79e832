// SPDX-License-Identifier: Apache-2.0
/* Where a value lies in a drawing, and where the ticks stand. */
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "core/units.h"
#include "report/svg_plot.h"

void pf_svg_chart_clear(struct pf_svg_chart *chart)
{
	*chart = (struct pf_svg_chart){ .x_from = NAN, .x_to = NAN, .y_to = NAN, .now_x = NAN };
}

/* ---- bounds ---- */

struct extent {
	double x_low, x_high, y_high;
	size_t nr; /* known values */
};

static void take(struct extent *e, const struct pf_svg_chart *chart, double x, double y)
{
	if (!isfinite(x) || !isfinite(y) || (chart->x_scale == PF_SCALE_LOG && x <= 0))
		return;
	e->x_low = e->nr ? fmin(e->x_low, x) : x;
	e->x_high = e->nr ? fmax(e->x_high, x) : x;
	e->y_high = e->nr ? fmax(e->y_high, y) : y;
	e->nr++;
}

static double stack_height(const struct pf_svg_chart *chart, size_t point)
{
	double sum = 0;

	for (size_t i = 0; i < PF_MIN(chart->nr_areas, (size_t)PF_SVG_SERIES_MAX); i++)
		if (point < chart->areas[i].nr_points && isfinite(chart->areas[i].points[point].y))
			sum += chart->areas[i].points[point].y;
	return sum;
}

static void take_data(struct extent *e, const struct pf_svg_chart *chart)
{
	for (size_t i = 0; i < PF_MIN(chart->nr_bands, (size_t)PF_SVG_SERIES_MAX); i++)
		for (size_t j = 0; j < chart->bands[i].nr_ranges; j++)
			take(e, chart, chart->bands[i].ranges[j].x, chart->bands[i].ranges[j].high);
	for (size_t i = 0; i < PF_MIN(chart->nr_lines, (size_t)PF_SVG_SERIES_MAX); i++)
		for (size_t j = 0; j < chart->lines[i].nr_points; j++)
			take(e, chart, chart->lines[i].points[j].x, chart->lines[i].points[j].y);
	if (chart->nr_areas)
		for (size_t j = 0; j < chart->areas[0].nr_points; j++)
			take(e, chart, chart->areas[0].points[j].x, stack_height(chart, j));
	for (size_t i = 0; i < PF_MIN(chart->nr_bins, (size_t)PF_SVG_BINS_MAX); i++) {
		const struct pf_svg_bin *bin = &chart->bins[i];
		double height = bin->part[0] + (chart->part_names[1] ? bin->part[1] : 0);

		take(e, chart, bin->from, height);
		take(e, chart, bin->to, height);
	}
	for (size_t i = 0; i < chart->nr_dots; i++)
		take(e, chart, chart->dots[i].x, chart->dots[i].y);
}

/* A request or limit belongs in sight unless it would flatten the data. */
static double with_levels(const struct pf_svg_chart *chart, double y_high)
{
	double top = y_high;

	for (size_t i = 0; i < PF_MIN(chart->nr_levels, (size_t)PF_SVG_MARKS_MAX); i++)
		if (isfinite(chart->levels[i].at) &&
		    (chart->levels[i].at <= 4 * y_high || y_high <= 0))
			top = fmax(top, chart->levels[i].at);
	return top;
}

static void with_marks(const struct pf_svg_chart *chart, struct extent *e)
{
	for (size_t i = 0; i < PF_MIN(chart->nr_marks, (size_t)PF_SVG_MARKS_MAX); i++) {
		double at = chart->marks[i].at;

		if (chart->x_scale == PF_SCALE_TIME || !isfinite(at) || at <= 0)
			continue;
		e->x_low = fmin(e->x_low, at);
		e->x_high = fmax(e->x_high, at);
	}
}

bool pf_plot_of(const struct pf_svg_chart *chart, struct pf_plot *ret_plot)
{
	struct extent e = { 0 };

	take_data(&e, chart);
	if (!e.nr)
		return false;
	with_marks(chart, &e);

	double from = isfinite(chart->x_from) ? chart->x_from : e.x_low;
	double to = isfinite(chart->x_to) ? chart->x_to : e.x_high;

	/* One moment is not a course of time: the caller's words say so in place of a drawing. */
	if (!(to > from) && chart->x_scale == PF_SCALE_TIME)
		return false;
	if (!(to > from)) {
		from *= 0.5;
		to = to > 0 ? to * 2 : 1;
	}

	double y_to = isfinite(chart->y_to) ? chart->y_to : with_levels(chart, e.y_high) * 1.06;

	*ret_plot = (struct pf_plot){
		.x_scale = chart->x_scale,
		.y_scale = chart->y_scale,
		.x_from = from,
		.x_to = to,
		.y_to = y_to > 0 ? y_to : 1,
		.top = PF_LABEL_HEIGHT * (double)PF_MIN(chart->nr_marks, (size_t)4),
	};
	return true;
}

/* ---- places ---- */

double pf_plot_x(const struct pf_plot *plot, double x)
{
	double at;

	if (plot->x_scale == PF_SCALE_LOG)
		at = x > 0 ? log(x / plot->x_from) / log(plot->x_to / plot->x_from) : 0;
	else
		at = (x - plot->x_from) / (plot->x_to - plot->x_from);
	return PF_PLOT_WIDTH * fmin(fmax(at, 0), 1);
}

double pf_plot_percent(const struct pf_plot *plot, double x)
{
	return pf_plot_x(plot, x) * 100 / PF_PLOT_WIDTH;
}

double pf_plot_y(const struct pf_plot *plot, double y)
{
	double at = fmin(fmax(y / plot->y_to, 0), 1);

	if (plot->y_scale == PF_SCALE_ROOT)
		at = sqrt(at);
	return PF_PLOT_HEIGHT - at * (PF_PLOT_HEIGHT - plot->top);
}

/* ---- ticks ---- */

static void tick(struct pf_tick *ticks, size_t *nr, double at, bool major, const char *label)
{
	if (*nr >= PF_TICKS_MAX)
		return;
	ticks[*nr].at = at;
	ticks[*nr].major = major;
	(void)snprintf(ticks[*nr].label, sizeof(ticks[*nr].label), "%s", label);
	++*nr;
}

/* 1, 2 or 5 times a power of ten; of bytes a power of two. */
static double nice_step(enum pf_quantity quantity, double span, int most)
{
	double least = span / most;

	if (quantity == PF_QUANTITY_BYTES || quantity == PF_QUANTITY_BYTES_PER_HOUR)
		return fmax(1, exp2(ceil(log2(least))));
	/* Percent are a hundred to the unit, a power of ten as well: no case of its own. */
	double power = pow(10, floor(log10(least)));

	for (int i = 0; i < 3; i++) {
		static const double steps[] = { 1, 2, 5 };

		if (steps[i] * power >= least * 0.9999)
			return steps[i] * power;
	}
	return 10 * power;
}

static size_t linear_ticks(enum pf_quantity quantity, double from, double to, int most,
			   struct pf_tick *ticks)
{
	double step = nice_step(quantity, to - from, most);
	size_t nr = 0;

	if (quantity == PF_QUANTITY_COUNT)
		step = fmax(step, 1);
	for (double at = ceil(from / step) * step; at <= to * 1.0001 && nr < PF_TICKS_MAX;
	     at += step)
		tick(ticks, &nr, at, nr % 2 == 0, at == 0 ? "0" : pf_human(quantity, at).text);
	return nr;
}

static size_t log_ticks(enum pf_quantity quantity, double from, double to, struct pf_tick *ticks)
{
	static const double fine[] = { 1, 2, 5 };
	double decades = log10(to / from);
	size_t nr = 0, nr_fine = decades > 3 ? 1 : 3;
	/* More than seven decades: every other one has a label, all have a line. */
	int each = decades > 7 ? 2 : 1;

	for (double power = floor(log10(from)); power <= log10(to); power++) {
		for (size_t i = 0; i < nr_fine; i++) {
			double at = fine[i] * pow(10, power);
			bool labelled = ((int)power % each + each) % each == 0;

			if (at < from * 0.9999 || at > to * 1.0001)
				continue;
			tick(ticks, &nr, at, decades > 3 ? (int)power % 3 == 0 : i == 0,
			     labelled ? pf_human(quantity, at).text : "");
		}
	}
	return nr;
}

/* Steps on which people cut time, seconds. */
static const double time_steps[] = {
	1,    2,    5,	   10,	  15,	 30,	60,	120,	300,	 600,	  900,	   1800,
	3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000, 7776000, 31536000,
};

static size_t time_ticks(double from, double to, struct pf_tick *ticks)
{
	double step = time_steps[PF_ARRAY_SIZE(time_steps) - 1];
	size_t nr = 0;

	for (size_t i = 0; i < PF_ARRAY_SIZE(time_steps); i++) {
		if ((to - from) / time_steps[i] <= 9) {
			step = time_steps[i];
			break;
		}
	}
	for (double at = ceil(from / step) * step; at <= to && nr < PF_TICKS_MAX; at += step) {
		time_t seconds = (time_t)at;
		struct tm tm;
		char label[48] = "";
		bool midnight = fmod(at, 86400) == 0;

		if (gmtime_r(&seconds, &tm))
			(void)strftime(label, sizeof(label),
				       midnight	   ? "%e %b"
				       : step < 60 ? "%H:%M:%S"
						   : "%H:%M",
				       &tm);
		tick(ticks, &nr, at, nr % 2 == 0, label[0] == ' ' ? label + 1 : label);
	}
	return nr;
}

/* Few labels have room on any screen. */
static void keep_few(struct pf_tick *ticks, size_t nr)
{
	size_t nr_labels = 0;

	for (size_t i = 0; i < nr; i++)
		nr_labels += *ticks[i].label != '\0';
	for (size_t i = 0; i < nr && nr_labels <= 5; i++)
		ticks[i].major = true;
}

size_t pf_plot_x_ticks(const struct pf_plot *plot, enum pf_quantity quantity,
		       struct pf_tick ticks[PF_TICKS_MAX])
{
	size_t nr;

	if (plot->x_scale == PF_SCALE_TIME)
		nr = time_ticks(plot->x_from, plot->x_to, ticks);
	else if (plot->x_scale == PF_SCALE_LOG)
		nr = log_ticks(quantity, plot->x_from, plot->x_to, ticks);
	else
		nr = linear_ticks(quantity, plot->x_from, plot->x_to, 7, ticks);
	keep_few(ticks, nr);
	return nr;
}

size_t pf_plot_y_ticks(const struct pf_plot *plot, enum pf_quantity quantity,
		       struct pf_tick ticks[PF_TICKS_MAX])
{
	if (plot->y_scale != PF_SCALE_ROOT)
		return linear_ticks(quantity, 0, plot->y_to, 5, ticks);

	static const double shares[] = { 0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1 };
	double last = -1;
	size_t nr = 0;

	for (size_t i = 0; i < PF_ARRAY_SIZE(shares); i++) {
		double place = sqrt(shares[i] / plot->y_to);

		if (place > 1 || place - last < 0.09)
			continue;
		tick(ticks, &nr, shares[i], true, i ? pf_human(quantity, shares[i]).text : "0");
		last = place;
	}
	return nr;
}

struct pf_human pf_plot_x_text(const struct pf_svg_chart *chart, double x)
{
	if (chart->x_scale == PF_SCALE_TIME)
		return pf_human_time(isfinite(x) && x >= 0 && x < 1.8e10 ? (uint64_t)(x * 1e9)
									 : PF_UNKNOWN);
	return pf_human(chart->x_quantity, x);
}
