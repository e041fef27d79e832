// SPDX-License-Identifier: Apache-2.0
#include "core/recommend.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/recommend_internal.h"
#include "core/vpa_apply.h"

/* A month of 365.25 / 12 days. */
#define HOURS_PER_MONTH 730.5

void pf_recommend_input_clear(struct pf_recommend_input *input)
{
	*input = (struct pf_recommend_input){
		.present = { PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN },
		.nr_replicas = 1,
		.nr_vpa_containers = 1,
		.node_cpu_millicores = PF_UNKNOWN,
		.node_memory_bytes = PF_UNKNOWN,
		.time_scale = 1,
	};
}

const struct pf_policy_result *pf_policy_result_of(const struct pf_recommendation *rec,
						   const char *policy)
{
	for (size_t i = 0; i < rec->nr_results; i++)
		if (!strcmp(rec->results[i].policy, policy))
			return &rec->results[i];
	return NULL;
}

/* ---- words ---- */

const char *pf_text_cpu(struct pf_arena *arena, double millicores)
{
	const char *text = pf_arena_printf(arena, "%.0fm", millicores);

	return text ? text : "";
}

const char *pf_text_bytes(struct pf_arena *arena, double bytes)
{
	const char *text = bytes >= (double)PF_GIB
				   ? pf_arena_printf(arena, "%.2f GiB", bytes / (double)PF_GIB)
				   : pf_arena_printf(arena, "%.0f MiB", bytes / (double)PF_MIB);

	return text ? text : "";
}

static const char *vprint(struct pf_arena *arena, const char *format, va_list args)
{
	char text[512];

	vsnprintf(text, sizeof(text), format, args);
	return pf_arena_strdup(arena, text);
}

void pf_step(struct pf_work *w, const char *format, ...)
{
	va_list args;
	const char *text;

	va_start(args, format);
	text = vprint(w->arena, format, args);
	va_end(args);
	if (text && w->nr_steps < PF_STEPS_MAX)
		w->steps[w->nr_steps++] = text;
}

void pf_find(struct pf_work *w, enum pf_verdict verdict, enum pf_action action, const char *format,
	     ...)
{
	va_list args;
	const char *text;

	va_start(args, format);
	text = vprint(w->arena, format, args);
	va_end(args);
	if (text && w->nr_findings < PF_FINDINGS_MAX)
		w->findings[w->nr_findings++] = (struct pf_finding){ verdict, action, text, false };
}

/* ---- bounds ---- */

static uint64_t rounded(double amount, int r)
{
	if (r == PF_VPA_CPU)
		return (uint64_t)fmax(round(amount), 1);
	return (uint64_t)(ceil(amount / (double)PF_MIB) * (double)PF_MIB);
}

/* Minimum, the node's size, then the policy's minAllowed and maxAllowed: the last word is theirs. */
static uint64_t bounded(const struct pf_work *w, uint64_t amount, int r)
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
	ret_amounts->target = bounded(w, ret_amounts->uncapped, r);
	ret_amounts->lower = PF_MIN(bounded(w, rounded(lower, r), r), ret_amounts->target);
	ret_amounts->upper = PF_MAX(bounded(w, rounded(upper, r), r), ret_amounts->target);
}

/* ---- policy podfit ---- */

/* Share of the wanted history that is not there yet. */
static double missing_history(const struct pf_work *w)
{
	return w->rules->history_hours > 0 ? 1 - fmin(w->history_hours / w->rules->history_hours, 1)
					   : 0;
}

/* A little history knows little about tomorrow: the upper bound is wider by up to half, without absurd numbers. */
static double width(const struct pf_work *w)
{
	return 1 + 0.5 * missing_history(w);
}

/* No limit curve: the baseline's factor, and only where throttling was counted. */
static void limit_by_factor(struct pf_work *w, struct pf_amounts *cpu)
{
	const struct pf_baseline *b = &w->rules->baseline;
	uint64_t present = w->in->present.cpu_limit_millicores;

	if (!pf_is_set(present) || !present || !(w->summary.throttled_ratio > b->throttled_ratio))
		return;
	cpu->limit = bounded(w, (uint64_t)((double)present * b->limit_factor), PF_VPA_CPU);
	pf_step(w, "CPU limit: no limit curve is known, so the present %" PRIu64 "m times %.1f.",
		present, b->limit_factor);
}

