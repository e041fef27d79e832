// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * blkio.bpf.c - latency of each container's block I/O, from the request's start to its completion.
 *
 * Hook:   tp_btf/block_rq_complete alone: the kernel has stamped the start (queue/iostats=1, the default).
 * Output: pf_stalls[slot].block_io.
 * Losses: requests without a start or a cgroup (flushes) are not latency of anybody's I/O and are not counted. Buffered
 *         writes are charged to the cgroup that dirtied the page on v2 only; on v1 they are the kernel's.
 * Kernel: 6.1.
 */
#include "slots.bpf.h"

#include "stall.bpf.h"

/* css.id of a block cgroup -> slot, as pf_css_slots for the CPU; cleared with it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, PF_BLK_CSS_ENTRIES);
	__type(key, __u32);
	__type(value, __u64);
} pf_block_css_slots SEC(".maps");

static __always_inline __u32 slot_of(struct request *rq)
{
	struct bio *bio = rq->bio;
	struct blkcg_gq *group = bio ? bio->bi_blkg : NULL;
	struct cgroup_subsys_state *css;
	struct blkcg *blkcg;
	__u64 *entry;
	__u32 id;

	if (!group)
		return 0;
	blkcg = group->blkcg;
	if (!blkcg)
		return 0;
	css = &blkcg->css;
	id = (__u32)css->id % PF_BLK_CSS_ENTRIES;
	entry = bpf_map_lookup_elem(&pf_block_css_slots, &id);
	return entry ? PF_ENTRY_SLOT(pf_slot_entry(entry, css)) : 0;
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(pf_block_complete, struct request *rq, int error, unsigned int nr_bytes)
{
	__u64 start = rq->start_time_ns, now, took;
	__u32 slot;

	if (!start || nr_bytes < rq->__data_len) /* not stamped, or only a part is done */
		return 0;
	slot = slot_of(rq);
	if (!slot)
		return 0;
	now = bpf_ktime_get_ns();
	took = now > start ? now - start : 0;
	pf_add_stall(slot, PF_STALL_BLOCK_IO, took);
	return 0;
}

char pf_license[] SEC("license") = "Dual BSD/GPL";
