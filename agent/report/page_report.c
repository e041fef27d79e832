// SPDX-License-Identifier: Apache-2.0
#include "report/page_report.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "core/units.h"
#include "report/outputs.h"
#include "report/page_report_parts.h"

/* The buffer keeps its first error, in all of this file. */

/* ---- the node in figures ---- */

static struct pf_savings savings_of(const struct pf_groups *groups)
{
	struct pf_savings sum = { .money_per_month = NAN };

	for (size_t i = 0; i < groups->nr_groups; i++) {
		const struct pf_recommendation *rec = groups->groups[i].row.rec;

		if (!rec || !rec->savings.known)
			continue;
		sum.known = true;
		sum.cpu_millicores += rec->savings.cpu_millicores;
		sum.memory_bytes += rec->savings.memory_bytes;
		if (isnan(rec->savings.money_per_month))
			continue;
		sum.money_per_month = rec->savings.money_per_month +
				      (isnan(sum.money_per_month) ? 0 : sum.money_per_month);
		sum.currency = rec->savings.currency;
	}
	return sum;
}

static void cost_card(struct pf_buf *buf, const struct pf_report *report)
{
	const struct pf_self_cost *cost = &report->cost;
	uint64_t cpu_ns = cost->agent_cpu_ns;
	char sub[96] = "";

	if (cpu_ns == PF_UNKNOWN || report->cost_wall_ns == PF_UNKNOWN || !report->cost_wall_ns) {
		pf_view_card(buf, "The agent itself took", "unknown", NULL);
		return;
	}
	if (cost->bpf_run_ns != PF_UNKNOWN)
		cpu_ns += cost->bpf_run_ns;
	if (cost->resident_bytes != PF_UNKNOWN)
		(void)snprintf(sub, sizeof(sub), "of one CPU; %s of memory",
			       pf_human_bytes(cost->resident_bytes +
					      (cost->map_bytes == PF_UNKNOWN ? 0 : cost->map_bytes))
				       .text);
	pf_view_card(
		buf, "The agent itself took",
		pf_human(PF_QUANTITY_RATIO, (double)cpu_ns / (double)report->cost_wall_ns).text,
		sub);
}

static void cards(struct pf_buf *buf, const struct pf_report *report,
		  const struct pf_groups *groups)
{
	struct pf_savings savings = savings_of(groups);
	char sub[96];

	(void)pf_buf_adds(buf, "<ul class=\"cards\">");
	(void)snprintf(sub, sizeof(sub), "of %s workload%s", pf_human_count(groups->nr_groups).text,
		       groups->nr_groups == 1 ? "" : "s");
	pf_view_card(buf, "Containers", pf_human_count(report->nr_containers).text, sub);
	(void)pf_buf_adds(
		buf,
		"<li class=\"card\"><p class=\"label\">Advice would save</p><p class=\"big\">");
	pf_view_savings(buf, &savings);
	(void)pf_buf_adds(buf, "</p></li>");
	pf_view_card(buf, "OOM kills", pf_human_count(report->nr_oom_kills).text,
		     "since the report before");
	cost_card(buf, report);
	(void)pf_buf_adds(buf, "</ul>\n");
}

static void heading(struct pf_buf *buf, const struct pf_report *report)
{
	pf_html_addf(buf, "<h1>%s</h1>\n<p class=\"lead\">",
		     *report->node ? report->node : "This node");
	pf_html_addf(buf, "kernel %s",
		     *report->kernel_release ? report->kernel_release : "unknown");
	if (*report->cgroup_layout)
		pf_html_addf(buf, " \xc2\xb7 cgroup %s", report->cgroup_layout);
	if (*report->capture_source)
		pf_html_addf(buf, " \xc2\xb7 measured by %s", report->capture_source);
	if (report->nr_cpus)
		pf_html_addf(buf, " \xc2\xb7 %u CPUs", report->nr_cpus);
	if (report->memory_total_bytes != PF_UNKNOWN)
		pf_html_addf(buf, ", %s", pf_human_bytes(report->memory_total_bytes).text);
	if (report->time_scale > 1)
		pf_html_addf(buf,
			     " \xc2\xb7 <b>analysis time ran %g times faster than real time</b>",
			     report->time_scale);
	(void)pf_buf_adds(buf, "</p>\n");
}

/* ---- tables ---- */

