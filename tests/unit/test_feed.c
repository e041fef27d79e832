// SPDX-License-Identifier: Apache-2.0
/* Ten-second samples must end as VPA's minutes and peaks, and as podfit's demand and overshoot. */
#include <string.h>

#include "core/feed.h"
#include "unit/check.h"

#define START_UNIX (1780000000ll * (int64_t)PF_NS_PER_S)

static struct pf_sample sample_at(unsigned n, uint64_t usage_ns, uint64_t throttled_ns,
				  uint64_t bytes)
{
	struct pf_sample s;

	pf_sample_clear(&s);
	s.start_ns = n * 10 * PF_NS_PER_S;
	s.end_ns = s.start_ns + 10 * PF_NS_PER_S;
	s.usage_ns = usage_ns;
	s.throttled_ns = throttled_ns;
	s.nr_throttled = throttled_ns ? 100 : 0; /* all periods of 10 s */
	s.working_set_bytes = s.memory_usage_bytes = bytes;
	return s;
}

static struct pf_slice *new_slice(void)
{
	struct pf_slice *slice = NULL;

	if (pf_slice_new(&slice) < 0)
		return NULL;
	slice->start_unix_ns = (uint64_t)START_UNIX;
	return slice;
}

/* With VPA's usual settings. */
static void feed_begin(struct pf_feed *feed, double time_scale)
{
	struct pf_vpa_settings settings;

	pf_vpa_settings_default(&settings);
	pf_feed_init(feed, &settings, time_scale);
}

static void feed_sample(struct pf_feed *feed, const struct pf_sample *s, struct pf_slice *slice)
{
	PF_CHECK_INT("sample", pf_feed_sample(feed, s, START_UNIX + (int64_t)s->end_ns, slice), 0);
}

static void feed_minutes(struct pf_feed *feed, struct pf_slice *slice, unsigned nr_samples,
			 uint64_t usage_ns, uint64_t throttled_ns)
{
	for (unsigned n = 0; n < nr_samples; n++) {
		struct pf_sample s = sample_at(n, usage_ns, throttled_ns, 50 << 20);

		feed_sample(feed, &s, slice);
	}
}

static void test_minutes(void)
{
	PF_AUTO(pf_slice_freep) struct pf_slice *slice = new_slice();
	struct pf_feed feed;

	feed_begin(&feed, 1);
	feed_minutes(&feed, slice, 17, PF_NS_PER_S, 4 * PF_NS_PER_S); /* 100 m used, 500 m wanted */
	PF_CHECK_INT("two whole minutes of 17 samples", slice->vpa.nr_cpu_samples, 2);
	PF_CHECK_NEAR("100 m is in VPA's bucket",
		      slice->vpa.cpu_weight[pf_vpa_scale_bucket(&pf_vpa_cpu_scale, 0.1)], 0.2,
		      0.001);
	PF_CHECK_INT("500 m was wanted",
		     slice->minute_demand[pf_hist_bucket(PF_LAYOUT_MILLICORES, 500)], 2);
	PF_CHECK_INT("first", slice->vpa.first_cpu_unix_ns, START_UNIX + 60 * (int64_t)PF_NS_PER_S);
	PF_CHECK_INT("last", slice->vpa.last_cpu_unix_ns, START_UNIX + 120 * (int64_t)PF_NS_PER_S);
	PF_CHECK_INT("no idle minute", slice->nr_idle_minutes, 0);
}

/* Throttled in half of the periods: it catches up. In three quarters: half of the throttled time is
 * wanted. */
static void test_now_and_then_throttled(void)
{
	static const struct {
		const char *name;
		uint64_t nr_throttled, want;
	} cases[] = { { "half", 50, 100 }, { "three quarters", 75, 300 }, { "all", 100, 500 } };

	for (size_t i = 0; i < PF_ARRAY_SIZE(cases); i++) {
		PF_AUTO(pf_slice_freep) struct pf_slice *slice = new_slice();
		struct pf_feed feed;

		feed_begin(&feed, 1);
		for (unsigned n = 0; n < 6; n++) {
			struct pf_sample s = sample_at(n, PF_NS_PER_S, 4 * PF_NS_PER_S, 1);

			s.nr_throttled = cases[i].nr_throttled;
			feed_sample(&feed, &s, slice);
		}
		PF_CHECK_INT(
			cases[i].name,
			slice->minute_demand[pf_hist_bucket(PF_LAYOUT_MILLICORES, cases[i].want)],
			1);
	}
}

