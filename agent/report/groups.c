// SPDX-License-Identifier: Apache-2.0
/* Which containers of a report are the same workload, and which workload comes first. */
#include "report/groups.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "core/units.h"

/* ---- names ---- */

/* Without names from the API or kubelet a container goes by what its cgroup says. */
static const char *workload_of(const struct pf_report_container *c)
{
	if (*c->identity->workload)
		return c->identity->workload;
	if (*c->identity->container)
		return c->identity->container;
	if (*c->identity->pod)
		return c->identity->pod;
	return c->cgroup_path;
}

static const char *container_of(const struct pf_report_container *c)
{
	return *c->identity->container ? c->identity->container : workload_of(c);
}

static int by_name(const void *left, const void *right)
{
	const struct pf_report_container *a = *(const struct pf_report_container *const *)left;
	const struct pf_report_container *b = *(const struct pf_report_container *const *)right;
	int order = strcmp(a->identity->namespace_name, b->identity->namespace_name);

	if (!order)
		order = (a->identity->workload_kind > b->identity->workload_kind) -
			(a->identity->workload_kind < b->identity->workload_kind);
	if (!order)
		order = strcmp(workload_of(a), workload_of(b));
	if (!order)
		order = strcmp(container_of(a), container_of(b));
	return order;
}

/* ---- resources ---- */

static uint64_t limit_in_force(const struct pf_enforced *e)
{
	if (e->cfs_quota_us >= PF_NO_LIMIT || !e->cfs_period_us || e->cfs_period_us >= PF_NO_LIMIT)
		return e->cfs_quota_us >= PF_NO_LIMIT ? e->cfs_quota_us : PF_UNKNOWN;
	return (e->cfs_quota_us * 1000 + e->cfs_period_us - 1) / e->cfs_period_us;
}

/* What the pod asks for; where that is not known, what the kernel enforces. */
static struct pf_resources present_of(const struct pf_report_container *c)
{
	struct pf_resources present = c->identity->spec;

	if (present.cpu_limit_millicores == PF_UNKNOWN)
		present.cpu_limit_millicores = limit_in_force(&c->enforced);
	if (present.memory_limit_bytes == PF_UNKNOWN)
		present.memory_limit_bytes = c->enforced.memory_limit_bytes;
	return present;
}

/* ---- urgency ---- */

static double urgency_of(const struct pf_view_row *row)
{
	static const double weights[] = {
		[PF_TONE_BAD] = 1000, [PF_TONE_WARN] = 30, [PF_TONE_NOTE] = 1
	};
	const struct pf_recommendation *rec = row->rec;
	double urgency = row->leak && row->leak->state == PF_LEAK_ALARM ? 1000 : 0;

	for (size_t i = 0; rec && i < rec->nr_findings; i++) {
		enum pf_tone tone = pf_verdict_tone(rec->findings[i].verdict);

		if (!rec->findings[i].baseline && tone != PF_TONE_PLAIN && tone != PF_TONE_GOOD)
			urgency += weights[tone];
	}
	return urgency;
}

int pf_group_by_name(const void *left, const void *right)
{
	return by_name(((const struct pf_group *)left)->containers,
		       ((const struct pf_group *)right)->containers);
}

static int by_urgency(const void *left, const void *right)
{
	const struct pf_group *a = left, *b = right;

	if (a->urgency != b->urgency)
		return a->urgency < b->urgency ? 1 : -1;
	return pf_group_by_name(left, right);
}

/* ---- groups ---- */

static bool is_worse(const struct pf_leak_finding *a, const struct pf_leak_finding *b)
{
	if (!b || a->state != b->state)
		return !b || a->state > b->state;
	return a->eta_unix_ns < b->eta_unix_ns; /* not in sight is the largest */
}

static void fill(const struct pf_report *report, struct pf_group *group)
{
	const struct pf_report_container *first = group->containers[0];

	group->present = present_of(first);
	group->row = (struct pf_view_row){
		.name = { report->cluster, first->identity->namespace_name, workload_of(first),
			  container_of(first), first->identity->workload_kind },
		.type = first->identity->type,
		.nr_instances = group->nr_containers,
		.nr_nodes = 1,
	};
	for (size_t i = 0; i < group->nr_containers; i++) {
		const struct pf_report_container *c = group->containers[i];

		if (!group->row.rec)
			group->row.rec = c->recommendation;
		if (c->leak && c->leak->state != PF_LEAK_NONE && is_worse(c->leak, group->row.leak))
			group->row.leak = c->leak;
	}
	group->urgency = urgency_of(&group->row);
}

int pf_groups_of(const struct pf_report *report, struct pf_groups *ret_groups)
{
	size_t nr = report->nr_containers, nr_groups = 0;
	struct pf_groups groups = { .containers = calloc(nr + 1, sizeof(*groups.containers)),
				    .groups = calloc(nr + 1, sizeof(*groups.groups)) };

	if (!groups.containers || !groups.groups) {
		pf_groups_done(&groups);
		return -ENOMEM;
	}
	for (size_t i = 0; i < nr; i++)
		groups.containers[i] = &report->containers[i];
	qsort(groups.containers, nr, sizeof(*groups.containers), by_name);
	for (size_t i = 0; i < nr; i++) {
		if (!i || by_name(&groups.containers[i - 1], &groups.containers[i]) != 0)
			groups.groups[nr_groups++].containers = &groups.containers[i];
		groups.groups[nr_groups - 1].nr_containers++;
	}
	for (size_t i = 0; i < nr_groups; i++)
		fill(report, &groups.groups[i]);
	qsort(groups.groups, nr_groups, sizeof(*groups.groups), by_urgency);
	for (size_t i = 0; i < nr_groups; i++)
		groups.groups[i].row.present = &groups.groups[i].present;
	groups.nr_groups = nr_groups;
	*ret_groups = groups;
	return 0;
}

void pf_groups_done(struct pf_groups *groups)
{
	free(groups->containers);
	free(groups->groups);
	*groups = (struct pf_groups){ 0 };
}
