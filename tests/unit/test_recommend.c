// SPDX-License-Identifier: Apache-2.0
/* Sizes, bounds, findings and savings of invented containers whose right advice a person can tell. */
#include <errno.h>

#include "unit/recommend_sample.h"

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
	PF_CHECK_INT("never below what was needed", podfit(&f)->memory.lower, 200 * PF_MIB);
	PF_CHECK_INT("nor above what the limit is for", podfit(&f)->memory.upper, 235 * PF_MIB);
	PF_CHECK("room above the CPU request, without absurd bounds",
		 podfit(&f)->cpu.upper > podfit(&f)->cpu.target &&
			 podfit(&f)->cpu.upper < 2 * podfit(&f)->cpu.target);
	check_step(&f, "Memory request: at most 200 MiB was needed in up to 14 days");
	check_step(&f, "memory that cannot be dropped");
	check_step(&f, ": 204 MiB.");
	check_step(&f, "Memory limit: the request plus 15 %: 235 MiB.");
	PF_CHECK("no step of what did not happen",
		 !step(&f, "short history") && !step(&f, "OOM kill") && !step(&f, "became"));
	check_sentence(&f, PF_VERDICT_MEMORY_OVER_PROVISIONED,
		       "Requests 4.00 GiB, never needed more than 200 MiB; 204 MiB is enough.");
	check_sentence(&f, PF_VERDICT_CPU_OVER_PROVISIONED, "Requests 2000m, uses 50m on average");
	check_finding(&f, "CPU", PF_VERDICT_CPU_OVER_PROVISIONED, PF_ACTION_DECREASE_REQUESTS);
	check_finding(&f, "memory", PF_VERDICT_MEMORY_OVER_PROVISIONED,
		      PF_ACTION_DECREASE_REQUESTS);
	PF_CHECK("the baseline's rule too",
		 finding(&f, PF_VERDICT_CPU_OVER_PROVISIONED, true) != NULL);
	PF_CHECK("not throttled", !finding(&f, PF_VERDICT_CPU_THROTTLED, false) &&
					  !finding(&f, PF_VERDICT_THREADS_EXCEED_QUOTA, false) &&
					  !finding(&f, PF_VERDICT_NOISY_NEIGHBOUR, false));
	PF_CHECK("a whole history",
		 !finding(&f, PF_VERDICT_SHORT_HISTORY, false) && isnan(podfit(&f)->hours_more));
	PF_CHECK("savings are known", f.rec.savings.known);
	PF_CHECK_STR("currency", f.rec.savings.currency, "EUR");
	PF_CHECK_INT("savings of all replicas", f.rec.savings.cpu_millicores,
		     3 * (2000 - (int64_t)podfit(&f)->cpu.target));
	PF_CHECK_NEAR("hours", f.rec.evidence.covered_hours, 48, 1e-6);
	PF_CHECK_INT("windows", f.rec.evidence.nr_windows, 48 * 36000);
	PF_CHECK_NEAR("median", f.rec.evidence.demand_p50_millicores, 0, 0);
	PF_CHECK_NEAR("p99", f.rec.evidence.demand_p99_millicores, 500, 500 * 0.064);
	PF_CHECK_NEAR("peak", f.rec.evidence.demand_peak_millicores, 500, 0);
	PF_CHECK_INT("memory's peak", f.rec.evidence.memory_peak_bytes, 220 * PF_MIB);
	PF_CHECK_INT("hot memory's", f.rec.evidence.hot_peak_bytes, 200 * PF_MIB);
	PF_CHECK_NEAR("its mean", f.rec.evidence.hot_mean_bytes, 200.0 * (double)PF_MIB, 1);
	PF_CHECK_NEAR("use of the request", f.rec.evidence.cpu_utilization, 0.025, 1e-6);
	PF_CHECK_NEAR("of memory's", f.rec.evidence.memory_utilization, 200.0 / 4096, 1e-6);
	PF_CHECK_INT("memory saved", f.rec.savings.memory_bytes,
		     3 * (4096 - 204) * (int64_t)PF_MIB);
	PF_CHECK_NEAR("money", f.rec.savings.money_per_month,
		      730.5 * ((double)f.rec.savings.cpu_millicores / 1000 * 0.03 +
			       3 * 3892.0 / 1024 * 0.004),
		      1e-6);
	PF_CHECK("steps", f.rec.nr_steps >= 4);
	tear_down(&f);
}

