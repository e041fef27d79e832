// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * audit.bpf.c - which switches the kernel did not trace, for the tests of waits.
 *
 * Hook:   tp_btf/sched_switch. The task that leaves a CPU must be the one that was last seen to come in there; if it is
 *         another one, it came in untraced.
 * Output: audit_tasks[pid]: untraced switch-ins of the task, and whether the last one was.
 *
 * Met on the development machine's kernel, which runs no BPF program in the context of pid 1: no switch away from a
 * thread of pid 1 is traced, so whoever follows such a thread comes in unseen. Other kernels here trace every switch.
 */
#include "kernel_types.bpf.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "audit_abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, AUDIT_TASKS);
	__type(key, __u32);
	__type(value, struct audit_task);
} audit_tasks SEC(".maps");

/* One more than the pid that came in last on each CPU; 0: none was seen yet. */
__u32 audit_last_in[AUDIT_CPUS];
__u64 audit_nr_lost; /* tasks that found no room */

static __always_inline void came_in_unseen(__u32 pid)
{
	struct audit_task first = { .nr_untraced = 1, .last_untraced = 1 },
			  *task = bpf_map_lookup_elem(&audit_tasks, &pid);

	if (task) {
		task->nr_untraced++;
		task->last_untraced = 1;
	} else if (bpf_map_update_elem(&audit_tasks, &pid, &first, BPF_ANY)) {
		__sync_fetch_and_add(&audit_nr_lost, 1);
	}
}

SEC("tp_btf/sched_switch")
int BPF_PROG(audit_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	__u32 cpu = bpf_get_smp_processor_id(), pid = next->pid;
	struct audit_task *task;

	if (cpu >= AUDIT_CPUS)
		return 0;
	if (audit_last_in[cpu] && audit_last_in[cpu] != (__u32)prev->pid + 1)
		came_in_unseen(prev->pid);
	audit_last_in[cpu] = pid + 1;
	task = bpf_map_lookup_elem(&audit_tasks, &pid);
	if (task)
		task->last_untraced = 0;
	return 0;
}

char audit_license[] SEC("license") = "Dual BSD/GPL";
