// SPDX-License-Identifier: Apache-2.0
/*
 * Simulated days under a fake clock: 10 s samples of invented containers go through the agent's own path (slices,
 * feed, evidence, recommendation), days in milliseconds, and what comes out is held against bounds.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/feed.h"
#include "core/leak.h"
#include "core/recommend.h"
#include "unit/check.h"

#define DAY_S	      86400u
#define STEP_S	      10u
#define START_UNIX_NS (1780012800ull * PF_NS_PER_S) /* a Friday, 00:00 UTC */

/* What the container does in one sample. */
struct load {
	uint64_t millicores;		      /* of every window in it */
	uint64_t burst_millicores, nr_bursts; /* windows that are otherwise */
	uint64_t bytes;
};

struct sim {
	struct pf_slices slices;
	struct pf_feed feed;
	struct pf_evidence *evidence;
	struct pf_rules rules;
	struct pf_arena arena;
	struct pf_recommendation rec;
	struct pf_resources present;
	uint64_t now_s;
	int64_t clock_step_ns; /* the wall clock is off by this */
	uint64_t instance;
	uint32_t demand[PF_MILLICORES_BUCKETS];
	uint64_t nr_ooms;
	const struct pf_leak_finding *leak;
};

static void set_up(struct sim *s)
{
	*s = (struct sim){ .present = { PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN },
			   .instance = 1 };
	pf_slices_init(&s->slices, 7);
	pf_rules_default(&s->rules);
	pf_feed_init(&s->feed, &s->rules.vpa, 1);
	pf_arena_init(&s->arena, 1 << 20);
	PF_CHECK_INT("evidence", pf_evidence_new(&s->rules.vpa, &s->evidence), 0);
}

static void tear_down(struct sim *s)
{
	pf_slices_done(&s->slices);
	pf_evidence_free(s->evidence);
	pf_arena_done(&s->arena);
}

static uint64_t wall_ns(const struct sim *s, uint64_t at_s)
{
	return START_UNIX_NS + at_s * PF_NS_PER_S + (uint64_t)s->clock_step_ns;
}

/* What is closed is evidence; the agent does so when the hour is over. */
static void take_closed(struct sim *s)
{
	for (uint32_t i = 0; i < s->slices.nr_closed; i++) {
		struct pf_slice slice = *s->slices.closed[i];

		pf_slice_rebase(&slice, (int64_t)wall_ns(s, s->now_s));
		PF_CHECK_INT("slice", pf_evidence_add_slice(s->evidence, s->instance, &slice), 0);
	}
	pf_slices_taken(&s->slices, UINT64_MAX);
}

static void step(struct sim *s, const struct load *l)
{
	uint64_t windows = STEP_S * 10;
	struct pf_sample sample;
	struct pf_slice *slice;

	pf_sample_clear(&sample);
	memset(s->demand, 0, sizeof(s->demand));
	sample.start_ns = s->now_s * PF_NS_PER_S;
	s->now_s += STEP_S;
	sample.end_ns = s->now_s * PF_NS_PER_S;
	sample.nr_windows = windows;
	sample.nr_demand_idle_windows = l->millicores ? 0 : windows - l->nr_bursts;
	if (l->millicores)
		s->demand[pf_hist_bucket(PF_LAYOUT_MILLICORES, l->millicores)] +=
			(uint32_t)(windows - l->nr_bursts);
	if (l->nr_bursts)
		s->demand[pf_hist_bucket(PF_LAYOUT_MILLICORES, l->burst_millicores)] +=
			(uint32_t)l->nr_bursts;
	sample.hists[PF_HIST_DEMAND] = s->demand;
	sample.usage_ns =
		(l->millicores * (windows - l->nr_bursts) + l->burst_millicores * l->nr_bursts) *
		100 * PF_NS_PER_MS / 1000;
	sample.memory_usage_bytes = sample.memory_peak_bytes = sample.working_set_bytes =
		sample.hot_bytes = l->bytes;
	PF_CHECK_INT(
		"at",
		pf_slices_at(&s->slices, sample.start_ns, wall_ns(s, s->now_s - STEP_S), &slice),
		0);
	PF_CHECK_INT("add", pf_slice_add(slice, &sample, false), 0);
	PF_CHECK_INT("feed",
		     pf_feed_sample(&s->feed, &sample, (int64_t)wall_ns(s, s->now_s), slice), 0);
	take_closed(s);
}

