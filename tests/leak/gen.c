// SPDX-License-Identifier: Apache-2.0
/*
 * gen.c - memory curves as sums of components: a table of shapes, one simulator.
 *
 * Memory is simulated as a fraction of the limit, past the end of what is handed out, so that the
 * moment a leak runs out of memory is known even when the series ends before.
 */
#include "leak/gen.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double day_s = 86400, start_unix_s = 1.7e9;

struct range {
	double low, high;
};

enum leak_mode { LEAK_NONE, LEAK_LINEAR, LEAK_LOAD, LEAK_STAIRS };

#define FAST (1u << LEAK_GEN_FAST)
#define DAY  (1u << LEAK_GEN_DAY)
#define WEEK (1u << LEAK_GEN_WEEK)
#define ALL  (FAST | DAY | WEEK)

/*
 * A component is there where its amplitude's upper bound is above 0. Amplitudes are fractions of the
 * limit, times are fractions of the series' span unless the name says otherwise.
 */
struct shape {
	const char *name;
	unsigned scales;
	enum leak_mode leak;
	struct range start;	      /* of the leak */
	struct range end;	      /* memory is full after so many spans */
	struct range base;	      /* what is always used; default 0.15 .. 0.45 */
	struct range warm, warm_time; /* saturating start-up and its time constant */
	struct range daily;	      /* follows CPU use */
	struct range saw,
		saw_time; /* a collector's garbage: threshold above base, and its period */
	struct range burst, burst_time; /* now and then, held */
	struct range noise, noise_s; /* autoregressive: standard deviation, correlation time in s */
	struct range step;	     /* up or down, two to five times */
	struct range fill, fill_time;  /* linear, up to a cap */
	struct range slow_fill;	       /* like log(time) */
	struct range batch, batch_day; /* jobs: ramp up, give back; period in days */
	struct range job;	       /* many overlapping jobs of a shared host, each this large */
	struct range drift, drift_time; /* straight pieces up and down within this, each so long */
	struct range lives;		/* restarts, planned or by a kill */
	double ceiling;			/* admission keeps use below; 0: none */
	bool cache; /* memory_bytes is mostly cache that fills the limit; hot_bytes is not */
};

