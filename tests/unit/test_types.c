// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "core/types.h"
#include "unit/check.h"

/* anon + shmem + unreclaimable kernel memory + what is locked + swap; nothing twice, nothing made up. */
static void test_hot_bytes(void)
{
	struct pf_memory_kinds k;

	memset(&k, 0xff, sizeof(k));
	PF_CHECK("nothing known", pf_memory_hot_bytes(&k) == PF_UNKNOWN);
	k.anon = 1000;
	PF_CHECK_INT("anon alone", pf_memory_hot_bytes(&k), 1000);
	k.shmem = 200;
	k.slab_unreclaimable = 30;
	k.kernel_stack = 4;
	k.pagetables = 5;
	k.percpu = 6;
	k.sock = 7;
	k.swap = 8;
	k.slab_reclaimable = 100000;
	PF_CHECK_INT("all kinds that cannot be dropped", pf_memory_hot_bytes(&k), 1260);

	/* Page cache: 500 and the 200 of shmem; 450 are on the lists that can be dropped, 50 are locked. */
	k.file = 700;
	k.inactive_file = 150;
	k.active_file = 300;
	PF_CHECK_INT("whether locked is not known", pf_memory_hot_bytes(&k), 1260);
	k.unevictable = 80;
	PF_CHECK_INT("locked files, not locked anon", pf_memory_hot_bytes(&k), 1310);
	k.unevictable = 20;
	PF_CHECK_INT("no more than is locked", pf_memory_hot_bytes(&k), 1280);
	k.active_file = 350;
	PF_CHECK_INT("all of it can be dropped", pf_memory_hot_bytes(&k), 1260);
	k.active_file = PF_UNKNOWN;
	PF_CHECK_INT("a list is not known", pf_memory_hot_bytes(&k), 1260);
}

static void test_names(void)
{
	for (int i = 0; i < PF_NR_WORKLOAD_KINDS; i++)
		PF_CHECK_INT(
			"there and back",
			pf_workload_kind_parse(pf_workload_kind_name((enum pf_workload_kind)i)), i);
	PF_CHECK_STR("beyond the last",
		     pf_workload_kind_name((enum pf_workload_kind)PF_NR_WORKLOAD_KINDS), "Unknown");
	PF_CHECK_INT("no such kind", pf_workload_kind_parse("deployment"), PF_WORKLOAD_UNKNOWN);
}

static void test_clear(void)
{
	struct pf_sample s;

	memset(&s, 0x5a, sizeof(s));
	pf_sample_clear(&s);
	PF_CHECK("unknown", s.usage_ns == PF_UNKNOWN && s.psi.io_full_ns == PF_UNKNOWN &&
				    s.kinds.anon == PF_UNKNOWN && s.nr_threads == PF_UNKNOWN);
	PF_CHECK("nothing of windows", !s.windows && !s.nr_past_windows && !s.nr_all_windows);
	PF_CHECK("not the last", !s.last);
	for (size_t i = 0; i < PF_NR_SAMPLE_HISTS; i++)
		PF_CHECK("no histogram", !s.hists[i]);
}

PF_TEST_SUITE(types, { "hot bytes", test_hot_bytes }, { "names", test_names },
	      { "clear", test_clear });
