// SPDX-License-Identifier: Apache-2.0
/* Memory by kind with its trend; a leak with its uncertainty, processes and stacks. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "core/units.h"
#include "report/page_workload_parts.h"

/* The buffer keeps its first error, in all of this file. */

/* ---- memory by kind ---- */

enum { KIND_ANON, KIND_SHMEM, KIND_KERNEL, KIND_TABLES, KIND_SOCK, KIND_CACHE, NR_STACKED };

static double known(uint64_t value)
{
	return value == PF_UNKNOWN ? NAN : (double)value;
}

/* Sum of what is known; NaN if nothing is. */
static double sum_known(const uint64_t *values, size_t nr)
{
	double sum = NAN;

	for (size_t i = 0; i < nr; i++)
		if (values[i] != PF_UNKNOWN)
			sum = (isnan(sum) ? 0 : sum) + (double)values[i];
	return sum;
}

/* The kernel counts shared memory as file memory too; page cache is what is left of it. */
static void split(const struct pf_memory_kinds *m, double ret_parts[NR_STACKED])
{
	const uint64_t kernel[] = { m->slab_unreclaimable, m->slab_reclaimable, m->kernel_stack,
				    m->percpu };

	ret_parts[KIND_ANON] = known(m->anon);
	ret_parts[KIND_SHMEM] = known(m->shmem);
	ret_parts[KIND_KERNEL] = sum_known(kernel, PF_ARRAY_SIZE(kernel));
	ret_parts[KIND_TABLES] = known(m->pagetables);
	ret_parts[KIND_SOCK] = known(m->sock);
	ret_parts[KIND_CACHE] = m->file == PF_UNKNOWN ? NAN
				: m->shmem == PF_UNKNOWN
					? (double)m->file
					: fmax(0, (double)m->file - (double)m->shmem);
}

/* The forecast of a leak: from now at @now_bytes to the limit, and the cone of its interval. */
struct forecast {
	struct pf_svg_point trend[2], line[2];
	struct pf_svg_range cone[2];
	double to_x;
};

static bool forecast_of(const struct pf_part *part, double first_x, struct forecast *ret_forecast)
{
	const struct pf_leak_finding *leak = part->view->row.leak;
	uint64_t at = part->view->page.at_unix_ns;

	if (!leak || leak->state == PF_LEAK_NONE || at == PF_UNKNOWN ||
	    leak->now_bytes == PF_UNKNOWN || !isfinite(leak->slope_bytes_per_hour))
		return false;

	double now = (double)at / 1e9, per_s = leak->slope_bytes_per_hour / 3600;
	double since = leak->since_unix_ns == PF_UNKNOWN ? now : (double)leak->since_unix_ns / 1e9;
	double past = fmax(now - fmin(isfinite(first_x) ? first_x : since, since), 60);
	/* The limit belongs in sight if it is reached within three times the time looked back on. */
	double eta = leak->eta_unix_ns == PF_UNKNOWN ? INFINITY : (double)leak->eta_unix_ns / 1e9;
	double ahead = eta - now <= 3 * past ? fmax(eta - now, 0) * 1.15 : past;
	double low = isfinite(leak->slope_low) ? leak->slope_low / 3600 : per_s;
	double high = isfinite(leak->slope_high) ? leak->slope_high / 3600 : per_s;
	double bytes = (double)leak->now_bytes;

	ahead = fmax(ahead, past * 0.1);
	*ret_forecast = (struct forecast){
		.trend = { { since, known(leak->pre_leak_bytes) }, { now, bytes } },
		.line = { { now, bytes }, { now + ahead, bytes + per_s * ahead } },
		.cone = { { now, bytes, bytes },
			  { now + ahead, bytes + low * ahead, bytes + high * ahead } },
		.to_x = now + ahead,
	};
	return true;
}

static const struct {
	const char *name;
	enum pf_svg_role role;
} stacked[NR_STACKED] = {
	[KIND_ANON] = { "anonymous", PF_ROLE_ANON },
	[KIND_SHMEM] = { "shared, tmpfs", PF_ROLE_SHMEM },
	[KIND_KERNEL] = { "kernel", PF_ROLE_SLAB },
	[KIND_TABLES] = { "page tables", PF_ROLE_TABLES },
	[KIND_SOCK] = { "sockets", PF_ROLE_SOCK },
	[KIND_CACHE] = { "page cache (can be dropped)", PF_ROLE_FILE },
};

