// SPDX-License-Identifier: Apache-2.0
#include "collector/api/detail_internal.h"

#include <errno.h>
#include <string.h>

#include "wire/summary.h"

enum { MEMORY_MAX = 256 << 20, SUMMARY_MEMORY_MAX = 64 << 20 };

/* ---- hours that are over ---- */

struct history {
	struct pf_detail *detail;
	struct pf_arena arena; /* of one summary at a time */
};

static int take_summary(void *arg, const struct pf_store_summary *summary)
{
	struct history *history = arg;
	struct pf_detail *d = history->detail;
	PF_AUTO(pf_evidence_freep) struct pf_evidence *evidence = NULL;
	const struct pf_hour_point *points;
	struct pf_vpa_settings settings;
	struct pf_wire_error error;
	size_t nr;
	int r;

	pf_vpa_settings_default(&settings);
	pf_arena_reset(&history->arena);
	r = pf_wire_decode_summary(summary->body, summary->body_len, &settings, &history->arena,
				   &evidence, &points, &nr, &error);
	if (r == -EBADMSG || r == -ENOSPC)
		return 0; /* a damaged one was counted by the merger */
	if (r < 0)
		return r;
	if (!d->evidence)
		d->evidence = pf_take(evidence);
	else
		r = pf_evidence_merge(d->evidence, evidence);
	for (size_t i = 0; i < nr && d->nr_points < PF_DETAIL_POINTS_MAX; i++)
		d->points[d->nr_points++] = points[i];
	return r;
}

/*
 * From the store, not from the merger's base: that may be ahead of the picture by an hour, which would count twice with
 * the picture's open hours.
 */
static int read_history(struct pf_collector *c, struct pf_store *store, struct pf_detail *d)
{
	struct history history = { .detail = d };
	int r;

	d->points = pf_arena_array(&d->arena, PF_DETAIL_POINTS_MAX + PF_MERGE_POINTS_MAX,
				   sizeof(*d->points));
	if (!d->points)
		return -ENOMEM;
	pf_arena_init(&history.arena, SUMMARY_MEMORY_MAX);
	r = c->store->get_summaries(store, &d->workload->key, 0, d->fleet->open_from, take_summary,
				    &history);
	pf_arena_done(&history.arena);
	return r;
}

/* ---- hours that are open ---- */

static bool runs_on(const struct pf_fleet_workload *w, const char *node)
{
	for (size_t i = 0; i < w->nr_listed; i++)
		if (!strcmp(w->instances[i].node, node))
			return true;
	return false;
}

static int merge_nodes(struct pf_collector *c, struct pf_store *store,
		       const struct pf_row_list *rows, const struct pf_detail *d,
		       struct pf_open *open)
{
	/* Slices of hours that are sealed are in the history. */
	const struct pf_wire_choice choice = { .hour_from = d->fleet->open_from,
					       .hour_to = UINT32_MAX,
					       .state = true };
	struct pf_loader loader;
	int r = 0;

	pf_loader_init(&loader, c->store, store, c->config->limits_inflated_bytes,
		       c->config->limits_decoded_bytes * 4);
	loader.choice = &choice;
	for (size_t at = 0, end; at < rows->nr && r == 0; at = end) {
		const struct pf_store_report *row = &rows->rows[at];
		const struct pf_report *const *reports;
		uint64_t heard_ms = 0;
		size_t nr;

		end = pf_row_list_node_end(rows, at);
		if (strcmp(row->key.cluster, d->workload->key.cluster) != 0 ||
		    !runs_on(d->workload, row->key.node))
			continue;
		for (size_t i = at; i < end; i++)
			heard_ms = PF_MAX(heard_ms, (uint64_t)rows->rows[i].received_unix_ms);
		r = pf_loader_node(&loader, row, end - at, &reports, &nr);
		if (r == 0)
			r = pf_open_add_node(open, reports, nr, heard_ms * PF_NS_PER_MS);
	}
	pf_loader_done(&loader);
	return r;
}

