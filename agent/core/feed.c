// SPDX-License-Identifier: Apache-2.0
#include "core/feed.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "core/vpa_math.h"

/* How far the growth before a kill is carried on: what would have been wanted until somebody
 * reacts. */
#define OVERSHOOT_SPAN_S 30.0

/* VPA's default half-life: the slice's weights are written with it, whatever a policy uses later.
 */
#define SLICE_HALF_LIFE_NS ((double)PF_NS_PER_DAY)

/* The kernel's default, where a source does not tell the period. */
#define CFS_PERIOD_DEFAULT_US 100000

/* A minute is closed once this share of it was measured: samples are 10 s apart, so it never fits
 * exactly. */
#define WHOLE_MINUTE 0.999

void pf_feed_init(struct pf_feed *feed, const struct pf_vpa_settings *settings, double time_scale)
{
	*feed = (struct pf_feed){ .minute_ns = (uint64_t)((double)PF_NS_PER_MIN / time_scale),
				  .last_usage_bytes = PF_UNKNOWN,
				  .limit_bytes = PF_UNKNOWN };
	pf_vpa_memory_rules_from(settings, &feed->rules);
	feed->rules.interval_ns = (int64_t)((double)feed->rules.interval_ns / time_scale);
	pf_vpa_instance_init(&feed->vpa);
}

int pf_slice_vpa_cpu(struct pf_slice *slice, int64_t millicores, int64_t at_unix_ns)
{
	struct pf_slice_vpa *vpa = &slice->vpa;

	if (!vpa->cpu_weight) {
		vpa->cpu_weight = calloc(PF_SLICE_VPA_BUCKETS, sizeof(*vpa->cpu_weight));
		if (!vpa->cpu_weight)
			return -ENOMEM;
	}
	double age = (double)(at_unix_ns - (int64_t)slice->start_unix_ns);

	vpa->cpu_weight[pf_vpa_scale_bucket(&pf_vpa_cpu_scale, (double)millicores / 1000.0)] +=
		0.1 * pf_vpa_exp2(age / SLICE_HALF_LIFE_NS);
	if (vpa->first_cpu_unix_ns == PF_UNKNOWN || (uint64_t)at_unix_ns < vpa->first_cpu_unix_ns)
		vpa->first_cpu_unix_ns = (uint64_t)at_unix_ns;
	if (vpa->last_cpu_unix_ns == PF_UNKNOWN || (uint64_t)at_unix_ns > vpa->last_cpu_unix_ns)
		vpa->last_cpu_unix_ns = (uint64_t)at_unix_ns;
	vpa->nr_cpu_samples++;
	slice->sequence++;
	return 0;
}

static uint64_t millicores_up(double busy_ns, uint64_t span_ns)
{
	return (uint64_t)ceil(busy_ns * 1000.0 / (double)span_ns);
}

/*
 * What the minute wanted. A container that is throttled now and then catches up: its work is its
 * use, and adding the throttled time would count the queue again in every window it waits. One that
 * is throttled in nearly all periods never catches up, and wants what it could not have. In
 * between, half to all of the periods, in proportion.
 */
static double wanted_ns(const struct pf_feed *feed)
{
	double share = (double)feed->throttled_period_ns / (double)feed->filled_ns;

	return (double)feed->usage_ns +
	       (double)feed->throttled_ns * fmin(fmax(2 * share - 1, 0), 1);
}

static int close_minute(struct pf_feed *feed, int64_t end_unix_ns, struct pf_slice *slice)
{
	uint64_t used = millicores_up((double)feed->usage_ns, feed->filled_ns);
	uint64_t wanted = millicores_up(wanted_ns(feed), feed->filled_ns);
	int r;

	feed->usage_ns = feed->throttled_ns = feed->throttled_period_ns = feed->filled_ns = 0;
	feed->vpa.last_cpu_ns = end_unix_ns;
	r = pf_slice_vpa_cpu(slice, (int64_t)used, end_unix_ns);
	return r < 0 ? r : pf_slice_minute(slice, wanted);
}

static int note_peak(const struct pf_feed *feed, const struct pf_vpa_peak *peak, bool oom,
		     struct pf_slice *slice)
{
	if (!peak->changed)
		return 0;
	return pf_slice_peak(slice, (uint64_t)feed->vpa.interval_end_ns, (uint64_t)peak->bytes,
			     oom);
}

static void follow_growth(struct pf_feed *feed, const struct pf_sample *sample)
{
	uint64_t now = sample->memory_usage_bytes;

	if (sample->memory_limit_bytes != PF_UNKNOWN)
		feed->limit_bytes = sample->memory_limit_bytes;
	if (now == PF_UNKNOWN)
		return;
	if (feed->last_usage_bytes != PF_UNKNOWN && sample->end_ns > feed->last_end_ns)
		feed->growth_bytes_per_s =
			now > feed->last_usage_bytes
				? (double)(now - feed->last_usage_bytes) * (double)PF_NS_PER_S /
					  (double)(sample->end_ns - feed->last_end_ns)
				: 0;
	feed->last_usage_bytes = now;
	feed->last_end_ns = sample->end_ns;
}

