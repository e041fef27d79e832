/* SPDX-License-Identifier: Apache-2.0 */
/*
 * detail.h - everything about one workload: its evidence of all hours, its history hour by hour, its
 * instances. Read from the store when it is asked for.
 */
#ifndef PF_COLLECTOR_API_DETAIL_H
#define PF_COLLECTOR_API_DETAIL_H

#include "collector/collector.h"
#include "collector/merge/fleet.h"
#include "collector/merge/open.h"
#include "core/evidence.h"
#include "core/hour_point.h"

enum { PF_DETAIL_POINTS_MAX = 24 * 400 };

struct pf_detail {
	struct pf_arena arena;
	struct pf_fleet *fleet;
	const struct pf_fleet_workload *workload; /* of the picture */
	struct pf_evidence *evidence;		  /* of all hours; NULL: there is none */
	struct pf_hour_point *points;		  /* rising */
	size_t nr_points;
	const struct pf_fleet_oom *ooms; /* newest first; those whose reports are still kept */
	size_t nr_ooms;
	uint64_t nr_all_ooms; /* that the points count */
	const struct pf_fleet_instance *instances;
	size_t nr_instances;
};

/**
 * pf_detail_read() - takes over the reference to @fleet.
 * Return: 0; -ENOENT: no such workload; -errno of the store; -ENOMEM.
 */
PF_MUST_CHECK int pf_detail_read(struct pf_collector *c, struct pf_fleet *fleet,
				 const struct pf_workload_key *key, struct pf_detail *ret_detail);
void pf_detail_done(struct pf_detail *detail);

#endif
