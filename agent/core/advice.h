/* SPDX-License-Identifier: Apache-2.0 */
/*
 * advice.h - what follows from the evidence: recommendations and leak findings, as they travel and
 * are shown.
 *
 * Plain values that own nothing: strings and arrays belong to whoever made them (usually an arena).
 * Amounts are millicores or bytes; PF_UNKNOWN, or NaN in a double: not known, left out. The numbers
 * of all enums are the wire's and are only appended to.
 */
#ifndef PF_CORE_ADVICE_H
#define PF_CORE_ADVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pf_verdict {
	PF_VERDICT_NONE,
	PF_VERDICT_CPU_THROTTLED,
	PF_VERDICT_CPU_OVER_PROVISIONED,
	PF_VERDICT_CPU_UNDER_PROVISIONED,
	PF_VERDICT_NOISY_NEIGHBOUR,
	PF_VERDICT_MEMORY_OVER_PROVISIONED,
	PF_VERDICT_MEMORY_OOM_RISK,
	PF_VERDICT_MEMORY_LEAK,
	PF_VERDICT_NO_REQUEST,
	PF_VERDICT_NO_LIMIT,
	PF_VERDICT_SHORT_HISTORY,
	PF_VERDICT_HPA_ON_SAME_METRIC,
	PF_VERDICT_THREADS_EXCEED_QUOTA,
	PF_VERDICT_MEMORY_UNDER_PROVISIONED,
	PF_VERDICT_OOM_KILLED,
	PF_VERDICT_UNEVEN_REPLICAS,
	PF_VERDICT_HEAP_EXCEEDS_LIMIT,
	PF_VERDICT_IO_STALLED,
	PF_VERDICT_MEMORY_PRESSURE,
	PF_VERDICT_IDLE,
	PF_NR_VERDICTS,
};

enum pf_action {
	PF_ACTION_NONE,
	PF_ACTION_INCREASE_REQUESTS,
	PF_ACTION_DECREASE_REQUESTS,
	PF_ACTION_INCREASE_LIMITS,
	PF_ACTION_DECREASE_LIMITS,
	PF_ACTION_FIX_LEAK,
	PF_ACTION_SET_REQUESTS,
	PF_ACTION_SET_LIMITS,
	PF_ACTION_REMOVE_LIMITS,
	PF_ACTION_TUNE_RUNTIME,
	PF_NR_ACTIONS,
};

/** pf_verdict_name(), pf_action_name() - "CPU_THROTTLED", "INCREASE_LIMITS": as in JSON. The _parse
 * functions give the NONE value for an unknown name. */
const char *pf_verdict_name(enum pf_verdict verdict);
enum pf_verdict pf_verdict_parse(const char *name);
const char *pf_action_name(enum pf_action action);

struct pf_finding {
	enum pf_verdict verdict;
	enum pf_action action;
	const char *sentence;
	bool baseline; /* found by the owner's baseline rule */
};

/* One resource's advice. */
struct pf_amounts {
	uint64_t target, lower, upper, uncapped;
	uint64_t limit; /* PF_UNKNOWN: leave it; PF_NO_LIMIT: remove it */
};

struct pf_curve_point {
	uint64_t limit_millicores;
	double throttled_ratio; /* of CFS periods */
	double stall_ns_per_s;
	uint64_t burst_us; /* PF_UNKNOWN: without burst */
};

struct pf_policy_result {
	const char *policy; /* "vpa", "podfit" */
	struct pf_amounts cpu, memory;
	double confidence; /* days of evidence, as VPA counts them */
	double hours_more; /* until the history is long enough; NaN: it is */
};

struct pf_runtime_advice {
	const char *runtime; /* jvm, node, go, python, redis */
	const char *setting; /* "-Xmx", "GOMEMLIMIT", ... */
	const char *present, *advised, *reason;
};

struct pf_savings {
	bool known;
	int64_t cpu_millicores, memory_bytes; /* negative: it costs */
	double money_per_month;		      /* NaN: no price file */
	const char *currency;
};