static void test_idle_and_scaled(void)
{
	PF_AUTO(pf_slice_freep) struct pf_slice *slice = new_slice();
	struct pf_feed feed;

	feed_begin(&feed, 6); /* a minute is 10 s */
	feed_minutes(&feed, slice, 5, 0, PF_UNKNOWN);
	PF_CHECK_INT("every sample is a minute", slice->vpa.nr_cpu_samples, 5);
	PF_CHECK_INT("idle", slice->nr_idle_minutes, 5);
}

/* By an hour, after a minute and in the middle of one, and by a little: no sample is refused for it. */
static void test_clock_set_back(void)
{
	const int64_t back_s[] = { 3600, 40, 5 * 86400 };
	const unsigned at[] = { 6, 9, 12 };

	for (size_t i = 0; i < PF_ARRAY_SIZE(back_s); i++) {
		PF_AUTO(pf_slice_freep) struct pf_slice *slice = new_slice();
		struct pf_feed feed;

		feed_begin(&feed, 1);
		for (unsigned n = 0; n < 24; n++) {
			struct pf_sample s = sample_at(n, PF_NS_PER_S, 0, (50ull + n) << 20);
			int64_t set_back = n < at[i] ? 0 : back_s[i] * (int64_t)PF_NS_PER_S;

			PF_CHECK_INT("sample",
				     pf_feed_sample(&feed, &s,
						    START_UNIX + (int64_t)s.end_ns - set_back,
						    slice),
				     0);
		}
		PF_CHECK_INT("every minute is a CPU sample", slice->vpa.nr_cpu_samples, 4);
		PF_CHECK_INT("the newest peak is in",
			     slice->vpa.peaks[slice->vpa.nr_peaks - 1].bytes, 73ull << 20);
		PF_CHECK("its interval ends within a day of now",
			 feed.vpa.interval_end_ns > feed.vpa.last_memory_ns &&
				 feed.vpa.interval_end_ns <=
					 feed.vpa.last_memory_ns + (int64_t)PF_NS_PER_DAY);
		PF_CHECK_INT("demand",
			     slice->minute_demand[pf_hist_bucket(PF_LAYOUT_MILLICORES, 100)], 4);
	}
}

static void test_peaks_and_oom(void)
{
	PF_AUTO(pf_slice_freep) struct pf_slice *slice = new_slice();
	const uint64_t mib = PF_MIB;
	struct pf_oom_kill kill = { .at_ns = 22 * PF_NS_PER_S, .usage_bytes = 300 * mib };
	struct pf_sample a = sample_at(0, 0, 0, 100 * mib), b = sample_at(1, 0, 0, 200 * mib);
	struct pf_feed feed;
	uint64_t overshoot;

	feed_begin(&feed, 1);
	feed_sample(&feed, &a, slice);
	feed_sample(&feed, &b, slice);
	PF_CHECK_INT("one interval", slice->vpa.nr_peaks, 1);
	PF_CHECK_INT("its peak", slice->vpa.peaks[0].bytes, 200 * mib);
	PF_CHECK_INT("anchored at the first sample", slice->vpa.peaks[0].interval_end_unix_ns,
		     START_UNIX + (int64_t)a.end_ns + (int64_t)PF_NS_PER_DAY);

	/* 100 MiB in the last 2 s: 50 MiB/s for 30 s more. */
	PF_CHECK_INT("kill",
		     pf_feed_oom(&feed, &kill, 250 * mib, START_UNIX + (int64_t)kill.at_ns, slice,
				 &overshoot),
		     0);
	PF_CHECK_INT("growth carried on", overshoot, 1500 * mib);
	PF_CHECK_INT("in the slice", slice->oom_overshoot_bytes, 1500 * mib);
	PF_CHECK_INT("VPA's bump, from the request", slice->vpa.peaks[1].bytes, 350 * mib);

	kill.usage_bytes = 200 * mib; /* no growth that anybody saw */
	kill.at_ns += 100 * PF_NS_PER_S;
	feed.growth_bytes_per_s = 0;
	PF_CHECK_INT("kill",
		     pf_feed_oom(&feed, &kill, PF_NO_LIMIT, START_UNIX + (int64_t)kill.at_ns, slice,
				 &overshoot),
		     0);
	PF_CHECK_INT("never below VPA's bump", overshoot, 100 * mib);
}

