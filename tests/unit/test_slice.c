// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "core/feed.h"
#include "core/slice.h"
#include "unit/check.h"
#include "unit/fault_alloc.h"

#define T0_UNIX (480000ull * PF_NS_PER_HOUR) /* a whole hour */

static struct pf_sample sample_of(uint64_t start_ns, uint64_t length_ns)
{
	struct pf_sample sample;

	pf_sample_clear(&sample);
	sample.start_ns = start_ns;
	sample.end_ns = start_ns + length_ns;
	return sample;
}

static void test_sums_and_unknowns(void)
{
	PF_AUTO(pf_slice_freep) struct pf_slice *slice = NULL;
	struct pf_sample sample = sample_of(0, PF_NS_PER_S);

	PF_CHECK_INT("new", pf_slice_new(&slice), 0);
	PF_CHECK_INT("nothing known", pf_slice_add(slice, &sample, false), 0);
	PF_CHECK("still unknown", slice->usage_ns == PF_UNKNOWN);
	PF_CHECK("no histogram", slice->hists[PF_HIST_USAGE] == NULL);
	PF_CHECK("mean unknown", isnan(slice->memory_mean_bytes));
	sample.usage_ns = 5;
	sample.memory_usage_bytes = 100;
	sample.hot_bytes = 60;
	PF_CHECK_INT("first", pf_slice_add(slice, &sample, false), 0);
	sample.usage_ns = 7;
	sample.memory_usage_bytes = 400;
	sample.hot_bytes = 30;
	PF_CHECK_INT("second", pf_slice_add(slice, &sample, false), 0);
	PF_CHECK_INT("usage", slice->usage_ns, 12);
	PF_CHECK_INT("peak", slice->memory_peak_bytes, 400);
	PF_CHECK_INT("floor", slice->hot_floor_bytes, 30);
	PF_CHECK_INT("covered", slice->covered_ns, 3 * PF_NS_PER_S);
	PF_CHECK_INT("sequence", slice->sequence, 3);
	sample.usage_ns = UINT64_MAX - 5;
	PF_CHECK_INT("saturating", pf_slice_add(slice, &sample, false), 0);
	PF_CHECK("saturates below the special values", slice->usage_ns == PF_NO_LIMIT - 1);
}

/* All that is only added up, and that every change raises the sequence: the highest one is the state. */
static void test_all_sums(void)
{
	PF_AUTO(pf_slice_freep) struct pf_slice *slice = NULL;
	struct pf_sample sample = sample_of(0, PF_NS_PER_S);
	uint64_t sequence;

	PF_CHECK_INT("new", pf_slice_new(&slice), 0);
	sample.psi = (struct pf_psi){ 1, 2, 3, 4, 5, 6 };
	sample.events_high = 7;
	sample.events_max = 8;
	sample.events_oom_kill = 9;
	sample.nr_waits = 10;
	sample.quota_wait_ns = 11;
	sample.contention_wait_ns = 12;
	sample.reclaim_ns = 13;
	sample.block_io_ns = 14;
	sample.nr_periods = 15;
	sample.nr_throttled = 16;
	sample.throttled_ns = 17;
	for (unsigned i = 0; i < 2; i++)
		PF_CHECK_INT("add", pf_slice_add(slice, &sample, false), 0);
	const uint64_t got[] = {
		slice->psi.cpu_some_ns,	   slice->psi.cpu_full_ns, slice->psi.memory_some_ns,
		slice->psi.memory_full_ns, slice->psi.io_some_ns,  slice->psi.io_full_ns,
		slice->events_high,	   slice->events_max,	   slice->oom_kills,
		slice->nr_waits,	   slice->quota_wait_ns,   slice->contention_wait_ns,
		slice->reclaim_ns,	   slice->block_io_ns,	   slice->nr_periods,
		slice->nr_throttled,	   slice->throttled_ns
	};

	for (size_t i = 0; i < PF_ARRAY_SIZE(got); i++)
		PF_CHECK_INT("sum", got[i], 2 * (i + 1));
	sequence = slice->sequence;
	PF_CHECK_INT("minute", pf_slice_minute(slice, 100), 0);
	PF_CHECK("a minute", slice->sequence > sequence);
	sequence = slice->sequence;
	PF_CHECK_INT("peak", pf_slice_peak(slice, 1, 100, false), 0);
	PF_CHECK("a peak", slice->sequence > sequence);
	sequence = slice->sequence;
	pf_slice_oom(slice, 50);
	PF_CHECK("an overshoot", slice->sequence > sequence);
	pf_slice_oom(slice, 40);
	PF_CHECK_INT("the highest", slice->oom_overshoot_bytes, 50);
}

