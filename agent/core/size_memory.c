// SPDX-License-Identifier: Apache-2.0
#include "core/size_memory.h"

#include <errno.h>
#include <math.h>

/* Hours a rise is measured against, by the back-test: less sees every wobble as growth, more misses mornings. */
#define HOURS_BEFORE 6

double pf_memory_growth(const struct pf_memory_cell *hours, uint32_t nr)
{
	double growth = 0;

	for (uint32_t i = HOURS_BEFORE; i < nr; i++) {
		uint64_t before = 0;

		for (uint32_t k = i - HOURS_BEFORE; k < i; k++)
			before = PF_MAX(before, hours[k].need_bytes);
		if (before)
			growth = fmax(growth, (double)hours[i].need_bytes / (double)before - 1);
	}
	return fmin(growth, 1);
}

static void raise(const struct pf_memory_cell *cells, uint32_t nr, struct pf_memory_size *size)
{
	for (uint32_t i = 0; i < nr; i++) {
		size->need_bytes = PF_MAX(size->need_bytes, cells[i].need_bytes);
		size->oom_bytes = PF_MAX(size->oom_bytes, cells[i].oom_bytes);
	}
}

int pf_memory_size(const struct pf_evidence *e, const struct pf_class *class, double missing,
		   struct pf_memory_size *ret_size)
{
	struct pf_memory_size size = { .growth_ratio = pf_memory_growth(e->hours, e->nr_hours) };
	double base, growth = class->memory_growth_margin * size.growth_ratio +
			      class->memory_young_margin * missing;

	raise(e->hours, e->nr_hours, &size);
	raise(e->days, e->nr_days, &size);
	if (!size.need_bytes && !size.oom_bytes)
		return -ENODATA;
	base = (double)size.need_bytes;
	size.request_bytes =
		fmax(base * (1 + class->memory_margin_ratio + growth), (double)size.oom_bytes);
	size.limit_bytes = size.request_bytes * (1 + class->memory_limit_margin_ratio);
	size.lower_bytes = fmax(base, (double)size.oom_bytes);
	size.upper_bytes = size.request_bytes * (1 + class->memory_limit_margin_ratio + growth);
	*ret_size = size;
	return 0;
}
