// SPDX-License-Identifier: Apache-2.0
/* The page of one workload's container: what it is, what is found, what is advised, and why. */
#include <math.h>
#include <string.h>

#include "core/units.h"
#include "report/advice_out.h"
#include "report/page_workload_parts.h"

/* The buffer keeps its first error, in all of this file. */

struct pf_human pf_part_id(const struct pf_part *part, const char *what)
{
	struct pf_human id;

	(void)snprintf(id.text, sizeof(id.text), "%.24s%.20s", part->prefix, what);
	return id;
}

double pf_part_amount(uint64_t amount)
{
	return amount >= PF_NO_LIMIT ? NAN : (double)amount;
}

void pf_part_facts(const struct pf_part *part, const struct pf_part_fact *facts, size_t nr_facts)
{
	bool any = false;

	for (size_t i = 0; i < nr_facts; i++)
		any |= !isnan(facts[i].value);
	if (!any)
		return;
	(void)pf_buf_adds(part->buf, "<ul class=\"cards small\">");
	for (size_t i = 0; i < nr_facts; i++) {
		pf_html_addf(part->buf,
			     "<li class=\"card\"><p class=\"label\">%s</p><p class=\"big\">",
			     facts[i].name);
		pf_html_number(part->buf, facts[i].quantity, facts[i].value);
		(void)pf_buf_adds(part->buf, "</p></li>");
	}
	(void)pf_buf_adds(part->buf, "</ul>\n");
}

/* ---- findings ---- */

static void findings(const struct pf_part *part)
{
	const struct pf_recommendation *rec = part->view->row.rec;
	struct pf_buf *buf = part->buf;

	pf_html_section(buf, part->level, pf_part_id(part, "findings").text, "Findings");
	if (!rec) {
		(void)pf_buf_adds(buf, "<p class=\"empty\">Not measured for long enough to say "
				       "anything.</p></section>\n");
		return;
	}
	if (!rec->nr_findings) {
		(void)pf_buf_adds(buf, "<p class=\"panel\">");
		pf_html_badge(buf, PF_TONE_GOOD, "fits", NULL, NULL);
		(void)pf_buf_adds(buf, "Nothing stands out: requests and limits fit what was "
				       "measured.</p></section>\n");
		return;
	}
	(void)pf_buf_adds(buf, "<ul class=\"finds panel\">");
	for (size_t i = 0; i < rec->nr_findings; i++) {
		(void)pf_buf_adds(buf, "<li><span>");
		pf_html_badge(buf, pf_verdict_tone(rec->findings[i].verdict),
			      pf_verdict_label(rec->findings[i].verdict), NULL, NULL);
		pf_html_addf(buf, "</span><p>%s", rec->findings[i].sentence);
		pf_html_addif(buf, rec->findings[i].baseline,
			      " <span class=\"mut\">(by the baseline rules)</span>");
		(void)pf_buf_adds(buf, "</p></li>");
	}
	(void)pf_buf_adds(buf, "</ul></section>\n");
}

/* ---- advice ---- */

enum { ADVICE_COLUMNS = 5, OTHERS_MAX = 3 };

static const struct pf_html_column advice_columns[ADVICE_COLUMNS] = {
	{ .label = "" },
	{ .label = "Now", .number = true },
	{ .label = "Advised", .number = true },
	{ .label = "Change per instance", .number = true },
	{ .label = "Range",
	  .hint = "lower to upper bound: no need to change while the present value lies within",
	  .number = true },
};

/* What another policy's column is called. */
static struct pf_html_column other_column(const char *policy)
{
	if (!strcmp(policy, "vpa"))
		return (struct pf_html_column){
			.label = "VPA would say",
			.hint = "the Vertical Pod Autoscaler's own answer, from the samples it would "
				"have had",
			.number = true,
		};
	if (!strcmp(policy, "baseline"))
		return (struct pf_html_column){ .label = "Baseline rules say", .number = true };
	return (struct pf_html_column){ .label = policy, .number = true };
}

struct advice_row {
	const char *name;
	enum pf_quantity quantity;
	bool limit;
	uint64_t present;
	const struct pf_amounts *ours; /* NULL: not known */
	const struct pf_amounts *others[OTHERS_MAX];
	size_t nr_others;
};

static void advised_value(struct pf_buf *buf, const struct advice_row *row,
			  const struct pf_amounts *amounts)
{
	uint64_t value = !amounts ? PF_UNKNOWN : row->limit ? amounts->limit : amounts->target;

	if (amounts && row->limit && value == PF_UNKNOWN)
		(void)pf_buf_adds(buf, "<span class=\"mut\">leave</span>");
	else
		pf_html_value(buf, row->quantity, value, "no limit");
}

