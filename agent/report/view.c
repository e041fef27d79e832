// SPDX-License-Identifier: Apache-2.0
/* Parts that several pages share. The buffer keeps its first error, in all of this file. */
#include "report/view.h"

#include <math.h>
#include <string.h>

#include "core/recommend.h"
#include "core/units.h"

#define ARROW                                                                                      \
	"<span class=\"sr\"> now, advised </span><span aria-hidden=\"true\"> \xe2\x86\x92 </span>"

void pf_view_nav(struct pf_html_page *page, enum pf_page_id current)
{
	static const struct pf_html_nav navs[][3] = {
		[PF_PAGE_FLEET] = { { "Fleet", "/", true },
				    { "Nodes", "/nodes", false },
				    { "Compare", "/compare", false } },
		[PF_PAGE_NODES] = { { "Fleet", "/", false },
				    { "Nodes", "/nodes", true },
				    { "Compare", "/compare", false } },
		[PF_PAGE_COMPARE] = { { "Fleet", "/", false },
				      { "Nodes", "/nodes", false },
				      { "Compare", "/compare", true } },
		[PF_PAGE_WORKLOAD] = { { "Fleet", "/", false },
				       { "Nodes", "/nodes", false },
				       { "Compare", "/compare", false } },
	};

	page->nav = navs[current];
	page->nr_nav = PF_ARRAY_SIZE(navs[current]);
}

void pf_view_href(const struct pf_view_name *name, char *ret_href, size_t size)
{
	const char *parts[] = { name->cluster, name->namespace_name,
				pf_workload_kind_name(name->kind), name->workload,
				name->container };
	PF_AUTO(pf_buf_done) struct pf_buf buf;

	*ret_href = '\0';
	pf_buf_init(&buf, size - 1);
	(void)pf_buf_adds(&buf, "/workloads");
	for (size_t i = 0; i < PF_ARRAY_SIZE(parts); i++) {
		(void)pf_buf_adds(&buf, "/");
		pf_html_percent(&buf, parts[i] && *parts[i] ? parts[i] : "-");
	}
	if (name->node_class && *name->node_class) {
		(void)pf_buf_adds(&buf, "?node_class=");
		pf_html_percent(&buf, name->node_class);
	}
	if (!buf.err)
		memcpy(ret_href, buf.data, buf.len + 1);
}

const struct pf_policy_result *pf_view_result_of(const struct pf_recommendation *rec,
						 const char *policy)
{
	return rec && policy ? pf_policy_result_of(rec, policy) : NULL;
}

const struct pf_policy_result *pf_view_result(const struct pf_recommendation *rec)
{
	return rec ? pf_view_result_of(rec, rec->policy) : NULL;
}

void pf_view_change(struct pf_buf *buf, enum pf_quantity quantity, uint64_t present,
		    uint64_t advised, bool limit)
{
	const char *none = limit ? "no limit" : "not set";

	if (advised == PF_UNKNOWN || advised == present) {
		pf_html_value(buf, quantity, present, none);
		return;
	}
	(void)pf_buf_adds(buf, "<span class=\"from\">");
	pf_html_value(buf, quantity, present, none);
	(void)pf_buf_adds(buf, "</span>" ARROW "<span class=\"to\">");
	pf_html_value(buf, quantity, advised, "no limit");
	(void)pf_buf_adds(buf, "</span>");
}

static void one_saving(struct pf_buf *buf, enum pf_quantity quantity, int64_t amount, bool say)
{
	pf_html_addif(buf, amount < 0, "costs ");
	pf_html_addif(buf, amount > 0 && say, "saves ");
	pf_html_text(buf, pf_human(quantity, fabs((double)amount)).text);
}

void pf_view_savings(struct pf_buf *buf, const struct pf_savings *savings)
{
	int64_t cpu = savings->cpu_millicores, memory = savings->memory_bytes;
	bool mixed = cpu && memory && (cpu < 0) != (memory < 0);

	if (!savings->known) {
		pf_html_unknown(buf);
		return;
	}
	if (!isnan(savings->money_per_month)) {
		pf_html_addif(buf, savings->money_per_month < 0, "costs ");
		pf_html_addf(
			buf, "<span class=\"to\">%s</span> a month<span class=\"of\">",
			pf_human_money(fabs(savings->money_per_month), savings->currency).text);
	}
	if (!cpu && !memory)
		(void)pf_buf_adds(buf, "<span class=\"mut\">nothing</span>");
	if (cpu)
		one_saving(buf, PF_QUANTITY_MILLICORES, cpu, mixed);
	if (cpu && memory)
		(void)pf_buf_adds(buf, ", ");
	if (memory && cpu < 0 && memory < 0)
		pf_html_text(buf, pf_human(PF_QUANTITY_BYTES, fabs((double)memory)).text);
	else if (memory)
		one_saving(buf, PF_QUANTITY_BYTES, memory, mixed);
	pf_html_addif(buf, !isnan(savings->money_per_month), "</span>");
}

