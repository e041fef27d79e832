// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdint.h>

#include "base/arena.h"
#include "unit/check.h"

static void test_bound(void)
{
	struct pf_arena arena;

	pf_arena_init(&arena, 10000);
	PF_CHECK("fits", pf_arena_alloc(&arena, 9000) != NULL);
	PF_CHECK("beyond", pf_arena_alloc(&arena, 2000) == NULL);
	PF_CHECK_INT("says why", arena.err, -ENOSPC);
	PF_CHECK("overflow", pf_arena_array(&arena, SIZE_MAX / 2, 3) == NULL);
	pf_arena_reset(&arena);
	PF_CHECK_INT("forgotten", arena.err, 0);
	PF_CHECK("fits again", pf_arena_alloc(&arena, 9000) != NULL);
	pf_arena_done(&arena);
}

static void test_zeroed_and_aligned(void)
{
	struct pf_arena arena;
	char *first, *again;

	pf_arena_init(&arena, 1 << 20);
	first = pf_arena_alloc(&arena, 100);
	memset(first, 'x', 100);
	PF_CHECK_INT("aligned", (uintptr_t)pf_arena_alloc(&arena, 1) % _Alignof(max_align_t), 0);
	for (int i = 0; i < 1000; i++)
		PF_CHECK("many", pf_arena_alloc(&arena, 100) != NULL);
	pf_arena_reset(&arena);
	again = pf_arena_alloc(&arena, 100);
	for (int i = 0; i < 100; i++)
		PF_CHECK_INT("zero after a reset", again[i], 0);
	PF_CHECK_STR("printf", pf_arena_printf(&arena, "%d-%s", 7, "x"), "7-x");
	PF_CHECK("no text, no copy", pf_arena_strdup(&arena, NULL) == NULL);
	pf_arena_done(&arena);
}

PF_TEST_SUITE(arena, { "bound", test_bound }, { "zeroed and aligned", test_zeroed_and_aligned });
