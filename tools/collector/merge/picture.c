// SPDX-License-Identifier: Apache-2.0
#include "collector/merge/picture.h"

#include <errno.h>
#include <string.h>

#include "core/units.h"

/* To which part a container of a node's reports belongs. */
struct place {
	uint64_t instance;
	uint32_t part;
};

/* Those of all nodes, in the order in which nodes are read; each node's by instance. */
struct places {
	struct place *list;
	size_t nr, cap;
	size_t *ends; /* by node */
	size_t nr_nodes;
};

struct making {
	const struct pf_picture_input *in;
	struct pf_row_list rows;
	struct pf_open open;
	struct pf_build build;
	struct places places;
	struct pf_arena indexes; /* of a node's reports */
	uint32_t part, nr_parts;
	size_t node;   /* the number of that being read */
	bool too_many; /* workloads in one part */
};

/* ---- which containers are of which part ---- */

static void places_done(struct places *places)
{
	free(places->list);
	free(places->ends);
	*places = (struct places){ 0 };
}

static int by_instance(const void *left, const void *right)
{
	const struct place *a = left, *b = right;

	return (a->instance > b->instance) - (a->instance < b->instance);
}

static int add_place(struct places *places, uint64_t instance, uint32_t part)
{
	if (places->nr == places->cap) {
		size_t cap = places->cap ? places->cap * 2 : 4096;
		void *list = realloc(places->list, cap * sizeof(*places->list));

		if (!list)
			return -ENOMEM;
		places->list = list;
		places->cap = cap;
	}
	places->list[places->nr++] = (struct place){ instance, part };
	return 0;
}

/* Names may come later than the first slices: an instance is of every part that a report of it
 * points to, so that none of its slices is missing where they count. */
static int note_places(struct making *m, const struct pf_report *const *reports, size_t nr)
{
	struct places *places = &m->places;
	size_t first = places->nr;
	int r = 0;

	for (size_t i = 0; i < nr && r == 0; i++) {
		for (size_t c = 0; c < reports[i]->nr_containers && r == 0; c++) {
			const struct pf_report_container *from = &reports[i]->containers[c];
			struct pf_workload_key key;

			pf_merge_key_of(reports[i], from->identity, "", &key);
			r = add_place(places, pf_evidence_instance_id(from->instance),
				      pf_merge_part_of(&key, m->nr_parts));
		}
	}
	if (places->nr > first)
		qsort(&places->list[first], places->nr - first, sizeof(*places->list), by_instance);
	places->ends[places->nr_nodes++] = places->nr;
	return r;
}

static bool is_wanted(void *arg, uint64_t instance)
{
	const struct making *m = arg;
	const struct places *places = &m->places;
	size_t low = m->node ? places->ends[m->node - 1] : 0, end = places->ends[m->node];
	size_t high = end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (places->list[middle].instance < instance)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < end && places->list[low].instance == instance; low++)
		if (places->list[low].part == m->part)
			return true;
	return false;
}

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
	const struct pf_report *const *reports;
	int64_t heard_ms = 0;
	size_t nr;
	int r;

	for (size_t i = at; i < end; i++)
		heard_ms = PF_MAX(heard_ms, m->rows.rows[i].received_unix_ms);
	m->in->loader->wanted = m->part ? is_wanted : NULL;
	m->in->loader->wanted_arg = m;
	r = pf_loader_node(m->in->loader, &m->rows.rows[at], end - at, &reports, &nr);
	m->in->loader->wanted = NULL;
	if (r == 0 && !m->part) {
		see_node(m, reports, nr, heard_ms);
		if (m->nr_parts > 1)
			r = note_places(m, reports, nr);
	}
	return r < 0 ? r
		     : pf_open_add_node(&m->open, reports, nr, (uint64_t)heard_ms * PF_NS_PER_MS);
}

static int add_part(struct making *m)
{
	size_t max = m->in->dense_max ? m->in->dense_max : PF_MERGE_DENSE_MAX;

	m->node = 0;
	for (size_t at = 0; at < m->rows.nr; m->node++) {
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
	m->places.ends = calloc(m->rows.nr + 1, sizeof(*m->places.ends));
	if (!m->places.ends)
		return -ENOMEM;
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
		places_done(&m->places);
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
