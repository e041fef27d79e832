// SPDX-License-Identifier: Apache-2.0
/* The policy file: refused with a place and a reason, or its rules can be asked for any container. */
#include "policy/policy.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct pf_label labels[] = { { (char *)"app", (char *)"web" } };
	static const struct pf_identity id = { .namespace_name = "shop",
					       .workload = "cart-v1",
					       .workload_kind = PF_WORKLOAD_DEPLOYMENT,
					       .container = "app",
					       .labels = labels,
					       .nr_labels = 1 };
	PF_AUTO(pf_policy_freep) struct pf_policy *policy = NULL;
	struct pf_yaml_error error = { 0 };
	struct pf_rules rules;
	int r = pf_policy_parse((const char *)data, size, &policy, &error);

	assert((r == 0) == (policy != NULL));
	assert((r == -EINVAL) == (error.reason[0] != '\0'));
	if (r < 0)
		return 0;
	pf_policy_rules(policy, &id, &rules);
	assert(rules.policy <= PF_POLICY_BASELINE && rules.class.cpu_limit_mode <= PF_LIMIT_KEEP);
	assert(rules.class.cpu_risk_price > 0 && isfinite(rules.class.cpu_risk_price));
	assert(rules.class.throttling_budget_ratio >= 0 &&
	       rules.class.throttling_budget_ratio <= 1);
	for (int i = 0; i < PF_VPA_NR_RESOURCES; i++)
		assert(!rules.max_allowed[i] || rules.min_allowed[i] <= rules.max_allowed[i]);
	return 0;
}
