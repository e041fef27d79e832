// SPDX-License-Identifier: Apache-2.0
#include "report/page_nodes.h"

#include <math.h>
#include <stdlib.h>

#include "core/units.h"

/* The buffer keeps its first error, in all of this file. */

static const struct pf_html_column columns[] = {
	{ .label = "Node", .sort = "name" },
	{ .label = "Heard", .sort = "heard" },
	{ .label = "Containers", .sort = "containers", .number = true, .down_first = true },
	{ .label = "CPU used, requested",
	  .sort = "cpu",
	  .hint = "share of what is allocatable",
	  .down_first = true },
	{ .label = "Memory used, requested",
	  .sort = "memory",
	  .hint = "share of what is allocatable",
	  .down_first = true },
	{ .label = "Agent",
	  .hint = "its version and source; kernel, cgroup layout, where names come from" },
	{ .label = "Cost",
	  .sort = "cost",
	  .hint = "CPU time of the agent and its BPF programs, of one CPU; its memory and maps",
	  .number = true,
	  .down_first = true },
	{ .label = "Lost",
	  .sort = "lost",
	  .hint = "events and values dropped since the agent's start",
	  .number = true,
	  .down_first = true },
	{ .label = "Not measured", .whole = true },
};

static double share(uint64_t part, uint64_t whole)
{
	return part >= PF_NO_LIMIT || whole >= PF_NO_LIMIT || !whole ? NAN
								     : (double)part / (double)whole;
}

static void occupied(struct pf_html_table *table, enum pf_quantity quantity, uint64_t used,
		     uint64_t requested, uint64_t allocatable)
{
	struct pf_buf *buf = table->buf;

	pf_html_cell(table);
	pf_svg_bar(buf, PF_ROLE_USE, PF_QUANTITY_RATIO, share(used, allocatable), 1);
	if (allocatable >= PF_NO_LIMIT)
		return;
	(void)pf_buf_adds(buf, "<span class=\"of\">");
	pf_html_number(buf, PF_QUANTITY_RATIO, share(requested, allocatable));
	(void)pf_buf_adds(buf, " of <span class=\"nb\">");
	pf_html_value(buf, quantity, allocatable, "");
	(void)pf_buf_adds(buf, "</span></span>");
}

static void agent(struct pf_html_table *table, const struct pf_view_node *node)
{
	const char *parts[] = { node->kernel_release, node->cgroup_layout, node->meta_source };
	struct pf_buf *buf = table->buf;

	pf_html_cell_text(table, node->agent_version);
	if (node->capture_source && *node->capture_source)
		pf_html_addf(buf, ", %s", node->capture_source);
	(void)pf_buf_adds(buf, "<span class=\"of\">");
	for (size_t i = 0, nr = 0; i < PF_ARRAY_SIZE(parts); i++) {
		if (!parts[i] || !*parts[i])
			continue;
		pf_html_addif(buf, nr++ > 0, " \xc2\xb7 ");
		(void)pf_buf_adds(buf, "<span class=\"nb\">");
		pf_html_addif(buf, i == 1, "cgroup ");
		pf_html_addf(buf, "%s</span>", parts[i]);
	}
	(void)pf_buf_adds(buf, "</span>");
}

bool pf_view_clock_is_off(int64_t skew_ms)
{
	/* A report is on its way for seconds; one that had to be sent again, for a minute or so. */
	return skew_ms > 120000 || skew_ms < -120000;
}

static void clock_badge(struct pf_buf *buf, int64_t skew_ms)
{
	char text[96];

	if (!pf_view_clock_is_off(skew_ms))
		return;
	(void)snprintf(text, sizeof(text), "clock %s %s",
		       pf_human_ns((uint64_t)llabs(skew_ms) * PF_NS_PER_MS).text,
		       skew_ms > 0 ? "ahead" : "behind");
	(void)pf_buf_adds(buf, "<br/>");
	pf_html_badge(buf, PF_TONE_WARN, text, NULL, NULL);
}

