// SPDX-License-Identifier: Apache-2.0
/* bpf_sample.c - sums a slot's records over CPUs, and makes samples of what grew. */
#include <bpf/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "capture/bpf_private.h"

#include "hist.bpf.h"

/* Older windows that come with a sample, to fill queues before counting begins. */
#define PAST_WINDOWS 28

static const struct pf_wait_rec *wait_rec(const struct pf_capture *c, uint32_t slot, uint32_t cpu)
{
	return &c->waits[(size_t)cpu * c->nr_slots + slot];
}

static void add(uint32_t *sum, const uint32_t *more)
{
	for (size_t i = 0; i < PF_LATENCY_BUCKETS; i++)
		sum[i] += more[i];
}

/* Growth of counters that may have wrapped once; @now becomes @before. */
static const uint32_t *grow(const uint32_t *now, uint32_t *before, size_t n, uint32_t *growth)
{
	for (size_t i = 0; i < n; i++) {
		growth[i] = now[i] - before[i];
		before[i] = now[i];
	}
	return growth;
}

static const uint32_t *grow_16(const uint16_t *now, uint16_t *before, size_t n, uint32_t *growth)
{
	for (size_t i = 0; i < n; i++) {
		growth[i] = (uint16_t)(now[i] - before[i]);
		before[i] = now[i];
	}
	return growth;
}

/* Where the differences of rare histograms are kept; NULL: no memory, so they are told later. */
static struct pf_rare_totals *rare_before(struct pf_bound_slot *s)
{
	if (!s->rare_before)
		s->rare_before = calloc(1, sizeof(*s->rare_before));
	return s->rare_before;
}

static void read_contention(const struct pf_capture *c, uint32_t slot, uint32_t *ret_contention)
{
	memset(ret_contention, 0, PF_LATENCY_BUCKETS * sizeof(*ret_contention));
	for (uint32_t cpu = 0; cpu < c->nr_cpus; cpu++)
		add(ret_contention, wait_rec(c, slot, cpu)->contention);
}

static void read_throttles(const struct pf_capture *c, uint32_t slot, struct pf_rare_totals *rare)
{
	struct pf_throttle_rec rec;

	memset(rare->quota, 0, sizeof(rare->quota));
	memset(rare->stall, 0, sizeof(rare->stall));
	for (uint32_t cpu = 0; cpu < c->nr_cpus; cpu++) {
		const struct pf_wait_rec *waits = wait_rec(c, slot, cpu);
		struct pf_throttle_key key = { .slot = slot, .cpu = cpu };

		if ((!waits->last_throttle_end_ns && !waits->quota_ns) ||
		    bpf_map_lookup_elem(bpf_map__fd(c->bpf->maps.pf_throttles), &key, &rec) < 0)
			continue;
		add(rare->quota, rec.quota);
		add(rare->stall, rec.stall);
	}
}

static void read_stalls(const struct pf_capture *c, uint32_t slot, struct pf_rare_totals *rare)
{
	struct pf_stall_rec rec = { 0 };

	/* None where there was no memory for it. */
	(void)bpf_map_lookup_elem(bpf_map__fd(c->bpf->maps.pf_stalls), &slot, &rec);
	memcpy(rare->reclaim, rec.reclaim, sizeof(rare->reclaim));
	memcpy(rare->block_io, rec.block_io, sizeof(rare->block_io));
}

struct wait_sums {
	uint64_t contention_ns, quota_ns;
	uint64_t throttle_end_ns; /* sum over CPUs: moves with every throttling */
};

static struct wait_sums read_wait_sums(const struct pf_capture *c, uint32_t slot)
{
	struct wait_sums sums = { 0 };

	for (uint32_t cpu = 0; cpu < c->nr_cpus; cpu++) {
		const struct pf_wait_rec *rec = wait_rec(c, slot, cpu);

		sums.contention_ns += rec->contention_ns;
		sums.quota_ns += rec->quota_ns;
		sums.throttle_end_ns += rec->last_throttle_end_ns;
	}
	return sums;
}

/* A slot that was just bound: what its records hold already is mostly nothing. */
void pf_bpf_take_baseline(struct pf_capture *c, uint32_t slot)
{
	struct pf_totals *before = &c->slots[slot]->before;
	const struct pf_window_rec *w = &c->windows[slot];
	struct wait_sums sums = read_wait_sums(c, slot);

	before->contention_ns = sums.contention_ns;
	before->quota_ns = sums.quota_ns;
	before->nr_windows = w->nr_windows;
	before->nr_idle = w->nr_idle;
	before->nr_demand_idle = w->nr_demand_idle;
	before->reclaim_ns = w->reclaim_ns;
	before->block_io_ns = w->block_io_ns;
	memcpy(before->usage, w->usage, sizeof(before->usage));
	memcpy(before->demand, w->demand, sizeof(before->demand));
	read_contention(c, slot, before->contention);
	before->snap = c->snaps[slot];
}

