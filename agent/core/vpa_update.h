/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vpa_update.h - would VPA's updater replace this pod? Replica counts, disruption budgets and rate
 * limits are left out: they need the cluster.
 *
 * Source: Kubernetes VPA 1.8.0, updater/priority.
 */
#ifndef PF_CORE_VPA_UPDATE_H
#define PF_CORE_VPA_UPDATE_H

#include "core/vpa_apply.h"

struct pf_vpa_update_settings {
	double min_change;	    /* pod-update-threshold, 0.1 */
	int64_t lifetime_ns;	    /* in-recommendation-bounds-eviction-lifetime-threshold, 12 h */
	int64_t evict_after_oom_ns; /* evict-after-oom-threshold, 10 min */
};

void pf_vpa_update_settings_default(struct pf_vpa_update_settings *ret_settings);

struct pf_vpa_update_decision {
	bool outside_range; /* a request is missing, below the lower or above the upper bound */
	bool scale_up;	    /* a target is above its request */
	bool update;
	double resource_diff; /* sum over resources of |request - target| / request */
};

/**
 * pf_vpa_decide_update() - would the updater replace this pod?
 * @age_ns: of the pod; negative: not known.
 * @oom_after_ns: for each container how long it had run before its last OOM kill; negative: none.
 * NULL: none at all.
 */
void pf_vpa_decide_update(const struct pf_vpa_pod_container *containers, size_t nr_containers,
			  const struct pf_vpa_container_policy *policies, size_t nr_policies,
			  int64_t age_ns, const int64_t *oom_after_ns,
			  const struct pf_vpa_update_settings *settings,
			  struct pf_vpa_update_decision *ret_decision);

#endif
