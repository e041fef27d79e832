/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leak.h - is this container leaking? A streaming detector with a fixed amount of memory.
 *
 * Memory is cut into bins of six widths, 15 s to 4 h; the smallest value of a bin is its floor,
 * which a collector's troughs and short bursts do not move. A leak is a floor that rises in many
 * steps, as straight as an unbounded process rises, into territory not seen for eight days, by a
 * material part of the room that is left. Three tests look for it: windows of 24 to 36 bins of each
 * width, the same hours of following days, and record floors close to the limit.
 *
 * The state is a plain value: copy it, save it, restore it. Nothing is allocated, nothing fails.
 * One sample costs a few comparisons; a test runs at every third completed bin.
 *
 * Time is the caller's: nanoseconds of any clock that keeps its origin for as long as the state
 * lives (across agent restarts: the wall clock at start, advanced by the monotonic clock). Steps
 * back are dropped and counted, gaps leave bins empty. With time_scale s all durations of the
 * algorithm are s times shorter; inputs and results stay in real time.
 */
#ifndef PF_CORE_LEAK_H
#define PF_CORE_LEAK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/types.h"

enum {
	PF_LEAK_NR_LEVELS = 6,	  /* bins of 15 s, 1 min, 5 min, 20 min, 1 h, 4 h */
	PF_LEAK_WINDOW_BINS = 36, /* most bins one window test looks at */
	PF_LEAK_HOUR_BINS = 192,  /* eight days */
	PF_LEAK_4H_BINS = 48,	  /* eight days */
	PF_LEAK_NR_BINS = 4 * PF_LEAK_WINDOW_BINS + PF_LEAK_HOUR_BINS + PF_LEAK_4H_BINS,
	PF_LEAK_RECORD_LEVELS = 4, /* levels whose window is shorter than what must be remembered */
	PF_LEAK_RECORD_HOURS = 24,
	PF_LEAK_RECORD_DAYS = 8,
	PF_LEAK_PAGE_BYTES = 4096, /* unit of memory in the state */
};

/* One bin of one width. Its place in time is origin + index * width. */
struct pf_leak_bin {
	uint32_t index;
	uint32_t min_pages, max_pages;
	float cpu_cores; /* mean; below 0: not known */
};

/* The bin being filled, and where the completed ones of this width are. */
struct pf_leak_level {
	uint32_t index, min_pages, max_pages;
	uint32_t nr_samples;	 /* 0: no bin is open */
	uint32_t nr_cpu_samples; /* of them with known CPU use */
	double cpu_sum;
	uint32_t nr_closed; /* bins completed since the start: every third one is followed by a test
			     */
	uint16_t head, nr_bins; /* ring: place of the oldest, and how many */
};

/* What bins that left the short rings had shown, for one hour or one day. */
struct pf_leak_record {
	uint32_t index; /* hour or day since the origin, plus 1; 0: empty */
	uint32_t max_floor_pages[PF_LEAK_RECORD_LEVELS];
	float cpu_sum; /* over all levels */
	uint32_t nr_cpu;
};

/* Everything known of one container. Zeroed is a valid start. */
struct pf_leak_state {
	uint64_t origin_ns; /* time of index 0 in every ring */
	uint64_t start_ns;  /* first sample of this instance; 0: none yet */
	uint64_t last_ns;   /* newest sample */
	uint64_t limit_bytes;
	uint32_t first_pages; /* smallest value of the first 15 minutes */
	uint32_t nr_late;     /* samples dropped because they were older than the open bin */
	struct pf_leak_level level[PF_LEAK_NR_LEVELS];
	struct pf_leak_bin bin[PF_LEAK_NR_BINS];
	struct pf_leak_record hour[PF_LEAK_RECORD_HOURS];
	struct pf_leak_record day[PF_LEAK_RECORD_DAYS];
	double alarm_end_bytes; /* a floor below ends the alarm; 0: no alarm */
	uint64_t suspect_since_ns;
};

struct pf_leak_options {
	uint64_t interval_ns; /* usual distance of samples */
	double time_scale;    /* 1, or how much faster analysis time runs */
};

struct pf_leak_sample {
	uint64_t at_ns;
	uint64_t hot_bytes;   /* what cannot be dropped: pf_memory_hot_bytes() */
	uint64_t limit_bytes; /* smallest of container, pod and node; PF_NO_LIMIT */
	double cpu_cores;     /* mean since the sample before; below 0: not known */
};

/* What a test found: real time, bytes. */
struct pf_leak_trend {
	uint64_t at_ns;
	double slope_bytes_per_h, slope_low, slope_high;
	uint64_t floor_bytes;			  /* now */
	uint64_t rise_bytes;			  /* over the window */
	uint64_t oom_ns, oom_low_ns, oom_high_ns; /* UINT64_MAX: not in sight */
	char test[4];
};

/** pf_leak_restart() - the container's instance ended; the next sample is of a new one. */
void pf_leak_restart(struct pf_leak_state *state);

/**
 * pf_leak_push() - takes one sample.
 * Return: true if an alarm begins with it; then *@ret_trend is set.
 */
bool pf_leak_push(struct pf_leak_state *state, const struct pf_leak_options *options,
		  const struct pf_leak_sample *sample, struct pf_leak_trend *ret_trend);

#endif
