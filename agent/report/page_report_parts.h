/* SPDX-License-Identifier: Apache-2.0 */
/* page_report_parts.h - from a report's containers to what the pages show. */
#ifndef PF_REPORT_PAGE_REPORT_PARTS_H
#define PF_REPORT_PAGE_REPORT_PARTS_H

#include "report/page_report.h"

/* The containers of one workload and container name: a run of the sorted array. */
struct pf_group {
	const struct pf_report_container *const *containers;
	size_t nr_containers;
	struct pf_resources present; /* of the pod, else what the kernel enforces */
	struct pf_view_row row;	     /* row.present is the above */
	double urgency;		     /* higher comes first */
	char href[24];
};

struct pf_groups {
	const struct pf_report_container **containers; /* sorted by name */
	struct pf_group *groups;		       /* most urgent first */
	size_t nr_groups;
};

/** pf_groups_of() - Return: 0; -ENOMEM. */
PF_MUST_CHECK int pf_groups_of(const struct pf_report *report, struct pf_groups *ret_groups);
void pf_groups_done(struct pf_groups *groups);

/* What the slices of a group come to: the course of hours and the histograms. */
struct pf_group_evidence {
	struct pf_view_hour *hours;
	size_t nr_hours;
	float *counts[PF_NR_SAMPLE_HISTS]; /* NULL: not measured */
	double nr_idle[2];		   /* of usage and demand windows */
	double covered_ns;
	struct pf_view_instance *instances;
	size_t nr_instances;
};

/** pf_group_evidence() - Return: 0; -ENOMEM, then nothing is held. */
PF_MUST_CHECK int pf_group_evidence(const struct pf_group *group,
				    struct pf_group_evidence *ret_evidence);
void pf_group_evidence_done(struct pf_group_evidence *evidence);

#endif
