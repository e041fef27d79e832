// SPDX-License-Identifier: Apache-2.0
/*
 * put_advice.c - recommendations and leak findings into messages.
 */
#include "wire/internal.h"

_Static_assert((int)PODFIT__V1__VERDICT__IDLE == (int)PF_VERDICT_IDLE &&
		       (int)PODFIT__V1__ACTION__TUNE_RUNTIME == (int)PF_ACTION_TUNE_RUNTIME &&
		       (int)PODFIT__V1__LEAK_STATE__LEAK_ALARM == (int)PF_LEAK_ALARM &&
		       (int)PODFIT__V1__SEVERITY__CRITICAL == (int)PF_SEVERITY_CRITICAL &&
		       (int)PODFIT__V1__MEMORY_KIND__KIND_SWAP == (int)PF_KIND_SWAP,
	       "the core's numbers are the wire's");

static Podfit__V1__Amounts *put_amounts(struct pf_arena *arena, const struct pf_amounts *from)
{
	Podfit__V1__Amounts *to = pf_arena_alloc(arena, sizeof(*to));

	if (!to)
		return NULL;
	podfit__v1__amounts__init(to);
	PUT(to, target, from->target);
	PUT(to, lower, from->lower);
	PUT(to, upper, from->upper);
	PUT(to, uncapped, from->uncapped);
	PUT(to, limit, from->limit);
	if (from->limit == PF_NO_LIMIT)
		PUT_ANY(to, no_limit, 1);
	return to;
}

static void put_results(struct pf_arena *arena, Podfit__V1__Recommendation *to,
			const struct pf_recommendation *from)
{
	PUT_MESSAGES(arena, to, results, podfit__v1__policy_result__descriptor, from->nr_results);
	for (size_t i = 0; i < to->n_results; i++) {
		PUT_TEXT(arena, to->results[i], policy, from->results[i].policy);
		to->results[i]->cpu = put_amounts(arena, &from->results[i].cpu);
		to->results[i]->memory = put_amounts(arena, &from->results[i].memory);
		PUT_DOUBLE(to->results[i], confidence, from->results[i].confidence);
		PUT_DOUBLE(to->results[i], hours_more, from->results[i].hours_more);
	}
	PUT_MESSAGES(arena, to, findings, podfit__v1__finding__descriptor, from->nr_findings);
	for (size_t i = 0; i < to->n_findings; i++) {
		PUT_ANY(to->findings[i], verdict, (Podfit__V1__Verdict)from->findings[i].verdict);
		PUT_ANY(to->findings[i], action, (Podfit__V1__Action)from->findings[i].action);
		PUT_TEXT(arena, to->findings[i], sentence, from->findings[i].sentence);
		if (from->findings[i].baseline)
			PUT_ANY(to->findings[i], baseline, 1);
	}
}

static void put_details(struct pf_arena *arena, Podfit__V1__Recommendation *to,
			const struct pf_recommendation *from)
{
	PUT_MESSAGES(arena, to, limit_curve, podfit__v1__curve_point__descriptor, from->nr_curve);
	for (size_t i = 0; i < to->n_limit_curve; i++) {
		PUT(to->limit_curve[i], limit_millicores, from->curve[i].limit_millicores);
		PUT_DOUBLE(to->limit_curve[i], throttled_ratio, from->curve[i].throttled_ratio);
		PUT_DOUBLE(to->limit_curve[i], stall_ns_per_s, from->curve[i].stall_ns_per_s);
		PUT(to->limit_curve[i], burst_us, from->curve[i].burst_us);
	}
	PUT_MESSAGES(arena, to, runtime, podfit__v1__runtime_advice__descriptor, from->nr_runtime);
	for (size_t i = 0; i < to->n_runtime; i++) {
		PUT_TEXT(arena, to->runtime[i], runtime, from->runtime[i].runtime);
		PUT_TEXT(arena, to->runtime[i], setting, from->runtime[i].setting);
		PUT_TEXT(arena, to->runtime[i], present, from->runtime[i].present);
		PUT_TEXT(arena, to->runtime[i], advised, from->runtime[i].advised);
		PUT_TEXT(arena, to->runtime[i], reason, from->runtime[i].reason);
	}
	to->steps =
		from->nr_steps ? pf_arena_array(arena, from->nr_steps, sizeof(*to->steps)) : NULL;
	for (size_t i = 0; to->steps && i < from->nr_steps; i++) {
		char *step = pf_wire_text_field(arena, from->steps[i]);

		if (step)
			to->steps[to->n_steps++] = step;
	}
	if (from->savings.known) {
		to->savings = pf_arena_alloc(arena, sizeof(*to->savings));
		if (!to->savings)
			return;
		podfit__v1__savings__init(to->savings);
		PUT_ANY(to->savings, cpu_millicores, from->savings.cpu_millicores);
		PUT_ANY(to->savings, memory_bytes, from->savings.memory_bytes);
		PUT_DOUBLE(to->savings, money_per_month, from->savings.money_per_month);
		PUT_TEXT(arena, to->savings, currency, from->savings.currency);
	}
}

