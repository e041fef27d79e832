/* SPDX-License-Identifier: Apache-2.0 */
/*
 * types.h - what the modules hand one another: cgroups, samples, identities, resources, events,
 * losses.
 *
 * Every struct is a plain value. Numbers that are not known are PF_UNKNOWN (core/units.h), never 0.
 */
#ifndef PF_CORE_TYPES_H
#define PF_CORE_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/hist.h"
#include "core/limit_queue.h"
#include "core/units.h"

/* What podfit can measure. A signal is on, or off with a reason. The names are in pf_signal_name().
 */
enum pf_signal {
	PF_SIGNAL_CPU_WINDOWS,	  /* use and uncensored demand per 100 ms */
	PF_SIGNAL_RUNQ_LATENCY,	  /* run-queue latency histogram */
	PF_SIGNAL_RUNQ_SPLIT,	  /* own quota against contention */
	PF_SIGNAL_THROTTLING,	  /* nr_periods, nr_throttled, throttled time */
	PF_SIGNAL_THROTTLE_STALL, /* lengths of throttle stalls */
	PF_SIGNAL_MEMORY,	  /* current use by kind, limits, events */
	PF_SIGNAL_MEMORY_PEAK,	  /* ten times a second in the kernel */
	PF_SIGNAL_PSI,
	PF_SIGNAL_OOM_KILLS, /* a record per kill */
	PF_SIGNAL_RECLAIM,   /* direct-reclaim stalls */
	PF_SIGNAL_BLOCK_IO,  /* block-I/O latency */
	PF_SIGNAL_GROWTH,    /* page-fault stacks of suspects */
	PF_NR_SIGNALS,
};

/** pf_signal_name() - such as "runq_latency": the name in reports, metrics and `podfit doctor`. */
const char *pf_signal_name(enum pf_signal signal);

struct pf_signal_state {
	bool on;
	char reason[160]; /* why it is off and what would turn it on; "" when on */
};

/* ---- cgroups
 * ----------------------------------------------------------------------------------------------------
 */

enum pf_cgroup_kind {
	PF_CGROUP_SKIP,	     /* not a workload, and nothing below it is */
	PF_CGROUP_DESCEND,   /* not a workload itself; look below (slices, kubepods, pods) */
	PF_CGROUP_CONTAINER, /* a container's leaf; what is nested inside counts for it */
	PF_CGROUP_SANDBOX,   /* a pod's pause container: known, not reported */
	PF_CGROUP_UNIT,	     /* a systemd unit on a host */
	PF_CGROUP_PLAIN,     /* any other cgroup that is taken as a workload */
};

enum pf_qos {
	PF_QOS_UNKNOWN,
	PF_QOS_GUARANTEED,
	PF_QOS_BURSTABLE,
	PF_QOS_BEST_EFFORT,
};

/* What a cgroup's path says. */
struct pf_cgroup_class {
	enum pf_cgroup_kind kind;
	enum pf_qos qos;
	char pod_uid[PF_POD_UID_MAX]; /* "" outside pods; with dashes, or 32 digits for a static pod
				       */
	char container_id[PF_CONTAINER_ID_MAX]; /* without the runtime's prefix; "" if there is none
						 */
	char name[PF_OBJECT_NAME_MAX];		/* unit or cgroup name; "" for containers of pods */
	char runtime[16];			/* "containerd", "cri-o", "docker", "podman", "" */
};

/* Tells what a cgroup is, from its path below the cgroup mount (as
 * "/kubepods/burstable/pod.../..."). */
typedef void (*pf_classify_fn)(void *arg, const char *path, struct pf_cgroup_class *ret_class);

/* One life of one tracked cgroup. */
struct pf_cgroup {
	uint64_t handle; /* capture's name for this life; never used again in this process */
	uint64_t id;	 /* kernfs id (st_ino) in the hierarchy that has the memory controller */
	uint64_t
		born_ns; /* CLOCK_MONOTONIC when first seen, or the directory's birth where known */
	const char *path; /* borrowed; shorter than PF_CGROUP_PATH_MAX */
	struct pf_cgroup_class class;
};

/* ---- samples
 * ----------------------------------------------------------------------------------------------------
 */

