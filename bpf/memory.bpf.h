/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * memory.bpf.h - reading a memory cgroup: units, limits, events, memory by kind.
 */
#ifndef PODFIT_MEMORY_BPF_H
#define PODFIT_MEMORY_BPF_H

#include "sample.bpf.h"

static __always_inline __u64 pf_pages_to_bytes(__u64 pages)
{
	return pages << pf_settings.page_shift;
}

/* A page counter's maximum: PAGE_COUNTER_MAX (LONG_MAX / PAGE_SIZE) means none. */
static __always_inline __u64 pf_limit_bytes(__u64 pages)
{
	return pages >= (0x7fffffffffffffffull >> pf_settings.page_shift)
		       ? PF_ABI_NO_LIMIT
		       : pf_pages_to_bytes(pages);
}

/* Unit of a kind of memory in vmstats.state[]: pages, but for those the kernel counts in bytes or
 * KiB. */
static __always_inline __u64 pf_memstat_bytes(__u32 kind, __u64 value)
{
	if ((__s64)value < 0) /* per-CPU parts are folded one by one: a small negative sum is 0 */
		return 0;
	switch (kind) {
	case PF_MEMSTAT_SLAB_RECLAIMABLE:
	case PF_MEMSTAT_SLAB_UNRECLAIMABLE:
	case PF_MEMSTAT_PERCPU:
		return value;
	case PF_MEMSTAT_KERNEL_STACK:
		return value << 10;
	}
	return pf_pages_to_bytes(value);
}

/* Memory by kind of the cgroup and what is below it. */
static __always_inline void pf_read_memstats(__u64 memcg, __u64 *ret_stats)
{
	__u64 vmstats = (__u64)PF_PEEK(memcg, struct mem_cgroup, vmstats);
	__u64 state = vmstats + bpf_core_field_offset(((struct memcg_vmstats *)0)->state);

	for (__u32 kind = 0; kind < PF_NR_MEMSTATS; kind++) {
		__u32 index = pf_control.stat_index[kind];

		ret_stats[kind] = index == PF_STAT_ABSENT
					  ? PF_ABI_UNKNOWN
					  : pf_memstat_bytes(kind, pf_peek(state + index * 8ull));
	}
}

static __always_inline __u64 pf_memory_event(__u64 memcg, __u32 event)
{
	__u64 offset = bpf_core_field_offset(((struct mem_cgroup *)0)->memory_events);

	return pf_peek(memcg + offset + event * sizeof(__u64));
}
#define PF_MEMORY_EVENT(memcg, event)                                                              \
	pf_memory_event(memcg, bpf_core_enum_value(enum memcg_memory_event, event))

#endif
