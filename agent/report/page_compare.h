/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_compare.h - two sets of pods side by side, such as stable and canary: what differs, how sure
 * that is, and whether to go on.
 */
#ifndef PF_REPORT_PAGE_COMPARE_H
#define PF_REPORT_PAGE_COMPARE_H

#include "report/view.h"

enum { PF_VIEW_COMPARED_MAX = 64 };

/* One thing that is compared. NaN: not known. */
struct pf_view_compared {
	const char *name;
	enum pf_quantity quantity;
	double stable, canary;
	double difference_low, difference_high; /* 95 % interval of canary less stable */
	double effect;				/* size in standard deviations */
	enum pf_tone tone;
	const char *outcome;  /* "PASS", "MEDIUM", "HIGH", "not measured" */
	const char *sentence; /* why; NULL: none */
};

struct pf_view_compare {
	struct pf_html_page page;
	/* Parameters: stable, canary, filter (of what both have; core/filter.h), window, mode. */
	struct pf_html_query query;
	bool asked;	     /* false: only the form is shown */
	const char *problem; /* why there is no answer; NULL: there is one */
	const char *verdict; /* "CONTINUE", "PAUSE", "ROLLBACK" */
	enum pf_tone tone;
	const char *confidence; /* "HIGH", "MEDIUM", "LOW" */
	const char *const *reasons;
	size_t nr_reasons;
	uint64_t from_unix_ns, to_unix_ns; /* the hours compared */
	uint64_t nr_hours;		   /* so many of them, in which both ran */
	uint64_t nr_hours_left_out;	   /* in which only one side ran */
	uint64_t nr_stable, nr_canary;	   /* instances */
	const struct pf_view_compared *rows;
	size_t nr_rows;
};

/** pf_page_compare() - the page. Return: 0; what the buffer failed with. */
PF_MUST_CHECK int pf_page_compare(struct pf_buf *buf, const struct pf_view_compare *view);

#endif
