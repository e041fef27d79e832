// SPDX-License-Identifier: Apache-2.0
/*
 * The drawing. Two SVG elements lie in one another: the outer one has no viewBox, so that text
 * keeps its size at any width and is placed in percent; the inner one is stretched to the width and
 * holds the shapes, whose strokes do not scale.
 */
#include <math.h>

#include "report/html.h"
#include "report/svg_plot.h"

static const char *const classes[PF_NR_ROLES] = {
	[PF_ROLE_USE] = "r-use",	 [PF_ROLE_PEAK] = "r-peak",
	[PF_ROLE_REQUEST] = "r-request", [PF_ROLE_LIMIT] = "r-limit",
	[PF_ROLE_ADVISED] = "r-advised", [PF_ROLE_QUOTA] = "r-quota",
	[PF_ROLE_CONTENTION] = "r-cont", [PF_ROLE_ANON] = "r-anon",
	[PF_ROLE_SHMEM] = "r-shmem",	 [PF_ROLE_FILE] = "r-file",
	[PF_ROLE_SLAB] = "r-slab",	 [PF_ROLE_SOCK] = "r-sock",
	[PF_ROLE_TABLES] = "r-tables",	 [PF_ROLE_FORECAST] = "r-forecast",
	[PF_ROLE_EVENT] = "r-event",	 [PF_ROLE_OTHER] = "r-other",
};

const char *pf_svg_class(enum pf_svg_role role)
{
	return role < PF_NR_ROLES ? classes[role] : classes[PF_ROLE_OTHER];
}

/* Paths: a tenth of a stretched unit is finer than a pixel. The buffer keeps errors, in all of
 * this file. */
static void place(struct pf_buf *buf, char command, double x, double y)
{
	(void)pf_buf_addf(buf, "%c%.4g %.4g", command, x, y);
}

/* ---- shapes ---- */

/*
 * A line of many points is drawn column by column, lowest and highest value of each in their order,
 * so that no peak is lost.
 */
struct pen {
	struct pf_buf *buf;
	double gap_x;
	const struct pf_plot *plot;
	double last_x;
	bool down; /* the path goes on */
};

static void draw_to(struct pen *pen, const struct pf_svg_point *p)
{
	bool far = pen->gap_x > 0 && p->x - pen->last_x > pen->gap_x;
	double x = pf_plot_x(pen->plot, p->x), y = pf_plot_y(pen->plot, p->y);

	if (!pen->down || far) {
		place(pen->buf, 'M', x, y);
		(void)pf_buf_adds(pen->buf, "h0"); /* a lone point shows as a dot */
	} else {
		place(pen->buf, 'L', x, y);
	}
	pen->down = true;
	pen->last_x = p->x;
}

static void draw_column(struct pen *pen, const struct pf_svg_point *points, size_t nr)
{
	size_t low = nr, high = nr;

	for (size_t i = 0; i < nr; i++) {
		if (!isfinite(points[i].y))
			continue;
		low = low == nr || points[i].y < points[low].y ? i : low;
		high = high == nr || points[i].y > points[high].y ? i : high;
	}
	if (low == nr) {
		pen->down = false;
		return;
	}
	draw_to(pen, &points[PF_MIN(low, high)]);
	if (low != high)
		draw_to(pen, &points[PF_MAX(low, high)]);
}

static void draw_line(struct pf_buf *buf, const struct pf_svg_chart *chart,
		      const struct pf_plot *plot, const struct pf_svg_line *line)
{
	struct pen pen = { .buf = buf, .gap_x = line->whole ? 0 : chart->gap_x, .plot = plot };
	size_t step = (line->nr_points + PF_SVG_COLUMNS - 1) / PF_SVG_COLUMNS;

	pf_html_addf(buf, "<path class=\"line %s\" d=\"", pf_svg_class(line->role));
	for (size_t i = 0; i < line->nr_points; i += step)
		draw_column(&pen, line->points + i, PF_MIN(step, line->nr_points - i));
	(void)pf_buf_adds(buf, "\"/>");
}

/* The closed shape between two edges over points first to end - 1. */
struct edges {
	const double *x, *low, *high;
	double gap_x;
};

static void draw_between(struct pf_buf *buf, const struct pf_plot *plot, const struct edges *e,
			 size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		place(buf, i == first ? 'M' : 'L', pf_plot_x(plot, e->x[i]),
		      pf_plot_y(plot, e->high[i]));
	for (size_t i = end; i-- > first;)
		place(buf, 'L', pf_plot_x(plot, e->x[i]), pf_plot_y(plot, e->low[i]));
	(void)pf_buf_adds(buf, "Z");
}