static Podfit__V1__EvidenceSummary *put_evidence(struct pf_arena *arena,
						 const struct pf_evidence_summary *from)
{
	Podfit__V1__EvidenceSummary *to = pf_arena_alloc(arena, sizeof(*to));

	if (!to)
		return NULL;
	podfit__v1__evidence_summary__init(to);
	PUT_DOUBLE(to, covered_hours, from->covered_hours);
	PUT(to, nr_windows, from->nr_windows);
	PUT_DOUBLE(to, demand_p50_millicores, from->demand_p50_millicores);
	PUT_DOUBLE(to, demand_p90_millicores, from->demand_p90_millicores);
	PUT_DOUBLE(to, demand_p99_millicores, from->demand_p99_millicores);
	PUT_DOUBLE(to, demand_peak_millicores, from->demand_peak_millicores);
	PUT_DOUBLE(to, usage_mean_millicores, from->usage_mean_millicores);
	PUT_DOUBLE(to, throttled_ratio, from->throttled_ratio);
	PUT_DOUBLE(to, throttled_ns_per_s, from->throttled_ns_per_s);
	PUT_DOUBLE(to, quota_wait_ns_per_s, from->quota_wait_ns_per_s);
	PUT_DOUBLE(to, contention_wait_ns_per_s, from->contention_wait_ns_per_s);
	PUT(to, runq_p99_ns, from->runq_p99_ns);
	PUT(to, memory_peak_bytes, from->memory_peak_bytes);
	PUT(to, hot_peak_bytes, from->hot_peak_bytes);
	PUT_DOUBLE(to, hot_mean_bytes, from->hot_mean_bytes);
	PUT(to, working_set_peak_bytes, from->working_set_peak_bytes);
	PUT(to, oom_kills, from->oom_kills);
	PUT(to, oom_overshoot_bytes, from->oom_overshoot_bytes);
	if (from->nr_instances)
		PUT_ANY(to, nr_instances, from->nr_instances);
	PUT_DOUBLE(to, cpu_utilization, from->cpu_utilization);
	PUT_DOUBLE(to, memory_utilization, from->memory_utilization);
	return to;
}

Podfit__V1__Recommendation *pf_wire_put_recommendation(struct pf_arena *arena,
						       const struct pf_recommendation *from)
{
	Podfit__V1__Recommendation *to;

	if (!from)
		return NULL;
	to = pf_arena_alloc(arena, sizeof(*to));
	if (!to)
		return NULL;
	podfit__v1__recommendation__init(to);
	PUT_TEXT(arena, to, policy, from->policy);
	PUT_TEXT(arena, to, workload_class, from->workload_class);
	if (from->starting_advice)
		PUT_ANY(to, starting_advice, 1);
	put_results(arena, to, from);
	put_details(arena, to, from);
	to->evidence = put_evidence(arena, &from->evidence);
	return to;
}

