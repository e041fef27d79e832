/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure.h - what a comparison compares (core/compare.h), as people read it.
 */
#ifndef PF_REPORT_MEASURE_H
#define PF_REPORT_MEASURE_H

#include "core/compare.h"
#include "report/human.h"

struct pf_measure_shown {
	const char *words; /* "CPU use" */
	enum pf_quantity quantity;
};

/** pf_measure_shown() - never NULL. */
const struct pf_measure_shown *pf_measure_shown(enum pf_measure measure);

#endif
