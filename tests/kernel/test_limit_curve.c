// SPDX-License-Identifier: Apache-2.0
/*
 * test_limit_curve.c - the limit curve against this kernel: load under one limit, predictions for others, and the same load
 * really under those. tools/bench/limit_curve.c has more shapes and prints errors; here a few are held within bounds.
 *
 * Every run sees the same arrivals, and each thread has a CPU of its own, so that only work outside makes one wait for it.
 * That is stall no limit explains, and the tests' machine may be busy: a prediction is checked only if the runs on both of
 * its sides waited little, as measured; else it is left out and noted.
 */
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/limit_curve.h"
#include "kernel/kt.h"
#include "kernel/src.h"
#include "kernel/work.h"

enum { PERIOD_US = 100000, RUNS_MAX = 4, NR_CPUS = 2 };

/* Waiting for a CPU beyond this share of the time: somebody else's doing. */
#define WAITED_RATIO 0.03

/* Open loop: work comes when it comes, whether the last is done or not. */
struct shape {
	unsigned threads;
	double work_ms, gap_ms; /* of each thread, from one arrival to the next */
	bool random;		/* exponential */
	unsigned seconds;
};

struct run {
	int64_t quota_us; /* -1: none */
	uint64_t burst_us;
	struct kt_cg cg;
	struct pf_limit_model model;
	double nr_periods, throttled_ratio, stall_ms_per_s, waited_ratio;
};

/* ---- load ---- */

static struct shape shape; /* of the workloads forked from now on */
static unsigned first_cpu;

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double spread(unsigned *seed, double mean)
{
	return shape.random ? -log((rand_r(seed) + 1.0) / (RAND_MAX + 2.0)) * mean : mean;
}

static void job(struct kt_task *task)
{
	static _Atomic unsigned nr_threads;
	unsigned thread = nr_threads++, seed = 13 + 7919 * thread;
	uint64_t end_ns = task->go_ns + task->load->amount;
	double next_ms = (double)task->go_ns / 1e6;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((first_cpu + thread) % NR_CPUS, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0)
		_exit(1);
	while (kt_now_ns() < end_ns) {
		double until_ms = cpu_ms() + spread(&seed, shape.work_ms);
		struct timespec at;

		while (cpu_ms() < until_ms && kt_now_ns() < end_ns)
			;
		next_ms += spread(&seed, shape.gap_ms);
		next_ms = fmin(next_ms, (double)end_ns / 1e6);
		at = (struct timespec){ (time_t)(next_ms / 1e3), (long)(fmod(next_ms, 1e3) * 1e6) };
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
	}
}

/* ---- runs ---- */

static void prepare(struct run *run, const char *name)
{
	kt_cg_new(&run->cg, name);
	kt_cg_set_weight_max(&run->cg);
	kt_cg_set_quota(&run->cg, run->quota_us, PERIOD_US);
	if (run->burst_us && !kt_cg_set_burst(&run->cg, run->burst_us))
		kt_skip("this kernel has no CFS burst");
}

static void note(struct run *run, const struct pf_slice *s)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *evidence = NULL;
	struct pf_vpa_settings settings;

	pf_vpa_settings_default(&settings);
	if (pf_evidence_new(&settings, &evidence) < 0 ||
	    pf_evidence_add_slice(evidence, 1, s) < 0 ||
	    pf_limit_model_init(evidence, &run->model) < 0)
		kt_fail("no model");
	KT_TRUE("windows were kept one by one", run->model.has_queues);
	run->nr_periods = (double)s->nr_periods;
	run->throttled_ratio = s->nr_periods ? (double)s->nr_throttled / (double)s->nr_periods : 0;
	run->stall_ms_per_s = 1e3 * (double)s->throttled_ns / (double)s->covered_ns;
	run->waited_ratio = (double)s->contention_wait_ns / (double)s->covered_ns;
	kt_note("%lldm, burst %llu us: %.1f %% of %llu periods, stall %.1f ms/s, waited %.1f ms/s, %.1f threads",
		(long long)run->quota_us / 100, (unsigned long long)run->burst_us,
		100 * run->throttled_ratio, (unsigned long long)s->nr_periods, run->stall_ms_per_s,
		1e3 * run->waited_ratio, run->model.nr_threads);
}

/* One load for each, at the same time: as many as have CPUs of their own. */
static void run_together(struct kt_src *src, struct run *runs, unsigned nr)
{
	struct kt_work *works[RUNS_MAX];

	for (unsigned i = 0; i < nr; i++) {
		first_cpu = i * shape.threads;
		works[i] =
			kt_work_start(&(struct kt_load){ .cg = &runs[i].cg,
							 .nr_tasks = shape.threads,
							 .cpu = -1,
							 .job = job,
							 .amount = shape.seconds * PF_NS_PER_S });
	}
	kt_src_begin(src);
	for (unsigned i = 0; i < nr; i++)
		kt_work_go(works[i]);
	for (unsigned i = 0; i < nr; i++)
		kt_work_wait(works[i]);
	kt_src_end(src);
	for (unsigned i = 0; i < nr; i++) {
		note(&runs[i], kt_src_get(src, &runs[i].cg)->slice);
		kt_work_end(works[i]);
	}
}

