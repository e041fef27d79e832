// SPDX-License-Identifier: Apache-2.0
#include "capture/snap.h"

#include <string.h>

_Static_assert(PF_ABI_UNKNOWN == PF_UNKNOWN && PF_ABI_NO_LIMIT == PF_NO_LIMIT,
	       "one word, both sides");

void pf_snap_clear(struct pf_snap_rec *snap)
{
	memset(snap, 0xff, sizeof(*snap)); /* PF_ABI_UNKNOWN in every number */
	snap->bound = snap->pad = 0;
}

/* Growth of a counter; one that is read a little late on another CPU may seem to step back. */
uint64_t pf_snap_grown(uint64_t now, uint64_t before)
{
	if (now == PF_ABI_UNKNOWN)
		return PF_UNKNOWN;
	if (before == PF_ABI_UNKNOWN)
		return 0;
	return now > before ? now - before : 0;
}

static bool is_number(uint64_t value)
{
	return value != PF_ABI_UNKNOWN && value != PF_ABI_NO_LIMIT;
}

static uint64_t in_us(uint64_t ns)
{
	return is_number(ns) ? ns / PF_NS_PER_US
			     : ns; /* unknown and no limit are the same words on both sides */
}

static void fill_cpu(const struct pf_snap_rec *now, const struct pf_snap_rec *before,
		     struct pf_sample *s)
{
	if (!(now->bound & PF_BOUND_CPU))
		return;
	s->usage_ns = pf_snap_grown(now->usage_ns, before->usage_ns);
	s->nr_periods = pf_snap_grown(now->nr_periods, before->nr_periods);
	s->nr_throttled = pf_snap_grown(now->nr_throttled, before->nr_throttled);
	s->throttled_ns = pf_snap_grown(now->throttled_ns, before->throttled_ns);
	s->cfs_quota_us = in_us(now->quota_ns);
	s->cfs_period_us = in_us(now->period_ns);
	s->cfs_burst_us = in_us(now->burst_ns);
	/* The kernel keeps shares << 10; weight 100 is 1024 shares. */
	if (now->shares != PF_ABI_UNKNOWN)
		s->cpu_weight = ((now->shares >> 10) * 100 + 512) / 1024;
}

void pf_snap_memory_kinds(const __u64 *stats, struct pf_memory_kinds *ret_kinds)
{
	*ret_kinds = (struct pf_memory_kinds){
		.anon = stats[PF_MEMSTAT_ANON],
		.file = stats[PF_MEMSTAT_FILE],
		.shmem = stats[PF_MEMSTAT_SHMEM],
		.inactive_file = stats[PF_MEMSTAT_INACTIVE_FILE],
		.active_file = stats[PF_MEMSTAT_ACTIVE_FILE],
		.unevictable = stats[PF_MEMSTAT_UNEVICTABLE],
		.slab_reclaimable = stats[PF_MEMSTAT_SLAB_RECLAIMABLE],
		.slab_unreclaimable = stats[PF_MEMSTAT_SLAB_UNRECLAIMABLE],
		.kernel_stack = stats[PF_MEMSTAT_KERNEL_STACK],
		.pagetables = stats[PF_MEMSTAT_PAGETABLES],
		.percpu = stats[PF_MEMSTAT_PERCPU],
		.sock = stats[PF_MEMSTAT_SOCK],
		.swap = PF_UNKNOWN,
	};
}

/* v2 has a counter of swap. v1 has one of memory and swap together, in the same place. */
static void fill_swap(const struct pf_snap_rec *now, bool v1, struct pf_sample *s)
{
	if (!v1) {
		s->kinds.swap = now->swap_usage_bytes;
		s->swap_limit_bytes = now->swap_max_bytes;
		return;
	}
	if (is_number(now->swap_usage_bytes) && is_number(now->memory_usage_bytes))
		s->kinds.swap = pf_snap_grown(now->swap_usage_bytes, now->memory_usage_bytes);
	if (is_number(now->swap_max_bytes) && is_number(now->memory_max_bytes))
		s->swap_limit_bytes = pf_snap_grown(now->swap_max_bytes, now->memory_max_bytes);
	else if (now->swap_max_bytes != PF_ABI_UNKNOWN)
		s->swap_limit_bytes = PF_NO_LIMIT;
}

static void fill_memory(bool v1, const struct pf_snap_rec *now, const struct pf_snap_rec *before,
			struct pf_sample *s)
{
	struct pf_memory_kinds *k = &s->kinds;

	if (!(now->bound & PF_BOUND_MEMORY))
		return;
	s->memory_usage_bytes = now->memory_usage_bytes;
	s->memory_peak_bytes = now->memory_peak_bytes;
	s->memory_limit_bytes = now->memory_max_bytes;
	s->memory_high_bytes = now->memory_high_bytes;
	s->events_high = pf_snap_grown(now->events_high, before->events_high);
	s->events_max = pf_snap_grown(now->events_max, before->events_max);
	s->events_oom = pf_snap_grown(now->events_oom, before->events_oom);
	s->events_oom_kill = pf_snap_grown(now->events_oom_kill, before->events_oom_kill);
	pf_snap_memory_kinds(now->stats, k);
	fill_swap(now, v1, s);
	if (k->inactive_file != PF_UNKNOWN && s->memory_usage_bytes != PF_UNKNOWN)
		s->working_set_bytes = s->memory_usage_bytes > k->inactive_file
					       ? s->memory_usage_bytes - k->inactive_file
					       : 0;
	s->hot_bytes = pf_memory_hot_bytes(k);
}

static void fill_psi(const struct pf_snap_rec *now, const struct pf_snap_rec *before,
		     struct pf_sample *s)
{
	uint64_t *out[] = { &s->psi.cpu_some_ns,    &s->psi.cpu_full_ns, &s->psi.memory_some_ns,
			    &s->psi.memory_full_ns, &s->psi.io_some_ns,	 &s->psi.io_full_ns };

	if (!(now->bound & PF_BOUND_PSI))
		return;
	for (size_t i = 0; i < PF_ARRAY_SIZE(out); i++)
		*out[i] = pf_snap_grown(now->psi_ns[i], before->psi_ns[i]);
}

void pf_snap_difference(const struct pf_snap_rec *now, const struct pf_snap_rec *before, bool v1,
			struct pf_sample *sample)
{
	fill_cpu(now, before, sample);
	fill_memory(v1, now, before, sample);
	fill_psi(now, before, sample);
	if (now->bound & PF_BOUND_PIDS)
		sample->nr_threads = now->nr_tasks;
}
