// SPDX-License-Identifier: Apache-2.0
/* The fleet in figures, what to look at first, and the table. The buffer keeps its first error. */
#include "report/page_fleet.h"

#include <math.h>
#include <string.h>

#include "core/units.h"
#include "report/page_fleet_parts.h"

/* ---- figures ---- */

static void freshness_card(struct pf_buf *buf, const struct pf_view_fleet *view)
{
	const struct pf_view_freshness *f = &view->freshness;
	char value[120], sub[160] = "all report";

	if (f->nr_nodes == PF_UNKNOWN || f->nr_reporting == PF_UNKNOWN) {
		pf_view_card(buf, "Nodes reporting", "unknown", NULL);
		return;
	}
	(void)snprintf(value, sizeof(value), "%s of %s", pf_human_count(f->nr_reporting).text,
		       pf_human_count(f->nr_nodes).text);
	if (!f->nr_nodes)
		(void)snprintf(sub, sizeof(sub), "no agent has reported yet");
	else if (f->nr_reporting < f->nr_nodes)
		(void)snprintf(sub, sizeof(sub), "%s silent, the longest was heard %s",
			       pf_human_count(f->nr_nodes - f->nr_reporting).text,
			       pf_human_until(view->page.at_unix_ns, f->oldest_unix_ns).text);
	pf_view_card(buf, "Nodes reporting", value, sub);
}

static void workloads_card(struct pf_buf *buf, const struct pf_view_fleet *view)
{
	char sub[160];

	(void)snprintf(
		sub, sizeof(sub), "%s container%s in %s namespace%s",
		pf_human_count(view->nr_containers).text, view->nr_containers == 1 ? "" : "s",
		pf_human_count(view->nr_namespaces).text, view->nr_namespaces == 1 ? "" : "s");
	pf_view_card(buf, "Workloads", pf_human_count(view->nr_workloads).text, sub);
}

static void savings_card(struct pf_buf *buf, const struct pf_view_fleet *view)
{
	const struct pf_savings *s = &view->savings;
	char resources[128];

	if (!s->known) {
		pf_view_card(buf, "Advice would save", "unknown", "no history to advise from yet");
		return;
	}
	(void)snprintf(resources, sizeof(resources), "%s%s, %s%s",
		       s->cpu_millicores < 0 ? "\xe2\x88\x92" : "",
		       pf_human(PF_QUANTITY_MILLICORES, fabs((double)s->cpu_millicores)).text,
		       s->memory_bytes < 0 ? "\xe2\x88\x92" : "",
		       pf_human(PF_QUANTITY_BYTES, fabs((double)s->memory_bytes)).text);
	if (isnan(s->money_per_month)) {
		pf_view_card(buf, "Advice would save", resources,
			     "of requests; with a price file in money too");
		return;
	}
	pf_view_card(buf, "Advice would save a month",
		     pf_human_money(s->money_per_month, s->currency).text, resources);
}

/* "30 h", "12 d". */
static struct pf_human length_of(uint64_t length_ns)
{
	uint64_t hours = length_ns / PF_NS_PER_HOUR;
	struct pf_human text;

	if (!hours)
		return pf_human_ns(length_ns);
	if (hours <= 48)
		(void)snprintf(text.text, sizeof(text.text), "%u h", (unsigned)hours);
	else
		(void)snprintf(text.text, sizeof(text.text), "%u d", (unsigned)(hours / 24));
	return text;
}

static void ooms_card(struct pf_buf *buf, const struct pf_view_fleet *view)
{
	char label[96], note[128] = "";

	(void)snprintf(label, sizeof(label), "OOM kills in %s", length_of(view->window_ns).text);
	if (view->nr_recent_oom_kills != PF_UNKNOWN)
		(void)snprintf(note, sizeof(note), "%s in the last %s",
			       view->nr_recent_oom_kills
				       ? pf_human_count(view->nr_recent_oom_kills).text
				       : "none",
			       pf_human_ns(view->recent_ns).text);
	pf_view_card(buf, label, pf_human_count(view->nr_oom_kills).text, *note ? note : NULL);
}

