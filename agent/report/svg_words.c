// SPDX-License-Identifier: Apache-2.0
/* What a chart says without being seen: description, legend, and its figures as a table. */
#include <math.h>

#include "report/html.h"
#include "report/svg_plot.h"

/* ---- description ---- */

static void say_line(struct pf_buf *buf, const struct pf_svg_chart *chart,
		     const struct pf_svg_line *line)
{
	double low = NAN, high = NAN, newest = NAN;

	for (size_t i = 0; i < line->nr_points; i++) {
		if (!isfinite(line->points[i].y))
			continue;
		low = fmin(low, line->points[i].y);
		high = fmax(high, line->points[i].y);
		newest = line->points[i].y;
	}
	if (isnan(newest)) {
		pf_html_addf(buf, "%s: not measured. ", line->name);
		return;
	}
	pf_html_addf(buf, "%s: %s to %s, at the end %s. ", line->name,
		     pf_human(chart->y_quantity, low).text, pf_human(chart->y_quantity, high).text,
		     pf_human(chart->y_quantity, newest).text);
}

static void say_bins(struct pf_buf *buf, const struct pf_svg_chart *chart)
{
	const struct pf_svg_bin *most = NULL;

	for (size_t i = 0; i < chart->nr_bins; i++)
		if (!most ||
		    chart->bins[i].part[0] + chart->bins[i].part[1] > most->part[0] + most->part[1])
			most = &chart->bins[i];
	if (most)
		pf_html_addf(buf, "Most lies between %s and %s. ",
			     pf_human(chart->x_quantity, most->from).text,
			     pf_human(chart->x_quantity, most->to).text);
}

void pf_plot_words(struct pf_buf *buf, const struct pf_svg_chart *chart)
{
	for (size_t i = 0; i < PF_MIN(chart->nr_lines, (size_t)PF_SVG_SERIES_MAX); i++)
		say_line(buf, chart, &chart->lines[i]);
	for (size_t i = 0; i < PF_MIN(chart->nr_areas, (size_t)PF_SVG_SERIES_MAX); i++)
		say_line(buf, chart, &chart->areas[i]);
	say_bins(buf, chart);
	for (size_t i = 0; i < PF_MIN(chart->nr_levels, (size_t)PF_SVG_MARKS_MAX); i++)
		if (isfinite(chart->levels[i].at))
			pf_html_addf(buf, "%s: %s. ", chart->levels[i].name,
				     pf_human(chart->y_quantity, chart->levels[i].at).text);
	for (size_t i = 0; i < PF_MIN(chart->nr_marks, (size_t)PF_SVG_MARKS_MAX); i++)
		if (isfinite(chart->marks[i].at))
			pf_html_addf(buf, "%s: %s. ", chart->marks[i].name,
				     pf_plot_x_text(chart, chart->marks[i].at).text);
	for (size_t i = 0; i < PF_MIN(chart->nr_dots, (size_t)PF_SVG_MARKS_MAX); i++)
		if (isfinite(chart->dots[i].x) && isfinite(chart->dots[i].y))
			pf_html_addf(buf, "%s: %s at %s. ", chart->dots[i].name,
				     pf_human(chart->y_quantity, chart->dots[i].y).text,
				     pf_plot_x_text(chart, chart->dots[i].x).text);
}

/* ---- legend ---- */

static void key(struct pf_buf *buf, const char *name, enum pf_svg_role role, bool filled)
{
	pf_html_addf(buf,
		     "<li><svg class=\"key\" width=\"22\" height=\"10\" aria-hidden=\"true\">");
	if (filled)
		pf_html_addf(buf, "<rect class=\"bar %s\" x=\"4\" width=\"14\" height=\"10\"/>",
			     pf_svg_class(role));
	else
		pf_html_addf(buf, "<path class=\"line %s\" d=\"M0 5H22\"/>", pf_svg_class(role));
	pf_html_addf(buf, "</svg>%s</li>", name);
}

