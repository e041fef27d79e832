// SPDX-License-Identifier: Apache-2.0
/*
 * perf_map_fuzz.c - a map of compiled code that a container wrote: names are ended and begin with what a line has, offsets
 * are those of the address in the line's code, and what is not named is left as it was.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/perf_map.h"
#include "sys/symbol.h"

enum { NR_QUERIES = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t addresses[NR_QUERIES] = { 0x1000, 0x1010, 0x7f0000001000,
							UINT64_MAX };
	struct pf_symbol symbols[NR_QUERIES];
	struct pf_perf_query queries[NR_QUERIES];
	FILE *map;

	if (!size)
		return 0;
	map = fmemopen((void *)data, size, "r");
	if (!map)
		abort();
	memset(symbols, 0, sizeof(symbols));
	for (size_t i = 0; i < NR_QUERIES; i++) {
		queries[i] = (struct pf_perf_query){ addresses[i], i & 1, &symbols[i] };
		symbols[i].offset = 77;
	}
	pf_perf_map(map, queries, NR_QUERIES);
	fclose(map);
	for (size_t i = 0; i < NR_QUERIES; i++) {
		size_t len = strnlen(symbols[i].name, sizeof(symbols[i].name));

		assert(len < sizeof(symbols[i].name));
		assert(!symbols[i].module[0] && !symbols[i].build_id[0]);
		assert(len ? symbols[i].offset <= addresses[i] && symbols[i].offset >= (i & 1)
			   : symbols[i].offset == 77);
		assert(!len || memmem(data, size, symbols[i].name, len));
	}
	return 0;
}
