// SPDX-License-Identifier: Apache-2.0
/*
 * test_wait.c - run-queue waits against /proc/PID/schedstat, and their split into own quota and
 * contention.
 *
 * The oracle of the split: tasks that always want to run, all on one CPU, wait through the whole of
 * each throttling of their queue. So quota_wait is number of tasks x the kernel's throttled time,
 * whatever else runs there; the rest of run_delay is contention.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel/audit.h"
#include "kernel/kt.h"
#include "kernel/src.h"
#include "kernel/work.h"

static double waited(const struct kt_seen *seen)
{
	return (double)seen->sum.quota_wait_ns + (double)seen->sum.contention_wait_ns;
}

/* The waits of one workload that is alone in its cgroup; it was waited for with kt_audit_wait(). */
static void check_waits(const struct kt_seen *seen, const struct kt_audit *audit,
			const struct kt_work *work, const struct kt_schedstat *before)
{
	uint64_t nr_untraced = kt_audit_nr_untraced(audit, work);
	struct kt_schedstat now;

	kt_work_schedstat(work, &now);
	kt_note("%llu switch-ins were not traced", (unsigned long long)nr_untraced);
	KT_NEAR("time waited against run_delay", waited(seen), now.delay_ns - before->delay_ns,
		kt_share(0.01), 1e6);
	/*
	 * A task can be switched in without having been queued (1 in 10^5). A switch-in that the kernel does not trace
	 * joins its wait to the next: the time is there, the number is smaller.
	 */
	double runs = (double)(now.nr_runs - before->nr_runs);

	KT_RANGE("number of waits against switches", (double)seen->sum.nr_waits,
		 runs - (double)nr_untraced - 0.005 * runs - 5, runs + 0.005 * runs + 5);
	KT_INT("waits in the histogram", (int64_t)kt_seen_count(seen, PF_HIST_CONTENTION_WAIT),
	       (int64_t)seen->sum.nr_waits);
	/* Half of a bucket's width, at most 12.5 %; shortest waits 32 ns. */
	KT_NEAR("sum of the contention histogram", kt_seen_sum(seen, PF_HIST_CONTENTION_WAIT),
		seen->sum.contention_wait_ns, 0.13, 64.0 * (double)seen->sum.nr_waits);
	KT_NEAR("sum of the quota histogram", kt_seen_sum(seen, PF_HIST_QUOTA_WAIT),
		seen->sum.quota_wait_ns, 0.13, 64.0 * (double)seen->sum.nr_waits);
}

static void check_no_quota_wait(const struct kt_seen *seen)
{
	KT_INT("quota wait without a quota", (int64_t)seen->sum.quota_wait_ns, 0);
	KT_INT("entries of the quota histogram", (int64_t)kt_seen_count(seen, PF_HIST_QUOTA_WAIT),
	       0);
}

/* @nr_tasks on CPU 0 under a quota, or beside a competitor, or both. */
static void split(unsigned nr_tasks, bool quota, bool competitor)
{
	struct kt_cg cg, rival_cg;
	struct kt_throttling throttling, throttling_before;
	struct kt_schedstat before, rival_before;

	kt_note("-- %u tasks%s%s", nr_tasks, quota ? ", quota" : "",
		competitor ? ", competitor" : "");
	kt_cg_new(&cg, "a");
	kt_cg_new(&rival_cg, "rival");
	if (quota)
		kt_cg_set_quota(&cg, 10000, 100000);
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);
	PF_AUTO(kt_work_endp)
	struct kt_work *work = kt_work_start(&(struct kt_load){ .cg = &cg,
								.nr_tasks = nr_tasks,
								.cpu = 0,
								.job = kt_job_burn_until,
								.amount = 1500 * PF_NS_PER_MS });
	PF_AUTO(kt_work_endp)
	struct kt_work *rival = kt_work_start(&(struct kt_load){ .cg = &rival_cg,
								 .cpu = 0,
								 .job = kt_job_burn_until,
								 .amount = 1600 * PF_NS_PER_MS });

	kt_src_need(src, PF_SIGNAL_RUNQ_SPLIT);
	PF_AUTO(kt_audit_closep) struct kt_audit *audit = kt_audit_open();

	kt_src_begin(src);
	kt_work_schedstat(work, &before);
	kt_work_schedstat(rival, &rival_before);
	kt_cg_throttling(&cg, &throttling_before);
	if (competitor)
		kt_work_go(rival);
	kt_work_go(work);
	kt_audit_wait(audit, work);
	if (competitor)
		kt_audit_wait(audit, rival);
	kt_src_end(src);
	kt_cg_throttling(&cg, &throttling);
	const struct kt_seen *seen = kt_src_get(src, &cg), *rival_seen = kt_src_get(src, &rival_cg);

	kt_src_note_losses(src);
	check_waits(seen, audit, work, &before);
	check_waits(rival_seen, audit, rival, &rival_before);
	check_no_quota_wait(rival_seen);
	if (quota) {
		double throttled_ns =
			(double)(throttling.throttled_ns - throttling_before.throttled_ns);
		struct kt_schedstat now;

		kt_work_schedstat(work, &now);
		KT_RANGE("throttled at all", throttled_ns, 1e8, 1e12);
		/* A wait longer than the remembered throttle intervals is told as a loss; met where a task
		 * gets a CPU once a second or less. */
		double slack = kt_src_loss(src, "quota_history_short") ? 0.3 : kt_share(0.03);

		slack = PF_MAX(slack * nr_tasks * throttled_ns, nr_tasks * 2e6);
		KT_NEAR("quota wait against tasks x throttled time",
			(double)seen->sum.quota_wait_ns, nr_tasks * throttled_ns, 0, slack);
		KT_NEAR("contention wait against the rest of run_delay",
			(double)seen->sum.contention_wait_ns,
			(double)(now.delay_ns - before.delay_ns) - nr_tasks * throttled_ns, 0.01,
			slack + 1e6);
	} else {
		check_no_quota_wait(seen);
		KT_RANGE("contention seen", (double)seen->sum.contention_wait_ns, 5e7, 1e12);
	}
	kt_work_end(pf_take(work));
	kt_work_end(pf_take(rival));
	kt_cg_remove(&cg);
	kt_cg_remove(&rival_cg);
}

