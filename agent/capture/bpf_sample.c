// SPDX-License-Identifier: Apache-2.0
/* bpf_sample.c - sums a slot's records over CPUs, and makes samples of what grew. */
#include <stdlib.h>
#include <string.h>

#include "capture/bpf_private.h"

#include "hist.bpf.h"

/* Older windows that come with a sample, to fill queues before counting begins. */
#define PAST_WINDOWS 28

static void add_waits(const struct pf_wait_rec *rec, struct pf_totals *t)
{
	for (size_t i = 0; i < PF_LATENCY_BUCKETS; i++) {
		t->contention[i] += rec->contention[i];
		t->quota[i] += rec->quota[i];
		t->stall[i] += rec->stall[i];
	}
}

/*
 * Histograms are long and mostly stand still: they are only summed and compared where a total beside them has moved. (A
 * wait of exactly 0 ns moves none; it is told together with the next.)
 */
static void read_waits(struct pf_capture *c, uint32_t slot, struct pf_totals *t)
{
	const struct pf_wait_rec *rec = &c->waits[slot];

	t->contention_ns = t->quota_ns = 0;
	for (uint32_t cpu = 0; cpu < c->nr_cpus; cpu++) {
		t->contention_ns += rec[(size_t)cpu * c->nr_slots].contention_ns;
		t->quota_ns += rec[(size_t)cpu * c->nr_slots].quota_ns;
	}
}

static void read_wait_hists(struct pf_capture *c, uint32_t slot, struct pf_totals *t)
{
	memset(t->contention, 0, sizeof(t->contention));
	memset(t->quota, 0, sizeof(t->quota));
	memset(t->stall, 0, sizeof(t->stall));
	for (uint32_t cpu = 0; cpu < c->nr_cpus; cpu++)
		add_waits(&c->waits[(size_t)cpu * c->nr_slots + slot], t);
}

static void read_windows(const struct pf_window_rec *w, struct pf_totals *t)
{
	t->nr_windows = w->nr_windows;
	t->nr_idle = w->nr_idle;
	t->nr_demand_idle = w->nr_demand_idle;
}

static void read_window_hists(const struct pf_window_rec *w, struct pf_totals *t)
{
	memcpy(t->usage, w->usage, sizeof(t->usage));
	memcpy(t->demand, w->demand, sizeof(t->demand));
}

static void read_stalls(const struct pf_stall_rec *rec, struct pf_totals *t)
{
	t->reclaim_ns = rec->reclaim_ns;
	t->block_io_ns = rec->block_io_ns;
}

static void read_stall_hists(const struct pf_stall_rec *rec, struct pf_totals *t)
{
	memcpy(t->reclaim, rec->reclaim, sizeof(t->reclaim));
	memcpy(t->block_io, rec->block_io, sizeof(t->block_io));
}

void pf_bpf_read_totals(struct pf_capture *c, uint32_t slot, struct pf_totals *ret_totals)
{
	read_waits(c, slot, ret_totals);
	read_wait_hists(c, slot, ret_totals);
	read_windows(&c->windows[slot], ret_totals);
	read_window_hists(&c->windows[slot], ret_totals);
	read_stalls(&c->stalls[slot], ret_totals);
	read_stall_hists(&c->stalls[slot], ret_totals);
	ret_totals->snap = c->snaps[slot];
}

/* Growth of 32-bit counters that may have wrapped once; @now becomes @before. */
static const uint32_t *grow(const uint32_t *now, uint32_t *before, size_t n, uint32_t *growth)
{
	for (size_t i = 0; i < n; i++) {
		growth[i] = now[i] - before[i];
		before[i] = now[i];
	}
	return growth;
}

/* The windows of the interval and as many older ones as are kept. Those without a word were idle. */
static void fill_recent(struct pf_capture *c, const struct pf_window_rec *w, uint64_t nr_now,
			struct pf_sample *s)
{
	uint64_t nr_new = PF_MIN(s->nr_windows, (uint64_t)PF_RECENT);
	uint64_t nr_all = PF_MIN(nr_now, nr_new + PAST_WINDOWS);

