// SPDX-License-Identifier: Apache-2.0
/*
 * leak.c - samples into bins, tests at their ends, and the life of a suspicion and an alarm.
 */
#include "core/leak.h"

#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/leak_internal.h"

static const double hour_s = 3600, day_s = 86400;
static const double first_s = 900;  /* the smallest value of the first 15 min is where it started */
static const double fall_back = .6; /* of the rise: memory is given back, no leak */
static const uint64_t gap_samples = 5;	   /* fewer missing ones in a row are common */
static const double forget_s = 30 * 86400; /* heights of release */

/* The best answer of one sample's tests, and the best of those that only raise suspicion. */
struct verdict {
	bool found, suspect;
	struct leak_answer answer, suspicion;
};

void pf_leak_options_init(uint64_t interval_ns, double time_scale,
			  struct pf_leak_options *ret_options)
{
	ret_options->interval_ns = interval_ns;
	ret_options->time_scale = time_scale;
	pf_leak_baseline_defaults(&ret_options->baseline);
}

static uint32_t pages_of(uint64_t bytes)
{
	uint64_t pages = bytes / PF_LEAK_PAGE_BYTES;

	return pages > UINT32_MAX ? UINT32_MAX : (uint32_t)pages;
}

/* Analysis seconds from one moment to a later one. */
static double seconds(const struct pf_leak_options *options, uint64_t from_ns, uint64_t to_ns)
{
	return (double)(to_ns - from_ns) / 1e9 * options->time_scale;
}

static uint64_t analysis_ns(const struct pf_leak_options *options, double s)
{
	return (uint64_t)(s * 1e9 / options->time_scale);
}

/* ---- lives ---- */

static void begin_life(struct pf_leak_state *state, const struct pf_leak_options *options,
		       uint64_t at_ns)
{
	/* Bins begin at multiples of the widest one: hours are hours. */
	uint64_t widest_ns = analysis_ns(options, leak_level_width_s(LEVEL_4H));

	state->origin_ns = at_ns - at_ns % widest_ns;
	state->start_ns = at_ns;
}

/* What outlasts a life. An alarm goes on unless the new life has one of its own. */
static void inherit(struct pf_leak_state *state, const struct pf_leak_state *before, bool oom)
{
	state->nr_restarts = before->nr_restarts + 1;
	state->nr_ooms = before->nr_ooms + oom;
	state->released_pages = PF_MAX(state->released_pages, before->released_pages);
	state->released_ns = PF_MAX(state->released_ns, before->released_ns);
	if (before->phase != PF_LEAK_ALARM)
		return;
	state->since_ns = before->since_ns;
	state->first_alarm_ns = before->first_alarm_ns;
	state->detect_age_ns = before->detect_age_ns;
	state->before_pages = before->before_pages;
	if (state->phase == PF_LEAK_ALARM)
		return;
	state->phase = before->phase;
	state->kind = before->kind;
	state->kind_share = before->kind_share;
	state->fit = before->fit;
	state->inherited = true;
}

void pf_leak_restart(struct pf_leak_state *state, bool oom)
{
	struct pf_leak_state fresh = {
		.last_ns = state->last_ns,
		.limit_bytes = state->limit_bytes,
		.nr_late = state->nr_late,
	};

	inherit(&fresh, state, oom);
	*state = fresh;
}

void pf_leak_succeed(struct pf_leak_state *state, const struct pf_leak_state *before, bool oom)
{
	inherit(state, before, oom);
}

void pf_leak_rebase(struct pf_leak_state *state, uint64_t now_ns)
{
	uint64_t *const moments[] = { &state->origin_ns,   &state->start_ns,
				      &state->last_ns,	   &state->fit.at_ns,
				      &state->since_ns,	   &state->first_alarm_ns,
				      &state->released_ns, &state->baseline_alarm.oom_ns };
	uint64_t ahead_ns = state->last_ns > now_ns ? state->last_ns - now_ns : 0;

	/* To before 1970, which only a clock that knows no better says: its bins have no place. */
	if (ahead_ns > state->origin_ns) {
		*state = (struct pf_leak_state){ .limit_bytes = state->limit_bytes,
						 .nr_late = state->nr_late };
		return;
	}
	for (size_t i = 0; i < PF_ARRAY_SIZE(moments); i++)
		*moments[i] = *moments[i] > ahead_ns ? *moments[i] - ahead_ns : 0;
	for (size_t i = 0; i < PF_LEAK_BASELINE_VALUES; i++) {
		uint64_t *at_ns = &state->baseline.at_ns[i];

		*at_ns = *at_ns > ahead_ns ? *at_ns - ahead_ns : 0;
	}
}

