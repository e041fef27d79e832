// SPDX-License-Identifier: Apache-2.0
#include "capture/cgroup_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/cgroup_parse.h"
#include "sys/clock.h"
#include "sys/file.h"

#define FILE_MAX 16384 /* memory.stat of a machine with many nodes is some 4 KiB */
#define FD_NONE	 -1

/* Files, with what reads them. A hierarchy's file that another version does not have is not looked for. */
enum file {
	FILE_CPU_STAT,
	FILE_CPU_MAX,
	FILE_CPU_BURST,
	FILE_CPU_WEIGHT,
	FILE_MEMORY_CURRENT,
	FILE_MEMORY_PEAK,
	FILE_MEMORY_MAX,
	FILE_MEMORY_HIGH,
	FILE_SWAP_CURRENT,
	FILE_SWAP_MAX,
	FILE_MEMORY_STAT,
	FILE_MEMORY_EVENTS,
	FILE_CPU_PRESSURE,
	FILE_MEMORY_PRESSURE,
	FILE_IO_PRESSURE,
	FILE_PIDS,
	FILE_V1_USAGE,
	FILE_V1_PERIOD,
	FILE_V1_FAILCNT,
	NR_FILES,
};

struct pf_cgroup_reader {
	const struct pf_layout *layout;
	struct pf_read_budget *budget;
	int fds[NR_FILES];
	char path[]; /* below the hierarchy's root, without the slash */
};

typedef int (*parse_fn)(const char *text, struct pf_snap_rec *snap);

struct file_kind {
	enum pf_controller controller;
	const char *name; /* NULL: this version has none */
	parse_fn parse;
};

static uint64_t us_to_ns(uint64_t us)
{
	return us > (PF_NO_LIMIT - 1) / PF_NS_PER_US ? us : us * PF_NS_PER_US;
}

/* A key that this kernel does not have stays unknown; anything else than a number is malformed. */
static int take_key(const char *text, const char *name, __u64 *value)
{
	uint64_t number;
	int r = pf_cgroup_parse_key(text, name, &number);

	if (r == 0)
		*value = number;
	return r == -ENOENT ? 0 : r;
}

struct key {
	const char *name;
	size_t offset; /* of a __u64 in struct pf_snap_rec */
	uint64_t scale;
};

static int take_keys(const char *text, const struct key *keys, size_t nr_keys,
		     struct pf_snap_rec *snap)
{
	for (size_t i = 0; i < nr_keys; i++) {
		__u64 *value = (__u64 *)((char *)snap + keys[i].offset);
		int r = take_key(text, keys[i].name, value);

		if (r < 0)
			return r;
		if (*value != PF_UNKNOWN)
			*value *= keys[i].scale;
	}
	return 0;
}
#define KEY(name, field, scale)                                                                    \
	{                                                                                          \
		name, offsetof(struct pf_snap_rec, field), scale                                   \
	}
#define STAT(name, kind)                                                                           \
	{                                                                                          \
		name, offsetof(struct pf_snap_rec, stats) + (kind) * sizeof(__u64), 1              \
	}

static int parse_cpu_stat_v2(const char *text, struct pf_snap_rec *snap)
{
	static const struct key keys[] = {
		KEY("usage_usec", usage_ns, 1000),
		KEY("nr_periods", nr_periods, 1),
		KEY("nr_throttled", nr_throttled, 1),
		KEY("throttled_usec", throttled_ns, 1000),
	};

	snap->bound |= PF_BOUND_CPU;
	return take_keys(text, keys, PF_ARRAY_SIZE(keys), snap);
}

static int parse_cpu_stat_v1(const char *text, struct pf_snap_rec *snap)
{
	static const struct key keys[] = {
		KEY("nr_periods", nr_periods, 1),
		KEY("nr_throttled", nr_throttled, 1),
		KEY("throttled_time", throttled_ns, 1),
	};

	snap->bound |= PF_BOUND_CPU;
	return take_keys(text, keys, PF_ARRAY_SIZE(keys), snap);
}