static void run_all(struct run *runs, unsigned nr)
{
	static const char *const names[RUNS_MAX] = { "a", "b", "c", "d" };
	unsigned together = NR_CPUS / shape.threads;

	if (sysconf(_SC_NPROCESSORS_ONLN) < NR_CPUS)
		kt_skip("needs %d CPUs", NR_CPUS);
	for (unsigned i = 0; i < nr; i++)
		prepare(&runs[i], names[i]);
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);

	kt_src_need(src, PF_SIGNAL_CPU_WINDOWS);
	kt_src_need(src, PF_SIGNAL_THROTTLING);
	kt_src_need(src, PF_SIGNAL_RUNQ_SPLIT);
	kt_src_keep_slices(src);
	for (unsigned i = 0; i < nr; i += together)
		run_together(src, &runs[i], PF_MIN(together, nr - i));
}

/* ---- comparing ---- */

static unsigned nr_compared;

/*
 * A run of n periods tells a share r of throttled ones with a standard deviation of sqrt(r (1 - r) / n), whatever is
 * predicted: the periods lie by chance against the arrivals. Two of them are added to the goals, 5 points and 10 % of stall.
 */
static void compare(const struct run *from, const struct run *to, double points, double stall_ratio)
{
	double r = to->throttled_ratio, noise = 2 * sqrt(r * (1 - r) / to->nr_periods);
	struct pf_curve_point p;

	if (kt_settings.emulated) {
		kt_note("not compared: the time of an emulated machine does not pass evenly");
		return;
	}
	if (from->waited_ratio > WAITED_RATIO || to->waited_ratio > WAITED_RATIO) {
		kt_note("left out: waited %.1f and %.1f %% of the time for a CPU",
			100 * from->waited_ratio, 100 * to->waited_ratio);
		return;
	}
	nr_compared++;
	pf_limit_at(&from->model, (uint64_t)to->quota_us / 100,
		    to->burst_us ? to->burst_us : PF_UNKNOWN, &p);
	KT_NEAR("throttled periods, in percent", 100 * p.throttled_ratio, 100 * r, 0,
		points + 100 * noise);
	KT_NEAR("stall, in ms a second", p.stall_ns_per_s / 1e6, to->stall_ms_per_s,
		stall_ratio + noise / r, 0);
}

static void end(void)
{
	if (!nr_compared && !kt_settings.emulated)
		kt_skip("the machine is too busy: every run waited for a CPU more than %.0f %% of the time",
			100 * WAITED_RATIO);
}

static void not_emulated(void)
{
	if (kt_settings.emulated)
		kt_skip("emulated: its time does not pass evenly, and a period is wall time");
}

/* On an emulated machine only that windows are kept one by one. */
KT_TEST(limit_curve_steady, "the limit curve: a steady load")
{
	struct run runs[] = { { .quota_us = -1 }, { .quota_us = 25000 } };

	shape = (struct shape){ 1, 3, 10, false, 3 };
	run_all(runs, 2);
	compare(&runs[0], &runs[1], 5, 0.1);
	end();
}

KT_TEST(limit_curve_bursts, "the limit curve: random bursts, throttled already, CFS burst")
{
	struct run runs[] = { { .quota_us = -1 },
			      { .quota_us = 35000 },
			      { .quota_us = 50000 },
			      { .quota_us = 35000, .burst_us = 35000 } };

	not_emulated();
	shape = (struct shape){ 1, 20, 100, true, 8 };
	run_all(runs, 4);
	for (unsigned i = 1; i < 4; i++)
		compare(&runs[0], &runs[i], 5, 0.1);
	compare(&runs[2], &runs[1], 5, 0.1);
	/* What a limit held back cannot be seen coming: 3 to 16 points too many and up to twice the stall, as measured. */
	compare(&runs[1], &runs[2], 15, 1);
	end();
}

KT_TEST(limit_curve_threads, "the limit curve: two threads share a quota")
{
	struct run runs[] = { { .quota_us = -1 }, { .quota_us = 35000 } };

	not_emulated();
	shape = (struct shape){ 2, 30, 200, true, 8 };
	run_all(runs, 2);
	/* How many of them wait is hard to know in so short a time: too much stall by up to a half, as measured. */
	compare(&runs[0], &runs[1], 5, 0.5);
	end();
}
