// SPDX-License-Identifier: Apache-2.0
/*
 * pages.c - what all pages have, and the fleet's.
 */
#include "collector/page/pages.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "collector/api/classes.h"
#include "collector/api/quota.h"
#include "collector/api/reply.h"
#include "collector/api/select.h"
#include "core/units.h"
#include "report/page_fleet.h"
#include "sys/clock.h"

enum {
	RETRY_S = 2,
	SILENT_NS_MIN = 5, /* minutes: a few report intervals */
	VICTIM_MIN_NS_PER_S = 1000000,
	SMALL_PAGE_MAX = 1 << 20,
};

/* ---- what every page has ---- */

static void take_param(void *arg, const char *name, const char *value)
{
	struct pf_pages_params *params = arg;

	if (params->nr < PF_PAGES_PARAMS_MAX)
		params->list[params->nr++] = (struct pf_html_param){ name, value };
}

void pf_pages_params(struct pf_http_request *req, struct pf_pages_params *ret_params)
{
	ret_params->nr = 0;
	pf_http_query_each(req, take_param, ret_params);
}

/* They hold no script and load nothing, and are in no other site's frame. */
static void protect(struct pf_http_request *req)
{
	pf_http_reply_header(req, "Content-Security-Policy", pf_html_csp());
	pf_http_reply_header(req, "Referrer-Policy", "no-referrer");
	pf_http_reply_header(req, "X-Frame-Options", "DENY");
}

void pf_pages_reply(struct pf_http_request *req, struct pf_buf *page)
{
	protect(req);
	pf_reply_buf(req, "text/html; charset=utf-8", page);
}

void pf_pages_message(struct pf_http_request *req, unsigned status, const char *heading,
		      const char *text)
{
	struct pf_html_page page = { .title = heading,
				     .version = PF_VERSION,
				     .at_unix_ns = PF_UNKNOWN,
				     .refresh_s = status == 503 ? RETRY_S : 0 };
	struct pf_buf buf;
	size_t len;

	pf_view_nav(&page, PF_PAGE_WORKLOAD);
	pf_buf_init(&buf, SMALL_PAGE_MAX);
	if (pf_page_message(&buf, &page, heading, text) < 0) {
		pf_buf_done(&buf);
		pf_http_reply_error(req, status, "%s", text);
		return;
	}
	protect(req);
	if (status == 503)
		pf_http_reply_header(req, "Retry-After", "2"); /* RETRY_S */
	len = buf.len;
	pf_http_reply(req, status, "text/html; charset=utf-8", pf_buf_steal(&buf), len);
}

struct pf_fleet *pf_pages_fleet_picture(struct pf_collector *c, struct pf_http_request *req)
{
	PF_AUTO(pf_fleet_unrefp) struct pf_fleet *fleet = pf_merger_fleet(c->merger);
	const char *unmerged = pf_reply_unmerged(c, fleet);

	if (!unmerged)
		return pf_reply_fleet(c, req);
	pf_pages_message(req, 503, "Not merged yet", unmerged);
	return NULL;
}

bool pf_pages_is_silent(const struct pf_node_info *node, uint64_t now_ns)
{
	return (uint64_t)node->received_unix_ms * PF_NS_PER_MS + SILENT_NS_MIN * PF_NS_PER_MIN <
	       now_ns;
}

uint64_t pf_pages_amount(double value)
{
	return isnan(value) || value < 0 ? PF_UNKNOWN : (uint64_t)value;
}

/* ---- the fleet ---- */

/* What a fleet page is made of; everything is in the arena or the picture. */
struct fleet_page {
	struct pf_collector *c;
	struct pf_fleet *fleet;
	struct pf_arena arena;
	struct pf_view_fleet view;
	struct pf_select select;
	const struct pf_fleet_workload **list;
};

static void fleet_page_done(struct fleet_page *p)
{
	free(p->list);
	pf_select_done(&p->select);
	pf_arena_done(&p->arena);
	pf_fleet_unref(p->fleet);
}

