// SPDX-License-Identifier: Apache-2.0
/* CPU: limit curve, use over time, distribution of demand. Waiting: where time was lost. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "core/types.h"
#include "core/units.h"
#include "report/page_workload_parts.h"

/* The buffer keeps its first error, in all of this file. */

/* ---- lines of the history ---- */

size_t pf_part_nr(const struct pf_part *part)
{
	return PF_MIN(part->view->nr_hours, (size_t)PF_VIEW_HOURS_MAX);
}

const struct pf_view_hour *pf_part_hour(const struct pf_part *part, size_t i)
{
	return &part->view->hours[part->view->nr_hours - pf_part_nr(part) + i];
}

static double peak_of(uint64_t value)
{
	return value == PF_UNKNOWN ? NAN : (double)value;
}

void pf_view_hour_of(const struct pf_hour_point *point, struct pf_view_hour *ret_hour)
{
	uint64_t *kinds = (uint64_t *)&ret_hour->memory;

	*ret_hour = (struct pf_view_hour){
		.start_unix_ns = point->hour * PF_NS_PER_HOUR,
		.length_ns = PF_NS_PER_HOUR,
		.usage_mean_millicores = pf_hour_mean(&point->usage_ns) * 1000,
		.demand_p99_millicores = peak_of(point->demand_p99_millicores),
		.demand_peak_millicores = peak_of(point->demand_peak_millicores),
		.throttled_ratio = pf_hour_throttled_ratio(point),
		.memory_peak_bytes = peak_of(point->memory_peak_bytes),
		.hot_peak_bytes = peak_of(point->hot_peak_bytes),
		.memory = point->kinds,
		.oom_kills = point->oom_kills,
		.restarts = point->restarts,
	};
	/* Of one instance, as everything that is drawn. */
	for (size_t i = 0; i < PF_MEMORY_NR_KINDS; i++)
		if (kinds[i] != PF_UNKNOWN && point->nr_kinds)
			kinds[i] /= point->nr_kinds;
}

static double hour_x(const struct pf_view_hour *hour, double place)
{
	return ((double)hour->start_unix_ns + place * (double)hour->length_ns) / 1e9;
}

struct pf_svg_point *pf_part_line(const struct pf_part *part, size_t offset, double place)
{
	size_t nr = pf_part_nr(part);
	struct pf_svg_point *points = nr ? calloc(nr, sizeof(*points)) : NULL;

	if (!points) {
		if (nr && !part->buf->err)
			part->buf->err = -ENOMEM;
		return NULL;
	}
	for (size_t i = 0; i < nr; i++) {
		const struct pf_view_hour *hour = pf_part_hour(part, i);

		points[i].x = hour_x(hour, place);
		memcpy(&points[i].y, (const char *)hour + offset, sizeof(double));
	}
	return points;
}

void pf_part_time(const struct pf_part *part, struct pf_svg_chart *ret_chart)
{
	size_t nr = pf_part_nr(part);

	pf_svg_chart_clear(ret_chart);
	ret_chart->x_scale = PF_SCALE_TIME;
	ret_chart->x_name = "time, UTC";
	ret_chart->empty = "Less than two hours were measured so far: there is no course of time "
			   "to draw yet.";
	/* The newest hour is not over, so its length says nothing. */
	for (size_t i = 0; i < nr; i++)
		ret_chart->gap_x = fmax(ret_chart->gap_x,
					2.5 * (double)pf_part_hour(part, i)->length_ns / 1e9);
}

static const struct pf_resources *present_of(const struct pf_part *part)
{
	static const struct pf_resources unknown = { PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN,
						     PF_UNKNOWN };

	return part->view->row.present ? part->view->row.present : &unknown;
}

/* ---- CPU ---- */

