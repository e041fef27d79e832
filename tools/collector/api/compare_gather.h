/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare_gather.h - the two sides of a comparison, out of the stored reports.
 *
 * Evidence comes in hours, so whole hours are looked at: the one in which the window begins counts
 * from its start. Hours in which only one side ran are left out, since a load that follows the time
 * of day would look like a difference between the sides.
 */
#ifndef PF_COLLECTOR_API_COMPARE_GATHER_H
#define PF_COLLECTOR_API_COMPARE_GATHER_H

#include "collector/collector.h"
#include "core/compare.h"
#include "core/filter.h"

enum { PF_COMPARE_INSTANCES_MAX = 20000 };

struct pf_compare_question {
	struct pf_filter *stable, *canary, *common; /* a pod that is both counts as a canary */
	uint64_t window_ns, now_ns;
};

struct pf_compare_data {
	struct pf_compare_side stable, canary;
	uint64_t nr_stable_seen, nr_canary_seen; /* instances in the window, in whichever hour */
	uint32_t nr_hours, nr_left_out;		 /* compared; one side only */
	uint64_t from_unix_ns,
		to_unix_ns; /* of the hours compared; of the window if there is none */
};

/** pf_compare_gather() - Return: 0; -ENOSPC: too many instances or hours; -errno of the store; -ENOMEM. */
PF_MUST_CHECK int pf_compare_gather(struct pf_collector *c,
				    const struct pf_compare_question *question,
				    struct pf_compare_data *ret_data);
void pf_compare_data_done(struct pf_compare_data *data);
#endif