/* Kinds that are nowhere known are left out of the drawing. Return: number of areas. */
static size_t areas_of(const struct pf_part *part, struct pf_svg_point *points,
		       struct pf_svg_line areas[NR_STACKED])
{
	size_t nr = pf_part_nr(part), nr_areas = 0;
	bool seen[NR_STACKED] = { false };

	for (size_t i = 0; i < nr; i++) {
		const struct pf_view_hour *hour = pf_part_hour(part, i);
		double parts[NR_STACKED];

		split(&hour->memory, parts);
		for (size_t k = 0; k < NR_STACKED; k++) {
			points[k * nr + i].x =
				((double)hour->start_unix_ns + (double)hour->length_ns) / 1e9;
			points[k * nr + i].y = parts[k];
			seen[k] |= isfinite(parts[k]);
		}
	}
	/* Without the first one there is nothing that the others could stand on. */
	for (size_t k = 0; seen[KIND_ANON] && k < NR_STACKED; k++)
		if (seen[k])
			areas[nr_areas++] = (struct pf_svg_line){ stacked[k].name, stacked[k].role,
								  points + k * nr, nr };
	return nr_areas;
}

/* Before there is a course of time to draw: the newest hour as bars beside request and limit. */
static void memory_now(const struct pf_part *part, const struct pf_resources *now)
{
	const struct pf_view_hour *hour = pf_part_hour(part, pf_part_nr(part) - 1);
	struct pf_svg_bar bars[NR_STACKED + 3];
	double parts[NR_STACKED];
	size_t nr = 0;

	split(&hour->memory, parts);
	for (size_t k = 0; k < NR_STACKED; k++)
		if (isfinite(parts[k]))
			bars[nr++] = (struct pf_svg_bar){ stacked[k].name, stacked[k].role,
							  parts[k], NULL };
	bars[nr++] = (struct pf_svg_bar){ "highest use", PF_ROLE_OTHER, hour->memory_peak_bytes,
					  "read ten times a second in the kernel" };
	if (now->memory_request_bytes < PF_NO_LIMIT)
		bars[nr++] = (struct pf_svg_bar){ "request", PF_ROLE_REQUEST,
						  (double)now->memory_request_bytes, NULL };
	if (now->memory_limit_bytes < PF_NO_LIMIT)
		bars[nr++] = (struct pf_svg_bar){ "limit", PF_ROLE_LIMIT,
						  (double)now->memory_limit_bytes, NULL };
	(void)pf_buf_adds(part->buf, "<div class=\"panel\">");
	pf_svg_bars(part->buf, "Memory by kind, at the end", PF_QUANTITY_BYTES, NAN, bars, nr);
	(void)pf_buf_adds(part->buf, "</div>\n");
}

static void memory_over_time(const struct pf_part *part)
{
	static const struct pf_resources unknown = { PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN,
						     PF_UNKNOWN };
	const struct pf_resources *now =
		part->view->row.present ? part->view->row.present : &unknown;
	size_t nr = pf_part_nr(part);
	PF_AUTO(pf_freep)
	struct pf_svg_point *points = calloc(nr * NR_STACKED + 1, sizeof(*points));
	PF_AUTO(pf_freep) struct pf_svg_point *peak = PF_PART_LINE(part, memory_peak_bytes, 1);
	struct pf_svg_line areas[NR_STACKED], lines[3];
	struct pf_svg_band cone;
	struct forecast forecast;
	struct pf_human id = pf_part_id(part, "memory-time");
	struct pf_svg_chart chart;

	if (!points) {
		part->buf->err = part->buf->err ? part->buf->err : -ENOMEM;
		return;
	}
	if (nr == 1 && !forecast_of(part, NAN, &forecast)) {
		memory_now(part, now);
		return;
	}

	const struct pf_svg_mark levels[] = {
		{ "request", PF_ROLE_REQUEST, pf_part_amount(now->memory_request_bytes) },
		{ "limit", PF_ROLE_LIMIT, pf_part_amount(now->memory_limit_bytes) },
	};

	pf_part_time(part, &chart);
	chart.id = id.text;
	chart.title = "Memory by kind";
	chart.note = "At the end of each hour, mean of the instances; the line is the true peak of "
		     "the highest instance, read ten times a second in the kernel.";
	chart.y_name = "memory";
	chart.y_quantity = PF_QUANTITY_BYTES;
	chart.areas = areas;
	chart.nr_areas = areas_of(part, points, areas);
	chart.lines = lines;
	lines[chart.nr_lines++] =
		(struct pf_svg_line){ "peak", PF_ROLE_OTHER, peak, peak ? nr : 0 };
	if (forecast_of(part, nr ? points[0].x : NAN, &forecast)) {
		lines[chart.nr_lines++] =
			(struct pf_svg_line){ "trend of hot memory", PF_ROLE_LIMIT, forecast.trend,
					      2, true };
		lines[chart.nr_lines++] = (struct pf_svg_line){ "forecast", PF_ROLE_FORECAST,
								forecast.line, 2, true };
		cone = (struct pf_svg_band){ "95 % interval", PF_ROLE_FORECAST, forecast.cone, 2,
					     true };
		chart.bands = &cone;
		chart.nr_bands = 1;
		chart.now_x = forecast.line[0].x;
		chart.x_to = forecast.to_x;
	}
	chart.levels = levels;
	chart.nr_levels = PF_ARRAY_SIZE(levels);
	pf_svg_chart(part->buf, &chart);
}

