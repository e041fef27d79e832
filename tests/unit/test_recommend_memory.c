// SPDX-License-Identifier: Apache-2.0
/* Advice on memory: limits, OOM kills, stalls and leaks of invented containers whose right advice a person can tell. */
#include "unit/recommend_sample.h"

/* A leak not found yet: at 110 of 128 MiB the limit once went down to 113. */
static void test_limits_wait_for_history(void)
{
	struct evidence_hour h = { .busy_windows = 36000,
				   .demand_millicores = 100,
				   .quota_us = 100000,
				   .hot_bytes = 90 * PF_MIB };
	struct fixture f;

	set_up(&f);
	f.in.present = sizes(200, 1000, 64, 128);
	evidence_run(f.e, "a", 0, 6, &h);
	recommend(&f);
	PF_CHECK_INT("CPU stays", podfit(&f)->cpu.limit, 1000);
	PF_CHECK_INT("memory stays", podfit(&f)->memory.limit, 128 * PF_MIB);
	check_step(&f, "Memory limit: with 6.0 h of history of the 24 h wanted it is not lowered");
	check_step(&f, "CPU limit: with 6.0 h of history of the 24 h wanted it is not lowered");

	f.in.present = sizes(200, 50, 64, 80);
	recommend(&f);
	PF_CHECK("both are raised",
		 podfit(&f)->cpu.limit > 50 && podfit(&f)->memory.limit > 80 * PF_MIB);
	PF_CHECK("without such a word", !step(&f, "is not lowered"));

	f.in.present = sizes(200, 1000, 64, 128);
	f.rules.history_hours = 6;
	recommend(&f);
	PF_CHECK("all the history wanted", podfit(&f)->cpu.limit < 1000);
	PF_CHECK("memory is lowered", podfit(&f)->memory.limit < 128 * PF_MIB);
	tear_down(&f);
}

/* Four days at 100 MiB, one at 110: a week of such days would be 180. */
static void test_rising_limit(void)
{
	struct evidence_hour before = { .idle_windows = 36000, .hot_bytes = 100 * PF_MIB };
	struct evidence_hour last = { .idle_windows = 36000, .hot_bytes = 110 * PF_MIB };
	struct fixture f;

	set_up(&f);
	f.in.present = sizes(100, 100, 200, 400);
	evidence_run(f.e, "a", 0, 96, &before);
	recommend(&f);
	PF_CHECK("what stays level is cut back", podfit(&f)->memory.limit < 120 * PF_MIB);
	evidence_run(f.e, "a", 96, 24, &last);
	recommend(&f);
	PF_CHECK_INT("need and seven rises", podfit(&f)->memory.limit, 180 * PF_MIB);
	check_step(
		&f,
		"the last day needed 10 MiB more than any day before, so it is not lowered below 180 MiB");
	f.in.present = sizes(100, 100, 200, 150);
	recommend(&f);
	PF_CHECK_INT("nor raised for it", podfit(&f)->memory.limit, 150 * PF_MIB);
	tear_down(&f);
}

/* Time that tasks stood still for memory, or for disks. */
static void test_stalls(void)
{
	struct evidence_hour h = { .busy_windows = 36000,
				   .demand_millicores = 500,
				   .hot_bytes = 100 * PF_MIB };
	static const struct {
		const char *name;
		uint64_t reclaim_s, psi_s, io_s;
		bool pressure, io;
	} cases[] = { { "none", 0, 0, 0, false, false },
		      { "some", 30, 30, 300, false, false },
		      { "reclaim", 72, 1, 1, true, false },
		      { "pressure", 1, 72, 1, true, false },
		      { "disks", 1, 1, 720, false, true } };

	for (size_t i = 0; i < PF_ARRAY_SIZE(cases); i++) {
		struct fixture f;

		set_up(&f);
		for (uint32_t hour = 0; hour < 30; hour++) {
			PF_AUTO(pf_slice_freep) struct pf_slice *s = evidence_slice(hour, &h);

			s->reclaim_ns = cases[i].reclaim_s * PF_NS_PER_S;
			s->psi.memory_some_ns = cases[i].psi_s * PF_NS_PER_S;
			s->block_io_ns = cases[i].io_s * PF_NS_PER_S;
			PF_CHECK_INT("slice", pf_evidence_add_slice(f.e, 1, s), 0);
		}
		recommend(&f);
		PF_CHECK_INT(cases[i].name, finding(&f, PF_VERDICT_MEMORY_PRESSURE, false) != NULL,
			     cases[i].pressure);
		PF_CHECK_INT(cases[i].name, finding(&f, PF_VERDICT_IO_STALLED, false) != NULL,
			     cases[i].io);
		if (cases[i].pressure)
			check_sentence(&f, PF_VERDICT_MEMORY_PRESSURE, "2.0 % of the time");
		if (cases[i].io)
			check_sentence(&f, PF_VERDICT_IO_STALLED, "200 ms of every second");
		tear_down(&f);
	}
}

