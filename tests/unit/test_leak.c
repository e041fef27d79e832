// SPDX-License-Identifier: Apache-2.0
/*
 * test_leak.c - the leak detector under scripted memory: days in milliseconds.
 */
#include <errno.h>
#include <stdint.h>

#include "base/units.h"
#include "core/leak.h"
#include "core/leak_internal.h"
#include "unit/check.h"

/* A container whose memory is base + slope * age, with a collector's teeth on top. */
struct script {
	uint64_t start_ns, interval_ns;
	double scale;
	double base_mib, mib_per_h, tooth_mib, tooth_h;
	double leak_from_h;	 /* before, memory stays */
	double leak_to_h;	 /* 0: to the end; afterwards it stays where it came to */
	double warm_mib, warm_h; /* filled like a cache: fast at first, never quite full */
	bool load;		 /* CPU use is in proportion to memory */
	double limit_mib;	 /* 0: none */
	bool cpu_unknown;
	struct pf_memory_kinds kinds; /* shares of 100 that go to each */
};

/* What came of it. */
struct outcome {
	struct pf_leak_state state;
	struct pf_leak_options options;
	struct pf_leak_finding finding;
	double suspect_h, alarm_h, alarm_ended_h; /* below 0: never */
	unsigned nr_alarms;
};

static uint64_t bytes_at(const struct script *s, double h)
{
	double mib = s->base_mib;

	if (h > s->leak_from_h)
		mib += s->mib_per_h *
		       ((s->leak_to_h > 0 ? fmin(h, s->leak_to_h) : h) - s->leak_from_h);
	if (s->warm_h > 0)
		mib += s->warm_mib * (1 - exp(-h / s->warm_h));
	if (s->tooth_h > 0)
		mib += s->tooth_mib * fmod(h, s->tooth_h) / s->tooth_h;
	return (uint64_t)(mib * PF_MIB);
}

static void note(struct outcome *o, enum pf_leak_event event, double h)
{
	if (event == PF_LEAK_SUSPICION_BEGINS && o->suspect_h < 0)
		o->suspect_h = h;
	if (event == PF_LEAK_ALARM_ENDS)
		o->alarm_ended_h = h;
	if (event != PF_LEAK_ALARM_BEGINS)
		return;
	o->nr_alarms++;
	if (o->alarm_h < 0)
		o->alarm_h = h;
}

static void outcome_init(const struct script *s, struct outcome *o)
{
	memset(o, 0, sizeof(*o));
	o->suspect_h = o->alarm_h = o->alarm_ended_h = -1;
	pf_leak_options_init(s->interval_ns, s->scale > 0 ? s->scale : 1, &o->options);
}

/* Analysis hours @from_h to @to_h of the script into @o. */
static void run(const struct script *s, double from_h, double to_h, struct outcome *o)
{
	double scale = o->options.time_scale;
	double step_h = (double)s->interval_ns / 3.6e12 * scale;

	for (double h = from_h; h < to_h; h += step_h) {
		uint64_t bytes = bytes_at(s, h);
		struct pf_memory_kinds kinds = {
			.anon = bytes * s->kinds.anon / 100,
			.shmem = bytes * s->kinds.shmem / 100,
			.sock = bytes * s->kinds.sock / 100,
		};
		struct pf_leak_sample sample = {
			.at_ns = s->start_ns + (uint64_t)(h * 3.6e12 / scale),
			.hot_bytes = bytes,
			.limit_bytes =
				s->limit_mib > 0 ? (uint64_t)(s->limit_mib * PF_MIB) : PF_NO_LIMIT,
			.cpu_cores = s->cpu_unknown ? -1
				     : s->load	    ? (double)bytes / PF_GIB
						    : .5,
			.kinds = s->kinds.anon + s->kinds.shmem + s->kinds.sock ? &kinds : NULL,
		};

		note(o, pf_leak_push(&o->state, &o->options, &sample), h);
	}
	pf_leak_describe(&o->state, &o->options, &o->finding);
	if (o->finding.eta_unix_ns != PF_UNKNOWN)
		PF_CHECK("exhaustion lies in its interval",
			 o->finding.eta_low_unix_ns <= o->finding.eta_unix_ns &&
				 o->finding.eta_unix_ns <= o->finding.eta_high_unix_ns);
}