	nr_all = PF_MIN(nr_all, (uint64_t)PF_RECENT);
	for (uint64_t i = 0; i < nr_all; i++) {
		uint64_t number = nr_now - nr_all + i, word = w->recent[number % PF_RECENT];

		c->recent[i] = (struct pf_window){ 0 };
		if (PF_RECENT_NUMBER(word) != (number & 0xffffff))
			continue;
		c->recent[i].used_us = pf_cpu_us((uint32_t)PF_RECENT_USED(word));
		c->recent[i].throttled_us = pf_cpu_us((uint32_t)PF_RECENT_THROTTLED(word));
		c->recent[i].nr_running = (uint32_t)PF_RECENT_RUNNING(word);
	}
	s->windows = c->recent;
	s->nr_all_windows = nr_all;
	s->nr_past_windows = nr_all - nr_new;
}

/* The growth of a histogram that stood still. */
static const uint32_t no_growth[PF_HIST_BUCKETS_MAX];

static void fill_windows(struct pf_capture *c, uint32_t slot, const struct pf_snap_rec *snap,
			 struct pf_totals *before, struct pf_sample *s)
{
	struct pf_totals *now = c->now, *g = c->growth;

	if (!c->signals[PF_SIGNAL_CPU_WINDOWS].on || !(snap->bound & PF_BOUND_CPU))
		return;
	read_windows(&c->windows[slot], now);
	s->nr_windows = now->nr_windows - before->nr_windows;
	s->nr_idle_windows = now->nr_idle - before->nr_idle;
	s->nr_demand_idle_windows = now->nr_demand_idle - before->nr_demand_idle;
	s->usage_peak_millicores = snap->usage_peak_millicores;
	s->demand_peak_millicores = snap->demand_peak_millicores;
	s->hists[PF_HIST_USAGE] = s->hists[PF_HIST_DEMAND] = no_growth;
	if (s->nr_windows != s->nr_demand_idle_windows) { /* use implies demand */
		read_window_hists(&c->windows[slot], now);
		s->hists[PF_HIST_USAGE] =
			grow(now->usage, before->usage, PF_MILLICORES_BUCKETS, g->usage);
		s->hists[PF_HIST_DEMAND] =
			grow(now->demand, before->demand, PF_MILLICORES_BUCKETS, g->demand);
	}
	fill_recent(c, &c->windows[slot], now->nr_windows, s);
	before->nr_windows = now->nr_windows;
	before->nr_idle = now->nr_idle;
	before->nr_demand_idle = now->nr_demand_idle;
}

/* A thinned hook has seen only a part of what happened. */
static uint64_t unthinned(const struct pf_capture *c, uint64_t growth)
{
	return c->thin_on == PF_THIN_TICKS ? growth : growth * PF_THIN_TICKS / c->thin_on;
}

static void unthin_hist(const struct pf_capture *c, uint32_t *growth)
{
	for (size_t i = 0; c->thin_on != PF_THIN_TICKS && i < PF_LATENCY_BUCKETS; i++)
		growth[i] = (uint32_t)unthinned(c, growth[i]);
}

static void fill_waits(struct pf_capture *c, uint32_t slot, const struct pf_snap_rec *snap,
		       struct pf_totals *before, struct pf_sample *s)
{
	struct pf_totals *now = c->now, *g = c->growth;
	const uint32_t *contention = no_growth, *quota = no_growth, *stall = no_growth;

