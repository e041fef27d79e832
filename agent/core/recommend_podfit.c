// SPDX-License-Identifier: Apache-2.0
/* Policy podfit: what the evidence says, within the rules, told step by step. */
#include <inttypes.h>
#include <math.h>

#include "core/recommend_internal.h"

/* ---- bounds ---- */

static uint64_t rounded(double amount, int r)
{
	if (r == PF_VPA_CPU)
		return pf_whole(fmax(round(amount), 1));
	return pf_whole(ceil(amount / (double)PF_MIB) * (double)PF_MIB);
}

uint64_t pf_bounded(const struct pf_work *w, uint64_t amount, int r)
{
	uint64_t node = r == PF_VPA_CPU ? w->in->node_cpu_millicores : w->in->node_memory_bytes;

	amount = PF_MAX(amount, w->rules->minimum[r]);
	if (pf_is_set(node) && node)
		amount = PF_MIN(amount, node);
	if (w->rules->min_allowed[r])
		amount = PF_MAX(amount, w->rules->min_allowed[r]);
	if (w->rules->max_allowed[r])
		amount = PF_MIN(amount, w->rules->max_allowed[r]);
	return amount;
}

static void put_amounts(const struct pf_work *w, int r, double target, double lower, double upper,
			struct pf_amounts *ret_amounts)
{
	if (!w->rules->controlled[r])
		return;
	ret_amounts->uncapped = rounded(target, r);
	ret_amounts->target = pf_bounded(w, ret_amounts->uncapped, r);
	ret_amounts->lower = PF_MIN(pf_bounded(w, rounded(lower, r), r), ret_amounts->target);
	ret_amounts->upper = PF_MAX(pf_bounded(w, rounded(upper, r), r), ret_amounts->target);
}

/* ---- policy podfit ---- */

double pf_missing_history(const struct pf_work *w)
{
	return w->rules->history_hours > 0 ? 1 - fmin(w->history_hours / w->rules->history_hours, 1)
					   : 0;
}

/* A little history knows little about tomorrow: the upper bound is wider by up to half, without absurd numbers. */
static double width(const struct pf_work *w)
{
	return 1 + 0.5 * pf_missing_history(w);
}

/*
 * A limit that is too low throttles or kills, and lowering it saves nothing: nodes are filled by requests. So it waits
 * until the history is as long as the policy wants. Returns what is advised.
 */
static uint64_t held_for_history(struct pf_work *w, const char *which, uint64_t advised,
				 uint64_t present)
{
	if (!(pf_missing_history(w) > 0) || !pf_is_set(present) || advised >= present)
		return advised;
	pf_step(w,
		"%s limit: with %.1f h of history of the %.0f h wanted it is not lowered: what was not seen yet may need it.",
		which, w->history_hours, w->rules->history_hours);
	return present;
}

/* No limit curve: the baseline's factor, and only where throttling was counted. */
static void limit_by_factor(struct pf_work *w, struct pf_amounts *cpu)
{
	const struct pf_baseline *b = &w->rules->baseline;
	uint64_t present = w->in->present.cpu_limit_millicores;

	if (!pf_is_set(present) || !present || !(w->summary.throttled_ratio > b->throttled_ratio))
		return;
	cpu->limit = pf_bounded(w, pf_whole((double)present * b->limit_factor), PF_VPA_CPU);
	pf_step(w, "CPU limit: no limit curve is known, so the present %" PRIu64 "m times %.1f.",
		present, b->limit_factor);
}

/* A queue that never emptied does not tell how long it is: twice the limit, then look again. */
static void limit_one_step(struct pf_work *w, struct pf_amounts *cpu, uint64_t by_curve)
{
	uint64_t present = w->in->present.cpu_limit_millicores;
	uint64_t step = pf_is_set(present) && present ? 2 * present : by_curve;

	cpu->limit = pf_bounded(w, PF_MIN(step, by_curve), PF_VPA_CPU);
	pf_step(w,
		"CPU limit: nearly all the time work waited behind the limit and never caught up, so its whole need cannot be "
		"seen: it is somewhere between %" PRIu64 "m and %" PRIu64 "m. Set %" PRIu64
		"m, at most twice the present limit, let it run, and look again: the next advice will see more.",
		present, by_curve, cpu->limit);
}

/*
 * What its tasks would have used at most had they never waited for others: CPU time and contention wait, millicores on
 * average; NAN where waits are not known. Use alone is too low where the node is busy: what waits does not use.
 */
static double wanted_millicores(const struct pf_work *w)
{
	return w->summary.usage_mean_millicores + w->summary.contention_wait_ns_per_s / 1e6;
}

/*
 * A busy node hides demand as a quota does, and a smaller request would make the waits longer still, being the weight
 * in the scheduler. So nothing is taken away that was wanted. @present: request or limit; returns what is advised.
 */
