// SPDX-License-Identifier: Apache-2.0
/*
 * bench-limit-curve: how good is the limit curve? Real load under real quotas: measured at each one, predicted for all
 * the others from the demand windows alone, then compared. Root; cgroup v1 or v2, in a cgroup of its own.
 *
 * Measured on two busy CPUs: the share of periods is met within 5 percentage points on average; the stall is not, where
 * several tasks run at once or the limit is close to what is used (the output shows where).
 *
 * Every shape runs without a quota and under four. A run that was throttled nearly all the time says nothing about
 * larger limits, and podfit says so itself; such predictions are left out. The group gets all the weight there is, so
 * that other work on the machine disturbs little.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capture/source.h"
#include "core/limit_curve.h"

enum { SECONDS = 6, NR_QUOTAS = 5, THREADS_MAX = 4 };

static const struct shape {
	const char *name;
	unsigned threads, work_us, period_us;
	bool random; /* exponential lengths and gaps */
} shapes[] = {
	{ "steady: 3 ms each 10 ms", 1, 3000, 10000, false },
	{ "bursts: 20 ms a 100 ms, random", 1, 20000, 100000, true },
	{ "long bursts: 300 ms each 1.5 s", 1, 300000, 1500000, false },
	{ "two threads: 30 ms a 200 ms, random", 2, 30000, 200000, true },
	{ "four threads: 10 ms a 90 ms, random", 4, 10000, 90000, true },
};

static const int64_t quotas_us[NR_QUOTAS] = { -1, 70000, 50000, 35000, 25000 };

/* What a run showed. */
struct seen {
	struct pf_evidence *evidence;
	double throttled_ratio, stall_s_per_s;
};

/* ---- the cgroup ---- */

static char cgroup_name[64];

static bool put(const char *controller, const char *file, const char *text)
{
	char path[256];
	FILE *f;
	bool ok;

	snprintf(path, sizeof(path), "/sys/fs/cgroup/%s%s%s/%s", controller, *controller ? "/" : "",
		 cgroup_name, file);
	f = fopen(path, "we");
	if (!f)
		return false;
	ok = fputs(text, f) >= 0;
	return fclose(f) == 0 && ok;
}

static const char *const controllers[] = { "cpu", "cpuacct", "memory", "" };

static void make_cgroup(bool make)
{
	char path[256];

	for (size_t i = 0; i < PF_ARRAY_SIZE(controllers); i++) {
		struct stat st;

		snprintf(path, sizeof(path), "/sys/fs/cgroup/%s", controllers[i]);
		/* v1 has a folder for each controller, v2 one tree. */
		if ((*controllers[i] && stat(path, &st) < 0) ||
		    (!*controllers[i] && access("/sys/fs/cgroup/cgroup.controllers", F_OK) < 0))
			continue;
		snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/%s", controllers[i], cgroup_name);
		if (make)
			(void)mkdir(path, 0755);
		else
			(void)rmdir(path);
	}
}

static bool set_quota(int64_t quota_us)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, quota_us);
	if (put("cpu", "cpu.cfs_quota_us", text))
		return put("cpu", "cpu.shares", "262144");
	if (quota_us < 0)
		snprintf(text, sizeof(text), "max 100000");
	else
		snprintf(text, sizeof(text), "%" PRId64 " 100000", quota_us);
	return put("", "cpu.max", text) && put("", "cpu.weight", "10000");
}

static void enter(void)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(controllers); i++)
		(void)put(controllers[i], "cgroup.procs",
			  "0"); /* where there is no such folder there is nothing to enter */
}

/* ---- the load ---- */

static double clock_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

struct worker {
	const struct shape *shape;
	unsigned seed;
};

static double spread(struct worker *w, double mean)
{
	return w->shape->random ? -log((rand_r(&w->seed) + 1.0) / (RAND_MAX + 2.0)) * mean : mean;
}