static void run(struct sim *s, uint64_t seconds, const struct load *l)
{
	for (uint64_t end = s->now_s + seconds; s->now_s < end;)
		step(s, l);
}

static void new_instance(struct sim *s)
{
	PF_CHECK_INT("slice",
		     s->slices.open
			     ? pf_evidence_add_slice(s->evidence, s->instance, s->slices.open)
			     : 0,
		     0);
	pf_slices_done(&s->slices);
	pf_feed_init(&s->feed, &s->rules.vpa, 1);
	s->instance++;
}

static const struct pf_policy_result *recommend(struct sim *s)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *now = NULL;
	struct pf_recommend_input in;

	PF_CHECK_INT("copy", pf_evidence_copy(s->evidence, &now), 0);
	if (s->slices.open)
		PF_CHECK_INT("open", pf_evidence_add_slice(now, s->instance, s->slices.open), 0);
	pf_recommend_input_clear(&in);
	in.evidence = now;
	in.rules = &s->rules;
	in.present = s->present;
	in.leak = s->leak;
	pf_arena_reset(&s->arena);
	PF_CHECK_INT("recommend", pf_recommend(&in, &s->arena, &s->rec), 0);
	return pf_policy_result_of(&s->rec, "podfit");
}

static bool found(const struct sim *s, enum pf_verdict verdict)
{
	for (size_t i = 0; i < s->rec.nr_findings; i++)
		if (s->rec.findings[i].verdict == verdict)
			return true;
	return false;
}

