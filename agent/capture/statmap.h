/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statmap.h - which element of the kernel's memory counters is which kind.
 *
 * The order of mem_cgroup's state[] depends on version and configuration, and no type information
 * tells it since v6.10. So it is found by comparison: memory.stat of a few cgroups gives values
 * under names, the raw array gives values under indices, and an index that has ever differed is
 * out. A guess is kept as long as nothing speaks against it.
 */
#ifndef PF_CAPTURE_STATMAP_H
#define PF_CAPTURE_STATMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

#define PF_STATMAP_RAW_MAX 192
#define PF_STATMAP_NONE	   UINT32_MAX

enum pf_statmap_unit {
	PF_UNIT_BYTES,
	PF_UNIT_KIB,
	PF_UNIT_PAGES,
};

/* One name that is looked for. */
struct pf_statmap {
	enum pf_statmap_unit unit;
	uint32_t guess;			   /* or PF_STATMAP_NONE */
	bool out[PF_STATMAP_RAW_MAX];	   /* indices that differed */
	uint16_t hits[PF_STATMAP_RAW_MAX]; /* comparisons of values other than 0 that agreed */
};

/** pf_statmap_init() - every index is possible, @guess is preferred. */
void pf_statmap_init(struct pf_statmap *map, enum pf_statmap_unit unit, uint32_t guess);

/** pf_statmap_observe() - the file said @value bytes while the array held @raw. */
void pf_statmap_observe(struct pf_statmap *map, uint64_t value, const uint64_t *raw,
			uint32_t nr_raw, uint32_t page_size);

/** pf_statmap_index() - the index to read, or PF_STATMAP_NONE: none is known. */
uint32_t pf_statmap_index(const struct pf_statmap *map);

#endif
