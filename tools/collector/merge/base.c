// SPDX-License-Identifier: Apache-2.0
#include "collector/merge/base.h"

#include <errno.h>
#include <math.h>

int pf_base_init(struct pf_base *base, size_t max_workloads, const struct pf_vpa_settings *settings)
{
	*base = (struct pf_base){ .nr_seals = 0 };
	return pf_merge_set_init(&base->set, max_workloads, settings);
}

void pf_base_done(struct pf_base *base)
{
	struct pf_merged *merged;

	if (base->set.map)
		pf_map_for_each(base->set.map, cursor, merged)
			free(merged->extra);
	pf_merge_set_done(&base->set);
	free(base->seals);
	base->seals = NULL;
	base->nr_seals = base->seals_cap = 0;
}

const struct pf_store_sealed *pf_base_seal(const struct pf_base *base, enum pf_summary_level level,
					   uint32_t start_hour)
{
	for (size_t i = 0; i < base->nr_seals; i++)
		if (base->seals[i].level == level && base->seals[i].start_hour == start_hour)
			return &base->seals[i];
	return NULL;
}

int pf_base_note_seal(struct pf_base *base, const struct pf_store_sealed *sealed)
{
	if (base->nr_seals == base->seals_cap) {
		size_t cap = base->seals_cap ? base->seals_cap * 2 : 64;
		void *seals = realloc(base->seals, cap * sizeof(*base->seals));

		if (!seals)
			return -ENOMEM;
		base->seals = seals;
		base->seals_cap = cap;
	}
	base->seals[base->nr_seals++] = *sealed;
	return 0;
}

static void add_spark(struct pf_merged *merged, const struct pf_hour_point *point)
{
	struct pf_base_spark *spark = merged->extra;

	if (point->hour > spark->newest_hour) {
		/* The ring moves on: what it held of hours that are too old now is gone. */
		for (uint32_t h = PF_MAX(
			     spark->newest_hour + 1,
			     point->hour > PF_FLEET_SPARK ? point->hour - PF_FLEET_SPARK + 1 : 0);
		     h <= point->hour; h++)
			spark->p99[h % PF_FLEET_SPARK] = NAN;
		spark->newest_hour = point->hour;
	}
	if (point->hour + PF_FLEET_SPARK > spark->newest_hour &&
	    point->demand_p99_millicores != PF_UNKNOWN)
		spark->p99[point->hour % PF_FLEET_SPARK] = (float)point->demand_p99_millicores;
}

static int make_spark(struct pf_merged *merged)
{
	struct pf_base_spark *spark = calloc(1, sizeof(*spark));

	if (!spark)
		return -ENOMEM;
	for (size_t i = 0; i < PF_FLEET_SPARK; i++)
		spark->p99[i] = NAN;
	merged->extra = spark;
	return 0;
}

int pf_base_add(struct pf_base *base, const struct pf_workload_key *key,
		const struct pf_evidence *evidence, const struct pf_hour_point *points,
		size_t nr_points)
{
	struct pf_merged *merged;
	int r = pf_merge_get(&base->set, key, &merged);

	if (r == -ENOSPC)
		return 0; /* counted by the set */
	if (r == 0 && !merged->extra)
		r = make_spark(merged);
	if (r == 0)
		r = pf_merge_unpack(&base->set, merged);
	if (r == 0)
		r = pf_evidence_merge(merged->evidence, evidence);
	for (size_t i = 0; i < nr_points && r == 0; i++)
		add_spark(merged, &points[i]);
	return r;
}
