/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slice.h - hour slices: what one container instance did in one hour, as a complete state.
 *
 * Key: (instance, hour, run_id). Within a key the message with the highest sequence is the state;
 * slices of different runs of the same hour add. So reports may be lost, repeated and reordered
 * without changing any result.
 *
 * Hours come from the wall clock when a slice begins and advance with the monotonic clock: a clock
 * that is set back does not reopen a slice, the next one simply gets the hour after the last.
 */
#ifndef PF_CORE_SLICE_H
#define PF_CORE_SLICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "core/types.h"

enum {
	PF_SLICE_VPA_BUCKETS = 176, /* of the VPA recommender's CPU histogram */
	PF_SLICE_PEAKS_MAX = 8,	    /* memory intervals an hour can touch, usage and OOM apart: 4 */
};

/* A memory peak as the VPA recommender counts it: one an interval, replaced by a higher one. */
struct pf_slice_peak {
	uint64_t interval_end_unix_ns;
	uint64_t bytes;
	bool oom;
};

/* VPA's own evidence in this slice. Weights: 0.1 * 2^((t - slice start) / 24 h). */
struct pf_slice_vpa {
	double *cpu_weight; /* PF_SLICE_VPA_BUCKETS, or NULL: no sample yet */
	uint64_t first_cpu_unix_ns, last_cpu_unix_ns; /* PF_UNKNOWN: none yet */
	uint64_t nr_cpu_samples;
	struct pf_slice_peak peaks[PF_SLICE_PEAKS_MAX];
	uint32_t nr_peaks;
};

/* Sums, peaks and gauges are PF_UNKNOWN until a sample knew them; means are NaN. */
struct pf_slice {
	uint32_t hour; /* since 1970 UTC */
	uint64_t run_id;
	uint64_t sequence; /* rises with every change */
	uint64_t start_unix_ns;
	uint64_t covered_ns;

	uint64_t usage_ns, nr_periods, nr_throttled, throttled_ns;
	uint64_t nr_idle_windows, nr_demand_idle_windows; /* beside the histograms: exactly 0 */
	uint64_t usage_peak_millicores, demand_peak_millicores;
	uint64_t window_ns;
	uint64_t cfs_quota_us, cfs_period_us,
		cfs_burst_us; /* at the end; quota PF_NO_LIMIT: none */
	uint32_t nr_quota_changes;
	uint64_t max_threads;

	uint64_t nr_waits, quota_wait_ns, contention_wait_ns;
	uint64_t reclaim_ns, block_io_ns;
	struct pf_psi psi;

	uint64_t memory_peak_bytes, hot_peak_bytes, working_set_peak_bytes;
	double memory_mean_bytes, hot_mean_bytes, working_set_mean_bytes; /* over covered_ns */
	uint64_t hot_floor_bytes;
	struct pf_memory_kinds memory_end;
	uint64_t memory_limit_bytes; /* at the end; PF_NO_LIMIT: none */
	uint64_t events_high, events_max, oom_kills, oom_overshoot_bytes;
	uint64_t restarts;

	/* Of pf_sample_hist_layout() each; NULL: not measured so far. One that has seen nothing may be
	 * shared with others: only pf_slice_*() write to them and free them. */
	uint32_t *hists[PF_NR_SAMPLE_HISTS];
	uint64_t startup_ns;	  /* part of covered_ns */
	uint32_t *startup_demand; /* layout of PF_HIST_DEMAND; part of that histogram */
	uint64_t nr_startup_idle_windows;
	/* Mean uncensored demand of whole minutes: what CPU requests are sized from. NULL: none
	 * yet. */
	uint32_t *minute_demand;       /* layout of PF_HIST_DEMAND */
	uint64_t nr_idle_minutes;      /* beside the histogram: exactly 0 */
	struct pf_limit_queues limits; /* without start-up */
	uint64_t nr_cpus;	       /* of the node; PF_UNKNOWN: not known */

	struct pf_slice_vpa vpa;
};

/** pf_slice_clear() - everything unknown, no histogram. */
void pf_slice_clear(struct pf_slice *slice);

/** pf_slice_new() - an empty slice of its own memory. Return: 0; -ENOMEM. */
PF_MUST_CHECK int pf_slice_new(struct pf_slice **ret_slice);
void pf_slice_free(struct pf_slice *slice);
PF_DEFINE_AUTO(struct pf_slice *, pf_slice_free);

/**
 * pf_slice_add() - takes one sample in.
 * @startup: the sample's interval belongs to the container's start-up.
 * Return: 0; -ENOMEM, then nothing was taken.
 */
PF_MUST_CHECK int pf_slice_add(struct pf_slice *slice, const struct pf_sample *sample,
			       bool startup);

/**
 * pf_slice_minute() - takes the mean of one whole minute: uncensored demand in millicores.
 * Return: 0; -ENOMEM, then nothing was taken.
 */
PF_MUST_CHECK int pf_slice_minute(struct pf_slice *slice, uint64_t demand_millicores);

/** pf_slice_peak() - notes a VPA memory peak: a higher one of the same interval replaces it.
 * Return: 0; -ENOSPC if the slice has touched too many intervals. */
PF_MUST_CHECK int pf_slice_peak(struct pf_slice *slice, uint64_t interval_end_unix_ns,
				uint64_t bytes, bool oom);

/** pf_slice_oom() - the overshoot seen at an OOM kill; the highest stays. */
void pf_slice_oom(struct pf_slice *slice, uint64_t overshoot_bytes);

/*
 * The slices of one instance: the one being filled, and closed ones until they were taken.
 */
enum { PF_SLICES_CLOSED_MAX = 26 }; /* a day's outage of the collector; then the oldest goes */

struct pf_slices {
	uint64_t run_id;
	struct pf_slice *open;	/* NULL before the first sample */
	uint64_t open_until_ns; /* CLOCK_MONOTONIC */
	int64_t wall_offset_ns; /* wall clock less CLOCK_MONOTONIC when it was opened */
	struct pf_slice *closed[PF_SLICES_CLOSED_MAX]; /* oldest first */
	uint64_t closed_at_ns[PF_SLICES_CLOSED_MAX];   /* CLOCK_MONOTONIC */
	bool remembered[PF_SLICES_CLOSED_MAX];	       /* the owner's mark: it is in a history */
	uint32_t nr_closed;
	uint64_t nr_lost; /* closed ones that went untaken */
};

void pf_slices_init(struct pf_slices *slices, uint64_t run_id);
void pf_slices_done(struct pf_slices *slices);

/**
 * pf_slices_at() - the slice a sample that begins at @start_ns goes to; closes the one before if
 * its hour is over, or the wall clock was since set forward by more than an hour or back by more than a day.
 * @start_ns: CLOCK_MONOTONIC. @start_unix_ns: the wall clock at that moment.
 *
 * A clock set back does not reopen an hour: the next one is the hour after the last, or, more than a day back, the clock's,
 * under a new run.
 * Return: 0; -ENOMEM, then the slice open so far goes on.
 */
PF_MUST_CHECK int pf_slices_at(struct pf_slices *slices, uint64_t start_ns, uint64_t start_unix_ns,
			       struct pf_slice **ret_slice);

/** pf_slices_taken() - drops the slices that were closed at @at_ns (CLOCK_MONOTONIC) or before:
 * they are durable elsewhere. */
void pf_slices_taken(struct pf_slices *slices, uint64_t at_ns);

#endif
