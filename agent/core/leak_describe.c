// SPDX-License-Identifier: Apache-2.0
/*
 * leak_describe.c - what is said of a leak: since when, from which height, which kind of memory,
 * when the limit is reached.
 */
#include <math.h>

#include "base/cleanup.h"
#include "core/leak_fit.h"
#include "core/leak_internal.h"

static const double hour_s = 3600;
static const double critical_s = 6 * 3600;  /* someone has to act now */
static const double warning_s = 7 * 86400;  /* someone has to act this week */
static const double least_kind_ratio = .05; /* of the rise: less is noise of the bins */

/* How far @bin's floor lies from the line through the end of @answer. */
static double distance(const struct leak_view *view, const struct leak_answer *answer, double at_s,
		       const struct pf_leak_bin *bin)
{
	return fabs(leak_bytes(bin->min_pages) -
		    (answer->line - answer->slope * (view->now_s - at_s)));
}

/* The level whose bins the answer was found in. */
static size_t level_of(const struct leak_answer *answer)
{
	return answer->test[0] == 'D' ? (size_t)LEVEL_1H : (size_t)(answer->test[1] - '0');
}

double leak_onset_s(const struct leak_view *view, const struct leak_answer *answer)
{
	double onset_s = view->now_s;
	double tolerance = PF_MAX(4 * answer->scatter, .1 * answer->rise);

	for (size_t level = level_of(answer); level < PF_LEAK_NR_LEVELS; level++) {
		double width_s = leak_level_width_s(level);
		size_t nr_off = 0;

		for (size_t i = view->state->level[level].nr_bins; i-- > 0 && nr_off < 2;) {
			const struct pf_leak_bin *bin = leak_bin_at(view->state, level, i);
			double at_s = bin->index * width_s;

			if (at_s >= onset_s)
				continue;
			nr_off++; /* one wild bin does not end the line */
			if (distance(view, answer, at_s, bin) > tolerance)
				continue;
			nr_off = 0;
			onset_s = at_s;
		}
	}
	return PF_MAX(onset_s, view->now_s - view->age_s);
}

uint32_t leak_before_pages(const struct leak_view *view, double onset_s)
{
	uint32_t before = view->state->first_pages;

	for (size_t level = 0; level < PF_LEAK_NR_LEVELS; level++) {
		double width_s = leak_level_width_s(level);

		for (size_t i = 0; i < view->state->level[level].nr_bins; i++) {
			const struct pf_leak_bin *bin = leak_bin_at(view->state, level, i);

			if ((bin->index + 1) * width_s > onset_s)
				break;
			before = PF_MAX(before, bin->max_pages);
		}
	}
	return before;
}

/* Growth of one kind over the blocks of a level, along its Theil-Sen line. */
static double kind_growth(const struct pf_leak_state *state, size_t level, size_t kind)
{
	size_t nr = state->level[level].nr_blocks;
	double y[PF_LEAK_BLOCKS], at[PF_LEAK_BLOCKS];
	struct pf_leak_line line;

	for (size_t i = 0; i < nr; i++) {
		const struct pf_leak_block *block = leak_block_at(state, level, i);

		y[i] = leak_bytes(block->pages[kind]);
		at[i] = block->index - leak_block_at(state, level, 0)->index;
	}
	if (nr < 4)
		return y[nr - 1] - leak_bytes(state->first_kind_pages[kind]);
	pf_leak_fit_line(at, y, nr, &line);
	return line.slope * at[nr - 1];
}

enum pf_memory_kind leak_kind(const struct leak_view *view, double span_s, double *ret_share)
{
	double sum = 0, most = 0;
	size_t level = 0, kind = 0;

	/* The finest rings of blocks that reach back over the span. */
	while (level < LEVEL_4H && (!leak_level_used(level, view->interval_s) ||
				    leak_level_width_s(level) * PF_LEAK_WINDOW_BINS < .9 * span_s))
		level++;
	if (!view->state->kinds_known || !view->state->level[level].nr_blocks)
		return PF_KIND_UNKNOWN;
	for (size_t i = 0; i < PF_LEAK_NR_KINDS; i++) {
		double growth = kind_growth(view->state, level, i);

		sum += PF_MAX(0, growth);
		if (growth > most) {
			most = growth;
			kind = i + 1;
		}
	}
	if (sum <= 0 || most < least_kind_ratio * sum)
		return PF_KIND_UNKNOWN;
	*ret_share = most / sum;
	return (enum pf_memory_kind)kind;
}