static uint64_t held_for_contention(const struct pf_work *w, uint64_t advised, uint64_t present)
{
	double wanted = wanted_millicores(w);

	if (isnan(wanted) || !pf_is_set(present) || advised >= present)
		return advised;
	return PF_MAX(advised, pf_bounded(w, PF_MIN(present, pf_whole(wanted)), PF_VPA_CPU));
}

static void hold_cpu_request(struct pf_work *w, struct pf_amounts *cpu)
{
	uint64_t held = held_for_contention(w, cpu->target, w->in->present.cpu_request_millicores);

	if (held == cpu->target)
		return;
	cpu->target = held;
	cpu->upper = PF_MAX(cpu->upper, held);
	pf_step(w,
		"CPU request: on average its tasks ran for %.0fm and waited for CPUs that others had for another %.0fm. What it "
		"would have used is not known, so the request is not lowered below %" PRIu64 "m.",
		w->summary.usage_mean_millicores, w->summary.contention_wait_ns_per_s / 1e6, held);
}

static void limit_by_curve(struct pf_work *w, struct pf_amounts *cpu, uint64_t by_curve)
{
	uint64_t smallest = PF_MAX(pf_bounded(w, by_curve, PF_VPA_CPU), cpu->target);

	cpu->limit = held_for_contention(w, smallest, w->in->present.cpu_limit_millicores);
	pf_step(w,
		"CPU limit: %" PRIu64
		"m is the smallest that throttles at most %.1f %% of CFS periods, "
		"predicted from %.0f windows of 100 ms.",
		smallest, 100 * w->rules->class.throttling_budget_ratio,
		(double)w->summary.nr_windows);
	if (cpu->limit != smallest)
		pf_step(w,
			"CPU limit: in those windows it waited for CPUs that others had, so it is not lowered below %" PRIu64
			"m.",
			cpu->limit);
}

static void podfit_cpu_limit(struct pf_work *w, struct pf_amounts *cpu)
{
	const struct pf_class *class = &w->rules->class;
	uint64_t by_curve;

	if (w->rules->requests_only || class->cpu_limit_mode == PF_LIMIT_KEEP)
		return;
	if (class->cpu_limit_mode == PF_LIMIT_NONE) {
		cpu->limit = PF_NO_LIMIT;
		pf_step(w,
			"CPU limit: none, as the policy prefers; the request alone shares a full CPU.");
		return;
	}
	if (!w->has_curve) {
		limit_by_factor(w, cpu);
		return;
	}
	by_curve = pf_limit_smallest(&w->curve, class->throttling_budget_ratio,
				     w->curve.saturated ? 1 : cpu->target);
	if (w->curve.saturated) {
		limit_one_step(w, cpu, by_curve);
		cpu->target = PF_MIN(cpu->target, cpu->limit);
		cpu->lower = PF_MIN(cpu->lower, cpu->target);
	} else {
		limit_by_curve(w, cpu, by_curve);
		cpu->limit =
			held_for_history(w, "CPU", cpu->limit, w->in->present.cpu_limit_millicores);
	}
	w->has_advised_point = true;
	pf_limit_at(&w->curve, cpu->limit, PF_UNKNOWN, &w->advised_point);
}

void pf_podfit_cpu(struct pf_work *w, struct pf_amounts *cpu)
{
	const struct pf_class *class = &w->rules->class;

	if (!w->has_cpu || !w->rules->controlled[PF_VPA_CPU])
		return;
	put_amounts(w, PF_VPA_CPU, w->cpu.millicores, w->cpu.lower, w->cpu.upper * width(w), cpu);
	pf_step(w,
		"CPU request: the size that costs least over the minutes seen, if a minute that wants more than it costs as much as "
		"%.3g minutes with all of it unused: %.0fm by the last days, %.0fm by the last hours. The higher one plus %.0f %% is %.0fm.",
		class->cpu_risk_price, w->cpu.by_long, w->cpu.by_short,
		100 * class->cpu_margin_ratio, w->cpu.millicores);
	pf_step(w,
		"In those minutes %.0f %% of a request of %.0fm would have been unused, and %.1f %% of them wanted more.",
		100 * w->cpu.slack_ratio, w->cpu.millicores, 100 * w->cpu.above_ratio);
	if (cpu->target != cpu->uncapped)
		pf_step(w,
			"CPU request: %" PRIu64 "m became %" PRIu64
			"m by minimum, node size or the policy's bounds.",
			cpu->uncapped, cpu->target);
	hold_cpu_request(w, cpu);
	podfit_cpu_limit(w, cpu);
}

/* A leak is not fed: the size from before it, and the limit as it is. */
static void podfit_leaking(struct pf_work *w, struct pf_amounts *memory)
{
	double size =
		(double)w->in->leak->pre_leak_bytes * (1 + w->rules->class.memory_margin_ratio);

	put_amounts(w, PF_VPA_MEMORY, size, size,
		    size * (1 + w->rules->class.memory_limit_margin_ratio), memory);
	pf_step(w,
		"Memory: it is leaking, so the advice is the size from before the leak, %s; more would be filled too.",
		pf_text_bytes(w->arena, size));
}

