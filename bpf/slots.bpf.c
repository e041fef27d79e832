// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * slots.bpf.c - the maps and settings all programs share, and the program that binds a slot to its
 * kernel objects.
 *
 * Hook:   iter/cgroup, on one directory (BPF_CGROUP_ITER_SELF_ONLY), read by user space once a directory.
 * Output: pf_refs[slot]: task group, memory cgroup, v2 cgroup, pids cgroup; pf_snaps[slot].bound tells which.
 * Kernel: 6.1 (iter/cgroup).
 */
#include "slots.bpf.h"

const volatile struct pf_settings pf_settings = { .nr_slots = 1,
						  .nr_cpus = 1,
						  .growth_period = 64 };

struct pf_control pf_control = { .nr_phases = 1, .thin_on = PF_THIN_TICKS };
__u64 pf_drops[PF_NR_DROPS];
struct pf_stall_rec pf_no_stalls;

/* v7.2: from a task group's first per-CPU queue to its queue on a CPU; 0 while no switch there has
 * told. */
__u64 pf_cpu_offsets[PF_MAX_CPUS];

struct pf_map_want pf_want SEC(".maps");
struct pf_map_refs pf_refs SEC(".maps");
struct pf_map_entities pf_entities SEC(".maps");
struct pf_map_windows pf_windows SEC(".maps");
struct pf_map_snaps pf_snaps SEC(".maps");
struct pf_map_stalls pf_stalls SEC(".maps");
struct pf_map_events pf_events SEC(".maps");
struct pf_map_css_slots pf_css_slots SEC(".maps");

static __always_inline __u64 serial_of(__u64 css)
{
	return PF_READ(css, struct cgroup_subsys_state, serial_nr);
}

/* The entities are found again by the next window. */
static __always_inline void forget_entities(__u32 slot)
{
	for (__u32 cpu = 0; cpu < PF_MAX_CPUS && cpu < pf_settings.nr_cpus; cpu++) {
		__u32 key = slot * pf_settings.nr_cpus + cpu;
		struct pf_entity *entity = bpf_map_lookup_elem(&pf_entities, &key);

		if (entity)
			entity->se = entity->throttle_known = 0;
	}
}

static __always_inline __u32 bind(struct cgroup *cgroup, __u32 slot, struct pf_ref *ref)
{
	__u32 hierarchy = pf_hierarchy_of(cgroup), bound = 0;
	__u64 css;

	/* The css is the first member of task_group, mem_cgroup and pids_cgroup: one address serves both. */
	css = pf_subsys_of(cgroup, bpf_core_enum_value(enum cgroup_subsys_id, cpu_cgrp_id));
	if (css) {
		forget_entities(slot);
		ref->tg_serial = serial_of(css);
		ref->cpu_id = cgroup->kn->id;
		ref->cpu_hierarchy = hierarchy;
		ref->tg = css;
		bound |= PF_BOUND_CPU;
	}
	css = pf_subsys_of(cgroup, bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id));
	if (css) {
		ref->memcg_serial = serial_of(css);
		ref->memory_id = cgroup->kn->id;
		ref->memory_hierarchy = hierarchy;
		ref->watermark_known = 0;
		ref->memcg = css;
		bound |= PF_BOUND_MEMORY;
	}
	css = pf_subsys_of(cgroup, bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id));
	if (css) {
		ref->pids_serial = serial_of(css);
		ref->pids = css;
		bound |= PF_BOUND_PIDS;
	}
	if (!hierarchy && cgroup->psi) {
		ref->cgroup_serial = cgroup->self.serial_nr;
		ref->cgroup = (__u64)cgroup;
		bound |= PF_BOUND_PSI;
	}
	return bound;
}

SEC("iter/cgroup")
int pf_bind(struct bpf_iter__cgroup *ctx)
{
	struct cgroup *cgroup = ctx->cgroup;
	struct pf_snap_rec *snap;
	struct pf_ref *ref;
	__u32 slot;

	if (!cgroup)
		return 0;
	slot = pf_slot_wanted(cgroup->kn->id, pf_hierarchy_of(cgroup));
	if (!slot)
		return 0;
	ref = bpf_map_lookup_elem(&pf_refs, &slot);
	snap = bpf_map_lookup_elem(&pf_snaps, &slot);
	if (ref && snap)
		snap->bound |= bind(cgroup, slot, ref);
	return 0;
}

/* v7.2: run on each CPU before the first slot is bound, so that no CPU's share is missing in the first numbers. */
SEC("syscall")
int pf_learn_cpu(void *ctx)
{
	if (pf_settings.percpu_cfs_rq)
		pf_learn_cpu_offset(bpf_get_current_task_btf(), bpf_get_smp_processor_id());
	return 0;
}

char pf_license[] SEC("license") = "Dual BSD/GPL";
