// SPDX-License-Identifier: Apache-2.0
/* bpf.c - the BPF source: everything is aggregated in the kernel, a snapshot reads mapped memory.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/bpf_private.h"
#include "sys/clock.h"
#include "sys/log.h"

#define SCAN_INTERVAL_NS (60 * PF_NS_PER_S)
#define SLOTS_AT_ONCE	 64 /* nobody else gets the CPU meanwhile: some 80 us */
#define STAT_CGROUPS_AT_START                                                                      \
	8 /* memory.stat files read to find out where the kernel counts what */

static void capture_close(struct pf_capture *c)
{
	if (!c)
		return;
	for (uint32_t slot = 1; c->slots && slot < c->nr_slots; slot++) {
		if (c->slots[slot])
			free(c->slots[slot]->rare_before);
		free(c->slots[slot]);
	}
	free(c->slots);
	free(c->rare_now);
	free(c->growth);
	pf_bpf_events_close(c);
	pf_bpf_stat_free(c->stat_finder);
	pf_bpf_cost_free(c->cost);
	pf_bpf_growth_free(c->growth_sampler);
	pf_discover_free(c->discover);
	pf_bpf_unload(c);
	pf_layout_close(&c->layout);
	free(c);
}
PF_DEFINE_AUTO(struct pf_capture *, capture_close);

/* What the removal hook left in the slot is the last sample. */
void pf_bpf_finish(struct pf_capture *c, struct pf_tracked *t)
{
	uint64_t handle = t->cgroup.handle;

	pf_bpf_sample(c, t, pf_clock_monotonic_ns(), true);
	pf_bpf_release(c, t);
	pf_discover_remove(c->discover, t);
	c->opts.sink.vanished(c->opts.sink.arg, handle);
}

static void on_vanished(void *capture, struct pf_tracked *t)
{
	pf_bpf_finish(capture, t);
}

/* What the kernel has but this cgroup layout does not. */
static void layout_signals(struct pf_capture *c)
{
	const int *dir_fd = c->layout.dir_fd;

	if (dir_fd[PF_CTL_UNIFIED] < 0)
		pf_signal_off(&c->signals[PF_SIGNAL_PSI],
			      "cgroup v1 has no PSI per cgroup; it needs a cgroup2 mount");
	if (dir_fd[PF_CTL_BLKIO] < 0)
		pf_signal_off(&c->signals[PF_SIGNAL_BLOCK_IO],
			      "the blkio hierarchy is not mounted");
	if (dir_fd[PF_CTL_CPU] < 0)
		for (int i = 0; i < PF_NR_SIGNALS; i++)
			if (i <= PF_SIGNAL_THROTTLE_STALL)
				pf_signal_off(&c->signals[i], "the cpu hierarchy is not mounted");
	if (dir_fd[PF_CTL_MEMORY] < 0)
		for (int i = PF_SIGNAL_MEMORY; i <= PF_SIGNAL_MEMORY_PEAK; i++)
			pf_signal_off(&c->signals[i], "the memory hierarchy is not mounted");
}

