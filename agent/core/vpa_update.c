// SPDX-License-Identifier: Apache-2.0
#include "core/vpa_update.h"

#include <math.h>

#include "core/units.h"

void pf_vpa_update_settings_default(struct pf_vpa_update_settings *ret_settings)
{
	*ret_settings = (struct pf_vpa_update_settings){
		.min_change = 0.1,
		.lifetime_ns = 12 * (int64_t)PF_NS_PER_HOUR,
		.evict_after_oom_ns = 10 * (int64_t)PF_NS_PER_MIN,
	};
}

/* VPA sums in thousandths of the unit: millicores stay, bytes count a thousand. */
static double thousandths(int64_t amount, int r)
{
	return r == PF_VPA_CPU ? (double)amount : (double)amount * 1000;
}

struct sums {
	bool known; /* some container has a target of this resource */
	double requests, targets;
};

static void look_at(const struct pf_vpa_pod_container *c, int r, struct sums *sums,
		    struct pf_vpa_update_decision *d)
{
	int64_t request = c->request.of[r], target = c->recommendation.target.of[r];

	if (target == PF_VPA_ABSENT)
		return;
	sums->known = true;
	sums->targets += thousandths(target, r);
	if (request == PF_VPA_ABSENT) {
		d->scale_up = true;
		d->outside_range = true;
		return;
	}
	sums->requests += thousandths(request, r);
	if (target > request)
		d->scale_up = true;
	if (c->recommendation.lower.of[r] != PF_VPA_ABSENT &&
	    request < c->recommendation.lower.of[r])
		d->outside_range = true;
	if (c->recommendation.upper.of[r] != PF_VPA_ABSENT &&
	    request > c->recommendation.upper.of[r])
		d->outside_range = true;
}

void pf_vpa_decide_update(const struct pf_vpa_pod_container *cs, size_t nr,
			  const struct pf_vpa_container_policy *policies, size_t nr_policies,
			  int64_t age_ns, const int64_t *oom_after_ns,
			  const struct pf_vpa_update_settings *s,
			  struct pf_vpa_update_decision *ret_decision)
{
	struct pf_vpa_update_decision d = { 0 };
	bool quick_oom = false;

	for (int r = 0; r < PF_VPA_NR_RESOURCES; r++) {
		struct sums sums = { 0 };

		for (size_t i = 0; i < nr; i++)
			if (cs[i].has_recommendation)
				look_at(&cs[i], r, &sums, &d);
		if (sums.known)
			d.resource_diff += fabs(fmax(sums.requests, 1) - sums.targets) /
					   fmax(sums.requests, 1);
	}
	for (size_t i = 0; oom_after_ns && i < nr; i++) {
		const struct pf_vpa_container_policy *policy =
			pf_vpa_policy_of(policies, nr_policies, cs[i].name);

		if (oom_after_ns[i] >= 0 && oom_after_ns[i] < s->evict_after_oom_ns &&
		    !(policy && policy->off))
			quick_oom = true;
	}
	d.update = d.outside_range || quick_oom ||
		   (age_ns >= s->lifetime_ns && d.resource_diff >= s->min_change);
	if (quick_oom && d.resource_diff == 0) /* the same size would be killed again */
		d.update = false;
	*ret_decision = d;
}
