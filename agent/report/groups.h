/* SPDX-License-Identifier: Apache-2.0 */
/*
 * groups.h - a report's containers by workload: what tables, files to apply and pages show as one
 * line.
 */
#ifndef PF_REPORT_GROUPS_H
#define PF_REPORT_GROUPS_H

#include "core/report.h"
#include "report/view.h"

/* The containers of one workload and container name: a run of the sorted array. */
struct pf_group {
	const struct pf_report_container *const *containers;
	size_t nr_containers;
	struct pf_resources present; /* of the pod, else what the kernel enforces */
	struct pf_view_row row;	     /* row.present is the above; without href */
	double urgency;		     /* higher comes first */
};

struct pf_groups {
	const struct pf_report_container **containers; /* sorted by name */
	struct pf_group *groups;		       /* most urgent first */
	size_t nr_groups;
};

/** pf_groups_of() - borrows from @report. Return: 0; -ENOMEM. */
PF_MUST_CHECK int pf_groups_of(const struct pf_report *report, struct pf_groups *ret_groups);
void pf_groups_done(struct pf_groups *groups);

/** pf_group_by_name() - order for qsort() of struct pf_group: containers of one workload together,
 * as files to apply want them. */
int pf_group_by_name(const void *left, const void *right);

#endif