static void test_means_are_time_weighted(void)
{
	PF_AUTO(pf_slice_freep) struct pf_slice *slice = NULL;
	struct pf_sample shorter = sample_of(0, PF_NS_PER_S);
	struct pf_sample longer = sample_of(PF_NS_PER_S, 3 * PF_NS_PER_S);

	shorter.hot_bytes = 1000;
	longer.hot_bytes = 2000;
	PF_CHECK_INT("new", pf_slice_new(&slice), 0);
	PF_CHECK_INT("add", pf_slice_add(slice, &shorter, false), 0);
	PF_CHECK_INT("add", pf_slice_add(slice, &longer, false), 0);
	PF_CHECK_NEAR("mean", slice->hot_mean_bytes, 1750, 1e-9);
}

static void test_histograms(void)
{
	PF_AUTO(pf_slice_freep) struct pf_slice *slice = NULL;
	struct pf_sample sample = sample_of(0, PF_NS_PER_S);
	uint32_t demand[PF_MILLICORES_BUCKETS] = { [3] = 7, [271] = 1 };
	uint32_t wait[PF_LATENCY_BUCKETS] = { [115] = 2 };

	sample.hists[PF_HIST_DEMAND] = demand;
	sample.hists[PF_HIST_QUOTA_WAIT] = wait;
	sample.nr_demand_idle_windows = 2;
	sample.nr_windows = 10;
	PF_CHECK_INT("new", pf_slice_new(&slice), 0);
	PF_CHECK_INT("startup", pf_slice_add(slice, &sample, true), 0);
	PF_CHECK_INT("later", pf_slice_add(slice, &sample, false), 0);
	PF_CHECK_INT("demand", slice->hists[PF_HIST_DEMAND][3], 14);
	PF_CHECK_INT("last bucket", slice->hists[PF_HIST_DEMAND][271], 2);
	PF_CHECK_INT("wait", slice->hists[PF_HIST_QUOTA_WAIT][115], 4);
	PF_CHECK_INT("startup part", slice->startup_demand[3], 7);
	PF_CHECK_INT("startup time", slice->startup_ns, PF_NS_PER_S);
	PF_CHECK_INT("startup idle", slice->nr_startup_idle_windows, 2);
	PF_CHECK_INT("window", slice->window_ns, PF_NS_PER_S / 10);
}

static void test_quota_changes(void)
{
	PF_AUTO(pf_slice_freep) struct pf_slice *slice = NULL;
	struct pf_sample sample = sample_of(0, PF_NS_PER_S);
	static const uint64_t quotas[] = { 50000, 50000, 60000, PF_NO_LIMIT, PF_UNKNOWN };

	PF_CHECK_INT("new", pf_slice_new(&slice), 0);
	sample.cfs_period_us = 100000;
	for (size_t i = 0; i < PF_ARRAY_SIZE(quotas); i++) {
		sample.cfs_quota_us = quotas[i];
		PF_CHECK_INT("add", pf_slice_add(slice, &sample, false), 0);
	}
	PF_CHECK_INT("changes", slice->nr_quota_changes, 2);
	PF_CHECK("the last known one", slice->cfs_quota_us == PF_NO_LIMIT);
}

