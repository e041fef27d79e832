/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backoff.h - how long to wait before trying again: doubling, with jitter, so that many agents that
 * lost a server at the same moment do not come back at the same moment.
 */
#ifndef PF_SYS_BACKOFF_H
#define PF_SYS_BACKOFF_H

#include <stdint.h>

struct pf_backoff {
	uint64_t first_ns, max_ns;
	uint64_t next_ns; /* upper end of the next wait; 0: first_ns */
	uint64_t random;  /* state; 0: seeded at the first use */
};

/** pf_backoff_next() - the wait before the next try: uniform between half and all of first_ns, then
 * of twice that, ... up to max_ns. */
uint64_t pf_backoff_next(struct pf_backoff *backoff);

/** pf_backoff_reset() - it worked: the next wait is short again. */
void pf_backoff_reset(struct pf_backoff *backoff);

/** pf_backoff_random() - uniform in [0, below); for spreading what is not a retry. */
uint64_t pf_backoff_random(struct pf_backoff *backoff, uint64_t below);

#endif
