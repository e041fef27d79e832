// SPDX-License-Identifier: Apache-2.0
#include "core/recommend.h"

#include <errno.h>
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
	w->has_memory = pf_memory_size(e, &w->rules->class, pf_missing_history(w), &w->memory) == 0;
	w->has_curve = pf_limit_model_init(e, &w->curve) == 0;
	if (w->has_curve && pf_is_set(present) && present)
		pf_limit_at(&w->curve, present, PF_UNKNOWN, &w->present_point);
	pf_summarise(w);
}

static void with_evidence(struct pf_work *w)
{
	struct pf_policy_result *podfit = &w->results[0], *vpa = &w->results[1];

	gather(w);
	pf_podfit_cpu(w, &podfit->cpu);
	pf_podfit_memory(w, &podfit->memory);
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
		pf_bounded(w, class->start_cpu_request_millicores, PF_VPA_CPU);
	podfit->cpu.limit = pf_bounded(w, class->start_cpu_limit_millicores, PF_VPA_CPU);
	podfit->memory.target = podfit->memory.uncapped =
		pf_bounded(w, class->start_memory_request_bytes, PF_VPA_MEMORY);
	podfit->memory.limit = pf_bounded(w, class->start_memory_limit_bytes, PF_VPA_MEMORY);
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
	__int128 all = ((__int128)present - (__int128)advised) * replicas;

	if (!pf_is_set(present) || !pf_is_set(advised))
		return 0;
	return (int64_t)PF_MAX(PF_MIN(all, INT64_MAX), -INT64_MAX);
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
static void withdraw(struct pf_work *w, struct pf_recommendation *rec)
{
	rec->starting_advice = false;
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
		withdraw(&w, &rec);
	r = in->rules->off ? 0 : add_runtime(&w, &rec);
	if (r == 0)
		r = finish(&w, &rec);
	if (r < 0)
		return r;
	*ret_recommendation = rec;
	return 0;
}
