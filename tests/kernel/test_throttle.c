// SPDX-License-Identifier: Apache-2.0
/*
 * test_throttle.c - CFS throttling: counters equal to the kernel's, stalls as a process that reads
 * the clock sees them, and demand without the quota's censoring.
 */
#include <unistd.h>

#include "kernel/kt.h"
#include "kernel/src.h"
#include "kernel/work.h"

enum { QUOTA_US = 20000, PERIOD_US = 100000 };

static void growth(const struct kt_cg *cg, const struct kt_throttling *before,
		   struct kt_throttling *ret_growth)
{
	struct kt_throttling now;

	kt_cg_throttling(cg, &now);
	*ret_growth = (struct kt_throttling){ now.nr_periods - before->nr_periods,
					      now.nr_throttled - before->nr_throttled,
					      now.throttled_ns - before->throttled_ns };
}

KT_TEST(throttle_counters, "periods and throttled time are the kernel's")
{
	struct kt_cg cg;
	struct kt_throttling before, kernel;

	kt_cg_new(&cg, "a");
	kt_cg_set_quota(&cg, QUOTA_US, PERIOD_US);
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);
	PF_AUTO(kt_work_endp)
	struct kt_work *work = kt_work_start(&(struct kt_load){ .cg = &cg,
								.nr_tasks = 4,
								.cpu = -1,
								.job = kt_job_burn_until,
								.amount = 2 * PF_NS_PER_S });

	kt_src_need(src, PF_SIGNAL_THROTTLING);
	kt_src_begin(src);
	kt_cg_throttling(&cg, &before);
	kt_work_go(work);
	kt_work_wait(work);
	kt_src_end(src);
	growth(&cg, &before, &kernel);
	const struct kt_seen *seen = kt_src_get(src, &cg);

	KT_INT("nr_periods", (int64_t)seen->sum.nr_periods, (int64_t)kernel.nr_periods);
	KT_INT("nr_throttled", (int64_t)seen->sum.nr_throttled, (int64_t)kernel.nr_throttled);
	/* v2's file is in microseconds. */
	KT_NEAR("throttled time", seen->sum.throttled_ns, kernel.throttled_ns, 0, 2000);
	KT_RANGE("throttled at all", kernel.nr_throttled, 3, 1000);
	KT_INT("quota", (int64_t)seen->sum.cfs_quota_us, QUOTA_US);
	KT_INT("period", (int64_t)seen->sum.cfs_period_us, PERIOD_US);
}

/* Gaps at least @length_ns long in which the task waited so long. */
static uint64_t waits_from(const struct kt_task *task, double length_ns)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < task->nr_gaps; i++)
		count += (double)task->gaps[i].waited_ns >= length_ns;
	return count;
}

/* Time in gaps at least @length_ns long. */
static double gap_time_from(const struct kt_task *task, double length_ns)
{
	double sum = 0;

	for (uint32_t i = 0; i < task->nr_gaps; i++)
		if ((double)task->gaps[i].length_ns >= length_ns)
			sum += (double)task->gaps[i].length_ns;
	return sum;
}

/* Time in stalls at least @length_ns long, at the lower edges of their buckets: no more than it was. */
static double stall_time_from(const struct kt_seen *seen, uint64_t length_ns)
{
	double sum = 0;

	for (size_t i = 1; i < PF_LATENCY_BUCKETS; i++) {
		uint64_t low_ns = pf_hist_edge(PF_LAYOUT_LATENCY_NS, i - 1);

		if (low_ns >= length_ns)
			sum += (double)low_ns * seen->hist[PF_HIST_THROTTLE_STALL][i];
	}
	return sum;
}

/* Time in waits shorter than @length_ns, or a little longer: at the upper edges of their buckets. */
static double short_wait_time(const struct kt_seen *seen, uint64_t length_ns)
{
	double sum = 0;

	for (size_t i = 1; i < PF_LATENCY_BUCKETS; i++)
		if (pf_hist_edge(PF_LAYOUT_LATENCY_NS, i - 1) < length_ns)
			sum += (double)pf_hist_edge(PF_LAYOUT_LATENCY_NS, i) *
			       (seen->hist[PF_HIST_QUOTA_WAIT][i] +
				seen->hist[PF_HIST_CONTENTION_WAIT][i]);
	return sum;
}

