// SPDX-License-Identifier: Apache-2.0
/* podfit's own verdicts: what stands out in the evidence, in a sentence with its figures. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "core/recommend_internal.h"

/* A request this far above or below the advice is worth a change; VPA's updater uses the same tenth. */
#define WORTH_A_CHANGE 0.10

/* Use of a memory limit from where the next rise may be the last. */
#define OOM_RISK_RATIO 0.90

/* Share of time with tasks stalled on memory or in reclaim. */
#define PRESSURE_RATIO 0.01

/* Share of time waiting for disks. */
#define IO_STALL_RATIO 0.10

/* An instance this far above the median one makes pooled numbers wrong for both. */
#define UNEVEN_FACTOR	     2.0
#define UNEVEN_MIN_INSTANCES 3

/* Below this mean a container does next to nothing. */
#define IDLE_MILLICORES 2.0

static double ratio(double a, double b)
{
	return b > 0 ? a / b : NAN;
}

static uint64_t latency_p99(const struct pf_evidence *e)
{
	float both[PF_LATENCY_BUCKETS];
	double p99;

	for (size_t i = 0; i < PF_LATENCY_BUCKETS; i++)
		both[i] = e->quota_wait[i] + e->contention_wait[i];
	p99 = pf_weighted_quantile(PF_LAYOUT_LATENCY_NS, both, 0, 0.99);
	return isnan(p99) ? PF_UNKNOWN : (uint64_t)p99;
}

static uint64_t unless_zero(uint64_t value)
{
	return value ? value : PF_UNKNOWN;
}

/* A bucket's edge may lie above all that was in it. */
static double at_most_peak(const struct pf_evidence *e, double millicores)
{
	return e->demand_peak_millicores ? fmin(millicores, (double)e->demand_peak_millicores)
					 : millicores;
}

static double demand_quantile(const struct pf_evidence *e, double q)
{
	if (e->has_windows)
		return at_most_peak(e, pf_weighted_quantile(PF_LAYOUT_MILLICORES, e->demand,
							    e->demand_idle, q));
	return pf_weighted_quantile(PF_LAYOUT_MILLICORES, e->minute_long, e->minute_long_idle, q);
}

static uint64_t count_windows(const struct pf_evidence *e)
{
	double nr = 0;

	/* Undecayed: the time covered over the length of a window. */
	if (e->has_windows && e->window_ns)
		nr = e->covered_hours * (double)PF_NS_PER_HOUR / (double)e->window_ns;
	return (uint64_t)nr;
}

static uint64_t highest_peak(const struct pf_evidence *e)
{
	uint64_t peak = 0;

	for (uint32_t i = 0; i < e->nr_hours; i++)
		peak = PF_MAX(peak, e->hours[i].peak_bytes);
	for (uint32_t i = 0; i < e->nr_days; i++)
		peak = PF_MAX(peak, e->days[i].peak_bytes);
	return peak;
}

/* Whoever counts CPU time tells whole minutes of it, and idle ones too. Where the cgroup has no CPU
 * controller there is none, which is not the same as being idle. */
static bool knows_cpu(const struct pf_evidence *e)
{
	bool any = e->sums.usage_ns > 0 || e->has_windows || e->minute_long_idle > 0;

	for (size_t i = 0; i < PF_MILLICORES_BUCKETS && !any; i++)
		any = e->minute_long[i] > 0;
	return any;
}

void pf_summarise(struct pf_work *w)
{
	const struct pf_evidence *e = w->e;
	const struct pf_evidence_sums *sums = &e->sums;
	const struct pf_resources *present = &w->in->present;
	double seconds = sums->covered_ns / (double)PF_NS_PER_S;
	struct pf_evidence_summary *s = &w->summary;

	s->covered_hours = e->covered_hours;
	s->nr_windows = count_windows(e);
	s->demand_p50_millicores = demand_quantile(e, 0.50);
	s->demand_p90_millicores = demand_quantile(e, 0.90);
	s->demand_p99_millicores = demand_quantile(e, 0.99);
	s->demand_peak_millicores =
		e->demand_peak_millicores ? (double)e->demand_peak_millicores : NAN;
	s->usage_mean_millicores =
		knows_cpu(e) ? ratio(sums->usage_ns * 1000, sums->covered_ns) : NAN;
	s->throttled_ratio = ratio(sums->nr_throttled, sums->nr_periods);
	s->throttled_ns_per_s = ratio(sums->throttled_ns, seconds);
	if (e->has_waits) {
		s->quota_wait_ns_per_s = ratio(sums->quota_wait_ns, seconds);
		s->contention_wait_ns_per_s = ratio(sums->contention_wait_ns, seconds);
		s->runq_p99_ns = latency_p99(e);
	}
	s->memory_peak_bytes = unless_zero(highest_peak(e));
	s->hot_peak_bytes = w->has_memory ? unless_zero(w->memory.need_bytes) : PF_UNKNOWN;
	s->hot_mean_bytes = e->has_kinds ? ratio(sums->hot_byte_ns, sums->covered_ns) : NAN;
	s->working_set_peak_bytes = unless_zero(e->working_set_peak_bytes);
	s->oom_kills = e->oom_kills;
	s->oom_overshoot_bytes = unless_zero(e->oom_overshoot_bytes);
	s->nr_instances = e->nr_instances;
	if (pf_is_set(present->cpu_request_millicores))
		s->cpu_utilization =
			ratio(s->usage_mean_millicores, (double)present->cpu_request_millicores);
	if (pf_is_set(present->memory_request_bytes) && w->has_memory)
		s->memory_utilization =
			ratio((double)w->memory.need_bytes, (double)present->memory_request_bytes);
}

