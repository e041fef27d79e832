// SPDX-License-Identifier: Apache-2.0
#include "collector/ingest/keyset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash ^= value + 0x9e3779b97f4a7c15u + (hash << 6) + (hash >> 2);
	hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;
	hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebu;
	return hash ^ (hash >> 31);
}

static int by_key(const void *left, const void *right)
{
	const struct pf_keyset_entry *a = left, *b = right;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->sequence < b->sequence ? -1 : a->sequence > b->sequence;
}

int pf_keyset_of(const struct pf_report_index *index, struct pf_keyset *ret_set)
{
	const struct pf_report *report = &index->report;
	struct pf_keyset set = { .nr = 0 };
	size_t max = report->nr_oom_kills + index->nr_slices;

	set.entries = calloc(max ? max : 1, sizeof(*set.entries));
	if (!set.entries)
		return -ENOMEM;
	for (size_t i = 0; i < index->nr_slices; i++) {
		const struct pf_index_slice *s = &index->slices[i];

		set.entries[set.nr++] =
			(struct pf_keyset_entry){ mix(mix(s->instance, s->hour), s->run_id),
						  s->sequence };
	}
	for (size_t i = 0; i < report->nr_oom_kills; i++)
		set.entries[set.nr++] = (struct pf_keyset_entry){
			mix(report->run_id ^ 0x6f6f6d, report->oom_kills[i].kill_id), 0
		};
	qsort(set.entries, set.nr, sizeof(*set.entries), by_key);
	*ret_set = set;
	return 0;
}

void pf_keyset_done(struct pf_keyset *set)
{
	free(set->entries);
	*set = (struct pf_keyset){ 0 };
}

bool pf_keyset_covers(const struct pf_keyset *set, const struct pf_keyset *old)
{
	size_t at = 0;

	for (size_t i = 0; i < old->nr; i++) {
		while (at < set->nr && by_key(&set->entries[at], &old->entries[i]) < 0)
			at++;
		if (at == set->nr || set->entries[at].key != old->entries[i].key)
			return false;
	}
	return true;
}