static const struct shape shapes[] = {
	{ .name = "linear", .scales = ALL, .leak = LEAK_LINEAR, .end = { .95, 1.3 } },
	{ .name = "delayed",
	  .scales = ALL,
	  .leak = LEAK_LINEAR,
	  .start = { .25, .5 },
	  .end = { .95, 1.1 } },
	{ .name = "sawtooth",
	  .scales = ALL,
	  .leak = LEAK_LINEAR,
	  .end = { .95, 1.35 },
	  .saw = { .3, .6 },
	  .saw_time = { .003, .04 } },
	{ .name = "diurnal",
	  .scales = DAY | WEEK,
	  .leak = LEAK_LINEAR,
	  .end = { .95, 1.4 },
	  .daily = { .05, .2 } },
	{ .name = "loadprop", .scales = DAY | WEEK, .leak = LEAK_LOAD, .end = { .95, 1.3 } },
	{ .name = "stairs", .scales = ALL, .leak = LEAK_STAIRS, .end = { .95, 1.2 } },
	{ .name = "warmleak",
	  .scales = ALL,
	  .leak = LEAK_LINEAR,
	  .end = { .95, 1.1 },
	  .warm = { .08, .2 },
	  .warm_time = { .02, .06 } },
	{ .name = "restart",
	  .scales = ALL,
	  .leak = LEAK_LINEAR,
	  .end = { .17, .35 },
	  .lives = { 60, 60 } },
	{ .name = "bursty",
	  .scales = ALL,
	  .leak = LEAK_LINEAR,
	  .end = { .95, 1.3 },
	  .burst = { .05, .2 },
	  .burst_time = { .002, .01 } },
	{ .name = "noisy",
	  .scales = ALL,
	  .leak = LEAK_LINEAR,
	  .end = { .95, 1.1 },
	  .noise = { .015, .035 },
	  .noise_s = { 15, 600 } },
	{ .name = "hostleak",
	  .scales = DAY | WEEK,
	  .leak = LEAK_LINEAR,
	  .start = { .2, .5 },
	  .end = { .95, 1.3 },
	  .base = { .2, .4 },
	  .job = { .01, .06 } },
	{ .name = "driftleak",
	  .scales = DAY | WEEK,
	  .leak = LEAK_LINEAR,
	  .start = { .2, .5 },
	  .end = { .95, 1.5 },
	  .drift = { .01, .06 },
	  .drift_time = { .01, .2 } },
	{ .name = "loadhost",
	  .scales = DAY | WEEK,
	  .leak = LEAK_LOAD,
	  .start = { .1, .4 },
	  .end = { 1, 1.5 },
	  .daily = { 0, .15 },
	  .burst = { 0, .2 },
	  .burst_time = { .002, .02 } },
	{ .name = "stepleak",
	  .scales = ALL,
	  .leak = LEAK_STAIRS,
	  .start = { .2, .5 },
	  .end = { 1, 1.3 },
	  .drift = { .005, .03 },
	  .drift_time = { .02, .2 } },
	{ .name = "ageing", /* a well filled machine, and most of its life is not recorded */
	  .scales = ALL,
	  .leak = LEAK_LINEAR,
	  .end = { 1.2, 2.5 },
	  .base = { .55, .85 },
	  .warm = { 0, .04 },
	  .warm_time = { .005, .03 },
	  .daily = { 0, .02 },
	  .burst = { 0, .04 },
	  .burst_time = { .001, .01 },
	  .noise = { .001, .01 },
	  .noise_s = { 60, 7200 } },
	{ .name = "lateleak", /* a new version of a service that has settled */
	  .scales = ALL,
	  .leak = LEAK_LINEAR,
	  .start = { .3, .6 },
	  .end = { 1, 1.6 },
	  .warm = { .03, .15 },
	  .warm_time = { .01, .08 },
	  .daily = { 0, .06 },
	  .noise = { .001, .012 },
	  .noise_s = { 60, 7200 },
	  .saw = { 0, .12 },
	  .saw_time = { .001, .01 } },

	{ .name = "flat", .scales = ALL, .base = { .2, .7 } },
	{ .name = "noise",
	  .scales = ALL,
	  .base = { .2, .7 },
	  .noise = { .01, .05 },
	  .noise_s = { 15, 3600 } },
	{ .name = "cycle", .scales = DAY | WEEK, .daily = { .1, .4 } },
	{ .name = "warmup",
	  .scales = ALL,
	  .warm = { .15, .4 },
	  .warm_time = { .01, .15 },
	  .noise = { 0, .03 },
	  .noise_s = { 15, 600 } },
	{ .name = "lru", .scales = ALL, .fill = { .1, .45 }, .fill_time = { .05, .5 } },
	{ .name = "zipf", .scales = ALL, .slow_fill = { .1, .3 } },
	{ .name = "pagecache", .scales = ALL, .base = { .1, .3 }, .cache = true },
	{ .name = "gc", .scales = ALL, .saw = { .25, .65 }, .saw_time = { .003, .05 } },
	{ .name = "slowgc", .scales = ALL, .saw = { .2, .6 }, .saw_time = { .06, .16 } },
	{ .name = "bursts", .scales = ALL, .burst = { .1, .7 }, .burst_time = { .003, .03 } },
	{ .name = "steps", .scales = ALL, .step = { .03, .15 } },
	{ .name = "restarts",
	  .scales = ALL,
	  .warm = { .15, .4 },
	  .warm_time = { .01, .05 },
	  .lives = { 3, 8 } },
	{ .name = "batch", .scales = ALL, .batch = { .1, .4 }, .batch_day = { .5, 1 } },
	{ .name = "host",
	  .scales = DAY | WEEK,
	  .base = { .45, .75 },
	  .job = { .01, .08 },
	  .ceiling = .975 },
	{ .name = "vm",
	  .scales = DAY | WEEK,
	  .base = { .02, .2 },
	  .burst = { .1, .8 },
	  .burst_time = { .001, .05 },
	  .daily = { 0, .15 },
	  .drift = { 0, .05 },
	  .drift_time = { .05, .5 } },
	{ .name = "drift", .scales = ALL, .drift = { .01, .1 }, .drift_time = { .03, .5 } },
	{ .name = "jvm",
	  .scales = ALL,
	  .warm = { .05, .2 },
	  .warm_time = { .05, .4 },
	  .drift = { .01, .05 },
	  .drift_time = { .03, .3 },
	  .slow_fill = { .02, .1 } },
	{ .name = "ramps",
	  .scales = DAY | WEEK,
	  .fill = { .05, .3 },
	  .fill_time = { .02, .3 },
	  .step = { .02, .1 },
	  .noise = { 0, .02 },
	  .noise_s = { 60, 36000 } },
	{ .name = "weekgc",
	  .scales = WEEK,
	  .saw = { .1, .5 },
	  .saw_time = { .25, .6 },
	  .daily = { 0, .1 } },
	{ .name = "settled", /* well filled, and stays so */
	  .scales = ALL,
	  .base = { .6, .85 },
	  .warm = { 0, .06 },
	  .warm_time = { .005, .1 },
	  .daily = { 0, .03 },
	  .burst = { 0, .06 },
	  .burst_time = { .001, .01 },
	  .noise = { .001, .015 },
	  .noise_s = { 60, 7200 } },
	{ .name = "wander", /* fragmentation: remembers for a tenth of the recording */
	  .scales = ALL,
	  .base = { .25, .6 },
	  .noise = { .01, .04 },
	  .noise_s = { 1200, 43200 } },
	{ .name = "bignight",
	  .scales = DAY | WEEK,
	  .batch = { .1, .5 },
	  .batch_day = { 1, 7 },
	  .daily = { 0, .15 } },
};

