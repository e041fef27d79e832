// SPDX-License-Identifier: Apache-2.0
#include "core/limit_queue.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define WINDOW_US 100000.0

/*
 * A queue is stopped by a scheduler tick that finds no runtime left: 4 ms apart where HZ is 250. Work that ends before it
 * is never stopped, its excess comes off the next period. Half of that is taken on every kernel: in the simulation of
 * tests/unit/cfs_sim, over its eleven shapes, the share of throttled periods is on average 1.4 points off at a HZ of 250 or
 * 1000 (1.4 with half of 1000's tick) and 2.2 at 100 (1.7), to lower limits; to higher ones HZ makes no difference.
 */
#define TICK_SLACK_US 2000.0

/* Of the work of a throttled run, how much came at once where no work at all gets by unthrottled. */
#define AT_ONCE_SHARE 0.75

/* Windows played at a time; more than a sample of 10 s and its past have. */
#define WINDOWS_MAX 256

/* Candidates below this share of the mean use are full all the time. */
#define FULL_BELOW_MEAN 0.5

/* CPU time counts above buckets' widths: a CPU is only another one if it shows clearly. */
#define ABOVE_CPU 1.03

/* ---- life ---- */

uint64_t pf_limit_millicores(size_t index)
{
	return pf_hist_edge(PF_LAYOUT_MILLICORES, 2 * index + 1);
}

size_t pf_limit_index(double millicores)
{
	return pf_hist_bucket(PF_LAYOUT_MILLICORES,
			      millicores > 1 ? (uint64_t)ceil(millicores) : 1) /
	       2;
}

int pf_limit_queues_prepare(struct pf_limit_queues *q, const struct pf_window *windows, size_t nr)
{
	size_t busy = 0;

	while (busy < nr && !windows[busy].used_us)
		busy++;
	if (q->counts[0] || busy == nr)
		return 0;
	for (size_t i = 0; i < PF_NR_LIMIT_COUNTS; i++) {
		q->counts[i] = calloc(PF_LIMITS, sizeof(*q->counts[i]));
		if (!q->counts[i]) {
			pf_limit_queues_free(q);
			return -ENOMEM;
		}
	}
	return 0;
}

void pf_limit_queues_free(struct pf_limit_queues *q)
{
	for (size_t i = 0; i < PF_NR_LIMIT_COUNTS; i++) {
		free(q->counts[i]);
		q->counts[i] = NULL;
	}
}

/* ---- what came in ---- */

struct tape {
	size_t nr_past, nr;
	double served[WINDOWS_MAX], come[WINDOWS_MAX]; /* under the present limit; without it */
	double peak_us, mean_us;
	double nr_cpus; /* it runs on at once, at most */
	double chunk_us;
};

/* From the first throttled window to the one that catches up. */
static size_t run_end(const struct pf_window *w, size_t nr, size_t i)
{
	while (i < nr && w[i].throttled_us)
		i++;
	return i < nr ? i + 1 : nr;
}

static double at_once_share(const struct pf_window *w, size_t nr)
{
	double all = 0, in_runs = 0;

	for (size_t i = 0; i < nr; i++) {
		all += w[i].used_us;
		if (w[i].throttled_us || (i && w[i - 1].throttled_us))
			in_runs += w[i].used_us;
	}
	return all > 0 ? AT_ONCE_SHARE * in_runs / all : 0;
}

static void uncensor(struct tape *t, const struct pf_window *w)
{
	double share = at_once_share(w, t->nr), speed = t->nr_cpus * WINDOW_US;

	for (size_t i = 0; i < t->nr;) {
		size_t end = w[i].throttled_us ? run_end(w, t->nr, i) : i + 1;
		double left = 0;

		for (size_t k = i; k < end; k++)
			left += w[k].used_us;
		for (; i < end; i++) {
			double now = fmin(left, speed);

			left -= now;
			t->come[i] = share * now + (1 - share) * w[i].used_us;
		}
	}
}

static void make_tape(struct tape *t, const struct pf_window *w, size_t nr_past, size_t nr,
		      double chunk_us)
{
	double most = 0;

	*t = (struct tape){ .nr_past = nr_past, .nr = nr, .chunk_us = chunk_us };
	for (size_t i = 0; i < nr; i++) {
		t->served[i] = w[i].used_us;
		t->mean_us += w[i].used_us / (double)nr;
		most = fmax(most, (double)w[i].used_us + w[i].throttled_us);
	}
	t->nr_cpus = fmax(1, ceil(most / ABOVE_CPU / WINDOW_US));
	uncensor(t, w);
	for (size_t i = 0; i < nr; i++)
		t->peak_us = fmax(t->peak_us, fmax(t->served[i], t->come[i]));
}

/* ---- one queue ---- */

