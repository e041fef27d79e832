// SPDX-License-Identifier: Apache-2.0
/*
 * src.c - the capture source under test and the sums of what it told.
 */
#include "kernel/src.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kt.h"

enum { LIVES_MAX = 4096, KILLS_MAX = 16, LOSSES_MAX = 64 };

struct kt_src {
	const struct pf_capture_ops *ops;
	struct pf_capture *capture;
	unsigned nr_lives, nr_kills, nr_read;
	struct kt_seen *lives[LIVES_MAX];
	struct pf_oom_kill kills[KILLS_MAX];
	bool keeps_slices;
	unsigned nr_strays; /* told of a handle that never appeared, or twice of one */
};

/* Containers are the directories directly below the run's own; nothing else is. */
static void classify(void *arg, const char *path, struct pf_cgroup_class *ret_class)
{
	const char *root = kt_cg_root(), *rest;
	size_t length = strlen(root);

	(void)arg;
	*ret_class = (struct pf_cgroup_class){ .kind = PF_CGROUP_SKIP };
	if (!strcmp(path, "/") || !*path || !strcmp(path, root)) {
		ret_class->kind = PF_CGROUP_DESCEND;
		return;
	}
	if (strncmp(path, root, length) || path[length] != '/')
		return;
	rest = path + length + 1;
	ret_class->kind = strchr(rest, '/') ? PF_CGROUP_SKIP : PF_CGROUP_CONTAINER;
	snprintf(ret_class->name, sizeof(ret_class->name), "%s", rest);
}

static struct kt_seen *by_handle(struct kt_src *src, uint64_t handle)
{
	for (unsigned i = src->nr_lives; i-- > 0;)
		if (src->lives[i]->cgroup.handle == handle)
			return src->lives[i];
	return NULL;
}

static void on_appeared(void *arg, const struct pf_cgroup *cgroup)
{
	struct kt_src *src = arg;
	struct kt_seen *seen;

	if (by_handle(src, cgroup->handle)) {
		src->nr_strays++;
		return;
	}
	seen = calloc(1, sizeof(*seen));
	if (!seen || src->nr_lives == LIVES_MAX)
		kt_fail("no room for another life of a cgroup");
	seen->cgroup = *cgroup;
	seen->cgroup.path = seen->path;
	snprintf(seen->path, sizeof(seen->path), "%s", cgroup->path);
	pf_sample_clear(&seen->sum);
	src->lives[src->nr_lives++] = seen;
}

/* A counter's growth onto its sum; unknown stays unknown. */
static void grow(uint64_t *sum, uint64_t by)
{
	if (by != PF_UNKNOWN)
		*sum = (*sum == PF_UNKNOWN ? 0 : *sum) + by;
}

static void grow_most(uint64_t *most, uint64_t value)
{
	if (value != PF_UNKNOWN && value > *most)
		*most = value;
}

static void add_counters(struct pf_sample *sum, const struct pf_sample *s)
{
	struct pf_sample old = *sum;

	*sum = *s; /* the gauges */
	memset(sum->hists, 0, sizeof(sum->hists));
#define GROW(field) (sum->field = old.field, grow(&sum->field, s->field))
	GROW(usage_ns);
	GROW(nr_periods);
	GROW(nr_throttled);
	GROW(throttled_ns);
	GROW(nr_windows);
	GROW(nr_idle_windows);
	GROW(nr_demand_idle_windows);
	GROW(nr_waits);
	GROW(quota_wait_ns);
	GROW(contention_wait_ns);
	GROW(events_high);
	GROW(events_max);
	GROW(events_oom);
	GROW(events_oom_kill);
	GROW(psi.cpu_some_ns);
	GROW(psi.cpu_full_ns);
	GROW(psi.memory_some_ns);
	GROW(psi.memory_full_ns);
	GROW(psi.io_some_ns);
	GROW(psi.io_full_ns);
	GROW(nr_reclaims);
	GROW(reclaim_ns);
	GROW(nr_block_ios);
	GROW(block_io_ns);
#undef GROW
}

static void add_kept_windows(struct kt_seen *seen, const struct pf_sample *s)
{
	for (size_t i = s->nr_past_windows; s->windows && i < s->nr_all_windows; i++) {
		const struct pf_window *w = &s->windows[i];

		seen->nr_kept_windows++;
		seen->kept_used_us += w->used_us;
		seen->kept_throttled_us += w->throttled_us;
		seen->kept_most_running = PF_MAX(seen->kept_most_running, w->nr_running);
	}
}

