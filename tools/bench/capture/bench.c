// SPDX-License-Identifier: Apache-2.0
/*
 * bench.c - what the capture benchmarks share, and their main.
 *
 * Usage: bench-capture switch|sampler|snapshot|growth|agent PROGRAM
 */
#include "capture/bench.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kernel/cg.h"
#include "kernel/kt.h"

const struct pf_capture_ops *bench_ops;
static unsigned nr_alive;

/* cg.c ends a test with these; here they end the program; main removes its cgroups. */
static void leave(const char *kind, const char *format, va_list args)
{
	fprintf(stderr, "bench: %s: ", kind);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void kt_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	leave("failed", format, args);
	va_end(args);
	exit(1);
}

void kt_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	leave("cannot run here", format, args);
	va_end(args);
	exit(4);
}

int bench_stats_on(void)
{
	int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);

	if (fd < 0)
		kt_skip("no BPF statistics: %s", strerror(-fd));
	return fd;
}

/* The program behind a descriptor of another process, from its fdinfo; 0 if it is none. */
static uint32_t program_id(pid_t pid, const char *fd_name)
{
	char path[64], text[512];
	const char *line;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%.16s", (int)pid, fd_name);
	if (kt_read_file(path, text, sizeof(text)) <= 0 || !strstr(text, "prog_jited:"))
		return 0; /* a link's fdinfo has a prog_id too */
	line = strstr(text, "prog_id:");
	return line ? (uint32_t)strtoul(line + 8, NULL, 10) : 0;
}

static int program_info(uint32_t id, struct bpf_prog_info *ret_info)
{
	PF_AUTO(pf_closep) int fd = bpf_prog_get_fd_by_id(id);
	__u32 len = sizeof(*ret_info);

	memset(ret_info, 0, sizeof(*ret_info));
	return fd < 0 ? -1 : bpf_obj_get_info_by_fd(fd, ret_info, &len);
}

typedef void (*each_program_fn)(void *arg, const struct bpf_prog_info *info);

static int each_program(pid_t pid, each_program_fn fn, void *arg)
{
	char path[64];
	uint32_t seen[64];
	int nr = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	DIR *dir = opendir(path);

	for (struct dirent *e; dir && (e = readdir(dir));) {
		struct bpf_prog_info info;
		uint32_t id = e->d_name[0] == '.' ? 0 : program_id(pid, e->d_name);
		int i;

		for (i = 0; i < nr && seen[i] != id; i++)
			;
		if (!id || i < nr || nr == 64 || program_info(id, &info) < 0)
			continue;
		seen[nr++] = id;
		fn(arg, &info);
	}
	if (dir)
		closedir(dir);
	return nr;
}

struct sum {
	const char *switch_name;
	struct bench_runs runs;
};

static void add_program(void *arg, const struct bpf_prog_info *info)
{
	struct sum *sum = arg;

	if (info->type == BPF_PROG_TYPE_SYSCALL || info->type == BPF_PROG_TYPE_RAW_TRACEPOINT)
		return; /* runs in the process's own time */
	sum->runs.all_ns += info->run_time_ns;
	sum->runs.all_runs += info->run_cnt;
	if (!strncmp(info->name, sum->switch_name, strlen(sum->switch_name))) {
		sum->runs.switch_ns += info->run_time_ns;
		sum->runs.switch_runs += info->run_cnt;
	}
}

int bench_runs_of(pid_t pid, const char *switch_name, struct bench_runs *ret_runs)
{
	struct sum sum = { .switch_name = switch_name };
	int nr = each_program(pid, add_program, &sum);

	*ret_runs = sum.runs;
	return nr;
}

struct one {
	const char *name;
	uint64_t ns, runs;
	int err;
};

static void find_program(void *arg, const struct bpf_prog_info *info)
{
	struct one *one = arg;

	if (strcmp(info->name, one->name))
		return;
	one->ns = info->run_time_ns;
	one->runs = info->run_cnt;
	one->err = 0;
}