static void add_throttling(struct pf_feed *feed, const struct pf_sample *sample)
{
	uint64_t period_us = sample->cfs_period_us >= PF_NO_LIMIT ? CFS_PERIOD_DEFAULT_US
								  : sample->cfs_period_us;

	if (sample->throttled_ns == PF_UNKNOWN || sample->nr_throttled == PF_UNKNOWN)
		return;
	feed->throttled_ns += sample->throttled_ns;
	feed->throttled_period_ns += sample->nr_throttled * period_us * PF_NS_PER_US;
}

/*
 * Samples come in the order of the monotonic clock, so one that does not end after the last one by the wall clock tells
 * that this was set back. VPA refuses such samples until the clock has caught up, which may be hours; here what is remembered
 * of the instance moves back with the clock, as if the last sample had ended where this one begins.
 */
static void follow_clock(struct pf_feed *feed, int64_t end_unix_ns, uint64_t length_ns)
{
	struct pf_vpa_instance *vpa = &feed->vpa;
	int64_t *const moments[] = { &vpa->last_cpu_ns, &vpa->last_memory_ns,
				     &vpa->interval_end_ns };
	int64_t last_ns = PF_MAX(vpa->last_cpu_ns, vpa->last_memory_ns);
	int64_t start_unix_ns = end_unix_ns - (int64_t)length_ns;

	if (last_ns == PF_VPA_NO_TIME || end_unix_ns > last_ns)
		return;
	for (size_t i = 0; i < PF_ARRAY_SIZE(moments); i++)
		if (*moments[i] != PF_VPA_NO_TIME)
			*moments[i] -= last_ns - start_unix_ns;
}

int pf_feed_sample(struct pf_feed *feed, const struct pf_sample *sample, int64_t end_unix_ns,
		   struct pf_slice *slice)
{
	uint64_t length_ns =
		sample->end_ns > sample->start_ns ? sample->end_ns - sample->start_ns : 0;
	struct pf_vpa_peak peak;
	int r = 0, r_minute = 0;

	follow_growth(feed, sample);
	follow_clock(feed, end_unix_ns, length_ns);
	if (sample->working_set_bytes != PF_UNKNOWN &&
	    pf_vpa_instance_memory(&feed->vpa, &feed->rules, (int64_t)sample->working_set_bytes,
				   end_unix_ns, &peak))
		r = note_peak(feed, &peak, false, slice);

	if (sample->usage_ns == PF_UNKNOWN || !length_ns)
		return r;
	feed->usage_ns += sample->usage_ns;
	add_throttling(feed, sample);
	feed->filled_ns += length_ns;
	if ((double)feed->filled_ns >= WHOLE_MINUTE * (double)feed->minute_ns)
		r_minute = close_minute(feed, end_unix_ns, slice);
	return r < 0 ? r : r_minute;
}

/*
 * The container's use at the kill, whichever limit was hit: one of its own, of a cgroup nested in it, or above it. A source
 * that does not tell it tells that of the cgroup whose limit was hit, which is not the container's where that is above;
 * then PF_UNKNOWN.
 */
static uint64_t usage_at(const struct pf_feed *feed, const struct pf_oom_kill *kill)
{
	if (kill->container_usage_bytes && kill->container_usage_bytes != PF_UNKNOWN)
		return kill->container_usage_bytes;

	bool above = !kill->whole_node && kill->limit_bytes < PF_NO_LIMIT &&
		     feed->limit_bytes != PF_UNKNOWN &&
		     (feed->limit_bytes == PF_NO_LIMIT || kill->limit_bytes > feed->limit_bytes);

	return above ? PF_UNKNOWN : kill->usage_bytes;
}

/* The kill itself is the newest point: from the last sample up to the limit, over at least a
 * second. */
static double growth_until(const struct pf_feed *feed, uint64_t usage_bytes, uint64_t at_ns)
{
	if (feed->last_usage_bytes == PF_UNKNOWN || usage_bytes <= feed->last_usage_bytes ||
	    at_ns <= feed->last_end_ns)
		return 0;
	return (double)(usage_bytes - feed->last_usage_bytes) * (double)PF_NS_PER_S /
	       (double)PF_MAX(at_ns - feed->last_end_ns, PF_NS_PER_S);
}

int pf_feed_oom(struct pf_feed *feed, const struct pf_oom_kill *kill, uint64_t request_bytes,
		int64_t at_unix_ns, struct pf_slice *slice, uint64_t *ret_overshoot_bytes)
{
	int64_t request = request_bytes >= PF_NO_LIMIT ? 0 : (int64_t)request_bytes;
	double growth = feed->growth_bytes_per_s, bump = feed->rules.oom_min_bump_bytes;
	uint64_t usage = usage_at(feed, kill);
	struct pf_vpa_peak peak;
	int r = 0;

	if (pf_vpa_instance_oom(&feed->vpa, &feed->rules, request, at_unix_ns, &peak))
		r = note_peak(feed, &peak, true, slice);

	if (usage != PF_UNKNOWN) {
		bump = fmax(bump, (double)usage * (feed->rules.oom_bump_ratio - 1));
		growth = fmax(growth, growth_until(feed, usage, kill->at_ns));
		/* Between two readings nobody else may have seen how high it was. */
		if (slice->memory_peak_bytes == PF_UNKNOWN || usage > slice->memory_peak_bytes)
			slice->memory_peak_bytes = usage;
	}
	*ret_overshoot_bytes = (uint64_t)fmax(bump, growth * OVERSHOOT_SPAN_S);
	pf_slice_oom(slice, *ret_overshoot_bytes);
	return r;
}
