// SPDX-License-Identifier: Apache-2.0
#include "collector/merge/fleet.h"

#include <math.h>
#include <stdlib.h>

#include "collector/merge/set.h"

struct pf_fleet *pf_fleet_ref(struct pf_fleet *fleet)
{
	atomic_fetch_add(&fleet->references, 1);
	return fleet;
}

void pf_fleet_unref(struct pf_fleet *fleet)
{
	if (!fleet || atomic_fetch_sub(&fleet->references, 1) != 1)
		return;
	pf_arena_done(&fleet->arena);
	free(fleet);
}

static int compare(const void *key, const void *workload)
{
	return pf_workload_key_compare(key, &((const struct pf_fleet_workload *)workload)->key);
}

const struct pf_fleet_workload *pf_fleet_find(const struct pf_fleet *fleet,
					      const struct pf_workload_key *key)
{
	return bsearch(key, fleet->workloads, fleet->nr_workloads, sizeof(*fleet->workloads),
		       compare);
}

void pf_fleet_add_savings(struct pf_savings *sum, const struct pf_savings *more)
{
	if (!more->known)
		return;
	if (!sum->known)
		*sum = (struct pf_savings){ .known = true, .money_per_month = NAN };
	sum->cpu_millicores += more->cpu_millicores;
	sum->memory_bytes += more->memory_bytes;
	if (isnan(more->money_per_month))
		return;
	sum->money_per_month =
		(isnan(sum->money_per_month) ? 0 : sum->money_per_month) + more->money_per_month;
	sum->currency = more->currency;
}
