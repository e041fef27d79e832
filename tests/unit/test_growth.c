// SPDX-License-Identifier: Apache-2.0
/*
 * test_growth.c - which stack and which process grow.
 */
#include "base/cleanup.h"
#include "base/units.h"
#include "core/growth.h"
#include "unit/check.h"

static struct pf_growth_stack stack(uint64_t leaf, uint64_t caller, uint64_t nr_faults)
{
	return (struct pf_growth_stack){
		.tgid = 7,
		.comm = "app",
		.nr_faults = nr_faults,
		.nr_addresses = 2,
		.addresses = { leaf, caller },
	};
}

/* Churn faults all the time, the leak only while memory grows: the leak ranks first though it faults less. */
static void test_difference(void)
{
	static struct pf_growth_table t;
	uint32_t at[4];
	double share[4];

	memset(&t, 0, sizeof(t));
	for (int i = 0; i < 10; i++) {
		struct pf_growth_stack growing[] = { stack(0x10, 0x1, 5000),
						     stack(0x20, 0x1, 800) };
		struct pf_growth_stack resting[] = { stack(0x10, 0x1, 5000) };

		pf_growth_add(&t, growing, 2, 10, 3 * PF_MIB, 2 * PF_MIB);
		pf_growth_add(&t, resting, 1, 10, 0, 2 * PF_MIB);
	}
	PF_CHECK_INT("only one grows", pf_growth_rank(&t, 4, at, share), 1);
	PF_CHECK_INT("which", t.place[at[0]].stack.addresses[0], 0x20);
	PF_CHECK_NEAR("share", share[0], 1, 1e-12);
}

static void test_always_growing(void)
{
	static struct pf_growth_table t;
	uint32_t at[2];
	double share[2];

	memset(&t, 0, sizeof(t));
	for (int i = 0; i < 5; i++) {
		struct pf_growth_stack all[] = { stack(0x10, 0x1, 100), stack(0x20, 0x1, 600),
						 stack(0x20, 0x2, 300) };

		pf_growth_add(&t, all, 3, 10, PF_MIB, PF_MIB);
	}
	PF_CHECK_INT("the two largest", pf_growth_rank(&t, 2, at, share), 2);
	PF_CHECK_NEAR("first", share[0], .6, 1e-12);
	PF_CHECK_NEAR("second", share[1], .3, 1e-12);
	PF_CHECK_INT("told apart by the caller", t.place[at[1]].stack.addresses[1], 0x2);
}

static void test_full(void)
{
	static struct pf_growth_table t;
	uint32_t at[1];
	double share[1];

	memset(&t, 0, sizeof(t));
	for (uint64_t i = 0; i < 2 * PF_GROWTH_STACKS_MAX; i++) {
		struct pf_growth_stack s = stack(i, 0, i + 1);

		pf_growth_add(&t, &s, 1, 1, 1, 0);
	}
	PF_CHECK_INT("bounded", t.nr_places, PF_GROWTH_STACKS_MAX);
	PF_CHECK_INT("largest", pf_growth_rank(&t, 1, at, share), 1);
	PF_CHECK_INT("the largest stayed", t.place[at[0]].stack.nr_faults,
		     2 * PF_GROWTH_STACKS_MAX);
	PF_CHECK_INT("what went was counted", t.nr_dropped,
		     PF_GROWTH_STACKS_MAX * (PF_GROWTH_STACKS_MAX + 1) / 2);
}

/* A place that was busy two hours ago fades behind one that is busy now. */
static void test_fade(void)
{
	static struct pf_growth_table t;
	uint32_t at[2];
	double share[2];

	memset(&t, 0, sizeof(t));
	for (int i = 0; i < 1080; i++) {
		struct pf_growth_stack s = stack(i < 360 ? 1 : 2, 0, i < 360 ? 100 : 60);

		pf_growth_add(&t, &s, 1, 10, 1, 0);
	}
	PF_CHECK_INT("both", pf_growth_rank(&t, 2, at, share), 2);
	PF_CHECK_INT("the present one first", t.place[at[0]].stack.addresses[0], 2);
}

static void test_processes(void)
{
	static struct pf_process_table t;
	uint32_t at[4];
	double slope[4];

	memset(&t, 0, sizeof(t));
	for (uint64_t i = 0; i <= 60; i++) {
		struct pf_process_memory now[] = {
			{ .pid = 1, .start_ticks = 1, .anon_bytes = 900 * PF_MIB },
			{ .pid = 2, .start_ticks = 1, .anon_bytes = 10 * PF_MIB + i * PF_MIB },
			{ .pid = 3, .start_ticks = i / 10, .anon_bytes = 50 * PF_MIB + i * 1000 },
			{ .pid = 4, .start_ticks = 9, .anon_bytes = 80 * PF_MIB - i * PF_MIB },
		};

		pf_process_add(&t, now, i < 50 ? 4 : 3, i * PF_NS_PER_MIN);
	}
	PF_CHECK_INT("the one that ended is gone", t.nr_processes, 3);
	PF_CHECK("some grow", pf_process_rank(&t, 4, at, slope) >= 1);
	PF_CHECK_INT("which", t.process[at[0]].now.pid, 2);
	PF_CHECK_NEAR("its rate", slope[0] / PF_MIB, 60, 1e-9);
}

static void test_many_processes(void)
{
	static struct pf_process_table t;
	static struct pf_process_memory now[PF_GROWTH_PROCESSES_MAX + 40];
	uint32_t at[1];
	double slope[1];

	memset(&t, 0, sizeof(t));
	for (uint64_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < PF_ARRAY_SIZE(now); i++)
			now[i] = (struct pf_process_memory){
				.pid = i + 1,
				.anon_bytes = (i + 1 + round * (i == 100)) * PF_MIB,
			};
		pf_process_add(&t, now, PF_ARRAY_SIZE(now), round * PF_NS_PER_MIN);
	}
	PF_CHECK_INT("bounded", t.nr_processes, PF_GROWTH_PROCESSES_MAX);
	PF_CHECK_INT("the grown one is there", pf_process_rank(&t, 1, at, slope), 1);
	PF_CHECK_INT("which", t.process[at[0]].now.pid, 101);
}

static void test_held(void)
{
	static const struct pf_process_memory processes[] = {
		{ .pid = 1, .comm = "none", .held = { 0, 0, 0 } },
		{ .pid = 2, .comm = "hidden", .held = { PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN } },
		{ .pid = 3, .comm = "sockets", .held = { 900, 1, 100 } },
		{ .pid = 4, .comm = "files", .held = { 3, 2, 7 << 20 } },
	};
	struct pf_process_table t = { 0 };
	uint32_t at[4];

	pf_process_add(&t, processes, PF_ARRAY_SIZE(processes), 1);
	PF_CHECK_INT("with sockets", pf_process_rank_held(&t, PF_KIND_SOCK, 4, at), 2);
	PF_CHECK_STR("most sockets", t.process[at[0]].now.comm, "sockets");
	PF_CHECK_INT("with files", pf_process_rank_held(&t, PF_KIND_SHMEM, 1, at), 1);
	PF_CHECK_STR("largest files", t.process[at[0]].now.comm, "files");
	PF_CHECK_INT("other kinds", pf_process_rank_held(&t, PF_KIND_ANON, 4, at), 0);
}

PF_TEST_SUITE(growth, { "difference", test_difference }, { "always growing", test_always_growing },
	      { "full", test_full }, { "fade", test_fade }, { "processes", test_processes },
	      { "many processes", test_many_processes }, { "held", test_held });