/* Puts what the open hours say into the detail; the open set's arena is taken over. */
static int take_open(struct pf_open *open, struct pf_detail *d)
{
	struct pf_merged *merged;
	struct pf_open_extra *extra;
	int r = 0;

	pf_merge_finish(&open->set);
	merged = pf_merge_find(&open->set, &d->workload->key);
	if (!merged)
		return 0;
	if (d->evidence)
		r = pf_evidence_merge(d->evidence, merged->evidence);
	else
		d->evidence = pf_take(merged->evidence);
	for (uint32_t i = 0; i < merged->nr_points; i++)
		d->points[d->nr_points++] = merged->points[i];
	extra = merged->extra;
	if (!extra)
		return r;
	/* Their names are the open set's: copied, since it goes. */
	struct pf_fleet_instance *list =
		pf_arena_array(&d->arena, extra->nr_listed + 1, sizeof(*list));

	for (uint32_t i = 0; list && i < extra->nr_listed; i++) {
		list[i] = extra->instances[i];
		list[i].node = pf_arena_strdup(&d->arena, list[i].node);
		list[i].pod = pf_arena_strdup(&d->arena, list[i].pod);
	}
	d->instances = list;
	d->nr_instances = list ? extra->nr_listed : 0;
	return r < 0 ? r : d->arena.err;
}

static int read_open(struct pf_collector *c, struct pf_store *store, struct pf_detail *d)
{
	PF_AUTO(pf_row_list_done) struct pf_row_list rows = { 0 };
	PF_AUTO(pf_open_done) struct pf_open open = { 0 };
	struct pf_vpa_settings settings;
	int r = pf_row_list_read(c->store, store, d->fleet->open_from, UINT32_MAX, &rows);

	pf_vpa_settings_default(&settings);
	/* Two: what counts for a class of nodes counts for the DaemonSet as a whole first. */
	if (r == 0)
		r = pf_open_init(&open, d->fleet->open_from, d->fleet->at_unix_ns, 2, &settings,
				 *d->workload->key.node_class ? c->config->merge_node_class_label
							      : "");
	open.only = &d->workload->key;
	if (r == 0)
		r = merge_nodes(c, store, &rows, d, &open);
	return r < 0 ? r : take_open(&open, d);
}

static int by_hour(const void *left, const void *right)
{
	const struct pf_hour_point *a = left, *b = right;

	return (a->hour > b->hour) - (a->hour < b->hour);
}

int pf_detail_read(struct pf_collector *c, struct pf_fleet *fleet,
		   const struct pf_workload_key *key, struct pf_detail *ret_detail)
{
	PF_AUTO(pf_detail_done) struct pf_detail d = { .fleet = fleet };
	struct pf_store *store = NULL;
	char error[256];
	int r;

	pf_arena_init(&d.arena, MEMORY_MAX);
	d.workload = pf_fleet_find(fleet, key);
	if (!d.workload)
		return -ENOENT;
	r = pf_readers_take(c->readers, &store, error, sizeof(error));
	if (r < 0)
		return r;
	r = read_history(c, store, &d);
	if (r == 0)
		r = read_open(c, store, &d);
	if (r == 0) {
		qsort(d.points, d.nr_points, sizeof(*d.points), by_hour);
		r = pf_detail_read_ooms(c, store, &d);
	}
	pf_readers_give(c->readers, store, r < 0);
	if (r < 0)
		return r;
	*ret_detail = d;
	d = (struct pf_detail){ 0 };
	pf_arena_init(&d.arena, 0);
	return 0;
}

void pf_detail_done(struct pf_detail *d)
{
	pf_evidence_free(d->evidence);
	pf_fleet_unref(d->fleet);
	pf_arena_done(&d->arena);
	d->evidence = NULL;
	d->fleet = NULL;
}
