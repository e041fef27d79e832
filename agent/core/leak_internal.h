/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leak_internal.h - what the parts of the leak detector (leak*.c) share. Not for others.
 *
 * Inside, time is analysis time: seconds since the state's origin, time scale applied; memory is
 * bytes in doubles; slopes are bytes a second.
 */
#ifndef PF_CORE_LEAK_INTERNAL_H
#define PF_CORE_LEAK_INTERNAL_H

#include <stddef.h>

#include "core/leak.h"

enum { LEVEL_1H = 4, LEVEL_4H = 5 };

static const double leak_no_limit =
	1e18; /* larger than any memory, small enough to calculate with */

/* One look at a state: the moment of a test. */
struct leak_view {
	const struct pf_leak_state *state;
	double now_s, start_s; /* analysis time */
	double interval_s;     /* of samples, analysis time */
	double limit;	       /* bytes, or leak_no_limit */
	bool limited;
};

/* A test's positive answer. */
struct leak_answer {
	double floor, rise;
	double slope, slope_low, slope_high;
	double eta_s, eta_low_s, eta_high_s; /* from now; may be infinite */
	double score;			     /* of several answers the highest counts */
	char test[4];
};

double leak_level_width_s(size_t level);

/** leak_level_used() - bins shorter than the sampling interval are left out. */
bool leak_level_used(size_t level, double interval_s);

/** leak_bin_at() - the i-th oldest completed bin of a level; i < nr_bins. */
const struct pf_leak_bin *leak_bin_at(const struct pf_leak_state *state, size_t level, size_t i);

/** leak_floors() - the floors of the newest @nr bins, oldest first. */
void leak_floors(const struct pf_leak_state *state, size_t level, size_t nr, double *ret_floors);

/** leak_bin_close() - the open bin of a level is complete. */
void leak_bin_close(struct pf_leak_state *state, size_t level);

/** leak_bytes() - of a state's page count. */
static inline double leak_bytes(uint32_t pages)
{
	return (double)pages * PF_LEAK_PAGE_BYTES;
}

/* What left the rings in the last eight days. */
struct leak_history {
	double record; /* highest floor of a level; below 0: none known */
	double cpu_sum;
	double nr_cpu;
};
void leak_history_read(const struct pf_leak_state *state, size_t level, double now_s,
		       struct leak_history *ret_history);

/* The tests. Each returns whether it found a leak. */
bool leak_test_window(const struct leak_view *view, size_t level, struct leak_answer *ret_answer,
		      bool *ret_suspect);
bool leak_test_near(const struct leak_view *view, size_t level, struct leak_answer *ret_answer);
bool leak_test_days(const struct leak_view *view, struct leak_answer *ret_answer);

#endif
