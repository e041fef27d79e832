// SPDX-License-Identifier: Apache-2.0
/*
 * snapshot.c - a snapshot of 100 to 2000 cgroups against a good reader of the same signals' files: descriptors
 * kept open, one pread each, nothing parsed (a lower bound of what reading costs).
 *
 * podfit's side is the whole call: looking for new cgroups, the BPF program, differences of counters and
 * histograms, and a callback a container. CPU time of the thread, median of the rounds, which take turns.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/bench.h"
#include "kernel/cg.h"
#include "kernel/kt.h"

enum { ROUNDS = 15, READ_MAX = 1000 };

/* The files that hold what a snapshot holds; those of the memory controller first. */
static const char *const v1_files[] = {
	"memory/memory.usage_in_bytes",
	"memory/memory.max_usage_in_bytes",
	"memory/memory.limit_in_bytes",
	"memory/memory.stat",
	"memory/memory.oom_control",
	"cpuacct/cpuacct.usage",
	"cpu/cpu.stat",
	"cpu/cpu.cfs_quota_us",
	"cpu/cpu.cfs_period_us",
	"cpu/cpu.shares",
	"unified/cpu.pressure",
	"unified/memory.pressure",
	"unified/io.pressure",
};
static const char *const v2_files[] = {
	"memory.current", "memory.peak",   "memory.max",      "memory.high",
	"memory.stat",	  "memory.events", "cpu.stat",	      "cpu.max",
	"cpu.weight",	  "cpu.pressure",  "memory.pressure", "io.pressure",
};

struct reader {
	int *fds;
	size_t nr_fds, nr_memory;
};

