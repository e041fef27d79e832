/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_sample.h - a report that uses every field, with values all different, for tests of what
 * encodes and shows reports.
 */
#ifndef PF_TESTS_REPORT_SAMPLE_H
#define PF_TESTS_REPORT_SAMPLE_H

#include "core/report.h"

/** report_sample() - borrowed, rebuilt at each call. */
const struct pf_report *report_sample(void);

#endif