void pf_plot_legend(struct pf_buf *buf, const struct pf_svg_chart *chart)
{
	size_t nr_parts = !chart->nr_bins ? 0 : chart->part_names[1] ? 2 : 1;

	/* Levels, marks and dots carry their names in the drawing. */
	if (chart->nr_lines + chart->nr_areas + chart->nr_bands + nr_parts == 0)
		return;
	(void)pf_buf_adds(buf, "<ul class=\"legend\">"); /* the buffer keeps its error */
	for (size_t i = 0; i < PF_MIN(chart->nr_lines, (size_t)PF_SVG_SERIES_MAX); i++)
		key(buf, chart->lines[i].name, chart->lines[i].role, false);
	for (size_t i = 0; i < PF_MIN(chart->nr_areas, (size_t)PF_SVG_SERIES_MAX); i++)
		key(buf, chart->areas[i].name, chart->areas[i].role, true);
	for (size_t i = 0; i < PF_MIN(chart->nr_bands, (size_t)PF_SVG_SERIES_MAX); i++)
		key(buf, chart->bands[i].name, chart->bands[i].role, true);
	for (size_t i = 0; i < nr_parts; i++)
		key(buf, chart->part_names[i], chart->part_roles[i], true);
	(void)pf_buf_adds(buf, "</ul>\n");
}

/* ---- table ---- */

/* The points whose x a row of the table is about: of the longest line, area or band. */
struct rows {
	const struct pf_svg_point *points;
	const struct pf_svg_range *ranges;
	size_t nr;
};

static struct rows longest(const struct pf_svg_chart *chart)
{
	struct rows rows = { 0 };

	for (size_t i = 0; i < PF_MIN(chart->nr_lines, (size_t)PF_SVG_SERIES_MAX); i++)
		if (chart->lines[i].nr_points > rows.nr)
			rows = (struct rows){ .points = chart->lines[i].points,
					      .nr = chart->lines[i].nr_points };
	for (size_t i = 0; i < PF_MIN(chart->nr_areas, (size_t)PF_SVG_SERIES_MAX); i++)
		if (chart->areas[i].nr_points > rows.nr)
			rows = (struct rows){ .points = chart->areas[i].points,
					      .nr = chart->areas[i].nr_points };
	for (size_t i = 0; i < PF_MIN(chart->nr_bands, (size_t)PF_SVG_SERIES_MAX); i++)
		if (chart->bands[i].nr_ranges > rows.nr)
			rows = (struct rows){ .ranges = chart->bands[i].ranges,
					      .nr = chart->bands[i].nr_ranges };
	return rows;
}

static void line_cell(struct pf_buf *buf, const struct pf_svg_chart *chart,
		      const struct pf_svg_line *line, double x)
{
	size_t low = 0, high = line->nr_points;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (line->points[middle].x < x)
			low = middle + 1;
		else
			high = middle;
	}
	(void)pf_buf_adds(buf, "<td class=\"num\">");
	pf_html_number(buf, chart->y_quantity,
		       low < line->nr_points && line->points[low].x == x ? line->points[low].y
									 : NAN);
	(void)pf_buf_adds(buf, "</td>");
}

static void band_cell(struct pf_buf *buf, const struct pf_svg_chart *chart,
		      const struct pf_svg_band *band, double x)
{
	(void)pf_buf_adds(buf, "<td class=\"num\">");
	for (size_t i = 0; i < band->nr_ranges; i++) {
		const struct pf_svg_range *range = &band->ranges[i];

		if (range->x != x || !isfinite(range->low) || !isfinite(range->high))
			continue;
		pf_html_addf(buf, "%s</td>",
			     pf_human_range(chart->y_quantity, range->low, range->high).text);
		return;
	}
	pf_html_unknown(buf);
	(void)pf_buf_adds(buf, "</td>");
}

static void column_head(struct pf_buf *buf, const char *name)
{
	pf_html_addf(buf, "<th scope=\"col\" class=\"num\">%s</th>", name);
}

