// SPDX-License-Identifier: Apache-2.0
/*
 * replay.c - the source that plays recorded samples, one group a snapshot: for tests, and to look at a node again.
 *
 * The file is text, one record a line; empty lines and lines that begin with # are skipped. Times are ns from the
 * recording's start and are moved so that the first tick is the first snapshot.
 *
 *	cgroup HANDLE ID BORN_NS PATH
 *	sample HANDLE START_NS END_NS [last] [name=value ...] [hist.name=bucket:count,bucket:count ...]
 *	oom HANDLE AT_NS PID COMM USAGE_BYTES LIMIT_BYTES
 *	vanished HANDLE
 *	tick NS			ends the group of one snapshot
 *
 * Names are those of struct pf_sample (kinds.anon, psi.cpu_some_ns); a value is a number or "none" (no limit). What is not
 * named is unknown. The whole file is checked when it is opened.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/parse.h"
#include "capture/feature.h"
#include "capture/source.h"
#include "sys/file.h"

#define FILE_BYTES_MAX (64 * PF_MIB)

struct pf_capture {
	struct pf_capture_opts opts;
	struct pf_buf text;
	size_t at;    /* where the next snapshot begins */
	bool shifted; /* shift_ns holds */
	uint64_t shift_ns;
	struct pf_signal_state signals[PF_NR_SIGNALS];
	uint32_t hists[PF_NR_SAMPLE_HISTS][PF_HIST_BUCKETS_MAX];
};

#define FIELD(name)                                                                                \
	{                                                                                          \
#name, offsetof(struct pf_sample, name)                                            \
	}
static const struct field {
	const char *name;
	size_t offset;
} fields[] = {
	FIELD(usage_ns),
	FIELD(nr_periods),
	FIELD(nr_throttled),
	FIELD(throttled_ns),
	FIELD(cfs_quota_us),
	FIELD(cfs_period_us),
	FIELD(cfs_burst_us),
	FIELD(cpu_weight),
	FIELD(nr_windows),
	FIELD(nr_idle_windows),
	FIELD(nr_demand_idle_windows),
	FIELD(usage_peak_millicores),
	FIELD(demand_peak_millicores),
	FIELD(nr_waits),
	FIELD(quota_wait_ns),
	FIELD(contention_wait_ns),
	FIELD(memory_usage_bytes),
	FIELD(memory_peak_bytes),
	FIELD(working_set_bytes),
	FIELD(hot_bytes),
	FIELD(memory_limit_bytes),
	FIELD(memory_high_bytes),
	FIELD(swap_limit_bytes),
	FIELD(kinds.anon),
	FIELD(kinds.file),
	FIELD(kinds.shmem),
	FIELD(kinds.inactive_file),
	FIELD(kinds.active_file),
	FIELD(kinds.unevictable),
	FIELD(kinds.slab_reclaimable),
	FIELD(kinds.slab_unreclaimable),
	FIELD(kinds.kernel_stack),
	FIELD(kinds.pagetables),
	FIELD(kinds.percpu),
	FIELD(kinds.sock),
	FIELD(kinds.swap),
	FIELD(events_high),
	FIELD(events_max),
	FIELD(events_oom),
	FIELD(events_oom_kill),
	FIELD(psi.cpu_some_ns),
	FIELD(psi.cpu_full_ns),
	FIELD(psi.memory_some_ns),
	FIELD(psi.memory_full_ns),
	FIELD(psi.io_some_ns),
	FIELD(psi.io_full_ns),
	FIELD(nr_reclaims),
	FIELD(reclaim_ns),
	FIELD(nr_block_ios),
	FIELD(block_io_ns),
	FIELD(nr_threads),
};

static const char *const hist_names[PF_NR_SAMPLE_HISTS] = {
	[PF_HIST_USAGE] = "usage",
	[PF_HIST_DEMAND] = "demand",
	[PF_HIST_QUOTA_WAIT] = "quota_wait",
	[PF_HIST_CONTENTION_WAIT] = "contention_wait",
	[PF_HIST_THROTTLE_STALL] = "throttle_stall",
	[PF_HIST_RECLAIM_STALL] = "reclaim_stall",
	[PF_HIST_BLOCK_IO] = "block_io",
};

/* A line taken apart at blanks; the text is cut up. */
#define WORDS_MAX 80
struct line {
	char *words[WORDS_MAX];
	size_t nr_words;
};

static int split(char *text, struct line *line)
{
	char *rest = text, *word;

	line->nr_words = 0;
	while ((word = strsep(&rest, " "))) {
		if (!*word)
			continue;
		if (line->nr_words == WORDS_MAX)
			return -E2BIG;
		line->words[line->nr_words++] = word;
	}
	return 0;
}

static int parse_hist(struct pf_capture *c, enum pf_sample_hist which, char *text,
		      struct pf_sample *s)
{
	size_t nr_buckets = pf_hist_nr_buckets(pf_sample_hist_layout(which));
	char *pair;

