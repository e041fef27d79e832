// SPDX-License-Identifier: Apache-2.0
/*
 * answers.c - lists of workloads: recommendations in every form, leaks, names.
 */
#include "collector/api/answers.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "collector/api/reply.h"
#include "collector/api/select.h"
#include "core/units.h"
#include "report/advice_out.h"
#include "report/emit.h"

enum { DEFAULT_LIMIT = 1000 };

/* What an answer about workloads starts from. */
struct selection {
	struct pf_fleet *fleet;
	struct pf_select select;
	const struct pf_fleet_workload **list;
	const struct pf_fleet_workload *const *page;
	size_t nr, nr_page;
	bool behind; /* reports are stored that are not in the picture yet */
};

static void selection_done(struct selection *s)
{
	pf_fleet_unref(s->fleet);
	pf_select_done(&s->select);
	free(s->list);
}

/* The address of another page of this answer, for the Link header. */
static void link_page(struct pf_http_request *req, uint64_t page, const char *relation,
		      struct pf_buf *link)
{
	const char *target = pf_http_target(req), *query = strchr(target, '?');

	pf_buf_addf(link, "%s<%.*s?", link->len ? ", " : "",
		    query ? (int)(query - target) : (int)strlen(target), target);
	/* All arguments but page, as they came. */
	while (query && *query) {
		const char *one = query + 1;
		size_t len = strcspn(one, "&");

		if (len && strncmp(one, "page=", 5) != 0)
			pf_buf_addf(link, "%.*s&", (int)len, one);
		query = one[len] ? one + len : NULL;
	}
	pf_buf_addf(link, "page=%llu>; rel=\"%s\"", (unsigned long long)page, relation);
}

static void reply_paging(struct pf_http_request *req, const struct selection *s)
{
	struct pf_buf link;
	char total[24];

	pf_buf_init(&link, 4096);
	(void)snprintf(total, sizeof(total), "%zu", s->nr);
	pf_http_reply_header(req, "X-Total-Count", total);
	if (s->select.page > 1)
		link_page(req, s->select.page - 1, "prev", &link);
	if (s->select.page * s->select.limit < s->nr)
		link_page(req, s->select.page + 1, "next", &link);
	if (link.len && !link.err)
		pf_http_reply_header(req, "Link", link.data);
	pf_buf_done(&link);
}

/* False: answered. */
static bool begin(struct pf_collector *c, struct pf_http_request *req, bool leaks_only,
		  struct selection *s)
{
	char error[256];
	int r;

	*s = (struct selection){ 0 };
	r = pf_select_parse(req, DEFAULT_LIMIT, &s->select, error, sizeof(error));
	if (r == -EINVAL) {
		pf_http_reply_error(req, 400, "%s", error);
		return false;
	}
	s->select.leaks_only = leaks_only;
	if (r == 0)
		s->fleet = pf_reply_fleet(c, req);
	if (r == 0 && !s->fleet)
		return false;
	if (r == 0)
		r = pf_select_run(&s->select, s->fleet, &s->list, &s->nr, &s->page, &s->nr_page);
	if (r < 0) {
		pf_http_reply_error(req, 500, "out of memory");
		return false;
	}
	s->behind = pf_reply_is_behind(c, s->fleet);
	if (s->behind) /* for the forms that have no room for it */
		pf_http_reply_header(req, "X-Podfit-Merge-Pending", "true");
	reply_paging(req, s);
	return true;
}

static void reply_protobuf(struct pf_http_request *req, const struct selection *s)
{
	struct pf_buf out;

	pf_buf_init(&out, PF_ANSWER_MAX);
	if (pf_reply_report(s->fleet, s->page, s->nr_page, &out) < 0)
		out.err = -ENOMEM;
	pf_reply_buf(req, "application/x-protobuf", &out);
}

/* ---- recommendations ---- */