/* From mean use up to the 99th percentile of demand. Return: to be freed; NULL: no history. */
static struct pf_svg_range *cpu_band(const struct pf_part *part, const struct pf_svg_point *mean,
				     const struct pf_svg_point *p99)
{
	size_t nr = pf_part_nr(part);
	struct pf_svg_range *ranges = mean && p99 ? calloc(nr, sizeof(*ranges)) : NULL;

	if (mean && p99 && !ranges)
		part->buf->err = part->buf->err ? part->buf->err : -ENOMEM;
	for (size_t i = 0; ranges && i < nr; i++)
		ranges[i] =
			(struct pf_svg_range){ mean[i].x, mean[i].y, fmax(mean[i].y, p99[i].y) };
	return ranges;
}

static void cpu_over_time(const struct pf_part *part)
{
	PF_AUTO(pf_freep)
	struct pf_svg_point *mean = PF_PART_LINE(part, usage_mean_millicores, 0.5);
	PF_AUTO(pf_freep) struct pf_svg_point *p99 = PF_PART_LINE(part, demand_p99_millicores, 0.5);
	PF_AUTO(pf_freep)
	struct pf_svg_point *peak = PF_PART_LINE(part, demand_peak_millicores, 0.5);
	PF_AUTO(pf_freep) struct pf_svg_range *ranges = cpu_band(part, mean, p99);
	const struct pf_resources *now = present_of(part);
	size_t nr = pf_part_nr(part);
	const struct pf_svg_line lines[] = {
		{ "use, mean of the hour", PF_ROLE_USE, mean, mean ? nr : 0 },
		{ "demand, highest 100 ms", PF_ROLE_OTHER, peak, peak ? nr : 0 },
	};
	const struct pf_svg_band band = { "up to demand's 99th percentile", PF_ROLE_USE, ranges,
					  ranges ? nr : 0 };
	const struct pf_svg_mark levels[] = {
		{ "request", PF_ROLE_REQUEST, pf_part_amount(now->cpu_request_millicores) },
		{ "limit", PF_ROLE_LIMIT, pf_part_amount(now->cpu_limit_millicores) },
	};
	struct pf_human id = pf_part_id(part, "cpu-time");
	struct pf_svg_chart chart;

	pf_part_time(part, &chart);
	chart.id = id.text;
	chart.title = "CPU over time";
	chart.note = "Of one instance: means over the instances, peaks of the highest. Demand is "
		     "what it would have used without its quota.";
	chart.y_name = "CPU";
	chart.y_quantity = PF_QUANTITY_MILLICORES;
	chart.lines = lines;
	chart.nr_lines = PF_ARRAY_SIZE(lines);
	chart.bands = &band;
	chart.nr_bands = 1;
	chart.levels = levels;
	chart.nr_levels = PF_ARRAY_SIZE(levels);
	pf_svg_chart(part->buf, &chart);
}

/* Points of the curve without or with one burst setting. Return: their number. */
static size_t curve_points(const struct pf_recommendation *rec, bool burst,
			   struct pf_svg_point *points)
{
	size_t nr = 0;

	for (size_t i = 0; i < rec->nr_curve; i++)
		if ((rec->curve[i].burst_us != PF_UNKNOWN) == burst)
			points[nr++] =
				(struct pf_svg_point){ (double)rec->curve[i].limit_millicores,
						       rec->curve[i].throttled_ratio };
	return nr;
}

