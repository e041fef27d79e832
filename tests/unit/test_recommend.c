// SPDX-License-Identifier: Apache-2.0
/* Invented containers whose right advice a person can tell. */
#include <errno.h>
#include <string.h>

#include "core/recommend.h"
#include "unit/evidence_sample.h"

struct fixture {
	struct pf_evidence *e;
	struct pf_rules rules;
	struct pf_recommend_input in;
	struct pf_arena arena;
	struct pf_recommendation rec;
};

static void set_up(struct fixture *f)
{
	f->e = evidence_new();
	pf_rules_default(&f->rules);
	pf_recommend_input_clear(&f->in);
	pf_arena_init(&f->arena, 1 << 20);
	f->in.rules = &f->rules;
	f->in.evidence = f->e;
}

static void tear_down(struct fixture *f)
{
	pf_arena_done(&f->arena);
	pf_evidence_free(f->e);
}

static void recommend(struct fixture *f)
{
	PF_CHECK_INT("recommend", pf_recommend(&f->in, &f->arena, &f->rec), 0);
}

static const struct pf_policy_result *podfit(const struct fixture *f)
{
	return pf_policy_result_of(&f->rec, "podfit");
}

static const struct pf_finding *finding(const struct fixture *f, enum pf_verdict verdict,
					bool baseline)
{
	for (size_t i = 0; i < f->rec.nr_findings; i++)
		if (f->rec.findings[i].verdict == verdict &&
		    f->rec.findings[i].baseline == baseline)
			return &f->rec.findings[i];
	return NULL;
}

static void check_finding(const struct fixture *f, const char *name, enum pf_verdict verdict,
			  enum pf_action action)
{
	const struct pf_finding *found = finding(f, verdict, false);

	PF_CHECK(name, found != NULL);
	if (found)
		PF_CHECK_STR(name, pf_action_name(found->action), pf_action_name(action));
}

static struct pf_resources sizes(uint64_t cpu_request, uint64_t cpu_limit,
				 uint64_t memory_request_mib, uint64_t memory_limit_mib)
{
	return (struct pf_resources){ cpu_request, cpu_limit, memory_request_mib * PF_MIB,
				      memory_limit_mib * PF_MIB };
}

static void test_over_provisioned(void)
{
	struct evidence_hour h = { .idle_windows = 32400,
				   .busy_windows = 3600,
				   .demand_millicores = 500,
				   .memory_bytes = 220 * PF_MIB,
				   .hot_bytes = 200 * PF_MIB };
	struct fixture f;

	set_up(&f);
	f.in.present = sizes(2000, 4000, 4096, 8192);
	f.in.nr_replicas = 3;
	f.rules.prices = (struct pf_prices){ "EUR", 0.03, 0.004 };
	evidence_run(f.e, "a", 0, 48, &h);
	recommend(&f);
	PF_CHECK_STR("policy", f.rec.policy, "podfit");
	PF_CHECK("50 m mean and a tenth on top",
		 podfit(&f)->cpu.target >= 50 && podfit(&f)->cpu.target <= 62);
	PF_CHECK("bounds around it", podfit(&f)->cpu.lower <= podfit(&f)->cpu.target &&
					     podfit(&f)->cpu.upper >= podfit(&f)->cpu.target);
	PF_CHECK_INT("200 MiB and 2 %", podfit(&f)->memory.target, 204 * PF_MIB);
	PF_CHECK_INT("and 15 % for the limit", podfit(&f)->memory.limit, 235 * PF_MIB);
	check_finding(&f, "CPU", PF_VERDICT_CPU_OVER_PROVISIONED, PF_ACTION_DECREASE_REQUESTS);
	check_finding(&f, "memory", PF_VERDICT_MEMORY_OVER_PROVISIONED,
		      PF_ACTION_DECREASE_REQUESTS);
	PF_CHECK("the baseline's rule too",
		 finding(&f, PF_VERDICT_CPU_OVER_PROVISIONED, true) != NULL);
	PF_CHECK("a whole history",
		 !finding(&f, PF_VERDICT_SHORT_HISTORY, false) && isnan(podfit(&f)->hours_more));
	PF_CHECK_INT("savings of all replicas", f.rec.savings.cpu_millicores,
		     3 * (2000 - (int64_t)podfit(&f)->cpu.target));
	PF_CHECK_INT("memory saved", f.rec.savings.memory_bytes,
		     3 * (4096 - 204) * (int64_t)PF_MIB);
	PF_CHECK_NEAR("money", f.rec.savings.money_per_month,
		      730.5 * ((double)f.rec.savings.cpu_millicores / 1000 * 0.03 +
			       3 * 3892.0 / 1024 * 0.004),
		      1e-6);
	PF_CHECK("steps", f.rec.nr_steps >= 4);
	tear_down(&f);
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
	PF_CHECK("request within the limit", podfit(&f)->cpu.target <= 400);
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
	PF_CHECK("a limit by the curve above it", podfit(&f)->cpu.limit >= 500);
	check_finding(&f, "neighbours", PF_VERDICT_NOISY_NEIGHBOUR, PF_ACTION_NONE);
	f.in.present = sizes(100, 200, 110, 200);
	recommend(&f);
	PF_CHECK_INT("a request below that stays", podfit(&f)->cpu.target, 100);
	f.rules.max_allowed[PF_VPA_CPU] = 80;
	recommend(&f);
	PF_CHECK_INT("the policy's bound holds", podfit(&f)->cpu.target, 80);
	tear_down(&f);
}