/*
 * The container has no limit; that of a cgroup nested in it was hit, at 64 MiB, or that of all pods. Told by the source,
 * its own 300 MiB count: 100 MiB more than 8 s ago.
 */
static void own_use_is_told(void)
{
	const uint64_t mib = PF_MIB, hit[] = { 64 * mib, 40 * PF_GIB };

	for (size_t i = 0; i < PF_ARRAY_SIZE(hit); i++) {
		PF_AUTO(pf_slice_freep) struct pf_slice *slice = new_slice();
		struct pf_sample s = sample_at(0, 0, 0, 200 * mib);
		struct pf_oom_kill kill = { .at_ns = 18 * PF_NS_PER_S,
					    .usage_bytes = hit[i],
					    .limit_bytes = hit[i],
					    .container_usage_bytes = 300 * mib };
		struct pf_feed feed;
		uint64_t overshoot;

		s.memory_limit_bytes = PF_NO_LIMIT;
		feed_begin(&feed, 1);
		feed_sample(&feed, &s, slice);
		PF_CHECK_INT("kill",
			     pf_feed_oom(&feed, &kill, 250 * mib, START_UNIX + (int64_t)kill.at_ns,
					 slice, &overshoot),
			     0);
		PF_CHECK_INT("its own peak", slice->memory_peak_bytes, 300 * mib);
		PF_CHECK_INT("its own growth", overshoot, 375 * mib);
	}
}

/* The limit of all pods was hit: 40 GiB are not this container's. */
static void test_killed_for_others(void)
{
	PF_AUTO(pf_slice_freep) struct pf_slice *slice = new_slice();
	const uint64_t mib = PF_MIB, limits[] = { PF_NO_LIMIT, 512 * mib };
	struct pf_oom_kill kill = { .at_ns = 22 * PF_NS_PER_S,
				    .usage_bytes = 40 * PF_GIB,
				    .limit_bytes = 40 * PF_GIB };
	uint64_t overshoot;

	for (size_t i = 0; i < PF_ARRAY_SIZE(limits); i++) {
		struct pf_sample s = sample_at(1, 0, 0, 200 * mib);
		struct pf_feed feed;

		s.memory_limit_bytes = limits[i];
		feed_begin(&feed, 1);
		feed_sample(&feed, &s, slice);
		PF_CHECK_INT("kill",
			     pf_feed_oom(&feed, &kill, 250 * mib, START_UNIX + (int64_t)kill.at_ns,
					 slice, &overshoot),
			     0);
		PF_CHECK_INT("no more than VPA's bump", overshoot, 100 * mib);
		PF_CHECK_INT("no peak of its own", slice->memory_peak_bytes, PF_UNKNOWN);
	}
	own_use_is_told();
	kill.limit_bytes = kill.usage_bytes = 512 * mib;
	struct pf_sample s = sample_at(1, 0, 0, 500 * mib);
	struct pf_feed feed;

	s.memory_limit_bytes = 512 * mib;
	feed_begin(&feed, 1);
	feed_sample(&feed, &s, slice);
	PF_CHECK_INT("kill",
		     pf_feed_oom(&feed, &kill, 250 * mib, START_UNIX + (int64_t)kill.at_ns, slice,
				 &overshoot),
		     0);
	PF_CHECK_INT("its own limit: its own peak", slice->memory_peak_bytes, 512 * mib);
}

PF_TEST_SUITE(feed, { "minutes", test_minutes },
	      { "now and then throttled", test_now_and_then_throttled },
	      { "idle and scaled", test_idle_and_scaled },
	      { "clock set back", test_clock_set_back }, { "peaks and OOM", test_peaks_and_oom },
	      { "killed for others", test_killed_for_others });
