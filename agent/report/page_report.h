/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_report.h - one node's report as a single HTML file that needs nothing else: what `make run`
 * and `podfit report -o html` write.
 */
#ifndef PF_REPORT_PAGE_REPORT_H
#define PF_REPORT_PAGE_REPORT_H

#include "core/report.h"
#include "report/page_workload.h"

enum {
	PF_REPORT_DETAILS_MAX = 200, /* workloads with charts, the most urgent first; all are in the
					table */
	PF_REPORT_OPEN_MAX = 6,	     /* up to so many are unfolded from the start */
	PF_REPORT_OUTPUTS_MAX = 6,
};

/**
 * pf_report_outputs_fn() - gives the texts to copy for a container, the patch first.
 * @ret_outputs: PF_REPORT_OUTPUTS_MAX of them; the texts live until the next call.
 * Return: their number; a negative errno ends the report with it.
 */
typedef int (*pf_report_outputs_fn)(void *arg, const struct pf_report_container *container,
				    struct pf_view_output *ret_outputs);

/**
 * pf_report_html() - writes the file. Containers of one workload are shown as one, its instances
 * side by side.
 * @outputs: NULL: no texts to copy.
 * Return: 0; -ENOMEM; what the buffer or @outputs failed with.
 */
PF_MUST_CHECK int pf_report_html(struct pf_buf *buf, const struct pf_report *report,
				 pf_report_outputs_fn outputs, void *outputs_arg);

#endif
