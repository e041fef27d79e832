/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * sample.bpf.h - what the files that sample slots call of each other.
 */
#ifndef PODFIT_SAMPLE_BPF_H
#define PODFIT_SAMPLE_BPF_H

#include "slots.bpf.h"

/* window.bpf.c: CPU time of the slot's task group since its creation, nested groups included; at
 * most a tick old. */
extern __hidden __u64 pf_group_usage_ns(__u64 tg, __u32 slot);

/* window.bpf.c: closes the running window of a slot. Return: 0. */
extern __hidden int pf_close_window(__u32 slot);

/* snapshot.bpf.c: fills pf_snaps[slot]. Return: 0. */
extern __hidden int pf_snapshot_slot(__u32 slot);

/*
 * window.bpf.c: the word at a kernel address, 0 if it is bad. A call of a few ns, where a helper takes ten: only that file
 * may use bpf_rdonly_cast() itself.
 */
extern __hidden __u64 pf_peek(__u64 addr);

#define PF_PEEK(addr, type, field)                                                                 \
	((__typeof__(((type *)0)->field))pf_peek((addr) +                                          \
						 bpf_core_field_offset(((type *)0)->field)))

/* Whether the css at @css is still the one whose serial was kept; inside an RCU section it stays
 * so. */
static __always_inline bool pf_alive(__u64 css, __u64 serial)
{
	return css && PF_PEEK(css, struct cgroup_subsys_state, serial_nr) == serial;
}

#endif