static void on_sampled(void *arg, const struct pf_sample *s)
{
	struct kt_src *src = arg;
	struct kt_seen *seen = by_handle(src, s->handle);

	if (!seen || seen->vanished || seen->last_seen) {
		src->nr_strays++;
		return;
	}
	if (!seen->start_ns)
		seen->start_ns = s->start_ns;
	seen->end_ns = s->end_ns;
	seen->nr_samples++;
	seen->last_seen = s->last;
	add_counters(&seen->sum, s);
	add_kept_windows(seen, s);
	grow_most(&seen->peak_memory_bytes, s->memory_peak_bytes);
	grow_most(&seen->peak_usage_millicores, s->usage_peak_millicores);
	if (src->keeps_slices && ((!seen->slice && pf_slice_new(&seen->slice) < 0) ||
				  pf_slice_add(seen->slice, s, false) < 0))
		kt_fail("out of memory");
	for (int h = 0; h < PF_NR_SAMPLE_HISTS; h++) {
		size_t n = pf_hist_nr_buckets(pf_sample_hist_layout(h));

		seen->has_hist[h] |= s->hists[h] != NULL;
		for (size_t i = 0; s->hists[h] && i < n; i++)
			seen->hist[h][i] += s->hists[h][i];
	}
}

static void on_vanished(void *arg, uint64_t handle)
{
	struct kt_src *src = arg;
	struct kt_seen *seen = by_handle(src, handle);

	if (!seen || seen->vanished)
		src->nr_strays++;
	else
		seen->vanished = true;
}

static void on_oom_killed(void *arg, const struct pf_oom_kill *kill)
{
	struct kt_src *src = arg;

	/* Kills elsewhere on this machine are told too, without a container. */
	if (by_handle(src, kill->handle) && src->nr_kills < KILLS_MAX)
		src->kills[src->nr_kills++] = *kill;
}

static struct kt_src *open_with(uint32_t max_containers, double cpu_budget_ratio)
{
	struct kt_src *src = calloc(1, sizeof(*src));
	struct pf_capture_opts opts = {
		.cgroup_root = "/sys/fs/cgroup",
		.proc_root = "/proc",
		.max_containers = max_containers,
		.interval_ns = 10 * PF_NS_PER_S,
		.growth_stacks = true,
		.cpu_budget_ratio = cpu_budget_ratio,
		.classify = classify,
		.sink = { src, on_appeared, on_sampled, on_vanished, on_oom_killed },
	};
	char error[512] = "";

	if (!src)
		kt_fail("out of memory");
	src->ops = pf_capture_find(kt_settings.source);
	if (!src->ops)
		kt_fail("no capture source %s", kt_settings.source);
	int r = src->ops->open(&opts, &src->capture, error, sizeof(error));

	if (r < 0)
		kt_fail("cannot open source %s: %s (%s)", kt_settings.source, error, strerror(-r));
	return src;
}

struct kt_src *kt_src_open(uint32_t max_containers)
{
	return open_with(max_containers, 0);
}

struct kt_src *kt_src_open_thinned(uint32_t max_containers)
{
	return open_with(max_containers, 1e-9);
}

static void classify_none(void *arg, const char *path, struct pf_cgroup_class *ret_class)
{
	(void)arg;
	(void)path;
	*ret_class = (struct pf_cgroup_class){ .kind = PF_CGROUP_SKIP };
}

void kt_src_hold(struct kt_cg *ret_cg)
{
	static struct kt_src none;
	const struct pf_capture_ops *ops = pf_capture_find(kt_settings.source);
	struct pf_capture_opts opts = {
		.cgroup_root = "/sys/fs/cgroup",
		.proc_root = "/proc",
		.max_containers = 4,
		.interval_ns = 10 * PF_NS_PER_S,
		.growth_stacks = true,
		.classify = classify_none,
		.sink = { &none, on_appeared, on_sampled, on_vanished, on_oom_killed },
	};
	struct pf_capture *capture;
	char error[512] = "";

	/* With two of each in place, a third neither switches a tracepoint on nor changes how it calls. */
	for (int i = 0; i < 2; i++)
		if (ops->open(&opts, &capture, error, sizeof(error)) < 0)
			printf("cannot hold a source: %s\n", error);
	kt_cg_new_beside(ret_cg, "hold");
	kt_cg_set_quota(ret_cg, 100000, 100000);
}

void kt_src_keep_slices(struct kt_src *src)
{
	src->keeps_slices = true;
}

void kt_src_snapshot(struct kt_src *src)
{
	int r = src->ops->snapshot(src->capture, kt_now_ns());

	if (r < 0)
		kt_fail("snapshot: %s", strerror(-r));
}

/* Longer than two windows of the kernel's sampler, and than a bandwidth period with its idle one.
 */
enum { REST_MS = 350 };

void kt_src_begin(struct kt_src *src)
{
	kt_sleep_ms(REST_MS);
	kt_src_snapshot(src);
	kt_src_forget(src);
}

void kt_src_end(struct kt_src *src)
{
	kt_sleep_ms(REST_MS);
	kt_src_snapshot(src);
}

void kt_src_pump(struct kt_src *src, unsigned ms)
{
	uint64_t deadline_ns = kt_now_ns() + ms * PF_NS_PER_MS;
	struct pollfd p = { .fd = src->ops->fd(src->capture), .events = POLLIN };

	while (kt_now_ns() < deadline_ns) {
		if (p.fd < 0)
			kt_sleep_ms(5);
		else if (poll(&p, 1, 5) > 0)
			(void)src->ops->dispatch(src->capture);
	}
}