static const char *const content_types[PF_NR_ADVICE_FORMATS] = {
	[PF_ADVICE_TABLE] = "text/plain; charset=utf-8",
	[PF_ADVICE_JSON] = "application/json",
	[PF_ADVICE_YAML] = "application/yaml",
	[PF_ADVICE_CSV] = "text/csv; charset=utf-8",
	[PF_ADVICE_PATCH] = "text/x-shellscript; charset=utf-8",
	[PF_ADVICE_VPA] = "application/yaml",
	[PF_ADVICE_KUSTOMIZE] = "application/yaml",
	[PF_ADVICE_HELM] = "application/yaml",
};

void pf_answer_recommendations(struct pf_collector *c, struct pf_http_request *req)
{
	PF_AUTO(selection_done) struct selection s = { 0 };
	PF_AUTO(pf_arena_done) struct pf_arena arena;
	const char *format = pf_http_query(req, "format");
	enum pf_advice_format which = PF_ADVICE_JSON;
	struct pf_view_row *rows;
	struct pf_buf out;

	pf_arena_init(&arena, PF_ANSWER_MAX);
	if (format && *format && strcmp(format, "protobuf") != 0 &&
	    pf_advice_format_parse(format, &which) < 0) {
		pf_http_reply_error(req, 400,
				    "format=%.40s: want json, yaml, csv, table, patch, vpa, "
				    "kustomize, helm-values or protobuf",
				    format);
		return;
	}
	if (!begin(c, req, false, &s))
		return;
	if (pf_reply_wants_protobuf(req)) {
		reply_protobuf(req, &s);
		return;
	}
	pf_buf_init(&out, PF_ANSWER_MAX);
	if (pf_reply_rows(&arena, s.page, s.nr_page, &rows) < 0 ||
	    pf_advice_print(which, rows, s.nr_page, &out) < 0)
		out.err = out.err ? out.err : -ENOMEM;
	pf_reply_buf(req, content_types[which], &out);
}

/* ---- the names alone ---- */

static void emit_key(struct pf_emit *e, const struct pf_workload_key *key)
{
	pf_emit_text(e, "cluster", key->cluster);
	pf_emit_text(e, "namespace", key->namespace_name);
	pf_emit_text(e, "kind", pf_workload_kind_name(key->kind));
	pf_emit_text(e, "workload", key->workload);
	pf_emit_text(e, "container", key->container);
	if (*key->node_class)
		pf_emit_text(e, "node_class", key->node_class);
}

static void emit_workload(struct pf_emit *e, const struct pf_fleet_workload *w)
{
	char href[PF_HREF_MAX];
	struct pf_view_row row;

	pf_reply_row(w, href, &row);
	pf_emit_open(e, NULL, false);
	emit_key(e, &w->key);
	pf_emit_textf(e, "href", "/v1%s", href);
	pf_emit_uint(e, "nr_instances", w->nr_instances);
	pf_emit_uint(e, "nr_nodes", w->nr_nodes);
	pf_emit_double(e, "usage_now_millicores", w->usage_now_millicores);
	pf_emit_double(e, "hot_now_bytes", w->hot_now_bytes);
	pf_emit_uint(e, "first_unix_ns", w->first_unix_ns);
	pf_emit_uint(e, "last_unix_ns", w->last_unix_ns);
	pf_emit_open(e, "verdicts", true);
	for (size_t i = 0; i < w->recommendation.nr_findings; i++)
		pf_emit_text(e, NULL, pf_verdict_name(w->recommendation.findings[i].verdict));
	pf_emit_close(e);
	pf_emit_close(e);
}

static void emit_head(struct pf_emit *e, const struct selection *s)
{
	pf_emit_open(e, NULL, false);
	pf_emit_uint(e, "at_unix_ns", s->fleet->at_unix_ns);
	pf_emit_bool(e, "merge_pending", s->behind);
	pf_emit_uint(e, "total", s->nr);
	pf_emit_uint(e, "page", s->select.page);
	pf_emit_uint(e, "limit", s->select.limit);
}