static void test_oom(void)
{
	struct evidence_hour h = { .idle_windows = 36000,
				   .memory_bytes = 512 * PF_MIB,
				   .hot_bytes = 512 * PF_MIB,
				   .oom_kills = 1,
				   .overshoot_bytes = 200 * PF_MIB,
				   .limit_bytes = 512 * PF_MIB };
	struct fixture f;

	set_up(&f);
	f.in.present = sizes(100, 100, 512, 512);
	evidence_run(f.e, "a", 0, 1, &h);
	recommend(&f);
	PF_CHECK_INT("limit plus overshoot", podfit(&f)->memory.target, 712 * PF_MIB);
	PF_CHECK("and a limit above", podfit(&f)->memory.limit > 712 * PF_MIB);
	check_finding(&f, "killed", PF_VERDICT_OOM_KILLED, PF_ACTION_INCREASE_LIMITS);
	check_finding(&f, "short", PF_VERDICT_SHORT_HISTORY, PF_ACTION_NONE);
	f.in.present.memory_limit_bytes = 4 * PF_GIB;
	recommend(&f);
	check_finding(&f, "its limit was raised since", PF_VERDICT_OOM_KILLED, PF_ACTION_NONE);
	PF_CHECK_NEAR("a day less an hour more", podfit(&f)->hours_more, 23, 0.01);
	PF_CHECK("no absurd bounds", podfit(&f)->memory.upper < 2 * podfit(&f)->memory.target &&
					     podfit(&f)->cpu.upper < 100);
	tear_down(&f);
}

static void test_leak_is_not_fed(void)
{
	struct evidence_hour h = { .idle_windows = 36000,
				   .memory_bytes = 950 * PF_MIB,
				   .hot_bytes = 950 * PF_MIB };
	struct pf_leak_finding leak;
	struct fixture f;

	set_up(&f);
	pf_leak_finding_clear(&leak);
	leak.state = PF_LEAK_ALARM;
	leak.pre_leak_bytes = 200 * PF_MIB;
	leak.slope_bytes_per_hour = 10 * (double)PF_MIB;
	f.in.leak = &leak;
	f.in.present = sizes(100, 100, 1000, 1000);
	evidence_run(f.e, "a", 0, 48, &h);
	recommend(&f);
	PF_CHECK_INT("the size before the leak", podfit(&f)->memory.target, 204 * PF_MIB);
	PF_CHECK_INT("the limit stays", podfit(&f)->memory.limit, PF_UNKNOWN);
	check_finding(&f, "leak", PF_VERDICT_MEMORY_LEAK, PF_ACTION_FIX_LEAK);
	check_finding(&f, "risk", PF_VERDICT_MEMORY_OOM_RISK, PF_ACTION_FIX_LEAK);
	tear_down(&f);
}

