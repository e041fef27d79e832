// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * snapshot.bpf.c - memory, limits, events, PSI and CPU counters of all slots, in one call of user
 * space.
 *
 * Hook:   none; a raw tracepoint program that agent/capture runs at each snapshot. No cgroup lock, no file, no flush.
 * Output: pf_snaps[slot], which user space maps.
 * Losses: failed reads are counted; a slot whose object went shows its last numbers.
 * Kernel: 6.1.
 *
 * A program that is run as a raw tracepoint's is inside an RCU section, so an object whose serial was found right stays
 * that object until the end of the run. As a syscall program it was not, and could be preempted: what it then read of an
 * object that had gone meanwhile was written over the last numbers, which the removal hook had left in the slot.
 */
#include "sample.bpf.h"

#include "memory.bpf.h"

/* Of the table of kinds of memory: it has 300 to 430 bytes, and what is read is in the first of them. */
#define MEMSTAT_LINES 5

/* Read once: the removal hook may take them away on another CPU. */
struct objects {
	__u64 tg, memcg, cgroup, pids;
};

static __always_inline void read_objects(const struct pf_ref *ref, struct objects *o)
{
	const volatile struct pf_ref *now = ref;

	o->tg = now->tg;
	o->memcg = now->memcg;
	o->cgroup = now->cgroup;
	o->pids = now->pids;
}

static __always_inline void snapshot_memory(struct pf_ref *ref, struct pf_snap_rec *s, __u64 memcg)
{
	__u64 pages = PF_PEEK(memcg, struct mem_cgroup, memory.usage.counter);
	__u64 watermark = PF_PEEK(memcg, struct mem_cgroup, memory.watermark),
	      peak = ref->memory_peak_pages;

	ref->memory_peak_pages = pages;
	if (peak < pages)
		peak = pages;
	/*
	 * A watermark that grew was reached in this interval, between two looks at the use. The
	 * first snapshot of a cgroup is its whole life; user space ignores the first one of a
	 * cgroup that is older than that.
	 */
	if (!ref->watermark_known || watermark > ref->watermark)
		peak = watermark;
	ref->watermark = watermark;
	ref->watermark_known = 1;

	s->memory_usage_bytes = pf_pages_to_bytes(pages);
	s->memory_peak_bytes = pf_pages_to_bytes(peak);
	s->memory_watermark_bytes = pf_pages_to_bytes(watermark);
	s->memory_max_bytes = pf_limit_bytes(PF_PEEK(memcg, struct mem_cgroup, memory.max));
	s->memory_high_bytes = pf_limit_bytes(PF_PEEK(memcg, struct mem_cgroup, memory.high));
	s->swap_usage_bytes =
		pf_pages_to_bytes(PF_PEEK(memcg, struct mem_cgroup, swap.usage.counter));
	s->swap_max_bytes = pf_limit_bytes(PF_PEEK(memcg, struct mem_cgroup, swap.max));
	s->events_high = PF_MEMORY_EVENT(memcg, MEMCG_HIGH);
	s->events_max = PF_MEMORY_EVENT(memcg, MEMCG_MAX);
	s->events_oom = PF_MEMORY_EVENT(memcg, MEMCG_OOM);
	s->events_oom_kill = PF_MEMORY_EVENT(memcg, MEMCG_OOM_KILL);
	pf_read_memstats(memcg, s->stats);
}

/* Whether a group above @tg has a quota, as a pod's does. */
static __always_inline __u32 quota_above(__u64 tg)
{
	for (__u32 i = 0; i < PF_WALK_MAX; i++) {
		tg = (__u64)PF_PEEK(tg, struct task_group, parent);
		if (!tg)
			break;
		if (PF_PEEK(tg, struct task_group, cfs_bandwidth.quota) != ~0ull)
			return 1;
	}
	return 0;
}

static __always_inline void snapshot_cpu(struct pf_ref *ref, struct pf_snap_rec *s, __u32 slot,
					 __u64 tg)
{
	__u64 quota = PF_PEEK(tg, struct task_group, cfs_bandwidth.quota);

	ref->quota_above = quota_above(tg);
	s->usage_ns = pf_group_usage_ns(tg, slot);
	s->nr_periods = (__u32)PF_PEEK(tg, struct task_group, cfs_bandwidth.nr_periods);
	s->nr_throttled = (__u32)PF_PEEK(tg, struct task_group, cfs_bandwidth.nr_throttled);
	s->throttled_ns = PF_PEEK(tg, struct task_group, cfs_bandwidth.throttled_time);
	s->quota_ns = quota == ~0ull ? PF_ABI_NO_LIMIT : quota;
	s->period_ns = PF_PEEK(tg, struct task_group, cfs_bandwidth.period);
	s->burst_ns = PF_PEEK(tg, struct task_group, cfs_bandwidth.burst);
	s->shares = PF_PEEK(tg, struct task_group, shares);
	s->usage_peak_millicores = ref->usage_peak_millicores;
	s->demand_peak_millicores = ref->demand_peak_millicores;
	ref->usage_peak_millicores = 0;
	ref->demand_peak_millicores = 0;
}

static __always_inline __u64 psi_totals(__u64 cgroup)
{
	__u64 psi = (__u64)PF_PEEK(cgroup, struct cgroup, psi);

	if (bpf_core_field_exists(((struct psi_group___2d *)0)->total[0][0]))
		return psi + bpf_core_field_offset(((struct psi_group___2d *)0)->total);
	return psi + bpf_core_field_offset(((struct psi_group *)0)->total);
}