/* Open loop: work comes when it comes, whether the last is done or not. Ends with the process. */
static void *work(void *arg)
{
	struct worker *w = arg;
	double next = clock_us(CLOCK_MONOTONIC);

	for (;;) {
		double until = clock_us(CLOCK_THREAD_CPUTIME_ID) + spread(w, w->shape->work_us);
		struct timespec at;

		while (clock_us(CLOCK_THREAD_CPUTIME_ID) < until)
			;
		next += spread(w, w->shape->period_us);
		at = (struct timespec){ (time_t)(next / 1e6), (long)(fmod(next, 1e6) * 1e3) };
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
	}
	return NULL;
}

static pid_t start_load(const struct shape *shape)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;

	static struct worker workers[THREADS_MAX];
	pthread_t threads[THREADS_MAX];

	enter();
	for (unsigned i = 0; i < shape->threads; i++) {
		workers[i] = (struct worker){ shape, 13 + 7919 * i };
		if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0)
			_exit(1);
	}
	pause();
	_exit(0);
}

/* ---- capture ---- */

struct recorder {
	bool on;
	struct pf_slice *slice;
};

static void classify(void *arg, const char *path, struct pf_cgroup_class *ret_class)
{
	(void)arg;
	memset(ret_class, 0, sizeof(*ret_class));
	if (!*path || !strcmp(path, "/"))
		ret_class->kind = PF_CGROUP_DESCEND;
	else if (!strcmp(path + 1, cgroup_name))
		ret_class->kind = PF_CGROUP_PLAIN;
	snprintf(ret_class->name, sizeof(ret_class->name), "load");
}

static void appeared(void *arg, const struct pf_cgroup *cgroup)
{
	(void)arg;
	(void)cgroup;
}

static void vanished(void *arg, uint64_t handle)
{
	(void)arg;
	(void)handle;
}

static void killed(void *arg, const struct pf_oom_kill *kill)
{
	(void)arg;
	(void)kill;
}

static void sampled(void *arg, const struct pf_sample *sample)
{
	struct recorder *r = arg;

	if (r->on && pf_slice_add(r->slice, sample, false) < 0)
		abort();
}

static uint64_t now_ns(void)
{
	return (uint64_t)(clock_us(CLOCK_MONOTONIC) * 1e3);
}

static int record(const struct pf_capture_ops *ops, struct pf_capture *capture, struct recorder *r,
		  const struct shape *shape, struct seen *ret_seen)
{
	struct pf_vpa_settings settings;
	const struct pf_slice *s;
	pid_t pid;

	if (pf_slice_new(&r->slice) < 0)
		return -ENOMEM;
	pid = start_load(shape);
	if (pid < 0)
		return -errno;
	sleep(1);
	ops->snapshot(capture, now_ns());
	r->on = true;
	for (int i = 0; i < SECONDS; i++) {
		sleep(1);
		ops->snapshot(capture, now_ns());
	}
	r->on = false;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	s = r->slice;
	pf_vpa_settings_default(&settings);
	if (pf_evidence_new(&settings, &ret_seen->evidence) < 0 ||
	    pf_evidence_add_slice(ret_seen->evidence, 1, s) < 0)
		return -ENOMEM;
	ret_seen->throttled_ratio = s->nr_periods < PF_NO_LIMIT && s->nr_periods
					    ? (double)s->nr_throttled / (double)s->nr_periods
					    : 0;
	ret_seen->stall_s_per_s =
		s->throttled_ns < PF_NO_LIMIT ? (double)s->throttled_ns / (double)s->covered_ns : 0;
	pf_slice_free(r->slice);
	r->slice = NULL;
	return 0;
}

