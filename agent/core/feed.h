/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed.h - from the 10 s samples of one container instance to what sizing needs by the minute and
 * by the day.
 *
 * - Once a minute: mean use in whole millicores, rounded up, as a VPA CPU sample; mean uncensored
 * demand (use + throttled time) for podfit's CPU request. Never the 10 s samples: they would
 * multiply VPA's confidence.
 * - Every sample: the working set, as VPA's memory sample; the peak of VPA's memory interval, which
 * is anchored at this instance's first sample.
 * - At an OOM kill: VPA's bump from the memory request, and podfit's overshoot: growth over the
 * last 10 s times 30 s, never below VPA's bump, because use itself stops at the limit.
 *
 * All of it goes into the instance's hour slices, so that merging slices gives VPA's own answer to
 * the bucket.
 */
#ifndef PF_CORE_FEED_H
#define PF_CORE_FEED_H

#include <stdint.h>

#include "core/slice.h"
#include "core/vpa_model.h"

/* State of one instance; a plain value. Survives restarts of the agent if it is saved. */
struct pf_feed {
	struct pf_vpa_memory_rules rules;
	struct pf_vpa_instance vpa; /* times: wall clock, ns since 1970 */

	/* The minute being filled; the clock is the samples' monotonic one. */
	uint64_t minute_ns; /* length of a minute: 60 s, less with a time scale */
	uint64_t filled_ns; /* measured time in it */
	uint64_t usage_ns;
	uint64_t throttled_ns;
	uint64_t throttled_period_ns; /* length of the periods with throttling */

	/* Growth before an OOM kill. */
	uint64_t last_usage_bytes; /* of the newest sample; PF_UNKNOWN: none */
	uint64_t last_end_ns;
	double growth_bytes_per_s; /* between the newest two samples, never negative */
	uint64_t limit_bytes;	   /* of the newest sample; PF_NO_LIMIT; PF_UNKNOWN: none */
};

/** pf_feed_init() - @time_scale: how much faster than real time analysis runs; 1. */
void pf_feed_init(struct pf_feed *feed, const struct pf_vpa_settings *settings, double time_scale);

/**
 * pf_feed_sample() - takes one sample of the instance.
 * @end_unix_ns: wall clock at the sample's end. Where it was set back, the instance's times move with it.
 * @slice: the one this sample was added to.
 * Return: 0; -ENOMEM or -ENOSPC (too many VPA intervals in one slice): what did not fit is lost,
 * the rest was taken.
 */
PF_MUST_CHECK int pf_feed_sample(struct pf_feed *feed, const struct pf_sample *sample,
				 int64_t end_unix_ns, struct pf_slice *slice);

/**
 * pf_feed_oom() - takes a kill in this container. Where the source does not tell the container's own use, and a limit
 * above the container's was hit, of its pod or of all pods, the use told with the kill does not count.
 * @request_bytes: memory request in force; PF_UNKNOWN or PF_NO_LIMIT count 0, as they do in VPA.
 * @at_unix_ns: wall clock at the kill.
 * @ret_overshoot_bytes: what was still wanted beyond the limit, by podfit's estimate; always set.
 * Return: 0; -ENOSPC, then the slice has touched too many VPA intervals and did not take the peak.
 */
PF_MUST_CHECK int pf_feed_oom(struct pf_feed *feed, const struct pf_oom_kill *kill,
			      uint64_t request_bytes, int64_t at_unix_ns, struct pf_slice *slice,
			      uint64_t *ret_overshoot_bytes);

/** pf_slice_vpa_cpu() - adds one VPA CPU sample to a slice. Return: 0; -ENOMEM. */
PF_MUST_CHECK int pf_slice_vpa_cpu(struct pf_slice *slice, int64_t millicores, int64_t at_unix_ns);

#endif
