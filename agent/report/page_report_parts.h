/* SPDX-License-Identifier: Apache-2.0 */
/* page_report_parts.h - from a report's containers to what the pages show. */
#ifndef PF_REPORT_PAGE_REPORT_PARTS_H
#define PF_REPORT_PAGE_REPORT_PARTS_H

#include "report/groups.h"
#include "report/page_report.h"

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