static void put_frames(struct pf_arena *arena, Podfit__V1__GrowthStack *to,
		       const struct pf_growth_trace *from)
{
	PUT_MESSAGES(arena, to, frames, podfit__v1__stack_frame__descriptor, from->nr_frames);
	for (size_t i = 0; i < to->n_frames; i++) {
		PUT(to->frames[i], address, from->frames[i].address);
		PUT_TEXT(arena, to->frames[i], symbol, from->frames[i].symbol);
		PUT_TEXT(arena, to->frames[i], module, from->frames[i].module);
		PUT(to->frames[i], offset, from->frames[i].offset);
		PUT_TEXT(arena, to->frames[i], build_id, from->frames[i].build_id);
	}
}

static void put_culprits(struct pf_arena *arena, Podfit__V1__LeakFinding *to,
			 const struct pf_leak_finding *from)
{
	PUT_MESSAGES(arena, to, processes, podfit__v1__growth_process__descriptor,
		     from->nr_processes);
	for (size_t i = 0; i < to->n_processes; i++) {
		PUT_ANY(to->processes[i], pid, from->processes[i].pid);
		PUT_TEXT(arena, to->processes[i], comm, from->processes[i].comm);
		PUT(to->processes[i], anon_bytes, from->processes[i].anon_bytes);
		PUT(to->processes[i], nr_sockets, from->processes[i].nr_sockets);
		PUT(to->processes[i], nr_memory_files, from->processes[i].nr_memory_files);
		PUT(to->processes[i], memory_file_bytes, from->processes[i].memory_file_bytes);
		PUT_DOUBLE(to->processes[i], slope_bytes_per_hour,
			   from->processes[i].slope_bytes_per_hour);
	}
	PUT_MESSAGES(arena, to, stacks, podfit__v1__growth_stack__descriptor, from->nr_stacks);
	for (size_t i = 0; i < to->n_stacks; i++) {
		PUT_ANY(to->stacks[i], pid, from->stacks[i].pid);
		PUT_TEXT(arena, to->stacks[i], comm, from->stacks[i].comm);
		PUT_DOUBLE(to->stacks[i], share, from->stacks[i].share);
		put_frames(arena, to->stacks[i], &from->stacks[i]);
	}
}

Podfit__V1__LeakFinding *pf_wire_put_leak(struct pf_arena *arena,
					  const struct pf_leak_finding *from)
{
	Podfit__V1__LeakFinding *to;

	if (!from)
		return NULL;
	to = pf_arena_alloc(arena, sizeof(*to));
	if (!to)
		return NULL;
	podfit__v1__leak_finding__init(to);
	PUT_ANY(to, state, (Podfit__V1__LeakState)from->state);
	PUT_ANY(to, severity, (Podfit__V1__Severity)from->severity);
	PUT(to, since_unix_ns, from->since_unix_ns);
	PUT(to, first_alarm_unix_ns, from->first_alarm_unix_ns);
	PUT_DOUBLE(to, slope_bytes_per_hour, from->slope_bytes_per_hour);
	PUT_DOUBLE(to, slope_low, from->slope_low);
	PUT_DOUBLE(to, slope_high, from->slope_high);
	PUT(to, eta_unix_ns, from->eta_unix_ns);
	PUT(to, eta_low_unix_ns, from->eta_low_unix_ns);
	PUT(to, eta_high_unix_ns, from->eta_high_unix_ns);
	PUT(to, effective_limit_bytes, from->effective_limit_bytes);
	PUT_TEXT(arena, to, effective_limit_of, from->effective_limit_of);
	PUT_ANY(to, kind, (Podfit__V1__MemoryKind)from->kind);
	PUT_DOUBLE(to, kind_share, from->kind_share);
	PUT(to, pre_leak_bytes, from->pre_leak_bytes);
	PUT(to, now_bytes, from->now_bytes);
	PUT_TEXT(arena, to, test, from->test);
	put_culprits(arena, to, from);
	if (from->baseline_alarm)
		PUT_ANY(to, baseline_alarm, 1);
	PUT(to, baseline_eta_unix_ns, from->baseline_eta_unix_ns);
	PUT_ANY(to, nr_restarts, from->nr_restarts);
	PUT_TEXT(arena, to, stacks_note, from->stacks_note);
	return to;
}
