/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h - a node's report in memory: what the agent builds, wire/ encodes and decodes, and the
 * CLI and the collector read.
 *
 * Plain values that own nothing. Strings are never NULL unless a comment says so; "" is not known.
 * Numbers are PF_UNKNOWN, NaN or PF_NO_LIMIT as everywhere.
 */
#ifndef PF_CORE_REPORT_H
#define PF_CORE_REPORT_H

#include "core/advice.h"
#include "core/slice.h"
#include "core/types.h"

enum {
	PF_SCHEMA_MAJOR = 1, /* a reader refuses a larger one */
	PF_SCHEMA_MINOR = 0,
};

struct pf_report_signal {
	const char *name;
	bool on;
	const char *reason;
};

/* The newest state, and what happened in the report's interval. */
struct pf_report_now {
	uint64_t interval_ns;
	uint64_t usage_ns, nr_periods, nr_throttled, throttled_ns;
	uint64_t quota_wait_ns, contention_wait_ns, nr_waits;
	uint64_t runq_p50_ns, runq_p99_ns;
	uint64_t memory_usage_bytes, memory_peak_bytes, working_set_bytes, hot_bytes;
	struct pf_memory_kinds memory;
	struct pf_psi psi;
	uint64_t nr_threads;
	double hot_trend_bytes_per_hour;
	uint64_t demand_peak_millicores;
	uint64_t oom_kills;
};

/* What the kernel enforces; PF_NO_LIMIT: no limit. */
struct pf_enforced {
	uint64_t cfs_quota_us, cfs_period_us, cfs_burst_us, cpu_weight;
	uint64_t memory_limit_bytes, memory_high_bytes, swap_limit_bytes;
	const char *note; /* where it differs from what the pod asks for; NULL: it does not */
};

/* A workload's container over a fleet: in the collector's answers. */
struct pf_fleet_info {
	const char *cluster, *node_class;
	uint32_t nr_instances, nr_nodes;	    /* that run now */
	uint64_t first_unix_ns, last_unix_ns;	    /* of the evidence */
	double usage_now_millicores, hot_now_bytes; /* all instances together */
	uint32_t nr_leaking_instances, nr_leaking_nodes;
	double leak_slope_min, leak_slope_max, leak_slope_mean; /* bytes an hour */
	const char *const *leaking_nodes;			/* some of them */
	size_t nr_leaking_named;
	const char *worst_leak_node, *worst_leak_pod;
};

struct pf_report_container {
	const struct pf_identity *identity;
	const char *cgroup_path, *runtime;
	const char *instance; /* one life of one cgroup */
	struct pf_enforced enforced;
	uint64_t first_seen_unix_ns;
	uint64_t ended_unix_ns; /* PF_UNKNOWN while it runs */
	struct pf_report_now now;
	const struct pf_slice *const *slices;
	size_t nr_slices;
	const struct pf_recommendation *recommendation; /* NULL: none */
	const struct pf_leak_finding *leak;		/* NULL: none */
	const char *runtime_kind, *executable;
	const struct pf_fleet_info *fleet; /* NULL: it is one instance on a node */
};

struct pf_report_oom {
	uint64_t kill_id; /* unique within a run: a repeated report counts once */
	uint64_t at_unix_ns;
	const char *container_id, *namespace_name, *pod, *container, *workload;
	enum pf_workload_kind workload_kind;
	uint32_t pid;
	const char *comm;
	bool whole_node;
	uint64_t usage_bytes, limit_bytes;
	struct pf_memory_kinds memory;
	uint64_t victim_anon_bytes, victim_file_bytes, victim_shmem_bytes;
	double growth_bytes_per_second; /* over the last 10 s */
	uint64_t overshoot_bytes;
};

struct pf_report {
	uint32_t schema_major, schema_minor;
	const char *cluster, *node, *boot_id;
	uint64_t run_id, sequence;
	const char *agent_version, *kernel_release;
	uint64_t start_unix_ns, end_unix_ns;
	uint32_t nr_cpus;
	uint64_t memory_total_bytes;
	uint64_t cpu_allocatable_millicores, memory_allocatable_bytes;
	const char *capture_source, *cgroup_layout, *meta_source;
	double time_scale;
	bool last; /* the agent is stopping */

	const struct pf_report_signal *signals;
	size_t nr_signals;
	const struct pf_report_container *containers;
	size_t nr_containers;
	const struct pf_report_oom *oom_kills;
	size_t nr_oom_kills;
	const struct pf_loss *losses;
	size_t nr_losses;
	const struct pf_label *node_labels;
	size_t nr_node_labels;

	struct pf_self_cost cost;
	uint64_t cost_wall_ns; /* time the cost covers */
};

/* The agent's answer to GET /v1/status. */
struct pf_agent_status {
	const char *version;
	bool ready;
	const char *not_ready_reason; /* "" when ready */
	uint64_t uptime_ns, nr_snapshots, nr_reports;
	uint32_t nr_containers;
	const struct pf_report_signal *signals;
	size_t nr_signals;
	const struct pf_loss *losses;
	size_t nr_losses;
	struct pf_self_cost cost;
	uint64_t cost_wall_ns;
	const char *meta_source, *meta_state, *export_state;
	uint64_t spool_bytes;
};

/** pf_report_clear() - everything unknown, schema version set, strings "". */
void pf_report_clear(struct pf_report *report);
void pf_report_now_clear(struct pf_report_now *now);
void pf_report_container_clear(struct pf_report_container *container); /* identity is NULL */
void pf_report_oom_clear(struct pf_report_oom *kill);

#endif
