// SPDX-License-Identifier: Apache-2.0
#include "core/hist.h"

#include <errno.h>

static const struct layout {
	size_t nr_buckets;
	unsigned shift, sub_bits;
} layouts[] = {
	[PF_LAYOUT_LATENCY_NS] = { PF_LATENCY_BUCKETS, 6, 2 },
	[PF_LAYOUT_MILLICORES] = { PF_MILLICORES_BUCKETS, 0, 4 },
};

static const struct layout *layout_of(enum pf_hist_layout layout)
{
	return layout > 0 && (size_t)layout < PF_ARRAY_SIZE(layouts) ? &layouts[layout] : NULL;
}

size_t pf_hist_nr_buckets(enum pf_hist_layout layout)
{
	const struct layout *l = layout_of(layout);

	return l ? l->nr_buckets : 0;
}

size_t pf_hist_bucket(enum pf_hist_layout layout, uint64_t value)
{
	const struct layout *l = layout_of(layout);
	/* One less, so that a value on an edge stays in the bucket below it. */
	uint64_t x = (value ? value - 1 : 0) >> l->shift;
	size_t index;

	if (x < 1u << l->sub_bits) {
		index = x;
	} else {
		unsigned octave = 63 - (unsigned)__builtin_clzll(x);

		index = ((octave - l->sub_bits + 1) << l->sub_bits) +
			((x >> (octave - l->sub_bits)) & ((1u << l->sub_bits) - 1));
	}
	return PF_MIN(index, l->nr_buckets - 1);
}

uint64_t pf_hist_edge(enum pf_hist_layout layout, size_t index)
{
	const struct layout *l = layout_of(layout);
	size_t sub = (size_t)1 << l->sub_bits;

	if (index >= l->nr_buckets - 1)
		return 2 * pf_hist_edge(layout, l->nr_buckets - 2);
	if (index < sub)
		return (index + 1) << l->shift;
	return ((sub + index % sub + 1) << (index / sub - 1)) << l->shift;
}

uint64_t pf_hist_total(const uint32_t *counts, size_t nr_buckets)
{
	uint64_t total = 0;

	for (size_t i = 0; i < nr_buckets; i++)
		total += counts[i];
	return total;
}

void pf_hist_add(uint32_t *counts, const uint32_t *more, size_t nr_buckets)
{
	for (size_t i = 0; i < nr_buckets; i++)
		counts[i] = more[i] > UINT32_MAX - counts[i] ? UINT32_MAX : counts[i] + more[i];
}

int pf_hist_quantile(enum pf_hist_layout layout, const uint32_t *counts, uint64_t nr_zero, double q,
		     double *ret_value)
{
	const struct layout *l = layout_of(layout);

	if (!l)
		return -EINVAL;

	uint64_t total = nr_zero + pf_hist_total(counts, l->nr_buckets);
	double rank = (q < 0 ? 0 : q > 1 ? 1 : q) * (double)total, below = (double)nr_zero, low = 0;

	if (rank <= below && nr_zero) {
		*ret_value = 0;
		return 0;
	}
	for (size_t i = 0; i < l->nr_buckets; i++) {
		double high = (double)pf_hist_edge(layout, i);

		if (counts[i] && below + counts[i] >= rank) {
			*ret_value = low + (high - low) * (rank - below) / counts[i];
			return 0;
		}
		below += counts[i];
		low = high;
	}
	return -ENODATA; /* none: else the ranks end at the total */
}
