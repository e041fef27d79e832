/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature.h - what this kernel has and what these rights allow; probed once.
 */
#ifndef PF_CAPTURE_FEATURE_H
#define PF_CAPTURE_FEATURE_H

#include "core/types.h"

struct pf_features {
	bool btf;	     /* /sys/kernel/btf/vmlinux can be read */
	bool rights;	     /* CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN */
	unsigned version;    /* major << 8 | minor */
	bool sched_info;     /* task_struct.sched_info.last_queued */
	bool group_sched;    /* task_struct.sched_task_group */
	bool bandwidth;	     /* task_group.cfs_bandwidth */
	bool throttle_clock; /* cfs_rq.throttled_clock_self_time or _pelt_time */
	bool timer;	     /* struct bpf_timer: v5.15 */
	bool loop;	     /* bpf_loop(): v5.17 */
	bool cgroup_iter;    /* iter/cgroup: v6.1 */
	bool rdonly_cast;    /* bpf_rdonly_cast(): v6.2 */
	bool percpu_cfs_rq;  /* struct cfs_tg_state: v7.2 */
	bool memcg;	     /* mem_cgroup.vmstats */
	bool psi;	     /* cgroup.psi, and pressure files exist */
	bool mark_victim; /* the tracepoint; it has the task, or, before 6.1.9x and 6.8, only a pid
			   */
	bool mark_victim_task, mark_victim_pid;
	bool cgroup_mkdir, cgroup_rmdir;
	bool memcg_reclaim, direct_reclaim, block_rq_complete;
};

/** pf_feature_probe() - asks BTF and the kernel; no privilege needed but to load programs later. */
void pf_feature_probe(struct pf_features *ret_features);

/**
 * pf_feature_check_bpf() - whether the BPF source can work at all.
 * On failure @error names what is missing and what would help.
 * Return: 0; -EPERM: no rights; -EOPNOTSUPP: kernel too old, no BTF, no cgroup scheduling.
 */
PF_MUST_CHECK int pf_feature_check_bpf(const struct pf_features *features, char *error,
				       size_t error_size);

/** pf_signal_off() / pf_signal_on() - the reason is formatted; it is kept up to its space. */
void pf_signal_off(struct pf_signal_state *state, const char *format, ...) PF_PRINTF(2, 3);
void pf_signal_on(struct pf_signal_state *state);

#endif
