// SPDX-License-Identifier: Apache-2.0
#include "core/limit_curve.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* CFS' default period: windows are as long, so one stands for the other. */
#define PERIOD_US 100000.0

/* Buckets are up to 6 % wide: demand this little above a limit is demand at the limit. */
#define ABOVE_LIMIT 1.03

/* Where nothing was measured: by experiment, loads of many shapes are met best with it. */
#define RUN_LENGTH_DEFAULT 2

/* Throttled in less or more than this, the share says little about run lengths. */
#define FIT_MIN_RATIO 0.01
#define FIT_MAX_RATIO 0.97

/* Windows played before counting begins. */
#define WARM_UP 128u

/* Points of the curve without burst. */
#define CURVE_POINTS 16

/* More than half of the covered time in slices that never caught up. */
#define SATURATED_SHARE 0.5

/* Windows are played one by one since a version; older evidence has the histogram only. */
#define QUEUES_SHARE 0.5

/* With fewer looks at running tasks, or more throttling, their number is taken from what throttling cost so far. */
#define MIN_LOOKS	30
#define THROTTLED_A_LOT 0.1

/* Half a minute of windows that begins with all threads working. */
#define FIRST_WINDOWS 300.0

/* More threads than this wait like this many. */
#define THREADS_MAX 64.0

/* A thread that waits has come since its CPU was stopped, or is left over: of a run, this share of its length. */
#define LEFT_OVER_SHARE 0.25

static const unsigned run_lengths[] = { 1, 2, 3, 4, 6, 8, 12, 16 };

/* ---- the windows ---- */

/* Equally likely demands, ascending: the quantiles of the histogram. */
static int quantiles(const struct pf_evidence *e, float *ret_values)
{
	double total = e->demand_idle, seen = e->demand_idle, value = 0, low = 0;
	size_t i = 0;

	for (size_t k = 0; k < PF_MILLICORES_BUCKETS; k++)
		total += e->demand[k];
	if (!(total > 0))
		return -ENODATA;
	for (size_t n = 0; n < PF_CURVE_WINDOWS; n++) {
		double rank = ((double)n + 0.5) / PF_CURVE_WINDOWS * total;

		while (seen < rank && i < PF_MILLICORES_BUCKETS) {
			double high = (double)pf_hist_edge(PF_LAYOUT_MILLICORES, i);

			if (e->demand[i] > 0)
				value = (low + high) / 2;
			seen += e->demand[i++];
			low = high;
		}
		ret_values[n] = (float)value;
	}
	return 0;
}

