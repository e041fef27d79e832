// SPDX-License-Identifier: Apache-2.0
/*
 * How a recommendation came about, for someone who never saw podfit: what is set, what every policy says, the steps,
 * the evidence, what stands out.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "report/advice_internal.h"

static void heading(struct pf_buf *buf, const char *text)
{
	pf_buf_addf(buf, "\n%s\n", text);
}

static void title(struct pf_buf *buf, const struct pf_view_row *row)
{
	pf_advice_clean(buf, pf_workload_kind_name(row->name.kind));
	pf_buf_adds(buf, " ");
	if (row->name.namespace_name[0]) {
		pf_advice_clean(buf, row->name.namespace_name);
		pf_buf_adds(buf, "/");
	}
	pf_advice_clean(buf, row->name.workload);
	pf_buf_adds(buf, ", container ");
	pf_advice_clean(buf, row->name.container);
	if (row->name.cluster[0]) {
		pf_buf_adds(buf, ", cluster ");
		pf_advice_clean(buf, row->name.cluster);
	}
	pf_buf_adds(buf, "\n");
}

static const char *amount(enum pf_quantity quantity, uint64_t value, struct pf_human *room)
{
	if (value == PF_UNKNOWN)
		return "-";
	*room = quantity == PF_QUANTITY_MILLICORES ? pf_human_cpu(value) : pf_human_bytes(value);
	return room->text;
}

static void line(struct pf_buf *buf, const char *name, const char *const cells[4])
{
	pf_buf_addf(buf, "  %-16s %-14s %-14s %-14s %s\n", name, cells[0], cells[1], cells[2],
		    cells[3]);
}

/* One quantity: the present value, then each policy's. */
static void compare_line(struct pf_buf *buf, const char *name, enum pf_quantity quantity,
			 uint64_t present, const struct pf_policy_result *const r[3],
			 uint64_t (*field)(const struct pf_policy_result *))
{
	struct pf_human room[4];
	const char *cells[4] = { amount(quantity, present, &room[0]) };

	for (size_t i = 0; i < 3; i++)
		cells[i + 1] = amount(quantity, r[i] ? field(r[i]) : PF_UNKNOWN, &room[i + 1]);
	line(buf, name, cells);
}

static uint64_t cpu_target(const struct pf_policy_result *r)
{
	return r->cpu.target;
}
static uint64_t cpu_limit(const struct pf_policy_result *r)
{
	return r->cpu.limit;
}
static uint64_t cpu_lower(const struct pf_policy_result *r)
{
	return r->cpu.lower;
}
static uint64_t cpu_upper(const struct pf_policy_result *r)
{
	return r->cpu.upper;
}
static uint64_t memory_target(const struct pf_policy_result *r)
{
	return r->memory.target;
}
static uint64_t memory_limit(const struct pf_policy_result *r)
{
	return r->memory.limit;
}
static uint64_t memory_lower(const struct pf_policy_result *r)
{
	return r->memory.lower;
}
static uint64_t memory_upper(const struct pf_policy_result *r)
{
	return r->memory.upper;
}

static void compare(struct pf_buf *buf, const struct pf_view_row *row)
{
	static const struct pf_resources unknown = { PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN,
						     PF_UNKNOWN };
	static const char *const titles[4] = { "NOW", "PODFIT", "VPA", "BASELINE" };
	const struct pf_resources *p = row->present ? row->present : &unknown;
	const struct pf_policy_result *r[3] = { pf_view_result_of(row->rec, "podfit"),
						pf_view_result_of(row->rec, "vpa"),
						pf_view_result_of(row->rec, "baseline") };

	pf_buf_adds(buf, "\nSizes (policy in force: ");
	pf_advice_clean(buf, row->rec->policy ? row->rec->policy : "podfit");
	pf_buf_adds(buf, ")\n");
	line(buf, "", titles);
	compare_line(buf, "CPU request", PF_QUANTITY_MILLICORES, p->cpu_request_millicores, r,
		     cpu_target);
	compare_line(buf, "  lower bound", PF_QUANTITY_MILLICORES, PF_UNKNOWN, r, cpu_lower);
	compare_line(buf, "  upper bound", PF_QUANTITY_MILLICORES, PF_UNKNOWN, r, cpu_upper);
	compare_line(buf, "CPU limit", PF_QUANTITY_MILLICORES, p->cpu_limit_millicores, r,
		     cpu_limit);
	compare_line(buf, "memory request", PF_QUANTITY_BYTES, p->memory_request_bytes, r,
		     memory_target);
	compare_line(buf, "  lower bound", PF_QUANTITY_BYTES, PF_UNKNOWN, r, memory_lower);
	compare_line(buf, "  upper bound", PF_QUANTITY_BYTES, PF_UNKNOWN, r, memory_upper);
	compare_line(buf, "memory limit", PF_QUANTITY_BYTES, p->memory_limit_bytes, r,
		     memory_limit);
	pf_buf_adds(
		buf,
		"  podfit: from in-kernel evidence. VPA: what the Kubernetes recommender would say of the same minutes.\n"
		"  Baseline: fixed thresholds. A dash leaves the value as it is.\n"
		"  A request between its bounds need not be changed.\n");
}

