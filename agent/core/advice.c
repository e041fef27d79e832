// SPDX-License-Identifier: Apache-2.0
#include "core/advice.h"

#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/units.h"

static const char *const verdicts[PF_NR_VERDICTS] = {
	[PF_VERDICT_NONE] = "VERDICT_NONE",
	[PF_VERDICT_CPU_THROTTLED] = "CPU_THROTTLED",
	[PF_VERDICT_CPU_OVER_PROVISIONED] = "CPU_OVER_PROVISIONED",
	[PF_VERDICT_CPU_UNDER_PROVISIONED] = "CPU_UNDER_PROVISIONED",
	[PF_VERDICT_NOISY_NEIGHBOUR] = "NOISY_NEIGHBOUR",
	[PF_VERDICT_MEMORY_OVER_PROVISIONED] = "MEMORY_OVER_PROVISIONED",
	[PF_VERDICT_MEMORY_OOM_RISK] = "MEMORY_OOM_RISK",
	[PF_VERDICT_MEMORY_LEAK] = "MEMORY_LEAK",
	[PF_VERDICT_NO_REQUEST] = "NO_REQUEST",
	[PF_VERDICT_NO_LIMIT] = "NO_LIMIT",
	[PF_VERDICT_SHORT_HISTORY] = "SHORT_HISTORY",
	[PF_VERDICT_HPA_ON_SAME_METRIC] = "HPA_ON_SAME_METRIC",
	[PF_VERDICT_THREADS_EXCEED_QUOTA] = "THREADS_EXCEED_QUOTA",
	[PF_VERDICT_MEMORY_UNDER_PROVISIONED] = "MEMORY_UNDER_PROVISIONED",
	[PF_VERDICT_OOM_KILLED] = "OOM_KILLED",
	[PF_VERDICT_UNEVEN_REPLICAS] = "UNEVEN_REPLICAS",
	[PF_VERDICT_HEAP_EXCEEDS_LIMIT] = "HEAP_EXCEEDS_LIMIT",
	[PF_VERDICT_IO_STALLED] = "IO_STALLED",
	[PF_VERDICT_MEMORY_PRESSURE] = "MEMORY_PRESSURE",
	[PF_VERDICT_IDLE] = "IDLE",
};

static const char *const actions[PF_NR_ACTIONS] = {
	[PF_ACTION_NONE] = "ACTION_NONE",
	[PF_ACTION_INCREASE_REQUESTS] = "INCREASE_REQUESTS",
	[PF_ACTION_DECREASE_REQUESTS] = "DECREASE_REQUESTS",
	[PF_ACTION_INCREASE_LIMITS] = "INCREASE_LIMITS",
	[PF_ACTION_DECREASE_LIMITS] = "DECREASE_LIMITS",
	[PF_ACTION_FIX_LEAK] = "FIX_LEAK",
	[PF_ACTION_SET_REQUESTS] = "SET_REQUESTS",
	[PF_ACTION_SET_LIMITS] = "SET_LIMITS",
	[PF_ACTION_REMOVE_LIMITS] = "REMOVE_LIMITS",
	[PF_ACTION_TUNE_RUNTIME] = "TUNE_RUNTIME",
};

static const char *const severities[] = { "NONE", "NOTICE", "WARNING", "CRITICAL" };

static const char *const kinds[PF_NR_KINDS] = {
	[PF_KIND_UNKNOWN] = "unknown", [PF_KIND_ANON] = "anon",
	[PF_KIND_SHMEM] = "shmem",     [PF_KIND_SLAB] = "slab",
	[PF_KIND_SOCK] = "sock",       [PF_KIND_PAGE_TABLES] = "page tables",
	[PF_KIND_KERNEL] = "kernel",   [PF_KIND_SWAP] = "swap",
};

const char *pf_verdict_name(enum pf_verdict verdict)
{
	return verdict < PF_NR_VERDICTS ? verdicts[verdict] : verdicts[0];
}

enum pf_verdict pf_verdict_parse(const char *name)
{
	for (size_t i = 0; i < PF_NR_VERDICTS; i++)
		if (!strcmp(verdicts[i], name))
			return (enum pf_verdict)i;
	return PF_VERDICT_NONE;
}

const char *pf_action_name(enum pf_action action)
{
	return action < PF_NR_ACTIONS ? actions[action] : actions[0];
}

const char *pf_severity_name(enum pf_severity severity)
{
	return (size_t)severity < PF_ARRAY_SIZE(severities) ? severities[severity] : severities[0];
}

const char *pf_memory_kind_name(enum pf_memory_kind kind)
{
	return kind < PF_NR_KINDS ? kinds[kind] : kinds[0];
}

void pf_amounts_clear(struct pf_amounts *amounts)
{
	*amounts =
		(struct pf_amounts){ PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN };
}

void pf_recommendation_clear(struct pf_recommendation *recommendation)
{
	*recommendation = (struct pf_recommendation){
		.savings = { .money_per_month = NAN },
		.evidence = { .covered_hours = NAN,
			      .nr_windows = PF_UNKNOWN,
			      .demand_p50_millicores = NAN,
			      .demand_p90_millicores = NAN,
			      .demand_p99_millicores = NAN,
			      .demand_peak_millicores = NAN,
			      .usage_mean_millicores = NAN,
			      .throttled_ratio = NAN,
			      .throttled_ns_per_s = NAN,
			      .quota_wait_ns_per_s = NAN,
			      .contention_wait_ns_per_s = NAN,
			      .runq_p99_ns = PF_UNKNOWN,
			      .memory_peak_bytes = PF_UNKNOWN,
			      .hot_peak_bytes = PF_UNKNOWN,
			      .working_set_peak_bytes = PF_UNKNOWN,
			      .hot_mean_bytes = NAN,
			      .oom_kills = PF_UNKNOWN,
			      .oom_overshoot_bytes = PF_UNKNOWN,
			      .cpu_utilization = NAN,
			      .memory_utilization = NAN },
	};
}

void pf_leak_finding_clear(struct pf_leak_finding *finding)
{
	*finding = (struct pf_leak_finding){
		.since_unix_ns = PF_UNKNOWN,
		.first_alarm_unix_ns = PF_UNKNOWN,
		.slope_bytes_per_hour = NAN,
		.slope_low = NAN,
		.slope_high = NAN,
		.eta_unix_ns = PF_UNKNOWN,
		.eta_low_unix_ns = PF_UNKNOWN,
		.eta_high_unix_ns = PF_UNKNOWN,
		.effective_limit_bytes = PF_UNKNOWN,
		.kind_share = NAN,
		.pre_leak_bytes = PF_UNKNOWN,
		.now_bytes = PF_UNKNOWN,
		.baseline_eta_unix_ns = PF_UNKNOWN,
	};
}
