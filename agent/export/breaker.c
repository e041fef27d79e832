// SPDX-License-Identifier: Apache-2.0
#include "export/breaker.h"

#include "base/cleanup.h"

uint64_t pf_breaker_wait_ns(const struct pf_breaker *breaker, uint64_t now_ns)
{
	uint64_t end_ns = breaker->opened_ns + PF_BREAKER_OPEN_NS;

	return breaker->state == PF_BREAKER_OPEN && now_ns < end_ns ? end_ns - now_ns : 0;
}

bool pf_breaker_allows(struct pf_breaker *breaker, uint64_t now_ns)
{
	if (breaker->state == PF_BREAKER_CLOSED)
		return true;
	if (breaker->state == PF_BREAKER_HALF_OPEN || pf_breaker_wait_ns(breaker, now_ns))
		return false;
	breaker->state = PF_BREAKER_HALF_OPEN;
	return true;
}

static void note(struct pf_breaker *breaker, uint64_t now_ns, bool failed)
{
	uint32_t place;

	while (breaker->nr_calls &&
	       (breaker->nr_calls == PF_BREAKER_CALLS_MAX ||
		breaker->calls[breaker->head].at_ns + PF_BREAKER_WINDOW_NS < now_ns)) {
		breaker->head = (breaker->head + 1) % PF_BREAKER_CALLS_MAX;
		breaker->nr_calls--;
	}
	place = (breaker->head + breaker->nr_calls++) % PF_BREAKER_CALLS_MAX;
	breaker->calls[place].at_ns = now_ns;
	breaker->calls[place].failed = failed;
}

static double failed_ratio(const struct pf_breaker *breaker)
{
	uint32_t nr_failed = 0;

	for (uint32_t i = 0; i < breaker->nr_calls; i++)
		nr_failed += breaker->calls[(breaker->head + i) % PF_BREAKER_CALLS_MAX].failed;
	return breaker->nr_calls ? (double)nr_failed / breaker->nr_calls : 0;
}

void pf_breaker_done(struct pf_breaker *breaker, uint64_t now_ns, bool failed)
{
	bool probe = breaker->state == PF_BREAKER_HALF_OPEN;

	note(breaker, now_ns, failed);
	if (probe && !failed) {
		breaker->state = PF_BREAKER_CLOSED;
		breaker->nr_calls = 0; /* the failures before are history */
		return;
	}
	if ((probe && failed) ||
	    (breaker->state == PF_BREAKER_CLOSED && failed_ratio(breaker) >= PF_BREAKER_RATIO)) {
		breaker->state = PF_BREAKER_OPEN;
		breaker->opened_ns = now_ns;
		breaker->nr_opened++;
	}
}
