/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base.h - the hours that are over, merged: the long memory of every workload. Its sources are the
 * summaries in the store, so it can be made again at any time. Between two changes its set is packed.
 */
#ifndef PF_COLLECTOR_MERGE_BASE_H
#define PF_COLLECTOR_MERGE_BASE_H

#include "collector/merge/fleet.h"
#include "collector/merge/set.h"

/* Demand of the newest hours, for small charts; pf_merged.extra of the base. */
struct pf_base_spark {
	float p99[PF_FLEET_SPARK]; /* millicores, of hour % PF_FLEET_SPARK; NaN: none */
	uint32_t newest_hour;
};

struct pf_base {
	struct pf_merge_set set;
	struct pf_store_sealed *seals; /* what is in it */
	size_t nr_seals, seals_cap;
};

PF_MUST_CHECK int pf_base_init(struct pf_base *base, size_t max_workloads,
			       const struct pf_vpa_settings *settings);
void pf_base_done(struct pf_base *base);

/** pf_base_seal() - the seal of that hour or day if it is merged in; NULL: it is not. */
const struct pf_store_sealed *pf_base_seal(const struct pf_base *base, enum pf_summary_level level,
					   uint32_t start_hour);

/** pf_base_note_seal() - the hour or day is merged in now. Return: 0; -ENOMEM. */
PF_MUST_CHECK int pf_base_note_seal(struct pf_base *base, const struct pf_store_sealed *sealed);

/** pf_base_add() - merges one workload's summary. Return: 0; -ENOMEM. A full table is counted. */
PF_MUST_CHECK int pf_base_add(struct pf_base *base, const struct pf_workload_key *key,
			      const struct pf_evidence *evidence,
			      const struct pf_hour_point *points, size_t nr_points);

#endif
