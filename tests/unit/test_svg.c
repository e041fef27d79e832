// SPDX-License-Identifier: Apache-2.0
#include "report/svg.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "core/units.h"
#include "report/html.h"
#include "report/svg_plot.h"
#include "unit/check.h"
#include "unit/xml_check.h"

/* ---- scales and ticks ---- */

static void test_places(void)
{
	struct pf_plot plot = {
		.x_scale = PF_SCALE_LOG, .x_from = 10, .x_to = 1000, .y_to = 4, .top = 20
	};

	PF_CHECK_NEAR("log middle", pf_plot_x(&plot, 100), PF_PLOT_WIDTH / 2.0, 1e-9);
	PF_CHECK_NEAR("kept inside", pf_plot_x(&plot, 1e9), PF_PLOT_WIDTH, 1e-9);
	PF_CHECK_NEAR("zero has no logarithm", pf_plot_x(&plot, 0), 0, 1e-9);
	PF_CHECK_NEAR("percent", pf_plot_percent(&plot, 100), 50, 1e-9);
	PF_CHECK_NEAR("bottom", pf_plot_y(&plot, 0), PF_PLOT_HEIGHT, 1e-9);
	PF_CHECK_NEAR("top leaves room", pf_plot_y(&plot, 4), 20, 1e-9);
	plot.y_scale = PF_SCALE_ROOT;
	PF_CHECK_NEAR("a quarter is half way up", pf_plot_y(&plot, 1),
		      PF_PLOT_HEIGHT - (PF_PLOT_HEIGHT - 20) / 2.0, 1e-9);
}

static const struct {
	const char *name;
	enum pf_svg_scale scale;
	enum pf_quantity quantity;
	double from, to;
	const char *first, *last;
} x_cases[] = {
	{ "two decades", PF_SCALE_LOG, PF_QUANTITY_MILLICORES, 150, 4200, "200m", "2 cores" },
	{ "eight decades", PF_SCALE_LOG, PF_QUANTITY_NS, 100, 6e10, "100 ns", "10 s" },
	{ "a day", PF_SCALE_TIME, PF_QUANTITY_COUNT, 1785369600, 1785456000, "30 Jul", "31 Jul" },
	{ "fifteen seconds", PF_SCALE_TIME, PF_QUANTITY_COUNT, 1785420300, 1785420315, "14:05:00",
	  "14:05:14" },
	{ "a year", PF_SCALE_TIME, PF_QUANTITY_COUNT, 1753884300, 1785420300, NULL, NULL },
	{ "linear bytes", PF_SCALE_LINEAR, PF_QUANTITY_BYTES, 0, 1 << 30, "0", "1 GiB" },
};

static void test_ticks(void)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(x_cases); i++) {
		struct pf_plot plot = { .x_scale = x_cases[i].scale,
					.x_from = x_cases[i].from,
					.x_to = x_cases[i].to,
					.y_to = 1 };
		struct pf_tick ticks[PF_TICKS_MAX];
		size_t nr = pf_plot_x_ticks(&plot, x_cases[i].quantity, ticks);

		PF_CHECK(x_cases[i].name, nr >= 2 && nr <= PF_TICKS_MAX);
		for (size_t t = 1; t < nr; t++)
			PF_CHECK(x_cases[i].name, ticks[t].at > ticks[t - 1].at);
		PF_CHECK(x_cases[i].name, ticks[0].at >= x_cases[i].from * 0.999);
		if (!x_cases[i].first)
			continue;
		PF_CHECK_STR(x_cases[i].name, ticks[0].label, x_cases[i].first);
		PF_CHECK_STR(x_cases[i].name, ticks[nr - 1].label, x_cases[i].last);
	}
}