static int parse_memory_stat_v2(const char *text, struct pf_snap_rec *snap)
{
	static const struct key keys[] = {
		STAT("anon", PF_MEMSTAT_ANON),
		STAT("file", PF_MEMSTAT_FILE),
		STAT("shmem", PF_MEMSTAT_SHMEM),
		STAT("inactive_file", PF_MEMSTAT_INACTIVE_FILE),
		STAT("active_file", PF_MEMSTAT_ACTIVE_FILE),
		STAT("unevictable", PF_MEMSTAT_UNEVICTABLE),
		STAT("slab_reclaimable", PF_MEMSTAT_SLAB_RECLAIMABLE),
		STAT("slab_unreclaimable", PF_MEMSTAT_SLAB_UNRECLAIMABLE),
		STAT("kernel_stack", PF_MEMSTAT_KERNEL_STACK),
		STAT("pagetables", PF_MEMSTAT_PAGETABLES),
		STAT("percpu", PF_MEMSTAT_PERCPU),
		STAT("sock", PF_MEMSTAT_SOCK),
	};

	snap->bound |= PF_BOUND_MEMORY;
	return take_keys(text, keys, PF_ARRAY_SIZE(keys), snap);
}

static int parse_memory_stat_v1(const char *text, struct pf_snap_rec *snap)
{
	static const struct key keys[] = {
		STAT("total_rss", PF_MEMSTAT_ANON),
		STAT("total_cache", PF_MEMSTAT_FILE),
		STAT("total_shmem", PF_MEMSTAT_SHMEM),
		STAT("total_inactive_file", PF_MEMSTAT_INACTIVE_FILE),
		STAT("total_active_file", PF_MEMSTAT_ACTIVE_FILE),
		STAT("total_unevictable", PF_MEMSTAT_UNEVICTABLE),
	};

	snap->bound |= PF_BOUND_MEMORY;
	return take_keys(text, keys, PF_ARRAY_SIZE(keys), snap);
}

static int parse_events_v2(const char *text, struct pf_snap_rec *snap)
{
	static const struct key keys[] = {
		KEY("high", events_high, 1),
		KEY("max", events_max, 1),
		KEY("oom", events_oom, 1),
		KEY("oom_kill", events_oom_kill, 1),
	};

	return take_keys(text, keys, PF_ARRAY_SIZE(keys), snap);
}

static int parse_oom_control_v1(const char *text, struct pf_snap_rec *snap)
{
	return take_key(text, "oom_kill", &snap->events_oom_kill);
}

static int parse_cpu_max(const char *text, struct pf_snap_rec *snap)
{
	uint64_t quota, period;
	int r = pf_cgroup_parse_cpu_max(text, &quota, &period);

	if (r < 0)
		return r;
	snap->quota_ns = us_to_ns(quota);
	snap->period_ns = us_to_ns(period);
	return 0;
}

static int parse_quota_v1(const char *text, struct pf_snap_rec *snap)
{
	uint64_t quota;
	int r = pf_cgroup_parse_quota(text, &quota);

	if (r == 0)
		snap->quota_ns = us_to_ns(quota);
	return r;
}

static int parse_weight(const char *text, struct pf_snap_rec *snap)
{
	uint64_t weight;
	int r = pf_cgroup_parse_number(text, &weight);

	if (r == 0) /* the kernel's own formula, and its fixed point */
		snap->shares = (weight * 1024 + 50) / 100 << 10;
	return r;
}

static int parse_shares_v1(const char *text, struct pf_snap_rec *snap)
{
	uint64_t shares;
	int r = pf_cgroup_parse_number(text, &shares);

	if (r == 0)
		snap->shares = shares << 10;
	return r;
}

#define NUMBER_PARSER(name, function, field, convert)                                              \
	static int name(const char *text, struct pf_snap_rec *snap)                                \
	{                                                                                          \
		uint64_t number;                                                                   \
		int r = function(text, &number);                                                   \
                                                                                                   \
		if (r == 0)                                                                        \
			snap->field = convert(number);                                             \
		return r;                                                                          \
	}
#define AS_IS(number) (number)
NUMBER_PARSER(parse_usage_v1, pf_cgroup_parse_number, usage_ns, AS_IS)
NUMBER_PARSER(parse_period_v1, pf_cgroup_parse_number, period_ns, us_to_ns)
NUMBER_PARSER(parse_burst, pf_cgroup_parse_number, burst_ns, us_to_ns)
NUMBER_PARSER(parse_current, pf_cgroup_parse_number, memory_usage_bytes, AS_IS)
NUMBER_PARSER(parse_peak, pf_cgroup_parse_number, memory_watermark_bytes, AS_IS)
NUMBER_PARSER(parse_memory_max, pf_cgroup_parse_limit, memory_max_bytes, AS_IS)
NUMBER_PARSER(parse_memory_high, pf_cgroup_parse_limit, memory_high_bytes, AS_IS)
NUMBER_PARSER(parse_swap_current, pf_cgroup_parse_number, swap_usage_bytes, AS_IS)
NUMBER_PARSER(parse_swap_max, pf_cgroup_parse_limit, swap_max_bytes, AS_IS)
NUMBER_PARSER(parse_failcnt_v1, pf_cgroup_parse_number, events_max, AS_IS)

