// SPDX-License-Identifier: Apache-2.0
/*
 * test_cpu.c - CPU time and its 100 ms windows against processes that know what they burned.
 */
#include <string.h>
#include <unistd.h>

#include "kernel/audit.h"
#include "kernel/kt.h"
#include "kernel/src.h"
#include "kernel/work.h"

KT_TEST(cpu_burn, "CPU burned is CPU reported")
{
	struct kt_cg cg;

	kt_cg_new(&cg, "a");
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);
	PF_AUTO(kt_work_endp)
	struct kt_work *work = kt_work_start(&(struct kt_load){ .cg = &cg,
								.nr_tasks = 2,
								.cpu = -1,
								.job = kt_job_burn,
								.amount = 700 * PF_NS_PER_MS });

	kt_src_begin(src);
	uint64_t before_ns = kt_cg_cpu_ns(&cg);

	kt_work_go(work);
	kt_work_wait(work);
	kt_src_end(src);
	uint64_t kernel_ns = kt_cg_cpu_ns(&cg) - before_ns;
	const struct kt_seen *seen = kt_src_get(src, &cg);

	kt_src_note_losses(src);
	KT_NEAR("usage against the kernel's file", seen->sum.usage_ns, kernel_ns, kt_share(0.01),
		0);
	KT_NEAR("usage against the tasks' own clocks", seen->sum.usage_ns, kt_work_cpu_ns(work),
		kt_share(0.01), 0);
	KT_RANGE("burned at all", (double)kt_work_cpu_ns(work), 1.4e9, 1e12);
}

KT_TEST(cpu_nested, "cgroups inside a container count for it")
{
	struct kt_cg cg, inner, innermost;

	kt_cg_new(&cg, "a");
	kt_cg_delegate(&cg);
	kt_cg_new(&inner, "a/b");
	kt_cg_delegate(&inner);
	kt_cg_new(&innermost, "a/b/c");
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);
	PF_AUTO(kt_work_endp)
	struct kt_work *work = kt_work_start(&(struct kt_load){ .cg = &innermost,
								.nr_tasks = 3,
								.cpu = 0,
								.job = kt_job_burn,
								.amount = 200 * PF_NS_PER_MS });
	struct kt_schedstat start, end;
	PF_AUTO(kt_audit_closep)
	struct kt_audit *audit = strcmp(kt_settings.source, "bpf") ? NULL : kt_audit_open();

	kt_src_begin(src);
	uint64_t before_ns = kt_cg_cpu_ns(&cg);

	kt_work_schedstat(work, &start);
	kt_work_go(work);
	if (audit)
		kt_audit_wait(audit, work);
	else
		kt_work_wait(work);
	kt_src_end(src);
	kt_work_schedstat(work, &end);
	const struct kt_seen *seen = kt_src_get(src, &cg);

	kt_src_note_losses(src);
	KT_NEAR("usage", seen->sum.usage_ns, kt_cg_cpu_ns(&cg) - before_ns, kt_share(0.01), 0);
	KT_TRUE("nothing reported for the cgroups inside",
		!kt_src_find(src, &inner) && !kt_src_find(src, &innermost));
	if (kt_src_has(src, PF_SIGNAL_RUNQ_LATENCY))
		KT_NEAR("waits of nested tasks",
			seen->sum.quota_wait_ns + seen->sum.contention_wait_ns,
			end.delay_ns - start.delay_ns, kt_share(0.01), 1e6);
}

