/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.h - the policy file: how cautious to be with which containers.
 *
 *	policy: podfit                  # which numbers hold: podfit, vpa or baseline; all are shown
 *	history: 24h                    # less is SHORT_HISTORY
 *	prices: { currency: EUR, cpuCoreHour: 0.031, memoryGiBHour: 0.0042 }
 *	defaults: { cpuRiskPrice: 2, throttlingBudget: 0.01 }     # of containers without a class
 *	classes:
 *	  checkout: { extends: api-gateway, throttlingBudget: 0.002 }
 *	rules:                          # the first that matches holds
 *	  - match: { namespace: shop, workload: "cart-*", kind: Deployment, container: app, labels: { tier: web } }
 *	    class: checkout
 *	    minAllowed: { cpu: 50m, memory: 64Mi }
 *	    maxAllowed: { cpu: 4, memory: 8Gi }
 *	    controlledResources: [cpu, memory]
 *	    controlledValues: RequestsOnly
 *	  - match: { namespace: kube-system }
 *	    mode: Off
 *
 * Globs know * and ?. Modelled on the resourcePolicy of a VerticalPodAutoscaler. Every key is checked; an error says
 * line, column and what would be right. agent/policy/example.yaml has them all.
 */
#ifndef PF_POLICY_POLICY_H
#define PF_POLICY_POLICY_H

#include <stddef.h>

#include "base/cleanup.h"
#include "core/rules.h"
#include "core/types.h"
#include "policy/yaml.h"

struct pf_policy; /* immutable once made */

/**
 * pf_policy_parse() - checks and compiles a policy. An empty text is a policy that changes nothing.
 * Return: 0; -EINVAL with *@error; -E2BIG; -ENOMEM.
 */
PF_MUST_CHECK int pf_policy_parse(const char *text, size_t len, struct pf_policy **ret_policy,
				  struct pf_yaml_error *error);

/**
 * pf_policy_load() - the same from a file.
 * @message: on failure "PATH:LINE:COLUMN: reason".
 * Return: as pf_policy_parse(); -errno of reading the file.
 */
PF_MUST_CHECK int pf_policy_load(const char *path, struct pf_policy **ret_policy, char *message,
				 size_t message_size);

void pf_policy_free(struct pf_policy *policy); /* accepts NULL */
PF_DEFINE_AUTO(struct pf_policy *, pf_policy_free);

/**
 * pf_policy_rules() - what holds for one container.
 * @policy: NULL: podfit's defaults.
 * @ret_rules: strings live as long as the policy.
 */
void pf_policy_rules(const struct pf_policy *policy, const struct pf_identity *identity,
		     struct pf_rules *ret_rules);

size_t pf_policy_nr_rules(const struct pf_policy *policy);
size_t
pf_policy_nr_classes(const struct pf_policy *policy); /* its own, without the built-in ones */

#endif