static const struct script late_leak = {
	.start_ns = 1700000000 * PF_NS_PER_S,
	.interval_ns = 10 * PF_NS_PER_S,
	.base_mib = 200,
	.leak_from_h = 30,
	.mib_per_h = 20,
	.limit_mib = 1024,
	.kinds = { .anon = 100 },
};

static double hours_after(const struct script *s, uint64_t ns)
{
	return ((double)ns - (double)s->start_ns) / 3.6e12;
}

/* Flat for 30 h, then 20 MiB an hour: 824 MiB are left, so the limit is reached at 71.2 h. */
static void test_late_leak(void)
{
	struct outcome o;

	outcome_init(&late_leak, &o);
	run(&late_leak, 0, 40, &o);
	PF_CHECK("alarm within 3 h", o.alarm_h > 30 && o.alarm_h < 33);
	PF_CHECK_INT("one alarm", o.nr_alarms, 1);
	PF_CHECK_INT("state", o.finding.state, PF_LEAK_ALARM);
	PF_CHECK_INT("31 h left", o.finding.severity, PF_SEVERITY_WARNING);
	PF_CHECK("found by a window", o.finding.test && !strncmp(o.finding.test, "window of ", 10));
	PF_CHECK_NEAR("slope", o.finding.slope_bytes_per_hour / PF_MIB, 20, .5);
	PF_CHECK("slope interval",
		 o.finding.slope_low < 20. * PF_MIB && o.finding.slope_high > 20. * PF_MIB);
	PF_CHECK_NEAR("exhaustion", hours_after(&late_leak, o.finding.eta_unix_ns), 71.2, .8);
	PF_CHECK("exhaustion interval",
		 hours_after(&late_leak, o.finding.eta_low_unix_ns) < 71.2 &&
			 hours_after(&late_leak, o.finding.eta_high_unix_ns) > 71.2);
	PF_CHECK_NEAR("onset", hours_after(&late_leak, o.finding.since_unix_ns), 30, 2);
	PF_CHECK_NEAR("size before", (double)o.finding.pre_leak_bytes / PF_MIB, 200, 8);
	PF_CHECK_INT("kind", o.finding.kind, PF_KIND_ANON);
	PF_CHECK_NEAR("kind's share", o.finding.kind_share, 1, 1e-6);

	run(&late_leak, 40, 66, &o);
	PF_CHECK_INT("5 h left", o.finding.severity, PF_SEVERITY_CRITICAL);
	PF_CHECK_INT("still one alarm", o.nr_alarms, 1);
	PF_CHECK("baseline rule says nothing yet: 0.03 % of the limit a minute",
		 !o.finding.baseline_alarm);
}

/* How it was found, in words; and the baseline rule's own alarm beside it. */
static void test_words(void)
{
	static const struct {
		const char test[4], *words;
	} rows[] = { { "L0", "window of minutes" },
		     { "L5", "window of a week" },
		     { "D3", "day over day" },
		     { "N3", "near the limit" } };
	struct outcome o;

	outcome_init(&late_leak, &o);
	run(&late_leak, 0, 40, &o);
	PF_CHECK("no alarm of the baseline rule",
		 !o.finding.baseline_alarm && o.finding.baseline_eta_unix_ns == PF_UNKNOWN);
	for (size_t i = 0; i < PF_ARRAY_SIZE(rows); i++) {
		memcpy(o.state.fit.test, rows[i].test, sizeof(rows[i].test));
		pf_leak_describe(&o.state, &o.options, &o.finding);
		PF_CHECK_STR("test", o.finding.test, rows[i].words);
	}
	o.state.baseline.alarmed = true;
	o.state.baseline_alarm.oom_ns = 77;
	pf_leak_describe(&o.state, &o.options, &o.finding);
	PF_CHECK("the baseline rule's", o.finding.baseline_alarm);
	PF_CHECK_INT("its exhaustion", o.finding.baseline_eta_unix_ns, 77);
}