static int parse_pids(const char *text, struct pf_snap_rec *snap)
{
	uint64_t number;
	int r = pf_cgroup_parse_number(text, &number);

	if (r < 0)
		return r;
	snap->nr_tasks = number;
	snap->bound |= PF_BOUND_PIDS;
	return 0;
}

static int parse_pressure(const char *text, __u64 *some_ns, struct pf_snap_rec *snap)
{
	uint64_t some, full;
	int r = pf_cgroup_parse_pressure(text, &some, &full);

	if (r < 0)
		return r;
	some_ns[0] = us_to_ns(some);
	some_ns[1] = us_to_ns(full);
	snap->bound |= PF_BOUND_PSI;
	return 0;
}

static int parse_cpu_pressure(const char *text, struct pf_snap_rec *snap)
{
	return parse_pressure(text, &snap->psi_ns[0], snap);
}

static int parse_memory_pressure(const char *text, struct pf_snap_rec *snap)
{
	return parse_pressure(text, &snap->psi_ns[2], snap);
}

static int parse_io_pressure(const char *text, struct pf_snap_rec *snap)
{
	return parse_pressure(text, &snap->psi_ns[4], snap);
}

static const struct file_kind files_v2[NR_FILES] = {
	[FILE_CPU_STAT] = { PF_CTL_CPU, "cpu.stat", parse_cpu_stat_v2 },
	[FILE_CPU_MAX] = { PF_CTL_CPU, "cpu.max", parse_cpu_max },
	[FILE_CPU_BURST] = { PF_CTL_CPU, "cpu.max.burst", parse_burst },
	[FILE_CPU_WEIGHT] = { PF_CTL_CPU, "cpu.weight", parse_weight },
	[FILE_MEMORY_CURRENT] = { PF_CTL_MEMORY, "memory.current", parse_current },
	[FILE_MEMORY_PEAK] = { PF_CTL_MEMORY, "memory.peak", parse_peak },
	[FILE_MEMORY_MAX] = { PF_CTL_MEMORY, "memory.max", parse_memory_max },
	[FILE_MEMORY_HIGH] = { PF_CTL_MEMORY, "memory.high", parse_memory_high },
	[FILE_SWAP_CURRENT] = { PF_CTL_MEMORY, "memory.swap.current", parse_swap_current },
	[FILE_SWAP_MAX] = { PF_CTL_MEMORY, "memory.swap.max", parse_swap_max },
	[FILE_MEMORY_STAT] = { PF_CTL_MEMORY, "memory.stat", parse_memory_stat_v2 },
	[FILE_MEMORY_EVENTS] = { PF_CTL_MEMORY, "memory.events", parse_events_v2 },
	[FILE_CPU_PRESSURE] = { PF_CTL_UNIFIED, "cpu.pressure", parse_cpu_pressure },
	[FILE_MEMORY_PRESSURE] = { PF_CTL_UNIFIED, "memory.pressure", parse_memory_pressure },
	[FILE_IO_PRESSURE] = { PF_CTL_UNIFIED, "io.pressure", parse_io_pressure },
	[FILE_PIDS] = { PF_CTL_PIDS, "pids.current", parse_pids },
};