static void limit_curve(const struct pf_part *part)
{
	const struct pf_recommendation *rec = part->view->row.rec;
	const struct pf_resources *now = present_of(part);
	size_t nr_curve = rec ? rec->nr_curve : 0;
	PF_AUTO(pf_freep) struct pf_svg_point *points = calloc(2 * nr_curve + 1, sizeof(*points));
	double limit = pf_part_amount(now->cpu_limit_millicores);

	if (!points) {
		part->buf->err = part->buf->err ? part->buf->err : -ENOMEM;
		return;
	}

	size_t nr_plain = nr_curve ? curve_points(rec, false, points) : 0;
	size_t nr_burst = nr_curve ? curve_points(rec, true, points + nr_plain) : 0;
	const struct pf_svg_line lines[] = {
		{ "predicted share of periods throttled", PF_ROLE_QUOTA, points, nr_plain },
		{ "with CFS burst", PF_ROLE_EVENT, points + nr_plain, nr_burst },
	};
	const struct pf_svg_mark marks[] = {
		{ "limit now", PF_ROLE_LIMIT, limit },
		{ "advised", PF_ROLE_ADVISED,
		  part->result ? pf_part_amount(part->result->cpu.limit) : NAN },
	};
	const struct pf_svg_dot dot = { "measured", PF_ROLE_LIMIT, limit,
					rec ? rec->evidence.throttled_ratio : NAN };
	struct pf_human id = pf_part_id(part, "curve");
	struct pf_svg_chart chart;

	pf_svg_chart_clear(&chart);
	chart.id = id.text;
	chart.title = "What another CPU limit would do";
	chart.note =
		"Share of CFS periods that would be throttled under each limit, predicted from "
		"100 ms windows counted in the kernel; the ring is what was measured. The "
		"vertical scale is a square root, so that small shares show.";
	chart.empty = "No limit curve: the 100 ms windows it is predicted from were not measured.";
	chart.x_name = "CPU limit";
	chart.y_name = "periods throttled";
	chart.x_scale = PF_SCALE_LOG;
	chart.y_scale = PF_SCALE_ROOT;
	chart.x_quantity = PF_QUANTITY_MILLICORES;
	chart.y_quantity = PF_QUANTITY_RATIO;
	chart.lines = lines;
	chart.nr_lines = nr_burst ? 2 : 1;
	chart.marks = nr_plain ? marks : NULL;
	chart.nr_marks = nr_plain ? PF_ARRAY_SIZE(marks) : 0;
	chart.dots = &dot;
	chart.nr_dots = nr_plain ? 1 : 0;
	pf_svg_chart(part->buf, &chart);
}

/* NaN without windows. */
static double idle_share(const struct pf_view_hist *hist)
{
	double total = hist->nr_zero;

	for (size_t i = 0; hist->counts && i < PF_MILLICORES_BUCKETS; i++)
		total += hist->counts[i];
	return total > 0 ? hist->nr_zero / total : NAN;
}

static void demand_distribution(const struct pf_part *part)
{
	const struct pf_view_hist *demand = &part->view->hists[PF_HIST_DEMAND];
	const struct pf_view_hist *usage = &part->view->hists[PF_HIST_USAGE];
	const struct pf_view_hist *shown = demand->counts ? demand : usage;
	const float *counts[2] = { shown->counts, NULL };
	const struct pf_resources *now = present_of(part);
	struct pf_svg_bin bins[PF_SVG_BINS_MAX];
	const struct pf_svg_mark marks[] = {
		{ "request", PF_ROLE_REQUEST, pf_part_amount(now->cpu_request_millicores) },
		{ "advised", PF_ROLE_ADVISED,
		  part->result ? pf_part_amount(part->result->cpu.target) : NAN },
		{ "limit", PF_ROLE_LIMIT, pf_part_amount(now->cpu_limit_millicores) },
	};
	struct pf_human id = pf_part_id(part, "demand");
	char note[160];
	struct pf_svg_chart chart;

	pf_svg_chart_clear(&chart);
	chart.nr_bins = shown->counts ? pf_svg_bins(PF_LAYOUT_MILLICORES, counts, shown->nr_zero,
						    PF_WEIGHT_SHARE, 0, bins)
				      : 0;
	(void)snprintf(note, sizeof(note),
		       "Share of 100 ms windows by how much CPU they %s; %s were idle.",
		       demand->counts ? "demanded" : "used",
		       pf_human(PF_QUANTITY_RATIO, idle_share(shown)).text);
	chart.id = id.text;
	chart.title = demand->counts ? "CPU demand, 100 ms at a time" : "CPU use, 100 ms at a time";
	chart.note = note;
	chart.empty =
		shown->counts ? "Every window was idle." : "The 100 ms windows were not measured.";
	chart.x_name = "CPU in a window";
	chart.y_name = "share of windows";
	chart.x_scale = PF_SCALE_LOG;
	chart.x_quantity = PF_QUANTITY_MILLICORES;
	chart.y_quantity = PF_QUANTITY_RATIO;
	chart.bins = bins;
	chart.part_names[0] = demand->counts ? "demand" : "use";
	chart.part_roles[0] = PF_ROLE_USE;
	chart.marks = marks;
	chart.nr_marks = PF_ARRAY_SIZE(marks);
	pf_svg_chart(part->buf, &chart);
}