/* What is saved is what is asked for now less what is advised; nothing is made up for what is not known. */
static void test_savings(void)
{
	struct evidence_hour h = { .busy_windows = 36000,
				   .demand_millicores = 500,
				   .hot_bytes = 200 * PF_MIB };
	struct fixture f;

	set_up(&f);
	evidence_run(f.e, "a", 0, 48, &h);
	f.in.nr_replicas = 0;
	f.in.present = sizes(2000, 4000, 110, 200);
	f.in.present.memory_request_bytes = PF_UNKNOWN;
	recommend(&f);
	PF_CHECK("known by CPU", f.rec.savings.known);
	PF_CHECK_INT("one replica", f.rec.savings.cpu_millicores,
		     2000 - (int64_t)podfit(&f)->cpu.target);
	PF_CHECK_INT("no memory", f.rec.savings.memory_bytes, 0);
	PF_CHECK("no money without prices",
		 isnan(f.rec.savings.money_per_month) && !f.rec.savings.currency);

	f.in.present = sizes(100, 200, 1024, 2048);
	f.in.present.cpu_request_millicores = PF_NO_LIMIT;
	recommend(&f);
	PF_CHECK("known by memory", f.rec.savings.known);
	PF_CHECK_INT("no CPU", f.rec.savings.cpu_millicores, 0);
	PF_CHECK_INT("memory", f.rec.savings.memory_bytes, (1024 - 204) * (int64_t)PF_MIB);

	f.in.present = sizes(100, 200, 110, 200);
	recommend(&f);
	PF_CHECK("too small costs",
		 f.rec.savings.cpu_millicores < 0 &&
			 f.rec.savings.memory_bytes == (110 - 204) * (int64_t)PF_MIB);

	f.in.present.memory_request_bytes = 1ull << 62;
	f.in.nr_replicas = 4;
	recommend(&f);
	PF_CHECK_INT("more than can be counted", f.rec.savings.memory_bytes, INT64_MAX);
	tear_down(&f);
}

/* VPA's own: bounds around the target, and limits that keep their ratio to the request. */
static void test_vpa_result(void)
{
	struct evidence_hour h = { .busy_windows = 36000,
				   .demand_millicores = 500,
				   .hot_bytes = 400 * PF_MIB };
	struct fixture f;

	set_up(&f);
	f.in.present = sizes(1000, 3000, 1024, 2048);
	evidence_run(f.e, "a", 0, 48, &h);
	recommend(&f);
	PF_CHECK("CPU bounds", vpa(&f)->cpu.lower <= vpa(&f)->cpu.target &&
				       vpa(&f)->cpu.target <= vpa(&f)->cpu.upper);
	PF_CHECK("memory bounds", vpa(&f)->memory.lower <= vpa(&f)->memory.target &&
					  vpa(&f)->memory.target <= vpa(&f)->memory.upper &&
					  vpa(&f)->memory.upper < PF_UNKNOWN);
	/* 15 % on top of 500 m, to the next bucket. */
	PF_CHECK("CPU target", vpa(&f)->cpu.target >= 575 && vpa(&f)->cpu.target <= 620);
	PF_CHECK_INT("uncapped", vpa(&f)->cpu.uncapped, (int64_t)vpa(&f)->cpu.target);
	PF_CHECK_NEAR("CPU limit stays three times", (double)vpa(&f)->cpu.limit,
		      3 * (double)vpa(&f)->cpu.target, 1);
	PF_CHECK_NEAR("memory limit stays twice", (double)vpa(&f)->memory.limit,
		      2 * (double)vpa(&f)->memory.target, 2);
	/* A sample a minute for two days. */
	PF_CHECK_NEAR("days of evidence", vpa(&f)->confidence, 2, 0.05);
	PF_CHECK_NEAR("podfit's too", podfit(&f)->confidence, 2, 0.05);

	f.in.present.cpu_limit_millicores = PF_NO_LIMIT;
	f.rules.policy = PF_POLICY_VPA;
	recommend(&f);
	PF_CHECK_INT("no limit, none advised", vpa(&f)->cpu.limit, PF_UNKNOWN);
	PF_CHECK_STR("the policy that holds", f.rec.policy, "vpa");
	PF_CHECK_INT("and saves", f.rec.savings.cpu_millicores,
		     1000 - (int64_t)vpa(&f)->cpu.target);
	tear_down(&f);
}