static void test_heap(void)
{
	struct evidence_hour h = { .idle_windows = 36000, .hot_bytes = 100 * PF_MIB };
	struct fixture f;

	set_up(&f);
	evidence_run(f.e, "a", 0, 30, &h);
	f.in.runtime = PF_RUNTIME_JVM;
	f.in.command_line = "java -Xmx2g -jar shop.jar";
	f.in.present = sizes(100, 100, 1024, 1024);
	recommend(&f);
	check_finding(&f, "heap", PF_VERDICT_HEAP_EXCEEDS_LIMIT, PF_ACTION_TUNE_RUNTIME);
	check_sentence(&f, PF_VERDICT_HEAP_EXCEEDS_LIMIT,
		       "lets the heap grow to 2.00 GiB, the limit is 1.00 GiB");
	f.in.present = sizes(100, 100, 1024, 4096);
	recommend(&f);
	PF_CHECK("room for it", !finding(&f, PF_VERDICT_HEAP_EXCEEDS_LIMIT, false));
	f.in.present.memory_limit_bytes = PF_NO_LIMIT;
	recommend(&f);
	PF_CHECK("no limit", !finding(&f, PF_VERDICT_HEAP_EXCEEDS_LIMIT, false));
	f.in.present = sizes(100, 100, 110, 110);
	f.in.command_line = "java -jar shop.jar";
	recommend(&f);
	PF_CHECK("nothing said", !finding(&f, PF_VERDICT_HEAP_EXCEEDS_LIMIT, false));
	check_sentence(&f, PF_VERDICT_MEMORY_OOM_RISK, "reached 91 % of the limit of 110 MiB");
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
	PF_CHECK_INT("nothing less will do", podfit(&f)->memory.lower, 712 * PF_MIB);
	check_step(&f, "An OOM kill says 712 MiB was needed");
	check_sentence(&f, PF_VERDICT_OOM_KILLED,
		       "Killed for memory 1 time; at least 200 MiB more");
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
	PF_CHECK_INT("at most its limit's margin more", podfit(&f)->memory.upper, 235 * PF_MIB);
	PF_CHECK("no step of a limit", !step(&f, "Memory limit"));
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
	PF_CHECK_INT("it may be as small as before", podfit(&f)->memory.lower, 204 * PF_MIB);
	check_step(&f, "the request is held at 300 MiB, what it is now");
	PF_CHECK("no word of too little", !finding(&f, PF_VERDICT_MEMORY_UNDER_PROVISIONED, false));
	check_finding(&f, "a risk all the same", PF_VERDICT_MEMORY_OOM_RISK, PF_ACTION_NONE);

	f.in.present = sizes(100, 100, 800, 1000);
	recommend(&f);
	PF_CHECK_INT("nor lowered", podfit(&f)->memory.target, 800 * PF_MIB);
	PF_CHECK_INT("no savings of memory", f.rec.savings.memory_bytes, 0);

	f.in.present.memory_request_bytes = PF_NO_LIMIT;
	recommend(&f);
	PF_CHECK_INT("no request: from before", podfit(&f)->memory.target, 204 * PF_MIB);
	check_step(&f, "held at 204 MiB, the size from before the growth");

	leak.state = PF_LEAK_NONE;
	f.in.present = sizes(100, 100, 300, 420);
	recommend(&f);
	PF_CHECK("not suspected any more", podfit(&f)->memory.target > 400 * PF_MIB);
	tear_down(&f);
}

PF_TEST_SUITE(recommend_memory, { "limits wait for history", test_limits_wait_for_history },
	      { "rising limit", test_rising_limit }, { "stalls", test_stalls },
	      { "heap", test_heap }, { "OOM", test_oom },
	      { "leak is not fed", test_leak_is_not_fed },
	      { "suspect is held", test_suspect_is_held });
