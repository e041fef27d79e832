// SPDX-License-Identifier: Apache-2.0
/* The table of nodes when it is full: who keeps a place, and who makes room. */
#include <errno.h>
#include <stdlib.h>

#include "collector/ingest/nodes.h"
#include "core/units.h"
#include "unit/check.h"

enum { MINUTE_MS = 60000, NOW_MIN = 30000000 };

static int seen(struct pf_nodes *nodes, const char *name, int64_t minute)
{
	struct pf_report_index index = { .nr_containers = 0 };

	pf_report_clear(&index.report);
	index.report.cluster = "c";
	index.report.node = name;
	index.report.run_id = 1;
	index.report.sequence = (uint64_t)minute;
	index.report.end_unix_ns = (uint64_t)minute * PF_NS_PER_MIN;
	return pf_nodes_seen(nodes, &index, minute * MINUTE_MS, true);
}

static bool has_room(struct pf_nodes *nodes, const char *name, int64_t minute)
{
	return pf_nodes_has_room(nodes, "c", name, minute * MINUTE_MS);
}

static void test_full(void)
{
	PF_AUTO(pf_nodes_freep) struct pf_nodes *nodes = NULL;
	PF_AUTO(pf_freep) struct pf_node_info *list = NULL;
	struct pf_node_info info;
	int64_t day_later = NOW_MIN + PF_NODE_FORGOTTEN_MIN;
	size_t nr = 0;

	PF_CHECK_INT("new", pf_nodes_new(2, &nodes), 0);
	PF_CHECK_INT("gone", seen(nodes, "gone", NOW_MIN), 0);
	PF_CHECK_INT("here", seen(nodes, "here", NOW_MIN), 0);
	PF_CHECK("full", !has_room(nodes, "new", NOW_MIN));
	PF_CHECK("but not for who is there", has_room(nodes, "gone", NOW_MIN));
	PF_CHECK_INT("refused", seen(nodes, "new", NOW_MIN), -ENOSPC);
	PF_CHECK_INT("heard of since", seen(nodes, "here", day_later), 0);
	PF_CHECK("silent for a day to the minute", !has_room(nodes, "new", day_later));
	PF_CHECK_INT("still known", pf_nodes_get(nodes, "c", "gone", &info), 0);
	PF_CHECK("longer", has_room(nodes, "new", day_later + 1));
	PF_CHECK_INT("forgotten", pf_nodes_get(nodes, "c", "gone", &info), -ENOENT);
	PF_CHECK_INT("taken", seen(nodes, "new", day_later + 1), 0);
	PF_CHECK_INT("list", pf_nodes_list(nodes, &list, &nr), 0);
	PF_CHECK_INT("both", nr, 2);
	if (nr == 2) {
		PF_CHECK_STR("first", list[0].node, "here");
		PF_CHECK_STR("second", list[1].node, "new");
		PF_CHECK_STR("cluster", list[1].cluster, "c");
	}
	/* For who has a place nobody is forgotten, however silent. */
	PF_CHECK("known", has_room(nodes, "here", day_later * 2));
	PF_CHECK_INT("both stay", pf_nodes_count(nodes), 2);
}