/* "memory/x" is file x in the hierarchy mounted there. */
static void open_file(struct reader *reader, const struct kt_cg *cg, const char *name)
{
	const char *file = strchr(name, '/');
	int hierarchy = file ? (int)(file - name) : 0;
	char path[400];

	snprintf(path, sizeof(path), "/sys/fs/cgroup%s%.*s%.160s/%.64s", file ? "/" : "", hierarchy,
		 name, cg->path, file ? file + 1 : name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		reader->fds[reader->nr_fds++] = fd;
	else if (errno != ENOENT)
		kt_fail("open %s: %s", path, strerror(errno));
}

/* The memory files of all cgroups first, then the others: the memory files are a part of the whole. */
static void open_files(struct reader *reader, const struct kt_cg *cgs, int nr_cgs,
		       const char *const *files, size_t nr_memory, size_t nr_files)
{
	reader->fds = calloc((size_t)nr_cgs * nr_files, sizeof(int));
	reader->nr_fds = 0;
	if (!reader->fds)
		kt_fail("out of memory");
	for (int i = 0; i < nr_cgs; i++)
		for (size_t f = 0; f < nr_memory; f++)
			open_file(reader, &cgs[i], files[f]);
	reader->nr_memory = reader->nr_fds;
	for (int i = 0; i < nr_cgs; i++)
		for (size_t f = nr_memory; f < nr_files; f++)
			open_file(reader, &cgs[i], files[f]);
}

static void close_files(struct reader *reader)
{
	for (size_t i = 0; i < reader->nr_fds; i++)
		close(reader->fds[i]);
	free(reader->fds);
}

static double read_files(const struct reader *reader, size_t first, size_t end)
{
	static char buf[16384];
	uint64_t start_ns = bench_thread_cpu_ns();

	for (size_t i = first; i < end; i++)
		if (pread(reader->fds[i], buf, sizeof(buf), 0) < 0)
			kt_fail("read: %s", strerror(errno));
	return (double)(bench_thread_cpu_ns() - start_ns);
}

static double snapshot(struct pf_capture *capture)
{
	uint64_t start_ns = bench_thread_cpu_ns();

	if (bench_ops->snapshot(capture, kt_now_ns()) < 0)
		kt_fail("snapshot failed");
	return (double)(bench_thread_cpu_ns() - start_ns);
}

struct row {
	double snapshot_us, program_us, memory_us, all_us; /* medians */
	double memory_ratio, all_ratio;			   /* medians of the rounds' ratios */
};

static void measure(struct kt_cg *cgs, int nr, struct row *row)
{
	bool v2 = kt_cg_is_v2();
	const char *const *files = v2 ? v2_files : v1_files;
	size_t nr_files = v2 ? PF_ARRAY_SIZE(v2_files) : PF_ARRAY_SIZE(v1_files);
	double own[ROUNDS], memory[ROUNDS], all[ROUNDS], memory_ratio[ROUNDS], all_ratio[ROUNDS];
	struct reader reader;
	uint64_t before_ns = 0, after_ns, before_runs, after_runs;
	/* Descriptors are limited: of more cgroups the files of the first are read, and counted for all. */
	int nr_read = PF_MIN(nr, READ_MAX);
	double scale = (double)nr / nr_read;
	struct pf_capture *capture = bench_open((uint32_t)nr + 8);

	if (bench_nr_alive() != (unsigned)nr)
		kt_fail("%u containers tracked, not %d", bench_nr_alive(), nr);
	open_files(&reader, cgs, nr_read, files, v2 ? 6 : 5, nr_files);
	for (int i = -2; i < ROUNDS; i++) { /* the first two warm up */
		int at = i < 0 ? 0 : i;

		if (!i)
			(void)bench_program_ns("pf_snapshot", &before_ns, &before_runs);
		own[at] = snapshot(capture);
		memory[at] = scale * read_files(&reader, 0, reader.nr_memory);
		all[at] = memory[at] + scale * read_files(&reader, reader.nr_memory, reader.nr_fds);
		memory_ratio[at] = memory[at] / own[at];
		all_ratio[at] = all[at] / own[at];
	}
	(void)bench_program_ns("pf_snapshot", &after_ns, &after_runs);
	row->program_us = (double)(after_ns - before_ns) / 1e3 / ROUNDS;
	row->snapshot_us = bench_median(own, ROUNDS) / 1e3;
	row->memory_us = bench_median(memory, ROUNDS) / 1e3;
	row->all_us = bench_median(all, ROUNDS) / 1e3;
	row->memory_ratio = bench_median(memory_ratio, ROUNDS);
	row->all_ratio = bench_median(all_ratio, ROUNDS);
	close_files(&reader);
	bench_ops->close(capture);
}

int bench_snapshot(void)
{
	static const int sizes[] = { 100, 500, 1000, 2000 };
	static struct kt_cg cgs[2000];
	PF_AUTO(pf_closep) int stats = bench_stats_on();
	char name[16];
	int nr = 0;

	printf("== snapshot against kept-open files (cgroup %s), us of CPU time\n",
	       kt_cg_is_v2() ? "v2" : "v1 with PSI of the v2 tree");
	printf("  %8s %10s %12s %14s %10s %8s %8s\n", "cgroups", "snapshot", "its program",
	       "memory files", "all files", "ratio", "ratio");
	for (size_t s = 0; s < PF_ARRAY_SIZE(sizes); s++) {
		struct row row;

		for (; nr < sizes[s]; nr++) {
			snprintf(name, sizeof(name), "c%d", nr);
			kt_cg_new(&cgs[nr], name);
		}
		measure(cgs, nr, &row);
		printf("  %8d %10.0f %12.0f %14.0f %10.0f %8.1f %8.1f\n", nr, row.snapshot_us,
		       row.program_us, row.memory_us, row.all_us, row.memory_ratio, row.all_ratio);
		if (nr == 1000) {
			bench_goal("  memory files / snapshot", row.memory_ratio, "x", 18, 1);
			bench_goal("  all files / snapshot", row.all_ratio, "x", 25, 1);
		}
	}
	return 0;
}