/* A queue that never emptied does not tell how long it is: twice the limit, then look again. */
static void limit_one_step(struct pf_work *w, struct pf_amounts *cpu, uint64_t by_curve)
{
	uint64_t present = w->in->present.cpu_limit_millicores;
	uint64_t step = pf_is_set(present) && present ? 2 * present : by_curve;

	cpu->limit = bounded(w, PF_MIN(step, by_curve), PF_VPA_CPU);
	pf_step(w,
		"CPU limit: it was throttled nearly all the time and never caught up, so its need is somewhere between %" PRIu64
		"m and %" PRIu64 "m. %" PRIu64 "m is the next step; then measure again.",
		present, by_curve, cpu->limit);
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
		cpu->limit = PF_MAX(bounded(w, by_curve, PF_VPA_CPU), cpu->target);
		pf_step(w,
			"CPU limit: %" PRIu64
			"m is the smallest that throttles at most %.1f %% of CFS periods, "
			"predicted from %.0f windows of 100 ms.",
			cpu->limit, 100 * class->throttling_budget_ratio,
			(double)w->summary.nr_windows);
	}
	w->has_advised_point = true;
	pf_limit_at(&w->curve, cpu->limit, PF_UNKNOWN, &w->advised_point);
}

static void podfit_cpu(struct pf_work *w, struct pf_amounts *cpu)
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
		"Memory: it has been growing in a way that may be a leak. Until that is decided the request is held at %s, %s.",
		pf_text_bytes(w->arena, held),
		stays ? "what it is now" : "the size from before the growth");
}

static void step_memory(struct pf_work *w)
{
	const struct pf_class *class = &w->rules->class;
	const struct pf_memory_size *size = &w->memory;
	double young = class->memory_young_margin * missing_history(w);
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
		"once rose that much above the six before it%s: %s.",
		size->nr_above ? "a peak of" : "at most",
		pf_text_bytes(w->arena, (double)size->base_bytes), PF_EVIDENCE_DAYS,
		w->e->has_kinds ? "memory that cannot be dropped"
				: "working set: no split by kind is known",
		above ? above : "", 100 * class->memory_margin_ratio,
		100 * class->memory_growth_margin * size->growth_ratio,
		short_history ? short_history : "", pf_text_bytes(w->arena, size->request_bytes));
}

static void podfit_memory(struct pf_work *w, struct pf_amounts *memory)
{
	const struct pf_class *class = &w->rules->class;
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
	if (!w->rules->requests_only)
		memory->limit =
			PF_MAX(bounded(w, rounded(size->limit_bytes, PF_VPA_MEMORY), PF_VPA_MEMORY),
			       memory->target);
	step_memory(w);
	if (size->oom_bytes)
		pf_step(w,
			"An OOM kill says %s was needed, the limit at the kill plus the overshoot measured then; so the request is at least that.",
			pf_text_bytes(w->arena, (double)size->oom_bytes));
	if (pf_is_set(memory->limit))
		pf_step(w, "Memory limit: the request plus %.0f %%: %s.",
			100 * class->memory_limit_margin_ratio,
			pf_text_bytes(w->arena, (double)memory->limit));
}

/* ---- policy vpa ---- */

static struct pf_vpa_container_policy vpa_policy(const struct pf_rules *rules)
{
	struct pf_vpa_container_policy p = { .container = "*",
					     .requests_only = rules->requests_only };

	for (int r = 0; r < PF_VPA_NR_RESOURCES; r++) {
		p.controlled[r] = rules->controlled[r];
		p.min_allowed.of[r] =
			rules->min_allowed[r] ? (int64_t)rules->min_allowed[r] : PF_VPA_ABSENT;
		p.max_allowed.of[r] =
			rules->max_allowed[r] ? (int64_t)rules->max_allowed[r] : PF_VPA_ABSENT;
	}
	return p;
}

static uint64_t from_vpa(int64_t amount)
{
	return amount == PF_VPA_ABSENT ? PF_UNKNOWN : (uint64_t)amount;
}

static int64_t to_vpa(uint64_t amount)
{
	return pf_is_set(amount) ? (int64_t)amount : PF_VPA_ABSENT;
}

static void vpa_result(struct pf_work *w, struct pf_policy_result *result)
{
	const struct pf_resources *present = &w->in->present;
	struct pf_vpa_container_policy policy = vpa_policy(w->rules);
	struct pf_vpa_pod_container container = {
		.name = "",
		.request = { { to_vpa(present->cpu_request_millicores),
			       to_vpa(present->memory_request_bytes) } },
		.limit = { { to_vpa(present->cpu_limit_millicores),
			     to_vpa(present->memory_limit_bytes) } },
		.has_recommendation = true,
	};
	struct pf_vpa_amounts request, limit;
	struct pf_vpa_aggregate aggregate;
	struct pf_amounts *to[PF_VPA_NR_RESOURCES] = { &result->cpu, &result->memory };
	const struct pf_vpa_recommendation *rec = &container.recommendation;

	pf_evidence_vpa(w->e, &aggregate);
	pf_vpa_recommend(&aggregate, &w->rules->vpa, &policy, false,
			 PF_MAX(w->in->nr_vpa_containers, 1u), &container.recommendation);
	pf_vpa_pod_resources(&container, &policy, NULL, &request, &limit);
	for (int r = 0; r < PF_VPA_NR_RESOURCES; r++) {
		to[r]->target = from_vpa(rec->target.of[r]);
		to[r]->lower = from_vpa(rec->lower.of[r]);
		to[r]->upper = from_vpa(rec->upper.of[r]);
		to[r]->uncapped = from_vpa(rec->uncapped.of[r]);
		to[r]->limit = from_vpa(limit.of[r]);
	}
	result->confidence =
		pf_vpa_confidence(&aggregate, w->rules->vpa.confidence_interval_ns[PF_VPA_CPU]);
	if (result->confidence < 0 || isnan(result->confidence))
		result->confidence = 0;
}