static void advised_change(struct pf_buf *buf, const struct advice_row *row)
{
	uint64_t value = !row->ours   ? PF_UNKNOWN
			 : row->limit ? row->ours->limit
				      : row->ours->target;

	if (value == PF_UNKNOWN && row->ours && row->limit)
		(void)pf_buf_adds(buf, "<span class=\"mut\">none</span>");
	else if (value == PF_UNKNOWN || row->present == PF_UNKNOWN)
		pf_html_unknown(buf);
	else if (value == row->present)
		(void)pf_buf_adds(buf, "<span class=\"mut\">none</span>");
	else if (row->present == PF_NO_LIMIT)
		(void)pf_buf_adds(buf, "set it");
	else if (value == PF_NO_LIMIT)
		(void)pf_buf_adds(buf, "remove it");
	else
		pf_html_text(
			buf,
			pf_human_change(row->quantity, (double)value - (double)row->present).text);
}

static void advised_range(struct pf_buf *buf, const struct advice_row *row)
{
	if (row->limit)
		return; /* a limit has no bounds */
	if (!row->ours || row->ours->lower == PF_UNKNOWN || row->ours->upper == PF_UNKNOWN)
		pf_html_unknown(buf);
	else if (row->ours->upper == PF_NO_LIMIT)
		pf_html_addf(buf, "%s and more",
			     pf_human(row->quantity, (double)row->ours->lower).text);
	else
		pf_html_text(buf, pf_human_range(row->quantity, (double)row->ours->lower,
						 (double)row->ours->upper)
					  .text);
}

static void advice_line(struct pf_html_table *table, const struct advice_row *row)
{
	pf_html_row(table);
	pf_html_cell_text(table, row->name);
	pf_html_cell_value(table, row->quantity, row->present, row->limit ? "no limit" : "not set");
	pf_html_cell(table);
	(void)pf_buf_adds(table->buf, "<span class=\"to\">");
	advised_value(table->buf, row, row->ours);
	(void)pf_buf_adds(table->buf, "</span>");
	pf_html_cell(table);
	advised_change(table->buf, row);
	pf_html_cell(table);
	advised_range(table->buf, row);
	for (size_t i = 0; i < row->nr_others; i++) {
		pf_html_cell(table);
		advised_value(table->buf, row, row->others[i]);
	}
}

static void advice_table(const struct pf_part *part)
{
	static const struct pf_resources unknown = { PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN,
						     PF_UNKNOWN };
	const struct pf_recommendation *rec = part->view->row.rec;
	const struct pf_resources *now =
		part->view->row.present ? part->view->row.present : &unknown;
	struct advice_row rows[] = {
		{ "CPU request", PF_QUANTITY_MILLICORES, false, now->cpu_request_millicores },
		{ "CPU limit", PF_QUANTITY_MILLICORES, true, now->cpu_limit_millicores },
		{ "Memory request", PF_QUANTITY_BYTES, false, now->memory_request_bytes },
		{ "Memory limit", PF_QUANTITY_BYTES, true, now->memory_limit_bytes },
	};
	struct pf_html_column columns[ADVICE_COLUMNS + OTHERS_MAX];
	struct pf_html_table table;
	size_t nr_others = 0;

	memcpy(columns, advice_columns, sizeof(advice_columns));
	for (size_t i = 0; rec && i < rec->nr_results && nr_others < OTHERS_MAX; i++) {
		const struct pf_policy_result *other = &rec->results[i];

		if (other == part->result || !other->policy)
			continue;
		columns[ADVICE_COLUMNS + nr_others] = other_column(other->policy);
		for (size_t r = 0; r < PF_ARRAY_SIZE(rows); r++)
			rows[r].others[nr_others] = r < 2 ? &other->cpu : &other->memory;
		nr_others++;
	}
	pf_html_table(&table, part->buf, "Requests and limits of one instance", columns,
		      ADVICE_COLUMNS + nr_others, NULL);
	for (size_t r = 0; r < PF_ARRAY_SIZE(rows); r++) {
		rows[r].nr_others = nr_others;
		if (part->result)
			rows[r].ours = r < 2 ? &part->result->cpu : &part->result->memory;
		advice_line(&table, &rows[r]);
	}
	pf_html_table_end(&table);
}

static void fact(struct pf_buf *buf, const char *name, const char *value)
{
	pf_html_addf(buf, "<dt>%s</dt><dd>%s</dd>", name, value);
}

