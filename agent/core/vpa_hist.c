// SPDX-License-Identifier: Apache-2.0
#include "core/vpa_hist.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "core/vpa_math.h"

/* 2^100 times the smallest weight is still exact in a double; beyond it the reference time moves.
 */
#define MAX_EXPONENT 100

/* Seconds from year 1 (where multiples of the half-life are counted from) to 1970. */
#define YEAR1_TO_1970_S 62135596800LL

/* The largest bucket of a checkpoint. */
#define CHECKPOINT_SCALE 10000

/* ---- scales ---- */

static double exponential_start(const struct pf_vpa_scale *s, int n)
{
	if (n == 0)
		return 0;
	return s->first_width * (pf_vpa_powi(s->ratio, n) - 1) / (s->ratio - 1);
}

static double log_ratio(const struct pf_vpa_scale *s, double value)
{
	return pf_vpa_ln(value * (s->ratio - 1) / s->first_width + 1) / pf_vpa_ln(s->ratio);
}

static int fill_starts(struct pf_vpa_scale *s, double nr_buckets, struct pf_vpa_scale *ret_scale)
{
	if (!(nr_buckets >= 1))
		return -EINVAL;
	if (nr_buckets > PF_VPA_NR_BUCKETS)
		return -ENOSPC;
	s->nr_buckets = (int)nr_buckets;
	for (int n = 0; n < s->nr_buckets; n++)
		s->start[n] = s->exponential ? exponential_start(s, n) : n * s->first_width;
	*ret_scale = *s;
	return 0;
}

int pf_vpa_scale_exponential(double max_value, double first_width, double ratio, double epsilon,
			     struct pf_vpa_scale *ret_scale)
{
	struct pf_vpa_scale s = { .exponential = true,
				  .max_value = max_value,
				  .first_width = first_width,
				  .ratio = ratio,
				  .epsilon = epsilon };

	if (!isfinite(max_value) || !(first_width > 0) || !(max_value > 0) || !(ratio > 1) ||
	    !(epsilon > 0))
		return -EINVAL;
	return fill_starts(&s, ceil(log_ratio(&s, max_value)) + 1, ret_scale);
}

int pf_vpa_scale_linear(double max_value, double width, double epsilon,
			struct pf_vpa_scale *ret_scale)
{
	struct pf_vpa_scale s = { .max_value = max_value,
				  .first_width = width,
				  .epsilon = epsilon };

	if (!isfinite(max_value) || !(width > 0) || !(max_value > 0) || !(epsilon > 0))
		return -EINVAL;
	return fill_starts(&s, ceil(max_value / width) + 1, ret_scale);
}

int pf_vpa_scale_bucket(const struct pf_vpa_scale *s, double value)
{
	if (value < s->first_width)
		return 0;
	if (value >=
	    s->start[s->nr_buckets - 1] * 2) /* far beyond: keeps the conversion below defined */
		return s->nr_buckets - 1;

	int n = (int)(s->exponential ? log_ratio(s, value) : value / s->first_width);

	return PF_MIN(n, s->nr_buckets - 1);
}

/* ---- time ---- */

int64_t pf_vpa_time_diff(int64_t a_ns, int64_t b_ns)
{
	int64_t diff;

	if (a_ns == b_ns)
		return 0;
	if (b_ns == PF_VPA_NO_TIME)
		return INT64_MAX;
	if (a_ns == PF_VPA_NO_TIME)
		return INT64_MIN;
	if (__builtin_sub_overflow(a_ns, b_ns, &diff))
		return a_ns > b_ns ? INT64_MAX : INT64_MIN;
	return diff;
}

/* To the nearest multiple of @step_ns counted from year 1, half up. */
static int64_t round_time(int64_t at_ns, int64_t step_ns)
{
	__int128 since_year1 = (__int128)at_ns + (__int128)YEAR1_TO_1970_S * 1000000000;
	int64_t rest = (int64_t)(since_year1 % step_ns);

	return rest < step_ns - rest ? at_ns - rest : at_ns + (step_ns - rest);
}

/* ---- histograms ---- */

void pf_vpa_hist_init(struct pf_vpa_hist *h, const struct pf_vpa_scale *scale, int64_t half_life_ns)
{
	assert(half_life_ns >= 0 && half_life_ns <= PF_VPA_MAX_HALF_LIFE_NS);
	memset(h, 0, sizeof(*h));
	h->scale = scale;
	h->half_life_ns = half_life_ns;
	h->reference_ns = PF_VPA_NO_TIME;
	h->first = scale->nr_buckets - 1;
	h->last = 0;
}

/* The ends walk inward past buckets that have become empty. */
static void trim_ends(struct pf_vpa_hist *h)
{
	int last_bucket = h->scale->nr_buckets - 1;

	while (h->first < last_bucket && h->weight[h->first] < h->scale->epsilon)
		h->first++;
	while (h->last > 0 && h->weight[h->last] < h->scale->epsilon)
		h->last--;
}

