// SPDX-License-Identifier: Apache-2.0
/* Advice on CPU: limits and throttling of invented containers whose right advice a person can tell. */
#include "unit/recommend_sample.h"

/* Counters without windows, as cgroup files give them: the baseline's factor, where it was throttled a lot. */
static void test_no_curve(void)
{
	struct evidence_hour h = { .busy_windows = 36000,
				   .demand_millicores = 400,
				   .quota_us = 40000,
				   .nr_periods = 36000,
				   .nr_throttled = 7200,
				   .throttled_ns = 360 * PF_NS_PER_S,
				   .hot_bytes = 200 * PF_MIB };
	struct fixture f;

	for (int seldom = 0; seldom < 2; seldom++) {
		set_up(&f);
		f.in.present = sizes(400, 400, 220, 300);
		if (seldom)
			h.nr_throttled = 1800;
		for (uint32_t hour = 0; hour < 30; hour++) {
			PF_AUTO(pf_slice_freep) struct pf_slice *s = evidence_slice(hour, &h);

			s->window_ns = 0;
			s->nr_demand_idle_windows = s->nr_idle_windows = PF_UNKNOWN;
			free(s->hists[PF_HIST_DEMAND]);
			s->hists[PF_HIST_DEMAND] = NULL;
			PF_CHECK_INT("slice", pf_evidence_add_slice(f.e, 1, s), 0);
		}
		recommend(&f);
		PF_CHECK_INT("no curve", f.rec.nr_curve, 0);
		check_finding(&f, "throttled", PF_VERDICT_CPU_THROTTLED, PF_ACTION_INCREASE_LIMITS);
		if (!seldom) {
			PF_CHECK_INT("half more", podfit(&f)->cpu.limit, 600);
			check_step(&f, "no limit curve is known, so the present 400m times 1.5");
			check_sentence(&f, PF_VERDICT_CPU_THROTTLED,
				       "Throttled in 20.0 % of CFS periods, 100 ms of stall");
		} else {
			PF_CHECK_INT("5 % are no reason", podfit(&f)->cpu.limit, PF_UNKNOWN);
		}
		tear_down(&f);
	}
}

/* More tasks at once than the quota pays for are the cause of throttling; few at a time are not. */
static void test_threads(void)
{
	for (unsigned cpus = 1; cpus <= 3; cpus += 2) {
		struct evidence_hour h = { .idle_windows = 30000,
					   .busy_windows = 6000,
					   .demand_millicores = 1000 * cpus - 100,
					   .usage_millicores = 100,
					   .quota_us = 50000,
					   .nr_periods = 20000,
					   .nr_throttled = 5000,
					   .throttled_ns = 300 * PF_NS_PER_S,
					   .threads = 8,
					   .hot_bytes = 100 * PF_MIB };
		struct fixture f;

		set_up(&f);
		f.in.present = sizes(200, 500, 110, 200);
		evidence_run(f.e, "a", 0, 30, &h);
		recommend(&f);
		PF_CHECK_INT("threads", finding(&f, PF_VERDICT_THREADS_EXCEED_QUOTA, false) != NULL,
			     cpus == 3);
		if (cpus == 3)
			check_sentence(
				&f, PF_VERDICT_THREADS_EXCEED_QUOTA,
				"Up to 8 tasks, at times 2.9 CPUs at once, share a quota of 500m");
		/* The limit was raised since: what was seen does not call for more. */
		f.in.present.cpu_limit_millicores = 8000;
		recommend(&f);
		check_finding(&f, "raised", PF_VERDICT_CPU_THROTTLED, PF_ACTION_NONE);
		check_sentence(&f, PF_VERDICT_CPU_THROTTLED,
			       "at the present limit of 8000m the demand seen predicts 0.0 %");
		tear_down(&f);
	}
}

