/* SPDX-License-Identifier: Apache-2.0 */
/*
 * places.h - which containers belong to which part, where workloads are merged in parts. All reports
 * are read once for each part, in the same order; the first time all their containers are noted, and
 * from then on only those of the part need to be decoded.
 *
 * Names may come later than the first slices: an instance is of every part that a report of it points
 * to, so that none of its slices is missing where they count.
 */
#ifndef PF_COLLECTOR_MERGE_PLACES_H
#define PF_COLLECTOR_MERGE_PLACES_H

#include "base/cleanup.h"
#include "core/report.h"

struct pf_place {
	uint64_t instance; /* hash of its name */
	uint32_t part;
};

/* Zeroed: none. */
struct pf_places {
	struct pf_place *list; /* of all nodes in their order; each node's by instance */
	size_t nr, cap;
	size_t *ends; /* by node */
	size_t nr_nodes, nodes_cap;
	size_t node; /* the number of that being read */
	uint32_t part;
};

/** pf_places_note() - the next node's reports. Return: 0; -ENOMEM. */
PF_MUST_CHECK int pf_places_note(struct pf_places *places, const struct pf_report *const *reports,
				 size_t nr_reports, uint32_t nr_parts);

/** pf_places_begin() - another round over the nodes; pf_places_next() - the next node of it. */
void pf_places_begin(struct pf_places *places, uint32_t part);
void pf_places_next(struct pf_places *places);

/** pf_places_wanted() - for pf_wire_choice: whether an instance of the node is of the part. */
bool pf_places_wanted(void *places, uint64_t instance);

void pf_places_done(struct pf_places *places);

#endif