/* The same hours as a whole history, and as the beginning of one. */
static void test_short_history(void)
{
	struct evidence_hour h = { .busy_windows = 36000,
				   .demand_millicores = 500,
				   .hot_bytes = 1000 * PF_MIB };
	struct fixture f;

	set_up(&f);
	f.in.present = sizes(500, 1000, 1020, 1200);
	evidence_run(f.e, "a", 0, 6, &h);
	recommend(&f);
	double young = (double)podfit(&f)->cpu.upper;

	PF_CHECK_NEAR("hours more", podfit(&f)->hours_more, 18, 0.01);
	check_sentence(&f, PF_VERDICT_SHORT_HISTORY, "Only 6.0 h of history: at least 18.0 h more");
	/* 2 % and three quarters of the 10 % for having no history. */
	PF_CHECK_INT("room for what was not seen yet", podfit(&f)->memory.target, 1095 * PF_MIB);
	check_step(&f, ", 7.5 % for the short history: 1.07 GiB.");

	f.rules.history_hours = 0;
	recommend(&f);
	PF_CHECK("as much as the policy wants",
		 isnan(podfit(&f)->hours_more) && !finding(&f, PF_VERDICT_SHORT_HISTORY, false));
	PF_CHECK_INT("2 % only", podfit(&f)->memory.target, 1020 * PF_MIB);
	/* Wider by up to half: here by three eighths. */
	PF_CHECK_NEAR("bounds are wider", young, 1.375 * (double)podfit(&f)->cpu.upper, 2);
	tear_down(&f);
}

/* The owner's thresholds: 80 and 90 % of the CPU request, 20 % of one above 100 m; bands of 50-70 and 60-80 %. */
static void test_baseline(void)
{
	static const struct {
		const char *name;
		uint64_t use, request; /* millicores, and MiB of memory */
		enum pf_verdict verdict;
		enum pf_action action;
		const char *sentence;
		uint64_t target;
		const char *memory_sentence;
		uint64_t memory_target_mib;
	} rows[] = {
		{ "critical", 950, 1000, PF_VERDICT_CPU_UNDER_PROVISIONED,
		  PF_ACTION_INCREASE_REQUESTS,
		  "High CPU utilization indicates under-provisioning (critical)", 1584,
		  "Memory use is critical", 1358 },
		{ "high", 850, 1000, PF_VERDICT_CPU_UNDER_PROVISIONED, PF_ACTION_INCREASE_REQUESTS,
		  "High CPU utilization indicates under-provisioning", 1417,
		  "Memory use is above its band", 1215 },
		{ "above the band", 750, 1000, PF_VERDICT_CPU_UNDER_PROVISIONED, PF_ACTION_NONE,
		  "CPU use is above its band", 1000, NULL, 1000 },
		{ "within both bands", 650, 1000, PF_VERDICT_NONE, PF_ACTION_NONE, NULL, 1000, NULL,
		  1000 },
		{ "below the bands", 300, 1000, PF_VERDICT_NONE, PF_ACTION_NONE, NULL, 1000, NULL,
		  429 },
		{ "low", 150, 1000, PF_VERDICT_CPU_OVER_PROVISIONED, PF_ACTION_DECREASE_REQUESTS,
		  "Low CPU utilization indicates over-provisioning", 250, NULL, 215 },
		{ "low of little", 15, 100, PF_VERDICT_NONE, PF_ACTION_NONE, NULL, 100, NULL, 22 },
	};

	for (size_t i = 0; i < PF_ARRAY_SIZE(rows); i++) {
		struct evidence_hour h = { .busy_windows = 36000,
					   .demand_millicores = rows[i].use,
					   .hot_bytes = rows[i].use * PF_MIB };
		const struct pf_policy_result *result;
		const struct pf_finding *found, *memory;
		struct fixture f;

		set_up(&f);
		f.rules.policy = PF_POLICY_BASELINE;
		f.in.present = sizes(rows[i].request, 4000, rows[i].request, 8000);
		evidence_run(f.e, "a", 0, 48, &h);
		recommend(&f);
		result = pf_policy_result_of(&f.rec, "baseline");
		PF_CHECK_INT(rows[i].name, result->cpu.target, rows[i].target);
		PF_CHECK_INT(rows[i].name, result->cpu.limit, PF_UNKNOWN);
		PF_CHECK_INT(rows[i].name, result->memory.target,
			     rows[i].memory_target_mib * PF_MIB);
		PF_CHECK_NEAR(rows[i].name, result->confidence, 2, 0.01);
		found = finding(&f, PF_VERDICT_CPU_UNDER_PROVISIONED, true);
		if (!found)
			found = finding(&f, PF_VERDICT_CPU_OVER_PROVISIONED, true);
		PF_CHECK_STR(rows[i].name, found ? found->sentence : NULL, rows[i].sentence);
		PF_CHECK_INT(rows[i].name, found ? found->verdict : PF_VERDICT_NONE,
			     rows[i].verdict);
		PF_CHECK_INT(rows[i].name, found ? found->action : PF_ACTION_NONE, rows[i].action);
		memory = finding(&f, PF_VERDICT_MEMORY_UNDER_PROVISIONED, true);
		PF_CHECK_STR(rows[i].name, memory ? memory->sentence : NULL,
			     rows[i].memory_sentence);
		PF_CHECK("not throttled", !finding(&f, PF_VERDICT_CPU_THROTTLED, true));
		PF_CHECK_INT("savings by it", f.rec.savings.cpu_millicores,
			     (int64_t)rows[i].request - (int64_t)rows[i].target);

		f.in.present =
			(struct pf_resources){ PF_NO_LIMIT, PF_NO_LIMIT, PF_NO_LIMIT, PF_NO_LIMIT };
		recommend(&f);
		result = pf_policy_result_of(&f.rec, "baseline");
		PF_CHECK("nothing to compare with",
			 result->cpu.target == PF_UNKNOWN && result->memory.target == PF_UNKNOWN);
		tear_down(&f);
	}
}

