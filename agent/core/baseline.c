// SPDX-License-Identifier: Apache-2.0
/*
 * The owner's baseline rules: fixed thresholds on utilisation and throttling. Their verdicts are marked, and the sizes
 * that follow from them are the result "baseline".
 */
#include <inttypes.h>
#include <math.h>

#include "core/recommend_internal.h"

static void find(struct pf_work *w, enum pf_verdict verdict, enum pf_action action,
		 const char *sentence)
{
	pf_find(w, verdict, action, "%s", sentence);
	if (w->nr_findings)
		w->findings[w->nr_findings - 1].baseline = true;
}

/* The size at which use would lie in the middle of the band, in whole units; what the last bits of a mean add is none. */
static uint64_t for_band(double use, double low, double high, double unit)
{
	return pf_whole(ceil(use / ((low + high) / 2) / unit - 1e-6) * unit);
}

static void utilisation(struct pf_work *w, struct pf_amounts *cpu)
{
	const struct pf_baseline *b = &w->rules->baseline;
	uint64_t request = w->in->present.cpu_request_millicores;
	double use = w->summary.cpu_utilization;

	if (!pf_is_set(request) || isnan(use))
		return;
	cpu->target = request;
	if (use > b->cpu_high_ratio) {
		cpu->target = for_band(w->summary.usage_mean_millicores, b->cpu_band_low,
				       b->cpu_band_high, 1);
		find(w, PF_VERDICT_CPU_UNDER_PROVISIONED, PF_ACTION_INCREASE_REQUESTS,
		     use > b->cpu_critical_ratio
			     ? "High CPU utilization indicates under-provisioning (critical)"
			     : "High CPU utilization indicates under-provisioning");
	} else if (use < b->cpu_low_ratio && request > b->cpu_low_min_millicores) {
		cpu->target = for_band(w->summary.usage_mean_millicores, b->cpu_band_low,
				       b->cpu_band_high, 1);
		find(w, PF_VERDICT_CPU_OVER_PROVISIONED, PF_ACTION_DECREASE_REQUESTS,
		     "Low CPU utilization indicates over-provisioning");
	} else if (use > b->cpu_band_high) {
		find(w, PF_VERDICT_CPU_UNDER_PROVISIONED, PF_ACTION_NONE,
		     use > b->cpu_band_critical ? "CPU use is critical"
						: "CPU use is above its band");
	}
}

static void throttling(struct pf_work *w, struct pf_amounts *cpu)
{
	const struct pf_baseline *b = &w->rules->baseline;
	uint64_t limit = w->in->present.cpu_limit_millicores;

	if (!pf_is_set(limit) || !(w->summary.throttled_ratio > b->throttled_ratio))
		return;
	cpu->limit = pf_whole(ceil((double)limit * b->limit_factor));
	find(w, PF_VERDICT_CPU_THROTTLED, PF_ACTION_INCREASE_LIMITS,
	     "CPU throttling above the threshold");
}

static void memory_band(struct pf_work *w, struct pf_amounts *memory)
{
	const struct pf_baseline *b = &w->rules->baseline;
	uint64_t request = w->in->present.memory_request_bytes;
	double use = w->summary.memory_utilization;

	if (!pf_is_set(request) || isnan(use))
		return;
	memory->target = request;
	if (use > b->memory_band_high) {
		memory->target = for_band((double)w->memory.need_bytes, b->memory_band_low,
					  b->memory_band_high, (double)PF_MIB);
		find(w, PF_VERDICT_MEMORY_UNDER_PROVISIONED, PF_ACTION_INCREASE_REQUESTS,
		     use > b->memory_band_critical ? "Memory use is critical"
						   : "Memory use is above its band");
	} else if (use < b->memory_band_low) {
		memory->target = for_band((double)w->memory.need_bytes, b->memory_band_low,
					  b->memory_band_high, (double)PF_MIB);
	}
}

void pf_baseline_find(struct pf_work *w)
{
	struct pf_policy_result *result = &w->results[2];

	utilisation(w, &result->cpu);
	throttling(w, &result->cpu);
	memory_band(w, &result->memory);
	result->confidence = w->results[0].confidence;
}
