// SPDX-License-Identifier: Apache-2.0
/* An hour of a workload, of the slices of its instances. */
#include <math.h>

#include "core/hour_point.h"
#include "unit/check.h"

static struct pf_slice slice_of(uint64_t covered_s, uint64_t k)
{
	struct pf_slice s;

	pf_slice_clear(&s);
	s.covered_ns = covered_s * PF_NS_PER_S;
	s.usage_ns = 10 * k;
	s.nr_periods = 20 * k;
	s.nr_throttled = 3 * k;
	s.throttled_ns = 30 * k;
	s.quota_wait_ns = 40 * k;
	s.contention_wait_ns = 50 * k;
	s.memory_mean_bytes = 1000 * (double)k;
	s.hot_mean_bytes = 100 * (double)k;
	s.demand_peak_millicores = 60 * k;
	s.memory_peak_bytes = 70 * k;
	s.hot_peak_bytes = 80 * k;
	s.working_set_peak_bytes = 90 * k;
	s.memory_end.anon = 5 * k;
	s.memory_end.shmem = 6 * k;
	s.oom_kills = k;
	s.restarts = 2 * k;
	return s;
}

static void test_sums(void)
{
	struct pf_slice first = slice_of(1000, 1), second = slice_of(500, 3), blind;
	struct pf_hour_point p;

	pf_hour_point_clear(&p, 4711);
	PF_CHECK_INT("hour", p.hour, 4711);
	PF_CHECK("nothing known", p.hot_peak_bytes == PF_UNKNOWN &&
					  isnan(pf_hour_mean(&p.usage_ns)) &&
					  isnan(pf_hour_throttled_ratio(&p)));
	pf_hour_point_add(&p, &first, true);
	pf_hour_point_add(&p, &second, true);
	PF_CHECK_INT("instances", p.nr_instances, 2);
	PF_CHECK_NEAR("covered", p.covered_ns, 1500e9, 0);
	PF_CHECK_NEAR("use", p.usage_ns.sum, 40, 0);
	PF_CHECK_NEAR("of the time it was known", p.usage_ns.covered_ns, 1500e9, 0);
	PF_CHECK_INT("periods", p.nr_periods, 80);
	PF_CHECK_INT("throttled", p.nr_throttled, 12);
	PF_CHECK_INT("throttled time", p.throttled_ns, 120);
	PF_CHECK_NEAR("share of them", pf_hour_throttled_ratio(&p), 0.15, 1e-12);
	PF_CHECK_NEAR("use a ns", pf_hour_mean(&p.usage_ns), 40 / 1500e9, 1e-18);
	PF_CHECK_NEAR("quota wait", p.quota_wait_ns.sum, 160, 0);
	PF_CHECK_NEAR("contention", p.contention_wait_ns.sum, 200, 0);
	PF_CHECK_NEAR("memory", p.memory_byte_ns.sum, 1000 * 1000e9 + 3000 * 500e9, 1);
	PF_CHECK_NEAR("hot memory", p.hot_byte_ns.sum, 100 * 1000e9 + 300 * 500e9, 1);
	PF_CHECK_INT("highest demand", p.demand_peak_millicores, 180);
	PF_CHECK_INT("memory's peak", p.memory_peak_bytes, 210);
	PF_CHECK_INT("hot memory's", p.hot_peak_bytes, 240);
	PF_CHECK_INT("working set's", p.working_set_peak_bytes, 270);
	PF_CHECK_INT("anon of all", p.kinds.anon, 20);
	PF_CHECK_INT("shmem of all", p.kinds.shmem, 24);
	PF_CHECK_INT("told by", p.nr_kinds, 2);
	PF_CHECK_INT("kills", p.oom_kills, 4);
	PF_CHECK_INT("restarts", p.restarts, 8);

	/* Another run of the same instance: its memory counts once. */
	pf_hour_point_add(&p, &first, false);
	PF_CHECK_INT("no other instance", p.nr_instances, 2);
	PF_CHECK_INT("anon once", p.kinds.anon, 20);
	PF_CHECK_INT("the lower peak changes nothing", p.hot_peak_bytes, 240);

	/* One that knows nothing changes nothing but what it covers. */
	pf_slice_clear(&blind);
	blind.covered_ns = PF_NS_PER_S;
	pf_hour_point_add(&p, &blind, true);
	PF_CHECK_NEAR("covered", p.covered_ns, 2501e9, 0);
	PF_CHECK_NEAR("not known then", p.usage_ns.covered_ns, 2500e9, 0);
	PF_CHECK_INT("kinds of two", p.nr_kinds, 2);
	PF_CHECK_INT("kills", p.oom_kills, 5);
}

PF_TEST_SUITE(hour_point, { "sums", test_sums });