static void split_all(bool quota, bool competitor)
{
	for (unsigned nr_tasks = 1; nr_tasks <= 8; nr_tasks *= 2)
		split(nr_tasks, quota, competitor);
}

KT_TEST(wait_quota, "1, 2, 4, 8 tasks under a quota: quota wait")
{
	split_all(true, false);
}

KT_TEST(wait_contention, "1, 2, 4, 8 tasks beside a pinned competitor: contention wait")
{
	split_all(false, true);
}

KT_TEST(wait_mixed, "1, 2, 4, 8 tasks under a quota beside a competitor: both")
{
	split_all(true, true);
}

/* Time of CPU 0 that no task had: stolen by the hypervisor, or spent in interrupts. In ns. */
static double lost_ns(void)
{
	char text[4096];
	unsigned long long irq, softirq, steal;
	const char *line;

	if (kt_read_file("/proc/stat", text, sizeof(text)) <= 0 ||
	    !(line = strstr(text, "cpu0 ")) ||
	    sscanf(line, "cpu0 %*u %*u %*u %*u %*u %llu %llu %llu", &irq, &softirq, &steal) != 3)
		return 0;
	return (double)(irq + softirq + steal) * 1e9 / (double)sysconf(_SC_CLK_TCK);
}

KT_TEST(wait_competitor, "what a task did not run beside a pinned competitor, it waited")
{
	struct kt_cg cg, rival_cg;
	const double wall_ns = 2e9;

	kt_cg_new(&cg, "a");
	kt_cg_new(&rival_cg, "rival");
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);
	PF_AUTO(kt_work_endp)
	struct kt_work *work = kt_work_start(&(struct kt_load){
		.cg = &cg, .cpu = 0, .job = kt_job_burn_until, .amount = (uint64_t)wall_ns });
	PF_AUTO(kt_work_endp)
	struct kt_work *rival = kt_work_start(&(struct kt_load){
		.cg = &rival_cg, .cpu = 0, .job = kt_job_burn_until, .amount = (uint64_t)wall_ns });

	kt_src_need(src, PF_SIGNAL_RUNQ_LATENCY);
	kt_src_begin(src);
	double lost_before_ns = lost_ns();

	kt_work_go(rival);
	kt_work_go(work);
	kt_work_wait(work);
	kt_work_wait(rival);
	kt_src_end(src);
	const struct kt_seen *seen = kt_src_get(src, &cg);
	const struct kt_task *task = kt_work_task(work, 0);
	double not_run_ns = (double)(task->end_ns - task->go_ns) - (double)task->cpu_ns;

	KT_RANGE("time waited", waited(seen),
		 not_run_ns - (lost_ns() - lost_before_ns) - kt_share(0.02) * wall_ns,
		 not_run_ns + kt_share(0.02) * wall_ns);
	KT_RANGE("the competitor was felt", waited(seen), 0.2 * wall_ns, 1e12);
}