/* A tenth is worth a change, for more memory half of that; a little is not worth a restart. */
static void test_worth_a_change(void)
{
	static const struct {
		const char *name;
		double cpu, memory; /* requests, in parts of what is advised */
		enum pf_verdict cpu_verdict, memory_verdict;
	} cases[] = {
		{ "a little more", 1.08, 1.08, PF_VERDICT_NONE, PF_VERDICT_NONE },
		{ "more", 1.13, 1.13, PF_VERDICT_CPU_OVER_PROVISIONED,
		  PF_VERDICT_MEMORY_OVER_PROVISIONED },
		{ "a little less", 0.94, 0.97, PF_VERDICT_NONE, PF_VERDICT_NONE },
		{ "less", 0.87, 0.94, PF_VERDICT_CPU_UNDER_PROVISIONED,
		  PF_VERDICT_MEMORY_UNDER_PROVISIONED },
	};
	static const enum pf_verdict all[] = { PF_VERDICT_CPU_OVER_PROVISIONED,
					       PF_VERDICT_CPU_UNDER_PROVISIONED,
					       PF_VERDICT_MEMORY_OVER_PROVISIONED,
					       PF_VERDICT_MEMORY_UNDER_PROVISIONED };
	struct evidence_hour h = { .busy_windows = 36000,
				   .demand_millicores = 1000,
				   .hot_bytes = 1000 * PF_MIB };
	struct fixture f;

	set_up(&f);
	evidence_run(f.e, "a", 0, 48, &h);
	recommend(&f);
	double cpu = (double)podfit(&f)->cpu.target, memory = (double)podfit(&f)->memory.target;

	for (size_t i = 0; i < PF_ARRAY_SIZE(cases); i++) {
		f.in.present = sizes((uint64_t)(cpu * cases[i].cpu), PF_NO_LIMIT, 1, 8000);
		f.in.present.memory_request_bytes = (uint64_t)(memory * cases[i].memory);
		recommend(&f);
		for (size_t v = 0; v < PF_ARRAY_SIZE(all); v++)
			PF_CHECK_INT(cases[i].name, finding(&f, all[v], false) != NULL,
				     all[v] == cases[i].cpu_verdict ||
					     all[v] == cases[i].memory_verdict);
	}
	check_sentence(&f, PF_VERDICT_MEMORY_UNDER_PROVISIONED, " but needs 1020 MiB.");
	check_finding(&f, "more CPU", PF_VERDICT_CPU_UNDER_PROVISIONED,
		      PF_ACTION_INCREASE_REQUESTS);
	check_finding(&f, "more memory", PF_VERDICT_MEMORY_UNDER_PROVISIONED,
		      PF_ACTION_INCREASE_REQUESTS);
	tear_down(&f);
}