/* Whatever the largest value, the y axis has a few ticks and begins at 0. */
static void test_y_ticks(void)
{
	for (double to = 1e-6; to < 1e16; to *= 3.7) {
		for (int q = PF_QUANTITY_COUNT; q <= PF_QUANTITY_BYTES_PER_HOUR; q++) {
			struct pf_plot plot = { .y_to = to };
			struct pf_tick ticks[PF_TICKS_MAX];
			size_t nr = pf_plot_y_ticks(&plot, (enum pf_quantity)q, ticks);

			PF_CHECK("some", nr >= 1 && nr <= 8);
			PF_CHECK_STR("from zero", ticks[0].label, "0");
			PF_CHECK("inside", ticks[nr - 1].at <= to * 1.001);
		}
	}
}

/* ---- bins ---- */

static void test_bins(void)
{
	float counts[PF_LATENCY_BUCKETS] = { 0 }, more[PF_LATENCY_BUCKETS] = { 0 };
	const float *both[2] = { counts, more };
	const float *none[2] = { NULL, NULL };
	struct pf_svg_bin bins[PF_SVG_BINS_MAX];
	double sum[2] = { 0 };

	PF_CHECK_INT("nothing measured",
		     pf_svg_bins(PF_LAYOUT_LATENCY_NS, none, 0, PF_WEIGHT_SHARE, 0, bins), 0);
	PF_CHECK_INT("nothing seen",
		     pf_svg_bins(PF_LAYOUT_LATENCY_NS, both, 5, PF_WEIGHT_SHARE, 0, bins), 0);
	counts[pf_hist_bucket(PF_LAYOUT_LATENCY_NS, 1000)] = 30;
	counts[pf_hist_bucket(PF_LAYOUT_LATENCY_NS, 50000000)] = 10;
	more[pf_hist_bucket(PF_LAYOUT_LATENCY_NS, 60000)] = 40;

	size_t nr = pf_svg_bins(PF_LAYOUT_LATENCY_NS, both, 20, PF_WEIGHT_SHARE, 0, bins);

	PF_CHECK("within bounds", nr > 2 && nr <= PF_SVG_BINS_MAX);
	for (size_t i = 0; i < nr; i++) {
		PF_CHECK_NEAR("no hole", i ? bins[i].from : bins[0].from,
			      i ? bins[i - 1].to : bins[0].from, 1e-6 * bins[i].to);
		sum[0] += bins[i].part[0];
		sum[1] += bins[i].part[1];
	}
	PF_CHECK_NEAR("share of the first", sum[0], 0.4, 1e-9);
	PF_CHECK_NEAR("share of the second", sum[1], 0.4, 1e-9);

	/* Time: 10 waits of about 50 ms in 2 s are about 250 ms/s. */
	memset(counts, 0, sizeof(counts));
	counts[pf_hist_bucket(PF_LAYOUT_LATENCY_NS, 50000000)] = 10;
	both[1] = NULL;
	nr = pf_svg_bins(PF_LAYOUT_LATENCY_NS, both, 0, PF_WEIGHT_TIME, 2e9, bins);
	sum[0] = 0;
	for (size_t i = 0; i < nr; i++)
		sum[0] += bins[i].part[0];
	PF_CHECK_NEAR("time lost", sum[0], 2.5e8, 0.25 * 2.5e8); /* a bucket's width */
}

/* Every bucket of every layout, alone and with the farthest other one. */
static void test_bins_bounds(void)
{
	static const enum pf_hist_layout layouts[] = { PF_LAYOUT_LATENCY_NS, PF_LAYOUT_MILLICORES };

	for (size_t l = 0; l < 2; l++) {
		size_t nr_buckets = pf_hist_nr_buckets(layouts[l]);

		for (size_t i = 0; i < nr_buckets; i++) {
			float counts[PF_HIST_BUCKETS_MAX] = { 0 };
			const float *both[2] = { counts, NULL };
			struct pf_svg_bin bins[PF_SVG_BINS_MAX];
			double sum = 0;

			counts[i] = 3;
			counts[nr_buckets - 1] += 1;
			counts[0] += 1;

			size_t nr = pf_svg_bins(layouts[l], both, 0, PF_WEIGHT_SHARE, 0, bins);

			PF_CHECK("bounded", nr >= 1 && nr <= PF_SVG_BINS_MAX);
			for (size_t b = 0; b < nr; b++)
				sum += bins[b].part[0];
			PF_CHECK_NEAR("nothing is lost", sum, 1, 1e-6);
		}
	}
}