KT_TEST(wait_waker, "sleeper and preempted task are charged to themselves, not to the waker")
{
	struct kt_cg waker_cg, sleeper_cg, hog_cg;
	int fds[2], last_cpu = sysconf(_SC_NPROCESSORS_ONLN) > 1;
	struct kt_schedstat waker_before, sleeper_before, hog_before, sleeper_after;
	const uint64_t wall_ns = 2 * PF_NS_PER_S;

	if (pipe2(fds, O_CLOEXEC) < 0)
		kt_fail("no pipe");
	kt_cg_new(&waker_cg, "waker");
	kt_cg_new(&sleeper_cg, "sleeper");
	kt_cg_new(&hog_cg, "hog");
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);
	PF_AUTO(kt_work_endp)
	struct kt_work *waker = kt_work_start(&(struct kt_load){ .cg = &waker_cg,
								 .cpu = last_cpu,
								 .job = kt_job_wake,
								 .amount = wall_ns,
								 .fd = fds[1] });
	PF_AUTO(kt_work_endp)
	struct kt_work *sleeper = kt_work_start(&(struct kt_load){ .cg = &sleeper_cg,
								   .cpu = 0,
								   .job = kt_job_be_woken,
								   .amount = wall_ns,
								   .fd = fds[0] });
	PF_AUTO(kt_work_endp)
	struct kt_work *hog = kt_work_start(&(struct kt_load){ .cg = &hog_cg,
							       .nr_tasks = 3,
							       .cpu = 0,
							       .job = kt_job_burn_until,
							       .amount = wall_ns });

	kt_src_need(src, PF_SIGNAL_RUNQ_LATENCY);
	PF_AUTO(kt_audit_closep) struct kt_audit *audit = kt_audit_open();

	kt_src_begin(src);
	kt_work_schedstat(waker, &waker_before);
	kt_work_schedstat(sleeper, &sleeper_before);
	kt_work_schedstat(hog, &hog_before);
	kt_work_go(hog);
	kt_work_go(sleeper);
	kt_work_go(waker);
	kt_audit_wait(audit, waker);
	kt_audit_wait(audit, sleeper);
	kt_audit_wait(audit, hog);
	kt_src_end(src);
	kt_work_schedstat(sleeper, &sleeper_after);
	kt_src_note_losses(src);
	kt_note("-- waker");
	check_waits(kt_src_get(src, &waker_cg), audit, waker, &waker_before);
	kt_note("-- sleeper");
	check_waits(kt_src_get(src, &sleeper_cg), audit, sleeper, &sleeper_before);
	kt_note("-- hog");
	check_waits(kt_src_get(src, &hog_cg), audit, hog, &hog_before);
	KT_RANGE("the sleeper was woken often", kt_work_task(sleeper, 0)->count, 50, 1e6);
	KT_RANGE("the sleeper waited", sleeper_after.delay_ns - sleeper_before.delay_ns, 1e5, 1e12);
}

KT_TEST(wait_migration, "waits of tasks that are moved while they wait")
{
	struct kt_cg cg, rival_cg;
	struct kt_schedstat before, rival_before;

	kt_cg_new(&cg, "a");
	kt_cg_new(&rival_cg, "rival");
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);
	PF_AUTO(kt_work_endp)
	struct kt_work *work = kt_work_start(&(struct kt_load){ .cg = &cg,
								.nr_tasks = 5,
								.cpu = -1,
								.job = kt_job_burn_until,
								.amount = 2 * PF_NS_PER_S });
	PF_AUTO(kt_work_endp)
	struct kt_work *rival = kt_work_start(&(struct kt_load){ .cg = &rival_cg,
								 .nr_tasks = 3,
								 .cpu = -1,
								 .job = kt_job_nap,
								 .amount = 2 * PF_NS_PER_S });

	kt_src_need(src, PF_SIGNAL_RUNQ_LATENCY);
	PF_AUTO(kt_audit_closep) struct kt_audit *audit = kt_audit_open();

	kt_src_begin(src);
	kt_work_schedstat(work, &before);
	kt_work_schedstat(rival, &rival_before);
	kt_work_go(rival);
	kt_work_go(work);
	kt_audit_wait(audit, work);
	kt_audit_wait(audit, rival);
	kt_src_end(src);
	kt_src_note_losses(src);
	check_waits(kt_src_get(src, &cg), audit, work, &before);
	check_waits(kt_src_get(src, &rival_cg), audit, rival, &rival_before);
}