/* Random numbers: SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static double uniform(uint64_t *state)
{
	return (double)(next_random(state) >> 11) * 0x1p-53;
}

static double pick(uint64_t *state, struct range range)
{
	return range.low + (range.high - range.low) * uniform(state);
}

/* As above, but as likely to be a tenth as a whole: for times. */
static double pick_log(uint64_t *state, struct range range)
{
	return range.low > 0 ? range.low * pow(range.high / range.low, uniform(state)) : range.high;
}

static double normal(uint64_t *state)
{
	return sqrt(-2 * log(1 - uniform(state))) * cos(2 * M_PI * uniform(state));
}

enum { MAX_JOBS = 64, MAX_STEPS = 5, MAX_HOLES = 3 };

struct job {
	double until_s, size, born_s, ramp_s;
};

/* One simulated container. */
struct sim {
	const struct shape *shape;
	uint64_t random;
	double span_s, dt_s, limit;
	/* CPU use */
	double cpu_peak, cpu_trough, cpu_phase_s, cpu_noise;
	/* amplitudes and times, picked once */
	double base, warm, warm_s, daily, saw, saw_s, burst, burst_s, noise, noise_keep, step, fill,
		fill_s, fill_start_s, slow_fill, batch, batch_s, batch_len_s, job, drift, drift_s;
	double leak_start_s, leak_per_s, stair, jitter;
	double step_at[MAX_STEPS], step_size[MAX_STEPS];
	size_t nr_lives, life;
	double lost_ratio, hole_at_s[MAX_HOLES], hole_s; /* samples that never came */
	/* what changes */
	double until_s, life_start_s, leaked, next_stair_s, saw_now, burst_until_s, burst_now,
		noise_now, drift_now, drift_goal, drift_until_s;
	struct job jobs[MAX_JOBS];
};

static double cpu_use(struct sim *s, double t)
{
	double day = fmod(t + s->cpu_phase_s, 7 * day_s) / day_s;
	double wave = .5 - .5 * cos(2 * M_PI * day);
	double weekend = day >= 5 ? .5 : 1;

	s->cpu_noise = .9 * s->cpu_noise + .05 * normal(&s->random);
	return PF_MAX(0, (s->cpu_trough + (s->cpu_peak - s->cpu_trough) * wave * weekend) *
				 (1 + s->cpu_noise));
}

static double load_of(const struct sim *s, double cpu)
{
	return (cpu - s->cpu_trough) / (s->cpu_peak - s->cpu_trough);
}

/* One recording in five has lost samples: single ones, and while nobody was listening. */
static void setup_losses(struct sim *s)
{
	uint64_t *r = &s->random;

	if (uniform(r) >= .2)
		return;
	s->lost_ratio = .05 * uniform(r);
	s->hole_s = pick_log(r, (struct range){ .001, .03 }) * s->span_s;
	for (size_t i = 0; i < MAX_HOLES; i++)
		s->hole_at_s[i] = uniform(r) * s->span_s;
}