/* No advice that no node could give. */
static void test_node_size(void)
{
	struct evidence_hour h = { .busy_windows = 36000,
				   .demand_millicores = 3000,
				   .hot_bytes = 3000 * PF_MIB };
	struct fixture f;

	set_up(&f);
	f.in.present = sizes(500, 1000, 300, 300);
	evidence_run(f.e, "a", 0, 30, &h);
	f.in.node_cpu_millicores = 2000;
	f.in.node_memory_bytes = 2 * PF_GIB;
	recommend(&f);
	PF_CHECK_INT("CPU", podfit(&f)->cpu.target, 2000);
	PF_CHECK_INT("CPU limit", podfit(&f)->cpu.limit, 2000);
	PF_CHECK_INT("memory", podfit(&f)->memory.target, 2 * PF_GIB);
	PF_CHECK_INT("memory limit", podfit(&f)->memory.limit, 2 * PF_GIB);
	PF_CHECK("what it would be",
		 podfit(&f)->cpu.uncapped > 3000 && podfit(&f)->memory.uncapped >= 3000 * PF_MIB);
	check_step(&f, "m became 2000m by minimum, node size or the policy's bounds");
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

	PF_CHECK("every class is found by its name", pf_class_builtin("general") &&
							     pf_class_builtin("video") &&
							     !pf_class_builtin("none"));
	f.rules.class = *pf_class_builtin("database");
	recommend(&f);
	PF_CHECK("marked", f.rec.starting_advice);
	PF_CHECK_INT("CPU of the table", podfit(&f)->cpu.target, 500);
	PF_CHECK_INT("limit of the table", podfit(&f)->cpu.limit, 2000);
	PF_CHECK_INT("memory of the table", podfit(&f)->memory.target, PF_GIB);
	PF_CHECK_INT("memory limit of the table", podfit(&f)->memory.limit, 4 * PF_GIB);
	PF_CHECK_STR("class", f.rec.workload_class, "database");

	f.rules.off = true;
	recommend(&f);
	PF_CHECK("off: no size, so none to mark",
		 podfit(&f)->cpu.target == PF_UNKNOWN && !f.rec.starting_advice);
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
	PF_CHECK("memory still", podfit(&f)->memory.target >= 512 * PF_MIB);
	PF_CHECK_INT("VPA's limits stay", vpa(&f)->memory.limit, PF_UNKNOWN);

	f.rules.controlled[PF_VPA_CPU] = true;
	f.rules.controlled[PF_VPA_MEMORY] = false;
	f.rules.requests_only = false;
	f.rules.class.cpu_limit_mode = PF_LIMIT_KEEP;
	recommend(&f);
	PF_CHECK_INT("memory not controlled", podfit(&f)->memory.target, PF_UNKNOWN);
	PF_CHECK_INT("nor its limit", podfit(&f)->memory.limit, PF_UNKNOWN);
	PF_CHECK("nor a word of it", !step(&f, "Memory"));
	PF_CHECK_INT("CPU is", podfit(&f)->cpu.target, 300);
	PF_CHECK_INT("its limit is kept", podfit(&f)->cpu.limit, PF_UNKNOWN);
	f.rules.controlled[PF_VPA_MEMORY] = true;

	f.rules.controlled[PF_VPA_CPU] = true;
	f.rules.requests_only = false;
	f.rules.class.cpu_limit_mode = PF_LIMIT_NONE;
	recommend(&f);
	PF_CHECK_INT("no limit wanted", podfit(&f)->cpu.limit, PF_NO_LIMIT);

	f.in.runtime = PF_RUNTIME_GO;
	recommend(&f);
	PF_CHECK("runtime settings", f.rec.nr_runtime > 0);

	f.rules.off = true;
	recommend(&f);
	PF_CHECK_INT("off", podfit(&f)->memory.target, PF_UNKNOWN);
	PF_CHECK_INT("off: nothing to set in the runtime either", f.rec.nr_runtime, 0);
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

static void test_out_of_memory(void)
{
	struct evidence_hour h = { .busy_windows = 36000,
				   .demand_millicores = 500,
				   .hot_bytes = 200 * PF_MIB };
	struct fixture f;
	unsigned failures = 0;
	int r = -1;

	set_up(&f);
	pf_arena_done(&f.arena);
	evidence_run(f.e, "a", 0, 2, &h);
	for (size_t max = 0; max < 100000 && r < 0; max += 64) {
		pf_arena_init(&f.arena, max);
		f.rec.nr_steps = 12345;
		r = pf_recommend(&f.in, &f.arena, &f.rec);
		if (r < 0) {
			failures++;
			PF_CHECK_INT("why", r, -ENOSPC);
			PF_CHECK_INT("output untouched", f.rec.nr_steps, 12345);
		}
		pf_arena_done(&f.arena);
	}
	PF_CHECK_INT("in the end", r, 0);
	PF_CHECK("but not at once", failures > 10);
	tear_down(&f);
}

PF_TEST_SUITE(recommend, { "over-provisioned", test_over_provisioned }, { "savings", test_savings },
	      { "VPA's result", test_vpa_result }, { "short history", test_short_history },
	      { "node size", test_node_size }, { "worth a change", test_worth_a_change },
	      { "baseline", test_baseline }, { "start", test_start },
	      { "bounds and modes", test_bounds_and_modes },
	      { "missing and HPA", test_missing_and_hpa }, { "out of memory", test_out_of_memory });
