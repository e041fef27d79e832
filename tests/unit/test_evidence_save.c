// SPDX-License-Identifier: Apache-2.0
/* Saved evidence comes back as it was; what was damaged is refused, or is at least fit to be reckoned with. */
#include <errno.h>

#include "core/evidence_save.h"
#include "unit/evidence_sample.h"

static void saved(struct pf_buf *buf)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *e = evidence_new();
	struct evidence_hour h = { .idle_windows = 30000,
				   .busy_windows = 6000,
				   .demand_millicores = 500,
				   .contention_wait_ns = PF_NS_PER_S,
				   .memory_bytes = 300 * PF_MIB,
				   .hot_bytes = 200 * PF_MIB };

	/* More hours than are kept one by one, and several instances. */
	evidence_run(e, "a", 0, 60, &h);
	evidence_run(e, "b", 60, 40, &h);
	pf_buf_init(buf, 1 << 20);
	PF_CHECK_INT("save", pf_evidence_save(e, buf), 0);
}

static void test_round_trip(void)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *e = NULL;
	struct pf_buf first, second;

	saved(&first);
	PF_CHECK_INT("load", pf_evidence_load(first.data, first.len, &e), 0);
	PF_CHECK("what it holds", e && e->nr_hours == PF_EVIDENCE_HOURS && e->nr_days == 2 &&
					  e->nr_instances == 2 && e->nr_peaks == 6);
	pf_buf_init(&second, 1 << 20);
	PF_CHECK_INT("save again", pf_evidence_save(e, &second), 0);
	PF_CHECK("the same bytes",
		 first.len == second.len && !memcmp(first.data, second.data, first.len));
	/* And it can be added to. */
	struct evidence_hour h = { .idle_windows = 36000, .hot_bytes = 1 };

	evidence_run(e, "c", 100, 20, &h);
	PF_CHECK_INT("three instances", e->nr_instances, 3);
	pf_buf_done(&first);
	pf_buf_done(&second);
}

static void test_cut(void)
{
	struct pf_evidence *e = NULL;
	struct pf_buf buf;
	unsigned nr_taken = 0;

	saved(&buf);
	for (size_t size = 0; size < buf.len; size += size < 64 || size + 64 > buf.len ? 1 : 37)
		nr_taken += pf_evidence_load(buf.data, size, &e) != -EBADMSG;
	PF_CHECK_INT("no part is taken for the whole", nr_taken, 0);
	PF_CHECK_INT("nor is more", pf_buf_add(&buf, "x", 1), 0);
	PF_CHECK_INT("more", pf_evidence_load(buf.data, buf.len, &e), -EBADMSG);
	buf.data[0]++;
	PF_CHECK_INT("of a later version", pf_evidence_load(buf.data, buf.len - 1, &e),
		     -EOPNOTSUPP);
	PF_CHECK("output untouched", !e);
	pf_buf_done(&buf);
}

static bool all_fit(const float *values, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (!isfinite(values[i]) || values[i] < 0)
			return false;
	return true;
}

static bool sum_fits(double sum)
{
	return isfinite(sum) && sum >= 0;
}

static bool in_order(const struct pf_memory_cell *cells, uint32_t nr, uint32_t max)
{
	for (uint32_t i = 1; i < nr && nr <= max; i++)
		if (cells[i].index <= cells[i - 1].index)
			return false;
	return nr <= max;
}

static bool fit(const struct pf_evidence *e)
{
	const double *sums = (const double *)&e->sums;

	for (size_t i = 0; i < sizeof(e->sums) / sizeof(double); i++)
		if (!sum_fits(sums[i]))
			return false;
	for (uint32_t i = 0; i < e->nr_instances; i++)
		if (!sum_fits(e->instances[i].covered_ns) || !sum_fits(e->instances[i].usage_ns))
			return false;
	return sum_fits(e->covered_hours) && sum_fits(e->startup_ns) &&
	       all_fit(e->demand, PF_MILLICORES_BUCKETS) && all_fit(&e->demand_idle, 1) &&
	       all_fit(e->minute_long, PF_MILLICORES_BUCKETS) &&
	       all_fit(e->minute_short, PF_MILLICORES_BUCKETS) &&
	       all_fit(e->quota_wait, PF_LATENCY_BUCKETS) &&
	       all_fit(e->contention_wait, PF_LATENCY_BUCKETS) &&
	       all_fit(e->throttle_stall, PF_LATENCY_BUCKETS) &&
	       all_fit(e->limits[0], (size_t)PF_NR_LIMIT_COUNTS * PF_LIMITS) &&
	       all_fit(&e->minute_long_idle, 1) && all_fit(&e->minute_short_idle, 1) &&
	       in_order(e->hours, e->nr_hours, PF_EVIDENCE_HOURS) &&
	       in_order(e->days, e->nr_days, PF_EVIDENCE_DAYS) &&
	       e->nr_peaks <= PF_EVIDENCE_PEAKS_MAX && e->nr_peaks <= PF_MAX(e->peaks_cap, 1u) &&
	       e->nr_instances <= PF_EVIDENCE_INSTANCES_MAX;
}

static void test_damaged(void)
{
	static const unsigned char wrong[] = { 0xff, 0x80, 0x01 };
	unsigned nr_refused = 0, nr_unfit = 0;
	struct pf_buf buf;

	saved(&buf);
	for (size_t at = 4; at < buf.len; at++)
		for (size_t w = 0; w < PF_ARRAY_SIZE(wrong); w++) {
			PF_AUTO(pf_evidence_freep) struct pf_evidence *e = NULL;

			buf.data[at] = (char)((unsigned char)buf.data[at] ^ wrong[w]);
			int r = pf_evidence_load(buf.data, buf.len, &e);

			nr_refused += r == -EBADMSG && !e;
			nr_unfit += r == 0 ? !fit(e) : r != -EBADMSG;
			buf.data[at] = (char)((unsigned char)buf.data[at] ^ wrong[w]);
		}
	PF_CHECK_INT("taken and unfit", nr_unfit, 0);
	PF_CHECK("much is seen", nr_refused > 1000);
	pf_buf_done(&buf);
}

PF_TEST_SUITE(evidence_save, { "round trip", test_round_trip }, { "cut", test_cut },
	      { "damaged", test_damaged });
