// SPDX-License-Identifier: Apache-2.0
#include "sys/backoff.h"

#include <sys/random.h>

#include "sys/clock.h"

/* xorshift64: jitter needs to differ between nodes, not to be secret. */
uint64_t pf_backoff_random(struct pf_backoff *backoff, uint64_t below)
{
	uint64_t x = backoff->random;

	if (!x && getrandom(&x, sizeof(x), GRND_NONBLOCK) != (ssize_t)sizeof(x))
		x = pf_clock_monotonic_ns();
	x |= x == 0;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	backoff->random = x;
	return below ? x % below : 0;
}

uint64_t pf_backoff_next(struct pf_backoff *backoff)
{
	uint64_t whole_ns = backoff->next_ns ? backoff->next_ns : backoff->first_ns;

	backoff->next_ns = whole_ns > backoff->max_ns / 2 ? backoff->max_ns : whole_ns * 2;
	return whole_ns - pf_backoff_random(backoff, whole_ns / 2 + 1);
}

void pf_backoff_reset(struct pf_backoff *backoff)
{
	backoff->next_ns = 0;
}
