// SPDX-License-Identifier: Apache-2.0
/*
 * evidence_vpa.c - VPA's own evidence: its CPU histogram, and the peaks of its memory intervals. A peak counts once in the
 * histogram, with its interval's highest value; until no later word can come it is kept apart.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/evidence_internal.h"

/* Slices this much older than the newest no longer come; their weight would be 2^-14. */
#define PEAK_FINAL_NS (PF_EVIDENCE_DAYS * (int64_t)PF_NS_PER_DAY)

static int by_end(const void *a, const void *b)
{
	const struct pf_vpa_slice_peak *x = a, *y = b;

	if (x->interval_end_ns != y->interval_end_ns)
		return x->interval_end_ns < y->interval_end_ns ? -1 : 1;
	return x->instance < y->instance ? -1 : x->instance > y->instance;
}

/* The first @nr are put into the histogram: they get no later word. */
static void final_peaks(struct pf_evidence *e, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++)
		pf_vpa_hist_add(&e->vpa.memory, (double)e->peaks[i].bytes, 1.0,
				e->peaks[i].interval_end_ns);
	e->nr_peaks -= nr;
	memmove(e->peaks, e->peaks + nr, e->nr_peaks * sizeof(*e->peaks));
}

void pf_evidence_settle_peaks(struct pf_evidence *e)
{
	uint32_t nr = 0;

	while (nr < e->nr_peaks &&
	       pf_vpa_time_diff(e->last_ns, e->peaks[nr].interval_end_ns) > PEAK_FINAL_NS)
		nr++;
	if (nr)
		final_peaks(e, nr);
}

/* Index of the first peak that is not before @peak. */
static uint32_t place_of_peak(const struct pf_evidence *e, const struct pf_vpa_slice_peak *peak)
{
	uint32_t low = 0, high = e->nr_peaks;

	/* Mostly it is a new one, and the newest. */
	if (high && by_end(&e->peaks[high - 1], peak) < 0)
		return high;
	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (by_end(&e->peaks[middle], peak) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Room was made by pf_evidence_reserve_peaks(). In a full table the oldest becomes final as it is. */
void pf_evidence_put_peak(struct pf_evidence *e, const struct pf_vpa_slice_peak *peak)
{
	uint32_t at = place_of_peak(e, peak);

	if (at < e->nr_peaks && by_end(&e->peaks[at], peak) == 0) {
		e->peaks[at].bytes = PF_MAX(e->peaks[at].bytes, peak->bytes);
		return;
	}
	if (e->nr_peaks == PF_EVIDENCE_PEAKS_MAX && at == 0) {
		pf_vpa_hist_add(&e->vpa.memory, (double)peak->bytes, 1.0, peak->interval_end_ns);
		return;
	}
	if (e->nr_peaks == PF_EVIDENCE_PEAKS_MAX) {
		final_peaks(e, 1);
		at--;
	}
	memmove(e->peaks + at + 1, e->peaks + at, (e->nr_peaks - at) * sizeof(*e->peaks));
	e->peaks[at] = *peak;
	e->nr_peaks++;
}

void pf_evidence_order_peaks(struct pf_evidence *e)
{
	uint32_t nr = 0;

	if (e->nr_peaks)
		qsort(e->peaks, e->nr_peaks, sizeof(*e->peaks), by_end);
	for (uint32_t i = 0; i < e->nr_peaks; i++)
		if (nr && by_end(&e->peaks[nr - 1], &e->peaks[i]) == 0)
			e->peaks[nr - 1].bytes = PF_MAX(e->peaks[nr - 1].bytes, e->peaks[i].bytes);
		else
			e->peaks[nr++] = e->peaks[i];
	e->nr_peaks = nr;
}

int pf_evidence_reserve_peaks(struct pf_evidence *e, uint32_t more)
{
	uint32_t want = PF_MIN(e->nr_peaks + more, (uint32_t)PF_EVIDENCE_PEAKS_MAX);
	void *room;

	if (want <= e->peaks_cap)
		return 0;
	want = PF_MIN(want + want / 2, (uint32_t)PF_EVIDENCE_PEAKS_MAX);
	room = realloc(e->peaks, want * sizeof(*e->peaks));
	if (!room)
		return -ENOMEM;
	e->peaks = room;
	e->peaks_cap = want;
	return 0;
}

void pf_evidence_add_vpa(struct pf_evidence *e, uint64_t instance, const struct pf_slice *s)
{
	const struct pf_slice_vpa *vpa = &s->vpa;

	for (uint32_t i = 0; i < vpa->nr_peaks; i++) {
		struct pf_vpa_slice_peak peak = { instance,
						  (int64_t)vpa->peaks[i].interval_end_unix_ns,
						  (int64_t)vpa->peaks[i].bytes };

		pf_evidence_put_peak(e, &peak);
	}
	pf_evidence_settle_peaks(e);
	if (!vpa->cpu_weight || !vpa->nr_cpu_samples)
		return;
	for (int n = 0; n < PF_SLICE_VPA_BUCKETS; n++)
		if (vpa->cpu_weight[n] > 0)
			pf_vpa_hist_add_bucket(&e->vpa.cpu, n, vpa->cpu_weight[n],
					       (int64_t)s->start_unix_ns);
	if (e->vpa.first_ns == PF_VPA_NO_TIME || (int64_t)vpa->first_cpu_unix_ns < e->vpa.first_ns)
		e->vpa.first_ns = (int64_t)vpa->first_cpu_unix_ns;
	e->vpa.last_ns = PF_MAX(e->vpa.last_ns, (int64_t)vpa->last_cpu_unix_ns);
	e->vpa.nr_samples += (int64_t)vpa->nr_cpu_samples;
}

void pf_evidence_vpa(const struct pf_evidence *e, struct pf_vpa_aggregate *ret_aggregate)
{
	*ret_aggregate = e->vpa;
	for (uint32_t i = 0; i < e->nr_peaks; i++)
		pf_vpa_hist_add(&ret_aggregate->memory, (double)e->peaks[i].bytes, 1.0,
				e->peaks[i].interval_end_ns);
}