static void move_reference(struct pf_vpa_hist *h, int64_t to_ns)
{
	to_ns = round_time(to_ns, h->half_life_ns);

	double half_lives =
		(double)pf_vpa_time_diff(h->reference_ns, to_ns) / (double)h->half_life_ns;
	double factor = pf_vpa_exp2(floor(half_lives + 0.5));

	for (int n = h->first; n <= h->last; n++)
		h->weight[n] *= factor;
	h->total *= factor;
	trim_ends(h);
	h->reference_ns = to_ns;
}

static double decay(struct pf_vpa_hist *h, int64_t at_ns)
{
	if (!h->half_life_ns)
		return 1;
	if (pf_vpa_time_diff(at_ns, h->reference_ns) > MAX_EXPONENT * h->half_life_ns)
		move_reference(h, at_ns);
	return pf_vpa_exp2((double)pf_vpa_time_diff(at_ns, h->reference_ns) /
			   (double)h->half_life_ns);
}

void pf_vpa_hist_add_bucket(struct pf_vpa_hist *h, int n, double weight, int64_t at_ns)
{
	double decayed = weight * decay(h, at_ns);

	h->weight[n] += decayed;
	h->total += decayed;
	if (h->weight[n] < h->scale->epsilon)
		return;
	h->first = PF_MIN(h->first, n);
	h->last = PF_MAX(h->last, n);
}

void pf_vpa_hist_add(struct pf_vpa_hist *h, double value, double weight, int64_t at_ns)
{
	pf_vpa_hist_add_bucket(h, pf_vpa_scale_bucket(h->scale, value), weight, at_ns);
}

static double less(double from, double weight, double epsilon)
{
	from -= weight;
	return from < epsilon ? 0 : from;
}

void pf_vpa_hist_subtract(struct pf_vpa_hist *h, double value, double weight, int64_t at_ns)
{
	double decayed = weight * decay(h, at_ns);
	int n = pf_vpa_scale_bucket(h->scale, value);

	h->total = less(h->total, decayed, h->scale->epsilon);
	h->weight[n] = less(h->weight[n], decayed, h->scale->epsilon);
	trim_ends(h);
}

void pf_vpa_hist_merge(struct pf_vpa_hist *h, struct pf_vpa_hist *other)
{
	assert(h->scale == other->scale && h->half_life_ns == other->half_life_ns);
	if (h->half_life_ns && h->reference_ns < other->reference_ns)
		move_reference(h, other->reference_ns);
	else if (h->half_life_ns && other->reference_ns < h->reference_ns)
		move_reference(other, h->reference_ns);
	for (int n = other->first; n <= other->last; n++)
		h->weight[n] += other->weight[n];
	h->total += other->total;
	h->first = PF_MIN(h->first, other->first);
	h->last = PF_MAX(h->last, other->last);
}

bool pf_vpa_hist_is_empty(const struct pf_vpa_hist *h)
{
	return h->weight[h->first] < h->scale->epsilon;
}

double pf_vpa_hist_percentile(const struct pf_vpa_hist *h, double p)
{
	double sum = 0, wanted = p * h->total;
	int n = h->first;

	if (pf_vpa_hist_is_empty(h))
		return 0;
	for (; n < h->last; n++) {
		sum += h->weight[n];
		if (sum >= wanted)
			break;
	}
	return h->scale->start[PF_MIN(n + 1, h->scale->nr_buckets - 1)];
}

/* ---- checkpoints ---- */

void pf_vpa_hist_save(const struct pf_vpa_hist *h, struct pf_vpa_hist_checkpoint *ret_checkpoint)
{
	double largest = 0;

	memset(ret_checkpoint, 0, sizeof(*ret_checkpoint));
	ret_checkpoint->reference_ns = h->reference_ns;
	ret_checkpoint->total = h->total;
	for (int n = h->first; n <= h->last; n++)
		largest = PF_MAX(largest, h->weight[n]);
	if (!(largest > 0))
		return;

	double factor = CHECKPOINT_SCALE / largest;

	for (int n = h->first; n <= h->last; n++)
		ret_checkpoint->weight[n] = (uint32_t)floor(h->weight[n] * factor + 0.5);
}

int pf_vpa_hist_load(struct pf_vpa_hist *h, const struct pf_vpa_hist_checkpoint *checkpoint)
{
	uint64_t sum = 0;

	if (!(checkpoint->total >= 0) || !isfinite(checkpoint->total))
		return -EBADMSG;
	for (int n = 0; n < PF_VPA_NR_BUCKETS; n++) {
		if (checkpoint->weight[n] && n >= h->scale->nr_buckets)
			return -EBADMSG;
		sum += checkpoint->weight[n];
	}
	if (h->half_life_ns)
		h->reference_ns = checkpoint->reference_ns;
	if (sum == 0)
		return 0;

	double factor = checkpoint->total / (double)sum;

	for (int n = 0; n < h->scale->nr_buckets; n++) {
		if (!checkpoint->weight[n])
			continue;
		h->weight[n] += checkpoint->weight[n] * factor;
		h->first = PF_MIN(h->first, n);
		h->last = PF_MAX(h->last, n);
	}
	h->total += checkpoint->total;
	trim_ends(h);
	return 0;
}
