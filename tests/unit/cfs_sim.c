// SPDX-License-Identifier: Apache-2.0
#include "unit/cfs_sim.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STEP_MS 0.1

enum {
	CPUS_MAX = 8,
	THREADS_MAX = 16,
	STEPS_PERIOD = 1000,
	STEPS_TICK = 40,  /* CONFIG_HZ=250 */
	STEPS_SLACK = 50, /* from a queue that empties to the others getting what it left */
	WINDOW_PHASE = 370,
};

#define SLICE_MS     5.0
#define MIN_LOCAL_MS 1.0

struct thread {
	double work_ms; /* left of what has come */
	double next_ms; /* when more comes */
	unsigned cpu, seed;
	bool was_throttled;
};

struct cpu {
	double local_ms;
	bool throttled, busy;
	unsigned turn;
};

struct sim {
	const struct sim_shape *shape;
	unsigned nr_cpus, step;
	double quota_ms, burst_ms, pool_ms;
	bool timer_on, idle;
	unsigned slack_at; /* 0: not set */
	struct cpu cpus[CPUS_MAX];
	struct thread threads[THREADS_MAX];
	struct sim_result r;
	double window_used_ms, window_throttled_ms;
	bool counts;
};

static double spread(const struct sim_shape *shape, unsigned *seed, double mean)
{
	return shape->random ? -log((rand_r(seed) + 1.0) / (RAND_MAX + 2.0)) * mean : mean;
}

static bool any_throttled(const struct sim *s)
{
	for (unsigned i = 0; i < s->nr_cpus; i++)
		if (s->cpus[i].throttled)
			return true;
	return false;
}

/* Each stopped queue gets its debt back and a little more; it draws a slice as soon as it runs. */
static void distribute(struct sim *s)
{
	for (unsigned i = 0; i < s->nr_cpus && s->pool_ms > 0; i++) {
		struct cpu *c = &s->cpus[i];
		double debt = 1e-6 - c->local_ms;

		if (!c->throttled)
			continue;
		debt = fmin(debt, s->pool_ms);
		s->pool_ms -= debt;
		c->local_ms += debt;
		c->throttled = c->local_ms <= 0;
	}
}

static void period_timer(struct sim *s)
{
	bool throttled = any_throttled(s);

	if (!s->timer_on)
		return;
	s->r.nr_periods += s->counts;
	s->pool_ms = fmin(s->pool_ms + s->quota_ms, s->quota_ms + s->burst_ms);
	if (s->idle && !throttled) {
		s->timer_on = false;
		return;
	}
	s->idle = !throttled;
	s->r.nr_throttled += s->counts && throttled;
	if (throttled)
		distribute(s);
}

/* Runtime from the pool for a queue that has none; false: stopped. */
static bool draw(struct sim *s, struct cpu *c, bool at_tick)
{
	if (c->local_ms <= 0) {
		double amount = fmin(SLICE_MS - c->local_ms, s->pool_ms);

		s->timer_on = true;
		if (amount > 0) {
			s->idle = false;
			s->pool_ms -= amount;
			c->local_ms += amount;
		}
	}
	/* A running task is stopped by a tick that finds nothing left; one that comes, at once. */
	if (c->local_ms <= 0 && (at_tick || !c->busy))
		c->throttled = true;
	return !c->throttled;
}

static void give_back(struct sim *s, struct cpu *c)
{
	double extra = c->local_ms - MIN_LOCAL_MS;

	if (extra <= 0)
		return;
	c->local_ms -= extra;
	s->pool_ms += extra;
	if (any_throttled(s) && s->pool_ms > SLICE_MS && !s->slack_at)
		s->slack_at = s->step + STEPS_SLACK;
}

/* A thread that wakes goes where it was, unless only another CPU is idle. */
static void wake(struct sim *s, struct thread *t)
{
	unsigned load[CPUS_MAX] = { 0 };

	for (unsigned i = 0; i < s->shape->threads; i++)
		if (&s->threads[i] != t && s->threads[i].work_ms > 0)
			load[s->threads[i].cpu]++;
	for (unsigned i = 0; load[t->cpu] && i < s->nr_cpus; i++)
		if (load[i] < load[t->cpu])
			t->cpu = i;
}

static void arrivals(struct sim *s)
{
	double now = s->step * STEP_MS;

	for (unsigned i = 0; i < s->shape->threads; i++) {
		struct thread *t = &s->threads[i];

		while (t->next_ms <= now) {
			if (t->work_ms <= 0) {
				wake(s, t);
				s->r.nr_waits += s->counts;
			}
			t->work_ms =
				fmax(t->work_ms, 0) + spread(s->shape, &t->seed, s->shape->work_ms);
			t->next_ms += spread(s->shape, &t->seed, s->shape->period_ms);
		}
	}
}