/* ---- CPU ---- */

static void find_throttling(struct pf_work *w)
{
	const struct pf_policy_result *podfit = &w->results[0];
	const struct pf_evidence_summary *s = &w->summary;
	uint64_t present = w->in->present.cpu_limit_millicores;

	if (!(s->throttled_ratio > w->rules->class.throttling_budget_ratio))
		return;
	if (!pf_is_set(podfit->cpu.limit) || !pf_is_set(present) || !w->has_advised_point)
		pf_find(w, PF_VERDICT_CPU_THROTTLED, PF_ACTION_INCREASE_LIMITS,
			"Throttled in %.1f %% of CFS periods, %.0f ms of stall in every second.",
			100 * s->throttled_ratio, s->throttled_ns_per_s / (double)PF_NS_PER_MS);
	else if (podfit->cpu.limit > present)
		pf_find(w, PF_VERDICT_CPU_THROTTLED, PF_ACTION_INCREASE_LIMITS,
			"Throttled in %.1f %% of CFS periods at a limit of %" PRIu64
			"m, %.0f ms of stall in every second; %" PRIu64
			"m would bring it to %.1f %% and %.0f ms%s.",
			100 * s->throttled_ratio, present,
			s->throttled_ns_per_s / (double)PF_NS_PER_MS, podfit->cpu.limit,
			100 * w->advised_point.throttled_ratio,
			w->advised_point.stall_ns_per_s / (double)PF_NS_PER_MS,
			w->curve.saturated ? ", or more: it never caught up" : "");
	else
		pf_find(w, PF_VERDICT_CPU_THROTTLED, PF_ACTION_NONE,
			"It was throttled in %.1f %% of CFS periods, but at the present limit of %" PRIu64
			"m the demand seen predicts %.1f %%.",
			100 * s->throttled_ratio, present, 100 * w->present_point.throttled_ratio);
}

static void find_cpu_request(struct pf_work *w)
{
	const struct pf_amounts *cpu = &w->results[0].cpu;
	uint64_t present = w->in->present.cpu_request_millicores;

	if (!pf_is_set(cpu->target))
		return;
	if (present == PF_NO_LIMIT) {
		pf_find(w, PF_VERDICT_NO_REQUEST, PF_ACTION_SET_REQUESTS,
			"No CPU request: nothing is set aside for it on the node; it needs %" PRIu64
			"m.",
			cpu->target);
		return;
	}
	if (!pf_is_set(present))
		return;
	if ((double)present > (double)cpu->target * (1 + WORTH_A_CHANGE))
		pf_find(w, PF_VERDICT_CPU_OVER_PROVISIONED, PF_ACTION_DECREASE_REQUESTS,
			"Requests %" PRIu64 "m, uses %.0fm on average; %" PRIu64 "m is enough.",
			present, w->summary.usage_mean_millicores, cpu->target);
	else if ((double)cpu->target > (double)present * (1 + WORTH_A_CHANGE))
		pf_find(w, PF_VERDICT_CPU_UNDER_PROVISIONED, PF_ACTION_INCREASE_REQUESTS,
			"Requests %" PRIu64 "m but needs %" PRIu64
			"m to have its CPU when the node is full.",
			present, cpu->target);
}

static void find_contention(struct pf_work *w)
{
	const struct pf_evidence_sums *sums = &w->e->sums;
	double wait = w->e->has_waits ? ratio(sums->contention_wait_ns, sums->usage_ns) : NAN;
	uint64_t present = w->in->present.cpu_request_millicores;
	bool small = pf_is_set(present) && (double)present < w->summary.demand_p90_millicores;

	if (!(wait > w->rules->noisy_wait_ratio))
		return;
	pf_find(w, PF_VERDICT_NOISY_NEIGHBOUR, small ? PF_ACTION_INCREASE_REQUESTS : PF_ACTION_NONE,
		"For every second on a CPU its tasks wait %.2f s for one that others have, not for its own quota: the node is busy%s.",
		wait, small ? ", and its request is below its usual demand" : "");
}