struct pf_evidence_summary {
	double covered_hours;
	uint64_t nr_windows;
	double demand_p50_millicores, demand_p90_millicores, demand_p99_millicores;
	double demand_peak_millicores, usage_mean_millicores;
	double throttled_ratio, throttled_ns_per_s;
	double quota_wait_ns_per_s, contention_wait_ns_per_s;
	uint64_t runq_p99_ns;
	uint64_t memory_peak_bytes, hot_peak_bytes, working_set_peak_bytes;
	double hot_mean_bytes;
	uint64_t oom_kills, oom_overshoot_bytes;
	uint32_t nr_instances;
	double cpu_utilization;	   /* mean use / request */
	double memory_utilization; /* hot peak / request */
};

struct pf_recommendation {
	const char *policy; /* the one that holds */
	const struct pf_policy_result *results;
	size_t nr_results;
	const struct pf_finding *findings;
	size_t nr_findings;
	const struct pf_curve_point *curve;
	size_t nr_curve;
	const struct pf_runtime_advice *runtime;
	size_t nr_runtime;
	struct pf_savings savings;
	struct pf_evidence_summary evidence;
	const char *workload_class; /* NULL: none */
	bool starting_advice;	    /* from the class' sizing table, no history yet */
	const char *const *steps;   /* how the numbers came about */
	size_t nr_steps;
};

enum pf_leak_level_of {
	PF_LEAK_NONE,
	PF_LEAK_SUSPECT,
	PF_LEAK_ALARM,
};

enum pf_severity {
	PF_SEVERITY_NONE,
	PF_SEVERITY_NOTICE,
	PF_SEVERITY_WARNING,
	PF_SEVERITY_CRITICAL,
};

enum pf_memory_kind {
	PF_KIND_UNKNOWN,
	PF_KIND_ANON,
	PF_KIND_SHMEM,
	PF_KIND_SLAB,
	PF_KIND_SOCK,
	PF_KIND_PAGE_TABLES,
	PF_KIND_KERNEL,
	PF_KIND_SWAP,
	PF_NR_KINDS,
};

/** pf_severity_name(), pf_memory_kind_name() - "WARNING", "anon": for people. */
const char *pf_severity_name(enum pf_severity severity);
const char *pf_memory_kind_name(enum pf_memory_kind kind);

struct pf_stack_frame {
	uint64_t address;
	const char *symbol, *module, *build_id; /* NULL: not known */
	uint64_t offset; /* in the symbol, or in the module without one; PF_UNKNOWN */
};

struct pf_growth_trace {
	uint32_t pid;
	const char *comm;
	double share;			     /* of the growth seen at faults */
	const struct pf_stack_frame *frames; /* innermost first */
	size_t nr_frames;
};

struct pf_growth_process {
	uint32_t pid;
	const char *comm;
	uint64_t anon_bytes;
	double slope_bytes_per_hour;
	/* What it holds open where that may be the leak: sockets, files on tmpfs and memfds. PF_UNKNOWN else. */
	uint64_t nr_sockets, nr_memory_files, memory_file_bytes;
};

/* Times are wall-clock ns since 1970; PF_UNKNOWN: not known, or not in sight. */
struct pf_leak_finding {
	enum pf_leak_level_of state;
	enum pf_severity severity;
	uint64_t since_unix_ns, first_alarm_unix_ns;
	double slope_bytes_per_hour, slope_low, slope_high;
	uint64_t eta_unix_ns, eta_low_unix_ns, eta_high_unix_ns; /* effective limit reached */
	uint64_t effective_limit_bytes;
	const char *effective_limit_of; /* "container", "pod", "node" */
	enum pf_memory_kind kind;
	double kind_share; /* of the rise */
	uint64_t pre_leak_bytes, now_bytes;
	const char *test; /* which test found it */
	const struct pf_growth_process *processes;
	size_t nr_processes;
	const struct pf_growth_trace *stacks;
	size_t nr_stacks;
	const char *stacks_note; /* why there are none, or what they cannot show */
	bool baseline_alarm;
	uint64_t baseline_eta_unix_ns;
	uint32_t nr_restarts;
};

/** pf_recommendation_clear(), pf_leak_finding_clear() - every number unknown, nothing found. */
void pf_recommendation_clear(struct pf_recommendation *recommendation);
void pf_amounts_clear(struct pf_amounts *amounts);
void pf_leak_finding_clear(struct pf_leak_finding *finding);

#endif
