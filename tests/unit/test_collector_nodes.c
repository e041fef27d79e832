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

PF_TEST_SUITE(collector_nodes, { "full", test_full });
