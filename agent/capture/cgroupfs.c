// SPDX-License-Identifier: Apache-2.0
/*
 * cgroupfs.c - the source that needs no right but to read cgroup files: totals, limits, events, PSI. No windows, no waits,
 * no stalls; peaks only where the kernel keeps a watermark.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "capture/cgroup_read.h"
#include "capture/discover.h"
#include "capture/feature.h"
#include "capture/source.h"
#include "sys/clock.h"
#include "sys/log.h"

#define FDS_LEFT_FREE 256 /* for sockets, files and libraries of the rest of the agent */

struct followed {
	struct pf_cgroup_reader *reader;
	struct pf_snap_rec before;
	uint64_t start_ns;
};

struct pf_capture {
	struct pf_capture_opts opts;
	struct pf_layout layout;
	struct pf_discover *discover;
	struct pf_read_budget budget;
	struct followed *slots; /* [max_containers + 1] */
	struct pf_signal_state signals[PF_NR_SIGNALS];
};

static void forget(struct pf_capture *c, struct pf_tracked *t)
{
	pf_cgroup_reader_free(c->slots[t->slot].reader);
	c->slots[t->slot].reader = NULL;
	pf_discover_remove(c->discover, t);
}

static int on_appeared(void *capture, struct pf_tracked *t)
{
	struct pf_capture *c = capture;
	struct followed *f = &c->slots[t->slot];
	int r = pf_cgroup_reader_new(&c->layout, t->cgroup.path, &c->budget, &f->reader);

	if (r < 0)
		return r;
	memset(&f->before, 0, sizeof(f->before));
	f->start_ns = t->since_ns;
	/* What a cgroup did before we came is not ours to report; one that is new is reported from its birth. */
	if (t->from_start)
		r = pf_cgroup_read(f->reader, &f->before);
	if (r < 0) {
		pf_cgroup_reader_free(f->reader);
		f->reader = NULL;
		return r;
	}
	c->opts.sink.appeared(c->opts.sink.arg, &t->cgroup);
	return 0;
}

/* Without a removal hook nothing can be read of what is gone: the last sample tells only that. */
static void on_vanished(void *capture, struct pf_tracked *t)
{
	struct pf_capture *c = capture;
	uint64_t handle = t->cgroup.handle;
	struct pf_sample s;

	pf_sample_clear(&s);
	s.handle = handle;
	s.start_ns = c->slots[t->slot].start_ns;
	s.end_ns = pf_clock_monotonic_ns();
	s.last = true;
	c->opts.sink.sampled(c->opts.sink.arg, &s);
	forget(c, t);
	c->opts.sink.vanished(c->opts.sink.arg, handle);
}

static void decide_signals(struct pf_capture *c)
{
	bool psi = c->layout.dir_fd[PF_CTL_UNIFIED] >= 0;

	for (int i = 0; i < PF_NR_SIGNALS; i++)
		pf_signal_off(&c->signals[i], "needs BPF: cgroup files do not have it");
	pf_signal_on(&c->signals[PF_SIGNAL_MEMORY]);
	pf_signal_on(&c->signals[PF_SIGNAL_THROTTLING]);
	pf_signal_off(
		&c->signals[PF_SIGNAL_MEMORY_PEAK],
		"needs BPF: cgroup files have a peak only when it is a new one (memory.peak, 5.19; v1)");
	if (psi)
		pf_signal_on(&c->signals[PF_SIGNAL_PSI]);
	else
		pf_signal_off(&c->signals[PF_SIGNAL_PSI], "cgroup v1 has no pressure files");
}

/* As many descriptors as the hard limit allows, less some for others. */
static uint32_t descriptor_budget(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	if (limit.rlim_cur < limit.rlim_max) {
		rlim_t before = limit.rlim_cur;

		limit.rlim_cur = PF_MIN(limit.rlim_max, 1048576);
		if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
			limit.rlim_cur = before;
	}
	return limit.rlim_cur > FDS_LEFT_FREE
		       ? (uint32_t)PF_MIN(limit.rlim_cur - FDS_LEFT_FREE, UINT32_MAX)
		       : 0;
}

static void capture_close(struct pf_capture *c)
{
	if (!c)
		return;
	for (uint32_t slot = 1; c->slots && slot <= c->opts.max_containers; slot++)
		pf_cgroup_reader_free(c->slots[slot].reader);
	free(c->slots);
	pf_discover_free(c->discover);
	pf_layout_close(&c->layout);
	free(c);
}
PF_DEFINE_AUTO(struct pf_capture *, capture_close);

