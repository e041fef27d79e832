/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build.h - a snapshot of the fleet from the hours that are over and those that are still open.
 */
#ifndef PF_COLLECTOR_MERGE_BUILD_H
#define PF_COLLECTOR_MERGE_BUILD_H

#include "collector/ingest/nodes.h"
#include "collector/merge/base.h"
#include "collector/merge/fleet.h"
#include "collector/merge/open.h"
#include "policy/policy.h"

/* A snapshot on its way, made part by part so that not all evidence is in memory at once. */
struct pf_build {
	struct pf_open *open;		/* its arena is taken over by the snapshot */
	const struct pf_policy *policy; /* NULL: podfit's own rules */
	struct pf_fleet_workload *list; /* of the parts so far */
	size_t nr, cap;
};

/** pf_build_part() - adds the workloads of the part that is in @build->open. Return: 0; -ENOMEM. */
PF_MUST_CHECK int pf_build_part(struct pf_build *build, const struct pf_base *base);

/** pf_build_end() - the snapshot of all parts. Return: 0; -ENOMEM. */
PF_MUST_CHECK int pf_build_end(struct pf_build *build, const struct pf_base *base,
			       const struct pf_node_info *nodes, size_t nr_nodes,
			       struct pf_fleet **ret_fleet);
void pf_build_done(struct pf_build *build); /* also of an unfinished one */

/**
 * pf_build_recommend() - a workload's recommendation from evidence; also for a single workload that
 * is looked at closely.
 * @extra: NULL: nothing is known but history.
 */
struct pf_build_one {
	const struct pf_policy *policy;
	const struct pf_workload_key *key;
	const struct pf_evidence *evidence;
	const struct pf_open_extra *extra;
	unsigned nr_containers; /* of a pod */
};
PF_MUST_CHECK int pf_build_recommend(const struct pf_build_one *one, struct pf_arena *arena,
				     struct pf_recommendation *ret_recommendation);

#endif