	if (!c->signals[PF_SIGNAL_RUNQ_LATENCY].on || !(snap->bound & PF_BOUND_CPU))
		return;
	read_waits(c, slot, now);
	if (now->contention_ns != before->contention_ns || now->quota_ns != before->quota_ns) {
		read_wait_hists(c, slot, now);
		contention = grow(now->contention, before->contention, PF_LATENCY_BUCKETS,
				  g->contention);
		quota = grow(now->quota, before->quota, PF_LATENCY_BUCKETS, g->quota);
		stall = grow(now->stall, before->stall, PF_LATENCY_BUCKETS, g->stall);
		unthin_hist(c, g->contention);
		unthin_hist(c, g->quota);
		unthin_hist(c, g->stall);
	}
	s->hists[PF_HIST_CONTENTION_WAIT] = contention;
	s->nr_waits =
		pf_hist_total(contention, PF_LATENCY_BUCKETS); /* each wait is once in there */
	s->contention_wait_ns = unthinned(c, now->contention_ns - before->contention_ns);
	if (c->signals[PF_SIGNAL_RUNQ_SPLIT].on) {
		s->hists[PF_HIST_QUOTA_WAIT] = quota;
		s->quota_wait_ns = unthinned(c, now->quota_ns - before->quota_ns);
	}
	if (c->signals[PF_SIGNAL_THROTTLE_STALL].on)
		s->hists[PF_HIST_THROTTLE_STALL] = stall;
	before->contention_ns = now->contention_ns;
	before->quota_ns = now->quota_ns;
}

static void fill_stalls(struct pf_capture *c, uint32_t slot, struct pf_totals *before,
			struct pf_sample *s)
{
	struct pf_totals *now = c->now, *g = c->growth;
	const uint32_t *reclaim = no_growth, *block_io = no_growth;

	read_stalls(&c->stalls[slot], now);
	if (now->reclaim_ns != before->reclaim_ns || now->block_io_ns != before->block_io_ns) {
		read_stall_hists(&c->stalls[slot], now);
		reclaim = grow(now->reclaim, before->reclaim, PF_LATENCY_BUCKETS, g->reclaim);
		block_io = grow(now->block_io, before->block_io, PF_LATENCY_BUCKETS, g->block_io);
	}
	if (c->signals[PF_SIGNAL_RECLAIM].on) {
		s->hists[PF_HIST_RECLAIM_STALL] = reclaim;
		s->nr_reclaims = pf_hist_total(reclaim, PF_LATENCY_BUCKETS);
		s->reclaim_ns = now->reclaim_ns - before->reclaim_ns;
	}
	if (c->signals[PF_SIGNAL_BLOCK_IO].on) {
		s->hists[PF_HIST_BLOCK_IO] = block_io;
		s->nr_block_ios = pf_hist_total(block_io, PF_LATENCY_BUCKETS);
		s->block_io_ns = now->block_io_ns - before->block_io_ns;
	}
	before->reclaim_ns = now->reclaim_ns;
	before->block_io_ns = now->block_io_ns;
}

void pf_bpf_sample(struct pf_capture *c, struct pf_tracked *t, uint64_t end_ns, bool last)
{
	struct pf_bound_slot *slot = c->slots[t->slot];
	struct pf_snap_rec snap = c->snaps[t->slot]; /* the removal hook may write it meanwhile */
	struct pf_sample s;

	pf_sample_clear(&s);
	s.handle = t->cgroup.handle;
	s.start_ns = slot->start_ns;
	s.end_ns = end_ns;
	s.last = last;
	s.nr_cpus = c->nr_cpus;
	pf_snap_difference(&snap, &slot->before.snap, c->layout.mode != PF_CGROUP_V2, &s);
	if (!(snap.bound & PF_BOUND_CPU)) {
		snap.usage_ns = pf_bpf_file_usage_ns(c, t);
		s.usage_ns = pf_snap_grown(snap.usage_ns, slot->before.snap.usage_ns);
	}
	fill_windows(c, t->slot, &snap, &slot->before, &s);
	fill_waits(c, t->slot, &snap, &slot->before, &s);
	fill_stalls(c, t->slot, &slot->before, &s);
	c->opts.sink.sampled(c->opts.sink.arg, &s);
	slot->before.snap = snap;
	slot->start_ns = end_ns;
}