/* ---- bins ---- */

static void open_bin(struct pf_leak_level *l, uint32_t index, uint32_t pages, double cpu)
{
	l->index = index;
	l->min_pages = l->max_pages = pages;
	l->nr_samples = 1;
	l->cpu_sum = PF_MAX(cpu, 0);
	l->nr_cpu_samples = cpu >= 0;
}

static void add_to_bin(struct pf_leak_level *l, uint32_t pages, double cpu)
{
	l->min_pages = PF_MIN(l->min_pages, pages);
	l->max_pages = PF_MAX(l->max_pages, pages);
	l->nr_samples++;
	if (cpu >= 0) {
		l->cpu_sum += cpu;
		l->nr_cpu_samples++;
	}
}

static void keep_better(const struct leak_answer *answer, bool *found, struct leak_answer *best)
{
	if (*found && answer->score <= best->score)
		return;
	*best = *answer;
	*found = true;
}

static void run_tests(const struct leak_view *view, size_t level, struct verdict *verdict)
{
	struct leak_answer answer;
	bool suspect;

	if ((level == LEVEL_20MIN || level == LEVEL_1H) && leak_test_near(view, level, &answer))
		keep_better(&answer, &verdict->found, &verdict->answer);
	if (level == LEVEL_1H && leak_test_days(view, &answer))
		keep_better(&answer, &verdict->found, &verdict->answer);
	if (leak_test_window(view, level, &answer, &suspect))
		keep_better(&answer, &verdict->found, &verdict->answer);
	if (suspect)
		keep_better(&answer, &verdict->suspect, &verdict->suspicion);
}

static void kind_pages(const struct pf_memory_kinds *kinds, uint32_t ret_pages[PF_LEAK_NR_KINDS])
{
	const struct {
		enum pf_memory_kind kind;
		uint64_t bytes;
	} parts[] = {
		{ PF_KIND_ANON, kinds->anon },
		{ PF_KIND_SHMEM, kinds->shmem },
		{ PF_KIND_SLAB, kinds->slab_unreclaimable },
		{ PF_KIND_SOCK, kinds->sock },
		{ PF_KIND_PAGE_TABLES, kinds->pagetables },
		{ PF_KIND_KERNEL, kinds->kernel_stack },
		{ PF_KIND_KERNEL, kinds->percpu },
		{ PF_KIND_SWAP, kinds->swap },
	};

	memset(ret_pages, 0, PF_LEAK_NR_KINDS * sizeof(*ret_pages));
	for (size_t i = 0; i < PF_ARRAY_SIZE(parts); i++)
		if (parts[i].bytes < PF_NO_LIMIT)
			ret_pages[parts[i].kind - 1] += pages_of(parts[i].bytes);
}

static void add_sample(struct pf_leak_state *state, const struct leak_view *view,
		       const struct pf_leak_sample *sample, struct verdict *verdict)
{
	uint32_t pages = pages_of(sample->hot_bytes), kinds[PF_LEAK_NR_KINDS];
	bool kinds_known = sample->kinds && sample->kinds->anon != PF_UNKNOWN;

	if (kinds_known) {
		kind_pages(sample->kinds, kinds);
		if (!state->kinds_known)
			memcpy(state->first_kind_pages, kinds, sizeof(kinds));
		state->kinds_known = true;
	}
	for (size_t level = 0; level < PF_LEAK_NR_LEVELS; level++) {
		struct pf_leak_level *l = &state->level[level];
		uint32_t index = (uint32_t)(view->now_s / leak_level_width_s(level));

		if (!leak_level_used(level, view->interval_s))
			continue;
		if (l->nr_samples && index < l->index)
			continue; /* late: its bin is closed */
		if (kinds_known)
			leak_block_add(state, level, index, kinds);
		if (l->nr_samples && index == l->index) {
			add_to_bin(l, pages, sample->cpu_cores);
			continue;
		}
		if (l->nr_samples) {
			leak_bin_close(state, level);
			if (l->nr_closed % 3 == 0)
				run_tests(view, level, verdict);
		}
		open_bin(l, index, pages, sample->cpu_cores);
	}
}