/* ---- assembly ---- */

static void init_result(struct pf_policy_result *result, const char *policy)
{
	*result = (struct pf_policy_result){ .policy = policy, .hours_more = NAN };
	pf_amounts_clear(&result->cpu);
	pf_amounts_clear(&result->memory);
}

static void gather(struct pf_work *w)
{
	const struct pf_evidence *e = w->e;
	uint64_t present = w->in->present.cpu_limit_millicores;

	w->history_hours =
		w->in->time_scale * (double)(e->last_ns - e->first_ns) / (double)PF_NS_PER_HOUR;
	w->has_cpu = pf_cpu_request(e, &w->rules->class, &w->cpu) == 0;
	w->has_memory = pf_memory_size(e, &w->rules->class, missing_history(w), &w->memory) == 0;
	w->has_curve = pf_limit_model_init(e, &w->curve) == 0;
	if (w->has_curve && pf_is_set(present) && present)
		pf_limit_at(&w->curve, present, PF_UNKNOWN, &w->present_point);
	pf_summarise(w);
}

static void with_evidence(struct pf_work *w)
{
	struct pf_policy_result *podfit = &w->results[0], *vpa = &w->results[1];

	gather(w);
	podfit_cpu(w, &podfit->cpu);
	podfit_memory(w, &podfit->memory);
	podfit->confidence = fmin(w->history_hours, w->e->covered_hours * w->in->time_scale) / 24;
	if (w->history_hours < w->rules->history_hours)
		podfit->hours_more = w->rules->history_hours - w->history_hours;
	vpa_result(w, vpa);
	pf_find_all(w);
	pf_baseline_find(w);
}

/* No history: the class' sizing table, marked so. */
static bool starting_size(struct pf_work *w)
{
	const struct pf_class *class = &w->rules->class;
	struct pf_policy_result *podfit = &w->results[0];

	if (!class->start_cpu_request_millicores)
		return false;
	podfit->cpu.target = podfit->cpu.uncapped =
		bounded(w, class->start_cpu_request_millicores, PF_VPA_CPU);
	podfit->cpu.limit = bounded(w, class->start_cpu_limit_millicores, PF_VPA_CPU);
	podfit->memory.target = podfit->memory.uncapped =
		bounded(w, class->start_memory_request_bytes, PF_VPA_MEMORY);
	podfit->memory.limit = bounded(w, class->start_memory_limit_bytes, PF_VPA_MEMORY);
	pf_step(w, "Starting size of class %s: there is no history yet.",
		class->name ? class->name : "general");
	return true;
}

static const char *policy_name(enum pf_policy_kind kind)
{
	return kind == PF_POLICY_VPA ? "vpa" : kind == PF_POLICY_BASELINE ? "baseline" : "podfit";
}

static int64_t saved(uint64_t present, uint64_t advised, unsigned replicas)
{
	if (!pf_is_set(present) || !pf_is_set(advised))
		return 0;
	return ((int64_t)present - (int64_t)advised) * (int64_t)replicas;
}

static void add_savings(const struct pf_work *w, struct pf_recommendation *rec)
{
	const struct pf_policy_result *chosen = pf_policy_result_of(rec, rec->policy);
	const struct pf_resources *present = &w->in->present;
	const struct pf_prices *prices = &w->rules->prices;
	unsigned replicas = PF_MAX(w->in->nr_replicas, 1u);
	bool cpu, memory;

	if (!chosen)
		return;
	cpu = pf_is_set(present->cpu_request_millicores) && pf_is_set(chosen->cpu.target);
	memory = pf_is_set(present->memory_request_bytes) && pf_is_set(chosen->memory.target);
	if (!cpu && !memory)
		return;
	rec->savings.known = true;
	rec->savings.cpu_millicores =
		saved(present->cpu_request_millicores, chosen->cpu.target, replicas);
	rec->savings.memory_bytes =
		saved(present->memory_request_bytes, chosen->memory.target, replicas);
	if (!prices->currency)
		return;
	rec->savings.currency = prices->currency;
	rec->savings.money_per_month =
		HOURS_PER_MONTH *
		((double)rec->savings.cpu_millicores / 1000.0 * prices->cpu_core_hour +
		 (double)rec->savings.memory_bytes / (double)PF_GIB * prices->memory_gib_hour);
}

