/* SPDX-License-Identifier: Apache-2.0 */
/*
 * owner.h - the workload a pod belongs to, as far as the pod itself tells.
 *
 * A pod names its next owner only. What is above it:
 *
 * ReplicaSet -> Deployment: the label pod-template-hash is the suffix of the ReplicaSet's name. The
 *    Deployment controller sets the label and builds the name; a ReplicaSet made by hand has none.
 * Job -> CronJob: the suffix is the scheduled time in minutes since 1970, as the CronJob controller
 *    builds it. It must lie within a week before the pod's birth: a Job may have a number as well.
 *
 * These names are built by one controller each, so they decide, and the API is not asked: thousands
 * of agents starting at once would ask it for every ReplicaSet. Where the pod does not tell, the
 * API is (meta/resolver.h), if it may be: a bare ReplicaSet, one of an Argo Rollout, a workflow's
 * Job.
 *
 * Source: recorded objects, tests/fixtures/k8s.
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
 * node's.
 * Return: whether the API may know better: the owner is a ReplicaSet or a Job, and its name does
 * not tell.
 */
bool pf_owner_of_pod(const struct pf_pod *pod, struct pf_owner *ret_owner);

/** pf_owner_of_kind() - an owner as the API names it. */
void pf_owner_of_kind(const char *kind, const char *name, struct pf_owner *ret_owner);

#endif
