// SPDX-License-Identifier: Apache-2.0
/* bpf_sample.c - sums a slot's records over CPUs, and makes samples of what grew. */
#include <stdlib.h>
#include <string.h>

#include "capture/bpf_private.h"

static void add_waits(const struct pf_wait_rec *rec, struct pf_totals *t)
{
	t->contention_ns += rec->contention_ns;
	t->quota_ns += rec->quota_ns;
	for (size_t i = 0; i < PF_LATENCY_BUCKETS; i++) {
		t->contention[i] += rec->contention[i];
		t->quota[i] += rec->quota[i];
		t->stall[i] += rec->stall[i];
	}
}

void pf_bpf_read_totals(struct pf_capture *c, uint32_t slot, struct pf_totals *ret_totals)
{
	const struct pf_window_rec *w = &c->windows[slot];
	const struct pf_stall_rec *stall = &c->stalls[slot];
	struct pf_totals *t = ret_totals;

	memset(t, 0, sizeof(*t));
	for (uint32_t cpu = 0; cpu < c->nr_cpus; cpu++)
		add_waits(&c->waits[(size_t)cpu * c->nr_slots + slot], t);
	t->nr_windows = w->nr_windows;
	t->nr_idle = w->nr_idle;
	t->nr_demand_idle = w->nr_demand_idle;
	memcpy(t->usage, w->usage, sizeof(t->usage));
	memcpy(t->demand, w->demand, sizeof(t->demand));
	t->reclaim_ns = stall->reclaim_ns;
	t->block_io_ns = stall->block_io_ns;
	memcpy(t->reclaim, stall->reclaim, sizeof(t->reclaim));
	memcpy(t->block_io, stall->block_io, sizeof(t->block_io));
	t->snap = c->snaps[slot];
}

/* Growth of 32-bit counters that may have wrapped once. */
static void subtract(const uint32_t *now, const uint32_t *before, size_t n, uint32_t *ret_growth)
{
	for (size_t i = 0; i < n; i++)
		ret_growth[i] = now[i] - before[i];
}

/* Growth of a counter; one that is read a little late on another CPU may seem to step back. */
static uint64_t grown(uint64_t now, uint64_t before)
{
	if (now == PF_ABI_UNKNOWN)
		return PF_UNKNOWN;
	if (before == PF_ABI_UNKNOWN)
		return 0;
	return now > before ? now - before : 0;
}

static void fill_cpu(const struct pf_snap_rec *now, const struct pf_snap_rec *before,
		     struct pf_sample *s)
{
	if (!(now->bound & PF_BOUND_CPU))
		return;
	s->usage_ns = grown(now->usage_ns, before->usage_ns);
	s->nr_periods = grown(now->nr_periods, before->nr_periods);
	s->nr_throttled = grown(now->nr_throttled, before->nr_throttled);
	s->throttled_ns = grown(now->throttled_ns, before->throttled_ns);
	s->cfs_quota_us =
		now->quota_ns == PF_ABI_NO_LIMIT ? PF_NO_LIMIT : now->quota_ns / PF_NS_PER_US;
	s->cfs_period_us = now->period_ns / PF_NS_PER_US;
	s->cfs_burst_us = now->burst_ns / PF_NS_PER_US;
	/* The kernel keeps shares << 10; weight 100 is 1024 shares. */
	s->cpu_weight = ((now->shares >> 10) * 100 + 512) / 1024;
}

void pf_bpf_memory_kinds(const __u64 *stats, struct pf_memory_kinds *ret_kinds)
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
static void fill_swap(const struct pf_capture *c, const struct pf_snap_rec *now,
		      struct pf_sample *s)
{
	if (c->layout.mode == PF_CGROUP_V2) {
		s->kinds.swap = now->swap_usage_bytes;
		s->swap_limit_bytes = now->swap_max_bytes;
		return;
	}
	s->kinds.swap = grown(now->swap_usage_bytes, now->memory_usage_bytes);
	s->swap_limit_bytes =
		now->swap_max_bytes == PF_ABI_NO_LIMIT || now->memory_max_bytes == PF_ABI_NO_LIMIT
			? PF_NO_LIMIT
			: grown(now->swap_max_bytes, now->memory_max_bytes);
}

static void fill_memory(const struct pf_capture *c, const struct pf_snap_rec *now,
			const struct pf_snap_rec *before, struct pf_sample *s)
{
	struct pf_memory_kinds *k = &s->kinds;

	if (!(now->bound & PF_BOUND_MEMORY))
		return;
	s->memory_usage_bytes = now->memory_usage_bytes;
	s->memory_peak_bytes = now->memory_peak_bytes;
	s->memory_limit_bytes = now->memory_max_bytes;
	s->memory_high_bytes = now->memory_high_bytes;
	s->events_high = grown(now->events_high, before->events_high);
	s->events_max = grown(now->events_max, before->events_max);
	s->events_oom = grown(now->events_oom, before->events_oom);
	s->events_oom_kill = grown(now->events_oom_kill, before->events_oom_kill);
	pf_bpf_memory_kinds(now->stats, k);
	fill_swap(c, now, s);
	if (k->inactive_file != PF_UNKNOWN)
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
		*out[i] = grown(now->psi_ns[i], before->psi_ns[i]);
}