/* How far the numbers can be trusted, next to them. */
static void trust(const struct pf_part *part)
{
	const struct pf_recommendation *rec = part->view->row.rec;
	const struct pf_policy_result *result = part->result;
	struct pf_buf *buf = part->buf;

	(void)pf_buf_adds(buf, "<dl class=\"facts panel\">");
	if (!isnan(rec->evidence.covered_hours))
		fact(buf, "Measured for",
		     pf_human(PF_QUANTITY_NS, rec->evidence.covered_hours * 3600e9).text);
	if (rec->starting_advice) {
		pf_html_addf(buf,
			     "<dt>Basis</dt><dd>the starting table of class <b>%s</b>: there is "
			     "no history yet</dd>",
			     rec->workload_class ? rec->workload_class : "");
	} else if (result && !isnan(result->hours_more)) {
		pf_html_addf(buf, "<dt>History</dt><dd>short: %s more until it is long enough</dd>",
			     pf_human(PF_QUANTITY_NS, result->hours_more * 3600e9).text);
	} else if (result && !isnan(result->confidence)) {
		pf_html_addf(buf, "<dt>History</dt><dd>long enough (%s days of evidence)</dd>",
			     pf_human(PF_QUANTITY_COUNT, result->confidence).text);
	}
	(void)pf_buf_adds(buf, "<dt>Saves</dt><dd>");
	pf_view_savings(buf, &rec->savings);
	(void)pf_buf_adds(buf, "</dd>");
	if (rec->policy)
		fact(buf, "Policy", rec->policy);
	if (rec->workload_class && !rec->starting_advice)
		fact(buf, "Class", rec->workload_class);
	(void)pf_buf_adds(buf, "</dl>\n");
}

static void runtime_advice(const struct pf_part *part)
{
	static const struct pf_html_column columns[] = { { .label = "Setting" },
							 { .label = "Runtime" },
							 { .label = "Now" },
							 { .label = "Advised" },
							 { .label = "Because" } };
	const struct pf_recommendation *rec = part->view->row.rec;
	struct pf_html_table table;

	if (!rec->nr_runtime)
		return;
	pf_html_table(&table, part->buf, "Runtime settings", columns, PF_ARRAY_SIZE(columns), NULL);
	for (size_t i = 0; i < rec->nr_runtime; i++) {
		const struct pf_runtime_advice *a = &rec->runtime[i];

		pf_html_row(&table);
		pf_html_cell(&table);
		pf_html_addf(part->buf, "<code>%s</code>", a->setting);
		pf_html_cell_text(&table, a->runtime);
		pf_html_cell(&table);
		if (a->present && *a->present)
			pf_html_addf(part->buf, "<code>%s</code>", a->present);
		else
			(void)pf_buf_adds(part->buf, "<span class=\"mut\">not set</span>");
		pf_html_cell(&table);
		pf_html_addf(part->buf, "<code class=\"to\">%s</code>", a->advised);
		pf_html_cell_text(&table, a->reason);
	}
	pf_html_table_end(&table);
}

static void outputs(const struct pf_part *part)
{
	const struct pf_view_workload *view = part->view;
	struct pf_buf *buf = part->buf;

	if (!view->nr_outputs)
		return;
	pf_html_copy(buf, view->outputs[0].label, view->outputs[0].text);
	for (size_t i = 1; i < view->nr_outputs; i++) {
		pf_html_addf(buf, "<details><summary>%s</summary>", view->outputs[i].label);
		pf_html_copy(buf, view->outputs[i].label, view->outputs[i].text);
		(void)pf_buf_adds(buf, "</details>\n");
	}
}

/* The steps as the recommender tells them, then all of it as `podfit explain` does. */
static void steps(const struct pf_part *part)
{
	const struct pf_recommendation *rec = part->view->row.rec;
	size_t nr = PF_MIN(rec->nr_steps, (size_t)PF_VIEW_STEPS_MAX);
	PF_AUTO(pf_buf_done) struct pf_buf text;

	if (nr) {
		(void)pf_buf_adds(part->buf, "<details class=\"panel finer\"><summary>How these "
					     "numbers came about</summary><ol class=\"steps\">");
		for (size_t i = 0; i < nr; i++)
			pf_html_addf(part->buf, "<li>%s</li>", rec->steps[i]);
		(void)pf_buf_adds(part->buf, "</ol></details>\n");
	}
	pf_buf_init(&text, PF_HTML_BLOCK_MAX);
	if (pf_advice_explain(&part->view->row, &text) < 0 || !text.len)
		return; /* too long for a page; the command prints it */
	(void)pf_buf_adds(part->buf,
			  "<details class=\"panel finer\"><summary>As podfit explain prints "
			  "it</summary><pre class=\"tree\" tabindex=\"0\"><code>");
	pf_html_block(part->buf, text.data);
	(void)pf_buf_adds(part->buf, "</code></pre></details>\n");
}