static void test_peaks(void)
{
	PF_AUTO(pf_slice_freep) struct pf_slice *slice = NULL;

	PF_CHECK_INT("new", pf_slice_new(&slice), 0);
	PF_CHECK_INT("first", pf_slice_peak(slice, 1000, 50, false), 0);
	PF_CHECK_INT("lower", pf_slice_peak(slice, 1000, 40, false), 0);
	PF_CHECK_INT("higher", pf_slice_peak(slice, 1000, 70, false), 0);
	PF_CHECK_INT("an OOM apart", pf_slice_peak(slice, 1000, 60, true), 0);
	PF_CHECK_INT("count", slice->vpa.nr_peaks, 2);
	PF_CHECK_INT("highest", slice->vpa.peaks[0].bytes, 70);
	for (uint64_t i = 2; i < PF_SLICE_PEAKS_MAX; i++)
		PF_CHECK_INT("fill", pf_slice_peak(slice, 1000 * i, 1, false), 0);
	PF_CHECK_INT("full", pf_slice_peak(slice, 999, 1, false), -ENOSPC);
	PF_CHECK_INT("known ones still go in", pf_slice_peak(slice, 2000, 9, false), 0);
}

/* Hours by the wall clock at the beginning, then by monotonic time. */
static void test_hours(void)
{
	struct pf_slices slices;
	struct pf_slice *slice = NULL;
	uint64_t mono = 77 * PF_NS_PER_S, minute = PF_NS_PER_MIN;

	pf_slices_init(&slices, 4711);
	PF_CHECK_INT("at", pf_slices_at(&slices, mono, T0_UNIX + 50 * minute, &slice), 0);
	PF_CHECK_INT("hour", slice->hour, 480000);
	PF_CHECK_INT("run", slice->run_id, 4711);
	PF_CHECK_INT("same", pf_slices_at(&slices, mono + 10 * minute - 1, T0_UNIX, &slice), 0);
	PF_CHECK_INT("a clock set back does not reopen", slice->hour, 480000);
	PF_CHECK_INT("over", pf_slices_at(&slices, mono + 10 * minute, T0_UNIX - minute, &slice),
		     0);
	PF_CHECK_INT("the hour after the last, though the clock says before", slice->hour, 480001);
	PF_CHECK_INT("closed", slices.nr_closed, 1);
	PF_CHECK_INT(
		"forward",
		pf_slices_at(&slices, mono + 80 * minute, T0_UNIX + 100 * PF_NS_PER_HOUR, &slice),
		0);
	PF_CHECK_INT("a jump ahead", slice->hour, 480100);
	pf_slices_taken(&slices, mono + 10 * minute);
	PF_CHECK_INT("one taken", slices.nr_closed, 1);
	pf_slices_taken(&slices, mono + 80 * minute);
	PF_CHECK_INT("all taken", slices.nr_closed, 0);
	PF_CHECK("the open one stays", slices.open == slice);
	for (uint64_t h = 1; h <= PF_SLICES_CLOSED_MAX + 3; h++)
		PF_CHECK_INT("many",
			     pf_slices_at(&slices, mono + (100 + 60 * h) * minute,
					  T0_UNIX + (100 + h) * PF_NS_PER_HOUR, &slice),
			     0);
	PF_CHECK_INT("bounded", slices.nr_closed, PF_SLICES_CLOSED_MAX);
	PF_CHECK_INT("what went is counted", slices.nr_lost, 3);
	pf_slices_done(&slices);
}