static bool is_lost(struct sim *s, double t)
{
	if (s->hole_s <= 0)
		return false;
	for (size_t i = 0; i < MAX_HOLES; i++)
		if (t >= s->hole_at_s[i] && t < s->hole_at_s[i] + s->hole_s)
			return true;
	return uniform(&s->random) < s->lost_ratio;
}

static void setup(struct sim *s)
{
	const struct shape *p = s->shape;
	uint64_t *r = &s->random;
	static const struct range usual_base = { .15, .45 };

	s->cpu_peak = pick_log(r, (struct range){ .1, 2.5 });
	s->cpu_trough = s->cpu_peak * pick(r, (struct range){ .08, .3 });
	s->cpu_phase_s = uniform(r) * 7 * day_s;
	s->base = pick(r, p->base.high > 0 ? p->base : usual_base);
	s->warm = pick(r, p->warm);
	s->warm_s = pick_log(r, p->warm_time) * s->span_s;
	s->daily = pick(r, p->daily);
	/* Heaps are sized below the container's limit. */
	double heap = pick(r, p->saw);

	s->saw = PF_MIN(heap, .87 - s->base);
	s->saw_s = pick_log(r, p->saw_time) * s->span_s;
	s->saw_now = uniform(r) * s->saw;
	s->burst = pick(r, p->burst);
	s->burst_s = pick_log(r, p->burst_time) * s->span_s;
	s->noise = pick(r, p->noise);
	s->noise_keep = exp(-s->dt_s / (1 + pick_log(r, p->noise_s)));
	s->step = pick(r, p->step);
	s->fill = pick(r, p->fill);
	s->fill_s = pick(r, p->fill_time) * s->span_s;
	s->fill_start_s = p->step.high > 0 ? uniform(r) * .6 * s->span_s : 0;
	s->slow_fill = pick(r, p->slow_fill);
	s->batch = pick(r, p->batch);
	double batch_s = pick(r, p->batch_day) * day_s;

	s->batch_s = PF_MIN(batch_s, s->span_s * .45);
	s->batch_len_s = s->batch_s * pick(r, (struct range){ .1, .4 });
	s->job = pick(r, p->job);
	s->drift = pick(r, p->drift);
	s->drift_s = pick_log(r, p->drift_time) * s->span_s;
	s->nr_lives = (size_t)pick(r, p->lives);
	s->jitter = pick_log(r, (struct range){ .0005, .004 });
	for (size_t i = 0; i < MAX_STEPS; i++) {
		s->step_at[i] = uniform(r) * s->span_s * (i < 2 ? 1 : 2);
		s->step_size[i] =
			s->step * pick(r, (struct range){ .4, 1 }) * (uniform(r) < .75 ? 1 : -1);
	}
	setup_losses(s);
	if (p->leak == LEAK_NONE)
		return;
	s->leak_start_s = pick(r, p->start) * s->span_s;
	s->leak_per_s = (1 - s->base - s->warm) / (pick(r, p->end) * s->span_s - s->leak_start_s);
	if (s->leak_per_s <= 0 || s->leak_per_s * s->span_s > 20)
		s->leak_per_s = (1 - s->base - s->warm) / s->span_s;
	s->stair = s->leak_per_s * s->span_s * pick_log(r, (struct range){ .01, .06 });
}

static void advance_leak(struct sim *s, double t, double cpu)
{
	if (t < s->leak_start_s || s->shape->leak == LEAK_NONE)
		return;
	switch (s->shape->leak) {
	case LEAK_LINEAR:
		s->leaked += s->leak_per_s * s->dt_s;
		break;
	case LEAK_LOAD: /* the mean load over a week is about 0.43 */
		s->leaked += s->leak_per_s * s->dt_s * PF_MAX(0, load_of(s, cpu)) / .43;
		break;
	default:
		if (t < s->next_stair_s)
			break;
		if (s->next_stair_s > 0)
			s->leaked += s->stair * pick(&s->random, (struct range){ .5, 1.5 });
		s->next_stair_s =
			t + s->stair / s->leak_per_s * pick(&s->random, (struct range){ .5, 1.5 });
		break;
	}
}

static double bursts(struct sim *s, double t)
{
	if (s->burst <= 0)
		return 0;
	if (t >= s->burst_until_s) {
		s->burst_now = 0;
		if (uniform(&s->random) < s->dt_s / (5 * s->burst_s)) {
			s->burst_now = s->burst * pick(&s->random, (struct range){ .3, 1 });
			s->burst_until_s =
				t + s->burst_s * pick(&s->random, (struct range){ .3, 2 });
		}
	}
	return t < s->burst_until_s ? s->burst_now : 0;
}

