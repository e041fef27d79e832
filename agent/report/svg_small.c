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

/* Which histogram, and how finely it is cut. */
struct cut {
	enum pf_hist_layout layout;
	enum pf_svg_weight weight;
	int an_octave; /* bins of an octave */
	double first;  /* index of the first bin, counted from the value 1 */
	size_t nr;
};

/* Lower and upper edge of a bucket; the lowest reaches down to 0, which has no place on a
 * logarithmic axis. */
static void edges_of(enum pf_hist_layout layout, size_t bucket, double *ret_low, double *ret_high)
{
	double high = (double)pf_hist_edge(layout, bucket);

	*ret_low = bucket ? (double)pf_hist_edge(layout, bucket - 1) : high / 2;
	*ret_high = high;
}

/* What a decaying histogram has all but forgotten does not stretch the axis. */
static bool in_use(float count, double total)
{
	return count > 0 && (double)count >= total * 1e-9;
}

static double total_of(size_t nr_buckets, const float *const counts[2])
{
	double total = 0;

	for (size_t p = 0; p < 2; p++)
		for (size_t i = 0; counts[p] && i < nr_buckets; i++)
			total += (double)counts[p][i];
	return total;
}

/* The span of the buckets in use. Return: false if there is none. */
static bool span_of(enum pf_hist_layout layout, const float *const counts[2], double total,
		    double *ret_low, double *ret_high)
{
	double from = INFINITY, to = 0;

	for (size_t p = 0; p < 2; p++) {
		for (size_t i = 0; counts[p] && i < pf_hist_nr_buckets(layout); i++) {
			double low, high;

			if (!in_use(counts[p][i], total))
				continue;
			edges_of(layout, i, &low, &high);
			from = fmin(from, low);
			to = fmax(to, high);
		}
	}
	*ret_low = from;
	*ret_high = to;
	return to > 0;
}

static struct cut cut_of(enum pf_hist_layout layout, enum pf_svg_weight weight, double low,
			 double high)
{
	double octaves = log2(high / low);
	struct cut cut = { layout, weight, octaves <= 6 ? 4 : octaves <= 12 ? 2 : 1, 0, 0 };

	/* An edge that is a bin's edge to the last digit begins or ends that bin. */
	cut.first = floor(log2(low) * cut.an_octave + 1e-9);
	cut.nr = (size_t)(ceil(log2(high) * cut.an_octave - 1e-9) - cut.first);
	cut.nr = PF_MAX(PF_MIN(cut.nr, (size_t)PF_SVG_BINS_MAX), (size_t)1);
	return cut;
}

/* A bucket's samples are taken as even over its width, so each bin gets its part of it. */
static void pour(const struct cut *cut, size_t bucket, double count, size_t part,
		 struct pf_svg_bin *bins)
{
	double low, high;

	edges_of(cut->layout, bucket, &low, &high);
	if (cut->weight == PF_WEIGHT_TIME)
		count *= (low + high) / 2;
	for (size_t i = 0; i < cut->nr; i++) {
		double overlap = fmin(high, bins[i].to) - fmax(low, bins[i].from);

		if (overlap > 0)
			bins[i].part[part] += count * overlap / (high - low);
	}
}

size_t pf_svg_bins(enum pf_hist_layout layout, const float *const counts[2], double nr_zero,
		   enum pf_svg_weight weight, double covered_ns, struct pf_svg_bin *bins)
{
	size_t nr_buckets = pf_hist_nr_buckets(layout);
	double low, high, total = total_of(nr_buckets, counts);

	if (!span_of(layout, counts, total, &low, &high))
		return 0;

	struct cut cut = cut_of(layout, weight, low, high);

	for (size_t i = 0; i < cut.nr; i++)
		bins[i] = (struct pf_svg_bin){
			.from = exp2((cut.first + (double)i) / cut.an_octave),
			.to = exp2((cut.first + (double)i + 1) / cut.an_octave),
		};
	for (size_t p = 0; p < 2; p++) {
		for (size_t i = 0; counts[p] && i < nr_buckets; i++) {
			if (in_use(counts[p][i], total))
				pour(&cut, i, (double)counts[p][i], p, bins);
		}
	}

	double whole = weight == PF_WEIGHT_SHARE ? total + nr_zero : covered_ns / 1e9;

	for (size_t i = 0; i < cut.nr; i++)
		for (size_t p = 0; p < 2; p++)
			bins[i].part[p] = whole > 0 ? bins[i].part[p] / whole : NAN;
	return cut.nr;
}
