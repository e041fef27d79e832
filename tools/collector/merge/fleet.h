/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet.h - the fleet at one moment: every workload with its recommendation, instances, leaks. Made by
 * the merger, never changed afterwards, shared by counting references.
 */
#ifndef PF_COLLECTOR_MERGE_FLEET_H
#define PF_COLLECTOR_MERGE_FLEET_H

#include <stdatomic.h>

#include "base/arena.h"
#include "collector/store/store.h"
#include "core/report.h"

enum {
	PF_FLEET_INSTANCES_MAX = 512, /* listed of a workload; counts are of all */
	PF_FLEET_SPARK = 48,	      /* hours in the small chart of a table's row */
	PF_FLEET_OOMS_MAX = 512,
	PF_FLEET_LEAK_NODES_MAX = 16,
};

/* Seen in the last hour or two. NaN and PF_UNKNOWN: not measured. */
struct pf_fleet_instance {
	const char *node, *pod;
	uint64_t id; /* hash of its name */
	uint64_t first_seen_unix_ns;
	bool running;
	double usage_mean_millicores, demand_p99_millicores, throttled_ratio;
	double contention_wait_ns_per_s;
	uint64_t hot_peak_bytes, memory_peak_bytes;
	uint64_t runq_p99_ns, restarts, oom_kills;
};

/* A leak of a workload is one finding, on however many nodes it shows. */
struct pf_fleet_leak {
	const struct pf_leak_finding *worst; /* NULL: none */
	const char *worst_node, *worst_pod;
	uint32_t nr_instances, nr_nodes;	 /* that leak */
	double slope_min, slope_max, slope_mean; /* bytes an hour, over those */
	const char *nodes[PF_FLEET_LEAK_NODES_MAX];
	uint32_t nr_nodes_named;
};

struct pf_fleet_workload {
	struct pf_workload_key key;
	const struct pf_identity *identity; /* of its newest instance; NULL: only history is left */
	const char *image, *runtime_kind, *executable, *enforced_note; /* "" where not known */
	struct pf_resources present;
	struct pf_recommendation recommendation;
	uint64_t first_unix_ns, last_unix_ns; /* of its evidence */
	uint32_t nr_instances, nr_nodes;      /* that run now */
	const struct pf_fleet_instance *instances;
	size_t nr_listed;
	struct pf_fleet_leak leak;
	double usage_now_millicores; /* sum of what runs; NaN: not known */
	double hot_now_bytes;
	const float *spark;  /* demand p99, millicores, of the newest PF_FLEET_SPARK hours; NaN */
	uint32_t spark_hour; /* of the newest */
};

/* A kill with whose it was. */
struct pf_fleet_oom {
	const char *cluster, *node, *node_class; /* class "": has none */
	uint64_t run_id;
	struct pf_report_oom kill;
};

struct pf_fleet_totals {
	uint64_t nr_workloads, nr_instances, nr_leaks; /* workloads without node classes */
	uint64_t cpu_allocatable_millicores, memory_allocatable_bytes;
	uint64_t cpu_requested_millicores, memory_requested_bytes;
	uint64_t cpu_advised_millicores, memory_advised_bytes;
	double cpu_used_millicores, memory_used_bytes;
	struct pf_savings savings;
	uint64_t verdicts[PF_NR_VERDICTS]; /* workloads that have it */
};

struct pf_fleet_namespace {
	const char *cluster, *name;
	uint64_t nr_workloads, nr_instances;
	struct pf_resources requested,
		advised; /* sums over running instances; limits PF_NO_LIMIT if
						   any has none */
	struct pf_savings savings;
};

struct pf_fleet {
	atomic_uint references;
	struct pf_arena arena;
	uint64_t at_unix_ns;
	uint64_t serial; /* rises with every snapshot of this process */
	uint64_t took_ns;
	const struct pf_fleet_workload *workloads; /* by key */
	size_t nr_workloads;
	const struct pf_fleet_namespace *namespaces; /* by cluster and name */
	size_t nr_namespaces;
	const struct pf_fleet_oom *ooms; /* newest first */
	size_t nr_ooms;
	uint64_t nr_all_ooms; /* in the time that is looked back on */
	struct pf_fleet_totals totals;
	uint64_t nr_left_out; /* workloads' containers for which there was no room */
	uint32_t open_from;   /* first hour that is not sealed */
};

struct pf_fleet *pf_fleet_ref(struct pf_fleet *fleet);
void pf_fleet_unref(struct pf_fleet *fleet); /* accepts NULL */
PF_DEFINE_AUTO(struct pf_fleet *, pf_fleet_unref);

/** pf_fleet_find() - NULL if it is not there. */
const struct pf_fleet_workload *pf_fleet_find(const struct pf_fleet *fleet,
					      const struct pf_workload_key *key);

/** pf_fleet_add_savings() - a sum: money only of those that have a price; NaN: none has. */
void pf_fleet_add_savings(struct pf_savings *sum, const struct pf_savings *more);

#endif
