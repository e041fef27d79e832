// SPDX-License-Identifier: Apache-2.0
#include <stdatomic.h>

#include "wire/internal.h"

static atomic_uint_least64_t nr_impossible; /* of all threads that read */

void pf_wire_count_impossible(void)
{
	atomic_fetch_add_explicit(&nr_impossible, 1, memory_order_relaxed);
}

uint64_t pf_wire_nr_impossible(void)
{
	return atomic_load_explicit(&nr_impossible, memory_order_relaxed);
}