void pf_answer_workloads(struct pf_collector *c, struct pf_http_request *req)
{
	PF_AUTO(selection_done) struct selection s = { 0 };
	struct pf_emit e;
	struct pf_buf out;

	if (!begin(c, req, false, &s))
		return;
	pf_buf_init(&out, PF_ANSWER_MAX);
	pf_emit_init(&e, &out, false);
	emit_head(&e, &s);
	pf_emit_open(&e, "workloads", true);
	for (size_t i = 0; i < s.nr_page; i++)
		emit_workload(&e, s.page[i]);
	pf_emit_close(&e);
	pf_emit_close(&e);
	pf_reply_buf(req, "application/json", &out);
}

/* ---- leaks ---- */

static const char *const leak_states[] = { "LEAK_NONE", "LEAK_SUSPECT", "LEAK_ALARM" };

static void emit_finding(struct pf_emit *e, const struct pf_leak_finding *f)
{
	pf_emit_text(e, "state", leak_states[f->state]);
	pf_emit_text(e, "severity", pf_severity_name(f->severity));
	pf_emit_uint(e, "since_unix_ns", f->since_unix_ns);
	pf_emit_uint(e, "first_alarm_unix_ns", f->first_alarm_unix_ns);
	pf_emit_double(e, "slope_bytes_per_hour", f->slope_bytes_per_hour);
	pf_emit_double(e, "slope_low", f->slope_low);
	pf_emit_double(e, "slope_high", f->slope_high);
	pf_emit_uint(e, "eta_unix_ns", f->eta_unix_ns);
	pf_emit_uint(e, "eta_low_unix_ns", f->eta_low_unix_ns);
	pf_emit_uint(e, "eta_high_unix_ns", f->eta_high_unix_ns);
	pf_emit_uint(e, "effective_limit_bytes", f->effective_limit_bytes);
	pf_emit_text(e, "effective_limit_of", f->effective_limit_of);
	pf_emit_text(e, "kind", pf_memory_kind_name(f->kind));
	pf_emit_double(e, "kind_share", f->kind_share);
	pf_emit_uint(e, "pre_leak_bytes", f->pre_leak_bytes);
	pf_emit_uint(e, "now_bytes", f->now_bytes);
	pf_emit_text(e, "test", f->test);
	pf_emit_bool(e, "baseline_alarm", f->baseline_alarm);
}

/* The spread over the fleet, then the finding of the worst instance. */
static void emit_leak(struct pf_emit *e, const struct pf_fleet_workload *w)
{
	const struct pf_fleet_leak *leak = &w->leak;

	pf_emit_open(e, NULL, false);
	emit_key(e, &w->key);
	pf_emit_uint(e, "nr_instances", leak->nr_instances);
	pf_emit_uint(e, "of_instances", w->nr_instances);
	pf_emit_uint(e, "nr_nodes", leak->nr_nodes);
	pf_emit_double(e, "slope_min", leak->slope_min);
	pf_emit_double(e, "slope_max", leak->slope_max);
	pf_emit_double(e, "slope_mean", leak->slope_mean);
	pf_emit_open(e, "nodes", true);
	for (uint32_t i = 0; i < leak->nr_nodes_named; i++)
		pf_emit_text(e, NULL, leak->nodes[i]);
	pf_emit_close(e);
	pf_emit_open(e, "worst", false);
	pf_emit_text(e, "node", leak->worst_node);
	pf_emit_text(e, "pod", leak->worst_pod);
	emit_finding(e, leak->worst);
	pf_emit_close(e);
	pf_emit_close(e);
}

void pf_answer_leaks(struct pf_collector *c, struct pf_http_request *req)
{
	PF_AUTO(selection_done) struct selection s = { 0 };
	struct pf_emit e;
	struct pf_buf out;

	if (!begin(c, req, true, &s))
		return;
	if (pf_reply_wants_protobuf(req)) {
		reply_protobuf(req, &s);
		return;
	}
	pf_buf_init(&out, PF_ANSWER_MAX);
	pf_emit_init(&e, &out, false);
	emit_head(&e, &s);
	pf_emit_open(&e, "leaks", true);
	for (size_t i = 0; i < s.nr_page; i++)
		emit_leak(&e, s.page[i]);
	pf_emit_close(&e);
	pf_emit_close(&e);
	pf_reply_buf(req, "application/json", &out);
}