static double drifts(struct sim *s, double t)
{
	if (s->drift <= 0)
		return 0;
	if (t >= s->drift_until_s) {
		s->drift_goal = s->drift * uniform(&s->random);
		s->drift_until_s = t + s->drift_s * pick(&s->random, (struct range){ .2, 2 });
	}
	s->drift_now += (s->drift_goal - s->drift_now) * s->dt_s /
			PF_MAX(s->dt_s, s->drift_until_s - t + s->dt_s);
	return s->drift_now;
}

/* Jobs come more by day, grow to their size, and go; about four at a time. */
static double jobs(struct sim *s, double t, double load)
{
	double sum = 0, mean_s = s->span_s * .02;

	if (s->job <= 0)
		return 0;
	for (size_t i = 0; i < MAX_JOBS; i++) {
		struct job *j = &s->jobs[i];

		if (j->until_s > t)
			sum += j->size * PF_MIN(1, (t - j->born_s) / j->ramp_s);
		else if (uniform(&s->random) <
			 s->dt_s / mean_s * 4 / MAX_JOBS * (.4 + 1.2 * PF_MAX(0, load)))
			*j = (struct job){
				.born_s = t,
				.until_s = t - mean_s * log(1 - uniform(&s->random)) * 2,
				.size = s->job * pick(&s->random, (struct range){ .2, 2 }),
				.ramp_s = mean_s * pick_log(&s->random, (struct range){ .01, 2 }),
			};
	}
	return sum;
}

static double saw_tooth(struct sim *s, double used)
{
	double top = PF_MAX(s->saw, .03);

	if (s->saw <= 0)
		return 0;
	/* The collector runs at a fixed heap size: what leaks takes room from garbage. */
	if (s->leaked > 0)
		top = PF_MAX(.03, PF_MIN(s->saw, s->saw + s->base - used));
	s->saw_now += s->saw * s->dt_s / s->saw_s * pick(&s->random, (struct range){ .5, 1.5 });
	if (s->saw_now > top)
		s->saw_now = top * .02 * uniform(&s->random);
	return s->saw_now;
}

/* Fraction of the limit in use at @t. */
static double use_at(struct sim *s, double t, double cpu)
{
	double age = t - s->life_start_s, load = load_of(s, cpu);
	double use = s->base;

	s->until_s = t;
	advance_leak(s, t, cpu);
	use += s->leaked;
	if (s->warm > 0)
		use += s->warm * (1 - exp(-age / s->warm_s));
	if (s->fill > 0)
		use += s->fill * PF_MAX(0, PF_MIN(1, (t - s->fill_start_s) / s->fill_s));
	if (s->slow_fill > 0)
		use += s->slow_fill * log1p(age / s->span_s * 200) / log1p(200);
	for (size_t i = 0; i < MAX_STEPS; i++)
		use += t >= s->step_at[i] ? s->step_size[i] : 0;
	if (s->batch > 0 && fmod(t, s->batch_s) < s->batch_len_s)
		use += s->batch * PF_MIN(1, .2 + fmod(t, s->batch_s) / s->batch_len_s);
	use += drifts(s, t);
	use += jobs(s, t, load);
	use += saw_tooth(s, use);
	use += bursts(s, t);
	use += s->daily * load;
	if (s->noise > 0) {
		s->noise_now = s->noise_keep * s->noise_now +
			       sqrt(1 - s->noise_keep * s->noise_keep) * normal(&s->random);
		use += s->noise * s->noise_now;
	}
	use += s->jitter * normal(&s->random);
	if (s->shape->ceiling > 0)
		use = PF_MIN(use, s->shape->ceiling - .005 * uniform(&s->random));
	return PF_MAX(.01, use);
}

/* A life ends: by a kill at the limit, or by plan. Returns whether a new one begins. */
static bool next_life(struct sim *s, double t, double use)
{
	bool killed = s->shape->leak != LEAK_NONE && use >= 1;
	bool planned = s->shape->leak == LEAK_NONE && s->nr_lives > 1 &&
		       t >= (double)(s->life + 1) * s->span_s / (double)s->nr_lives;

	if (!(killed || planned) || s->nr_lives < 2 || s->life + 1 >= s->nr_lives)
		return false;
	s->life++;
	s->life_start_s = t;
	s->leaked = 0;
	return true;
}

