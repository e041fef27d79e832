/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_sample.h - pages of an invented but plausible fleet, for tests and for looking at.
 *
 * Everything is made from a fixed seed; nothing is measured data.
 */
#ifndef PF_TESTS_PAGE_SAMPLE_H
#define PF_TESTS_PAGE_SAMPLE_H

#include <stdbool.h>

#include "base/buf.h"

enum sample_page {
	SAMPLE_FLEET,
	SAMPLE_FLEET_EMPTY,
	SAMPLE_FLEET_HOSTILE, /* every name tries to break out of its place */
	SAMPLE_WORKLOAD_THROTTLED,
	SAMPLE_WORKLOAD_LEAK,
	SAMPLE_WORKLOAD_UNKNOWN, /* nothing but its names is known */
	SAMPLE_NODES,
	SAMPLE_NODES_HOSTILE,
	SAMPLE_COMPARE,
	SAMPLE_COMPARE_EMPTY,
	SAMPLE_REPORT,	     /* single file: a short run of four demo workloads */
	SAMPLE_REPORT_FULL,  /* single file: every field of a report in use */
	SAMPLE_REPORT_EMPTY, /* single file: no container */
	NR_SAMPLES,
};

/** sample_name() - "fleet", ...: for file names. */
const char *sample_name(enum sample_page which);

/** sample_write() - the page into @buf. Return: what the page gave. */
int sample_write(struct pf_buf *buf, enum sample_page which);

/* Parts of it, and what they share. */
#define SAMPLE_NOW (1785420300 * PF_NS_PER_S) /* 2026-07-30 14:05 UTC */

extern const char sample_hostile[];

int sample_nodes(struct pf_buf *buf, bool hostile);
int sample_compare(struct pf_buf *buf, bool asked);
int sample_report(struct pf_buf *buf);
int sample_report_full(struct pf_buf *buf);
int sample_report_empty(struct pf_buf *buf);

#endif
