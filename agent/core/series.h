/* SPDX-License-Identifier: Apache-2.0 */
/*
 * series.h - the last values of one quantity, and the straight line through them. Bounded, pure.
 */
#ifndef PF_CORE_SERIES_H
#define PF_CORE_SERIES_H

#include <stdint.h>

#include "base/cleanup.h"

enum { PF_SERIES_MAX = 60 }; /* ten minutes at the 10 s interval */

/* A plain value; zeroed is empty. The oldest point goes when it is full. */
struct pf_series {
	uint32_t head, nr_points;
	uint64_t at_ns[PF_SERIES_MAX];
	double value[PF_SERIES_MAX];
};

/** pf_series_add() - a point not older than the newest one; an older one is dropped. */
void pf_series_add(struct pf_series *series, uint64_t at_ns, double value);

/**
 * pf_series_slope() - least-squares slope over the points of the last @span_ns, per second.
 * Return: 0; -ENODATA with fewer than 3 points, or all at one time.
 */
PF_MUST_CHECK int pf_series_slope(const struct pf_series *series, uint64_t span_ns,
				  double *ret_per_s);

#endif
