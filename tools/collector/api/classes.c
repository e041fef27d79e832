// SPDX-License-Identifier: Apache-2.0
#include "collector/api/classes.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "core/recommend.h"

enum { CLASSES_MAX = 256 }; /* more than a policy may have */

static struct pf_class_sum *sum_of(struct pf_class_sum *list, size_t *nr, const char *name)
{
	for (size_t i = 0; i < *nr; i++)
		if (!strcmp(list[i].name, name))
			return &list[i];
	if (*nr == CLASSES_MAX)
		return NULL;
	list[*nr] = (struct pf_class_sum){ .name = name, .savings.money_per_month = NAN };
	return &list[(*nr)++];
}

static void add_amount(uint64_t *sum, uint64_t each, uint64_t count)
{
	if (each < PF_NO_LIMIT)
		*sum += each * count;
}

/* Where nothing is advised the present value stays. */
static void add(struct pf_class_sum *sum, const struct pf_fleet_workload *w)
{
	const struct pf_policy_result *result =
		pf_policy_result_of(&w->recommendation, w->recommendation.policy);
	uint64_t cpu = w->present.cpu_request_millicores;
	uint64_t memory = w->present.memory_request_bytes;

	sum->nr_workloads++;
	sum->nr_instances += w->nr_instances;
	add_amount(&sum->cpu_requested_millicores, cpu, w->nr_instances);
	add_amount(&sum->memory_requested_bytes, memory, w->nr_instances);
	if (result && result->cpu.target != PF_UNKNOWN)
		cpu = result->cpu.target;
	if (result && result->memory.target != PF_UNKNOWN)
		memory = result->memory.target;
	add_amount(&sum->cpu_advised_millicores, cpu, w->nr_instances);
	add_amount(&sum->memory_advised_bytes, memory, w->nr_instances);
	pf_fleet_add_savings(&sum->savings, &w->recommendation.savings);
}

static int by_name(const void *left, const void *right)
{
	return strcmp(((const struct pf_class_sum *)left)->name,
		      ((const struct pf_class_sum *)right)->name);
}

int pf_class_sums(const struct pf_fleet *fleet, struct pf_arena *arena,
		  struct pf_class_sum **ret_list, size_t *ret_nr)
{
	struct pf_class_sum *list = pf_arena_array(arena, CLASSES_MAX, sizeof(*list)), *sum;
	size_t nr = 0;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < fleet->nr_workloads; i++) {
		const struct pf_fleet_workload *w = &fleet->workloads[i];
		const char *class = w->recommendation.workload_class;

		if (*w->key.node_class)
			continue; /* counted as a whole */
		sum = sum_of(list, &nr, class ? class : "");
		if (sum)
			add(sum, w);
	}
	qsort(list, nr, sizeof(*list), by_name);
	*ret_list = list;
	*ret_nr = nr;
	return 0;
}
