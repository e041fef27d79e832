// SPDX-License-Identifier: Apache-2.0
/*
 * evidence_time.c - evidence that a clock which was set back has left in the future.
 */
#include "core/evidence_internal.h"

#define DAY_NS ((int64_t)PF_NS_PER_DAY)

static void move(int64_t *at_ns, int64_t back_ns)
{
	if (*at_ns != PF_VPA_NO_TIME)
		*at_ns -= back_ns;
}

/* Not before 1970, where a node without a clock of its own begins. */
static void move_index(uint32_t *index, int64_t back)
{
	*index = (int64_t)*index > back ? *index - (uint32_t)back : 0;
}

/* Cells that have met at 1970 become one: each index is there once. */
static void move_cells(struct pf_memory_cell *cells, uint32_t *nr, int64_t back)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < *nr; i++) {
		move_index(&cells[i].index, back);
		if (kept && cells[kept - 1].index == cells[i].index)
			pf_evidence_raise_cell(&cells[kept - 1], &cells[i]);
		else
			cells[kept++] = cells[i];
	}
	*nr = kept;
}

/* Whole days from @now_ns to @last_ns, rounded up; 0 where it is no more than one. */
static int64_t days_ahead(int64_t last_ns, int64_t now_ns)
{
	int64_t ahead_ns = last_ns == PF_VPA_NO_TIME ? 0 : pf_vpa_time_diff(last_ns, now_ns);

	return ahead_ns <= DAY_NS ? 0 : ahead_ns / DAY_NS + (ahead_ns % DAY_NS != 0);
}

void pf_evidence_rebase(struct pf_evidence *e, int64_t now_ns)
{
	int64_t days = days_ahead(e->last_ns, now_ns);
	int64_t *const moments[] = { &e->reference_ns,
				     &e->first_ns,
				     &e->last_ns,
				     &e->newest_ns,
				     &e->vpa.cpu.reference_ns,
				     &e->vpa.memory.reference_ns,
				     &e->vpa.first_ns,
				     &e->vpa.last_ns };

	if (!days)
		return;
	for (size_t i = 0; i < PF_ARRAY_SIZE(moments); i++)
		move(moments[i], days * DAY_NS);
	move_cells(e->hours, &e->nr_hours, 24 * days);
	move_cells(e->days, &e->nr_days, days);
	for (uint32_t i = 0; i < e->nr_peaks; i++)
		e->peaks[i].interval_end_ns -= days * DAY_NS;
	for (uint32_t i = 0; i < e->nr_instances; i++)
		move_index(&e->instances[i].last_hour, 24 * days);
}

static void move_unsigned(uint64_t *at_ns, int64_t back_ns)
{
	if (*at_ns != PF_UNKNOWN)
		*at_ns -= PF_MIN(*at_ns, (uint64_t)back_ns);
}

void pf_slice_rebase(struct pf_slice *s, int64_t now_ns)
{
	int64_t days = days_ahead((int64_t)(s->start_unix_ns + s->covered_ns), now_ns);

	if (!days)
		return;
	move_index(&s->hour, 24 * days);
	move_unsigned(&s->start_unix_ns, days * DAY_NS);
	move_unsigned(&s->vpa.first_cpu_unix_ns, days * DAY_NS);
	move_unsigned(&s->vpa.last_cpu_unix_ns, days * DAY_NS);
	for (uint32_t i = 0; i < s->vpa.nr_peaks; i++)
		move_unsigned(&s->vpa.peaks[i].interval_end_unix_ns, days * DAY_NS);
}
