// SPDX-License-Identifier: Apache-2.0
/* Recommendations as JSON or YAML, with the protobuf's field names. */
#include <math.h>

#include "report/advice_internal.h"

static void amounts(struct pf_emit *e, const char *key, const struct pf_amounts *a)
{
	pf_emit_open(e, key, false);
	pf_emit_uint(e, "target", a->target);
	pf_emit_uint(e, "lower", a->lower);
	pf_emit_uint(e, "upper", a->upper);
	pf_emit_uint(e, "uncapped", a->uncapped);
	pf_emit_uint(e, "limit", a->limit);
	if (a->limit == PF_NO_LIMIT)
		pf_emit_bool(e, "no_limit", true);
	pf_emit_close(e);
}

static void results(struct pf_emit *e, const struct pf_recommendation *rec)
{
	pf_emit_open(e, "results", true);
	for (size_t i = 0; i < rec->nr_results; i++) {
		const struct pf_policy_result *r = &rec->results[i];

		pf_emit_open(e, NULL, false);
		pf_emit_text(e, "policy", r->policy);
		amounts(e, "cpu", &r->cpu);
		amounts(e, "memory", &r->memory);
		pf_emit_double(e, "confidence", r->confidence);
		pf_emit_double(e, "hours_more", r->hours_more);
		pf_emit_close(e);
	}
	pf_emit_close(e);
}

static void findings(struct pf_emit *e, const struct pf_recommendation *rec)
{
	pf_emit_open(e, "findings", true);
	for (size_t i = 0; i < rec->nr_findings; i++) {
		const struct pf_finding *f = &rec->findings[i];

		pf_emit_open(e, NULL, false);
		pf_emit_text(e, "verdict", pf_verdict_name(f->verdict));
		pf_emit_text(e, "action", pf_action_name(f->action));
		pf_emit_text(e, "sentence", f->sentence);
		pf_emit_bool(e, "baseline", f->baseline);
		pf_emit_close(e);
	}
	pf_emit_close(e);
}

static void curve(struct pf_emit *e, const struct pf_recommendation *rec)
{
	pf_emit_open(e, "limit_curve", true);
	for (size_t i = 0; i < rec->nr_curve; i++) {
		pf_emit_open(e, NULL, false);
		pf_emit_uint(e, "limit_millicores", rec->curve[i].limit_millicores);
		pf_emit_double(e, "throttled_ratio", rec->curve[i].throttled_ratio);
		pf_emit_double(e, "stall_ns_per_s", rec->curve[i].stall_ns_per_s);
		pf_emit_uint(e, "burst_us", rec->curve[i].burst_us);
		pf_emit_close(e);
	}
	pf_emit_close(e);
}

static void runtime(struct pf_emit *e, const struct pf_recommendation *rec)
{
	pf_emit_open(e, "runtime", true);
	for (size_t i = 0; i < rec->nr_runtime; i++) {
		pf_emit_open(e, NULL, false);
		pf_emit_text(e, "runtime", rec->runtime[i].runtime);
		pf_emit_text(e, "setting", rec->runtime[i].setting);
		pf_emit_text(e, "present", rec->runtime[i].present);
		pf_emit_text(e, "advised", rec->runtime[i].advised);
		pf_emit_text(e, "reason", rec->runtime[i].reason);
		pf_emit_close(e);
	}
	pf_emit_close(e);
}

static void savings(struct pf_emit *e, const struct pf_savings *s)
{
	if (!s->known)
		return;
	pf_emit_open(e, "savings", false);
	pf_emit_int(e, "cpu_millicores", s->cpu_millicores);
	pf_emit_int(e, "memory_bytes", s->memory_bytes);
	pf_emit_double(e, "money_per_month", s->money_per_month);
	if (isfinite(s->money_per_month))
		pf_emit_text(e, "currency", s->currency);
	pf_emit_close(e);
}