/* ---- suspicion and alarm ---- */

static void take_fit(struct pf_leak_state *state, const struct leak_view *view,
		     const struct pf_leak_options *options, const struct leak_answer *answer)
{
	double onset_s = leak_onset_s(view, answer), share = 0;
	double scale = options->time_scale;
	bool longer = analysis_ns(options, answer->span_s) >= state->fit.span_ns;

	state->fit = (struct pf_leak_fit){
		.at_ns = state->last_ns,
		.span_ns = analysis_ns(options, answer->span_s),
		.slope = answer->slope * scale,
		.slope_low = answer->slope_low * scale,
		.slope_high = answer->slope_high * scale,
		.floor_bytes = answer->floor,
		.rise_bytes = answer->rise,
		.peak_bytes = answer->peak,
		.reach_bytes = answer->reach,
		.score = answer->score,
	};
	state->unseen_ns = 0;
	memcpy(state->fit.test, answer->test, sizeof(answer->test));
	state->kind = (uint8_t)leak_kind(view, answer->span_s, &share);
	state->kind_share = (float)share;
	if (state->inherited)
		return; /* the leak began in an earlier life */

	uint64_t onset_ns = state->origin_ns + analysis_ns(options, onset_s);

	if (state->phase == PF_LEAK_NONE || longer || onset_ns < state->since_ns) {
		state->since_ns = onset_ns;
		state->before_pages = leak_before_pages(view, onset_s);
	}
}

/*
 * A longer line says more, unless it reaches back to before the growth began; a shorter one replaces
 * it when the longer one is not renewed.
 */
static bool replaces(const struct pf_leak_state *state, const struct pf_leak_options *options,
		     const struct leak_answer *answer)
{
	uint64_t span_ns = analysis_ns(options, answer->span_s);

	if (!state->inherited && state->last_ns - span_ns + span_ns / 4 < state->since_ns)
		return false;
	return state->inherited || span_ns >= state->fit.span_ns ||
	       state->last_ns - state->fit.at_ns > state->fit.span_ns / 4;
}

static void remember_release(struct pf_leak_state *state, uint32_t pages)
{
	state->released_pages = PF_MAX(state->released_pages, pages);
	state->released_ns = state->last_ns;
}

/* Has the alarm or suspicion lost its ground? */
static bool is_over(const struct pf_leak_state *state, const struct leak_view *view,
		    const struct pf_leak_options *options, uint32_t pages)
{
	const struct pf_leak_fit *fit = &state->fit;
	double unrenewed_s = seconds(options, fit->at_ns + state->unseen_ns, state->last_ns);
	double span_s = seconds(options, 0, fit->span_ns);
	double grown = fit->slope * (double)(fit->at_ns - state->since_ns) / 1e9;

	if (state->inherited)
		return view->age_s > 2 * seconds(options, 0, state->detect_age_ns) &&
		       view->age_s > hour_s;
	if (leak_bytes(pages) < fit->floor_bytes - fall_back * PF_MAX(fit->rise_bytes, grown))
		return true;
	/* A leak keeps passing its tests; what stopped growing does not. */
	if (state->phase == PF_LEAK_ALARM)
		return unrenewed_s > PF_MAX(span_s, day_s);
	return unrenewed_s > PF_MAX(span_s, hour_s);
}

static enum pf_leak_event begin_alarm(struct pf_leak_state *state, const struct leak_view *view,
				      const struct pf_leak_options *options,
				      const struct leak_answer *answer)
{
	take_fit(state, view, options, answer);
	state->phase = PF_LEAK_ALARM;
	state->first_alarm_ns = state->last_ns;
	state->detect_age_ns = state->last_ns - state->start_ns;
	state->top_pages = (uint32_t)(answer->floor / PF_LEAK_PAGE_BYTES);
	return PF_LEAK_ALARM_BEGINS;
}