static __always_inline void snapshot_psi(__u64 cgroup, struct pf_snap_rec *s)
{
	/* The kernel's order is io, memory, cpu; ours cpu, memory, io. */
	__u64 total = psi_totals(cgroup);

	for (__u32 i = 0; i < 6; i++)
		s->psi_ns[i] = pf_peek(total + (4 - (i & ~1u) + (i & 1)) * sizeof(__u64));
}

/*
 * Brings the lines that a snapshot of a slot reads into the cache, those of its objects first and then those that are
 * found through them. Nearly all of a snapshot is waiting for memory, and these loads, which do not depend on each other
 * and stand close together, are waited for together.
 */
#define TOUCH(addr, type, field) pf_peek((addr) + bpf_core_field_offset(((type *)0)->field))

static __always_inline void touch_objects(const struct objects *o)
{
	if (o->memcg) {
		TOUCH(o->memcg, struct mem_cgroup, css.serial_nr);
		TOUCH(o->memcg, struct mem_cgroup, memory.usage.counter);
		TOUCH(o->memcg, struct mem_cgroup, memory.watermark);
		TOUCH(o->memcg, struct mem_cgroup, memory.max);
		TOUCH(o->memcg, struct mem_cgroup, swap.usage.counter);
		TOUCH(o->memcg, struct mem_cgroup, swap.max);
		TOUCH(o->memcg, struct mem_cgroup, memory_events[0]);
		TOUCH(o->memcg, struct mem_cgroup, vmstats);
	}
	if (o->tg) {
		TOUCH(o->tg, struct task_group, css.serial_nr);
		TOUCH(o->tg, struct task_group, shares);
		TOUCH(o->tg, struct task_group, parent);
		TOUCH(o->tg, struct task_group, cfs_bandwidth.quota);
		TOUCH(o->tg, struct task_group, cfs_bandwidth.throttled_time);
	}
	if (o->cgroup) {
		TOUCH(o->cgroup, struct cgroup, self.serial_nr);
		TOUCH(o->cgroup, struct cgroup, psi);
	}
	if (o->pids) {
		TOUCH(o->pids, struct pids_cgroup, css.serial_nr);
		TOUCH(o->pids, struct pids_cgroup, counter.counter);
	}
}

static __always_inline void touch_counters(const struct objects *o, __u32 slot)
{
	if (o->memcg) {
		__u64 vmstats = TOUCH(o->memcg, struct mem_cgroup, vmstats);

		for (__u32 i = 0; i < MEMSTAT_LINES; i++)
			pf_peek(vmstats + i * 64ull);
	}
	if (o->cgroup)
		pf_peek(psi_totals(o->cgroup));
	if (o->tg)
		pf_group_usage_ns(o->tg, slot);
}

__hidden int pf_snapshot_slot(__u32 slot)
{
	struct pf_ref *ref = bpf_map_lookup_elem(&pf_refs, &slot);
	struct pf_snap_rec *s = bpf_map_lookup_elem(&pf_snaps, &slot);
	struct objects o;

	if (!ref || !s)
		return 0;
	read_objects(ref, &o);
	touch_objects(&o);
	touch_counters(&o, slot);
	if (pf_alive(o.tg, ref->tg_serial))
		snapshot_cpu(ref, s, slot, o.tg);
	if (pf_alive(o.memcg, ref->memcg_serial))
		snapshot_memory(ref, s, o.memcg);
	if (pf_alive(o.cgroup, ref->cgroup_serial))
		snapshot_psi(o.cgroup, s);
	if (pf_alive(o.pids, ref->pids_serial))
		s->nr_tasks = PF_PEEK(o.pids, struct pids_cgroup, counter.counter);
	s->at_ns = bpf_ktime_get_ns();
	return 0;
}

static long snapshot_one(__u32 i, __u32 *first)
{
	pf_snapshot_slot(*first + i);
	return 0;
}

/* One word of a raw tracepoint's arguments is a struct pf_snapshot_arg. */
SEC("raw_tp")
int pf_snapshot(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 first = (__u32)ctx->args[0], end = ctx->args[0] >> 32;

	if (end > first)
		bpf_loop(end - first, snapshot_one, &first, 0);
	return 0;
}

/*
 * The raw array of one slot's memory cgroup. Which index is which kind depends on the kernel; user
 * space finds out by comparing them with memory.stat.
 */
struct pf_rawstat_arg pf_rawstat;

SEC("raw_tp")
int pf_read_rawstat(void *ctx)
{
	struct pf_ref *ref;
	__u64 vmstats;
	__u32 slot = pf_rawstat.slot;

	pf_rawstat.nr_state = 0;
	ref = bpf_map_lookup_elem(&pf_refs, &slot);
	if (!ref || !pf_alive(ref->memcg, ref->memcg_serial))
		return 0;
	vmstats = (__u64)PF_PEEK(ref->memcg, struct mem_cgroup, vmstats);
	if (!vmstats)
		return 0;
	__u32 nr_state = bpf_core_field_size(((struct memcg_vmstats *)0)->state) / 8;

	if (nr_state > 192)
		nr_state = 192;
	bpf_probe_read_kernel(
		pf_rawstat.state, nr_state * 8,
		(void *)(vmstats + bpf_core_field_offset(((struct memcg_vmstats *)0)->state)));
	pf_rawstat.nr_state = nr_state;
	return 0;
}

char pf_license[] SEC("license") = "Dual BSD/GPL";