static int fill_freshness(struct fleet_page *p)
{
	PF_AUTO(pf_freep) struct pf_node_info *nodes = NULL;
	uint64_t now_ns = (uint64_t)pf_clock_wall_ns();
	struct pf_view_freshness *f = &p->view.freshness;
	int r = pf_nodes_list(p->c->nodes, &nodes, &f->nr_nodes);

	if (r < 0)
		return r;
	f->oldest_unix_ns = PF_UNKNOWN;
	for (size_t i = 0; i < f->nr_nodes; i++) {
		uint64_t heard_ns = (uint64_t)nodes[i].received_unix_ms * PF_NS_PER_MS;

		f->nr_reporting += !pf_pages_is_silent(&nodes[i], now_ns);
		f->oldest_unix_ns = PF_MIN(f->oldest_unix_ns, heard_ns);
	}
	return 0;
}

static void fill_totals(struct fleet_page *p)
{
	const struct pf_fleet_totals *t = &p->fleet->totals;
	struct pf_view_fleet *v = &p->view;

	v->nr_workloads = t->nr_workloads;
	v->nr_containers = t->nr_instances;
	v->nr_namespaces = p->fleet->nr_namespaces;
	v->cpu = (struct pf_view_totals){ t->cpu_allocatable_millicores ?: PF_UNKNOWN,
					  t->cpu_requested_millicores, t->cpu_advised_millicores,
					  pf_pages_amount(t->cpu_used_millicores) };
	v->memory = (struct pf_view_totals){ t->memory_allocatable_bytes ?: PF_UNKNOWN,
					     t->memory_requested_bytes, t->memory_advised_bytes,
					     pf_pages_amount(t->memory_used_bytes) };
	v->savings = t->savings;
	v->recent_ns = p->fleet->at_unix_ns - (uint64_t)p->fleet->open_from * PF_NS_PER_HOUR;
	v->nr_recent_oom_kills = p->fleet->nr_all_ooms;
}

static int by_count(const void *left, const void *right)
{
	const struct pf_view_count *a = left, *b = right;
	int tone = (int)pf_verdict_tone(b->verdict) - (int)pf_verdict_tone(a->verdict);

	if (tone)
		return tone;
	return (a->count < b->count) - (a->count > b->count);
}

static int fill_counts(struct fleet_page *p)
{
	struct pf_view_count *counts = pf_arena_array(&p->arena, PF_NR_VERDICTS, sizeof(*counts));
	size_t nr = 0;

	if (!counts)
		return -ENOMEM;
	for (int i = 1; i < PF_NR_VERDICTS; i++)
		if (p->fleet->totals.verdicts[i])
			counts[nr++] = (struct pf_view_count){ i, p->fleet->totals.verdicts[i] };
	qsort(counts, nr, sizeof(*counts), by_count);
	p->view.counts = counts;
	p->view.nr_counts = nr;
	return 0;
}

static const char *href_of(struct fleet_page *p, const struct pf_fleet_workload *w,
			   struct pf_view_name *ret_name)
{
	char href[PF_HREF_MAX];
	struct pf_view_row row;

	pf_reply_row(w, href, &row);
	*ret_name = row.name;
	return row.href ? pf_arena_strdup(&p->arena, href) : NULL;
}

static int worse_leak(const void *left, const void *right)
{
	const struct pf_leak_finding *a = ((const struct pf_view_leak *)left)->leak;
	const struct pf_leak_finding *b = ((const struct pf_view_leak *)right)->leak;

	if (a->state != b->state)
		return a->state > b->state ? -1 : 1;
	if (a->eta_unix_ns != b->eta_unix_ns)
		return a->eta_unix_ns < b->eta_unix_ns ? -1 : 1;
	return (a->slope_bytes_per_hour < b->slope_bytes_per_hour) -
	       (a->slope_bytes_per_hour > b->slope_bytes_per_hour);
}

static int fill_leaks(struct fleet_page *p)
{
	const struct pf_fleet *fleet = p->fleet;
	struct pf_view_leak *leaks =
		pf_arena_array(&p->arena, fleet->nr_workloads + 1, sizeof(*leaks));
	size_t nr = 0;

	if (!leaks)
		return -ENOMEM;
	for (size_t i = 0; i < fleet->nr_workloads; i++) {
		const struct pf_fleet_workload *w = &fleet->workloads[i];

		if (!w->leak.worst || w->leak.worst->state != PF_LEAK_ALARM || *w->key.node_class)
			continue;
		leaks[nr].leak = w->leak.worst;
		leaks[nr].spread = (struct pf_view_spread){ w->leak.nr_instances, w->leak.nr_nodes,
							    w->leak.slope_min, w->leak.slope_max,
							    w->leak.worst_node };
		leaks[nr].href = href_of(p, w, &leaks[nr].name);
		nr++;
	}
	qsort(leaks, nr, sizeof(*leaks), worse_leak);
	p->view.leaks = leaks;
	p->view.nr_leaks = PF_MIN(nr, (size_t)PF_VIEW_TOP_MAX);
	p->view.nr_all_leaks = nr;
	return p->arena.err;
}