static void find_threads(struct pf_work *w)
{
	uint64_t limit = w->in->present.cpu_limit_millicores;
	double cpus = pf_is_set(limit) ? ceil((double)limit / 1000) : NAN;

	if (!(w->summary.throttled_ratio > w->rules->class.throttling_budget_ratio) || isnan(cpus))
		return;
	/* More CPUs at once than the quota pays for: only then are threads the cause. */
	if (w->e->max_threads >= 2 * cpus && w->summary.demand_peak_millicores > 1000 * cpus)
		pf_find(w, PF_VERDICT_THREADS_EXCEED_QUOTA, PF_ACTION_TUNE_RUNTIME,
			"Up to %" PRIu64
			" tasks, at times %.1f CPUs at once, share a quota of %" PRIu64
			"m: they use it up early in a period and wait together.",
			w->e->max_threads, w->summary.demand_peak_millicores / 1000, limit);
}

/* ---- memory ---- */

static void find_leak(struct pf_work *w)
{
	const struct pf_leak_finding *leak = w->in->leak;

	if (!w->leaking)
		return;
	pf_find(w, PF_VERDICT_MEMORY_LEAK, PF_ACTION_FIX_LEAK,
		"Memory grows by %s an hour and is not given back%s.",
		pf_text_bytes(w->arena, leak->slope_bytes_per_hour),
		pf_is_set(leak->eta_unix_ns) ? "; a larger limit only buys time" : "");
}

static void find_memory_request(struct pf_work *w)
{
	const struct pf_amounts *memory = &w->results[0].memory;
	uint64_t present = w->in->present.memory_request_bytes;

	if (!pf_is_set(memory->target))
		return;
	if (present == PF_NO_LIMIT) {
		pf_find(w, PF_VERDICT_NO_REQUEST, PF_ACTION_SET_REQUESTS,
			"No memory request: among the first to be evicted; it needs %s.",
			pf_text_bytes(w->arena, (double)memory->target));
		return;
	}
	if (!pf_is_set(present) || w->leaking || w->suspected)
		return;
	if ((double)present > (double)memory->target * (1 + WORTH_A_CHANGE))
		pf_find(w, PF_VERDICT_MEMORY_OVER_PROVISIONED, PF_ACTION_DECREASE_REQUESTS,
			"Requests %s, never needed more than %s; %s is enough.",
			pf_text_bytes(w->arena, (double)present),
			pf_text_bytes(w->arena, (double)w->memory.need_bytes),
			pf_text_bytes(w->arena, (double)memory->target));
	else if ((double)memory->target > (double)present * (1 + WORTH_A_CHANGE / 2))
		pf_find(w, PF_VERDICT_MEMORY_UNDER_PROVISIONED, PF_ACTION_INCREASE_REQUESTS,
			"Requests %s but needs %s.", pf_text_bytes(w->arena, (double)present),
			pf_text_bytes(w->arena, (double)memory->target));
}

/* More memory is no answer to a leak, and not yet one to what may be a leak. */
static enum pf_action action_of_shortage(const struct pf_work *w)
{
	return w->leaking     ? PF_ACTION_FIX_LEAK
	       : w->suspected ? PF_ACTION_NONE
			      : PF_ACTION_INCREASE_LIMITS;
}

static void find_oom(struct pf_work *w)
{
	uint64_t limit = w->in->present.memory_limit_bytes;
	double used =
		pf_is_set(limit) && limit ? (double)w->memory.need_bytes / (double)limit : NAN;
	uint64_t advised = w->results[0].memory.limit;
	bool is_raised = pf_is_set(advised) && pf_is_set(limit) && limit >= advised;

	if (w->e->oom_kills)
		pf_find(w, PF_VERDICT_OOM_KILLED,
			is_raised ? PF_ACTION_NONE : action_of_shortage(w),
			"Killed for memory %" PRIu64 " time%s; at least %s more was wanted%s.",
			w->e->oom_kills, w->e->oom_kills == 1 ? "" : "s",
			pf_text_bytes(w->arena, (double)w->e->oom_overshoot_bytes),
			is_raised ? ", which the present limit gives" : "");
	else if (used > OOM_RISK_RATIO)
		pf_find(w, PF_VERDICT_MEMORY_OOM_RISK, action_of_shortage(w),
			"Memory that cannot be dropped reached %.0f %% of the limit of %s.",
			100 * used, pf_text_bytes(w->arena, (double)limit));
	if (limit == PF_NO_LIMIT && pf_is_set(w->results[0].memory.limit))
		pf_find(w, PF_VERDICT_NO_LIMIT, PF_ACTION_SET_LIMITS,
			"No memory limit: a leak here takes the node down; %s leaves room.",
			pf_text_bytes(w->arena, (double)w->results[0].memory.limit));
}

