// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * events.bpf.c - cgroups that come and go, and OOM kills: the only things that are sent one by one.
 *
 * Hooks:  tp_btf/cgroup_mkdir and cgroup_rmdir (in the hierarchies that pf_control names), mark_victim.
 * Output: pf_events; a tracked cgroup that goes is sampled once more before its objects are freed, and one that was never
 *         tracked is sent with what it used, so that a container of 200 ms is accounted.
 * Losses: PF_DROP_EVENT when the ring is full, PF_DROP_PATH for paths that were cut.
 * Kernel: 6.1; mark_victim has the task since 6.1.9x and 6.8, before only its pid: one of two programs is loaded.
 */
#include "sample.bpf.h"

#include "memory.bpf.h"

#define MM_FILEPAGES  0
#define MM_ANONPAGES  1
#define MM_SHMEMPAGES 3

/*
 * Cgroup events are made under cgroup_mutex, so one buffer is enough. They are sent as long as the path is: a kubelet
 * that starts a hundred pods should not fill the ring with zeroes.
 */
struct pf_cgroup_event pf_event_buffer;

static __always_inline bool is_in(__u64 hierarchies, __u32 hierarchy)
{
	return hierarchy < 64 && (hierarchies >> hierarchy & 1);
}

static __always_inline void fill_head(struct pf_event_head *head, __u32 kind, __u32 slot,
				      __u64 cgroup_id, __u32 hierarchy)
{
	head->kind = kind;
	head->slot = slot;
	head->at_ns = bpf_ktime_get_ns();
	head->cgroup_id = cgroup_id;
	head->hierarchy = hierarchy;
	head->pad = 0;
}

static __always_inline struct pf_cgroup_event *cgroup_event(struct cgroup *cgroup, __u32 kind,
							    __u32 slot)
{
	struct pf_cgroup_event *e = &pf_event_buffer;

	fill_head(&e->head, kind, slot, cgroup->kn->id, pf_hierarchy_of(cgroup));
	e->usage_ns = e->memory_watermark_bytes = e->events_oom_kill = PF_ABI_UNKNOWN;
	return e;
}

static __always_inline void send_cgroup_event(struct pf_cgroup_event *e, const char *path)
{
	long len = bpf_probe_read_kernel_str(e->path, sizeof(e->path), path);
	__u64 size;

	if (len < 0)
		len = 0;
	if (len == sizeof(e->path))
		pf_drop(PF_DROP_PATH);
	size = PF_BOUND_INDEX((__u64)len, 1023) + offsetof(struct pf_cgroup_event, path);
	if (size > sizeof(*e))
		return;
	if (bpf_ringbuf_output(&pf_events, e, size, 0))
		pf_drop(PF_DROP_EVENT);
}

/* CPU time of a group that has no slot. */
static __always_inline __u64 untracked_usage_ns(__u64 tg)
{
	__u64 sum = 0;

	for (__u32 cpu = 0; cpu < PF_MAX_CPUS && cpu < pf_settings.nr_cpus; cpu++) {
		__u64 se = pf_group_entity(tg, cpu, pf_cpu_offsets[cpu]);

		if (se)
			sum += PF_READ(se, struct sched_entity, sum_exec_runtime);
	}
	return sum;
}

static __always_inline void removed_untracked(struct cgroup *cgroup, const char *path)
{
	struct pf_cgroup_event *e = cgroup_event(cgroup, PF_EVENT_REMOVED, 0);
	__u64 css;

	css = pf_subsys_of(cgroup, bpf_core_enum_value(enum cgroup_subsys_id, cpu_cgrp_id));
	if (css)
		e->usage_ns = untracked_usage_ns(css);
	css = pf_subsys_of(cgroup, bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id));
	if (css) {
		e->memory_watermark_bytes = PF_READ(css, struct mem_cgroup, memory.watermark)
					    << pf_settings.page_shift;
		e->events_oom_kill = PF_MEMORY_EVENT(css, MEMCG_OOM_KILL);
	}
	send_cgroup_event(e, path);
}