void pf_view_card(struct pf_buf *buf, const char *label, const char *value, const char *sub)
{
	pf_html_addf(buf, "<li class=\"card\"><p class=\"label\">%s</p><p class=\"big\">%s</p>",
		     label, value);
	if (sub && *sub)
		pf_html_addf(buf, "<p class=\"sub\">%s</p>", sub);
	(void)pf_buf_adds(buf, "</li>\n");
}

/* ---- the workload table ---- */

enum {
	COLUMN_NAME,
	COLUMN_INSTANCES,
	COLUMN_CPU,
	COLUMN_MEMORY,
	COLUMN_DEMAND,
	COLUMN_FINDINGS,
	COLUMN_SAVES,
	NR_COLUMNS
};

static const struct pf_html_column row_columns[NR_COLUMNS] = {
	[COLUMN_NAME] = { .label = "Workload", .sort = "name" },
	[COLUMN_INSTANCES] = { .label = "Instances",
			       .sort = "instances",
			       .number = true,
			       .down_first = true },
	[COLUMN_CPU] = { .label = "CPU request, limit",
			 .sort = "cpu",
			 .number = true,
			 .down_first = true },
	[COLUMN_MEMORY] = { .label = "Memory request, limit",
			    .sort = "memory",
			    .number = true,
			    .down_first = true },
	[COLUMN_DEMAND] = { .label = "CPU demand" },
	[COLUMN_FINDINGS] = { .label = "Findings",
			      .sort = "risk",
			      .down_first = true,
			      .whole = true },
	[COLUMN_SAVES] = { .label = "Saves",
			   .sort = "savings",
			   .hint = "present requests less advised ones, over all instances",
			   .number = true,
			   .down_first = true },
};

static void row_name(struct pf_html_table *table, const struct pf_view_row *row)
{
	const struct pf_view_name *name = &row->name;
	struct pf_buf *buf = table->buf;

	pf_html_cell(table);
	if (row->href)
		pf_html_addf(buf, "<a class=\"name\" href=\"%s\">%s</a>", row->href,
			     name->workload);
	else
		pf_html_addf(buf, "<span class=\"name\">%s</span>", name->workload);
	(void)pf_buf_adds(buf, "<span class=\"of\">");
	if (name->node_class && *name->node_class)
		pf_html_addf(buf, "on nodes of class %s \xc2\xb7 ", name->node_class);
	if (strcmp(name->container, name->workload) != 0)
		pf_html_addf(buf, "container %s \xc2\xb7 ", name->container);
	pf_html_text(buf, pf_workload_kind_name(name->kind));
	if (*name->namespace_name)
		pf_html_addf(buf, " in %s", name->namespace_name);
	if (name->cluster && *name->cluster)
		pf_html_addf(buf, " \xc2\xb7 %s", name->cluster);
	(void)pf_buf_adds(buf, "</span>");
}

static void row_findings(struct pf_buf *buf, const struct pf_view_row *row)
{
	bool leak_named = false;

	if (!row->rec) {
		pf_html_unknown(buf);
		return;
	}
	for (size_t i = 0; i < row->rec->nr_findings; i++) {
		/* The baseline's own findings repeat what podfit's say; the page lists both. */
		if (row->rec->findings[i].baseline)
			continue;
		pf_html_verdict(buf, &row->rec->findings[i]);
		leak_named |= row->rec->findings[i].verdict == PF_VERDICT_MEMORY_LEAK;
	}
	if (row->leak && row->leak->state == PF_LEAK_ALARM && !leak_named)
		pf_html_badge(buf, PF_TONE_BAD, pf_verdict_label(PF_VERDICT_MEMORY_LEAK), NULL,
			      NULL);
	else if (!row->rec->nr_findings)
		pf_html_badge(buf, PF_TONE_GOOD, "fits", NULL, NULL);
}

