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
	pf_snap_difference(&c->now->snap, &slot->before.snap, c->layout.mode != PF_CGROUP_V2, &s);
	fill_windows(c, &slot->before, &s);
	fill_waits(c, &slot->before, &s);
	fill_stalls(c, &slot->before, &s);
	c->opts.sink.sampled(c->opts.sink.arg, &s);
	slot->before = *c->now;
	slot->start_ns = end_ns;
}
