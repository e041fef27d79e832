// SPDX-License-Identifier: Apache-2.0
#include "core/vpa_apply.h"

static bool is_set(int64_t amount)
{
	return amount > 0; /* 0 is as good as not set everywhere in this file */
}

/* a * b / c, rounded down or up, at most what 63 bits hold. */
static int64_t proportion(int64_t a, int64_t b, int64_t c, bool round_up)
{
	__int128 x = ((__int128)a * b + (round_up ? c - 1 : 0)) / c;

	return x > INT64_MAX ? INT64_MAX : (int64_t)x;
}

int64_t pf_vpa_proportional_limit(int64_t limit, int64_t request, int64_t recommendation,
				  int64_t default_limit)
{
	if (!is_set(limit))
		limit = default_limit;
	if (!is_set(limit) || !is_set(recommendation))
		return PF_VPA_ABSENT;
	if (!is_set(request) || request == limit)
		return recommendation;
	return proportion(limit, recommendation, request, false);
}

/* ---- pod LimitRange ---- */

/* The target, lower or upper amounts of container i. */
static struct pf_vpa_amounts *part_of(struct pf_vpa_pod_container *c, size_t part)
{
	struct pf_vpa_recommendation *rec = &c->recommendation;

	return part == 0 ? &rec->upper : part == 1 ? &rec->target : &rec->lower;
}

static void scale_all(struct pf_vpa_pod_container *cs, size_t nr, size_t part, int r, int64_t to,
		      int64_t from, bool round_up)
{
	for (size_t i = 0; i < nr; i++) {
		int64_t *amount = &part_of(&cs[i], part)->of[r];

		if (cs[i].has_recommendation && *amount != PF_VPA_ABSENT)
			*amount = proportion(*amount, to, from, round_up);
	}
}

static void cap_to_pod_range(struct pf_vpa_pod_container *cs, size_t nr,
			     const struct pf_vpa_limit_range *range, size_t part, int r)
{
	int64_t min = PF_MAX(range->min.of[r], 0), max = range->max.of[r];
	int64_t limits = 0, recommendations = 0;

	for (size_t i = 0; i < nr; i++) {
		int64_t request = PF_MAX(cs[i].request.of[r], 0);
		int64_t wanted = cs[i].has_recommendation ? part_of(&cs[i], part)->of[r] : request;
		int64_t limit = pf_vpa_proportional_limit(cs[i].limit.of[r], request, wanted,
							  range->default_limit.of[r]);

		limits += PF_MAX(limit, 0);
		recommendations += PF_MAX(wanted, 0);
	}
	if (limits == 0)
		return;
	if (min > recommendations && recommendations > 0)
		scale_all(cs, nr, part, r, min, recommendations, r == PF_VPA_CPU);
	else if (is_set(max) && limits > max)
		scale_all(cs, nr, part, r, max, limits, false);
	else if (min > limits)
		scale_all(cs, nr, part, r, min, limits, false);
}

/* ---- container LimitRange ---- */

/* The request at which the limit, in proportion, reaches @boundary; absent: no such bound. */
static int64_t boundary_request(const struct pf_vpa_pod_container *c, int r, int64_t boundary,
				int64_t default_limit)
{
	int64_t limit = is_set(c->limit.of[r]) ? c->limit.of[r] : default_limit;

	if (!is_set(boundary) || !is_set(limit))
		return PF_VPA_ABSENT;
	if (!is_set(c->request.of[r]))
		return boundary;
	return proportion(c->request.of[r], boundary, limit, false);
}

static void cap_to_container_range(const struct pf_vpa_pod_container *c,
				   const struct pf_vpa_limit_range *range,
				   struct pf_vpa_amounts *amounts)
{
	for (int r = 0; r < PF_VPA_NR_RESOURCES; r++) {
		int64_t max = boundary_request(c, r, range->max.of[r], range->default_limit.of[r]);
		int64_t min =
			PF_MAX(boundary_request(c, r, range->min.of[r], range->default_limit.of[r]),
			       range->min.of[r]);

		if (amounts->of[r] == PF_VPA_ABSENT)
			continue;
		if (is_set(min))
			amounts->of[r] = PF_MAX(amounts->of[r], min);
		if (is_set(max))
			amounts->of[r] = PF_MIN(amounts->of[r], max);
	}
}

/* ---- policy ---- */

static void cap_to_policy(const struct pf_vpa_pod_container *c,
			  const struct pf_vpa_container_policy *policy,
			  struct pf_vpa_amounts *amounts)
{
	for (int r = 0; policy && r < PF_VPA_NR_RESOURCES; r++) {
		if (amounts->of[r] == PF_VPA_ABSENT)
			continue;
		if (is_set(policy->min_allowed.of[r]))
			amounts->of[r] = PF_MAX(amounts->of[r], policy->min_allowed.of[r]);
		if (is_set(policy->max_allowed.of[r]))
			amounts->of[r] = PF_MIN(amounts->of[r], policy->max_allowed.of[r]);
		if (policy->requests_only && is_set(c->limit.of[r]))
			amounts->of[r] = PF_MIN(amounts->of[r], c->limit.of[r]);
	}
}

void pf_vpa_cap(struct pf_vpa_pod_container *cs, size_t nr,
		const struct pf_vpa_container_policy *policies, size_t nr_policies,
		const struct pf_vpa_limit_range *container_range,
		const struct pf_vpa_limit_range *pod_range)
{
	enum { NR_PARTS = 3 };

	for (size_t part = 0; pod_range && part < NR_PARTS; part++)
		for (int r = 0; r < PF_VPA_NR_RESOURCES; r++)
			cap_to_pod_range(cs, nr, pod_range, part, r);

	for (size_t i = 0; i < nr; i++) {
		const struct pf_vpa_container_policy *policy =
			pf_vpa_policy_of(policies, nr_policies, cs[i].name);

		for (size_t part = 0; cs[i].has_recommendation && part < NR_PARTS; part++) {
			if (container_range)
				cap_to_container_range(&cs[i], container_range,
						       part_of(&cs[i], part));
			cap_to_policy(&cs[i], policy, part_of(&cs[i], part));
		}
	}
}

void pf_vpa_pod_resources(const struct pf_vpa_pod_container *c,
			  const struct pf_vpa_container_policy *policy,
			  const struct pf_vpa_limit_range *container_range,
			  struct pf_vpa_amounts *ret_request, struct pf_vpa_amounts *ret_limit)
{
	*ret_request = c->has_recommendation ? c->recommendation.target : PF_VPA_NO_AMOUNTS;
	*ret_limit = PF_VPA_NO_AMOUNTS;
	for (int r = 0; r < PF_VPA_NR_RESOURCES; r++) {
		if (policy && policy->requests_only)
			break;
		ret_limit->of[r] = pf_vpa_proportional_limit(
			c->limit.of[r], c->request.of[r], ret_request->of[r],
			container_range ? container_range->default_limit.of[r] : PF_VPA_ABSENT);
	}
}