/* The number as it is read, or "not known". */
static void fact(struct pf_buf *buf, const char *name, enum pf_quantity quantity, double value)
{
	if (!isnan(value))
		pf_buf_addf(buf, "  %-48s %s\n", name, pf_human(quantity, value).text);
}

static double number(uint64_t value)
{
	return value == PF_UNKNOWN ? NAN : (double)value;
}

static void evidence(struct pf_buf *buf, const struct pf_evidence_summary *s)
{
	heading(buf, "Evidence (recent samples count more: half after two days)");
	if (!isnan(s->covered_hours))
		pf_buf_addf(buf, "  %-48s %s in %u instance%s\n", "measured",
			    pf_human_ns((uint64_t)(s->covered_hours * (double)PF_NS_PER_HOUR)).text,
			    s->nr_instances, s->nr_instances == 1 ? "" : "s");
	fact(buf, "CPU used on average", PF_QUANTITY_MILLICORES, s->usage_mean_millicores);
	fact(buf, "CPU wanted in 100 ms: half of the windows below", PF_QUANTITY_MILLICORES,
	     s->demand_p50_millicores);
	fact(buf, "  90 % of the windows below", PF_QUANTITY_MILLICORES, s->demand_p90_millicores);
	fact(buf, "  99 % of the windows below", PF_QUANTITY_MILLICORES, s->demand_p99_millicores);
	fact(buf, "  highest window", PF_QUANTITY_MILLICORES, s->demand_peak_millicores);
	fact(buf, "CFS periods throttled", PF_QUANTITY_RATIO, s->throttled_ratio);
	fact(buf, "  stalled by it", PF_QUANTITY_NS_PER_S, s->throttled_ns_per_s);
	fact(buf, "waiting for a CPU because of its own quota", PF_QUANTITY_NS_PER_S,
	     s->quota_wait_ns_per_s);
	fact(buf, "waiting for a CPU because others had it", PF_QUANTITY_NS_PER_S,
	     s->contention_wait_ns_per_s);
	fact(buf, "wait for a CPU: 99 % shorter than", PF_QUANTITY_NS, number(s->runq_p99_ns));
	fact(buf, "memory that could not be dropped, highest", PF_QUANTITY_BYTES,
	     number(s->hot_peak_bytes));
	fact(buf, "  on average", PF_QUANTITY_BYTES, s->hot_mean_bytes);
	fact(buf, "memory charged, page cache included, highest", PF_QUANTITY_BYTES,
	     number(s->memory_peak_bytes));
	fact(buf, "working set (what VPA sees), highest", PF_QUANTITY_BYTES,
	     number(s->working_set_peak_bytes));
	fact(buf, "OOM kills", PF_QUANTITY_COUNT, number(s->oom_kills));
	fact(buf, "  wanted beyond the limit, at least", PF_QUANTITY_BYTES,
	     number(s->oom_overshoot_bytes));
	fact(buf, "CPU use / request", PF_QUANTITY_RATIO, s->cpu_utilization);
	fact(buf, "memory need / request", PF_QUANTITY_RATIO, s->memory_utilization);
}

static void findings(struct pf_buf *buf, const struct pf_recommendation *rec)
{
	if (!rec->nr_findings)
		return;
	heading(buf, "Findings");
	for (size_t i = 0; i < rec->nr_findings; i++) {
		const struct pf_finding *f = &rec->findings[i];

		pf_buf_addf(buf, "  %s%s", pf_verdict_name(f->verdict),
			    f->baseline ? " (baseline rule)" : "");
		if (f->action != PF_ACTION_NONE)
			pf_buf_addf(buf, " -> %s", pf_action_name(f->action));
		pf_buf_adds(buf, "\n      ");
		pf_advice_clean(buf, f->sentence ? f->sentence : "");
		pf_buf_adds(buf, "\n");
	}
}

static void steps(struct pf_buf *buf, const struct pf_recommendation *rec)
{
	if (!rec->nr_steps)
		return;
	heading(buf, "How podfit's numbers came about");
	for (size_t i = 0; i < rec->nr_steps; i++) {
		pf_buf_addf(buf, "  %zu. ", i + 1);
		pf_advice_clean(buf, rec->steps[i]);
		pf_buf_adds(buf, "\n");
	}
}