enum pf_sample_hist {
	PF_HIST_USAGE,		 /* millicores per window */
	PF_HIST_DEMAND,		 /* millicores per window, without the quota's censoring */
	PF_HIST_QUOTA_WAIT,	 /* ns */
	PF_HIST_CONTENTION_WAIT, /* ns */
	PF_HIST_THROTTLE_STALL,	 /* ns */
	PF_HIST_RECLAIM_STALL,	 /* ns */
	PF_HIST_BLOCK_IO,	 /* ns */
	PF_NR_SAMPLE_HISTS,
};

/** pf_sample_hist_layout() - the layout of one of a sample's histograms. */
enum pf_hist_layout pf_sample_hist_layout(enum pf_sample_hist which);

/* Memory by kind, bytes, as the kernel's memory.stat names them. */
struct pf_memory_kinds {
	uint64_t anon, file, shmem, inactive_file, active_file, unevictable;
	uint64_t slab_reclaimable, slab_unreclaimable, kernel_stack, pagetables, percpu, sock, swap;
};

struct pf_psi {
	uint64_t cpu_some_ns, cpu_full_ns, memory_some_ns, memory_full_ns, io_some_ns, io_full_ns;
};

/*
 * What one container did between two snapshots. Counters are the growth in the interval (the source
 * deals with counters that restart); gauges are values at its end. PF_UNKNOWN where this source,
 * kernel or hierarchy has none.
 */
struct pf_sample {
	uint64_t handle;	   /* struct pf_cgroup */
	uint64_t start_ns, end_ns; /* CLOCK_MONOTONIC; start <= end */
	bool last;		   /* the cgroup is gone, this is what was left */

	/* CPU */
	uint64_t usage_ns; /* all tasks, nested cgroups included */
	uint64_t nr_periods, nr_throttled, throttled_ns;
	uint64_t cfs_quota_us; /* gauge; PF_NO_LIMIT: none */
	uint64_t cfs_period_us, cfs_burst_us, cpu_weight;
	uint64_t nr_windows,
		nr_idle_windows;	 /* windows seen, and those of them with exactly zero use */
	uint64_t nr_demand_idle_windows; /* windows with neither use nor throttled time */
	uint64_t usage_peak_millicores, demand_peak_millicores; /* highest window of the interval */
	/* The interval's windows one by one, oldest first, behind some older ones; NULL: unknown. Borrowed
	 * until the callback returns. */
	const struct pf_window *windows;
	size_t nr_past_windows, nr_all_windows;

	/* run queue */
	uint64_t nr_waits, quota_wait_ns, contention_wait_ns;

	/* memory: gauges, except peak (of the interval) and the event counters */
	uint64_t memory_usage_bytes, memory_peak_bytes, working_set_bytes, hot_bytes;
	uint64_t memory_limit_bytes, memory_high_bytes, swap_limit_bytes; /* PF_NO_LIMIT: none */
	struct pf_memory_kinds kinds;
	uint64_t events_high, events_max, events_oom, events_oom_kill;

	/* stalls */
	struct pf_psi psi;
	uint64_t nr_reclaims, reclaim_ns, nr_block_ios, block_io_ns;

	uint64_t nr_cpus;    /* of the node */
	uint64_t nr_threads; /* gauge, of all processes; pids.current counts these */

	/* Growth of each histogram in the interval, or NULL where the signal is off; borrowed until
	 * the callback returns. */
	const uint32_t *hists[PF_NR_SAMPLE_HISTS];
};

/** pf_sample_clear() - every number unknown, no histogram. */
void pf_sample_clear(struct pf_sample *sample);

/** pf_memory_hot_bytes() - anon + shmem + unreclaimable kernel memory + unevictable file pages +
 * swap; unknown kinds count 0, PF_UNKNOWN if anon is unknown. */
uint64_t pf_memory_hot_bytes(const struct pf_memory_kinds *kinds);

/* A kill by the kernel's OOM killer, recorded in the kill path. */
struct pf_oom_kill {
	uint64_t at_ns;	 /* CLOCK_MONOTONIC */
	uint64_t handle; /* container, or 0 if the victim is in none that is tracked */
	uint64_t cgroup_id;
	uint32_t pid; /* thread group */
	char comm[PF_COMM_MAX];
	bool whole_node; /* no memory limit of a cgroup was hit: the node ran out */
	/* Of the cgroup whose limit was hit, which may be one above the container's; else of the victim's. */
	uint64_t usage_bytes, limit_bytes;
	uint64_t
		container_usage_bytes; /* of the container's own cgroup; 0 or PF_UNKNOWN: not told */
	uint64_t victim_anon_bytes, victim_file_bytes, victim_shmem_bytes;
	struct pf_memory_kinds kinds; /* of the container at the kill */
};

