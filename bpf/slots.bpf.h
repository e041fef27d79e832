/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * slots.bpf.h - from a kernel object to the slot of the container it belongs to.
 *
 * User space names the cgroups it wants in pf_want (hierarchy and id -> slot). A css finds its slot
 * through a table indexed by css.id, which is small and dense on every kernel and hierarchy: two
 * loads and no hash. An entry holds the low half of css.serial_nr, because ids are reused and
 * serials never are, and the epoch of pf_want it was resolved in; so two groups may also share one. On a mismatch
 * pf_slot_walk() walks up the parents, so what is nested in a container counts for it.
 */
#ifndef PODFIT_SLOTS_BPF_H
#define PODFIT_SLOTS_BPF_H

#include "drops.bpf.h"

/* Kernel objects of a slot. The serials tell whether an object is still the one that was bound. */
struct pf_ref {
	__u64 tg, tg_serial;
	__u64 memcg, memcg_serial;
	__u64 cgroup, cgroup_serial; /* the v2 cgroup, for PSI */
	__u64 pids, pids_serial;
	__u64 cpu_id, memory_id; /* kernfs ids, to know the directory that goes */
	__u32 cpu_hierarchy, memory_hierarchy;
	__u32 quota_above;     /* an ancestor has a quota; looked up at each snapshot */
	__u32 watermark_known; /* watermark holds: the kernel's at the last snapshot */
	__u64 watermark;
	/* Highest of the windows since the last snapshot, which resets them. */
	__u64 memory_peak_pages;
	__u32 usage_peak_millicores, demand_peak_millicores;
};

/* A slot's group entity on one CPU. */
struct pf_entity {
	__u64 se;	      /* 0: not known yet */
	__u64 throttle_ns;    /* throttle clock with the running interval, at the last window */
	__u64 usage_ns;	      /* its run time then; kept while a quota is in force */
	__u64 throttle_known; /* throttle_ns and usage_ns hold */
};

/* serial (32), slot (16), depth (4), epoch (12): one word, so that it is never seen half-written. */
#define PF_ENTRY_TAG_MASK    0xfff00000ffffffffull
#define PF_ENTRY_SLOT(entry) (((entry) >> 32) & 0xffff)
#define PF_ENTRY_DEPTH(entry)                                                                      \
	(((entry) >> 48) & 15) /* levels between the css and the container's own */

/* The serial's low half and the epoch, which user space keeps in its place. */
static __always_inline __u64 pf_entry_tag(const struct cgroup_subsys_state *css, __u64 epoch_bits)
{
	return *(const __u32 *)&css->serial_nr | epoch_bits;
}

struct pf_map_want {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024); /* set at load */
	__type(key, struct pf_want_key);
	__type(value, __u32);
};

struct pf_map_refs {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* set at load: nr_slots */
	__type(key, __u32);
	__type(value, struct pf_ref);
};

struct pf_map_entities {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* set at load: nr_slots x nr_cpus */
	__type(key, __u32);
	__type(value, struct pf_entity);
};

struct pf_map_windows {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* set at load: nr_slots */
	__type(key, __u32);
	__type(value, struct pf_window_rec);
};

struct pf_map_snaps {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* set at load: nr_slots */
	__type(key, __u32);
	__type(value, struct pf_snap_rec);
};

struct pf_map_stalls {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1); /* set at load: nr_slots */
	__type(key, __u32);
	__type(value, struct pf_stall_rec);
};

/* A group's entry by css.id % PF_CSS_ENTRIES. Mapped by user space for a moment, to clear it. */
struct pf_map_css_slots {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, PF_CSS_ENTRIES);
	__type(key, __u32);
	__type(value, __u64);
};

struct pf_map_events {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 262144);
};

extern struct pf_map_want pf_want SEC(".maps");
extern struct pf_map_refs pf_refs SEC(".maps");
extern struct pf_map_entities pf_entities SEC(".maps");
extern struct pf_map_windows pf_windows SEC(".maps");
extern struct pf_map_snaps pf_snaps SEC(".maps");
extern struct pf_map_stalls pf_stalls SEC(".maps");
extern struct pf_map_events pf_events SEC(".maps");

extern struct pf_map_css_slots pf_css_slots SEC(".maps");

extern struct pf_control pf_control;
extern struct pf_stall_rec pf_no_stalls; /* zero: what a new record is made from */
extern __u64 pf_cpu_offsets[PF_MAX_CPUS];

/*
 * v7.2: the distance from a group's per-CPU pointer to its queue on @cpu, where @task runs or is about to. It is
 * the same for every group, so it is learned once.
 */
static __always_inline void pf_learn_cpu_offset(struct task_struct *task, __u32 cpu)
{
	struct task_group___percpu *tg = (void *)task->sched_task_group;
	__u64 i = PF_BOUND_INDEX(cpu, PF_MAX_CPUS - 1);

	if (!pf_cpu_offsets[i])
		pf_cpu_offsets[i] = (__u64)task->se.cfs_rq - (__u64)tg->cfs_rq;
}