static void node_row(struct pf_html_table *table, uint64_t now_unix_ns,
		     const struct pf_view_node *node)
{
	struct pf_buf *buf = table->buf;

	pf_html_row(table);
	pf_html_cell(table);
	pf_html_addf(buf, "<span class=\"name\">%s</span>", node->name);
	if (node->cluster && *node->cluster)
		pf_html_addf(buf, "<span class=\"of\">%s</span>", node->cluster);
	pf_html_cell(table);
	pf_html_time(buf, now_unix_ns, node->heard_unix_ns);
	if (node->stopped || node->silent) {
		(void)pf_buf_adds(buf, "<br/>");
		pf_html_badge(buf, node->stopped ? PF_TONE_NOTE : PF_TONE_WARN,
			      node->stopped ? "agent stopped" : "silent", NULL, NULL);
	}
	clock_badge(buf, node->skew_ms);
	pf_html_cell_value(table, PF_QUANTITY_COUNT, node->nr_containers, "");
	occupied(table, PF_QUANTITY_MILLICORES, node->cpu_used_millicores,
		 node->cpu_requested_millicores, node->cpu_allocatable_millicores);
	occupied(table, PF_QUANTITY_BYTES, node->memory_used_bytes, node->memory_requested_bytes,
		 node->memory_allocatable_bytes);
	agent(table, node);
	pf_html_cell_number(table, PF_QUANTITY_RATIO, node->agent_cpu_ratio);
	(void)pf_buf_adds(buf, "<span class=\"of\">");
	pf_html_value(buf, PF_QUANTITY_BYTES, node->agent_bytes, "");
	(void)pf_buf_adds(buf, "</span>");
	if (node->thinning < 1)
		pf_html_addf(buf, "<span class=\"of\">counts %s of events</span>",
			     pf_human(PF_QUANTITY_RATIO, node->thinning).text);
	pf_html_cell_value(table, PF_QUANTITY_COUNT, node->nr_lost, "");
	if (node->nr_lost && node->lost_reasons && *node->lost_reasons)
		pf_html_addf(buf, "<span class=\"of\">%s</span>", node->lost_reasons);
	if (table->nr_columns < PF_ARRAY_SIZE(columns))
		return;
	pf_html_cell(table);
	pf_html_text(buf, node->signals_off);
}

/* The last column is there if any node has something in it. */
static size_t columns_in_use(const struct pf_view_node *nodes, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (nodes[i].signals_off && *nodes[i].signals_off)
			return PF_ARRAY_SIZE(columns);
	return PF_ARRAY_SIZE(columns) - 1;
}

int pf_page_nodes(struct pf_buf *buf, const struct pf_view_nodes *view)
{
	size_t nr = PF_MIN(view->nr_nodes, (size_t)PF_VIEW_NODES_MAX);
	struct pf_html_table table;
	char caption[120];

	pf_html_begin(buf, &view->page);
	(void)pf_buf_adds(buf, "<h1>Nodes</h1>\n<p class=\"lead\">");
	if (!view->nr_silent)
		(void)pf_buf_adds(buf, "Every node reports.</p>\n");
	else if (view->nr_silent == PF_UNKNOWN)
		(void)pf_buf_adds(
			buf, "When each was heard, and what its kernel lets be measured.</p>\n");
	else
		pf_html_addf(buf, "%s silent: their numbers are as old as their last report.</p>\n",
			     pf_human_count(view->nr_silent).text);
	if (view->nr_clocks_off && view->nr_clocks_off != PF_UNKNOWN)
		pf_html_addf(buf,
			     "<p class=\"hint\">%s with a clock that is off (or with reports that "
			     "come late): what it measures is filed under hours that are off by as "
			     "much.</p>\n",
			     pf_human_count(view->nr_clocks_off).text);
	pf_html_addf(buf,
		     "<form class=\"filter\" method=\"get\" action=\"%s\" role=\"search\" "
		     "aria-label=\"Filter the nodes\"><label>Name contains <input type=\"search\" "
		     "name=\"q\" value=\"%s\" maxlength=\"253\"/></label><button "
		     "type=\"submit\">Filter</button></form>\n",
		     view->query.path, pf_html_query_get(&view->query, "q"));
	(void)pf_buf_adds(buf, "<section aria-label=\"Nodes\">");
	if (nr) {
		(void)snprintf(caption, sizeof(caption), "%s node%s",
			       pf_human_count(view->nr_matching).text,
			       view->nr_matching == 1 ? "" : "s");
		pf_html_table(&table, buf, caption, columns, columns_in_use(view->nodes, nr),
			      &view->query);
		for (size_t i = 0; i < nr; i++)
			node_row(&table, view->page.at_unix_ns, &view->nodes[i]);
		pf_html_table_end(&table);
		pf_html_pages(buf, &view->query, view->page_number, view->per_page,
			      view->nr_matching);
	} else {
		(void)pf_buf_adds(buf,
				  *pf_html_query_get(&view->query, "q")
					  ? "<p class=\"empty\">No node passes this filter.</p>"
					  : "<p class=\"empty\">No agent has reported yet.</p>");
	}
	(void)pf_buf_adds(buf, "</section>\n");
	pf_html_end(buf, &view->page);
	return buf->err;
}
