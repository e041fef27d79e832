/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outputs.h - the texts to copy of one workload's page: the forms of advice_out.h that can hold it.
 */
#ifndef PF_REPORT_OUTPUTS_H
#define PF_REPORT_OUTPUTS_H

#include "report/page_workload.h"

enum { PF_OUTPUTS_MAX = 4 };

struct pf_outputs {
	struct pf_buf texts[PF_OUTPUTS_MAX];
	struct pf_view_output outputs[PF_OUTPUTS_MAX]; /* the kubectl patch first */
	size_t nr_outputs; /* 0: nothing is advised, or it is no workload with a pod template */
};

/**
 * pf_outputs_of() - writes them.
 * @rows: the workload's containers, or the one that the page is about.
 * Return: 0, then pf_outputs_done() is due; -ENOMEM; -ENOSPC beyond PF_HTML_BLOCK_MAX each.
 */
PF_MUST_CHECK int pf_outputs_of(const struct pf_view_row *rows, size_t nr_rows,
				struct pf_outputs *ret_outputs);
void pf_outputs_done(struct pf_outputs *outputs); /* a zeroed one too */

#endif