static void choose_scale(struct sim *s, enum leak_gen_scale scale)
{
	static const double limits_mib[] = { 256, 512, 768, 1024, 2048, 4096, 8192 };
	static const struct {
		double dt_s;
		struct range span_h;
	} scales[] = {
		{ 15, { 2.5, 7 } },
		{ 60, { 25, 70 } },
		{ 300, { 240, 480 } },
	};

	s->dt_s = scales[scale].dt_s;
	s->span_s = pick(&s->random, scales[scale].span_h) * 3600;
	s->limit = limits_mib[next_random(&s->random) % PF_ARRAY_SIZE(limits_mib)] * 1048576;
}

static void set_label(const struct sim *s, double end_s, double oom_s, struct leak_label *label)
{
	bool leaks = s->shape->leak != LEAK_NONE;
	double leaking_s = s->until_s - PF_MAX(s->leak_start_s, s->life_start_s);
	/* The mean of what leaked; a life just begun says nothing of it. */
	double rate = s->life ? s->leak_per_s : s->leaked / PF_MAX(leaking_s, s->dt_s);

	*label = (struct leak_label){
		.class = leaks ? LEAK_CLASS_LEAK : LEAK_CLASS_NORMAL,
		.start = leaks ? start_unix_s + s->leak_start_s : -1,
		.end = leaks ? start_unix_s + end_s : -1,
		.oom = oom_s > 0 ? start_unix_s + oom_s : -1,
		.slope = leaks ? rate * 3600 * s->limit : -1,
	};
}

int leak_gen_make(size_t shape, enum leak_gen_scale scale, uint64_t seed,
		  struct leak_gen_series *ret_series)
{
	struct sim s = { .shape = &shapes[shape], .random = seed * 1000003 + shape * 31 + scale };
	struct leak_gen_series *g = ret_series;
	double oom_s = -1, end_s = 0;
	size_t nr = 0, nr_restarts = 0;

	choose_scale(&s, scale);
	setup(&s);

	size_t most = (size_t)(s.span_s / s.dt_s);
	struct pf_series_row *rows = calloc(most, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < 2 * most; i++) {
		double t = (double)i * s.dt_s, cpu = cpu_use(&s, t), use = use_at(&s, t, cpu);
		bool full = s.shape->leak != LEAK_NONE && use >= 1;

		if (nr_restarts < PF_ARRAY_SIZE(g->restarts) && next_life(&s, t, use)) {
			if (i < most)
				g->restarts[nr_restarts++] = start_unix_s + t;
			use = use_at(&s, t, cpu);
			full = false;
		}
		if (i < most && !is_lost(&s, t)) {
			double hot = floor(PF_MIN(1, use) * s.limit / 4096) * 4096;
			double filled = PF_MIN(.97, use + t / s.span_s * 1.5);

			end_s = t;
			rows[nr++] = (struct pf_series_row){
				.unix_s = start_unix_s + t,
				.cpu_cores = cpu,
				.hot_bytes = hot,
				.memory_bytes = s.shape->cache ? filled * s.limit : hot,
				.limit_bytes = s.limit,
			};
		}
		if (full) {
			oom_s = t;
			break;
		}
	}
	g->rows = rows;
	g->series = (struct pf_series){
		.rows = rows,
		.nr_rows = nr,
		.restarts = g->restarts,
		.nr_restarts = nr_restarts,
		.interval_s = s.dt_s,
	};
	snprintf(g->series.id, sizeof(g->series.id), "%s-%d-%llu", s.shape->name, scale,
		 (unsigned long long)seed);
	set_label(&s, end_s, s.nr_lives > 1 ? -1 : oom_s, &g->label);
	return 0;
}

void leak_gen_done(struct leak_gen_series *series)
{
	free(series->rows);
	series->rows = NULL;
}

size_t leak_gen_nr_shapes(void)
{
	return PF_ARRAY_SIZE(shapes);
}

const char *leak_gen_shape_name(size_t shape)
{
	return shapes[shape].name;
}

bool leak_gen_shape_has(size_t shape, enum leak_gen_scale scale)
{
	return shapes[shape].scales & (1u << scale);
}
