// SPDX-License-Identifier: Apache-2.0
#include "report/page_compare.h"

#include <math.h>
#include <string.h>

#include "core/units.h"

/* The buffer keeps its first error, in all of this file. */

static void input(struct pf_buf *buf, const struct pf_html_query *query, const char *key,
		  const char *label, const char *example)
{
	pf_html_addf(buf,
		     "<label>%s <input name=\"%s\" value=\"%s\" placeholder=\"%s\" "
		     "maxlength=\"1000\"/></label>",
		     label, key, pf_html_query_get(query, key), example);
}

static void form(struct pf_buf *buf, const struct pf_view_compare *view)
{
	const char *mode = pf_html_query_get(&view->query, "mode");

	pf_html_addf(
		buf,
		"<form class=\"filter\" method=\"get\" action=\"%s\" aria-label=\"What to compare\">",
		view->query.path);
	input(buf, &view->query, "stable", "Stable", "label:track=stable");
	input(buf, &view->query, "canary", "Canary", "label:track=canary");
	input(buf, &view->query, "filter", "Both have", "namespace=shop,workload=cart");
	input(buf, &view->query, "window", "Window", "2h");
	(void)pf_buf_adds(
		buf, "<label>Rules <select name=\"mode\"><option value=\"\">podfit</option><option "
		     "value=\"baseline\"");
	pf_html_addif(buf, !strcmp(mode, "baseline"), " selected=\"selected\"");
	(void)pf_buf_adds(
		buf, ">baseline</option></select></label><button type=\"submit\">Compare</button>"
		     "</form>\n");
}

static void verdict(struct pf_buf *buf, const struct pf_view_compare *view)
{
	(void)pf_buf_adds(
		buf, "<section class=\"panel verdict\" aria-label=\"Verdict\"><p class=\"big\">");
	pf_html_badge(buf, view->tone, view->verdict, NULL, NULL);
	if (view->confidence)
		pf_html_addf(buf, "<span class=\"hint\">confidence %s</span>", view->confidence);
	(void)pf_buf_adds(buf, "</p><p class=\"mut\">");
	pf_html_value(buf, PF_QUANTITY_COUNT, view->nr_stable, "");
	(void)pf_buf_adds(buf, " stable and ");
	pf_html_value(buf, PF_QUANTITY_COUNT, view->nr_canary, "");
	(void)pf_buf_adds(buf, " canary instances, ");
	pf_html_time(buf, PF_UNKNOWN, view->from_unix_ns);
	(void)pf_buf_adds(buf, " to ");
	pf_html_time(buf, PF_UNKNOWN, view->to_unix_ns);
	pf_html_addf(buf, ", %s %s in which both ran", pf_human_count(view->nr_hours).text,
		     view->nr_hours == 1 ? "hour" : "hours");
	if (view->nr_hours_left_out)
		pf_html_addf(buf, " (%s left out: only one side ran)",
			     pf_human_count(view->nr_hours_left_out).text);
	(void)pf_buf_adds(buf, ". Evidence comes in hours, so the first hour counts from its "
			       "start.</p>");
	pf_html_addif(buf, view->nr_reasons > 0, "<ul class=\"steps\">");
	for (size_t i = 0; i < PF_MIN(view->nr_reasons, (size_t)PF_VIEW_COMPARED_MAX); i++)
		pf_html_addf(buf, "<li>%s</li>", view->reasons[i]);
	pf_html_addif(buf, view->nr_reasons > 0, "</ul>");
	(void)pf_buf_adds(buf, "</section>\n");
}

static void interval(struct pf_html_table *table, const struct pf_view_compared *row)
{
	pf_html_cell(table);
	if (isnan(row->stable) || isnan(row->canary)) {
		pf_html_unknown(table->buf);
		return;
	}
	pf_html_text(table->buf, pf_human_change(row->quantity, row->canary - row->stable).text);
	if (isfinite(row->difference_low) && isfinite(row->difference_high))
		pf_html_addf(table->buf, "<span class=\"of\">%s to %s</span>",
			     pf_human_change(row->quantity, row->difference_low).text,
			     pf_human_change(row->quantity, row->difference_high).text);
}

static void rows(struct pf_buf *buf, const struct pf_view_compare *view)
{
	static const struct pf_html_column columns[] = {
		{ .label = "Compared" },
		{ .label = "Stable", .number = true },
		{ .label = "Canary", .number = true },
		{ .label = "Difference",
		  .hint = "canary less stable, with its 95 % interval",
		  .number = true },
		{ .label = "Effect", .hint = "difference in standard deviations", .number = true },
		{ .label = "Outcome" },
		{ .label = "Because", .whole = true },
	};
	struct pf_html_table table;

	pf_html_table(&table, buf, "What was compared", columns, PF_ARRAY_SIZE(columns), NULL);
	for (size_t i = 0; i < PF_MIN(view->nr_rows, (size_t)PF_VIEW_COMPARED_MAX); i++) {
		const struct pf_view_compared *row = &view->rows[i];

		pf_html_row(&table);
		pf_html_cell_text(&table, row->name);
		pf_html_cell_number(&table, row->quantity, row->stable);
		pf_html_cell_number(&table, row->quantity, row->canary);
		interval(&table, row);
		pf_html_cell_number(&table, PF_QUANTITY_COUNT, row->effect);
		pf_html_cell(&table);
		pf_html_badge(buf, row->tone, row->outcome, NULL, NULL);
		pf_html_cell(&table);
		pf_html_text(buf, row->sentence);
	}
	pf_html_table_end(&table);
}

int pf_page_compare(struct pf_buf *buf, const struct pf_view_compare *view)
{
	pf_html_begin(buf, &view->page);
	(void)pf_buf_adds(
		buf, "<h1>Compare</h1>\n<p class=\"lead\">Two sets of pods over the same time: "
		     "waiting, throttling, CPU, memory, restarts and OOM kills.</p>\n");
	form(buf, view);
	if (view->asked && view->problem)
		pf_html_addf(buf, "<p class=\"empty\" role=\"status\">%s</p>\n", view->problem);
	if (view->asked && !view->problem) {
		verdict(buf, view);
		rows(buf, view);
	}
	pf_html_end(buf, &view->page);
	return buf->err;
}
