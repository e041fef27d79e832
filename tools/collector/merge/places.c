// SPDX-License-Identifier: Apache-2.0
#include "collector/merge/places.h"

#include <errno.h>
#include <stdlib.h>

#include "collector/merge/open.h"
#include "core/evidence.h"

static int by_instance(const void *left, const void *right)
{
	const struct pf_place *a = left, *b = right;

	return (a->instance > b->instance) - (a->instance < b->instance);
}

static int grow(void **list, size_t *cap, size_t nr, size_t size)
{
	size_t more = *cap ? *cap * 2 : 4096;
	void *bigger;

	if (nr < *cap)
		return 0;
	bigger = realloc(*list, more * size);
	if (!bigger)
		return -ENOMEM;
	*list = bigger;
	*cap = more;
	return 0;
}

static int add(struct pf_places *places, uint64_t instance, uint32_t part)
{
	int r = grow((void **)&places->list, &places->cap, places->nr, sizeof(*places->list));

	if (r == 0)
		places->list[places->nr++] = (struct pf_place){ instance, part };
	return r;
}

int pf_places_note(struct pf_places *places, const struct pf_report *const *reports,
		   size_t nr_reports, uint32_t nr_parts)
{
	size_t first = places->nr;
	int r = grow((void **)&places->ends, &places->nodes_cap, places->nr_nodes,
		     sizeof(*places->ends));

	for (size_t i = 0; i < nr_reports && r == 0; i++) {
		for (size_t c = 0; c < reports[i]->nr_containers && r == 0; c++) {
			const struct pf_report_container *from = &reports[i]->containers[c];
			struct pf_workload_key key;

			pf_merge_key_of(reports[i], from->identity, "", &key);
			r = add(places, pf_evidence_instance_id(from->instance),
				pf_merge_part_of(&key, nr_parts));
		}
	}
	if (r < 0)
		return r;
	if (places->nr > first)
		qsort(&places->list[first], places->nr - first, sizeof(*places->list), by_instance);
	places->ends[places->nr_nodes++] = places->nr;
	return 0;
}

void pf_places_begin(struct pf_places *places, uint32_t part)
{
	places->node = 0;
	places->part = part;
}

void pf_places_next(struct pf_places *places)
{
	places->node++;
}

bool pf_places_wanted(void *arg, uint64_t instance)
{
	const struct pf_places *places = arg;
	size_t low = places->node ? places->ends[places->node - 1] : 0;
	size_t end = places->ends[places->node], high = end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (places->list[middle].instance < instance)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < end && places->list[low].instance == instance; low++)
		if (places->list[low].part == places->part)
			return true;
	return false;
}

void pf_places_done(struct pf_places *places)
{
	free(places->list);
	free(places->ends);
	*places = (struct pf_places){ 0 };
}