/* ---- charts ---- */

static struct pf_svg_chart chart_of(const char *title)
{
	struct pf_svg_chart chart;

	pf_svg_chart_clear(&chart);
	chart.id = "c";
	chart.title = title;
	chart.empty = "nothing <yet>";
	chart.x_name = "x";
	chart.y_name = "y";
	chart.y_quantity = PF_QUANTITY_BYTES;
	return chart;
}

static void test_empty(void)
{
	struct pf_svg_point unknown[] = { { 1, NAN }, { 2, NAN } };
	struct pf_svg_line line = { "use", PF_ROLE_USE, unknown, 2, false };
	struct pf_svg_chart chart = chart_of("T");
	PF_AUTO(pf_buf_done) struct pf_buf buf;

	chart.lines = &line;
	chart.nr_lines = 1;
	pf_buf_init(&buf, 65536);
	pf_svg_chart(&buf, &chart);
	PF_CHECK("says so", strstr(buf.data, "nothing &lt;yet&gt;"));
	PF_CHECK("draws nothing", !strstr(buf.data, "<svg"));
	PF_CHECK_STR("well-formed", xml_fault(buf.data, buf.len), NULL);
}

/* Path of the only line in what was written. */
static const char *path_of(const struct pf_buf *buf, char *out, size_t size)
{
	static const char head[] = "<path class=\"line r-use\" d=\"", sign[] = "M0 5H22";
	const char *at = strstr(buf->data, head);

	/* The legend's sign comes first and has a path of its own. */
	while (at && !strncmp(at + strlen(head), sign, strlen(sign)))
		at = strstr(at + 1, head);
	if (!at)
		return NULL;
	at += strlen(head);
	(void)snprintf(out, size, "%.*s", (int)strcspn(at, "\""), at);
	return out;
}

static void test_gaps(void)
{
	/* An unknown value and a long silence both break the line; a lone point stays visible. */
	struct pf_svg_point points[] = { { 0, 0 },   { 10, 100 }, { 20, NAN },
					 { 30, 50 }, { 90, 50 },  { 100, 100 } };
	struct pf_svg_line line = { "use", PF_ROLE_USE, points, PF_ARRAY_SIZE(points), false };
	struct pf_svg_chart chart = chart_of("T");
	PF_AUTO(pf_buf_done) struct pf_buf buf;
	char path[200];

	chart.lines = &line;
	chart.nr_lines = 1;
	chart.y_to = 100;
	chart.gap_x = 25;
	pf_buf_init(&buf, 65536);
	pf_svg_chart(&buf, &chart);
	PF_CHECK_STR("broken twice", path_of(&buf, path, sizeof(path)),
		     "M0 220h0L100 0M300 110h0M900 110h0L1000 0");
	line.whole = true;
	pf_buf_reset(&buf);
	pf_svg_chart(&buf, &chart);
	PF_CHECK_STR("only the unknown one", path_of(&buf, path, sizeof(path)),
		     "M0 220h0L100 0M300 110h0L900 110L1000 0");
	PF_CHECK("the unknown value is told as such", strstr(buf.data, "not known"));
	PF_CHECK("well-formed", !xml_fault(buf.data, buf.len));
}

