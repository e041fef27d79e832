// SPDX-License-Identifier: Apache-2.0
/* Leaks, victims of contention, namespaces. The buffer keeps its first error, in all of this file.
 */
#include <math.h>

#include "core/units.h"
#include "report/page_fleet_parts.h"

/* The row's heading: the workload, and below it what and where it is. */
static void who(struct pf_html_table *table, const struct pf_view_name *name, const char *href)
{
	struct pf_buf *buf = table->buf;

	pf_html_cell(table);
	if (href)
		pf_html_addf(buf, "<a href=\"%s\">%s</a>", href, name->workload);
	else
		pf_html_text(buf, name->workload);
	pf_html_addf(buf, "<span class=\"of\">%s", pf_workload_kind_name(name->kind));
	if (*name->namespace_name)
		pf_html_addf(buf, " in %s", name->namespace_name);
	if (name->cluster && *name->cluster)
		pf_html_addf(buf, " \xc2\xb7 %s", name->cluster);
	(void)pf_buf_adds(buf, "</span>");
}

/* ---- leaks ---- */

static void leak_row(struct pf_html_table *table, uint64_t now_unix_ns,
		     const struct pf_view_leak *row)
{
	const struct pf_leak_finding *leak = row->leak;

	pf_html_row(table);
	who(table, &row->name, row->href);
	pf_html_cell(table);
	pf_html_badge(table->buf, pf_severity_tone(leak->severity),
		      pf_severity_name(leak->severity), NULL, NULL);
	pf_html_cell(table);
	pf_view_eta(table->buf, now_unix_ns, leak);
	pf_html_cell(table);
	pf_view_slope(table->buf, leak);
	pf_html_cell_text(table,
			  leak->kind == PF_KIND_UNKNOWN ? NULL : pf_memory_kind_name(leak->kind));
	pf_html_cell_value(table, PF_QUANTITY_BYTES, leak->now_bytes, "");
	pf_html_cell(table);
	pf_view_spread(table->buf, &row->spread);
}

void pf_fleet_leaks(struct pf_buf *buf, const struct pf_view_fleet *view)
{
	static const struct pf_html_column columns[] = {
		{ .label = "Leaks memory" },  { .label = "Severity" },
		{ .label = "Limit reached" }, { .label = "Grows by" },
		{ .label = "What grows" },    { .label = "Now", .number = true },
		{ .label = "Seen in" },
	};
	size_t nr = PF_MIN(view->nr_leaks, (size_t)PF_VIEW_TOP_MAX);
	struct pf_html_table table;

	if (!nr)
		return;
	pf_html_table(&table, buf, "Memory leaks, the most urgent first", columns,
		      PF_ARRAY_SIZE(columns), NULL);
	for (size_t i = 0; i < nr; i++)
		leak_row(&table, view->page.at_unix_ns, &view->leaks[i]);
	pf_html_table_end(&table);
	if (view->nr_all_leaks != PF_UNKNOWN && view->nr_all_leaks > nr)
		pf_html_addf(buf,
			     "<p class=\"hint\"><a href=\"/?verdict=MEMORY_LEAK#workloads\">All %s "
			     "leaking workloads</a></p>\n",
			     pf_human_count(view->nr_all_leaks).text);
}

/* ---- victims of contention ---- */

void pf_fleet_victims(struct pf_buf *buf, const struct pf_view_fleet *view)
{
	static const struct pf_html_column columns[] = {
		{ .label = "Waits for others" },
		{ .label = "Contention",
		  .hint = "time a second of an instance's life in which it was runnable and others "
			  "had the CPU",
		  .number = true },
		{ .label = "Worst instance", .number = true },
		{ .label = "On node" },
		{ .label = "Run queue p99", .number = true },
	};
	size_t nr = PF_MIN(view->nr_victims, (size_t)PF_VIEW_TOP_MAX);
	struct pf_html_table table;

	if (!nr)
		return;
	pf_html_table(&table, buf, "Victims of contention, the worst first", columns,
		      PF_ARRAY_SIZE(columns), NULL);
	for (size_t i = 0; i < nr; i++) {
		const struct pf_view_victim *v = &view->victims[i];

		pf_html_row(&table);
		who(&table, &v->name, v->href);
		pf_html_cell_number(&table, PF_QUANTITY_NS_PER_S, v->contention_wait_ns_per_s);
		pf_html_cell_number(&table, PF_QUANTITY_NS_PER_S, v->worst_ns_per_s);
		pf_html_cell_text(&table, v->worst_node);
		pf_html_cell_value(&table, PF_QUANTITY_NS, v->runq_p99_ns, "");
	}
	pf_html_table_end(&table);
}

/* ---- OOM kills ---- */

void pf_fleet_killed(struct pf_buf *buf, const struct pf_view_fleet *view)
{
	static const struct pf_html_column columns[] = {
		{ .label = "Killed for memory" },
		{ .label = "OOM kills",
		  .hint = "in all the time that evidence is kept of",
		  .number = true },
	};
	size_t nr = PF_MIN(view->nr_killed, (size_t)PF_VIEW_TOP_MAX);
	struct pf_html_table table;

	if (!nr)
		return;
	pf_html_table(&table, buf, "OOM kills by workload, most often first", columns,
		      PF_ARRAY_SIZE(columns), NULL);
	for (size_t i = 0; i < nr; i++) {
		pf_html_row(&table);
		who(&table, &view->killed[i].name, view->killed[i].href);
		pf_html_cell_value(&table, PF_QUANTITY_COUNT, view->killed[i].nr_kills, "");
	}
	pf_html_table_end(&table);
	if (view->nr_all_killed != PF_UNKNOWN && view->nr_all_killed > nr)
		pf_html_addf(buf, "<p class=\"hint\">%s more workloads are not listed.</p>\n",
			     pf_human_count(view->nr_all_killed - nr).text);
}