/* Request, and below it the limit. */
static void row_resource(struct pf_buf *buf, enum pf_quantity quantity, uint64_t request,
			 uint64_t limit, const struct pf_amounts *advised)
{
	pf_view_change(buf, quantity, request, advised ? advised->target : PF_UNKNOWN, false);
	(void)pf_buf_adds(buf, "<span class=\"of\">");
	/* "no limit" says itself what it is about. */
	if (limit < PF_NO_LIMIT || (limit == PF_UNKNOWN && advised && advised->limit < PF_NO_LIMIT))
		(void)pf_buf_adds(buf, "limit ");
	pf_view_change(buf, quantity, limit, advised ? advised->limit : PF_UNKNOWN, true);
	(void)pf_buf_adds(buf, "</span>");
}

static void row_cells(struct pf_html_table *table, const struct pf_view_row *row, bool demand)
{
	static const struct pf_resources unknown = { PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN,
						     PF_UNKNOWN };
	const struct pf_resources *now = row->present ? row->present : &unknown;
	const struct pf_policy_result *result = pf_view_result(row->rec);

	pf_html_cell(table);
	row_resource(table->buf, PF_QUANTITY_MILLICORES, now->cpu_request_millicores,
		     now->cpu_limit_millicores, result ? &result->cpu : NULL);
	pf_html_cell(table);
	row_resource(table->buf, PF_QUANTITY_BYTES, now->memory_request_bytes,
		     now->memory_limit_bytes, result ? &result->memory : NULL);
	if (!demand)
		return;
	pf_html_cell(table);
	pf_svg_spark(table->buf, "CPU demand over time", PF_ROLE_USE, row->demand, row->nr_demand);
}

/* The columns in use: without any history the one of the sparklines is not there. */
static size_t columns_in_use(const struct pf_view_row *rows, size_t nr_rows,
			     struct pf_html_column columns[NR_COLUMNS], bool *ret_demand)
{
	size_t nr = 0;
	bool demand = false;

	for (size_t i = 0; i < nr_rows; i++)
		demand |= rows[i].nr_demand > 1;
	for (size_t i = 0; i < NR_COLUMNS; i++)
		if (i != COLUMN_DEMAND || demand)
			columns[nr++] = row_columns[i];
	*ret_demand = demand;
	return nr;
}

void pf_view_rows(struct pf_buf *buf, const char *caption, const struct pf_view_row *rows,
		  size_t nr_rows, const struct pf_html_query *query)
{
	static const struct pf_savings none = { .money_per_month = NAN };
	struct pf_html_column columns[NR_COLUMNS];
	struct pf_html_table table;
	bool demand;
	size_t nr_columns = columns_in_use(rows, nr_rows, columns, &demand);

	pf_html_table(&table, buf, caption, columns, nr_columns, query);
	for (size_t i = 0; i < nr_rows; i++) {
		const struct pf_view_row *row = &rows[i];

		pf_html_row(&table);
		row_name(&table, row);
		pf_html_cell_value(&table, PF_QUANTITY_COUNT, row->nr_instances, "");
		if (row->nr_nodes != PF_UNKNOWN && row->nr_nodes > 1)
			pf_html_addf(buf, "<span class=\"of\">%s nodes</span>",
				     pf_human_count(row->nr_nodes).text);
		row_cells(&table, row, demand);
		pf_html_cell(&table);
		row_findings(buf, row);
		pf_html_cell(&table);
		pf_view_savings(buf, row->rec ? &row->rec->savings : &none);
	}
	pf_html_table_end(&table);
}

/* ---- leaks ---- */

void pf_view_slope(struct pf_buf *buf, const struct pf_leak_finding *leak)
{
	pf_html_number(buf, PF_QUANTITY_BYTES_PER_HOUR, leak->slope_bytes_per_hour);
	if (isfinite(leak->slope_low) && isfinite(leak->slope_high))
		pf_html_addf(buf, " <span class=\"mut\">(%s)</span>",
			     pf_human_range(PF_QUANTITY_BYTES_PER_HOUR, leak->slope_low,
					    leak->slope_high)
				     .text);
}

