/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_sample.h - pages of an invented but plausible fleet, for tests and for looking at.
 *
 * Everything is made from a fixed seed; nothing is measured data.
 */
#ifndef PF_TESTS_PAGE_SAMPLE_H
#define PF_TESTS_PAGE_SAMPLE_H

#include "base/buf.h"

enum sample_page {
	SAMPLE_FLEET,
	SAMPLE_FLEET_EMPTY,
	SAMPLE_FLEET_HOSTILE, /* every name tries to break out of its place */
	SAMPLE_WORKLOAD_THROTTLED,
	SAMPLE_WORKLOAD_LEAK,
	SAMPLE_WORKLOAD_UNKNOWN, /* nothing but its names is known */
	NR_SAMPLES,
};

/** sample_name() - "fleet", ...: for file names. */
const char *sample_name(enum sample_page which);

/** sample_write() - the page into @buf. Return: what the page gave. */
int sample_write(struct pf_buf *buf, enum sample_page which);

#endif