static const char *anchor_of(size_t i, struct pf_human *anchor)
{
	(void)snprintf(anchor->text, sizeof(anchor->text), "#w%zu", i);
	return anchor->text;
}

static void workload_table(struct pf_buf *buf, const struct pf_groups *groups)
{
	PF_AUTO(pf_freep)
	struct pf_view_row *rows = calloc(groups->nr_groups + 1, sizeof(*rows));
	PF_AUTO(pf_freep)
	struct pf_human *anchors = calloc(groups->nr_groups + 1, sizeof(*anchors));

	if (!rows || !anchors) {
		buf->err = buf->err ? buf->err : -ENOMEM;
		return;
	}
	for (size_t i = 0; i < groups->nr_groups; i++) {
		rows[i] = groups->groups[i].row;
		if (i < PF_REPORT_DETAILS_MAX)
			rows[i].href = anchor_of(i, &anchors[i]);
	}
	pf_html_section(buf, 2, "workloads", "Workloads");
	if (groups->nr_groups)
		pf_view_rows(buf,
			     "Present and advised values of one instance, the most urgent first",
			     rows, groups->nr_groups, NULL);
	else
		(void)pf_buf_adds(buf, "<p class=\"empty\">No container was measured.</p>");
	(void)pf_buf_adds(buf, "</section>\n");
}

static void oom_table(struct pf_buf *buf, const struct pf_report *report)
{
	size_t nr = PF_MIN(report->nr_oom_kills, (size_t)PF_OOM_EVENTS_MAX);
	PF_AUTO(pf_freep) struct pf_view_oom *ooms = calloc(nr + 1, sizeof(*ooms));

	if (!ooms) {
		buf->err = buf->err ? buf->err : -ENOMEM;
		return;
	}
	for (size_t i = 0; i < nr; i++) {
		/* Reports list them as they happened; the newest comes first here. */
		const struct pf_report_oom *kill = &report->oom_kills[report->nr_oom_kills - 1 - i];

		ooms[i] = (struct pf_view_oom){
			.name = { report->cluster, kill->namespace_name,
				  *kill->workload ? kill->workload : kill->container,
				  kill->container, kill->workload_kind },
			.node = report->node,
			.pod = kill->pod,
			.kill = kill,
		};
	}
	pf_html_section(buf, 2, "oom-kills", "OOM kills");
	pf_view_ooms(buf, report->end_unix_ns, ooms, nr, report->nr_oom_kills);
	(void)pf_buf_adds(buf, "</section>\n");
}

static void measured(struct pf_buf *buf, const struct pf_report *report)
{
	static const struct pf_html_column signal_columns[] = { { .label = "Signal" },
								{ .label = "Measured" },
								{ .label = "If not, why",
								  .whole = true } };
	static const struct pf_html_column loss_columns[] = {
		{ .label = "Lost because of" }, { .label = "Count", .number = true }
	};
	struct pf_html_table table;

	if (!report->nr_signals && !report->nr_losses)
		return;
	pf_html_section(buf, 2, "measured", "What was measured");
	pf_html_table(&table, buf, "Signals of this kernel and these rights", signal_columns,
		      PF_ARRAY_SIZE(signal_columns), NULL);
	for (size_t i = 0; i < report->nr_signals; i++) {
		const struct pf_report_signal *signal = &report->signals[i];

		pf_html_row(&table);
		pf_html_cell_text(&table, signal->name);
		pf_html_cell(&table);
		pf_html_badge(buf, signal->on ? PF_TONE_GOOD : PF_TONE_WARN,
			      signal->on ? "yes" : "no", NULL, NULL);
		pf_html_cell(&table);
		pf_html_text(buf, signal->reason);
	}
	pf_html_table_end(&table);
	if (report->nr_losses) {
		pf_html_table(&table, buf, "Lost since the agent's start", loss_columns,
			      PF_ARRAY_SIZE(loss_columns), NULL);
		for (size_t i = 0; i < report->nr_losses; i++) {
			pf_html_row(&table);
			pf_html_cell_text(&table, report->losses[i].reason);
			pf_html_cell_value(&table, PF_QUANTITY_COUNT, report->losses[i].count, "");
		}
		pf_html_table_end(&table);
	}
	(void)pf_buf_adds(buf, "</section>\n");
}

/* ---- details ---- */

