// SPDX-License-Identifier: Apache-2.0
/* Sparklines, bars, and bins from histograms. */
#include <math.h>

#include "report/html.h"
#include "report/svg_plot.h"

enum { SPARK_WIDTH = 96, SPARK_HEIGHT = 22, SPARK_COLUMNS = 48 };

/* The highest value of each column; the buffer keeps errors, in all of this file. */
void pf_svg_spark(struct pf_buf *buf, const char *title, enum pf_svg_role role,
		  const struct pf_svg_point *points, size_t nr_points)
{
	size_t step = (nr_points + SPARK_COLUMNS - 1) / SPARK_COLUMNS;
	double high = NAN;
	bool down = false;

	for (size_t i = 0; i < nr_points; i++)
		high = fmax(high, points[i].y);
	if (nr_points < 2 || isnan(high)) {
		pf_html_unknown(buf);
		return;
	}
	if (!(high > 0))
		high = 1;
	pf_html_addf(
		buf,
		"<svg class=\"spark\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\">"
		"<title>%s</title><path class=\"line %s\" d=\"",
		SPARK_WIDTH, SPARK_HEIGHT, SPARK_WIDTH, SPARK_HEIGHT, title, pf_svg_class(role));
	for (size_t i = 0; i < nr_points; i += step) {
		double top = NAN;

		for (size_t j = i; j < PF_MIN(i + step, nr_points); j++)
			top = fmax(top, points[j].y);
		if (isfinite(top))
			(void)pf_buf_addf(
				buf, "%c%.4g %.4g", down ? 'L' : 'M',
				1 + (SPARK_WIDTH - 2) * (double)i / (double)(nr_points - 1),
				SPARK_HEIGHT - 2 - (SPARK_HEIGHT - 4) * fmax(top, 0) / high);
		down = isfinite(top);
	}
	(void)pf_buf_adds(buf, "\"/></svg>");
}

void pf_svg_bars(struct pf_buf *buf, const char *title, enum pf_quantity quantity, double to,
		 const struct pf_svg_bar *bars, size_t nr_bars)
{
	double end = to;

	for (size_t i = 0; !isfinite(to) && i < nr_bars; i++)
		end = fmax(end, bars[i].value);
	pf_html_addf(buf, "<figure class=\"bars\"><figcaption>%s</figcaption><dl>", title);
	for (size_t i = 0; i < nr_bars; i++) {
		const struct pf_svg_bar *bar = &bars[i];

		pf_html_addf(buf, "<div><dt>%s</dt><dd>", bar->name);
		pf_html_addf(
			buf,
			"<svg width=\"100%%\" height=\"14\" aria-hidden=\"true\"><rect class=\"rail\" "
			"width=\"100%%\" height=\"14\" rx=\"2\"/>");
		if (isfinite(bar->value) && end > 0)
			pf_html_addf(
				buf,
				"<rect class=\"bar %s\" width=\"%.4g%%\" height=\"14\" rx=\"2\"/>",
				pf_svg_class(bar->role), 100 * fmin(fmax(bar->value / end, 0), 1));
		(void)pf_buf_adds(buf, "</svg><b>");
		pf_html_number(buf, quantity, bar->value);
		(void)pf_buf_adds(buf, "</b>");
		if (bar->note)
			pf_html_addf(buf, " <span class=\"mut\">%s</span>", bar->note);
		(void)pf_buf_adds(buf, "</dd></div>");
	}
	(void)pf_buf_adds(buf, "</dl></figure>\n");
}

void pf_svg_bar(struct pf_buf *buf, enum pf_svg_role role, enum pf_quantity quantity, double value,
		double to)
{
	if (!isfinite(value)) {
		pf_html_unknown(buf);
		return;
	}
	pf_html_addf(
		buf,
		"<span class=\"share\"><svg width=\"56\" height=\"8\" aria-hidden=\"true\">"
		"<rect class=\"rail\" width=\"56\" height=\"8\" rx=\"2\"/>"
		"<rect class=\"bar %s\" width=\"%.3g\" height=\"8\" rx=\"2\"/></svg> %s</span>",
		pf_svg_class(role), to > 0 ? 56 * fmin(fmax(value / to, 0), 1) : 0,
		pf_human(quantity, value).text);
}

/* ---- bins ---- */

/* Buckets of one octave go to one bin; below the first octave there is one bin for all. */
static size_t octave_of(uint64_t edge)
{
	size_t octave = 0;

	/* An edge of exactly 2^n ends the octave below. */
	while (octave < 63 && (1ull << octave) < edge)
		octave++;
	return octave;
}

size_t pf_svg_bins(enum pf_hist_layout layout, const float *const counts[2], double nr_zero,
		   enum pf_svg_weight weight, double covered_ns, struct pf_svg_bin *bins)
{
	size_t nr_buckets = pf_hist_nr_buckets(layout), first = PF_SVG_BINS_MAX, last = 0;
	double total = nr_zero;

	for (size_t i = 0; i < PF_SVG_BINS_MAX; i++)
		bins[i] = (struct pf_svg_bin){ .from = i ? exp2((double)i - 1) : 0.5,
					       .to = exp2((double)i) };
	for (size_t p = 0; p < 2; p++) {
		for (size_t i = 0; counts[p] && i < nr_buckets; i++) {
			if (!(counts[p][i] > 0))
				continue;

			uint64_t edge = pf_hist_edge(layout, i);
			uint64_t below = i ? pf_hist_edge(layout, i - 1) : 0;
			size_t at = PF_MIN(octave_of(edge), (size_t)PF_SVG_BINS_MAX - 1);
			double value = (double)counts[p][i];

			total += value;
			if (weight == PF_WEIGHT_TIME)
				value *= ((double)edge + (double)below) / 2;
			bins[at].part[p] += value;
			first = PF_MIN(first, at);
			last = PF_MAX(last, at);
		}
	}
	if (first > last)
		return 0;

	double whole = weight == PF_WEIGHT_SHARE ? total : covered_ns / 1e9;

	for (size_t i = first; i <= last; i++) {
		bins[i - first] = bins[i];
		for (size_t p = 0; p < 2; p++)
			bins[i - first].part[p] = whole > 0 ? bins[i - first].part[p] / whole : NAN;
	}
	return last - first + 1;
}