static void memory_facts(const struct pf_part *part)
{
	const struct pf_evidence_summary *e =
		part->view->row.rec ? &part->view->row.rec->evidence : NULL;
	const struct pf_part_fact facts[] = {
		{ "Highest use", PF_QUANTITY_BYTES, e ? known(e->memory_peak_bytes) : NAN },
		{ "Highest hot memory", PF_QUANTITY_BYTES, e ? known(e->hot_peak_bytes) : NAN },
		{ "Mean hot memory", PF_QUANTITY_BYTES, e ? e->hot_mean_bytes : NAN },
		{ "Working set peak", PF_QUANTITY_BYTES,
		  e ? known(e->working_set_peak_bytes) : NAN },
		{ "Hot peak of the request", PF_QUANTITY_RATIO, e ? e->memory_utilization : NAN },
		{ "OOM kills", PF_QUANTITY_COUNT, e ? known(e->oom_kills) : NAN },
	};

	pf_part_facts(part, facts, PF_ARRAY_SIZE(facts));
}

void pf_part_memory(const struct pf_part *part)
{
	pf_html_section(part->buf, part->level, pf_part_id(part, "memory").text, "Memory");
	memory_facts(part);
	memory_over_time(part);
	(void)pf_buf_adds(part->buf, "</section>\n");
}

/* ---- the leak ---- */

static void leak_facts(struct pf_buf *buf, uint64_t now, const struct pf_leak_finding *leak,
		       const struct pf_view_spread *spread)
{
	(void)pf_buf_adds(buf, "<dl class=\"facts panel\"><dt>Severity</dt><dd>");
	pf_html_badge(buf, pf_severity_tone(leak->severity), pf_severity_name(leak->severity), NULL,
		      NULL);
	pf_html_addif(buf, leak->state == PF_LEAK_SUSPECT, "suspected, not yet certain");
	(void)pf_buf_adds(buf, "</dd><dt>Grows by</dt><dd>");
	pf_view_slope(buf, leak);
	(void)pf_buf_adds(buf, "</dd><dt>Limit reached</dt><dd>");
	pf_view_eta(buf, now, leak);
	if (leak->effective_limit_bytes < PF_NO_LIMIT)
		pf_html_addf(buf, " <span class=\"mut\">at %s, the limit of the %s</span>",
			     pf_human_bytes(leak->effective_limit_bytes).text,
			     leak->effective_limit_of ? leak->effective_limit_of : "container");
	(void)pf_buf_adds(buf, "</dd><dt>Since</dt><dd>");
	pf_html_time(buf, now, leak->since_unix_ns);
	(void)pf_buf_adds(buf, "</dd><dt>What grows</dt><dd>");
	if (leak->kind == PF_KIND_UNKNOWN)
		pf_html_unknown(buf);
	else
		pf_html_text(buf, pf_memory_kind_name(leak->kind));
	if (isfinite(leak->kind_share))
		pf_html_addf(buf, " <span class=\"mut\">(%s of the rise)</span>",
			     pf_human(PF_QUANTITY_RATIO, leak->kind_share).text);
	(void)pf_buf_adds(buf, "</dd><dt>From, to</dt><dd>");
	pf_html_value(buf, PF_QUANTITY_BYTES, leak->pre_leak_bytes, "");
	(void)pf_buf_adds(buf, " before, ");
	pf_html_value(buf, PF_QUANTITY_BYTES, leak->now_bytes, "");
	(void)pf_buf_adds(buf, " now</dd>");
	if (spread->nr_instances && spread->nr_instances != PF_UNKNOWN) {
		(void)pf_buf_adds(buf, "<dt>Seen in</dt><dd>");
		pf_view_spread(buf, spread);
		(void)pf_buf_adds(buf, "</dd>");
	}
	if (leak->test)
		pf_html_addf(buf, "<dt>Found by</dt><dd>the %s test%s</dd>", leak->test,
			     leak->baseline_alarm ? ", and by the baseline rule" : "");
	if (leak->nr_restarts)
		pf_html_addf(buf, "<dt>Restarts</dt><dd>came back after %u</dd>",
			     leak->nr_restarts);
	(void)pf_buf_adds(buf, "</dl>\n");
}

