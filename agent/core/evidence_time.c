// SPDX-License-Identifier: Apache-2.0
/*
 * evidence_time.c - evidence that a clock which was set back has left in the future.
 */
#include "core/evidence.h"

#define DAY_NS ((int64_t)PF_NS_PER_DAY)

static void move(int64_t *at_ns, int64_t back_ns)
{
	if (*at_ns != PF_VPA_NO_TIME)
		*at_ns -= back_ns;
}

static void move_index(uint32_t *index, int64_t back)
{
	*index = (int64_t)*index > back ? *index - (uint32_t)back : 0;
}

void pf_evidence_rebase(struct pf_evidence *e, int64_t now_ns)
{
	int64_t ahead_ns = e->last_ns == PF_VPA_NO_TIME ? 0 : pf_vpa_time_diff(e->last_ns, now_ns);
	int64_t days = ahead_ns <= DAY_NS ? 0 : ahead_ns / DAY_NS + (ahead_ns % DAY_NS != 0);
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
	for (uint32_t i = 0; i < e->nr_hours; i++)
		move_index(&e->hours[i].index, 24 * days);
	for (uint32_t i = 0; i < e->nr_days; i++)
		move_index(&e->days[i].index, days);
	for (uint32_t i = 0; i < e->nr_peaks; i++)
		e->peaks[i].interval_end_ns -= days * DAY_NS;
	for (uint32_t i = 0; i < e->nr_instances; i++)
		move_index(&e->instances[i].last_hour, 24 * days);
}