static int capture_open(const struct pf_capture_opts *opts, struct pf_capture **ret_capture,
			char *error, size_t error_size)
{
	PF_AUTO(capture_closep) struct pf_capture *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	for (int i = 0; i < PF_NR_CONTROLLERS; i++)
		c->layout.dir_fd[i] = -1;
	c->opts = *opts;
	c->slots = calloc(opts->max_containers + 1, sizeof(*c->slots));
	if (!c->slots)
		return -ENOMEM;
	r = pf_layout_open(opts->cgroup_root, opts->proc_root, &c->layout, error, error_size);
	if (r < 0)
		return r;

	struct pf_discover_opts discover = {
		.root_fd = c->layout.dir_fd[c->layout.primary],
		.max_tracked = opts->max_containers,
		.classify = opts->classify,
		.classify_arg = opts->classify_arg,
		.arg = c,
		.appeared = on_appeared,
		.vanished = on_vanished,
	};
	r = pf_discover_new(&discover, &c->discover);
	if (r < 0)
		return r;
	c->budget.max_open = descriptor_budget();
	decide_signals(c);
	r = pf_discover_scan(c->discover, pf_clock_monotonic_ns());
	if (r < 0) {
		snprintf(error, error_size, "%s: cannot be listed: %s", opts->cgroup_root,
			 strerror(-r));
		return r;
	}
	*ret_capture = pf_take(c);
	return 0;
}

static int capture_fd(struct pf_capture *c)
{
	(void)c; /* files tell nothing by themselves */
	return -1;
}

static int capture_dispatch(struct pf_capture *c)
{
	(void)c;
	return 0;
}

/* A new watermark was reached in this interval; else the higher of both ends is all that is known. */
static uint64_t interval_peak(const struct pf_snap_rec *now, const struct pf_snap_rec *before)
{
	if (now->memory_usage_bytes == PF_UNKNOWN)
		return PF_UNKNOWN;
	if (now->memory_watermark_bytes != PF_UNKNOWN &&
	    before->memory_watermark_bytes != PF_UNKNOWN &&
	    now->memory_watermark_bytes > before->memory_watermark_bytes)
		return now->memory_watermark_bytes;
	return before->memory_usage_bytes == PF_UNKNOWN
		       ? now->memory_usage_bytes
		       : PF_MAX(now->memory_usage_bytes, before->memory_usage_bytes);
}

static void sample(struct pf_capture *c, struct pf_tracked *t, uint64_t now_ns)
{
	struct followed *f = &c->slots[t->slot];
	struct pf_snap_rec now;
	struct pf_sample s;

	if (pf_cgroup_read(f->reader, &now) < 0) { /* vanished between listing and reading */
		on_vanished(c, t);
		return;
	}
	now.memory_peak_bytes = interval_peak(&now, &f->before);
	pf_sample_clear(&s);
	s.handle = t->cgroup.handle;
	s.start_ns = f->start_ns;
	s.end_ns = now_ns;
	pf_snap_difference(&now, &f->before, c->layout.mode != PF_CGROUP_V2, &s);
	c->opts.sink.sampled(c->opts.sink.arg, &s);
	f->before = now;
	f->start_ns = now_ns;
}

static int capture_snapshot(struct pf_capture *c, uint64_t now_ns)
{
	static struct pf_log_limit limit = PF_LOG_LIMIT(1, PF_NS_PER_HOUR);
	int r = pf_discover_scan(c->discover, now_ns);
	uint32_t end;

	if (r < 0)
		pf_log_limited(&limit, PF_LOG_WARNING, "capture",
			       "cgroup tree cannot be listed: %s; known containers are still read",
			       strerror(-r));
	end = pf_discover_highest_slot(c->discover);
	for (uint32_t slot = 1; slot <= end; slot++) {
		struct pf_tracked *t = pf_discover_by_slot(c->discover, slot);

		if (t)
			sample(c, t, now_ns);
	}
	return 0;
}

static const struct pf_signal_state *capture_signals(struct pf_capture *c)
{
	return c->signals;
}

static size_t capture_losses(struct pf_capture *c, struct pf_loss *ret_losses, size_t max)
{
	const struct pf_discover_losses *d = pf_discover_losses(c->discover);
	const struct pf_loss losses[] = {
		{ "slots_full", d->nr_table_full },
		{ "bind_failed", d->nr_failed },
		{ "tree_too_deep", d->nr_too_deep },
		{ "file_unreadable", c->budget.nr_unreadable },
		{ "file_malformed", c->budget.nr_malformed },
	};
	size_t n = PF_MIN(PF_ARRAY_SIZE(losses), max);

	memcpy(ret_losses, losses, n * sizeof(*losses));
	return n;
}

static void capture_cost(struct pf_capture *c, struct pf_self_cost *cost)
{
	(void)c;
	cost->bpf_run_ns = cost->bpf_run_count = cost->map_bytes = 0;
	cost->bpf_sampled = false;
}

static const char *capture_layout(struct pf_capture *c)
{
	return pf_cgroup_mode_name(c->layout.mode);
}

const struct pf_capture_ops pf_capture_cgroupfs = {
	.name = "cgroupfs",
	.open = capture_open,
	.fd = capture_fd,
	.dispatch = capture_dispatch,
	.snapshot = capture_snapshot,
	.signals = capture_signals,
	.losses = capture_losses,
	.cost = capture_cost,
	.layout = capture_layout,
	.close = capture_close,
};
