// SPDX-License-Identifier: Apache-2.0
#include "capture/statmap.h"

#include "unit/check.h"

enum { PAGE = 4096 };

static void test_guess(void)
{
	static const uint64_t agrees[] = { 0, 0, 7, 0 }, differs[] = { 0, 7, 0, 0 };
	struct pf_statmap map;

	pf_statmap_init(&map, PF_UNIT_PAGES, 2);
	PF_CHECK_INT("a guess is taken at once", pf_statmap_index(&map), 2);
	pf_statmap_observe(&map, 7 * PAGE, agrees, 4, PAGE);
	PF_CHECK_INT("and kept while it agrees", pf_statmap_index(&map), 2);
	pf_statmap_observe(&map, 7 * PAGE, differs, 4, PAGE);
	PF_CHECK_INT("refuted, and so was the other index before", pf_statmap_index(&map),
		     PF_STATMAP_NONE);

	pf_statmap_init(&map, PF_UNIT_PAGES, 2);
	pf_statmap_observe(&map, 7 * PAGE, differs, 4, PAGE);
	PF_CHECK_INT("a wrong guess is replaced by what agrees", pf_statmap_index(&map), 1);
}

static void test_search(void)
{
	static const uint64_t first[] = { 5, 9, 5, 1 }, second[] = { 6, 9, 5, 1 },
			      zero[] = { 0, 0, 0, 0 };
	struct pf_statmap map;

	pf_statmap_init(&map, PF_UNIT_BYTES, PF_STATMAP_NONE);
	PF_CHECK_INT("nothing is known", pf_statmap_index(&map), PF_STATMAP_NONE);
	pf_statmap_observe(&map, 0, zero, 4, PAGE);
	PF_CHECK_INT("zeros tell nothing", pf_statmap_index(&map), PF_STATMAP_NONE);
	pf_statmap_observe(&map, 5, first, 4, PAGE);
	PF_CHECK_INT("two places agree", pf_statmap_index(&map), PF_STATMAP_NONE);
	pf_statmap_observe(&map, 6, second, 4, PAGE);
	PF_CHECK_INT("one is left", pf_statmap_index(&map), 0);
}

static void test_units(void)
{
	static const uint64_t raw[] = { 3, 3 << 10, (uint64_t)-2, 48 };
	struct pf_statmap map;

	pf_statmap_init(&map, PF_UNIT_KIB, PF_STATMAP_NONE);
	pf_statmap_observe(&map, 48 << 10, raw, 4, PAGE);
	PF_CHECK_INT("KiB", pf_statmap_index(&map), 3);
	pf_statmap_init(&map, PF_UNIT_BYTES, PF_STATMAP_NONE);
	pf_statmap_observe(&map, 3 << 10, raw, 4, PAGE);
	PF_CHECK_INT("bytes", pf_statmap_index(&map), 1);
	pf_statmap_init(&map, PF_UNIT_PAGES, 2);
	pf_statmap_observe(&map, 0, raw, 4, PAGE);
	PF_CHECK_INT("a sum below zero is shown as zero", pf_statmap_index(&map), 2);
	pf_statmap_init(&map, PF_UNIT_PAGES, 9);
	pf_statmap_observe(&map, 0, raw, 4, PAGE);
	PF_CHECK_INT("a guess beyond the array", pf_statmap_index(&map), PF_STATMAP_NONE);
}

PF_TEST_SUITE(statmap, { "guess", test_guess }, { "search", test_search }, { "units", test_units });