	memset(c->hists[which], 0, sizeof(c->hists[which]));
	while ((pair = strsep(&text, ","))) {
		char *count = strchr(pair, ':');
		uint64_t bucket, value;

		if (!*pair) /* an empty histogram */
			continue;
		if (!count)
			return -EINVAL;
		*count++ = '\0';
		if (pf_parse_u64(pair, &bucket) < 0 || pf_parse_u64(count, &value) < 0 ||
		    bucket >= nr_buckets || value > UINT32_MAX)
			return -EINVAL;
		c->hists[which][bucket] = (uint32_t)value;
	}
	s->hists[which] = c->hists[which];
	return 0;
}

static int parse_field(struct pf_capture *c, char *word, struct pf_sample *s)
{
	char *value = strchr(word, '=');
	uint64_t number = PF_NO_LIMIT;

	if (!value)
		return -EINVAL;
	*value++ = '\0';
	if (!strncmp(word, "hist.", 5)) {
		for (int i = 0; i < PF_NR_SAMPLE_HISTS; i++)
			if (!strcmp(word + 5, hist_names[i]))
				return parse_hist(c, (enum pf_sample_hist)i, value, s);
		return -EINVAL;
	}
	if (strcmp(value, "none") && pf_parse_u64(value, &number) < 0)
		return -EINVAL;
	for (size_t i = 0; i < PF_ARRAY_SIZE(fields); i++) {
		if (!strcmp(word, fields[i].name)) {
			*(uint64_t *)((char *)s + fields[i].offset) = number;
			return 0;
		}
	}
	return -EINVAL;
}

static int play_sample(struct pf_capture *c, const struct line *l, bool emit)
{
	struct pf_sample s;

	pf_sample_clear(&s);
	if (l->nr_words < 4 || pf_parse_u64(l->words[1], &s.handle) < 0 ||
	    pf_parse_u64(l->words[2], &s.start_ns) < 0 ||
	    pf_parse_u64(l->words[3], &s.end_ns) < 0 || s.end_ns < s.start_ns)
		return -EINVAL;
	for (size_t i = 4; i < l->nr_words; i++) {
		int r = 0;

		if (!strcmp(l->words[i], "last"))
			s.last = true;
		else
			r = parse_field(c, l->words[i], &s);
		if (r < 0)
			return r;
	}
	s.start_ns += c->shift_ns;
	s.end_ns += c->shift_ns;
	if (emit)
		c->opts.sink.sampled(c->opts.sink.arg, &s);
	return 0;
}

static int play_cgroup(struct pf_capture *c, const struct line *l, bool emit)
{
	struct pf_cgroup cgroup = { 0 };

	if (l->nr_words != 5 || pf_parse_u64(l->words[1], &cgroup.handle) < 0 ||
	    pf_parse_u64(l->words[2], &cgroup.id) < 0 ||
	    pf_parse_u64(l->words[3], &cgroup.born_ns) < 0 ||
	    strlen(l->words[4]) >= PF_CGROUP_PATH_MAX)
		return -EINVAL;
	cgroup.born_ns += c->shift_ns;
	cgroup.path = l->words[4];
	c->opts.classify(c->opts.classify_arg, cgroup.path, &cgroup.class);
	if (emit)
		c->opts.sink.appeared(c->opts.sink.arg, &cgroup);
	return 0;
}

static int play_oom(struct pf_capture *c, const struct line *l, bool emit)
{
	struct pf_oom_kill kill = { 0 };
	uint64_t pid;

	if (l->nr_words != 7 || pf_parse_u64(l->words[1], &kill.handle) < 0 ||
	    pf_parse_u64(l->words[2], &kill.at_ns) < 0 || pf_parse_u64(l->words[3], &pid) < 0 ||
	    pid > INT32_MAX || strlen(l->words[4]) >= sizeof(kill.comm) ||
	    pf_parse_u64(l->words[5], &kill.usage_bytes) < 0 ||
	    pf_parse_u64(l->words[6], &kill.limit_bytes) < 0)
		return -EINVAL;
	memcpy(kill.comm, l->words[4], strlen(l->words[4]) + 1);
	kill.pid = (uint32_t)pid;
	kill.at_ns += c->shift_ns;
	kill.victim_anon_bytes = kill.victim_file_bytes = kill.victim_shmem_bytes = PF_UNKNOWN;
	memset(&kill.kinds, 0xff, sizeof(kill.kinds)); /* PF_UNKNOWN */
	if (emit)
		c->opts.sink.oom_killed(c->opts.sink.arg, &kill);
	return 0;
}

static int play_vanished(struct pf_capture *c, const struct line *l, bool emit)
{
	uint64_t handle;

	if (l->nr_words != 2 || pf_parse_u64(l->words[1], &handle) < 0)
		return -EINVAL;
	if (emit)
		c->opts.sink.vanished(c->opts.sink.arg, handle);
	return 0;
}