/* ---- who it is
 * --------------------------------------------------------------------------------------------------
 */

enum pf_workload_kind {
	PF_WORKLOAD_UNKNOWN,
	PF_WORKLOAD_DEPLOYMENT,
	PF_WORKLOAD_STATEFUL_SET,
	PF_WORKLOAD_DAEMON_SET,
	PF_WORKLOAD_REPLICA_SET,
	PF_WORKLOAD_JOB,
	PF_WORKLOAD_CRON_JOB,
	PF_WORKLOAD_POD,
	PF_WORKLOAD_STATIC_POD,
	PF_WORKLOAD_SYSTEMD_UNIT,
	PF_WORKLOAD_CGROUP,
	PF_WORKLOAD_OTHER, /* an owner of a kind that podfit does not know; its name is kept */
	PF_NR_WORKLOAD_KINDS,
};

/** pf_workload_kind_name() - "Deployment", ..., "Cgroup". pf_workload_kind_parse():
 * PF_WORKLOAD_UNKNOWN if it is none. */
const char *pf_workload_kind_name(enum pf_workload_kind kind);
enum pf_workload_kind pf_workload_kind_parse(const char *name);

enum pf_container_type {
	PF_CONTAINER_MAIN,
	PF_CONTAINER_INIT,
	PF_CONTAINER_SIDECAR, /* restartable init container */
	PF_CONTAINER_EPHEMERAL,
};

/* Requests and limits as configured: millicores and bytes; PF_NO_LIMIT: not set (for requests too);
 * PF_UNKNOWN. */
struct pf_resources {
	uint64_t cpu_request_millicores, cpu_limit_millicores;
	uint64_t memory_request_bytes, memory_limit_bytes;
};

struct pf_label {
	char *key, *value;
};

/* The names of a container. Strings are "" where not known. */
struct pf_identity {
	char namespace_name[PF_LABEL_NAME_MAX];
	char pod[PF_OBJECT_NAME_MAX];
	char pod_uid[PF_POD_UID_MAX]; /* as the API knows it: of the mirror for a static pod */
	char container[PF_OBJECT_NAME_MAX];
	char container_id[PF_CONTAINER_ID_MAX];
	enum pf_container_type type;
	enum pf_workload_kind workload_kind;
	char workload[PF_OBJECT_NAME_MAX];
	char image[PF_OBJECT_NAME_MAX]; /* cut if longer */
	enum pf_qos qos;
	uint32_t restart_count;
	bool named;	/* the names came from the API or kubelet, not from the path */
	bool hpa_known; /* hpa_on_cpu and hpa_on_memory hold */
	bool hpa_on_cpu, hpa_on_memory;
	struct pf_resources spec;   /* what the pod asks for now */
	struct pf_resources actual; /* what the node has put into force (in-place resize); unknown
				       if not told */
	struct pf_resources pod_level; /* of the pod as a whole */
	int64_t started_unix_s;	       /* 0: not known */
	const struct pf_label *labels; /* borrowed from the pod map: valid until it next changes */
	uint32_t nr_labels;
};

/* ---- losses and cost
 * -------------------------------------------------------------------------------------------- */

/* Something that was dropped or not understood, by reason; counted since the start. */
struct pf_loss {
	const char *reason; /* a fixed name such as "slots_full" */
	uint64_t count;
};

/* What the agent itself costs, since the start. */
struct pf_self_cost {
	uint64_t agent_cpu_ns; /* user and system time of the process */
	uint64_t bpf_run_ns; /* run time of its BPF programs, measured or estimated from samples */
	uint64_t bpf_run_count;
	uint64_t resident_bytes, map_bytes;
	bool bpf_sampled; /* bpf_run_ns is an estimate */
	/* Share of the time in which run-queue events are counted: 1, or less to stay within the CPU
	 * budget; NaN: not known, or none are counted. */
	double thinning;
};

/** pf_self_cost_clear() - everything unknown. */
void pf_self_cost_clear(struct pf_self_cost *cost);

#endif