KT_TEST(wait_before, "what a task waited before the source was opened is not told as a wait")
{
	struct kt_cg cg, rival_cg;
	struct kt_schedstat before, now;

	kt_cg_new(&cg, "a");
	kt_cg_new(&rival_cg, "rival");
	PF_AUTO(kt_work_endp)
	struct kt_work *work = kt_work_start(&(struct kt_load){
		.cg = &cg, .cpu = 0, .job = kt_job_burn_until, .amount = 600 * PF_NS_PER_MS });
	PF_AUTO(kt_work_endp)
	struct kt_work *rival = kt_work_start(&(struct kt_load){ .cg = &rival_cg,
								 .cpu = 0,
								 .job = kt_job_burn_until,
								 .amount = 600 * PF_NS_PER_MS });

	kt_work_go(rival);
	kt_work_go(work);
	kt_work_wait(work);
	kt_work_wait(rival);
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);

	kt_src_need(src, PF_SIGNAL_RUNQ_LATENCY);
	PF_AUTO(kt_audit_closep) struct kt_audit *audit = kt_audit_open();

	kt_src_begin(src);
	kt_work_schedstat(work, &before);
	KT_RANGE("waited before", before.delay_ns, 5e7, 1e12);
	kt_work_nap(work);
	kt_audit_wait(audit, work);
	kt_src_end(src);
	kt_work_schedstat(work, &now);
	kt_src_note_losses(src);
	/* Of any pid: where all are small, bits of them do not tell a used entry from an empty one. */
	KT_NEAR("time waited against run_delay", waited(kt_src_get(src, &cg)),
		now.delay_ns - before.delay_ns, kt_share(0.01), 1e6);
}

KT_TEST(wait_thinned, "above the CPU budget a part is counted, and stands for the whole")
{
	struct kt_cg cg;
	struct kt_schedstat before, now;

	kt_cg_new(&cg, "a");
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open_thinned(64);
	PF_AUTO(kt_work_endp)
	struct kt_work *work = kt_work_start(&(struct kt_load){ .cg = &cg,
								.nr_tasks = 6,
								.cpu = -1,
								.job = kt_job_burn_until,
								.amount = 12 * PF_NS_PER_S });

	kt_src_need(src, PF_SIGNAL_RUNQ_LATENCY);
	kt_src_need(src, PF_SIGNAL_CPU_WINDOWS);
	if (kt_settings.emulated)
		kt_skip("a sixteenth of the time stands for the whole only where time is even");
	kt_src_snapshot(src); /* the budget is looked at between two */
	kt_src_begin(src);
	kt_work_schedstat(work, &before);
	kt_work_go(work);
	kt_work_wait(work);
	kt_src_end(src);
	kt_work_schedstat(work, &now);
	const struct kt_seen *seen = kt_src_get(src, &cg);

	kt_src_note_losses(src);
	/* One tick of sixteen is looked at: 7 of 12 s. */
	KT_NEAR("time waited against run_delay", waited(seen), now.delay_ns - before.delay_ns, 0.2,
		0);
	KT_RANGE("waits against switches", (double)seen->sum.nr_waits,
		 0.5 * (double)(now.nr_runs - before.nr_runs),
		 1.6 * (double)(now.nr_runs - before.nr_runs));
	KT_INT("stands for sixteen", (int64_t)(seen->sum.nr_waits % 16), 0);
}

KT_TEST(wait_idle, "a container that naps: its own waits, and never the idle time")
{
	struct kt_cg cg;
	struct kt_schedstat before;

	kt_cg_new(&cg, "a");
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);
	PF_AUTO(kt_work_endp)
	struct kt_work *work = kt_work_start(&(struct kt_load){ .cg = &cg,
								.nr_tasks = 2,
								.cpu = -1,
								.job = kt_job_nap,
								.amount = 1500 * PF_NS_PER_MS });

	kt_src_need(src, PF_SIGNAL_RUNQ_LATENCY);
	PF_AUTO(kt_audit_closep) struct kt_audit *audit = kt_audit_open();

	kt_src_begin(src);
	kt_work_schedstat(work, &before);
	kt_work_go(work);
	kt_audit_wait(audit, work);
	kt_src_end(src);
	const struct kt_seen *seen = kt_src_get(src, &cg);

	kt_src_note_losses(src);
	check_waits(seen, audit, work, &before);
	struct kt_schedstat now;

	/* Not the tasks' own clocks, which do not see how they fall asleep and wake. */
	kt_work_schedstat(work, &now);
	KT_NEAR("use", seen->sum.usage_ns, now.cpu_ns - before.cpu_ns, kt_share(0.02), 2e6);
	KT_RANGE("naps", kt_work_task(work, 0)->count, 50, 1e5);
}