static void cpu_facts(const struct pf_part *part)
{
	const struct pf_evidence_summary *e =
		part->view->row.rec ? &part->view->row.rec->evidence : NULL;
	const struct pf_part_fact facts[] = {
		{ "Mean use", PF_QUANTITY_MILLICORES, e ? e->usage_mean_millicores : NAN },
		{ "Demand, median", PF_QUANTITY_MILLICORES, e ? e->demand_p50_millicores : NAN },
		{ "Demand, p99", PF_QUANTITY_MILLICORES, e ? e->demand_p99_millicores : NAN },
		{ "Demand, peak", PF_QUANTITY_MILLICORES, e ? e->demand_peak_millicores : NAN },
		{ "Use of the request", PF_QUANTITY_RATIO, e ? e->cpu_utilization : NAN },
		{ "Periods throttled", PF_QUANTITY_RATIO, e ? e->throttled_ratio : NAN },
	};

	pf_part_facts(part, facts, PF_ARRAY_SIZE(facts));
}

void pf_part_cpu(const struct pf_part *part)
{
	pf_html_section(part->buf, part->level, pf_part_id(part, "cpu").text, "CPU");
	cpu_facts(part);
	(void)pf_buf_adds(part->buf, "<div class=\"two\">\n");
	limit_curve(part);
	demand_distribution(part);
	(void)pf_buf_adds(part->buf, "</div>\n");
	cpu_over_time(part);
	(void)pf_buf_adds(part->buf, "</section>\n");
}

/* ---- waiting ---- */

/* The value below which the share @q of two histograms' samples lies, interpolated in its bucket.
 * NaN without samples. */
static double quantile(enum pf_hist_layout layout, const float *const counts[2], double q)
{
	size_t nr = pf_hist_nr_buckets(layout);
	double total = 0, seen = 0;

	for (size_t p = 0; p < 2; p++)
		for (size_t i = 0; counts[p] && i < nr; i++)
			total += (double)counts[p][i];
	if (!(total > 0))
		return NAN;
	for (size_t i = 0; i < nr; i++) {
		double here = (counts[0] ? (double)counts[0][i] : 0) +
			      (counts[1] ? (double)counts[1][i] : 0);
		double low = i ? (double)pf_hist_edge(layout, i - 1) : 0;

		if (here > 0 && seen + here >= q * total)
			return low + ((double)pf_hist_edge(layout, i) - low) *
					     fmax(0, q * total - seen) / here;
		seen += here;
	}
	return (double)pf_hist_edge(layout, nr - 1);
}