void kt_src_close(struct kt_src *src)
{
	if (!src)
		return;
	if (src->nr_strays)
		kt_check_int(__FILE__, __LINE__, "calls about handles not alive", src->nr_strays,
			     0);
	src->ops->close(src->capture);
	for (unsigned i = 0; i < src->nr_lives; i++) {
		pf_slice_free(src->lives[i]->slice);
		free(src->lives[i]);
	}
	free(src);
}

bool kt_src_has(const struct kt_src *src, enum pf_signal signal)
{
	return src->ops->signals(src->capture)[signal].on;
}

void kt_src_need(struct kt_src *src, enum pf_signal signal)
{
	const struct pf_signal_state *state = &src->ops->signals(src->capture)[signal];

	if (!state->on)
		kt_skip("%s is off: %s", pf_signal_name(signal), state->reason);
}

const struct kt_seen *kt_src_find(const struct kt_src *src, const struct kt_cg *cg)
{
	for (unsigned i = src->nr_lives; i-- > 0;)
		if (!strcmp(src->lives[i]->cgroup.path, cg->path))
			return src->lives[i];
	return NULL;
}

const struct kt_seen *kt_src_get(const struct kt_src *src, const struct kt_cg *cg)
{
	const struct kt_seen *seen = kt_src_find(src, cg);

	if (!seen)
		kt_fail("the source never told of %s (%u others)", cg->path, src->nr_lives);
	if (!seen->nr_samples)
		kt_fail("no sample of %s", cg->path);
	return seen;
}

void kt_src_forget(struct kt_src *src)
{
	for (unsigned i = 0; i < src->nr_lives; i++) {
		struct kt_seen *seen = src->lives[i];
		struct kt_seen fresh = { .cgroup = seen->cgroup,
					 .vanished = seen->vanished,
					 .last_seen = seen->last_seen };

		memcpy(fresh.path, seen->path, sizeof(fresh.path)); /* cgroup.path is there */
		pf_sample_clear(&fresh.sum);
		pf_slice_free(seen->slice);
		*seen = fresh;
	}
}

unsigned kt_src_nr_alive(const struct kt_src *src)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < src->nr_lives; i++)
		nr += !src->lives[i]->vanished;
	return nr;
}

unsigned kt_src_nr_lives(const struct kt_src *src)
{
	return src->nr_lives;
}

const struct pf_oom_kill *kt_src_kill(struct kt_src *src)
{
	for (int tries = 0; src->nr_read == src->nr_kills && tries < 100; tries++)
		kt_src_pump(src, 50);
	return src->nr_read < src->nr_kills ? &src->kills[src->nr_read++] : NULL;
}

uint64_t kt_src_loss(struct kt_src *src, const char *reason)
{
	struct pf_loss losses[LOSSES_MAX];
	size_t n = src->ops->losses(src->capture, losses, LOSSES_MAX);
	uint64_t count = 0;

	for (size_t i = 0; i < n; i++)
		if (!reason || !strcmp(losses[i].reason, reason))
			count += losses[i].count;
	return count;
}

void kt_src_note_losses(struct kt_src *src)
{
	struct pf_loss losses[LOSSES_MAX];
	size_t n = src->ops->losses(src->capture, losses, LOSSES_MAX);

	for (size_t i = 0; i < n; i++)
		if (losses[i].count)
			kt_note("loss %s: %" PRIu64, losses[i].reason, losses[i].count);
}

const struct pf_capture_ops *kt_src_ops(const struct kt_src *src)
{
	return src->ops;
}

struct pf_capture *kt_src_capture(const struct kt_src *src)
{
	return src->capture;
}

/* ---- histograms
 * ----------------------------------------------------------------------------------------- */

uint64_t kt_seen_count(const struct kt_seen *seen, enum pf_sample_hist which)
{
	uint64_t count = 0;

	for (size_t i = 0; i < pf_hist_nr_buckets(pf_sample_hist_layout(which)); i++)
		count += seen->hist[which][i];
	return count;
}

static uint64_t lower_edge(enum pf_hist_layout layout, size_t index)
{
	return index ? pf_hist_edge(layout, index - 1) : 0;
}

double kt_seen_sum(const struct kt_seen *seen, enum pf_sample_hist which)
{
	enum pf_hist_layout layout = pf_sample_hist_layout(which);
	double sum = 0;

	for (size_t i = 0; i < pf_hist_nr_buckets(layout); i++)
		sum += (double)seen->hist[which][i] *
		       (double)(lower_edge(layout, i) + pf_hist_edge(layout, i)) / 2;
	return sum;
}

uint64_t kt_seen_above(const struct kt_seen *seen, enum pf_sample_hist which, uint64_t value)
{
	enum pf_hist_layout layout = pf_sample_hist_layout(which);
	uint64_t count = 0;

	for (size_t i = 0; i < pf_hist_nr_buckets(layout); i++)
		if (lower_edge(layout, i) >= value)
			count += seen->hist[which][i];
	return count;
}
