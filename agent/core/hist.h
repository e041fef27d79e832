/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hist.h - log-linear histograms as the kernel programs fill them.
 *
 * Bucket i holds edge[i-1] < x <= edge[i] (upper edges inclusive, as Prometheus' le means it);
 * bucket 0 starts at 0. An octave is split into 2^sub_bits equal buckets; the first 2^sub_bits
 * buckets are 1 << shift wide each. The last bucket is open. The layout is named in every message,
 * so a reader never guesses.
 */
#ifndef PF_CORE_HIST_H
#define PF_CORE_HIST_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

/* Numbered by hand: the values are the wire's and the kernel side's too. Only appended to. */
enum pf_hist_layout {
	PF_LAYOUT_LATENCY_NS =
		1, /* 4 buckets an octave from 256 ns (64 ns below), 116 buckets, open above 60 s */
	PF_LAYOUT_MILLICORES = 2, /* 16 an octave from 16 millicores (1 below), 272 buckets, open
				     above 1000 cores */
};

enum {
	PF_LATENCY_BUCKETS = 116,
	PF_MILLICORES_BUCKETS = 272,
	PF_HIST_BUCKETS_MAX = 272,
};

/** pf_hist_nr_buckets() - number of buckets of a layout; 0 if the layout is unknown. */
size_t pf_hist_nr_buckets(enum pf_hist_layout layout);

/** pf_hist_bucket() - index of the bucket that takes @value (ns or millicores). */
size_t pf_hist_bucket(enum pf_hist_layout layout, uint64_t value);

/** pf_hist_edge() - inclusive upper edge of bucket @index; for the last, open bucket its lower edge
 * times two. */
uint64_t pf_hist_edge(enum pf_hist_layout layout, size_t index);

/** pf_hist_total() - sum of all counts. */
uint64_t pf_hist_total(const uint32_t *counts, size_t nr_buckets);

/** pf_hist_add() - adds @more to @counts, bucket by bucket; a count saturates at UINT32_MAX. */
void pf_hist_add(uint32_t *counts, const uint32_t *more, size_t nr_buckets);

/**
 * pf_hist_quantile() - the value below which the share @q of the samples lies, interpolated inside
 * its bucket.
 * @nr_zero: samples that were exactly 0 and are in no bucket (idle windows); they count as the
 * lowest.
 * @q: clamped to [0, 1].
 * @ret_value: in the unit of the layout; off by at most the bucket's width.
 * Return: 0; -ENODATA while there is no sample; -EINVAL for an unknown layout.
 */
PF_MUST_CHECK int pf_hist_quantile(enum pf_hist_layout layout, const uint32_t *counts,
				   uint64_t nr_zero, double q, double *ret_value);

#endif
