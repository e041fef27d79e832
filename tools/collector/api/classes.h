/* SPDX-License-Identifier: Apache-2.0 */
/*
 * classes.h - sums over the fleet by workload class, as the policy file gives classes out.
 */
#ifndef PF_COLLECTOR_API_CLASSES_H
#define PF_COLLECTOR_API_CLASSES_H

#include "base/arena.h"
#include "collector/merge/fleet.h"

struct pf_class_sum {
	const char *name; /* "": those without a class */
	uint64_t nr_workloads, nr_instances;
	/* Of all running instances. */
	uint64_t cpu_requested_millicores, cpu_advised_millicores;
	uint64_t memory_requested_bytes, memory_advised_bytes;
	struct pf_savings savings;
};

/** pf_class_sums() - by name, in @arena; the names are the fleet's. Return: 0; -ENOMEM. */
PF_MUST_CHECK int pf_class_sums(const struct pf_fleet *fleet, struct pf_arena *arena,
				struct pf_class_sum **ret_list, size_t *ret_nr);

#endif