static struct pf_window recent_window(const struct pf_window_rec *w, uint64_t number)
{
	uint64_t word = w->recent[number % PF_RECENT];

	if (PF_RECENT_NUMBER(word) != (number & 0xffffff))
		return (struct pf_window){ 0 };
	return (struct pf_window){
		.used_us = pf_cpu_us((uint32_t)PF_RECENT_USED(word)),
		.throttled_us = pf_cpu_us((uint32_t)PF_RECENT_THROTTLED(word)),
		.nr_running = (uint32_t)PF_RECENT_RUNNING(word),
	};
}

/*
 * The windows of the interval and as many older ones as are kept. Those without a word were idle; in an interval without
 * any use all were, and are not looked at.
 */
static void fill_recent(struct pf_capture *c, const struct pf_window_rec *w, uint64_t nr_now,
			struct pf_sample *s)
{
	uint64_t nr_new = PF_MIN(s->nr_windows, (uint64_t)PF_RECENT);
	uint64_t nr_all = PF_MIN(nr_now, nr_new + PAST_WINDOWS), nr_looked_at;

	nr_all = PF_MIN(nr_all, (uint64_t)PF_RECENT);
	nr_looked_at = s->nr_windows == s->nr_demand_idle_windows ? nr_all - nr_new : nr_all;
	for (uint64_t i = 0; i < nr_looked_at; i++)
		c->recent[i] = recent_window(w, nr_now - nr_all + i);
	memset(&c->recent[nr_looked_at], 0, (nr_all - nr_looked_at) * sizeof(c->recent[0]));
	s->windows = c->recent;
	s->nr_all_windows = nr_all;
	s->nr_past_windows = nr_all - nr_new;
}

/* The growth of a histogram that stood still. */
static const uint32_t no_growth[PF_HIST_BUCKETS_MAX];

/*
 * Histograms are long and mostly stand still: they are only summed and compared where a total beside them has moved. (A
 * wait of exactly 0 ns moves none; it is told together with the next.)
 */
static void fill_windows(struct pf_capture *c, uint32_t slot, const struct pf_snap_rec *snap,
			 struct pf_totals *before, struct pf_sample *s)
{
	const struct pf_window_rec *w = &c->windows[slot];
	uint64_t nr_windows = w->nr_windows, nr_idle = w->nr_idle,
		 nr_demand_idle = w->nr_demand_idle;

	if (!c->signals[PF_SIGNAL_CPU_WINDOWS].on || !(snap->bound & PF_BOUND_CPU))
		return;
	s->nr_windows = nr_windows - before->nr_windows;
	s->nr_idle_windows = nr_idle - before->nr_idle;
	s->nr_demand_idle_windows = nr_demand_idle - before->nr_demand_idle;
	s->usage_peak_millicores = snap->usage_peak_millicores;
	s->demand_peak_millicores = snap->demand_peak_millicores;
	s->hists[PF_HIST_USAGE] = s->hists[PF_HIST_DEMAND] = no_growth;
	if (s->nr_windows != s->nr_demand_idle_windows) { /* use implies demand */
		s->hists[PF_HIST_USAGE] =
			grow_16(w->usage, before->usage, PF_MILLICORES_BUCKETS, c->growth->usage);
		s->hists[PF_HIST_DEMAND] = grow_16(w->demand, before->demand, PF_MILLICORES_BUCKETS,
						   c->growth->demand);
	}
	fill_recent(c, w, nr_windows, s);
	before->nr_windows = nr_windows;
	before->nr_idle = nr_idle;
	before->nr_demand_idle = nr_demand_idle;
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

static uint64_t total(const uint32_t *growth)
{
	return growth == no_growth ? 0 : pf_hist_total(growth, PF_LATENCY_BUCKETS);
}

static void fill_contention(struct pf_capture *c, uint32_t slot, uint64_t contention_ns,
			    struct pf_totals *before, struct pf_sample *s)
{
	uint32_t now[PF_LATENCY_BUCKETS];
	const uint32_t *growth = no_growth;

	if (contention_ns != before->contention_ns) {
		read_contention(c, slot, now);
		growth = grow(now, before->contention, PF_LATENCY_BUCKETS, c->growth->contention);
		unthin_hist(c, c->growth->contention);
	}
	s->hists[PF_HIST_CONTENTION_WAIT] = growth;
	s->nr_waits = total(growth); /* each wait is once in there */
	s->contention_wait_ns = unthinned(c, contention_ns - before->contention_ns);
	before->contention_ns = contention_ns;
}

static void fill_throttles(struct pf_capture *c, uint32_t slot, const struct wait_sums *sums,
			   struct pf_bound_slot *b, struct pf_sample *s)
{
	const uint32_t *quota = no_growth, *stall = no_growth;
	struct pf_hist_growth *g = c->growth;
	bool moved = sums->quota_ns != b->before.quota_ns ||
		     sums->throttle_end_ns != b->before.throttle_end_ns;

