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
};

/**
 * pf_report_html() - writes the file. Containers of one workload are shown as one, its instances
 * side by side.
 * Return: 0; -ENOMEM; what the buffer failed with (PF_HTML_REPORT_MAX is enough for any report).
 */
PF_MUST_CHECK int pf_report_html(struct pf_buf *buf, const struct pf_report *report);

#endif