static void summary_line(struct pf_buf *buf, const struct pf_view_row *row)
{
	pf_html_addf(buf, "<summary><span class=\"name\">%s", row->name.workload);
	if (strcmp(row->name.container, row->name.workload) != 0)
		pf_html_addf(buf, " / %s", row->name.container);
	pf_html_addf(buf, "</span><span class=\"of\">%s", pf_workload_kind_name(row->name.kind));
	if (*row->name.namespace_name)
		pf_html_addf(buf, " in %s", row->name.namespace_name);
	(void)pf_buf_adds(buf, "</span></summary>\n");
}

static void hists_of(const struct pf_group_evidence *evidence, struct pf_view_workload *view)
{
	for (int h = 0; h < PF_NR_SAMPLE_HISTS; h++)
		view->hists[h].counts = evidence->counts[h];
	view->hists[PF_HIST_USAGE].nr_zero = evidence->nr_idle[0];
	view->hists[PF_HIST_DEMAND].nr_zero = evidence->nr_idle[1];
}

static int write_detail(struct pf_buf *buf, uint64_t at_unix_ns, const struct pf_group *group,
			size_t i, bool open)
{
	PF_AUTO(pf_group_evidence_done) struct pf_group_evidence evidence = { 0 };
	PF_AUTO(pf_outputs_done) struct pf_outputs outputs = { 0 };
	const struct pf_report_container *first = group->containers[0];
	char prefix[24];
	int r = pf_group_evidence(group, &evidence);

	if (r >= 0)
		r = pf_outputs_of(&group->row, 1, &outputs);
	if (r < 0)
		return r;

	struct pf_view_workload view = {
		.page = { .at_unix_ns = at_unix_ns },
		.row = group->row,
		.image = first->identity->image,
		.runtime_kind = first->runtime_kind,
		.enforced_note = first->enforced.note,
		.qos = first->identity->qos,
		.covered_ns = evidence.covered_ns,
		.hours = evidence.hours,
		.nr_hours = evidence.nr_hours,
		.instances = evidence.instances,
		.nr_instances = evidence.nr_instances,
		.outputs = outputs.outputs,
		.nr_outputs = outputs.nr_outputs,
	};

	hists_of(&evidence, &view);
	(void)snprintf(prefix, sizeof(prefix), "w%zu-", i);
	(void)pf_buf_adds(buf, open ? "<details class=\"workload\" open=\"open\">"
				    : "<details class=\"workload\">");
	summary_line(buf, &group->row);
	pf_html_addf(buf, "<div id=\"w%zu\">", i);
	pf_view_workload_body(buf, &view, 3, prefix);
	(void)pf_buf_adds(buf, "</div></details>\n");
	return buf->err;
}

static int details(struct pf_buf *buf, uint64_t at_unix_ns, const struct pf_groups *groups)
{
	size_t nr = PF_MIN(groups->nr_groups, (size_t)PF_REPORT_DETAILS_MAX);

	if (!nr)
		return 0;
	pf_html_section(buf, 2, "details", "One by one");
	for (size_t i = 0; i < nr; i++) {
		int r = write_detail(buf, at_unix_ns, &groups->groups[i], i,
				     nr <= PF_REPORT_OPEN_MAX);

		if (r < 0)
			return r;
	}
	if (groups->nr_groups > nr)
		pf_html_addf(
			buf,
			"<p class=\"hint\">%s less urgent workloads are in the table only.</p>",
			pf_human_count(groups->nr_groups - nr).text);
	(void)pf_buf_adds(buf, "</section>\n");
	return 0;
}

int pf_report_html(struct pf_buf *buf, const struct pf_report *report)
{
	PF_AUTO(pf_groups_done) struct pf_groups groups = { 0 };
	const struct pf_html_page page = {
		.title = *report->node ? report->node : "Node report",
		.cluster = report->cluster,
		.version = report->agent_version,
		.at_unix_ns = report->end_unix_ns,
	};
	int r = pf_groups_of(report, &groups);

	if (r < 0)
		return r;
	pf_html_begin(buf, &page);
	heading(buf, report);
	cards(buf, report, &groups);
	workload_table(buf, &groups);
	if (report->nr_oom_kills)
		oom_table(buf, report);
	r = details(buf, report->end_unix_ns, &groups);
	if (r < 0)
		return r;
	measured(buf, report);
	pf_view_glossary(buf);
	pf_html_end(buf, &page);
	return buf->err;
}
