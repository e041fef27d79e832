// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * reclaim.bpf.c - how long tasks of each container were held up to free memory themselves.
 *
 * Hooks:  tp_btf/mm_vmscan_memcg_reclaim_begin/end (a cgroup's limit), mm_vmscan_direct_reclaim_begin/end (the node).
 * Output: pf_stalls[slot].reclaim, wall time from begin to end, charged to the task that reclaims.
 * Losses: PF_DROP_RECLAIM when more reclaims run at once than the table holds.
 * Kernel: 6.1.
 */
#include "slots.bpf.h"

#include "stall.bpf.h"

/* Thread -> start of its reclaim. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024); /* threads in reclaim at once */
	__type(key, __u32);
	__type(value, __u64);
} pf_reclaim_starts SEC(".maps");

static __always_inline __u32 current_slot(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return PF_ENTRY_SLOT(pf_task_entry(task));
}

static __always_inline int begin(void)
{
	__u32 thread = (__u32)bpf_get_current_pid_tgid();
	__u64 now;

	if (!current_slot())
		return 0;
	now = bpf_ktime_get_ns();
	if (bpf_map_update_elem(&pf_reclaim_starts, &thread, &now, BPF_ANY))
		pf_drop(PF_DROP_RECLAIM);
	return 0;
}

static __always_inline int end(void)
{
	__u32 thread = (__u32)bpf_get_current_pid_tgid(), slot;
	__u64 *start = bpf_map_lookup_elem(&pf_reclaim_starts, &thread), took;

	if (!start)
		return 0;
	took = bpf_ktime_get_ns() - *start;
	bpf_map_delete_elem(&pf_reclaim_starts, &thread);
	slot = current_slot();
	if (slot)
		pf_add_stall(slot, PF_STALL_RECLAIM, took);
	return 0;
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_begin")
int BPF_PROG(pf_memcg_reclaim_begin)
{
	return begin();
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_end")
int BPF_PROG(pf_memcg_reclaim_end)
{
	return end();
}

SEC("tp_btf/mm_vmscan_direct_reclaim_begin")
int BPF_PROG(pf_direct_reclaim_begin)
{
	return begin();
}

SEC("tp_btf/mm_vmscan_direct_reclaim_end")
int BPF_PROG(pf_direct_reclaim_end)
{
	return end();
}

char pf_license[] SEC("license") = "Dual BSD/GPL";