static void leak_processes(struct pf_buf *buf, const struct pf_leak_finding *leak)
{
	static const struct pf_html_column columns[] = {
		{ .label = "Process" },
		{ .label = "Anonymous memory", .number = true },
		{ .label = "Grows by", .number = true },
	};

	struct pf_html_table table;

	if (!leak->nr_processes)
		return;
	pf_html_table(&table, buf, "Growth by process", columns, PF_ARRAY_SIZE(columns), NULL);
	for (size_t i = 0; i < PF_MIN(leak->nr_processes, (size_t)PF_VIEW_STACKS_MAX); i++) {
		const struct pf_growth_process *p = &leak->processes[i];

		pf_html_row(&table);
		pf_html_cell_text(&table, p->comm);
		pf_html_addf(buf, " <span class=\"mut\">(pid %u", p->pid);
		if (p->nr_sockets != PF_UNKNOWN && p->nr_sockets)
			pf_html_addf(buf, ", %llu sockets", (unsigned long long)p->nr_sockets);
		if (p->nr_memory_files != PF_UNKNOWN && p->nr_memory_files)
			pf_html_addf(buf, ", %llu files in memory of %s",
				     (unsigned long long)p->nr_memory_files,
				     pf_human_bytes(p->memory_file_bytes).text);
		(void)pf_buf_adds(buf, ")</span>");
		pf_html_cell_value(&table, PF_QUANTITY_BYTES, p->anon_bytes, "");
		pf_html_cell_number(&table, PF_QUANTITY_BYTES_PER_HOUR, p->slope_bytes_per_hour);
	}
	pf_html_table_end(&table);
}

static void stack_frame(struct pf_buf *buf, const struct pf_stack_frame *frame)
{
	if (frame->symbol)
		pf_html_addf(buf, "%s", frame->symbol);
	else if (frame->module && frame->offset != PF_UNKNOWN)
		pf_html_addf(buf, "+0x%llx", (unsigned long long)frame->offset);
	else
		pf_html_addf(buf, "0x%llx", (unsigned long long)frame->address);
	if (frame->module)
		pf_html_addf(buf, "  (%s)", frame->module);
	(void)pf_buf_adds(buf, "\n");
}

static void leak_stacks(struct pf_buf *buf, const struct pf_leak_finding *leak)
{
	for (size_t i = 0; i < PF_MIN(leak->nr_stacks, (size_t)PF_VIEW_STACKS_MAX); i++) {
		const struct pf_growth_trace *trace = &leak->stacks[i];

		pf_html_addf(buf,
			     "<details class=\"panel finer\"><summary>%s of the growth: %s (pid "
			     "%u)%s%s</summary><pre class=\"tree\"><code>",
			     pf_human(PF_QUANTITY_RATIO, trace->share).text, trace->comm,
			     trace->pid, trace->nr_frames && trace->frames[0].symbol ? ", in " : "",
			     trace->nr_frames && trace->frames[0].symbol ? trace->frames[0].symbol
									 : "");
		for (size_t f = 0; f < PF_MIN(trace->nr_frames, (size_t)PF_VIEW_FRAMES_MAX); f++)
			stack_frame(buf, &trace->frames[f]);
		(void)pf_buf_adds(buf, "</code></pre></details>\n");
	}
	if (leak->stacks_note && *leak->stacks_note)
		pf_html_addf(buf, "<p class=\"hint\">Stacks: %s</p>\n", leak->stacks_note);
}

void pf_part_leak(const struct pf_part *part)
{
	const struct pf_leak_finding *leak = part->view->row.leak;

	if (!leak || leak->state == PF_LEAK_NONE)
		return;
	pf_html_section(part->buf, part->level, pf_part_id(part, "leak").text,
			leak->state == PF_LEAK_ALARM ? "Memory leak" : "Suspected memory leak");
	(void)pf_buf_adds(part->buf, "<div class=\"two\"><div>");
	leak_facts(part->buf, part->view->page.at_unix_ns, leak, &part->view->leak_spread);
	(void)pf_buf_adds(part->buf, "</div><div>");
	leak_processes(part->buf, leak);
	leak_stacks(part->buf, leak);
	(void)pf_buf_adds(part->buf, "</div></div></section>\n");
}