static void test_kind(void)
{
	struct script s = late_leak;
	struct outcome o;

	s.kinds = (struct pf_memory_kinds){ .anon = 20, .shmem = 70, .sock = 10 };
	outcome_init(&s, &o);
	run(&s, 0, 40, &o);
	PF_CHECK_INT("shmem grows most", o.finding.kind, PF_KIND_SHMEM);
	PF_CHECK_NEAR("its share", o.finding.kind_share, .7, .02);

	s.kinds = (struct pf_memory_kinds){ 0 };
	outcome_init(&s, &o);
	run(&s, 0, 40, &o);
	PF_CHECK_INT("alarm all the same", o.finding.state, PF_LEAK_ALARM);
	PF_CHECK_INT("kind not known", o.finding.kind, PF_KIND_UNKNOWN);
}

static void test_no_limit(void)
{
	struct script s = late_leak;
	struct outcome o;

	s.limit_mib = 0;
	outcome_init(&s, &o);
	run(&s, 0, 60, &o);
	PF_CHECK_INT("a doubling is called without a limit", o.finding.state, PF_LEAK_ALARM);
	PF_CHECK("no exhaustion", o.finding.eta_unix_ns == PF_UNKNOWN);
	PF_CHECK_INT("severity", o.finding.severity, PF_SEVERITY_NOTICE);
}

/* Healthy memory; nothing may be called. */
static void test_innocents(void)
{
	static const struct {
		const char *name;
		struct script script;
		unsigned
			most; /* a first tooth of hours cannot be told from a leak; all later ones can */
	} rows[] = {
		{ "flat", { .base_mib = 500 } },
		{ "collector's teeth of minutes",
		  { .base_mib = 200, .tooth_mib = 500, .tooth_h = .2 } },
		{ "collector's teeth of hours",
		  { .base_mib = 200, .tooth_mib = 500, .tooth_h = 5 },
		  1 },
		{ "growth of 1 % of the limit a month", { .base_mib = 500, .mib_per_h = .015 } },
		{ "a twentieth of what it holds, once",
		  { .base_mib = 200, .mib_per_h = 45, .leak_from_h = 30, .leak_to_h = 30.25 } },
		{ "a fifth of the room, once, with the load",
		  { .base_mib = 200,
		    .mib_per_h = 20,
		    .leak_from_h = 2,
		    .leak_to_h = 6,
		    .load = true } },
		{ "a warm-up of hours", { .base_mib = 200, .warm_mib = 300, .warm_h = 6 } },
		{ "a warm-up of a day", { .base_mib = 200, .warm_mib = 300, .warm_h = 24 } },
	};

	for (size_t i = 0; i < PF_ARRAY_SIZE(rows); i++) {
		struct script s = rows[i].script;
		struct outcome o;

		s.start_ns = late_leak.start_ns;
		s.interval_ns = 10 * PF_NS_PER_S;
		s.limit_mib = 1024;
		outcome_init(&s, &o);
		run(&s, 0, 24. * 14, &o);
		PF_CHECK(rows[i].name, o.nr_alarms <= rows[i].most);
	}
}

static void test_floor_under_teeth(void)
{
	struct script s = late_leak;
	struct outcome o;

	s.tooth_mib = 150;
	s.tooth_h = .1;
	outcome_init(&s, &o);
	run(&s, 0, 50, &o);
	PF_CHECK_INT("state", o.finding.state, PF_LEAK_ALARM);
	PF_CHECK_NEAR("slope of the floor", o.finding.slope_bytes_per_hour / PF_MIB, 20, 2);
	PF_CHECK("the teeth reach the limit first", hours_after(&s, o.finding.eta_unix_ns) < 66);
}