/*
 * Idle time before @limit is used up in a window of @work in equal pieces, laid by chance: on average the gaps are alike,
 * before, between and behind them. Old work fills gaps first.
 */
static double lead_us(const struct tape *t, double limit, double work, double waiting)
{
	double need = limit - waiting, pieces, piece;

	if (need <= 0 || work <= 0)
		return 0;
	pieces = fmax(1, round(work / t->chunk_us));
	piece = fmin(pieces, floor(need / work * pieces) + 1);
	return fmax(0, fmax(0, WINDOW_US - work / t->nr_cpus) * piece / (pieces + 1) -
			       waiting / t->nr_cpus);
}

static void add_sum(uint32_t *sum, double more)
{
	*sum = (uint32_t)fmin((double)*sum + more, UINT32_MAX);
}

struct played {
	double lead;
	unsigned extra, throttled, runs;
};

static struct played play(const struct tape *t, const double *work, double limit, double burst)
{
	struct played p = { 0 };
	double waiting = 0, saved = 0;
	bool throttled = false, active = false, fresh = false;

	for (size_t i = 0; i < t->nr; i++) {
		double granted = limit + saved, over = waiting + work[i] - granted;
		bool counts = i >= t->nr_past, was_throttled = throttled, was_active = active;
		bool was_fresh = fresh;

		fresh = t->served[i] > 0;
		active = waiting + work[i] > 0;
		throttled = over > TICK_SLACK_US;
		if (counts) {
			p.extra += (active || was_active) && !(fresh || was_fresh);
			p.throttled += throttled;
			p.runs += throttled && !was_throttled;
			p.lead += throttled ? lead_us(t, granted, work[i], waiting) + saved : 0;
		}
		waiting = fmax(0, over);
		saved = fmin(burst, fmax(0, -over));
	}
	return p;
}

static void play_limit(struct pf_limit_queues *q, size_t at, const struct tape *t,
		       const double *work, double limit)
{
	struct played p = play(t, work, limit, 0), with_burst = play(t, work, limit, limit);

	q->counts[PF_LIMIT_EXTRA][at] += p.extra;
	q->counts[PF_LIMIT_THROTTLED][at] += p.throttled;
	q->counts[PF_LIMIT_RUNS][at] += p.runs;
	add_sum(&q->counts[PF_LIMIT_LEAD_US][at], p.lead);
	q->counts[PF_LIMIT_BURST_THROTTLED][at] += with_burst.throttled;
	add_sum(&q->counts[PF_LIMIT_BURST_LEAD_US][at], with_burst.lead);
}

/* Full all the time. */
static void full_limit(struct pf_limit_queues *q, size_t at, const struct tape *t, size_t nr_active)
{
	size_t nr = t->nr - t->nr_past;

	q->counts[PF_LIMIT_EXTRA][at] += (uint32_t)(nr - nr_active);
	q->counts[PF_LIMIT_THROTTLED][at] += (uint32_t)nr;
	q->counts[PF_LIMIT_BURST_THROTTLED][at] += (uint32_t)nr;
}

/* ---- all ---- */

static size_t count_windows(struct pf_limit_queues *q, const struct pf_window *w, size_t nr_past,
			    size_t nr)
{
	size_t nr_active = 0;

	for (size_t i = nr_past; i < nr; i++) {
		nr_active += w[i].used_us || (i && w[i - 1].used_us);
		if (w[i].throttled_us)
			continue;
		q->nr_free++;
		q->nr_running += w[i].nr_running;
		q->nr_pairs += (uint64_t)w[i].nr_running * (w[i].nr_running - 1);
	}
	q->nr_windows += nr - nr_past;
	q->nr_active += nr_active;
	return nr_active;
}

void pf_limit_queues_play(struct pf_limit_queues *q, const struct pf_window *windows,
			  size_t nr_past, size_t nr, const struct pf_queue_load *load)
{
	struct tape t;
	size_t nr_active;

	if (nr > WINDOWS_MAX) {
		size_t cut = nr - WINDOWS_MAX;

		windows += cut;
		nr -= cut;
		nr_past -= PF_MIN(nr_past, cut);
	}
	nr_active = count_windows(q, windows, nr_past, nr);
	make_tape(&t, windows, nr_past, nr, load->chunk_us);
	for (size_t i = 0; i < PF_LIMITS; i++) {
		double limit = (double)pf_limit_millicores(i) / 1000 * WINDOW_US;

		if (limit >= t.peak_us)
			break; /* from here on nothing ever waits */
		if (limit < FULL_BELOW_MEAN * t.mean_us)
			full_limit(q, i, &t, nr_active);
		else
			play_limit(q, i, &t, limit > load->limit_us ? t.come : t.served, limit);
	}
}
