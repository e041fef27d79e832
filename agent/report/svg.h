/* SPDX-License-Identifier: Apache-2.0 */
/*
 * svg.h - charts as inline SVG for the pages of html.h.
 *
 * A chart is a <figure>: heading, one sentence, legend, the drawing, and its figures as a table to
 * fold out. It takes the width it is given without scaling its text, its colours are the
 * stylesheet's variables, lines differ in dash as well as in colour, and <title> and <desc> say
 * in words what is to be seen. Unknown values (NaN) are gaps, never zero.
 *
 * All pointers are borrowed for the call. Times are seconds since 1970.
 */
#ifndef PF_REPORT_SVG_H
#define PF_REPORT_SVG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/hist.h"
#include "report/human.h"

enum {
	PF_SVG_COLUMNS = 500,	/* more points than that are drawn as the extremes of each column */
	PF_SVG_SERIES_MAX = 12, /* lines, areas, bands each; further ones are not drawn */
	PF_SVG_MARKS_MAX = 12,	/* levels and marks each */
	PF_SVG_BINS_MAX = 64,
	PF_SVG_TABLE_ROWS = 48, /* of the text alternative; of more points every n-th is listed */
};

/* What a line stands for: gives colour and dash. */
enum pf_svg_role {
	PF_ROLE_USE,
	PF_ROLE_PEAK,
	PF_ROLE_REQUEST,
	PF_ROLE_LIMIT,
	PF_ROLE_ADVISED,
	PF_ROLE_QUOTA,
	PF_ROLE_CONTENTION,
	PF_ROLE_ANON,
	PF_ROLE_SHMEM,
	PF_ROLE_FILE,
	PF_ROLE_SLAB,
	PF_ROLE_SOCK,
	PF_ROLE_TABLES,
	PF_ROLE_FORECAST,
	PF_ROLE_EVENT,
	PF_ROLE_OTHER,
	PF_NR_ROLES,
};

struct pf_svg_point {
	double x, y;
};

struct pf_svg_line {
	const char *name;
	enum pf_svg_role role;
	const struct pf_svg_point *points; /* x rising */
	size_t nr_points;
	bool whole; /* connected whatever the chart's gap_x says */
};

struct pf_svg_range {
	double x, low, high;
};

struct pf_svg_band {
	const char *name;
	enum pf_svg_role role;
	const struct pf_svg_range *ranges; /* x rising */
	size_t nr_ranges;
	bool whole;
};

/* A level is a horizontal line at a y, a mark a vertical one at an x; NaN: not drawn. */
struct pf_svg_mark {
	const char *name;
	enum pf_svg_role role;
	double at;
};

/* One bar of a distribution; parts are stacked. */
struct pf_svg_bin {
	double from, to;
	double part[2];
};

/* A single measured point with its words. */
struct pf_svg_dot {
	const char *name;
	enum pf_svg_role role;
	double x, y;
};

enum pf_svg_scale {
	PF_SCALE_LINEAR,
	PF_SCALE_TIME, /* x only */
	PF_SCALE_LOG,  /* x only: from the smallest positive value */
	PF_SCALE_ROOT, /* y only: square root, so that small shares show beside large ones */
};

struct pf_svg_chart {
	const char *id;		     /* unique in the page; letters, digits and dashes */
	const char *title;	     /* of the figure */
	const char *note;	     /* a sentence below it; NULL: none */
	const char *empty;	     /* said in place of a drawing when there is nothing to draw */
	const char *x_name, *y_name; /* of the axes */
	enum pf_svg_scale x_scale, y_scale;
	enum pf_quantity x_quantity, y_quantity;
	double x_from, x_to; /* NaN: as the data go */
	double y_to;	     /* NaN: as the data go; y begins at 0 */
	double now_x;	     /* what is right of it is a forecast; NaN: nothing */
	double gap_x;	     /* points further apart are not connected; 0: all are */

	const struct pf_svg_band *bands;
	size_t nr_bands;
	const struct pf_svg_line *areas; /* stacked, first at the bottom; all with the same x */
	size_t nr_areas;
	const struct pf_svg_line *lines;
	size_t nr_lines;
	const struct pf_svg_bin *bins; /* of a distribution */
	size_t nr_bins;
	const char *part_names[2]; /* second NULL: bins have one part */
	enum pf_svg_role part_roles[2];
	const struct pf_svg_mark *levels;
	size_t nr_levels;
	const struct pf_svg_mark *marks;
	size_t nr_marks;
	const struct pf_svg_dot *dots;
	size_t nr_dots;
};

/** pf_svg_chart_clear() - an empty chart with every bound taken from the data. */
void pf_svg_chart_clear(struct pf_svg_chart *chart);

/** pf_svg_chart() - writes the figure. Errors stay in @buf. */
void pf_svg_chart(struct pf_buf *buf, const struct pf_svg_chart *chart);

/** pf_svg_class() - the stylesheet's class of a role. */
const char *pf_svg_class(enum pf_svg_role role);

/* What a bin of a histogram weighs. */
enum pf_svg_weight {
	PF_WEIGHT_SHARE, /* share of all samples, 0 to 1 */
	PF_WEIGHT_TIME,	 /* of a latency layout: ns in bucket a second of @covered_ns */
};

/**
 * pf_svg_bins() - bins of a drawing from up to two histograms of one layout.
 * @counts: of pf_hist_nr_buckets() each; NULL: not measured, part is 0.
 * @nr_zero: samples of exactly 0, which count into the shares but have no bin.
 * @covered_ns: measured time, for PF_WEIGHT_TIME.
 * @bins: PF_SVG_BINS_MAX of them; one, two or four an octave, as wide as the samples spread.
 * Return: number of bins; 0 if there is nothing.
 */
size_t pf_svg_bins(enum pf_hist_layout layout, const float *const counts[2], double nr_zero,
		   enum pf_svg_weight weight, double covered_ns, struct pf_svg_bin *bins);

/* ---- small ones ---- */

/** pf_svg_spark() - a line without axes, as high as a line of text. @title: read out in its place.
 */
void pf_svg_spark(struct pf_buf *buf, const char *title, enum pf_svg_role role,
		  const struct pf_svg_point *points, size_t nr_points);

struct pf_svg_bar {
	const char *name;
	enum pf_svg_role role;
	double value; /* NaN: not known, said so */
	const char *note;
};

/** pf_svg_bars() - horizontal bars on one scale with their values. @title: of the group.
 * @to: end of the scale; NaN: the largest value. */
void pf_svg_bars(struct pf_buf *buf, const char *title, enum pf_quantity quantity, double to,
		 const struct pf_svg_bar *bars, size_t nr_bars);

/** pf_svg_bar() - one small bar with its number, on a scale that ends at @to; NaN: the mark for
 * unknown. */
void pf_svg_bar(struct pf_buf *buf, enum pf_svg_role role, enum pf_quantity quantity, double value,
		double to);

#endif