/* Memory falls back without a restart: what was given back is no leak, and not called again below. */
static void test_given_back(void)
{
	struct script s = late_leak, again = late_leak;
	struct outcome o;

	outcome_init(&s, &o);
	run(&s, 0, 50, &o);
	PF_CHECK_INT("called", o.finding.state, PF_LEAK_ALARM);
	again.leak_from_h = 52;
	run(&again, 50, 66, &o);
	PF_CHECK_NEAR("alarm ends at once", o.alarm_ended_h, 50, .1);
	PF_CHECK_INT("same growth to less than the height of release: not called", o.nr_alarms, 1);

	/* A restart does not take the height's place. */
	struct outcome restarted = o;

	pf_leak_restart(&restarted.state, false);
	PF_CHECK_INT("the height outlasts a restart", restarted.state.released_pages,
		     o.state.released_pages);
	PF_CHECK_INT("with its time", restarted.state.released_ns, o.state.released_ns);
	run(&again, 66, 90, &o);
	PF_CHECK_INT("above it: called", o.nr_alarms, 2);
}

/* A leak that ends in a kill is the same leak afterwards; it ends when the new life stays flat. */
static void test_restart(void)
{
	struct script s = late_leak, life = late_leak;
	struct outcome o;

	outcome_init(&s, &o);
	run(&s, 0, 60, &o);
	pf_leak_restart(&o.state, true);
	life.leak_from_h = 60;
	run(&life, 60, 62, &o);
	PF_CHECK_INT("one leak", o.finding.state, PF_LEAK_ALARM);
	PF_CHECK_INT("alarms", o.nr_alarms, 1);
	PF_CHECK_INT("restarts", o.finding.nr_restarts, 1);
	PF_CHECK_INT("kills", o.state.nr_ooms, 1);
	PF_CHECK("since the first life", hours_after(&s, o.finding.since_unix_ns) < 33);
	run(&life, 62, 90, &o);
	PF_CHECK("seen again in this life", !o.state.inherited);
	PF_CHECK_INT("still one alarm", o.nr_alarms, 1);

	pf_leak_restart(&o.state, false);
	life.mib_per_h = 0;
	run(&life, 90, 190, &o);
	PF_CHECK_INT("a fixed version ends it", o.finding.state, PF_LEAK_NONE);
	PF_CHECK_INT("no height to beat was learned from a restart", o.state.released_pages, 0);
}

static void test_limit_raised(void)
{
	struct script s = late_leak;
	struct outcome o;

	outcome_init(&s, &o);
	run(&s, 0, 64, &o);
	PF_CHECK_INT("7 h left", o.finding.severity, PF_SEVERITY_WARNING);
	s.limit_mib = 2048;
	run(&s, 64, 65, &o);
	PF_CHECK_NEAR("exhaustion moves with the limit", hours_after(&s, o.finding.eta_unix_ns),
		      30 + 1848 / 20., 4);
	PF_CHECK_INT("same alarm", o.nr_alarms, 1);
}

/* Lowered below what is in use, then taken away: exhaustion follows, the alarm and its slope stay. */
static void test_limit_lowered(void)
{
	struct script s = late_leak;
	struct outcome o;

	outcome_init(&s, &o);
	run(&s, 0, 40, &o);
	s.limit_mib = 512;
	run(&s, 40, 41, &o);
	PF_CHECK_NEAR("exhaustion comes nearer", hours_after(&s, o.finding.eta_unix_ns),
		      30 + 312 / 20., .5);
	PF_CHECK_INT("4.6 h left", o.finding.severity, PF_SEVERITY_CRITICAL);
	s.limit_mib = 300;
	run(&s, 41, 42, &o);
	PF_CHECK("beyond the limit: now", o.finding.eta_unix_ns <= o.state.last_ns);
	s.limit_mib = 0;
	run(&s, 42, 43, &o);
	PF_CHECK("no limit, no exhaustion", o.finding.eta_unix_ns == PF_UNKNOWN);
	PF_CHECK_NEAR("slope", o.finding.slope_bytes_per_hour / PF_MIB, 20, .5);
	PF_CHECK_INT("same alarm", o.nr_alarms, 1);
}