static int worse_victim(const void *left, const void *right)
{
	double a = ((const struct pf_view_victim *)left)->contention_wait_ns_per_s;
	double b = ((const struct pf_view_victim *)right)->contention_wait_ns_per_s;

	return (a < b) - (a > b);
}

/* Mean over the instances listed, and the one that waits most. False: too little to tell of. */
static bool is_victim(const struct pf_fleet_workload *w, struct pf_view_victim *victim)
{
	double sum = 0, worst = 0;
	size_t nr = 0;

	victim->runq_p99_ns = PF_UNKNOWN;
	for (size_t i = 0; i < w->nr_listed; i++) {
		const struct pf_fleet_instance *in = &w->instances[i];

		if (!in->running || isnan(in->contention_wait_ns_per_s))
			continue;
		sum += in->contention_wait_ns_per_s;
		nr++;
		if (in->contention_wait_ns_per_s <= worst)
			continue;
		worst = in->contention_wait_ns_per_s;
		victim->worst_node = in->node;
		victim->runq_p99_ns = in->runq_p99_ns;
	}
	victim->contention_wait_ns_per_s = nr ? sum / (double)nr : 0;
	victim->worst_ns_per_s = worst;
	return victim->contention_wait_ns_per_s >= VICTIM_MIN_NS_PER_S;
}

static int fill_victims(struct fleet_page *p)
{
	const struct pf_fleet *fleet = p->fleet;
	struct pf_view_victim *victims =
		pf_arena_array(&p->arena, fleet->nr_workloads + 1, sizeof(*victims));
	size_t nr = 0;

	if (!victims)
		return -ENOMEM;
	for (size_t i = 0; i < fleet->nr_workloads; i++) {
		const struct pf_fleet_workload *w = &fleet->workloads[i];

		if (*w->key.node_class || !is_victim(w, &victims[nr]))
			continue;
		victims[nr].href = href_of(p, w, &victims[nr].name);
		nr++;
	}
	qsort(victims, nr, sizeof(*victims), worse_victim);
	p->view.victims = victims;
	p->view.nr_victims = PF_MIN(nr, (size_t)PF_VIEW_TOP_MAX);
	return p->arena.err;
}

static int more_kills(const void *left, const void *right)
{
	uint64_t a = ((const struct pf_view_killed *)left)->nr_kills;
	uint64_t b = ((const struct pf_view_killed *)right)->nr_kills;

	return (a < b) - (a > b);
}

/* Over all evidence: of hours long over the count is left, if not each kill. */
static int fill_killed(struct fleet_page *p)
{
	const struct pf_fleet *fleet = p->fleet;
	struct pf_view_killed *killed =
		pf_arena_array(&p->arena, fleet->nr_workloads + 1, sizeof(*killed));
	uint64_t first_ns = fleet->at_unix_ns;
	size_t nr = 0;

	if (!killed)
		return -ENOMEM;
	for (size_t i = 0; i < fleet->nr_workloads; i++) {
		const struct pf_fleet_workload *w = &fleet->workloads[i];
		uint64_t nr_kills = w->recommendation.evidence.oom_kills;

		if (w->first_unix_ns)
			first_ns = PF_MIN(first_ns, w->first_unix_ns);
		if (*w->key.node_class || nr_kills >= PF_NO_LIMIT || !nr_kills)
			continue;
		p->view.nr_oom_kills += nr_kills;
		killed[nr].nr_kills = nr_kills;
		killed[nr].href = href_of(p, w, &killed[nr].name);
		nr++;
	}
	qsort(killed, nr, sizeof(*killed), more_kills);
	p->view.window_ns = fleet->at_unix_ns - first_ns;
	p->view.killed = killed;
	p->view.nr_killed = PF_MIN(nr, (size_t)PF_VIEW_TOP_MAX);
	p->view.nr_all_killed = nr;
	return p->arena.err;
}

