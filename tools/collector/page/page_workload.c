// SPDX-License-Identifier: Apache-2.0
/*
 * page_workload.c - the page of one workload.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "collector/api/detail.h"
#include "collector/api/path.h"
#include "collector/api/reply.h"
#include "collector/page/pages.h"
#include "core/units.h"
#include "report/outputs.h"
#include "report/page_workload.h"

static double number(uint64_t value)
{
	return value >= PF_NO_LIMIT ? NAN : (double)value;
}

static int fill_hours(struct pf_arena *arena, const struct pf_detail *d,
		      struct pf_view_workload *view)
{
	struct pf_view_hour *hours = pf_arena_array(arena, d->nr_points + 1, sizeof(*hours));

	if (!hours)
		return -ENOMEM;
	for (size_t i = 0; i < d->nr_points; i++)
		pf_view_hour_of(&d->points[i], &hours[i]);
	view->hours = hours;
	view->nr_hours = d->nr_points;
	return 0;
}

static void fill_hists(const struct pf_evidence *e, struct pf_view_workload *view)
{
	if (!e)
		return;
	view->covered_ns = e->sums.covered_ns;
	if (e->has_windows)
		view->hists[PF_HIST_DEMAND] =
			(struct pf_view_hist){ e->demand, (double)e->demand_idle };
	if (!e->has_waits)
		return;
	view->hists[PF_HIST_QUOTA_WAIT].counts = e->quota_wait;
	view->hists[PF_HIST_CONTENTION_WAIT].counts = e->contention_wait;
	view->hists[PF_HIST_THROTTLE_STALL].counts = e->throttle_stall;
}

static int fill_instances(struct pf_arena *arena, const struct pf_detail *d,
			  struct pf_view_workload *view)
{
	size_t nr = PF_MIN(d->nr_instances, (size_t)PF_VIEW_INSTANCES_MAX);
	struct pf_view_instance *list = pf_arena_array(arena, nr + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		const struct pf_fleet_instance *in = &d->instances[i];

		list[i] = (struct pf_view_instance){
			.node = in->node,
			.pod = in->pod,
			.first_seen_unix_ns = in->first_seen_unix_ns,
			.ended = !in->running,
			.usage_mean_millicores = in->usage_mean_millicores,
			.demand_p99_millicores = in->demand_p99_millicores,
			.throttled_ratio = in->throttled_ratio,
			.contention_wait_ns_per_s = in->contention_wait_ns_per_s,
			.hot_peak_bytes = number(in->hot_peak_bytes),
			.memory_peak_bytes = number(in->memory_peak_bytes),
			.runq_p99_ns = in->runq_p99_ns,
			.restarts = in->restarts,
			.oom_kills = in->oom_kills,
		};
	}
	view->instances = list;
	view->nr_instances = nr;
	return 0;
}

static bool is_same_workload(const struct pf_workload_key *a, const struct pf_workload_key *b)
{
	return a->kind == b->kind && !strcmp(a->workload, b->workload) &&
	       !strcmp(a->container, b->container) &&
	       !strcmp(a->namespace_name, b->namespace_name) && !strcmp(a->cluster, b->cluster);
}

static int fill_ooms(struct pf_arena *arena, const struct pf_detail *d,
		     struct pf_view_workload *view)
{
	struct pf_view_oom *list = pf_arena_array(arena, d->nr_ooms + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < d->nr_ooms; i++)
		list[i] = (struct pf_view_oom){ .name = view->row.name,
						.node = d->ooms[i].node,
						.pod = d->ooms[i].kill.pod,
						.kill = &d->ooms[i].kill };
	view->ooms = list;
	view->nr_ooms = d->nr_ooms;
	view->nr_all_ooms = d->nr_all_ooms;
	return 0;
}

/* They come right behind the workload itself: the class is the last part of the key. */
static int fill_node_classes(struct pf_arena *arena, const struct pf_detail *d,
			     struct pf_view_workload *view)
{
	const struct pf_fleet_workload *end = d->fleet->workloads + d->fleet->nr_workloads;
	const struct pf_fleet_workload *first = d->workload + 1, *w = first;
	const struct pf_fleet_workload **list;
	struct pf_view_row *rows;
	size_t nr = 0;
	int r;