/* The clock jumps: a node was suspended for three days in a leak, or set right by a year. */
static void test_clock_steps(void)
{
	struct script s = late_leak;
	struct outcome o;

	outcome_init(&s, &o);
	run(&s, 0, 40, &o);
	s.start_ns += 3 * PF_NS_PER_DAY;
	run(&s, 40, 50, &o);
	PF_CHECK_INT("one alarm", o.nr_alarms, 1);
	PF_CHECK_NEAR("slope of the newest bins", o.finding.slope_bytes_per_hour / PF_MIB, 20, 1);
	PF_CHECK_NEAR("exhaustion", hours_after(&s, o.finding.eta_unix_ns), 71.2, 1);

	outcome_init(&s, &o);
	run(&s, 0, 20, &o);
	s.start_ns += 365 * PF_NS_PER_DAY;
	run(&s, 20, 40, &o);
	PF_CHECK_INT("a leak after a year's jump", o.nr_alarms, 1);
	PF_CHECK("is found as ever", o.alarm_h > 30 && o.alarm_h < 33);
}

/* The collector frees what an alarm rests on: it ends, and does not begin again out of old bins. */
static void test_release_is_an_end(void)
{
	struct script s = late_leak, after = late_leak;
	struct outcome o;

	after.leak_from_h = 1000;
	for (unsigned i = 0; i < 40; i++) { /* at any place in a bin */
		double release_h = 40 + i * 37. / 3600;

		outcome_init(&s, &o);
		run(&s, 0, release_h, &o);
		run(&after, release_h, release_h + 2, &o);
		PF_CHECK_INT("one alarm", o.nr_alarms, 1);
		PF_CHECK_INT("over", o.finding.state, PF_LEAK_NONE);
	}
}

/* Analysis time 60 times as fast: the same verdicts, in real time. */
static void test_time_scale(void)
{
	struct script s = late_leak;
	struct outcome o;

	s.scale = 60;
	s.interval_ns = late_leak.interval_ns / 60;
	s.start_ns = 1700000640 * PF_NS_PER_S;
	outcome_init(&s, &o);
	run(&s, 0, 40, &o);
	PF_CHECK_INT("state", o.finding.state, PF_LEAK_ALARM);
	PF_CHECK("within three of its hours", o.alarm_h < 33);
	PF_CHECK_NEAR("slope in real time", o.finding.slope_bytes_per_hour / PF_MIB, 20 * 60, 40);
	PF_CHECK_NEAR("exhaustion in real time",
		      ((double)o.finding.eta_unix_ns - (double)s.start_ns) / 60e9, 71.2, 1);
	PF_CHECK_NEAR("onset in real time",
		      ((double)o.finding.since_unix_ns - (double)s.start_ns) / 60e9, 30, 2);
	PF_CHECK_INT("31 of its hours left", o.finding.severity, PF_SEVERITY_WARNING);
}

/* Every third sample is missing, some come late, the node sleeps for an hour; counters restart. */
static void test_holes(void)
{
	struct outcome o;
	uint64_t nr = 0;

	outcome_init(&late_leak, &o);
	for (double h = 0; h < 45; h += 10. / 3600, nr++) {
		/* late: the newest of three comes first */
		double at_h = h + (nr % 9 == 0 ? 30. / 3600 : 0);
		struct pf_leak_sample sample = {
			.at_ns = late_leak.start_ns + (uint64_t)(at_h * 3.6e12),
			.hot_bytes = nr % 97 == 0 ? PF_UNKNOWN : bytes_at(&late_leak, at_h),
			.limit_bytes = 1024 * PF_MIB,
			.cpu_cores = nr % 5 ? .5 : -1,
		};

		if (nr % 3 == 1 || (h > 20 && h < 21))
			continue;
		note(&o, pf_leak_push(&o.state, &o.options, &sample), h);
	}
	pf_leak_describe(&o.state, &o.options, &o.finding);
	PF_CHECK("late ones were counted", o.state.nr_late > 100);
	PF_CHECK_INT("one alarm", o.nr_alarms, 1);
	PF_CHECK("in time", o.alarm_h > 30 && o.alarm_h < 33.5);
	PF_CHECK_NEAR("slope", o.finding.slope_bytes_per_hour / PF_MIB, 20, 1);
}

