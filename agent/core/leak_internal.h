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

enum { LEVEL_20MIN = 3, LEVEL_1H = 4, LEVEL_4H = 5 };

static const double leak_no_limit =
	1e18; /* larger than any memory, small enough to calculate with */

/* One look at a state: the moment of a test. */
struct leak_view {
	const struct pf_leak_state *state;
	double now_s, age_s; /* analysis time; age of this life */
	double interval_s;   /* of samples, analysis time */
	double limit;	     /* bytes, or leak_no_limit */
	bool limited;
};

/* A test's positive answer. */
struct leak_answer {
	double span_s;
	double floor, rise;		     /* of the last bins; over the span */
	double line;			     /* the line now: bins lie up to half a day back */
	double slope, slope_low, slope_high; /* 90 % interval */
	double peak;			     /* highest value near the end */
	double reach;	/* what will run into the limit: rising peaks, or the floor */
	double scatter; /* of the floors about the line */
	double score;	/* of several answers the highest counts */
	char test[4];
};

double leak_level_width_s(size_t level);

/** leak_level_used() - bins shorter than the sampling interval are left out. */
bool leak_level_used(size_t level, double interval_s);

/** leak_ring_size() - most completed bins a level keeps. */
size_t leak_ring_size(size_t level);

/** leak_bin_place() - where the i-th oldest bin of a level is; i < leak_ring_size(). */
struct pf_leak_bin *leak_bin_place(struct pf_leak_state *state, size_t level, size_t i);

/** leak_bin_at() - the i-th oldest completed bin of a level; i < nr_bins. */
const struct pf_leak_bin *leak_bin_at(const struct pf_leak_state *state, size_t level, size_t i);

/** leak_floors() - the floors of the newest @nr bins, oldest first. */
void leak_floors(const struct pf_leak_state *state, size_t level, size_t nr, double *ret_floors);

/** leak_bin_close() - the open bin of a level is complete. */
void leak_bin_close(struct pf_leak_state *state, size_t level);

/** leak_block_add() - memory by kind at one sample; @index: of the level's open bin. */
void leak_block_add(struct pf_leak_state *state, size_t level, uint32_t index,
		    const uint32_t pages[PF_LEAK_NR_KINDS]);

/** leak_block_at() - the i-th oldest block of a level; i < nr_blocks. */
const struct pf_leak_block *leak_block_at(const struct pf_leak_state *state, size_t level,
					  size_t i);

/** leak_bytes() - of a state's page count. */
static inline double leak_bytes(uint32_t pages)
{
	return (double)pages * PF_LEAK_PAGE_BYTES;
}

/** leak_at_start() - smallest use in the first minutes of this life; @fallback if it was not seen. */
static inline double leak_at_start(const struct pf_leak_state *state, double fallback)
{
	return state->first_pages ? leak_bytes(state->first_pages) : fallback;
}

/* What left the rings in the last eight days. */
struct leak_history {
	double record; /* highest floor of a level; below 0: none known */
	double cpu_sum;
	double nr_cpu;
};
void leak_history_read(const struct pf_leak_state *state, size_t level, double now_s,
		       struct leak_history *ret_history);

/*
 * The tests. Each returns whether it found a leak.
 * @ret_suspect: set if the floor rises suspiciously, though not enough is known for an alarm; then
 * *@ret_answer is set, too.
 */
bool leak_test_window(const struct leak_view *view, size_t level, struct leak_answer *ret_answer,
		      bool *ret_suspect);
bool leak_test_near(const struct leak_view *view, size_t level, struct leak_answer *ret_answer);
bool leak_test_days(const struct leak_view *view, struct leak_answer *ret_answer);

/** leak_onset_s() - where the line of an answer begins, following it back through coarser rings. */
double leak_onset_s(const struct leak_view *view, const struct leak_answer *answer);

/** leak_before_pages() - highest use in the bins up to the onset. */
uint32_t leak_before_pages(const struct leak_view *view, double onset_s);

/**
 * leak_kind() - the kind of memory that grows most over the last @span_s.
 * @ret_share: its part of the growth of all growing kinds.
 */
enum pf_memory_kind leak_kind(const struct leak_view *view, double span_s, double *ret_share);

#endif