int bench_program_ns(const char *name, uint64_t *ret_ns, uint64_t *ret_runs)
{
	struct one one = { .name = name, .err = -ENOENT };

	(void)each_program(getpid(), find_program, &one);
	*ret_ns = one.ns;
	*ret_runs = one.runs;
	return one.err;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

double bench_least(const double *values, size_t n)
{
	double least = values[0];

	for (size_t i = 1; i < n; i++)
		least = PF_MIN(least, values[i]);
	return least;
}

uint64_t bench_thread_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * PF_NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* ---- podfit's source
 * ----------------------------------------------------------------------------------- */

static void classify(void *arg, const char *path, struct pf_cgroup_class *ret_class)
{
	const char *root = kt_cg_root();
	size_t length = strlen(root);

	(void)arg;
	*ret_class = (struct pf_cgroup_class){ .kind = PF_CGROUP_SKIP };
	if (!*path || !strcmp(path, "/") || !strcmp(path, root))
		ret_class->kind = PF_CGROUP_DESCEND;
	else if (!strncmp(path, root, length) && path[length] == '/')
		ret_class->kind = PF_CGROUP_CONTAINER;
}

/* The first few containers, for benchmarks of few. */
static struct {
	char path[sizeof(((struct kt_cg *)NULL)->path)];
	uint64_t handle;
} first[8];

static void on_appeared(void *arg, const struct pf_cgroup *cgroup)
{
	(void)arg;
	if (nr_alive < PF_ARRAY_SIZE(first)) {
		snprintf(first[nr_alive].path, sizeof(first[0].path), "%s", cgroup->path);
		first[nr_alive].handle = cgroup->handle;
	}
	nr_alive++;
}

uint64_t bench_handle(const struct kt_cg *cg)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(first); i++)
		if (!strcmp(first[i].path, cg->path))
			return first[i].handle;
	kt_fail("%s was not seen", cg->path);
}

static void on_sampled(void *arg, const struct pf_sample *sample)
{
	(void)arg;
	(void)sample;
}

static void on_vanished(void *arg, uint64_t handle)
{
	(void)arg;
	(void)handle;
	nr_alive--;
}

static void on_oom_killed(void *arg, const struct pf_oom_kill *kill)
{
	(void)arg;
	(void)kill;
}

unsigned bench_nr_alive(void)
{
	return nr_alive;
}

struct pf_capture *bench_open(uint32_t max_containers)
{
	struct pf_capture_opts opts = {
		.cgroup_root = "/sys/fs/cgroup",
		.proc_root = "/proc",
		.max_containers = max_containers,
		.interval_ns = 10 * PF_NS_PER_S,
		.growth_stacks = true, /* as in the agent */
		.classify = classify,
		.sink = { NULL, on_appeared, on_sampled, on_vanished, on_oom_killed },
	};
	struct pf_capture *capture = NULL;
	char error[512] = "";

	nr_alive = 0;
	bench_ops = pf_capture_find("bpf");
	if (!bench_ops)
		kt_fail("no capture source bpf");
	int r = bench_ops->open(&opts, &capture, error, sizeof(error));

	if (r < 0)
		kt_skip("%s", error);
	return capture;
}

void bench_goal(const char *name, double value, const char *unit, double goal, int more)
{
	printf("%s: %.3g%s (goal %s %g%s: %s)\n", name, value, unit, more ? ">=" : "<=", goal, unit,
	       (more ? value >= goal : value <= goal) ? "met" : "missed");
}

static pid_t running;

static void on_stop(int sig)
{
	(void)sig;
	kill(running, SIGKILL);
}

static int run(const char *which, const char *program)
{
	if (!strcmp(which, "switch"))
		return bench_switch();
	if (!strcmp(which, "sampler"))
		return bench_sampler();
	if (!strcmp(which, "snapshot"))
		return bench_snapshot();
	if (!strcmp(which, "growth"))
		return bench_growth();
	if (!strcmp(which, "agent") && program)
		return bench_agent(program);
	fputs("usage: bench-capture switch|sampler|snapshot|agent PROGRAM\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct rlimit files;
	int status = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (geteuid() != 0) {
		fputs("bench: needs root (cgroups, BPF)\n", stderr);
		return 4;
	}
	if (kt_cg_init() < 0) {
		fputs("bench: no cgroup file system is mounted\n", stderr);
		return 4;
	}
	/* Kept-open descriptors are the peer of the snapshot. */
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	/* In a process of its own: however it ends, its children end with it and the cgroups go. */
	running = fork();
	if (running < 0) {
		perror("fork");
		return 1;
	}
	if (!running) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		exit(run(argc > 1 ? argv[1] : "", argc > 2 ? argv[2] : NULL));
	}
	signal(SIGINT, on_stop);
	signal(SIGTERM, on_stop);
	while (waitpid(running, &status, 0) < 0 && errno == EINTR)
		;
	kt_cg_remove_all();
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