static __always_inline __u32 pf_hierarchy_of(const struct cgroup *cgroup)
{
	return cgroup->root->hierarchy_id;
}

/* The slot that user space gave to a cgroup, or 0. */
static __always_inline __u32 pf_slot_wanted(__u64 cgroup_id, __u32 hierarchy)
{
	struct pf_want_key key = { .cgroup_id = cgroup_id, .hierarchy = hierarchy };
	__u32 *slot = bpf_map_lookup_elem(&pf_want, &key);

	return slot ? *slot : 0;
}

/*
 * Looks a css up in pf_want, then its parents. Gives what belongs in the table entry: slot << 32 |
 * depth << 48, all 0 if no ancestor is wanted. A css without a cgroup (an autogroup's, id 0) is in
 * none.
 */
static __noinline __u64 pf_slot_walk(struct cgroup_subsys_state *css)
{
	for (__u32 depth = 0; depth < PF_WALK_MAX; depth++) {
		struct cgroup *cgroup = css->cgroup;
		__u32 slot;

		if (!cgroup)
			return 0;
		slot = pf_slot_wanted(cgroup->kn->id, pf_hierarchy_of(cgroup));
		if (slot)
			return (__u64)slot << 32 | (__u64)depth << 48;
		css = css->parent;
		if (!css)
			return 0;
	}
	pf_drop(PF_DROP_DEEP_NESTING);
	return 0;
}

/*
 * The same for the address of a css, off the hot path.
 * @ret_id, @ret_hierarchy: of the wanted cgroup; of the css's own if there is none.
 */
static __always_inline __u64 pf_slot_of_css(__u64 css, __u64 *ret_id, __u32 *ret_hierarchy)
{
	for (__u32 depth = 0; depth < PF_WALK_MAX && css; depth++) {
		__u64 cgroup = (__u64)PF_READ(css, struct cgroup_subsys_state, cgroup), id;
		__u32 hierarchy, slot;

		if (!cgroup)
			return 0;
		id = PF_READ((__u64)PF_READ(cgroup, struct cgroup, kn), struct kernfs_node, id);
		hierarchy = PF_READ((__u64)PF_READ(cgroup, struct cgroup, root), struct cgroup_root,
				    hierarchy_id);
		slot = pf_slot_wanted(id, hierarchy);
		if (!depth || slot) {
			*ret_id = id;
			*ret_hierarchy = hierarchy;
		}
		if (slot)
			return (__u64)slot << 32 | (__u64)depth << 48;
		css = (__u64)PF_READ(css, struct cgroup_subsys_state, parent);
	}
	return 0;
}

/* cgroup.subsys[id], or 0. The place depends on the kernel's configuration, hence a computed
 * address. */
static __always_inline __u64 pf_subsys_of(const struct cgroup *cgroup, __u32 id)
{
	__u64 css = 0;

	bpf_probe_read_kernel(&css, sizeof(css),
			      (void *)((__u64)cgroup + bpf_core_field_offset(cgroup->subsys) +
				       id * sizeof(__u64)));
	return css;
}

/* The task's css of a controller, or 0. */
static __always_inline __u64 pf_task_css(const struct task_struct *task, __u32 id)
{
	const struct css_set *set = task->cgroups;
	__u64 css = 0;

	bpf_probe_read_kernel(
		&css, sizeof(css),
		(void *)((__u64)set + bpf_core_field_offset(set->subsys) + id * sizeof(__u64)));
	return css;
}

/* The entry of a css at @entry, resolved if it is not up to date. */
static __always_inline __u64 pf_slot_entry(__u64 *entry, struct cgroup_subsys_state *css)
{
	__u64 tag = pf_entry_tag(css, *(volatile __u64 *)&pf_control.epoch_bits), resolved = *entry;

	if ((resolved & PF_ENTRY_TAG_MASK) == tag)
		return resolved;
	/* The epoch was read before pf_want, so an entry made from an old pf_want is seen as old. */
	resolved = tag | pf_slot_walk(css);
	*entry = resolved;
	return resolved;
}

/*
 * What tells a task group, without a look into it, from all others that pf_want was asked about: its address, which is
 * a multiple of 64, and the epoch. The low PF_GROUP_BITS are not to be looked at. The address is taken as a distance,
 * which the verifier knows to be a number.
 */
static __always_inline __u64 pf_group_of(const struct task_group *tg)
{
	__u64 distance = (__u64)tg - (__u64)&pf_control;

	pf_barrier(distance);
	return distance << (PF_GROUP_BITS - 6) ^ *(volatile __u64 *)&pf_control.epoch_bits;
}

/* The entry of the task's CPU cgroup: the nearest ancestor with the cpu controller, on v1 and v2. */
static __always_inline __u64 pf_task_entry(struct task_struct *task)
{
	struct cgroup_subsys_state *css = &task->sched_task_group->css;
	__u32 id = (__u32)css->id % PF_CSS_ENTRIES;
	__u64 *entry = bpf_map_lookup_elem(&pf_css_slots, &id);

	return entry ? pf_slot_entry(entry, css) : 0;
}

#endif