static void curve(struct pf_buf *buf, const struct pf_view_row *row)
{
	const struct pf_policy_result *podfit = pf_view_result_of(row->rec, "podfit");

	if (!row->rec->nr_curve)
		return;
	heading(buf, "Limit curve: what each CPU limit would do");
	pf_buf_adds(buf, "  LIMIT          THROTTLED PERIODS  STALLED\n");
	for (size_t i = 0; i < row->rec->nr_curve; i++) {
		const struct pf_curve_point *c = &row->rec->curve[i];
		const char *mark = "";

		if (row->present && c->limit_millicores == row->present->cpu_limit_millicores &&
		    c->burst_us == PF_UNKNOWN)
			mark = "  <- now";
		else if (podfit && c->limit_millicores == podfit->cpu.limit &&
			 c->burst_us == PF_UNKNOWN)
			mark = "  <- advised";
		pf_buf_addf(buf, "  %-14s %-18s %s", pf_human_cpu(c->limit_millicores).text,
			    pf_human(PF_QUANTITY_RATIO, c->throttled_ratio).text,
			    pf_human(PF_QUANTITY_NS_PER_S, c->stall_ns_per_s).text);
		if (c->burst_us != PF_UNKNOWN)
			pf_buf_addf(buf, "  with a CFS burst of %s",
				    pf_human_ns(c->burst_us * PF_NS_PER_US).text);
		pf_buf_addf(buf, "%s\n", mark);
	}
}

static void runtime(struct pf_buf *buf, const struct pf_recommendation *rec)
{
	if (!rec->nr_runtime)
		return;
	heading(buf, "Runtime settings");
	for (size_t i = 0; i < rec->nr_runtime; i++) {
		const struct pf_runtime_advice *a = &rec->runtime[i];

		pf_buf_adds(buf, "  ");
		pf_advice_clean(buf, a->runtime);
		pf_buf_adds(buf, " ");
		pf_advice_clean(buf, a->setting);
		pf_buf_adds(buf, ": ");
		pf_advice_clean(buf, a->advised);
		pf_buf_adds(buf, " (now: ");
		pf_advice_clean(buf, a->present && a->present[0] ? a->present : "not set");
		pf_buf_adds(buf, ")\n      ");
		pf_advice_clean(buf, a->reason);
		pf_buf_adds(buf, "\n");
	}
}

static void confidence(struct pf_buf *buf, const struct pf_recommendation *rec)
{
	const struct pf_policy_result *r = pf_view_result_of(rec, "podfit");

	if (rec->starting_advice) {
		pf_buf_adds(buf, "\nStarting size of class ");
		pf_advice_clean(buf, rec->workload_class ? rec->workload_class : "general");
		pf_buf_adds(buf, ": nothing was measured yet.\n");
	} else if (rec->workload_class) {
		pf_buf_adds(buf, "\nWorkload class: ");
		pf_advice_clean(buf, rec->workload_class);
		pf_buf_adds(buf, "\n");
	}
	if (r && !isnan(r->hours_more))
		pf_buf_addf(buf, "Confidence: low until there are %.1f h more of history.\n",
			    r->hours_more);
}

static void savings(struct pf_buf *buf, const struct pf_savings *s)
{
	if (!s->known)
		return;
	heading(buf, "Change in requests, all replicas");
	pf_buf_addf(buf, "  CPU %s, memory %s\n",
		    pf_human_change(PF_QUANTITY_MILLICORES, -(double)s->cpu_millicores).text,
		    pf_human_change(PF_QUANTITY_BYTES, -(double)s->memory_bytes).text);
	if (isnan(s->money_per_month))
		return;
	pf_buf_adds(buf, "  saves ");
	pf_advice_clean(buf, pf_human_money(s->money_per_month, s->currency).text);
	pf_buf_adds(buf, " a month\n");
}

static void leak(struct pf_buf *buf, const struct pf_leak_finding *l)
{
	if (!l || l->state == PF_LEAK_NONE)
		return;
	heading(buf, l->state == PF_LEAK_ALARM ? "Memory leak" : "Memory under suspicion");
	fact(buf, "grows by", PF_QUANTITY_BYTES_PER_HOUR, l->slope_bytes_per_hour);
	fact(buf, "  at least", PF_QUANTITY_BYTES_PER_HOUR, l->slope_low);
	fact(buf, "  at most", PF_QUANTITY_BYTES_PER_HOUR, l->slope_high);
	fact(buf, "size before it", PF_QUANTITY_BYTES, number(l->pre_leak_bytes));
	fact(buf, "size now", PF_QUANTITY_BYTES, number(l->now_bytes));
	if (pf_is_set(l->eta_unix_ns))
		pf_buf_addf(buf, "  %-48s %s\n", "limit reached",
			    pf_human_time(l->eta_unix_ns).text);
}

int pf_advice_explain(const struct pf_view_row *row, struct pf_buf *buf)
{
	title(buf, row);
	if (!row->rec) {
		pf_buf_adds(buf, "\nNo recommendation yet: nothing was measured.\n");
		return buf->err;
	}
	compare(buf, row);
	confidence(buf, row->rec);
	findings(buf, row->rec);
	steps(buf, row->rec);
	curve(buf, row);
	runtime(buf, row->rec);
	leak(buf, row->leak);
	evidence(buf, &row->rec->evidence);
	savings(buf, &row->rec->savings);
	return buf->err;
}