void pf_view_eta(struct pf_buf *buf, uint64_t now_unix_ns, const struct pf_leak_finding *leak)
{
	if (leak->eta_unix_ns == PF_UNKNOWN) {
		(void)pf_buf_adds(buf, "<span class=\"mut\">not in sight</span>");
		return;
	}
	pf_html_time(buf, now_unix_ns, leak->eta_unix_ns);
	/* An interval around a time to come is told in lengths; one that began in the past in words. */
	if (leak->eta_low_unix_ns == PF_UNKNOWN || now_unix_ns == PF_UNKNOWN)
		return;
	if (leak->eta_high_unix_ns == PF_UNKNOWN)
		pf_html_addf(buf, " <span class=\"mut\">(%s at the earliest)</span>",
			     pf_human_until(now_unix_ns, leak->eta_low_unix_ns).text);
	else if (leak->eta_low_unix_ns > now_unix_ns)
		pf_html_addf(buf, " <span class=\"mut\">(%s to %s)</span>",
			     pf_human_ns(leak->eta_low_unix_ns - now_unix_ns).text,
			     pf_human_ns(leak->eta_high_unix_ns - now_unix_ns).text);
	else
		pf_html_addf(buf, " <span class=\"mut\">(any time, %s at the latest)</span>",
			     pf_human_until(now_unix_ns, leak->eta_high_unix_ns).text);
}

void pf_view_spread(struct pf_buf *buf, const struct pf_view_spread *spread)
{
	if (!spread->nr_instances || spread->nr_instances == PF_UNKNOWN) {
		pf_html_unknown(buf);
		return;
	}
	pf_html_addf(buf, "%s instance%s", pf_human_count(spread->nr_instances).text,
		     spread->nr_instances == 1 ? "" : "s");
	if (spread->nr_nodes && spread->nr_nodes != PF_UNKNOWN)
		pf_html_addf(buf, " on %s node%s", pf_human_count(spread->nr_nodes).text,
			     spread->nr_nodes == 1 ? "" : "s");
	if (spread->nr_instances < 2)
		return;
	(void)pf_buf_adds(buf, "<span class=\"of\">");
	if (isfinite(spread->slope_min) && isfinite(spread->slope_max))
		pf_html_text(buf, pf_human_range(PF_QUANTITY_BYTES_PER_HOUR, spread->slope_min,
						 spread->slope_max)
					  .text);
	if (spread->worst && *spread->worst)
		pf_html_addf(buf, ", worst on %s", spread->worst);
	(void)pf_buf_adds(buf, "</span>");
}

/* ---- OOM kills ---- */

static void oom_row(struct pf_html_table *table, uint64_t now_unix_ns,
		    const struct pf_view_oom *oom)
{
	const struct pf_report_oom *kill = oom->kill;
	struct pf_buf *buf = table->buf;

	pf_html_row(table);
	pf_html_cell(table);
	if (oom->href)
		pf_html_addf(buf, "<a href=\"%s\">%s</a>", oom->href, oom->name.workload);
	else
		pf_html_text(buf,
			     *oom->name.workload ? oom->name.workload : "no tracked container");
	pf_html_addf(buf, "<span class=\"of\">%s", kill->comm);
	if (kill->pid)
		pf_html_addf(buf, " (pid %u)", kill->pid);
	if (oom->pod && *oom->pod)
		pf_html_addf(buf, " in %s", oom->pod);
	(void)pf_buf_adds(buf, "</span>");
	pf_html_cell(table);
	pf_html_time(buf, now_unix_ns, kill->at_unix_ns);
	pf_html_cell_text(table, oom->node);
	pf_html_cell_value(table, PF_QUANTITY_BYTES, kill->usage_bytes, "");
	if (kill->whole_node)
		pf_html_cell_text(table, "the node ran out");
	else
		pf_html_cell_value(table, PF_QUANTITY_BYTES, kill->limit_bytes, "no limit");
	pf_html_cell_value(table, PF_QUANTITY_BYTES, kill->overshoot_bytes, "");
}

void pf_view_ooms(struct pf_buf *buf, uint64_t now_unix_ns, const struct pf_view_oom *kills,
		  size_t nr_kills, uint64_t nr_all)
{
	static const struct pf_html_column columns[] = {
		{ .label = "Killed" },
		{ .label = "When" },
		{ .label = "Node" },
		{ .label = "Use at the kill", .number = true },
		{ .label = "Limit", .number = true },
		{ .label = "Overshoot",
		  .hint = "growth of the last 10 s, carried on for 30 s: what it would have needed "
			  "more",
		  .number = true },
	};
	struct pf_html_table table;

	pf_html_table(&table, buf, "OOM kills, newest first", columns, PF_ARRAY_SIZE(columns),
		      NULL);
	for (size_t i = 0; i < nr_kills; i++)
		oom_row(&table, now_unix_ns, &kills[i]);
	pf_html_table_end(&table);
	if (nr_all != PF_UNKNOWN && nr_all > nr_kills)
		pf_html_addf(buf, "<p class=\"hint\">%s more are not listed.</p>\n",
			     pf_human_count(nr_all - nr_kills).text);
}
