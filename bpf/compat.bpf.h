/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * compat.bpf.h - what differs between kernels 6.1 and 7.2, one function a difference; each says
 * when it can go.
 */
#ifndef PODFIT_COMPAT_BPF_H
#define PODFIT_COMPAT_BPF_H

#include "kernel_types.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "podfit_abi.h"

extern const volatile struct pf_settings pf_settings;

#define pf_barrier(v) asm volatile("" : "+r"(v))

/*
 * An index no larger than @mask, for the verifier. Masked last and in assembler: the compiler drops
 * a mask that it can prove useless, and verifiers before 6.12 then refuse the index.
 */
#define PF_BOUND_INDEX(v, mask)                                                                    \
	({                                                                                         \
		__u64 pf_index__ = (v);                                                            \
		asm volatile("%0 &= %1" : "+r"(pf_index__) : "i"(mask));                           \
		pf_index__;                                                                        \
	})

/* Reads a field of a kernel object whose address was kept in a map; 0 if the address is bad. */
#define PF_READ(addr, type, field)                                                                 \
	({                                                                                         \
		__typeof__(((type *)0)->field) pf_value__ = 0;                                     \
		bpf_probe_read_kernel(                                                             \
			&pf_value__, sizeof(pf_value__),                                           \
			(const void *)((addr) + bpf_core_field_offset(((type *)0)->field)));       \
		pf_value__;                                                                        \
	})

/*
 * The throttle clock of a queue: total time its tasks were held back by its own or an ancestor's
 * quota, up to the end of the last interval. v6.6 has it on the rq clock; before, on the PELT
 * clock, which only differs where frequency scales.
 */
static __always_inline __u64 pf_throttle_clock_ns(const struct cfs_rq *cfs)
{
	if (bpf_core_field_exists(cfs->throttled_clock_self_time))
		return cfs->throttled_clock_self_time;
	if (bpf_core_field_exists(cfs->throttled_clock_pelt_time))
		return cfs->throttled_clock_pelt_time;
	return 0;
}

/*
 * When the throttling began that holds back the tasks of a queue now, or 0. From v6.18 on a task may still come in
 * meanwhile: it is held back on its way out of the kernel.
 */
static __always_inline __u64 pf_throttled_since_ns(const struct cfs_rq *cfs)
{
	if (bpf_core_field_exists(cfs->throttled_clock_self))
		return cfs->throttled_clock_self;
	return 0;
}

/*
 * The scheduling entity of task group @tg on @cpu, or 0. Until v7.1 task_group.se is an array of
 * pointers. From v7.2 the entity lies beside the group's queue in per-CPU memory, reached by
 * @percpu_offset, which the switch hook has learned. Functions of their own, because clang moves
 * the offset of a field out of a loop, past the test whether the kernel has it.
 */
static __noinline __u64 pf_group_entity_array(__u64 tg, __u32 cpu)
{
	__u64 array = (__u64)PF_READ(tg, struct task_group, se), entity = 0;

	if (array)
		bpf_probe_read_kernel(&entity, sizeof(entity),
				      (void *)(array + cpu * sizeof(__u64)));
	return entity;
}

static __noinline __u64 pf_group_entity_percpu(__u64 tg, __u64 percpu_offset)
{
	__u64 queue = (__u64)PF_READ(tg, struct task_group___percpu, cfs_rq);

	/* The queue that is found must be this group's, else the offset is not what we think. */
	if (!percpu_offset || !queue ||
	    (__u64)PF_READ(queue + percpu_offset, struct cfs_rq, tg) != tg)
		return 0;
	return queue + percpu_offset + bpf_core_field_offset(((struct cfs_tg_state *)0)->se);
}

static __always_inline __u64 pf_group_entity(__u64 tg, __u32 cpu, __u64 percpu_offset)
{
	return pf_settings.percpu_cfs_rq ? pf_group_entity_percpu(tg, percpu_offset)
					 : pf_group_entity_array(tg, cpu);
}

#endif