static int run(const struct shape *shape, int64_t quota_us, struct seen *ret_seen)
{
	const struct pf_capture_ops *ops = pf_capture_find("bpf");
	struct recorder recorder = { 0 };
	struct pf_capture_opts opts = {
		.cgroup_root = "/sys/fs/cgroup",
		.proc_root = "/proc",
		.max_containers = 64,
		.interval_ns = PF_NS_PER_S,
		.classify = classify,
		.sink = { &recorder, appeared, sampled, vanished, killed },
	};
	struct pf_capture *capture = NULL;
	char error[256] = "";
	int r;

	make_cgroup(true);
	if (!set_quota(quota_us))
		return -EOPNOTSUPP;
	r = ops->open(&opts, &capture, error, sizeof(error));
	if (r < 0) {
		fprintf(stderr, "bench-limit-curve: %s\n", error);
		return r;
	}
	ops->snapshot(capture, now_ns());
	r = record(ops, capture, &recorder, shape, ret_seen);
	ops->close(capture);
	usleep(100000);
	make_cgroup(false);
	return r;
}

/* ---- comparing ---- */

static double ratio_errors[256], stall_errors[256];
static size_t nr_errors;

static void compare(const struct seen *from, int64_t from_us, const struct seen *runs)
{
	struct pf_limit_model model;
	bool has_model = pf_limit_model_init(from->evidence, &model) == 0;

	if (from_us < 0)
		printf("  from no quota");
	else
		printf("  from %7" PRId64 "m", from_us / 100);
	for (int i = 1; i < NR_QUOTAS; i++) {
		struct pf_curve_point p;

		if (!has_model || model.saturated || quotas_us[i] == from_us) {
			printf("  %20s", quotas_us[i] == from_us ? "-" : "never caught up");
			continue;
		}
		pf_limit_at(&model, (uint64_t)quotas_us[i] / 100, PF_UNKNOWN, &p);
		printf("  %3.0f/%3.0f%% %4.0f/%4.0fms", 100 * p.throttled_ratio,
		       100 * runs[i].throttled_ratio, p.stall_ns_per_s / 1e6,
		       1000 * runs[i].stall_s_per_s);
		ratio_errors[nr_errors] = fabs(p.throttled_ratio - runs[i].throttled_ratio);
		stall_errors[nr_errors++] = fabs(p.stall_ns_per_s / 1e9 - runs[i].stall_s_per_s);
	}
	printf("\n");
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void print_errors(const char *what, double *errors, double unit, const char *unit_name)
{
	double sum = 0;

	qsort(errors, nr_errors, sizeof(*errors), by_value);
	for (size_t i = 0; i < nr_errors; i++)
		sum += errors[i];
	printf("%s: mean %.1f, median %.1f, 90th percentile %.1f %s (%zu predictions)\n", what,
	       unit * sum / (double)nr_errors, unit * errors[nr_errors / 2],
	       unit * errors[nr_errors * 9 / 10], unit_name, nr_errors);
}

static int one_shape(const struct shape *shape)
{
	struct seen runs[NR_QUOTAS] = { 0 };
	int r = 0;

	printf("%s\n  %-13s", shape->name, "limit");
	for (int i = 1; i < NR_QUOTAS; i++)
		printf("  %19" PRId64 "m", quotas_us[i] / 100);
	printf("\n");
	for (int i = 0; i < NR_QUOTAS && r == 0; i++)
		r = run(shape, quotas_us[i], &runs[i]);
	for (int i = 0; i < NR_QUOTAS && r == 0; i++)
		compare(&runs[i], quotas_us[i], runs);
	for (int i = 0; i < NR_QUOTAS; i++)
		pf_evidence_free(runs[i].evidence);
	return r;
}

int main(void)
{
	int r = 0;

	if (geteuid() != 0) {
		printf("bench-limit-curve: needs root, not run\n");
		return 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	snprintf(cgroup_name, sizeof(cgroup_name), "podfit-curve-%d", (int)getpid());
	printf("predicted/measured: share of CFS periods throttled, stall a second\n");
	for (size_t i = 0; i < PF_ARRAY_SIZE(shapes) && r == 0; i++)
		r = one_shape(&shapes[i]);
	make_cgroup(false);
	if (r < 0) {
		printf("bench-limit-curve: not run: %s\n", strerror(-r));
		return r != -EOPNOTSUPP && r != -EPERM;
	}
	print_errors("throttled periods, error", ratio_errors, 100, "percentage points");
	print_errors("stall, error", stall_errors, 1000, "ms a second");
	return 0;
}
