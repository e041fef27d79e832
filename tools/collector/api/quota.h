/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quota.h - what a namespace's ResourceQuota would have to allow once the advice is followed.
 */
#ifndef PF_COLLECTOR_API_QUOTA_H
#define PF_COLLECTOR_API_QUOTA_H

#include "collector/merge/fleet.h"

enum { PF_QUOTA_SENTENCE_MAX = 320 };

/**
 * pf_quota_advise() - hard values, and a sentence that says how they come about.
 *
 * A quarter more than the advised requests and limits, so that a rolling update (Kubernetes' default
 * surge is 25 %) can make its new pods before the old ones go; rounded up to 100m and 64 MiB. No hard
 * value for limits where a container shall have none: such a quota would refuse its pods.
 */
void pf_quota_advise(const struct pf_fleet_namespace *ns, struct pf_resources *ret_quota,
		     char *sentence, size_t size);

#endif
