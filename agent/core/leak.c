// SPDX-License-Identifier: Apache-2.0
/*
 * leak.c - samples into bins, and the tests at their ends.
 */
#include "core/leak.h"

#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/leak_internal.h"

static uint32_t pages_of(uint64_t bytes)
{
	uint64_t pages = bytes / PF_LEAK_PAGE_BYTES;

	return pages > UINT32_MAX ? UINT32_MAX : (uint32_t)pages;
}

static double seconds(const struct pf_leak_options *options, uint64_t from_ns, uint64_t to_ns)
{
	return (double)(to_ns - from_ns) / 1e9 * options->time_scale;
}

void pf_leak_restart(struct pf_leak_state *state)
{
	memset(state, 0, sizeof(*state));
}

static void begin(struct pf_leak_state *state, const struct pf_leak_options *options,
		  uint64_t at_ns)
{
	/* Bins begin at multiples of the widest one: hours are hours. */
	uint64_t widest_ns = (uint64_t)(leak_level_width_s(LEVEL_4H) * 1e9 / options->time_scale);

	state->origin_ns = at_ns - at_ns % widest_ns;
	state->start_ns = at_ns;
	state->last_ns = at_ns;
}

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

static void run_tests(const struct leak_view *view, size_t level, bool *found,
		      struct leak_answer *best)
{
	struct leak_answer answer;
	bool suspect = false;

	if (level >= 1 && level <= LEVEL_1H && leak_test_near(view, level, &answer))
		keep_better(&answer, found, best);
	if (level == LEVEL_1H && leak_test_days(view, &answer))
		keep_better(&answer, found, best);
	if (leak_test_window(view, level, &answer, &suspect))
		keep_better(&answer, found, best);
}

static uint64_t real_ns(uint64_t at_ns, double in_s, const struct pf_leak_options *options)
{
	double ns = in_s / options->time_scale * 1e9;

	return ns < 1e18 ? at_ns + (uint64_t)ns : UINT64_MAX;
}

bool pf_leak_push(struct pf_leak_state *state, const struct pf_leak_options *options,
		  const struct pf_leak_sample *sample, struct pf_leak_trend *ret_trend)
{
	uint32_t pages = pages_of(sample->hot_bytes);
	struct leak_answer best = { 0 };
	bool found = false;

	if (!state->start_ns)
		begin(state, options, sample->at_ns);
	state->last_ns = sample->at_ns;

	bool limited = sample->limit_bytes < PF_NO_LIMIT;
	struct leak_view view = {
		.state = state,
		.now_s = seconds(options, state->origin_ns, sample->at_ns),
		.start_s = seconds(options, state->origin_ns, state->start_ns),
		.interval_s = (double)options->interval_ns / 1e9 * options->time_scale,
		.limit = limited ? (double)sample->limit_bytes : leak_no_limit,
		.limited = limited,
	};
	double age_s = view.now_s - view.start_s;

	if (age_s < 2 * view.interval_s)
		return false;
	if (age_s < PF_MAX(900, 10 * view.interval_s) &&
	    (!state->first_pages || pages < state->first_pages))
		state->first_pages = pages;
	if (state->alarm_end_bytes > 0 && leak_bytes(pages) < state->alarm_end_bytes)
		state->alarm_end_bytes = 0;
	for (size_t level = 0; level < PF_LEAK_NR_LEVELS; level++) {
		struct pf_leak_level *l = &state->level[level];
		uint32_t index = (uint32_t)(view.now_s / leak_level_width_s(level));

		if (!leak_level_used(level, view.interval_s))
			continue;
		if (l->nr_samples && index == l->index) {
			add_to_bin(l, pages, sample->cpu_cores);
			continue;
		}
		if (l->nr_samples) {
			leak_bin_close(state, level);
			if (l->nr_closed % 3 == 0)
				run_tests(&view, level, &found, &best);
		}
		open_bin(l, index, pages, sample->cpu_cores);
	}
	if (!found || state->alarm_end_bytes > 0)
		return false;
	state->alarm_end_bytes = best.floor - .6 * best.rise;
	*ret_trend = (struct pf_leak_trend){
		.at_ns = sample->at_ns,
		.slope_bytes_per_h = best.slope * 3600 * options->time_scale,
		.slope_low = best.slope_low * 3600 * options->time_scale,
		.slope_high = best.slope_high * 3600 * options->time_scale,
		.floor_bytes = (uint64_t)best.floor,
		.rise_bytes = (uint64_t)best.rise,
		.oom_ns = real_ns(sample->at_ns, best.eta_s, options),
		.oom_low_ns = real_ns(sample->at_ns, best.eta_low_s, options),
		.oom_high_ns = real_ns(sample->at_ns, best.eta_high_s, options),
	};
	memcpy(ret_trend->test, best.test, sizeof(best.test));
	return true;
}
