/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim.h - a fleet of simulated nodes whose reports are what real agents would send: hour slices filled
 * by the core from samples, with throttled, over-provisioned, leaking, waiting, killed and uneven
 * workloads among them. The same seed gives the same fleet.
 */
#ifndef PF_BENCH_FLEET_SIM_H
#define PF_BENCH_FLEET_SIM_H

#include "base/arena.h"
#include "core/report.h"

struct pf_sim;

struct pf_sim_opts {
	uint64_t seed;
	const char *cluster;
	uint32_t nr_nodes, nr_containers; /* containers a node */
	uint32_t nr_replicas;		  /* of a workload, about; 0: 12 */
	uint64_t step_ns;		  /* length of a sample; 0: 60 s */
	uint64_t start_unix_ns;		  /* where every node begins */
};

/** pf_sim_new() - nothing has happened yet. Return: 0; -ENOMEM. */
PF_MUST_CHECK int pf_sim_new(const struct pf_sim_opts *opts, struct pf_sim **ret_sim);
void pf_sim_free(struct pf_sim *sim); /* accepts NULL */
PF_DEFINE_AUTO(struct pf_sim *, pf_sim_free);

/** pf_sim_advance() - lets node @node live until @to_unix_ns. Return: 0; -ENOMEM. */
PF_MUST_CHECK int pf_sim_advance(struct pf_sim *sim, uint32_t node, uint64_t to_unix_ns);

/** pf_sim_report() - what the node's agent would send now, with the next sequence. What it points to
 * lives in @arena and in the simulator until the node advances. Return: 0; -ENOMEM, -ENOSPC. */
PF_MUST_CHECK int pf_sim_report(struct pf_sim *sim, uint32_t node, struct pf_arena *arena,
				struct pf_report *ret_report);

/** pf_sim_taken() - the collector has the last report: closed slices and told OOM kills go. */
void pf_sim_taken(struct pf_sim *sim, uint32_t node);

/** pf_sim_restart() - the node's agent starts anew: another run, empty slices. */
void pf_sim_restart(struct pf_sim *sim, uint32_t node);

/** pf_sim_release() - forgets the node's state, to save memory; it cannot advance any more. */
void pf_sim_release(struct pf_sim *sim, uint32_t node);

#endif