/* Of a long line no peak is lost, and what is written stays bounded. */
static void test_long(void)
{
	enum { NR = 200000 };
	PF_AUTO(pf_freep) struct pf_svg_point *points = calloc(NR, sizeof(*points));
	struct pf_svg_line line = { "use", PF_ROLE_USE, points, NR, false };
	struct pf_svg_chart chart = chart_of("T");
	PF_AUTO(pf_buf_done) struct pf_buf buf;

	if (!points)
		return;
	for (size_t i = 0; i < NR; i++)
		points[i] = (struct pf_svg_point){ (double)i, 10 };
	points[123457].y = 100;
	chart.lines = &line;
	chart.nr_lines = 1;
	chart.y_to = 100;
	pf_buf_init(&buf, 1 << 20);
	pf_svg_chart(&buf, &chart);
	PF_CHECK_INT("fits", buf.err, 0);
	PF_CHECK("short", buf.len < 40000);
	PF_CHECK("the one peak is drawn", strstr(buf.data, "L617.3 0"));
	PF_CHECK("every n-th is listed", strstr(buf.data, "of 200000 points"));
}

static void test_levels(void)
{
	struct pf_svg_point points[] = { { 0, 100 }, { 10, 120 } };
	struct pf_svg_line line = { "use", PF_ROLE_USE, points, 2, false };
	struct pf_svg_mark levels[] = { { "request", PF_ROLE_REQUEST, 110 },
					{ "limit", PF_ROLE_LIMIT, 1 << 20 },
					{ "unset", PF_ROLE_LIMIT, NAN } };
	struct pf_svg_chart chart = chart_of("T");
	PF_AUTO(pf_buf_done) struct pf_buf buf;

	chart.lines = &line;
	chart.nr_lines = 1;
	chart.levels = levels;
	chart.nr_levels = 3;
	pf_buf_init(&buf, 65536);
	pf_svg_chart(&buf, &chart);
	PF_CHECK("in sight", strstr(buf.data, ">request 110 B</text>"));
	PF_CHECK("far away is said, and does not flatten the data",
		 strstr(buf.data, "limit 1 MiB, above this chart"));
	PF_CHECK("not set is not there", !strstr(buf.data, "unset"));
	PF_CHECK("description",
		 strstr(buf.data,
			"use: 100 B to 120 B, at the end 120 B. request: 110 B. limit: 1 MiB."));
	PF_CHECK("well-formed", !xml_fault(buf.data, buf.len));
}

static void test_small(void)
{
	struct pf_svg_bar bars[] = { { "requested", PF_ROLE_REQUEST, 50, NULL },
				     { "<used>", PF_ROLE_USE, NAN, "a & b" } };
	PF_AUTO(pf_buf_done) struct pf_buf buf;

	pf_buf_init(&buf, 65536);
	pf_svg_bars(&buf, "CPU", PF_QUANTITY_MILLICORES, 100, bars, 2);
	PF_CHECK("half", strstr(buf.data, "<rect class=\"bar r-request\" width=\"50%\""));
	PF_CHECK("unknown has no bar", !strstr(buf.data, "bar r-use"));
	PF_CHECK("unknown is said", strstr(buf.data, "not known"));
	PF_CHECK_STR("well-formed", xml_fault(buf.data, buf.len), NULL);
	pf_buf_reset(&buf);
	pf_svg_spark(&buf, "t", PF_ROLE_USE, NULL, 0);
	PF_CHECK("no sparkline of nothing",
		 !strstr(buf.data, "<svg") && strstr(buf.data, "not known"));
	pf_buf_reset(&buf);
	pf_svg_bar(&buf, PF_ROLE_USE, PF_QUANTITY_BYTES, 3, 0);
	PF_CHECK_STR("a scale of nothing", xml_fault(buf.data, buf.len), NULL);
}

PF_TEST_SUITE(svg, { "places", test_places }, { "ticks", test_ticks }, { "y ticks", test_y_ticks },
	      { "bins", test_bins }, { "bins, every bucket", test_bins_bounds },
	      { "empty", test_empty }, { "gaps", test_gaps }, { "long", test_long },
	      { "levels", test_levels }, { "small", test_small });