/* ---- workload classes ---- */

static void class_row(struct pf_html_table *table, const struct pf_view_class *class)
{
	pf_html_row(table);
	pf_html_cell_text(table, *class->name ? class->name : "without a class");
	pf_html_cell_value(table, PF_QUANTITY_COUNT, class->nr_workloads, "");
	pf_html_cell(table);
	pf_view_change(table->buf, PF_QUANTITY_MILLICORES, class->cpu_requested_millicores,
		       class->cpu_advised_millicores, false);
	pf_html_cell(table);
	pf_view_change(table->buf, PF_QUANTITY_BYTES, class->memory_requested_bytes,
		       class->memory_advised_bytes, false);
	pf_html_cell(table);
	pf_view_savings(table->buf, &class->savings);
}

void pf_fleet_classes(struct pf_buf *buf, const struct pf_view_fleet *view)
{
	static const struct pf_html_column columns[] = {
		{ .label = "Class" },
		{ .label = "Workloads", .number = true },
		{ .label = "CPU requests", .number = true },
		{ .label = "Memory requests", .number = true },
		{ .label = "Saves", .number = true },
	};
	size_t nr = PF_MIN(view->nr_classes, (size_t)PF_VIEW_CLASSES_MAX);
	struct pf_html_table table;

	/* Without a policy file nothing has a class. */
	if (!nr || (nr == 1 && !*view->classes[0].name))
		return;
	pf_html_section(buf, 2, "classes", "Workload classes");
	pf_html_table(&table, buf, "Sums over all instances by workload class", columns,
		      PF_ARRAY_SIZE(columns), NULL);
	for (size_t i = 0; i < nr; i++)
		class_row(&table, &view->classes[i]);
	pf_html_table_end(&table);
	(void)pf_buf_adds(buf, "</section>\n");
}

/* ---- namespaces ---- */

/* What a namespace asks for, or where its limits are. */
struct sums {
	uint64_t present, advised, quota;
};

static void sum_of(struct pf_buf *buf, enum pf_quantity quantity, const struct sums *sums)
{
	pf_view_change(buf, quantity, sums->present, sums->advised, true);
	if (sums->quota < PF_NO_LIMIT)
		pf_html_addf(buf, "<span class=\"of\">quota %s</span>",
			     pf_human(quantity, (double)sums->quota).text);
}

static void resource(struct pf_html_table *table, enum pf_quantity quantity,
		     const struct sums *requests, const struct sums *limits)
{
	pf_html_cell(table);
	sum_of(table->buf, quantity, requests);
	(void)pf_buf_adds(table->buf, "<span class=\"of\">");
	pf_html_addif(table->buf, limits->present < PF_NO_LIMIT, "limits ");
	sum_of(table->buf, quantity, limits);
	(void)pf_buf_adds(table->buf, "</span>");
}

static void namespace_row(struct pf_html_table *table, const struct pf_view_namespace *n)
{
	struct pf_buf *buf = table->buf;

	pf_html_row(table);
	pf_html_cell(table);
	if (n->href)
		pf_html_addf(buf, "<a href=\"%s\">%s</a>", n->href, n->name);
	else
		pf_html_text(buf, n->name);
	if (n->cluster && *n->cluster)
		pf_html_addf(buf, "<span class=\"of\">%s</span>", n->cluster);
	pf_html_cell_value(table, PF_QUANTITY_COUNT, n->nr_workloads, "");
	resource(table, PF_QUANTITY_MILLICORES,
		 &(struct sums){ n->requested.cpu_request_millicores,
				 n->advised.cpu_request_millicores,
				 n->quota.cpu_request_millicores },
		 &(struct sums){ n->requested.cpu_limit_millicores, n->advised.cpu_limit_millicores,
				 n->quota.cpu_limit_millicores });
	resource(table, PF_QUANTITY_BYTES,
		 &(struct sums){ n->requested.memory_request_bytes, n->advised.memory_request_bytes,
				 n->quota.memory_request_bytes },
		 &(struct sums){ n->requested.memory_limit_bytes, n->advised.memory_limit_bytes,
				 n->quota.memory_limit_bytes });
	pf_html_cell(table);
	pf_view_savings(buf, &n->savings);
	pf_html_cell(table);
	pf_html_text(buf, n->quota_advice);
}

void pf_fleet_namespaces(struct pf_buf *buf, const struct pf_view_fleet *view)
{
	static const struct pf_html_column columns[] = {
		{ .label = "Namespace" },
		{ .label = "Workloads", .number = true },
		{ .label = "CPU requests, limits", .number = true },
		{ .label = "Memory requests, limits", .number = true },
		{ .label = "Saves", .number = true },
		{ .label = "ResourceQuota", .whole = true },
	};
	size_t nr = PF_MIN(view->nr_namespaces_shown, (size_t)PF_VIEW_NAMESPACES_MAX);
	struct pf_html_table table;

	if (!nr)
		return;
	pf_html_section(buf, 2, "namespaces", "Namespaces");
	pf_html_table(&table, buf, "Sums over all instances, present and advised", columns,
		      PF_ARRAY_SIZE(columns), NULL);
	for (size_t i = 0; i < nr; i++)
		namespace_row(&table, &view->namespaces[i]);
	pf_html_table_end(&table);
	if (view->nr_namespaces != PF_UNKNOWN && view->nr_namespaces > nr)
		pf_html_addf(buf, "<p class=\"hint\">%s more namespaces are not listed.</p>\n",
			     pf_human_count(view->nr_namespaces - nr).text);
	(void)pf_buf_adds(buf, "</section>\n");
}