static enum pf_leak_event end(struct pf_leak_state *state)
{
	bool alarm = state->phase == PF_LEAK_ALARM;

	if (alarm && !state->inherited)
		remember_release(state, state->top_pages);
	state->phase = PF_LEAK_NONE;
	state->inherited = false;
	state->kind = PF_KIND_UNKNOWN;
	return alarm ? PF_LEAK_ALARM_ENDS : PF_LEAK_SUSPICION_ENDS;
}

static enum pf_leak_event judge(struct pf_leak_state *state, const struct leak_view *view,
				const struct pf_leak_options *options, uint32_t pages,
				const struct verdict *verdict)
{
	enum pf_leak_event event = PF_LEAK_NOTHING;

	if (state->phase != PF_LEAK_NONE && is_over(state, view, options, pages))
		return end(state); /* the verdict is of bins before memory was given back */
	if (state->phase == PF_LEAK_ALARM) {
		state->top_pages = PF_MAX(state->top_pages, pages);
		if (verdict->found && replaces(state, options, &verdict->answer)) {
			take_fit(state, view, options, &verdict->answer);
			state->inherited = false;
		}
	} else if (verdict->found) {
		event = begin_alarm(state, view, options, &verdict->answer);
	} else if (verdict->suspect && (state->phase == PF_LEAK_NONE ||
					replaces(state, options, &verdict->suspicion))) {
		take_fit(state, view, options, &verdict->suspicion);
		if (state->phase == PF_LEAK_NONE)
			event = PF_LEAK_SUSPICION_BEGINS;
		state->phase = PF_LEAK_SUSPECT;
	}
	return event;
}

/* Nothing was seen for a while: a node was asleep, or its clock was set right. */
static void note_gap(struct pf_leak_state *state, const struct pf_leak_options *options,
		     uint64_t at_ns)
{
	if (state->phase != PF_LEAK_NONE &&
	    at_ns > state->last_ns + gap_samples * options->interval_ns)
		state->unseen_ns += at_ns - state->last_ns;
}

enum pf_leak_event pf_leak_push(struct pf_leak_state *state, const struct pf_leak_options *options,
				const struct pf_leak_sample *sample)
{
	struct verdict verdict = { 0 };
	uint32_t pages = pages_of(sample->hot_bytes);

	if (sample->hot_bytes >= PF_NO_LIMIT)
		return PF_LEAK_NOTHING;
	if (!state->start_ns)
		begin_life(state, options, sample->at_ns);
	if (sample->at_ns < state->last_ns)
		state->nr_late++;
	if (sample->at_ns < state->start_ns)
		return PF_LEAK_NOTHING;
	note_gap(state, options, sample->at_ns);
	state->last_ns = PF_MAX(state->last_ns, sample->at_ns);
	state->limit_bytes = sample->limit_bytes;
	(void)pf_leak_baseline_push(&state->baseline, &options->baseline, options->time_scale,
				    state->last_ns, sample->hot_bytes, sample->limit_bytes,
				    &state->baseline_alarm); /* its state says it all */

	bool limited = sample->limit_bytes < PF_NO_LIMIT;
	struct leak_view view = {
		.state = state,
		.now_s = seconds(options, state->origin_ns, sample->at_ns),
		.age_s = seconds(options, state->start_ns, sample->at_ns),
		.interval_s = (double)options->interval_ns / 1e9 * options->time_scale,
		.limit = limited ? (double)sample->limit_bytes : leak_no_limit,
		.limited = limited,
	};

	if (view.age_s < 2 * view.interval_s)
		return PF_LEAK_NOTHING; /* half started */
	if (view.age_s < PF_MAX(first_s, 10 * view.interval_s) &&
	    (!state->first_pages || pages < state->first_pages))
		state->first_pages = pages;
	if (state->released_pages &&
	    seconds(options, state->released_ns, state->last_ns) > forget_s)
		state->released_pages = 0;
	add_sample(state, &view, sample, &verdict);
	return judge(state, &view, options, pages, &verdict);
}