static struct thread *pick(struct sim *s, unsigned cpu)
{
	unsigned nr = s->shape->threads, turn = s->cpus[cpu].turn;

	for (unsigned i = 0; i < nr; i++) {
		struct thread *t = &s->threads[(turn + i) % nr];

		if (t->cpu == cpu && t->work_ms > 0)
			return t;
	}
	return NULL;
}

/* An idle CPU takes a waiting thread from a busy one that is not stopped. */
static void balance(struct sim *s)
{
	for (unsigned cpu = 0; cpu < s->nr_cpus; cpu++) {
		if (pick(s, cpu) || s->cpus[cpu].throttled)
			continue;
		for (unsigned i = 0; i < s->shape->threads; i++) {
			struct thread *t = &s->threads[i];

			if (t->work_ms > 0 && !s->cpus[t->cpu].throttled && pick(s, t->cpu) != t) {
				t->cpu = cpu;
				break;
			}
		}
	}
}

static void run_cpu(struct sim *s, unsigned cpu)
{
	struct cpu *c = &s->cpus[cpu];
	struct thread *t = pick(s, cpu);
	bool tick = s->step % STEPS_TICK == 0;

	if (!t) {
		if (c->busy)
			give_back(s, c);
		c->busy = false;
		c->throttled = false;
		return;
	}
	if (!c->throttled && isfinite(s->quota_ms))
		draw(s, c, tick);
	if (c->throttled) {
		t->was_throttled = true;
		c->busy = false;
		s->window_throttled_ms += STEP_MS;
		s->r.throttled_ms += s->counts ? STEP_MS : 0;
		return;
	}
	s->r.nr_quota_waits += s->counts && t->was_throttled;
	t->was_throttled = false;
	c->busy = true;
	t->work_ms -= STEP_MS;
	c->local_ms -= isfinite(s->quota_ms) ? STEP_MS : 0;
	s->window_used_ms += STEP_MS;
	s->r.usage_ms += s->counts ? STEP_MS : 0;
	if (tick)
		c->turn = (unsigned)(t - s->threads + 1) % s->shape->threads;
}

static void end_window(struct sim *s)
{
	unsigned running = 0;

	for (unsigned cpu = 0; cpu < s->nr_cpus; cpu++)
		running += pick(s, cpu) && !s->cpus[cpu].throttled;
	if (s->r.nr_windows || s->counts)
		s->r.windows[s->r.nr_windows++] =
			(struct pf_window){ (uint32_t)(s->window_used_ms * 1000 + 0.5),
					    (uint32_t)(s->window_throttled_ms * 1000 + 0.5),
					    running };
	s->window_used_ms = s->window_throttled_ms = 0;
}

void cfs_sim(const struct sim_shape *shape, unsigned nr_cpus, double quota_ms, double burst_ms,
	     unsigned seconds, unsigned seed, struct sim_result *ret_result)
{
	struct sim s = { .shape = shape,
			 .nr_cpus = nr_cpus,
			 .quota_ms = quota_ms,
			 .burst_ms = burst_ms,
			 .pool_ms = quota_ms };
	unsigned steps = seconds * 10 * STEPS_PERIOD, warm_up = 10 * STEPS_PERIOD;

	s.r.windows = calloc(seconds * 10 + 2, sizeof(*s.r.windows));
	for (unsigned i = 0; i < shape->threads; i++) {
		s.threads[i] = (struct thread){ .cpu = i % nr_cpus, .seed = seed + 7919 * i };
		if (shape->random)
			s.threads[i].next_ms = spread(shape, &s.threads[i].seed, shape->period_ms);
		else
			s.threads[i].next_ms =
				(seed * 37 + i * 13) % 100 / 100.0 * shape->period_ms;
	}
	for (s.step = 1; s.step <= warm_up + steps; s.step++) {
		s.counts = s.step > warm_up;
		if (s.step % STEPS_PERIOD == 0)
			period_timer(&s);
		if (s.slack_at && s.step >= s.slack_at) {
			s.slack_at = 0;
			distribute(&s);
		}
		arrivals(&s);
		balance(&s);
		for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
			run_cpu(&s, cpu);
		if (s.step % STEPS_PERIOD == WINDOW_PHASE)
			end_window(&s);
	}
	*ret_result = s.r;
}
