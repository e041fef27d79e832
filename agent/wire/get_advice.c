// SPDX-License-Identifier: Apache-2.0
/*
 * get_advice.c - recommendations and leak findings out of messages. Enums of a newer minor version
 * become the value for "none".
 */
#include "wire/internal.h"

#define GET_ENUM(message, field, nr)                                                               \
	((message)->has_##field && (unsigned)(message)->field < (nr) ? (message)->field : 0)

static void get_amounts(const Podfit__V1__Amounts *from, struct pf_amounts *to)
{
	pf_amounts_clear(to);
	if (!from)
		return;
	to->target = GET(from, target);
	to->lower = GET(from, lower);
	to->upper = GET(from, upper);
	to->uncapped = GET(from, uncapped);
	to->limit = GET_LIMIT(from, limit, from->has_no_limit && from->no_limit);
}

static int get_results(struct pf_arena *arena, const Podfit__V1__Recommendation *from,
		       struct pf_recommendation *to)
{
	struct pf_policy_result *results = pf_arena_array(arena, from->n_results, sizeof(*results));
	struct pf_finding *findings = pf_arena_array(arena, from->n_findings, sizeof(*findings));

	if (!results || !findings)
		return arena->err;
	for (size_t i = 0; i < from->n_results; i++) {
		results[i].policy = GET_TEXT(from->results[i], policy);
		get_amounts(from->results[i]->cpu, &results[i].cpu);
		get_amounts(from->results[i]->memory, &results[i].memory);
		results[i].confidence = GET_DOUBLE(from->results[i], confidence);
		results[i].hours_more = GET_DOUBLE(from->results[i], hours_more);
	}
	for (size_t i = 0; i < from->n_findings; i++)
		findings[i] = (struct pf_finding){
			.verdict = (enum pf_verdict)GET_ENUM(from->findings[i], verdict,
							     PF_NR_VERDICTS),
			.action =
				(enum pf_action)GET_ENUM(from->findings[i], action, PF_NR_ACTIONS),
			.sentence = GET_TEXT(from->findings[i], sentence),
			.baseline = GET_OR(from->findings[i], baseline, 0),
		};
	to->results = results;
	to->nr_results = from->n_results;
	to->findings = findings;
	to->nr_findings = from->n_findings;
	return 0;
}

static int get_details(struct pf_arena *arena, const Podfit__V1__Recommendation *from,
		       struct pf_recommendation *to)
{
	struct pf_curve_point *curve = pf_arena_array(arena, from->n_limit_curve, sizeof(*curve));
	struct pf_runtime_advice *runtime =
		pf_arena_array(arena, from->n_runtime, sizeof(*runtime));

	if (!curve || !runtime)
		return arena->err;
	for (size_t i = 0; i < from->n_limit_curve; i++)
		curve[i] = (struct pf_curve_point){
			.limit_millicores = GET(from->limit_curve[i], limit_millicores),
			.throttled_ratio = GET_DOUBLE(from->limit_curve[i], throttled_ratio),
			.stall_ns_per_s = GET_DOUBLE(from->limit_curve[i], stall_ns_per_s),
			.burst_us = GET(from->limit_curve[i], burst_us),
		};
	for (size_t i = 0; i < from->n_runtime; i++)
		runtime[i] = (struct pf_runtime_advice){
			.runtime = GET_TEXT(from->runtime[i], runtime),
			.setting = GET_TEXT(from->runtime[i], setting),
			.present = GET_TEXT(from->runtime[i], present),
			.advised = GET_TEXT(from->runtime[i], advised),
			.reason = GET_TEXT(from->runtime[i], reason),
		};
	to->curve = curve;
	to->nr_curve = from->n_limit_curve;
	to->runtime = runtime;
	to->nr_runtime = from->n_runtime;
	to->steps = (const char *const *)from->steps;
	to->nr_steps = from->n_steps;
	return 0;
}

static void get_evidence(const Podfit__V1__EvidenceSummary *from, struct pf_evidence_summary *to)
{
	*to = (struct pf_evidence_summary){
		.covered_hours = GET_DOUBLE(from, covered_hours),
		.nr_windows = GET(from, nr_windows),
		.demand_p50_millicores = GET_DOUBLE(from, demand_p50_millicores),
		.demand_p90_millicores = GET_DOUBLE(from, demand_p90_millicores),
		.demand_p99_millicores = GET_DOUBLE(from, demand_p99_millicores),
		.demand_peak_millicores = GET_DOUBLE(from, demand_peak_millicores),
		.usage_mean_millicores = GET_DOUBLE(from, usage_mean_millicores),
		.throttled_ratio = GET_DOUBLE(from, throttled_ratio),
		.throttled_ns_per_s = GET_DOUBLE(from, throttled_ns_per_s),
		.quota_wait_ns_per_s = GET_DOUBLE(from, quota_wait_ns_per_s),
		.contention_wait_ns_per_s = GET_DOUBLE(from, contention_wait_ns_per_s),
		.runq_p99_ns = GET(from, runq_p99_ns),
		.memory_peak_bytes = GET(from, memory_peak_bytes),
		.hot_peak_bytes = GET(from, hot_peak_bytes),
		.working_set_peak_bytes = GET(from, working_set_peak_bytes),
		.hot_mean_bytes = GET_DOUBLE(from, hot_mean_bytes),
		.oom_kills = GET(from, oom_kills),
		.oom_overshoot_bytes = GET(from, oom_overshoot_bytes),
		.nr_instances = GET_OR(from, nr_instances, 0),
		.cpu_utilization = GET_DOUBLE(from, cpu_utilization),
		.memory_utilization = GET_DOUBLE(from, memory_utilization),
	};
}

int pf_wire_get_recommendation(struct pf_arena *arena, const Podfit__V1__Recommendation *message,
			       struct pf_recommendation **ret_recommendation)
{
	struct pf_recommendation *to = pf_arena_alloc(arena, sizeof(*to));
	int r;

	if (!to)
		return arena->err;
	pf_recommendation_clear(to);
	to->policy = GET_TEXT(message, policy);
	to->workload_class = message->workload_class;
	to->starting_advice = GET_OR(message, starting_advice, 0);
	r = get_results(arena, message, to);
	if (r < 0)
		return r;
	r = get_details(arena, message, to);
	if (r < 0)
		return r;
	if (message->savings)
		to->savings = (struct pf_savings){
			.known = true,
			.cpu_millicores = GET_OR(message->savings, cpu_millicores, 0),
			.memory_bytes = GET_OR(message->savings, memory_bytes, 0),
			.money_per_month = GET_DOUBLE(message->savings, money_per_month),
			.currency = message->savings->currency,
		};
	if (message->evidence)
		get_evidence(message->evidence, &to->evidence);
	*ret_recommendation = to;
	return 0;
}

static int get_stacks(struct pf_arena *arena, const Podfit__V1__LeakFinding *from,
		      struct pf_leak_finding *to)
{
	struct pf_growth_trace *stacks = pf_arena_array(arena, from->n_stacks, sizeof(*stacks));

	if (!stacks)
		return arena->err;
	for (size_t i = 0; i < from->n_stacks; i++) {
		const Podfit__V1__GrowthStack *stack = from->stacks[i];
		struct pf_stack_frame *frames =
			pf_arena_array(arena, stack->n_frames, sizeof(*frames));

		if (!frames)
			return arena->err;
		for (size_t j = 0; j < stack->n_frames; j++)
			frames[j] = (struct pf_stack_frame){
				.address = GET_OR(stack->frames[j], address, 0),
				.symbol = stack->frames[j]->symbol,
				.module = stack->frames[j]->module,
				.build_id = stack->frames[j]->build_id,
				.offset = GET(stack->frames[j], offset),
			};
		stacks[i] = (struct pf_growth_trace){
			.pid = GET_OR(stack, pid, 0),
			.comm = GET_TEXT(stack, comm),
			.share = GET_DOUBLE(stack, share),
			.frames = frames,
			.nr_frames = stack->n_frames,
		};
	}
	to->stacks = stacks;
	to->nr_stacks = from->n_stacks;
	return 0;
}

static int get_processes(struct pf_arena *arena, const Podfit__V1__LeakFinding *from,
			 struct pf_leak_finding *to)
{
	struct pf_growth_process *processes =
		pf_arena_array(arena, from->n_processes, sizeof(*processes));

	if (!processes)
		return arena->err;
	for (size_t i = 0; i < from->n_processes; i++)
		processes[i] = (struct pf_growth_process){
			.pid = GET_OR(from->processes[i], pid, 0),
			.comm = GET_TEXT(from->processes[i], comm),
			.anon_bytes = GET(from->processes[i], anon_bytes),
			.nr_sockets = GET(from->processes[i], nr_sockets),
			.nr_memory_files = GET(from->processes[i], nr_memory_files),
			.memory_file_bytes = GET(from->processes[i], memory_file_bytes),
			.slope_bytes_per_hour =
				GET_DOUBLE(from->processes[i], slope_bytes_per_hour),
		};
	to->processes = processes;
	to->nr_processes = from->n_processes;
	return 0;
}

int pf_wire_get_leak(struct pf_arena *arena, const Podfit__V1__LeakFinding *message,
		     struct pf_leak_finding **ret_finding)
{
	struct pf_leak_finding *to = pf_arena_alloc(arena, sizeof(*to));
	int r;

	if (!to)
		return arena->err;
	*to = (struct pf_leak_finding){
		.state = (enum pf_leak_level_of)GET_ENUM(message, state, PF_LEAK_ALARM + 1),
		.severity = (enum pf_severity)GET_ENUM(message, severity, PF_SEVERITY_CRITICAL + 1),
		.since_unix_ns = GET(message, since_unix_ns),
		.first_alarm_unix_ns = GET(message, first_alarm_unix_ns),
		.slope_bytes_per_hour = GET_DOUBLE(message, slope_bytes_per_hour),
		.slope_low = GET_DOUBLE(message, slope_low),
		.slope_high = GET_DOUBLE(message, slope_high),
		.eta_unix_ns = GET(message, eta_unix_ns),
		.eta_low_unix_ns = GET(message, eta_low_unix_ns),
		.eta_high_unix_ns = GET(message, eta_high_unix_ns),
		.effective_limit_bytes = GET(message, effective_limit_bytes),
		.effective_limit_of = GET_TEXT(message, effective_limit_of),
		.kind = (enum pf_memory_kind)GET_ENUM(message, kind, PF_NR_KINDS),
		.kind_share = GET_DOUBLE(message, kind_share),
		.pre_leak_bytes = GET(message, pre_leak_bytes),
		.now_bytes = GET(message, now_bytes),
		.test = GET_TEXT(message, test),
		.baseline_alarm = GET_OR(message, baseline_alarm, 0),
		.baseline_eta_unix_ns = GET(message, baseline_eta_unix_ns),
		.nr_restarts = GET_OR(message, nr_restarts, 0),
		.stacks_note = message->stacks_note,
	};
	r = get_processes(arena, message, to);
	if (r < 0)
		return r;
	r = get_stacks(arena, message, to);
	if (r < 0)
		return r;
	*ret_finding = to;
	return 0;
}
