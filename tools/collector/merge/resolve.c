// SPDX-License-Identifier: Apache-2.0
#include "collector/merge/resolve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/evidence.h"

struct candidate {
	uint64_t instance;
	const struct pf_report *report;
	const struct pf_report_container *container;
	const struct pf_slice *slice; /* NULL: this entry only tells the names */
};

static int by_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int newer_first(const struct pf_report *a, const struct pf_report *b)
{
	int r = by_u64(b->end_unix_ns, a->end_unix_ns);

	return r ? r : by_u64(b->sequence, a->sequence);
}

/* Names first, best first: known before unknown, newer before older. Then slices by key, the
 * highest sequence first. */
static int by_instance(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;
	int r = by_u64(a->instance, b->instance);

	if (r)
		return r;
	if (!a->slice != !b->slice)
		return a->slice ? 1 : -1;
	if (!a->slice) {
		r = (int)b->container->identity->named - (int)a->container->identity->named;
		return r ? r : newer_first(a->report, b->report);
	}
	r = by_u64(a->slice->hour, b->slice->hour);
	if (r == 0)
		r = by_u64(a->slice->run_id, b->slice->run_id);
	if (r == 0)
		r = by_u64(b->slice->sequence, a->slice->sequence);
	return r ? r : newer_first(a->report, b->report);
}

static size_t gather(const struct pf_report *const *reports, size_t nr_reports, uint32_t from,
		     uint32_t to, struct candidate *list)
{
	size_t nr = 0;

	for (size_t i = 0; i < nr_reports; i++) {
		for (size_t c = 0; c < reports[i]->nr_containers; c++) {
			const struct pf_report_container *container = &reports[i]->containers[c];
			struct candidate one = { pf_evidence_instance_id(container->instance),
						 reports[i], container, NULL };

			list[nr++] = one;
			for (size_t s = 0; s < container->nr_slices; s++) {
				one.slice = container->slices[s];
				if (one.slice->hour >= from && one.slice->hour <= to)
					list[nr++] = one;
			}
		}
	}
	return nr;
}

static int call(const struct candidate *list, size_t nr, pf_resolve_fn fn, void *arg)
{
	const struct candidate *names = NULL, *last = NULL;

	for (size_t i = 0; i < nr; i++) {
		const struct candidate *one = &list[i];
		bool same_instance = i && list[i - 1].instance == one->instance, same_hour;
		struct pf_resolved resolved = { .instance = one->instance };
		int r;

		if (!same_instance) {
			names = one; /* an instance's names sort before its slices */
			last = NULL;
		}
		if (!one->slice)
			continue;
		same_hour = last && last->slice->hour == one->slice->hour;
		if (same_hour && last->slice->run_id == one->slice->run_id)
			continue; /* an older state */
		resolved.report = one->report;
		resolved.container = names->container;
		resolved.slice = one->slice;
		resolved.new_instance = !same_hour;
		last = one;
		r = fn(arg, &resolved);
		if (r < 0)
			return r;
	}
	return 0;
}

int pf_resolve(const struct pf_report *const *reports, size_t nr_reports, uint32_t from,
	       uint32_t to, pf_resolve_fn fn, void *arg)
{
	PF_AUTO(pf_freep) struct candidate *list = NULL;
	size_t max = 1, nr;

	for (size_t i = 0; i < nr_reports; i++)
		for (size_t c = 0; c < reports[i]->nr_containers; c++)
			max += 1 + reports[i]->containers[c].nr_slices;
	list = malloc(max * sizeof(*list));
	if (!list)
		return -ENOMEM;
	nr = gather(reports, nr_reports, from, to, list);
	qsort(list, nr, sizeof(*list), by_instance);
	return call(list, nr, fn, arg);
}

const struct pf_report *pf_resolve_newest(const struct pf_report *const *reports, size_t nr_reports)
{
	const struct pf_report *newest = NULL;

	for (size_t i = 0; i < nr_reports; i++)
		if (!newest || newer_first(reports[i], newest) < 0)
			newest = reports[i];
	return newest;
}
