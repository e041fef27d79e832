// SPDX-License-Identifier: Apache-2.0
/*
 * bench-limit-curve: how good is the limit curve? Real load under real quotas: measured at each one, predicted for all
 * the others from what the agent keeps, then compared. Root; cgroup v1 or v2, in a cgroup of its own.
 *
 * Every shape runs without a quota, under four, and under one with CFS burst. A run that was throttled nearly all the
 * time says nothing about larger limits, and podfit says so itself; such predictions are left out. The group gets all
 * the weight there is, so that other work on the machine disturbs little; how long its threads still waited for a CPU is
 * printed, because that is stall no limit explains. Predictions from a run without throttling, for lower limits and for
 * higher ones are told apart: the last are guesses, since work that a quota holds back cannot be seen coming.
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
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capture/source.h"
#include "core/limit_curve.h"

enum { SECONDS = 10, NR_QUOTAS = 5, NR_RUNS = NR_QUOTAS + 1, THREADS_MAX = 4, ERRORS_MAX = 512 };

/* Below this many ms a second a share of stall says nothing. */
#define STALL_FLOOR_MS 5.0

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
	/* The model was not made looking at these. */
	{ "requests: 1 ms a 4 ms, random", 1, 1000, 4000, true },
	{ "long, random: 150 ms a 700 ms", 1, 150000, 700000, true },
	{ "three threads: 15 ms a 150 ms, random", 3, 15000, 150000, true },
};

static const int64_t quotas_us[NR_QUOTAS] = { -1, 70000, 50000, 35000, 25000 };

/* The last run: this quota again, with as much burst. */
enum { BURST_OF = 2 };

/* What a run showed. */
struct seen {
	struct pf_evidence *evidence;
	double throttled_ratio, stall_s_per_s, contention_s_per_s;
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

static const char *const controllers[] = { "cpu", "cpuacct", "memory", "pids", "" };

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

/* After the quota, which is never smaller. */
static bool set_burst(int64_t burst_us)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, burst_us);
	return put("cpu", "cpu.cfs_burst_us", text) || put("", "cpu.max.burst", text);
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

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	enter();
	for (unsigned i = 0; i < shape->threads; i++) {
		workers[i] = (struct worker){ shape, 13 + 7919 * i };
		if (i && pthread_create(&threads[i], NULL, work, &workers[i]) != 0)
			_exit(1);
	}
	work(&workers[0]);
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
	sleep(SECONDS); /* the agent's interval: shorter samples cut more runs of throttled windows at their ends */
	ops->snapshot(capture, now_ns());
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
	ret_seen->contention_s_per_s =
		s->contention_wait_ns < PF_NO_LIMIT
			? (double)s->contention_wait_ns / (double)s->covered_ns
			: 0;
	pf_slice_free(r->slice);
	r->slice = NULL;
	return 0;
}

static int run(const struct shape *shape, int64_t quota_us, int64_t burst_us, struct seen *ret_seen)
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
	if (!set_quota(quota_us) || (burst_us && !set_burst(burst_us)))
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

enum from { FROM_FREE, FROM_HIGHER, FROM_LOWER, FROM_BURST, NR_FROMS };

static const char *const from_names[NR_FROMS] = { "from no quota", "from a higher limit",
						  "from a lower limit", "with CFS burst" };

struct error {
	enum from from;
	size_t shape;
	double ratio, stall_s_per_s, stall_ratio; /* stall_ratio: NaN below the floor */
};

static struct error errors[ERRORS_MAX];
static size_t nr_errors;

static void compare(size_t shape, enum from from, const struct pf_curve_point *p,
		    const struct seen *seen)
{
	double stall = p->stall_ns_per_s / 1e9, off = fabs(stall - seen->stall_s_per_s);

	printf("  %3.0f/%3.0f%% %4.0f/%4.0fms", 100 * p->throttled_ratio,
	       100 * seen->throttled_ratio, stall * 1e3, 1000 * seen->stall_s_per_s);
	if (nr_errors == ERRORS_MAX)
		return;
	errors[nr_errors++] = (struct error){
		from, shape, fabs(p->throttled_ratio - seen->throttled_ratio), off,
		seen->stall_s_per_s * 1e3 >= STALL_FLOOR_MS ? off / seen->stall_s_per_s : NAN
	};
}

