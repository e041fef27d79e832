/* SPDX-License-Identifier: Apache-2.0 */
/*
 * owner.h - the workload a pod belongs to, as far as the pod itself tells.
 *
 * A pod names its next owner only. What is above it:
 *   ReplicaSet -> Deployment: the label pod-template-hash is the ReplicaSet name's suffix. The
 * Deployment controller sets that label and builds that name; a ReplicaSet made by hand has none.
 *   Job -> CronJob: the suffix is the scheduled time in minutes since 1970. The CronJob controller
 * builds that name; the minute must lie within a week before the pod's birth, so that a Job with a
 * number of its own stays one. Where the API may be asked (meta/resolver.h), its answer counts
 * instead: other controllers (Argo Rollouts) own ReplicaSets too. Source: recorded objects,
 * tests/fixtures/k8s.
 */
#ifndef PF_META_OWNER_H
#define PF_META_OWNER_H

#include "meta/pod.h"

struct pf_owner {
	enum pf_workload_kind kind;
	char name[PF_OBJECT_NAME_MAX];
};

/**
 * pf_owner_of_pod() - the workload, by the rules above. A static pod's name is taken without its
 * node's. Return: whether the API might know better (the owner is a ReplicaSet or a Job).
 */
bool pf_owner_of_pod(const struct pf_pod *pod, struct pf_owner *ret_owner);

/** pf_owner_of_kind() - an owner as the API names it. */
void pf_owner_of_kind(const char *kind, const char *name, struct pf_owner *ret_owner);

#endif