/* A busy node: each fifth minute passes without a sample. The line is no steeper for it. */
static void test_missing_bins(void)
{
	struct script s = late_leak;
	struct outcome o;

	s.leak_from_h = 0;
	s.mib_per_h = 100;
	outcome_init(&s, &o);
	for (unsigned minute = 0; minute < 90; minute++)
		if (minute % 5 != 3)
			run(&s, minute / 60., (minute + .99) / 60., &o);
	PF_CHECK_INT("state", o.finding.state, PF_LEAK_SUSPECT);
	PF_CHECK_NEAR("slope", o.finding.slope_bytes_per_hour / PF_MIB, 100, .5);
	PF_CHECK_NEAR("exhaustion", hours_after(&s, o.finding.eta_unix_ns), 8.24, .05);
}

static void test_suspect(void)
{
	struct script s = late_leak;
	struct outcome o;

	s.leak_from_h = 0;
	s.mib_per_h = 100;
	outcome_init(&s, &o);
	run(&s, 0, 1.5, &o);
	PF_CHECK("suspected within the first hour", o.suspect_h > 0 && o.suspect_h < 1);
	PF_CHECK_INT("state", o.finding.state, PF_LEAK_SUSPECT);
	PF_CHECK_INT("severity", o.finding.severity, PF_SEVERITY_NOTICE);
	PF_CHECK("no alarm yet", o.finding.first_alarm_unix_ns == PF_UNKNOWN);

	struct outcome restarted = o;

	pf_leak_restart(&restarted.state, false);
	pf_leak_describe(&restarted.state, &restarted.options, &restarted.finding);
	PF_CHECK_INT("a suspicion ends with its life", restarted.finding.state, PF_LEAK_NONE);
	PF_CHECK("and leaves none to the next", !restarted.state.inherited);

	s.mib_per_h = 0;
	s.base_mib = 350;
	run(&s, 1.5, 8, &o);
	PF_CHECK_INT("ends when growth ends", o.finding.state, PF_LEAK_NONE);
}

/* Padding too: what is compared was copied as a whole. */
static bool same_bytes(const void *a, const void *b, size_t size)
{
	return !memcmp(a, b, size);
}

/* Saved in the middle, restored with a clock that was set back by a day: nothing is lost. */
static void test_rebase(void)
{
	struct script s = late_leak;
	struct outcome o;

	outcome_init(&s, &o);
	run(&s, 0, 35, &o);

	uint64_t first_alarm_ns = o.state.first_alarm_ns;

	pf_leak_rebase(&o.state, o.state.last_ns - PF_NS_PER_DAY);
	PF_CHECK_INT("moments moved", o.state.first_alarm_ns, first_alarm_ns - PF_NS_PER_DAY);
	PF_CHECK("the baseline's values too", o.state.baseline.nr > 0);
	for (size_t i = 0; i < PF_LEAK_BASELINE_VALUES; i++)
		PF_CHECK("none lies ahead", o.state.baseline.at_ns[i] <= o.state.last_ns);
	s.start_ns -= PF_NS_PER_DAY;
	run(&s, 35, 45, &o);
	PF_CHECK_INT("the same alarm", o.nr_alarms, 1);
	PF_CHECK_INT("nothing comes late", o.state.nr_late, 0);
	PF_CHECK("the line is renewed", o.state.last_ns - o.state.fit.at_ns < 2 * PF_NS_PER_HOUR);
	PF_CHECK_NEAR("exhaustion", hours_after(&s, o.finding.eta_unix_ns), 71.2, .8);

	struct pf_leak_state before = o.state;

	pf_leak_rebase(&o.state, o.state.last_ns);
	PF_CHECK("nothing moves when the clock is right",
		 same_bytes(&before, &o.state, sizeof(before)));
}