static void predict(size_t shape, const struct seen *runs, int at)
{
	struct pf_limit_model model;
	bool good = pf_limit_model_init(runs[at].evidence, &model) == 0 && !model.saturated;
	struct pf_curve_point p;

	if (quotas_us[at] < 0)
		printf("  from no quota");
	else
		printf("  from %7" PRId64 "m", quotas_us[at] / 100);
	for (int i = 1; i < NR_QUOTAS; i++) {
		if (!good || i == at) {
			printf("  %20s", i == at ? "-" : "never caught up");
			continue;
		}
		pf_limit_at(&model, (uint64_t)quotas_us[i] / 100, PF_UNKNOWN, &p);
		compare(shape, !at ? FROM_FREE : i > at ? FROM_HIGHER : FROM_LOWER, &p, &runs[i]);
	}
	if (good) {
		pf_limit_at(&model, (uint64_t)quotas_us[BURST_OF] / 100,
			    (uint64_t)quotas_us[BURST_OF], &p);
		compare(shape, FROM_BURST, &p, &runs[NR_QUOTAS]);
	}
	printf("\n");
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Mean, 90th percentile and highest of the errors that are known. */
static void print_spread(double *values, size_t nr, double unit, const char *unit_name)
{
	double sum = 0;

	if (!nr) {
		printf("  %-24s", "-");
		return;
	}
	qsort(values, nr, sizeof(*values), by_value);
	for (size_t i = 0; i < nr; i++)
		sum += values[i];
	printf("  %5.1f %5.1f %5.1f %-6s", unit * sum / (double)nr, unit * values[nr * 9 / 10],
	       unit * values[nr - 1], unit_name);
}

static void print_errors(const char *name, int shape, int from)
{
	double ratio[ERRORS_MAX], ms[ERRORS_MAX], share[ERRORS_MAX];
	size_t nr = 0, nr_shares = 0;

	for (size_t i = 0; i < nr_errors; i++) {
		const struct error *e = &errors[i];

		if ((shape >= 0 && e->shape != (size_t)shape) ||
		    (from >= 0 ? (int)e->from != from : e->from == FROM_BURST))
			continue;
		ratio[nr] = e->ratio;
		ms[nr++] = e->stall_s_per_s;
		if (!isnan(e->stall_ratio))
			share[nr_shares++] = e->stall_ratio;
	}
	printf("%-38s %3zu", name, nr);
	print_spread(ratio, nr, 100, "points");
	print_spread(ms, nr, 1000, "ms/s");
	print_spread(share, nr_shares, 100, "%");
	printf("\n");
}

static int one_shape(size_t shape)
{
	struct seen runs[NR_RUNS] = { 0 };
	int r = 0;

	printf("%s\n  %-13s", shapes[shape].name, "limit");
	for (int i = 1; i < NR_QUOTAS; i++)
		printf("  %19" PRId64 "m", quotas_us[i] / 100);
	printf("  %9" PRId64 "m with burst\n", quotas_us[BURST_OF] / 100);
	for (int i = 0; i < NR_QUOTAS && r == 0; i++)
		r = run(&shapes[shape], quotas_us[i], 0, &runs[i]);
	if (r == 0)
		r = run(&shapes[shape], quotas_us[BURST_OF], quotas_us[BURST_OF], &runs[NR_QUOTAS]);
	for (int i = 0; i < NR_QUOTAS && r == 0; i++)
		predict(shape, runs, i);
	printf("  waited for a CPU, ms a second:");
	for (int i = 0; i < NR_RUNS; i++)
		printf(" %.0f", 1000 * runs[i].contention_s_per_s);
	printf("\n");
	for (int i = 0; i < NR_RUNS; i++)
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
		r = one_shape(i);
	make_cgroup(false);
	if (r < 0) {
		printf("bench-limit-curve: not run: %s\n", strerror(-r));
		return r != -EOPNOTSUPP && r != -EPERM;
	}
	printf("errors: mean, 90th percentile, highest, of throttled periods, of stall, of stall where it is %.0f ms/s or more\n",
	       STALL_FLOOR_MS);
	for (size_t i = 0; i < PF_ARRAY_SIZE(shapes); i++)
		print_errors(shapes[i].name, (int)i, -1);
	for (int i = 0; i < NR_FROMS; i++)
		print_errors(from_names[i], -1, i);
	print_errors("all without burst", -1, -1);
	return 0;
}
