/* SPDX-License-Identifier: Apache-2.0 */
/*
 * size_memory.h - a memory request and limit from the peaks of hours and days.
 *
 *	request = need * (1 + margin + growth_margin * growth + young_margin * missing history)
 *
 * The need of an hour is what could not be dropped: hot memory, spikes between samples included. The need that counts
 * is the cheapest of them: the one with the least hours of unused size + kill_price * (hours and days above it). At
 * the default price, more hours than the window has, that is the highest. Growth is how far an hour
 * ever rose above the six hours before it and the same time of the day before: a load that repeats itself needs no room beyond its maximum, one that keeps
 * finding new heights does. After an OOM kill the need is where the limit was plus the overshoot.
 */
#ifndef PF_CORE_SIZE_MEMORY_H
#define PF_CORE_SIZE_MEMORY_H

#include <stdint.h>

#include "core/evidence.h"
#include "core/rules.h"

struct pf_memory_size {
	double request_bytes, limit_bytes; /* before bounds */
	double lower_bytes, upper_bytes;   /* of the request */
	uint64_t need_bytes;		   /* highest of the window */
	uint64_t base_bytes;		   /* the one the request rests on */
	size_t nr_above;     /* peaks not worth their size: 0 unless the kill price is low */
	uint64_t oom_bytes;  /* what kills said was needed; 0: none */
	double growth_ratio; /* largest rise over the hours before, 0 to 1 */
	uint64_t
		day_rise_bytes; /* need of the newest 24 h above all before it; 0: none, or nothing before it */
};

/**
 * pf_memory_size()
 * @missing: share of the wanted history that is not there yet, 0 to 1.
 * Return: 0; -ENODATA without any reading of memory.
 */
PF_MUST_CHECK int pf_memory_size(const struct pf_evidence *evidence, const struct pf_class *class,
				 double missing, struct pf_memory_size *ret_size);

/**
 * pf_memory_growth() - largest rise of an hour's need over the highest of the six hours of data before it and of the
 * hours 23 to 25 before it, cut at 1.
 */
double pf_memory_growth(const struct pf_memory_cell *hours, uint32_t nr_hours);

#endif