/* A node that began in 1970, was then set right, then set back by years, by hours, by minutes. */
static void test_clock_leaps(void)
{
	const uint64_t hour = PF_NS_PER_HOUR, minute = PF_NS_PER_MIN;
	static const struct {
		const char *name;
		uint64_t mono, unix_ns; /* minutes; T0 + hours, but for the first */
		uint32_t hour;
		uint64_t run_id;
	} steps[] = {
		{ "1970", 0, 0, 0, 7 },
		{ "set right: a slice of its own at once", 1, 100, 480100, 7 },
		{ "back by 20 hours: the open one goes on", 2, 80, 480100, 7 },
		{ "then the next hour", 62, 81, 480101, 7 },
		{ "back by days: the clock's hour, in another run", 63, 10, 480010, 8 },
		{ "and on", 123, 11, 480011, 8 },
	};
	struct pf_slices slices;
	struct pf_slice *slice = NULL;

	pf_slices_init(&slices, 7);
	for (size_t i = 0; i < PF_ARRAY_SIZE(steps); i++) {
		uint64_t unix_ns = i ? T0_UNIX + steps[i].unix_ns * hour : minute;

		PF_CHECK_INT(steps[i].name,
			     pf_slices_at(&slices, steps[i].mono * minute, unix_ns, &slice), 0);
		PF_CHECK_INT(steps[i].name, slice->hour, steps[i].hour);
		PF_CHECK_INT(steps[i].name, slice->run_id, steps[i].run_id);
		PF_CHECK_INT("a CPU sample", pf_slice_vpa_cpu(slice, 100, (int64_t)unix_ns), 0);
		PF_CHECK("of a weight that can be added up",
			 slice->vpa.cpu_weight[pf_vpa_scale_bucket(&pf_vpa_cpu_scale, .1)] < 1);
	}
	PF_CHECK_INT("closed", slices.nr_closed, 4);
	pf_slices_done(&slices);
}

/* Measured and nothing seen is kept apart from not measured, costs nothing, and goes on to count. */
static void test_nothing_seen(void)
{
	static const uint32_t none[PF_MILLICORES_BUCKETS];
	static const uint32_t some[PF_MILLICORES_BUCKETS] = { [2] = 5 };
	PF_AUTO(pf_slice_freep) struct pf_slice *slice = NULL;
	PF_AUTO(pf_slice_freep) struct pf_slice *other = NULL;
	struct pf_sample sample;
	long live;

	pf_sample_clear(&sample);
	sample.end_ns = PF_NS_PER_S;
	sample.hists[PF_HIST_DEMAND] = sample.hists[PF_HIST_QUOTA_WAIT] = none;
	PF_CHECK_INT("new", pf_slice_new(&slice), 0);
	PF_CHECK_INT("new", pf_slice_new(&other), 0);
	live = fault_alloc_live();
	PF_CHECK_INT("add", pf_slice_add(slice, &sample, true), 0);
	PF_CHECK_INT("add", pf_slice_add(other, &sample, false), 0);
	PF_CHECK_INT("an idle minute", pf_slice_minute(slice, 0), 0);
	PF_CHECK_INT("no memory for nothing", fault_alloc_live(), live);
	PF_CHECK("measured", slice->hists[PF_HIST_DEMAND] && slice->hists[PF_HIST_QUOTA_WAIT] &&
				     slice->startup_demand && slice->minute_demand);
	PF_CHECK("not measured", !slice->hists[PF_HIST_BLOCK_IO] && !other->startup_demand);
	sample.hists[PF_HIST_DEMAND] = some;
	PF_CHECK_INT("add", pf_slice_add(slice, &sample, true), 0);
	PF_CHECK_INT("add again", pf_slice_add(slice, &sample, false), 0);
	PF_CHECK_INT("a busy minute", pf_slice_minute(slice, 7), 0);
	PF_CHECK_INT("counts", slice->hists[PF_HIST_DEMAND][2], 10);
	PF_CHECK_INT("of the start", slice->startup_demand[2], 5);
	PF_CHECK_INT("minute", slice->minute_demand[pf_hist_bucket(PF_LAYOUT_MILLICORES, 7)], 1);
	PF_CHECK_INT("not elsewhere", other->hists[PF_HIST_DEMAND][2], 0);
	PF_CHECK_INT("nor in the one beside it", slice->hists[PF_HIST_QUOTA_WAIT][2], 0);
}

PF_TEST_SUITE(slice, { "all sums", test_all_sums }, { "sums and unknowns", test_sums_and_unknowns },
	      { "means are time-weighted", test_means_are_time_weighted },
	      { "histograms", test_histograms }, { "quota changes", test_quota_changes },
	      { "peaks", test_peaks }, { "hours", test_hours }, { "clock leaps", test_clock_leaps },
	      { "nothing seen", test_nothing_seen });
