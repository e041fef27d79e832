/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence.h - what is known about one workload's container, from the hour slices of all its
 * instances.
 *
 * The agent keeps one for each (namespace, workload, container) of its node, the collector builds
 * one from the fleet's slices: the same code, and the order of slices does not matter. Each slice
 * is to be added once, in its final state; for the hour that is still open, add it to a copy.
 *
 * Histograms decay: a sample of age t weighs 2^(-t / half-life). Memory is kept as exact maxima of
 * hours and days, because a size is decided by its highest peaks and a bucket's width would be
 * waste.
 */
#ifndef PF_CORE_EVIDENCE_H
#define PF_CORE_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/slice.h"
#include "core/vpa_model.h"

enum {
	PF_EVIDENCE_HOURS = 72, /* kept one by one; older ones as days */
	PF_EVIDENCE_DAYS = 14,	/* older peaks are forgotten */
	PF_EVIDENCE_INSTANCES_MAX =
		256, /* told apart; beyond it the ones longest gone are forgotten */
	/*
	 * VPA memory intervals kept apart, those of the last 14 days at most: 24 bytes each, allocated by need. Up to
	 * that many instances can be alive within a day before VPA's answer for memory is only nearly exact.
	 */
	PF_EVIDENCE_PEAKS_MAX = 16384,
};

/* Half-lives, found by the back-test: a request follows the higher of the two. */
#define PF_EVIDENCE_LONG_NS  (48 * (int64_t)PF_NS_PER_HOUR)
#define PF_EVIDENCE_SHORT_NS (3 * (int64_t)PF_NS_PER_HOUR)

/* The highest memory needs of one hour or one day, in bytes; 0: not known. */
struct pf_memory_cell {
	uint32_t index;	     /* hours or days since 1970 */
	uint64_t need_bytes; /* what could not be dropped, spikes between samples included */
	uint64_t peak_bytes; /* all that was charged, page cache included */
	uint64_t oom_bytes;  /* what an OOM kill says was needed; 0: no kill */
	uint64_t room_bytes; /* lowest limit that was in force; PF_NO_LIMIT; 0: not known */
};

struct pf_evidence_instance {
	uint64_t id;
	uint32_t last_hour;
	double covered_ns, usage_ns; /* decayed with the long half-life */
	uint64_t need_bytes;	     /* highest */
};

struct pf_vpa_slice_peak {
	uint64_t instance;
	int64_t interval_end_ns;
	int64_t bytes;
};

/* Sums decay with the long half-life, like everything measured in windows. */
struct pf_evidence_sums {
	double covered_ns, usage_ns, throttled_ns, nr_periods, nr_throttled;
	double nr_waits, quota_wait_ns, contention_wait_ns, reclaim_ns, block_io_ns;
	double memory_some_ns, memory_byte_ns, hot_byte_ns; /* byte * ns: means over covered_ns */
	double saturated_ns; /* covered time of slices that were throttled nearly all the time */
	/* struct pf_limit_queues */
	double limit_windows, limit_active, limit_free, limit_running, limit_pairs;
};

struct pf_evidence {
	int64_t reference_ns;	   /* of all weights; PF_VPA_NO_TIME: nothing yet */
	int64_t first_ns, last_ns; /* wall clock: begin of the first, end of the newest slice */
	double covered_hours;	   /* instance hours, without decay */

	/*
	 * 100 ms windows as they would be without a limit, start-up left out; PF_LAYOUT_MILLICORES,
	 * long half-life. Measured demand is uncensored but still queued: work that a quota holds
	 * up comes back in the next windows. A window of demand d above the quota q in force did q
	 * of work, so it counts q / d here and the rest is idle time; not in a slice that was
	 * throttled nearly all the time, whose queue never emptied.
	 */
	float demand[PF_MILLICORES_BUCKETS], demand_idle;
	/* Whole minutes of uncensored demand. */
	float minute_long[PF_MILLICORES_BUCKETS], minute_long_idle;
	float minute_short[PF_MILLICORES_BUCKETS], minute_short_idle;
	float quota_wait[PF_LATENCY_BUCKETS], contention_wait[PF_LATENCY_BUCKETS];
	float throttle_stall[PF_LATENCY_BUCKETS];
	float limits[PF_NR_LIMIT_COUNTS][PF_LIMITS]; /* by candidate, see limit_queue.h */
	struct pf_evidence_sums sums;
	bool has_windows, has_kinds, has_waits; /* was it measured at all? */

