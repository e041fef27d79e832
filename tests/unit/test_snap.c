// SPDX-License-Identifier: Apache-2.0
/* From two records of a container to a sample: counters grow, gauges are the newer one's. */
#include "capture/snap.h"
#include "unit/check.h"

enum { BOUND_ALL = PF_BOUND_CPU | PF_BOUND_MEMORY | PF_BOUND_PSI | PF_BOUND_PIDS };

/* Each counter @step times a number of its own. */
static struct pf_snap_rec record(uint64_t step)
{
	struct pf_snap_rec r;

	pf_snap_clear(&r);
	r.bound = BOUND_ALL;
	r.usage_ns = 11 * step;
	r.nr_periods = 12 * step;
	r.nr_throttled = 13 * step;
	r.throttled_ns = 14 * step;
	r.events_high = 15 * step;
	r.events_max = 16 * step;
	r.events_oom = 17 * step;
	r.events_oom_kill = 18 * step;
	for (size_t i = 0; i < 6; i++)
		r.psi_ns[i] = (20 + i) * step;
	r.quota_ns = 150000000;
	r.period_ns = 100000000;
	r.burst_ns = PF_ABI_NO_LIMIT;
	r.shares = 2048ull << 10;
	r.memory_usage_bytes = 1000 * step;
	r.memory_max_bytes = 9000;
	r.memory_high_bytes = 8000;
	r.swap_usage_bytes = 1300 * step;
	r.swap_max_bytes = 9500;
	r.stats[PF_MEMSTAT_ANON] = 500;
	r.stats[PF_MEMSTAT_SHMEM] = 50;
	r.stats[PF_MEMSTAT_INACTIVE_FILE] = 300;
	r.nr_tasks = 7;
	return r;
}

static struct pf_sample difference(const struct pf_snap_rec *now, const struct pf_snap_rec *before,
				   bool v1)
{
	struct pf_sample s;

	pf_sample_clear(&s);
	pf_snap_difference(now, before, v1, &s);
	return s;
}

static void test_difference(void)
{
	struct pf_snap_rec before = record(1), now = record(3);
	struct pf_sample s = difference(&now, &before, false);
	const uint64_t grown[] = { s.usage_ns,	  s.nr_periods, s.nr_throttled, s.throttled_ns,
				   s.events_high, s.events_max, s.events_oom,	s.events_oom_kill };
	const uint64_t psi[] = { s.psi.cpu_some_ns,    s.psi.cpu_full_ns, s.psi.memory_some_ns,
				 s.psi.memory_full_ns, s.psi.io_some_ns,  s.psi.io_full_ns };

	for (size_t i = 0; i < PF_ARRAY_SIZE(grown); i++)
		PF_CHECK_INT("counter", grown[i], 2 * (11 + i));
	for (size_t i = 0; i < PF_ARRAY_SIZE(psi); i++)
		PF_CHECK_INT("pressure", psi[i], 2 * (20 + i));
	PF_CHECK_INT("quota", s.cfs_quota_us, 150000);
	PF_CHECK_INT("period", s.cfs_period_us, 100000);
	PF_CHECK("no burst", s.cfs_burst_us == PF_NO_LIMIT);
	PF_CHECK_INT("weight", s.cpu_weight, 200);
	PF_CHECK_INT("use", s.memory_usage_bytes, 3000);
	PF_CHECK_INT("limit", s.memory_limit_bytes, 9000);
	PF_CHECK_INT("high limit", s.memory_high_bytes, 8000);
	PF_CHECK_INT("working set", s.working_set_bytes, 2700);
	PF_CHECK_INT("swap", s.kinds.swap, 3900);
	PF_CHECK_INT("its limit", s.swap_limit_bytes, 9500);
	PF_CHECK_INT("hot", s.hot_bytes, 500 + 50 + 3900);
	PF_CHECK_INT("tasks", s.nr_threads, 7);

	/* v1 counts memory and swap together. */
	s = difference(&now, &before, true);
	PF_CHECK_INT("swap alone", s.kinds.swap, 900);
	PF_CHECK_INT("its limit alone", s.swap_limit_bytes, 500);
	now.swap_max_bytes = PF_ABI_NO_LIMIT;
	PF_CHECK("none", difference(&now, &before, true).swap_limit_bytes == PF_NO_LIMIT);
	now.swap_max_bytes = PF_ABI_UNKNOWN;
	PF_CHECK("not known", difference(&now, &before, true).swap_limit_bytes == PF_UNKNOWN);
}

/* What is not bound, or not known, stays unknown; a counter that begins, or steps back, has not grown. */
static void test_unknown(void)
{
	struct pf_snap_rec before = record(2), now = record(1);
	struct pf_sample s = difference(&now, &before, false);

	PF_CHECK_INT("stepped back", s.usage_ns, 0);
	PF_CHECK_INT("pressure too", s.psi.io_full_ns, 0);
	before.nr_throttled = PF_ABI_UNKNOWN;
	now.events_max = PF_ABI_UNKNOWN;
	s = difference(&now, &before, false);
	PF_CHECK_INT("begins", s.nr_throttled, 0);
	PF_CHECK("not known now", s.events_max == PF_UNKNOWN);
	now.memory_usage_bytes = 200;
	PF_CHECK_INT("no less than nothing", difference(&now, &before, false).working_set_bytes, 0);
	now.bound = 0;
	s = difference(&now, &before, false);
	PF_CHECK("nothing bound", s.usage_ns == PF_UNKNOWN && s.memory_usage_bytes == PF_UNKNOWN &&
					  s.psi.cpu_some_ns == PF_UNKNOWN &&
					  s.nr_threads == PF_UNKNOWN && s.hot_bytes == PF_UNKNOWN);
}

PF_TEST_SUITE(snap, { "difference", test_difference }, { "unknown", test_unknown });
