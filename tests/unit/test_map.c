// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdbool.h>

#include "base/map.h"
#include "unit/check.h"

static void test_churn(void)
{
	PF_AUTO(pf_map_freep) struct pf_map *map = NULL;
	static int values[1000];

	CU_ASSERT_FATAL(pf_map_new_u64(300, &map) == 0);
	/* Far more inserts than the bound, never more than 300 alive: tombstones must not fill the
	 * table. */
	for (uint64_t i = 0; i < 100000; i++) {
		PF_CHECK_INT("put", pf_map_put_u64(map, i, &values[i % 1000]), 0);
		if (i >= 300 - 1)
			PF_CHECK("remove",
				 pf_map_remove_u64(map, i - 299) == &values[(i - 299) % 1000]);
	}
	PF_CHECK_INT("count", pf_map_count(map), 299);
	PF_CHECK("gone", !pf_map_get_u64(map, 5));
	PF_CHECK("there", pf_map_get_u64(map, 99999) == &values[999]);
}

static void test_bound(void)
{
	PF_AUTO(pf_map_freep) struct pf_map *map = NULL;
	int a, b;

	CU_ASSERT_FATAL(pf_map_new_str(1, &map) == 0);
	PF_CHECK_INT("first", pf_map_put_str(map, "a", &a), 0);
	PF_CHECK_INT("full", pf_map_put_str(map, "b", &b), -ENOSPC);
	PF_CHECK_INT("replacing is no growth", pf_map_put_str(map, "a", &b), 0);
	PF_CHECK("replaced", pf_map_get_str(map, "a") == &b);
	PF_CHECK("take", pf_map_remove_str(map, "a") == &b);
	PF_CHECK_INT("empty", pf_map_count(map), 0);
}

static void test_walk(void)
{
	PF_AUTO(pf_map_freep) struct pf_map *map = NULL;
	int values[50], *value, seen = 0;

	CU_ASSERT_FATAL(pf_map_new_u64(50, &map) == 0);
	for (uint64_t i = 0; i < 50; i++) {
		values[i] = (int)i;
		PF_CHECK_INT("put", pf_map_put_u64(map, i, &values[i]), 0);
	}
	pf_map_for_each(map, cursor, value) {
		seen++;
		PF_CHECK("removing while walking",
			 pf_map_remove_u64(map, (uint64_t)*value) == value);
	}
	PF_CHECK_INT("each once", seen, 50);
	PF_CHECK_INT("empty", pf_map_count(map), 0);
}

PF_TEST_SUITE(map, { "churn", test_churn }, { "bound", test_bound }, { "walk", test_walk });
