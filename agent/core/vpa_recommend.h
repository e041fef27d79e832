/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vpa_recommend.h - from VPA's evidence to VPA's numbers, as they stand in a VPA object's status.
 *
 * Source: Kubernetes VPA 1.8.0, recommender/logic and recommender/routines.
 */
#ifndef PF_CORE_VPA_RECOMMEND_H
#define PF_CORE_VPA_RECOMMEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/vpa_model.h"

#define PF_VPA_ABSENT (-1) /* this resource is not in the result, or not set */

/* One amount a resource: millicores and bytes, or PF_VPA_ABSENT. */
struct pf_vpa_amounts {
	int64_t of[PF_VPA_NR_RESOURCES];
};

#define PF_VPA_NO_AMOUNTS ((struct pf_vpa_amounts){ { PF_VPA_ABSENT, PF_VPA_ABSENT } })

struct pf_vpa_recommendation {
	struct pf_vpa_amounts target, lower, upper;
	struct pf_vpa_amounts uncapped; /* the target before policy and global maximum */
};

/* A container's part of a VPA object's resourcePolicy. */
struct pf_vpa_container_policy {
	const char *container; /* name, or "*" for the containers without an own entry */
	bool off;	       /* mode Off: no recommendation */
	bool requests_only;    /* controlledValues RequestsOnly */
	bool controlled[PF_VPA_NR_RESOURCES];
	struct pf_vpa_amounts min_allowed, max_allowed; /* 0 or absent: no bound */
};

/** pf_vpa_policy_of() - the entry for a container: by name, else the last "*"; NULL if there is
 * none. */
const struct pf_vpa_container_policy *
pf_vpa_policy_of(const struct pf_vpa_container_policy *policies, size_t nr_policies,
		 const char *container);

/** pf_vpa_confidence() - in days of history of full rate; 0 before the second CPU sample. */
double pf_vpa_confidence(const struct pf_vpa_aggregate *aggregate, int64_t interval_ns);

/**
 * pf_vpa_estimate() - percentiles, margin, confidence and minimum: the recommendation before
 * post-processing.
 * @nr_containers: of the VPA object that get recommendations; they share the minimum. At least 1.
 */
void pf_vpa_estimate(const struct pf_vpa_aggregate *aggregate,
		     const struct pf_vpa_settings *settings, unsigned nr_containers,
		     struct pf_vpa_recommendation *ret_recommendation);

/**
 * pf_vpa_recommend() - the recommendation as it stands in a VPA object's status.
 * @policy: may be NULL. Its mode Off is the caller's business.
 * @integer_cpu: the container is opted in to whole cores.
 */
void pf_vpa_recommend(const struct pf_vpa_aggregate *aggregate,
		      const struct pf_vpa_settings *settings,
		      const struct pf_vpa_container_policy *policy, bool integer_cpu,
		      unsigned nr_containers, struct pf_vpa_recommendation *ret_recommendation);

enum { PF_VPA_QUANTITY_MAX = 32 };

/** pf_vpa_humanize() - bytes as VPA's deprecated humanize-memory prints them: "1.50Gi". */
void pf_vpa_humanize(int64_t bytes, char ret_text[PF_VPA_QUANTITY_MAX]);

/** pf_vpa_humanized() - the bytes that such a text stands for, rounded up. */
int64_t pf_vpa_humanized(int64_t bytes);

#endif