static void advice(const struct pf_part *part)
{
	struct pf_buf *buf = part->buf;

	pf_html_section(buf, part->level, pf_part_id(part, "advice").text, "Advice");
	advice_table(part);
	if (part->view->enforced_note && *part->view->enforced_note)
		pf_html_addf(buf, "<p class=\"hint\">In force on the node: %s</p>",
			     part->view->enforced_note);
	if (part->view->row.rec) {
		(void)pf_buf_adds(buf, "<div class=\"two\"><div>");
		trust(part);
		steps(part);
		(void)pf_buf_adds(buf, "</div><div>");
		outputs(part);
		(void)pf_buf_adds(buf, "</div></div>\n");
		runtime_advice(part);
	}
	(void)pf_buf_adds(buf, "</section>\n");
}

/* ---- instances ---- */

static void instance_line(struct pf_html_table *table, uint64_t now_unix_ns,
			  const struct pf_view_instance *i, double cpu_most, double memory_most)
{
	pf_html_row(table);
	pf_html_cell_text(table, i->pod);
	pf_html_addf(table->buf, "<span class=\"of\">%s", i->node);
	pf_html_addif(table->buf, i->ended, " \xc2\xb7 ended");
	(void)pf_buf_adds(table->buf, "</span>");
	pf_html_cell(table);
	pf_html_time(table->buf, now_unix_ns, i->first_seen_unix_ns);
	pf_html_cell_number(table, PF_QUANTITY_MILLICORES, i->usage_mean_millicores);
	pf_html_cell(table);
	pf_svg_bar(table->buf, PF_ROLE_USE, PF_QUANTITY_MILLICORES, i->demand_p99_millicores,
		   cpu_most);
	pf_html_cell(table);
	pf_svg_bar(table->buf, PF_ROLE_ANON, PF_QUANTITY_BYTES, i->hot_peak_bytes, memory_most);
	pf_html_cell_number(table, PF_QUANTITY_RATIO, i->throttled_ratio);
	pf_html_cell_number(table, PF_QUANTITY_NS_PER_S, i->contention_wait_ns_per_s);
	pf_html_cell_value(table, PF_QUANTITY_NS, i->runq_p99_ns, "");
	pf_html_cell_value(table, PF_QUANTITY_COUNT, i->restarts, "");
	pf_html_cell_value(table, PF_QUANTITY_COUNT, i->oom_kills, "");
}

static void instances(const struct pf_part *part)
{
	static const struct pf_html_column columns[] = {
		{ .label = "Instance" },
		{ .label = "Since" },
		{ .label = "CPU mean", .number = true },
		{ .label = "CPU demand p99" },
		{ .label = "Hot memory peak",
		  .hint = "anonymous, shared and unreclaimable kernel memory: what cannot be dropped" },
		{ .label = "Throttled", .hint = "share of CFS periods", .number = true },
		{ .label = "Contention",
		  .hint = "time runnable but waiting for others",
		  .number = true },
		{ .label = "Run queue p99", .number = true },
		{ .label = "Restarts", .number = true },
		{ .label = "OOM kills", .number = true },
	};
	const struct pf_view_workload *view = part->view;
	size_t nr = PF_MIN(view->nr_instances, (size_t)PF_VIEW_INSTANCES_MAX);
	double cpu_most = 0, memory_most = 0;
	struct pf_html_table table;

	if (!nr)
		return;
	for (size_t i = 0; i < nr; i++) {
		cpu_most = fmax(cpu_most, view->instances[i].demand_p99_millicores);
		memory_most = fmax(memory_most, view->instances[i].hot_peak_bytes);
	}
	pf_html_section(part->buf, part->level, pf_part_id(part, "instances").text, "Instances");
	pf_html_table(&table, part->buf, "Side by side, on one scale", columns,
		      PF_ARRAY_SIZE(columns), NULL);
	for (size_t i = 0; i < nr; i++)
		instance_line(&table, view->page.at_unix_ns, &view->instances[i], cpu_most,
			      memory_most);
	pf_html_table_end(&table);
	if (view->row.nr_instances != PF_UNKNOWN && view->row.nr_instances > nr)
		pf_html_addf(part->buf, "<p class=\"hint\">%s more are not listed.</p>\n",
			     pf_human_count(view->row.nr_instances - nr).text);
	(void)pf_buf_adds(part->buf, "</section>\n");
}

/* ---- a DaemonSet by class of node ---- */

