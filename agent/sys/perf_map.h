/* SPDX-License-Identifier: Apache-2.0 */
/*
 * perf_map.h - the names of just-in-time compiled code, as compilers write them for perf: lines of START SIZE NAME, both
 * numbers hexadecimal. A stranger's file: any bytes, of any length.
 */
#ifndef PF_SYS_PERF_MAP_H
#define PF_SYS_PERF_MAP_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct pf_symbol;

/* An address and where its name goes. */
struct pf_perf_query {
	uint64_t address;
	uint64_t
		back; /* the address less this is looked up: a return address stands behind its call */
	struct pf_symbol *symbol;
};

/**
 * pf_perf_map() - names what the map knows of the queries; of several lines for one address the last, which is the newest
 * code. Name and offset of a symbol that is not known are left as they are. Reads at most 64 MiB.
 */
void pf_perf_map(FILE *map, const struct pf_perf_query *queries, size_t nr);

#endif