static void totals(struct pf_buf *buf, const char *title, enum pf_quantity quantity,
		   const struct pf_view_totals *t)
{
	const struct {
		const char *name;
		enum pf_svg_role role;
		uint64_t value;
	} all[] = {
		{ "allocatable", PF_ROLE_FILE, t->allocatable },
		{ "requested", PF_ROLE_REQUEST, t->requested },
		{ "advised", PF_ROLE_ADVISED, t->advised },
		{ "used, mean", PF_ROLE_USE, t->used },
	};
	struct pf_svg_bar bars[PF_ARRAY_SIZE(all)];
	char notes[PF_ARRAY_SIZE(all)][64];

	for (size_t i = 0; i < PF_ARRAY_SIZE(all); i++) {
		bars[i] = (struct pf_svg_bar){
			.name = all[i].name,
			.role = all[i].role,
			.value = all[i].value >= PF_NO_LIMIT ? NAN : (double)all[i].value,
		};
		if (i == 0 || isnan(bars[i].value) || !(bars[0].value > 0))
			continue;
		(void)snprintf(notes[i], sizeof(notes[i]), "%s of allocatable",
			       pf_human(PF_QUANTITY_RATIO, bars[i].value / bars[0].value).text);
		bars[i].note = notes[i];
	}
	(void)pf_buf_adds(buf, "<div class=\"panel\">");
	pf_svg_bars(buf, title, quantity, NAN, bars, PF_ARRAY_SIZE(bars));
	(void)pf_buf_adds(buf, "</div>\n");
}

static void summary(struct pf_buf *buf, const struct pf_view_fleet *view)
{
	(void)pf_buf_adds(buf, "<section aria-label=\"Summary\"><ul class=\"cards\">");
	freshness_card(buf, view);
	workloads_card(buf, view);
	savings_card(buf, view);
	ooms_card(buf, view);
	(void)pf_buf_adds(buf, "</ul>\n<div class=\"two\">");
	totals(buf, "CPU", PF_QUANTITY_MILLICORES, &view->cpu);
	totals(buf, "Memory", PF_QUANTITY_BYTES, &view->memory);
	(void)pf_buf_adds(buf, "</div></section>\n");
}

/* ---- what to look at first ---- */

static void counts(struct pf_buf *buf, const struct pf_view_fleet *view)
{
	pf_html_section(buf, 2, "attention", "What to look at first");
	if (!view->nr_counts)
		(void)pf_buf_adds(buf, "<p class=\"empty\">Nothing was found so far.</p>");
	else
		(void)pf_buf_adds(buf, "<ul class=\"counts\">");
	for (size_t i = 0; i < view->nr_counts; i++) {
		enum pf_verdict verdict = view->counts[i].verdict;
		struct pf_html_query query = { .path = "/", .fragment = "workloads" };

		(void)pf_buf_adds(buf, "<li><a href=\"");
		pf_html_href(buf, &query, "verdict", pf_verdict_name(verdict));
		pf_html_addf(buf, "\"><b>%s</b> ", pf_human_count(view->counts[i].count).text);
		pf_html_badge(buf, pf_verdict_tone(verdict), pf_verdict_label(verdict), NULL, NULL);
		(void)pf_buf_adds(buf, "</a></li>");
	}
	pf_html_addif(buf, view->nr_counts > 0, "</ul>\n");
	pf_fleet_leaks(buf, view);
	pf_fleet_victims(buf, view);
	pf_fleet_killed(buf, view);
	if (view->nr_ooms)
		pf_view_ooms(buf, view->page.at_unix_ns, view->ooms,
			     PF_MIN(view->nr_ooms, (size_t)PF_VIEW_TOP_MAX),
			     view->nr_recent_oom_kills);
	(void)pf_buf_adds(buf, "</section>\n");
}

/* ---- the table ---- */

static void option(struct pf_buf *buf, const char *value, const char *label, const char *chosen)
{
	pf_html_addf(buf, "<option value=\"%s\"", value);
	pf_html_addif(buf, !strcmp(value, chosen), " selected=\"selected\"");
	pf_html_addf(buf, ">%s</option>", label);
}

static void namespace_filter(struct pf_buf *buf, const struct pf_view_fleet *view)
{
	const char *chosen = pf_html_query_get(&view->query, "namespace");
	size_t nr = PF_MIN(view->nr_namespace_choices, (size_t)PF_VIEW_CHOICES_MAX);
	bool listed = !*chosen;

	(void)pf_buf_adds(buf, "<label>Namespace <select name=\"namespace\">");
	option(buf, "", "all", chosen);
	for (size_t i = 0; i < nr; i++) {
		option(buf, view->namespace_choices[i], view->namespace_choices[i], chosen);
		listed |= !strcmp(view->namespace_choices[i], chosen);
	}
	if (!listed)
		option(buf, chosen, chosen, chosen); /* among those that did not fit */
	(void)pf_buf_adds(buf, "</select></label>");
}