static const struct file_kind files_v1[NR_FILES] = {
	[FILE_CPU_STAT] = { PF_CTL_CPU, "cpu.stat", parse_cpu_stat_v1 },
	[FILE_CPU_MAX] = { PF_CTL_CPU, "cpu.cfs_quota_us", parse_quota_v1 },
	[FILE_CPU_BURST] = { PF_CTL_CPU, "cpu.cfs_burst_us", parse_burst },
	[FILE_CPU_WEIGHT] = { PF_CTL_CPU, "cpu.shares", parse_shares_v1 },
	[FILE_V1_USAGE] = { PF_CTL_CPUACCT, "cpuacct.usage", parse_usage_v1 },
	[FILE_V1_PERIOD] = { PF_CTL_CPU, "cpu.cfs_period_us", parse_period_v1 },
	[FILE_MEMORY_CURRENT] = { PF_CTL_MEMORY, "memory.usage_in_bytes", parse_current },
	[FILE_MEMORY_PEAK] = { PF_CTL_MEMORY, "memory.max_usage_in_bytes", parse_peak },
	[FILE_MEMORY_MAX] = { PF_CTL_MEMORY, "memory.limit_in_bytes", parse_memory_max },
	[FILE_SWAP_CURRENT] = { PF_CTL_MEMORY, "memory.memsw.usage_in_bytes", parse_swap_current },
	[FILE_SWAP_MAX] = { PF_CTL_MEMORY, "memory.memsw.limit_in_bytes", parse_swap_max },
	[FILE_MEMORY_STAT] = { PF_CTL_MEMORY, "memory.stat", parse_memory_stat_v1 },
	[FILE_MEMORY_EVENTS] = { PF_CTL_MEMORY, "memory.oom_control", parse_oom_control_v1 },
	[FILE_V1_FAILCNT] = { PF_CTL_MEMORY, "memory.failcnt", parse_failcnt_v1 },
	[FILE_CPU_PRESSURE] = { PF_CTL_UNIFIED, "cpu.pressure", parse_cpu_pressure },
	[FILE_MEMORY_PRESSURE] = { PF_CTL_UNIFIED, "memory.pressure", parse_memory_pressure },
	[FILE_IO_PRESSURE] = { PF_CTL_UNIFIED, "io.pressure", parse_io_pressure },
	[FILE_PIDS] = { PF_CTL_PIDS, "pids.current", parse_pids },
};

int pf_cgroup_reader_new(const struct pf_layout *layout, const char *path,
			 struct pf_read_budget *budget, struct pf_cgroup_reader **ret_reader)
{
	const char *relative = path[0] == '/' ? path + 1 : path;
	struct pf_cgroup_reader *reader = malloc(sizeof(*reader) + strlen(relative) + 1);

	if (!reader)
		return -ENOMEM;
	reader->layout = layout;
	reader->budget = budget;
	for (int i = 0; i < NR_FILES; i++)
		reader->fds[i] = FD_NONE;
	memcpy(reader->path, relative, strlen(relative) + 1);
	*ret_reader = reader;
	return 0;
}

static void close_file(struct pf_cgroup_reader *reader, int i)
{
	(void)close(reader->fds[i]); /* read only */
	reader->fds[i] = FD_NONE;
	reader->budget->nr_open--;
}

void pf_cgroup_reader_free(struct pf_cgroup_reader *reader)
{
	if (!reader)
		return;
	for (int i = 0; i < NR_FILES; i++)
		if (reader->fds[i] >= 0)
			close_file(reader, i);
	free(reader);
}

/* Return: 1: read; 0: not there; a failure is counted. */
static int read_file(struct pf_cgroup_reader *reader, int i, const struct file_kind *kind,
		     struct pf_snap_rec *snap)
{
	char text[FILE_MAX], path[PF_CGROUP_PATH_MAX + 64];
	int dir_fd = reader->layout->dir_fd[kind->controller];
	ssize_t len;

	if (!kind->name || dir_fd < 0)
		return 0;
	if (reader->fds[i] < 0) {
		snprintf(path, sizeof(path), "%s/%s", reader->path, kind->name);
		reader->fds[i] = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
		if (reader->fds[i] < 0) {
			reader->budget->nr_unreadable += errno != ENOENT;
			return 0;
		}
		reader->budget->nr_open++;
	}
	len = pf_file_read_small(&pf_sys_real, reader->fds[i], text, sizeof(text));
	if (len < 0) {
		/* ENODEV: the cgroup is gone; EOPNOTSUPP: PSI is switched off. */
		reader->budget->nr_unreadable += len != -ENODEV && len != -EOPNOTSUPP;
		close_file(reader, i);
		return 0;
	}
	if (reader->budget->nr_open > reader->budget->max_open)
		close_file(reader, i);
	if (kind->parse(text, snap) < 0)
		reader->budget->nr_malformed++;
	return 1;
}

int pf_cgroup_read(struct pf_cgroup_reader *reader, struct pf_snap_rec *ret_snap)
{
	const struct file_kind *files = reader->layout->mode == PF_CGROUP_V2 ? files_v2 : files_v1;
	struct pf_snap_rec snap;
	int nr_read = 0;

	pf_snap_clear(&snap);
	for (int i = 0; i < NR_FILES; i++)
		nr_read += read_file(reader, i, &files[i], &snap);
	if (!nr_read)
		return -ESTALE;
	snap.at_ns = pf_clock_monotonic_ns();
	*ret_snap = snap;
	return 0;
}