/* The last look at a tracked cgroup; the objects live until the end of this RCU section at least. */
static __always_inline void removed_tracked(struct cgroup *cgroup, const char *path, __u32 slot)
{
	struct pf_ref *ref = bpf_map_lookup_elem(&pf_refs, &slot);
	struct pf_snap_rec *snap = bpf_map_lookup_elem(&pf_snaps, &slot);
	__u32 hierarchy = pf_hierarchy_of(cgroup);
	__u64 id = cgroup->kn->id;

	if (!ref || !snap)
		return;
	pf_close_window(slot);
	pf_snapshot_slot(slot);
	if (ref->cpu_id == id && ref->cpu_hierarchy == hierarchy) {
		ref->tg = 0;
		snap->bound |= PF_BOUND_CPU_GONE;
	}
	if (ref->memory_id == id && ref->memory_hierarchy == hierarchy) {
		ref->memcg = 0;
		snap->bound |= PF_BOUND_MEMORY_GONE;
	}
	if (!hierarchy)
		ref->cgroup = 0;
	send_cgroup_event(cgroup_event(cgroup, PF_EVENT_GONE, slot), path);
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(pf_cgroup_mkdir, struct cgroup *cgroup, const char *path)
{
	__u32 hierarchy = pf_hierarchy_of(cgroup);

	/* On v1 the directories of the other hierarchies matter only while a tracked cgroup waits for them. */
	if (!is_in(pf_control.primary_hierarchy, hierarchy) &&
	    !(pf_control.nr_incomplete && is_in(pf_control.watched_hierarchies, hierarchy)))
		return 0;
	/* What is made inside a tracked cgroup counts for it: nothing to tell. */
	if (!pf_slot_walk(&cgroup->self))
		send_cgroup_event(cgroup_event(cgroup, PF_EVENT_CREATED, 0), path);
	return 0;
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(pf_cgroup_rmdir, struct cgroup *cgroup, const char *path)
{
	__u32 hierarchy = pf_hierarchy_of(cgroup), slot = pf_slot_wanted(cgroup->kn->id, hierarchy);

	if (slot)
		removed_tracked(cgroup, path, slot);
	else if (is_in(pf_control.usage_hierarchies, hierarchy) && !pf_slot_walk(&cgroup->self))
		removed_untracked(cgroup, path);
	return 0;
}

static __always_inline __u64 rss_bytes(struct mm_struct *mm, __u32 kind)
{
	__u64 addr, pages = 0;

	if (!mm)
		return PF_ABI_UNKNOWN;
	/* v6.2: per-CPU counters. Their shared part is read, which lags by at most a batch a CPU. */
	if (bpf_core_field_exists(mm->rss_stat))
		addr = (__u64)mm + bpf_core_field_offset(mm->rss_stat) +
		       kind * bpf_core_type_size(struct percpu_counter) +
		       bpf_core_field_offset(((struct percpu_counter *)0)->count);
	else
		addr = (__u64)mm +
		       bpf_core_field_offset(((struct mm_struct___pre62 *)mm)->rss_stat) +
		       kind * sizeof(__u64);
	bpf_probe_read_kernel(&pages, sizeof(pages), (void *)addr);
	return (__s64)pages < 0 ? 0 : pages << pf_settings.page_shift;
}

/*
 * The memory cgroup whose limit was hit: the lowest one at or above the victim's that is full, but
 * for what reclaim has just freed; 0 if none is, so that the whole node ran out.
 */
static __always_inline __u64 full_memcg(__u64 memcg)
{
	for (__u32 i = 0; i < PF_WALK_MAX && memcg; i++) {
		__u64 usage = PF_READ(memcg, struct mem_cgroup, memory.usage.counter);
		__u64 max = PF_READ(memcg, struct mem_cgroup, memory.max);

		if (usage + 256 + (max >> 6) >= max)
			return memcg;
		/* The css is a mem_cgroup's first member. */
		memcg = (__u64)PF_READ(memcg, struct cgroup_subsys_state, parent);
	}
	return 0;
}

static __always_inline void oom_memory(struct pf_oom_event *e, __u64 css, __u32 slot)
{
	struct pf_ref *ref = bpf_map_lookup_elem(&pf_refs, &slot);
	__u64 full = full_memcg(css), shown = full ? full : css;

	e->whole_node = !full;
	e->usage_bytes = PF_READ(shown, struct mem_cgroup, memory.usage.counter)
			 << pf_settings.page_shift;
	e->limit_bytes = pf_limit_bytes(PF_READ(shown, struct mem_cgroup, memory.max));
	if (slot && ref && ref->memcg) {
		css = ref->memcg;
		e->container_usage_bytes = PF_READ(css, struct mem_cgroup, memory.usage.counter)
					   << pf_settings.page_shift;
	}
	pf_read_memstats(css, e->stats);
}

static __always_inline int oom_victim(struct task_struct *member, struct task_struct *victim,
				      __u32 pid)
{
	struct pf_oom_event *e = bpf_ringbuf_reserve(&pf_events, sizeof(*e), 0);
	struct mm_struct *mm = victim ? victim->mm : NULL;
	__u64 entry = 0, id = 0, css;
	__u32 hierarchy = 0;

	if (!e) {
		pf_drop(PF_DROP_EVENT);
		return 0;
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->container_usage_bytes = PF_ABI_UNKNOWN;
	css = pf_task_css(member, bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id));
	if (css) {
		entry = pf_slot_of_css(css, &id, &hierarchy);
		oom_memory(e, css, PF_ENTRY_SLOT(entry));
	}
	fill_head(&e->head, PF_EVENT_OOM, PF_ENTRY_SLOT(entry), id, hierarchy);
	e->tgid = pid;
	if (victim) {
		e->tgid = victim->tgid;
		bpf_probe_read_kernel(e->comm, sizeof(e->comm), victim->comm);
	}
	e->victim_anon_bytes = rss_bytes(mm, MM_ANONPAGES);
	e->victim_file_bytes = rss_bytes(mm, MM_FILEPAGES);
	e->victim_shmem_bytes = rss_bytes(mm, MM_SHMEMPAGES);
	bpf_ringbuf_submit(e, 0);
	return 0;
}

SEC("tp_btf/mark_victim")
int BPF_PROG(pf_mark_victim, struct task_struct *victim)
{
	return oom_victim(victim, victim, 0);
}

/* The task that could not get memory belongs to the same cgroup, or below the same limit, as the victim. */
SEC("tp_btf/mark_victim")
int BPF_PROG(pf_mark_victim_pid, int pid)
{
	return oom_victim(bpf_get_current_task_btf(), NULL, pid);
}

char pf_license[] SEC("license") = "Dual BSD/GPL";