static void node_classes(const struct pf_part *part)
{
	const struct pf_view_workload *view = part->view;

	if (!view->nr_node_classes)
		return;
	pf_html_section(part->buf, part->level, pf_part_id(part, "classes").text,
			"By class of node");
	(void)pf_buf_adds(
		part->buf,
		"<p class=\"hint\">One size for all nodes has to fit the busiest; where "
		"each class of node can have a DaemonSet of its own, these fit each.</p>\n");
	pf_view_rows(part->buf, "What it needs on each class of node", view->node_classes,
		     PF_MIN(view->nr_node_classes, (size_t)PF_VIEW_NODE_CLASSES_MAX), NULL);
	if (view->nr_node_classes > PF_VIEW_NODE_CLASSES_MAX)
		pf_html_addf(part->buf, "<p class=\"hint\">%s more are not listed.</p>\n",
			     pf_human_count(view->nr_node_classes - PF_VIEW_NODE_CLASSES_MAX).text);
	(void)pf_buf_adds(part->buf, "</section>\n");
}

/* ---- the page ---- */

void pf_view_workload_body(struct pf_buf *buf, const struct pf_view_workload *view, int level,
			   const char *prefix)
{
	const struct pf_part part = { .buf = buf,
				      .view = view,
				      .result = pf_view_result(view->row.rec),
				      .prefix = prefix,
				      .level = level };

	findings(&part);
	advice(&part);
	node_classes(&part);
	pf_part_cpu(&part);
	pf_part_waiting(&part);
	pf_part_memory(&part);
	pf_part_leak(&part);
	if (view->nr_ooms) {
		pf_html_section(buf, level, pf_part_id(&part, "oom").text, "OOM kills");
		pf_view_ooms(buf, view->page.at_unix_ns, view->ooms, view->nr_ooms,
			     view->nr_all_ooms);
		(void)pf_buf_adds(buf, "</section>\n");
	}
	instances(&part);
}

static const char *qos_name(enum pf_qos qos)
{
	switch (qos) {
	case PF_QOS_GUARANTEED:
		return "Guaranteed";
	case PF_QOS_BURSTABLE:
		return "Burstable";
	case PF_QOS_BEST_EFFORT:
		return "BestEffort";
	case PF_QOS_UNKNOWN:
		break;
	}
	return NULL;
}

static void heading(struct pf_buf *buf, const struct pf_view_workload *view)
{
	const struct pf_view_name *name = &view->row.name;

	(void)pf_buf_adds(buf, "<p class=\"crumb\"><a href=\"/\">Fleet</a> \xe2\x80\xba ");
	if (*name->namespace_name) {
		(void)pf_buf_adds(buf, "<a href=\"/?namespace=");
		pf_html_percent(buf, name->namespace_name);
		pf_html_addf(buf, "#workloads\">%s</a> \xe2\x80\xba ", name->namespace_name);
	}
	pf_html_addf(buf, "%s</p>\n<h1>%s", pf_workload_kind_name(name->kind), name->workload);
	if (strcmp(name->container, name->workload) != 0)
		pf_html_addf(buf, " <span class=\"mut\">/ %s</span>", name->container);
	(void)pf_buf_adds(buf, "</h1>\n<p class=\"lead\">");
	if (view->row.nr_instances != PF_UNKNOWN)
		pf_html_addf(buf, "%s instance%s", pf_human_count(view->row.nr_instances).text,
			     view->row.nr_instances == 1 ? "" : "s");
	if (view->row.nr_nodes != PF_UNKNOWN && view->row.nr_nodes)
		pf_html_addf(buf, " on %s node%s", pf_human_count(view->row.nr_nodes).text,
			     view->row.nr_nodes == 1 ? "" : "s");
	if (name->node_class && *name->node_class)
		pf_html_addf(buf, " of class <b>%s</b>", name->node_class);
	if (qos_name(view->qos))
		pf_html_addf(buf, " \xc2\xb7 QoS %s", qos_name(view->qos));
	if (view->runtime_kind && *view->runtime_kind)
		pf_html_addf(buf, " \xc2\xb7 %s", view->runtime_kind);
	if (view->image && *view->image)
		pf_html_addf(buf, " \xc2\xb7 <span class=\"code\">%s</span>", view->image);
	(void)pf_buf_adds(buf, "</p>\n");
}

int pf_page_workload(struct pf_buf *buf, const struct pf_view_workload *view)
{
	pf_html_begin(buf, &view->page);
	heading(buf, view);
	pf_view_workload_body(buf, view, 2, "");
	pf_html_links(buf, "All of this as", view->downloads, view->nr_downloads);
	pf_view_glossary(buf);
	pf_html_end(buf, &view->page);
	return buf->err;
}