static void test_suspect_is_held(void)
{
	struct evidence_hour h = { .idle_windows = 36000,
				   .memory_bytes = 400 * PF_MIB,
				   .hot_bytes = 400 * PF_MIB };
	struct pf_leak_finding leak;
	struct fixture f;

	set_up(&f);
	pf_leak_finding_clear(&leak);
	leak.state = PF_LEAK_SUSPECT;
	leak.pre_leak_bytes = 200 * PF_MIB;
	f.in.leak = &leak;
	evidence_run(f.e, "a", 0, 48, &h);

	f.in.present = sizes(100, 100, 300, 420);
	recommend(&f);
	PF_CHECK_INT("it is not raised", podfit(&f)->memory.target, 300 * PF_MIB);
	PF_CHECK_INT("nor is the limit", podfit(&f)->memory.limit, PF_UNKNOWN);
	PF_CHECK("no word of too little", !finding(&f, PF_VERDICT_MEMORY_UNDER_PROVISIONED, false));
	check_finding(&f, "a risk all the same", PF_VERDICT_MEMORY_OOM_RISK, PF_ACTION_NONE);

	f.in.present = sizes(100, 100, 800, 1000);
	recommend(&f);
	PF_CHECK_INT("nor lowered", podfit(&f)->memory.target, 800 * PF_MIB);
	PF_CHECK_INT("no savings of memory", f.rec.savings.memory_bytes, 0);

	f.in.present.memory_request_bytes = PF_NO_LIMIT;
	recommend(&f);
	PF_CHECK_INT("no request: from before", podfit(&f)->memory.target, 204 * PF_MIB);

	leak.state = PF_LEAK_NONE;
	f.in.present = sizes(100, 100, 300, 420);
	recommend(&f);
	PF_CHECK("not suspected any more", podfit(&f)->memory.target > 400 * PF_MIB);
	tear_down(&f);
}

static void test_start(void)
{
	struct fixture f;

	set_up(&f);
	f.in.evidence = NULL;
	recommend(&f);
	PF_CHECK_INT("no class, no numbers", podfit(&f)->cpu.target, PF_UNKNOWN);
	PF_CHECK("said so", finding(&f, PF_VERDICT_SHORT_HISTORY, false) && !f.rec.starting_advice);

	f.rules.class = *pf_class_builtin("database");
	recommend(&f);
	PF_CHECK("marked", f.rec.starting_advice);
	PF_CHECK_INT("CPU of the table", podfit(&f)->cpu.target, 500);
	PF_CHECK_INT("limit of the table", podfit(&f)->cpu.limit, 2000);
	PF_CHECK_INT("memory of the table", podfit(&f)->memory.target, PF_GIB);
	PF_CHECK_INT("memory limit of the table", podfit(&f)->memory.limit, 4 * PF_GIB);
	PF_CHECK_STR("class", f.rec.workload_class, "database");
	tear_down(&f);
}

