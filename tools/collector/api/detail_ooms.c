// SPDX-License-Identifier: Apache-2.0
/*
 * detail_ooms.c - one workload's OOM kills: those of the open hours are in the picture, older ones are
 * looked up in the reports of the hours that its history says had some.
 */
#include <errno.h>
#include <string.h>

#include "collector/api/detail_internal.h"
#include "collector/merge/load.h"

/* Enough to see a pattern; looking stops there, and after so many reports: a fleet has many an hour. */
enum { OOMS_MAX = 64, REPORTS_MAX = 4000 };

struct looking {
	struct pf_detail *detail;
	struct pf_fleet_oom *list;
	size_t nr, nr_reports;
};

/* Where a kill was. */
struct place {
	const char *cluster, *node, *node_class;
	uint64_t run_id;
};

static bool is_of(const struct place *at, const struct pf_report_oom *kill,
		  const struct pf_workload_key *key)
{
	if (*key->node_class && strcmp(at->node_class, key->node_class) != 0)
		return false;
	return kill->workload_kind == key->kind && !strcmp(kill->workload, key->workload) &&
	       !strcmp(kill->container, key->container) &&
	       !strcmp(kill->namespace_name, key->namespace_name) &&
	       !strcmp(at->cluster, key->cluster);
}

static bool is_listed(const struct looking *l, const struct place *at, uint64_t kill_id)
{
	for (size_t i = 0; i < l->nr; i++)
		if (l->list[i].run_id == at->run_id && l->list[i].kill.kill_id == kill_id &&
		    !strcmp(l->list[i].node, at->node))
			return true;
	return false;
}

static void add(struct looking *l, const struct place *at, const struct pf_report_oom *kill)
{
	struct pf_arena *arena = &l->detail->arena;
	struct pf_fleet_oom *to;

	if (l->nr == OOMS_MAX || !is_of(at, kill, &l->detail->workload->key) ||
	    is_listed(l, at, kill->kill_id))
		return;
	to = &l->list[l->nr++];
	*to = (struct pf_fleet_oom){ .cluster = l->detail->workload->key.cluster,
				     .node = pf_arena_strdup(arena, at->node),
				     .node_class = l->detail->workload->key.node_class,
				     .run_id = at->run_id,
				     .kill = *kill };
	to->kill.container_id = pf_arena_strdup(arena, kill->container_id);
	to->kill.namespace_name = l->detail->workload->key.namespace_name;
	to->kill.workload = l->detail->workload->key.workload;
	to->kill.container = l->detail->workload->key.container;
	to->kill.pod = pf_arena_strdup(arena, kill->pod);
	to->kill.comm = pf_arena_strdup(arena, kill->comm);
}

static void look_at_node(struct looking *l, const struct pf_report *const *reports, size_t nr,
			 const char *node_class_label)
{
	const char *node_class =
		nr ? pf_merge_node_class(pf_resolve_newest(reports, nr), node_class_label) : "";

	for (size_t i = 0; i < nr; i++) {
		const struct pf_report *report = reports[i];
		const struct place at = { report->cluster, report->node, node_class,
					  report->run_id };

		for (size_t k = 0; k < report->nr_oom_kills; k++)
			add(l, &at, &report->oom_kills[k]);
	}
}

static int look_at_hour(struct pf_collector *c, struct pf_store *store, struct looking *l,
			uint32_t hour)
{
	PF_AUTO(pf_row_list_done) struct pf_row_list rows = { 0 };
	const struct pf_wire_choice no_slices = { .hour_from = 1, .hour_to = 0 };
	struct pf_loader loader;
	int r = pf_row_list_read(c->store, store, hour, hour, &rows);

	pf_loader_init(&loader, c->store, store, c->config->limits_inflated_bytes,
		       c->config->limits_decoded_bytes * 4);
	loader.choice = &no_slices;
	for (size_t at = 0, end; at < rows.nr && r == 0 && l->nr < OOMS_MAX; at = end) {
		const struct pf_report *const *reports;
		size_t nr;

		end = pf_row_list_node_end(&rows, at);
		if (strcmp(rows.rows[at].key.cluster, l->detail->workload->key.cluster) != 0)
			continue;
		l->nr_reports += end - at;
		if (l->nr_reports > REPORTS_MAX)
			break;
		r = pf_loader_node(&loader, &rows.rows[at], end - at, &reports, &nr);
		if (r == 0)
			look_at_node(l, reports, nr, c->config->merge_node_class_label);
	}
	pf_loader_done(&loader);
	return r;
}

static int newest_first(const void *left, const void *right)
{
	uint64_t a = ((const struct pf_fleet_oom *)left)->kill.at_unix_ns;
	uint64_t b = ((const struct pf_fleet_oom *)right)->kill.at_unix_ns;

	return (a < b) - (a > b);
}

int pf_detail_read_ooms(struct pf_collector *c, struct pf_store *store, struct pf_detail *d)
{
	struct looking l = { .detail = d };
	int r = 0;

	l.list = pf_arena_array(&d->arena, OOMS_MAX, sizeof(*l.list));
	if (!l.list)
		return -ENOMEM;
	for (size_t i = 0; i < d->fleet->nr_ooms; i++) {
		const struct pf_fleet_oom *oom = &d->fleet->ooms[i];

		add(&l, &(struct place){ oom->cluster, oom->node, oom->node_class, oom->run_id },
		    &oom->kill);
	}
	for (size_t i = d->nr_points;
	     i-- > 0 && r == 0 && l.nr < OOMS_MAX && l.nr_reports < REPORTS_MAX;) {
		const struct pf_hour_point *point = &d->points[i];

		if (point->hour < d->fleet->open_from && point->oom_kills != PF_UNKNOWN &&
		    point->oom_kills)
			r = look_at_hour(c, store, &l, point->hour);
	}
	for (size_t i = 0; i < d->nr_points; i++)
		if (d->points[i].oom_kills != PF_UNKNOWN)
			d->nr_all_ooms += d->points[i].oom_kills;
	/* A kill may be told before the slice that counts it. */
	d->nr_all_ooms = PF_MAX(d->nr_all_ooms, (uint64_t)l.nr);
	qsort(l.list, l.nr, sizeof(*l.list), newest_first);
	d->ooms = l.list;
	d->nr_ooms = l.nr;
	return r < 0 ? r : d->arena.err;
}