static int count_cpus(struct pf_capture *c, char *error, size_t error_size)
{
	int nr_cpus = libbpf_num_possible_cpus();

	if (nr_cpus < 0) {
		snprintf(error, error_size, "the possible CPUs cannot be counted: %s",
			 strerror(-nr_cpus));
		return nr_cpus;
	}
	if (nr_cpus > PF_MAX_CPUS) {
		snprintf(error, error_size,
			 "the BPF programs look at %d CPUs at most, this kernel has room for %d; "
			 "--capture.source=cgroupfs works here",
			 PF_MAX_CPUS, nr_cpus);
		return -EOPNOTSUPP;
	}
	c->nr_cpus = (uint32_t)nr_cpus;
	return 0;
}

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
	c->thin_on = PF_THIN_TICKS;
	c->nr_slots = opts->max_containers + 1; /* slot 0: not ours */
	r = count_cpus(c, error, error_size);
	if (r < 0)
		return r;
	c->nr_online = (uint32_t)PF_MAX(sysconf(_SC_NPROCESSORS_ONLN), 1);
	c->slots = calloc(c->nr_slots, sizeof(struct pf_bound_slot *));
	c->rare_now = calloc(1, sizeof(*c->rare_now));
	c->growth = calloc(1, sizeof(*c->growth));
	if (!c->slots || !c->rare_now || !c->growth)
		return -ENOMEM;
	pf_feature_probe(&c->features);
	r = pf_feature_check_bpf(&c->features, error, error_size);
	if (r < 0)
		return r;
	r = pf_layout_open(opts->cgroup_root, opts->proc_root, &c->layout, error, error_size);
	if (r < 0)
		return r;

	struct pf_discover_opts discover = {
		.root_fd = c->layout.dir_fd[c->layout.primary],
		.max_tracked = opts->max_containers,
		.classify = opts->classify,
		.classify_arg = opts->classify_arg,
		.arg = c,
		.appeared = pf_bpf_appeared,
		.vanished = on_vanished,
	};
	r = pf_discover_new(&discover, &c->discover);
	if (r < 0)
		return r;
	r = pf_bpf_load(c, error, error_size);
	if (r < 0)
		return r;
	r = pf_bpf_events_open(c);
	if (r < 0) {
		snprintf(error, error_size, "the BPF event ring cannot be opened: %s",
			 strerror(-r));
		return r;
	}
	r = pf_bpf_stat_new(&c->stat_finder);
	if (r < 0) {
		snprintf(error, error_size, "kernel type information cannot be read: %s",
			 strerror(-r));
		return r;
	}
	r = pf_bpf_cost_new(c, &c->cost);
	if (r < 0)
		return r;
	layout_signals(c);
	/* Events are on since the load: what is made during the scan is not missed. */
	c->scanned_ns = pf_clock_monotonic_ns();
	r = pf_discover_scan(c->discover, c->scanned_ns);
	if (r < 0) {
		snprintf(error, error_size, "%s: cannot be listed: %s", opts->cgroup_root,
			 strerror(-r));
		return r;
	}
	pf_bpf_stat_learn(c, STAT_CGROUPS_AT_START);
	*ret_capture = pf_take(c);
	return 0;
}

static int capture_fd(struct pf_capture *c)
{
	return pf_bpf_events_fd(c);
}

static int capture_dispatch(struct pf_capture *c)
{
	return pf_bpf_events_dispatch(c);
}

/* Fast-forward: the kernel's folded counters are up to 2 s old, which is minutes there. */
static void refresh_watched(struct pf_capture *c)
{
	for (uint32_t slot = 1; slot <= pf_discover_highest_slot(c->discover); slot++) {
		struct pf_tracked *t = pf_discover_by_slot(c->discover, slot);

		if (t && pf_bpf_growth_is_watched(c, slot))
			pf_bpf_stat_fold(c, t);
	}
}

/*
 * The kernel tells which cgroups come and go, so the tree is walked only now and then, or where an event was lost, cannot
 * come, or is not enough because cgroups wait for room.
 */
static bool must_scan(struct pf_capture *c, uint64_t now_ns)
{
	uint64_t nr_lost =
		c->bpf->bss->pf_drops[PF_DROP_EVENT] + c->bpf->bss->pf_drops[PF_DROP_PATH];

	if (c->bpf->links.pf_cgroup_mkdir && c->bpf->links.pf_cgroup_rmdir &&
	    nr_lost == c->nr_lost_at_scan && now_ns - c->scanned_ns < SCAN_INTERVAL_NS &&
	    !pf_discover_is_full(c->discover))
		return false;
	c->nr_lost_at_scan = nr_lost;
	c->scanned_ns = now_ns;
	return true;
}

static int snapshot_slots(struct pf_capture *c, uint32_t end)
{
	int r = 0;

	for (uint32_t first = 1; r >= 0 && first < end; first += SLOTS_AT_ONCE) {
		struct pf_snapshot_arg arg = { first, PF_MIN(first + SLOTS_AT_ONCE, end) };

		r = pf_bpf_run(c->bpf->progs.pf_snapshot, &arg, sizeof(arg));
	}
	return r;
}

