// SPDX-License-Identifier: Apache-2.0
/* The kernel side's bucket formulas against core/hist: they must name the same buckets. */
#include <linux/types.h>

#include "core/hist.h"
#include "unit/check.h"

#include "hist.bpf.h"
#include "podfit_abi.h"

_Static_assert(PF_ABI_LATENCY_BUCKETS == PF_LATENCY_BUCKETS, "one layout, both sides");
_Static_assert(PF_ABI_MILLICORES_BUCKETS == PF_MILLICORES_BUCKETS, "one layout, both sides");

static void check_latency(uint64_t ns)
{
	char name[32];

	snprintf(name, sizeof(name), "%" PRIu64 " ns", ns);
	PF_CHECK_INT(name, pf_latency_bucket(ns), pf_hist_bucket(PF_LAYOUT_LATENCY_NS, ns));
}

static void test_latency(void)
{
	for (uint64_t ns = 0; ns < 5000; ns++)
		check_latency(ns);
	/* Around every edge. */
	for (size_t i = 0; i < PF_LATENCY_BUCKETS; i++) {
		uint64_t edge = pf_hist_edge(PF_LAYOUT_LATENCY_NS, i);

		check_latency(edge - 1);
		check_latency(edge);
		check_latency(edge + 1);
	}
	check_latency(UINT64_MAX);
}

/* In a window of 1 s, 1 us of CPU is 1/1000 millicore; the bucket is that of the millicores rounded up. */
static void check_millicores(uint64_t ns, uint64_t window_ns)
{
	uint64_t millicores = (ns * 1000 + window_ns - 1) / window_ns;
	char name[64];

	snprintf(name, sizeof(name), "%" PRIu64 " ns of %" PRIu64, ns, window_ns);
	PF_CHECK_INT(name, pf_millicores_bucket(ns, window_ns),
		     pf_hist_bucket(PF_LAYOUT_MILLICORES, millicores));
}

static void test_millicores(void)
{
	static const uint64_t windows[] = { 100000000, 100000001, 99999999, 104321987, 1 };

	for (size_t w = 0; w < PF_ARRAY_SIZE(windows); w++) {
		for (size_t i = 0; i + 1 < PF_MILLICORES_BUCKETS; i++) {
			/* The largest use that is still within the bucket's edge, and the next. */
			uint64_t ns = pf_hist_edge(PF_LAYOUT_MILLICORES, i) * windows[w] / 1000;

			if (ns)
				check_millicores(ns, windows[w]);
			check_millicores(ns + 1, windows[w]);
		}
		check_millicores(1, windows[w]);
		check_millicores(4096 * windows[w], windows[w]);
	}
}

static void test_log2(void)
{
	for (uint32_t i = 0; i < 32; i++) {
		uint32_t power = 1u << i;

		PF_CHECK_INT("power of two", pf_log2(power), i);
		PF_CHECK_INT("all below the next", pf_log2(power | (power - 1)), i);
	}
}

/* Never 0 for something, never less than before, and within 1/2048 upward. */
static void test_cpu_code(void)
{
	static const uint64_t windows[] = { 100000000, 104321987, 99999999 };
	uint32_t last = 0;

	PF_CHECK_INT("nothing", pf_cpu_code(0, 100000000), 0);
	for (size_t w = 0; w < PF_ARRAY_SIZE(windows); w++) {
		last = 0;
		for (uint64_t ns = 1; ns < 900 * windows[w]; ns += ns / 37 + 1) {
			uint32_t code = pf_cpu_code(ns, windows[w]);
			uint64_t us = pf_cpu_us(code);
			double want = (double)ns / (double)windows[w] * 1e5;

			PF_CHECK("rises", code >= last && code && code < 65536);
			PF_CHECK_NEAR("time", (double)us, want, want / 2048 + 10);
			last = code;
		}
	}
}

PF_TEST_SUITE(bpf_hist, { "latency", test_latency }, { "millicores", test_millicores },
	      { "log2", test_log2 }, { "CPU time as a code", test_cpu_code });