	uint64_t demand_peak_millicores,
		startup_peak_millicores; /* highest windows, without decay; 0: none */
	double startup_ns;
	uint64_t window_ns;

	/* As the newest slice had it. */
	int64_t newest_ns;
	uint64_t cfs_quota_us, cfs_period_us, cfs_burst_us, memory_limit_bytes;
	uint64_t max_threads; /* highest; 0: not known */
	uint64_t nr_cpus;     /* of the largest node it ran on; 0: not known */

	struct pf_memory_cell hours[PF_EVIDENCE_HOURS], days[PF_EVIDENCE_DAYS];
	uint32_t nr_hours, nr_days;			       /* sorted by index, oldest first */
	uint64_t oom_kills, events_max, events_high, restarts; /* in all slices added */
	uint64_t oom_overshoot_bytes;			       /* highest */
	uint64_t working_set_peak_bytes;		       /* highest; 0: not known */

	struct pf_vpa_aggregate vpa; /* CPU, and memory peaks that have become final */
	struct pf_vpa_slice_peak
		*peaks; /* by end and instance; an interval's highest peak counts once */
	uint32_t nr_peaks, peaks_cap;
	struct pf_evidence_instance *instances;
	uint32_t nr_instances, instances_cap;
};

PF_MUST_CHECK int pf_evidence_new(const struct pf_vpa_settings *settings,
				  struct pf_evidence **ret_evidence);
void pf_evidence_free(struct pf_evidence *evidence); /* accepts NULL */
PF_DEFINE_AUTO(struct pf_evidence *, pf_evidence_free);

/** pf_evidence_copy() - Return: 0; -ENOMEM. */
PF_MUST_CHECK int pf_evidence_copy(const struct pf_evidence *evidence,
				   struct pf_evidence **ret_copy);

/**
 * pf_evidence_add_slice() - takes one slice.
 * @instance: names the container instance; a hash of its key will do.
 * Return: 0; -ENOMEM, then nothing was taken.
 */
PF_MUST_CHECK int pf_evidence_add_slice(struct pf_evidence *evidence, uint64_t instance,
					const struct pf_slice *slice);

/** pf_evidence_merge() - adds all of @other, which is left as it is. Return: 0; -ENOMEM, then
 * nothing was taken. */
PF_MUST_CHECK int pf_evidence_merge(struct pf_evidence *evidence, const struct pf_evidence *other);

/** pf_evidence_order_peaks() - sorts peaks that were read from elsewhere, each interval once. */
void pf_evidence_order_peaks(struct pf_evidence *evidence);

/** pf_evidence_vpa() - VPA's aggregate: CPU, and all memory peaks put into the histogram. */
void pf_evidence_vpa(const struct pf_evidence *evidence, struct pf_vpa_aggregate *ret_aggregate);

/**
 * pf_evidence_rebase() - moves evidence back by whole days if it ends more than a day after @now_ns:
 * the clock was set back. Left there it would outweigh everything to come until
 * the clock has caught up. Whole days keep the time of day, and VPA's references where VPA has them.
 */
void pf_evidence_rebase(struct pf_evidence *evidence, int64_t now_ns);

/** pf_slice_rebase() - the same for a slice that ends more than a day after @now_ns; what it points to is left as it is. */
void pf_slice_rebase(struct pf_slice *slice, int64_t now_ns);

/** pf_evidence_instance_id() - a hash of a name, for pf_evidence_add_slice(). */
uint64_t pf_evidence_instance_id(const char *name);

#endif