static bool goes_on(const struct edges *e, size_t i, size_t first)
{
	return isfinite(e->low[i]) && isfinite(e->high[i]) &&
	       (i == first || e->gap_x <= 0 || e->x[i] - e->x[i - 1] <= e->gap_x);
}

static void draw_area(struct pf_buf *buf, const struct pf_plot *plot, const char *kind,
		      enum pf_svg_role role, const struct edges *e, size_t nr)
{
	size_t first = 0;

	pf_html_addf(buf, "<path class=\"%s %s\" d=\"", kind, pf_svg_class(role));
	while (first < nr) {
		size_t end = first;

		while (end < nr && goes_on(e, end, first))
			end++;
		if (end > first)
			draw_between(buf, plot, e, first, end);
		first = PF_MAX(end, first + 1);
	}
	(void)pf_buf_adds(buf, "\"/>");
}

/* Edges of at most PF_SVG_COLUMNS columns: the widest span of each. */
struct columns {
	double x[PF_SVG_COLUMNS], low[PF_SVG_COLUMNS], high[PF_SVG_COLUMNS];
};

static void draw_band(struct pf_buf *buf, const struct pf_svg_chart *chart,
		      const struct pf_plot *plot, const struct pf_svg_band *band)
{
	struct columns c;
	struct edges e = { c.x, c.low, c.high, band->whole ? 0 : chart->gap_x };
	size_t step = (band->nr_ranges + PF_SVG_COLUMNS - 1) / PF_SVG_COLUMNS, nr = 0;

	for (size_t i = 0; i < band->nr_ranges; i += step, nr++) {
		c.x[nr] = band->ranges[i].x;
		c.low[nr] = c.high[nr] = NAN;
		for (size_t j = i; j < PF_MIN(i + step, band->nr_ranges); j++) {
			c.low[nr] = fmin(c.low[nr], band->ranges[j].low);
			c.high[nr] = fmax(c.high[nr], band->ranges[j].high);
		}
	}
	draw_area(buf, plot, "band", band->role, &e, nr);
}

/* Stacked: each area's low edge is the high edge of the one before; an unknown part has no height,
 * an unknown first part is a gap. */
static void draw_stack(struct pf_buf *buf, const struct pf_svg_chart *chart,
		       const struct pf_plot *plot)
{
	struct columns c;
	struct edges e = { c.x, c.low, c.high, chart->gap_x };
	const struct pf_svg_line *first = &chart->areas[0];
	size_t step = (first->nr_points + PF_SVG_COLUMNS - 1) / PF_SVG_COLUMNS, nr = 0;

	for (size_t i = 0; i < first->nr_points; i += step, nr++) {
		c.x[nr] = first->points[i].x;
		c.high[nr] = isfinite(first->points[i].y) ? 0 : NAN;
	}
	for (size_t a = 0; a < PF_MIN(chart->nr_areas, (size_t)PF_SVG_SERIES_MAX); a++) {
		for (size_t k = 0; k < nr; k++) {
			double y = k * step < chart->areas[a].nr_points
					   ? chart->areas[a].points[k * step].y
					   : NAN;

			c.low[k] = c.high[k];
			c.high[k] += isfinite(y) ? y : 0;
		}
		draw_area(buf, plot, "area", chart->areas[a].role, &e, nr);
	}
}

static void draw_bins(struct pf_buf *buf, const struct pf_svg_chart *chart,
		      const struct pf_plot *plot)
{
	size_t nr_parts = chart->part_names[1] ? 2 : 1;

	for (size_t i = 0; i < PF_MIN(chart->nr_bins, (size_t)PF_SVG_BINS_MAX); i++) {
		const struct pf_svg_bin *bin = &chart->bins[i];
		double from = pf_plot_x(plot, bin->from), to = pf_plot_x(plot, bin->to), base = 0;

		for (size_t p = 0; p < nr_parts; p++) {
			if (!(bin->part[p] > 0))
				continue;

			double y = pf_plot_y(plot, base + bin->part[p]);

			/* Something that is there stays visible. */
			double height = fmax(pf_plot_y(plot, base) - y, 0.8);

			pf_html_addf(buf,
				     "<rect class=\"bar %s\" x=\"%.4g\" y=\"%.4g\" width=\"%.4g\" "
				     "height=\"%.4g\"/>",
				     pf_svg_class(chart->part_roles[p]), from + 1, y,
				     fmax(to - from - 2, 1), height);
			base += bin->part[p];
		}
	}
}

/* ---- axes and marks ---- */

