// SPDX-License-Identifier: Apache-2.0
#include "collector/api/quota.h"

#include "core/units.h"
#include "report/human.h"

static uint64_t with_surge(uint64_t amount, uint64_t step)
{
	if (amount >= PF_NO_LIMIT)
		return amount;
	amount += amount / 4;
	return (amount + step - 1) / step * step;
}

void pf_quota_advise(const struct pf_fleet_namespace *ns, struct pf_resources *ret_quota,
		     char *sentence, size_t size)
{
	const struct pf_resources *a = &ns->advised;

	*ret_quota = (struct pf_resources){
		.cpu_request_millicores = with_surge(a->cpu_request_millicores, 100),
		.cpu_limit_millicores = with_surge(a->cpu_limit_millicores, 100),
		.memory_request_bytes = with_surge(a->memory_request_bytes, 64 * PF_MIB),
		.memory_limit_bytes = with_surge(a->memory_limit_bytes, 64 * PF_MIB),
	};
	(void)snprintf(sentence, size,
		       "requests.cpu %s and requests.memory %s: the advised requests of %llu "
		       "containers and a quarter more for rolling updates%s",
		       pf_human_cpu(ret_quota->cpu_request_millicores).text,
		       pf_human_bytes(ret_quota->memory_request_bytes).text,
		       (unsigned long long)ns->nr_instances,
		       ret_quota->cpu_limit_millicores == PF_NO_LIMIT ||
				       ret_quota->memory_limit_bytes == PF_NO_LIMIT
			       ? "; no hard value for limits that some containers do not have"
			       : "");
}