/* Restored on a node whose clock has not been set yet: what was seen has no place, what comes is seen. */
static void test_rebase_to_1970(void)
{
	struct script s = late_leak;
	struct outcome o;

	outcome_init(&s, &o);
	run(&s, 0, 35, &o);
	PF_CHECK_INT("one alarm before", o.nr_alarms, 1);
	s.start_ns = 60 * PF_NS_PER_S;
	pf_leak_rebase(&o.state, s.start_ns);
	run(&s, 0, 35, &o);
	PF_CHECK_INT("the next leak is found, too", o.nr_alarms, 2);
	PF_CHECK_INT("no sample is late", o.state.nr_late, 0);
}

/* A line is not told from where load rises; where load is not known, it is not known to rise. */
static void test_unknown_load(void)
{
	struct script s = late_leak;
	struct outcome known, unknown;

	outcome_init(&s, &known);
	outcome_init(&s, &unknown);
	run(&s, 0, 32.25, &known);
	s.cpu_unknown = true;
	run(&s, 0, 32.25, &unknown);
	PF_CHECK_INT("alarm", unknown.nr_alarms, 1);
	PF_CHECK_INT("by the same test", unknown.state.fit.test[1], known.state.fit.test[1]);
	PF_CHECK_NEAR("slope", unknown.finding.slope_bytes_per_hour / PF_MIB, 20, .5);
	PF_CHECK_NEAR("onset", hours_after(&s, unknown.finding.since_unix_ns), 30, .3);
}

static void test_baseline(void)
{
	struct pf_leak_baseline b = { 0 };
	struct pf_leak_baseline_rule rule;
	struct pf_leak_baseline_alarm alarm = { 0 };
	uint64_t limit = 1000 * PF_MIB;
	int begun_min = -1;

	pf_leak_baseline_defaults(&rule);
	/* 800 MiB, 2 MiB more each minute: above 85 % from minute 26 on, empty at minute 100. */
	for (int s = 0; s <= 40 * 60; s += 10) {
		uint64_t bytes = (uint64_t)((800 + 2. * s / 60) * PF_MIB);

		if (pf_leak_baseline_push(&b, &rule, 1, (uint64_t)s * PF_NS_PER_S, bytes, limit,
					  &alarm) > 0)
			begun_min = s / 60;
	}
	PF_CHECK_INT("begins above 85 %", begun_min, 26);
	PF_CHECK_NEAR("slope", alarm.slope_bytes_per_h / PF_MIB, 120, 1e-6);
	PF_CHECK_NEAR("correlation", alarm.correlation, 1, 1e-9);
	PF_CHECK_NEAR("remaining / slope", (double)alarm.oom_ns / 6e10, 100, 1e-6);
	PF_CHECK_INT("one value a minute", b.nr, 41);

	/* 0.9 MiB a minute is 0.0009 of the limit: not called. */
	b = (struct pf_leak_baseline){ 0 };
	for (int s = 0; s <= 40 * 60; s += 60)
		(void)pf_leak_baseline_push(&b, &rule, 1, (uint64_t)s * PF_NS_PER_S,
					    (uint64_t)((900 + .9 * s / 60) * PF_MIB), limit,
					    &alarm);
	PF_CHECK("slope too small", !b.alarmed);

	b = (struct pf_leak_baseline){ 0 };
	for (int s = 0; s < 9 * 60; s += 60)
		PF_CHECK_INT("too few",
			     pf_leak_baseline_push(&b, &rule, 1, (uint64_t)s * PF_NS_PER_S,
						   limit - 1, limit, &alarm),
			     -ENODATA);
	PF_CHECK_INT(
		"no limit",
		pf_leak_baseline_push(&b, &rule, 1, 3600 * PF_NS_PER_S, limit, PF_NO_LIMIT, &alarm),
		-ENODATA);
}

/* MiB at @h hours, of a container that has rested at 870 for 30 of them. */
static double near_steady(double h)
{
	return 870 + 12 * fmax(0, h - 30);
}