/* Mode Off: what was found stands, what would be changed does not. */
static void withdraw(struct pf_work *w)
{
	for (size_t i = 0; i < PF_RESULTS; i++) {
		pf_amounts_clear(&w->results[i].cpu);
		pf_amounts_clear(&w->results[i].memory);
	}
	w->nr_steps = 0;
	pf_step(w,
		"The policy says mode Off for this container: evidence and findings, no advice.");
}

static void *kept(struct pf_arena *arena, const void *from, size_t count, size_t size)
{
	void *to = count ? pf_arena_array(arena, count, size) : NULL;

	if (to)
		memcpy(to, from, count * size);
	return to;
}

static void add_curve(struct pf_work *w, struct pf_recommendation *rec)
{
	struct pf_curve_point points[PF_CURVE_MAX];

	if (!w->has_curve)
		return;
	rec->nr_curve = pf_limit_curve(&w->curve, w->in->present.cpu_limit_millicores,
				       w->results[0].cpu.limit, points, PF_CURVE_MAX);
	rec->curve = kept(w->arena, points, rec->nr_curve, sizeof(points[0]));
}

static int add_runtime(struct pf_work *w, struct pf_recommendation *rec)
{
	const struct pf_policy_result *podfit = &w->results[0];
	const struct pf_resources *present = &w->in->present;
	struct pf_runtime_advice advice[PF_RUNTIME_ADVICE_MAX];
	struct pf_runtime_input in = {
		.kind = w->in->runtime,
		.command_line = w->in->command_line,
		.memory_limit_bytes = podfit->memory.limit != PF_UNKNOWN
					      ? podfit->memory.limit
					      : present->memory_limit_bytes,
		.cpu_limit_millicores = podfit->cpu.limit != PF_UNKNOWN
						? podfit->cpu.limit
						: present->cpu_limit_millicores,
		.max_threads = w->e ? w->e->max_threads : 0,
		.heap_share = w->rules->heap_share,
	};
	int nr = pf_runtime_advise(&in, w->arena, advice);

	if (nr < 0)
		return nr;
	rec->nr_runtime = (size_t)nr;
	rec->runtime = kept(w->arena, advice, rec->nr_runtime, sizeof(advice[0]));
	return 0;
}

static int finish(struct pf_work *w, struct pf_recommendation *rec)
{
	rec->policy = policy_name(w->rules->policy);
	rec->results = kept(w->arena, w->results, PF_RESULTS, sizeof(w->results[0]));
	rec->nr_results = rec->results ? PF_RESULTS : 0;
	rec->findings = kept(w->arena, w->findings, w->nr_findings, sizeof(w->findings[0]));
	rec->nr_findings = w->nr_findings;
	rec->steps = kept(w->arena, w->steps, w->nr_steps, sizeof(w->steps[0]));
	rec->nr_steps = w->nr_steps;
	rec->evidence = w->summary;
	rec->workload_class =
		w->rules->class.name ? pf_arena_strdup(w->arena, w->rules->class.name) : NULL;
	add_curve(w, rec);
	add_savings(w, rec);
	return w->arena->err;
}

int pf_recommend(const struct pf_recommend_input *in, struct pf_arena *arena,
		 struct pf_recommendation *ret_recommendation)
{
	struct pf_work w = { .in = in, .e = in->evidence, .rules = in->rules, .arena = arena };
	struct pf_recommendation rec;
	int r;

	pf_recommendation_clear(&rec);
	w.summary = rec.evidence;
	init_result(&w.results[0], "podfit");
	init_result(&w.results[1], "vpa");
	init_result(&w.results[2], "baseline");
	w.leaking = in->leak && in->leak->state == PF_LEAK_ALARM;
	w.suspected = in->leak && in->leak->state == PF_LEAK_SUSPECT;
	if (w.e && w.e->reference_ns == PF_VPA_NO_TIME)
		w.e = NULL;
	if (w.e) {
		with_evidence(&w);
	} else {
		rec.starting_advice = starting_size(&w);
		pf_find(&w, PF_VERDICT_SHORT_HISTORY, PF_ACTION_NONE, "Nothing was measured yet.");
	}
	if (in->rules->off)
		withdraw(&w);
	r = add_runtime(&w, &rec);
	if (r == 0)
		r = finish(&w, &rec);
	if (r < 0)
		return r;
	*ret_recommendation = rec;
	return 0;
}
