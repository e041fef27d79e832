/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kinds.h - the kinds of workloads in the simulated fleet.
 */
#ifndef PF_BENCH_FLEET_KINDS_H
#define PF_BENCH_FLEET_KINDS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/types.h"

enum { PF_SIM_NR_KINDS = 12 }; /* beside those that run on every node */

/* CPU in millicores, memory in bytes; 0: not set. */
struct pf_sim_kind {
	const char *workload, *container, *executable, *runtime;
	enum pf_workload_kind kind;
	bool per_node;		       /* a DaemonSet */
	bool uneven;		       /* the first replica does four times the work */
	double cpu_mean, sigma, daily; /* log-normal demand; swing over the day */
	double burst_chance, burst_factor, idle_chance;
	uint64_t cpu_request, cpu_limit;
	double memory, cache, leak_per_hour;
	double memory_request, memory_limit;
	double wait_ns; /* typical run-queue wait */
	uint64_t threads;
};

const struct pf_sim_kind *pf_sim_kind(uint32_t workload);
const struct pf_sim_kind *pf_sim_kind_per_node(uint32_t index);
uint32_t pf_sim_nr_per_node(void);

#endif