/*
 * Ends of periods in the stalls, which is what nr_throttled counts: a stall ends with one of them, and holds one more for
 * each whole period of its length.
 */
static double period_ends(const struct kt_seen *seen, bool most)
{
	const uint64_t period_ns = PERIOD_US * PF_NS_PER_US;
	double sum = 0;

	for (size_t i = 1; i < PF_LATENCY_BUCKETS; i++) {
		uint64_t high_ns = pf_hist_edge(PF_LAYOUT_LATENCY_NS, i),
			 low_ns = pf_hist_edge(PF_LAYOUT_LATENCY_NS, i - 1);
		uint64_t ends = most ? high_ns / period_ns + 1 : PF_MAX(low_ns / period_ns, 1u);

		sum += (double)ends * seen->hist[PF_HIST_THROTTLE_STALL][i];
	}
	return sum;
}

/*
 * Periods that ended while no CPU of this machine ran: its host had others to run. The kernel counts them at once when it
 * goes on, all as throttled if the group is at that moment.
 */
static double periods_away(const struct kt_task *task)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < task->nr_gaps; i++)
		count += (task->gaps[i].length_ns - task->gaps[i].waited_ns) /
			 (PERIOD_US * PF_NS_PER_US);
	return (double)count;
}

/* For whoever has to understand a failure. */
static void note_stalls(const struct kt_seen *seen, const struct kt_task *task)
{
	for (size_t i = 0; i < PF_LATENCY_BUCKETS; i++)
		if (seen->hist[PF_HIST_THROTTLE_STALL][i])
			kt_note("stalls up to %llu us: %u",
				(unsigned long long)pf_hist_edge(PF_LAYOUT_LATENCY_NS, i) / 1000,
				(unsigned)seen->hist[PF_HIST_THROTTLE_STALL][i]);
	for (uint32_t i = 0; i < task->nr_gaps && i < 40; i++)
		if (task->gaps[i].length_ns >= 5 * PF_NS_PER_MS)
			kt_note("gap of %llu us, waited %llu us",
				(unsigned long long)task->gaps[i].length_ns / 1000,
				(unsigned long long)task->gaps[i].waited_ns / 1000);
}

static void check_stalls_against_gaps(const struct kt_seen *seen, const struct kt_task *task)
{
	static const unsigned lengths_ms[] = { 5, 10, 20, 40, 60 };

	for (size_t i = 0; i < PF_ARRAY_SIZE(lengths_ms); i++) {
		uint64_t length_ns = lengths_ms[i] * PF_NS_PER_MS;

		/* While it is throttled the only task has a gap. By time and not by number: a task that is let in and
		 * throttled again before it has read its clock saw one gap, and one stall may come after its last reading.
		 * The scheduler's clock against the process's: 2 %. */
		KT_RANGE("time in stalls, which the process saw too",
			 stall_time_from(seen, length_ns), 0,
			 gap_time_from(task, 0.98 * (double)length_ns) +
				 PERIOD_US * (double)PF_NS_PER_US);
		/* And every gap in which it waited so long holds one of our waits of half of that, of quota or of
		 * contention; or many short ones, let in between without reading its clock. */
		KT_RANGE("gaps that are known waits",
			 (double)waits_from(task, 1.25 * (double)length_ns), 0,
			 (double)(kt_seen_above(seen, PF_HIST_QUOTA_WAIT, length_ns / 2) +
				  kt_seen_above(seen, PF_HIST_CONTENTION_WAIT, length_ns / 2)) +
				 short_wait_time(seen, length_ns / 2) / (1.25 * (double)length_ns));
	}
}