KT_TEST(cpu_windows, "the 100 ms windows add up to the use")
{
	struct kt_cg cg;

	kt_cg_new(&cg, "a");
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);
	PF_AUTO(kt_work_endp)
	struct kt_work *work = kt_work_start(&(struct kt_load){ .cg = &cg,
								.nr_tasks = 2,
								.cpu = -1,
								.job = kt_job_gaps,
								.amount = 2 * PF_NS_PER_S });

	kt_src_need(src, PF_SIGNAL_CPU_WINDOWS);
	kt_src_begin(src);
	kt_work_go(work);
	kt_work_wait(work);
	kt_src_end(src);
	const struct kt_seen *seen = kt_src_get(src, &cg);
	double nominal = (double)(seen->end_ns - seen->start_ns) / 1e8;
	double mean = 0;

	KT_INT("CPUs of the node", (int64_t)seen->sum.nr_cpus, sysconf(_SC_NPROCESSORS_ONLN));

	/* Of the time each task had: on a machine that does not get its CPUs that is more than what was asked. */
	for (unsigned i = 0; i < kt_work_nr_tasks(work); i++) {
		const struct kt_task *task = kt_work_task(work, i);

		mean += 1000 * (double)task->cpu_ns / (double)(task->end_ns - task->go_ns);
	}

	/* A window that comes late is longer than 100 ms, and its length is not kept: with late ones the
	 * sums below say nothing. That happens on a machine that does not get its CPUs. */
	uint64_t late = kt_src_loss(src, "window_late");

	kt_src_note_losses(src);
	KT_RANGE("number of windows", seen->sum.nr_windows, late ? 1 : 0.9 * nominal - 1,
		 nominal + 2);
	KT_INT("windows in the histogram and idle ones",
	       (int64_t)(kt_seen_count(seen, PF_HIST_USAGE) + seen->sum.nr_idle_windows),
	       (int64_t)seen->sum.nr_windows);
	KT_INT("windows of demand and idle ones",
	       (int64_t)(kt_seen_count(seen, PF_HIST_DEMAND) + seen->sum.nr_demand_idle_windows),
	       (int64_t)seen->sum.nr_windows);
	KT_RANGE("highest window", seen->peak_usage_millicores, 0.97 * mean, 1e6);
	if (!late) {
		/* Half of a bucket's width (3.2 %), and how far a window is from 100 ms. */
		KT_NEAR("millicores of all windows x 100 ms",
			kt_seen_sum(seen, PF_HIST_USAGE) * 1e5, seen->sum.usage_ns,
			0.032 + kt_share(0.02), 2e6);
		/* Kept one by one they are nearer: three digits. */
		KT_INT("windows kept", (int64_t)seen->nr_kept_windows,
		       (int64_t)seen->sum.nr_windows);
		KT_NEAR("use in the windows kept", (double)seen->kept_used_us * 1e3,
			seen->sum.usage_ns, kt_share(0.02), 2e6);
		KT_RANGE("CPUs with a task to run", seen->kept_most_running, 1,
			 (double)sysconf(_SC_NPROCESSORS_ONLN));
		/* The use of a running task is brought up to date at each tick: a window may hold a tick
		 * of the one before, and the time a CPU was away, once for each CPU. */
		double nr_cpus = (double)sysconf(_SC_NPROCESSORS_ONLN),
		       away_ns = kt_work_cpus_away_ns(work);

		kt_note("CPUs away for up to %.1f ms", away_ns / 1e6);
		KT_RANGE("highest window", seen->peak_usage_millicores, 0.97 * mean,
			 (1000 + 1000 * kt_share(0.08)) * nr_cpus + away_ns / 1e8 * 1000);
	}
	KT_RANGE("idle windows while resting", seen->sum.nr_idle_windows, 1, 0.5 * nominal);
}

KT_TEST(cpu_idle, "a container that sleeps has used, waited and demanded nothing")
{
	struct kt_cg cg;

	kt_cg_new(&cg, "a");
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);
	PF_AUTO(kt_work_endp)
	struct kt_work *work =
		kt_work_start(&(struct kt_load){ .cg = &cg, .cpu = -1, .job = kt_job_nap });

	kt_src_need(src, PF_SIGNAL_CPU_WINDOWS);
	kt_src_begin(src);
	kt_sleep_ms(1000);
	kt_src_end(src);
	const struct kt_seen *seen = kt_src_get(src, &cg);

	KT_INT("use", (int64_t)seen->sum.usage_ns, 0);
	KT_INT("waits", (int64_t)seen->sum.nr_waits, 0);
	KT_INT("idle windows", (int64_t)seen->sum.nr_idle_windows, (int64_t)seen->sum.nr_windows);
	KT_INT("idle windows of demand", (int64_t)seen->sum.nr_demand_idle_windows,
	       (int64_t)seen->sum.nr_windows);
	KT_RANGE("windows", seen->sum.nr_windows, 9, 1e4);
}