/*
 * Perhaps it leaks: what has grown is not asked for as long as that is open, and not taken away either, because it may be
 * needed. The request stays; without one, it is the size from before the rise.
 */
static void podfit_suspected(struct pf_work *w, struct pf_amounts *memory)
{
	double before =
		(double)w->in->leak->pre_leak_bytes * (1 + w->rules->class.memory_margin_ratio);
	uint64_t present = w->in->present.memory_request_bytes;
	bool stays = pf_is_set(present) && present;
	double held = stays ? (double)present : before;

	put_amounts(w, PF_VPA_MEMORY, held, fmin(before, held), held, memory);
	pf_step(w,
		"Memory: it has been growing in a way that may be a leak. Until that is decided the request is held at %s, %s; no "
		"memory is counted as saved, CPU is.",
		pf_text_bytes(w->arena, held),
		stays ? "what it is now" : "the size from before the growth");
}

static void step_memory(struct pf_work *w)
{
	const struct pf_class *class = &w->rules->class;
	const struct pf_memory_size *size = &w->memory;
	double young = class->memory_young_margin * pf_missing_history(w);
	const char *above = size->nr_above
				    ? pf_arena_printf(w->arena, ", exceeded in %zu hours or days",
						      size->nr_above)
				    : "";
	const char *short_history =
		young > 0
			? pf_arena_printf(w->arena, ", %.1f %% for the short history", 100 * young)
			: "";

	pf_step(w,
		"Memory request: %s %s was needed in up to %d days (%s)%s. On top of it %.0f %%, and %.1f %% because an hour "
		"once rose that much above the six before it and the day before%s: %s.",
		size->nr_above ? "a peak of" : "at most",
		pf_text_bytes(w->arena, (double)size->base_bytes), PF_EVIDENCE_DAYS,
		w->e->has_kinds ? "memory that cannot be dropped"
				: "working set: no split by kind is known",
		above ? above : "", 100 * class->memory_margin_ratio,
		100 * class->memory_growth_margin * size->growth_ratio,
		short_history ? short_history : "", pf_text_bytes(w->arena, size->request_bytes));
}

/*
 * What keeps finding new heights is not cut back: not below its need and a week more of what the last day added, which
 * is time to look at it. A rise this slow need not be a leak, nor be found as one yet.
 */
static uint64_t held_for_growth(struct pf_work *w, uint64_t advised, uint64_t present)
{
	double ahead = (double)w->memory.need_bytes + 7 * (double)w->memory.day_rise_bytes;
	uint64_t floor = pf_bounded(w, rounded(ahead, PF_VPA_MEMORY), PF_VPA_MEMORY);

	if (!w->memory.day_rise_bytes || !pf_is_set(present) || advised >= present ||
	    floor <= advised)
		return advised;
	pf_step(w,
		"Memory limit: the last day needed %s more than any day before, so it is not lowered below %s, the need and "
		"a week more of that.",
		pf_text_bytes(w->arena, (double)w->memory.day_rise_bytes),
		pf_text_bytes(w->arena, (double)PF_MIN(floor, present)));
	return PF_MIN(floor, present);
}

static void podfit_memory_limit(struct pf_work *w, struct pf_amounts *memory)
{
	uint64_t present = w->in->present.memory_limit_bytes;

	memory->limit =
		PF_MAX(pf_bounded(w, rounded(w->memory.limit_bytes, PF_VPA_MEMORY), PF_VPA_MEMORY),
		       memory->target);
	pf_step(w, "Memory limit: the request plus %.0f %%: %s.",
		100 * w->rules->class.memory_limit_margin_ratio,
		pf_text_bytes(w->arena, (double)memory->limit));
	memory->limit = held_for_growth(w, memory->limit, present);
	memory->limit = held_for_history(w, "Memory", memory->limit, present);
}

void pf_podfit_memory(struct pf_work *w, struct pf_amounts *memory)
{
	const struct pf_memory_size *size = &w->memory;

	if (!w->rules->controlled[PF_VPA_MEMORY])
		return;
	if (w->leaking && pf_is_set(w->in->leak->pre_leak_bytes)) {
		podfit_leaking(w, memory);
		return;
	}
	if (w->suspected && pf_is_set(w->in->leak->pre_leak_bytes)) {
		podfit_suspected(w, memory);
		return;
	}
	if (!w->has_memory)
		return;
	put_amounts(w, PF_VPA_MEMORY, size->request_bytes, size->lower_bytes,
		    size->upper_bytes * width(w), memory);
	step_memory(w);
	if (size->oom_bytes)
		pf_step(w,
			"An OOM kill says %s was needed, the limit at the kill plus the overshoot measured then; so the request is at least that.",
			pf_text_bytes(w->arena, (double)size->oom_bytes));
	if (!w->rules->requests_only)
		podfit_memory_limit(w, memory);
}