	if (*d->workload->key.node_class)
		return 0;
	while (w < end && *w->key.node_class && is_same_workload(&w->key, &d->workload->key))
		w++;
	list = pf_arena_array(arena, (size_t)(w - first) + 1, sizeof(const void *));
	if (!list)
		return -ENOMEM;
	for (const struct pf_fleet_workload *each = first; each < w; each++)
		list[nr++] = each;
	r = pf_reply_rows(arena, list, nr, &rows);
	view->node_classes = rows;
	view->nr_node_classes = r < 0 ? 0 : nr;
	return r;
}

static int fill_downloads(struct pf_arena *arena, const char *href, struct pf_view_workload *view)
{
	struct pf_html_nav *list = pf_arena_array(arena, 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	list[0] = (struct pf_html_nav){ "JSON", pf_arena_printf(arena, "/v1%s", href), false };
	view->downloads = list;
	view->nr_downloads = 1;
	return arena->err;
}

static int build(const struct pf_detail *d, struct pf_buf *buf)
{
	PF_AUTO(pf_arena_done) struct pf_arena arena;
	PF_AUTO(pf_outputs_done) struct pf_outputs outputs = { 0 };
	const struct pf_fleet_workload *w = d->workload;
	struct pf_view_workload view = { .image = w->image,
					 .runtime_kind = w->runtime_kind,
					 .enforced_note = w->enforced_note,
					 .qos = w->identity ? w->identity->qos : PF_QOS_UNKNOWN };
	char href[PF_HREF_MAX];
	int r;

	pf_arena_init(&arena, PF_ANSWER_MAX);
	pf_reply_row(w, href, &view.row);
	view.page = (struct pf_html_page){ .title = w->key.workload,
					   .cluster = w->key.cluster,
					   .version = PF_VERSION,
					   .at_unix_ns = d->fleet->at_unix_ns };
	pf_view_nav(&view.page, PF_PAGE_WORKLOAD);
	view.leak_spread =
		(struct pf_view_spread){ w->leak.nr_instances, w->leak.nr_nodes, w->leak.slope_min,
					 w->leak.slope_max, w->leak.worst_node };
	r = fill_hours(&arena, d, &view);
	fill_hists(d->evidence, &view);
	if (r == 0)
		r = fill_instances(&arena, d, &view);
	if (r == 0)
		r = fill_ooms(&arena, d, &view);
	if (r == 0)
		r = fill_node_classes(&arena, d, &view);
	if (r == 0)
		r = pf_outputs_of(&view.row, 1, &outputs);
	view.outputs = outputs.outputs;
	view.nr_outputs = outputs.nr_outputs;
	if (r == 0)
		r = fill_downloads(&arena, href, &view);
	return r < 0 ? r : pf_page_workload(buf, &view);
}

void pf_pages_workload(struct pf_collector *c, struct pf_http_request *req)
{
	PF_AUTO(pf_detail_done) struct pf_detail d = { 0 };
	struct pf_workload_key key;
	struct pf_fleet *fleet;
	struct pf_path path;
	struct pf_buf buf;
	int r;

	if (pf_path_split(pf_http_target(req), &path) < 0 || pf_path_workload(&path, &key) < 0) {
		pf_pages_message(req, 400, "No such page",
				 "The address of a workload is "
				 "/workloads/CLUSTER/NAMESPACE/KIND/NAME/CONTAINER, with - for an "
				 "empty part.");
		return;
	}
	if (pf_http_query(req, "node_class"))
		key.node_class = pf_http_query(req, "node_class");
	fleet = pf_pages_fleet_picture(c, req);
	if (!fleet)
		return;
	r = pf_detail_read(c, fleet, &key, &d);
	if (r < 0) {
		pf_pages_message(req, r == -ENOENT ? 404 : 503,
				 r == -ENOENT ? "No such workload" : "Not now",
				 r == -ENOENT
					 ? "No node has reported a container of that workload "
					   "within the retention time."
					 : "The store does not answer; try again in a moment.");
		return;
	}
	pf_buf_init(&buf, PF_HTML_PAGE_MAX);
	r = build(&d, &buf);
	if (r < 0 && !buf.err)
		buf.err = r;
	pf_pages_reply(req, &buf);
}
