// SPDX-License-Identifier: Apache-2.0
/*
 * page_nodes.c - the list of nodes.
 */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/parse.h"
#include "collector/api/select.h"
#include "collector/page/pages.h"
#include "core/units.h"
#include "report/page_nodes.h"
#include "sys/clock.h"

static const char *const node_sorts[] = { "name",   "heard", "containers", "cpu",
					  "memory", "cost",  "lost" };

/* The node sorted by what; one request at a time sorts in its own thread. */
static __thread int node_sort;
static __thread bool node_descending;

static double node_value(const struct pf_node_info *n)
{
	switch (node_sort) {
	case 1:
		return (double)n->received_unix_ms;
	case 2:
		return n->nr_containers;
	case 3:
		return (double)n->cpu_allocatable_millicores;
	case 4:
		return (double)n->memory_allocatable_bytes;
	case 5:
		return isnan(n->cost_ratio) ? -1 : n->cost_ratio;
	default:
		return (double)n->nr_lost;
	}
}

static int by_node_sort(const void *left, const void *right)
{
	const struct pf_node_info *a = left, *b = right;
	int r = node_sort ? (node_value(a) > node_value(b)) - (node_value(a) < node_value(b)) : 0;

	if (r == 0) {
		r = strcmp(a->cluster, b->cluster);
		r = r ? r : strcmp(a->node, b->node);
	}
	return node_descending ? -r : r;
}

static void sort_nodes(struct pf_http_request *req, struct pf_node_info *nodes, size_t nr)
{
	const char *sort = pf_http_query(req, "sort");

	node_sort = 0;
	node_descending = sort && *sort == '-';
	for (size_t i = 0; sort && i < PF_ARRAY_SIZE(node_sorts); i++)
		if (!strcmp(sort + node_descending, node_sorts[i]))
			node_sort = (int)i;
	qsort(nodes, nr, sizeof(*nodes), by_node_sort);
}

static size_t keep_matching(struct pf_http_request *req, struct pf_node_info *nodes, size_t nr)
{
	const char *q = pf_http_query(req, "q");
	size_t kept = 0;

	for (size_t i = 0; i < nr; i++)
		if (!q || !*q || strcasestr(nodes[i].node, q) || strcasestr(nodes[i].cluster, q))
			nodes[kept++] = nodes[i];
	return kept;
}

static void fill_node(const struct pf_node_info *n, uint64_t now_ns, struct pf_view_node *to)
{
	*to = (struct pf_view_node){
		.cluster = n->cluster,
		.name = n->node,
		.heard_unix_ns = (uint64_t)n->received_unix_ms * PF_NS_PER_MS,
		.silent = pf_pages_is_silent(n, now_ns),
		.stopped = n->last,
		.skew_ms = n->skew_ms,
		.agent_version = n->agent_version,
		.kernel_release = n->kernel_release,
		.capture_source = n->capture_source,
		.cgroup_layout = n->cgroup_layout,
		.meta_source = n->meta_source,
		.nr_containers = n->nr_containers,
		.cpu_allocatable_millicores = n->cpu_allocatable_millicores,
		.cpu_requested_millicores = n->cpu_requested_millicores,
		.cpu_used_millicores = pf_pages_amount(n->cpu_used_millicores),
		.memory_allocatable_bytes = n->memory_allocatable_bytes,
		.memory_requested_bytes = n->memory_requested_bytes,
		.memory_used_bytes = n->hot_bytes,
		.agent_cpu_ratio = n->cost_ratio,
		.agent_bytes = n->cost_bytes,
		.thinning = n->thinning,
		.nr_lost = n->nr_lost,
		.lost_reasons = "",
		.signals_off = n->signals_off,
	};
}

static uint64_t page_number(struct pf_http_request *req)
{
	const char *text = pf_http_query(req, "page");
	uint64_t page;

	return text && pf_parse_u64(text, &page) == 0 && page && page < PF_SELECT_LIMIT_MAX ? page
											    : 1;
}

static int build_nodes(struct pf_collector *c, struct pf_http_request *req, struct pf_buf *buf)
{
	PF_AUTO(pf_freep) struct pf_node_info *nodes = NULL;
	PF_AUTO(pf_freep) struct pf_view_node *shown = calloc(PF_VIEW_NODES_MAX, sizeof(*shown));
	uint64_t now_ns = (uint64_t)pf_clock_wall_ns();
	struct pf_pages_params params;
	struct pf_view_nodes view = { .page = { .title = "Nodes",
						.version = PF_VERSION,
						.at_unix_ns = now_ns,
						.refresh_s = 60 },
				      .page_number = page_number(req),
				      .per_page = PF_PAGES_ROWS };
	size_t nr = 0, first;
	int r = shown ? pf_nodes_list(c->nodes, &nodes, &nr) : -ENOMEM;

	if (r < 0)
		return r;
	pf_view_nav(&view.page, PF_PAGE_NODES);
	pf_pages_params(req, &params);
	view.query = (struct pf_html_query){ .path = "/nodes",
					     .params = params.list,
					     .nr_params = params.nr };
	nr = keep_matching(req, nodes, nr);
	for (size_t i = 0; i < nr; i++) {
		view.nr_silent += pf_pages_is_silent(&nodes[i], now_ns);
		view.nr_clocks_off += pf_view_clock_is_off(nodes[i].skew_ms);
	}
	sort_nodes(req, nodes, nr);
	first = PF_MIN((size_t)((view.page_number - 1) * view.per_page), nr);
	view.nr_nodes = PF_MIN(nr - first, (size_t)view.per_page);
	view.nr_matching = nr;
	for (size_t i = 0; i < view.nr_nodes; i++)
		fill_node(&nodes[first + i], now_ns, &shown[i]);
	view.nodes = shown;
	return pf_page_nodes(buf, &view);
}

void pf_pages_nodes(struct pf_collector *c, struct pf_http_request *req)
{
	struct pf_buf buf;
	int r;

	pf_buf_init(&buf, PF_HTML_PAGE_MAX);
	r = build_nodes(c, req, &buf);
	if (r < 0 && !buf.err)
		buf.err = r;
	pf_pages_reply(req, &buf);
}
