// SPDX-License-Identifier: Apache-2.0
#include "capture/statmap.h"

#include <string.h>

void pf_statmap_init(struct pf_statmap *map, enum pf_statmap_unit unit, uint32_t guess)
{
	memset(map, 0, sizeof(*map));
	map->unit = unit;
	map->guess = guess;
}

static uint64_t in_file_unit(const struct pf_statmap *map, uint64_t raw, uint32_t page_size)
{
	if ((int64_t)raw < 0) /* the file shows a sum of per-CPU parts below 0 as 0 */
		return 0;
	switch (map->unit) {
	case PF_UNIT_KIB:
		return raw << 10;
	case PF_UNIT_PAGES:
		return raw * page_size;
	case PF_UNIT_BYTES:
		break;
	}
	return raw;
}

void pf_statmap_observe(struct pf_statmap *map, uint64_t value, const uint64_t *raw,
			uint32_t nr_raw, uint32_t page_size)
{
	for (uint32_t i = 0; i < PF_STATMAP_RAW_MAX; i++) {
		if (i >= nr_raw || in_file_unit(map, raw[i], page_size) != value)
			map->out[i] = true;
		else if (value && map->hits[i] < UINT16_MAX)
			map->hits[i]++;
	}
}

uint32_t pf_statmap_index(const struct pf_statmap *map)
{
	uint32_t best = PF_STATMAP_NONE, nr_best = 0;

	if (map->guess < PF_STATMAP_RAW_MAX && !map->out[map->guess])
		return map->guess;
	for (uint32_t i = 0; i < PF_STATMAP_RAW_MAX; i++) {
		if (map->out[i] || !map->hits[i])
			continue;
		best = i;
		nr_best++;
	}
	return nr_best == 1 ? best : PF_STATMAP_NONE;
}