	if (moved && rare_before(b)) {
		read_throttles(c, slot, c->rare_now);
		quota = grow(c->rare_now->quota, b->rare_before->quota, PF_LATENCY_BUCKETS,
			     g->rare.quota);
		stall = grow(c->rare_now->stall, b->rare_before->stall, PF_LATENCY_BUCKETS,
			     g->rare.stall);
		unthin_hist(c, g->rare.quota);
		unthin_hist(c, g->rare.stall);
		b->before.throttle_end_ns = sums->throttle_end_ns;
	}
	if (c->signals[PF_SIGNAL_RUNQ_SPLIT].on) {
		s->hists[PF_HIST_QUOTA_WAIT] = quota;
		s->quota_wait_ns = unthinned(c, sums->quota_ns - b->before.quota_ns);
	}
	if (c->signals[PF_SIGNAL_THROTTLE_STALL].on)
		s->hists[PF_HIST_THROTTLE_STALL] = stall;
	b->before.quota_ns = sums->quota_ns;
}

static void fill_waits(struct pf_capture *c, uint32_t slot, const struct pf_snap_rec *snap,
		       struct pf_bound_slot *b, struct pf_sample *s)
{
	struct wait_sums sums;

	if (!c->signals[PF_SIGNAL_RUNQ_LATENCY].on || !(snap->bound & PF_BOUND_CPU))
		return;
	sums = read_wait_sums(c, slot);
	fill_contention(c, slot, sums.contention_ns, &b->before, s);
	fill_throttles(c, slot, &sums, b, s);
}

static void fill_stalls(struct pf_capture *c, uint32_t slot, struct pf_bound_slot *b,
			struct pf_sample *s)
{
	uint64_t reclaim_ns = c->windows[slot].reclaim_ns,
		 block_io_ns = c->windows[slot].block_io_ns;
	const uint32_t *reclaim = no_growth, *block_io = no_growth;

	if ((reclaim_ns != b->before.reclaim_ns || block_io_ns != b->before.block_io_ns) &&
	    rare_before(b)) {
		read_stalls(c, slot, c->rare_now);
		reclaim = grow(c->rare_now->reclaim, b->rare_before->reclaim, PF_LATENCY_BUCKETS,
			       c->growth->rare.reclaim);
		block_io = grow(c->rare_now->block_io, b->rare_before->block_io, PF_LATENCY_BUCKETS,
				c->growth->rare.block_io);
	}
	if (c->signals[PF_SIGNAL_RECLAIM].on) {
		s->hists[PF_HIST_RECLAIM_STALL] = reclaim;
		s->nr_reclaims = total(reclaim);
		s->reclaim_ns = reclaim_ns - b->before.reclaim_ns;
	}
	if (c->signals[PF_SIGNAL_BLOCK_IO].on) {
		s->hists[PF_HIST_BLOCK_IO] = block_io;
		s->nr_block_ios = total(block_io);
		s->block_io_ns = block_io_ns - b->before.block_io_ns;
	}
	b->before.reclaim_ns = reclaim_ns;
	b->before.block_io_ns = block_io_ns;
}

void pf_bpf_prefetch(const struct pf_capture *c, uint32_t slot)
{
	const char *before = (const char *)c->slots[slot], *snap = (const char *)&c->snaps[slot];

	for (uint32_t cpu = 0; cpu < c->nr_cpus; cpu++)
		__builtin_prefetch(wait_rec(c, slot, cpu));
	__builtin_prefetch(&c->windows[slot]);
	for (size_t i = 0; i < sizeof(struct pf_snap_rec); i += 64) {
		__builtin_prefetch(snap + i);
		__builtin_prefetch(before + offsetof(struct pf_bound_slot, before.snap) + i);
	}
}

void pf_bpf_sample(struct pf_capture *c, struct pf_tracked *t, uint64_t end_ns, bool last)
{
	struct pf_bound_slot *slot = c->slots[t->slot];
	struct pf_snap_rec snap = c->snaps[t->slot]; /* the removal hook may write it meanwhile */
	struct pf_sample s;

	pf_sample_clear(&s);
	s.handle = t->cgroup.handle;
	s.start_ns = slot->start_ns;
	/* What appeared while a snapshot was being taken is younger than it. */
	s.end_ns = PF_MAX(end_ns, slot->start_ns);
	s.last = last;
	s.nr_cpus = c->nr_online;
	pf_snap_difference(&snap, &slot->before.snap, c->layout.mode != PF_CGROUP_V2, &s);
	if (!(snap.bound & PF_BOUND_CPU)) {
		snap.usage_ns = pf_bpf_file_usage_ns(c, t);
		s.usage_ns = pf_snap_grown(snap.usage_ns, slot->before.snap.usage_ns);
	}
	fill_windows(c, t->slot, &snap, &slot->before, &s);
	fill_waits(c, t->slot, &snap, slot, &s);
	fill_stalls(c, t->slot, slot, &s);
	c->opts.sink.sampled(c->opts.sink.arg, &s);
	slot->before.snap = snap;
	slot->start_ns = s.end_ns;
}