static void filter(struct pf_buf *buf, const struct pf_view_fleet *view)
{
	const char *verdict = pf_html_query_get(&view->query, "verdict");
	const char *kind = pf_html_query_get(&view->query, "kind");
	const char *sort = pf_html_query_get(&view->query, "sort");

	pf_html_addf(
		buf,
		"<form class=\"filter\" method=\"get\" action=\"%s#workloads\" role=\"search\" "
		"aria-label=\"Filter the workloads\"><label>Name contains <input type=\"search\" "
		"name=\"q\" value=\"%s\" maxlength=\"253\"/></label>",
		view->query.path, pf_html_query_get(&view->query, "q"));
	namespace_filter(buf, view);
	(void)pf_buf_adds(buf, "<label>Kind <select name=\"kind\">");
	option(buf, "", "all", kind);
	for (int k = PF_WORKLOAD_UNKNOWN + 1; k < PF_NR_WORKLOAD_KINDS; k++)
		option(buf, pf_workload_kind_name((enum pf_workload_kind)k),
		       pf_workload_kind_name((enum pf_workload_kind)k), kind);
	(void)pf_buf_adds(buf, "</select></label><label>Finding <select name=\"verdict\">");
	option(buf, "", "any", verdict);
	for (int v = PF_VERDICT_NONE + 1; v < PF_NR_VERDICTS; v++)
		option(buf, pf_verdict_name((enum pf_verdict)v),
		       pf_verdict_label((enum pf_verdict)v), verdict);
	(void)pf_buf_adds(buf, "</select></label>");
	if (*sort)
		pf_html_addf(buf, "<input type=\"hidden\" name=\"sort\" value=\"%s\"/>", sort);
	(void)pf_buf_adds(buf, "<button type=\"submit\">Filter</button>");
	if (*pf_html_query_get(&view->query, "q") || *verdict || *kind ||
	    *pf_html_query_get(&view->query, "namespace"))
		pf_html_addf(buf, "<a class=\"clear\" href=\"%s#workloads\">Show all</a>",
			     *view->query.path ? view->query.path : "?");
	(void)pf_buf_adds(buf, "</form>\n");
}

static void workloads(struct pf_buf *buf, const struct pf_view_fleet *view)
{
	size_t nr = PF_MIN(view->nr_rows, (size_t)PF_VIEW_ROWS_MAX);
	struct pf_html_query query = view->query;
	char caption[160];

	query.fragment = "workloads";
	pf_html_section(buf, 2, "workloads", "Workloads");
	filter(buf, view);
	if (!nr) {
		(void)pf_buf_adds(buf,
				  view->nr_workloads
					  ? "<p class=\"empty\">No workload passes this filter.</p>"
					  : "<p class=\"empty\">No workload has been measured yet. "
					    "An agent's first report fills this table.</p>");
	} else {
		(void)snprintf(caption, sizeof(caption),
			       "%s workload%s, present and advised values of one instance",
			       pf_human_count(view->nr_matching).text,
			       view->nr_matching == 1 ? "" : "s");
		pf_view_rows(buf, caption, view->rows, nr, &query);
		pf_html_pages(buf, &query, view->page_number, view->per_page, view->nr_matching);
		pf_html_links(buf, "All of these as", view->downloads, view->nr_downloads);
	}
	(void)pf_buf_adds(buf, "</section>\n");
}

int pf_page_fleet(struct pf_buf *buf, const struct pf_view_fleet *view)
{
	pf_html_begin(buf, &view->page);
	(void)pf_buf_adds(
		buf, "<h1>Fleet</h1>\n<p class=\"lead\">What the nodes' kernels saw, and what it "
		     "says about requests and limits.</p>\n");
	summary(buf, view);
	counts(buf, view);
	workloads(buf, view);
	pf_fleet_classes(buf, view);
	pf_fleet_namespaces(buf, view);
	pf_view_glossary(buf);
	pf_html_end(buf, &view->page);
	return buf->err;
}
