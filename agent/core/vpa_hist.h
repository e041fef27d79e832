/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vpa_hist.h - the Vertical Pod Autoscaler's histograms: plain or with exponentially decaying
 * weights.
 *
 * Bit for bit what the real VPA keeps (tests/golden/vpa). Weights of the decaying kind are stored
 * as if every sample had been taken at one reference time: a sample at t counts w * 2^((t -
 * reference) / half_life). So nothing has to be touched while time passes; only when the exponent
 * would grow beyond 100 half-lives the reference moves and all weights are scaled by a power of
 * two.
 *
 * Times are ns since 1970, PF_VPA_NO_TIME before the first sample.
 * Source: Kubernetes VPA recommender, util/histogram and util/decaying_histogram, version 1.8.0.
 */
#ifndef PF_CORE_VPA_HIST_H
#define PF_CORE_VPA_HIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

#define PF_VPA_NR_BUCKETS 176 /* of both standard scales; the most any scale may have */
#define PF_VPA_NO_TIME	  INT64_MIN

/* 1 year: so that 100 of them fit 64 bits. */
#define PF_VPA_MAX_HALF_LIFE_NS (365LL * 24 * 3600 * 1000000000)

/* Where buckets begin. Compared by address: histograms merge only if they share the scale object.
 */
struct pf_vpa_scale {
	bool exponential;
	int nr_buckets;
	double max_value;		 /* values above land in the last bucket */
	double first_width;		 /* width of the first bucket; of every bucket if linear */
	double ratio;			 /* of neighbouring widths; exponential only */
	double epsilon;			 /* a bucket with less weight counts as empty */
	double start[PF_VPA_NR_BUCKETS]; /* lower edges */
};

/* CPU: cores, 0.01 wide first bucket, up to 1000. Memory: bytes, 1e7, up to 1e12. Both grow by 5 %.
 */
extern const struct pf_vpa_scale pf_vpa_cpu_scale, pf_vpa_memory_scale;

/**
 * pf_vpa_scale_exponential(), pf_vpa_scale_linear() - any other scale.
 *
 * Exponential: start(n) = first_width * (ratio^n - 1) / (ratio - 1), ceil(log_ratio(max (ratio - 1)
 * / first + 1)) + 1 buckets. Return: 0; -EINVAL for values that make no scale; -ENOSPC beyond
 * PF_VPA_NR_BUCKETS.
 */
PF_MUST_CHECK int pf_vpa_scale_exponential(double max_value, double first_width, double ratio,
					   double epsilon, struct pf_vpa_scale *ret_scale);
PF_MUST_CHECK int pf_vpa_scale_linear(double max_value, double width, double epsilon,
				      struct pf_vpa_scale *ret_scale);

/** pf_vpa_scale_bucket() - the bucket of @value, which is finite. Negative values count in the
 * first one. */
int pf_vpa_scale_bucket(const struct pf_vpa_scale *scale, double value);

/* A plain value: copied by assignment, nothing to free. Fields are for reading. */
struct pf_vpa_hist {
	const struct pf_vpa_scale *scale;
	int64_t half_life_ns; /* 0: weights do not decay */
	int64_t reference_ns; /* PF_VPA_NO_TIME before the first sample, or if nothing decays */
	double total;	      /* also holds what fell off the ends, below epsilon */
	int first, last;      /* the outermost buckets of at least epsilon; crossed while empty */
	double weight[PF_VPA_NR_BUCKETS];
};

/** pf_vpa_hist_init() - empty. @half_life_ns: 0 (no decay) to PF_VPA_MAX_HALF_LIFE_NS. */
void pf_vpa_hist_init(struct pf_vpa_hist *hist, const struct pf_vpa_scale *scale,
		      int64_t half_life_ns);

/** pf_vpa_hist_add(), pf_vpa_hist_subtract() - @weight >= 0 at @at_ns (ignored if nothing decays).
 * Subtracting needs the time it was added with. */
void pf_vpa_hist_add(struct pf_vpa_hist *hist, double value, double weight, int64_t at_ns);
void pf_vpa_hist_subtract(struct pf_vpa_hist *hist, double value, double weight, int64_t at_ns);

/** pf_vpa_hist_add_bucket() - weight straight into bucket @n: for evidence that is kept by bucket.
 */
void pf_vpa_hist_add_bucket(struct pf_vpa_hist *hist, int n, double weight, int64_t at_ns);

/**
 * pf_vpa_hist_merge() - adds all of @other.
 *
 * The one with the older reference time is first moved to the newer one, also if that is @other:
 * its representation changes, what it says does not. Both share scale and half-life (asserted).
 */
void pf_vpa_hist_merge(struct pf_vpa_hist *hist, struct pf_vpa_hist *other);

bool pf_vpa_hist_is_empty(const struct pf_vpa_hist *hist);

/** pf_vpa_hist_percentile() - upper edge of the bucket that holds fraction @p (lower edge of the
 * last bucket); 0 if empty. */
double pf_vpa_hist_percentile(const struct pf_vpa_hist *hist, double p);

/* A histogram as VPA stores it: integer weights relative to the largest, which is 10000. */
struct pf_vpa_hist_checkpoint {
	int64_t reference_ns;
	double total;
	uint32_t weight[PF_VPA_NR_BUCKETS];
};

void pf_vpa_hist_save(const struct pf_vpa_hist *hist,
		      struct pf_vpa_hist_checkpoint *ret_checkpoint);

/**
 * pf_vpa_hist_load() - adds a checkpoint's weights and takes over its reference time.
 * Return: 0; -EBADMSG for a negative or not finite total, or weight beyond the scale's last bucket.
 */
PF_MUST_CHECK int pf_vpa_hist_load(struct pf_vpa_hist *hist,
				   const struct pf_vpa_hist_checkpoint *checkpoint);

/** pf_vpa_time_diff() - a - b in ns, saturating; PF_VPA_NO_TIME is infinitely long ago. */
int64_t pf_vpa_time_diff(int64_t a_ns, int64_t b_ns);

#endif