static double near_slow(double h)
{
	return 900 + 8 * fmax(0, h - 30);
}

static double near_burst(double h)
{
	return 870 + (h > 34 ? 40 * (h - 34) : 0);
}

static double near_known(double h)
{
	return h > 20 && h < 22 ? 990 : near_steady(h);
}

static double near_steps(double h)
{
	return 870 + 4 * fmax(0, fmin(h, 34) - 30) + 60 * (h > 34.5);
}

/*
 * Close to the limit and still setting records: by six floors of 20 minutes, after some hours of growth. Not if the limit is
 * far, or far at this pace; not for a burst or a step, nor for heights it has had before.
 */
static void test_near_limit(void)
{
	static const struct {
		const char *name;
		double (*mib)(double h);
		double limit_mib;
		bool found;
	} rows[] = {
		{ "steady", near_steady, 1000, true },
		{ "far from it", near_steady, 1100, false },
		{ "too slow", near_slow, 1000, false },
		{ "a burst from rest", near_burst, 1000, false },
		{ "known heights", near_known, 1000, false },
		{ "a step", near_steps, 1000, false },
	};

	for (size_t i = 0; i < PF_ARRAY_SIZE(rows); i++) {
		struct pf_leak_state state = { 0 };
		struct pf_leak_options options;
		struct leak_answer answer = { 0 };
		struct leak_view view = { .state = &state,
					  .interval_s = 10,
					  .limit = rows[i].limit_mib * (double)PF_MIB,
					  .limited = true };

		pf_leak_options_init(10 * PF_NS_PER_S, 1, &options);
		for (double h = 0; h < 35.5; h += 10. / 3600) {
			struct pf_leak_sample sample = {
				.at_ns = late_leak.start_ns + (uint64_t)(h * 3.6e12),
				.hot_bytes = (uint64_t)(rows[i].mib(h) * PF_MIB),
				.limit_bytes = (uint64_t)view.limit,
				.cpu_cores = .5,
			};

			(void)pf_leak_push(&state, &options, &sample);
		}
		state.released_pages = 0; /* of alarms by other tests */
		view.now_s = (double)(state.last_ns - state.origin_ns) / 1e9;
		view.age_s = (double)(state.last_ns - state.start_ns) / 1e9;
		PF_CHECK_INT(rows[i].name, leak_test_near(&view, LEVEL_20MIN, &answer),
			     rows[i].found);
		if (!rows[i].found)
			continue;
		PF_CHECK_STR("its name", answer.test, "N3");
		PF_CHECK_NEAR("slope an hour", answer.slope * 3600 / (double)PF_MIB, 12, .1);
		PF_CHECK_NEAR("rise of six floors", answer.rise / (double)PF_MIB, 20, .2);
		PF_CHECK("six floors do not say more",
			 answer.slope_low <= answer.slope * .6 &&
				 answer.slope_high >= answer.slope * 1.5);
		PF_CHECK("the floor of the newest whole bin",
			 answer.floor <= 936. * PF_MIB && answer.floor >= 928. * PF_MIB);
		PF_CHECK("its peak", answer.peak > answer.floor && answer.peak <= 936. * PF_MIB);
	}
}

PF_TEST_SUITE(leak, { "late leak", test_late_leak }, { "near limit", test_near_limit },
	      { "kind", test_kind }, { "words", test_words }, { "no limit", test_no_limit },
	      { "innocents", test_innocents }, { "floor under teeth", test_floor_under_teeth },
	      { "given back", test_given_back }, { "restart", test_restart },
	      { "limit raised", test_limit_raised }, { "limit lowered", test_limit_lowered },
	      { "clock steps", test_clock_steps }, { "release is an end", test_release_is_an_end },
	      { "time scale", test_time_scale }, { "holes", test_holes },
	      { "missing bins", test_missing_bins }, { "suspect", test_suspect },
	      { "rebase", test_rebase }, { "rebase to 1970", test_rebase_to_1970 },
	      { "unknown load", test_unknown_load }, { "baseline", test_baseline });