static int fill_ooms(struct fleet_page *p)
{
	size_t nr = PF_MIN(p->fleet->nr_ooms, (size_t)PF_VIEW_TOP_MAX);
	struct pf_view_oom *ooms = pf_arena_array(&p->arena, nr + 1, sizeof(*ooms));

	if (!ooms)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		const struct pf_fleet_oom *from = &p->fleet->ooms[i];
		char href[PF_HREF_MAX];

		ooms[i] = (struct pf_view_oom){
			.name = { .cluster = from->cluster,
				  .namespace_name = from->kill.namespace_name,
				  .workload = from->kill.workload,
				  .container = from->kill.container,
				  .kind = from->kill.workload_kind },
			.node = from->node,
			.pod = from->kill.pod,
			.kill = &from->kill,
		};
		pf_view_href(&ooms[i].name, href, sizeof(href));
		ooms[i].href = *href ? pf_arena_strdup(&p->arena, href) : NULL;
	}
	p->view.ooms = ooms;
	p->view.nr_ooms = nr;
	return p->arena.err;
}

static int fill_rows(struct fleet_page *p)
{
	const struct pf_fleet_workload *const *page;
	struct pf_view_row *rows;
	size_t nr, nr_page;
	int r = pf_select_run(&p->select, p->fleet, &p->list, &nr, &page, &nr_page);

	if (r == 0)
		r = pf_reply_rows(&p->arena, page, nr_page, &rows);
	if (r < 0)
		return r;
	p->view.rows = rows;
	p->view.nr_rows = nr_page;
	p->view.nr_matching = nr;
	p->view.page_number = p->select.page;
	p->view.per_page = p->select.limit;
	return 0;
}

static int fill_namespace(struct fleet_page *p, const struct pf_fleet_namespace *from,
			  struct pf_view_namespace *to)
{
	struct pf_buf href;
	char sentence[PF_QUOTA_SENTENCE_MAX];
	struct pf_resources quota;

	pf_quota_advise(from, &quota, sentence, sizeof(sentence));
	pf_buf_init(&href, PF_HREF_MAX);
	pf_buf_adds(&href, "/?namespace=");
	pf_html_percent(&href, from->name);
	*to = (struct pf_view_namespace){
		.cluster = from->cluster,
		.name = from->name,
		.href = href.err ? NULL : pf_arena_strdup(&p->arena, href.data),
		.nr_workloads = from->nr_workloads,
		.requested = from->requested,
		.advised = from->advised,
		.quota = { PF_NO_LIMIT, PF_NO_LIMIT, PF_NO_LIMIT, PF_NO_LIMIT },
		.quota_advice = pf_arena_strdup(&p->arena, sentence),
		.savings = from->savings,
	};
	pf_buf_done(&href);
	return p->arena.err;
}

static int fill_namespaces(struct fleet_page *p)
{
	size_t nr = p->fleet->nr_namespaces;
	struct pf_view_namespace *list = pf_arena_array(&p->arena, nr + 1, sizeof(*list));
	const char **choices = pf_arena_array(&p->arena, nr + 1, sizeof(*choices));
	size_t nr_choices = 0;
	int r = 0;

	if (!list || !choices)
		return -ENOMEM;
	for (size_t i = 0; i < nr && r == 0; i++) {
		const struct pf_fleet_namespace *ns = &p->fleet->namespaces[i];

		if (nr_choices < PF_VIEW_CHOICES_MAX &&
		    (!nr_choices || strcmp(choices[nr_choices - 1], ns->name) != 0))
			choices[nr_choices++] = ns->name;
		if (i < PF_VIEW_NAMESPACES_MAX)
			r = fill_namespace(p, ns, &list[i]);
	}
	p->view.namespaces = list;
	p->view.nr_namespaces_shown = PF_MIN(nr, (size_t)PF_VIEW_NAMESPACES_MAX);
	p->view.namespace_choices = choices;
	p->view.nr_namespace_choices = nr_choices;
	return r;
}

static int fill_classes(struct fleet_page *p)
{
	struct pf_class_sum *sums;
	struct pf_view_class *list;
	size_t nr;
	int r = pf_class_sums(p->fleet, &p->arena, &sums, &nr);

	if (r < 0)
		return r;
	list = pf_arena_array(&p->arena, nr + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++)
		list[i] = (struct pf_view_class){
			.name = sums[i].name,
			.nr_workloads = sums[i].nr_workloads,
			.cpu_requested_millicores = sums[i].cpu_requested_millicores,
			.cpu_advised_millicores = sums[i].cpu_advised_millicores,
			.memory_requested_bytes = sums[i].memory_requested_bytes,
			.memory_advised_bytes = sums[i].memory_advised_bytes,
			.savings = sums[i].savings,
		};
	p->view.classes = list;
	p->view.nr_classes = nr;
	return 0;
}