static void draw_axes(struct pf_buf *buf, const struct pf_svg_chart *chart,
		      const struct pf_plot *plot)
{
	struct pf_tick ticks[PF_TICKS_MAX];
	size_t nr = pf_plot_y_ticks(plot, chart->y_quantity, ticks);

	(void)pf_buf_adds(buf, "<g aria-hidden=\"true\">");
	for (size_t i = 0; i < nr; i++) {
		double y = pf_plot_y(plot, ticks[i].at);

		pf_html_addf(buf,
			     "<line class=\"grid\" x1=\"0\" x2=\"100%%\" y1=\"%.4g\" y2=\"%.4g\"/>"
			     "<text class=\"tick y\" x=\"-8\" y=\"%.4g\">%s</text>",
			     y, y, y + 4, ticks[i].label);
	}
	nr = pf_plot_x_ticks(plot, chart->x_quantity, ticks);
	for (size_t i = 0; i < nr; i++) {
		double x = pf_plot_percent(plot, ticks[i].at);

		pf_html_addf(
			buf,
			"<line class=\"grid x\" x1=\"%.4g%%\" x2=\"%.4g%%\" y1=\"%d\" y2=\"%d\"/>",
			x, x, PF_PLOT_HEIGHT, PF_PLOT_HEIGHT + 4);
		if (!*ticks[i].label)
			continue;
		(void)pf_buf_adds(buf, ticks[i].major ? "<text class=\"tick x"
						      : "<text class=\"tick x minor");
		pf_html_addf(buf, "\" x=\"%.4g%%\" y=\"%d\">%s</text>", x, PF_PLOT_HEIGHT + 18,
			     ticks[i].label);
	}
	(void)pf_buf_adds(buf, "</g>");
}

static void draw_future(struct pf_buf *buf, const struct pf_svg_chart *chart,
			const struct pf_plot *plot)
{
	if (!isfinite(chart->now_x) || chart->now_x >= plot->x_to)
		return;

	double x = pf_plot_percent(plot, chart->now_x);

	pf_html_addf(buf,
		     "<rect class=\"future\" x=\"%.4g%%\" y=\"0\" width=\"%.4g%%\" height=\"%d\"/>"
		     "<text class=\"lab r-other\" x=\"%.4g%%\" dx=\"5\" y=\"%d\">forecast</text>",
		     x, 100 - x, PF_PLOT_HEIGHT, x, PF_PLOT_HEIGHT - 6);
}