static void test_bounds_and_modes(void)
{
	struct evidence_hour h = { .busy_windows = 36000,
				   .demand_millicores = 500,
				   .hot_bytes = 200 * PF_MIB };
	struct fixture f;

	set_up(&f);
	f.in.present = sizes(500, PF_NO_LIMIT, 200, 300);
	evidence_run(f.e, "a", 0, 48, &h);
	f.rules.max_allowed[PF_VPA_CPU] = 300;
	f.rules.min_allowed[PF_VPA_MEMORY] = 512 * PF_MIB;
	recommend(&f);
	PF_CHECK_INT("maxAllowed", podfit(&f)->cpu.target, 300);
	PF_CHECK("told before it", podfit(&f)->cpu.uncapped > 500);
	PF_CHECK_INT("minAllowed", podfit(&f)->memory.target, 512 * PF_MIB);
	PF_CHECK_INT("VPA's too", pf_policy_result_of(&f.rec, "vpa")->cpu.target, 300);

	f.rules.controlled[PF_VPA_CPU] = false;
	f.rules.requests_only = true;
	recommend(&f);
	PF_CHECK_INT("not controlled", podfit(&f)->cpu.target, PF_UNKNOWN);
	PF_CHECK_INT("VPA leaves it too", pf_policy_result_of(&f.rec, "vpa")->cpu.target,
		     PF_UNKNOWN);
	PF_CHECK_INT("requests only", podfit(&f)->memory.limit, PF_UNKNOWN);

	f.rules.controlled[PF_VPA_CPU] = true;
	f.rules.requests_only = false;
	f.rules.class.cpu_limit_mode = PF_LIMIT_NONE;
	recommend(&f);
	PF_CHECK_INT("no limit wanted", podfit(&f)->cpu.limit, PF_NO_LIMIT);

	f.rules.off = true;
	recommend(&f);
	PF_CHECK_INT("off", podfit(&f)->memory.target, PF_UNKNOWN);
	PF_CHECK("evidence stays", f.rec.evidence.usage_mean_millicores > 0);
	PF_CHECK("no savings", !f.rec.savings.known);
	tear_down(&f);
}

static void test_missing_and_hpa(void)
{
	struct evidence_hour h = { .busy_windows = 36000,
				   .demand_millicores = 500,
				   .hot_bytes = 200 * PF_MIB };
	struct fixture f;

	set_up(&f);
	f.in.present = (struct pf_resources){ PF_NO_LIMIT, PF_NO_LIMIT, PF_NO_LIMIT, PF_NO_LIMIT };
	f.in.hpa_on_cpu = true;
	evidence_run(f.e, "a", 0, 48, &h);
	recommend(&f);
	check_finding(&f, "no request", PF_VERDICT_NO_REQUEST, PF_ACTION_SET_REQUESTS);
	check_finding(&f, "no limit", PF_VERDICT_NO_LIMIT, PF_ACTION_SET_LIMITS);
	check_finding(&f, "HPA", PF_VERDICT_HPA_ON_SAME_METRIC, PF_ACTION_NONE);
	PF_CHECK("nothing to save from nothing", !f.rec.savings.known);
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
	tear_down(&f);
}

static void test_out_of_memory(void)
{
	struct evidence_hour h = { .busy_windows = 36000,
				   .demand_millicores = 500,
				   .hot_bytes = 200 * PF_MIB };
	struct fixture f;
	int r = -1;

	set_up(&f);
	pf_arena_done(&f.arena);
	evidence_run(f.e, "a", 0, 2, &h);
	for (size_t max = 0; max < 100000 && r < 0; max += 64) {
		pf_arena_init(&f.arena, max);
		f.rec.nr_steps = 12345;
		r = pf_recommend(&f.in, &f.arena, &f.rec);
		if (r < 0) {
			PF_CHECK_INT("why", r, -ENOSPC);
			PF_CHECK_INT("output untouched", f.rec.nr_steps, 12345);
		}
		pf_arena_done(&f.arena);
	}
	PF_CHECK_INT("in the end", r, 0);
	tear_down(&f);
}

PF_TEST_SUITE(recommend, { "over-provisioned", test_over_provisioned },
	      { "throttled", test_throttled }, { "saturated", test_saturated },
	      { "held for contention", test_held_for_contention }, { "OOM", test_oom },
	      { "leak is not fed", test_leak_is_not_fed },
	      { "suspect is held", test_suspect_is_held }, { "start", test_start },
	      { "bounds and modes", test_bounds_and_modes },
	      { "missing and HPA", test_missing_and_hpa }, { "uneven", test_uneven },
	      { "CPU unknown", test_cpu_unknown }, { "out of memory", test_out_of_memory });