static void test_throttled(void)
{
	/* Bursts of 1000 m in a fifth of the windows; the quota stretches them to two fifths. */
	struct evidence_hour h = { .idle_windows = 21600,
				   .busy_windows = 14400,
				   .demand_millicores = 1000,
				   .usage_millicores = 200,
				   .quota_us = 50000,
				   .nr_periods = 20000,
				   .nr_throttled = 10000,
				   .throttled_ns = 720 * PF_NS_PER_S,
				   .threads = 4,
				   .memory_bytes = 100 * PF_MIB,
				   .hot_bytes = 100 * PF_MIB };
	struct fixture f;

	set_up(&f);
	f.in.present = sizes(200, 500, 110, 200);
	evidence_run(f.e, "a", 0, 48, &h);
	recommend(&f);
	check_finding(&f, "throttled", PF_VERDICT_CPU_THROTTLED, PF_ACTION_INCREASE_LIMITS);
	PF_CHECK("about one CPU ends it",
		 podfit(&f)->cpu.limit >= 900 && podfit(&f)->cpu.limit <= 1100);
	PF_CHECK("the baseline would take half more",
		 pf_policy_result_of(&f.rec, "baseline")->cpu.limit == 750 &&
			 finding(&f, PF_VERDICT_CPU_THROTTLED, true) != NULL);
	PF_CHECK("a curve", f.rec.nr_curve > 5);
	check_step(&f, "is the smallest that throttles at most 1.0 % of CFS periods");
	PF_CHECK("nobody else is to blame", !step(&f, "waited for CPUs"));
	check_sentence(&f, PF_VERDICT_CPU_THROTTLED,
		       "Throttled in 50.0 % of CFS periods at a limit of 500m, 200 ms of stall");
	check_sentence(&f, PF_VERDICT_CPU_THROTTLED, "m would bring it to 0.");
	PF_CHECK("the request is what it uses",
		 podfit(&f)->cpu.target >= 200 && podfit(&f)->cpu.target <= 250);
	for (size_t i = 1; i < f.rec.nr_curve; i++)
		if (f.rec.curve[i].burst_us == PF_UNKNOWN) {
			PF_CHECK("ascending", f.rec.curve[i].limit_millicores >
						      f.rec.curve[i - 1].limit_millicores);
			PF_CHECK("falling", f.rec.curve[i].stall_ns_per_s <=
						    f.rec.curve[i - 1].stall_ns_per_s + 1e6);
		}
	tear_down(&f);
}

/* Throttled hard but with idle time in between: what is needed is known, however far above the limit. */
static void test_throttled_far(void)
{
	struct evidence_hour h = { .idle_windows = 30600,
				   .busy_windows = 5400,
				   .demand_millicores = 1000,
				   .usage_millicores = 150,
				   .quota_us = 20000,
				   .nr_periods = 20000,
				   .nr_throttled = 10000,
				   .throttled_ns = 432 * PF_NS_PER_S,
				   .hot_bytes = 100 * PF_MIB };
	struct fixture f;

	set_up(&f);
	f.in.present = sizes(150, 200, 110, 200);
	evidence_run(f.e, "a", 0, 48, &h);
	recommend(&f);
	PF_CHECK("all of it at once",
		 podfit(&f)->cpu.limit >= 900 && podfit(&f)->cpu.limit <= 1100);
	check_finding(&f, "throttled", PF_VERDICT_CPU_THROTTLED, PF_ACTION_INCREASE_LIMITS);
	tear_down(&f);
}

static void test_saturated(void)
{
	struct evidence_hour h = { .busy_windows = 36000,
				   .demand_millicores = 1000,
				   .usage_millicores = 200,
				   .quota_us = 20000,
				   .nr_periods = 36000,
				   .nr_throttled = 36000,
				   .throttled_ns = 2880 * PF_NS_PER_S,
				   .hot_bytes = 100 * PF_MIB };
	struct fixture f;

	set_up(&f);
	f.in.present = sizes(200, 200, 110, 200);
	evidence_run(f.e, "a", 0, 48, &h);
	recommend(&f);
	PF_CHECK_INT("one step, then look again", podfit(&f)->cpu.limit, 400);
	check_step(
		&f,
		"never caught up, so its whole need cannot be seen: it is somewhere between 200m and ");
	check_step(&f, "m. Set 400m, at most twice the present limit, let it run, and look again");
	check_sentence(&f, PF_VERDICT_CPU_THROTTLED, ", or more: it never caught up");
	PF_CHECK("request within the limit",
		 podfit(&f)->cpu.target <= 400 && podfit(&f)->cpu.lower <= podfit(&f)->cpu.target);
	check_finding(&f, "throttled", PF_VERDICT_CPU_THROTTLED, PF_ACTION_INCREASE_LIMITS);
	tear_down(&f);
}