/* Levels, highest first, so that a label can move down when the one above is too near. */
static void draw_levels(struct pf_buf *buf, const struct pf_svg_chart *chart,
			const struct pf_plot *plot)
{
	const struct pf_svg_mark *sorted[PF_SVG_MARKS_MAX];
	size_t nr = 0;
	double free_from = 11;

	for (size_t i = 0; i < PF_MIN(chart->nr_levels, (size_t)PF_SVG_MARKS_MAX); i++) {
		size_t at = nr;

		if (!isfinite(chart->levels[i].at))
			continue;
		for (; at && sorted[at - 1]->at < chart->levels[i].at; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = &chart->levels[i];
		nr++;
	}
	for (size_t i = 0; i < nr; i++) {
		bool above = sorted[i]->at > plot->y_to;
		double y = pf_plot_y(plot, sorted[i]->at);
		double label_y = fmax(above ? 11 : y - 5, free_from);
		const char *class = pf_svg_class(sorted[i]->role);

		if (!above)
			pf_html_addf(buf,
				     "<line class=\"line %s\" x1=\"0\" x2=\"100%%\" y1=\"%.4g\" "
				     "y2=\"%.4g\"/>",
				     class, y, y);
		pf_html_addf(buf, "<text class=\"lab end %s\" x=\"100%%\" dx=\"-4\" y=\"%.4g\">",
			     class, label_y);
		pf_html_addif(buf, above, "\xe2\x86\x91 ");
		pf_html_addf(buf, "%s %s", sorted[i]->name,
			     pf_human(chart->y_quantity, sorted[i]->at).text);
		pf_html_addif(buf, above, ", above this chart");
		(void)pf_buf_adds(buf, "</text>");
		free_from = label_y + PF_LABEL_HEIGHT;
	}
}

static void draw_marks(struct pf_buf *buf, const struct pf_svg_chart *chart,
		       const struct pf_plot *plot)
{
	double label_y = 11;

	for (size_t i = 0; i < PF_MIN(chart->nr_marks, (size_t)PF_SVG_MARKS_MAX); i++) {
		const struct pf_svg_mark *mark = &chart->marks[i];

		if (!isfinite(mark->at))
			continue;

		double x = pf_plot_percent(plot, mark->at);
		bool right = x > 55; /* the label goes where there is room */

		pf_html_addf(buf,
			     "<line class=\"line %s\" x1=\"%.4g%%\" x2=\"%.4g%%\" y1=\"%.4g\" "
			     "y2=\"%d\"/>",
			     pf_svg_class(mark->role), x, x, label_y - 8, PF_PLOT_HEIGHT);
		(void)pf_buf_adds(buf, right ? "<text class=\"lab end " : "<text class=\"lab ");
		pf_html_addf(buf, "%s\" x=\"%.4g%%\" dx=\"%d\" y=\"%.4g\">%s",
			     pf_svg_class(mark->role), x, right ? -5 : 5, label_y, mark->name);
		if (chart->x_scale != PF_SCALE_TIME)
			pf_html_addf(buf, " %s", pf_human(chart->x_quantity, mark->at).text);
		(void)pf_buf_adds(buf, "</text>");
		label_y += label_y < 11 + 3 * PF_LABEL_HEIGHT ? PF_LABEL_HEIGHT : 0;
	}
}

static void draw_dots(struct pf_buf *buf, const struct pf_svg_chart *chart,
		      const struct pf_plot *plot)
{
	for (size_t i = 0; i < PF_MIN(chart->nr_dots, (size_t)PF_SVG_MARKS_MAX); i++) {
		const struct pf_svg_dot *dot = &chart->dots[i];

		if (!isfinite(dot->x) || !isfinite(dot->y))
			continue;

		double x = pf_plot_percent(plot, dot->x), y = pf_plot_y(plot, dot->y);
		bool right = x > 55;

		pf_html_addf(buf, "<circle class=\"dot %s\" cx=\"%.4g%%\" cy=\"%.4g\" r=\"4.5\"/>",
			     pf_svg_class(dot->role), x, y);
		(void)pf_buf_adds(buf, right ? "<text class=\"lab end " : "<text class=\"lab ");
		pf_html_addf(buf, "%s\" x=\"%.4g%%\" dx=\"%d\" y=\"%.4g\">%s %s</text>",
			     pf_svg_class(dot->role), x, right ? -9 : 9, fmax(y - 7, 11), dot->name,
			     pf_human(chart->y_quantity, dot->y).text);
	}
}

/* ---- the figure ---- */

static void draw(struct pf_buf *buf, const struct pf_svg_chart *chart, const struct pf_plot *plot)
{
	pf_html_addf(
		buf,
		"<div class=\"plot\"><svg width=\"100%%\" height=\"%d\" role=\"img\" "
		"aria-labelledby=\"%s-t %s-d\"><title id=\"%s-t\">%s</title><desc id=\"%s-d\">",
		PF_PLOT_HEIGHT, chart->id, chart->id, chart->id, chart->title, chart->id);
	pf_plot_words(buf, chart);
	(void)pf_buf_adds(buf, "</desc>");
	draw_future(buf, chart, plot);
	draw_axes(buf, chart, plot);
	pf_html_addf(buf,
		     "<svg class=\"in\" width=\"100%%\" height=\"%d\" viewBox=\"0 0 %d %d\" "
		     "preserveAspectRatio=\"none\" aria-hidden=\"true\">",
		     PF_PLOT_HEIGHT, PF_PLOT_WIDTH, PF_PLOT_HEIGHT);
	for (size_t i = 0; i < PF_MIN(chart->nr_bands, (size_t)PF_SVG_SERIES_MAX); i++)
		draw_band(buf, chart, plot, &chart->bands[i]);
	if (chart->nr_areas)
		draw_stack(buf, chart, plot);
	draw_bins(buf, chart, plot);
	for (size_t i = 0; i < PF_MIN(chart->nr_lines, (size_t)PF_SVG_SERIES_MAX); i++)
		draw_line(buf, chart, plot, &chart->lines[i]);
	(void)pf_buf_adds(buf, "</svg><g aria-hidden=\"true\">");
	draw_levels(buf, chart, plot);
	draw_marks(buf, chart, plot);
	draw_dots(buf, chart, plot);
	(void)pf_buf_adds(buf, "</g></svg></div>");
	pf_html_addf(buf,
		     "<p class=\"axes\" aria-hidden=\"true\"><span>\xe2\x86\x91 %s</span><span>%s "
		     "\xe2\x86\x92</span></p>\n",
		     chart->y_name, chart->x_name);
}

void pf_svg_chart(struct pf_buf *buf, const struct pf_svg_chart *chart)
{
	struct pf_plot plot;
	bool something = pf_plot_of(chart, &plot);

	pf_html_addf(buf, "<figure class=\"chart\" id=\"%s\"><figcaption><b>%s</b>", chart->id,
		     chart->title);
	if (chart->note && something)
		pf_html_addf(buf, " <span>%s</span>", chart->note);
	(void)pf_buf_adds(buf, "</figcaption>\n");
	if (something) {
		pf_plot_legend(buf, chart);
		draw(buf, chart, &plot);
		pf_plot_table(buf, chart);
	} else {
		pf_html_addf(buf, "<p class=\"empty\">%s</p>", chart->empty);
	}
	(void)pf_buf_adds(buf, "</figure>\n");
}