/* What a report says of its node; sums are of what runs and is known. */
static void test_told(void)
{
	PF_AUTO(pf_nodes_freep) struct pf_nodes *nodes = NULL;
	static const struct pf_report_signal signals[] = { { "cpu_windows", true, "" },
							   { "psi", false, "psi=0" },
							   { "block_io", false, "no hook" } };
	static const struct pf_loss losses[] = { { "slots_full", 3 }, { "late", 4 } };
	struct pf_index_container containers[] = {
		{ .cpu_request_millicores = 100,
		  .memory_request_bytes = 1000,
		  .hot_bytes = 500,
		  .usage_ns = PF_NS_PER_S,
		  .interval_ns = 10 * PF_NS_PER_S,
		  .leak_alarm = true },
		{ .cpu_request_millicores = PF_NO_LIMIT,
		  .memory_request_bytes = 2000,
		  .hot_bytes = PF_UNKNOWN,
		  .usage_ns = 2 * PF_NS_PER_S,
		  .interval_ns = 10 * PF_NS_PER_S },
		{ .cpu_request_millicores = 50,
		  .memory_request_bytes = 50,
		  .hot_bytes = 50,
		  .usage_ns = 50,
		  .interval_ns = 50,
		  .leak_alarm = true,
		  .ended = true },
		{ .cpu_request_millicores = 7,
		  .memory_request_bytes = PF_UNKNOWN,
		  .hot_bytes = 70,
		  .usage_ns = PF_UNKNOWN,
		  .interval_ns = PF_UNKNOWN },
	};
	struct pf_report_index index = { .containers = containers,
					 .nr_containers = PF_ARRAY_SIZE(containers) };
	struct pf_report *report = &index.report;
	struct pf_node_info info;

	pf_report_clear(report);
	report->cluster = "c";
	report->node = "n";
	report->run_id = 1;
	report->sequence = 5;
	report->end_unix_ns = 1000 * PF_NS_PER_S;
	report->agent_version = "0.1";
	report->signals = signals;
	report->nr_signals = PF_ARRAY_SIZE(signals);
	report->losses = losses;
	report->nr_losses = PF_ARRAY_SIZE(losses);
	report->nr_cpus = 8;
	report->cost = (struct pf_self_cost){ .agent_cpu_ns = 10 * PF_NS_PER_MS,
					      .bpf_run_ns = 20 * PF_NS_PER_MS,
					      .resident_bytes = 5,
					      .map_bytes = 6 };
	report->cost_wall_ns = 10 * PF_NS_PER_S;
	PF_CHECK_INT("new", pf_nodes_new(2, &nodes), 0);
	PF_CHECK_INT("seen", pf_nodes_seen(nodes, &index, 998000, true), 0);
	PF_CHECK_INT("get", pf_nodes_get(nodes, "c", "n", &info), 0);
	PF_CHECK_INT("that run", info.nr_containers, 3);
	PF_CHECK_INT("leaks of what runs", info.nr_leaks, 1);
	PF_CHECK_INT("CPU requested", info.cpu_requested_millicores, 107);
	PF_CHECK_INT("memory requested", info.memory_requested_bytes, 3000);
	PF_CHECK_INT("hot", info.hot_bytes, 570);
	PF_CHECK_NEAR("used", info.cpu_used_millicores, 300, 1e-9);
	PF_CHECK_STR("signals off", info.signals_off, "psi,block_io");
	PF_CHECK_INT("lost", info.nr_lost, 7);
	PF_CHECK_NEAR("cost", info.cost_ratio, 0.003, 1e-12);
	PF_CHECK_INT("cost in memory", info.cost_bytes, 11);
	PF_CHECK_INT("two seconds ahead", info.skew_ms, 2000);
	PF_CHECK_STR("version", info.agent_version, "0.1");
	PF_CHECK_INT("CPUs", info.nr_cpus, 8);

	/* An older report says nothing any more; of another run the later end counts. */
	report->sequence = 4;
	report->nr_cpus = 9;
	PF_CHECK_INT("older", pf_nodes_seen(nodes, &index, 999000, true), 0);
	PF_CHECK_INT("get", pf_nodes_get(nodes, "c", "n", &info), 0);
	PF_CHECK_INT("as it was", info.nr_cpus, 8);
	report->run_id = 2;
	report->end_unix_ns -= 1;
	PF_CHECK_INT("another run, earlier", pf_nodes_seen(nodes, &index, 999000, true), 0);
	PF_CHECK_INT("get", pf_nodes_get(nodes, "c", "n", &info), 0);
	PF_CHECK_INT("as it was", info.nr_cpus, 8);
	report->sequence = 1;
	report->end_unix_ns += 2;
	report->cost.bpf_run_ns = report->cost.map_bytes = PF_UNKNOWN;
	PF_CHECK_INT("another run, later", pf_nodes_seen(nodes, &index, 999000, false), 0);
	PF_CHECK_INT("get", pf_nodes_get(nodes, "c", "n", &info), 0);
	PF_CHECK_INT("taken", info.nr_cpus, 9);
	PF_CHECK("it is of that run now", info.run_id == 2 && info.sequence == 1);
	PF_CHECK_INT("out of the store it tells nothing of the clock", info.skew_ms, 2000);
	PF_CHECK_NEAR("cost without BPF", info.cost_ratio, 0.001, 1e-12);
	PF_CHECK_INT("what is known of its memory", info.cost_bytes, 5);
	report->cost.agent_cpu_ns = PF_UNKNOWN;
	report->sequence = 2;
	PF_CHECK_INT("no cost", pf_nodes_seen(nodes, &index, 999000, true), 0);
	PF_CHECK_INT("get", pf_nodes_get(nodes, "c", "n", &info), 0);
	PF_CHECK("not known is not nothing", isnan(info.cost_ratio));
}

/* All that are silent make room, not one of them. */
static void test_all_silent(void)
{
	static const char *const names[] = { "one", "two", "three" };
	PF_AUTO(pf_nodes_freep) struct pf_nodes *nodes = NULL;

	PF_CHECK_INT("new", pf_nodes_new(PF_ARRAY_SIZE(names), &nodes), 0);
	for (size_t i = 0; i < PF_ARRAY_SIZE(names); i++)
		PF_CHECK_INT("seen", seen(nodes, names[i], NOW_MIN + (int64_t)i), 0);
	PF_CHECK("room", has_room(nodes, "new", NOW_MIN + PF_NODE_FORGOTTEN_MIN + 2));
	PF_CHECK_INT("the last one was heard of within a day", pf_nodes_count(nodes), 1);
}

/* By cluster, then by name. */
static void test_order(void)
{
	static const char *const names[][2] = {
		{ "b", "n1" }, { "a", "n2" }, { "b", "n0" }, { "a", "n1" }
	};
	PF_AUTO(pf_nodes_freep) struct pf_nodes *nodes = NULL;
	PF_AUTO(pf_freep) struct pf_node_info *list = NULL;
	size_t nr = 0;
	char all[64] = "";

	PF_CHECK_INT("new", pf_nodes_new(8, &nodes), 0);
	for (size_t i = 0; i < PF_ARRAY_SIZE(names); i++) {
		struct pf_report_index index = { .nr_containers = 0 };

		pf_report_clear(&index.report);
		index.report.cluster = names[i][0];
		index.report.node = names[i][1];
		PF_CHECK_INT("seen", pf_nodes_seen(nodes, &index, 1, true), 0);
	}
	PF_CHECK_INT("list", pf_nodes_list(nodes, &list, &nr), 0);
	for (size_t i = 0; i < nr; i++)
		(void)snprintf(all + strlen(all), sizeof(all) - strlen(all), "%.9s/%.9s ",
			       list[i].cluster, list[i].node);
	PF_CHECK_STR("order", all, "a/n1 a/n2 b/n0 b/n1 ");
}

PF_TEST_SUITE(collector_nodes, { "full", test_full }, { "told", test_told },
	      { "all silent", test_all_silent }, { "order", test_order });