/* The same selection in other forms: all of it, so without page and limit. */
static int fill_downloads(struct fleet_page *p, const struct pf_pages_params *params)
{
	static const char *const formats[] = { "json", "yaml", "csv", "patch", "helm-values" };
	struct pf_html_nav *list = pf_arena_array(&p->arena, PF_ARRAY_SIZE(formats), sizeof(*list));

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < PF_ARRAY_SIZE(formats); i++) {
		struct pf_buf href;

		pf_buf_init(&href, PF_HREF_MAX);
		pf_buf_addf(&href, "/v1/recommendations?limit=%d&format=%s", PF_SELECT_LIMIT_MAX,
			    formats[i]);
		for (size_t k = 0; k < params->nr; k++) {
			const struct pf_html_param *param = &params->list[k];

			if (!*param->value || !strcmp(param->key, "page") ||
			    !strcmp(param->key, "limit") || !strcmp(param->key, "format"))
				continue;
			pf_buf_adds(&href, "&");
			pf_html_percent(&href, param->key);
			pf_buf_adds(&href, "=");
			pf_html_percent(&href, param->value);
		}
		if (!href.err)
			list[p->view.nr_downloads++] = (struct pf_html_nav){
				formats[i], pf_arena_strdup(&p->arena, href.data), false
			};
		pf_buf_done(&href);
	}
	p->view.downloads = list;
	return p->arena.err;
}

static int fill_fleet(struct fleet_page *p, struct pf_pages_params *params)
{
	int r = fill_freshness(p);

	p->view.page = (struct pf_html_page){ .title = "Fleet",
					      .version = PF_VERSION,
					      .at_unix_ns = p->fleet->at_unix_ns,
					      .refresh_s = 60 };
	pf_view_nav(&p->view.page, PF_PAGE_FLEET);
	p->view.query = (struct pf_html_query){ .path = "/",
						.params = params->list,
						.nr_params = params->nr };
	fill_totals(p);
	if (r == 0)
		r = fill_counts(p);
	if (r == 0)
		r = fill_leaks(p);
	if (r == 0)
		r = fill_victims(p);
	if (r == 0)
		r = fill_killed(p);
	if (r == 0)
		r = fill_ooms(p);
	if (r == 0)
		r = fill_rows(p);
	if (r == 0)
		r = fill_downloads(p, params);
	if (r == 0)
		r = fill_classes(p);
	return r < 0 ? r : fill_namespaces(p);
}

/* Without a wish, what is most urgent comes first. */
static int parse_select(struct pf_http_request *req, struct pf_select *select, char *error,
			size_t error_size)
{
	const char *sort = pf_http_query(req, "sort");
	int r = pf_select_parse(req, PF_PAGES_ROWS, select, error, error_size);

	if (r == 0 && (!sort || !*sort)) {
		select->sort = PF_SELECT_BY_RISK;
		select->descending = true;
	}
	if (r == 0)
		select->limit = PF_MIN(select->limit, (uint64_t)PF_VIEW_ROWS_MAX);
	return r;
}

void pf_pages_fleet(struct pf_collector *c, struct pf_http_request *req)
{
	PF_AUTO(fleet_page_done) struct fleet_page p = { .c = c };
	struct pf_pages_params params;
	struct pf_buf buf;
	char error[256] = "out of memory";
	int r;

	pf_arena_init(&p.arena, PF_ANSWER_MAX);
	r = parse_select(req, &p.select, error, sizeof(error));
	if (r < 0) {
		pf_pages_message(req, r == -EINVAL ? 400 : 500, "That cannot be shown", error);
		return;
	}
	p.fleet = pf_pages_fleet_picture(c, req);
	if (!p.fleet)
		return;
	pf_pages_params(req, &params);
	pf_buf_init(&buf, PF_HTML_PAGE_MAX);
	r = fill_fleet(&p, &params);
	if (r == 0)
		r = pf_page_fleet(&buf, &p.view);
	if (r < 0 && !buf.err)
		buf.err = r;
	pf_pages_reply(req, &buf);
}