static void evidence(struct pf_emit *e, const struct pf_evidence_summary *s)
{
	pf_emit_open(e, "evidence", false);
	pf_emit_double(e, "covered_hours", s->covered_hours);
	pf_emit_uint(e, "nr_windows", s->nr_windows);
	pf_emit_double(e, "demand_p50_millicores", s->demand_p50_millicores);
	pf_emit_double(e, "demand_p90_millicores", s->demand_p90_millicores);
	pf_emit_double(e, "demand_p99_millicores", s->demand_p99_millicores);
	pf_emit_double(e, "demand_peak_millicores", s->demand_peak_millicores);
	pf_emit_double(e, "usage_mean_millicores", s->usage_mean_millicores);
	pf_emit_double(e, "throttled_ratio", s->throttled_ratio);
	pf_emit_double(e, "throttled_ns_per_s", s->throttled_ns_per_s);
	pf_emit_double(e, "quota_wait_ns_per_s", s->quota_wait_ns_per_s);
	pf_emit_double(e, "contention_wait_ns_per_s", s->contention_wait_ns_per_s);
	pf_emit_uint(e, "runq_p99_ns", s->runq_p99_ns);
	pf_emit_uint(e, "memory_peak_bytes", s->memory_peak_bytes);
	pf_emit_uint(e, "hot_peak_bytes", s->hot_peak_bytes);
	pf_emit_double(e, "hot_mean_bytes", s->hot_mean_bytes);
	pf_emit_uint(e, "working_set_peak_bytes", s->working_set_peak_bytes);
	pf_emit_uint(e, "oom_kills", s->oom_kills);
	pf_emit_uint(e, "oom_overshoot_bytes", s->oom_overshoot_bytes);
	pf_emit_uint(e, "nr_instances", s->nr_instances);
	pf_emit_double(e, "cpu_utilization", s->cpu_utilization);
	pf_emit_double(e, "memory_utilization", s->memory_utilization);
	pf_emit_close(e);
}

static void recommendation(struct pf_emit *e, const struct pf_recommendation *rec)
{
	pf_emit_open(e, "recommendation", false);
	pf_emit_text(e, "policy", rec->policy);
	results(e, rec);
	findings(e, rec);
	curve(e, rec);
	runtime(e, rec);
	savings(e, &rec->savings);
	evidence(e, &rec->evidence);
	pf_emit_text(e, "workload_class", rec->workload_class);
	pf_emit_bool(e, "starting_advice", rec->starting_advice);
	pf_emit_open(e, "steps", true);
	for (size_t i = 0; i < rec->nr_steps; i++)
		pf_emit_text(e, NULL, rec->steps[i]);
	pf_emit_close(e);
	pf_emit_close(e);
}

static void resources(struct pf_emit *e, const struct pf_resources *r)
{
	pf_emit_open(e, "spec", false);
	pf_emit_bool(e, "known", true);
	pf_emit_uint(e, "cpu_request_millicores", r->cpu_request_millicores);
	pf_emit_uint(e, "cpu_limit_millicores", r->cpu_limit_millicores);
	pf_emit_uint(e, "memory_request_bytes", r->memory_request_bytes);
	pf_emit_uint(e, "memory_limit_bytes", r->memory_limit_bytes);
	pf_emit_close(e);
}

void pf_advice_data(const struct pf_view_row *rows, size_t nr_rows, bool yaml, struct pf_buf *buf)
{
	struct pf_emit e;

	pf_emit_init(&e, buf, yaml);
	pf_emit_open(&e, NULL, false);
	pf_emit_open(&e, "recommendations", true);
	for (size_t i = 0; i < nr_rows; i++) {
		const struct pf_view_row *row = &rows[i];

		pf_emit_open(&e, NULL, false);
		pf_emit_text(&e, "cluster", row->name.cluster);
		pf_emit_text(&e, "namespace", row->name.namespace_name);
		pf_emit_text(&e, "workload_kind", pf_workload_kind_name(row->name.kind));
		pf_emit_text(&e, "workload", row->name.workload);
		pf_emit_text(&e, "container", row->name.container);
		pf_emit_uint(&e, "nr_instances", row->nr_instances);
		pf_emit_uint(&e, "nr_nodes", row->nr_nodes);
		if (row->present)
			resources(&e, row->present);
		if (row->rec)
			recommendation(&e, row->rec);
		pf_emit_close(&e);
	}
	pf_emit_close(&e);
	pf_emit_close(&e);
}