static void table_head(struct pf_buf *buf, const struct pf_svg_chart *chart, const char *what)
{
	pf_html_addf(buf,
		     "<details class=\"data\"><summary>Figures<span class=\"sr\"> of the chart "
		     "%s</span></summary><div class=\"scroll\" tabindex=\"0\" role=\"group\" "
		     "aria-label=\"Figures: %s\"><table><caption>%s</caption><thead><tr>"
		     "<th scope=\"col\">%s</th>",
		     chart->title, chart->title, chart->title, what);
}

static void series_table(struct pf_buf *buf, const struct pf_svg_chart *chart,
			 const struct rows *rows)
{
	size_t nr_lines = PF_MIN(chart->nr_lines, (size_t)PF_SVG_SERIES_MAX);
	size_t nr_areas = PF_MIN(chart->nr_areas, (size_t)PF_SVG_SERIES_MAX);
	size_t nr_bands = PF_MIN(chart->nr_bands, (size_t)PF_SVG_SERIES_MAX);
	size_t step = (rows->nr + PF_SVG_TABLE_ROWS - 1) / PF_SVG_TABLE_ROWS;

	table_head(buf, chart, chart->x_name);
	for (size_t i = 0; i < nr_lines; i++)
		column_head(buf, chart->lines[i].name);
	for (size_t i = 0; i < nr_areas; i++)
		column_head(buf, chart->areas[i].name);
	for (size_t i = 0; i < nr_bands; i++)
		column_head(buf, chart->bands[i].name);
	(void)pf_buf_adds(buf, "</tr></thead><tbody>\n");
	for (size_t r = 0; r < rows->nr; r += step) {
		double x = rows->points ? rows->points[r].x : rows->ranges[r].x;

		pf_html_addf(buf, "<tr><th scope=\"row\">%s</th>", pf_plot_x_text(chart, x).text);
		for (size_t i = 0; i < nr_lines; i++)
			line_cell(buf, chart, &chart->lines[i], x);
		for (size_t i = 0; i < nr_areas; i++)
			line_cell(buf, chart, &chart->areas[i], x);
		for (size_t i = 0; i < nr_bands; i++)
			band_cell(buf, chart, &chart->bands[i], x);
		(void)pf_buf_adds(buf, "</tr>\n");
	}
	(void)pf_buf_adds(buf, "</tbody></table></div>");
	if (step > 1)
		pf_html_addf(buf, "<p class=\"hint\">Every %zu. of %zu points.</p>", step,
			     rows->nr);
	(void)pf_buf_adds(buf, "</details>\n");
}

static void bins_table(struct pf_buf *buf, const struct pf_svg_chart *chart)
{
	size_t nr_parts = chart->part_names[1] ? 2 : 1;

	table_head(buf, chart, chart->x_name);
	for (size_t i = 0; i < nr_parts; i++)
		column_head(buf, chart->part_names[i]);
	(void)pf_buf_adds(buf, "</tr></thead><tbody>\n");
	for (size_t i = 0; i < PF_MIN(chart->nr_bins, (size_t)PF_SVG_BINS_MAX); i++) {
		pf_html_addf(
			buf, "<tr><th scope=\"row\">%s</th>",
			pf_human_range(chart->x_quantity, chart->bins[i].from, chart->bins[i].to)
				.text);
		for (size_t p = 0; p < nr_parts; p++) {
			(void)pf_buf_adds(buf, "<td class=\"num\">");
			pf_html_number(buf, chart->y_quantity, chart->bins[i].part[p]);
			(void)pf_buf_adds(buf, "</td>");
		}
		(void)pf_buf_adds(buf, "</tr>\n");
	}
	(void)pf_buf_adds(buf, "</tbody></table></div></details>\n");
}

void pf_plot_table(struct pf_buf *buf, const struct pf_svg_chart *chart)
{
	struct rows rows = longest(chart);

	if (rows.nr)
		series_table(buf, chart, &rows);
	else if (chart->nr_bins)
		bins_table(buf, chart);
}