/* @from_ns plus so many seconds; PF_UNKNOWN beyond 30 years. */
static uint64_t later(uint64_t from_ns, double seconds)
{
	return seconds >= 0 && seconds < 1e9 ? from_ns + (uint64_t)(seconds * 1e9) : PF_UNKNOWN;
}

static enum pf_severity severity_of(const struct pf_leak_state *state, double left_s)
{
	if (state->phase == PF_LEAK_SUSPECT || left_s >= warning_s)
		return PF_SEVERITY_NOTICE;
	return left_s < critical_s ? PF_SEVERITY_CRITICAL : PF_SEVERITY_WARNING;
}

static void describe_exhaustion(const struct pf_leak_state *state,
				const struct pf_leak_options *options, struct pf_leak_finding *f)
{
	const struct pf_leak_fit *fit = &state->fit;
	double limit = (double)state->limit_bytes, left_s;

	f->severity = PF_SEVERITY_NOTICE;
	if (state->limit_bytes >= PF_NO_LIMIT)
		return;
	f->eta_unix_ns = later(fit->at_ns, PF_MAX(0, limit - fit->reach_bytes) / fit->slope);
	f->eta_low_unix_ns =
		later(fit->at_ns, PF_MAX(0, limit - PF_MAX(fit->peak_bytes, fit->reach_bytes)) /
					  fit->slope_high);
	f->eta_high_unix_ns =
		later(fit->at_ns, PF_MAX(0, limit - PF_MIN(fit->floor_bytes, fit->reach_bytes)) /
					  fit->slope_low);
	left_s = f->eta_unix_ns == PF_UNKNOWN ? INFINITY
		 : f->eta_unix_ns <= state->last_ns
			 ? (double)0
			 : (double)(f->eta_unix_ns - state->last_ns) / 1e9;
	f->severity = severity_of(state, left_s * options->time_scale);
}

static const char *test_name(const char test[4])
{
	static const char *const windows[] = { "window of minutes", "window of half an hour",
					       "window of hours",   "window of half a day",
					       "window of days",    "window of a week" };

	if (test[0] == 'D')
		return "day over day";
	return test[0] == 'N' ? "near the limit" : windows[test[1] - '0'];
}

void pf_leak_describe(const struct pf_leak_state *state, const struct pf_leak_options *options,
		      struct pf_leak_finding *ret_finding)
{
	struct pf_leak_finding f;

	pf_leak_finding_clear(&f);
	f.state = (enum pf_leak_level_of)state->phase;
	f.effective_limit_bytes = state->start_ns ? state->limit_bytes : PF_UNKNOWN;
	f.nr_restarts = state->nr_restarts;
	f.baseline_alarm = state->baseline.alarmed;
	if (state->baseline.alarmed)
		f.baseline_eta_unix_ns = state->baseline_alarm.oom_ns;
	if (state->phase != PF_LEAK_NONE) {
		f.since_unix_ns = state->since_ns;
		if (state->phase == PF_LEAK_ALARM)
			f.first_alarm_unix_ns = state->first_alarm_ns;
		f.slope_bytes_per_hour = state->fit.slope * hour_s;
		f.slope_low = state->fit.slope_low * hour_s;
		f.slope_high = state->fit.slope_high * hour_s;
		f.kind = (enum pf_memory_kind)state->kind;
		if (state->kind != PF_KIND_UNKNOWN)
			f.kind_share = (double)state->kind_share;
		f.pre_leak_bytes = (uint64_t)leak_bytes(state->before_pages);
		f.now_bytes = (uint64_t)state->fit.floor_bytes;
		f.test = test_name(state->fit.test);
		describe_exhaustion(state, options, &f);
	}
	*ret_finding = f;
}