static void find_pressure(struct pf_work *w)
{
	const struct pf_evidence_sums *sums = &w->e->sums;
	double stalled = ratio(fmax(sums->reclaim_ns, sums->memory_some_ns), sums->covered_ns);
	double io = ratio(sums->block_io_ns, sums->covered_ns);

	if (stalled > PRESSURE_RATIO)
		pf_find(w, PF_VERDICT_MEMORY_PRESSURE, PF_ACTION_INCREASE_LIMITS,
			"%.1f %% of the time tasks stood still to get memory back from its own page cache or others.",
			100 * stalled);
	if (io > IO_STALL_RATIO)
		pf_find(w, PF_VERDICT_IO_STALLED, PF_ACTION_NONE,
			"%.0f ms of every second are spent waiting for disks: more CPU or memory will not help with that.",
			1000 * io);
}

static void find_heap(struct pf_work *w)
{
	uint64_t heap = pf_runtime_heap_bytes(w->in->runtime, w->in->command_line);
	uint64_t limit = w->in->present.memory_limit_bytes;

	if (!pf_is_set(heap) || !pf_is_set(limit) || !limit ||
	    (double)heap <= OOM_RISK_RATIO * (double)limit)
		return;
	pf_find(w, PF_VERDICT_HEAP_EXCEEDS_LIMIT, PF_ACTION_TUNE_RUNTIME,
		"The command line lets the heap grow to %s, the limit is %s: it will be killed before it collects.",
		pf_text_bytes(w->arena, (double)heap), pf_text_bytes(w->arena, (double)limit));
}

/* ---- the rest ---- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void find_uneven(struct pf_work *w)
{
	double means[PF_EVIDENCE_INSTANCES_MAX], median;
	size_t nr = 0;

	for (uint32_t i = 0; i < w->e->nr_instances; i++)
		if (w->e->instances[i].covered_ns > 0)
			means[nr++] =
				w->e->instances[i].usage_ns * 1000 / w->e->instances[i].covered_ns;
	if (nr < UNEVEN_MIN_INSTANCES)
		return;
	qsort(means, nr, sizeof(means[0]), by_value);
	median = means[nr / 2];
	if (means[nr - 1] > UNEVEN_FACTOR * median && means[nr - 1] > 10 * IDLE_MILLICORES)
		pf_find(w, PF_VERDICT_UNEVEN_REPLICAS, PF_ACTION_NONE,
			"One of %zu instances uses %.0fm, the median one %.0fm: one size cannot fit both, look at how load is spread.",
			nr, means[nr - 1], median);
}

static void find_history(struct pf_work *w)
{
	const struct pf_policy_result *podfit = &w->results[0];

	if (!isnan(podfit->hours_more))
		pf_find(w, PF_VERDICT_SHORT_HISTORY, PF_ACTION_NONE,
			"Only %.1f h of history: at least %.1f h more before this is to be trusted.",
			w->history_hours, podfit->hours_more);
	else if (w->summary.usage_mean_millicores < IDLE_MILLICORES &&
		 !(w->summary.demand_p99_millicores > 10 * IDLE_MILLICORES))
		pf_find(w, PF_VERDICT_IDLE, PF_ACTION_DECREASE_REQUESTS,
			"It did next to nothing in %.0f h: is it still needed?", w->history_hours);
}

static void find_hpa(struct pf_work *w)
{
	if (w->in->hpa_on_cpu || w->in->hpa_on_memory)
		pf_find(w, PF_VERDICT_HPA_ON_SAME_METRIC, PF_ACTION_NONE,
			"A HorizontalPodAutoscaler scales it on %s relative to the request: a new request moves its trigger, so "
			"change its target with it.",
			w->in->hpa_on_cpu ? (w->in->hpa_on_memory ? "CPU and memory" : "CPU")
					  : "memory");
}

void pf_find_all(struct pf_work *w)
{
	find_leak(w);
	find_oom(w);
	find_throttling(w);
	find_threads(w);
	find_contention(w);
	find_cpu_request(w);
	find_memory_request(w);
	find_pressure(w);
	find_heap(w);
	find_uneven(w);
	find_hpa(w);
	find_history(w);
}
