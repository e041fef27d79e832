// SPDX-License-Identifier: Apache-2.0
#include "export/breaker.h"
#include "unit/check.h"

static void test_opens_and_closes(void)
{
	struct pf_breaker breaker = { 0 };
	uint64_t s = PF_NS_PER_S, now = 1000 * s;

	for (int i = 0; i < 3; i++) {
		PF_CHECK("closed", pf_breaker_allows(&breaker, now));
		pf_breaker_done(&breaker, now, false);
	}
	pf_breaker_done(&breaker, now + s, true);
	pf_breaker_done(&breaker, now + s, true);
	PF_CHECK_INT("2 of 5", breaker.state, PF_BREAKER_CLOSED);
	pf_breaker_done(&breaker, now + s, true);
	PF_CHECK_INT("3 of 6", breaker.state, PF_BREAKER_OPEN);
	PF_CHECK("nothing goes", !pf_breaker_allows(&breaker, now + 2 * s));
	PF_CHECK_INT("how long", pf_breaker_wait_ns(&breaker, now + 2 * s), 29 * s);
	PF_CHECK("half-open after 30 s", pf_breaker_allows(&breaker, now + 31 * s));
	PF_CHECK("for one call", !pf_breaker_allows(&breaker, now + 31 * s));
	pf_breaker_done(&breaker, now + 32 * s, true);
	PF_CHECK("open again", !pf_breaker_allows(&breaker, now + 33 * s));
	PF_CHECK("once more", pf_breaker_allows(&breaker, now + 62 * s));
	pf_breaker_done(&breaker, now + 62 * s, false);
	PF_CHECK("closed", pf_breaker_allows(&breaker, now + 62 * s));
	PF_CHECK_INT("opened twice", breaker.nr_opened, 2);
}

static void test_window(void)
{
	struct pf_breaker breaker = { 0 };
	uint64_t s = PF_NS_PER_S;

	pf_breaker_done(&breaker, 100 * s, false);
	pf_breaker_done(&breaker, 100 * s, false);
	pf_breaker_done(&breaker, 100 * s, false);
	pf_breaker_done(&breaker, 105 * s, true);
	PF_CHECK_INT("1 of 4", breaker.state, PF_BREAKER_CLOSED);
	/* What was well 11 s ago does not count any more. */
	pf_breaker_done(&breaker, 111 * s, true);
	PF_CHECK_INT("2 of 2", breaker.state, PF_BREAKER_OPEN);
}

static void test_many(void)
{
	struct pf_breaker breaker = { 0 };

	for (int i = 0; i < 10 * PF_BREAKER_CALLS_MAX; i++)
		pf_breaker_done(&breaker, 5, i % 3 == 2);
	PF_CHECK_INT("a third fails", breaker.state, PF_BREAKER_CLOSED);
	PF_CHECK_INT("bounded", breaker.nr_calls, PF_BREAKER_CALLS_MAX);
}

PF_TEST_SUITE(breaker, { "opens and closes", test_opens_and_closes }, { "window", test_window },
	      { "many", test_many });