static void run_queue(const struct pf_part *part)
{
	const float *counts[2] = { part->view->hists[PF_HIST_QUOTA_WAIT].counts,
				   part->view->hists[PF_HIST_CONTENTION_WAIT].counts };
	struct pf_svg_bin bins[PF_SVG_BINS_MAX];
	struct pf_human id = pf_part_id(part, "runq");
	char note[240];
	struct pf_svg_chart chart;
	const struct pf_svg_mark marks[] = {
		{ "median", PF_ROLE_EVENT, quantile(PF_LAYOUT_LATENCY_NS, counts, 0.5) },
		{ "p99", PF_ROLE_EVENT, quantile(PF_LAYOUT_LATENCY_NS, counts, 0.99) },
	};

	pf_svg_chart_clear(&chart);
	chart.nr_bins = pf_svg_bins(PF_LAYOUT_LATENCY_NS, counts, 0, PF_WEIGHT_TIME,
				    part->view->covered_ns, bins);
	(void)snprintf(
		note, sizeof(note),
		"Time a second of one instance's life, by the length of the wait. Own quota: "
		"it was throttled; contention: others had the CPU.");
	chart.id = id.text;
	chart.title = "Waiting for a CPU";
	chart.note = note;
	chart.empty =
		counts[0] || counts[1] ? "No task waited." : "Run-queue latency was not measured.";
	chart.x_name = "length of a wait";
	chart.y_name = "time lost";
	chart.x_scale = PF_SCALE_LOG;
	chart.x_quantity = PF_QUANTITY_NS;
	chart.y_quantity = PF_QUANTITY_NS_PER_S;
	chart.bins = bins;
	chart.part_names[0] = "own quota";
	chart.part_names[1] = "contention";
	chart.part_roles[0] = PF_ROLE_QUOTA;
	chart.part_roles[1] = PF_ROLE_CONTENTION;
	chart.marks = marks;
	chart.nr_marks = PF_ARRAY_SIZE(marks);
	pf_svg_chart(part->buf, &chart);
}

static void stalls(const struct pf_part *part, enum pf_sample_hist which, const char *name,
		   const char *title, const char *note, enum pf_svg_role role)
{
	const float *counts[2] = { part->view->hists[which].counts, NULL };
	struct pf_svg_bin bins[PF_SVG_BINS_MAX];
	struct pf_human id = pf_part_id(part, name);
	struct pf_svg_chart chart;

	if (!counts[0])
		return;
	pf_svg_chart_clear(&chart);
	chart.nr_bins = pf_svg_bins(PF_LAYOUT_LATENCY_NS, counts, 0, PF_WEIGHT_TIME,
				    part->view->covered_ns, bins);

	const struct pf_svg_mark mark = { "p99", PF_ROLE_EVENT,
					  quantile(PF_LAYOUT_LATENCY_NS, counts, 0.99) };

	chart.id = id.text;
	chart.title = title;
	chart.note = note;
	chart.empty = "There were none.";
	chart.x_name = "length of one";
	chart.y_name = "time lost";
	chart.x_scale = PF_SCALE_LOG;
	chart.x_quantity = PF_QUANTITY_NS;
	chart.y_quantity = PF_QUANTITY_NS_PER_S;
	chart.bins = bins;
	chart.part_names[0] = "time lost";
	chart.part_roles[0] = role;
	chart.marks = &mark;
	chart.nr_marks = 1;
	pf_svg_chart(part->buf, &chart);
}

void pf_part_waiting(const struct pf_part *part)
{
	pf_html_section(part->buf, part->level, pf_part_id(part, "waiting").text, "Waiting");
	(void)pf_buf_adds(part->buf, "<div class=\"two\">\n");
	run_queue(part);
	stalls(part, PF_HIST_THROTTLE_STALL, "stall", "Stalled by its own quota",
	       "Time a second in which the quota held the whole group still on a CPU, by the length "
	       "of the stall.",
	       PF_ROLE_QUOTA);
	stalls(part, PF_HIST_RECLAIM_STALL, "reclaim", "Stalled for memory",
	       "Time a second spent in direct reclaim, by the length of the stall.",
	       PF_ROLE_TABLES);
	stalls(part, PF_HIST_BLOCK_IO, "blkio", "Block I/O",
	       "Time a second with a block request under way, by its latency.", PF_ROLE_USE);
	(void)pf_buf_adds(part->buf, "</div></section>\n");
}