/* On a busy node it ran for 50 m on average and waited for other 200 m: what that hid is not taken away. */
static void test_held_for_contention(void)
{
	struct evidence_hour h = { .idle_windows = 32400,
				   .busy_windows = 3600,
				   .demand_millicores = 500,
				   .contention_wait_ns = 720 * PF_NS_PER_S,
				   .memory_bytes = 100 * PF_MIB,
				   .hot_bytes = 100 * PF_MIB };
	struct fixture f;

	set_up(&f);
	evidence_run(f.e, "a", 0, 48, &h);
	f.in.present = sizes(2000, 4000, 110, 200);
	recommend(&f);
	PF_CHECK_INT("use and waits", podfit(&f)->cpu.target, 250);
	PF_CHECK("within its bounds", podfit(&f)->cpu.upper >= 250);
	check_step(&f, "ran for 50m and waited for CPUs that others had for another 200m");
	/* 720 s waited, 180 s run. */
	check_sentence(&f, PF_VERDICT_NOISY_NEIGHBOUR, "its tasks wait 4.00 s");
	PF_CHECK("a limit by the curve above it", podfit(&f)->cpu.limit >= 500);
	check_finding(&f, "neighbours", PF_VERDICT_NOISY_NEIGHBOUR, PF_ACTION_NONE);
	f.in.present = sizes(100, 200, 110, 200);
	recommend(&f);
	PF_CHECK_INT("a request below that stays", podfit(&f)->cpu.target, 100);
	f.rules.max_allowed[PF_VPA_CPU] = 80;
	recommend(&f);
	PF_CHECK_INT("the policy's bound holds", podfit(&f)->cpu.target, 80);
	f.rules.max_allowed[PF_VPA_CPU] = 0;
	f.in.present.cpu_request_millicores = PF_NO_LIMIT;
	recommend(&f);
	PF_CHECK("without a request nothing is taken away", podfit(&f)->cpu.target <= 62);
	tear_down(&f);
}

/* As on a hybrid hierarchy, where the CPU controller is elsewhere: memory is all there is. */
static void test_cpu_unknown(void)
{
	struct fixture f;

	set_up(&f);
	f.in.present = sizes(500, 1000, 300, 300);
	for (uint32_t hour = 0; hour < 30; hour++) {
		PF_AUTO(pf_slice_freep) struct pf_slice *s = NULL;

		PF_CHECK_INT("slice", pf_slice_new(&s), 0);
		s->hour = EVIDENCE_START_HOUR + hour;
		s->start_unix_ns = (uint64_t)s->hour * PF_NS_PER_HOUR;
		s->covered_ns = PF_NS_PER_HOUR;
		s->hot_peak_bytes = 200 * PF_MIB;
		s->hot_mean_bytes = 200.0 * (double)PF_MIB;
		PF_CHECK_INT("add", pf_evidence_add_slice(f.e, 1, s), 0);
	}
	recommend(&f);
	PF_CHECK("no mean", isnan(f.rec.evidence.usage_mean_millicores));
	PF_CHECK("no share of the request", isnan(f.rec.evidence.cpu_utilization));
	PF_CHECK("not called idle", !finding(&f, PF_VERDICT_IDLE, false));
	PF_CHECK("nor oversized", !finding(&f, PF_VERDICT_CPU_OVER_PROVISIONED, false) &&
					  !finding(&f, PF_VERDICT_CPU_OVER_PROVISIONED, true));
	PF_CHECK_INT("no curve", f.rec.nr_curve, 0);
	PF_CHECK("memory is advised", podfit(&f) && podfit(&f)->memory.target < PF_NO_LIMIT);
	tear_down(&f);
}

static void test_uneven(void)
{
	struct evidence_hour small = { .busy_windows = 36000,
				       .demand_millicores = 100,
				       .hot_bytes = 200 * PF_MIB };
	struct evidence_hour large = { .busy_windows = 36000,
				       .demand_millicores = 900,
				       .hot_bytes = 200 * PF_MIB };
	struct fixture f;

	set_up(&f);
	f.in.present = sizes(500, 1000, 300, 300);
	evidence_run(f.e, "a", 0, 30, &small);
	evidence_run(f.e, "b", 0, 30, &small);
	evidence_run(f.e, "c", 0, 30, &large);
	recommend(&f);
	check_finding(&f, "uneven", PF_VERDICT_UNEVEN_REPLICAS, PF_ACTION_NONE);
	check_sentence(&f, PF_VERDICT_UNEVEN_REPLICAS,
		       "One of 3 instances uses 900m, the median one 100m");
	tear_down(&f);

	/* Of two nobody knows which one is right. */
	set_up(&f);
	evidence_run(f.e, "a", 0, 30, &small);
	evidence_run(f.e, "c", 0, 30, &large);
	recommend(&f);
	PF_CHECK("two", !finding(&f, PF_VERDICT_UNEVEN_REPLICAS, false));
	tear_down(&f);
}

PF_TEST_SUITE(recommend_cpu, { "no curve", test_no_curve }, { "threads", test_threads },
	      { "throttled", test_throttled }, { "throttled far", test_throttled_far },
	      { "saturated", test_saturated }, { "held for contention", test_held_for_contention },
	      { "uneven", test_uneven }, { "CPU unknown", test_cpu_unknown });