KT_TEST(throttle_stalls, "stalls are those of a process that reads the clock")
{
	struct kt_cg cg;
	struct kt_throttling before, kernel;

	kt_cg_new(&cg, "a");
	kt_cg_set_quota(&cg, QUOTA_US, PERIOD_US);
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);
	PF_AUTO(kt_work_endp)
	struct kt_work *work = kt_work_start(&(struct kt_load){
		.cg = &cg, .cpu = 0, .job = kt_job_gaps, .amount = 3 * PF_NS_PER_S });

	kt_src_need(src, PF_SIGNAL_THROTTLE_STALL);
	kt_src_begin(src);
	kt_cg_throttling(&cg, &before);
	kt_work_go(work);
	kt_work_wait(work);
	kt_src_end(src);
	growth(&cg, &before, &kernel);
	const struct kt_seen *seen = kt_src_get(src, &cg);

	kt_src_note_losses(src);
	kt_note("%u gaps, %llu stalls, %llu periods throttled", kt_work_task(work, 0)->nr_gaps,
		(unsigned long long)kt_seen_count(seen, PF_HIST_THROTTLE_STALL),
		(unsigned long long)kernel.nr_throttled);
	note_stalls(seen, kt_work_task(work, 0));
	KT_RANGE("throttled at all", kernel.nr_throttled, 5, 1000);
	/* One CPU, one queue. One throttling may have begun before, another still last. */
	KT_RANGE("throttled periods against the stalls", (double)kernel.nr_throttled,
		 period_ends(seen, false) - 1,
		 period_ends(seen, true) + periods_away(kt_work_task(work, 0)) + 1);
	/* Half of a bucket's width is 12.5 %. */
	KT_NEAR("sum of the stalls", kt_seen_sum(seen, PF_HIST_THROTTLE_STALL), kernel.throttled_ns,
		0.13, 2e6);
	check_stalls_against_gaps(seen, kt_work_task(work, 0));
}

KT_TEST(throttle_demand, "demand is use and what the quota took away")
{
	struct kt_cg cg;
	struct kt_throttling before, kernel;

	kt_cg_new(&cg, "a");
	kt_cg_set_quota(&cg, QUOTA_US, PERIOD_US);
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);
	PF_AUTO(kt_work_endp)
	struct kt_work *work = kt_work_start(&(struct kt_load){
		.cg = &cg, .cpu = 0, .job = kt_job_gaps, .amount = 3 * PF_NS_PER_S });

	kt_src_need(src, PF_SIGNAL_CPU_WINDOWS);
	kt_src_begin(src);
	kt_cg_throttling(&cg, &before);
	kt_work_go(work);
	kt_work_wait(work);
	kt_src_end(src);
	growth(&cg, &before, &kernel);
	const struct kt_seen *seen = kt_src_get(src, &cg);

	kt_src_note_losses(src);
	/* The length of a late window is not kept: with late ones neither sum nor highest can be told. */
	if (!kt_src_loss(src, "window_late")) {
		KT_NEAR("demand of all windows", kt_seen_sum(seen, PF_HIST_DEMAND) * 1e5,
			(double)seen->sum.usage_ns + (double)kernel.throttled_ns,
			0.032 + kt_share(0.02), 5e6);
		KT_NEAR("throttled in the windows kept", (double)seen->kept_throttled_us * 1e3,
			kernel.throttled_ns, kt_share(0.03), 5e6);
		KT_NEAR("use in the windows kept", (double)seen->kept_used_us * 1e3,
			seen->sum.usage_ns, kt_share(0.03), 5e6);
		/* A task on one CPU cannot want more than that CPU; but what is booked late, because the CPU was
		 * away, is of the window in which it is booked. */
		KT_RANGE("highest demand", seen->sum.demand_peak_millicores, 900,
			 1040 + kt_work_cpus_away_ns(work) / 1e8 * 1000);
	}
	KT_RANGE("use stays within the quota", seen->sum.usage_ns, 0,
		 (double)kernel.nr_periods * QUOTA_US * 1e3 * (1 + kt_share(0.05)) +
			 2 * QUOTA_US * 1e3);
}