/* The next line from *@at on. Return: 1: a line in @copy (freed by the caller); 0: the end; -ENOMEM. */
static int next_line(const struct pf_capture *c, size_t *at, char **ret_copy)
{
	const char *begin = c->text.data + *at, *end;

	if (*at >= c->text.len)
		return 0;
	end = memchr(begin, '\n', c->text.len - *at);
	if (!end)
		end = c->text.data + c->text.len;
	*ret_copy = strndup(begin, (size_t)(end - begin));
	*at = (size_t)(end - c->text.data) + 1;
	return *ret_copy ? 1 : -ENOMEM;
}

/* Return: 1: a tick, whose time is in @ret_tick; 0: another line; -EINVAL: not understood. */
static int play_line(struct pf_capture *c, char *text, bool emit, uint64_t *ret_tick)
{
	static const struct {
		const char *name;
		int (*play)(struct pf_capture *c, const struct line *l, bool emit);
	} records[] = {
		{ "cgroup", play_cgroup },
		{ "sample", play_sample },
		{ "oom", play_oom },
		{ "vanished", play_vanished },
	};
	struct line l;
	int r = split(text, &l);

	if (r < 0 || !l.nr_words || l.words[0][0] == '#')
		return r;
	if (!strcmp(l.words[0], "tick"))
		return l.nr_words == 2 && pf_parse_u64(l.words[1], ret_tick) == 0 ? 1 : -EINVAL;
	for (size_t i = 0; i < PF_ARRAY_SIZE(records); i++)
		if (!strcmp(l.words[0], records[i].name))
			return records[i].play(c, &l, emit);
	return -EINVAL;
}

/* Plays until a tick. Return: 1: it was reached; 0: the end of the file; -errno, *@at is behind the bad line. */
static int play_group(struct pf_capture *c, size_t *at, bool emit, uint64_t *ret_tick)
{
	for (;;) {
		PF_AUTO(pf_freep) char *text = NULL;
		int r = next_line(c, at, &text);

		if (r <= 0)
			return r;
		r = play_line(c, text, emit, ret_tick);
		if (r)
			return r;
	}
}

static int check(struct pf_capture *c, const char *path, char *error, size_t error_size)
{
	uint64_t tick;
	size_t at = 0;
	int r;

	while ((r = play_group(c, &at, false, &tick)) > 0)
		;
	if (r < 0) {
		size_t line = 0;

		for (size_t i = 0; i < at && i < c->text.len; i++)
			line += c->text.data[i] == '\n';
		snprintf(error, error_size,
			 "%s:%zu: not a record: see capture/replay.c for the format", path,
			 PF_MAX(line, 1));
		return -EBADMSG;
	}
	return 0;
}

static void capture_close(struct pf_capture *c)
{
	if (!c)
		return;
	pf_buf_done(&c->text);
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
	c->opts = *opts;
	pf_buf_init(&c->text, FILE_BYTES_MAX);
	if (!opts->replay_path) {
		snprintf(error, error_size, "name the recording with --capture.replay-file");
		return -EINVAL;
	}
	r = pf_file_read(&pf_sys_real, AT_FDCWD, opts->replay_path, &c->text);
	if (r < 0) {
		snprintf(error, error_size, "%s: %s", opts->replay_path, strerror(-r));
		return r;
	}
	r = check(c, opts->replay_path, error, error_size);
	if (r < 0)
		return r == -EINVAL ? -EBADMSG : r;
	for (int i = 0; i < PF_NR_SIGNALS; i++)
		pf_signal_on(&c->signals[i]); /* as far as they were recorded */
	*ret_capture = pf_take(c);
	return 0;
}

static int capture_fd(struct pf_capture *c)
{
	(void)c; /* everything comes with the snapshots */
	return -1;
}

static int capture_dispatch(struct pf_capture *c)
{
	(void)c;
	return 0;
}

static int capture_snapshot(struct pf_capture *c, uint64_t now_ns)
{
	uint64_t tick;
	int r;

	if (!c->shifted) {
		size_t at = 0;

		c->shifted = true;
		if (play_group(c, &at, false, &tick) > 0)
			c->shift_ns = now_ns - tick;
	}
	r = play_group(c, &c->at, true, &tick);
	return r < 0 ? r : 0;
}

static const struct pf_signal_state *capture_signals(struct pf_capture *c)
{
	return c->signals;
}

static size_t capture_losses(struct pf_capture *c, struct pf_loss *ret_losses, size_t max)
{
	(void)c;
	(void)ret_losses;
	(void)max;
	return 0;
}

static void capture_cost(struct pf_capture *c, struct pf_self_cost *cost)
{
	(void)c;
	cost->bpf_run_ns = cost->bpf_run_count = cost->map_bytes = 0;
	cost->bpf_sampled = false;
}

static const char *capture_layout(struct pf_capture *c)
{
	(void)c; /* recorded samples do not tell */
	return "";
}

const struct pf_capture_ops pf_capture_replay = {
	.name = "replay",
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
