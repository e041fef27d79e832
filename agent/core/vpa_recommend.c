// SPDX-License-Identifier: Apache-2.0
#include "core/vpa_recommend.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/units.h"
#include "core/vpa_math.h"

double pf_vpa_confidence(const struct pf_vpa_aggregate *a, int64_t interval_ns)
{
	double span = (double)pf_vpa_time_diff(a->last_ns, a->first_ns) / (double)interval_ns;
	double samples = (double)a->nr_samples / ((double)interval_ns / (double)PF_NS_PER_MIN);

	return fmin(span, samples);
}

static int64_t scaled(int64_t amount, double factor)
{
	return pf_vpa_amount((double)amount * factor);
}

struct estimator {
	double percentile, margin, multiplier;
	int64_t minimum;
};

static int64_t estimate(const struct pf_vpa_hist *hist, double unit, const struct estimator *e)
{
	int64_t amount = pf_vpa_amount(pf_vpa_hist_percentile(hist, e->percentile) * unit);

	amount += scaled(amount, e->margin);
	/* Without any CPU sample the multiplier is infinite, and 0 * infinity is not a number: the
	 * minimum stands. */
	amount = scaled(amount, e->multiplier);
	return PF_MAX(amount, e->minimum);
}

void pf_vpa_estimate(const struct pf_vpa_aggregate *a, const struct pf_vpa_settings *s,
		     unsigned nr_containers, struct pf_vpa_recommendation *ret_recommendation)
{
	const struct pf_vpa_hist *hists[PF_VPA_NR_RESOURCES] = { &a->cpu, &a->memory };
	const double units[PF_VPA_NR_RESOURCES] = { 1000.0 /* cores to millicores */, 1.0 };
	const double share = 1.0 / nr_containers;
	const int64_t minimum[PF_VPA_NR_RESOURCES] = {
		scaled(pf_vpa_amount(s->min_cpu_millicores * 0.001 * 1000.0), share),
		scaled(pf_vpa_amount(s->min_memory_mib * 1024 * 1024), share),
	};

	for (int r = 0; r < PF_VPA_NR_RESOURCES; r++) {
		double confidence = pf_vpa_confidence(a, s->confidence_interval_ns[r]);
		struct estimator e = { s->target_percentile[r], s->margin, 1, minimum[r] };

		ret_recommendation->target.of[r] = estimate(hists[r], units[r], &e);
		e.percentile = s->lower_percentile[r];
		e.multiplier = pf_vpa_powi(1 + 0.001 / confidence, -2);
		ret_recommendation->lower.of[r] = estimate(hists[r], units[r], &e);
		e.percentile = s->upper_percentile[r];
		e.multiplier = 1 + 1 / confidence;
		ret_recommendation->upper.of[r] = estimate(hists[r], units[r], &e);
	}
	ret_recommendation->uncapped = ret_recommendation->target;
}

/* ---- post-processing ---- */

static int64_t rounded_up(int64_t amount, int64_t multiple)
{
	if (multiple <= 1 || amount % multiple == 0)
		return amount;
	return amount - amount % multiple + multiple;
}

static const struct unit {
	const char *suffix;
	int64_t bytes;
} units[] = { { "Ti", 1024ll * PF_GIB }, { "Gi", PF_GIB }, { "Mi", PF_MIB }, { "Ki", PF_KIB } };

static const struct unit *unit_of(int64_t bytes)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(units); i++)
		if (bytes >= units[i].bytes)
			return &units[i];
	return NULL;
}

void pf_vpa_humanize(int64_t bytes, char ret_text[PF_VPA_QUANTITY_MAX])
{
	const struct unit *unit = unit_of(bytes);

	if (unit)
		snprintf(ret_text, PF_VPA_QUANTITY_MAX, "%.2f%s",
			 (double)bytes / (double)unit->bytes, unit->suffix);
	else
		snprintf(ret_text, PF_VPA_QUANTITY_MAX, "%" PRId64, bytes);
}

int64_t pf_vpa_humanized(int64_t bytes)
{
	const struct unit *unit = unit_of(bytes);
	char text[PF_VPA_QUANTITY_MAX];
	int64_t whole, hundredths;

	if (!unit)
		return bytes;
	pf_vpa_humanize(bytes, text);
	if (sscanf(text, "%" SCNd64 ".%2" SCNd64, &whole, &hundredths) != 2)
		return bytes; /* not reached: we have just printed it */
	return (int64_t)(((__int128)(whole * 100 + hundredths) * unit->bytes + 99) / 100);
}

/* As VPA's status has it: rounded, humanised, without the resources that the policy does not
 * control. */
static void format_amounts(struct pf_vpa_amounts *amounts, const struct pf_vpa_settings *s,
			   const struct pf_vpa_container_policy *policy)
{
	int64_t *cpu = &amounts->of[PF_VPA_CPU], *memory = &amounts->of[PF_VPA_MEMORY];

	*cpu = rounded_up(*cpu, s->round_cpu_millicores);
	*memory = rounded_up(*memory, s->round_memory_bytes);
	if (s->humanize_memory)
		*memory = pf_vpa_humanized(*memory);
	for (int r = 0; r < PF_VPA_NR_RESOURCES; r++)
		if (policy && !policy->controlled[r])
			amounts->of[r] = PF_VPA_ABSENT;
}

static void bound(struct pf_vpa_amounts *amounts, const struct pf_vpa_container_policy *policy,
		  const int64_t *global_max)
{
	for (int r = 0; r < PF_VPA_NR_RESOURCES; r++) {
		int64_t min = policy ? policy->min_allowed.of[r] : PF_VPA_ABSENT;
		int64_t max = policy ? policy->max_allowed.of[r] : PF_VPA_ABSENT;

		if (amounts->of[r] == PF_VPA_ABSENT)
			continue;
		if (max == PF_VPA_ABSENT && global_max)
			max = global_max[r];
		if (min > 0)
			amounts->of[r] = PF_MAX(amounts->of[r], min);
		if (max > 0)
			amounts->of[r] = PF_MIN(amounts->of[r], max);
	}
}

const struct pf_vpa_container_policy *
pf_vpa_policy_of(const struct pf_vpa_container_policy *policies, size_t nr_policies,
		 const char *container)
{
	const struct pf_vpa_container_policy *fallback = NULL;

	for (size_t i = 0; i < nr_policies; i++) {
		if (!strcmp(policies[i].container, container))
			return &policies[i];
		if (!strcmp(policies[i].container, "*"))
			fallback = &policies[i];
	}
	return fallback;
}

void pf_vpa_recommend(const struct pf_vpa_aggregate *a, const struct pf_vpa_settings *s,
		      const struct pf_vpa_container_policy *policy, bool integer_cpu,
		      unsigned nr_containers, struct pf_vpa_recommendation *ret_recommendation)
{
	struct pf_vpa_amounts *parts[] = { &ret_recommendation->target, &ret_recommendation->lower,
					   &ret_recommendation->upper,
					   &ret_recommendation->uncapped };

	pf_vpa_estimate(a, s, nr_containers, ret_recommendation);
	for (size_t i = 0; i < PF_ARRAY_SIZE(parts); i++) {
		format_amounts(parts[i], s, policy);
		if (integer_cpu)
			parts[i]->of[PF_VPA_CPU] = rounded_up(parts[i]->of[PF_VPA_CPU], 1000);
		if (parts[i] != &ret_recommendation->uncapped)
			bound(parts[i], policy, s->global_max);
	}
}
