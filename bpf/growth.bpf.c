// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * growth.bpf.c - who touches fresh memory, and from where: for containers under suspicion of a leak only.
 *
 * Hook:   perf software event page-faults-min, every so many minor faults of a CPU: pf_settings.growth_period at first,
 *         more while samples come too often. The events are opened before the rights are dropped and enabled while at
 *         least one slot is watched.
 * Output: pf_growth_counts[slot, process, stack], pf_growth_stacks; anonymous memory only. One fault is one page, or
 *         2 MiB with huge pages: samples weigh faults, not bytes.
 * Losses: PF_DROP_STACK (hash collision; the process is still counted), PF_DROP_GROWTH (table full).
 * Kernel: 6.1 (bpf_find_vma, 5.17). The chain of callers needs frame pointers in the program that is sampled.
 */
#include "slots.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* set at load: nr_slots */
	__type(key, __u32);
	__type(value, __u64); /* not 0: watched */
} pf_growth_watched SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC); /* most of the time nobody is watched */
	__uint(max_entries, PF_GROWTH_COUNTS);
	__type(key, struct pf_growth_key);
	__type(value, struct pf_growth_count);
} pf_growth_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, PF_GROWTH_STACKS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, PF_STACK_DEPTH * sizeof(__u64));
} pf_growth_stacks SEC(".maps");

static long look_at_area(struct task_struct *task, struct vm_area_struct *area, __u32 *is_file)
{
	*is_file = area->vm_file != NULL;
	return 0;
}

/* File pages are cache, which can be dropped. Where the area cannot be looked up just now, the sample counts. */
static __always_inline bool is_file_page(struct task_struct *task, __u64 addr)
{
	__u32 is_file = 0;

	bpf_find_vma(task, addr, look_at_area, &is_file, 0);
	return is_file;
}

static __always_inline void count(struct task_struct *task, __u32 slot, __s32 stack_id,
				  __u64 period)
{
	struct pf_growth_key key = { .slot = slot, .tgid = task->tgid, .stack_id = stack_id };
	struct pf_growth_count *known = bpf_map_lookup_elem(&pf_growth_counts, &key),
			       first = { .nr_faults = period };

	if (known) {
		__sync_fetch_and_add(&known->nr_faults, period);
		return;
	}
	bpf_probe_read_kernel(first.comm, sizeof(first.comm), task->group_leader->comm);
	if (bpf_map_update_elem(&pf_growth_counts, &key, &first, BPF_NOEXIST))
		pf_drop(PF_DROP_GROWTH);
}

SEC("perf_event")
int pf_growth(struct bpf_perf_event_data *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 slot = PF_ENTRY_SLOT(pf_task_entry(task));
	__u64 *watched = bpf_map_lookup_elem(&pf_growth_watched, &slot);
	long stack_id;

	if (!slot || !watched || !*watched || is_file_page(task, ctx->addr))
		return 0;
	stack_id = bpf_get_stackid(ctx, &pf_growth_stacks, BPF_F_USER_STACK);
	if (stack_id < 0) {
		pf_drop(PF_DROP_STACK);
		stack_id = -1;
	}
	count(task, slot, stack_id, ctx->sample_period);
	return 0;
}

char pf_license[] SEC("license") = "Dual BSD/GPL";
