// SPDX-License-Identifier: Apache-2.0
#include "collector/merge/picture.h"

#include <errno.h>
#include <string.h>

#include "collector/merge/places.h"
#include "core/units.h"

struct making {
	const struct pf_picture_input *in;
	struct pf_row_list rows;
	struct pf_open open;
	struct pf_build build;
	struct pf_places places;
	struct pf_arena indexes; /* of a node's reports */
	uint32_t part, nr_parts;
	bool too_many; /* workloads in one part */
};

/* ---- one part ---- */

/* What the reports say of their node, after a restart. A table that is full stays so. */
static void see_node(struct making *m, const struct pf_report *const *reports, size_t nr,
		     int64_t heard_ms)
{
	pf_arena_reset(&m->indexes);
	for (size_t i = 0; i < nr && m->in->nodes; i++) {
		struct pf_report_index index;

		if (pf_report_index_of(reports[i], &m->indexes, &index) == 0)
			(void)pf_nodes_seen(m->in->nodes, &index, heard_ms, false);
	}
}

static int add_node(struct making *m, size_t at, size_t end)
{
	/* All slices the first time: nodes are told which there are. */
	const struct pf_wire_choice choice = { .wanted = m->part ? pf_places_wanted : NULL,
					       .arg = &m->places,
					       .hour_from = m->part ? m->in->from : 0,
					       .hour_to = UINT32_MAX,
					       .state = true };
	const struct pf_report *const *reports;
	int64_t heard_ms = 0;
	size_t nr;
	int r;

	for (size_t i = at; i < end; i++)
		heard_ms = PF_MAX(heard_ms, m->rows.rows[i].received_unix_ms);
	m->in->loader->choice = &choice;
	r = pf_loader_node(m->in->loader, &m->rows.rows[at], end - at, &reports, &nr);
	m->in->loader->choice = NULL;
	if (r == 0 && !m->part) {
		see_node(m, reports, nr, heard_ms);
		if (m->nr_parts > 1)
			r = pf_places_note(&m->places, reports, nr, m->nr_parts);
	}
	return r < 0 ? r
		     : pf_open_add_node(&m->open, reports, nr, (uint64_t)heard_ms * PF_NS_PER_MS);
}

static int add_part(struct making *m)
{
	size_t max = m->in->dense_max ? m->in->dense_max : PF_MERGE_DENSE_MAX;

	pf_places_begin(&m->places, m->part);
	for (size_t at = 0; at < m->rows.nr; pf_places_next(&m->places)) {
		size_t end = pf_row_list_node_end(&m->rows, at);
		int r = add_node(m, at, end);

		if (r < 0)
			return r;
		at = end;
		/* A quarter more is let pass: parts are not all of one size. */
		m->too_many = !m->part && pf_map_count(m->open.set.map) > max + max / 4 &&
			      m->nr_parts < PF_MERGE_PARTS_MAX;
		if (m->too_many)
			return 0;
	}
	pf_merge_finish(&m->open.set);
	return pf_build_part(&m->build, m->in->base);
}

static int add_parts(struct making *m)
{
	const struct pf_picture_input *in = m->in;
	int r = pf_open_init(&m->open, in->from, in->now_unix_ns, in->max_workloads, in->settings,
			     in->node_class_label);

	m->build = (struct pf_build){ .open = &m->open, .policy = in->policy };
	for (m->part = 0; m->part < m->nr_parts && r == 0 && !m->too_many; m->part++) {
		r = pf_open_begin_part(&m->open, m->part, m->nr_parts);
		if (r == 0)
			r = add_part(m);
	}
	return r;
}

/* ---- the whole ---- */

static int finish(struct making *m, struct pf_fleet **ret_fleet)
{
	PF_AUTO(pf_freep) struct pf_node_info *nodes = NULL;
	size_t nr_nodes = 0;
	int r = m->in->nodes ? pf_nodes_list(m->in->nodes, &nodes, &nr_nodes) : 0;

	return r < 0 ? r : pf_build_end(&m->build, m->in->base, nodes, nr_nodes, ret_fleet);
}

static int make(struct making *m, struct pf_fleet **ret_fleet)
{
	int r;

	do {
		m->nr_parts *= m->too_many ? 2 : 1;
		m->too_many = false;
		r = add_parts(m);
		if (r == 0 && !m->too_many)
			r = finish(m, ret_fleet);
		pf_build_done(&m->build);
		pf_open_done(&m->open);
		pf_places_done(&m->places);
	} while (r == 0 && m->too_many);
	return r;
}

int pf_picture_make(const struct pf_picture_input *in, uint32_t *nr_parts,
		    struct pf_fleet **ret_fleet)
{
	size_t max = in->dense_max ? in->dense_max : PF_MERGE_DENSE_MAX;
	struct making m = { .in = in, .nr_parts = PF_MAX(*nr_parts, 1u) };
	int r = in->ops->begin_reading(in->store);

	if (r < 0)
		return r;
	pf_arena_init(&m.indexes, in->loader->arena.max_bytes);
	r = pf_row_list_read(in->ops, in->store, in->from, UINT32_MAX, &m.rows);
	if (r == 0)
		r = make(&m, ret_fleet);
	in->ops->end_reading(in->store);
	pf_row_list_done(&m.rows);
	pf_arena_done(&m.indexes);
	if (r == 0)
		*nr_parts = (uint32_t)PF_MIN(((*ret_fleet)->nr_workloads + max - 1) / max,
					     (size_t)PF_MERGE_PARTS_MAX);
	return r;
}
