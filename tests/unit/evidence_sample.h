/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence_sample.h - slices of an invented container, for tests of evidence and recommendations.
 */
#ifndef PF_TESTS_EVIDENCE_SAMPLE_H
#define PF_TESTS_EVIDENCE_SAMPLE_H

#include <math.h>
#include <stdlib.h>

#include "core/evidence.h"
#include "core/feed.h"
#include "unit/check.h"

/* 2026-05-29 00:00 UTC, a whole hour. */
#define EVIDENCE_START_HOUR 494328u

/* What the container does in an hour. */
struct evidence_hour {
	uint64_t idle_windows, busy_windows; /* of 100 ms */
	uint64_t demand_millicores;	     /* of a busy window */
	uint64_t usage_millicores;	     /* mean of the hour; 0: as demanded */
	uint64_t quota_us;		     /* 0: none */
	uint64_t nr_periods, nr_throttled, throttled_ns;
	uint64_t contention_wait_ns;	  /* 0: waits are not known */
	uint64_t memory_bytes, hot_bytes; /* peaks */
	uint64_t oom_kills, overshoot_bytes, limit_bytes;
	uint64_t threads;
};

static inline struct pf_slice *evidence_slice(uint32_t hour, const struct evidence_hour *h)
{
	struct pf_slice *s = NULL;
	uint64_t windows = h->idle_windows + h->busy_windows;
	uint64_t mean = h->usage_millicores ? h->usage_millicores
					    : h->demand_millicores * h->busy_windows / windows;

	if (pf_slice_new(&s) < 0)
		abort();
	s->hour = EVIDENCE_START_HOUR + hour;
	s->start_unix_ns = (uint64_t)s->hour * PF_NS_PER_HOUR;
	s->sequence = 1;
	s->covered_ns = windows * 100 * PF_NS_PER_MS;
	s->window_ns = 100 * PF_NS_PER_MS;
	s->usage_ns = s->covered_ns / 1000 * mean;
	s->nr_demand_idle_windows = s->nr_idle_windows = h->idle_windows;
	s->demand_peak_millicores = h->demand_millicores;
	s->hists[PF_HIST_DEMAND] = calloc(PF_MILLICORES_BUCKETS, sizeof(uint32_t));
	s->hists[PF_HIST_DEMAND][pf_hist_bucket(PF_LAYOUT_MILLICORES, h->demand_millicores)] =
		(uint32_t)h->busy_windows;
	s->cfs_quota_us = h->quota_us ? h->quota_us : PF_NO_LIMIT;
	s->cfs_period_us = 100000;
	s->nr_periods = h->nr_periods;
	s->nr_throttled = h->nr_throttled;
	s->throttled_ns = h->throttled_ns;
	if (h->contention_wait_ns) {
		s->nr_waits = h->contention_wait_ns / (10 * PF_NS_PER_MS);
		s->quota_wait_ns = 0;
		s->contention_wait_ns = h->contention_wait_ns;
	}
	s->memory_peak_bytes = h->memory_bytes;
	s->hot_peak_bytes = h->hot_bytes;
	s->memory_mean_bytes = (double)h->memory_bytes;
	s->hot_mean_bytes = (double)h->hot_bytes;
	s->working_set_peak_bytes = h->hot_bytes;
	s->oom_kills = h->oom_kills;
	s->oom_overshoot_bytes = h->overshoot_bytes;
	s->memory_limit_bytes = h->limit_bytes ? h->limit_bytes : PF_NO_LIMIT;
	s->max_threads = h->threads;
	for (unsigned minute = 0; minute < 60; minute++) {
		int64_t at = (int64_t)(s->start_unix_ns + (minute + 1) * PF_NS_PER_MIN);

		PF_CHECK_INT("minute", pf_slice_minute(s, mean), 0);
		PF_CHECK_INT("VPA sample", pf_slice_vpa_cpu(s, (int64_t)mean, at), 0);
	}
	PF_CHECK_INT("VPA peak",
		     pf_slice_peak(s, (EVIDENCE_START_HOUR + hour / 24 * 24 + 24) * PF_NS_PER_HOUR,
				   h->hot_bytes, false),
		     0);
	return s;
}

/* Adds @nr_hours alike hours of instance @id, from hour @first on. */
static inline void evidence_run(struct pf_evidence *e, const char *id, uint32_t first,
				uint32_t nr_hours, const struct evidence_hour *h)
{
	for (uint32_t hour = first; hour < first + nr_hours; hour++) {
		PF_AUTO(pf_slice_freep) struct pf_slice *s = evidence_slice(hour, h);

		PF_CHECK_INT("slice", pf_evidence_add_slice(e, pf_evidence_instance_id(id), s), 0);
	}
}

static inline struct pf_evidence *evidence_new(void)
{
	struct pf_vpa_settings settings;
	struct pf_evidence *e = NULL;

	pf_vpa_settings_default(&settings);
	if (pf_evidence_new(&settings, &e) < 0)
		abort();
	return e;
}

#endif