static unsigned gcd(unsigned a, unsigned b)
{
	while (b) {
		unsigned rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/*
 * The order they are played in: runs of @length neighbours, the runs spread by steps of the golden ratio, which mixes
 * high and low evenly and is the same every time.
 */
static void play_order(const float *ascending, unsigned length, float *ret_order)
{
	unsigned nr_runs = (PF_CURVE_WINDOWS + length - 1) / length, run = 0, at = 0;
	unsigned step = (unsigned)(nr_runs * 0.618) | 1;

	while (gcd(step, nr_runs) > 1)
		step += 2;
	for (unsigned i = 0; i < nr_runs; i++) {
		for (unsigned k = run * length; k < (run + 1) * length && k < PF_CURVE_WINDOWS; k++)
			ret_order[at++] = ascending[k];
		run = (run + step) % nr_runs;
	}
}

/* ---- the queue ---- */

struct outcome {
	double throttled_ratio, stall_ratio; /* of periods; CPU seconds a second */
};

static struct outcome play_windows(const struct pf_limit_model *m, double limit, double burst)
{
	unsigned throttled = 0, periods = 0;
	double waiting = 0, saved = 0, stall = 0;
	bool active = false;

	/* The last windows first, uncounted: they fill the queue. */
	for (unsigned n = 0; n < WARM_UP + PF_CURVE_WINDOWS; n++) {
		double wanted =
			waiting + m->demand[(n + PF_CURVE_WINDOWS - WARM_UP) % PF_CURVE_WINDOWS];
		double granted = limit + saved;
		bool was_active = active, counts = n >= WARM_UP;

		active = wanted > 0;
		waiting = 0;
		saved = 0;
		if (wanted > granted * ABOVE_LIMIT) {
			waiting = wanted - granted;
			throttled += counts;
			if (counts)
				stall += fmax(fmin(wanted, m->parallel_millicores) - granted, 0);
		} else {
			saved = fmin(burst, fmax(granted - wanted, 0));
		}
		periods += counts && (active || was_active);
	}
	return (struct outcome){ periods ? (double)throttled / periods : 0,
				 stall / 1000 / PF_CURVE_WINDOWS };
}

/* ---- the queues' sums ---- */

static void take_sums(struct pf_limit_sums *sums, const struct pf_evidence *e,
		      enum pf_limit_count throttled_count, enum pf_limit_count lead_count)
{
	double seconds = e->sums.limit_windows / 10;

	for (size_t i = 0; i < PF_LIMITS; i++) {
		double plain = e->limits[PF_LIMIT_THROTTLED][i],
		       throttled = e->limits[throttled_count][i];
		/* Old work, which makes periods beyond those with new work, is less with less throttling. */
		double extra = plain > 0 ? e->limits[PF_LIMIT_EXTRA][i] * throttled / plain : 0;
		double periods = e->sums.limit_active + extra;

		sums->throttled_ratio[i] = (float)(periods > 0 ? fmin(1, throttled / periods) : 0);
		sums->throttled_per_s[i] = (float)(throttled / seconds);
		sums->lead_us_per_s[i] = (float)(e->limits[lead_count][i] / seconds);
	}
}

static void take_queues(struct pf_limit_model *m, const struct pf_evidence *e)
{
	double windows = e->demand_idle;

	for (size_t i = 0; i < PF_MILLICORES_BUCKETS; i++)
		windows += e->demand[i];
	/* What came into a queue that never emptied is not known: demand, the most it can be, is left. */
	m->has_queues = !m->saturated && e->sums.limit_windows > 0 &&
			e->sums.limit_windows >= QUEUES_SHARE * windows;
	if (!m->has_queues)
		return;
	take_sums(&m->plain, e, PF_LIMIT_THROTTLED, PF_LIMIT_LEAD_US);
	take_sums(&m->burst, e, PF_LIMIT_BURST_THROTTLED, PF_LIMIT_BURST_LEAD_US);
	for (size_t i = 0; i < PF_LIMITS; i++)
		m->run_periods[i] =
			e->limits[PF_LIMIT_THROTTLED][i] / fmaxf(1, e->limits[PF_LIMIT_RUNS][i]);
}

/* CPUs that wait in a throttled period: those that ran, and of the other threads those that have come since. */
static double cpus_waiting(const struct pf_limit_model *m, const struct pf_limit_sums *sums,
			   double threads, double limit, size_t i)
{
	double ran = fmin(m->nr_running, threads), throttled = sums->throttled_per_s[i];
	double lead = throttled > 0 ? (double)sums->lead_us_per_s[i] / throttled / 1e6 : 0;
	double period = PERIOD_US / 1e6, stopped = fmax(0, period - limit * period / 1000 - lead);
	double come = m->wakes_per_s / threads *
		      (stopped + LEFT_OVER_SHARE * (m->run_periods[i] - 1) * period);
	double here = come > 1e-6 ? 1 - (1 - exp(-come)) / come : 0;

	return fmax(1, fmin(fmin(m->nr_cpus, threads), ran + (threads - ran) * here));
}

/* Each waiting CPU stands still for the whole of a throttled period but for the time before its work came and its part of
 * the quota. */
static double stall_at(const struct pf_limit_model *m, const struct pf_limit_sums *sums,
		       double threads, double limit, size_t i)
{
	double cpus = cpus_waiting(m, sums, threads, limit, i),
	       throttled = sums->throttled_per_s[i];
	double period = PERIOD_US / 1e6;

	/* What ran into a limit above a CPU ran on more than one. */
	cpus = fmin(fmax(cpus, ceil(limit / 1000)), m->nr_cpus);
	return fmax(0, cpus * (throttled * period - (double)sums->lead_us_per_s[i] / 1e6) -
			       throttled * limit / 1000 * period);
}

static struct outcome by_sums(const struct pf_limit_model *m, const struct pf_limit_sums *sums,
			      double threads, double limit)
{
	size_t high = pf_limit_index(limit), low = high ? high - 1 : 0;
	double below = (double)pf_limit_millicores(low), above = (double)pf_limit_millicores(high);
	double part = above > below ? fmin(fmax(log(limit / below) / log(above / below), 0), 1) : 1;
	double stall_low = stall_at(m, sums, threads, below, low),
	       stall_high = stall_at(m, sums, threads, above, high);

	return (struct outcome){ sums->throttled_ratio[low] + part * (sums->throttled_ratio[high] -
								      sums->throttled_ratio[low]),
				 stall_low + part * (stall_high - stall_low) };
}

/* Burst between none and as much as the limit does part of what the whole does. */
static struct outcome by_queues(const struct pf_limit_model *m, double limit, double burst)
{
	struct outcome plain = by_sums(m, &m->plain, m->nr_threads, limit), whole;
	double part = fmin(1, burst / limit);

	if (!(part > 0))
		return plain;
	whole = by_sums(m, &m->burst, m->nr_threads, limit);
	return (struct outcome){
		plain.throttled_ratio + part * (whole.throttled_ratio - plain.throttled_ratio),
		plain.stall_ratio + part * (whole.stall_ratio - plain.stall_ratio)
	};
}

/*
 * Threads that work: were there n alike and independent ones, pairs of them would be seen at work (n - 1) / n times as
 * often as their mean number squared. Pairs are rare, so a short time begins with all threads working. Where throttling
 * is frequent, running freely is not typical: as many as explain the stall so far.
 */
static void count_threads(struct pf_limit_model *m, const struct pf_evidence *e, double limit)
{
	const struct pf_evidence_sums *s = &e->sums;
	double mean = s->limit_free > 0 ? s->limit_running / s->limit_free : 0, best = INFINITY;
	double most = e->max_threads ? fmin((double)e->max_threads, THREADS_MAX) : THREADS_MAX;
	double alike = e->max_threads ? 1 - 1 / most : 0;
	double stall = s->covered_ns > 0 ? s->throttled_ns / s->covered_ns : 0;

	m->nr_cpus = e->nr_cpus ? (double)e->nr_cpus : THREADS_MAX;
	m->wakes_per_s = s->covered_ns > 0 ? s->nr_waits / (s->covered_ns / 1e9) : 0;
	m->nr_running = s->limit_running > 0 ? 1 + s->limit_pairs / s->limit_running : 1;
	if (mean > 0)
		alike = (s->limit_pairs / (mean * mean) + alike * FIRST_WINDOWS) /
			(s->limit_free + FIRST_WINDOWS);
	m->nr_threads = alike < 1 - 1 / most ? 1 / (1 - alike) : most;
	if (!isfinite(limit) || !(stall > 0) ||
	    (s->nr_throttled < THROTTLED_A_LOT * s->nr_periods && s->limit_running >= MIN_LOOKS))
		return;
	for (double n = 1; n < most * 1.18; n *= 1.19) {
		double error =
			fabs(by_sums(m, &m->plain, fmin(n, most), limit).stall_ratio - stall);

		if (error >= best)
			continue;
		best = error;
		m->nr_threads = fmin(n, most);
	}
}

/* ---- the model ---- */

/*
 * What passed the present limit has lost its peaks, and no queue behind it gives them back; demand has them. So queues tell
 * of limits up to the present one, the histogram of higher ones, where it is never worse than now.
 */
static struct outcome play(const struct pf_limit_model *m, double limit, double burst)
{
	struct outcome now, raised;

	if (m->has_queues && limit <= m->present_millicores)
		return by_queues(m, limit, burst);
	raised = play_windows(m, limit, burst);
	if (!m->has_queues)
		return raised;
	now = by_queues(m, m->present_millicores, burst);
	return (struct outcome){ fmin(raised.throttled_ratio, now.throttled_ratio),
				 fmin(raised.stall_ratio, now.stall_ratio) };
}

static double present_limit(const struct pf_evidence *e) /* millicores; INFINITY: none */
{
	if (e->cfs_quota_us >= PF_NO_LIMIT || e->cfs_period_us >= PF_NO_LIMIT || !e->cfs_period_us)
		return INFINITY;
	return (double)e->cfs_quota_us * 1000 / (double)e->cfs_period_us;
}

/* The run length at which the present limit does what it was seen to do. */
static void fit_runs(struct pf_limit_model *m, const struct pf_evidence *e, const float *ascending)
{
	double limit = present_limit(e), best = INFINITY;
	double seen = e->sums.nr_periods > 0 ? e->sums.nr_throttled / e->sums.nr_periods : 0;

	m->run_length = RUN_LENGTH_DEFAULT;
	if (isfinite(limit) && limit > 0 && seen > FIT_MIN_RATIO && seen < FIT_MAX_RATIO) {
		for (size_t i = 0; i < PF_ARRAY_SIZE(run_lengths); i++) {
			double error;

			play_order(ascending, run_lengths[i], m->demand);
			error = fabs(play_windows(m, limit, 0).throttled_ratio - seen);
			if (error >= best)
				continue;
			best = error;
			m->run_length = run_lengths[i];
		}
	}
	play_order(ascending, m->run_length, m->demand);
}

int pf_limit_model_init(const struct pf_evidence *e, struct pf_limit_model *ret_model)
{
	struct pf_limit_model m = { .saturated = e->sums.saturated_ns >
						 SATURATED_SHARE * e->sums.covered_ns };
	float ascending[PF_CURVE_WINDOWS];
	int r = e->has_windows ? quantiles(e, ascending) : -ENODATA;

	if (r < 0)
		return r;
	for (size_t n = 0; n < PF_CURVE_WINDOWS; n++)
		m.mean_millicores += (double)ascending[n] / PF_CURVE_WINDOWS;
	m.peak_millicores = fmax(ascending[PF_CURVE_WINDOWS - 1], 1);
	/* Whole CPUs: within a window the tasks of a burst run at full speed. */
	m.parallel_millicores = ceil(m.peak_millicores / ABOVE_LIMIT / 1000) * 1000;
	m.present_millicores = present_limit(e);
	take_queues(&m, e);
	if (!m.has_queues || isfinite(m.present_millicores))
		fit_runs(&m, e, ascending);
	count_threads(&m, e, m.present_millicores);
	*ret_model = m;
	return 0;
}

void pf_limit_at(const struct pf_limit_model *m, uint64_t limit_millicores, uint64_t burst_us,
		 struct pf_curve_point *ret_point)
{
	double burst = burst_us >= PF_NO_LIMIT ? 0 : (double)burst_us * 1000 / PERIOD_US;
	struct outcome o = play(m, (double)limit_millicores, burst);

	*ret_point = (struct pf_curve_point){ .limit_millicores = limit_millicores,
					      .throttled_ratio = o.throttled_ratio,
					      .stall_ns_per_s = o.stall_ratio * (double)PF_NS_PER_S,
					      .burst_us = burst_us };
}

/* A limit that a person would write. */
static uint64_t tidy(double millicores)
{
	double unit = millicores > 1000 ? 50 : millicores > 100 ? 10 : 1;

	return (uint64_t)(ceil(millicores / unit) * unit);
}

/* Into an ascending list without doubles. */
static size_t put_limit(uint64_t *limits, size_t nr, size_t max, uint64_t limit)
{
	size_t at = nr;

	if (limit >= PF_NO_LIMIT || !limit || nr == max)
		return nr;
	while (at > 0 && limits[at - 1] >= limit)
		at--;
	if (at < nr && limits[at] == limit)
		return nr;
	memmove(&limits[at + 1], &limits[at], (nr - at) * sizeof(limits[0]));
	limits[at] = limit;
	return nr + 1;
}

size_t pf_limit_curve(const struct pf_limit_model *m, uint64_t present, uint64_t advised,
		      struct pf_curve_point *ret_points, size_t max)
{
	double low = fmax(m->mean_millicores, 10), high = fmax(m->peak_millicores, low + 1);
	uint64_t limits[CURVE_POINTS + 2];
	size_t nr_limits = 0, nr = 0;

	for (unsigned i = 0; i < CURVE_POINTS; i++)
		nr_limits = put_limit(limits, nr_limits, PF_ARRAY_SIZE(limits),
				      tidy(low * pow(high / low, (double)i / (CURVE_POINTS - 1))));
	nr_limits = put_limit(limits, nr_limits, PF_ARRAY_SIZE(limits), present);
	nr_limits = put_limit(limits, nr_limits, PF_ARRAY_SIZE(limits), advised);
	for (; nr < nr_limits && nr < max; nr++)
		pf_limit_at(m, limits[nr], PF_UNKNOWN, &ret_points[nr]);
	if (present >= PF_NO_LIMIT || !present)
		return nr;
	for (unsigned quarters = 1; quarters <= 4 && nr < max; quarters *= 2)
		pf_limit_at(m, present,
			    (uint64_t)((double)present / 1000 * PERIOD_US * quarters / 4),
			    &ret_points[nr++]);
	return nr;
}

uint64_t pf_limit_smallest(const struct pf_limit_model *m, double budget_ratio, uint64_t floor)
{
	double low = (double)PF_MAX(floor, 1u), high = fmax(m->peak_millicores, low);

	if (play(m, low, 0).throttled_ratio <= budget_ratio)
		return PF_MAX(floor, 1u);
	/* Throttling falls as the limit rises; a fiftieth is closer than the buckets are wide. */
	while (high > low * 1.02) {
		double middle = sqrt(low * high);

		if (play(m, middle, 0).throttled_ratio <= budget_ratio)
			high = middle;
		else
			low = middle;
	}
	/* Demand up to the tolerance above it was let through: a limit of that much has no need of it. */
	return tidy(fmin(high * ABOVE_LIMIT, fmax(m->peak_millicores, high)));
}
