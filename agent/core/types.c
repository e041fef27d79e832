// SPDX-License-Identifier: Apache-2.0
#include "core/types.h"

#include <math.h>
#include <string.h>

static const char *const signal_names[PF_NR_SIGNALS] = {
	[PF_SIGNAL_CPU_WINDOWS] = "cpu_windows",
	[PF_SIGNAL_RUNQ_LATENCY] = "runq_latency",
	[PF_SIGNAL_RUNQ_SPLIT] = "runq_split",
	[PF_SIGNAL_THROTTLING] = "throttling",
	[PF_SIGNAL_THROTTLE_STALL] = "throttle_stall",
	[PF_SIGNAL_MEMORY] = "memory",
	[PF_SIGNAL_MEMORY_PEAK] = "memory_peak",
	[PF_SIGNAL_PSI] = "psi",
	[PF_SIGNAL_OOM_KILLS] = "oom_kills",
	[PF_SIGNAL_RECLAIM] = "reclaim",
	[PF_SIGNAL_BLOCK_IO] = "block_io",
	[PF_SIGNAL_GROWTH] = "growth",
};

const char *pf_signal_name(enum pf_signal signal)
{
	return signal < PF_NR_SIGNALS ? signal_names[signal] : "unknown";
}

enum pf_hist_layout pf_sample_hist_layout(enum pf_sample_hist which)
{
	return which == PF_HIST_USAGE || which == PF_HIST_DEMAND ? PF_LAYOUT_MILLICORES
								 : PF_LAYOUT_LATENCY_NS;
}

void pf_sample_clear(struct pf_sample *sample)
{
	memset(sample, 0xff, sizeof(*sample)); /* PF_UNKNOWN is all ones */
	sample->handle = sample->start_ns = sample->end_ns = 0;
	sample->last = false;
	sample->windows = NULL;
	sample->nr_past_windows = sample->nr_all_windows = 0;
	memset(sample->hists, 0, sizeof(sample->hists));
}

uint64_t pf_memory_hot_bytes(const struct pf_memory_kinds *kinds)
{
	/* Of unevictable pages only those of files count: locked anonymous and shmem pages are in
	 * anon and shmem. */
	const uint64_t parts[] = { kinds->shmem,	kinds->slab_unreclaimable,
				   kinds->kernel_stack, kinds->pagetables,
				   kinds->percpu,	kinds->sock,
				   kinds->swap };
	uint64_t hot = kinds->anon;

	if (hot == PF_UNKNOWN)
		return PF_UNKNOWN;
	for (size_t i = 0; i < PF_ARRAY_SIZE(parts); i++)
		if (parts[i] != PF_UNKNOWN)
			hot += parts[i];

	uint64_t evictable = 0, file_lru = kinds->file;

	if (kinds->unevictable == PF_UNKNOWN || kinds->inactive_file == PF_UNKNOWN ||
	    kinds->active_file == PF_UNKNOWN || file_lru == PF_UNKNOWN)
		return hot;
	/* file counts shmem too, but shmem lies on the anonymous lists: what is left and on no list
	 * is locked. */
	file_lru -= PF_MIN(file_lru, kinds->shmem == PF_UNKNOWN ? 0 : kinds->shmem);
	evictable = kinds->inactive_file + kinds->active_file;
	if (file_lru > evictable)
		hot += PF_MIN(file_lru - evictable, kinds->unevictable);
	return hot;
}

static const char *const workload_kinds[PF_NR_WORKLOAD_KINDS] = {
	[PF_WORKLOAD_UNKNOWN] = "Unknown",
	[PF_WORKLOAD_DEPLOYMENT] = "Deployment",
	[PF_WORKLOAD_STATEFUL_SET] = "StatefulSet",
	[PF_WORKLOAD_DAEMON_SET] = "DaemonSet",
	[PF_WORKLOAD_REPLICA_SET] = "ReplicaSet",
	[PF_WORKLOAD_JOB] = "Job",
	[PF_WORKLOAD_CRON_JOB] = "CronJob",
	[PF_WORKLOAD_POD] = "Pod",
	[PF_WORKLOAD_STATIC_POD] = "StaticPod",
	[PF_WORKLOAD_SYSTEMD_UNIT] = "SystemdUnit",
	[PF_WORKLOAD_CGROUP] = "Cgroup",
	[PF_WORKLOAD_OTHER] = "Other",
};

const char *pf_workload_kind_name(enum pf_workload_kind kind)
{
	return kind < PF_NR_WORKLOAD_KINDS ? workload_kinds[kind] : "Unknown";
}

enum pf_workload_kind pf_workload_kind_parse(const char *name)
{
	for (size_t i = 0; i < PF_NR_WORKLOAD_KINDS; i++)
		if (!strcmp(workload_kinds[i], name))
			return (enum pf_workload_kind)i;
	return PF_WORKLOAD_UNKNOWN;
}

void pf_self_cost_clear(struct pf_self_cost *cost)
{
	*cost = (struct pf_self_cost){ .agent_cpu_ns = PF_UNKNOWN,
				       .bpf_run_ns = PF_UNKNOWN,
				       .bpf_run_count = PF_UNKNOWN,
				       .resident_bytes = PF_UNKNOWN,
				       .map_bytes = PF_UNKNOWN,
				       .thinning = NAN };
}