#define CHECK_WITHIN(name, value, low, high)                                                       \
	do {                                                                                       \
		uint64_t within__ = (value);                                                       \
		if (within__ < (low) || within__ > (high))                                         \
			fprintf(stderr, "%s: %s is %" PRIu64 "\n", name, #value, within__);        \
		PF_CHECK(name, within__ >= (low) && within__ <= (high));                           \
	} while (0)

static void test_steady(void)
{
	const struct load l = { .millicores = 300, .bytes = 500 * PF_MIB };
	const struct pf_policy_result *r;
	struct sim s;

	set_up(&s);
	run(&s, 600, &l);
	r = recommend(&s);
	PF_CHECK("ten minutes are a short history", found(&s, PF_VERDICT_SHORT_HISTORY));
	CHECK_WITHIN("after ten minutes", r->cpu.target, 300, 360);
	CHECK_WITHIN("after ten minutes", r->cpu.upper, r->cpu.target, 600);
	CHECK_WITHIN("after ten minutes", r->memory.target, 500 * PF_MIB, 570 * PF_MIB);
	run(&s, 3 * DAY_S, &l);
	r = recommend(&s);
	PF_CHECK("three days are enough", !found(&s, PF_VERDICT_SHORT_HISTORY));
	CHECK_WITHIN("CPU", r->cpu.target, 300, 350);
	CHECK_WITHIN("CPU limit", r->cpu.limit, 300, 360);
	CHECK_WITHIN("memory", r->memory.target, 500 * PF_MIB, 515 * PF_MIB);
	tear_down(&s);
}

/* Day and night: VPA follows one of them, podfit keeps the day's size through the night. */
static void test_daily(void)
{
	const struct load day = { .millicores = 600, .bytes = 700 * PF_MIB };
	const struct load night = { .millicores = 60, .bytes = 400 * PF_MIB };
	uint64_t low = UINT64_MAX, high = 0, memory = 0;
	struct sim s;

	set_up(&s);
	for (unsigned d = 0; d < 7; d++)
		for (unsigned hour = 0; hour < 24; hour++) {
			const struct pf_policy_result *r;

			run(&s, 3600, hour >= 8 && hour < 20 ? &day : &night);
			if (d < 2)
				continue;
			r = recommend(&s);
			low = PF_MIN(low, r->cpu.target);
			high = PF_MAX(high, r->cpu.target);
			memory = PF_MAX(memory, r->memory.target);
		}
	CHECK_WITHIN("the day's size at night", low, 600, 720);
	CHECK_WITHIN("and by day", high, 600, 720);
	/* A day is known after its first morning: the rise of 75 % is growth for three days, then the load repeats itself. */
	CHECK_WITHIN("memory", memory, 700 * PF_MIB, 1400 * PF_MIB);
	tear_down(&s);
}

static void test_weekend(void)
{
	const struct load week = { .millicores = 500, .bytes = 600 * PF_MIB };
	const struct load weekend = { .millicores = 20, .bytes = 300 * PF_MIB };
	const struct pf_policy_result *r;
	struct sim s;

	set_up(&s);
	run(&s, 5 * DAY_S, &week);
	run(&s, 2 * DAY_S, &weekend);
	r = recommend(&s);
	CHECK_WITHIN("Monday morning finds its CPU", r->cpu.target, 500, 620);
	CHECK_WITHIN("and its memory", r->memory.target, 600 * PF_MIB, 700 * PF_MIB);
	run(&s, 12 * DAY_S, &weekend);
	r = recommend(&s);
	CHECK_WITHIN("two weeks later it is another load", r->cpu.target, 20, 30);
	tear_down(&s);
}

/* Short bursts: not worth a request, but the limit has to let them through. */
static void test_bursts(void)
{
	const struct load quiet = { .millicores = 50, .bytes = 100 * PF_MIB };
	const struct load burst = {
		.millicores = 50, .burst_millicores = 1800, .nr_bursts = 20, .bytes = 100 * PF_MIB
	};
	const struct pf_policy_result *r;
	struct sim s;

	set_up(&s);
	for (unsigned i = 0; i < 2 * 24 * 60; i++) {
		run(&s, 10, &burst);
		run(&s, 50, &quiet);
	}
	r = recommend(&s);
	CHECK_WITHIN("the mean of a minute", r->cpu.target, 100, 150);
	CHECK_WITHIN("one window in thirty is more than the budget", r->cpu.limit, 1500, 2100);
	tear_down(&s);
}

static void test_growth_stays_ahead(void)
{
	uint64_t target = 0;
	unsigned above = 0;
	struct sim s;

	set_up(&s);
	for (unsigned hour = 0; hour < 14 * 24; hour++) {
		struct load l = { .millicores = 100, .bytes = (200 + hour) * PF_MIB };

		if (hour > 24 && l.bytes > target)
			above++;
		run(&s, 3600, &l);
		target = recommend(&s)->memory.target;
	}
	PF_CHECK_INT("hours above the request of the hour before", above, 0);
	CHECK_WITHIN("without running away", target, 535 * PF_MIB, 620 * PF_MIB);
	tear_down(&s);
}

static void test_restarts_keep_history(void)
{
	const struct load l = { .millicores = 300, .bytes = 500 * PF_MIB },
			  small = { .millicores = 1, .bytes = PF_MIB };
	const struct pf_policy_result *r;
	struct sim s;

	set_up(&s);
	for (unsigned d = 0; d < 4; d++) {
		run(&s, DAY_S - 600, &l);
		new_instance(&s);
		run(&s, 600, &small); /* starts small */
	}
	r = recommend(&s);
	CHECK_WITHIN("CPU", r->cpu.target, 300, 350);
	CHECK_WITHIN("memory", r->memory.target, 500 * PF_MIB, 515 * PF_MIB);
	PF_CHECK("a whole history", !found(&s, PF_VERDICT_SHORT_HISTORY));
	tear_down(&s);
}

/*
 * A container that needs 700 MiB under a limit of 256: it is killed, the advised limit is applied, and so on. VPA's
 * users tell of loops that never end; this one has to, and soon.
 */
static void test_oom_loop_ends(void)
{
	const uint64_t need = 700 * PF_MIB;
	uint64_t limit = 256 * PF_MIB;
	unsigned kills = 0;
	struct sim s;

	set_up(&s);
	while (limit < need && kills < 20) {
		struct load up = { .millicores = 100, .bytes = limit * 7 / 10 };
		struct pf_oom_kill kill = { .at_ns = 0, .usage_bytes = limit };
		struct pf_slice *slice;
		uint64_t overshoot;

		run(&s, 60, &up);
		kill.at_ns = s.now_s * PF_NS_PER_S + 5 * PF_NS_PER_S;
		PF_CHECK_INT("at",
			     pf_slices_at(&s.slices, s.now_s * PF_NS_PER_S, wall_ns(&s, s.now_s),
					  &slice),
			     0);
		PF_CHECK_INT("kill",
			     pf_feed_oom(&s.feed, &kill, limit, (int64_t)wall_ns(&s, s.now_s + 5),
					 slice, &overshoot),
			     0);
		slice->oom_kills = slice->oom_kills == PF_UNKNOWN ? 1 : slice->oom_kills + 1;
		slice->memory_limit_bytes = limit;
		kills++;
		s.present.memory_limit_bytes = limit;
		const struct pf_policy_result *r = recommend(&s);

		PF_CHECK("advised above what killed it", r->memory.target > limit);
		PF_CHECK("found", found(&s, PF_VERDICT_OOM_KILLED));
		limit = r->memory.limit;
		new_instance(&s);
	}
	CHECK_WITHIN("kills until it fits", kills, 1, 3);

	struct load fits = { .millicores = 100, .bytes = need };

	run(&s, 2 * DAY_S, &fits);
	CHECK_WITHIN("what it needs is not forgotten", recommend(&s)->memory.target, need,
		     4 * need);
	run(&s, 16 * DAY_S, &fits);
	CHECK_WITHIN("the overshoot is, in the end", recommend(&s)->memory.target, need,
		     need + need / 10);
	tear_down(&s);
}

/*
 * Healthy for a day and a half (300 to 340 MiB), then a leak of 24 MiB an hour. From the first suspicion on no advice is above the one
 * before it, whether anybody applies the advice (then it is the present request) or there is no request at all.
 */
static void leak_is_never_fed(bool apply)
{
	PF_AUTO(pf_freep) struct pf_leak_state *state = calloc(1, sizeof(*state));
	struct load l = { .millicores = 100, .bytes = 300 * PF_MIB };
	struct pf_leak_options options;
	struct pf_leak_finding leak;
	uint64_t before = 0, target, seen[3] = { 0 };
	struct sim s;

	set_up(&s);
	pf_leak_options_init(STEP_S * PF_NS_PER_S, 1, &options);
	for (unsigned minute = 0; minute < 60 * 60; minute++) {
		l.bytes = 300 * PF_MIB + minute * 2654435761u % 997 * PF_MIB / 25;
		if (minute > 36 * 60)
			l.bytes += (minute - 36 * 60) * 24 * PF_MIB / 60;
		run(&s, 60, &l);
		struct pf_leak_sample sample = { .at_ns = wall_ns(&s, s.now_s),
						 .hot_bytes = l.bytes,
						 .limit_bytes = 2 * PF_GIB,
						 .cpu_cores = 0.1 };

		(void)pf_leak_push(state, &options, &sample);
		pf_leak_describe(state, &options, &leak);
		s.leak = &leak;
		seen[leak.state]++;
		if (leak.state == PF_LEAK_NONE && minute % 5)
			continue;
		target = recommend(&s)->memory.target;
		if (leak.state != PF_LEAK_NONE && before)
			PF_CHECK("never above the one before", target <= before);
		before = target;
		if (apply)
			s.present.memory_request_bytes = target;
	}
	PF_CHECK("first healthy", seen[PF_LEAK_NONE] > 36 * 60);
	PF_CHECK("then suspected", seen[PF_LEAK_SUSPECT] > 0);
	PF_CHECK("then told", seen[PF_LEAK_ALARM] > 0);
	CHECK_WITHIN("back to what it needed", before, 300 * PF_MIB, 355 * PF_MIB);
	tear_down(&s);
}

static void test_leak_is_never_fed(void)
{
	leak_is_never_fed(false);
	leak_is_never_fed(true);
}

/* The wall clock jumps: an hour is never opened twice, and sizes do not change for it. */
static void test_clock_steps(void)
{
	const struct load l = { .millicores = 300, .bytes = 500 * PF_MIB };
	const int64_t steps_s[] = { -7200, 3 * 86400, -86400, 30, -30 };
	const struct pf_policy_result *r;
	uint32_t hour = 0;
	struct sim s;

	set_up(&s);
	for (size_t i = 0; i < PF_ARRAY_SIZE(steps_s); i++) {
		for (unsigned n = 0; n < 12; n++) {
			run(&s, 3600, &l);
			if (!s.slices.open)
				continue;
			PF_CHECK("hours only rise", s.slices.open->hour >= hour);
			hour = s.slices.open->hour;
		}
		s.clock_step_ns += steps_s[i] * (int64_t)PF_NS_PER_S;
	}
	r = recommend(&s);
	CHECK_WITHIN("CPU", r->cpu.target, 300, 350);
	CHECK_WITHIN("memory", r->memory.target, 500 * PF_MIB, 515 * PF_MIB);
	tear_down(&s);
}

/*
 * A clock that is set back while the agent runs, by hours and by years: the load that comes then is followed as fast as
 * without it, by podfit and by VPA.
 */
static void test_clock_set_back(void)
{
	const struct load low = { .millicores = 100, .bytes = 300 * PF_MIB },
			  high = { .millicores = 900, .bytes = 900 * PF_MIB };
	const int64_t back_s[] = { 0, 6 * 3600, 4000ll * 86400 };
	uint64_t cpu[PF_ARRAY_SIZE(back_s)], memory[PF_ARRAY_SIZE(back_s)];

	for (size_t i = 0; i < PF_ARRAY_SIZE(back_s); i++) {
		const struct pf_policy_result *vpa;
		struct sim s;

		set_up(&s);
		run(&s, 2 * DAY_S, &low);
		s.clock_step_ns -= back_s[i] * (int64_t)PF_NS_PER_S;
		pf_evidence_rebase(s.evidence, (int64_t)wall_ns(&s, s.now_s));
		run(&s, 4 * 3600, &high);
		(void)recommend(&s);
		vpa = pf_policy_result_of(&s.rec, "vpa");
		cpu[i] = vpa->cpu.target;
		memory[i] = pf_policy_result_of(&s.rec, "podfit")->memory.target;
		tear_down(&s);
	}
	CHECK_WITHIN("VPA's CPU without a step", cpu[0], 900, 1300);
	CHECK_WITHIN("memory without a step", memory[0], 900 * PF_MIB, 2000 * PF_MIB);
	for (size_t i = 1; i < PF_ARRAY_SIZE(back_s); i++) {
		CHECK_WITHIN("VPA's CPU", cpu[i], cpu[0] * 95 / 100, cpu[0] * 105 / 100);
		CHECK_WITHIN("memory", memory[i], memory[0] * 9 / 10, memory[0] * 11 / 10);
	}
}

PF_TEST_SUITE(sim_days, { "clock set back", test_clock_set_back },
	      { "leak is never fed", test_leak_is_never_fed }, { "steady", test_steady },
	      { "daily", test_daily }, { "weekend", test_weekend }, { "bursts", test_bursts },
	      { "growth stays ahead", test_growth_stays_ahead },
	      { "restarts keep history", test_restarts_keep_history },
	      { "OOM loop ends", test_oom_loop_ends }, { "clock steps", test_clock_steps });
