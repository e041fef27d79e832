/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vpa_apply.h - what VPA's admission controller does with a recommendation and one pod.
 *
 * Order: pod LimitRange, container LimitRange, minAllowed and maxAllowed, the container's own limit
 * (RequestsOnly). Then request := target, and the limit keeps its proportion to the request.
 * Source: Kubernetes VPA 1.8.0, utils/vpa (capping, limit and request scaling).
 */
#ifndef PF_CORE_VPA_APPLY_H
#define PF_CORE_VPA_APPLY_H

#include "core/vpa_recommend.h"

/* One container of a pod: what it asks for, what VPA recommends. */
struct pf_vpa_pod_container {
	const char *name;
	struct pf_vpa_amounts request, limit;
	bool has_recommendation;
	struct pf_vpa_recommendation recommendation;
};

/* One item of the namespace's LimitRange objects. */
struct pf_vpa_limit_range {
	struct pf_vpa_amounts min, max, default_limit;
};

/**
 * pf_vpa_cap() - bounds each container's recommendation by LimitRanges and policy, as VPA does
 * before use.
 * @containers: all of the pod; recommendations are changed in place.
 * @container_range, @pod_range: NULL if the namespace has none of that type.
 */
void pf_vpa_cap(struct pf_vpa_pod_container *containers, size_t nr_containers,
		const struct pf_vpa_container_policy *policies, size_t nr_policies,
		const struct pf_vpa_limit_range *container_range,
		const struct pf_vpa_limit_range *pod_range);

/**
 * pf_vpa_pod_resources() - the request and limit that VPA writes into the pod for one capped
 * container.
 * @ret_limit: absent where the pod's own limit is left alone.
 */
void pf_vpa_pod_resources(const struct pf_vpa_pod_container *container,
			  const struct pf_vpa_container_policy *policy,
			  const struct pf_vpa_limit_range *container_range,
			  struct pf_vpa_amounts *ret_request, struct pf_vpa_amounts *ret_limit);

/** pf_vpa_proportional_limit() - floor(limit * recommendation / request), or absent if there is no
 * limit to keep in proportion. */
int64_t pf_vpa_proportional_limit(int64_t limit, int64_t request, int64_t recommendation,
				  int64_t default_limit);

#endif