static void fill_windows(struct pf_capture *c, const struct pf_totals *before, struct pf_sample *s)
{
	const struct pf_totals *now = c->now;
	struct pf_totals *g = c->growth;

	if (!c->signals[PF_SIGNAL_CPU_WINDOWS].on || !(now->snap.bound & PF_BOUND_CPU))
		return;
	s->nr_windows = now->nr_windows - before->nr_windows;
	s->nr_idle_windows = now->nr_idle - before->nr_idle;
	s->nr_demand_idle_windows = now->nr_demand_idle - before->nr_demand_idle;
	s->usage_peak_millicores = now->snap.usage_peak_millicores;
	s->demand_peak_millicores = now->snap.demand_peak_millicores;
	subtract(now->usage, before->usage, PF_MILLICORES_BUCKETS, g->usage);
	subtract(now->demand, before->demand, PF_MILLICORES_BUCKETS, g->demand);
	s->hists[PF_HIST_USAGE] = g->usage;
	s->hists[PF_HIST_DEMAND] = g->demand;
}

static void fill_waits(struct pf_capture *c, const struct pf_totals *before, struct pf_sample *s)
{
	const struct pf_totals *now = c->now;
	struct pf_totals *g = c->growth;

	if (!c->signals[PF_SIGNAL_RUNQ_LATENCY].on || !(now->snap.bound & PF_BOUND_CPU))
		return;
	subtract(now->contention, before->contention, PF_LATENCY_BUCKETS, g->contention);
	s->hists[PF_HIST_CONTENTION_WAIT] = g->contention;
	s->nr_waits =
		pf_hist_total(g->contention, PF_LATENCY_BUCKETS); /* each wait is once in there */
	s->contention_wait_ns = now->contention_ns - before->contention_ns;
	if (c->signals[PF_SIGNAL_RUNQ_SPLIT].on) {
		subtract(now->quota, before->quota, PF_LATENCY_BUCKETS, g->quota);
		s->hists[PF_HIST_QUOTA_WAIT] = g->quota;
		s->quota_wait_ns = now->quota_ns - before->quota_ns;
	}
	if (c->signals[PF_SIGNAL_THROTTLE_STALL].on) {
		subtract(now->stall, before->stall, PF_LATENCY_BUCKETS, g->stall);
		s->hists[PF_HIST_THROTTLE_STALL] = g->stall;
	}
}

static void fill_stalls(struct pf_capture *c, const struct pf_totals *before, struct pf_sample *s)
{
	const struct pf_totals *now = c->now;
	struct pf_totals *g = c->growth;

	if (c->signals[PF_SIGNAL_RECLAIM].on) {
		subtract(now->reclaim, before->reclaim, PF_LATENCY_BUCKETS, g->reclaim);
		s->hists[PF_HIST_RECLAIM_STALL] = g->reclaim;
		s->nr_reclaims = pf_hist_total(g->reclaim, PF_LATENCY_BUCKETS);
		s->reclaim_ns = now->reclaim_ns - before->reclaim_ns;
	}
	if (c->signals[PF_SIGNAL_BLOCK_IO].on) {
		subtract(now->block_io, before->block_io, PF_LATENCY_BUCKETS, g->block_io);
		s->hists[PF_HIST_BLOCK_IO] = g->block_io;
		s->nr_block_ios = pf_hist_total(g->block_io, PF_LATENCY_BUCKETS);
		s->block_io_ns = now->block_io_ns - before->block_io_ns;
	}
}

void pf_bpf_sample(struct pf_capture *c, struct pf_tracked *t, uint64_t end_ns, bool last)
{
	struct pf_bound_slot *slot = c->slots[t->slot];
	struct pf_sample s;

	pf_bpf_read_totals(c, t->slot, c->now);
	pf_sample_clear(&s);
	s.handle = t->cgroup.handle;
	s.start_ns = slot->start_ns;
	s.end_ns = end_ns;
	s.last = last;
	fill_cpu(&c->now->snap, &slot->before.snap, &s);
	fill_memory(c, &c->now->snap, &slot->before.snap, &s);
	fill_psi(&c->now->snap, &slot->before.snap, &s);
	if (c->now->snap.bound & PF_BOUND_PIDS)
		s.nr_processes = c->now->snap.nr_tasks;
	fill_windows(c, &slot->before, &s);
	fill_waits(c, &slot->before, &s);
	fill_stalls(c, &slot->before, &s);
	c->opts.sink.sampled(c->opts.sink.arg, &s);
	slot->before = *c->now;
	slot->start_ns = end_ns;
}