static int capture_snapshot(struct pf_capture *c, uint64_t now_ns)
{
	static struct pf_log_limit limit = PF_LOG_LIMIT(1, PF_NS_PER_HOUR);
	uint32_t end;
	int r = pf_bpf_events_dispatch(c); /* what has gone is not looked for */

	if (r >= 0 && must_scan(c, now_ns))
		r = pf_discover_scan(c->discover, now_ns);
	if (r < 0)
		pf_log_limited(
			&limit, PF_LOG_WARNING, "capture",
			"cgroup tree cannot be listed: %s; known containers are still sampled",
			strerror(-r));
	c->thin_on = c->bpf->data->pf_control.thin_on;
	pf_bpf_cost_budget(c, now_ns); /* from the next interval on */
	pf_bpf_events_flush(c, now_ns);
	pf_bpf_stat_learn(c, 1);
	if (c->opts.fresh_memory)
		refresh_watched(c);
	end = pf_discover_highest_slot(c->discover) + 1;
	r = snapshot_slots(c, end);
	if (r < 0)
		return r;
	for (uint32_t slot = 1; slot < end; slot++) {
		struct pf_tracked *t = pf_discover_by_slot(c->discover, slot);

		if (slot + 2 < end)
			pf_bpf_prefetch(c, slot + 2);
		if (!t)
			continue;
		if (c->slots[slot]->removed) {
			pf_bpf_finish(c, t);
			continue;
		}
		pf_bpf_rebind(c, t);
		pf_bpf_sample(c, t, now_ns, false);
	}
	return 0;
}

static const struct pf_signal_state *capture_signals(struct pf_capture *c)
{
	return c->signals;
}

static const char *const drop_names[PF_NR_DROPS] = {
	[PF_DROP_RECORD] = "record_lost",	    [PF_DROP_NO_QUEUE_TIME] = "no_queue_time",
	[PF_DROP_ABSURD_WAIT] = "absurd_wait",	    [PF_DROP_QUOTA_HISTORY] = "quota_history_short",
	[PF_DROP_DEEP_NESTING] = "nested_too_deep", [PF_DROP_LATE_WINDOW] = "window_late",
	[PF_DROP_STALE_SLOT] = "slot_stale",	    [PF_DROP_READ] = "kernel_read_failed",
	[PF_DROP_EVENT] = "event_ring_full",	    [PF_DROP_TIMER] = "timer_failed",
	[PF_DROP_RECLAIM] = "reclaim_start_lost",   [PF_DROP_STACK] = "growth_stack_lost",
	[PF_DROP_GROWTH] = "growth_table_full",	    [PF_DROP_PATH] = "cgroup_path_too_long",
};

static size_t capture_losses(struct pf_capture *c, struct pf_loss *ret_losses, size_t max)
{
	const struct pf_discover_losses *d = pf_discover_losses(c->discover);
	const struct pf_loss ours[] = {
		{ "slots_full", d->nr_table_full },
		{ "bind_failed", d->nr_failed },
		{ "tree_too_deep", d->nr_too_deep },
		{ "short_lived_lost", c->nr_briefs_lost },
	};
	size_t n = 0;

	for (size_t i = 0; i < PF_ARRAY_SIZE(ours) && n < max; i++)
		ret_losses[n++] = ours[i];
	for (size_t i = 0; i < PF_NR_DROPS && n < max; i++)
		if (drop_names[i])
			ret_losses[n++] =
				(struct pf_loss){ drop_names[i], c->bpf->bss->pf_drops[i] };
	return n;
}

static void capture_cost(struct pf_capture *c, struct pf_self_cost *cost)
{
	pf_bpf_cost_read(c, cost);
}

static struct pf_tracked *by_handle(struct pf_capture *c, uint64_t handle)
{
	for (uint32_t slot = 1; slot <= pf_discover_highest_slot(c->discover); slot++) {
		struct pf_tracked *t = pf_discover_by_slot(c->discover, slot);

		if (t && t->cgroup.handle == handle)
			return t;
	}
	return NULL;
}

static int capture_growth_watch(struct pf_capture *c, uint64_t handle, bool on)
{
	struct pf_tracked *t = by_handle(c, handle);

	return t ? pf_bpf_growth_watch(c, t->slot, on) : -ESTALE;
}

static int capture_growth_read(struct pf_capture *c, uint64_t handle,
			       struct pf_growth_stack *ret_stacks, size_t max)
{
	struct pf_tracked *t = by_handle(c, handle);

	return t ? pf_bpf_growth_read(c, t->slot, ret_stacks, max) : -ESTALE;
}

static const char *capture_layout(struct pf_capture *c)
{
	return pf_cgroup_mode_name(c->layout.mode);
}

const struct pf_capture_ops pf_capture_bpf = {
	.name = "bpf",
	.open = capture_open,
	.fd = capture_fd,
	.dispatch = capture_dispatch,
	.snapshot = capture_snapshot,
	.signals = capture_signals,
	.losses = capture_losses,
	.cost = capture_cost,
	.layout = capture_layout,
	.growth_watch = capture_growth_watch,
	.growth_read = capture_growth_read,
	.close = capture_close,
};
